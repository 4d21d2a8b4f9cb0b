# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Guardrails on a real LiteLLM: each entry set, changed and removed, in check mode, for real, and once more."""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._guardrail import GUARDRAIL
from ansible_collections.litemaas.virtual_keys.tests.integration.laws import as_declared, lacking, only_changes, refused

pytestmark = [pytest.mark.quiet, pytest.mark.since("1.106.2")]

TABLE = '"LiteLLM_GuardrailsTable"'
FILTER = {"guardrail": "litellm_content_filter", "mode": "pre_call"}
# Random, as what issuers choose, and with the same mask.
FIRST, SECOND = "sk-14Gv8Rk2Wp9Xt5Bn7Jq3Lz6M0h07", "sk-17Tb3Nf6Yc9Dw2Hs8Pm5Kx4V0h07"
# Two values for each of these parameters, and those that it needs beside it.
API = {"guardrail": "generic_guardrail_api", "mode": "pre_call", "api_base": "http://127.0.0.1:9/a"}
PARAMS: dict[str, tuple[dict[str, Any], Any, Any]] = {
    "mode": (FILTER, ["pre_call", "post_call"], "during_call"),
    "default_on": (FILTER, True, False),
    "violation_message_template": (FILTER, "No {keyword}.", "Not this."),
    "blocked_words": (
        FILTER,
        [{"keyword": "phoenix", "action": "BLOCK"}, {"keyword": "acme", "action": "MASK", "description": "a customer"}],
        [{"keyword": "phoenix", "action": "MASK"}],
    ),
    "categories": (
        FILTER,
        [{"category": "harmful_self_harm", "action": "BLOCK"}],
        [{"category": "harmful_self_harm", "action": "BLOCK", "severity_threshold": "high", "enabled": False}],
    ),
    "patterns": (
        FILTER,
        [{"pattern_type": "prebuilt", "pattern_name": "us_ssn", "action": "BLOCK"}],
        [{"pattern_type": "regex", "pattern": "a+", "name": "some_a", "action": "MASK"}],
    ),
    # Both have the same mask.
    "keyword_redaction_tag": (FILTER, "[REMOVED]", "[REDACTED]"),
    "api_base": (API, "http://127.0.0.1:9/b", "http://127.0.0.1:9/c"),
    "unreachable_fallback": (API, "fail_open", "fail_closed"),
    "timeout": (API, 1.5, 30),
    "extra_headers": (API, ["x-a", "x-b"], ["x-c"]),
    "additional_provider_specific_params": (API, {"a": [1, None, {"b": True}], "c": None}, {"a": []}),
    "send_user_api_key_alias": (API, True, False),
    "my_own": (API, {"a": [1, {"b": True}]}, "text"),
    "api_key": (API, FIRST, SECOND),
    "aws_secret_access_key": (API, FIRST, FIRST.swapcase()),
    # Both can be guessed: what LiteLLM shows of them tells them apart.
    "short_password": (API, "hunter2", "Tr0ub4dor"),
    "headers": (API, {"X-A": "1", "Authorization": f"Bearer {FIRST}"}, {"Authorization": f"Bearer {SECOND}"}),
    "aws_session_token": (API, "os.environ/HOME", "os.environ/NO_SUCH_VARIABLE"),
    "application": (API, "os.environ/HOME", "mine"),
}
# The provider cannot be without them.
STAY = {"mode", "api_base", "unreachable_fallback"}
INFO: dict[str, tuple[Any, Any]] = {"owner": ("a", "b"), "params": ([{"name": "x", "type": "float"}], {"a": 1})}


@pytest.fixture
def name(sandbox) -> Iterator[str]:
    """The beginning of this test's names. All that has it is removed at the end."""
    beginning = f"t {secrets.token_hex(4)}+ä/"
    yield beginning
    for row in sandbox.rows(f"SELECT guardrail_id FROM {TABLE} WHERE starts_with(guardrail_name, %s)", beginning):
        sandbox.call("DELETE", f"/guardrails/{row['guardrail_id']}").raise_for_status()


@pytest.fixture
def guardrail(run_module, name):
    """Runs litellm_guardrail on this test's guardrail."""
    return partial(run_module, "litellm_guardrail", guardrail_name=name)


def stored(sandbox, name: str) -> dict[str, Any]:
    (row,) = sandbox.rows(f"SELECT * FROM {TABLE} WHERE guardrail_name = %s", name)
    return row


def test_every_option_is_tested() -> None:
    assert {row.name for row in GUARDRAIL.fields} == {"guardrail_name", "litellm_params", "guardrail_info"}


