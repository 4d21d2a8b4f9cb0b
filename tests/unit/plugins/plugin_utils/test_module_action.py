# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action of all modules: what a module does, in this process, and the module where a process is needed."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from ansible.module_utils import basic
from ansible.plugins.action.normal import ActionModule as ModuleAction
from ansible_collections.litemaas.virtual_keys.plugins.module_utils import _module
from ansible_collections.litemaas.virtual_keys.plugins.modules import litellm_key, litellm_keys, litellm_model
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils import _module_action as action
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._shared_set import SharedSet
from ansible_collections.litemaas.virtual_keys.tests.unit.fake_litellm import FakeLiteLLM
from pytest_httpserver import HTTPServer

URL = "https://litellm.example.com"
MASTER_KEY = "sk-unit-master-key-0123456789"
SEED = "a seed for tests only, of 32 characters and more"
Run = Callable[..., dict[str, Any]]
Stage = Callable[[], FakeLiteLLM]


@pytest.fixture(autouse=True)
def _new_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Begin without the connections of another test, as each task does."""
    monkeypatch.setattr(action.ActionModule, "connections", {})


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Stage:
    """``stage()`` puts a new proxy in the client's place, with one key that has expired."""

    def stage() -> FakeLiteLLM:
        proxy = FakeLiteLLM()
        proxy.add("old", "sk-a-value-of-long-ago", expires="2029-01-01T00:00:00Z")
        monkeypatch.setattr(_module, "Client", lambda *_settings, **_more: proxy)
        return proxy

    return stage


@pytest.fixture
def act() -> Run:
    """``act(check=False, **options)`` is what the action returns."""

    def act(check: bool = False, **options: Any) -> dict[str, Any]:
        args = {"api_url": URL, "api_key": MASTER_KEY, "retries": 0, **options}
        result = action_of(args, check_mode=check).run(task_vars={})
        assert MASTER_KEY not in str(result)
        return result

    return act


def action_of(args: dict[str, Any], transport: str = "local", become: Any = None, **task: Any) -> action.ActionModule:
    given = {
        "action": "litemaas.virtual_keys.litellm_keys",
        "resolved_action": "litemaas.virtual_keys.litellm_keys",
        "args": args,
        "check_mode": False,
        "diff": True,
        "async_val": 0,
        "environment": [],
        "delegate_to": None,
        **task,
    }
    connection = SimpleNamespace(transport=transport, become=become)
    templar = SimpleNamespace(template=lambda text: text.replace("{{ ansible_playbook_python }}", sys.executable))
    return action.ActionModule(SimpleNamespace(**given), connection, None, None, templar, None)


def keys(*aliases: str, **options: Any) -> list[dict[str, Any]]:
    return [{"key_alias": alias, **options} for alias in aliases]


@pytest.mark.parametrize("check", [False, True])
@pytest.mark.parametrize(
    "options",
    [
        {"virtual_keys": keys("u1", "u2", max_budget="5"), "defaults": {"key_seed": SEED}},
        {"virtual_keys": keys("u1", "u2", key_seed=SEED), "prune_metadata": {}},
        {"virtual_keys": keys("old", "u1"), "state": "absent"},
        {"virtual_keys": keys("old", key="sk-a-value-of-the-users-own", value_policy="reissue")},
        {"virtual_keys": keys("old", "old")},
        {"virtual_keys": keys("u1", max_budget=-1)},
        {"virtual_keys": keys("u1", max_budget="much")},
        {"virtual_keys": keys("u1", models=["no-model"]), "validate_models": "yes"},
        {"virtual_keys": keys("old"), "concurrency": 0},
        {"virtual_keys": keys("old"), "progress_every": 0},
        {"virtual_keys": keys("old")},
        {"virtual_keys": [], "timeout": "soon"},
        {},
    ],
)
def test_it_returns_what_the_module_returns(
    stage: Stage, run: Run, act: Run, options: dict[str, Any], check: bool
) -> None:
    proxy = stage()
    result = act(check, **options)
    other_proxy = stage()
    expected = run(litellm_keys, URL, check, **options)
    # Ansible fills these in for both.
    for one in (result, expected):
        one.pop("invocation", None)
        one.pop("exception", None)
    warnings, expected_warnings = result.pop("warnings", []), expected.pop("warnings", [])
    assert result == expected
    # A module's warnings stay with the process, those of other tests included.
    # Before ansible-core 2.19, they are text.
    assert set(warnings) <= {one if isinstance(one, str) else one["event"]["msg"] for one in expected_warnings}
    assert proxy.aliases() == other_proxy.aliases()
    assert bool(proxy.writes) == bool(other_proxy.writes)


def test_it_warns(stage: Stage, act: Run) -> None:
    stage()
    assert "The key old expired" in act(virtual_keys=keys("old"))["warnings"][0]


