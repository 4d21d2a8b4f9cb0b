# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What there is to read about provider credentials. Private: only for use inside this collection."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..._kind import Info
from ..._shapes import unexpected_shape
from ._reading import find
from ._table import Record, public_view


def read(client: Any, params: Mapping[str, Any]) -> dict[str, Any]:
    """The result of ``litellm_credential_info``."""
    name = params["credential_name"]
    records = [find(client, name)] if name else _all(client)
    shown = [public_view(record) for record in records if record]
    return {"credentials": sorted(shown, key=lambda credential: str(credential["credential_name"]))}


def _all(client: Any) -> list[Record]:
    answer = client.get("/credentials")
    records = answer.get("credentials") if isinstance(answer, dict) else None
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        raise unexpected_shape("GET /credentials")
    return records


CREDENTIAL_INFO = Info(options={"credential_name": {"type": "str", "aliases": ["name"]}}, read=read)
