# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Teams on a real LiteLLM: every field set, changed and cleared, each once in check mode, for real, and once more."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._team import TEAM
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._values import version_tuple

TABLE = '"LiteLLM_TeamTable"'
# Two values for each field.
FIELDS: dict[str, tuple[Any, Any]] = {
    "team_alias": ("one", "two"),
    "models": (["gpt-4"], ["gpt-4", "fake-openai"]),
    "model_aliases": ({"fast": "gpt-4"}, {"slow": "gpt-4"}),
    "max_budget": (10, 12.5),
    "soft_budget": (5, 0),
    "budget_duration": ("30d", "1d"),
    "budget_limits": (
        [{"max_budget": 2, "budget_duration": "1d"}],
        [{"max_budget": 3, "budget_duration": "1d"}, {"max_budget": 9, "budget_duration": "7d"}],
    ),
    "tpm_limit": (1000, 0),
    "rpm_limit": (10, 20),
    "model_tpm_limit": ({"gpt-4": 100}, {"gpt-4": 200}),
    "model_rpm_limit": ({"gpt-4": 1}, {"gpt-4": 0}),
    "team_member_budget": (1, 0.5),
    "team_member_budget_duration": ("7d", "1d"),
    "team_member_tpm_limit": (100, 200),
    "team_member_rpm_limit": (1, 2),
    "team_member_permissions": (["/key/generate"], ["/key/generate", "/key/delete"]),
    "default_team_member_models": (["gpt-4"], ["fake-openai"]),
    "access_group_ids": (["g1"], ["g1", "g2"]),
    "metadata": ({"course": "python"}, {"course": "go"}),
    "router_settings": ({"num_retries": 2}, {"num_retries": 3}),
    "blocked": (True, False),
}
# The identity has one value, and organizations need a license.
WITHOUT_VALUES = {"team_id", "organization_id"}


@pytest.fixture
def name(sandbox) -> Iterator[str]:
    """The beginning of this test's ids. The teams that have it are removed at the end."""
    beginning = f"t{secrets.token_hex(4)}"
    yield beginning
    query = f"SELECT team_id FROM {TABLE} WHERE starts_with(team_id, %s) OR starts_with(team_alias, %s)"
    ids = [row["team_id"] for row in sandbox.rows(query, beginning, beginning)]
    if ids:
        sandbox.call("POST", "/team/delete", {"team_ids": ids}).raise_for_status()


@pytest.fixture
def team(run_module, name):
    """Runs litellm_team on this test's team."""
    return partial(run_module, "litellm_team", team_id=f"{name} ä")


def stored(sandbox, name: str) -> dict[str, Any]:
    (row,) = sandbox.rows(f"SELECT * FROM {TABLE} WHERE team_id = %s", name)
    return row


def as_declared(team, sandbox, writes_expected: int, **options: Any) -> Any:
    """What a declaration leads to; in check mode it writes nothing, and a second time neither."""
    with sandbox.writes() as writes:
        planned = team(check=True, **options)
    assert (planned.failed, writes) == (False, [])
    with sandbox.writes() as writes:
        done = team(**options)
    assert not done.failed, done.msg
    assert (done.action, len(writes)) == (planned.action, writes_expected), writes
    assert planned.diff == done.diff
    with sandbox.writes() as writes:
        assert team(**options).changed is False
    assert writes == []
    return done


def shown(result: Any, field: str) -> Any:
    """The field as it is returned, without what the server adds to it."""
    value = result.team[field]
    if field == "budget_limits":
        return [{name: window[name] for name in ("max_budget", "budget_duration")} for window in value]
    return value


def too_old(sandbox, since: str) -> bool:
    return bool(since) and version_tuple(sandbox.litellm_version) < version_tuple(since)


def test_every_field_has_values() -> None:
    assert {row.name for row in TEAM.fields} == {*FIELDS, *WITHOUT_VALUES}


@pytest.mark.parametrize("field", FIELDS)
def test_every_field(sandbox, team, field: str) -> None:
    first, second = FIELDS[field]
    row = TEAM.field(field)
    if too_old(sandbox, row.since):
        assert f"does not know {field} (since {row.since})." in team(**{field: first}).msg
        return
    together = {"team_member_budget": 3} if field == "team_member_budget_duration" else {}
    created = as_declared(team, sandbox, 1, **{**together, field: first})
    assert (created.action, shown(created, field)) == ("create", first)
    updated = as_declared(team, sandbox, 1, **{field: second})
    assert (updated.action, shown(updated, field)) == ("update", second)
    # What was set is still there after writes of metadata and of a member's limit, which older servers forget.
    as_declared(team, sandbox, 1, metadata={"other": "entry"})
    assert team(**{field: second}).changed is False
    if too_old(sandbox, row.clear_since):
        assert f"does not clear {field} (since {row.clear_since})." in team(unset=[field]).msg
    elif field != "blocked":
        as_declared(team, sandbox, 1, unset=[field])
        assert not team(check=True).team[field] or field == "metadata"


