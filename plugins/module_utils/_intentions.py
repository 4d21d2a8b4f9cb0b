# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one run is going to do to objects of several kinds. Pure. Private: only for use inside this collection.

A run plans all kinds before its first write. While it plans, what it is going to create counts as existing, and what
it is going to delete, or to move, holds nothing back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ._listings import Listing, id_in

Row = Mapping[str, Any]


class Intentions:
    """The rows of listings as a run is going to leave them."""

    def __init__(self) -> None:
        # What the proxy showed of single objects, by address: nothing changes while a run plans.
        self.shown: dict[str, Any] = {}
        self._rows: dict[Listing, dict[str, Row | None]] = {}
        self._new: dict[Listing, list[str]] = {}

    def note(self, listing: Listing, names: Sequence[str], row: Row | None, new: bool = False) -> None:
        """Note what becomes of an object.

        :param names: by which its row can be known, its id first.
        :param row: what of the row will be different, None if it will be gone.
        :param new: whether the run creates it.
        """
        rows = self._rows.setdefault(listing, {})
        later = None if row is None else {**(rows.get(names[0]) or {}), **row}
        rows.update(dict.fromkeys(names, later))
        if new:
            self._new.setdefault(listing, []).append(names[0])

    def creates(self, listing: Listing, name: str) -> bool:
        """Return whether the run creates an object."""
        return name in self._new.get(listing, ())

    def stay(self, listing: Listing, rows: Iterable[Row]) -> list[Row]:
        """Return those of the rows that will not be gone, as they will be."""
        noted = self._rows.get(listing)
        if not noted:
            return list(rows)
        found: list[Row] = []
        for row in rows:
            known = [name for name in (id_in(row, listing), row.get(listing.name)) if name in noted]
            later = noted[known[0]] if known else {}
            if later is not None:
                found.append({**row, **later} if later else row)
        return found

    def all(self, listing: Listing, rows: Iterable[Row]) -> list[Row]:
        """Return all rows of a listing as they will be, of all that there are."""
        names = self._new.get(listing, ())
        new = [{listing.id: name, **(self._rows[listing][name] or {})} for name in names]
        return [*self.stay(listing, rows), *new]
