# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A read that fails once is never "there is none": each read of each module, answered in each wrong way."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import requests
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._platform._kinds import KINDS, LISTS
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._text import plural
from ansible_collections.litemaas.virtual_keys.tests.tooling.server import is_write

pytestmark = pytest.mark.quiet

MODEL = {"model": "openai/gpt-4o-mini", "mock_response": "Hello"}
# Wrong answers to a read: status, type, body.
WRONG: dict[str, tuple[int, str, str]] = {
    "an internal error": (500, "application/json", '{"error": {"message": "Internal server error", "code": "500"}}'),
    "a database without the table": (
        500,
        "application/json",
        '{"error": {"message": "The table `public.LiteLLM_X` does not exist in the current database.", "code": "500"}}',
    ),
    "an unknown route": (404, "application/json", '{"detail": "Not Found"}'),
    "a gateway's own 404": (404, "application/json", '{"message": "page not found"}'),
    "a page of a web server": (404, "text/html", "<html><body>404 Not Found</body></html>"),
    "a login page": (200, "text/html", "<html><body>Sign in</body></html>"),
    "an empty list": (200, "application/json", "[]"),
    "an empty mapping": (200, "application/json", "{}"),
    "null": (200, "application/json", "null"),
}
# One object of each module that has one: how it is made, and the table and column in which it is.
OBJECTS: dict[str, tuple[dict[str, Any], str, str]] = {
    "team": ({"team_id": "NAME", "max_budget": 5}, "LiteLLM_TeamTable", "team_id"),
    "user": ({"user_id": "NAME", "max_budget": 5}, "LiteLLM_UserTable", "user_id"),
    "budget": ({"budget_id": "NAME", "max_budget": 5}, "LiteLLM_BudgetTable", "budget_id"),
    "customer": ({"user_id": "NAME", "max_budget": 5}, "LiteLLM_EndUserTable", "user_id"),
    "tag": ({"name": "NAME", "max_budget": 5}, "LiteLLM_TagTable", "tag_name"),
    "access_group": (
        {"access_group_name": "NAME", "description": "x"},
        "LiteLLM_AccessGroupTable",
        "access_group_name",
    ),
    "model": (
        {"model_id": "NAME", "model_name": "NAME", "litellm_params": MODEL},
        "LiteLLM_ProxyModelTable",
        "model_id",
    ),
    "credential": (
        {"credential_name": "NAME", "credential_values": {"api_key": "sk-provider-0123456789"}},
        "LiteLLM_CredentialsTable",
        "credential_name",
    ),
    "mcp_server": (
        {"server_id": "NAME", "transport": "http", "url": "http://127.0.0.1:9"},
        "LiteLLM_MCPServerTable",
        "server_id",
    ),
    "mcp_toolset": ({"toolset_name": "NAME", "description": "x"}, "LiteLLM_MCPToolsetTable", "toolset_name"),
    "key": ({"key_alias": "NAME", "max_budget": 5}, "LiteLLM_VerificationToken", "key_alias"),
    "search_tool": (
        {"search_tool_name": "NAME", "litellm_params": {"search_provider": "tavily", "api_key": "tvly-0123456789"}},
        "LiteLLM_SearchToolsTable",
        "search_tool_name",
    ),
    "vector_store": (
        {"vector_store_id": "NAME", "custom_llm_provider": "openai", "litellm_params": {"api_key": "sk-0123456789"}},
        "LiteLLM_ManagedVectorStoresTable",
        "vector_store_id",
    ),
    "guardrail": (
        {"guardrail_name": "NAME", "litellm_params": {"guardrail": "litellm_content_filter", "mode": "pre_call"}},
        "LiteLLM_GuardrailsTable",
        "guardrail_name",
    ),
    "policy": (
        {"policy_name": "NAME", "description": "x", "attachments": [{"models": ["gpt-4"]}]},
        "LiteLLM_PolicyTable",
        "policy_name",
    ),
}
# Likewise, of those that share a row with others: how one is made, and what finds it there.
SHARED: dict[str, tuple[dict[str, Any], str]] = {
    "fallback": (
        {"model": "NAME", "fallback_models": ["gpt-4"]},
        """SELECT entry FROM "LiteLLM_Config", jsonb_array_elements(param_value -> 'fallbacks') AS entry
           WHERE param_name = 'router_settings' AND entry ? %s""",
    ),
    "pass_through": (
        {"endpoint_id": "NAME", "path": "/NAME", "target": "http://127.0.0.1:9/"},
        """SELECT entry FROM "LiteLLM_Config", jsonb_array_elements(param_value -> 'pass_through_endpoints') AS entry
           WHERE param_name = 'general_settings' AND entry ->> 'id' = %s""",
    ),
}