def test_all_fields_at_once(sandbox, team) -> None:
    known = {field: values for field, values in FIELDS.items() if not too_old(sandbox, TEAM.field(field).since)}
    as_declared(team, sandbox, 1, **{field: values[0] for field, values in known.items()})
    row = stored(sandbox, team.keywords["team_id"])
    as_declared(team, sandbox, 2, **{field: values[1] for field, values in known.items()})
    assert stored(sandbox, team.keywords["team_id"])["created_at"] == row["created_at"]
    clearable = [name for name in known if name != "blocked" and not too_old(sandbox, TEAM.field(name).clear_since)]
    as_declared(team, sandbox, 2, unset=clearable)


def test_what_is_not_declared_stays(sandbox, team) -> None:
    team_id = team.keywords["team_id"]
    first = as_declared(
        team,
        sandbox,
        1,
        metadata={"a": 1},
        model_rpm_limit={"gpt-4": 5},
        max_budget=5,
        budget_duration="2d",
        team_member_budget=1,
        team_member_budget_duration="3d",
    )
    callback = {
        "callback_name": "langfuse",
        "callback_type": "success",
        "callback_vars": {"langfuse_public_key": "pk", "langfuse_secret_key": "a-callback-secret"},
    }
    sandbox.call("POST", f"/team/{team_id}/callback", callback).raise_for_status()
    before = stored(sandbox, team_id)
    result = as_declared(team, sandbox, 1, metadata={"b": 2}, max_budget=6)
    after = stored(sandbox, team_id)
    assert after["metadata"] == {**before["metadata"], "b": 2}
    assert after["budget_reset_at"] == before["budget_reset_at"]
    assert result.team["metadata"] == {"a": 1, "b": 2}
    assert result.team["team_member_budget_duration"] == first.team["team_member_budget_duration"]
    as_declared(team, sandbox, 1, metadata={"c": 3}, metadata_mode="replace")
    assert stored(sandbox, team_id)["metadata"] == {
        **{name: value for name, value in before["metadata"].items() if name != "a"},
        "c": 3,
    }


def test_by_its_alias(sandbox, run_module, name) -> None:
    run = partial(run_module, "litellm_team", team_alias=f"{name} alias")
    created = run(max_budget=3)
    assert (created.action, created.team_alias) == ("create", f"{name} alias")
    assert stored(sandbox, created.team_id)["max_budget"] == 3
    assert run(max_budget=3).changed is False
    assert run(max_budget=4).team_id == created.team_id
    other = run_module("litellm_team", team_id=f"{name}-2", team_alias=f"{name} alias")
    assert other.action == "create"
    refused = run(max_budget=5)
    assert "2 teams have this team_alias. Set team_id to identify one of them" in refused.msg
    assert {one["team_id"] for one in run_module("litellm_team_info", team_alias=f"{name} alias").teams} == {
        created.team_id,
        f"{name}-2",
    }


def test_a_team_with_keys_is_not_deleted_by_mistake(sandbox, team, run_module, alias) -> None:
    team_id = team.keywords["team_id"]
    team(models=["gpt-4"])
    made = run_module("litellm_key", key_alias=alias, team_id=team_id)
    assert not made.failed
    with sandbox.writes() as writes:
        refused = team(check=True, state="absent")
        assert team(state="absent").msg == refused.msg
    assert writes == []
    assert f"{team_id}: LiteLLM deletes the keys of a team" in refused.msg
    assert (sandbox.keys(alias)[alias]["team_id"], refused.failed) == (team_id, True)
    assert team(state="absent", force=True).action == "delete"
    assert sandbox.keys(alias) == {}
    assert team(state="absent").changed is False
    assert run_module("litellm_team_info", team_id=team_id).teams == []


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"max_budget": 0}, "max_budget: LiteLLM ignores a budget of 0"),
        ({"max_budget": -1}, "max_budget: must not be negative."),
        ({"budget_duration": "1y"}, "is not a duration"),
        ({"metadata": {"model_rpm_limit": {}}}, "metadata: use the option model_rpm_limit to set model_rpm_limit."),
        ({"metadata": {"logging": []}}, "metadata: logging is reserved for LiteLLM."),
        ({"team_member_permissions": ["create_key"]}, "team_member_permissions"),
        ({"model_tpm_limit": {"gpt-4": "many"}}, "needs a whole number"),
        ({"models": ["gpt-4"], "unset": ["models"]}, "models cannot be both set and listed in unset."),
    ],
)
def test_wrong_input_writes_nothing(sandbox, team, options: dict[str, Any], sentence: str) -> None:
    with sandbox.writes() as writes:
        result = team(**options)
    assert result.failed
    assert sentence in result.msg
    assert writes == []


def test_what_the_server_refuses_is_said(team) -> None:
    result = team(organization_id="none such")
    assert result.failed
    assert "none such" in result.msg or "rganization" in result.msg
