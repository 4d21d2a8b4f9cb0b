# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who reaches an MCP server that is to be deleted. Private: only for use inside this collection."""

from __future__ import annotations

from ..._crud._definition import Record
from ..._crud._dependents import ACCESS_GROUP, MCP_TOOLSET, Row, count_and_name, find_dependents, find_permitted
from ..._engine import Plan
from ..._proxy import Proxy


def losses(plan: Plan, proxy: Proxy) -> list[str]:
    """Return who loses the tools of a server that is deleted. LiteLLM keeps its ID wherever it is named."""
    if plan.action != "delete":
        return []
    names = _names(plan.existing)
    groups = set(plan.existing.get("mcp_access_groups") or ())

    def permits(permissions: Row) -> bool:
        named = [*(permissions.get("mcp_servers") or ()), *(permissions.get("mcp_tool_permissions") or ())]
        return not (names.isdisjoint(named) and groups.isdisjoint(permissions.get("mcp_access_groups") or ()))

    def lists(row: Row) -> bool:
        return not names.isdisjoint(row.get("access_mcp_server_ids") or ())

    def selects(row: Row) -> bool:
        return not names.isdisjoint(tool["server_id"] for tool in row.get("tools") or ())

    uses = find_dependents(proxy, {ACCESS_GROUP: lists, MCP_TOOLSET: selects})
    users = count_and_name({**find_permitted(proxy, permits), **uses})
    return [f"It is used by {users}."] if users else []


def _names(record: Record) -> set[str]:
    """Return all by which a server can be named."""
    return {str(record[name]) for name in ("server_id", "server_name", "alias") if record.get(name)}