def test_an_unknown_option_is_named(act: Run) -> None:
    result = act(virtual_keys=keys("u1", max_budgt=5))
    assert result["failed"]
    beginning = "Unsupported parameters for (litemaas.virtual_keys.litellm_keys) module: virtual_keys.max_budgt."
    assert result["msg"].startswith(beginning)


def test_a_time_of_yaml_is_taken(stage: Stage, act: Run) -> None:
    proxy = stage()
    assert act(virtual_keys=keys("u1", expires_at=datetime(2040, 1, 1, tzinfo=UTC)))["changed"]
    assert proxy.only("u1")["expires"].startswith("2040-01-01")


def test_a_declared_value_is_starred(stage: Stage, act: Run) -> None:
    stage()
    result = act(virtual_keys=keys("u1", key="sk-a-value-of-the-users-own"))
    assert result["changed"] is True
    assert "sk-a-value-of-the-users-own" not in str(result)


def test_progress_is_told_where_it_spoils_no_output(stage: Stage, act: Run, capsys: pytest.CaptureFixture[str]) -> None:
    stage()
    act(virtual_keys=keys("u1", "u2", "u3", "u4", "u5"), progress_every=2, concurrency=1)
    assert capsys.readouterr() == ("", "2 of 5 keys written\n4 of 5 keys written\n")
    act(virtual_keys=keys("u1", "u2", "u3", "u4", "u5"), progress_every=2, state="absent")
    assert capsys.readouterr() == ("", "")  # all in one request


@pytest.mark.parametrize(
    ("how", "task_vars"),
    [
        (
            {"delegate_to": "other"},
            {"ansible_delegated_vars": {"other": {"ansible_python_interpreter": "/usr/bin/py"}}},
        ),
        ({"transport": "ssh"}, {}),
        ({"become": object()}, {}),
        ({"async_val": 60}, {}),
        ({"environment": [{"HTTPS_PROXY": "http://proxy.example.com"}]}, {}),
        ({}, {"ansible_python_interpreter": "/usr/libexec/platform-python"}),
    ],
)
def test_a_module_runs_where_a_process_is_needed(
    monkeypatch: pytest.MonkeyPatch, how: dict[str, Any], task_vars: dict[str, Any]
) -> None:
    calls = []
    monkeypatch.setattr(
        ModuleAction, "run", lambda self, tmp, task_vars: calls.append(task_vars) or {"from": "the module"}
    )
    assert action_of({}, **how).run(None, task_vars) == {"from": "the module"}
    assert calls == [task_vars]


def test_a_module_runs_where_this_python_lacks_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ModuleAction, "run", lambda self, tmp, task_vars: {"from": "the module"})
    monkeypatch.setattr(action, "REQUESTS_IMPORT_ERROR", "No module named 'requests'")
    assert action_of({}).run(None, {}) == {"from": "the module"}


@pytest.mark.parametrize("interpreter", [sys.executable, "{{ ansible_playbook_python }}"])
def test_the_interpreter_of_ansible_itself_needs_no_other_process(stage: Stage, interpreter: str) -> None:
    stage()
    args = {"api_url": URL, "api_key": MASTER_KEY, "virtual_keys": keys("u1"), "progress_every": 1}
    task_vars = {"ansible_python_interpreter": interpreter}
    assert action_of(args, environment=[{}]).run(None, task_vars)["changed"]


def test_the_interpreter_of_the_host_is_not_that_of_the_one_it_is_delegated_to(stage: Stage) -> None:
    stage()
    args = {"api_url": URL, "api_key": MASTER_KEY, "virtual_keys": keys("u1")}
    task_vars = {
        "ansible_python_interpreter": "/usr/libexec/platform-python",
        "ansible_delegated_vars": {"localhost": {"ansible_python_interpreter": sys.executable}},
    }
    assert action_of(args, delegate_to="localhost").run(None, task_vars)["changed"]


@pytest.mark.parametrize("name", ["litellm_key", "litemaas.virtual_keys.litellm_key"])
def test_it_finds_the_module_of_the_task(stage: Stage, name: str) -> None:
    proxy = stage()
    args = {"api_url": URL, "api_key": MASTER_KEY, "key_alias": "u1"}
    result = action_of(args, action=name, resolved_action=None).run(None, {})
    assert result["changed"] and result["virtual_key"]["key_id"] == proxy.only("u1")["token"]


class Broken:
    """A proxy's client with a bug."""

    def __init__(self, *settings: Any, **options: Any) -> None:
        pass

    def __getattr__(self, name: str) -> Any:
        raise TypeError(f"a bug, which shows {MASTER_KEY}")


