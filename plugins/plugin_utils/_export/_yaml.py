# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plain data as YAML that people read and Ansible reads back exactly. Private: only for use inside this collection.

Each value has a line of its own. Text of strangers is quoted wherever a reader, of whichever version of YAML, could
take it for something else; Ansible does not take any of it for a template; and no character can hide another one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

# What is text for each reader without quotes.
PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_./@+-]*( [A-Za-z0-9_./@+-]+)*")
WORDS = frozenset(("y", "n", "yes", "no", "on", "off", "true", "false", "null", "none", "nan", "inf"))
TEMPLATE = re.compile(r"\{[{%#]")
ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r"}
# Readers look for the colon after a name only so far.
LONGEST_NAME = 100
STEP = "  "


def lines(value: Any) -> Iterator[str]:
    """Return the lines of a value: of a mapping a name each, of a list an item each."""
    if isinstance(value, Mapping) and value:
        for name, part in value.items():
            yield from entry(str(name), part)
    elif isinstance(value, list) and value:
        for part in value:
            first, *rest = lines(part)
            yield f"- {first}"
            yield from (f"{STEP}{line}" for line in rest)
    else:
        yield scalar(value)


def entry(name: str, value: Any) -> Iterator[str]:
    """Return the lines of a mapping that has only this entry."""
    called = scalar(name)
    if len(called) > LONGEST_NAME:
        yield f"? {called}"
        called = ""
    if isinstance(value, (Mapping, list)) and value:
        yield f"{called}:"
        yield from (f"{STEP}{line}" for line in lines(value))
    else:
        yield f"{called}: {scalar(value)}"


def scalar(value: Any) -> str:
    """Return a value that is no mapping or list with anything in it."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, str):
        tag = "!unsafe " if TEMPLATE.search(value) else ""
        return f"{tag}{value if _is_plain(value) else quoted(value)}"
    return str(value)  # a whole number, [] or {}


def quoted(text: str) -> str:
    """Return text in quotes, on one line, with an escape for each character that is not seen as what it is."""
    return f'"{"".join(ESCAPES.get(char) or (char if char.isprintable() else _escape(char)) for char in text)}"'


def _is_plain(text: str) -> bool:
    return bool(PLAIN.fullmatch(text)) and text.lower() not in WORDS


def _escape(char: str) -> str:
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _number(value: float) -> str:
    """Return a number with a point, without which YAML takes an exponent for text."""
    text = repr(value)
    return text.replace("e", ".0e", 1) if "." not in text else text
