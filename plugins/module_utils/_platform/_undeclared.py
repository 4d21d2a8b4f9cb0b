# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is on the proxy and not declared, and what of it is to be deleted. Private: only for use inside this collection.

What is deleted bears a mark, or is named. Nothing goes because of a list that was left empty.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .._errors import InputError
from .._kind import Kind
from .._proxy import Proxy
from .._resources._key._checks import NO_LIMIT, check_mark
from .._text import join_limited, printable
from .._values import strictly_equal
from ._entries import Entry
from ._kinds import LISTS, Row

Record = Mapping[str, Any]
# The position of an entry that stands in no list.
PRUNED = -1


def undeclared(row: Row, records: Iterable[Record], entries: Sequence[Entry], proxy: Proxy) -> list[Record]:
    """Return the objects that no entry declares, by name. What users cannot declare is left out."""
    kind = row.kind
    declared = {identity for entry in entries if entry.row is row for identity in entry.want.identity.items()}
    left = [
        record
        for record in records
        if kind.undeclarable(record, proxy) is None and declared.isdisjoint(_identities(kind, record))
    ]
    return sorted(left, key=kind.name_of)


def _identities(kind: Kind, record: Record) -> list[tuple[str, str]]:
    """Return all by which an object can be declared."""
    found = [(name, kind.table.field(name).value(record)) for name in kind.identity]
    found += [(name, record.get(source)) for name, source in kind.ids.items()]
    return [(name, str(value)) for name, value in found if value]


def check_pruning(params: Mapping[str, Any], entries: Sequence[Entry]) -> None:
    """Refuse lists that there are not, and to prune what nothing marks or names, or of which nothing is declared.

    :raises InputError: naming the list.
    """
    mark, names, limit = params["prune_metadata"], params["prune_names"] or {}, params["prune_limit"]
    known = [row.option for row in LISTS]
    for name in ("prune", "report_undeclared"):
        unknown = [option for option in params[name] if option not in known]
        if unknown:
            raise InputError(f"{name}: {', '.join(unknown)} is not one of {', '.join(known)}.")
    wrong = [
        f"O(prune_names) has {option}, which is not in O(prune)" for option in names if option not in params["prune"]
    ]
    for row in LISTS:
        if row.option in params["prune"]:
            if not any(entry.row is row and not entry.is_going for entry in entries):
                wrong.append(f"{row.option} is empty, so that all of them would be deleted")
            elif not names.get(row.option) and mark is None:
                wrong.append(f"set O(prune_metadata) or O(prune_names), which say what of {row.option} can be deleted")
            elif not names.get(row.option) and not bears_marks(row):
                wrong.append(f"{row.option} have no metadata. List their names in O(prune_names)")
    if wrong:
        raise InputError(f"O(prune): {'; '.join(wrong)}.")
    if mark is not None:
        check_mark(mark, limit)


def bears_marks(row: Row) -> bool:
    """Return whether objects of a kind have metadata."""
    return any(field.name == "metadata" for field in row.kind.table.fields)


def to_prune(row: Row, records: Sequence[Record], left: Sequence[Record], params: Mapping[str, Any]) -> list[Record]:
    """Return what is to be deleted of what is not declared.

    :param records: all objects of the kind.
    :raises InputError: if that is more than the limit, naming all of it.
    """
    kind, mark, limit = row.kind, params["prune_metadata"], params["prune_limit"]
    names = (params["prune_names"] or {}).get(row.option) or ()
    marked = [record for record in records if mark and bears_marks(row) and _bears(record, mark)]
    named = [record for record in left if kind.name_of(record) in names]
    chosen = [record for record in left if record in marked or record in named]
    by_mark = [record for record in chosen if record not in named]
    too_many = len(by_mark) > len(marked) // 2 if limit is None else limit != NO_LIMIT and len(chosen) > limit
    if too_many:
        bound = "half of those that carry the mark can be" if limit is None else f"O(prune_limit) allows {limit}"
        listed = join_limited([printable(kind.name_of(record)) for record in chosen])
        raise InputError(
            f"{row.option}: {len(chosen)} would be deleted, but only {bound}: {listed}. Nothing was written. To delete "
            f"them all, set O(prune_limit) to {len(chosen)}."
        )
    return chosen


def _bears(record: Record, mark: Mapping[str, Any]) -> bool:
    metadata = record.get("metadata")
    return isinstance(metadata, Mapping) and all(
        name in metadata and strictly_equal(value, metadata[name]) for name, value in mark.items()
    )


def entry_of(row: Row, record: Record, force: bool) -> Entry:
    """Return the declaration that an object is to go."""
    options = {**dict(_identities(row.kind, record)), "force": force}
    return Entry(row, row.option, PRUNED, True, options, row.kind.declare(options, "absent"))
