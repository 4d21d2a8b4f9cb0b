# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The client against servers on 127.0.0.1 that answer as LiteLLM does, or not at all."""

from __future__ import annotations

import re
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
import trustme
from ansible_collections.litemaas.virtual_keys.plugins.module_utils import _client as client_module
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._args import Settings
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._client import Client, Connection
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._clock import Clock
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._errors import ApiError
from ansible_collections.litemaas.virtual_keys.tests.unit.answers import Script, body, recorded, response
from ansible_collections.litemaas.virtual_keys.tests.unit.sockets import RESET, SILENCE, BrokenServer, http
from pytest_httpserver import HTTPServer

MASTER_KEY = "sk-unit-master-key-0123456789"


class Naps(list[float]):
    """Instead of sleeping: how long it would have been."""

    def __call__(self, seconds: float) -> None:
        self.append(seconds)


@pytest.fixture
def naps() -> Naps:
    return Naps()


@pytest.fixture
def make(naps: Naps) -> Iterator[Callable[..., Client]]:
    made = []

    def make(
        url: str, advice: dict[str, str] | None = None, connection: Connection | None = None, **settings: Any
    ) -> Client:
        given = Settings(url, **{"api_key": MASTER_KEY, "retries": 2, **settings})
        made.append(Client(given, sleep=naps, advice=advice, connection=connection))
        return made[-1]

    yield make
    for client in made:
        client._session.close()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


# What is asked, and what is answered


def test_get(script: Script, make: Callable[..., Client]) -> None:
    query = {"key_alias": "a b&c", "page": "1"}
    headers = {"Authorization": f"Bearer {MASTER_KEY}", "litellm-changed-by": "me", "Accept": "application/json"}
    script.expect("GET", "/key/list", "list_one", query_string=query, headers=headers)
    client = make(script.url, changed_by="me")
    assert client.get("/key/list", {"key_alias": "a b&c", "page": 1}) == body("list_one")


@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE"])
def test_send(script: Script, make: Callable[..., Client], method: str) -> None:
    script.expect(method, "/key/update", "update", json={"key": "k", "max_budget": None})
    assert make(script.url).send("/key/update", {"key": "k", "max_budget": None}, method) == body("update")


def test_without_changed_by_no_such_header(script: Script, make: Callable[..., Client]) -> None:
    script.expect("GET", "/key/list", "list_empty")
    make(script.url).get("/key/list")
    assert "litellm-changed-by" not in script.requests[0].headers


def test_a_sub_path_of_the_address_stays(script: Script, make: Callable[..., Client]) -> None:
    script.expect("GET", "/gateway/key/list", "list_empty")
    make(f"{script.url}/gateway").get("/key/list")


@pytest.mark.parametrize("name", ["generate", "info", "info_by_alias", "delete", "budget_unknown", "readiness_details"])
def test_no_success_is_taken_for_an_error(script: Script, make: Callable[..., Client], name: str) -> None:
    script.expect("GET", "/x", name)
    assert make(script.url).get("/x") == body(name)


@pytest.mark.parametrize(
    ("name", "status", "words", "hint"),
    [
        ("unknown_key", 401, "", "api_key"),
        ("no_admin", 401, "Only proxy admin can be used", "does not belong to an admin"),
        ("alias_taken", 400, "Key with alias 'recorded' already exists.", ""),
        ("unlicensed", 403, "This feature is only available for LiteLLM Enterprise users: tags.", "Enterprise license"),
        ("organization_unlicensed", 403, "Organizations are only available", "Enterprise license"),
        ("regenerate_unlicensed", 500, "Regenerating Virtual Keys is an Enterprise feature", "Enterprise license"),
        ("values_forbidden", 403, "Custom API key values are disabled", ""),
        ("update_unknown", 404, "Key not found.", ""),
        ("delete_unknown", 404, "No keys found", ""),
        ("team_unknown", 404, "Team not found, passed team id: recorded-unknown.", ""),
        ("no_team", 400, "team_id is required for service account keys.", ""),
        ("unknown_route", 404, "Not Found", ""),
        ("invalid", 422, "models: Input should be a valid list; max_budget: Input should be a valid number", ""),
        ("validation_with_input", 422, "models: Input should be a valid list; key_alias: Field required", ""),
        ("uncaught", 500, "Internal server error", ""),
        ("bad_duration", 500, "Unsupported duration unit, passed duration: 1y", ""),
        ("credential_missing", 200, "Credential not found in DB.", ""),
    ],
)
def test_a_refusal_is_one_clean_sentence_and_not_tried_again(
    script: Script, make: Callable[..., Client], naps: Naps, name: str, status: int, words: str, hint: str
) -> None:
    script.expect("POST", "/key/generate", name)
    with pytest.raises(ApiError) as caught:
        make(script.url).send("/key/generate", {"key": "sk-recorded-value-0001"})
    error = caught.value
    told = error.as_dict({})
    assert told["message"].startswith((words, f"Authentication Error, {words}"))
    assert error.status == status
    assert hint in told["hint"]
    assert bool(hint) == bool(error.hint)
    assert not error.may_have_applied
    assert str(error).startswith(f"{told['message']} (POST /key/generate: HTTP {status})")
    assert str(error).endswith(told["hint"])
    assert "\n" not in str(error)
    assert "{'" not in str(error)
    assert naps == []


