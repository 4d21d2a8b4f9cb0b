# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Teams by alias and people by address, wherever exactly one bears it; what nobody or several bear is refused."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.tests.integration.laws import as_declared, lacking, refused

pytestmark = pytest.mark.quiet


@pytest.fixture
def name(sandbox) -> Iterator[str]:
    beginning = f"t{secrets.token_hex(4)}"
    yield beginning
    keys = [alias for alias in sandbox.keys(beginning) if alias]
    if keys:
        sandbox.call("POST", "/key/delete", {"key_aliases": keys}).raise_for_status()
    for table, column in (
        ("LiteLLM_TeamMembership", "team_id"),
        ("LiteLLM_TeamTable", "team_id"),
        ("LiteLLM_UserTable", "user_id"),
        ("LiteLLM_AccessGroupTable", "access_group_name"),
    ):
        sandbox.execute(f'DELETE FROM "{table}" WHERE starts_with({column}, %s)', beginning)


@pytest.fixture
def people(run_module, name) -> str:
    """Two teams with the aliases "<name> one" and "<name> both", of which a third one bears the second; and Ann."""
    for number, alias in ((1, "one"), (2, "both"), (3, "both")):
        assert run_module("litellm_team", team_id=f"{name}-{number}", team_alias=f"{name} {alias}").changed
    assert run_module("litellm_user", user_id=f"{name}-ann", user_email=f"{name}.Ann@Example.com").changed
    return name


def team_of(sandbox, alias: str) -> Any:
    return sandbox.keys(alias)[alias]["team_id"]


def test_the_team_of_a_key(sandbox, run_module, people) -> None:
    def key(**options: Any) -> Any:
        return run_module("litellm_key", key_alias=f"{people}-k", **options)

    as_declared(key, sandbox, 1, team_id=f"{people} one")
    assert team_of(sandbox, f"{people}-k") == f"{people}-1"
    assert not key(team_id=f"{people}-1").changed
    several = f"team_id: 2 teams are called '{people} both'. Set the ID of one of them ({people}-2, {people}-3)."
    refused(key, sandbox, several, team_id=f"{people} both")
    lacking(key, sandbox, f"team_id: the proxy has no team '{people} none'.", team_id=f"{people} none")
    many = [{"key_alias": f"{people}-{number}", "team_id": f"{people} one"} for number in range(3)]
    assert run_module("litellm_keys", virtual_keys=many).changed
    with sandbox.writes() as writes:
        assert not run_module("litellm_keys", virtual_keys=many).changed
    assert writes == []
    assert {team_of(sandbox, one["key_alias"]) for one in many} == {f"{people}-1"}


def test_the_teams_of_an_access_group(sandbox, run_module, people) -> None:
    def group(**options: Any) -> Any:
        return run_module("litellm_access_group", access_group_name=people, **options)

    as_declared(group, sandbox, 1, assigned_team_ids=[f"{people} one", f"{people}-2"])
    (row,) = sandbox.rows('SELECT * FROM "LiteLLM_AccessGroupTable" WHERE access_group_name = %s', people)
    assert sorted(row["assigned_team_ids"]) == [f"{people}-1", f"{people}-2"]
    refused(group, sandbox, "assigned_team_ids: 2 teams are called", assigned_team_ids=[f"{people} both"])
    lacking(group, sandbox, "the proxy has no team 'no such team'.", assigned_team_ids=["no such team"])


def test_members_by_address_in_a_team_by_alias(sandbox, run_module, people) -> None:
    def members(*declared: dict[str, Any], team: str = f"{people} one", **options: Any) -> Any:
        return run_module("litellm_team_members", team_id=team, members=list(declared), **options)

    email = f"{people}.ann@example.com"

    def ann(**options: Any) -> Any:
        return members({"user_email": email, "max_budget_in_team": 3}, **options)

    as_declared(ann, sandbox, 1)
    info = run_module("litellm_team_members_info", team_id=f"{people}-1")
    (found,) = [one for one in info.teams[0]["members"] if one["user_id"] == f"{people}-ann"]
    assert found["max_budget_in_team"] == 3
    assert not members({"user_id": f"{people}-ann", "max_budget_in_team": 3}, team=f"{people}-1").changed

    def wrong(**options: Any) -> Any:
        return members(options.pop("member"), **options)

    nobody = {"user_email": f"{people}.ben@example.com"}
    lacking(wrong, sandbox, f"no user has the address {people}.ben@example.com.", member=nobody)
    both = {"user_id": f"{people}-ann", "user_email": email}
    refused(wrong, sandbox, "each member needs either user_id or user_email.", member=both)
    refused(wrong, sandbox, "each member needs either user_id or user_email.", member={"role": "user"})
    refused(wrong, sandbox, f"2 teams are called '{people} both'", member={"user_email": email}, team=f"{people} both")
    twice = members({"user_email": email}, {"user_id": f"{people}-ann"})
    assert f"{people}-ann is listed more than once." in twice.msg
    # Since when several have it, LiteLLM refuses that itself.
    sandbox.execute('INSERT INTO "LiteLLM_UserTable" (user_id, user_email) VALUES (%s, %s)', f"{people}-x", email)
    several = f"2 users have the address {email}. Set user_id of one of them"
    refused(wrong, sandbox, several, member={"user_email": email})
    done = members({"user_id": f"{people}-ann"}, mode="replace", prune_limit=-1)
    assert not done.failed


