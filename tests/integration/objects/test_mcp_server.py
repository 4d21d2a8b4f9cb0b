# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""MCP servers on a real LiteLLM: every field by its laws, and calls through the proxy that are let through or not."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._mcp_server._table import MCP_SERVER
from ansible_collections.litemaas.virtual_keys.tests.integration.laws import (
    Laws,
    adopted,
    as_declared,
    described,
    lacking,
    only_changes,
    refused,
    two,
)
from ansible_collections.litemaas.virtual_keys.tests.tooling.mcp import TOOL, McpUpstream, mcp_upstream

pytestmark = [pytest.mark.quiet, pytest.mark.since("1.106.2")]

TABLE = '"LiteLLM_MCPServerTable"'
# What is encrypted in the database, and shown to admins.
ENCRYPTED = ("static_headers", "env_vars", "env")
HIDDEN = "********"
NOWHERE = "http://127.0.0.1:9"
# A server whose document LiteLLM cannot load is not shown any more once LiteLLM reads its database again.
DOCUMENT = Path(__file__).with_name("openapi.json")
# Random, as what issuers choose.
FIRST, SECOND, THIRD = (secrets.token_urlsafe(32) for _number in range(3))


def row(sandbox, name: str) -> dict[str, Any]:
    """The row, with what can be told of what is encrypted in it."""
    (found,) = sandbox.rows(f"SELECT * FROM {TABLE} WHERE server_id = %s", name)
    (shown,) = (one for one in sandbox.call("GET", "/v1/mcp/server").json() if one["server_id"] == name)
    credentials = found.get("credentials") or {}
    credentials = json.loads(credentials) if isinstance(credentials, str) else credentials
    return {
        **found,
        **{name: shown.get(name) for name in ENCRYPTED},
        "credentials": sorted(name for name, value in credentials.items() if value is not None),
    }


def fields(**beside: Any) -> Any:
    """Two values of a field, for a server that has this beside it."""
    return partial(two, beside={"transport": "http", "url": f"{NOWHERE}/mcp", **beside})


with_ = fields()
BEARER = {"auth_type": "bearer_token", "credentials": {"auth_value": FIRST}}
INTERACTIVE = {"auth_type": "oauth2", "oauth2_flow": "authorization_code"}
LAWS = Laws(
    "litellm_mcp_server",
    MCP_SERVER,
    row,
    {
        "server_name": with_("laws_one", "laws.two", moves=("alias",)),
        "alias": with_("laws_one", "laws_two"),
        "description": with_("one", "two"),
        "transport": two("http", "sse", beside={"url": f"{NOWHERE}/mcp"}),
        "url": two(f"{NOWHERE}/a", f"{NOWHERE}/b", beside={"transport": "http", "spec_path": str(DOCUMENT)}),
        "spec_path": with_(str(DOCUMENT), f"{DOCUMENT.parent}/./{DOCUMENT.name}"),
        "auth_type": with_("none", "bearer_token", unset=("credentials",)),
        "credentials": fields(auth_type="bearer_token")(
            {"auth_value": FIRST, "client_id": "me"},
            {"auth_value": SECOND},
            moves=("mcp_info",),
            shown=({"auth_value": HIDDEN, "client_id": HIDDEN}, {"auth_value": HIDDEN}),
        ),
        "static_headers": with_(
            {"X-A": FIRST, "X-B": "2"}, {"X-A": SECOND}, shown=({"X-A": HIDDEN, "X-B": HIDDEN}, {"X-A": HIDDEN})
        ),
        "extra_headers": with_(["X-A"], ["X-B", "X-C"]),
        "env_vars": with_(
            [{"name": "A", "value": FIRST}, {"name": "B", "scope": "user", "description": "yours"}],
            [{"name": "A", "value": SECOND}],
            shown=(
                [{"name": "A", "value": HIDDEN}, {"name": "B", "scope": "user", "description": "yours"}],
                [{"name": "A", "value": HIDDEN}],
            ),
        ),
        "issuer": with_("https://a.example.com", "https://b.example.com"),
        "authorization_url": with_(f"{NOWHERE}/a", f"{NOWHERE}/b"),
        "token_url": with_(f"{NOWHERE}/a", f"{NOWHERE}/b"),
        "registration_url": with_(f"{NOWHERE}/a", f"{NOWHERE}/b"),
        "oauth2_flow": with_("client_credentials", "authorization_code"),
        "dcr_bridge": fields(auth_type="oauth_delegate")(True, False),
        "token_exchange_endpoint": with_(f"{NOWHERE}/a", f"{NOWHERE}/b"),
        "audience": with_("a", "b"),
        "subject_token_type": with_("urn:a", "urn:b"),
        "token_exchange_profile": with_("entra_obo", "rfc8693"),
        "per_server_oauth_discovery": fields(**INTERACTIVE)(True, False),
        "delegate_auth_to_upstream": with_(True, False),
        "oauth_passthrough": with_(True, False),
        "is_byok": with_(True, False),
        "byok_description": with_(["one"], ["two", "three"]),
        "byok_api_key_help_url": with_("https://a.example.com", "https://b.example.com"),
        "allowed_tools": with_(["a", "b"], ["c"]),
        "tool_name_to_display_name": with_({"a": "one", "b": "two"}, {"a": "three"}),
        "tool_name_to_description": with_({"a": "one", "b": "two"}, {"a": "three"}),
        "mcp_access_groups": with_(["a", "b"], ["c"]),
        "allow_all_keys": with_(True, False),
        "available_on_public_internet": with_(False, True),
        "instructions": with_("one", "two"),
        "mcp_info": with_(
            {"logo_url": "https://a.example.com", "mine": [1]},
            {"mcp_server_cost_info": {"default_cost_per_query": 0.5}},
        ),
        "source_url": with_("https://a.example.com", "https://b.example.com"),
        "call_timeout": with_(5, 0.5, at="timeout"),
        "max_concurrent_requests": with_(1, 2),
        "rpm": with_(1, 0),
        "command": with_("npx", "uvx"),
        "args": with_(["-y", "one"], ["one", "-y"]),
        "env": with_({"A": FIRST, "B": "2"}, {"A": SECOND}, shown=({"A": HIDDEN, "B": HIDDEN}, {"A": HIDDEN})),
    },
    without={"server_id"},
    others={"description": "other"},
)
# What depends on each other, or takes more than one write to change.
APART = {"auth_type", "url", "issuer", "spec_path", "transport", "dcr_bridge", "per_server_oauth_discovery"}
TOGETHER = replace(LAWS, examples={name: one for name, one in LAWS.examples.items() if name not in APART})