@pytest.mark.parametrize("told", ["No api key passed in.", "LiteLLM Virtual Key expected. Received=x, expected sk-"])
def test_a_key_that_the_proxy_does_not_know(httpserver: HTTPServer, make: Callable[..., Client], told: str) -> None:
    url = httpserver.url_for("").rstrip("/")
    httpserver.expect_oneshot_request("/x").respond_with_json({"error": {"message": told}}, 401)
    with pytest.raises(ApiError, match="does not know the key in api_key") as caught:
        make(url).get("/x")
    assert url in caught.value.message


@pytest.mark.parametrize("told", ["Authentication Error, Invalid API key provided.", "In words of a later version."])
def test_an_unknown_key_is_known_by_its_type_whatever_the_words(
    httpserver: HTTPServer, make: Callable[..., Client], told: str
) -> None:
    """LiteLLM has changed the words between 1.106.2 and 1.108.0."""
    error = {"message": told, "type": "token_not_found_in_db", "param": "key", "code": "401"}
    httpserver.expect_oneshot_request("/x").respond_with_json({"error": error}, 401)
    with pytest.raises(ApiError, match="does not know the key in api_key"):
        make(httpserver.url_for("").rstrip("/")).get("/x")


def test_the_parts_of_a_refusal(script: Script, make: Callable[..., Client]) -> None:
    script.expect("POST", "/key/generate", "alias_taken")
    with pytest.raises(ApiError) as caught:
        make(script.url).send("/key/generate", {})
    assert caught.value.as_dict({}) == {
        "message": recorded("alias_taken")["body"]["error"]["message"],
        "status": 400,
        "type": "bad_request_error",
        "code": "400",
        "param": "key_alias",
        "method": "POST",
        "path": "/key/generate",
        "hint": "",
    }


@pytest.mark.parametrize(
    ("status", "content", "words"),
    [
        (400, {}, "HTTP 400 without an explanation"),
        (400, [], "HTTP 400 without an explanation"),
        (400, "text", "HTTP 400 without an explanation"),
        (400, {"error": "just text"}, "just text"),
        (400, {"error": {"message": "{'not': a literal"}}, "{'not': a literal"),
        (400, {"detail": {"error": {"message": "deep"}}}, "deep"),
        (400, {"detail": 5}, "5"),
        (400, {"message": "flat", "type": "t", "code": "400"}, "flat"),
        (400, {"detail": [{"loc": [], "msg": "m"}, "odd"]}, ": m"),
        (200, {"error": {"message": "in a good answer"}}, "in a good answer"),
        (401, {"error": {"message": "no"}}, "no"),
        (200, "text", "HTTP 200 without an explanation"),
        (200, None, "HTTP 200 without an explanation"),
    ],
)
def test_odd_error_bodies(
    httpserver: HTTPServer, make: Callable[..., Client], status: int, content: Any, words: str
) -> None:
    httpserver.expect_oneshot_request("/x").respond_with_json(content, status)
    with pytest.raises(ApiError) as caught:
        make(httpserver.url_for("").rstrip("/")).get("/x")
    assert (caught.value.message, caught.value.status) == (words, status)
    httpserver.check()


@pytest.mark.parametrize(
    "content",
    [
        {"key": "sk-x", "error": {"message": "a field of that name"}},
        {"error": None, "x": 1},
        {"message": "done", "type": "t", "code": "0", "success": True},
        ["error"],
    ],
)
def test_bodies_that_only_look_like_errors(httpserver: HTTPServer, make: Callable[..., Client], content: Any) -> None:
    httpserver.expect_oneshot_request("/x").respond_with_json(content)
    assert make(httpserver.url_for("").rstrip("/")).get("/x") == content
    httpserver.check()


