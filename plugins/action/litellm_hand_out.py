# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes virtual keys for those who get them, on the control node.

An action and no module: templates are rendered here, and one pass over all people takes a second where a task for each
file would take a minute.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

from ansible.errors import AnsibleFileNotFound
from ansible.module_utils.common.text.converters import jsonify
from ansible.plugins.action import ActionBase
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._errors import InputError
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._hand_out._files import Files
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._hand_out._folder import Folder
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._hand_out._formats import FORMATS
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._hand_out._people import HandOut

try:
    # Since ansible-core 2.19 nothing is a template but what is marked as one.
    from ansible.template import trust_as_template

    def as_data(value: Any) -> Any:
        return value

except ImportError:
    # Before, everything is a template but what is marked as none. The names that people chose must be.
    from ansible.utils.unsafe_proxy import wrap_var

    def as_data(value: Any) -> Any:
        return wrap_var(value)

    def trust_as_template(value: str) -> str:
        return value


TEMPLATES = ("html", "env", "mail", "kubernetes")
END = "\0"
ARGUMENTS: dict[str, Any] = {
    "result": {"type": "dict", "required": True, "no_log": True},
    "path": {"type": "str", "required": True},
    "formats": {"type": "list", "elements": "str", "choices": list(FORMATS), "default": ["csv", "html"]},
    "base_url": {"type": "str", "default": ""},
    "mail_from": {"type": "str", "default": ""},
    "mail_subject": {"type": "str", "default": "Your API key"},
    "time_zone": {"type": "str", "default": "UTC"},
    "templates": {"type": "dict", "options": {kind: {"type": "str"} for kind in TEMPLATES}, "default": {}},
}


class ActionModule(ActionBase):
    """The action of the tasks that name the module."""

    _supports_check_mode = True
    _supports_diff = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        _validated, given = self.validate_argument_spec(ARGUMENTS)
        args = json.loads(jsonify(given))  # plain data
        self._task_vars = task_vars or {}
        try:
            return self._hand_out(args)
        except InputError as error:
            return {"failed": True, "msg": str(error)}
        except OSError as error:
            return {
                "failed": True,
                "msg": f"{error.filename or args['path']}: {error.strerror}. Existing files are complete.",
            }

    def _hand_out(self, args: dict[str, Any]) -> dict[str, Any]:
        if not args["path"].strip():
            raise InputError(
                "No folder is set. Set litellm_vkey_output_dir to a folder, or set litellm_vkey_alias to use its name."
            )
        check = bool(self._task.check_mode)
        folder = Folder(args["path"])
        now = datetime.now(timezone.utc).isoformat(timespec="seconds")
        with contextlib.nullcontext() if check else folder.alone():
            stored, values = folder.read()
            after = HandOut(stored, values, args["result"], args["base_url"], now, is_planned=check)
            files = Files(folder, args, stored, after.people, self._render)
            wanted = files.wanted()
            changes = folder.changes(wanted, files.ours())
            if not check:
                folder.apply(changes, wanted)
        for warning in (*after.warnings(), *files.warnings()):
            # A task with no_log shows no warnings of its result.
            self._display.warning(warning)
        return {
            "changed": bool(changes),
            "count": len(after.people),
            "unknown": after.unknown,
            "files": [{"path": os.path.join(args["path"], name), "action": done} for name, done in changes.items()],
            "said": files.said(changes, check),
            "diff": {"prepared": "".join(f"{done} {name}\n" for name, done in changes.items())},
        }

    def _render(self, path: str, people: Sequence[Mapping[str, Any]], once: bool) -> list[str]:
        """The template for each of the people, or once for all.

        In one pass: to begin a pass takes ten times as long as to render a person.
        """
        if not people:
            return []
        try:
            found = self._find_needle("templates", path)
        except AnsibleFileNotFound:
            raise InputError(f"Cannot find the template {path}. Existing files are complete.") from None
        include = f"{{% include {json.dumps(os.path.basename(found))} %}}{END}"
        text = include if once else f"{{% for person in people %}}{include}{{% endfor %}}"
        templar = self._templar.copy_with_new_env(
            searchpath=[os.path.dirname(found)],
            available_variables={**self._task_vars, "people": as_data(list(people))},
        )
        rendered = str(templar.template(trust_as_template(text), escape_backslashes=False))
        return [f"{part.rstrip()}\n" for part in rendered.split(END)[:-1]]
