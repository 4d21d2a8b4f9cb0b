# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""That one table is all that an object needs, and that a batch takes any object: on a real LiteLLM."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._args import Settings
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._batch import converge
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._client import Client
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._crud._definition import Request
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._crud._object import CrudObject
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._durations import check_duration
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._engine import NOT_CLEARABLE, Field, Resource
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._module import run, run_batch, run_info
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._credential._kind import Credential

TABLE = '"LiteLLM_BudgetTable"'


class Budget(CrudObject):
    table = Resource(
        kind="budget",
        identity="budget_id",
        fields=(
            Field("budget_id", cleared=NOT_CLEARABLE),
            Field("max_budget", "float", unit="USD"),
            Field("tpm_limit", "int", unit="tokens/min"),
            Field("budget_duration", unit="duration", check=check_duration),
            Field("model_max_budget", "dict", cleared={}, licensed=True),
        ),
    )
    reading_names = ("budget_reset_at",)
    filters = ("budget_duration",)

    create = Request("POST", "/budget/new")
    update = Request("POST", "/budget/update", id="budget_id")
    delete = Request("POST", "/budget/delete", id="id")
    listing = Request("GET", "/budget/list")
    get = Request("POST", "/budget/info", id="budgets", many=True, selects=True)


def budget() -> None:
    run(Budget())


def budgets() -> None:
    run_batch(Budget())


def budget_info() -> None:
    run_info(Budget())


@pytest.fixture
def name(sandbox) -> Iterator[str]:
    """The beginning of this test's ids. What has it is removed at the end."""
    beginning = f"t{secrets.token_hex(4)} ü/"
    yield beginning
    for row in sandbox.rows(f"SELECT budget_id FROM {TABLE} WHERE starts_with(budget_id, %s)", beginning):
        sandbox.call("POST", "/budget/delete", {"id": row["budget_id"]}).raise_for_status()


def stored(sandbox, name: str) -> dict[str, object] | None:
    rows = sandbox.rows(f"SELECT * FROM {TABLE} WHERE budget_id = %s", name)
    return rows[0] if rows else None


def test_an_object_of_one_table(sandbox, run_module, name) -> None:
    declared = {"budget_id": name, "max_budget": 12.5, "tpm_limit": 1000, "budget_duration": "2d"}
    with sandbox.writes() as writes:
        planned = run_module(budget, check=True, **declared)
    assert (planned.action, planned.changed, writes, stored(sandbox, name)) == ("create", True, [], None)

    with sandbox.writes() as writes:
        created = run_module(budget, **declared)
    assert (created.action, writes) == ("create", [("POST", "/budget/new", 200)])
    row = stored(sandbox, name)
    assert row
    assert (row["max_budget"], row["tpm_limit"], row["budget_duration"]) == (12.5, 1000, "2d")
    assert created.budget["budget_reset_at"]

    with sandbox.writes() as writes:
        assert run_module(budget, **declared).changed is False
        changed = run_module(budget, **{**declared, "max_budget": 13, "tpm_limit": 0})
        cleared = run_module(budget, budget_id=name, unset=["tpm_limit"])
        assert run_module(budget, budget_id=name, unset=["tpm_limit"]).changed is False
    assert writes == [("POST", "/budget/update", 200)] * 2
    assert changed.diff["before"] | {"max_budget": 13, "tpm_limit": 0} == changed.diff["after"]
    after = stored(sandbox, name)
    assert after
    assert (after["max_budget"], after["tpm_limit"], cleared.budget["tpm_limit"]) == (13, None, None)
    # Equal fields are not sent again: that would move the date.
    assert after["budget_reset_at"] == row["budget_reset_at"]

    refused = run_module(budget, budget_id=name, model_max_budget={"gpt-4": {"max_budget": 1}})
    assert refused.failed
    assert "model_max_budget requires a LiteLLM Enterprise license" in refused.msg

    assert run_module(budget, check=True, budget_id=name, state="absent").action == "delete"
    assert stored(sandbox, name)
    with sandbox.writes() as writes:
        assert run_module(budget, budget_id=name, state="absent").action == "delete"
        assert run_module(budget, budget_id=name, state="absent").changed is False
    assert (writes, stored(sandbox, name)) == ([("POST", "/budget/delete", 200)], None)


