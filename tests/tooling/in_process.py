# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The workshop in the tests' own process: the engine with its modules, without ansible-playbook."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from ansible.errors import AnsibleFileNotFound
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._errors import LiteLLMError
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._calls import Call, environment
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._module_action import ModuleCaller
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._registrations import RegistrationError
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._templates import Templates
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._variables import Source, VariableError, Variables
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._workshop._run import run
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._workshop._steps import Surroundings
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._workshop._variables import VARIABLES, option_names


class Caller(ModuleCaller):
    """Carries out modules in this process."""

    def __init__(self, check_mode: bool, told: list[str]) -> None:
        task = SimpleNamespace(
            action="litellm_workshop", check_mode=check_mode, diff=True, async_val=0, environment=[], delegate_to=None
        )
        here = SimpleNamespace(transport="local", become=None)
        loader = DataLoader()
        super().__init__(task, here, None, loader, SimpleNamespace(template=lambda _text: "auto"), None)
        self.connections: dict[Any, Any] = {}  # of this run only
        self._told = told

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        raise NotImplementedError("it is no task")

    def report_progress(self, text: str) -> None:
        self._told.append(text)


def variables_of(given: dict[str, Any]) -> Variables:
    """Return what the role's variables mean, given without their prefix."""
    return Variables(VARIABLES, environment(os.environ, VARIABLES), Source(given, "litellm_vkey_"))


def run_here(
    given: dict[str, Any], check_mode: bool = False, told: list[str] | None = None, call: Call | None = None
) -> dict[str, Any]:
    """Run a workshop and return the result of its task, as its action does.

    :param given: the role's variables, without their prefix.
    :param told: gets what is said while it runs.
    :param call: carries out the modules in another way.
    """
    caller = Caller(check_mode, told if told is not None else [])
    try:
        variables = variables_of(given)
        around = Surroundings(
            call=call or caller.caller({}, option_names(variables)),
            read_file=_read,
            render=Templates(Templar(loader=DataLoader()), _find, {}),
            check_mode=check_mode,
        )
        return run(variables, around)
    except (LiteLLMError, VariableError) as error:
        return {"failed": True, "msg": str(error)}


def _find(_kind: str, path: str) -> str:
    """The path of a file, as a task finds it."""
    if not Path(path).exists():
        raise AnsibleFileNotFound(file_name=path)
    return path


def _read(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except FileNotFoundError:
        raise RegistrationError("the file does not exist on the control node.") from None
