# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wrong inputs and wrong servers: a failed task, one clear sentence, nothing written."""

from __future__ import annotations

import re
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import requests
import trustme
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

QUICK = {"retries": 0, "timeout": 2}


@contextmanager
def serving(application, tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """The address of a server on loopback that answers by a WSGI application."""
    server = make_server("127.0.0.1", 0, application, threaded=True, ssl_context=tls)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http{'s' if tls else ''}://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join(timeout=10)
        server.server_close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def refuses(sandbox, run_module, alias):
    """Holds that a task fails with a sentence that says so, and writes nothing. Returns the sentence."""

    def check(expected: str, module: str = "litellm_key", **params) -> str:
        if module == "litellm_key":
            params.setdefault("key_alias", alias)
        rows = sandbox.keys(alias)
        with sandbox.writes() as written:
            result = run_module(module, **params)
        assert result.failed, "the task did not fail"
        assert re.search(expected, result.msg), result.msg
        assert "\n" not in result.msg and "Traceback" not in result.output
        assert sandbox.master_key not in result.output
        # A refused request is no write.
        assert [one for one in written if one[2] < 400] == [] and sandbox.keys(alias) == rows
        return result.msg

    return check


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        # What is wrong in itself has its rows in the unit tests: one here, for the way to them.
        ({"duration": "30days"}, "'30days' is not a duration.*30d"),
        ({"team_id": "no-such-team"}, "team_id: the proxy has no team 'no-such-team'"),
        ({"budget_id": "no-such-budget"}, "budget_id: the proxy has no budget 'no-such-budget'"),
        ({"organization_id": "no-such-organization"}, "[Oo]rgani[sz]ation.*(doesn't exist|has no)"),
        ({"models": ["gpt-4", "gpt-4o-x"], "validate_models": True}, r"has no model 'gpt-4o-x'\. It has gpt-4, "),
        ({"models": ["nobody/*"], "validate_models": True}, r"the proxy has no model 'nobody/\*'"),
    ],
)  # fmt: skip
def test_declaration(refuses, params, expected):
    refuses(expected, **params)


LICENSED = {
    "tags": ["a"],
    "guardrails": ["g"],
    "prompts": ["p"],
    "policies": ["p"],
    "allowed_passthrough_routes": ["/x"],
    "model_max_budget": {"gpt-4": {"budget_limit": 1.0, "time_period": "1d"}},
}


@pytest.mark.parametrize("exists", [False, True], ids=["create", "update"])
@pytest.mark.parametrize("field", LICENSED)
def test_field_that_needs_a_license(refuses, run_module, alias, field, exists):
    if exists:
        run_module("litellm_key", key_alias=alias, max_budget=1)
    assert field in refuses("[Ll]icen[cs]e", max_budget=2, **{field: LICENSED[field]})


def test_permission_that_needs_a_license(refuses):
    """Only for a new key; LiteLLM itself answers that with an error that says nothing."""
    refuses("get_spend_routes requires a LiteLLM Enterprise license", permissions={"get_spend_routes": True})


def test_wrong_master_key(refuses):
    refuses("does not know the key", api_key="sk-wrong-0123456789")


@pytest.mark.parametrize("user", [True, False], ids=["of a user", "of nobody"])
@pytest.mark.parametrize("state", ["present", "absent"])
def test_key_that_is_no_admins(sandbox, refuses, alias, user, state):
    body = {"key_alias": f"{alias}-caller", **({"user_id": f"{alias}@example.com"} if user else {})}
    if user:
        person = {"user_id": body["user_id"], "user_role": "internal_user", "auto_create_key": False}
        sandbox.call("POST", "/user/new", person).raise_for_status()
    caller = sandbox.call("POST", "/key/generate", body)
    caller.raise_for_status()
    refuses("admin", api_key=caller.json()["key"], state=state)


def test_server_down(refuses):
    refuses("Cannot connect to http://127.0.0.1:.*refused.*api_url", api_url=f"http://127.0.0.1:{free_port()}", **QUICK)


def test_port_that_never_answers(refuses):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        refuses("No answer from .* within 2 s", api_url=f"http://127.0.0.1:{silent.getsockname()[1]}", **QUICK)


@pytest.mark.parametrize("form", ["{}/", "{}/v1", "{}/v1/"])
def test_forms_of_the_address(sandbox, run_module, alias, form):
    assert run_module("litellm_key", key_alias=alias, api_url=form.format(sandbox.api_url)).changed


