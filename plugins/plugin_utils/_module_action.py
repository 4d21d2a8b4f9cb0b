# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action of all modules, and what carries out modules for other actions.

Private: only for use inside this collection. A module is carried out in Ansible's own worker, where the task's host is
the control node. To build and start a module takes longer than to create a key, and until it ends it can say nothing.
The same code in the worker begins at once, and reports progress. Everywhere else, and for all that needs a process of
its own, the module runs as any other.

Each module has an action of its name in ``plugins/action``, because such an action is loaded before Ansible forks its
workers: what is imported here is imported once, and not by the worker of each task.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from datetime import date
from importlib import import_module
from typing import Any, ClassVar, NoReturn

from ansible import constants as C
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator, ValidationResult
from ansible.module_utils.common.parameters import remove_values
from ansible.module_utils.errors import UnsupportedError
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.task import Task
from ansible.plugins.action import ActionBase
from ansible.plugins.action.normal import ActionModule as ModuleAction
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._client import REQUESTS_IMPORT_ERROR
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._module import CALLED, ModuleFactory
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._redaction import redact_options, secrets_of
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._calls import Call
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._shared_set import SharedSet
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._values_file import ValuesFile

COLLECTION = "litemaas.virtual_keys"
MODULES = f"ansible_collections.{COLLECTION}.plugins.modules"


class ModuleCaller(ActionBase):
    """An action that carries out modules of this collection, in the worker or as processes on the task's host."""

    # The items of a loop follow each other in one worker, which begins with none.
    connections: ClassVar[dict[Any, Any]] = {}
    # A proxy that has answered one task is waited for by the next ones, each in a worker of its own.
    reached: ClassVar[SharedSet] = SharedSet()

    @property
    def task(self) -> Task:
        """The task, as Ansible has it."""
        return self._task

    def caller(self, task_vars: dict[str, Any], called: Mapping[str, str]) -> Call:
        """Return what carries out one of our modules and returns its result, also that of a failure.

        :param called: what the user calls an option of the modules, where that is another name.
        """
        in_worker = not self._needs_a_process(task_vars)
        last_read: dict[Any, Any] = {}  # by the modules of this run

        def call(module: str, /, check_mode: bool | None = None, **options: Any) -> dict[str, Any]:
            check = bool(self._task.check_mode if check_mode is None else check_mode)
            if in_worker:
                return self._run_here(module, options, check, called, last_read)
            with _check_mode(self._task, check):
                result: dict[str, Any] = self._execute_module(
                    f"{COLLECTION}.{module}", {**options, CALLED: dict(called)}, task_vars=task_vars
                )
            return result

        return call

    def _run_here(
        self,
        module: str,
        options: Mapping[str, Any],
        check_mode: bool,
        called: Mapping[str, str] | None = None,
        last_read: dict[Any, Any] | None = None,
    ) -> dict[str, Any]:
        def start(
            argument_spec: dict[str, Any], supports_check_mode: bool, entries: Mapping[str, Any] | None = None
        ) -> InProcessModule:
            given = as_plain_data(options)
            return InProcessModule(self, argument_spec, given, check_mode, called or {}, entries, last_read)

        begin: ModuleFactory = start
        try:
            import_module(f"{MODULES}.{module}").main(begin)
        except _Ended as end:
            return end.result
        raise AssertionError("a module always ends the task")

    def _needs_a_process(self, task_vars: Mapping[str, Any]) -> bool:
        """Return whether the user chose a host, a user, an interpreter or an environment that is not the worker's."""
        return bool(
            self._connection.transport != "local"
            or self._connection.become
            or self._task.async_val
            or any(self._task.environment or ())
            or self._has_another_interpreter(task_vars)
            or REQUESTS_IMPORT_ERROR
        )

    def _has_another_interpreter(self, task_vars: Mapping[str, Any]) -> bool:
        host = self._task.delegate_to
        of_host = task_vars.get("ansible_delegated_vars", {}).get(host, {}) if host else task_vars
        chosen = self._templar.template(C.config.get_config_value("INTERPRETER_PYTHON", variables=of_host))
        return not chosen.startswith("auto") and chosen != sys.executable

    def values_file(
        self, path: str, proxy: str, vault_id: str | None, reading: bool
    ) -> AbstractContextManager[ValuesFile]:
        """Open the file that keeps the values of keys."""
        return ValuesFile.opened(path, proxy, _vault_secrets(self._loader), vault_id, reading=reading)

    def report_progress(self, text: str) -> None:
        """Say something while the task runs."""
        # Not to stdout, which may be a callback's JSON.
        self._display.display(text, stderr=True)