@pytest.mark.parametrize("entry", PARAMS)
def test_every_parameter(sandbox, guardrail, name, entry: str) -> None:
    base, first, second = PARAMS[entry]
    read, place = partial(stored, sandbox, name), ("litellm_params", entry)
    allowed = {place, ("guardrail_info", "litemaas_virtual_keys")}
    created = as_declared(guardrail, sandbox, 1, litellm_params={**base, entry: first})
    with only_changes(read, allowed):
        updated = as_declared(guardrail, sandbox, 1, litellm_params={entry: second})
    for result, value in ((created, first), (updated, second)):
        assert shown(result, entry) in (value, "********")
    # A write of other parameters leaves it alone, and so does one of the information.
    as_declared(guardrail, sandbox, 1, litellm_params={entry: first})
    others = {("litellm_params", "dev_info"), ("guardrail_info", "note"), *encrypted(read(), entry)}
    with only_changes(read, others):
        as_declared(guardrail, sandbox, 1, litellm_params={"dev_info": False}, guardrail_info={"note": 1})
    assert guardrail(litellm_params={entry: first}).changed is False
    unset = {"unset": [f"litellm_params.{entry}"]}
    if entry in STAY:
        with sandbox.writes() as writes:
            done = guardrail(**unset)
        assert done.failed and all(status >= 400 for _method, _path, status in writes), writes
        assert read()["litellm_params"][entry] == first
        return
    with only_changes(read, allowed):
        as_declared(guardrail, sandbox, 1, **unset)
    assert not read()["litellm_params"][entry]
    assert not guardrail(check=True).guardrail["litellm_params"].get(entry)


def encrypted(row: dict[str, Any], entry: str) -> set[tuple[str, ...]]:
    """Where the ciphertext of a secret is, which is another one after each write."""
    return {("litellm_params", entry)} if "litellm_enc::" in json.dumps(row["litellm_params"].get(entry)) else set()


def shown(result: Any, entry: str) -> Any:
    """A parameter as it is returned, without what LiteLLM adds to its entries."""
    value = result.guardrail["litellm_params"][entry]
    if entry == "categories":
        added = {"enabled": True, "severity_threshold": "medium"}
        return [{name: part for name, part in one.items() if part != added.get(name)} for one in value]
    return value


@pytest.mark.parametrize("entry", INFO)
def test_every_entry_of_the_information(sandbox, guardrail, name, entry: str) -> None:
    first, second = INFO[entry]
    read, place = partial(stored, sandbox, name), ("guardrail_info", entry)
    params = {**API, "api_key": FIRST}
    as_declared(guardrail, sandbox, 1, litellm_params=params, guardrail_info={entry: first, "kept": 1})
    changing = {place, *encrypted(read(), "api_key")}
    with only_changes(read, changing):
        updated = as_declared(guardrail, sandbox, 1, guardrail_info={entry: second})
    assert updated.guardrail["guardrail_info"] == {entry: second, "kept": 1}
    with only_changes(read, changing):
        as_declared(guardrail, sandbox, 1, unset=[f"guardrail_info.{entry}"])
    assert guardrail(litellm_params=params).changed is False
    as_declared(guardrail, sandbox, 1, unset=["guardrail_info.kept"])
    assert set(read()["guardrail_info"]) == {"litemaas_virtual_keys"}


def test_all_at_once(sandbox, guardrail, name) -> None:
    own = {entry: values[1:] for entry, values in PARAMS.items()}
    first, second = ({entry: values[n] for entry, values in own.items()} for n in (0, 1))
    info = [{entry: values[n] for entry, values in INFO.items()} for n in (0, 1)]
    as_declared(guardrail, sandbox, 1, litellm_params={**API, **first}, guardrail_info=info[0])
    row = stored(sandbox, name)
    as_declared(guardrail, sandbox, 1, litellm_params=second, guardrail_info=info[1])
    after = stored(sandbox, name)
    assert (after["created_at"], after["guardrail_id"]) == (row["created_at"], row["guardrail_id"])
    as_declared(guardrail, sandbox, 1, unset=[f"litellm_params.{entry}" for entry in own if entry not in STAY])


def test_templates_make_text_of_numbers_and_flags(sandbox, guardrail) -> None:
    as_declared(
        guardrail, sandbox, 1, litellm_params={**API, "timeout": "1.5", "default_on": "true", "dev_info": "False"}
    )
    assert guardrail(litellm_params={"timeout": 1.5, "default_on": True, "dev_info": False}).changed is False


@pytest.mark.parametrize("entry", ["api_key", "headers"])
def test_a_secret_that_somebody_else_changed_is_written_again(sandbox, guardrail, name, entry: str) -> None:
    secret = FIRST if entry == "api_key" else {"Authorization": f"Bearer {FIRST}"}
    other = "another-key" if entry == "api_key" else {"Authorization": "another"}
    declared = {**API, entry: secret}
    as_declared(guardrail, sandbox, 1, litellm_params=declared)
    path = f"/guardrails/{stored(sandbox, name)['guardrail_id']}"
    for changed in (other, None):
        sandbox.call("PATCH", path, {"litellm_params": {entry: changed}}).raise_for_status()
        as_declared(guardrail, sandbox, 1, litellm_params=declared)


