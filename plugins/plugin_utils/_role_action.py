# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action of a role's main task. Private: only for use inside this collection.

Its options are the role's variables without their prefix. In a role, ``variables`` is the only option of the task: it
names the prefix, and every variable that has it and says something is an option.
"""

from __future__ import annotations

import json
import os
from abc import abstractmethod
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar

from ansible.errors import AnsibleError
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._errors import LiteLLMError
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._calls import environment
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._module_action import ModuleCaller, as_plain_data
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._registrations import RegistrationError
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._variables import (
    Source,
    Variable,
    VariableError,
    Variables,
    did_you_mean,
    nearest,
)

# What the roles set, and what a file with the values of keys holds.
SET_BY_ROLES = ("result", "usage", "values", "values_pending", "values_proxy", "artifact")
# How like a variable of the collection another one must be to be taken for a typo.
LIKELY = 0.75


class RoleAction(ModuleCaller):
    """The action of a role's main task.

    :cvar TABLE: its options.
    :cvar OF_OTHER_ROLES: the names of further variables with the same prefix.
    """

    TABLE: ClassVar[tuple[Variable, ...]]
    OF_OTHER_ROLES: ClassVar[tuple[str, ...]] = ()

    _supports_check_mode = True
    _supports_diff = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        variables_of_play = task_vars or {}
        try:
            return self.carry_out(self._variables(variables_of_play), variables_of_play)
        except (LiteLLMError, VariableError) as error:
            return {"failed": True, "msg": str(error)}
        except OSError as error:
            return {"failed": True, "msg": f"{error.filename}: {error.strerror}."}

    @abstractmethod
    def carry_out(self, variables: Variables, task_vars: dict[str, Any]) -> dict[str, Any]:
        """Do what the options say, and return the result of the task.

        :param task_vars: all variables of the play.
        """

    def read_file(self, path: str) -> bytes:
        """Return what is in a file of the user's, which may be encrypted.

        :param path: where it is: as the tasks of a role find a file, or in the folder in which Ansible runs.
        :raises RegistrationError: if it cannot be read.
        """
        try:
            found = self._find_needle("files", path)
        except AnsibleError:
            found = os.path.abspath(os.path.expanduser(path))
        if not os.path.exists(found):
            raise RegistrationError("the file does not exist on the control node.")
        try:
            plain = self._loader.get_real_file(found)
            data = Path(plain).read_bytes()
            self._loader.cleanup_tmp_file(plain)
        except OSError as error:
            raise RegistrationError(f"the file cannot be read: {error.strerror}.") from error
        except AnsibleError as error:
            raise RegistrationError(
                "the file cannot be read or decrypted. Check its permissions, and the vault password."
            ) from error
        return data

    def _variables(self, task_vars: Mapping[str, Any]) -> Variables:
        given = as_plain_data(self._task.args)
        prefix = given.pop("variables", None)
        sources = [environment(os.environ, self.TABLE), Source(given)]
        if prefix:
            sources.append(Source(self._of_role(prefix, task_vars), prefix))
        return Variables(self.TABLE, *sources)

    def _of_role(self, prefix: str, task_vars: Mapping[str, Any]) -> dict[str, Any]:
        """Return the variables of the play that are options."""
        options = {name for row in self.TABLE for name in (row.name, *row.aliases)}
        names = [name[len(prefix) :] for name in task_vars if name.startswith(prefix)]
        _refuse_likely_typos(prefix, names, {*options, *self.OF_OTHER_ROLES, *SET_BY_ROLES})
        return {name: self._value(prefix + name, task_vars) for name in names if name in options}

    def _value(self, name: str, task_vars: Mapping[str, Any]) -> Any:
        try:
            value = self._templar.template(task_vars[name])
        except AnsibleError as error:
            raise VariableError(f"{name}: {error}") from error
        _refuse_names_that_are_no_text(name, value)
        return as_plain_data(value)


def _refuse_names_that_are_no_text(variable: str, value: Any) -> None:
    """Refuse a mapping with a name that YAML has read as something else: ``No`` as false, ``017`` as 15."""
    for name in value if isinstance(value, Mapping) else ():
        if not isinstance(name, str):
            shown = json.dumps(name, default=str)
            raise VariableError(f"{variable}: the name {shown} is not text in YAML. Put it in quotes.")


def _refuse_likely_typos(prefix: str, names: Iterable[str], known: Iterable[str]) -> None:
    """Refuse variables that are none of the roles' but nearly so: nobody reads a typo in that of a budget.

    Others are the user's own.
    """
    known = sorted(known)
    for name in sorted(names):
        meant = None if name in known else nearest(name, known, LIKELY)
        if meant:
            raise VariableError(f"{prefix}{name} is not a variable of this collection{did_you_mean(prefix + meant)}")
