# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action that declares a platform: what its module does, as a person reads it. Private: only for use inside this
collection.
"""

from __future__ import annotations

from typing import Any

from ansible_collections.litemaas.virtual_keys.plugins.module_utils._errors import LiteLLMError

from .. import _module_action
from .._diff import prepared
from ._page import Page
from ._words import changes, sentences


class ActionModule(_module_action.ActionModule):
    """The action of litellm_platform."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        path = self._task.args.get("output_dir")
        try:
            page = Page(str(path)) if path else None
        except LiteLLMError as error:
            return {"failed": True, "msg": f"output_dir: {error}"}
        result = super().run(tmp, task_vars)
        if isinstance(result.get("diff"), list):
            result["diff"] = prepared(changes(result["diff"]))
        if "drift" in result:
            result["messages"] = sentences(result["drift"])
        return self._with_files(page, result) if page and "drift" in result else result

    def _with_files(self, page: Page, result: dict[str, Any]) -> dict[str, Any]:
        """Return the result with the files that were written."""
        formats = result["invocation"]["module_args"]["drift_formats"]
        try:
            files, left = page.write(result["drift"], result["messages"], formats)
        except (LiteLLMError, OSError) as error:
            problem = f"output_dir: {error}"
            return {**result, "failed": True, "msg": f"{result['msg']} {problem}" if result.get("msg") else problem}
        warnings = [*result.get("warnings", []), *left]
        return {**result, "files": files, **({"warnings": warnings} if warnings else {})}
