# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The last of many objects counts as much as the first, however many of them a page of the proxy shows."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

pytestmark = [pytest.mark.quiet, pytest.mark.long]

# More than the largest page.
MANY = 120
BUDGETS = '"LiteLLM_BudgetTable"'
# What is put into the database, by table: the column of the ID, and the columns without a default.
TABLES = {
    "LiteLLM_BudgetTable": ("budget_id", {"created_by": "a test", "updated_by": "a test"}),
    "LiteLLM_EndUserTable": ("user_id", {"blocked": False}),
    "LiteLLM_TagTable": ("tag_name", {}),
    "LiteLLM_UserTable": ("user_id", {}),
    "LiteLLM_TeamTable": ("team_id", {"members_with_roles": "[]", "metadata": "{}"}),
    "LiteLLM_AccessGroupTable": ("access_group_id", {}),
    "LiteLLM_VerificationToken": ("token", {"models": "{}"}),
    "LiteLLM_MCPServerTable": ("server_id", {"url": "http://127.0.0.1:9", "transport": "http"}),
    "LiteLLM_MCPToolsetTable": ("toolset_id", {}),
    "LiteLLM_ManagedVectorStoresTable": (
        "vector_store_id",
        {"custom_llm_provider": "openai", "updated_at": "2026-01-01"},
    ),
}
# The columns by which objects are declared or found, where that is not the ID.
NAMES = {
    "LiteLLM_TeamTable": "team_alias",
    "LiteLLM_AccessGroupTable": "access_group_name",
    "LiteLLM_VerificationToken": "key_alias",
    "LiteLLM_MCPToolsetTable": "toolset_name",
}


class Many:
    """Many objects of each kind, whose names end with their number, so that they are in the same order everywhere."""

    def __init__(self, sandbox: Any) -> None:
        self.sandbox = sandbox
        self.beginning = f"many-{secrets.token_hex(4)}-"
        self.names = [f"{self.beginning}{number:04}" for number in range(1, MANY + 1)]
        self.first, self.last = self.names[0], self.names[-1]

    def put(self) -> None:
        for table, (key, columns) in TABLES.items():
            named = [key, NAMES[table]] if table in NAMES else [key]
            names = ", ".join([*named, *columns])
            values = ", ".join(["%s || lpad(i::text, 4, '0')"] * len(named) + ["%s"] * len(columns))
            self.sandbox.execute(
                f'INSERT INTO "{table}" ({names}) SELECT {values} FROM generate_series(1, {MANY}) AS i',
                *[self.beginning] * len(named),
                *columns.values(),
            )

    def set_last(self, table: str, **columns: Any) -> None:
        """Change the last object of a table."""
        parts = ", ".join(f"{name} = %s" for name in columns)
        key = TABLES[table][0]
        query = f'UPDATE "{table}" SET {parts} WHERE {key} = %s RETURNING 1'
        assert len(self.sandbox.rows(query, *columns.values(), self.last)) == 1

    def remove(self) -> None:
        for table, (key, _columns) in reversed(TABLES.items()):
            self.sandbox.execute(f'DELETE FROM "{table}" WHERE starts_with({key}, %s)', self.beginning)


@pytest.fixture
def many(sandbox) -> Iterator[Many]:
    objects = Many(sandbox)
    try:
        objects.put()
        yield objects
    finally:
        objects.remove()


@pytest.mark.parametrize(
    ("table", "thing"),
    [
        ("LiteLLM_EndUserTable", "1 customer"),
        ("LiteLLM_TagTable", "1 tag"),
        ("LiteLLM_VerificationToken", "1 key"),
        ("LiteLLM_TeamTable", "1 team"),
    ],
)
def test_a_budget_that_binds_the_last_is_not_deleted(sandbox, run_module, many, table: str, thing: str) -> None:
    bound = {"metadata": f'{{"team_member_budget_id": "{many.last}"}}'} if "Team" in table else {"budget_id": many.last}
    many.set_last(table, **bound)
    with sandbox.writes() as writes:
        refused = run_module("litellm_budget", budget_id=many.last, state="absent")
    assert thing in refused.msg
    assert writes == []