def test_a_user_by_address(sandbox, run_module, people) -> None:
    email = f"{people}.ANN@example.com"

    def user(**options: Any) -> Any:
        return run_module("litellm_user", user_email=options.pop("email", email), **options)

    changed = as_declared(user, sandbox, 1, max_budget=5)
    assert changed.user["user_id"] == f"{people}-ann"
    (row,) = sandbox.rows('SELECT * FROM "LiteLLM_UserTable" WHERE user_id = %s', f"{people}-ann")
    assert (row["max_budget"], row["user_email"]) == (5, f"{people}.Ann@Example.com")
    refused(user, sandbox, "no user has this user_email. To create one, set user_id.", email="nobody@example.com")
    sandbox.execute('INSERT INTO "LiteLLM_UserTable" (user_id, user_email) VALUES (%s, %s)', f"{people}-x", email)
    refused(user, sandbox, "2 users have this user_email. Set user_id to identify one of them (", max_budget=6)
    sandbox.execute('DELETE FROM "LiteLLM_UserTable" WHERE user_id = %s', f"{people}-x")
    run_module("litellm_key", key_alias=f"{people}-k", user_id=f"{people}-ann")
    assert f"this user has 1: {people}-k." in user(state="absent").msg
    assert user(state="absent", force=True).action == "delete"
    assert not user(state="absent").changed


def test_the_spending_of_a_user_is_reset_once_for_each_text(sandbox, run_module, people) -> None:
    def user(**options: Any) -> Any:
        return run_module("litellm_user", user_id=f"{people}-ann", **options)

    def spent(amount: float | None = None) -> Any:
        if amount is not None:
            change = {"user_id": f"{people}-ann", "spend": amount}
            sandbox.call("POST", "/user/update", change).raise_for_status()
        (row,) = sandbox.rows('SELECT spend FROM "LiteLLM_UserTable" WHERE user_id = %s', f"{people}-ann")
        return row["spend"]

    user(metadata={"course": "python"})
    assert spent(5.5) == 5.5
    done = as_declared(user, sandbox, 1, reset_spend="june", max_budget=9)
    assert (done.diff["before"]["spend"], done.diff["after"]["spend"]) == (5.5, 0.0)
    assert (spent(), done.user["spend"], done.user["metadata"]) == (0, 0, {"course": "python"})
    spent(4.5)
    assert not user(reset_spend="june").changed
    as_declared(user, sandbox, 1, metadata={"more": 1})
    assert spent() == 4.5
    as_declared(user, sandbox, 1, reset_spend="july")
    assert spent() == 0
    created = run_module("litellm_user", user_id=f"{people}-new", reset_spend="june")
    assert created.action == "create"
    with sandbox.writes() as writes:
        assert not run_module("litellm_user", user_id=f"{people}-new", reset_spend="june").changed
    assert writes == []
    refused(user, sandbox, "reset_spend: must not be blank.", reset_spend=" ")
    reserved = "metadata: use the option reset_spend to set litellm_vkey_reset_spend."
    refused(user, sandbox, reserved, metadata={"litellm_vkey_reset_spend": "x"})


@pytest.mark.since("1.98.0")  # older versions sometimes refuse requests for a while longer
def test_a_reset_is_felt_at_once(sandbox, run_module, people) -> None:
    run_module("litellm_user", user_id=f"{people}-ann", max_budget=5)
    key = run_module("litellm_key", key_alias=f"{people}-k", user_id=f"{people}-ann").key
    sandbox.call("POST", "/user/update", {"user_id": f"{people}-ann", "spend": 6}).raise_for_status()
    chat = {"model": "gpt-4", "messages": [{"role": "user", "content": "x"}]}
    assert "over budget" in sandbox.call("POST", "/chat/completions", chat, key=key).text
    assert run_module("litellm_user", user_id=f"{people}-ann", reset_spend="june").changed
    assert sandbox.call("POST", "/chat/completions", chat, key=key).status_code == 200
