# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a module's main() in this process, as Ansible would, and sees to it that no secret comes out."""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

COLLECTION = "ansible_collections.litemaas.virtual_keys.plugins"

MASTER_KEY = "sk-unit-master-key-0123456789"
Run = Callable[..., dict[str, Any]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """``run(module, url, check=False, **options)`` is the result of the task."""
    # Importable only after tests/conftest.py has done its work.
    from ansible_collections.litemaas.virtual_keys.tests.tooling.module_arguments import module_arguments

    def run(module: ModuleType, url: str, /, check: bool = False, **options: Any) -> dict[str, Any]:
        connection = {"api_url": url, "api_key": MASTER_KEY, "retries": 0}
        given = {name: value for name, value in {**connection, **options}.items() if value is not None}
        args = {**given, "_ansible_check_mode": check, "_ansible_diff": True}
        with module_arguments(args), pytest.raises(SystemExit) as ended:
            module.main()
        captured = capsys.readouterr()
        result = json.loads(captured.out)
        assert bool(result.get("failed")) == bool(ended.value.code)
        _has_no_secret({name: value for name, value in result.items() if name != "invocation"}, options)
        assert MASTER_KEY not in captured.out + captured.err
        return result

    return run


@pytest.fixture
def run_in_worker(monkeypatch: pytest.MonkeyPatch) -> Run:
    """The same in Ansible's own worker, by the action."""
    action = importlib.import_module(f"{COLLECTION}.plugin_utils._module_action").ActionModule
    monkeypatch.setattr(action, "connections", {})

    def run(module: ModuleType, url: str, /, check: bool = False, **options: Any) -> dict[str, Any]:
        name = module.__name__.rpartition(".")[2]
        connection = {"api_url": url, "api_key": MASTER_KEY, "retries": 0}
        task = SimpleNamespace(
            action=name,
            resolved_action=name,
            args={**connection, **options},
            check_mode=check,
            diff=True,
            async_val=0,
            environment=[],
            delegate_to=None,
        )
        here = SimpleNamespace(transport="local", become=None)
        templar = SimpleNamespace(template=lambda _text: "auto")
        action.connections.clear()
        result: dict[str, Any] = action(task, here, None, None, templar, None).run(task_vars={})
        _has_no_secret({name: value for name, value in result.items() if name != "invocation"}, options)
        assert MASTER_KEY not in json.dumps(result)
        return result

    return run


def _has_no_secret(result: dict[str, Any], options: dict[str, Any]) -> None:
    """A key's value may stand in ``key`` only, and no other secret anywhere."""
    for name, value in result.items():
        if name == "key":
            continue
        for part in value if isinstance(value, list) else [value]:
            if isinstance(part, dict):
                _has_no_secret(part, options)
                continue
            assert "sk-" not in re.sub(r"sk-(\.\.\.|\*{8}| )", "", str(part)), f"{name} holds {part}"
            assert not (options.get("key_seed") and options["key_seed"] in str(part))
