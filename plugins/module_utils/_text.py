# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Words for people: text that strangers chose, on one line; the first of many names. Pure.

Private: only for use inside this collection.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Any

MAX_NAMED = 10
NOT_PRINTED = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def printable(text: str) -> str:
    """Text with a question mark for each character that a terminal may not show as what it is."""
    return "".join(char if char.isprintable() else "?" for char in text)


def one_line(text: Any) -> str:
    """Text without control characters and without halves of characters, which no file can hold."""
    whole = str(text).encode("utf-8", "replace").decode()
    return " ".join("".join(char if unicodedata.category(char) != "Cc" else " " for char in whole).split())


def join_limited(parts: Sequence[str], separator: str = ", ") -> str:
    """Return the first of many parts of a sentence, and how many more there are.

    A single further one is named as well.
    """
    if len(parts) <= MAX_NAMED + 1:
        return separator.join(parts)
    return f"{separator.join(parts[:MAX_NAMED])} and {len(parts) - MAX_NAMED} more"


def check_name(value: str) -> str | None:
    """Return what is wrong with a name that has to stand in one line of text and in an address, or None."""
    if not value.strip():
        return "must not be blank."
    if NOT_PRINTED.search(value):
        return "must not contain control characters or line separators."
    return None
