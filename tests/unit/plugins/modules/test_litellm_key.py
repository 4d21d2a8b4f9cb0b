# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module litellm_key from its arguments to its result, against a server that allows no other request."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.module_utils import _module
from ansible_collections.litemaas.virtual_keys.plugins.modules import litellm_key
from ansible_collections.litemaas.virtual_keys.tests.unit.answers import Script, key_row, page, recorded
from pytest_httpserver import HTTPServer

Run = Callable[..., dict[str, Any]]
DECLARED = {"key_alias": "recorded", "models": ["gpt-4"], "max_budget": 5.0, "metadata": {"purpose": "recorded"}}
ROW = key_row(expires=None)


def listed(script: Script, *rows: dict[str, Any]) -> None:
    script.expect("GET", "/key/list", "list_one", page(*rows))


def in_thirty_days() -> str:
    return (datetime.now(UTC) + timedelta(days=30)).isoformat()


def nothing_there(script: Script) -> None:
    """Neither under the alias nor under its retired one; before writing, the license is asked for."""
    listed(script)
    script.expect("GET", "/health/license", "license")


def test_create(script: Script, run: Run) -> None:
    nothing_there(script)
    answer = {**recorded("generate")["body"], "expires": in_thirty_days()}
    script.expect("POST", "/key/generate", "generate", answer)
    listed(script, ROW)
    result = run(litellm_key, script.url, **DECLARED, duration="30d")
    (sent,) = script.sent
    assert (result["changed"], result["action"]) == (True, "create")
    assert result["key"] == "sk-recorded-value-0001"
    assert result["key_id"] == ROW["token"]
    assert result["virtual_key"]["max_budget"] == 5.0
    assert result["diff"]["before"] == {}
    assert result["diff"]["after"]["max_budget"] == 5.0
    assert sent.pop("key").startswith("sk-")
    assert sent == {**DECLARED, "duration": f"{30 * 86400}s"}


def test_unchanged(script: Script, run: Run) -> None:
    listed(script, ROW)
    result = run(litellm_key, script.url, **DECLARED, duration="30d", model_rpm_limit={"gpt-4": 3})
    assert (result["changed"], result["action"], result["key"]) == (False, "none", None)
    assert result["diff"]["before"] == result["diff"]["after"]
    assert script.sent == []


def test_update_sends_what_changed_and_all_of_the_metadata(script: Script, run: Run) -> None:
    listed(script, ROW)
    script.expect("GET", "/health/license", "license")
    body = {
        "key": ROW["token"],
        "max_budget": 7.5,
        "metadata": {"purpose": "recorded", "cost_centre": 7, "model_rpm_limit": {"gpt-4": 3}},
    }
    answer = {**recorded("update")["body"], "metadata": body["metadata"]}
    script.expect("POST", "/key/update", "update", answer, json=body)
    result = run(litellm_key, script.url, **{**DECLARED, "max_budget": 7.5, "metadata": {"cost_centre": 7}})
    assert (result["changed"], result["action"], result["key"]) == (True, "update", None)
    assert (result["diff"]["before"]["max_budget"], result["diff"]["after"]["max_budget"]) == (5.0, 7.5)
    assert result["virtual_key"]["max_budget"] == 7.5
    assert result["virtual_key"]["metadata"] == {"purpose": "recorded", "cost_centre": 7}


def test_absent(script: Script, run: Run) -> None:
    listed(script, ROW)  # and none waits under its retired name
    script.expect("POST", "/key/delete", "delete", json={"keys": [ROW["token"]]})
    listed(script)
    result = run(litellm_key, script.url, key_alias="recorded", state="absent")
    assert (result["changed"], result["action"], result["key"]) == (True, "delete", None)
    assert result["virtual_key"] is None
    assert result["diff"]["after"] == {}


def test_absent_again(script: Script, run: Run) -> None:
    nothing_there(script)
    result = run(litellm_key, script.url, name="recorded", state="absent")
    assert (result["changed"], result["action"]) == (False, "none")
    assert script.sent == []


def test_check_mode_writes_nothing_and_foretells_a_creation(script: Script, run: Run) -> None:
    nothing_there(script)
    result = run(litellm_key, script.url, check=True, **DECLARED)
    assert (result["changed"], result["action"], result["key"]) == (True, "create", None)
    assert result["virtual_key"]["max_budget"] == 5.0
    assert {request.method for request in script.requests} == {"GET"}


def test_check_mode_writes_nothing_and_foretells_an_update(script: Script, run: Run) -> None:
    listed(script, ROW)
    script.expect("GET", "/health/license", "license")
    result = run(litellm_key, script.url, check=True, **{**DECLARED, "max_budget": 9.0})
    assert (result["changed"], result["action"]) == (True, "update")
    assert result["virtual_key"]["max_budget"] == 9.0
    assert result["virtual_key"]["user_id"] == "recorded@example.com"
    assert result["diff"]["after"]["max_budget"] == 9.0


