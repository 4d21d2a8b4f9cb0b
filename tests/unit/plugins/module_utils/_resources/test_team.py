# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a team's writes must carry along, so that an older LiteLLM forgets nothing."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._batch import converge
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._errors import ApiError, InputError
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
        self.last_read: dict[Any, Any] = {}
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
        memberships.append({"user_id": "default_user_id", "budget_id": "own"})  # as older versions make the creator one
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


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"team_id": "litellm-dashboard"}, "'litellm-dashboard' is reserved for LiteLLM"),
        ({"max_budget": 0.0}, "LiteLLM ignores a budget of 0"),
        ({"max_budget": -1.0}, "max_budget"),
        ({"model_max_budget": {"m": 5}}, "needs 'max_budget' and 'budget_duration' for m"),
        ({"model_max_budget": {"m": {"max_budget": 5}}}, "for m"),
        ({"model_max_budget": {"m": {"max_budget": True, "budget_duration": "1d"}}}, "for m"),
        ({"model_max_budget": {"m": {"max_budget": 5, "budget_duration": "soon"}}}, "for m"),
        ({"default_estimated_output_tokens": 0}, "must be above 0"),
        ({"default_estimated_output_tokens_per_model": {"m": 0}}, "each number must be above 0"),
        ({"default_estimated_output_tokens_per_model": {"m": "many"}}, "default_estimated_output_tokens_per_model"),
    ],
)
def test_what_litellm_would_ignore_or_break_on_is_refused(options: dict[str, Any], problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        Team().declare({"team_id": "t", **options}, "present")


def test_budgets_by_model_that_are_whole_are_taken() -> None:
    budgets = {"m": {"max_budget": 5, "budget_duration": "1d"}}
    want = Team().declare(
        {"team_id": "t", "model_max_budget": budgets, "default_estimated_output_tokens": 1}, "present"
    )
    assert (want.fields["model_max_budget"], want.fields["default_estimated_output_tokens"]) == (budgets, 1)


def test_a_permission_that_the_proxy_does_not_know_is_refused() -> None:
    """LiteLLM takes any, and with one that it does not know refuses new keys to every member."""
    known, newer = "/spend/logs/v2", "/auto_router/manage"
    with pytest.raises(InputError) as error:
        written(team_member_permissions=[known, newer])
    text = "team_member_permissions: LiteLLM 1.90.7 on this proxy does not know /auto_router/manage (since 1.106.2)."
    assert text in str(error.value)
    assert written(team_member_permissions=[known])[0][1]["team_member_permissions"] == [known]


class Taking(Recorder):
    """A proxy that takes what it is sent for a team with other columns."""

    def __init__(self, **columns: Any) -> None:
        super().__init__()
        self.team = {**STORED, **columns}

    def get(self, path: str, params: Any = None) -> Any:
        if path == "/organization/info":
            return {"organization_id": params["organization_id"]}
        if path == "/v2/model/info":
            return {"data": [], "total_count": 0, "total_pages": 0}
        assert path.startswith("/team/info")
        return {"team_id": "t", "team_info": self.team, "keys": [], "team_memberships": []}

    def send(self, path: str, body: Any = None, method: str = "POST", idempotent: bool = False) -> Any:
        self.sent.append((path, body))
        self.team = {**self.team, **body}
        return {"team_id": "t", "data": self.team}

    def converge(self, **options: Any) -> list[Any]:
        converge(Team().store(self, {}), [Team().declare({"team_id": "t", **options}, "present")])
        assert {path for path, _body in self.sent} <= {"/team/update"}
        return [{name: value for name, value in body.items() if name != "team_id"} for _path, body in self.sent]


@pytest.mark.parametrize(
    ("present", "options", "parts"),
    [
        # Alone, or beside what LiteLLM does not compare, it is a part of the update.
        ("old", {"organization_id": "new"}, [{"organization_id": "new"}]),
        ("old", {"organization_id": "old", "tpm_limit": 5}, [{"tpm_limit": 5}]),
        (
            "old",
            {"organization_id": "new", "tpm_limit": 5},
            [{"organization_id": None}, {"tpm_limit": 5}, {"organization_id": "new"}],
        ),
        (None, {"organization_id": "new", "models": ["m"]}, [{"models": ["m"]}, {"organization_id": "new"}]),
        ("old", {"unset": ["organization_id"], "rpm_limit": 5}, [{"organization_id": None}, {"rpm_limit": 5}]),
    ],
)
def test_a_team_leaves_one_organization_before_its_limits_change_and_joins_the_other_last(
    present: str | None, options: dict[str, Any], parts: list[Any]
) -> None:
    assert Taking(organization_id=present).converge(**options) == parts


def test_limits_of_members_whose_budget_was_deleted_are_refused() -> None:
    gone = Taking(team_member_budget_table=None)
    with pytest.raises(InputError, match=r"the budget b, in which LiteLLM keeps the limits .* was deleted"):
        gone.converge(team_member_rpm_limit=9)
    assert gone.sent == []
    assert gone.converge(tpm_limit=5) == [{"tpm_limit": 5}]


def test_a_team_with_nothing_to_lose_goes_without_force() -> None:
    proxy = Taking()
    store = Team().store(proxy, {})
    wants = [Team().declare({"team_id": "t"}, "absent")]
    plans = store.plans(wants)
    assert [plan.action for plan in plans] == ["delete"]
    assert not store.missing(wants, plans)


def test_an_update_loses_nothing() -> None:
    store = Team().store(Owner(), {})
    wants = [Team().declare({"team_id": "t", "tpm_limit": 5}, "present")]
    assert not store.missing(wants, store.plans(wants))
