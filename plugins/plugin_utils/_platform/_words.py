# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a proxy differs from what is declared, in words. Pure. Private: only for use inside this collection."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.litemaas.virtual_keys.plugins.module_utils._text import printable

from .._changes import lines

Difference = Mapping[str, Any]
MAX_LINES = 200
# What a list of differences is called, and the sign of its lines.
LISTS = {
    "missing": ("missing", "+"),
    "changed": ("changed", "~"),
    "unwanted": ("to be deleted", "-"),
    "not_declared": ("not declared", "?"),
    "undeclared_fields": ("with options that are not declared", "?"),
}


def sentences(drift: Mapping[str, Any]) -> list[str]:
    """Return how many objects differ, and a line for each difference."""
    if not drift["differs"]:
        return ["The proxy is as declared."]
    counts = [f"{len(drift[name])} {called}" for name, (called, _sign) in LISTS.items() if drift[name]]
    found = [line for name, (_called, sign) in LISTS.items() for one in drift[name] for line in described(one, sign)]
    rest = len(found) - MAX_LINES
    return [f"{', '.join(counts)}.", *found[:MAX_LINES], *([f"{rest} more lines."] if rest > 0 else [])]


def described(one: Difference, sign: str) -> list[str]:
    """Return the lines of one difference: from what is on the proxy to what is declared."""
    fields = one.get("fields")
    if fields is None:
        return [f"{sign} {title(one)}"]
    before = {name: value.get("actual") if sign == "~" else value for name, value in fields.items()}
    after = {name: value.get("declared") if sign == "~" else None for name, value in fields.items()}
    return [f"{sign}{line[1:]}" for line in lines(title(one), before, after)]


def title(one: Difference) -> str:
    """Return how a line calls an object."""
    return printable(f"{one['kind']}: {one['name']}")


def changes(diffs: Iterable[Difference]) -> list[str]:
    """Return the lines of a diff: one for each object that comes or goes, and for each option that changes."""
    return [line for diff in diffs for line in lines(printable(diff["after_header"]), diff["before"], diff["after"])]
