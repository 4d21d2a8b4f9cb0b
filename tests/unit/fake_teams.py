# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A proxy with teams, for what its answers may do to the client. It has ``get`` and ``send`` of the client."""

from __future__ import annotations

from typing import Any

from ansible_collections.litemaas.virtual_keys.plugins.module_utils._errors import ApiError

EMPTY: dict[str, Any] = {
    "team_alias": None,
    "organization_id": None,
    "models": [],
    "max_budget": None,
    "metadata": {},
    "team_member_permissions": [],
    "litellm_model_table": None,
    "router_settings": None,
    "blocked": False,
    "spend": 0.5,
}


class FakeTeams:
    """Teams by id, as LiteLLM shows them."""

    def __init__(self) -> None:
        self.teams: dict[str, dict[str, Any]] = {}

    def put(self, team_id: str, **columns: Any) -> None:
        self.teams[team_id] = {**EMPTY, "team_id": team_id, **columns}

    def get(self, path: str, params: Any = None) -> Any:
        if path == "/team/info":
            team = self.teams.get(params["team_id"])
            if team is None:
                raise ApiError(f"Team not found, passed team id: {params['team_id']}.", 404)
            return {"team_id": team["team_id"], "team_info": team, "keys": [], "team_memberships": []}
        return {
            "/v2/team/list": {"teams": list(self.teams.values()), "total": len(self.teams), "total_pages": 1},
            "/v2/model/info": {"data": [], "total_count": 0, "total_pages": 0},
            "/health/license": {"has_license": False},
            "/health/readiness/details": {"litellm_version": "1.106.2"},
        }[path]

    def send(self, path: str, body: Any = None, method: str = "POST", idempotent: bool = False) -> Any:
        if path == "/team/delete":
            return [self.teams.pop(team_id) for team_id in body["team_ids"]]
        team = self.teams.setdefault(body["team_id"], dict(EMPTY))
        team.update(body)
        return {"team_id": body["team_id"], "data": team}
