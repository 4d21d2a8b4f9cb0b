# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Teams on a real LiteLLM: every field set, changed and cleared, each once in check mode, for real, and once more."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._team import PERMISSIONS, TEAM
from ansible_collections.litemaas.virtual_keys.tests.integration.laws import (
    Laws,
    as_declared,
    lacking,
    refused,
    too_old,
    two,
    users_of,
)

pytestmark = [pytest.mark.quiet, pytest.mark.usefixtures("referred")]

TABLE = '"LiteLLM_TeamTable"'
# Rows that a team has elsewhere, by the name under which records show them: table, its id, and the team's column.
LINKED = {
    "litellm_model_table": ("LiteLLM_ModelTable", "id", "model_id"),
    "object_permission": ("LiteLLM_ObjectPermissionTable", "object_permission_id", "object_permission_id"),
}


def stored(sandbox, name: str) -> dict[str, Any]:
    (row,) = sandbox.rows(f"SELECT * FROM {TABLE} WHERE team_id = %s", name)
    return row


def linked(sandbox, table: str, column: str, value: Any) -> dict[str, Any] | None:
    rows = sandbox.rows(f'SELECT * FROM "{table}" WHERE {column} = %s', value)
    return rows[0] if rows else None


def row(sandbox, name: str) -> dict[str, Any]:
    """The team with the rows that belong to it, and what else hangs on it."""
    team = stored(sandbox, name)
    budget = (team["metadata"] or {}).get("team_member_budget_id")
    return {
        **team,
        **{name: linked(sandbox, table, id_, team[column]) for name, (table, id_, column) in LINKED.items()},
        "team_member_budget_table": linked(sandbox, "LiteLLM_BudgetTable", "budget_id", budget),
        "memberships": sandbox.rows('SELECT * FROM "LiteLLM_TeamMembership" WHERE team_id = %s ORDER BY 1', name),
        "users": users_of(sandbox, name),
        "keys": sandbox.rows('SELECT * FROM "LiteLLM_VerificationToken" WHERE team_id = %s ORDER BY token', name),
    }


OF_MEMBERS = {"team_member_budget": 3}
LAWS = Laws(
    "litellm_team",
    TEAM,
    row,
    {
        "team_alias": two("one", "two"),
        "models": two(["gpt-4"], ["gpt-4", "fake-openai"]),
        "model_aliases": two({"fast": "gpt-4"}, {"slow": "gpt-4"}, at="litellm_model_table", moves=("model_id",)),
        "max_budget": two(10, 12.5),
        "soft_budget": two(5, 0),
        "budget_duration": two("30d", "1d", moves=("budget_reset_at",)),
        "budget_limits": two(
            [{"max_budget": 2, "budget_duration": "1d"}],
            [{"max_budget": 3, "budget_duration": "1d"}, {"max_budget": 9, "budget_duration": "7d"}],
        ),
        "tpm_limit": two(1000, 0),
        "rpm_limit": two(10, 20),
        "model_tpm_limit": two({"gpt-4": 100}, {"gpt-4": 200}),
        "model_rpm_limit": two({"gpt-4": 1}, {"gpt-4": 0}),
        "tpd_limit": two(10_000, 2**40),
        "model_max_budget": two(
            {"gpt-4": {"max_budget": 1, "budget_duration": "1d"}}, {"gpt-4": {"max_budget": 2, "budget_duration": "1d"}}
        ),
        "mcp_rpm_limit": two({"github": 5}, {"github": 0, "jira": 7}),
        "tpm_limit_type": two("best_effort_throughput", "guaranteed_throughput"),
        "rpm_limit_type": two("best_effort_throughput", "guaranteed_throughput"),
        "default_estimated_output_tokens": two(100, 200),
        "default_estimated_output_tokens_per_model": two({"gpt-4": 100}, {"gpt-4": 200, "fake-openai": 1}),
        "allowed_vector_store_indexes": two(
            [{"index_name": "a", "index_permissions": ["read"]}], [{"index_name": "b", "index_permissions": ["write"]}]
        ),
        "enforced_batch_output_expires_after": two(
            {"anchor": "created_at", "seconds": 86400}, {"anchor": "created_at", "seconds": 90000}
        ),
        "enforced_file_expires_after": two(
            {"anchor": "created_at", "seconds": 86400}, {"anchor": "created_at", "seconds": 90000}
        ),
        "require_trace_id": two(True, False),
        "tags": two(["a"], ["b"]),
        "guardrails": two(["no-pii"], ["no-code"]),
        "disable_global_guardrails": two(True, False),
        "policies": two(["strict"], ["lenient"]),
        "prompts": two(["greeting"], ["farewell"]),
        "allowed_passthrough_routes": two(["/mine"], ["/other"]),
        "denied_passthrough_routes": two(["/mine"], ["/other"]),
        "team_member_key_duration": two("1d", "2d"),
        "object_permission": two(
            {"vector_stores": ["store-1", "store-2"], "agents": ["a1"]},
            {"vector_stores": ["store-2"]},
            shown=(
                {"vector_stores": ["store-1", "store-2"], "agents": ["a1"]},
                {"vector_stores": ["store-2"], "agents": ["a1"]},
            ),
        ),
        "team_member_budget": two(1, 0.5),
        "team_member_budget_duration": two(
            "7d", "1d", beside=OF_MEMBERS, moves=("team_member_budget_table.budget_reset_at",)
        ),
        "team_member_tpm_limit": two(100, 200),
        "team_member_rpm_limit": two(1, 2),
        "team_member_permissions": two(["/key/generate"], ["/key/generate", "/key/delete"]),
        "default_team_member_models": two(["gpt-4"], ["fake-openai"]),
        "access_group_ids": two(["group-1"], ["group-1", "group-2"]),
        "metadata": two({"course": "python"}, {"course": "go"}),
        "router_settings": two({"num_retries": 2}, {"num_retries": 3}),
        "blocked": two(True, False),
    },
    # The identity has one value, and organizations need a license.
    without={"team_id", "organization_id"},
    # Older servers forget with it what they keep in metadata.
    others={"metadata": {"other": "entry"}},
)


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


