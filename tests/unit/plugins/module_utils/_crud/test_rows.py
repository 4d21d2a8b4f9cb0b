# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with mappings that several objects have. LiteLLM refuses it late, or takes it for something else."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._crud._rows import servers_kept
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._engine import Resource, declared_fields
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._key._table import KEY
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._team import TEAM
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._user import USER
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._values import UNSET

TOOLS = {"mcp_tool_permissions": {"b": ["read"], "a": ["read"], "c": ["read"]}}


def problems(table: Resource, **options: Any) -> list[str]:
    return declared_fields(table, options)[1]


@pytest.mark.parametrize("table", [KEY, TEAM, USER], ids=lambda table: table.kind)
@pytest.mark.parametrize(
    ("permissions", "words"),
    [
        ({"mcp_server": ["a"]}, "unknown entry mcp_server (did you mean mcp_servers?)."),
        ({"mcp_servers": "a"}, "mcp_servers must be a list of names or IDs."),
        ({"vector_stores": ["a"], "models": [1]}, "models must be a list of names or IDs."),
        ({"mcp_tool_permissions": ["a"]}, "mcp_tool_permissions must be a mapping of each server to a list of"),
        ({"mcp_tool_permissions": {"a": "b"}}, "must be a mapping of each server to a list of its tools."),
        ({"mcp_tool_search_enabled": "no"}, "mcp_tool_search_enabled must be true or false."),
        ({"mcp_servers": None, "agents": [], "mcp_tool_permissions": {"a": ["b"]}}, None),
        ({"mcp_tool_search_enabled": True}, None),
        ({"of_a_newer_litellm": {"a": 1}}, None),
    ],
)  # fmt: skip
def test_permissions_that_are_none(table: Resource, permissions: dict[str, Any], words: str | None) -> None:
    found = problems(table, object_permission=permissions)
    assert not found if words is None else words in found[0] and len(found) == 1


@pytest.mark.parametrize("table", [KEY, TEAM], ids=lambda table: table.kind)
@pytest.mark.parametrize("name", ["fallbacks", "context_window_fallbacks", "content_policy_fallbacks"])
def test_fallbacks_as_terraform_writes_them(table: Resource, name: str) -> None:
    (found,) = problems(table, router_settings={name: [{"a": ["b"]}, {"model": "c", "fallback_models": ["d"]}]})
    assert f'write an entry of {name} as a mapping of the model to its fallbacks, such as {{"c": ["d"]}}.' in found
    assert not problems(table, router_settings={name: [{"a": ["b"]}, {"model": "c"}, "d"], "num_retries": 2})


@pytest.mark.parametrize(
    ("declared", "later", "kept"),
    [
        ({"mcp_servers": ["a"]}, {"mcp_servers": ["a"], **TOOLS}, "b, c"),
        ({"mcp_servers": []}, {"mcp_servers": [], **TOOLS}, "a, b, c"),
        ({"mcp_servers": ["a", "b", "c"]}, {"mcp_servers": ["a", "b", "c"], **TOOLS}, ""),
        ({"mcp_servers": ["a"]}, {"mcp_servers": ["a"]}, ""),
        # Whoever lists the tools gives access by them.
        ({"mcp_servers": ["a"], **TOOLS}, {"mcp_servers": ["a"], **TOOLS}, ""),
        ({"vector_stores": ["v"]}, {"vector_stores": ["v"], "mcp_servers": ["a"], **TOOLS}, ""),
        ({"mcp_servers": ["a"]}, None, ""),
        ({}, {}, ""),
        (UNSET, UNSET, ""),
    ],
)
def test_servers_kept(declared: Any, later: Any, kept: str) -> None:
    fields, changes = {"object_permission": declared}, {"object_permission": later}
    sentences = servers_kept(fields, changes)
    assert [sentence.partition("gives access to ")[2].partition(", which")[0] for sentence in sentences] == (
        [kept] if kept else []
    )
    assert servers_kept({}, changes) == servers_kept(fields, {}) == []
