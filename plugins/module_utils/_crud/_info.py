# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading ordinary objects for an info module. Private: only for use inside this collection."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._proxy import Proxy
from .._values import alike
from ._definition import Definition, Record
from ._reading import Reader


def info_options(definition: Definition) -> dict[str, dict[str, Any]]:
    """Argument spec of the info module: the identities and the filters of the table."""
    names = (*definition.identities, *definition.filters)
    return {name: definition.resource.field(name).option() for name in names}


def read(definition: Definition, plural: str, client: Any, params: Mapping[str, Any]) -> dict[str, Any]:
    """The objects that fit all that is given, all if nothing is; by identity."""
    reader = Reader(definition, client, Proxy(client))
    given = {name: params[name] for name in info_options(definition) if params[name] is not None}
    fields = {name: definition.resource.field(name) for name in given}

    def fits(record: Record) -> bool:
        return all(alike(value, fields[name].value(record)) for name, value in given.items())

    if definition.id in given and definition.endpoints.read:
        records = reader.with_ids([given[definition.id]])
    else:
        records = [reader.complete(record) for record in reader.listing() if fits(record)]
    found = [definition.public(record) for record in records if fits(record)]
    return {plural: sorted(found, key=lambda one: str(one[definition.resource.identity]))}