def test_every_field_has_values() -> None:
    assert LAWS.fields_without_values == set()


@pytest.mark.parametrize("field", LAWS.examples)
def test_every_field(sandbox, run_module, name, field: str) -> None:
    LAWS.hold(sandbox, partial(run_module, team_id=f"{name} ä"), field)


def test_all_fields_at_once(sandbox, run_module, name) -> None:
    LAWS.hold_together(
        sandbox, partial(run_module, team_id=f"{name} ä"), changes=2, clears=2 if too_old(sandbox, "1.90.0") else 3
    )


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
    assert "a-callback-secret" not in result.output
    assert {**result.team["metadata"], "logging": None} == {"a": 1, "b": 2, "logging": None}
    assert result.team["team_member_budget_duration"] == first.team["team_member_budget_duration"]
    as_declared(team, sandbox, 1, metadata={"c": 3}, metadata_mode="replace")
    assert stored(sandbox, team_id)["metadata"] == {
        **{name: value for name, value in before["metadata"].items() if name not in ("a", "logging")},
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
    refused(run, sandbox, "2 teams have this team_alias. Set team_id to identify one of them (", max_budget=5)
    assert {one["team_id"] for one in run_module("litellm_team_info", team_alias=f"{name} alias").teams} == {
        created.team_id,
        f"{name}-2",
    }


def test_a_team_with_keys_is_not_deleted_by_mistake(sandbox, team, run_module, alias) -> None:
    team_id = team.keywords["team_id"]
    team(models=["gpt-4"])
    made = run_module("litellm_key", key_alias=alias, team_id=team_id)
    assert not made.failed
    lost = f"{team_id}: LiteLLM deletes the keys of a team together with the team, and this team has 1: {alias}."
    lacking(team, sandbox, f"{lost} To continue, set force: true.", state="absent")
    assert sandbox.keys(alias)[alias]["team_id"] == team_id
    planned = team(check=True, state="absent", force=True)
    assert (planned.action, lost in str(planned.warnings), len(sandbox.keys(alias))) == ("delete", True, 1)
    done = team(state="absent", force=True)
    assert (done.action, lost in str(done.warnings)) == ("delete", True)
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
        ({"metadata": {"secret_manager_settings": {}}}, "metadata: secret_manager_settings is reserved for LiteLLM."),
        ({"team_member_permissions": ["create_key"]}, "team_member_permissions"),
        ({"model_tpm_limit": {"gpt-4": "many"}}, "needs a whole number"),
        ({"model_max_budget": {"gpt-4": 5}}, "needs 'max_budget' and 'budget_duration' for gpt-4."),
        ({"default_estimated_output_tokens": 0}, "must be above 0."),
        ({"team_id": "litellm-dashboard"}, "'litellm-dashboard' is reserved for LiteLLM."),
        ({"models": ["gpt-4"], "unset": ["models"]}, "models cannot be both set and listed in unset."),
    ],
)
def test_wrong_input_writes_nothing(sandbox, team, options: dict[str, Any], sentence: str) -> None:
    with sandbox.writes() as writes:
        result = team(**options)
    assert result.failed
    assert sentence in result.msg
    assert writes == []


