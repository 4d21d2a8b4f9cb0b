# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Customers on a real LiteLLM: every field by its laws, and no limit of somebody else changed."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._customer import CUSTOMER
from ansible_collections.litemaas.virtual_keys.tests.integration.laws import Laws, as_declared, lacking, refused, two

pytestmark = pytest.mark.quiet

TABLE = '"LiteLLM_EndUserTable"'
BUDGET = {"max_budget": 50}


def row(sandbox, name: str) -> dict[str, Any]:
    """The customer with its budget."""
    (customer,) = sandbox.rows(f"SELECT * FROM {TABLE} WHERE user_id = %s", name)
    budgets = sandbox.rows('SELECT * FROM "LiteLLM_BudgetTable" WHERE budget_id = %s', customer["budget_id"])
    return {**customer, "litellm_budget_table": budgets[0] if budgets else {}}


LAWS = Laws(
    "litellm_customer",
    CUSTOMER,
    row,
    {
        "alias": two("one", "two"),
        "max_budget": two(10, 0),
        "soft_budget": two(5, 6),
        "budget_duration": two("30d", "1d", moves=("litellm_budget_table.budget_reset_at",)),
        "tpm_limit": two(1000, 0),
        "rpm_limit": two(10, 20),
        "max_parallel_requests": two(1, 2),
        "models": two(["gpt-4"], ["gpt-4", "fake-openai"]),
        "default_model": two("gpt-4", "gpt-4o-mini"),
        "allowed_model_region": two("eu", "us"),
        "blocked": two(False, True),
    },
    # A budget has to be there: test_a_shared_budget.
    without={"user_id", "budget_id"},
    others={"alias": "other"},
)


@pytest.fixture
def name(sandbox) -> Iterator[str]:
    """The id of this test's customer. All whose ids begin with it are removed at the end."""
    beginning = f"c {secrets.token_hex(4)}+ä/"
    yield beginning
    rows = sandbox.rows(f"SELECT user_id, budget_id FROM {TABLE} WHERE starts_with(user_id, %s)", beginning)
    if rows:
        sandbox.call("POST", "/customer/delete", {"user_ids": [row["user_id"] for row in rows]}).raise_for_status()
    for budget in {row["budget_id"] for row in rows} - {None}:
        sandbox.call("POST", "/budget/delete", {"id": budget}).raise_for_status()


@pytest.fixture
def customer(run_module, name):
    """Runs litellm_customer on this test's customer."""
    return partial(run_module, "litellm_customer", user_id=name)


@pytest.fixture
def budget(sandbox) -> str:
    """A budget for several customers. It goes with those who have it."""
    budget_id = f"b{secrets.token_hex(4)}"
    sandbox.call("POST", "/budget/new", {"budget_id": budget_id, "max_budget": 7}).raise_for_status()
    return budget_id


def test_every_field_has_values() -> None:
    assert LAWS.fields_without_values == set()


@pytest.mark.parametrize("field", LAWS.examples)
def test_every_field(sandbox, run_module, name, field: str) -> None:
    LAWS.hold(sandbox, partial(run_module, user_id=name), field)


def test_all_fields_at_once(sandbox, run_module, name) -> None:
    LAWS.hold_together(sandbox, partial(run_module, user_id=name), changes=2, clears=2)


def test_limits_of_a_customer_that_has_none(sandbox, customer, name) -> None:
    customer(alias="one")
    refused(customer, sandbox, "tpm_limit: set max_budget as well.", tpm_limit=5)
    done = as_declared(customer, sandbox, 2, tpm_limit=5, max_budget=3, budget_duration="1d")
    assert (done.customer["tpm_limit"], done.customer["max_budget"]) == (5, 3)
    before = row(sandbox, name)["litellm_budget_table"]
    as_declared(customer, sandbox, 1, tpm_limit=6, max_budget=3, budget_duration="1d")
    after = row(sandbox, name)["litellm_budget_table"]
    assert (after["budget_reset_at"], after["tpm_limit"]) == (before["budget_reset_at"], 6)


def test_a_shared_budget(sandbox, run_module, customer, name, budget) -> None:
    other = partial(run_module, "litellm_customer", user_id=f"{name}2")
    lacking(customer, sandbox, "budget_id: the proxy has no budget 'none such'.", budget_id="none such")
    as_declared(customer, sandbox, 1, budget_id=budget)
    refused(
        customer, sandbox, f"the customer has the budget '{budget}', which can apply to others as well.", max_budget=8
    )
    other(max_budget=3)
    moved = as_declared(other, sandbox, 1, budget_id=budget)
    assert (moved.customer["budget_id"], moved.customer["max_budget"]) == (budget, 7)
    refused(
        customer,
        sandbox,
        f"max_budget: the customer has the budget '{budget}', which also applies to {name}2.",
        unset=["max_budget"],
    )
    assert [one["user_id"] for one in run_module("litellm_customer_info", budget_id=budget).customers] == [
        name,
        f"{name}2",
    ]


def test_a_budget_of_ones_own_that_others_were_given_too(sandbox, run_module, customer, name) -> None:
    own = customer(max_budget=3).customer["budget_id"]
    run_module("litellm_customer", user_id=f"{name}2", budget_id=own)
    refused(customer, sandbox, f"which also applies to {name}2.", max_budget=4)


def test_it_is_deleted_and_no_other(sandbox, run_module, customer, name) -> None:
    customer(alias="one")
    other = run_module("litellm_customer", user_id=f"{name}2", alias="one")
    assert {one["user_id"] for one in run_module("litellm_customer_info", alias="one").customers} == {name, f"{name}2"}
    with sandbox.writes() as writes:
        assert customer(check=True, state="absent").action == "delete"
    assert writes == []
    assert customer(state="absent").action == "delete"
    assert customer(state="absent").changed is False
    assert run_module("litellm_customer_info", alias="one").customers == [other.customer]
    assert run_module("litellm_customer_info", user_id=name).customers == []


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"max_budget": -1}, "max_budget: must not be negative."),
        ({"budget_duration": "1y"}, "is not a duration"),
        ({"budget_id": "b", "max_budget": 1}, "budget_id cannot be combined with max_budget."),
        ({"models": ["none such"], "validate_models": True}, "models: the proxy has no model 'none such'."),
        ({"allowed_model_region": "asia"}, "allowed_model_region"),
    ],
)
def test_wrong_input_writes_nothing(sandbox, customer, options: dict[str, Any], sentence: str) -> None:
    if "models" in options and sandbox.litellm_version.startswith(("1.8", "1.9")):
        sentence = "does not know models (since 1.106.2)."
    with sandbox.writes() as writes:
        result = customer(**options)
    assert result.failed
    assert sentence in result.msg
    assert writes == []


def test_a_default_model_must_exist(sandbox, customer) -> None:
    refused(customer, sandbox, "default_model: the proxy has no model 'none such'.", default_model="none such")
    customer(default_model="gpt-4")
    refused(customer, sandbox, "default_model: the proxy has no model 'none such'.", default_model="none such")
