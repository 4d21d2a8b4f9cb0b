# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a write of default settings carries along, since it replaces all of them, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._batch import converge
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._crud._shared_rows import SharedRowStore
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._engine import Outcome
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._errors import ApiError, InputError
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._default_settings import (
    READ,
    WRITE,
    DefaultSettings,
)

NO_TEAMS: dict[str, Any] = {
    **dict.fromkeys(("max_budget", "budget_duration", "tpm_limit", "rpm_limit", "team_member_permissions")),
    **dict.fromkeys(("organization_id", "access_group_ids")),
    "models": [],
}
NO_USERS: dict[str, Any] = {**dict.fromkeys(("max_budget", "budget_duration", "user_role", "teams")), "models": []}


class Proxy:
    """A proxy with both settings, in memory. It fails the test on any request that it does not know."""

    def __init__(self, teams: dict[str, Any] | None = None, users: dict[str, Any] | None = None) -> None:
        self.stored = {"teams": {**NO_TEAMS, **(teams or {})}, "users": {**NO_USERS, **(users or {})}}
        self.facts: dict[str, Any] = {"version": "1.110.2", "licensed": True}
        self.last_read: dict[Any, Any] = {}
        self.sent: list[tuple[str, Any]] = []

    def get(self, path: str, params: Any = None) -> Any:
        if path == "/team/info":
            if params["team_id"] != "t":
                raise ApiError("Team not found, passed team id", 404)
            return {"team_info": {"team_id": "t"}}
        if path == "/v2/team/list":
            return {"teams": [{"team_id": "t", "team_alias": "the team"}], "total": 1, "total_pages": 1}
        if path == "/v2/model/info":
            rows = [{"model_name": "m", "model_info": {"id": "1"}}]
            return {"data": rows, "total_count": 1, "total_pages": 1}
        if path == "/access_group/list":
            return {"access_groups": []}
        (kind,) = (kind for kind, read in READ.items() if read == path)
        shown = dict(self.stored[kind])
        if kind == "users":
            shown["user_role"] = shown["user_role"] or "internal_user_viewer"
            teams = [
                {"team_id": one, "user_role": "user"} if isinstance(one, str) else one for one in shown["teams"] or ()
            ]
            shown["teams"] = teams or None
        return {"values": shown}

    def send(self, path: str, body: Any = None, method: str = "POST", idempotent: bool = False) -> Any:
        assert method == "PATCH"
        self.sent.append((path, body))
        (kind,) = (kind for kind, write in WRITE.items() if write == path)
        assert set(body) <= set(self.stored[kind])
        self.stored[kind] = {**(NO_TEAMS if kind == "teams" else NO_USERS), **body}
        return {}


def declared(proxy: Proxy, kind: str, state: str = "present", check: bool = False, **options: Any) -> Outcome:
    want = DefaultSettings().declare({"applies_to": kind, **options}, state)
    store = SharedRowStore(DefaultSettings(), proxy, lambda _seconds: None)  # type: ignore[arg-type]
    (outcome,) = converge(store, [want], check)
    return outcome


def test_a_write_carries_all_that_it_would_replace() -> None:
    proxy = Proxy({"max_budget": 5.0, "models": ["m"], "team_member_permissions": ["/key/info"]})
    outcome = declared(proxy, "teams", tpm_limit=7, unset=["models"])
    assert (outcome.action, outcome.error) == ("update", None)
    kept = {"max_budget": 5.0, "team_member_permissions": ["/key/info"]}
    assert proxy.sent == [(WRITE["teams"], {**NO_TEAMS, **kept, "tpm_limit": 7, "models": []})]
    assert declared(proxy, "teams", tpm_limit=7, unset=["models"]).action == "none"
    assert len(proxy.sent) == 1


def test_a_check_sends_nothing() -> None:
    proxy = Proxy()
    assert declared(proxy, "teams", check=True, max_budget=1.0).action == "update"
    assert proxy.sent == []


def test_a_deletion_clears_all_values_of_one_kind() -> None:
    proxy = Proxy({"max_budget": 5.0}, {"max_budget": 6.0, "user_role": "internal_user"})
    assert declared(proxy, "users", "absent").action == "delete"
    assert proxy.sent == [(WRITE["users"], NO_USERS)]
    assert proxy.stored["teams"]["max_budget"] == 5.0
    assert declared(proxy, "teams", "absent").action == "delete"
    assert proxy.sent[1:] == [(WRITE["teams"], NO_TEAMS)]


