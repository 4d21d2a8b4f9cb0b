# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Words for people: text that strangers chose, on one line; the first of many names; options of modules. Pure.

Private: only for use inside this collection.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

MAX_NAMED = 10
# An option of a module in a sentence, as in the documentation of Ansible, or an entry of one: O(litellm_params.model).
OPTION = re.compile(r"\bO\((?P<name>[a-z0-9_]+)(?P<entry>(?:\.[^()]*)?)\)")
NOT_PRINTED = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def printable(text: str) -> str:
    """Return text with a question mark for each character that a terminal may not show as what it is."""
    return "".join(char if char.isprintable() else "?" for char in text)


def one_line(text: Any) -> str:
    """Return text without control characters and without halves of characters, which no file can hold."""
    whole = str(text).encode("utf-8", "replace").decode()
    return " ".join("".join(char if unicodedata.category(char) != "Cc" else " " for char in whole).split())


def join_limited(parts: Sequence[str], separator: str = ", ") -> str:
    """Return the first of many parts of a sentence, and how many more there are.

    A single further one is named as well.
    """
    if len(parts) <= MAX_NAMED + 1:
        return separator.join(parts)
    return f"{separator.join(parts[:MAX_NAMED])} and {len(parts) - MAX_NAMED} more"


def mark_options(names: Iterable[str]) -> str:
    """Return the names of options as a sentence lists them: ``O(models), O(team_id)``."""
    return ", ".join(f"O({name})" for name in names)


def render(text: str, called: Mapping[str, str]) -> str:
    """Return a sentence with the names of the options that it marks, such as ``O(api_url)``.

    :param called: what the user calls an option, where that is another name.
    """
    return OPTION.sub(lambda option: called.get(option["name"], option["name"]) + option["entry"], text)


def plural(thing: str) -> str:
    """Return what a sentence calls many of a thing."""
    return f"{thing[:-1]}ies" if re.search("[^aeiou]y$", thing) else f"{thing}s"


def check_name(value: str) -> str | None:
    """Return what is wrong with a name that has to stand in one line of text and in an address, or None."""
    if not value.strip():
        return "must not be blank."
    if NOT_PRINTED.search(value):
        return "must not contain control characters or line separators."
    return None
