# Copyright: litemaas.virtual_keys contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carries out litellm_keys in Ansible's own worker, where its host is this machine.

To build and start a module takes as long as to create 50 keys, and until it ends it can say nothing. The same code in
the worker begins at once, and tells how far it is. Everywhere else, and for all that needs a process of its own, the
module runs as any other.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any, NoReturn

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.common.parameters import remove_values
from ansible.module_utils.common.text.converters import jsonify
from ansible.module_utils.errors import UnsupportedError
from ansible.plugins.action.normal import ActionModule as ModuleAction
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._client import REQUESTS_IMPORT_ERROR
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._module import run_batch
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._key._store import KEY_KIND


class ActionModule(ModuleAction):
    """The action of the tasks that name the module."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        if self._needs_a_process(task_vars or {}):
            result: dict[str, Any] = super().run(tmp, task_vars)
            return result
        try:
            run_batch(KEY_KIND, self._here, self._tell)
        except _Ended as end:
            return end.result
        raise AssertionError("run_batch always ends the task")

    def _needs_a_process(self, task_vars: Mapping[str, Any]) -> bool:
        """Whether the user chose a host, a user, an interpreter or an environment that is not the worker's."""
        interpreter = task_vars.get("ansible_python_interpreter", sys.executable)
        return bool(
            self._connection.transport != "local"
            or self._connection.become
            or self._task.async_val
            or any(self._task.environment or ())
            or self._templar.template(interpreter) != sys.executable
            or REQUESTS_IMPORT_ERROR
        )

    def _here(self, argument_spec: dict[str, Any], supports_check_mode: bool) -> _Task:
        # As a module gets them: dates as text, nothing that is Ansible's own.
        given = json.loads(jsonify(self._task.args))
        return _Task(argument_spec, given, bool(self._task.check_mode), bool(self._task.diff))

    def _tell(self, done: int, total: int) -> None:
        # Not to stdout, which may be a callback's JSON.
        self._display.display(f"{done} of {total} {KEY_KIND.things} written", stderr=True)


class _Ended(Exception):
    """The task has ended; ``result`` is what it returns."""

    def __init__(self, result: dict[str, Any]) -> None:
        super().__init__()
        self.result = result


class _Task:
    """In the place of ``AnsibleModule``: the options of a task, checked as it does, and the same ways to end."""

    def __init__(self, argument_spec: dict[str, Any], given: dict[str, Any], check_mode: bool, diff: bool) -> None:
        self.check_mode = check_mode
        self._diff = diff
        self._warnings: list[str] = []
        checked = ArgumentSpecValidator(argument_spec).validate(given)
        self._secrets = checked._no_log_values
        self.params = checked.validated_parameters
        if checked.error_messages:
            unsupported = isinstance(checked.errors[0], UnsupportedError)
            self.fail_json(msg=f"{'Unsupported parameters: ' if unsupported else ''}{checked.errors[0]}")

    def warn(self, text: str) -> None:
        self._warnings.append(text)

    def exit_json(self, **result: Any) -> NoReturn:
        if self._warnings:
            result["warnings"] = self._warnings
        raise _Ended(remove_values(result, self._secrets))

    def fail_json(self, msg: str, **result: Any) -> NoReturn:
        self.exit_json(failed=True, msg=msg, **result)
