# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A proxy with models, as LiteLLM 1.106 keeps and shows them. It has ``get`` and ``send`` of the client."""

from __future__ import annotations

from copy import deepcopy
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from ansible_collections.litemaas.virtual_keys.plugins.module_utils._errors import ApiError
from ansible_collections.litemaas.virtual_keys.tests.unit.fake_credentials import mask

NEVER_SHOWN = {"api_key", "client_secret", "vertex_credentials", "aws_access_key_id", "aws_secret_access_key"}
RESET = {"use_in_pass_through", "use_litellm_proxy", "merge_reasoning_content_in_choices"}
CLEARED_BY_NULL = {"input_cost_per_token", "litellm_credential_name"}
ADDED = {"key": "gpt-4o", "max_tokens": 16384, "mode": "chat", "input_cost_per_token": 2.5e-06, "tpm": None}


class FakeModels:
    """Models by id, with what was sent."""

    def __init__(self, version: str = "1.106.2") -> None:
        self.models: dict[str, dict[str, Any]] = {}
        self.sent: list[tuple[str, str, Any]] = []
        self.credentials = {"known"}
        self.access_groups: list[dict[str, Any]] = []
        self.version = version
        self.facts: dict[str, Any] = {}
        self.last_read: dict[Any, Any] = {}

    def put(self, model_id: str, params: dict[str, Any], info: dict[str, Any] | None = None, **columns: Any) -> None:
        model = {"model_name": "m", "litellm_params": params, "model_info": {**(info or {}), "id": model_id}, **columns}
        self.models[model_id] = {"db_model": True, "blocked": False, **model}

    def get(self, path: str, params: Any = None) -> Any:
        parts = urlsplit(path)
        name = unquote(parts.path.rpartition("/")[2])
        if parts.path == "/v2/model/info":
            asked = parse_qs(parts.query).get("modelId")
            found = [self._shown(one) for model_id, one in self.models.items() if not asked or model_id in asked]
            return {"data": found, "total_count": len(found), "total_pages": 1}
        if parts.path.startswith("/credentials/by_model/"):
            held = self.models[name]["litellm_params"]
            return {
                "credential_name": name,
                "credential_values": {one: mask(one, value) for one, value in held.items() if one in NEVER_SHOWN},
            }
        if parts.path.startswith("/credentials/by_name/"):
            if name not in self.credentials:
                raise ApiError("Credential not found. Got credential name: x", 404)
            return {"credential_name": name, "credential_values": {}}
        if parts.path in ("/key/list", "/v2/team/list", "/user/list"):  # nobody names a model
            return {"keys": [], "teams": [], "users": [], "total_count": 0, "total_pages": 0}
        return {
            "/health/license": {"has_license": False},
            "/health/readiness/details": {"litellm_version": self.version},
            "/public/litellm_model_cost_map": {
                "gpt-4o": {name: value for name, value in ADDED.items() if name != "key"},
                "m": {"id": "m", **(self.models["m"]["model_info"] if "m" in self.models else {})},
            },
            "/v1/access_group": list(self.access_groups),
            "/router/settings": {"current_values": {}},
        }[path]

    def send(self, path: str, body: Any = None, method: str = "POST", idempotent: bool = False) -> Any:
        self.sent.append((method, path, deepcopy(body)))
        if path == "/model/new":
            info = dict(body["model_info"])
            self.put(info.pop("id"), dict(body["litellm_params"]), info, model_name=body["model_name"])
            return {"model_id": body["model_info"]["id"]}
        if path == "/model/delete":
            model = self.models.pop(body["id"], None)
            if model is None:
                raise ApiError(f"Model with id={body['id']} not found in db", 400)
            for group in self.access_groups:
                group["access_model_names"] = [n for n in group["access_model_names"] if n != model["model_name"]]
            return {"message": "deleted"}
        if path.startswith("/v1/access_group/"):
            (group,) = (one for one in self.access_groups if path.endswith(one["access_group_id"]))
            group.update(body)
            return group
        model = self.models[unquote(path.split("/")[2])]
        params = body.get("litellm_params")
        if params is not None:
            held = model["litellm_params"]
            held.update((name, False) for name in RESET if name not in params)
            held.update((name, value) for name, value in params.items() if value is not None)
            for name in CLEARED_BY_NULL & {name for name, value in params.items() if value is None}:
                held.pop(name, None)
            for name in body.get("litellm_params_to_remove", ()):
                assert name not in params, "LiteLLM refuses to set and to remove one"
                held.pop(name, None)
        model["model_info"].update(body.get("model_info") or {})
        model.update((name, body[name]) for name in ("model_name", "blocked") if name in body)
        return {"model_id": model["model_info"]["id"]}

    def _shown(self, model: dict[str, Any]) -> dict[str, Any]:
        params = {**dict.fromkeys(RESET, False), **deepcopy(model["litellm_params"])}
        for name in NEVER_SHOWN & params.keys():
            del params[name]
        for name in {name for name in params if name.endswith("_token")} - {"input_cost_per_token"}:
            if len(params[name]) >= 8:
                params[name] = params[name][:4] + "*" * (len(params[name]) - 8) + params[name][-4:]
        own = {"db_model": model["db_model"], "blocked": model["blocked"]}
        return {
            "model_name": model["model_name"],
            "litellm_params": params,
            "model_info": {**ADDED, **deepcopy(model["model_info"]), **own},
        }
