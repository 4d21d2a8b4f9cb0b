# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an answer must look like to be used. Private: only for use inside this collection. Pure.

A shape is written as the answer itself: a mapping of names to shapes, a list with the shape of its entries, or one of
the types below. What a shape does not name is not looked at: a proxy may tell more than is asked for.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ._errors import ApiError
from ._values import parse_time

Shape = Any


@dataclass(frozen=True)
class ValueType:
    """A type of plain values, by what it is called in a sentence."""

    words: str
    fits: Callable[[Any], bool]


@dataclass(frozen=True)
class Nullable:
    """Something that may be null; something that may even be missing, if it is ``optional``."""

    shape: Shape
    optional: bool = False


def maybe(shape: Shape) -> Nullable:
    """Return a shape that may be null or missing."""
    return Nullable(shape, optional=True)


def _is_time(value: Any) -> bool:
    try:
        parse_time(value)
    except (ValueError, OverflowError):
        return False
    return isinstance(value, str)


ANY = ValueType("anything", lambda value: True)
TEXT = ValueType("text", lambda value: isinstance(value, str))
FLAG = ValueType("true or false", lambda value: isinstance(value, bool))
COUNT = ValueType("a count", lambda value: isinstance(value, int) and not isinstance(value, bool) and value >= 0)
NUMBER = ValueType(
    "a number",
    lambda value: isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value),
)
TIME = ValueType("a time with a time zone", _is_time)
MAPPING: Mapping[str, Shape] = {}
LIST = [ANY]


def ensure_shape(answer: Any, shape: Shape, request: str) -> Any:
    """Return the answer to a request, if it has that shape.

    :param request: method and path, for the sentence.
    :raises ApiError: if it has not.
    """
    fault = _fault(answer, shape, "")
    if fault:
        raise shape_error(request, fault)
    return answer


def shape_error(request: str, fault: str = "") -> ApiError:
    """Return the error for an answer with success that is none of LiteLLM's."""
    return ApiError(
        f"The answer to {request} has an unexpected shape{': ' if fault else ''}{fault}.",
        may_have_applied=True,
        hint="Check that O(api_url) is the URL of a LiteLLM proxy.",
    )


def _fault(value: Any, shape: Shape, place: str) -> str:
    """Return what is wrong first, "" if nothing is. Names the place, never the value, which may be a secret."""
    where = place or "it"
    if isinstance(shape, Nullable):
        return "" if value is None else _fault(value, shape.shape, place)
    if isinstance(shape, ValueType):
        return "" if shape.fits(value) else f"{where} is not {shape.words}"
    if isinstance(shape, list):
        if not isinstance(value, list):
            return f"{where} is not a list"
        parts = ((str(number), part, shape[0]) for number, part in enumerate(value))
    elif not isinstance(value, Mapping):
        return f"{where} is not a mapping"
    else:
        missing = [name for name, part in shape.items() if name not in value and not getattr(part, "optional", False)]
        if missing:
            return f"{where} has no {missing[0]}"
        parts = ((name, value.get(name), part) for name, part in shape.items())
    faults = (_fault(part, of, f"{place}.{name}".lstrip(".")) for name, part, of in parts)
    return next(filter(None, faults), "")
