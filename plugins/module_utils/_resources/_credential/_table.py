# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A provider credential: its table of fields, and what a record shows of them. Pure.

Private: only for use inside this collection.

The proxy shows no secret value again, only a mask of it. So what is compared, planned and shown is the *state* of each
value, never the value: whether it is there, and whether it will be written. To tell that a value is still the declared
one, a salted fingerprint of it is kept with the credential, in an entry of ``credential_info`` that nobody is shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..._crud._rows import check_identity
from ..._engine import NOT_CLEARABLE, Field, Resource
from ..._fingerprints import OWN_ENTRY
from ..._redaction import HIDDEN

Record = Mapping[str, Any]


def _check_info(value: Mapping[str, Any]) -> str | None:
    return f"the entry {OWN_ENTRY} is reserved for this collection." if OWN_ENTRY in value else None


def own_entry(record: Record) -> Mapping[str, Any]:
    """Return our entry: {"fingerprints": {value name: text}}."""
    entry = (record.get("credential_info") or {}).get(OWN_ENTRY)
    parts = entry.items() if isinstance(entry, Mapping) else ()
    return {name: part for name, part in parts if isinstance(part, Mapping)}  # anybody could have written it


def users_info(record: Record) -> dict[str, Any]:
    """Return the user's part of ``credential_info``. An entry that was removed is null, see ``info_after``."""
    info = record.get("credential_info") or {}
    return {name: value for name, value in info.items() if name != OWN_ENTRY and value is not None}


def states(record: Record) -> dict[str, str]:
    return dict.fromkeys(record.get("credential_values") or {}, HIDDEN)


CREDENTIAL = Resource(
    kind="credential",
    identity="credential_name",
    fields=(
        Field("credential_name", check=check_identity, cleared=NOT_CLEARABLE),
        Field("credential_info", "dict", read=users_info, check=_check_info, cleared={}),
        Field("credential_values", "dict", read=states, cleared={}),
    ),
)


def public_view(record: Record) -> dict[str, Any]:
    """Return a credential as it is returned: the names of its values, not the values, and not our own entry."""
    return CREDENTIAL.view(record, [row.name for row in CREDENTIAL.fields])
