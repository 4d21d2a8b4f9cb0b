# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an object refers to, by name where the name means one thing only."""

from __future__ import annotations

from typing import Any

from ansible_collections.litemaas.virtual_keys.plugins.module_utils._crud._references import (
    OF_PERMISSIONS,
    TO_ACCESS_GROUPS,
    TO_GUARDRAILS,
    resolve,
    with_names,
)
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._engine import Field
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._proxy import Proxy

GROUPS = {"id-1": "one", "id-2": "twice", "id-3": "twice", "id-4": "id-1", "id-5": None}
ROWS = (
    Field("groups", "list", "str", references=TO_ACCESS_GROUPS),
    Field("guardrails", "list", "str", references=TO_GUARDRAILS),
    Field("permissions", "dict", references=OF_PERMISSIONS),
    Field("label"),
)


class Shown:
    """A proxy with access groups and MCP servers."""

    facts: dict[str, Any] = {"version": "1.110.2"}
    last_read: dict[Any, Any] = {}

    def get(self, path: str, _params: Any = None) -> Any:
        return {
            "/v1/access_group": [
                {"access_group_id": group, "access_group_name": name} for group, name in GROUPS.items()
            ],
            "/v1/mcp/server": [{"server_id": "s-1", "alias": "search", "server_name": "find"}],
        }[path]


def test_an_id_gives_way_to_a_name_that_means_only_this_object() -> None:
    options = {
        "groups": [*GROUPS, "gone"],
        "guardrails": ["g"],
        "permissions": {"mcp_servers": ["s-1"], "mcp_tool_permissions": {"s-1": ["a"]}, "models": ["m"]},
        "label": "id-1",
    }
    named = with_names(ROWS, options, Proxy(Shown()))
    assert named == {
        "groups": ["one", "id-2", "id-3", "id-4", "id-5", "gone"],
        "guardrails": ["g"],
        "permissions": {"mcp_servers": ["search"], "mcp_tool_permissions": {"search": ["a"]}, "models": ["m"]},
        "label": "id-1",
    }
    assert resolve(ROWS, named, options, Proxy(Shown())) == options


def test_nothing_is_asked_for_what_refers_to_nothing() -> None:
    assert with_names(ROWS, {"label": "a"}, Proxy(object())) == {"label": "a"}
