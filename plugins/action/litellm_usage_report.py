# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reports who used what."""

from __future__ import annotations

from typing import Any

from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._calls import CONNECTION
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._hand_out._variables import VARIABLES as HAND_OUT
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._names import known_names
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._registrations import RegistrationError, people
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._role_action import RoleAction
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._usage._task import report
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._usage._variables import VARIABLES
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._variables import Variable, VariableError, Variables

SHARED = ("output_dir", "output_title", "time_zone")


class ActionModule(RoleAction):
    """The action of the tasks that name the module, and of the role report_usage."""

    TABLE = (
        *CONNECTION,
        Variable("alias"),
        Variable("users", "list", default=[]),
        Variable("users_file", "path"),
        Variable("result", "dict", default={}, no_log=True),
        Variable("total_budget", "float"),
        *(row for row in HAND_OUT if row.name in SHARED),
        *VARIABLES,
    )
    OF_OTHER_ROLES = known_names()

    def carry_out(self, variables: Variables, task_vars: dict[str, Any]) -> dict[str, Any]:
        done = report(self.caller(task_vars), variables, self._people(variables), bool(self._task.check_mode))
        return {
            "changed": done.changed,
            "usage": done.usage,
            "said": done.said,
            "files": done.files,
            **({"warnings": done.warnings} if done.warnings else {}),
        }

    def _people(self, variables: Variables) -> list[Any]:
        """Return who may have the keys. Who stands first gives somebody the name."""
        result, path = variables["result"], variables["users_file"]
        try:
            registered = people(self.read_file(path)) if path else []
        except RegistrationError as error:
            raise VariableError(f"{variables.called('users_file')}, {path}: {error}") from error
        return [*variables["users"], *registered, *(result.get("users") or ([result] if result else []))]
