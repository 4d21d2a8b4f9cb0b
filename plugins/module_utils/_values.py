# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plain values: what is empty, equal, a moment, fit to be shown. Private: only for use inside this collection.

Pure functions. Only here and in the rows of a table are values compared.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from typing import Any


class _Unset:
    """The declared "no value"."""

    def __repr__(self) -> str:
        return "UNSET"


UNSET: Any = _Unset()
SECONDS_OF_TOLERANCE = 60


def is_empty(value: Any) -> bool:
    """Whether a value says "nothing": null, false, empty text, list or mapping. Zero is a value."""
    return (
        value is None or value is UNSET or value is False or (isinstance(value, (str, list, tuple, dict)) and not value)
    )


def alike(left: Any, right: Any) -> bool:
    """Deep equality in which numbers may differ by rounding."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, (int, float)) and isinstance(right, (int, float)):
        return math.isclose(left, right, rel_tol=1e-9, abs_tol=1e-12)
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return left.keys() == right.keys() and all(alike(left[name], right[name]) for name in left)
    if isinstance(left, (list, tuple)) and isinstance(right, (list, tuple)):
        return len(left) == len(right) and all(alike(one, other) for one, other in zip(left, right))
    return bool(left == right)


def identical(left: Any, right: Any) -> bool:
    """Equality of JSON values without any tolerance: 1 is neither 1.0 nor true, and order counts in a list."""
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return left.keys() == right.keys() and all(identical(left[name], right[name]) for name in left)
    if isinstance(left, (list, tuple)) and isinstance(right, (list, tuple)):
        return len(left) == len(right) and all(identical(one, other) for one, other in zip(left, right))
    # Each only with its own kind; bool first, for Python takes it for an int.
    for kind in (bool, int, float, str):
        if isinstance(left, kind) or isinstance(right, kind):
            return isinstance(left, kind) and isinstance(right, kind) and bool(left == right)
    return left is None and right is None


def same_members(left: Any, right: Any) -> bool:
    """Equality of two lists as sets: order and repetition do not matter."""
    left, right = left or [], right or []
    return all(any(alike(one, other) for other in right) for one in left) and all(
        any(alike(one, other) for other in left) for one in right
    )


def same_moment(left: Any, right: Any) -> bool:
    """Whether two ISO 8601 times are less than a minute apart."""
    if is_empty(left) or is_empty(right):
        return is_empty(left) and is_empty(right)
    return abs((moment(left) - moment(right)).total_seconds()) <= SECONDS_OF_TOLERANCE


def moment(text: Any) -> datetime:
    """An ISO 8601 time with zone as an aware datetime.

    :raises ValueError: if it is no such time, or has no zone.
    """
    # Python before 3.11 does not read the "Z" that LiteLLM writes.
    time = text if isinstance(text, datetime) else datetime.fromisoformat(str(text).strip().replace("Z", "+00:00"))
    if time.tzinfo is None:
        raise ValueError(f"{text} has no time zone")
    try:
        return time.astimezone(timezone.utc)
    except OverflowError as error:
        raise ValueError(f"{text} is in no year of the calendar") from error


def version_tuple(version: str) -> tuple[int, ...]:
    """``1.83.14.post1`` as ``(1, 83, 14)``."""
    numbers: list[int] = []
    for part in version.lstrip("v").split(".")[:3]:
        digits = re.match(r"[0-9]{1,9}", part)  # of a part such as "0rc1" only what it begins with
        if not digits:
            break
        numbers.append(int(digits.group()))
    return tuple(numbers)


def redact(value: Any) -> Any:
    """A copy fit to be shown: plain data, and no values of logging callbacks, which are credentials."""
    if isinstance(value, Mapping):
        return {
            name: dict.fromkeys(part, "********")
            if name == "callback_vars" and isinstance(part, Mapping)
            else redact(part)
            for name, part in value.items()
        }
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [redact(part) for part in value]
    return value
