# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The defaults of new teams and users on a real LiteLLM: every field by its laws, and what is not declared stays."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._default_settings import (
    DEFAULT_SETTINGS,
    OF,
    TEAMS,
    USERS,
    WRITE,
)
from ansible_collections.litemaas.virtual_keys.tests.integration.laws import (
    Laws,
    as_declared,
    lacking,
    refused,
    two,
)

pytestmark = [pytest.mark.quiet, pytest.mark.usefixtures("untouched")]

# Under which names LiteLLM stores them.
STORED = {TEAMS: "default_team_params", USERS: "default_internal_user_params"}
NAMES = {row.name for row in DEFAULT_SETTINGS.fields}


def row(sandbox, kind: str) -> dict[str, Any]:
    """The defaults of a kind, and all else that is in the same row."""
    rows = sandbox.rows("SELECT param_value FROM \"LiteLLM_Config\" WHERE param_name = 'litellm_settings'")
    settings = dict(rows[0]["param_value"]) if rows else {}
    return {**(settings.pop(STORED[kind], None) or {}), "others": settings}


COMMON = {
    "max_budget": two(50, 0),
    "budget_duration": two("30d", "1mo"),
    "models": two(["gpt-4"], ["gpt-4o-mini", "gpt-4"]),
}
LAWS = {
    TEAMS: Laws(
        "litellm_default_settings",
        DEFAULT_SETTINGS,
        row,
        {
            **COMMON,
            "tpm_limit": two(1000, 0),
            "rpm_limit": two(10, 20),
            "team_member_permissions": two(["/key/generate"], ["/key/delete", "/key/update"]),
            "organization_id": two("one", "two"),
            "access_group_ids": two(["group-1"], ["group-2", "group-1"]),
        },
        without={"applies_to", "user_role", "teams"},
        others={"max_budget": 7},
        begins="update",
    ),
    USERS: Laws(
        "litellm_default_settings",
        DEFAULT_SETTINGS,
        row,
        {
            # LiteLLM does not tell whether there is a role, so that one has to be set first.
            **{name: two(one.first, one.second, beside={"user_role": "internal_user"}) for name, one in COMMON.items()},
            "user_role": two("internal_user", "proxy_admin_viewer"),
        },
        without=NAMES - {*COMMON, "user_role"},
        others={"max_budget": 7},
        begins="update",
    ),
}


@pytest.fixture(scope="module")
def untouched(sandbox) -> Iterator[None]:
    """The proxy has no defaults before these tests and after them."""

    def clear() -> None:
        sandbox.call("PATCH", WRITE[TEAMS], {}).raise_for_status()
        sandbox.call("PATCH", WRITE[USERS], dict.fromkeys(OF[USERS])).raise_for_status()

    clear()
    yield
    clear()


@pytest.fixture(params=[TEAMS, USERS])
def kind(request) -> str:
    name: str = request.param
    return name


@pytest.fixture
def defaults(run_module, sandbox):
    """Runs litellm_default_settings, for defaults that have none at the beginning."""
    for kind in (TEAMS, USERS):
        assert not run_module("litellm_default_settings", applies_to=kind, state="absent").failed
    return partial(run_module, "litellm_default_settings")


@pytest.mark.parametrize("kind", LAWS)
def test_every_field_has_values(kind: str) -> None:
    assert LAWS[kind].fields_without_values == set()


@pytest.mark.usefixtures("defaults", "referred")
@pytest.mark.parametrize(("kind", "field"), [(kind, field) for kind, laws in LAWS.items() for field in laws.examples])
def test_every_field(sandbox, run_module, kind: str, field: str) -> None:
    LAWS[kind].hold(sandbox, partial(run_module, applies_to=kind), field)


def test_all_of_the_teams_at_once(sandbox, run_module, defaults, referred) -> None:
    LAWS[TEAMS].hold_together(sandbox, partial(run_module, applies_to=TEAMS))


def test_all_of_the_users_at_once(sandbox, run_module, defaults) -> None:
    LAWS[USERS].hold_together(sandbox, partial(run_module, applies_to=USERS))


