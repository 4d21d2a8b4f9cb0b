# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What declares all that a proxy has, as the task with all kinds of objects takes it.

Private: only for use inside this collection. One read that fails is the failure of all: what is missing would look as
if there was none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from ._adopting import DECLARATION, HIDDEN_ENTRIES, NOT_DECLARED
from ._errors import ApiError, InputError
from ._kind import ArgumentSpec, Client
from ._platform._kinds import LISTS, Row, parts_of
from ._text import join_limited

PARTS = (DECLARATION, HIDDEN_ENTRIES, NOT_DECLARED)
Record = Mapping[str, Any]


class Export:
    """All objects of a proxy, read to be declared."""

    info_options: ArgumentSpec = {
        "output_dir": {"type": "path"},
        "kinds": {"type": "list", "elements": "str"},
        "names": {"type": "list", "elements": "str"},
    }

    def read(self, client: Client, params: Mapping[str, Any]) -> dict[str, Any]:
        """Return the kinds in their order, each with its objects: their names, and what declares them.

        :raises InputError: if there is no such kind.
        :raises ApiError: if one of the kinds cannot be read.
        """
        known = [row.option for row in LISTS]
        asked = params["kinds"] if params["kinds"] is not None else known
        unknown = [name for name in asked if name not in known]
        if unknown:
            raise InputError(f"kinds: {join_limited(unknown)} is not one of {', '.join(known)}.")
        patterns = params["names"] if params["names"] is not None else ["*"]
        rows = [row for row in LISTS if row.option in asked]
        return {"kinds": [{"kind": row.option, "objects": _objects(row, client, patterns)} for row in rows]}


def _objects(row: Row, client: Client, patterns: Sequence[str]) -> list[dict[str, Any]]:
    """Return the objects of a kind of which a name fits a pattern."""
    found = []
    for record in _records(row, client):
        names = [str(record[option]) for option in (*row.kind.identity, *row.kind.ids) if record.get(option)]
        if any(fnmatchcase(name, pattern) for name in names for pattern in patterns):
            declared = {part: record[part] for part in PARTS}
            if declared[DECLARATION] is not None:
                declared[DECLARATION] = {**declared[DECLARATION], **_of_parts(row, record, client)}
            found.append({"name": next(iter(names), ""), **declared})
    return found


def _of_parts(row: Row, record: Record, client: Client) -> dict[str, Any]:
    """Return what the declaration of an object says of what is part of it, such as the members of a team."""
    said = {}
    for part in parts_of(row):
        identity = part.kind.table.identity
        (found,) = _records(part, client, **{identity: record[identity]})
        said.update({name: found[DECLARATION].get(own) for name, own in part.entry_options.items()})
    return {name: value for name, value in said.items() if value}


def _records(row: Row, client: Client, **selected: str) -> Sequence[Record]:
    """Return the objects of a kind as its info module does."""
    defaults = {name: option.get("default") for name, option in row.kind.info_options.items()}
    try:
        result = row.kind.read(client, {**defaults, **selected, DECLARATION: True})
    except ApiError as error:
        error.message = f"{row.option}: {error.message}"
        raise
    records: Sequence[Record] = result[row.kind.plural]
    return records
