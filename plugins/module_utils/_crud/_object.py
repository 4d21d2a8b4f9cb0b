# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An ordinary object with its store and its reading. Private: only for use inside this collection."""

from __future__ import annotations

from typing import Any

from .._kind import Client, Ledger, Store
from .._proxy import Proxy
from .._values import json_equal
from ._definition import Definition, Record, Values
from ._reading import Reader
from ._store import ObjectStore


class CrudObject(Definition):
    """What the class of each ordinary object inherits: see ``Definition`` for what it sets and overrides."""

    def store(self, client: Client, params: Values, _ledger: Ledger | None = None) -> Store:
        return ObjectStore(self, client, read_at_once=bool(params.get("fail_fast")))

    def read(self, client: Client, params: Values) -> dict[str, Any]:
        """Return the objects that fit all that is given, all if nothing is; by identity."""
        proxy = Proxy(client)
        reader = Reader(self, client, proxy)
        given = {name: params[name] for name in (*self.identity, *self.filters) if params[name] is not None}
        fields = {name: self.table.field(name) for name in given}

        def fits(record: Record) -> bool:
            return all(json_equal(value, fields[name].value(record)) for name, value in given.items())

        if self.id in given and self.get:
            records = reader.with_ids([given[self.id]])
        else:
            records = reader.complete((record, None) for record in reader.listing() if fits(record))
        whole = [self.fetch_rest(record, proxy) for record in records if fits(record)]
        found = [self.described(record, params, proxy) for record in whole]
        return {self.plural: sorted(found, key=lambda one: str(one[self.table.identity]))}