@pytest.mark.parametrize(
    ("status", "content", "hint"),
    [
        (401, "Something new", "rejects the key in O(api_key)"),
        (401, "Authentication Error - Expired Key.", "is blocked or has expired"),
        (401, "Key is blocked. Update via /key/unblock", "is blocked or has expired"),
        (401, "org not allowed to access model. This org can only access models=['a']", ""),
        (401, "Rejected Request: token_exchange_endpoint cannot be set in a request body.", ""),
        (403, "Something new", ""),
        (400, "Invalid thing_alias format.", "choose another name of a thing"),
    ],
)
def test_hints(httpserver: HTTPServer, make: Callable[..., Client], status: int, content: str, hint: str) -> None:
    httpserver.expect_oneshot_request("/x").respond_with_json({"error": {"message": content}}, status)
    special = {"invalid thing_alias": "Please choose another name of a thing."}
    with pytest.raises(ApiError) as caught:
        make(httpserver.url_for("").rstrip("/"), advice=special).get("/x")
    assert hint in caught.value.hint and bool(hint) == bool(caught.value.hint)


def test_an_answer_without_content(httpserver: HTTPServer, make: Callable[..., Client]) -> None:
    httpserver.expect_request("/v1/access_group/a").respond_with_data("", status=204)
    assert make(httpserver.url_for("")).send("/v1/access_group/a", method="DELETE") == {}


def test_a_page_for_people_is_no_answer(script: Script, make: Callable[..., Client], naps: Naps) -> None:
    script.expect("GET", "/key/list", "login_page")
    with pytest.raises(ApiError, match=r"answered text/html instead of JSON .*Check that api_url") as caught:
        make(script.url).get("/key/list")
    assert not caught.value.may_have_applied
    assert naps == []


def test_a_redirect_is_not_followed(script: Script, make: Callable[..., Client]) -> None:
    """It could lead, with the master key, to somebody else."""
    script.expect("GET", "/key/list/", "trailing_slash")
    with pytest.raises(ApiError, match=r"redirects to http://proxy/key/list .*Set api_url to the final URL"):
        make(script.url).get("/key/list/")
    assert len(script.requests) == 1


# Trying again


@pytest.mark.parametrize(
    "name", ["throttled", "overloaded", "database_away", "database_away_update", "engine_away", "lookup_deadline"]
)
def test_what_passes_is_tried_again(script: Script, make: Callable[..., Client], naps: Naps, name: str) -> None:
    script.expect("POST", "/key/update", name, json={"a": 1})
    script.expect("POST", "/key/update", name, json={"a": 1})
    script.expect("POST", "/key/update", "update", json={"a": 1})
    assert make(script.url).send("/key/update", {"a": 1}, idempotent=True) == body("update")
    assert len(naps) == 2


@pytest.mark.parametrize(
    "text",
    [
        "Can't reach database server at `127.0.0.1:5432`",
        "Server has closed the connection.",
        "Error in PostgreSQL connection: Error { kind: Closed, cause: None }",
        "FATAL: the database system is starting up",
        "Timed out fetching a new connection from the connection pool.",
        "FATAL: remaining connection slots are reserved for roles with the SUPERUSER attribute",
        'too many connections for role "litellm"',
        "Transaction failed due to a write conflict or a deadlock. Please retry your transaction",
        "cannot execute UPDATE in a read-only transaction",
        # LiteLLM 1.109.0 and newer, which no longer says what was wrong.
        "Internal server error from /key/info. Details are in the proxy server logs.",
    ],
)
def test_what_the_query_engine_says_of_a_database_in_trouble_passes(
    httpserver: HTTPServer, make: Callable[..., Client], naps: Naps, text: str
) -> None:
    """As LiteLLM hands it on, seen in a sandbox or listed in its proxy/db/exception_handler.py."""
    error = {"message": text, "type": "internal_server_error", "param": None, "code": "500"}
    httpserver.expect_ordered_request("/x").respond_with_json({"error": error}, 500)
    httpserver.expect_ordered_request("/x").respond_with_json({"fine": True})
    assert make(httpserver.url_for("").rstrip("/")).get("/x") == {"fine": True}
    assert len(naps) == 1


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_gateway_that_passes_is_tried_again(
    httpserver: HTTPServer, make: Callable[..., Client], naps: Naps, status: int
) -> None:
    httpserver.expect_ordered_request("/x").respond_with_data("<html>not now", status, content_type="text/html")
    httpserver.expect_ordered_request("/x").respond_with_json({"fine": True})
    assert make(httpserver.url_for("").rstrip("/")).get("/x") == {"fine": True}
    assert len(naps) == 1
    httpserver.check()


def test_after_the_last_try_the_last_refusal_is_raised(script: Script, make: Callable[..., Client], naps: Naps) -> None:
    for _time in range(3):
        script.expect("GET", "/key/list", "overloaded")
    with pytest.raises(ApiError, match="Worker at capacity") as caught:
        make(script.url, retries=2).get("/key/list")
    assert caught.value.status == 503
    assert len(naps) == 2