def test_check_mode_writes_nothing_and_foretells_a_deletion(script: Script, run: Run) -> None:
    listed(script, ROW)
    result = run(litellm_key, script.url, check=True, key_alias="recorded", state="absent")
    assert (result["changed"], result["action"], result["virtual_key"]) == (True, "delete", None)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"key_alias": None}, "key_alias or key_id is required"),
        ({"key_alias": " "}, "key_alias: must not be blank"),
        ({"max_budget": -1}, "a: max_budget: must not be negative."),
        ({"duration": "30days"}, "a: duration: '30days' is not a duration"),
        ({"expires_at": "tomorrow"}, "a: expires_at: 'tomorrow' is not a valid time"),
        ({"expires_at": "2031-01-01T00:00:00Z", "duration": "1d"}, "mutually exclusive"),
        ({"unset": ["max_budget"], "max_budget": 1}, "cannot be both set and listed in unset"),
        ({"key_seed": "short"}, "key_seed must have at least 32 characters."),
        ({"key": "no-key"}, "key must start with sk-"),
        ({"service_account_id": "s"}, "service_account_id requires team_id."),
        ({"api_url": "litellm"}, "api_url must be a URL such as"),
        ({"api_url": "https://u:p@host"}, "must not contain a user name or a password"),
        ({"api_key": "sk-ä"}, "api_key is empty or contains characters"),
        ({"timeout": 0}, "timeout must be at least 1 second."),
        ({"retries": -1}, "retries must not be negative."),
        ({"ca_path": "/nowhere.pem"}, "/nowhere.pem does not exist"),
        ({"client_key": "/etc/hosts"}, "client_key requires client_cert."),
        ({"unset": ["key_type"]}, "value of unset must be one or more of"),
        ({"state": "there"}, "value of state must be one of"),
    ],
)
def test_a_wrong_option_is_one_clear_sentence_and_no_request(
    script: Script, run: Run, options: dict[str, Any], words: str
) -> None:
    given = {"key_alias": "a", "api_url": script.url, **options}
    result = run(
        litellm_key, given.pop("api_url"), **{name: value for name, value in given.items() if value is not None}
    )
    assert result["failed"]
    assert words in result["msg"]
    assert "\n" not in result["msg"]
    assert "Traceback" not in json.dumps(result)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("unknown_key", "does not know the key in api_key"),
        ("no_admin", "does not belong to an admin"),
        ("login_page", "answered text/html instead of JSON"),
        ("overloaded", "Worker at capacity"),
    ],
)
def test_a_proxy_that_refuses_to_read_is_one_clear_sentence(script: Script, run: Run, answer: str, words: str) -> None:
    script.expect("GET", "/key/list", answer)
    result = run(litellm_key, script.url, key_alias="recorded")
    assert result["failed"]
    assert words in result["msg"]
    assert result["failure"]["path"] == "/key/list"
    assert result["failure"]["status"] == recorded(answer)["status"]


def test_a_refused_creation(script: Script, run: Run) -> None:
    nothing_there(script)
    script.expect("POST", "/key/generate", "bad_duration")
    listed(script)  # a 500 does not say that nothing was made
    result = run(litellm_key, script.url, key_alias="recorded")
    assert result["failed"]
    assert "Unsupported duration unit" in result["msg"]
    assert (result["changed"], result["key"], result["failure"]["status"]) == (False, None, 500)


def test_a_key_that_was_made_and_is_not_as_declared_is_returned_beside_the_failure(script: Script, run: Run) -> None:
    nothing_there(script)
    script.expect("POST", "/key/generate", "generate")
    script.expect("GET", "/key/info", "info", query_string={"key": ROW["token"]})
    script.expect("GET", "/health/readiness/details", "readiness_details")
    result = run(litellm_key, script.url, **{**DECLARED, "max_budget": 6.0})
    assert result["failed"]
    assert "did not store max_budget" in result["msg"]
    assert (result["changed"], result["action"], result["key"]) == (True, "create", "sk-recorded-value-0001")


def test_a_missing_requests(script: Script, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_module, "REQUESTS_IMPORT_ERROR", "ModuleNotFoundError: No module named 'requests'")
    result = run(litellm_key, script.url, key_alias="a")
    assert result["failed"]
    assert "Failed to import the required Python library (requests)" in result["msg"]


def test_the_client_can_be_imported_without_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    name = "ansible_collections.litemaas.virtual_keys.plugins.module_utils._client"
    client = importlib.import_module(name)
    monkeypatch.setitem(importlib.sys.modules, "requests", None)
    try:
        assert "requests" in importlib.reload(client).REQUESTS_IMPORT_ERROR
    finally:
        monkeypatch.undo()
        importlib.reload(client)


def test_a_key_sent_in_clear_earns_a_warning(httpserver: HTTPServer, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", httpserver.url_for(""))
    httpserver.expect_request("/key/list").respond_with_json(page(ROW))
    result = run(litellm_key, "http://litellm.example.com", **DECLARED)
    assert any("plain http" in str(warning) for warning in result["warnings"])
    httpserver.check()


def test_connection_options_come_from_the_environment(
    script: Script, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LITELLM_PROXY_URL", script.url)
    monkeypatch.setenv("LITELLM_API_URL", "http://not.this.invalid")
    monkeypatch.setenv("LITELLM_MASTER_KEY", "sk-of-the-environment-01")
    listed(script, ROW)
    assert not run(litellm_key, None, api_key=None, **DECLARED)["changed"]
    assert script.requests[0].headers["Authorization"] == "Bearer sk-of-the-environment-01"


@pytest.mark.parametrize(
    ("status", "told", "hint"),
    [
        (403, "Custom API key values are disabled", "does not allow clients to choose key values"),
        (400, "Invalid key_alias format.", "restricts the characters of key_alias"),
        (400, "max_budget is over max limit set in config", "upperbound_key_generate_params"),
        (403, "team_model_access_denied", "among the team's models"),
    ],
)
def test_what_to_do_about_a_refusal_that_only_keys_meet(
    httpserver: HTTPServer, run: Run, status: int, told: str, hint: str
) -> None:
    httpserver.expect_request("/key/list").respond_with_json({"error": {"message": told}}, status)
    assert hint in run(litellm_key, httpserver.url_for("").rstrip("/"), key_alias="a")["failure"]["hint"]
