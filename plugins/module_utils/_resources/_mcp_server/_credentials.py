# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The credentials of an MCP server, of which LiteLLM shows next to nothing. Pure.

Private: only for use inside this collection. What is planned and shown is whether an entry is there, stays, or is
written. Fingerprints tell which, in our entry of ``mcp_info``. Of a server without that entry, nobody knows what there
is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..._crud._secret_entries import KeptEntry, NewEntry, without_secrets
from ..._fingerprints import OWN_ENTRY, fingerprint, is_guessable, matches

Entries = Mapping[str, Any]
Record = Mapping[str, Any]

# All that LiteLLM takes.
NAMES = (
    *("auth_value", "client_id", "client_secret", "scopes", "token_endpoint_auth_method", "redirect_uris"),
    *("client_private_key", "client_private_key_id", "client_assertion_signing_alg"),
    *("aws_access_key_id", "aws_secret_access_key", "aws_session_token", "aws_region_name", "aws_service_name"),
    *("aws_role_name", "aws_session_name"),
    *("id_jag_resource_token_endpoint", "id_jag_resource", "id_jag_subject_source", "id_jag_resource_client_id"),
    *("id_jag_resource_client_secret", "upstream_resource", "upstream_token_header"),
)
# Those that it shows again.
SHOWN = ("scopes", "upstream_resource", "upstream_token_header")
# What stands for all entries of a server, where nobody can tell which there are.
UNKNOWN = "unknown"


def fingerprints_of(record: Record) -> Mapping[str, str] | None:
    """Return the fingerprints that are kept with a server, None if no credentials were ever declared here."""
    entry = (record.get("mcp_info") or {}).get(OWN_ENTRY)
    known = entry.get("fingerprints") if isinstance(entry, Mapping) else None
    return known if isinstance(known, Mapping) else None


def entries_of(record: Record) -> dict[str, Any]:
    """Return the entries that a server has, as far as they are shown or known."""
    shown = record.get("credentials") or {}
    kept = [UNKNOWN] if record.get(UNKNOWN) else fingerprints_of(record) or ()
    return {**{name: KeptEntry() for name in kept}, **{name: shown[name] for name in SHOWN if shown.get(name)}}


def declared_entries(declared: Entries, record: Record, rewrite: bool) -> dict[str, Any]:
    """Return the entries that a server has once those that are declared are written. All others go.

    :param rewrite: whether all of them have to be written, whatever is known.
    """
    there, known = entries_of(record), {} if rewrite else fingerprints_of(record) or {}
    return {name: _entry(name, value, there, known, rewrite) for name, value in declared.items()}


def _entry(name: str, value: Any, there: Entries, known: Entries, rewrite: bool) -> Any:
    if name in SHOWN:
        return value
    if name in there and not rewrite and matches(known.get(name), name, value):
        return KeptEntry()
    return NewEntry(value, name in there)


def without_values(entries: Entries) -> dict[str, Any]:
    """Return entries as they may be shown."""
    return without_secrets(entries)


def sent(after: Any, before: Entries) -> dict[str, Any] | None:
    """Return what has to be written of the entries, null for those that go, and None if all of them go.

    LiteLLM keeps the entries that are not in a request.
    """
    if not isinstance(after, Mapping) or not after:
        return None
    values = {name: one.value if isinstance(one, NewEntry) else one for name, one in after.items()}
    written = {name: value for name, value in values.items() if not isinstance(value, KeptEntry)}
    gone = NAMES if UNKNOWN in before else before
    return {**dict.fromkeys(name for name in gone if name not in after), **written}


def fingerprints(after: Any, known: Entries) -> dict[str, str]:
    """Return the fingerprints of the entries that a server has after a write."""
    entries = after.items() if isinstance(after, Mapping) else ()
    kept = {name: known[name] for name, one in entries if isinstance(one, KeptEntry) and name in known}
    new = {name: fingerprint(name, one.value) for name, one in entries if isinstance(one, NewEntry)}
    return {**kept, **new}


def guessable_names(after: Any) -> list[str]:
    """Return the entries that are written and of which no fingerprint is kept."""
    entries = after.items() if isinstance(after, Mapping) else ()
    return [name for name, one in entries if isinstance(one, NewEntry) and is_guessable(name, one.value)]