# A proxy that has not answered in this run


def test_a_wrong_address_is_given_up_soon(make: Callable[..., Client], naps: Naps) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(ApiError, match="Connection refused") as caught:
        make(url, retries=50).get("/x")
    assert sum(naps) < client_module.FIRST_CONTACT and len(naps) >= 3
    assert f"has not answered in this run: gave up after {len(naps) + 1} tries. Check O(api_url)" in caught.value.hint


def test_a_gateway_that_knows_no_proxy_is_given_up_soon(
    httpserver: HTTPServer, make: Callable[..., Client], naps: Naps
) -> None:
    """The router of OpenShift answers so for a host that nobody has."""
    page = "<html>Application is not available"
    httpserver.expect_request("/x").respond_with_data(page, 503, content_type="text/html")
    with pytest.raises(ApiError, match="has not answered in this run") as caught:
        make(httpserver.url_for("").rstrip("/"), retries=50).get("/x")
    assert caught.value.status == 503 and sum(naps) < client_module.FIRST_CONTACT


@pytest.mark.parametrize("sign", [http({"fine": True}), http({"error": {"message": "no_db_connection"}}, "503 Busy")])
def test_a_proxy_that_has_answered_is_waited_for(make: Callable[..., Client], naps: Naps, sign: bytes) -> None:
    with BrokenServer([sign]) as server:
        connection = Connection(Settings(server.url, MASTER_KEY))
        with suppress(ApiError):
            make(server.url, retries=0, connection=connection).get("/x")
    with pytest.raises(ApiError, match="Connection refused") as caught:
        make(server.url, retries=8, connection=connection).get("/x")
    assert len(naps) == 8 and "in this run" not in caught.value.hint


def test_for_the_owner_of_a_key_it_is_the_same_proxy(make: Callable[..., Client]) -> None:
    with BrokenServer([http({"fine": True})]) as server:
        client = make(server.url)
        client.get("/x")
        assert server.url in client.acting_as("sk-another-key-0123456789")._reached


@pytest.mark.parametrize("alive", [True, False])
def test_a_slow_first_answer_is_waited_for_if_the_proxy_is_alive(
    make: Callable[..., Client], naps: Naps, monkeypatch: pytest.MonkeyPatch, alive: bool
) -> None:
    monkeypatch.setattr(client_module, "FIRST_CONTACT", 0.2)
    monkeypatch.setattr(client_module, "SIGN_OF_LIFE", 0.2)
    answers = [SILENCE, http("alive"), http({"fine": True})] if alive else [SILENCE, SILENCE]
    with BrokenServer(answers) as server:
        client = make(server.url, retries=5)
        if alive:
            assert client.get("/x") == {"fine": True}
        else:
            with pytest.raises(ApiError, match=r"to GET /x within 0.2 s\. The proxy has not answered in this run"):
                client.get("/x")
        assert [line.split()[1] for line in server.received][:2] == [b"/x", b"/health/liveliness"]


def test_what_cannot_be_repeated_is_not_cut_off(make: Callable[..., Client], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "FIRST_CONTACT", 0.01)
    with BrokenServer([lambda: time.sleep(0.2) or http({"made": True})]) as server:
        assert make(server.url).send("/x", {}) == {"made": True}


def test_a_web_proxy_on_the_way_is_named(make: Callable[..., Client], monkeypatch: pytest.MonkeyPatch) -> None:
    way = f"127.0.0.1:{free_port()}"
    monkeypatch.setenv("http_proxy", f"http://ada:secret-word@{way}")
    with pytest.raises(ApiError) as caught:
        make("http://litellm.invalid", retries=0).get("/x")
    assert f"Cannot connect to http://litellm.invalid through the web proxy {way}: " in caught.value.message
    assert "secret-word" not in str(caught.value)


def test_waits_grow_to_a_bound_and_are_jittered(script: Script, make: Callable[..., Client], naps: Naps) -> None:
    for _time in range(9):
        script.expect("GET", "/key/list", "database_away")
    with pytest.raises(ApiError):
        make(script.url, retries=8).get("/key/list")
    steps = [0.5, 1.5, 4.5, 10, 10, 10, 10, 10]
    assert all(step / 2 <= nap <= step for step, nap in zip(steps, naps, strict=True))
    assert len({nap / step for step, nap in zip(steps, naps, strict=True)}) > 1


