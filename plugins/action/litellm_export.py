# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes what the module reads on the task's host to files on the control node."""

from __future__ import annotations

from typing import Any

from ansible_collections.litemaas.virtual_keys.plugins.module_utils._errors import LiteLLMError
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._export._task import ensure_writable, result_of
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._module_action import ModuleCaller
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._our_files import OurFiles


class ActionModule(ModuleCaller):
    """The action of the tasks that name the module."""

    _supports_check_mode = True
    _supports_diff = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        path = self._task.args.get("output_dir")
        folder = OurFiles(str(path)) if path else None
        try:
            if folder:
                ensure_writable(folder)
            found = self.caller(task_vars or {}, {})("litellm_export", **self._task.args)
            if found.get("failed"):
                return found
            objects = {one["kind"]: one["objects"] for one in found.pop("kinds")}
            done = result_of(objects, folder, bool(self._task.check_mode))
        except LiteLLMError as error:
            return {"failed": True, "msg": str(error)}
        except OSError as error:
            return {"failed": True, "msg": f"{error.filename}: {error.strerror}."}
        return {**found, **done}