# Since when LiteLLM keeps all of the objects of a list.
SINCE = {row.option: row.kind.table.since or "0" for row in KINDS}


class Gateway:
    """What stands before the proxy, and answers one read in a wrong way.

    :ivar failing: the number of that read; None if none fails.
    :ivar reads: how many there were.
    """

    def __init__(self, upstream: str) -> None:
        gateway = self
        self.failing: int | None = None
        self.wrong = WRONG["an internal error"]
        self.reads = 0

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                status, kind, text = gateway.answer_to(self, upstream, body)
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer

            def log_message(self, *_arguments: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def answer_to(self, request: BaseHTTPRequestHandler, upstream: str, body: bytes) -> tuple[int, str, bytes]:
        if not is_write(request.command, request.path):
            self.reads += 1
            if self.reads - 1 == self.failing:
                status, kind, text = self.wrong
                return status, kind, text.encode()
        headers = {name: value for name, value in request.headers.items() if name.lower() not in ("host", "connection")}
        done = requests.request(request.command, upstream + request.path, data=body, headers=headers, timeout=60)
        return done.status_code, done.headers.get("Content-Type", ""), done.content


@pytest.fixture(scope="module")
def gateway(sandbox) -> Iterator[Gateway]:
    made = Gateway(sandbox.api_url)
    thread = threading.Thread(target=made.server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


def named(value: Any, name: str) -> Any:
    return json.loads(json.dumps(value).replace("NAME", name))


def each_failing_read(gateway: Gateway, run: Callable[..., Any]) -> Iterator[Any]:
    """What a task says, once for each of its reads and each wrong answer to it."""
    gateway.failing, gateway.reads = None, 0
    run(check=True)
    for number in range(gateway.reads):
        for gateway.wrong in WRONG.values():
            gateway.failing, gateway.reads = number, 0
            yield run()
    gateway.failing = None


def options_and_query(kind: str, name: str) -> tuple[dict[str, Any], str]:
    """How an object with that name is made, and what finds it in the database."""
    if kind in SHARED:
        options, query = SHARED[kind]
    else:
        options, table, column = OBJECTS[kind]
        query = f'SELECT * FROM "{table}" WHERE {column} = %s'
    return named(options, name), query


@pytest.fixture
def model(sandbox, alias) -> Iterator[None]:
    """A model with the name of the test."""
    made = sandbox.call("POST", "/model/new", {"model_name": alias, "litellm_params": MODEL}).json()
    yield
    sandbox.call("POST", "/model/delete", {"id": made["model_id"]}).raise_for_status()


@pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=pytest.mark.since(SINCE[plural(kind)])) for kind in (*OBJECTS, *SHARED)]
)
def test_no_module_takes_a_failing_read_for_nothing(sandbox, run_module, gateway, alias, request, kind: str) -> None:
    if kind == "fallback":
        request.getfixturevalue("model")
    options, query = options_and_query(kind, alias)
    assert not run_module(f"litellm_{kind}", **options).failed
    module = partial(run_module, f"litellm_{kind}", api_url=gateway.url, retries=0)
    before = sandbox.rows(query, alias)
    (identity,) = (name for name, value in options.items() if value == alias and name != "model_name")
    with sandbox.writes() as writes:
        for done in each_failing_read(gateway, partial(module, **options)):
            assert done.failed or not done.changed, done.values
    assert (writes, sandbox.rows(query, alias)) == ([], before)
    for done in each_failing_read(gateway, partial(module, **{identity: alias}, state="absent")):
        there = sandbox.rows(query, alias)
        assert bool(there) is (done.failed or done.action != "delete"), done.values
        assert done.failed or done.action == "delete", done.values
        if not there:
            assert not run_module(f"litellm_{kind}", **options).failed
    assert not run_module(f"litellm_{kind}", **{identity: alias}, state="absent").failed


def test_defaults_that_cannot_be_read_are_not_written(sandbox, run_module, gateway) -> None:
    settings = {"applies_to": "teams", "max_budget": 5}
    assert not run_module("litellm_default_settings", **settings).failed
    module = partial(run_module, "litellm_default_settings", api_url=gateway.url, retries=0)
    try:
        with sandbox.writes() as writes:
            for done in each_failing_read(gateway, partial(module, **settings)):
                assert done.failed, done.values
            for done in each_failing_read(gateway, partial(module, **{**settings, "max_budget": 6})):
                assert done.failed, done.values
        assert writes == []
    finally:
        gateway.failing = None
        assert not run_module("litellm_default_settings", applies_to="teams", state="absent").failed