def test_many_of_them(sandbox, run_module, name) -> None:
    declared = {
        "budgets": [{"budget_id": f"{name}{number}", "max_budget": number} for number in range(30)],
        "defaults": {"budget_duration": "1d"},
    }
    assert run_module(budgets, check=True, **declared).summary["create"] == 30
    assert run_module(budgets, **declared).summary["create"] == 30
    with sandbox.requests_made() as made:
        assert run_module(budgets, **declared).changed is False
    assert made == [("POST", "/budget/info", 200)]
    declared["budgets"][7]["max_budget"] = 70
    assert run_module(budgets, **declared).summary["update"] == 1

    assert [one["max_budget"] for one in run_module(budget_info, budget_id=f"{name}7").budgets] == [70]
    shown = {one["budget_id"] for one in run_module(budget_info, budget_duration="1d").budgets}
    assert {f"{name}{number}" for number in range(30)} <= shown
    assert not [one for one in run_module(budget_info, budget_duration="3d").budgets if one["budget_id"] in shown]

    gone = run_module(budgets, budgets=[{"budget_id": f"{name}{number}"} for number in range(31)], state="absent")
    assert (gone.summary["delete"], gone.summary["none"]) == (30, 1)
    assert stored(sandbox, f"{name}7") is None


def test_five_runs_at_once_make_one_object(sandbox, name) -> None:
    connection = {"api_url": sandbox.api_url, "api_key": sandbox.master_key, "timeout": 30, "retries": 5}
    settings = Settings.from_params({**connection, "validate_certs": True}.get)
    wants = [Budget().declare({"budget_id": f"{name}{number}", "max_budget": 3.0}, "present") for number in range(5)]

    def one_run(_number: int) -> list[str]:
        outcomes = converge(Budget().store(Client(settings, 5), {}), wants, concurrency=5)
        assert [outcome.error for outcome in outcomes] == [None] * 5
        return [outcome.action for outcome in outcomes]

    with ThreadPoolExecutor(5) as pool:
        actions = list(pool.map(one_run, range(5)))
    assert all(of_one.count("create") == 1 for of_one in zip(*actions, strict=True))
    assert {action for of_run in actions for action in of_run} <= {"create", "none"}


def test_many_credentials(sandbox, run_module) -> None:
    """No module does that: it shows that a batch knows nothing of keys."""
    name, secret = f"t{secrets.token_hex(4)}/", secrets.token_urlsafe(20)

    def credentials() -> None:
        run_batch(Credential())

    def rows() -> list[dict[str, object]]:
        table = '"LiteLLM_CredentialsTable"'
        return sandbox.rows(f"SELECT * FROM {table} WHERE starts_with(credential_name, %s)", name)

    good = [{"credential_name": f"{name}{n}", "credential_values": {"api_key": f"{secret}{n}"}} for n in range(8)]
    # Which models there are only the server knows.
    bad = {"credential_name": f"{name}bad", "model_id": "none-such"}
    assert run_module(credentials, check=True, credentials=good).summary["create"] == 8
    assert rows() == []
    made = run_module(credentials, credentials=[*good, bad], concurrency=4)
    assert made.failed
    assert made.msg.startswith(f"1 of 9 failed. {name}bad: ")
    assert [one["action"] for one in made.credentials] == ["create"] * 8 + ["none"]
    assert (made.summary["failed"], secret in made.output, len(rows())) == (1, False, 8)
    assert run_module(credentials, credentials=good).changed is False
    gone = run_module(
        credentials, credentials=[{"credential_name": one["credential_name"]} for one in good], state="absent"
    )
    assert (gone.summary["delete"], rows()) == (8, [])
