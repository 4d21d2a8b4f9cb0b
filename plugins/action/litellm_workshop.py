# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys for people: what the role manage_keys does, in one task."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ansible.parsing.vault import VaultLib, VaultSecret
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._diff import prepared
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._role_action import RoleAction
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._templates import Templates
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._variables import Variable, Variables
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._workshop._places import artifact_password
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._workshop._run import run
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._workshop._steps import Surroundings
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._workshop._variables import VARIABLES, option_names


class ActionModule(RoleAction):
    """The action of the tasks that name the module, and of the role manage_keys."""

    TABLE = (*VARIABLES, Variable("show", "dict", no_log=True))

    def carry_out(self, variables: Variables, task_vars: dict[str, Any]) -> dict[str, Any]:
        if variables["show"] is not None:
            return dict(variables["show"])
        around = Surroundings(
            call=self.caller(task_vars, option_names(variables)),
            read_file=self.read_file,
            render=Templates(self._templar, self._find_needle, task_vars),
            check_mode=bool(self._task.check_mode),
        )
        done = run(variables, around)
        password = artifact_password(variables)
        if password is not None and not around.check_mode:
            done["ansible_stats"] = _stats(litellm_vkey_artifact=_encrypted(done["result"], password))
        done["shown"] = self._shown(done)
        # Ansible hides the rest of a result with no_log, and before ansible-core 2.19 its warnings as well.
        return done if self._task.no_log else {**done, **done["shown"]}

    def _shown(self, done: Mapping[str, Any]) -> dict[str, Any]:
        """Return what may be seen of what a run has done."""
        shown: dict[str, Any] = {"changed": bool(done["result"]["changed"] or done["files"])}
        if done.get("notes"):
            shown["warnings"] = list(done["notes"])
        if self._task.diff and done.get("changes"):
            shown["diff"] = prepared(done["changes"])
        return shown


def _stats(**data: str) -> dict[str, Any]:
    """Return what the task adds to the statistics of the run, as ansible.builtin.set_stats does."""
    return {"data": data, "aggregate": True, "per_host": False}


def _encrypted(result: Mapping[str, Any], password: str) -> str:
    """Return the result as ``ansible-vault view`` opens it."""
    secret = VaultSecret(password.encode())
    return VaultLib([("default", secret)]).encrypt(json.dumps(result), secret=secret).decode()
