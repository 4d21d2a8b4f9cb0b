# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An MCP toolset: some tools of some MCP servers. Private: only for use inside this collection."""

from __future__ import annotations

from .._crud._definition import Request, Values
from .._crud._dependents import count_and_name, find_permitted
from .._crud._object import CrudObject
from .._crud._references import OF_TOOLS
from .._engine import NOT_CLEARABLE, Field, Plan, Resource
from .._listings import MCP_TOOLSETS
from .._proxy import Proxy

TOOL = {
    "server_id": {"type": "str", "required": True},
    "tool_name": {"type": "str", "required": True},
}
MCP_TOOLSET = Resource(
    kind="MCP toolset",
    identity="toolset_name",
    since="1.106.2",
    fields=(
        Field("toolset_name", cleared=NOT_CLEARABLE),
        Field("description"),
        Field("tools", "list", "dict", suboptions=TOOL, references=OF_TOOLS, cleared=[]),
    ),
)


class McpToolset(CrudObject):
    table = MCP_TOOLSET
    server_id = "toolset_id"
    extra_options = {"validate_references": {"type": "bool", "default": True}}
    reading_names = ("toolset_id", "created_at", "updated_at")

    create = Request("POST", "/v1/mcp/toolset")
    update = Request("PUT", "/v1/mcp/toolset", id="toolset_id")
    delete = Request("DELETE", "/v1/mcp/toolset/{id}")
    listing = MCP_TOOLSETS

    def losses(self, plan: Plan, _options: Values, proxy: Proxy) -> list[str]:
        """Return who loses the tools of a toolset that is deleted. LiteLLM keeps its ID wherever it is named."""
        if plan.action != "delete":
            return []
        toolset = plan.existing["toolset_id"]
        users = count_and_name(
            find_permitted(proxy, lambda permissions: toolset in (permissions.get("mcp_toolsets") or ()))
        )
        return [f"It is used by {users}."] if users else []