def test_new_teams_and_users_get_them_until_they_are_removed(sandbox, defaults, alias) -> None:
    def new_team(name: str) -> Any:
        answer = sandbox.call("POST", "/team/new", {"team_id": name}).json()
        sandbox.call("POST", "/team/delete", {"team_ids": [name]}).raise_for_status()
        return answer["max_budget"]

    def new_user(name: str) -> Any:
        body = {"user_id": name, "auto_create_key": False}
        sandbox.call("POST", "/user/new", body).raise_for_status()
        (user,) = sandbox.rows('SELECT max_budget, user_role FROM "LiteLLM_UserTable" WHERE user_id = %s', name)
        sandbox.call("POST", "/user/delete", {"user_ids": [name]}).raise_for_status()
        return user["max_budget"], user["user_role"]

    before = new_team(f"{alias}-1"), new_user(f"{alias}-1")
    assert defaults(applies_to=TEAMS, max_budget=31).action == "update"
    assert defaults(applies_to=USERS, max_budget=32, user_role="internal_user").action == "update"
    assert (new_team(f"{alias}-2"), new_user(f"{alias}-2")) == (31, (32, "internal_user"))
    assert defaults(applies_to=TEAMS, state="absent").action == "delete"
    assert new_team(f"{alias}-3") is None
    assert new_user(f"{alias}-3") == (32, "internal_user")
    assert defaults(applies_to=USERS, state="absent").action == "delete"
    assert (new_team(f"{alias}-4"), new_user(f"{alias}-4")) == before


def test_a_second_removal_writes_nothing(sandbox, defaults, kind: str) -> None:
    with sandbox.writes() as writes:
        assert defaults(applies_to=kind, state="absent").changed is False
    assert writes == []


def test_both_are_read(defaults, run_module) -> None:
    defaults(applies_to=TEAMS, max_budget=8)
    read = run_module("litellm_default_settings_info").default_settings
    assert [(one["applies_to"], one["max_budget"]) for one in read] == [(TEAMS, 8), (USERS, None)]
    (one,) = run_module("litellm_default_settings_info", applies_to=USERS).default_settings
    assert one["applies_to"] == USERS


def test_teams_of_new_users(sandbox, defaults, run_module, alias) -> None:
    users = partial(defaults, applies_to=USERS, user_role="internal_user")
    lacking(users, sandbox, "teams: the proxy has no team 'none such'.", teams=["none such"])
    names = [f"{alias}-1", f"{alias}-2"]
    for name in names:
        sandbox.call("POST", "/team/new", {"team_id": name}).raise_for_status()
    try:
        as_declared(users, sandbox, 1, teams=names)
        as_declared(users, sandbox, 1, teams=names[:1])
        as_declared(users, sandbox, 1, max_budget=4)
        assert row(sandbox, USERS)["teams"] == names[:1]
        as_declared(users, sandbox, 1, unset=["teams"])
        bound = {"user_role": "internal_user", "teams": [{"team_id": names[0], "max_budget_in_team": 5}]}
        sandbox.call("PATCH", WRITE[USERS], bound).raise_for_status()
        sentence = f"teams: the budget or role of {names[0]} was set elsewhere and would be lost."
        refused(users, sandbox, sentence, teams=names)
        assert users(teams=names[:1]).changed is False
    finally:
        sandbox.call("PATCH", WRITE[USERS], dict.fromkeys(OF[USERS])).raise_for_status()
        sandbox.call("POST", "/team/delete", {"team_ids": names}).raise_for_status()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"applies_to": TEAMS, "user_role": "internal_user"}, "user_role: LiteLLM has no such defaults for new teams."),
        ({"applies_to": USERS, "tpm_limit": 5}, "tpm_limit: LiteLLM has no such defaults for new users."),
        ({"applies_to": USERS, "unset": ["rpm_limit"]}, "rpm_limit: LiteLLM has no such defaults for new users."),
        ({"applies_to": TEAMS, "max_budget": -1}, "max_budget: must not be negative."),
        ({"applies_to": TEAMS, "budget_duration": "1y"}, "is not a duration"),
        ({"applies_to": TEAMS, "models": ["none such"], "validate_models": True}, "has no model 'none such'"),
        ({"applies_to": USERS, "max_budget": 5}, "user_role: set it as well."),
        ({"applies_to": "keys"}, "applies_to"),
        ({"applies_to": USERS, "unset": ["user_role"]}, "user_role"),
    ],
)
def test_wrong_input_writes_nothing(sandbox, defaults, options: dict[str, Any], sentence: str) -> None:
    with sandbox.writes() as writes:
        result = defaults(**options)
    assert result.failed
    assert sentence in result.msg
    assert writes == []
