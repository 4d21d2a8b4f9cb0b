# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pass-through endpoints on a real LiteLLM: every field by its laws, and what LiteLLM itself does not refuse."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._redaction import HIDDEN
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._pass_through import PASS_THROUGH, PATH
from ansible_collections.litemaas.virtual_keys.tests.integration.laws import (
    Laws,
    as_declared,
    lacking,
    refused,
    two,
)

pytestmark = [pytest.mark.quiet, pytest.mark.since("1.106.2")]

# More than the largest page of any listing.
MANY = 120
TARGET = "http://127.0.0.1:9/"
SECRET = "Bearer a-provider-key-0123456789"


def general(sandbox) -> dict[str, Any]:
    """The row of LiteLLM's general settings."""
    rows = sandbox.rows("SELECT param_value FROM \"LiteLLM_Config\" WHERE param_name = 'general_settings'")
    return dict(rows[0]["param_value"]) if rows else {}


def stored(sandbox, name: str) -> list[dict[str, Any]]:
    """All endpoints of that ID."""
    return [one for one in general(sandbox).get("pass_through_endpoints") or () if one["id"] == name]


def row(sandbox, name: str) -> dict[str, Any]:
    """The endpoint, and all else that is in the same row."""
    rest = general(sandbox)
    others = [one for one in rest.pop("pass_through_endpoints") if one["id"] != name]
    (found,) = stored(sandbox, name)
    return {**found, "others": [others, rest]}


NEW = {"path": "/rows-of-laws", "target": TARGET}


def hidden(*names: str) -> dict[str, str]:
    return dict.fromkeys(names, HIDDEN)


LAWS = Laws(
    "litellm_pass_through",
    PASS_THROUGH,
    row,
    {
        "path": two("/rows-of-laws", "/rows-of-laws/2", beside={"target": TARGET}),
        "target": two(TARGET, "https://example.com/x", beside={"path": NEW["path"]}),
        "headers": two(
            {"X-Key": "first-0123456789"},
            {"X-Key": "second-0123456789", "Accept": "text/plain"},
            beside=NEW,
            shown=(hidden("X-Key"), hidden("X-Key", "Accept")),
        ),
        "default_query_params": two({"a": "1", "b": "2"}, {"a": "2"}, beside=NEW),
        "include_subpath": two(True, False, beside=NEW),
        "methods": two(["GET"], ["POST", "PUT"], beside=NEW),
        "auth": two(True, False, beside=NEW),
        "request_timeout": two(5, 7.5, beside=NEW, clears=2),
        "cost_per_request": two(0.5, 2, beside=NEW),
    },
    # Guardrails have to be there: test_guardrails.
    without={"endpoint_id", "guardrails"},
    others={"target": "https://example.com/other"},
)


@pytest.fixture
def name(sandbox) -> Iterator[str]:
    """The ID of this test's endpoint. All whose IDs begin with it are removed at the end."""
    beginning = f"t {secrets.token_hex(4)}+ä"
    yield beginning
    for one in general(sandbox).get("pass_through_endpoints") or ():
        if one["id"].startswith(beginning):
            sandbox.call("DELETE", PATH, params={"endpoint_id": one["id"]}).raise_for_status()


@pytest.fixture
def path() -> str:
    return f"/t{secrets.token_hex(4)}"


@pytest.fixture
def endpoint(run_module, name, path):
    """Runs litellm_pass_through on this test's endpoint."""
    return partial(run_module, "litellm_pass_through", endpoint_id=name, path=path, target=TARGET)


