# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action of a role's main task: where its options come from, and how it carries out modules."""

from __future__ import annotations

import os
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.module_utils import _module
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._calls import (
    CONNECTION,
    CallError,
    answer,
    connection,
    environment,
)
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._role_action import RoleAction
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._variables import Variable, Variables
from ansible_collections.litemaas.virtual_keys.tests.unit.fake_litellm import FakeLiteLLM

URL = "https://litellm.example.com"


class Action(RoleAction):
    """Returns its options, or what a module returns."""

    TABLE = (*CONNECTION, Variable("alias"), Variable("max_budget", "float"), Variable("users", "raw"))
    OF_OTHER_ROLES = ("output_dir",)

    def carry_out(self, variables: Variables, task_vars: dict[str, Any]) -> dict[str, Any]:
        if variables["users"] is None:
            return {"options": {name: variables[name] for name in variables if variables.says(name)}}
        call = self.caller(task_vars)
        keys = [{"key_alias": user} for user in variables["users"]]
        return answer(call("litellm_keys", **connection(variables), virtual_keys=keys))


@pytest.fixture
def act(monkeypatch: pytest.MonkeyPatch) -> Any:
    """``act(args, task_vars)`` is what the action returns."""
    for name in ("LITELLM_PROXY_URL", "LITELLM_API_URL", "LITELLM_PROXY_API_KEY", "LITELLM_MASTER_KEY"):
        monkeypatch.delenv(name, raising=False)

    def act(args: dict[str, Any], task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        task = SimpleNamespace(
            action="a", args=args, check_mode=False, diff=False, async_val=0, environment=[], delegate_to=None
        )
        here = SimpleNamespace(transport="local", become=None, _shell=SimpleNamespace(tmpdir=""))
        templar = SimpleNamespace(template=lambda text: text if text != "{{ budget }}" else 7)
        action = Action(task, here, None, None, templar, None)
        monkeypatch.setattr(action, "_execute_module", _process(calls), raising=False)
        return action.run(None, task_vars or {})

    calls: list[tuple[str, dict[str, Any]]] = []
    act.calls = calls
    return act


def _process(calls: list[tuple[str, dict[str, Any]]]) -> Any:
    def execute(name: str, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        calls.append((name, args))
        return {"from": "a process"}

    return execute


def test_the_options_are_those_of_the_task(act, monkeypatch):
    monkeypatch.setenv("LITELLM_API_URL", URL)
    options = act({"alias": "w", "api_key": "sk-1"})["options"]
    assert options == {"alias": "w", "master_key": "sk-1", "api_url": URL}


def test_an_action_that_asks_no_proxy_does_not_look_for_one(monkeypatch):
    monkeypatch.setenv("LITELLM_API_URL", URL)
    assert environment(os.environ, [Variable("alias")]).values == {}


def test_in_a_role_they_are_its_variables(act, monkeypatch):
    monkeypatch.setenv("LITELLM_API_URL", URL)
    play = {"litellm_vkey_alias": "w", "litellm_vkey_max_budget": "{{ budget }}", "litellm_vkey_room": "A", "other": 1}
    defaults = {"variables": "litellm_vkey_", "timeout": 5, "api_key": "sk-1"}  # of the action group
    options = act(defaults, {**play, "litellm_vkey_master_key": "sk-2", "litellm_vkey_api_timeout": None})["options"]
    assert options == {"alias": "w", "max_budget": 7.0, "master_key": "sk-2", "api_url": URL, "api_timeout": 5}


@pytest.mark.parametrize(
    ("args", "task_vars", "sentence"),
    [
        ({"max_budget": "much"}, {}, "max_budget must be a number"),
        ({"max_bugdet": 5}, {}, "max_bugdet does not exist. Did you mean 'max_budget'?"),
        ({"variables": "v_"}, {"v_max_budget": "much"}, "v_max_budget must be a number"),
        (
            {"variables": "v_"},
            {"v_max_budgett": 5},
            "v_max_budgett is not a variable of this collection. Did you mean 'v_max_budget'?",
        ),
        ({"variables": "v_"}, {"v_output_dirr": 5}, "Did you mean 'v_output_dir'?"),
        ({"users": ["ann"], "api_key": "sk-1"}, {}, "Where is the proxy? Run: export LITELLM_PROXY_URL="),
        ({"users": ["ann"], "api_url": URL}, {}, "The key of a proxy admin is missing."),
    ],
)
def test_what_is_wrong_is_one_sentence(act, args, task_vars, sentence):
    result = act(args, task_vars)
    assert result["failed"] and sentence in result["msg"]


def test_modules_are_carried_out_in_the_worker(act, monkeypatch):
    proxy = FakeLiteLLM()
    monkeypatch.setattr(_module, "Client", lambda *_settings, **_more: proxy)
    monkeypatch.setattr(Action, "connections", {})
    result = act({"users": ["ann"], "api_url": URL, "api_key": "sk-unit-master-key-0123456789"})
    assert result["summary"]["create"] == 1 and proxy.aliases() == ["ann"] and act.calls == []


def test_modules_are_carried_out_as_processes_where_these_are_needed(act):
    args = {"users": ["ann"], "api_url": URL, "api_key": "sk-1"}
    result = act(args, {"ansible_python_interpreter": "/usr/libexec/platform-python"})
    ((name, options),) = act.calls
    assert result == {"from": "a process"} and name == "litemaas.virtual_keys.litellm_keys"
    assert options["virtual_keys"] == [{"key_alias": "ann"}]


def test_a_module_that_failed_fails_the_action_with_its_message():
    with pytest.raises(CallError, match=r"^no such key$"):
        answer({"failed": True, "msg": "no such key"})
