# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A provider credential: what its modules are made of. Private: only for use inside this collection."""

from __future__ import annotations

from typing import Any

from ..._kind import ArgumentSpec, Client, Kind, Ledger, Options
from ..._listings import CREDENTIALS
from ._declaration import CredentialDeclaration, credential_options, declare
from ._info import read
from ._store import CredentialStore
from ._table import CREDENTIAL, Record, public_view


class Credential(Kind):
    table = CREDENTIAL
    listing = CREDENTIALS
    options = credential_options()
    info_options: ArgumentSpec = {"credential_name": {"type": "str", "aliases": ["name"]}}

    def declare(self, options: Options, state: str) -> CredentialDeclaration:
        return declare(options, state)

    def store(self, client: Client, _params: Options, _ledger: Ledger | None = None) -> CredentialStore:
        return CredentialStore(client)

    def read(self, client: Client, params: Options) -> dict[str, Any]:
        return read(client, params)

    def undeclarable(self, record: Record) -> str | None:
        return "the configuration file of the proxy defines it." if record.get("source") == "config" else None

    def public(self, record: Record) -> dict[str, Any]:
        return public_view(record)