@pytest.fixture
def checker() -> Iterator[tuple[str, list[str]]]:
    """An API that checks requests: its address, and the keys with which LiteLLM asks it."""
    keys: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            keys.append(f"{self.headers.get('x-api-key')} {self.headers.get('Authorization')}")
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(b'{"action": "NONE"}')

        def log_message(self, *_arguments: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", keys
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_secret_stays_when_something_else_is_written(sandbox, guardrail, name, checker) -> None:
    """A PUT would lose it, and a mask that is sent becomes the secret."""
    address, keys = checker
    headers = {"Authorization": f"Bearer {SECOND}"}
    own = {**API, "api_base": address, "api_key": FIRST, "headers": headers}
    as_declared(guardrail, sandbox, 1, litellm_params=own)
    as_declared(guardrail, sandbox, 1, litellm_params={"timeout": 3}, guardrail_info={"owner": "x"})
    as_declared(guardrail, sandbox, 1, unset=["litellm_params.timeout"])
    assert guardrail(litellm_params={"api_key": FIRST}).changed is False
    body = {"model": "gpt-4", "messages": [{"role": "user", "content": "hello"}], "guardrails": [name]}
    sandbox.call("POST", "/v1/chat/completions", body).raise_for_status()
    assert set(keys) == {f"{FIRST} Bearer {SECOND}"}
    row = json.dumps(stored(sandbox, name), default=str)
    assert (FIRST in row, SECOND in row) == (False, False)


def test_no_secret_is_returned(sandbox, guardrail, run_module, name) -> None:
    """LiteLLM shows them in the answer to each write."""
    params = {**API, "api_key": FIRST, "headers": {"Authorization": f"Bearer {SECOND}"}}
    broken = {**params, "mode": "no-such-mode"}
    for done in (guardrail(litellm_params=broken), guardrail(litellm_params=params), guardrail(litellm_params=broken)):
        assert FIRST not in done.output and SECOND not in done.output
        assert (done.failed, "is not a valid" in done.output) in ((True, True), (False, False))
    (read,) = run_module("litellm_guardrail_info", guardrail_name=name).guardrails
    assert (read["litellm_params"]["api_key"], read["guardrail_info"]) == ("********", {})
    planned = guardrail(check=True, litellm_params={"api_key": SECOND})
    told = [planned.diff[side]["litellm_params"]["api_key"] for side in ("before", "after")]
    assert told == ["********", "******** (changed)"]


def test_adopting_a_guardrail(sandbox, guardrail, name) -> None:
    """What somebody else made is compared where LiteLLM shows it; its secrets are written once."""
    theirs = {
        "guardrail_name": name,
        "litellm_params": {**API, "api_key": FIRST, "timeout": 3},
        "guardrail_info": {"a": 1},
    }
    sandbox.call("POST", "/guardrails", {"guardrail": theirs}).raise_for_status()
    assert guardrail(litellm_params={**API, "timeout": 3, "fail_on_error": True}).changed is False
    as_declared(guardrail, sandbox, 1, litellm_params={"api_key": FIRST})
    assert stored(sandbox, name)["guardrail_info"]["a"] == 1


def test_two_names_that_begin_alike_are_two_guardrails(sandbox, guardrail, run_module, name) -> None:
    longer = partial(run_module, "litellm_guardrail", guardrail_name=f"{name}2")
    assert as_declared(longer, sandbox, 1, litellm_params=FILTER).action == "create"
    assert as_declared(guardrail, sandbox, 1, litellm_params=FILTER).action == "create"
    assert as_declared(guardrail, sandbox, 1, state="absent").action == "delete"
    assert [one["guardrail_name"] for one in run_module("litellm_guardrail_info").guardrails if name in str(one)] == [
        f"{name}2"
    ]


def test_a_name_that_is_taken_by_what_is_not_listed(sandbox, guardrail, name) -> None:
    sandbox.execute(
        f"INSERT INTO {TABLE} (guardrail_id, guardrail_name, litellm_params, status, updated_at) "
        "VALUES (%s, %s, %s, 'pending_review', now())",
        f"{name}id",
        name,
        json.dumps(API),
    )
    try:
        done = guardrail(litellm_params=FILTER)
        assert done.failed and "a team has submitted it, and nobody has approved it yet" in done.msg
    finally:
        sandbox.execute(f"DELETE FROM {TABLE} WHERE guardrail_name = %s", name)


def test_what_is_missing_is_said_by_a_model_that_names_it(sandbox, run_module, guardrail, name) -> None:
    """LiteLLM stores the name of any guardrail, and serves requests without one that there is not."""
    model_id = name.replace("/", "")
    params = {"model": "openai/gpt-4o", "mock_response": "Hello", "guardrails": [name]}
    model = partial(run_module, "litellm_model", model_id=model_id, model_name=model_id)
    lacking(model, sandbox, f"litellm_params.guardrails: the proxy has no guardrail '{name}'.", litellm_params=params)
    as_declared(guardrail, sandbox, 1, litellm_params=FILTER)
    as_declared(model, sandbox, 1, litellm_params=params)
    assert model(state="absent").changed


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"litellm_params": {"timeout": 1}}, "To create it, set guardrail and mode in litellm_params."),
        ({}, "To create it, set guardrail and mode in litellm_params."),
        ({"litellm_params": {**API, "api_key": ""}}, "litellm_params: api_key has no value."),
        ({"litellm_params": {**API, "api_base": None}}, "litellm_params: api_base has no value."),
        ({"litellm_params": {**API, "api_key": "sk****56"}}, "litellm_params: api_key is a mask"),
        ({"litellm_params": {**API, "headers": {"Authorization": "Be****56"}}}, "litellm_params: headers is a mask"),
        ({"litellm_params": {**API, "api_key": "********"}}, "litellm_params: contains ********"),
        ({"litellm_params": API, "guardrail_info": {"litemaas_virtual_keys": 1}}, "is reserved for this collection."),
        ({"unset": ["api_base"]}, "unset: api_base is not an entry that can be removed"),
        ({"unset": ["litellm_params.mode"]}, "unset: litellm_params.mode is not an entry that can be removed"),
        ({"litellm_params": API, "unset": ["litellm_params.api_base"]}, "cannot be both set and listed in unset."),
        ({"guardrail_name": " "}, "guardrail_name is required and must not be blank."),
    ],
)
def test_wrong_input_writes_nothing(sandbox, guardrail, options: dict[str, Any], sentence: str) -> None:
    refused(guardrail, sandbox, sentence, **options)