@pytest.fixture
def name(sandbox, alias) -> Iterator[str]:
    """The beginning of this test's ids and, with underscores, names. What has it is removed at the end."""
    beginning = f"{alias} ü"
    yield beginning
    for found in sandbox.rows(
        f"SELECT server_id FROM {TABLE} WHERE starts_with(server_id, %s) OR starts_with(server_name, %s)",
        alias,
        alias,
    ):
        sandbox.call("DELETE", f"/v1/mcp/server/{found['server_id']}").raise_for_status()


@pytest.fixture
def server(run_module, name):
    """Runs litellm_mcp_server on this test's server."""
    return partial(run_module, "litellm_mcp_server", server_id=name)


@pytest.fixture(scope="module")
def running() -> Iterator[McpUpstream]:
    with mcp_upstream() as one:
        yield one


@pytest.fixture
def upstream(running) -> McpUpstream:
    """An MCP server that runs, and has not been called yet."""
    running.expected, running.calls = {}, []
    return running


def test_every_field_has_values() -> None:
    assert LAWS.fields_without_values == set()


@pytest.mark.parametrize("field", LAWS.examples)
def test_every_field(sandbox, run_module, name, field: str) -> None:
    LAWS.hold(sandbox, partial(run_module, server_id=name), field)


def test_all_fields_at_once(sandbox, run_module, name) -> None:
    TOGETHER.hold_together(sandbox, partial(run_module, server_id=name))


def reach(sandbox, key: str, server_id: str, text: str) -> bool:
    """Whether a call of the tool through the proxy, with that key, comes back."""
    body = {"server_id": server_id, "name": TOOL, "arguments": {"text": text}}
    done = sandbox.call("POST", "/mcp-rest/tools/call", body, key=key)
    return done.status_code == 200 and text in done.text


