# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What there is to read about provider credentials. Private: only for use inside this collection."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..._kind import Client
from ._reading import fetch_all, find
from ._table import public_view


def read(client: Client, params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the result of ``litellm_credential_info``."""
    name = params["credential_name"]
    records = [find(client, name)] if name else fetch_all(client)
    shown = [public_view(record) for record in records if record]
    return {"credentials": sorted(shown, key=lambda credential: str(credential["credential_name"]))}