@pytest.mark.parametrize("kind", ["teams", "users"])
def test_there_is_nothing_to_delete_where_nothing_is_set(kind: str) -> None:
    proxy = Proxy()
    assert declared(proxy, kind, "absent").action == "none"
    assert proxy.sent == []


def test_teams_of_new_users_are_compared_by_their_ids() -> None:
    proxy = Proxy(users={"user_role": "internal_user", "teams": [{"team_id": "s", "user_role": "user"}]})
    assert declared(proxy, "users", teams=["s"]).action == "none"
    assert declared(proxy, "users", teams=["t"]).action == "update"
    assert proxy.stored["users"]["teams"] == ["t"]


@pytest.mark.parametrize("more", [{"user_role": "admin"}, {"user_role": "user", "max_budget_in_team": 1.0}])
def test_teams_with_a_budget_or_a_role_are_not_lost(more: dict[str, Any]) -> None:
    proxy = Proxy(users={"user_role": "internal_user", "teams": [{"team_id": "s", **more}, {"team_id": "t", **more}]})
    refusal = r"teams: the budget or role of s, t was set elsewhere and would be lost\. Remove it there first\."
    for state, options in (("present", {"teams": ["t"]}), ("present", {"unset": ["teams"]}), ("absent", {})):
        with pytest.raises(InputError, match=refusal):
            declared(proxy, "users", state, **options)
    assert proxy.sent == []
    assert declared(proxy, "users", max_budget=1.0).action == "update"
    assert proxy.stored["users"]["teams"][0] == {"team_id": "s", **more}


def test_a_role_that_may_only_be_shown_is_not_stored_unasked() -> None:
    proxy = Proxy()
    with pytest.raises(InputError, match=r"user_role: set it as well\. LiteLLM shows internal_user_viewer also if"):
        declared(proxy, "users", max_budget=1.0)
    assert proxy.sent == []
    assert declared(proxy, "users", max_budget=1.0, user_role="internal_user").action == "update"
    assert declared(proxy, "users", max_budget=2.0).action == "update"


def test_teams_that_are_not_there_are_refused_unless_nobody_looks() -> None:
    with pytest.raises(InputError, match=r"teams: the proxy has no team 'gone'\."):
        declared(Proxy(), "users", teams=["t", "gone"], user_role="internal_user")
    named = declared(Proxy(), "users", teams=["the team"], user_role="internal_user")
    assert [team["team_id"] for team in named.record["teams"]] == ["t"]  # type: ignore[index]
    unlooked = {"teams": ["t", "gone"], "user_role": "internal_user", "validate_references": False}
    assert declared(Proxy(), "users", **unlooked).action == "update"


def test_models_are_looked_up_if_that_is_asked_for() -> None:
    with pytest.raises(InputError, match=r"models: the proxy has no model 'gone'\."):
        declared(Proxy(), "teams", models=["m", "gone"], validate_models=True)
    assert declared(Proxy(), "teams", models=["m", "gone"]).action == "update"


@pytest.mark.parametrize(
    ("kind", "options", "wrong"),
    [
        ("users", {"tpm_limit": 1, "max_budget": 1.0}, "tpm_limit: LiteLLM has no such defaults for new users"),
        ("users", {"unset": ["organization_id"]}, "organization_id: LiteLLM has no such defaults for new users"),
        ("teams", {"user_role": "internal_user"}, "user_role: LiteLLM has no such defaults for new teams"),
    ],
)
def test_fields_of_the_other_kind_are_refused(kind: str, options: dict[str, Any], wrong: str) -> None:
    with pytest.raises(InputError, match=wrong):
        DefaultSettings().declare({"applies_to": kind, **options}, "present")


def test_what_is_set_is_declared() -> None:
    nothing = dict.fromkeys(DefaultSettings().info_options)
    proxy = Proxy(users={"teams": ["t"], "user_role": "internal_user"})
    read = DefaultSettings().read(proxy, {**nothing, "declaration": True})["default_settings"]  # type: ignore[arg-type]
    teams, users = read
    assert (teams["declaration"], teams["not_declared"]) == (None, {"": "nothing is set."})
    assert users["declaration"] == {"applies_to": "users", "user_role": "internal_user", "teams": ["t"]}