def test_a_deleted_budget_of_the_members_is_named(sandbox, team, run_module) -> None:
    team(team_member_budget=2)
    budget = stored(sandbox, team.keywords["team_id"])["metadata"]["team_member_budget_id"]
    sandbox.call("POST", "/budget/delete", {"id": budget}).raise_for_status()
    refused(team, sandbox, f"the budget {budget}, in which LiteLLM keeps", team_member_budget=3)
    assert team(max_budget=9).action == "update"
    sandbox.call("POST", "/budget/new", {"budget_id": budget}).raise_for_status()
    as_declared(team, sandbox, 1, team_member_budget=3)


def test_permissions_that_the_server_does_not_know_are_refused(sandbox, team) -> None:
    for permission, since in PERMISSIONS.items():
        if too_old(sandbox, since):
            reason = (
                f"team_member_permissions: LiteLLM {sandbox.litellm_version} on this proxy does not know {permission}"
            )
            refused(team, sandbox, reason, team_member_permissions=[permission])
    known = [permission for permission, since in PERMISSIONS.items() if not too_old(sandbox, since)]
    as_declared(team, sandbox, 1, team_member_permissions=known)
    team_id = team.keywords["team_id"]
    sandbox.call("POST", "/team/member_add", {"team_id": team_id, "member": {"role": "user", "user_id": team_id}})
    own = sandbox.call("POST", "/key/generate", {"user_id": team_id}).json()["key"]
    made = sandbox.call("POST", "/key/generate", {"team_id": team_id}, key=own)
    assert made.status_code == 200, made.text
    for value in (own, made.json()["key"]):
        sandbox.call("POST", "/key/delete", {"keys": [value]}).raise_for_status()
    sandbox.call("POST", "/user/delete", {"user_ids": [team_id]}).raise_for_status()


def test_what_the_server_refuses_is_said(team) -> None:
    result = team(organization_id="none such")
    assert result.failed
    assert "none such" in result.msg or "rganization" in result.msg


def test_numbers_arrive_as_text(sandbox, run_module, name) -> None:
    """As templates give them: what LiteLLM makes numbers of, or stores as text that limits nothing."""
    team = partial(run_module, "litellm_team", team_id=name)
    text = {
        "model_rpm_limit": {"gpt-4": "5"},
        "router_settings": {"num_retries": "3", "timeout": "30.5", "retry_policy": {"TimeoutErrorRetries": "2"}},
    }
    done = as_declared(team, sandbox, 1, **text)
    assert done.team["model_rpm_limit"] == {"gpt-4": 5}
    assert done.team["router_settings"]["retry_policy"] == {"TimeoutErrorRetries": 2}
    refused(team, sandbox, "model_rpm_limit: needs a whole number", model_rpm_limit={"gpt-4": "5.5"})


def test_a_team_moves_into_an_organization_together_with_the_values_that_fit_it(sandbox, run_module, name) -> None:
    """LiteLLM compares what the team has, not what is sent with the organization, with that organization."""
    limits = ({"max_budget": 5, "tpm_limit": 500}, {"max_budget": 50})
    budget, spare = (sandbox.call("POST", "/budget/new", body).json()["budget_id"] for body in limits)
    # Only licensed proxies make organizations; all let teams refer to them.
    for organization, models in ((name, "{gpt-4o-mini}"), (f"{name}-other", "{gpt-4}")):
        sandbox.execute(
            'INSERT INTO "LiteLLM_OrganizationTable" (organization_id, organization_alias, budget_id, models, '
            "created_by, updated_by) VALUES (%s, %s, %s, %s, 'test', 'test')",
            *(organization, organization, budget if organization == name else spare, models),
        )
    team = partial(run_module, "litellm_team", team_id=name)
    try:
        assert not team(models=["gpt-4"], max_budget=10, tpm_limit=1000).failed
        fitting = {"models": ["gpt-4o-mini"], "max_budget": 4, "tpm_limit": 100}
        done = as_declared(team, sandbox, 2, organization_id=name, **fitting)
        assert {one: done.team[one] for one in fitting} == fitting
        other = {"models": ["gpt-4"], "max_budget": 10, "tpm_limit": 1000}
        done = as_declared(team, sandbox, 4, organization_id=f"{name}-other", metadata={"room": 2}, **other)
        assert {one: done.team[one] for one in other} == other
        assert not as_declared(team, sandbox, 2, unset=["organization_id"], models=["gpt-4", "gpt-4o-mini"]).failed
        with sandbox.writes() as written:
            wrong = team(organization_id=name)
        assert wrong.failed and "gpt-4" in wrong.msg and "api_key" not in wrong.msg and len(written) == 1
        assert stored(sandbox, name)["organization_id"] is None
    finally:
        sandbox.call("POST", "/team/delete", {"team_ids": [name]})
        sandbox.execute('DELETE FROM "LiteLLM_OrganizationMembership" WHERE starts_with(organization_id, %s)', name)
        sandbox.execute('DELETE FROM "LiteLLM_OrganizationTable" WHERE starts_with(organization_id, %s)', name)
