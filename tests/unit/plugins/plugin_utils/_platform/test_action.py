# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action that declares a platform: what a person reads of it, and the files that say what differs."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.module_utils import _module
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._errors import ApiError
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._our_files import OurFiles
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._platform._action import ActionModule
from ansible_collections.litemaas.virtual_keys.tests.unit.fake_litellm import FakeLiteLLM

Act = Callable[..., dict[str, Any]]
CHANGED = {"keys": [{"key_alias": "a", "max_budget": 2}]}


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> FakeLiteLLM:
    """A proxy with one key, in the place of the client."""
    proxy = FakeLiteLLM()
    proxy.add("a", max_budget=1.0)
    monkeypatch.setattr(_module, "Client", lambda *_settings, **_more: proxy)
    monkeypatch.setattr(ActionModule, "connections", {})
    return proxy


@pytest.fixture
def act() -> Act:
    def act(check: bool = False, diff: bool = True, **options: Any) -> dict[str, Any]:
        name = "litemaas.virtual_keys.litellm_platform"
        task = SimpleNamespace(
            action=name,
            resolved_action=name,
            args={"api_url": "https://litellm.example.com", "api_key": "sk-unit-master-key", "retries": 0, **options},
            check_mode=check,
            diff=diff,
            async_val=0,
            environment=[],
            delegate_to=None,
        )
        templar = SimpleNamespace(template=lambda _text: "auto")
        here = SimpleNamespace(transport="local", become=None)
        result: dict[str, Any] = ActionModule(task, here, None, None, templar, None).run(task_vars={})
        return result

    return act


def files(result: dict[str, Any]) -> dict[str, str]:
    return {Path(one["path"]).name: one["action"] for one in result["files"]}


def test_the_result_says_what_differs_in_words(proxy: FakeLiteLLM, act: Act) -> None:
    result = act(True, **CHANGED)
    assert result["messages"] == ["1 changed.", "~ keys: a  max_budget 1 -> 2"]
    assert "~ keys: a  max_budget 1 -> 2" in result["diff"]["prepared"]
    assert "files" not in result
    assert act(**CHANGED)["changed"] is True
    same = act(**CHANGED)
    assert (same["messages"], same["diff"]) == (["The proxy is as declared."], {"prepared": ""})


def test_without_a_diff_there_is_none(proxy: FakeLiteLLM, act: Act) -> None:
    assert "diff" not in act(True, diff=False, **CHANGED)


def test_files_are_written_also_in_check_mode(proxy: FakeLiteLLM, act: Act, tmp_path: Path) -> None:
    result = act(True, output_dir=str(tmp_path / "drift"), **CHANGED)
    assert files(result) == {"drift.json": "create", "drift.html": "create"}
    assert json.loads((tmp_path / "drift" / "drift.json").read_text()) == result["drift"]
    assert proxy.writes == [] and "warnings" not in result
    assert act(True, output_dir=str(tmp_path / "drift"), **CHANGED)["files"] == []


def test_only_the_formats_that_are_asked_for_are_written(proxy: FakeLiteLLM, act: Act, tmp_path: Path) -> None:
    result = act(True, output_dir=str(tmp_path / "drift"), drift_formats=["json"], **CHANGED)
    assert files(result) == {"drift.json": "create"}
    assert not (tmp_path / "drift" / "drift.html").exists()


def test_a_file_of_the_user_stays_with_a_warning(proxy: FakeLiteLLM, act: Act, tmp_path: Path) -> None:
    (tmp_path / "drift.html").write_text("mine")
    result = act(True, output_dir=str(tmp_path), **CHANGED)
    assert files(result) == {"drift.json": "create"} and "drift.html" in result["warnings"][-1]
    assert (tmp_path / "drift.html").read_text() == "mine"


def test_warnings_of_the_module_stay_beside_those_of_the_files(proxy: FakeLiteLLM, act: Act, tmp_path: Path) -> None:
    proxy.add("old", expires="2029-01-01T00:00:00Z")
    (tmp_path / "drift.html").write_text("mine")
    warnings = act(output_dir=str(tmp_path), keys=[{"key_alias": "old"}])["warnings"]
    assert any("The key old expired" in one for one in warnings)
    assert "drift.html" in warnings[-1] and len(warnings) == len(set(warnings)) > 1


def test_a_folder_that_cannot_be_used_is_refused_before_the_proxy_is_asked(
    proxy: FakeLiteLLM, act: Act, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    result = act(output_dir=str(tmp_path / "file"), **CHANGED)
    assert result["failed"] and result["msg"].startswith("output_dir: ")
    assert proxy.log == []


@pytest.mark.parametrize("failing", [False, True])
def test_what_was_done_is_told_although_the_files_cannot_be_written(
    proxy: FakeLiteLLM, act: Act, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: bool
) -> None:
    def full(*_given: Any) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(OurFiles, "apply", full)
    if failing:
        proxy.fault("/key/update", raised=ApiError("The proxy says no.", 400), carried_out=False)
    result = act(output_dir=str(tmp_path), **CHANGED)
    assert result["failed"] and result["msg"].endswith("output_dir: No space left on device")
    assert ("The proxy says no." in result["msg"]) is failing
    assert (result["changed"], proxy.only("a")["max_budget"]) == ((False, 1.0) if failing else (True, 2.0))


def test_a_task_that_is_refused_writes_no_files(proxy: FakeLiteLLM, act: Act, tmp_path: Path) -> None:
    result = act(output_dir=str(tmp_path / "drift"), keys=[{"key_alias": "lost"}])
    assert result["failed"] and "messages" not in result and not (tmp_path / "drift").exists()
