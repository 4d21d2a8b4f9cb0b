# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a team's writes must carry along, so that an older LiteLLM forgets nothing."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._batch import converge
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._errors import ApiError
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._team import Team

STORED: dict[str, Any] = {
    "team_id": "t",
    "max_budget": 5.0,
    "metadata": {"a": 1, "model_rpm_limit": {"m": 5}, "team_member_budget_id": "b", "logging": [{"x": 1}]},
    "team_member_budget_table": {"max_budget": None, "rpm_limit": 7, "budget_duration": "1d"},
    "team_member_permissions": [],
    "object_permission": {"object_permission_id": "o", "vector_stores": ["v"], "agents": [], "teams": None},
}


class Recorder:
    """A proxy with one team, which stores nothing and notes what it is sent."""

    def __init__(self) -> None:
        self.facts: dict[str, Any] = {"licensed": True, "version": "1.90.7"}
        self.sent: list[tuple[str, Any]] = []

    def get(self, path: str, params: Any = None) -> Any:
        if path == "/v2/guardrails/list":
            return {
                "guardrails": [{"guardrail_id": name, "guardrail_name": name} for name in ("g", "g1", "g2", "no-pii")]
            }
        assert path == "/team/info?key_limit=1&team_id=t"
        return {"team_id": "t", "team_info": STORED}

    def send(self, path: str, body: Any = None, method: str = "POST", idempotent: bool = False) -> Any:
        self.sent.append((path, body))
        raise ApiError("enough", 400)


def written(**options: Any) -> list[tuple[str, Any]]:
    proxy = Recorder()
    converge(Team().store(proxy, {}), [Team().declare({"team_id": "t", **options}, "present")])
    return proxy.sent


@pytest.mark.parametrize(
    ("options", "body"),
    [
        ({"max_budget": 6.0}, {"max_budget": 6.0}),
        (
            {"metadata": {"b": 2}},
            {"metadata": {**STORED["metadata"], "b": 2}, "team_member_rpm_limit": 7},
        ),
        (
            {"model_rpm_limit": {"m": 6}},
            {"metadata": {**STORED["metadata"], "model_rpm_limit": {"m": 6}}, "team_member_rpm_limit": 7},
        ),
        (
            {"unset": ["model_rpm_limit", "metadata"]},
            {"metadata": {"team_member_budget_id": "b"}, "team_member_rpm_limit": 7},
        ),
        (
            {"guardrails": ["no-pii"], "disable_global_guardrails": False},
            {"metadata": {**STORED["metadata"], "guardrails": ["no-pii"]}, "team_member_rpm_limit": 7},
        ),
        ({"object_permission": {"agents": ["a"], "vector_stores": ["v"]}}, {"object_permission": {"agents": ["a"]}}),
        ({"unset": ["object_permission"]}, {"object_permission": {"vector_stores": []}}),
        ({"team_member_rpm_limit": 8}, {"metadata": STORED["metadata"], "team_member_rpm_limit": 8}),
        (
            {"team_member_budget": 2.0},
            {"metadata": STORED["metadata"], "team_member_budget": 2.0},
        ),
    ],
)
def test_an_update_carries_all_that_it_would_replace(options: dict[str, Any], body: dict[str, Any]) -> None:
    assert written(**options) == [("/team/update", {"team_id": "t", **body})]


def test_limits_of_members_are_cleared_alone() -> None:
    """LiteLLM up to 1.98 ignores that beside a limit that is set, and forgets the others with metadata beside it."""
    assert written(unset=["team_member_rpm_limit"]) == [
        ("/team/update", {"team_id": "t", "team_member_rpm_limit": None})
    ]


def test_permissions_have_a_request_of_their_own() -> None:
    permissions = ["/key/generate"]
    sent = [("/team/permissions_update", {"team_id": "t", "team_member_permissions": permissions})]
    assert written(team_member_permissions=permissions) == sent


class Owner(Recorder):
    """A proxy on which the team has a key, members, and a model of its own."""

    facts: dict[str, Any] = {"version": "1.110.2", "licensed": True}

    def get(self, path: str, params: Any = None) -> Any:
        if path == "/v2/model/info":
            infos = ({"id": "m", "team_id": "t"}, {"id": "n", "team_id": "u"}, {"id": "o"})
            rows = [{"model_name": "x", "model_info": info} for info in infos]
            return {"data": rows, "total_count": 3, "total_pages": 1}
        memberships = [{"user_id": "ann", "budget_id": "own"}, {"user_id": "ben", "budget_id": "b"}, {"user_id": "cem"}]
        keys = [{"key_alias": "one"}, {"key_alias": None}]
        return {"team_id": "t", "team_info": STORED, "keys": keys, "team_memberships": memberships}


def test_what_goes_with_a_team_is_said() -> None:
    store = Team().store(Owner(), {})
    wants = [Team().declare({"team_id": "t"}, "absent")]
    lost = next(iter(store.missing(wants, store.plans(wants))))
    assert lost == (
        "LiteLLM deletes the models of a team together with the team: 1 model (m). LiteLLM deletes the keys of a team "
        "together with the team, and this team has 2: a key without an alias, one. Its members have limits in it: ann. "
        "To continue, set O(force): true."
    )