def test_a_key_that_may_reaches_it_and_no_other_does(sandbox, run_module, server, upstream, alias) -> None:
    upstream.expected = {"Authorization": f"Bearer {FIRST}", "X-Tenant": "blue"}
    other = partial(run_module, "litellm_mcp_server", server_name=f"{alias}_other")
    common = {"transport": "http", "url": upstream.url, "static_headers": {"X-Tenant": "${TENANT}"}}
    common["env_vars"] = [{"name": "TENANT", "value": "blue"}]
    server_id = as_declared(server, sandbox, 1, server_name=f"{alias}_one", **common, **BEARER).server_id
    other_id = as_declared(other, sandbox, 1, **common, **BEARER).server_id
    before = row(sandbox, other_id)
    permitted = {"object_permission": {"mcp_servers": [f"{alias}_one"]}}
    may = run_module("litellm_key", key_alias=f"{alias}-may", **permitted).key
    other_may = run_module("litellm_key", key_alias=f"{alias}-other", object_permission={"mcp_servers": [other_id]}).key
    assert reach(sandbox, may, server_id, "hello")
    assert [text for text, _headers in upstream.calls] == ["hello"]
    assert not reach(sandbox, other_may, server_id, "no")
    # A new token is what the server is sent from then on.
    as_declared(server, sandbox, 1, credentials={"auth_value": SECOND})
    upstream.expected["Authorization"] = f"Bearer {SECOND}"
    assert reach(sandbox, may, server_id, "again")
    lacking(server, sandbox, f"It is used by 1 key ({alias}-may).", state="absent")
    gone = server(state="absent", force=True)
    assert (gone.action, gone.mcp_server, server(state="absent").changed) == ("delete", None, False)
    assert f"It is used by 1 key ({alias}-may)." in str(gone.warnings)
    assert not reach(sandbox, may, server_id, "gone")
    assert [text for text, _headers in upstream.calls] == ["hello", "again"]
    # Nobody else's server is touched.
    assert row(sandbox, other_id) == before
    assert run_module("litellm_key", key_alias=f"{alias}-other", state="absent").changed
    assert other(state="absent").action == "delete"


def test_another_type_of_authentication_loses_nothing_unasked(sandbox, server) -> None:
    """LiteLLM removes credentials and addresses with it."""
    base = {"transport": "http", "url": f"{NOWHERE}/mcp", "auth_type": "oauth2", "oauth2_flow": "client_credentials"}
    client = {"client_id": "me", "client_secret": FIRST, "scopes": ["read"]}
    as_declared(server, sandbox, 1, **base, token_url=f"{NOWHERE}/token", credentials=client)
    refused(
        server,
        sandbox,
        "when auth_type changes, LiteLLM removes token_url, oauth2_flow, credentials. Also set each of them",
        auth_type="bearer_token",
    )
    kept = {"token_url": f"{NOWHERE}/token", "oauth2_flow": "client_credentials"}
    done = as_declared(server, sandbox, 2, auth_type="bearer_token", credentials={"auth_value": SECOND}, **kept)
    assert (done.mcp_server["token_url"], done.mcp_server["oauth2_flow"]) == tuple(kept.values())
    stored = row(sandbox, server.keywords["server_id"])
    assert (stored["token_url"], stored["credentials"]) == (kept["token_url"], ["auth_value"])
    cleared = as_declared(server, sandbox, 1, auth_type="none", unset=["token_url", "oauth2_flow", "credentials"])
    assert cleared.mcp_server["credentials"] == {}
    assert row(sandbox, server.keywords["server_id"])["token_url"] is None


@pytest.mark.parametrize("moved", ["url", "issuer"])
def test_another_upstream_loses_nothing_unasked(sandbox, server, moved: str) -> None:
    """LiteLLM drops the client of OAuth and the addresses with the URL or the issuer, whether they are sent or not."""
    client = {"client_id": "me", "client_secret": FIRST, "scopes": ["read"]}
    kept = {"token_url": f"{NOWHERE}/token", "credentials": client, "oauth2_flow": "client_credentials"}
    anchors = {"url": f"{NOWHERE}/a", "issuer": "https://a.example.com"}
    as_declared(server, sandbox, 1, transport="http", auth_type="oauth2", **anchors, **kept)
    before = row(sandbox, server.keywords["server_id"])
    refused(server, sandbox, f"when {moved} changes, LiteLLM removes", **{moved: f"{anchors[moved]}/b"})
    whole = {**anchors, **kept, moved: f"{anchors[moved]}/b"}
    # The issuer goes with the URL, and when it comes back, the addresses have to come once more.
    as_declared(server, sandbox, 3 if moved == "url" else 2, **whole)
    after = row(sandbox, server.keywords["server_id"])
    assert {name for name in ("token_url", "oauth2_flow", "url", "issuer") if before[name] != after[name]} == {moved}
    assert {"client_id", "client_secret", "scopes"} <= set(after["credentials"])


