# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A virtual key: what its modules are made of. Private: only for use inside this collection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..._kind import ArgumentSpec, Client, Kind, Ledger, Options
from ._declaration import KEY_ID, KeyDeclaration, conflicts, declare, key_options, with_defaults
from ._info import OPTIONS, read
from ._reading import Record
from ._store import KeyStore
from ._table import KEY, public_view, readings

ADVICE = {
    r"custom api key values are disabled": (
        "The proxy does not allow clients to choose key values. Remove key and key_seed."
    ),
    r"invalid key_alias": "The proxy restricts the characters of key_alias. Choose another alias.",
    r"over max limit set in config": "The proxy sets a lower limit in upperbound_key_generate_params.",
    r"is not a member of the team": "Add the user to the team first, with litellm_team_members.",
    r"team_model_access_denied|not allowed to call model": (
        "The key's models must be among the team's models. Declare them in models, or use all-team-models."
    ),
}


class Key(Kind):
    table = KEY
    result = "virtual_key"
    things = "keys"
    options = {**KEY_ID, **key_options()}
    task_options: ArgumentSpec = {
        "validate_models": {"type": "bool", "default": False},
        "validate_references": {"type": "bool", "default": True},
        "values_file": {"type": "path"},
        "values_file_vault_id": {"type": "str"},
    }
    batch_options: ArgumentSpec = {"prune_metadata": {"type": "dict"}, "prune_limit": {"type": "int"}}
    info_options = OPTIONS
    secret = "key"  # noqa: S105
    ids: Mapping[str, str] = {"key_id": "token", "key_alias": "key_alias"}
    actions = ("create", "update", "reissue", "delete", "none")
    advice = ADVICE

    def declare(self, options: Options, state: str) -> KeyDeclaration:
        return declare(options, state)

    def with_defaults(self, item: Options, defaults: Options) -> dict[str, Any]:
        return with_defaults(item, defaults)

    def conflicts(self, declarations: Sequence[KeyDeclaration]) -> Mapping[str, Sequence[str]]:
        return conflicts(declarations)

    def store(self, client: Client, params: Options, ledger: Ledger | None = None) -> KeyStore:
        return KeyStore.for_task(client, params, ledger)

    def read(self, client: Client, params: Options) -> dict[str, Any]:
        return read(client, params)

    def public(self, record: Record) -> dict[str, Any]:
        return public_view(record)

    def readings(self, public: Mapping[str, Any]) -> dict[str, Any]:
        return readings(public)
