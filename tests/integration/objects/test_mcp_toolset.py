# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""MCP toolsets on a real LiteLLM: every field by its laws, and a key that reaches the tools that are selected."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._mcp_toolset import MCP_TOOLSET
from ansible_collections.litemaas.virtual_keys.tests.integration.laws import (
    Laws,
    as_declared,
    lacking,
    refused,
    two,
)

pytestmark = [pytest.mark.quiet, pytest.mark.since("1.106.2"), pytest.mark.usefixtures("referred")]

TABLE = '"LiteLLM_MCPToolsetTable"'
ONE, OTHER = ({"server_id": f"server-{number}", "tool_name": "read"} for number in (1, 2))


def row(sandbox, name: str) -> dict[str, Any]:
    (found,) = sandbox.rows(f"SELECT * FROM {TABLE} WHERE toolset_name = %s", name)
    return found


LAWS = Laws(
    "litellm_mcp_toolset",
    MCP_TOOLSET,
    row,
    {"description": two("one", "two"), "tools": two([ONE, OTHER], [OTHER])},
    without={"toolset_name"},
    others={"description": "other"},
)


@pytest.fixture
def name(sandbox, alias) -> Iterator[str]:
    """The beginning of this test's names. What has it is removed at the end."""
    beginning = f"{alias} ü/"
    yield beginning
    for found in sandbox.rows(f"SELECT toolset_id FROM {TABLE} WHERE starts_with(toolset_name, %s)", beginning):
        sandbox.call("DELETE", f"/v1/mcp/toolset/{found['toolset_id']}").raise_for_status()
    sandbox.call("POST", "/team/delete", {"team_ids": [alias]})


@pytest.fixture
def toolset(run_module, name):
    """Runs litellm_mcp_toolset on this test's toolset."""
    return partial(run_module, "litellm_mcp_toolset", toolset_name=name)


def test_every_field_has_values() -> None:
    assert LAWS.fields_without_values == set()


@pytest.mark.parametrize("field", LAWS.examples)
def test_every_field(sandbox, run_module, name, field: str) -> None:
    LAWS.hold(sandbox, partial(run_module, toolset_name=name), field)


def test_all_fields_at_once(sandbox, run_module, name) -> None:
    LAWS.hold_together(sandbox, partial(run_module, toolset_name=name))


def test_its_servers_are_named_and_exist(sandbox, toolset) -> None:
    """LiteLLM takes the ID of any server."""
    unknown = [{"server_id": "no_such_server", "tool_name": "read"}]
    lacking(toolset, sandbox, "tools: the proxy has no MCP server 'no_such_server'.", tools=unknown)
    made = as_declared(toolset, sandbox, 1, tools=[{**ONE, "server_id": "server_1"}, OTHER])
    assert made.mcp_toolset["tools"] == [ONE, OTHER]
    # The order does not count.
    assert toolset(tools=[OTHER, ONE]).changed is False
    assert toolset(tools=unknown, validate_references=False).changed


def test_it_is_deleted_once_nobody_uses_it(sandbox, run_module, toolset, alias) -> None:
    made = as_declared(toolset, sandbox, 1, tools=[ONE])
    permitted = {"object_permission": {"mcp_toolsets": [toolset.keywords["toolset_name"]]}}
    team = as_declared(partial(run_module, "litellm_team", team_id=alias), sandbox, 1, **permitted)
    assert team.team["object_permission"] == {"mcp_toolsets": [made.toolset_id]}
    lacking(toolset, sandbox, f"It is used by 1 team ({alias}).", state="absent")
    assert run_module("litellm_team", team_id=alias, unset=["object_permission"]).changed
    with sandbox.writes() as writes:
        assert toolset(state="absent").action == "delete"
        assert toolset(state="absent").changed is False
    assert [method for method, _path, _status in writes] == ["DELETE"]


def test_wrong_input_writes_nothing(sandbox, run_module) -> None:
    run = partial(run_module, "litellm_mcp_toolset")
    refused(run, sandbox, "toolset_name is required and must not be blank.", toolset_name=" ")
