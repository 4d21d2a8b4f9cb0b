# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An ordinary object, made of its table, its requests and its quirks. Private: only for use inside this collection."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from .._kind import Info, Kind, Ledger, Store
from ._declaration import declare, options_of
from ._definition import NEVER, Definition
from ._info import info_options, read
from ._store import ObjectStore

ONLY_PRESENT = {"state": {"type": "str", "choices": ["present"], "default": "present"}}


def _store(definition: Definition, client: Any, _params: Mapping[str, Any], _ledger: Ledger | None = None) -> Store:
    return ObjectStore(definition, client)


def define(definition: Definition) -> tuple[Kind, Info]:
    """What the modules of an object, and its info module, are made of."""
    result = definition.resource.kind.replace(" ", "_")
    kind = Kind(
        result=result,
        plural=f"{result}s",
        things=f"{definition.resource.kind}s",
        identity=definition.identities,
        options=options_of(definition),
        declare=partial(declare, definition),
        store=partial(_store, definition),
        public=definition.public,
        task_options=ONLY_PRESENT if definition.endpoints.delete is NEVER else {},
        advice=definition.advice,
        ids={} if definition.identities == (definition.id,) else {definition.id: definition.id},
    )
    return kind, Info(options=info_options(definition), read=partial(read, definition, f"{result}s"))
