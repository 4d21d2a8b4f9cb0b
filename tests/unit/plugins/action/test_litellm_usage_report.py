# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action of the usage report: whose use is reported, and what it returns."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.errors import AnsibleFileNotFound
from ansible.parsing.dataloader import DataLoader
from ansible_collections.litemaas.virtual_keys.plugins.action import litellm_usage_report as action
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._errors import InputError
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._usage._task import Reported

DONE = Reported(True, {"title": "w"}, ["1 USD"], [{"path": "usage.csv", "action": "create"}], ["a warning"])


@pytest.fixture
def act(monkeypatch: pytest.MonkeyPatch) -> Any:
    """``act(args)`` is what the action returns; ``act.people`` are the people of the last report."""

    def report(call: Any, variables: Any, people: Any, check_mode: bool) -> Reported:
        if variables["alias"] is None:
            raise InputError("Set alias.")
        act.people, act.check_mode, act.called = people, check_mode, variables.option_names()
        return DONE

    def act(args: dict[str, Any], task_vars: dict[str, Any] | None = None, check_mode: bool = False) -> dict[str, Any]:
        task = SimpleNamespace(
            action="a", args=args, check_mode=check_mode, diff=False, async_val=0, environment=[], delegate_to=None
        )
        here = SimpleNamespace(transport="local", become=None, _shell=SimpleNamespace(tmpdir=""))
        templar = SimpleNamespace(template=lambda value: value)
        module = action.ActionModule(task, here, None, DataLoader(), templar, None)
        monkeypatch.setattr(module, "_find_needle", _find, raising=False)
        result: dict[str, Any] = module.run(None, task_vars or {})
        return result

    monkeypatch.setattr(action, "report", report)
    return act


def _find(_kind: str, path: str) -> str:
    if not Path(path).exists():
        raise AnsibleFileNotFound(file_name=path)
    return path


def test_what_was_reported_is_returned(act) -> None:
    assert act({"alias": "w"}) == {
        "changed": True,
        "usage": {"title": "w"},
        "messages": ["1 USD"],
        "files": DONE.files,
        "warnings": ["a warning"],
    }
    assert (act.people, act.check_mode) == ([], False)
    act({"alias": "w"}, check_mode=True)
    assert act.check_mode is True


def test_people_are_those_of_the_task_and_of_the_result(act) -> None:
    act({"alias": "w", "users": ["ann"], "result": {"users": [{"user": "ben"}]}})
    assert act.people == ["ann", {"user": "ben"}]
    act({"alias": "w", "result": {"alias": "w", "user_id": "cem"}})
    assert act.people == [{"alias": "w", "user_id": "cem"}]


def test_people_of_a_file_stand_before_those_of_the_result(act, tmp_path) -> None:
    file = tmp_path / "people.csv"
    file.write_bytes("email,Room\nann@example.com,A1\nbjörn@example.com,B2\n".encode("cp1252"))
    result = act({"alias": "w", "users": ["dan"], "users_file": str(file), "result": {"users": [{"user": "eve"}]}})
    assert [one if isinstance(one, str) else one["user"] for one in act.people] == [
        "dan",
        "ann@example.com",
        "björn@example.com",
        "eve",
    ]
    assert act.people[1]["room"] == "A1"
    assert result["warnings"][0].startswith(f"users_file, {file}: ") and result["warnings"][-1] == "a warning"


@pytest.mark.parametrize(
    ("content", "sentence"), [(None, "the file does not exist on the control node."), (b"", "the file is empty.")]
)
def test_a_file_that_names_nobody_is_refused(act, tmp_path, content: bytes | None, sentence: str) -> None:
    file = tmp_path / "people.csv"
    if content is not None:
        file.write_bytes(content)
    variables = {"v_alias": "w", "v_users_file": str(file)}
    result = act({"variables": "v_"}, variables)
    assert (result["failed"], result["msg"]) == (True, f"v_users_file, {file}: {sentence}")


def test_what_cannot_be_reported_fails_the_task(act) -> None:
    assert act({}) == {"failed": True, "msg": "Set alias."}


def test_modules_call_options_as_the_role_does(act) -> None:
    act({"variables": "v_"}, {"v_alias": "w"})
    assert (act.called["api_key"], act.called["timeout"]) == ("v_master_key", "v_api_timeout")