class ActionModule(ModuleCaller, ModuleAction):
    """The action of all modules of this collection."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        if self._needs_a_process(task_vars or {}):
            result: dict[str, Any] = super().run(tmp, task_vars)
            return result
        name = (self._task.resolved_action or self._task.action).rpartition(".")[2]
        return self._run_here(name, self._task.args, bool(self._task.check_mode))


@contextmanager
def _check_mode(task: Task, check_mode: bool) -> Iterator[None]:
    """Let the modules that are carried out meanwhile run in check mode, or not."""
    before = task.check_mode
    task.check_mode = check_mode
    try:
        yield
    finally:
        task.check_mode = before


def as_plain_data(value: Any) -> Any:
    """Return a value as a module gets it: decrypted, dates as text, nothing that is Ansible's own."""
    return json.loads(json.dumps(value, default=_plain))


def _plain(value: Any) -> Any:
    """Return what JSON does not know, such as a text from a vault, which this decrypts."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, (set, frozenset, tuple)):
        return list(value)
    return value.isoformat() if isinstance(value, date) else str(value)


class _Ended(BaseException):
    """The task has ended; ``result`` is what it returns. As the exit of a module, it is no error."""

    def __init__(self, result: dict[str, Any]) -> None:
        super().__init__()
        self.result = result


class InProcessModule:
    """In the place of ``Module``: the options of a task, checked as it does, and the same ways to end."""

    def __init__(
        self,
        action: ModuleCaller,
        argument_spec: dict[str, Any],
        given: dict[str, Any],
        check_mode: bool,
        called: Mapping[str, str],
        entries: Mapping[str, Any] | None = None,
        last_read: dict[Any, Any] | None = None,
    ) -> None:
        self.called = called
        self.check_mode = check_mode
        self.diff_mode = bool(action.task.diff)
        self._warnings: list[str] = []
        self.report_progress = action.report_progress
        self.values_file = action.values_file
        self.connections = action.connections
        self.last_read: dict[Any, Any] = {} if last_read is None else last_read
        self.reached = action.reached
        self.argument_spec = argument_spec
        self.shown_spec = {**argument_spec, **(entries or {})}
        self.given = given
        validation = ArgumentSpecValidator(argument_spec).validate(given)
        self.params = validation.validated_parameters
        self.no_log_values = secrets_of(_no_log_values(validation), self.params, self.shown_spec)
        for warning in _alias_warnings(validation):
            self.warn(warning)
        if validation.error_messages:
            unknown = isinstance(validation.errors[0], UnsupportedError)
            prefix = f"Unsupported parameters for ({action.task.action}) module: " if unknown else ""
            self.fail_json(msg=f"{prefix}{validation.errors.msg}")

    def take_entries(self, entries: Mapping[str, Any]) -> None:
        """Take the options of entries as they were checked, in which a secret may look different."""
        self.params.update(entries)
        self.no_log_values = secrets_of(self.no_log_values, self.params, self.shown_spec)

    def warn(self, text: str) -> None:
        self._warnings.append(text)

    def exit_json(self, **result: Any) -> NoReturn:
        result.setdefault("invocation", {"module_args": redact_options(self.params, self.shown_spec)})
        if self._warnings:
            result["warnings"] = self._warnings
        # A secret that reads "True" does not change these.
        plain = {name: value for name, value in result.items() if value is None or isinstance(value, bool)}
        raise _Ended({**remove_values(result, self.no_log_values), **plain})

    def fail_json(self, msg: str, **result: Any) -> NoReturn:
        self.exit_json(failed=True, msg=msg, **result)


# The validator and the loader are public, but these of their findings can be had by private names only.


def _no_log_values(validation: ValidationResult) -> set[str]:
    secrets: set[str] = validation._no_log_values
    return secrets


def _alias_warnings(validation: ValidationResult) -> list[str]:
    return [f"Both option {one['option']} and its alias {one['alias']} are set." for one in validation._warnings]


def _vault_secrets(loader: DataLoader) -> list[tuple[str, Any]]:
    return list(loader._vault.secrets or ())