@pytest.mark.parametrize(
    ("header", "least", "most"),
    [
        ("7", 7, 7),
        ("1.5", 0.25, 0.5),
        pytest.param(format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True), 60, 60, id="in-an-hour"),
        ("Fri, 99 Nov 99999 05:40:52 GMT", 0.25, 0.5),
        ("0", 0.25, 0.5),
        ("86400", 60, 60),
        ("Sat, 21 Nov 2020 05:40:52 GMT", 0.25, 0.5),
        ("soon", 0.25, 0.5),
        ("-3", 0.25, 0.5),
    ],
    # pytest's workers must agree on the names of the tests: none may have the time in it.
    ids=["7", "1.5", "in an hour", "a date that is none", "0", "86400", "long ago", "soon", "-3"],
)
def test_retry_after(
    httpserver: HTTPServer, make: Callable[..., Client], naps: Naps, header: str, least: float, most: float
) -> None:
    refusal = response("throttled", **{"retry-after": header})
    httpserver.expect_ordered_request("/x").respond_with_response(refusal)
    httpserver.expect_ordered_request("/x").respond_with_json({})
    make(httpserver.url_for("").rstrip("/")).get("/x")
    assert least <= naps[0] <= most
    httpserver.check()


def test_a_spent_budget_does_not_pass(httpserver: HTTPServer, make: Callable[..., Client], naps: Naps) -> None:
    refusal = {"error": {"message": "Budget has been exceeded!", "type": "budget_exceeded", "code": "429"}}
    httpserver.expect_oneshot_request("/x").respond_with_json(refusal, 429)
    with pytest.raises(ApiError, match="Budget has been exceeded"):
        make(httpserver.url_for("").rstrip("/")).get("/x")
    assert naps == []


# Requests that must not be carried out twice


def test_a_throttled_request_was_not_carried_out(script: Script, make: Callable[..., Client]) -> None:
    script.expect("POST", "/key/generate", "throttled")
    script.expect("POST", "/key/generate", "generate")
    assert make(script.url).send("/key/generate", {})["key_alias"] == "recorded"


@pytest.mark.parametrize("name", ["overloaded", "database_away"])
def test_a_request_that_may_have_been_carried_out_is_not_sent_again(
    script: Script, make: Callable[..., Client], naps: Naps, name: str
) -> None:
    script.expect("POST", "/key/generate", name)
    with pytest.raises(ApiError) as caught:
        make(script.url).send("/key/generate", {})
    assert caught.value.may_have_applied
    assert naps == []


@pytest.mark.parametrize("status", [502, 503, 504])
def test_behind_a_gateway_that_gave_up_it_may_have_been_carried_out(
    httpserver: HTTPServer, make: Callable[..., Client], status: int
) -> None:
    httpserver.expect_oneshot_request("/x").respond_with_data("<html>", status, content_type="text/html")
    with pytest.raises(ApiError) as caught:
        make(httpserver.url_for("").rstrip("/")).send("/x", {})
    assert caught.value.may_have_applied
    assert caught.value.status == status
    httpserver.check()


