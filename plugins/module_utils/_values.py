# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plain values: what is empty, equal, storable, a moment. Private: only for use inside this collection.

Pure functions. Only here and in the rows of a table are values compared.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import date, datetime, timezone
from decimal import Decimal
from typing import Any


class _Unset:
    """The declared "no value"."""

    def __repr__(self) -> str:
        return "UNSET"


UNSET: Any = _Unset()
SECONDS_OF_TOLERANCE = 60
# To how many significant digits databases and their drivers cut a float, where they do.
DIGITS_KEPT = (15, 16)
MAX_DEPTH = 64
# An integer outside of these comes back from LiteLLM as the nearest float.
SMALLEST, LARGEST = -(2**63), 2**64 - 1
HALF_A_CHARACTER = re.compile("[\ud800-\udfff]")


def is_empty(value: Any) -> bool:
    """Return whether a value has nothing in it: null, or empty text, list or mapping. False and zero are values."""
    return value is None or value is UNSET or (isinstance(value, (str, list, tuple, dict)) and not value)


def json_equal(left: Any, right: Any) -> bool:
    """Return whether JSON values are equal, deeply and exactly: 1 is 1.0, but neither is true; nothing is rounded."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, (int, float)) and isinstance(right, (int, float)):
        return _as_written(left) == _as_written(right)
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return left.keys() == right.keys() and all(json_equal(left[name], right[name]) for name in left)
    if isinstance(left, (list, tuple)) and isinstance(right, (list, tuple)):
        return len(left) == len(right) and all(json_equal(one, other) for one, other in zip(left, right))
    return bool(left == right)


def _as_written(number: float) -> Decimal:
    """Return a number as JSON has it: the database may give 1.0000000000000002e17 back as 100000000000000020."""
    return Decimal(number) if isinstance(number, int) else Decimal(repr(number))


def strictly_equal(left: Any, right: Any) -> bool:
    """Return whether JSON values are equal without tolerance: 1 is neither 1.0 nor true, and a list has an order."""
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return left.keys() == right.keys() and all(strictly_equal(left[name], right[name]) for name in left)
    if isinstance(left, (list, tuple)) and isinstance(right, (list, tuple)):
        return len(left) == len(right) and all(strictly_equal(one, other) for one, other in zip(left, right))
    # Each only with its own kind; bool first, for Python takes it for an int.
    for kind in (bool, int, float, str):
        if isinstance(left, kind) or isinstance(right, kind):
            return isinstance(left, kind) and isinstance(right, kind) and bool(left == right)
    return left is None and right is None


def same_amount(left: Any, right: Any) -> bool:
    """Return whether a declared float equals one that the database may have cut."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    return json_equal(left, right) or any(json_equal(float(f"{left:.{digits}g}"), right) for digits in DIGITS_KEPT)


def same_members(left: Any, right: Any) -> bool:
    """Return whether two lists are equal as sets: order and repetition do not matter."""
    left, right = left or [], right or []
    return all(any(json_equal(one, other) for other in right) for one in left) and all(
        any(json_equal(one, other) for other in left) for one in right
    )


def same_moment(left: Any, right: Any) -> bool:
    """Return whether two ISO 8601 times are less than a minute apart."""
    if is_empty(left) or is_empty(right):
        return is_empty(left) and is_empty(right)
    return abs((parse_time(left) - parse_time(right)).total_seconds()) <= SECONDS_OF_TOLERANCE


def parse_time(text: Any) -> datetime:
    """Return an ISO 8601 time with zone as an aware datetime.

    :raises ValueError: if it is no such time, or has no zone.
    """
    # Python before 3.11 does not read the "Z" that LiteLLM writes.
    time = text if isinstance(text, datetime) else datetime.fromisoformat(str(text).strip().replace("Z", "+00:00"))
    if time.tzinfo is None:
        raise ValueError(f"{text} has no time zone")
    try:
        return time.astimezone(timezone.utc)
    except OverflowError as error:
        raise ValueError(f"{text} is outside the calendar") from error


def as_json(value: Any, depth: int = 0) -> Any:
    """Return a declared value as JSON gives it back: names are text, sequences are lists, dates are text.

    :raises ValueError: if LiteLLM cannot keep it as it is, with what is wrong.
    """
    if depth > MAX_DEPTH:
        raise ValueError(f"must not be nested more than {MAX_DEPTH} levels deep.")
    if isinstance(value, Mapping):
        return {as_json(_name(name)): as_json(part, depth + 1) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [as_json(part, depth + 1) for part in value]
    if isinstance(value, str):
        _check_text(value)
    elif isinstance(value, date):
        return value.isoformat()
    elif isinstance(value, float) and not math.isfinite(value):
        raise ValueError("must be a finite number.")
    elif isinstance(value, int) and not SMALLEST <= value <= LARGEST:
        raise ValueError(f"{value} has more than 64 bits. LiteLLM would round it. Use text instead.")
    return value


def _name(name: Any) -> str:
    """Return the name of an entry as JSON writes it; YAML also has numbers and booleans there."""
    if isinstance(name, bool) or name is None:
        return {True: "true", False: "false", None: "null"}[name]
    return str(name)


def _check_text(value: str) -> None:
    if "\0" in value:
        raise ValueError("must not contain a NUL character.")
    if HALF_A_CHARACTER.search(value):
        raise ValueError("must not contain a lone surrogate, which is not valid Unicode.")


def version_tuple(version: str) -> tuple[int, ...]:
    """Return a version as numbers: ``1.83.14.post1`` as ``(1, 83, 14)``."""
    numbers: list[int] = []
    for part in version.lstrip("v").split(".")[:3]:
        digits = re.match(r"[0-9]{1,9}", part)  # of a part such as "0rc1" only what it begins with
        if not digits:
            break
        numbers.append(int(digits.group()))
    return tuple(numbers)
