# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""By what requests an MCP toolset is written, which tools it is refused, and who is named before it is deleted."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._batch import converge
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._engine import Outcome
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._errors import InputError
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._mcp_toolset import McpToolset

PATH = "/v1/mcp/toolset"
TOOL = {"server_id": "s1", "tool_name": "read"}


class Proxy:
    """A proxy with MCP servers and toolsets, in memory. It fails the test on any request that it does not know."""

    def __init__(self, *toolsets: dict[str, Any]) -> None:
        self.toolsets = {row["toolset_id"]: row for row in toolsets}
        self.facts: dict[str, Any] = {"version": "1.110.2"}
        self.last_read: dict[Any, Any] = {}
        self.permitted: list[str] = []
        self.sent: list[tuple[str, str, Any]] = []

    def get(self, path: str, params: Any = None) -> Any:
        held = {"object_permission_id": "o", "object_permission": {"mcp_toolsets": self.permitted}}
        keys = [{"token": "1", "key_alias": "one", **held}, {"token": "2", "key_alias": "two"}]
        listings = {
            PATH: list(self.toolsets.values()),
            "/v1/mcp/server": [
                {"server_id": "s1", "alias": "files", "server_name": "files"},
                {"server_id": "s2", "alias": "twin", "server_name": None},
                {"server_id": "s3", "alias": "twin", "server_name": None},
            ],
            "/customer/list": [{"user_id": "ann", **held}],
            "/key/list": {"keys": keys, "total_count": 2, "total_pages": 1},
            "/v2/team/list": {"teams": [], "total": 0, "total_pages": 1},
            "/user/list": {"users": [], "total": 0, "total_pages": 1},
        }
        return listings[path]

    def send(self, path: str, body: Any = None, method: str = "POST", idempotent: bool = False) -> Any:
        self.sent.append((method, path, body))
        if method == "DELETE":
            del self.toolsets[path.removeprefix(f"{PATH}/")]
            return {}
        assert path == PATH
        row = {"toolset_id": "new", **body} if method == "POST" else {**self.toolsets[body["toolset_id"]], **body}
        self.toolsets[row["toolset_id"]] = row
        return row


def stored(**more: Any) -> Proxy:
    return Proxy({"toolset_id": "id", "toolset_name": "mine", "description": "old", "tools": [TOOL], **more})


def declared(proxy: Proxy, state: str = "present", check: bool = False, **options: Any) -> Outcome:
    want = McpToolset().declare({"toolset_name": "mine", **options}, state)
    (outcome,) = converge(McpToolset().store(proxy, {}), [want], check)  # type: ignore[arg-type]
    return outcome


def test_a_toolset_is_created_with_the_ids_of_its_servers() -> None:
    proxy = Proxy()
    named = [{"server_id": "files", "tool_name": "read"}]
    assert declared(proxy, tools=named).action == "create"
    assert proxy.sent == [("POST", PATH, {"toolset_name": "mine", "tools": [TOOL]})]
    assert declared(proxy, tools=named).action == "none"


def test_an_update_names_the_toolset_by_its_id() -> None:
    proxy = stored()
    assert declared(proxy, check=True, unset=["tools"]).action == "update"
    assert proxy.sent == []
    outcome = declared(proxy, description="new", unset=["tools"])
    assert (outcome.action, outcome.error) == ("update", None)
    assert proxy.sent == [("PUT", PATH, {"toolset_id": "id", "description": "new", "tools": []})]


def test_a_toolset_that_nobody_uses_is_deleted() -> None:
    proxy = stored()
    assert declared(proxy, "absent").action == "delete"
    assert proxy.sent == [("DELETE", f"{PATH}/id", None)]


def test_who_uses_a_toolset_is_said_before_it_is_deleted() -> None:
    proxy = stored()
    proxy.permitted = ["id"]
    users = r"It is used by 1 key \(one\), 1 customer \(ann\)\."
    with pytest.raises(InputError, match=rf"{users} To continue, set force: true\."):
        declared(proxy, "absent")
    assert proxy.sent == []
    assert declared(proxy, description="new").action == "update"
    outcome = declared(proxy, "absent", force=True)
    assert (outcome.action, outcome.warnings) == (
        "delete",
        ("mine: It is used by 1 key (one), 1 customer (ann).",),
    )


@pytest.mark.parametrize(
    ("server", "refusal"),
    [
        ("gone", r"tools: the proxy has no MCP server 'gone'\."),
        ("twin", r"tools: 2 MCP servers are called 'twin'\. Set the ID of one of them \(s2, s3\)\."),
    ],
)
def test_a_server_that_is_not_there_or_not_the_only_one_is_refused(server: str, refusal: str) -> None:
    proxy = stored()
    with pytest.raises(InputError, match=refusal):
        declared(proxy, tools=[{"server_id": server, "tool_name": "read"}])
    assert proxy.sent == []


def test_a_toolset_is_declared_by_the_names_of_its_servers() -> None:
    nothing = dict.fromkeys(McpToolset().info_options)
    proxy: Any = stored()
    (shown,) = McpToolset().read(proxy, {**nothing, "declaration": True})["mcp_toolsets"]
    assert (shown["toolset_id"], shown["tools"]) == ("id", [TOOL])
    tools = [{"server_id": "files", "tool_name": "read"}]
    assert shown["declaration"] == {"toolset_name": "mine", "description": "old", "tools": tools}