BREAKS = [
    pytest.param(RESET, "The connection to .* broke during POST /x: Connection reset by peer", id="reset"),
    pytest.param(b"", "The connection to .* broke during POST /x", id="closed"),
    pytest.param(http({"key": "sk-x"}, missing=3), "broke during POST /x|is incomplete", id="truncated"),
    pytest.param(b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{"key": "sk', "is incomplete", id="half"),
    pytest.param(b"SSH-2.0-OpenSSH_9.2\r\n", "broke during POST /x", id="no http"),
    pytest.param(SILENCE, "No answer from .* to POST /x within 0.3 s", id="silence"),
]


@pytest.mark.parametrize(("answer", "words"), BREAKS)
def test_a_broken_answer_is_unanswered_and_not_sent_again(
    make: Callable[..., Client], naps: Naps, answer: bytes, words: str
) -> None:
    with BrokenServer([answer, http({"fine": True})]) as server:
        with pytest.raises(ApiError, match=words) as caught:
            make(server.url, timeout=0.3).send("/x", {"a": 1})
        assert len(server.received) == 1
    assert (caught.value.may_have_applied, caught.value.status, caught.value.code) == (True, 0, "connection")
    assert caught.value.hint
    assert naps == []


@pytest.mark.parametrize(("answer", "words"), BREAKS)
def test_after_a_broken_answer_what_may_be_repeated_is(
    make: Callable[..., Client], naps: Naps, answer: bytes, words: str
) -> None:
    with BrokenServer([answer, http({"fine": words})]) as server:
        assert make(server.url, timeout=0.3).send("/x", {"a": 1}, idempotent=True) == {"fine": words}
        assert server.received[0].split(b"\r\n\r\n")[1] == server.received[1].split(b"\r\n\r\n")[1] == b'{"a": 1}'
    assert len(naps) == 1


@pytest.mark.parametrize("idempotent", [True, False])
def test_what_was_never_sent_is_tried_again(make: Callable[..., Client], naps: Naps, idempotent: bool) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(ApiError) as caught:
        make(url).send("/x", {}, idempotent=idempotent)
    assert caught.value.message == f"Cannot connect to {url}: Connection refused."
    assert "Check O(api_url)" in caught.value.hint
    assert (caught.value.may_have_applied, caught.value.status) == (False, 0)
    assert len(naps) == 2


def test_a_host_that_does_not_exist(make: Callable[..., Client]) -> None:
    with pytest.raises(ApiError, match=r"Cannot connect to http://nowhere\.invalid: ") as caught:
        make("http://nowhere.invalid", retries=0).get("/x")
    assert not caught.value.may_have_applied
    assert "object at" not in str(caught.value)


# TLS


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def tls(authority: trustme.CA) -> Iterator[HTTPServer]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with HTTPServer("127.0.0.1", 0, context) as server:
        server.expect_request("/x").respond_with_json({"fine": True})
        yield server


def test_an_unknown_authority_is_refused_at_once(tls: HTTPServer, make: Callable[..., Client], naps: Naps) -> None:
    with pytest.raises(ApiError, match=r"Cannot establish a trusted TLS connection to .*ca_path") as caught:
        make(tls.url_for("").rstrip("/")).get("/x")
    assert (caught.value.code, caught.value.may_have_applied) == ("tls", False)
    assert naps == []


def test_ca_path(tls: HTTPServer, authority: trustme.CA, make: Callable[..., Client], tmp_path: Path) -> None:
    bundle = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(bundle)
    assert make(tls.url_for("").rstrip("/"), ca_path=str(bundle)).get("/x") == {"fine": True}


def test_the_bundle_of_the_environment_counts(
    tls: HTTPServer, authority: trustme.CA, make: Callable[..., Client], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(bundle)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))
    assert make(tls.url_for("").rstrip("/")).get("/x") == {"fine": True}


def test_ca_path_goes_before_the_bundle_of_the_environment(
    tls: HTTPServer, authority: trustme.CA, make: Callable[..., Client], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "other.pem").write_bytes(trustme.CA().cert_pem.bytes())
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "other.pem"))
    url = tls.url_for("").rstrip("/")
    assert make(url, ca_path=str(tmp_path / "ca.pem")).get("/x") == {"fine": True}
    with pytest.raises(ApiError, match="Cannot establish a trusted TLS connection"):
        make(url).get("/x")


