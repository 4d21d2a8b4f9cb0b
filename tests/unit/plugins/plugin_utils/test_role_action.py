# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action of a role's main task: where its options come from, and how it carries out modules."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.errors import AnsibleError, AnsibleFileNotFound
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.vault import VaultLib, VaultSecret
from ansible_collections.litemaas.virtual_keys.plugins.module_utils import _module
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._calls import (
    CONNECTION,
    CallError,
    answer,
    connection,
    environment,
)
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._registrations import RegistrationError
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
        call = self.caller(task_vars, variables.option_names())
        keys = [{"key_alias": user} for user in variables["users"]]
        return answer(call("litellm_keys", **connection(variables), virtual_keys=keys))


@pytest.fixture
def act(monkeypatch: pytest.MonkeyPatch) -> Any:
    """``act(args, task_vars)`` is what the action returns."""
    for name in ("LITELLM_PROXY_URL", "LITELLM_API_URL", "LITELLM_PROXY_API_KEY", "LITELLM_MASTER_KEY"):
        monkeypatch.delenv(name, raising=False)

    def act(args: dict[str, Any], task_vars: dict[str, Any] | None = None, template: Any = _template) -> dict[str, Any]:
        task = SimpleNamespace(
            action="a", args=args, check_mode=False, diff=False, async_val=0, environment=[], delegate_to=None
        )
        here = SimpleNamespace(transport="local", become=None, _shell=SimpleNamespace(tmpdir=""))
        templar = SimpleNamespace(template=template)
        action = Action(task, here, None, None, templar, None)
        monkeypatch.setattr(action, "_execute_module", _process(calls), raising=False)
        return action.run(None, task_vars or {})

    calls: list[tuple[str, dict[str, Any]]] = []
    act.calls = calls
    return act


def _template(text: Any) -> Any:
    return 7 if text == "{{ budget }}" else text


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
        (
            {"variables": "v_"},
            {"v_users": {False: 1}},
            "v_users: the name false is not text in YAML. Put it in quotes.",
        ),
        ({"variables": "v_"}, {"v_users": {15: 1}}, "v_users: the name 15 is not text in YAML."),
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
    assert options[_module.CALLED]["validate_certs"] == "verify_ssl"


def test_the_message_of_a_module_names_the_variable(act):
    play = {"v_users": ["ann"], "v_api_url": "ftp://x", "v_master_key": "sk-1"}
    assert act({"variables": "v_"}, play)["msg"].startswith("v_api_url must be a URL such as")
    assert act({"users": ["ann"], "api_url": "ftp://x", "api_key": "sk-1"})["msg"].startswith("api_url must be a URL")


def test_a_module_that_failed_fails_the_action_with_its_message():
    with pytest.raises(CallError, match=r"^no such key$"):
        answer({"failed": True, "msg": "no such key"})


class Reading(Action):
    """Returns what is in a file."""

    TABLE = (Variable("alias"),)

    def carry_out(self, variables: Variables, task_vars: dict[str, Any]) -> dict[str, Any]:
        try:
            return {"read": self.read_file(variables["alias"])}
        except RegistrationError as error:
            return {"failed": True, "msg": str(error)}


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> Any:
    """``read(path)`` is what an action returns that reads a file, as tasks of a role in that folder find it."""

    def read(path: str, folder: Path, password: str = "") -> dict[str, Any]:
        task = SimpleNamespace(args={"alias": path}, async_val=0, check_mode=False)
        loader = DataLoader()
        loader.set_vault_secrets([("default", VaultSecret(password.encode()))] if password else [])
        action = Reading(task, SimpleNamespace(_shell=SimpleNamespace(tmpdir="")), None, loader, None, None)

        def find(_kind: str, name: str) -> str:
            if not (folder / name).exists():
                raise AnsibleFileNotFound(file_name=name)
            return str(folder / name)

        monkeypatch.setattr(action, "_find_needle", find, raising=False)
        return action.run(None, {})

    return read


def test_a_file_is_found_as_the_tasks_of_a_role_find_it_or_where_ansible_runs(read, tmp_path, monkeypatch) -> None:
    (tmp_path / "role").mkdir()
    (tmp_path / "role" / "a.csv").write_bytes(b"of the role")
    (tmp_path / "b.csv").write_bytes(b"of the play")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert read("a.csv", tmp_path / "role") == {"read": b"of the role"}
    assert read("b.csv", tmp_path / "role") == read("~/b.csv", tmp_path / "role") == {"read": b"of the play"}
    missing = read("c.csv", tmp_path / "role")
    assert missing == {"failed": True, "msg": "the file does not exist on the control node."}


def test_an_encrypted_file_needs_its_password(read, tmp_path) -> None:
    secret = VaultSecret(b"right")
    (tmp_path / "a.csv").write_bytes(VaultLib([("default", secret)]).encrypt(b"people", secret=secret))
    assert read("a.csv", tmp_path, "right") == {"read": b"people"}
    for password in ("", "wrong"):
        result = read("a.csv", tmp_path, password)
        assert result["failed"] and "cannot be read or decrypted. Check its permissions" in result["msg"]
    (tmp_path / "folder").mkdir()
    assert "cannot be read" in read("folder", tmp_path)["msg"]


def test_what_the_operating_system_refuses_is_a_sentence(act, monkeypatch) -> None:
    def refuse(*_: Any) -> Any:
        raise PermissionError(13, "Permission denied", "/out")

    monkeypatch.setattr(Action, "carry_out", refuse)
    assert act({"alias": "w"}) == {"failed": True, "msg": "/out: Permission denied."}


def test_a_variable_that_cannot_be_templated_is_named(act) -> None:
    def refuse(*_: Any) -> Any:
        raise AnsibleError("'nobody' is undefined")

    result = act({"variables": "v_"}, {"v_alias": "{{ nobody }}"}, template=refuse)
    assert result == {"failed": True, "msg": "v_alias: 'nobody' is undefined"}