def test_a_team_that_cannot_be_read_is_not_gone(sandbox, run_module, gateway, alias) -> None:
    """LiteLLM answers "Team not found" to whatever goes wrong in its database while it looks for a team."""
    assert not run_module("litellm_team", team_id=alias, max_budget=5).failed
    message = f"{{'message': 'Team not found, passed team id: {alias}.'}}"
    gateway.wrong = (404, "application/json", json.dumps({"error": {"message": message, "code": "404"}}))
    for module, options in (
        ("litellm_team", {"max_budget": 5}),
        ("litellm_team", {"state": "absent"}),
        ("litellm_team_members", {"members": [{"user_id": alias}]}),
    ):
        gateway.failing, gateway.reads = 0, 0
        with sandbox.writes() as writes:
            done = run_module(module, api_url=gateway.url, team_id=alias, **options)
        assert (done.failed, writes) == (True, []), done.values
        assert "Run again" in done.msg
        gateway.failing, gateway.reads = 0, 0
        info = run_module("litellm_team_info", api_url=gateway.url, team_id=alias)
        assert info.failed, info.values
    sandbox.call("POST", "/team/delete", {"team_ids": [alias]}).raise_for_status()


@pytest.mark.since("1.106.2")
def test_a_reset_keeps_the_metadata_of_the_team_whatever_a_read_says(sandbox, run_module, gateway, alias) -> None:
    assert not run_module("litellm_team", team_id=alias, metadata={"theirs": 1}).failed
    assert not run_module("litellm_team_members", team_id=alias, members=[{"user_id": alias}]).failed
    module = partial(run_module, "litellm_team_members", api_url=gateway.url, retries=0, team_id=alias)
    gateway.failing, gateway.reads = None, 0
    assert module(members=[{"user_id": alias, "reset_spend": "first"}]).changed
    part = (200, "application/json", json.dumps({"team_info": {"team_id": alias}}))
    for number in range(gateway.reads):
        for position, gateway.wrong in enumerate([*WRONG.values(), part]):
            gateway.failing, gateway.reads = number, 0
            module(members=[{"user_id": alias, "reset_spend": f"{number}-{position}"}])
            (row,) = sandbox.rows('SELECT metadata FROM "LiteLLM_TeamTable" WHERE team_id = %s', alias)
            assert row["metadata"]["theirs"] == 1 and set(row["metadata"]["litellm_vkey_reset_spend"]) == {alias}
    sandbox.call("POST", "/team/delete", {"team_ids": [alias]}).raise_for_status()
    sandbox.call("POST", "/user/delete", {"user_ids": [alias]}).raise_for_status()


FEWER = ("an internal error", "an unknown route", "a login page", "an empty list")
# What an export reads, by the lists of the files. Of some, this file makes no objects with the name of a test.
EXPORTED = {row.option: next((kind for kind in OBJECTS if plural(kind) == row.option), "") for row in LISTS}


@pytest.mark.long
@pytest.mark.parametrize(
    ("listed", "kind"),
    [pytest.param(name, kind, marks=pytest.mark.since(SINCE[name])) for name, kind in EXPORTED.items()],
)
def test_no_export_lacks_what_could_not_be_read(run_module, gateway, alias, listed: str, kind: str) -> None:
    options = options_and_query(kind, alias)[0] if kind else {}
    if kind:
        assert not run_module(f"litellm_{kind}", **options).failed
    names = {"names": [f"{alias}*"], "kinds": [listed]}
    export = partial(run_module, "litellm_export", api_url=gateway.url, retries=0, **names)
    gateway.failing, gateway.reads = None, 0
    whole = export().kinds
    assert [len(one["objects"]) for one in whole] == [1 if kind else 0]
    try:
        for number in range(gateway.reads):
            for gateway.wrong in (WRONG[name] for name in FEWER):
                gateway.failing, gateway.reads = number, 0
                done = export()
                assert done.failed or done.kinds == whole, (number, gateway.wrong)
    finally:
        gateway.failing = None
        if kind:
            (identity,) = (name for name, value in options.items() if value == alias and name != "model_name")
            assert not run_module(f"litellm_{kind}", **{identity: alias}, state="absent").failed


