# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A proxy with policies, their versions and attachments, as LiteLLM keeps them. It has ``get`` and ``send``."""

from __future__ import annotations

import re
from itertools import count
from typing import Any
from urllib.parse import unquote

from ansible_collections.litemaas.virtual_keys.plugins.module_utils._errors import ApiError

EMPTY: dict[str, Any] = {
    "inherit": None,
    "description": None,
    "guardrails_add": [],
    "guardrails_remove": [],
    "condition": None,
    "pipeline": None,
    "parent_version_id": None,
    "production_at": None,
    "definition_location": "db",
}
CONTENT = ("inherit", "description", "guardrails_add", "guardrails_remove", "condition", "pipeline")
TARGETS = {"scope": None, "teams": [], "keys": [], "models": [], "tags": [], "priority": None, "default": False}


class FakePolicies:
    """Knows only the requests that policies take; any other fails the test."""

    def __init__(self, version: str = "1.110.2") -> None:
        self.facts: dict[str, Any] = {"version": version, "licensed": False}
        self.last_read: dict[Any, Any] = {}
        self.versions: dict[str, dict[str, Any]] = {}
        self.attachments: dict[str, dict[str, Any]] = {}
        self.log: list[tuple[str, str, Any]] = []
        self.refused_at = ""
        self.guardrails = ["g1", "g2"]
        self.teams: list[dict[str, Any]] = []
        self.keys: list[dict[str, Any]] = []
        self.models = ["gpt-4"]
        self._numbers = count(1)

    # What a test arranges and looks at

    def put(self, name: str, status: str = "production", **columns: Any) -> dict[str, Any]:
        """Put a version of a policy there."""
        number = next(self._numbers)
        row = {**EMPTY, "policy_id": f"v{number}", "policy_name": name, "version_number": number, **columns}
        row["version_status"] = status
        if status == "production":
            row["production_at"] = f"2030-01-01T00:00:{number:02}Z"
        self.versions[row["policy_id"]] = row
        return row

    def attach(self, name: str, **targets: Any) -> dict[str, Any]:
        number = next(self._numbers)
        row = {**TARGETS, "attachment_id": f"a{number}", "policy_name": name, "created_at": f"{number:04}", **targets}
        self.attachments[row["attachment_id"]] = row
        return row

    def states(self, name: str) -> dict[str, str]:
        """The status of each version of a policy."""
        return {id_: row["version_status"] for id_, row in self.versions.items() if row["policy_name"] == name}

    @property
    def sent(self) -> list[str]:
        """The writes since the last look."""
        requests = [f"{method} {path}" for method, path, _body in self.log]
        self.log.clear()
        return requests

    # What the client does

    def get(self, path: str, params: Any = None) -> Any:
        asked = params or {}
        if path == "/policies/list":
            status = asked.get("version_status")
            rows = [row for row in self.versions.values() if status in (None, row["version_status"])]
            return {"policies": [dict(row) for row in rows]}
        if path == "/policies/attachments/list":
            return {"attachments": [dict(row) for row in self.attachments.values()]}
        if path == "/v2/guardrails/list":
            return {"guardrails": [{"guardrail_id": f"id-{name}", "guardrail_name": name} for name in self.guardrails]}
        if path == "/access_group/list":
            return {"access_groups": []}
        entries, rows = {
            "/v2/team/list": ("teams", self.teams),
            "/key/list": ("keys", self.keys),
            "/v2/model/info": (
                "data",
                [{"model_name": name, "model_info": {"id": f"id-{name}"}} for name in self.models],
            ),
        }[path]
        # LiteLLM finds an alias by a part of it.
        for name in ("team_alias", "key_alias"):
            rows = [row for row in rows if asked.get(name, "") in str(row.get(name))]
        return {entries: rows, "total_count": len(rows), "total_pages": 1}

    def send(self, path: str, body: Any = None, method: str = "POST", idempotent: bool = False) -> Any:
        assert idempotent
        self.log.append((method, path, body))
        request = f"{method} {path}"
        if self.refused_at and re.search(self.refused_at, request):
            raise ApiError("Not now.", 400)
        routes = {
            r"POST /policies": self._create,
            r"POST /policies/attachments": self._attach,
            r"DELETE /policies/attachments/([^/]+)": lambda _body, id_: self._taken(self.attachments, id_),
            r"POST /policies/name/([^/]+)/versions": self._draft,
            r"PUT /policies/([^/]+)": self._fill,
            r"PUT /policies/([^/]+)/status": self._promote,
            r"DELETE /policies/([^/]+)": lambda _body, id_: self._taken(self.versions, id_),
        }
        (found,) = ((route, match) for pattern, route in routes.items() if (match := re.fullmatch(pattern, request)))
        route, match = found
        return route(body, *map(unquote, match.groups()))

    def _taken(self, rows: dict[str, dict[str, Any]], id_: str) -> Any:
        if id_ not in rows:
            raise ApiError(f"{id_} not found", 404)
        return rows.pop(id_)

    def _create(self, body: Any) -> Any:
        if self.states(body["policy_name"]):
            raise ApiError(f"Policy with name '{body['policy_name']}' already exists", 400)
        return self.put(body["policy_name"], **{name: body[name] for name in CONTENT if name in body})

    def _attach(self, body: Any) -> Any:
        if not self.states(body["policy_name"]):
            raise ApiError(f"Policy '{body['policy_name']}' not found. Create the policy first.", 404)
        return self.attach(body["policy_name"], **{name: body[name] for name in TARGETS if name in body})

    def _draft(self, body: Any, name: str) -> Any:
        source = self.versions[body["source_policy_id"]]
        assert source["policy_name"] == name
        content = {part: source[part] for part in CONTENT}
        return self.put(name, "draft", parent_version_id=source["policy_id"], **content)

    def _fill(self, body: Any, id_: str) -> Any:
        row = self.versions[id_]
        if row["version_status"] != "draft":
            raise ApiError("Only draft versions can be updated. Publish or create a new version.", 400)
        row.update({name: part for name, part in body.items() if name in CONTENT and part is not None})
        return row

    def _promote(self, body: Any, id_: str) -> Any:
        row, status = self.versions[id_], body["version_status"]
        if status == "production":
            if row["version_status"] == "draft":
                raise ApiError("Cannot promote draft directly to production", 400)
            for other in self.versions.values():
                if other["policy_name"] == row["policy_name"] and other["version_status"] == "production":
                    other["version_status"] = "published"
            row["production_at"] = f"2030-01-02T00:00:{next(self._numbers):02}Z"
        row["version_status"] = status
        return row
