# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tags on a real LiteLLM: every field by its laws, and nothing wiped by an update."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._tag import TAG
from ansible_collections.litemaas.virtual_keys.tests.integration.laws import Laws, as_declared, lacking, refused, two

pytestmark = pytest.mark.quiet

TABLE = '"LiteLLM_TagTable"'


def row(sandbox, name: str) -> dict[str, Any]:
    """The tag with its budget."""
    (tag,) = sandbox.rows(f"SELECT * FROM {TABLE} WHERE tag_name = %s", name)
    budgets = sandbox.rows('SELECT * FROM "LiteLLM_BudgetTable" WHERE budget_id = %s', tag["budget_id"])
    return {**tag, "litellm_budget_table": budgets[0] if budgets else {}}


LAWS = Laws(
    "litellm_tag",
    TAG,
    row,
    {
        "description": two("one", "two"),
        "models": two(["fast"], ["fast", "slow"]),
        "max_budget": two(10, 0),
        "soft_budget": two(5, 6),
        "budget_duration": two("30d", "1d", moves=("litellm_budget_table.budget_reset_at",)),
        "tpm_limit": two(1000, 0),
        "rpm_limit": two(10, 20),
        "max_parallel_requests": two(1, 2),
    },
    # A budget has to be there: test_a_shared_budget.
    without={"name", "budget_id"},
    others={"description": "other"},
)


@pytest.fixture
def name(sandbox) -> Iterator[str]:
    """The name of this test's tag. All whose names begin with it are removed at the end."""
    beginning = f"t {secrets.token_hex(4)}+ä/"
    yield beginning
    rows = sandbox.rows(f"SELECT tag_name, budget_id FROM {TABLE} WHERE starts_with(tag_name, %s)", beginning)
    for tag in rows:
        sandbox.call("POST", "/tag/delete", {"name": tag["tag_name"]}).raise_for_status()
    for budget in {tag["budget_id"] for tag in rows} - {None}:
        sandbox.call("POST", "/budget/delete", {"id": budget}).raise_for_status()


@pytest.fixture
def tag(run_module, name):
    """Runs litellm_tag on this test's tag."""
    return partial(run_module, "litellm_tag", name=name)


def test_every_field_has_values() -> None:
    assert LAWS.fields_without_values == set()


@pytest.mark.parametrize("field", LAWS.examples)
def test_every_field(sandbox, run_module, name, field: str) -> None:
    LAWS.hold(sandbox, partial(run_module, name=name), field)


def test_all_fields_at_once(sandbox, run_module, name) -> None:
    LAWS.hold_together(sandbox, partial(run_module, name=name), changes=2, clears=2)


def test_an_update_repeats_what_it_would_wipe(sandbox, tag, name) -> None:
    tag(description="one", models=["fast"])
    as_declared(tag, sandbox, 1, max_budget=3)
    as_declared(tag, sandbox, 1, models=["slow"])
    as_declared(tag, sandbox, 1, max_budget=4, budget_duration="1d")
    stored = row(sandbox, name)
    assert (stored["description"], stored["models"]) == ("one", ["slow"])
    as_declared(tag, sandbox, 1, unset=["description"])
    assert row(sandbox, name)["models"] == ["slow"]


def test_models_of_the_configuration_file(sandbox, tag, name) -> None:
    with sandbox.writes() as writes:
        done = tag(models=["gpt-4"])
    assert [(path, status) for _method, path, status in writes] == [("/tag/new", 500)]
    assert (done.action, done.tag["models"]) == ("create", ["gpt-4"])
    assert "LiteLLM cannot add it to models from the configuration file" in str(done.warnings)
    assert tag(models=["gpt-4"]).changed is False


def test_a_shared_budget(sandbox, run_module, tag, name) -> None:
    budget = f"b{secrets.token_hex(4)}"
    sandbox.call("POST", "/budget/new", {"budget_id": budget, "max_budget": 7}).raise_for_status()
    lacking(tag, sandbox, "budget_id: the proxy has no budget 'none such'.", budget_id="none such")
    as_declared(tag, sandbox, 1, description="one")
    as_declared(tag, sandbox, 1, budget_id=budget)
    assert row(sandbox, name)["description"] == "one"
    run_module("litellm_tag", name=f"{name}2", budget_id=budget)
    refused(tag, sandbox, f"the tag has the budget '{budget}', which also applies to {name}2.", max_budget=8)
    refused(tag, sandbox, f"cannot give another budget to an existing tag, which has {budget}.", budget_id="other")
    tags = run_module("litellm_tag_info", budget_id=budget).tags
    assert [(one["name"], one["max_budget"]) for one in tags] == [(name, 7), (f"{name}2", 7)]


def test_it_is_deleted_and_no_other(sandbox, run_module, tag, name) -> None:
    tag(description="one")
    other = run_module("litellm_tag", name=f"{name}2")
    with sandbox.writes() as writes:
        assert tag(check=True, state="absent").action == "delete"
    assert writes == []
    assert tag(state="absent").action == "delete"
    assert tag(state="absent").changed is False
    assert run_module("litellm_tag_info", name=name).tags == []
    assert run_module("litellm_tag_info", name=f"{name}2").tags == [other.tag]


def test_a_tag_that_was_only_used_is_not_there_yet(sandbox, run_module, tag, name) -> None:
    spent = {"model": "gpt-4", "messages": [{"role": "user", "content": "x"}], "metadata": {"tags": [name]}}
    sandbox.call("POST", "/chat/completions", spent).raise_for_status()
    assert tag(check=True, state="absent").action == "none"
    assert tag(description="one").action == "create"


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"max_budget": -1}, "max_budget: must not be negative."),
        ({"budget_duration": "1y"}, "is not a duration"),
        ({"budget_id": "b", "max_budget": 1}, "budget_id cannot be combined with max_budget."),
        ({"unset": ["budget_id"]}, "budget_id"),
    ],
)
def test_wrong_input_writes_nothing(sandbox, tag, options: dict[str, Any], sentence: str) -> None:
    with sandbox.writes() as writes:
        result = tag(**options)
    assert result.failed
    assert sentence in result.msg
    assert writes == []