def test_credentials_that_are_not_declared_any_more_are_gone(sandbox, server) -> None:
    base = {"transport": "http", "url": f"{NOWHERE}/mcp", "auth_type": "oauth2", "oauth2_flow": "client_credentials"}
    as_declared(server, sandbox, 1, **base, credentials={"client_id": "me", "client_secret": FIRST, "scopes": ["a"]})
    as_declared(server, sandbox, 1, credentials={"client_id": "me"})
    assert set(row(sandbox, server.keywords["server_id"])["credentials"]) - {"dcr_issuer", "dcr_server_url"} == {
        "client_id"
    }
    as_declared(server, sandbox, 1, unset=["credentials"])
    assert row(sandbox, server.keywords["server_id"])["credentials"] == []


def test_credentials_of_others_are_replaced_as_a_whole(sandbox, server, name) -> None:
    body = {"server_id": name, "url": f"{NOWHERE}/mcp", "transport": "http", "auth_type": "bearer_token"}
    credentials = {"auth_value": "theirs", "client_id": "theirs"}
    sandbox.call("POST", "/v1/mcp/server", {**body, "credentials": credentials}).raise_for_status()
    assert server(description="ours").mcp_server["credentials"] == {}
    refused(server, sandbox, "LiteLLM removes credentials. Also set it, or list it in unset.", auth_type="basic")
    as_declared(server, sandbox, 1, credentials={"auth_value": FIRST})
    assert row(sandbox, name)["credentials"] == ["auth_value"]
    sandbox.call("PUT", "/v1/mcp/server", {"server_id": name, "mcp_info": {}}).raise_for_status()
    as_declared(server, sandbox, 1, unset=["credentials"])
    assert row(sandbox, name)["credentials"] == []


def test_a_secret_that_can_be_guessed_is_written_when_asked_for(sandbox, server) -> None:
    base = {"transport": "http", "url": f"{NOWHERE}/mcp", "auth_type": "basic"}
    made = server(**base, credentials={"auth_value": "ann:secret"})
    assert "credentials: auth_value can be guessed, so no fingerprint of it is stored." in str(made.warnings)
    info = row(sandbox, server.keywords["server_id"])["mcp_info"]
    assert info["litemaas_virtual_keys"] == {"fingerprints": {"auth_value": "guessable"}}
    assert server(credentials={"auth_value": "ann:other"}).changed is False
    assert server(credentials={"auth_value": "ann:other"}, update_credentials="always").changed


def test_a_name_leaves_the_alias_alone(sandbox, server, alias) -> None:
    base = {"transport": "http", "url": f"{NOWHERE}/mcp"}
    made = as_declared(server, sandbox, 1, **base, server_name=f"{alias} one")
    assert (made.mcp_server["server_name"], made.mcp_server["alias"]) == (f"{alias}_one", f"{alias}_one")
    with only_changes(partial(row, sandbox, server.keywords["server_id"]), {("server_name",)}):
        as_declared(server, sandbox, 1, server_name=f"{alias}_two")
    as_declared(server, sandbox, 1, unset=["alias"])
    refused(server, sandbox, "LiteLLM would make server_name the alias as well.", server_name=f"{alias}_three")
    done = as_declared(server, sandbox, 2, server_name=f"{alias}_three", unset=["alias"])
    assert (done.mcp_server["server_name"], done.mcp_server["alias"]) == (f"{alias}_three", None)


def test_names_and_aliases_are_one_namespace(sandbox, run_module, server, name, alias) -> None:
    base = {"transport": "http", "url": f"{NOWHERE}/mcp"}
    as_declared(server, sandbox, 1, **base, server_name=f"{alias}_one", alias=f"{alias}_short")
    other = partial(run_module, "litellm_mcp_server", server_id=f"{alias}-other", **base)
    taken = f"is the name or the alias of the MCP server '{name}'."
    for declared in ({"server_name": f"{alias}_Short"}, {"alias": f"{alias}_ONE"}):
        lacking(other, sandbox, taken, **declared)
    lacking(partial(run_module, "litellm_mcp_server", **base), sandbox, taken, server_name=f"{alias}_ONE")
    assert run_module("litellm_mcp_server", server_name=f"{alias}_one", alias=f"{alias}_short").changed is False


