# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Members of a team on a real LiteLLM: added in few requests, in their roles, and none lost."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._values import version_tuple

ADMIN = {"user_id": "default_user_id", "role": "admin"}


@pytest.fixture
def team(sandbox) -> Iterator[str]:
    """A team of this test."""
    team_id = f"t{secrets.token_hex(4)} ä"
    sandbox.call("POST", "/team/new", {"team_id": team_id}).raise_for_status()
    yield team_id
    sandbox.call("POST", "/team/delete", {"team_ids": [team_id]}).raise_for_status()
    users = [row["user_id"] for row in sandbox.rows(USERS, team_id)]
    if users:
        sandbox.call("POST", "/user/delete", {"user_ids": users}).raise_for_status()


USERS = 'SELECT user_id FROM "LiteLLM_UserTable" WHERE starts_with(user_id, %s)'


@pytest.fixture
def members(run_module, team):
    return partial(run_module, "litellm_team_members", team_id=team)


def roster(sandbox, team: str) -> list[dict[str, Any]]:
    (row,) = sandbox.rows('SELECT members_with_roles FROM "LiteLLM_TeamTable" WHERE team_id = %s', team)
    return [{name: member[name] for name in ("user_id", "role")} for member in row["members_with_roles"]]


def named(team: str, *names: str, **more: Any) -> list[dict[str, Any]]:
    return [{"user_id": f"{team}{name}", **more} for name in names]


def test_members_are_added_once_and_others_stay(sandbox, run_module, members, team) -> None:
    people = named(team, "ann@e", "ben ü/@e")
    with sandbox.writes() as writes:
        planned = members(check=True, members=people)
    assert writes == []
    with sandbox.writes() as writes:
        done = members(members=people)
    assert (done.action, done.team, done.diff) == (planned.action, planned.team, planned.diff)
    assert [path for _method, path, _status in writes] == ["/team/member_add"]
    users = [{**one, "role": "user"} for one in people]
    assert roster(sandbox, team) == done.team["members"] == [ADMIN, *users]
    with sandbox.writes() as writes:
        assert members(members=list(reversed(people))).changed is False
        assert members(members=[{**people[0], "role": "user"}]).changed is False
    assert writes == []
    members(members=named(team, "cem@e"))
    assert roster(sandbox, team) == [ADMIN, *users, *named(team, "cem@e", role="user")]
    (read,) = run_module("litellm_team_members_info", team_id=team).teams
    assert read == {"team_id": team, "members": roster(sandbox, team)}
    assert read in run_module("litellm_team_members_info").teams
    assert run_module("litellm_team_members_info", team_id="none such").teams == []


def test_no_list_is_longer_than_a_transaction_may_take(sandbox, members, team) -> None:
    people = named(team, *(f"p{number}" for number in range(60)))
    with sandbox.writes() as writes:
        assert members(members=people).changed
    assert [status for _method, _path, status in writes] == [200] * 3
    assert {one["user_id"] for one in roster(sandbox, team)} == {ADMIN["user_id"], *(one["user_id"] for one in people)}


def test_a_role_is_changed_alone(sandbox, members, team) -> None:
    people = named(team, "ann@e")
    members(members=people)
    wanted = [{"user_id": ADMIN["user_id"], "role": "user"}, *people]
    if version_tuple(sandbox.litellm_version) < (1, 90):
        assert "cannot change a role without removing budgets" in members(members=wanted).msg
        return
    with sandbox.writes() as writes:
        assert members(members=wanted).action == "update"
    assert [path for _method, path, _status in writes] == ["/team/member_update"]
    assert roster(sandbox, team)[0] == wanted[0]
    assert members(members=wanted).changed is False


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ([{"user_id": " "}], "members: user_id must not be blank."),
        ([{"user_id": "a"}, {"user_id": "b"}, {"user_id": "a"}], "members: a is listed more than once."),
        ([{"user_id": "a", "role": "admin"}], "members, a: the role admin needs a LiteLLM Enterprise license"),
    ],
)
def test_wrong_input_writes_nothing(sandbox, members, wrong: list[dict[str, Any]], sentence: str) -> None:
    with sandbox.writes() as writes:
        assert sentence in members(members=wrong).msg
    assert writes == []


def test_the_team_must_be_there(sandbox, run_module) -> None:
    with sandbox.writes() as writes:
        refused = run_module("litellm_team_members", team_id="none such", members=[{"user_id": "a"}])
    assert (refused.msg, writes) == ("none such: the proxy has no team with this team_id.", [])


def test_a_key_of_nobody_of_the_team_is_told_what_to_do(run_module, alias, team, members) -> None:
    owner = named(team, "ann@e")
    run_module("litellm_key", key_alias=alias, user_id=owner[0]["user_id"])
    refused = run_module("litellm_key", key_alias=alias, team_id=team)
    assert "is not a member of the team" in refused.msg
    assert "Add the user to the team first, with litellm_team_members." in refused.msg
    members(members=owner)
    assert run_module("litellm_key", key_alias=alias, team_id=team).action == "update"
