# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many objects of any kind in one task, and several runs at once, on a real LiteLLM."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._args import Settings
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._batch import converge
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._client import Client
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._module import run_batch
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._budget import Budget
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._credential._kind import Credential

TABLE = '"LiteLLM_BudgetTable"'


def budgets() -> None:
    run_batch(Budget())


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

    assert [one["max_budget"] for one in run_module("litellm_budget_info", budget_id=f"{name}7").budgets] == [70]
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
