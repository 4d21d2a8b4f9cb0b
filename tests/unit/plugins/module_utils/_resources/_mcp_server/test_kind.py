# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is sent for an MCP server, of which LiteLLM hides the credentials and removes more than it is asked to."""

from __future__ import annotations

import json
import secrets
from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._batch import converge
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._engine import Outcome
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._errors import ApiError, InputError
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._fingerprints import OWN_ENTRY
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._intentions import Intentions
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._listings import MCP_SERVERS
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._mcp_server._kind import McpServer

PATH = "/v1/mcp/server"
URL = "https://example.com/mcp"
FIRST, SECOND = (secrets.token_urlsafe(32) for _number in range(2))
SHOWN = ("scopes", "upstream_resource", "upstream_token_header")
# What a new type of authentication, or a new URL or issuer, takes along.
ADDRESSES = ("issuer", "authorization_url", "token_url", "registration_url", "oauth2_flow", "audience")


class Proxy:
    """MCP servers in memory, with what LiteLLM removes. It fails the test on any request that it does not know."""

    def __init__(self, **listings: Any) -> None:
        self.servers: dict[str, dict[str, Any]] = {}
        # What a worker still has in memory, and shows in the listing.
        self.memory: dict[str, Any] = {}
        # What a worker has forgotten, until a server is asked for.
        self.unlisted: set[str] = set()
        self.listings = listings
        self.facts: dict[str, Any] = {"version": "1.110.2"}
        self.sent: list[tuple[str, Any]] = []
        self.looked_up = 0

    def get(self, path: str, params: Any = None) -> Any:
        if path == PATH:
            rows = [row for name, row in self.servers.items() if name not in self.unlisted]
            return [{**_shown(row), **self.memory} for row in rows]
        if path.startswith(f"{PATH}/"):
            self.looked_up += 1
            name = path.removeprefix(f"{PATH}/")
            if name not in self.servers:
                raise ApiError(f"MCP Server with id {name} not found", 404)
            self.unlisted.discard(name)
            return _shown(self.servers[name])
        counted = {"/key/list": "keys", "/v2/team/list": "teams", "/user/list": "users"}
        rows = self.listings.get(path.rsplit("/", maxsplit=1)[-1] if path not in counted else counted[path], [])
        if path in counted:
            return {counted[path]: rows, "total_count": len(rows), "total_pages": 1}
        assert path in ("/customer/list", "/v1/access_group", "/v1/mcp/toolset")
        return rows

    def send(self, path: str, body: Any = None, method: str = "POST", idempotent: bool = False) -> Any:
        self.sent.append((method, body))
        if method == "DELETE":
            del self.servers[path.removeprefix(f"{PATH}/")]
            return {}
        assert path == PATH
        body = json.loads(json.dumps(body))
        return {"POST": self._create, "PUT": self._update}[method](body)

    def _create(self, body: dict[str, Any]) -> Any:
        name = body.get("server_id", "made")
        row = {"transport": "sse", "alias": body.get("server_name"), **body, "server_id": name}
        self.servers[name] = row
        return _shown(row)

    def _update(self, body: dict[str, Any]) -> Any:
        row = self.servers[body["server_id"]]
        assert "transport" not in body or body.get("url") or body.get("command")
        given = body.pop("credentials", {})
        anchors = {name for name in ("auth_type", "url", "issuer") if name in body and body[name] != row.get(name)}
        if anchors:
            for name in set(ADDRESSES) - anchors:
                row.pop(name, None)
        if "auth_type" in anchors or (anchors and row.get("auth_type") == "oauth2"):
            row["credentials"] = {}
        if "server_name" in body:
            body.setdefault("alias", body["server_name"])
        merged = {**row.get("credentials", {}), **(given or {})}
        kept = {} if given is None else {name: value for name, value in merged.items() if value is not None}
        row.update(body, credentials=kept)
        return _shown(row)


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row without the credentials that LiteLLM hides, and with what it adds."""
    credentials = {name: value for name, value in (row.get("credentials") or {}).items() if name in SHOWN}
    added = {"is_public": False, "server_name": row.get("server_name") or row["server_id"]}
    return {**row, "credentials": credentials or None, "mcp_info": {**(row.get("mcp_info") or {}), **added}}


def stored(**row: Any) -> Proxy:
    """Return a proxy with a server that somebody else made."""
    proxy = Proxy()
    proxy.servers["s"] = {"server_id": "s", "transport": "http", "url": URL, **row}
    return proxy


def declared(proxy: Proxy, state: str = "present", check: bool = False, **options: Any) -> Outcome:
    want = McpServer().declare({"server_id": "s", **options}, state)
    (outcome,) = converge(McpServer().store(proxy, {}), [want], check)  # type: ignore[arg-type]
    assert outcome.error is None
    return outcome


def last_body(proxy: Proxy) -> dict[str, Any]:
    body: dict[str, Any] = proxy.sent[-1][1]
    return body


BEARER = {"url": URL, "transport": "http", "auth_type": "bearer_token"}


def test_a_server_is_created_with_fingerprints_of_its_credentials() -> None:
    proxy = Proxy()
    options = {**BEARER, "credentials": {"auth_value": FIRST}, "call_timeout": 5, "mcp_info": {"mine": 1}}
    outcome = declared(proxy, **options)
    body = last_body(proxy)
    assert (outcome.action, body["credentials"], body["timeout"]) == ("create", {"auth_value": FIRST}, 5)
    assert body["mcp_info"]["mine"] == 1
    assert list(body["mcp_info"][OWN_ENTRY]["fingerprints"]) == ["auth_value"]
    assert FIRST not in json.dumps([body["mcp_info"], outcome.plan.diff, outcome.plan.after])
    assert declared(proxy, **options).action == "none"
    assert len(proxy.sent) == 1


def test_a_server_without_credentials_is_created_without_fingerprints() -> None:
    proxy = Proxy()
    assert declared(proxy, url=URL).action == "create"
    assert proxy.sent == [("POST", {"server_id": "s", "url": URL})]


def test_a_check_sends_nothing() -> None:
    proxy = stored()
    assert declared(proxy, check=True, description="new").action == "update"
    assert declared(proxy, "absent", check=True).action == "delete"
    assert proxy.sent == []


def test_only_changed_credentials_are_written_and_others_go() -> None:
    proxy = Proxy()
    declared(proxy, **BEARER, credentials={"auth_value": FIRST, "client_id": "me", "client_secret": SECOND})
    outcome = declared(proxy, credentials={"auth_value": SECOND, "client_secret": SECOND})
    assert outcome.action == "update"
    assert last_body(proxy)["credentials"] == {"auth_value": SECOND, "client_id": None}
    assert list(last_body(proxy)["mcp_info"][OWN_ENTRY]["fingerprints"]) == ["client_secret", "auth_value"]
    assert proxy.servers["s"]["credentials"] == {"auth_value": SECOND, "client_secret": SECOND}
    assert declared(proxy, credentials={"auth_value": SECOND, "client_secret": SECOND}).action == "none"


def test_all_credentials_are_removed_with_their_fingerprints() -> None:
    proxy = Proxy()
    declared(proxy, **BEARER, credentials={"auth_value": FIRST}, mcp_info={"mine": 1})
    assert declared(proxy, unset=["credentials"]).action == "update"
    assert last_body(proxy) == {
        "server_id": "s",
        "credentials": None,
        "mcp_info": {"mine": 1, OWN_ENTRY: {"fingerprints": {}}},
    }
    assert declared(proxy, unset=["credentials"]).action == "none"


def test_credentials_that_nobody_knows_are_replaced() -> None:
    proxy = stored(auth_type="bearer_token", credentials={"auth_value": SECOND, "aws_region_name": "x"})
    assert declared(proxy, credentials={"auth_value": FIRST}).action == "update"
    assert last_body(proxy)["credentials"]["aws_region_name"] is None
    assert proxy.servers["s"]["credentials"] == {"auth_value": FIRST}
    assert declared(proxy, credentials={"auth_value": FIRST}).action == "none"


def test_credentials_that_are_shown_are_compared() -> None:
    proxy = Proxy()
    declared(proxy, **BEARER, credentials={"auth_value": FIRST, "scopes": ["a"]})
    assert declared(proxy, credentials={"auth_value": FIRST, "scopes": ["a"]}).action == "none"
    assert declared(proxy, credentials={"auth_value": FIRST, "scopes": ["b"]}).action == "update"
    assert last_body(proxy)["credentials"]["scopes"] == ["b"]
    assert declared(proxy, credentials={"auth_value": FIRST}).action == "update"
    assert proxy.servers["s"]["credentials"] == {"auth_value": FIRST}


def test_credentials_are_written_each_time_if_that_is_asked_for() -> None:
    proxy = Proxy()
    declared(proxy, **BEARER, credentials={"auth_value": FIRST})
    want = McpServer().declare(
        {"server_id": "s", "credentials": {"auth_value": FIRST}, "update_credentials": "always"}, "present"
    )
    (plan,) = McpServer().store(proxy, {}).plans([want])  # type: ignore[arg-type]
    assert (plan.action, list(plan.changes)) == ("update", ["credentials"])


def test_credentials_that_can_be_guessed_have_no_fingerprint_and_a_warning() -> None:
    proxy = Proxy()
    outcome = declared(proxy, **BEARER, credentials={"auth_value": "hunter2"})
    assert last_body(proxy)["mcp_info"][OWN_ENTRY]["fingerprints"] == {"auth_value": "guessable"}
    (warning,) = outcome.warnings
    assert "O(credentials): auth_value can be guessed" in warning
    assert "unless O(update_credentials)=always is set" in warning


def test_a_new_type_of_authentication_brings_all_credentials_again() -> None:
    proxy = Proxy()
    declared(proxy, **BEARER, credentials={"auth_value": FIRST})
    assert declared(proxy, auth_type="api_key", credentials={"auth_value": FIRST}).action == "update"
    assert last_body(proxy)["credentials"] == {"auth_value": FIRST}
    assert proxy.servers["s"]["credentials"] == {"auth_value": FIRST}


def test_the_client_of_oauth_is_written_after_the_url_that_takes_it_along() -> None:
    proxy = Proxy()
    client = {"client_id": "me", "client_secret": FIRST}
    declared(proxy, url=URL, auth_type="oauth2", token_url=URL, credentials=client)
    assert declared(proxy, url=f"{URL}/2", token_url=URL, credentials=client).action == "update"
    written = [body for method, body in proxy.sent if method == "PUT"]
    assert "credentials" not in written[0]
    assert (written[0]["url"], written[1]["credentials"], written[1]["token_url"]) == (f"{URL}/2", client, URL)
    assert proxy.servers["s"]["credentials"] == client
    assert declared(proxy, url=f"{URL}/2", token_url=URL, credentials=client).action == "none"


@pytest.mark.parametrize(
    ("row", "options", "refusal"),
    [
        (
            {"auth_type": "bearer_token"},
            {"auth_type": "api_key"},
            r"when auth_type changes, LiteLLM removes credentials\. Also set it, or list it in unset\.",
        ),
        (
            {"auth_type": "oauth2", "token_url": URL},
            {"url": f"{URL}/2"},
            r"when url changes, LiteLLM removes token_url, credentials\. Also set each of them, or",
        ),
        (
            {"token_url": URL},
            {"url": f"{URL}/2", "issuer": URL},
            r"when url or issuer changes, LiteLLM removes token_url\.",
        ),
        ({"server_name": "a"}, {"server_name": "b"}, r"LiteLLM would make server_name the alias as well\."),
        ({"is_config": True}, {"description": "x"}, r"defined in the configuration file of the proxy\. Change it"),
        ({}, {"transport": "stdio"}, r"transport=stdio requires command and args\."),
        ({}, {"unset": ["url"]}, r"http requires url or spec_path\."),
        ({}, {"dcr_bridge": True}, r"dcr_bridge requires auth_type oauth_delegate or true_passthrough\."),
        (
            {"auth_type": "oauth2", "oauth2_flow": "client_credentials"},
            {"per_server_oauth_discovery": True},
            r"per_server_oauth_discovery requires auth_type oauth2 with oauth2_flow authorization_code",
        ),
    ],
)
def test_what_would_be_lost_or_cannot_work_is_refused(
    row: dict[str, Any], options: dict[str, Any], refusal: str
) -> None:
    proxy = stored(**row)
    with pytest.raises(InputError, match=refusal):
        declared(proxy, **options)
    assert proxy.sent == []


@pytest.mark.parametrize(
    ("row", "options"),
    [
        ({"auth_type": "bearer_token"}, {"url": f"{URL}/2"}),
        ({"auth_type": "none"}, {"auth_type": "api_key"}),
        ({"auth_type": "oauth2", "token_url": URL}, {"url": f"{URL}/2", "unset": ["token_url", "credentials"]}),
        ({"auth_type": "oauth2", "oauth2_flow": "authorization_code"}, {"per_server_oauth_discovery": True}),
        ({"auth_type": "oauth_delegate"}, {"dcr_bridge": True}),
    ],
)
def test_what_loses_nothing_is_written(row: dict[str, Any], options: dict[str, Any]) -> None:
    proxy = stored(**row)
    assert declared(proxy, **options).action == "update"
    assert declared(proxy, **options).action == "none"


def test_a_server_that_is_not_there_needs_an_address() -> None:
    with pytest.raises(InputError, match=r"it does not exist yet\. To create it, set url or spec_path\."):
        declared(Proxy(), description="x")


def test_a_new_name_leaves_the_alias() -> None:
    proxy = stored(server_name="a", alias="b")
    assert declared(proxy, server_name="new name").action == "update"
    assert proxy.sent == [("PUT", {"server_id": "s", "server_name": "new_name", "alias": "b"})]


def test_a_new_transport_brings_the_address() -> None:
    proxy = stored()
    assert declared(proxy, transport="sse").action == "update"
    assert proxy.sent == [("PUT", {"server_id": "s", "transport": "sse", "url": URL})]


@pytest.mark.parametrize(
    ("other", "options", "owner"),
    [
        ({"alias": "Files"}, {"server_name": "files", "alias": "f"}, "server_name: files is the name or the alias"),
        ({"server_name": "files"}, {"alias": "FILES"}, "alias: FILES is the name or the alias of the MCP server 'o'"),
        ({"alias": "files", "is_config": True}, {"alias": "files"}, "MCP server the configuration file of the proxy"),
    ],
)
def test_the_name_of_another_server_is_refused(other: dict[str, Any], options: dict[str, Any], owner: str) -> None:
    proxy = stored(alias="own")
    proxy.servers["o"] = {"server_id": "o", "url": URL, **other}
    with pytest.raises(InputError) as refusal:
        declared(proxy, **options)
    assert owner in str(refusal.value)
    assert proxy.sent == []
    assert declared(proxy, alias="OWN").action == "update"


def test_an_address_that_a_worker_still_shows_is_looked_up() -> None:
    proxy = stored(token_url=URL)
    outcome = declared(proxy, unset=["token_url"])
    assert outcome.action == "update"
    assert outcome.warnings == ("s: LiteLLM can go on using the removed token_url until it is restarted.",)
    assert proxy.sent == [("PUT", {"server_id": "s", "token_url": None})]
    proxy.memory, looked_up = {"token_url": URL}, proxy.looked_up
    assert declared(proxy, unset=["token_url"]).action == "none"
    assert proxy.looked_up == looked_up + 1
    assert declared(proxy, description="x").action == "update"
    assert proxy.looked_up == looked_up + 1


def test_headers_and_variables_are_hidden_in_what_is_shown() -> None:
    proxy = stored(static_headers={"A": FIRST, "B": "1"}, env_vars=[{"name": "V", "value": FIRST}], env={"E": FIRST})
    variables = [{"name": "V", "value": SECOND, "scope": None, "description": None}, {"name": "W", "description": "w"}]
    outcome = declared(proxy, static_headers={"A": SECOND, "B": 1}, env_vars=variables, unset=["env"])
    assert proxy.servers["s"]["static_headers"] == {"A": SECOND, "B": "1"}
    assert proxy.servers["s"]["env"] == {}
    assert proxy.servers["s"]["env_vars"] == [
        {"name": "V", "value": SECOND, "scope": "global"},
        {"name": "W", "value": "", "scope": "global", "description": "w"},
    ]
    diff = outcome.plan.diff
    assert diff["before"]["static_headers"] == {"A": "********", "B": "********"}
    assert diff["after"]["static_headers"]["A"] != diff["after"]["static_headers"]["B"] == "********"
    shown = json.dumps([diff, McpServer().public(proxy.servers["s"])])
    assert FIRST not in shown
    assert SECOND not in shown
    assert declared(proxy, static_headers={"A": SECOND, "B": 1}, env_vars=variables).action == "none"


@pytest.mark.parametrize(
    ("options", "wrong"),
    [
        ({"credentials": {"auth_value": ""}}, r"credentials: auth_value has no value\."),
        ({"credentials": {"audience": "x"}}, r"credentials: use the option audience to set audience\."),
        ({"credentials": {"password": "x"}}, r"credentials: LiteLLM does not know password\."),
        ({"static_headers": {"A": True, "B": "b", "C": [1]}}, r"static_headers: needs text for A, C\."),
        ({"env": {"A": None}}, r"env: needs text for A\."),
        ({"server_id": "no-mcp-servers"}, r"'no-mcp-servers' is reserved for LiteLLM\."),
        ({"server_id": "a/b"}, r"must not contain a slash\."),
        ({"alias": "a-b"}, r"alias: 'a-b' must consist of at most 128 letters"),
        ({"mcp_info": {"description": "x"}}, r"use the option description to set description\."),
        ({"mcp_info": {"is_public": True}}, r"is_public is reserved for LiteLLM\."),
        ({"mcp_info": {OWN_ENTRY: {}}}, rf"{OWN_ENTRY} is reserved for this collection\."),
        ({"env_vars": [{"name": "A"}, {"name": "A"}]}, r"env_vars: contains A more than once\."),
    ],
)
def test_a_wrong_declaration_is_refused(options: dict[str, Any], wrong: str) -> None:
    with pytest.raises(InputError, match=wrong):
        McpServer().declare({"server_id": "s", **options}, "present")


def test_a_server_can_be_declared_by_its_name() -> None:
    proxy = stored(server_name="my_files", alias="f")
    want = McpServer().declare({"server_name": "my files", "description": "x"}, "present")
    (outcome,) = converge(McpServer().store(proxy, {}), [want])  # type: ignore[arg-type]
    assert (outcome.action, proxy.sent) == ("update", [("PUT", {"server_id": "s", "description": "x"})])


def test_who_reaches_a_server_is_said_before_it_is_deleted() -> None:
    proxy = stored(alias="files", mcp_access_groups=["g"])

    def permission(**held: Any) -> dict[str, Any]:
        return {"object_permission_id": "o", "object_permission": held}

    proxy.listings = {
        "keys": [
            {"token": "1", "key_alias": "by-id", **permission(mcp_servers=["s"])},
            {"token": "2", "key_alias": "by-tool", **permission(mcp_tool_permissions={"files": ["read"]})},
            {"token": "3", "key_alias": "by-group", **permission(mcp_access_groups=["g"])},
            {"token": "4", "key_alias": "other", **permission(mcp_servers=["o"], mcp_access_groups=["h"])},
        ],
        "access_group": [
            {"access_group_id": "1", "access_group_name": "in", "access_mcp_server_ids": ["s"]},
            {"access_group_id": "2", "access_group_name": "out", "access_mcp_server_ids": ["o"]},
        ],
        "toolset": [
            {"toolset_id": "1", "toolset_name": "tools", "tools": [{"server_id": "s", "tool_name": "read"}]},
            {"toolset_id": "2", "toolset_name": "others", "tools": [{"server_id": "o", "tool_name": "read"}]},
        ],
    }
    with pytest.raises(InputError) as refusal:
        declared(proxy, "absent")
    users = "It is used by 3 keys (by-group, by-id, by-tool), 1 access group (in), 1 MCP toolset (tools)."
    assert f"{users} To continue, set force: true." in str(refusal.value)
    assert proxy.sent == []
    outcome = declared(proxy, "absent", force=True)
    assert (outcome.action, outcome.warnings, proxy.servers) == ("delete", (f"s: {users}",), {})


def test_a_server_that_nobody_reaches_is_deleted() -> None:
    proxy = stored()
    assert declared(proxy, "absent").action == "delete"
    assert proxy.sent == [("DELETE", None)]


def test_what_declares_a_server_names_its_secrets_without_them() -> None:
    proxy = stored(static_headers={"A": FIRST}, description="x")
    proxy.servers["own"] = {"server_id": "own", "url": URL, "is_config": True}
    nothing = dict.fromkeys(McpServer().info_options)
    own, shown = McpServer().read(proxy, {**nothing, "declaration": True})["mcp_servers"]  # type: ignore[arg-type]
    assert (own["declaration"], own["not_declared"]) == (None, {"": "the configuration file of the proxy defines it."})
    assert (shown["declaration"]["server_id"], shown["declaration"]["description"]) == ("s", "x")
    assert shown["hidden"] == [["static_headers", "A"]]
    assert FIRST not in json.dumps([own, shown])


def test_variables_of_a_command_are_secret() -> None:
    assert McpServer().options["env"]["no_log"] is True


def test_a_platform_does_not_find_the_name_of_its_new_server_taken_by_itself() -> None:
    """While a run plans a whole platform, what it is going to create counts as existing."""
    proxy = Proxy()
    proxy.servers["other"] = {"server_id": "other", "server_name": "taken", "alias": "taken"}
    said = "O(server_name): Taken is the name or the alias of the MCP server 'other'."
    for name, missing in (("one", {}), ("Taken", {said: ["x"]})):
        proxy.intentions = Intentions()
        store = McpServer().store(proxy, {})
        want = McpServer().declare({"server_id": "x", "server_name": name, "url": URL}, "present")
        plans = store.plans([want])
        proxy.intentions.note(MCP_SERVERS, ["x"], plans[0].changes, new=True)
        assert store.missing([want], plans) == missing


def test_a_server_that_a_worker_has_forgotten_is_found() -> None:
    proxy = stored(description="old")
    proxy.unlisted = {"s"}
    assert declared(proxy, description="old").action == "none"
    proxy.unlisted = {"s"}
    assert declared(proxy, "absent").action == "delete"
    assert proxy.servers == {}


def test_a_server_that_stays_forgotten_is_an_error() -> None:
    proxy = stored()
    proxy.unlisted = Forgetful({"s"})
    with pytest.raises(ApiError, match=r"The proxy has the MCP server s, but does not list it\."):
        declared(proxy, "absent")
    assert proxy.sent == []


class Forgetful(set[str]):
    """Names that a worker goes on forgetting."""

    def discard(self, _name: str) -> None:
        """Keep it."""