@pytest.fixture
def forwarded(sandbox):
    """A WSGI application that hands requests on to LiteLLM; below /litellm too."""

    def application(environ, start_response):
        request = Request(environ)
        path = request.full_path.removeprefix("/litellm").rstrip("?")
        answer = requests.request(
            request.method, sandbox.api_url + path, data=request.get_data(), timeout=30,
            headers={"Authorization": request.headers["Authorization"], "Content-Type": "application/json"},
        )  # fmt: skip
        response = Response(answer.content, answer.status_code, content_type=answer.headers["Content-Type"])
        return response(environ, start_response)

    return application


def test_address_with_a_path(run_module, alias, forwarded):
    with serving(forwarded) as address:
        assert run_module("litellm_key", key_alias=alias, api_url=f"{address}/litellm/").changed


def test_certificate(sandbox, refuses, run_module, alias, tmp_path, forwarded, monkeypatch):
    authority = trustme.CA()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    trusted = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(trusted)
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    with serving(forwarded, tls) as address:
        refuses("Cannot establish a trusted TLS connection to .*ca_path", api_url=address, **QUICK)
        assert run_module("litellm_key", key_alias=alias, api_url=address, ca_path=str(trusted)).changed
        assert not run_module("litellm_key", key_alias=alias, api_url=address, validate_certs=False).changed
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(trusted))
        assert not run_module("litellm_key", key_alias=alias, api_url=address).changed
    refuses("ca_path: .* does not exist on the host", ca_path=str(tmp_path / "none.pem"))


@pytest.mark.parametrize(
    ("body", "kind", "status", "expected"),
    [
        ("<html><title>Login</title></html>", "text/html", 200, "answered text/html instead of JSON.*api_url"),
        ("<html>Bad Gateway</html>", "text/html", 502, "answered text/html instead of JSON"),
        ('{"error": {"message": "No route", "type": "x", "code": "404"}}', "application/json", 200, "No route"),
        ('{"message": "gone", "type": "internal_server_error", "param": "None", "code": "404"}', "application/json",
         200, "gone"),
        ("", "application/json", 200, "is incomplete"),
        ('["a list"]', "application/json", 200, "unexpected"),
        ("{}", "application/json", 200, "unexpected"),
    ],
)  # fmt: skip
def test_answers_that_are_none(refuses, body, kind, status, expected):
    with serving(Response(body, status, content_type=kind)) as address:
        refuses(expected, api_url=address, **QUICK)


def test_redirect_is_not_followed(refuses):
    with serving(Response("", 307, headers={"Location": "http://127.0.0.1:1/elsewhere"})) as address:
        refuses("redirects to http://127.0.0.1:1/elsewhere", api_url=address, **QUICK)


ROLE_PROBLEMS = [
    ({"litellm_vkey_alias": ""}, "litellm_vkey_alias is required and must not be empty"),
    ({"litellm_vkey_alias": "../x"}, "litellm_vkey_alias: '../x' must not contain '..' as part of a path"),
    ({"litellm_vkey_alias": ".."}, "litellm_vkey_alias: '..' must not contain '..' as part of a path"),
    ({"litellm_vkey_users": "ann,b/../x"}, "litellm_vkey_users, b/../x: "),
    ({"litellm_vkey_user_count": "0"}, "litellm_vkey_user_count must be at least 1"),
    ({"litellm_vkey_duration": "1y"}, "'1y' is not a duration"),
    ({"litellm_vkey_models": '["gpt-4", "nope"]'}, "the proxy has no model 'nope'"),
    ({"litellm_vkey_models": "[]"}, "litellm_vkey_models must contain at least one model"),
    ({"litellm_vkey_max_budget": "-1"}, "litellm_vkey_max_budget must not be negative"),
    ({"litellm_vkey_master_key": "sk-wrong-0123456789"}, "does not know the key"),
    ({"litellm_vkey_batch_size": "0"}, "litellm_vkey_batch_size must be at least 1"),
]


@pytest.mark.parametrize(("variables", "expected"), ROLE_PROBLEMS, ids=[text for _variables, text in ROLE_PROBLEMS])
def test_role(sandbox, play, alias, tmp_path, variables, expected):
    folder = tmp_path / "trainer"
    folder.mkdir()
    given = {
        "litellm_vkey_alias": alias,
        "litellm_vkey_models": '["gpt-4"]',
        "litellm_vkey_user_count": "2",
        **variables,
    }
    extra = [part for name, value in given.items() for part in ("-e", f"{name}='{value}'")]
    with sandbox.writes() as written:
        done = play("litemaas.virtual_keys.examples.create_workshop_keys", *extra, cwd=folder)
    assert done.rc != 0 and expected in done.messages, done.messages
    assert written == [] and sandbox.keys(alias) == {}
    assert not any(path.is_file() for path in tmp_path.rglob("*") if "ansible" not in path.parts)
    if variables.keys() & {"litellm_vkey_alias", "litellm_vkey_users"}:
        assert not list(folder.iterdir()) and not (tmp_path / "x").exists()
