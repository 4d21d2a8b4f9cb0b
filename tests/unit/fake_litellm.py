# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""
A LiteLLM in memory, in the place of the client: what it does with keys, and what goes wrong when a test asks for it.

Rows and refusals are recorded ones. It knows only the requests that it lists; any other fails the test.
"""

from __future__ import annotations

import re
import secrets
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from ansible_collections.litemaas.virtual_keys.plugins.module_utils._errors import ApiError
from ansible_collections.litemaas.virtual_keys.tests.tooling.server import token_of

from .answers import body, key_row, page, recorded

NOW = datetime(2030, 1, 31, 12, tzinfo=UTC)
WRITES = ("/key/generate", "/key/service-account/generate", "/key/update", "/key/reset_spend", "/key/delete")
IN_METADATA = (
    "model_rpm_limit",
    "model_tpm_limit",
    "rpm_limit_type",
    "tpm_limit_type",
    "enforced_params",
    "guardrails",
    "tags",
    "policies",
    "prompts",
    "allowed_passthrough_routes",
)
LISTS_AND_DICTS = {name: value for name, value in key_row().items() if isinstance(value, (list, dict))}


def refusal(name: str) -> ApiError:
    """A recorded refusal as the client raises it."""
    exchange = recorded(name)
    error = exchange["body"]["error"]
    message = re.sub(r"^\{'\w+': '(.*)'\}$", r"\1", error["message"])
    return ApiError(message, exchange["status"], type=error["type"], code=error["code"], param=error["param"] or "")


def no_answer() -> ApiError:
    return ApiError("The connection broke.", code="connection", may_have_applied=True)


@dataclass
class Fault:
    """What happens at one request: ``before`` it is carried out, ``after``, and what is ``raised`` then."""

    before: Callable[[], None] | None = None
    after: Callable[[], None] | None = None
    raised: ApiError | None = None
    carried_out: bool = True


class FakeLiteLLM:
    """Has ``get``, ``send``, ``now``, ``past`` and ``warnings`` of the client."""

    def __init__(self, version: str | None = "1.106.2") -> None:
        self.version = version
        self.keys: dict[str, dict[str, Any]] = {}
        self.log: list[tuple[str, Any]] = []
        self.teams = {"team"}
        self.organization_of: dict[str, str | None] = {}
        self.models_of: dict[str, list[str]] = {}
        self.budgets = {"budget"}
        self.licensed = False
        self.values_allowed = True
        self.alias_pattern = r".*"
        self.ignored: set[str] = set()
        self.naps: list[float] = []
        self.warnings: list[str] = []
        self.facts: dict[str, Any] = {}
        self.last_read: dict[Any, Any] = {}
        self._times: Counter[str] = Counter()
        self._faults: dict[tuple[str, int], Fault] = {}
        self._clock = 0

    # What a test arranges and looks at

    def add(self, alias: str | None, value: str = "", age: int = 0, **columns: Any) -> dict[str, Any]:
        """Put a key there; ``age`` makes it older (or, negative, younger) than by the order of adding."""
        self._clock += 1
        value = value or f"sk-{secrets.token_hex(16)}"
        empty = {"models": [], "max_budget": None, "expires": None, "user_id": None, "metadata": {}}
        row = key_row(**{**empty, "key_alias": alias, "token": token_of(value), "key_name": f"sk-...{value[-4:]}"})
        created = NOW - timedelta(days=1) + timedelta(seconds=self._clock - age)
        row |= {"created_at": created.isoformat(), **columns}
        self.keys[row["token"]] = row
        return row

    def fault(self, path: str, number: int = 1, **parts: Any) -> None:
        """What goes wrong at a request to a path, by its number."""
        self._faults[(path, self._times[path] + number)] = Fault(**parts)

    def lose_answer(self, path: str, number: int = 1, carried_out: bool = True) -> None:
        self.fault(path, number, raised=no_answer(), carried_out=carried_out)

    def aliases(self) -> list[str]:
        return sorted(row["key_alias"] for row in self.keys.values())

    def only(self, alias: str) -> dict[str, Any]:
        (row,) = (row for row in self.keys.values() if row["key_alias"] == alias)
        return row

    @property
    def writes(self) -> list[tuple[str, Any]]:
        return [(path, data) for path, data in self.log if path in WRITES]

    def asked(self, path: str) -> list[Any]:
        return [data for asked, data in self.log if asked == path]

    # What the client does

    def now(self) -> datetime:
        return NOW

    def past(self) -> datetime:
        return NOW

    def get(self, path: str, params: dict[str, Any] | None = None) -> Any:
        routes = {
            "/health/readiness/details": self._details,
            "/health/readiness": lambda _: body("readiness"),
            "/health/license": lambda _: body("license", has_license=self.licensed),
            "/key/list": self._list,
            "/key/aliases": self._aliases,
            "/key/info": self._info,
            "/team/info": self._team,
            "/v2/team/list": lambda _: {"teams": [], "total": 0, "total_pages": 0},
            "/organization/info": lambda _: self._refuse("organization_unlicensed"),
            "/v2/model/info": lambda _: body("models"),
            "/v1/mcp/server": lambda _: [{"server_id": "m"}],
            "/v1/access_group": lambda _: [{"access_group_id": "g", "access_group_name": "group"}],
            "/access_group/list": lambda _: body("access_groups", access_groups=[{"access_group": "beta"}]),
        }
        return self._carry_out(routes[path], path, params or {})

    def send(self, path: str, body: Any = None, method: str = "POST", idempotent: bool = False) -> Any:
        assert method == "POST"
        assert idempotent == (not path.endswith("/generate")), f"{path} with idempotent={idempotent}"
        routes = {
            "/key/generate": self._generate,
            "/key/service-account/generate": self._generate,
            "/key/update": self._update,
            "/key/delete": self._delete,
            "/v2/key/info": self._rows,
            "/budget/info": lambda sent: [{"budget_id": one} for one in sent["budgets"] if one in self.budgets],
        }
        spending = re.fullmatch(r"/key/([0-9a-f]{64})/reset_spend", path)
        if spending:
            return self._carry_out(lambda sent: self._reset(spending[1], sent), "/key/reset_spend", body)
        return self._carry_out(routes[path], path, body)

    def sleep(self, seconds: float) -> None:
        self.naps.append(seconds)

    def _carry_out(self, route: Callable[[Any], Any], path: str, data: Any) -> Any:
        self.log.append((path, data))
        self.last_read.clear()  # as the client does
        self._times[path] += 1
        fault = self._faults.pop((path, self._times[path]), Fault())
        if fault.before:
            fault.before()
        answer = route(data) if fault.carried_out else None
        if fault.after:
            fault.after()
        if fault.raised:
            raise fault.raised
        return answer

    # Routes

    def _refuse(self, name: str) -> Any:
        if "error" not in recorded(name)["body"]:
            raise ApiError(str(recorded(name)["body"]), recorded(name)["status"])
        raise refusal(name)

    def _details(self, _request: Any) -> Any:
        if self.version is None:
            raise ApiError("Not Found", 404)
        return body("readiness_details", litellm_version=self.version)

    def _team(self, params: Any) -> Any:
        name = params["team_id"]
        if name not in self.teams:
            return self._refuse("team_unknown")
        team = {"organization_id": self.organization_of.get(name), "models": self.models_of.get(name, [])}
        return {"team_id": name, "team_info": {"team_id": name, **team}}

    def _list(self, params: Any) -> Any:
        assert (params["sort_by"], params["return_full_object"]) == ("token", "true"), "pages shift without an order"
        alias = params.get("key_alias", "")
        part = params.get("substring_matching") == "true"
        rows = [
            row
            for _token, row in sorted(self.keys.items())
            if (not alias or (alias in (row["key_alias"] or "") if part else alias == row["key_alias"]))
            and params.get("key_hash", row["token"]) == row["token"]
        ]
        size, number = params["size"], params["page"]
        assert size <= 100
        pages = -(-len(rows) // size)
        shown = rows[(number - 1) * size : number * size]
        return {**page(*map(dict, shown)), "total_count": len(rows), "total_pages": pages, "current_page": number}

    def _aliases(self, params: Any) -> Any:
        listed = [alias for alias in self.aliases() if params["search"].lower() in alias.lower()]
        size, number = params["size"], params["page"]
        assert size <= 100
        shown = listed[(number - 1) * size : number * size]
        pages = -(-len(listed) // size)
        answer = {"aliases": shown, "total_count": len(listed), "current_page": number, "total_pages": pages}
        return body("aliases", **answer)

    def _info(self, params: Any) -> Any:
        row = dict(self.keys[params["key"]])
        row["organization_id"] = row.pop("org_id")
        del row["token"]
        return {"key": params["key"], "info": row}

    def _rows(self, sent: Any) -> Any:
        (kind, names), *more = sent.items()
        assert not more
        assert 0 < len(names) <= 500
        field = {"keys": "token", "key_aliases": "key_alias"}[kind]
        rows = [{**row} for row in self.keys.values() if row[field] in names]
        for row in rows:
            del row["token"]
        return {"key": names, "info": rows}

    def _taken(self, alias: str, but: str = "") -> bool:
        return any(row["key_alias"] == alias for token, row in self.keys.items() if token != but)

    def _check_alias(self, alias: str, but: str = "") -> None:
        if not re.fullmatch(self.alias_pattern, alias):
            raise ApiError("Invalid key_alias format. It must match the pattern.", 400)
        if self._taken(alias, but):
            raise refusal("alias_taken")

    def _generate(self, sent: Any) -> Any:
        if "key" in sent and not self.values_allowed:
            raise refusal("values_forbidden")
        self._check_alias(sent["key_alias"])
        value = sent.get("key") or f"sk-{secrets.token_hex(16)}"
        if token_of(value) in self.keys:  # success, and nothing happens
            return body("generate", key=value, token=token_of(value), key_alias=sent["key_alias"])
        row = self.add(sent["key_alias"], value, spend=sent.get("spend", 0.0))
        self._store(row, {name: part for name, part in sent.items() if part is not None and name != "key"})
        answer = {**body("generate"), **row, "key": value, "organization_id": row["org_id"]}
        return {name: part for name, part in answer.items() if name not in ("soft_budget", "org_id")}

    def _update(self, sent: Any) -> Any:
        row = self.keys.get(sent["key"])
        if row is None:
            raise refusal("update_unknown")
        changes = {name: part for name, part in sent.items() if name != "key"}
        for name, part in changes.items():
            assert not (part is None and name in LISTS_AND_DICTS), f"null for {name} spoils the row"
        if "key_alias" in changes:
            self._check_alias(changes["key_alias"], row["token"])
        of_team = self.models_of.get(changes.get("team_id") or "")
        if of_team and changes["team_id"] != row["team_id"] and set(row["models"]) - {*of_team, "all-team-models"}:
            raise ApiError("The team is not allowed to call model.", 403, type="team_model_access_denied")
        self._store(row, changes)
        answer = {**body("update"), **row, "key": sent["key"], "organization_id": row["org_id"]}
        return {name: part for name, part in answer.items() if name != "org_id"}

    def _reset(self, token: str, sent: Any) -> Any:
        self.keys[token]["spend"] = sent["reset_to"]
        return {"key_hash": token, "spend": sent["reset_to"]}

    def _store(self, row: dict[str, Any], sent: dict[str, Any]) -> None:
        sent = {name: part for name, part in sent.items() if name not in self.ignored}
        metadata = sent.pop("metadata", row["metadata"])
        row["metadata"] = {**metadata, **{name: sent.pop(name) for name in IN_METADATA if name in sent}}
        if "duration" in sent:
            duration = sent.pop("duration")
            end = None if duration == "-1" else NOW + timedelta(seconds=int(duration.removesuffix("s")))
            row["expires"] = end and end.isoformat()
        if "organization_id" in sent:
            row["org_id"] = sent.pop("organization_id")
        if "soft_budget" in sent:
            row["litellm_budget_table"] = {"soft_budget": sent.pop("soft_budget")}
        row |= {name: part for name, part in sent.items() if name in row}

    def _delete(self, sent: Any) -> Any:
        assert set(sent) == {"keys"}
        assert all(re.fullmatch(r"[0-9a-f]{64}", token) for token in sent["keys"]), "delete by token, not by value"
        gone = [self.keys.pop(token) for token in sent["keys"] if token in self.keys]
        if not gone:
            raise refusal("delete_unknown")
        return {"deleted_keys": sent["keys"]}
