# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rendering templates of the user with the variables of the play. Private: only for use inside this collection."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2
from ansible.errors import AnsibleError, AnsibleFileNotFound
from ansible.template import Templar
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._errors import InputError

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


class Templates:
    """Renders templates: call it with a path, people, whether the template is for all of them, and further variables.

    :param find: returns the path of a file of a kind, such as ``templates``, as the task finds it.
    :param variables: of the play.
    """

    def __init__(self, templar: Templar, find: Callable[[str, str], str], variables: Mapping[str, Any]) -> None:
        self._templar = templar
        self._find = find
        self._variables = variables

    def __call__(
        self, path: str, people: Sequence[Mapping[str, Any]], once: bool, variables: Mapping[str, Any]
    ) -> list[str]:
        """Return the text for each of the people, or the one for all. Without people, the template is only read.

        :raises InputError: if the template cannot be found, read or rendered.
        """
        try:
            found = self._find("templates", path)
            if not os.path.isfile(found):
                raise AnsibleFileNotFound(file_name=found)
            if not people:
                _read(found)
                return []
            return self._render(found, people, once, variables)
        except AnsibleFileNotFound:
            raise InputError(f"Cannot find the template {path}.") from None
        except (AnsibleError, jinja2.TemplateError, OSError, UnicodeDecodeError) as error:
            raise InputError(f"Cannot use the template {path}: {error}") from error

    def _render(
        self, found: str, people: Sequence[Mapping[str, Any]], once: bool, variables: Mapping[str, Any]
    ) -> list[str]:
        """Render in one pass: to begin a pass takes ten times as long as to render a person."""
        end = secrets.token_hex(16)  # no text holds it, as nobody could know it
        include = f"{{% include {json.dumps(os.path.basename(found))} %}}{end}"
        text = include if once else f"{{% for person in people %}}{include}{{% endfor %}}"
        templar = self._templar.copy_with_new_env(
            searchpath=[os.path.dirname(found)],
            available_variables={**self._variables, **variables, "people": as_data(list(people))},
        )
        rendered = str(templar.template(trust_as_template(text), escape_backslashes=False))
        return [f"{part.rstrip()}\n" for part in rendered.split(end)[:-1]]


def _read(path: str) -> None:
    """Read a template as far as its syntax.

    :raises jinja2.TemplateError: if it is no template.
    """
    jinja2.Environment(extensions=["jinja2.ext.do", "jinja2.ext.loopcontrols"]).parse(  # noqa: S701
        Path(path).read_text(encoding="utf-8")
    )
