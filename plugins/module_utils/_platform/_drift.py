# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a proxy differs from what is declared. Private: only for use inside this collection."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .._adopting import DECLARATION, HIDDEN_ENTRIES
from .._engine import Plan
from .._proxy import Proxy
from .._redaction import HIDDEN, redact
from ._entries import Entry
from ._kinds import Row
from ._run import Part

Difference = dict[str, Any]


def drift_of(
    present: Sequence[Part],
    going: Sequence[Part],
    undeclared: Mapping[str, Sequence[str]],
    proxy: Proxy | None,
) -> dict[str, Any]:
    """Return what differs, before anything is written.

    :param undeclared: the names of what is there and not declared, by list.
    :param proxy: where the objects are, to look also for what is set of declared objects and not declared.
    """
    new = {(part.row.option, entry.number) for part, entry, plan in _planned(present) if plan.action == "create"}
    found: dict[str, Any] = {
        "changed": [
            {**_named(part.row, plan.name), "fields": changed_fields(plan)}
            for part, entry, plan in _planned(present)
            if plan.changed and plan.action != "create" and (part.row.part_of, entry.number) not in new
        ],
        "missing": [_named(part.row, plan.name) for part, _entry, plan in _planned(present) if plan.action == "create"],
        "unwanted": [_named(part.row, plan.name) for part, _entry, plan in _planned(going) if plan.action == "delete"],
        "not_declared": [{"kind": option, "name": name} for option, names in undeclared.items() for name in names],
        "undeclared_fields": [
            {**_named(part.row, plan.name), "fields": fields}
            for part, entry, plan in _planned(present)
            if proxy and plan.current is not None and (fields := undeclared_fields(entry, plan.current, proxy))
        ],
    }
    return {"differs": any(found.values()), **found}


def _planned(parts: Iterable[Part]) -> list[tuple[Part, Entry, Plan]]:
    return [(part, entry, plan) for part in parts for entry, plan in zip(part.entries, part.plans)]


def _named(row: Row, name: str) -> Difference:
    return {"kind": row.option, "name": name}


def changed_fields(plan: Plan) -> dict[str, Any]:
    """Return the fields that differ, each as it is declared and as it is, without secrets."""
    diff = redact(plan.diff)
    before, after = diff["before"], diff["after"]
    names = [name for name in {**after, **before} if before.get(name) != after.get(name)]
    return {name: {"declared": after.get(name), "actual": before.get(name)} for name in names}


def undeclared_fields(entry: Entry, record: Mapping[str, Any], proxy: Proxy) -> dict[str, Any]:
    """Return what would declare an object as it is, and is not declared, without secrets."""
    kind, options = entry.row.kind, entry.options
    declared = {name for name, value in options.items() if value is not None} | set(options.get("unset") or ())
    found = kind.declaration(record, proxy)
    left = {name: value for name, value in (found[DECLARATION] or {}).items() if name not in declared}
    # What holds nothing but secrets is not declared by an export either.
    for name, *entries in found[HIDDEN_ENTRIES]:
        if name in left:
            left[name] = {**left[name], **dict.fromkeys(entries, HIDDEN)}
    return {name: value for name, value in left.items() if name not in (*kind.identity, *kind.ids)}
