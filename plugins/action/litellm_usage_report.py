# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reports who used what."""

from __future__ import annotations

from typing import Any

from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._calls import CONNECTION
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._hand_out._variables import VARIABLES as HAND_OUT
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._registrations import RegistrationError, read_table
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._role_action import RoleAction
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._usage._task import report
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._usage._variables import VARIABLES
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._variables import Variable, VariableError, Variables
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._workshop._variables import NAMES

SHARED = ("output_dir", "output_title", "time_zone")


class ActionModule(RoleAction):
    """The action of the tasks that name the module, and of the role report_usage."""

    TABLE = (
        *CONNECTION,
        Variable("alias"),
        Variable("users", "list", default=[]),
        Variable("users_file", "path"),
        Variable("users_encoding"),
        Variable("columns", "dict", default={}),
        Variable("result", "dict", default={}, no_log=True),
        Variable("total_budget", "float"),
        *(row for row in HAND_OUT if row.name in SHARED),
        *VARIABLES,
    )
    OF_OTHER_ROLES = NAMES

    def carry_out(self, variables: Variables, task_vars: dict[str, Any]) -> dict[str, Any]:
        people, warnings = self._people(variables)
        call = self.caller(task_vars, variables.option_names())
        done = report(call, variables, people, bool(self._task.check_mode))
        return {
            "changed": done.changed,
            "usage": done.usage,
            "messages": done.said,
            "files": done.files,
            "warnings": [*warnings, *done.warnings],
        }

    def _people(self, variables: Variables) -> tuple[list[Any], list[str]]:
        """Return who may have the keys, and what needs attention. Who stands first gives somebody the name."""
        result, path, called = variables["result"], variables["users_file"], variables.called
        of_result = result.get("users") or ([result] if result else [])
        if not path:
            return [*variables["users"], *of_result], []
        where = f"{called('users_file')}, {path}"
        try:
            table = read_table(
                self.read_file(path), ("user_id",), variables["columns"], variables["users_encoding"], called=called
            )
        except RegistrationError as error:
            raise VariableError(f"{where}: {error}") from error
        registered = [{**row.fields, **row.options, "user": row.user} for row in table.rows]
        return [*variables["users"], *registered, *of_result], [f"{where}: {warning}" for warning in table.warnings]
