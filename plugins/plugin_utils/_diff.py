# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines of changes as Ansible shows a diff. Private: only for use inside this collection."""

from __future__ import annotations

from collections.abc import Iterable

from ansible import constants as C
from ansible.utils.color import stringc

COLORS = {"+": "COLOR_DIFF_ADD", "-": "COLOR_DIFF_REMOVE", "~": "COLOR_CHANGED"}


def prepared(lines: Iterable[str]) -> dict[str, str]:
    """Return the diff of a result, of lines that begin with +, -, or ~."""
    return {"prepared": "".join(f"{_colored(line)}\n" for line in lines)}


def _colored(line: str) -> str:
    color = COLORS.get(line[:1])
    return stringc(line, getattr(C, color)) if color else line