def test_validate_certs_off(tls: HTTPServer, make: Callable[..., Client], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere.pem")
    assert make(tls.url_for("").rstrip("/"), validate_certs=False).get("/x") == {"fine": True}


@pytest.mark.parametrize("separate", [True, False])
def test_client_certificate(authority: trustme.CA, make: Callable[..., Client], tmp_path: Path, separate: bool) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    ours = authority.issue_cert("client.example.com")
    ours.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    ours.private_key_pem.write_to_path(tmp_path / "key.pem")
    ours.private_key_and_cert_chain_pem.write_to_path(tmp_path / "both.pem")
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    settings = (
        {"client_cert": str(tmp_path / "cert.pem"), "client_key": str(tmp_path / "key.pem")}
        if separate
        else {"client_cert": str(tmp_path / "both.pem")}
    )
    with HTTPServer("127.0.0.1", 0, context) as server:
        server.expect_request("/x").respond_with_json({"fine": True})
        url = server.url_for("").rstrip("/")
        assert make(url, ca_path=str(tmp_path / "ca.pem"), **settings).get("/x") == {"fine": True}


# What the environment must not change


def test_netrc_does_not_replace_the_key(
    script: Script, make: Callable[..., Client], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1\nlogin somebody\npassword else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    script.expect("GET", "/x", "list_empty", headers={"Authorization": f"Bearer {MASTER_KEY}"})
    make(script.url).get("/x")


def test_a_proxy_of_the_environment_is_used_and_gets_our_key(
    script: Script, make: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", script.url.replace("http://", "http://user:password@"))
    script.expect("GET", "/x", "list_empty", headers={"Authorization": f"Bearer {MASTER_KEY}"})
    assert make("http://litellm.invalid").get("/x") == body("list_empty")
    assert script.requests[0].headers["Host"] == "litellm.invalid"


def test_no_proxy(script: Script, make: Callable[..., Client], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    script.expect("GET", "/x", "list_empty")
    assert make(script.url).get("/x") == body("list_empty")


# Secrets


@pytest.mark.parametrize(
    "told",
    [
        f"Received {MASTER_KEY}",
        "Received sk-somebody-elses-value.",
        "x=sk-short",
        "key%3Dsk-somebody-elses-value",
        f"Hash ={'0123456789abcdef' * 4}.",
        "{'error': 'key sk-abcdefgh\\', and more'}",
        f"http://x/?key={MASTER_KEY}&more&token=%3D{'0123456789abcdef' * 4}",
    ],
)
@pytest.mark.parametrize("status", [400, 500, 302])
def test_no_message_holds_a_secret(httpserver: HTTPServer, make: Callable[..., Client], told: str, status: int) -> None:
    handler = httpserver.expect_oneshot_request("/x")
    if status == 302:
        handler.respond_with_data("", status, {"Location": f"http://elsewhere/{told}"})
    else:
        handler.respond_with_json({"error": {"message": told}}, status)
    with pytest.raises(ApiError) as caught:
        make(httpserver.url_for("").rstrip("/")).get("/x")
    for text in (str(caught.value), str(caught.value.as_dict({}))):
        assert MASTER_KEY not in text
        assert not re.search(r"sk-[^*]|[0-9a-f]{64}", text)


def test_a_word_that_ends_in_sk_is_no_secret(httpserver: HTTPServer, make: Callable[..., Client]) -> None:
    httpserver.expect_oneshot_request("/x").respond_with_json({"detail": "no task-list on disk-0001"}, 400)
    with pytest.raises(ApiError, match="no task-list on disk-0001"):
        make(httpserver.url_for("").rstrip("/")).get("/x")


def test_a_key_of_odd_shape_is_hidden_as_well(httpserver: HTTPServer, make: Callable[..., Client]) -> None:
    httpserver.expect_oneshot_request("/x").respond_with_json({"detail": "got my+odd/key!"}, 400)
    with pytest.raises(ApiError, match=r"got \*{8} \(GET"):
        make(httpserver.url_for("").rstrip("/"), api_key="my+odd/key!").get("/x")


def test_the_body_that_older_servers_send_back_is_not_told(script: Script, make: Callable[..., Client]) -> None:
    script.expect("POST", "/key/generate", "validation_with_input")
    with pytest.raises(ApiError) as caught:
        make(script.url).send("/key/generate", {})
    assert "recorded-value" not in str(caught.value.as_dict({}))
    assert "gpt-4" not in str(caught.value)


def test_a_message_is_one_line_of_bounded_length(httpserver: HTTPServer, make: Callable[..., Client]) -> None:
    httpserver.expect_oneshot_request("/x").respond_with_json({"detail": "line\n\tand  line " + "x" * 10_000}, 400)
    with pytest.raises(ApiError) as caught:
        make(httpserver.url_for("").rstrip("/")).get("/x")
    assert caught.value.message.startswith("line and line xxx")
    assert len(caught.value.message) < 700


# The proxy's clock


def dated(ahead: timedelta = timedelta()) -> bytes:
    date = format_datetime(datetime.now(UTC) + ahead, usegmt=True)
    return http({}).replace(b"Content-Type", f"Date: {date}\r\nConnection: close\r\nContent-Type".encode())


@pytest.mark.parametrize("ahead", [timedelta(hours=-3), timedelta(seconds=60), timedelta(hours=23)])
def test_now_follows_the_proxys_clock(make: Callable[..., Client], ahead: timedelta) -> None:
    a_busy_machine = timedelta(seconds=20)
    with BrokenServer([lambda: dated(ahead)] * 3) as server:
        client = make(server.url)
        assert abs(client.now() - datetime.now(UTC)) < a_busy_machine
        client.get("/x")
        assert abs(client.now() - datetime.now(UTC) - ahead) < a_busy_machine
        assert [request.split()[1] for request in server.received[1:]] == [b"/health/liveliness"] * 2
    assert client.warnings == []


def test_an_odd_date_among_others_does_not_count(make: Callable[..., Client]) -> None:
    """A cache, or one of several proxies, may say anything."""
    with BrokenServer([dated(timedelta(hours=-3)), dated(), dated()]) as server:
        client = make(server.url)
        client.get("/x")
        assert abs(client.now() - datetime.now(UTC)) < timedelta(seconds=1)


def test_dates_that_do_not_agree_are_asked_for_once(make: Callable[..., Client]) -> None:
    answers = [dated(timedelta(hours=number)) for number in range(1, 5)]
    with BrokenServer(answers) as server:
        client = make(server.url)
        client.get("/x")
        for _time in range(3):
            assert abs(client.now() - datetime.now(UTC)) < timedelta(seconds=1)
        assert len(server.received) == 1 + 3


def test_a_date_of_a_cache_does_not_count(make: Callable[..., Client]) -> None:
    old = dated(timedelta(hours=-3)).replace(b"Content-Type", b"Age: 10800\r\nContent-Type")
    with BrokenServer([old]) as server:
        client = make(server.url)
        client.get("/x")
        assert abs(client.now() - datetime.now(UTC)) < timedelta(seconds=1)


@pytest.mark.parametrize("year", ["1970", "2099", "9999"])
def test_a_date_of_another_day_is_ignored_with_a_warning(make: Callable[..., Client], year: str) -> None:
    answer = http({}).replace(b"Content-Type", f"Date: Sun, 01 Mar {year} 00:00:00 GMT\r\nContent-Type".encode())
    with BrokenServer([answer] * 5) as server:
        client = make(server.url)
        for _time in range(5):
            client.get("/x")
        assert abs(client.now() - datetime.now(UTC)) < timedelta(seconds=1)
        assert len(server.received) == 5
    (warning,) = client.warnings
    assert year in warning
    assert "Check both clocks" in warning


def test_a_slow_answer_moves_nothing() -> None:
    """Its date may be that of the beginning or of the end."""
    clock, now = Clock(), datetime.now(UTC)
    for end in (now, now - timedelta(seconds=66)):
        for _time in range(3):
            clock.observe({"Date": format_datetime(end, usegmt=True)}, now - timedelta(seconds=66), now)
            assert not clock.is_doubtful
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=1)


def test_a_believed_difference_stays_until_others_agree() -> None:
    clock, now = Clock(), datetime.now(UTC)

    def hear(*hours: int) -> float:
        for ahead in hours:
            clock.observe({"Date": format_datetime(now + timedelta(hours=ahead), usegmt=True)}, now, now)
        return round((clock.now() - datetime.now(UTC)) / timedelta(hours=1), 2)

    assert [hear(3, 3), hear(3), hear(0), hear(3, -5), hear(0, 0), hear(0)] == [0, 3, 3, 3, 3, 0]


def test_what_is_past_is_past_for_both_clocks() -> None:
    clock, now = Clock(), datetime.now(UTC)

    def hear(days: int) -> int | None:
        clock.observe({"Date": format_datetime(now + timedelta(days=days), usegmt=True)}, now, now)
        past = clock.past()
        return past and round((past - datetime.now(UTC)) / timedelta(days=1))

    assert clock.past() is None
    assert [hear(0), hear(400), hear(-1), hear(-400), hear(0)] == [0, 0, -1, -400, -400]


@pytest.mark.parametrize(
    "date",
    [
        "",
        "Date: yesterday\r\n",
        "Date: \r\n",
        "Date: Mon, 99 Foo 2026 99:99:99\r\n",
        "Date: Sat, 21 Nov 99999 05:40:52 GMT\r\n",
        "Date: Fri, 31 Dec 9999 23:59:59 -2359\r\n",
        "Date: Mon, 01 Jan 0001 00:00:00 +2359\r\n",
        "Date: Sat, 21 Nov 2026 05:40:52 -9999999\r\n",
    ],
)
def test_without_a_date_our_own_clock_counts(make: Callable[..., Client], date: str) -> None:
    with BrokenServer([http({}).replace(b"Content-Type", f"{date}Content-Type".encode())]) as server:
        client = make(server.url)
        client.get("/x")
    assert abs(client.now() - datetime.now(UTC)) < timedelta(seconds=1)


def test_a_second_of_difference_is_the_headers_rounding(make: Callable[..., Client]) -> None:
    date = format_datetime(datetime.now(UTC) - timedelta(seconds=2), usegmt=True)
    with BrokenServer([http({}).replace(b"Content-Type", f"Date: {date}\r\nContent-Type".encode())]) as server:
        client = make(server.url)
        client.get("/x")
    assert abs(client.now() - datetime.now(UTC)) < timedelta(seconds=1)


def test_several_threads_may_use_it(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/x").respond_with_json({"fine": True})
    client = Client(Settings(httpserver.url_for("").rstrip("/"), MASTER_KEY))
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(client.get, ["/x"] * 40))
    client._session.close()
    assert answers == [{"fine": True}] * 40
    assert client_module.REQUESTS_IMPORT_ERROR is None


@pytest.mark.parametrize("ask", [lambda client: client.get("/x"), lambda client: client.send("/x", {})])
def test_what_was_read_is_forgotten_with_the_next_request(httpserver: HTTPServer, ask: Callable[[Client], Any]) -> None:
    httpserver.expect_request("/x").respond_with_json({})
    last_read = {"keys": [1]}
    client = Client(Settings(httpserver.url_for("").rstrip("/"), MASTER_KEY), last_read=last_read)
    assert last_read == {"keys": [1]}
    ask(client)
    client._session.close()
    assert last_read == {}
