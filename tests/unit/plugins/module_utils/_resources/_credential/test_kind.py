# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many credentials in one task: that batch and edge know nothing of keys."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.module_utils import _fingerprints
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._errors import ApiError
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._module import run_batch
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._credential._kind import Credential
from ansible_collections.litemaas.virtual_keys.tests.unit.fake_credentials import FakeCredentials
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

TASK = Callable[..., dict[str, Any]]
MODULE = SimpleNamespace(main=lambda: run_batch(Credential()))
SECRETS = [f"provider-secret-{number}" for number in range(4)]


@pytest.fixture
def proxy(httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> FakeCredentials:
    """The fake in memory, behind a real socket."""
    monkeypatch.setattr(_fingerprints, "ROUNDS", 1)
    fake = FakeCredentials()

    def answer(request: Request) -> Response:
        path = urlsplit(request.environ["RAW_URI"]).path
        try:
            if request.method == "GET":
                return _json(200, fake.get(path))
            body = json.loads(request.data) if request.data else None
            return _json(200, fake.send(path, body, request.method))
        except ApiError as error:
            return _json(error.status, {"error": {"message": error.message}})

    httpserver.expect_request(re.compile("")).respond_with_handler(answer)
    return fake


def _json(status: int, body: Any) -> Response:
    return Response(json.dumps(body), status, content_type="application/json")


@pytest.fixture
def task(run: TASK, proxy: FakeCredentials, httpserver: HTTPServer) -> TASK:
    """Runs a task with many credentials, whose secrets are nowhere in its result."""

    def task(check: bool = False, **options: Any) -> dict[str, Any]:
        result = run(MODULE, httpserver.url_for("").rstrip("/"), check, **options)
        assert not [secret for secret in SECRETS if secret in str(result)]
        return result

    return task


def credentials(*numbers: int, **options: Any) -> list[dict[str, Any]]:
    return [
        {"credential_name": f"c/{number}", "credential_values": {"api_key": SECRETS[number]}, **options}
        for number in numbers
    ]


def actions(result: dict[str, Any]) -> dict[str, str]:
    return {one["credential_name"]: one["action"] for one in result["credentials"]}


def test_several_at_once(task: TASK, proxy: FakeCredentials) -> None:
    declared = {"credentials": credentials(0, 1, 2), "defaults": {"credential_info": {"owner": "us"}}}
    planned = task(check=True, **declared)
    assert (planned["summary"]["create"], planned["changed"], proxy.writes) == (3, True, [])

    made = task(**declared)
    assert actions(made) == {"c/0": "create", "c/1": "create", "c/2": "create"}
    assert "pruned" not in made or made["pruned"] == []
    assert proxy.database["c/1"]["credential_values"] == {"api_key": SECRETS[1]}
    assert {entry["credential_info"]["owner"] for entry in proxy.database.values()} == {"us"}
    assert [diff["after_header"] for diff in made["diff"]] == ["c/0", "c/1", "c/2"]

    assert task(**declared)["changed"] is False
    changed = [*credentials(0, 1), {"credential_name": "c/2", "credential_values": {"api_key": SECRETS[3]}}]
    assert actions(task(credentials=changed)) == {"c/0": "none", "c/1": "none", "c/2": "update"}
    gone = task(credentials=[{"credential_name": "c/0"}, {"credential_name": "c/9"}], state="absent")
    assert actions(gone) == {"c/0": "delete", "c/9": "none"}
    assert sorted(proxy.database) == ["c/1", "c/2"]


def test_one_that_fails_does_not_stop_the_others(task: TASK, proxy: FakeCredentials) -> None:
    post = proxy._post

    def refuse_one(name: str, body: dict[str, Any]) -> Any:
        if name == "c/1":
            raise ApiError("the provider is closed today", 400)
        return post(name, body)

    proxy._post = refuse_one  # type: ignore[method-assign]
    result = task(credentials=credentials(0, 1, 2))
    assert result["msg"].startswith("1 of 3 failed. c/1: the provider is closed today")
    assert actions(result) == {"c/0": "create", "c/1": "none", "c/2": "create"}
    assert sorted(proxy.database) == ["c/0", "c/2"]


def test_what_is_wrong_is_refused_before_the_first_write(task: TASK, proxy: FakeCredentials) -> None:
    wrong = {"credential_name": "c/9", "credential_values": {"api_key": ""}}
    assert "c/9: credential_values: api_key has no value" in task(credentials=[*credentials(0), wrong])["msg"]
    assert "c/0: declared 2 times, as items 1, 3." in task(credentials=credentials(0, 1, 0))["msg"]
    assert "c/8: it does not exist yet" in task(credentials=[*credentials(0), {"credential_name": "c/8"}])["msg"]
    assert proxy.writes == []


def test_the_defaults_of_the_task_go_before_those_of_the_option(task: TASK, proxy: FakeCredentials) -> None:
    task(credentials=credentials(0, 1))
    declared = [*credentials(0), *credentials(1, update_values="never")]
    result = task(credentials=declared, defaults={"update_values": "always"})
    assert actions(result) == {"c/0": "update", "c/1": "none"}
