# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role's variables hold: numbers, flags, lists and mappings, also as text. Pure.

Private: only for use inside this collection.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any

from ansible.module_utils.parsing.convert_bool import boolean
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._values import HALF_A_CHARACTER

# How a survey, or a template, writes a variable that was left out.
NOTHING = ("", "null", "none", "None")
SEPARATORS = "[,\n]"


class VariableError(ValueError):
    """The variables are invalid or contradictory; the text is a sentence for the user."""


def refuse_broken_text(name: str, value: Any) -> None:
    """Refuse text that cannot be sent: half of a surrogate pair, as a damaged JSON escape leaves it."""
    if isinstance(value, Mapping):
        for key, part in value.items():
            refuse_broken_text(name, key)
            refuse_broken_text(name, part)
    elif isinstance(value, (list, tuple)):
        for part in value:
            refuse_broken_text(name, part)
    elif isinstance(value, str) and HALF_A_CHARACTER.search(value):
        raise VariableError(f"{name} has a character that is not valid Unicode (a lone surrogate).")


def structure(name: str, value: Any, kind: type[Any], separators: str = SEPARATORS) -> Any:
    """A list or mapping, also from JSON text; a list also from names with commas or line breaks between."""
    if value is None or (isinstance(value, str) and value.strip() in NOTHING):
        return kind()
    if isinstance(value, str):
        text = value.strip()
        if text[:1] in "[{":
            try:
                value = json.loads(text)
            except ValueError as error:
                raise VariableError(f"{name}: invalid JSON: {error}.") from error
            refuse_broken_text(name, value)
        elif kind is list:
            value = [part.strip() for part in re.split(separators, text) if part.strip()]
    if kind is dict and isinstance(value, Mapping):
        return dict(value)
    if kind is list and isinstance(value, (list, tuple)):
        return list(value)
    raise VariableError(f"{name} must be a {'list' if kind is list else 'mapping'}.")


def whole(name: str, value: Any, least: int | None = None) -> int:
    try:
        number = int(str(value).strip())
    except ValueError:
        raise VariableError(f"{name} must be a whole number, not '{value}'.") from None
    if least is not None and number < least:
        raise VariableError(f"{name} must be at least {least}, not {number}.")
    return number


def amount(name: str, value: Any) -> float:
    try:
        number = math.nan if isinstance(value, bool) else float(str(value).strip())
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise VariableError(f"{name} must be a number such as 10 or 2.5, not '{value}'.")
    if number < 0:
        raise VariableError(f"{name} must not be negative.")
    return number


def flag(name: str, value: Any) -> bool:
    try:
        return bool(boolean(value.strip() if isinstance(value, str) else value))
    except TypeError:
        raise VariableError(f"{name} must be true or false, not '{value}'.") from None


def shown(text: str) -> str:
    """Text that strangers chose, as a sentence may show it."""
    return text if text.isprintable() else ascii(text)


def nearest(name: str, known: Iterable[str], likeness: float = 0.6) -> str | None:
    """What an unknown name was probably meant to be, None if it is like no other."""
    return next(iter(get_close_matches(name, list(known), n=1, cutoff=likeness)), None)


def did_you_mean(meant: str | None) -> str:
    """The end of a sentence about an unknown name."""
    return f". Did you mean '{meant}'?" if meant else "."
