# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A provider credential: what its modules are made of. Private: only for use inside this collection."""

from __future__ import annotations

from typing import Any

from ..._adopting import DECLARATION_OPTION, Adoptable
from ..._engine import Plan
from ..._kind import ArgumentSpec, Client, Ledger, Options
from ..._listings import CREDENTIALS
from ..._proxy import Proxy
from ._declaration import CredentialDeclaration, credential_options, declare
from ._planning import plan_credential
from ._reading import fetch_all, find
from ._store import CredentialStore
from ._table import CREDENTIAL, Record, public_view


class Credential(Adoptable):
    table = CREDENTIAL
    listing = CREDENTIALS
    options = credential_options()
    info_options: ArgumentSpec = {"credential_name": {"type": "str", "aliases": ["name"]}, **DECLARATION_OPTION}

    def declare(self, options: Options, state: str) -> CredentialDeclaration:
        return declare(options, state)

    def store(self, client: Client, _params: Options, _ledger: Ledger | None = None) -> CredentialStore:
        return CredentialStore(client)

    def read(self, client: Client, params: Options) -> dict[str, Any]:
        name, proxy = params["credential_name"], Proxy(client)
        records = [find(client, name)] if name else fetch_all(client)
        found = [self.described(record, params, proxy) for record in records if record]
        return {"credentials": sorted(found, key=lambda credential: str(credential["credential_name"]))}

    def plan_of(self, want: CredentialDeclaration, record: Record, _proxy: Proxy) -> Plan:
        return plan_credential(want, record)

    def undeclarable(self, record: Record, _proxy: Proxy) -> str | None:
        return "the configuration file of the proxy defines it." if record.get("source") == "config" else None

    def public(self, record: Record) -> dict[str, Any]:
        return public_view(record)