@pytest.fixture
def course(sandbox, run_workshop, run_module, alias) -> Iterator[Callable[..., Any]]:
    """A workshop with a team, somebody who left the list, and things of others whose names are like its own."""
    people = {"users": ["ann", "ben"], "total_budget": 5, "user_domain": alias}
    assert not run_workshop(**{**people, "users": ["ann", "ben", "dan"]}).get("failed")
    run_module("litellm_key", key_alias=f"{alias}-eve", metadata={"a": 1})
    run_module("litellm_key", key_alias=f"{alias}-fay", team_id=alias)
    yield partial(run_workshop, **people)
    tokens = [row["token"] for row in sandbox.keys(alias).values()]
    sandbox.call("POST", "/key/delete", {"keys": tokens})
    sandbox.call("POST", "/team/delete", {"team_ids": [alias]})
    sandbox.call("POST", "/user/delete", {"user_ids": [f"{user}@{alias}" for user in ("ann", "ben", "dan")]})


def each_wrong_read(gateway: Gateway, run: Callable[..., Any]) -> Iterator[Any]:
    gateway.failing, gateway.reads = None, 0
    assert not run(check=True).get("failed")
    reads = gateway.reads
    for number in range(reads):
        for gateway.wrong in (WRONG[name] for name in FEWER):
            gateway.failing, gateway.reads = number, 0
            yield run()
    gateway.failing = None


@pytest.mark.long
def test_no_run_of_a_workshop_takes_a_failing_read_for_nothing(sandbox, course, gateway, alias) -> None:
    before = sandbox.keys(alias)
    team = sandbox.rows('SELECT * FROM "LiteLLM_TeamTable" WHERE team_id = %s', alias)
    through = partial(course, api_url=gateway.url, retry_count=0)
    with sandbox.writes() as writes:
        for done in each_wrong_read(gateway, through):
            assert done.get("failed") or not done["changed"], done
    assert (writes, sandbox.keys(alias)) == ([], before)
    assert sandbox.rows('SELECT * FROM "LiteLLM_TeamTable" WHERE team_id = %s', alias) == team

    others = {name: row for name, row in before.items() if name != f"{alias}-ann"}
    for _done in each_wrong_read(gateway, partial(through, users=["ann"], state="absent")):
        left = sandbox.keys(alias)
        assert {name: row for name, row in left.items() if name != f"{alias}-ann"} == others
        if left == others:
            assert not course().get("failed")
            others[f"{alias}-ben"] = sandbox.keys(alias)[f"{alias}-ben"]


@pytest.mark.long
def test_the_end_of_a_workshop_leaves_what_is_others_when_a_read_fails(sandbox, course, gateway, alias) -> None:
    strangers = {f"{alias}-eve", f"{alias}-fay"}
    before = {name: row for name, row in sandbox.keys(alias).items() if name in strangers}
    end = {"api_url": gateway.url, "retry_count": 0, "state": "absent", "multi_user": True}
    for done in each_wrong_read(gateway, lambda check=False: course_end(course, end, check)):
        left = sandbox.keys(alias)
        assert {name: row for name, row in left.items() if name in strangers} == before
        assert len(sandbox.rows('SELECT 1 FROM "LiteLLM_TeamTable" WHERE team_id = %s', alias)) == 1
        assert done.get("failed") or set(left) == strangers, done
        if set(left) == strangers:
            assert not course().get("failed")


def course_end(course: Callable[..., Any], end: dict[str, Any], check: bool) -> Any:
    named_nobody = {name: value for name, value in course.keywords.items() if name not in ("users", "total_budget")}
    return course.func(check=check, **named_nobody, **end)


def test_a_team_of_somebody_else_is_not_taken_over_when_it_cannot_be_read(
    sandbox, run_workshop, gateway, alias
) -> None:
    payroll = {"team_id": alias, "team_alias": "Payroll", "models": ["gpt-4o"], "max_budget": 1000}
    sandbox.call("POST", "/team/new", payroll).raise_for_status()
    team = sandbox.rows('SELECT * FROM "LiteLLM_TeamTable" WHERE team_id = %s', alias)
    run = partial(run_workshop, users=["ann"], total_budget=5, api_url=gateway.url, retry_count=0)
    try:
        with sandbox.writes() as writes:
            for number in range(6):
                for gateway.wrong in WRONG.values():
                    gateway.failing, gateway.reads = number, 0
                    assert run().get("failed")
        assert (writes, sandbox.keys(alias)) == ([], {})
        assert sandbox.rows('SELECT * FROM "LiteLLM_TeamTable" WHERE team_id = %s', alias) == team
    finally:
        gateway.failing = None
        sandbox.call("POST", "/team/delete", {"team_ids": [alias]}).raise_for_status()