@pytest.mark.parametrize("module", [litellm_keys, litellm_key])
def test_a_bug_keeps_its_traceback(
    monkeypatch: pytest.MonkeyPatch, act: Run, run: Run, module: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(_module, "Client", Broken)
    with suppress(ImportError):  # before ansible-core 2.19, the traceback is always in the result
        monkeypatch.setattr("ansible.module_utils._internal._traceback.is_traceback_enabled", lambda _event: True)
    options = {"virtual_keys": keys("u1")} if module is litellm_keys else {"key_alias": "u1"}
    args = {"api_url": URL, "api_key": MASTER_KEY, **options}
    name = module.__name__.rpartition(".")[2]
    for result in (action_of(args, resolved_action=name).run(None, {}), run(module, URL, **options)):
        assert result["failed"] and "bug in litemaas.virtual_keys" in result["msg"] and "TypeError" in result["msg"]
        assert "_reading.py" in str(result["exception"])
        assert MASTER_KEY not in str(result)


ODD = [
    "back\\slash seed of 32 characters and more",
    "both ' and \" in a seed of 32 characters",
    "tab\tin a seed of 32 characters \n",
]


def hear_the_log(monkeypatch: pytest.MonkeyPatch, journal: bool) -> list[str]:
    """What modules log from now on."""
    logged: list[str] = []
    monkeypatch.setattr(basic, "has_journal", journal)
    fake = SimpleNamespace(send=lambda **fields: logged.append(str(list(fields.values()))))
    monkeypatch.setattr(basic, "journal", fake, raising=False)
    monkeypatch.setattr(basic.syslog, "syslog", lambda _level, text: logged.append(text))
    return logged


@pytest.mark.parametrize("seed", ODD)
@pytest.mark.parametrize("journal", [True, False])
def test_the_log_has_no_secret(
    monkeypatch: pytest.MonkeyPatch, stage: Stage, run: Run, seed: str, journal: bool
) -> None:
    stage()
    logged = hear_the_log(monkeypatch, journal)
    logging = [{"callback_name": "langfuse", "callback_vars": {"key": "lf-secret-of-a-callback", "rate": "0.125"}}]
    options = {
        "virtual_keys": [{"key_alias": "u1", "key_seed": seed, "metadata": {"logging": logging}}],
        "defaults": {"key_seed": seed, "metadata": {"logging": logging}},
    }
    run(litellm_keys, URL, **options)
    (text,) = logged
    assert "u1" in text and URL in text and "langfuse" in text
    assert not [part for part in (seed, repr(seed)[1:-1], seed[-20:], "lf-secret", "0.125") if part in text]


@pytest.mark.parametrize("secret", ODD)
@pytest.mark.parametrize("journal", [True, False])
def test_the_log_has_no_secret_of_a_model(
    monkeypatch: pytest.MonkeyPatch, run: Run, secret: str, journal: bool
) -> None:
    logged = hear_the_log(monkeypatch, journal)
    params = {"model": "openai/gpt-4o", "api_key": secret, "short_token": "0.125", "extra_headers": {"X-Key": secret}}
    result = run(litellm_model, "http://127.0.0.1:9", model_id="m1", litellm_params=params, retries=0)
    assert "Cannot connect" in result["msg"]
    (text,) = logged
    assert "m1" in text and "openai/gpt-4o" in text
    for told in (text, str(result)):
        assert not [part for part in (secret, repr(secret)[1:-1], secret[-20:], "0.125") if part in told]


def test_true_is_no_number(run: Run, run_in_worker: Run) -> None:
    """Ansible makes 1 of it, which is a budget."""
    one = {"key_alias": "u1", "max_budget": True, "soft_budget": "5", "blocked": True}
    many = {"virtual_keys": [{"key_alias": "u1", "rpm_limit": False}, {"key_alias": "u2", "rpm_limit": True}]}
    windows = {"key_alias": "u1", "budget_limits": [{"max_budget": True, "budget_duration": "1d"}]}
    for way in (run, run_in_worker):
        for module, options, named in (
            (litellm_key, one, "max_budget"),
            (litellm_keys, {**many, "defaults": {"max_budget": True}}, "virtual_keys.rpm_limit, defaults.max_budget"),
            (litellm_key, windows, "budget_limits.max_budget"),
            (litellm_key, {"key_alias": "u1", "timeout": True}, "timeout"),
        ):
            result = way(module, URL, **options)
            assert result["failed"] and result["msg"] == f"{named} must be a number, not true or false."


def test_a_proxy_that_has_answered_a_worker_is_known_to_the_next_one(
    httpserver: HTTPServer, act: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ansible forks a worker for each task. Only what has answered before is waited for, as during a restart."""
    monkeypatch.setattr(action.ModuleCaller, "reached", SharedSet())
    url = httpserver.url_for("").rstrip("/")
    httpserver.expect_request(re.compile(".*")).respond_with_json({"error": {"message": "No."}}, 401)
    worker = os.fork()
    if not worker:
        with suppress(BaseException):
            act(api_url=url, virtual_keys=keys("a"))
        os._exit(0)
    os.waitpid(worker, 0)
    assert url in action.ActionModule.reached and URL not in action.ActionModule.reached
