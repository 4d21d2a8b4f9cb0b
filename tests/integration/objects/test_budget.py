# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Budgets on a real LiteLLM: the laws of every field, and who is bound by one that is to be deleted."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._budget import BUDGET
from ansible_collections.litemaas.virtual_keys.tests.integration.laws import Laws, as_declared, lacking, refused, two

pytestmark = pytest.mark.quiet

TABLE = '"LiteLLM_BudgetTable"'


def row(sandbox, name: str) -> dict[str, Any]:
    (found,) = sandbox.rows(f"SELECT * FROM {TABLE} WHERE budget_id = %s", name)
    return {
        **found,
        "keys": sandbox.rows('SELECT * FROM "LiteLLM_VerificationToken" WHERE budget_id = %s ORDER BY token', name),
        "customers": sandbox.rows('SELECT * FROM "LiteLLM_EndUserTable" WHERE budget_id = %s ORDER BY user_id', name),
    }


LAWS = Laws(
    "litellm_budget",
    BUDGET,
    row,
    {
        "max_budget": two(12.5, 0),
        "soft_budget": two(5, 6),
        # The date of the next reset stays on older versions when the period is gone.
        "budget_duration": two("30d", "1d", moves=("budget_reset_at",)),
        "tpm_limit": two(1000, 0),
        "rpm_limit": two(10, 20),
        "tpd_limit": two(1000, 2000),
        "max_parallel_requests": two(3, 4),
        "model_max_budget": two({"gpt-4": {"max_budget": 1, "budget_duration": "1d"}}, {}),
    },
    without={"budget_id"},
    others={"soft_budget": 1},
)


@pytest.fixture
def name(sandbox, alias) -> Iterator[str]:
    """The beginning of this test's ids. What has it is removed at the end."""
    beginning = f"{alias} ü/"
    yield beginning
    for path, name in (("/tag/delete", "name"), ("/customer/delete", "user_ids"), ("/team/delete", "team_ids")):
        sandbox.call("POST", path, {name: alias if name == "name" else [alias]})
    for found in sandbox.rows(f"SELECT budget_id FROM {TABLE} WHERE starts_with(budget_id, %s)", beginning):
        sandbox.call("POST", "/budget/delete", {"id": found["budget_id"]}).raise_for_status()


def test_every_field_has_values() -> None:
    assert LAWS.fields_without_values == set()


@pytest.mark.parametrize("field", LAWS.examples)
def test_every_field(sandbox, run_module, name, field: str) -> None:
    LAWS.hold(sandbox, partial(run_module, budget_id=name), field)


def test_all_fields_at_once(sandbox, run_module, name) -> None:
    LAWS.hold_together(sandbox, partial(run_module, budget_id=name))


def test_an_equal_period_does_not_move_the_reset(sandbox, run_module, name) -> None:
    budget = partial(run_module, "litellm_budget", budget_id=name)
    as_declared(budget, sandbox, 1, budget_duration="30d", max_budget=1)
    sandbox.execute(f"UPDATE {TABLE} SET budget_reset_at = '2031-01-01' WHERE budget_id = %s", name)
    done = as_declared(budget, sandbox, 1, budget_duration="30d", max_budget=2)
    assert done.budget["budget_reset_at"].startswith("2031-01-01")


def test_a_budget_that_is_gone_is_created_and_not_updated(sandbox, run_module, name) -> None:
    """LiteLLM answers 200 to the update and to the deletion of a budget that does not exist."""
    budget = partial(run_module, "litellm_budget", budget_id=name)
    assert as_declared(budget, sandbox, 1, max_budget=2).action == "create"
    sandbox.call("POST", "/budget/delete", {"id": name}).raise_for_status()
    assert as_declared(budget, sandbox, 1, max_budget=3).action == "create"
    assert budget(state="absent").action == "delete"
    with sandbox.writes() as writes:
        assert budget(state="absent").changed is False
    assert (writes, run_module("litellm_budget_info", budget_id=name).budgets) == ([], [])


def test_a_budget_that_limits_others_is_not_deleted_by_mistake(sandbox, run_module, name, alias) -> None:
    budget = partial(run_module, "litellm_budget", budget_id=name)
    budget(max_budget=2)
    for number in (1, 2):
        assert not run_module("litellm_key", key_alias=f"{alias}-{number}", budget_id=name).failed
    sandbox.call("POST", "/customer/new", {"user_id": alias, "budget_id": name}).raise_for_status()
    sandbox.call("POST", "/tag/new", {"name": alias, "budget_id": name, "models": []}).raise_for_status()
    before = row(sandbox, name)
    keys = f"2 keys ({alias}-1, {alias}-2)"
    lost = f"This would remove the limits of {keys}, 1 customer ({alias}), 1 tag ({alias}). To continue"
    lacking(budget, sandbox, lost, state="absent")
    assert row(sandbox, name) == before
    assert budget(check=True, state="absent", force=True).action == "delete"
    assert budget(state="absent", force=True).action == "delete"
    assert budget(state="absent").changed is False
    assert {key["budget_id"] for key in sandbox.keys(alias).values()} == {None}


def test_the_budget_of_a_teams_members_is_not_deleted_by_mistake(sandbox, run_module, name, alias) -> None:
    """LiteLLM makes these itself. Without it, it would refuse all requests of the team's members."""
    run_module("litellm_team", team_id=alias, team_member_budget=1)
    sandbox.call("POST", "/team/member_add", {"team_id": alias, "member": [{"user_id": alias, "role": "user"}]})
    (team,) = sandbox.rows('SELECT metadata FROM "LiteLLM_TeamTable" WHERE team_id = %s', alias)
    result = run_module("litellm_budget", budget_id=team["metadata"]["team_member_budget_id"], state="absent")
    assert result.failed
    assert "remove the limits of 1 team" in result.msg
    sandbox.call("POST", "/user/delete", {"user_ids": [alias]})


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"max_budget": -1}, "max_budget: must not be negative."),
        ({"budget_duration": "1y"}, "is not a duration"),
        ({"max_parallel_requests": 2**31}, "max_parallel_requests: must not be above"),
        ({"max_budget": 1, "unset": ["max_budget"]}, "max_budget cannot be both set and listed in unset."),
        ({"budget_id": " "}, "budget_id is required and must not be blank."),
    ],
)
def test_wrong_input_writes_nothing(sandbox, run_module, name, options: dict[str, Any], sentence: str) -> None:
    refused(partial(run_module, "litellm_budget"), sandbox, sentence, **{"budget_id": name, **options})
