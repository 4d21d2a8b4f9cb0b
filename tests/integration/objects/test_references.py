# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What objects refer to by ids that LiteLLM stores without a look: a name does as well, and what is missing is said."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.tests.integration.laws import as_declared, lacking, refused

pytestmark = pytest.mark.quiet


@pytest.fixture
def name(sandbox, alias) -> Iterator[str]:
    """The name of this test's objects, which are removed at the end."""
    name = alias.replace("-", "_")
    yield name
    sandbox.call("POST", "/team/delete", {"team_ids": [alias]})
    sandbox.call("POST", "/user/delete", {"user_ids": [alias]})
    for toolset in sandbox.rows(
        'SELECT toolset_id FROM "LiteLLM_MCPToolsetTable" WHERE starts_with(toolset_name, %s)', name
    ):
        sandbox.call("DELETE", f"/v1/mcp/toolset/{toolset['toolset_id']}")
    sandbox.call("DELETE", f"/v1/mcp/server/{name}-id")
    sandbox.call("POST", "/vector_store/delete", {"vector_store_id": f"{name}-id"})
    for table in ("LiteLLM_AccessGroupTable",):
        sandbox.execute(f'DELETE FROM "{table}" WHERE starts_with(access_group_name, %s)', alias)


IDENTITY = {"team": "team_id", "key": "key_alias", "user": "user_id"}


@pytest.fixture(params=["team", "key"])
def declare(request, run_module, alias) -> Callable[..., Any]:
    """A team, or a key, that refers to something."""
    return declaring(request.param, run_module, alias)


@pytest.fixture(params=IDENTITY)
def permit(request, run_module, alias) -> Callable[..., Any]:
    """A team, a key, or a user with permissions."""
    return declaring(request.param, run_module, alias)


def declaring(kind: str, run_module: Callable[..., Any], alias: str) -> Callable[..., Any]:
    return partial(run_module, f"litellm_{kind}", **{IDENTITY[kind]: alias})


def shown(result: Any) -> dict[str, Any]:
    values: dict[str, Any] = result.values.get("team") or result.values.get("user") or result.values["virtual_key"]
    return values


def test_an_access_group_is_named(sandbox, run_module, declare, name) -> None:
    options = {"access_group_ids": [name]}
    lacking(declare, sandbox, f"access_group_ids: the proxy has no access group '{name}'.", **options)
    group = run_module("litellm_access_group", access_group_name=name).access_group_id
    assert shown(as_declared(declare, sandbox, 1, **options))["access_group_ids"] == [group]
    assert declare(access_group_ids=[group]).changed is False
    # Nobody is asked for what the object has already.
    with sandbox.requests_made() as made:
        assert declare(access_group_ids=[group]).changed is False
    assert "/v1/access_group" not in [path for _method, path, _status in made]
    # Nor is it a reason to refuse another change when it is gone.
    run_module("litellm_access_group", access_group_name=name, state="absent", force=True)
    assert declare(max_budget=3).changed


@pytest.mark.since("1.106.2")  # older versions restrict keys outside of teams, and do not know this of users
def test_servers_and_stores_are_named(sandbox, permit, name) -> None:
    permission = {
        "mcp_servers": [f"{name}_server"],
        "mcp_tool_permissions": {f"{name}_server": ["read"]},
        "vector_stores": [f"{name} store"],
    }
    lacking(
        permit,
        sandbox,
        f"object_permission: the proxy has no MCP server '{name}_server'.",
        object_permission=permission,
    )
    server = {
        "server_id": f"{name}-id",
        "server_name": f"{name}_server",
        "url": "http://127.0.0.1:9",
        "transport": "http",
    }
    sandbox.call("POST", "/v1/mcp/server", server).raise_for_status()
    lacking(
        permit,
        sandbox,
        f"object_permission: the proxy has no vector store '{name} store'.",
        object_permission=permission,
    )
    store = {"vector_store_id": f"{name}-id", "vector_store_name": f"{name} store", "custom_llm_provider": "openai"}
    sandbox.call("POST", "/vector_store/new", store).raise_for_status()
    done = as_declared(permit, sandbox, 1, object_permission=permission)
    assert shown(done)["object_permission"] == {
        "mcp_servers": [f"{name}-id"],
        "mcp_tool_permissions": {f"{name}-id": ["read"]},
        "vector_stores": [f"{name}-id"],
    }
    # Who may use a tool of a server reaches the server.
    left = permit(object_permission={"mcp_servers": []})
    assert left.changed and f"still gives access to {name}-id, which" in str(left.warnings)


@pytest.mark.since("1.106.2")  # older versions restrict keys outside of teams, and do not know this of users
def test_groups_and_toolsets_are_named(sandbox, run_module, permit, name) -> None:
    permission = {"mcp_access_groups": [f"{name} group"], "mcp_toolsets": [f"{name} set"]}
    lacking(
        permit,
        sandbox,
        f"object_permission: the proxy has no MCP access group '{name} group'. "
        f"object_permission: the proxy has no MCP toolset '{name} set'.",
        object_permission=permission,
    )
    reached = {"transport": "http", "url": "http://127.0.0.1:9"}
    server = {"server_id": f"{name}-id", "mcp_access_groups": [f"{name} group"], **reached}
    assert run_module("litellm_mcp_server", **server).changed
    toolset = run_module("litellm_mcp_toolset", toolset_name=f"{name} set").toolset_id
    done = as_declared(permit, sandbox, 1, object_permission=permission)
    assert shown(done)["object_permission"] == {"mcp_access_groups": [f"{name} group"], "mcp_toolsets": [toolset]}
    # What stands for all of them, or none, is no server.
    done = as_declared(permit, sandbox, 1, object_permission={"mcp_servers": ["no-mcp-servers"]})
    assert shown(done)["object_permission"]["mcp_servers"] == ["no-mcp-servers"]


def test_a_name_of_several_is_refused(sandbox, declare, name) -> None:
    for number in (1, 2):
        body = {"vector_store_id": f"{name}-{number}", "vector_store_name": name, "custom_llm_provider": "openai"}
        sandbox.call("POST", "/vector_store/new", body).raise_for_status()
    refused(
        declare,
        sandbox,
        f"object_permission: 2 vector stores are called '{name}'. Set the ID of one of them",
        object_permission={"vector_stores": [name]},
    )
    for number in (1, 2):
        sandbox.call("POST", "/vector_store/delete", {"vector_store_id": f"{name}-{number}"}).raise_for_status()


def test_the_servers_of_an_access_group_are_named(sandbox, run_module, name) -> None:
    group = partial(run_module, "litellm_access_group", access_group_name=name)
    lacking(
        group, sandbox, f"access_mcp_server_ids: the proxy has no MCP server '{name}'.", access_mcp_server_ids=[name]
    )
    server = {"server_id": f"{name}-id", "server_name": name, "url": "http://127.0.0.1:9", "transport": "http"}
    sandbox.call("POST", "/v1/mcp/server", server).raise_for_status()
    done = as_declared(group, sandbox, 1, access_mcp_server_ids=[name])
    assert done.access_group["access_mcp_server_ids"] == [f"{name}-id"]
