# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Access groups on a real LiteLLM: the laws of every field, the teams and keys that have one, and a chat through it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._access_group import ACCESS_GROUP
from ansible_collections.litemaas.virtual_keys.tests.integration.laws import Laws, as_declared, lacking, refused, two

pytestmark = [pytest.mark.quiet, pytest.mark.usefixtures("referred")]

TABLE = '"LiteLLM_AccessGroupTable"'


def row(sandbox, name: str) -> dict[str, Any]:
    (found,) = sandbox.rows(f"SELECT * FROM {TABLE} WHERE access_group_name = %s", name)
    return found


LAWS = Laws(
    "litellm_access_group",
    ACCESS_GROUP,
    row,
    {
        "description": two("one", "two"),
        "access_model_names": two(["gpt-4"], ["gpt-4", "no-such-model"]),
        "access_mcp_server_ids": two(["server-1"], ["server-2"]),
        "access_agent_ids": two(["a1"], ["a2"]),
        "mcp_tool_permissions": two({"m1": ["read", "write"]}, {"m2": ["read"]}),
        "access_skill_names": two(["s1"], ["s2"]),
    },
    # These have to exist.
    without={"access_group_name", "assigned_team_ids", "assigned_key_ids"},
    others={"description": "other"},
)


@pytest.fixture
def name(sandbox, alias) -> Iterator[str]:
    """The beginning of this test's names. What has it is removed at the end."""
    beginning = f"{alias} ü/"
    yield beginning
    for found in sandbox.rows(
        f"SELECT access_group_id FROM {TABLE} WHERE starts_with(access_group_name, %s)", beginning
    ):
        sandbox.call("DELETE", f"/v1/access_group/{found['access_group_id']}").raise_for_status()
    teams = sandbox.rows('SELECT team_id FROM "LiteLLM_TeamTable" WHERE starts_with(team_id, %s)', alias)
    if teams:
        sandbox.call("POST", "/team/delete", {"team_ids": [team["team_id"] for team in teams]}).raise_for_status()


@pytest.fixture
def group(run_module, name):
    """Runs litellm_access_group on this test's group."""
    return partial(run_module, "litellm_access_group", access_group_name=name)


def test_every_field_has_values() -> None:
    assert LAWS.fields_without_values == set()


@pytest.mark.parametrize("field", LAWS.examples)
def test_every_field(sandbox, run_module, name, field: str) -> None:
    LAWS.hold(sandbox, partial(run_module, access_group_name=name), field)


def test_all_fields_at_once(sandbox, run_module, name) -> None:
    LAWS.hold_together(sandbox, partial(run_module, access_group_name=name))


def assigned(sandbox, alias: str) -> dict[str, list[str]]:
    """The groups of this test's teams and keys, as these have them."""
    teams = sandbox.rows('SELECT * FROM "LiteLLM_TeamTable" WHERE starts_with(team_id, %s)', alias)
    found = {team["team_id"]: team["access_group_ids"] for team in teams}
    return {**found, **{key_alias: key["access_group_ids"] for key_alias, key in sandbox.keys(alias).items()}}


def test_teams_and_keys_have_it_and_lose_it(sandbox, run_module, group, alias) -> None:
    one, two_ = f"{alias}-t1", f"{alias}-t2"
    for team_id in (one, two_):
        assert not run_module("litellm_team", team_id=team_id, models=["gpt-4"], max_budget=5).failed
    key = run_module("litellm_key", key_alias=alias, models=["gpt-4"]).key_id
    made = as_declared(group, sandbox, 1, access_model_names=["gpt-4o-mini"], assigned_team_ids=[one, two_])
    group_id = made.access_group_id
    assert assigned(sandbox, alias) == {one: [group_id], two_: [group_id], alias: []}
    as_declared(group, sandbox, 1, assigned_team_ids=[two_], assigned_key_ids=[key])
    assert assigned(sandbox, alias) == {one: [], two_: [group_id], alias: [group_id]}
    # Nothing is to be done for them either.
    assert run_module("litellm_team", team_id=two_, models=["gpt-4"], max_budget=5).changed is False
    found = run_module("litellm_access_group_info", access_group_name=group.keywords["access_group_name"])
    assert (found.access_groups[0]["access_group_id"], found.access_groups[0]["assigned_key_ids"]) == (group_id, [key])
    as_declared(group, sandbox, 1, unset=["assigned_key_ids"])
    assert assigned(sandbox, alias) == {one: [], two_: [group_id], alias: []}
    lacking(group, sandbox, f"This takes the models of the access group from 1 team ({two_}).", state="absent")
    with sandbox.writes() as writes:
        gone = group(state="absent", force=True)
        assert group(state="absent").changed is False
    assert (gone.action, [method for method, _path, _status in writes]) == ("delete", ["DELETE"])
    assert assigned(sandbox, alias) == {one: [], two_: [], alias: []}
    # A new one of that name is another one.
    assert group(access_model_names=["gpt-4"]).access_group_id != group_id


def test_a_key_reaches_a_model_through_its_group(sandbox, run_module, group, alias) -> None:
    key = run_module("litellm_key", key_alias=alias, models=["gpt-4"])
    body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hello"}]}

    def ask() -> int:
        return sandbox.call("POST", "/v1/chat/completions", body, key=key.key).status_code

    assert ask() in (401, 403)
    as_declared(group, sandbox, 1, access_model_names=["gpt-4o-mini"], assigned_key_ids=[key.key_id])
    assert ask() == 200
    as_declared(group, sandbox, 1, access_model_names=["llama-3-70b"])
    assert ask() in (401, 403)


def test_two_names_that_begin_alike_are_two_groups(sandbox, run_module, name) -> None:
    longer = partial(run_module, "litellm_access_group", access_group_name=f"{name}-2")
    assert as_declared(longer, sandbox, 1, description="a").action == "create"
    shorter = partial(run_module, "litellm_access_group", access_group_name=name)
    assert as_declared(shorter, sandbox, 1, description="b").action == "create"
    assert row(sandbox, f"{name}-2")["description"] == "a"


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"assigned_key_ids": ["sk-a-value"]}, "assigned_key_ids: contains the value of a key."),
        ({"access_model_names": ["no-such"], "validate_models": True}, "the proxy has no model 'no-such'."),
        ({"access_group_name": " "}, "access_group_name is required and must not be blank."),
    ],
)
def test_wrong_input_writes_nothing(sandbox, run_module, name, options: dict[str, Any], sentence: str) -> None:
    run = partial(run_module, "litellm_access_group")
    refused(run, sandbox, sentence, **{"access_group_name": name, **options})


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"assigned_team_ids": ["no-such-team"]}, "the proxy has no team 'no-such-team'."),
        ({"assigned_key_ids": ["0" * 64]}, f"the proxy has no key with the ID '{'0' * 64}'."),
    ],
)
def test_what_is_not_there_is_said(sandbox, run_module, name, options: dict[str, Any], sentence: str) -> None:
    lacking(partial(run_module, "litellm_access_group", access_group_name=name), sandbox, sentence, **options)
