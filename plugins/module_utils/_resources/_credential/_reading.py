# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finding provider credentials on a proxy. Private: only for use inside this collection."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from ..._errors import ApiError
from ..._kind import Client
from ..._listings import FEW
from ..._shapes import MAPPING, TEXT, ensure_shape, maybe
from ._table import Record

CREDENTIAL_SHAPE = {
    "credential_name": TEXT,
    "credential_info": maybe(MAPPING),
    "credential_values": maybe(MAPPING),
}


def find(client: Client, name: str) -> Record | None:
    """Return the credential of that name as the proxy shows it, None if it shows none."""
    try:
        record = client.get(f"/credentials/by_name/{quoted(name)}")
    except ApiError as error:
        if is_missing(error):
            return None
        raise
    shown: Record = ensure_shape(record, CREDENTIAL_SHAPE, "GET /credentials/by_name")
    return shown


def find_all(client: Client, names: Sequence[str]) -> list[Record | None]:
    """Return the credentials of these names, in their order: looked up, or from the listing where they are many."""
    if len(names) <= FEW:
        return [find(client, name) for name in names]
    # A worker that has just started shows none at first.
    shown = {record["credential_name"]: record for record in fetch_all(client) or fetch_all(client)}
    return [shown.get(name) for name in names]


def fetch_all(client: Client) -> list[Record]:
    """Return all credentials, as the proxy shows them."""
    answer = ensure_shape(client.get("/credentials"), {"credentials": [CREDENTIAL_SHAPE]}, "GET /credentials")
    records: list[Record] = answer["credentials"]
    return records


def quoted(name: str) -> str:
    return quote(name, safe="")


def is_missing(error: ApiError) -> bool:
    """Return whether there is no such credential: up to 1.98 with HTTP 200; a 404 may come from a web server."""
    return "credential not found" in error.message.lower()
