# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shows changes as Ansible shows a diff, and warns, for a role whose other tasks must print nothing."""

from __future__ import annotations

from typing import Any

from ansible import constants as C
from ansible.plugins.action import ActionBase
from ansible.utils.color import stringc

COLORS = {"+": "COLOR_DIFF_ADD", "-": "COLOR_DIFF_REMOVE", "~": "COLOR_CHANGED"}
TEXTS = {"type": "list", "elements": "str", "default": []}
ARGUMENTS: dict[str, Any] = {"changed": {"type": "bool", "default": False}, "changes": TEXTS, "warnings": TEXTS}


class ActionModule(ActionBase):
    """The action of the tasks that name the module."""

    _supports_check_mode = True
    _supports_diff = True
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        _validated, given = self.validate_argument_spec(ARGUMENTS)
        result: dict[str, Any] = {"changed": given["changed"]}
        if given["warnings"]:
            result["warnings"] = given["warnings"]
        if self._task.diff and given["changes"]:
            result["diff"] = {"prepared": "".join(f"{_colored(line)}\n" for line in given["changes"])}
        return result


def _colored(line: str) -> str:
    color = COLORS.get(line[:1])
    return stringc(line, getattr(C, color)) if color else line
