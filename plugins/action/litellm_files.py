# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes files on the control node. A module for each of them would take longer than all that a role does."""

from __future__ import annotations

import json
import secrets
import stat
from pathlib import Path
from typing import Any

from ansible.module_utils.common.text.converters import jsonify
from ansible.plugins.action import ActionBase
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._errors import InputError
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._private_folder import make_folder, refuse_a_file
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._whole_file import write_whole

ARGUMENTS: dict[str, Any] = {
    "path": {"type": "str", "required": True},
    "files": {"type": "dict", "default": {}},
}


class ActionModule(ActionBase):
    """The action of the tasks that name the module."""

    _supports_check_mode = True
    _supports_diff = True
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        _validated, validated = self.validate_argument_spec(ARGUMENTS)
        given = json.loads(jsonify(validated))  # plain data
        folder = Path(given["path"]).expanduser()
        try:
            changes = self._write(folder, {name: _bytes(content) for name, content in given["files"].items()})
        except InputError as error:
            return {"failed": True, "msg": str(error)}
        except OSError as error:
            return {
                "failed": True,
                "msg": f"{error.filename or folder}: {error.strerror}. Existing files are complete.",
            }
        return {
            "changed": bool(changes),
            "files": [{"path": path, "action": action} for path, action in changes.items()],
            "diff": {"prepared": "".join(f"{action} {path}\n" for path, action in changes.items())},
        }

    def _write(self, folder: Path, files: dict[str, bytes]) -> dict[str, str]:
        """What was done with which path, in check mode what would be."""
        check = bool(self._task.check_mode)
        changes = {}
        refuse_a_file(folder)
        if not folder.is_dir():
            changes[str(folder)] = "create"
            if not check:
                make_folder(folder)
        for name, content in files.items():
            target = folder / name
            if action := _change(target, content):
                changes[str(target)] = action
                if not check:
                    write_whole(str(target), f"{target}.{secrets.token_hex(8)}", content, lasting=False)
        return changes


def _change(target: Path, content: bytes) -> str:
    """What is to be done, if anything."""
    try:
        is_open = stat.S_IMODE(target.stat().st_mode) & 0o077
        return "update" if is_open or target.read_bytes() != content else ""
    except FileNotFoundError:
        return "create"


def _bytes(content: Any) -> bytes:
    if not isinstance(content, str):
        content = json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    return content.encode()