@pytest.fixture
def upstream() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """The address of a service of the test's own, and what it was sent."""
    seen: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append({"path": self.path, **{name.lower(): value for name, value in self.headers.items()}})
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(b'{"answer": 42}')

        def log_message(self, *_arguments: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/service", seen
    server.shutdown()
    thread.join()
    server.server_close()


def test_every_field_has_values() -> None:
    assert LAWS.fields_without_values == set()


@pytest.mark.parametrize("field", LAWS.examples)
def test_every_field(sandbox, run_module, name, field: str) -> None:
    LAWS.hold(sandbox, partial(run_module, endpoint_id=name), field)


def test_all_fields_at_once(sandbox, run_module, name) -> None:
    LAWS.hold_together(sandbox, partial(run_module, endpoint_id=name), clears=2)


def test_requests_reach_the_target_until_it_is_removed(sandbox, run_module, endpoint, name, path, upstream) -> None:
    target, seen = upstream
    other = partial(run_module, "litellm_pass_through", endpoint_id=f"{name}2", path=f"{path}-other", target=target)
    assert other().action == "create"
    endpoint = partial(endpoint, target=target)
    assert endpoint(headers={"X-Provider": SECRET}).action == "create"

    def status(where: str, **how: Any) -> int:
        return sandbox.call("GET", where, **how).status_code

    assert status(path) == 200
    assert (seen[-1]["path"], seen[-1]["x-provider"]) == ("/service", SECRET)
    assert status(path, key="sk-wrong") == 401
    assert endpoint(auth=False).action == "update"
    assert status(path, key="sk-wrong") == 200
    assert endpoint(auth=True, path=f"{path}-moved").action == "update"
    assert (status(path), status(f"{path}-moved"), status(f"{path}-moved", key="sk-wrong")) == (404, 200, 401)
    assert endpoint(path=f"{path}-moved", request_timeout=30).action == "update"
    assert endpoint(path=f"{path}-moved", unset=["request_timeout"]).action == "update"
    assert status(f"{path}-moved") == 200
    assert seen[-1]["x-provider"] == SECRET
    assert endpoint(state="absent").action == "delete"
    assert (status(f"{path}-moved"), status(f"{path}-other")) == (404, 200)
    with sandbox.writes() as writes:
        assert endpoint(state="absent").changed is False
    assert writes == []
    assert [one["endpoint_id"] for one in run_module("litellm_pass_through_info").endpoints] == [f"{name}2"]


def test_what_declares_an_endpoint_leaves_out_its_headers(endpoint, run_module, name, path) -> None:
    endpoint(headers={"X-Key": SECRET}, cost_per_request=2)
    (read,) = run_module("litellm_pass_through_info", endpoint_id=name, declaration=True).endpoints
    declared = {"endpoint_id": name, "path": path, "target": TARGET, "cost_per_request": 2}
    assert (read["declaration"], read["hidden"]) == (declared, [["headers", "X-Key"]])


def test_headers_are_never_shown(sandbox, endpoint, run_module, name, path) -> None:
    first = as_declared(endpoint, sandbox, 1, headers={"Authorization": SECRET, "Accept": "text/plain"})
    assert first.endpoint["headers"] == hidden("Authorization", "Accept")
    changed = as_declared(endpoint, sandbox, 1, headers={"Authorization": f"{SECRET}-new", "Accept": "text/plain"})
    assert changed.diff["after"]["headers"] == {"Authorization": f"{HIDDEN} (changed)", "Accept": HIDDEN}
    info = run_module("litellm_pass_through_info", path=path)
    assert [one["headers"] for one in info.endpoints] == [hidden("Authorization", "Accept")]
    for done in (first, changed, info, endpoint(headers={"Authorization": HIDDEN})):
        assert "a-provider-key" not in done.output
    assert stored(sandbox, name)[0]["headers"]["Authorization"] == f"{SECRET}-new"


def test_a_path_has_one_endpoint_for_each_method(sandbox, endpoint, run_module, name, path) -> None:
    endpoint(methods=["GET", "POST"])
    other = partial(run_module, "litellm_pass_through", endpoint_id=f"{name}2", path=path, target=TARGET)
    refused(other, sandbox, f"path: {path} is that of the endpoint {name}, with the same methods.")
    refused(other, sandbox, f"is that of the endpoint {name}", methods=["POST", "PUT"])
    as_declared(other, sandbox, 1, methods=["PUT"])
    refused(other, sandbox, f"is that of the endpoint {name}", unset=["methods"])


@pytest.mark.parametrize(
    ("own", "options"),
    [
        ("/key/list", {}),
        ("/v1/chat/completions", {"methods": ["POST"]}),
        ("/key/some-key/regenerate", {}),
        ("/anthropic/v1/messages", {}),
        ("/key", {"include_subpath": True}),
    ],
)
def test_the_paths_of_litellm_itself_are_refused(sandbox, endpoint, own: str, options: dict[str, Any]) -> None:
    refused(endpoint, sandbox, "path: LiteLLM itself serves ", path=own, **options)


def test_an_endpoint_that_is_there_several_times_is_there_once_after_a_run(sandbox, endpoint, name, path) -> None:
    """So a run that was interrupted leaves it: LiteLLM takes the same ID again."""
    for cost in (1, 2, 3):
        body = {"id": name, "path": path, "target": TARGET, "cost_per_request": cost}
        sandbox.call("POST", PATH, body).raise_for_status()
    with sandbox.writes() as writes:
        planned = endpoint(check=True)
    assert (planned.action, writes) == ("update", [])
    assert "3 times" in str(planned.warnings)
    with sandbox.writes() as writes:
        assert endpoint().action == "update"
    assert [method for method, _path, _status in writes] == ["DELETE", "DELETE"]
    assert [one["cost_per_request"] for one in stored(sandbox, name)] == [3]
    assert endpoint().changed is False


def test_all_of_them_are_deleted(sandbox, endpoint, name, path) -> None:
    for _time in range(2):
        sandbox.call("POST", PATH, {"id": name, "path": path, "target": TARGET}).raise_for_status()
    assert endpoint(state="absent").action == "delete"
    assert stored(sandbox, name) == []


def test_the_last_of_many(sandbox, endpoint, run_module, name, path) -> None:
    before = general(sandbox).get("pass_through_endpoints") or []
    many = [{"id": f"{name} {number:03}", "path": f"{path}-{number}", "target": TARGET} for number in range(MANY)]
    last = {"id": name, "path": path, "target": TARGET}
    field = {"field_name": "pass_through_endpoints", "config_type": "general_settings"}

    def write(*endpoints: dict[str, Any]) -> None:
        body = {**field, "field_value": [*before, *endpoints]}
        sandbox.call("POST", "/config/field/update", body).raise_for_status()

    write(*many, last)
    try:
        found = run_module("litellm_pass_through_info").endpoints
        assert [one["endpoint_id"] for one in found if name in one["endpoint_id"]] == [
            name,
            *(one["id"] for one in many),
        ]
        assert endpoint().changed is False
        as_declared(endpoint, sandbox, 1, cost_per_request=2)
        taken = partial(run_module, "litellm_pass_through", endpoint_id=f"{name} new", path=path, target=TARGET)
        refused(taken, sandbox, f"is that of the endpoint {name}, with the same methods.")
        assert endpoint(state="absent").action == "delete"
        assert general(sandbox)["pass_through_endpoints"] == [*before, *many]
    finally:
        write()


def test_guardrails(sandbox, endpoint, name) -> None:
    lacking(endpoint, sandbox, "guardrails: the proxy has no guardrail 'none such'.", guardrails={"none such": None})
    guardrail = f"g{secrets.token_hex(4)}"
    params = {"guardrail": "litellm_content_filter", "mode": "pre_call"}
    made = sandbox.call("POST", "/guardrails", {"guardrail": {"guardrail_name": guardrail, "litellm_params": params}})
    try:
        as_declared(endpoint, sandbox, 1, guardrails={guardrail: None})
        as_declared(endpoint, sandbox, 1, guardrails={guardrail: {"request_fields": ["query"]}})
        assert stored(sandbox, name)[0]["guardrails"][guardrail]["request_fields"] == ["query"]
        as_declared(endpoint, sandbox, 1, unset=["guardrails"])
        assert not stored(sandbox, name)[0]["guardrails"]
    finally:
        sandbox.call("DELETE", f"/guardrails/{made.json()['guardrail_id']}").raise_for_status()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"endpoint_id": "a/b"}, "endpoint_id: must not contain a slash"),
        ({"path": "docs"}, "path: must begin with a slash"),
        ({"path": "/"}, "path: must begin with a slash and have a name"),
        ({"path": "/a b"}, "path: /a b contains characters that are not allowed."),
        ({"target": "example.com"}, "target: must be a URL"),
        ({"target": "ftp://example.com"}, "target: must be a URL"),
        ({"headers": {"X-Key": 5}}, "headers: needs a text for X-Key."),
        ({"headers": {"X-Key": HIDDEN}}, "stands for a secret"),
        ({"methods": ["TRACE"]}, "TRACE"),
        ({"request_timeout": -1}, "request_timeout: must not be negative."),
        ({"path": None}, "To create it, set path and target."),
        ({"unset": ["auth"]}, "auth"),
    ],
)
def test_wrong_input_writes_nothing(sandbox, endpoint, options: dict[str, Any], sentence: str) -> None:
    with sandbox.writes() as writes:
        result = endpoint(**options)
    assert result.failed
    assert sentence in result.msg
    assert writes == []