def test_a_wrong_configuration_stores_nothing(sandbox, guardrail, name) -> None:
    assert "Unsupported guardrail" in guardrail(litellm_params={"guardrail": "no-such", "mode": "pre_call"}).msg
    assert sandbox.rows(f"SELECT 1 FROM {TABLE} WHERE guardrail_name = %s", name) == []


def test_the_last_of_many_is_found(sandbox, run_module, guardrail, name) -> None:
    many = 120
    sandbox.execute(
        f"INSERT INTO {TABLE} (guardrail_id, guardrail_name, litellm_params, guardrail_info, updated_at) "
        "SELECT %s || i, %s || i, %s, '{}', now() - i * interval '1 second' FROM generate_series(1, "
        + str(many)
        + ") AS i",
        name,
        name,
        json.dumps(FILTER),
    )
    try:
        found = [one["guardrail_name"] for one in run_module("litellm_guardrail_info").guardrails]
        assert sorted(one for one in found if one.startswith(name)) == sorted(f"{name}{n}" for n in range(1, many + 1))
        for number in (1, many):
            done = run_module("litellm_guardrail", guardrail_name=f"{name}{number}", litellm_params=FILTER)
            assert (done.failed, done.changed) == (False, False)
    finally:
        sandbox.execute(f"DELETE FROM {TABLE} WHERE starts_with(guardrail_name, %s)", name)


def test_one_of_the_configuration_file_is_not_ours(sandbox, run_module) -> None:
    """LiteLLM creates a second one with its name, and lists both."""
    run = partial(run_module, "litellm_guardrail", guardrail_name="of-the-file")
    assert run(litellm_params=FILTER).changed is False
    for options in ({"litellm_params": {"default_on": True}}, {"state": "absent"}):
        refused(run, sandbox, "it is defined in the configuration file of the proxy. Change it there.", **options)
    (read,) = run_module("litellm_guardrail_info", guardrail_name="of-the-file").guardrails
    assert read["guardrail_definition_location"] == "config"
    theirs = {"guardrail_name": "of-the-file", "litellm_params": FILTER}
    sandbox.call("POST", "/guardrails", {"guardrail": theirs}).raise_for_status()
    path = f"/guardrails/{stored(sandbox, 'of-the-file')['guardrail_id']}"
    try:
        (both,) = run_module("litellm_guardrail_info", guardrail_name="of-the-file").guardrails
        assert both["guardrail_definition_location"] == "db"
        as_declared(run, sandbox, 1, litellm_params={"violation_message_template": "No."})
    finally:
        sandbox.call("DELETE", path).raise_for_status()
