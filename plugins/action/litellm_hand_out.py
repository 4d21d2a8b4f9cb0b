# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes virtual keys for the people who get them, on the control node.

An action and no module: templates are rendered here, and one pass over all people takes a second where a task for each
file would take a minute.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._hand_out._task import hand_out
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._hand_out._variables import VARIABLES
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._role_action import RoleAction
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._templates import Templates
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._variables import Variable, Variables
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._workshop._variables import NAMES


class ActionModule(RoleAction):
    """The action of the tasks that name the module, and of the role hand_out_keys."""

    TABLE = (*VARIABLES, Variable("alias"), Variable("result", "dict", no_log=True))
    OF_OTHER_ROLES = NAMES

    def carry_out(self, variables: Variables, task_vars: dict[str, Any]) -> dict[str, Any]:
        render = Templates(self._templar, self._find_needle, task_vars)
        done = asdict(hand_out(variables["result"] or {}, variables, render, bool(self._task.check_mode)))
        return {"messages": done.pop("said"), **done, "diff": {"prepared": done["diff"]}}