@pytest.mark.parametrize(
    ("module", "table", "name"),
    [("litellm_customer", "LiteLLM_EndUserTable", "user_id"), ("litellm_tag", "LiteLLM_TagTable", "name")],
)
def test_a_budget_that_the_last_shares_is_not_changed(sandbox, run_module, many, module, table, name) -> None:
    own = str(uuid4())
    columns = "(budget_id, max_budget, created_by, updated_by)"
    sandbox.execute(f"INSERT INTO {BUDGETS} {columns} VALUES (%s, 5, '', '')", own)
    try:
        key = TABLES[table][0]
        sandbox.execute(f'UPDATE "{table}" SET budget_id = %s WHERE {key} = %s', own, many.first)
        many.set_last(table, budget_id=own)
        refused = run_module(module, **{name: many.first}, max_budget=9)
        assert f"which also applies to {many.last}" in refused.msg
        (row,) = sandbox.rows(f"SELECT max_budget FROM {BUDGETS} WHERE budget_id = %s", own)
        assert row["max_budget"] == 5
    finally:
        sandbox.execute(f"DELETE FROM {BUDGETS} WHERE budget_id = %s", own)


@pytest.mark.parametrize(
    ("module", "result", "name"),
    [
        ("litellm_budget_info", "budgets", "budget_id"),
        ("litellm_customer_info", "customers", "user_id"),
        ("litellm_tag_info", "tags", "name"),
        ("litellm_user_info", "users", "user_id"),
        ("litellm_team_info", "teams", "team_id"),
        ("litellm_access_group_info", "access_groups", "access_group_name"),
        ("litellm_key_info", "virtual_keys", "key_alias"),
        # Older versions show what a worker has read of them.
        pytest.param("litellm_mcp_server_info", "mcp_servers", "server_id", marks=pytest.mark.since("1.106.2")),
        ("litellm_mcp_toolset_info", "mcp_toolsets", "toolset_name"),
        ("litellm_vector_store_info", "vector_stores", "vector_store_id"),
    ],
)
def test_all_are_returned_once(run_module, many, module: str, result: str, name: str) -> None:
    found = [one[name] for one in run_module(module).values[result] if (one[name] or "").startswith(many.beginning)]
    assert sorted(found) == many.names


def test_the_last_is_found_by_another_name_than_its_id(run_module, many) -> None:
    for module, option in (("litellm_team", "team_alias"), ("litellm_access_group", "access_group_name")):
        there = run_module(module, **{option: many.last})
        assert (there.failed, there.changed) == (False, False)
    assert run_module("litellm_key", key_alias=many.last, state="absent", check=True).action == "delete"
    many.set_last("LiteLLM_TeamTable", team_alias=many.first)
    assert "2 teams have this team_alias." in run_module("litellm_team", team_alias=many.first).msg


def test_the_address_of_the_last_is_taken(run_module, many) -> None:
    many.set_last("LiteLLM_UserTable", user_email=f"{many.last}@example.com")
    refused = run_module("litellm_user", user_id=many.first, user_email=f"{many.last}@example.com")
    assert f"it belongs to the user {many.last}." in refused.msg


def test_the_last_model_is_known(sandbox, run_module, many) -> None:
    """One that the proxy has in its database is copied there, and another write makes it load all of them."""
    table = '"LiteLLM_ProxyModelTable"'
    first = {"model_id": f"{many.beginning}m", "litellm_params": {"model": "openai/gpt-4o", "mock_response": "Hello"}}
    assert run_module("litellm_model", model_name=many.last, **first).action == "create"
    try:
        sandbox.rows(
            f"""INSERT INTO {table} (model_id, model_name, litellm_params, model_info, created_by, updated_by)
                SELECT model_id || i, %s || lpad(i::text, 4, '0'), litellm_params,
                       jsonb_build_object('id', model_id || i), '', ''
                FROM {table}, generate_series(1, {MANY}) AS i WHERE model_id = %s RETURNING 1""",
            many.beginning,
            first["model_id"],
        )
        assert run_module("litellm_model", model_name=f"{many.beginning}m", **first).action == "update"
        found = [one["model_id"] for one in run_module("litellm_model_info").models]
        ours = [model_id for model_id in found if model_id.startswith(first["model_id"])]
        assert len(set(ours)) == len(ours) == MANY + 1
        group = {"access_group_name": f"{many.beginning}group", "validate_models": True, "check": True}
        assert run_module("litellm_access_group", access_model_names=[many.last], **group).action == "create"
        unknown = run_module("litellm_access_group", access_model_names=[f"{many.last}0"], **group)
        assert f"the proxy has no model '{many.last}0'" in unknown.msg
    finally:
        copies = f"DELETE FROM {table} WHERE starts_with(model_id, %s) AND model_id != %s"
        sandbox.execute(copies, first["model_id"], first["model_id"])
        assert run_module("litellm_model", model_id=first["model_id"], state="absent").action == "delete"