def test_a_server_is_found_by_its_name(sandbox, run_module, alias) -> None:
    by_name = partial(run_module, "litellm_mcp_server", server_name=f"{alias} named")
    made = as_declared(by_name, sandbox, 1, transport="http", url=f"{NOWHERE}/mcp")
    assert (made.server_name, made.mcp_server["server_id"]) == (f"{alias}_named", made.server_id)
    found = run_module("litellm_mcp_server_info", server_name=f"{alias}_named").mcp_servers
    assert [one["server_id"] for one in found] == [made.server_id]
    assert run_module("litellm_mcp_server", server_id=made.server_id, server_name=f"{alias}_named").changed is False
    assert by_name(state="absent").action == "delete"


def test_a_document_that_cannot_be_read_is_a_warning(sandbox, server, upstream) -> None:
    as_declared(server, sandbox, 1, transport="http", spec_path=upstream.spec)
    done = server(spec_path=f"{NOWHERE}/openapi.json")
    assert (done.action, done.failed) == ("update", False)
    assert "cannot load the document at spec_path" in str(done.warnings)
    assert server(spec_path=f"{NOWHERE}/openapi.json").changed is False


def test_what_declares_it_names_its_secrets_and_shows_none(sandbox, run_module, server, name) -> None:
    secret = {"static_headers": {"X-A": SECOND}, "env_vars": [{"name": "A", "value": THIRD}], "env": {"B": THIRD}}
    common = {"transport": "http", "url": f"{NOWHERE}/mcp", "mcp_access_groups": ["one"]}
    as_declared(server, sandbox, 1, **common, **BEARER, **secret)
    declaration = adopted(run_module, sandbox, "litellm_mcp_server", server_id=name)
    assert declaration == {"server_id": name, "auth_type": "bearer_token", **common}
    found = described(run_module, "litellm_mcp_server", server_id=name)
    assert found["hidden"] == [
        ["credentials", "auth_value"],
        ["static_headers", "X-A"],
        ["env_vars"],
        ["env", "B"],
    ]
    assert not [value for value in (FIRST, SECOND, THIRD) if value in str(found)]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"server_id": "a/b"}, "server_id: must not contain a slash."),
        ({"server_id": "all-team-mcpservers"}, "server_id: 'all-team-mcpservers' is reserved for LiteLLM."),
        ({"server_name": "a-b"}, "server_name: 'a-b' must consist of"),
        ({"alias": "ä"}, "alias: 'ä' must consist of"),
        ({"url": ""}, "it does not exist yet. To create it, set url or spec_path."),
        ({"transport": "stdio"}, "transport=stdio requires command and args."),
        ({"dcr_bridge": True}, "dcr_bridge requires auth_type oauth_delegate or true_passthrough."),
        ({"per_server_oauth_discovery": True}, "per_server_oauth_discovery requires auth_type oauth2"),
        ({"credentials": {"password": "x"}}, "credentials: LiteLLM does not know password."),
        ({"credentials": {"audience": "x"}}, "credentials: use the option audience to set audience."),
        ({"credentials": {"auth_value": ""}}, "credentials: auth_value has no value."),
        ({"credentials": {"auth_value": HIDDEN}}, "which stands for a secret in results."),
        ({"static_headers": {"X-A": None}}, "static_headers: needs text for X-A."),
        ({"env_vars": [{"name": "A"}, {"name": "A"}]}, "env_vars: contains A more than once."),
        ({"mcp_info": {"description": "x"}}, "mcp_info: use the option description to set description."),
        ({"mcp_info": {"is_public": True}}, "mcp_info: is_public is reserved for LiteLLM."),
        ({"mcp_info": {"litemaas_virtual_keys": {}}}, "is reserved for this collection."),
    ],
)
def test_wrong_input_writes_nothing(sandbox, server, options: dict[str, Any], sentence: str) -> None:
    refused(server, sandbox, sentence, **{"transport": "http", "url": f"{NOWHERE}/mcp", **options})


def test_stdio_is_off(sandbox, server, name) -> None:
    done = server(transport="stdio", command="npx", args=["-y", "one"])
    assert (done.failed, sandbox.rows(f"SELECT 1 FROM {TABLE} WHERE server_id = %s", name)) == (True, [])
    assert "Set LITELLM_ENABLE_MCP_STDIO=true in the environment of the proxy" in done.msg
