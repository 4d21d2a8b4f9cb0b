# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What requests carry to create or change an MCP server. Pure. Private: only for use inside this collection.

LiteLLM removes more than it is asked to: a new type of authentication takes credentials and addresses along, a new URL
or issuer takes addresses along and, with OAuth, the client. So these are written once more where they are declared.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..._crud._definition import Record, Values
from ..._engine import Plan
from ..._fingerprints import OWN_ENTRY
from ..._values import UNSET
from ._credentials import declared_entries, entries_of, fingerprints, fingerprints_of, sent
from ._table import MCP_SERVER, info_of

# What it takes to give a server another way to be reached.
REACHED_BY = ("url", "spec_path", "command", "args")
# Options whose names are those of other options of all modules, with LiteLLM's names.
RENAMED = {"call_timeout": "timeout"}
# What LiteLLM ties authentication to.
ANCHORS = ("auth_type", "url", "issuer")


def desired(fields: Values, options: Values, record: Record | None) -> Values:
    """Return the fields to declare, with the state of each entry of the credentials in the place of its value."""
    declared = fields.get("credentials", UNSET)
    if declared is UNSET:
        return fields
    current = record or {}
    rewrite = options.get("update_credentials") == "always" or bool(record and forgets_credentials(fields, current))
    return {**fields, "credentials": declared_entries(declared, current, rewrite)}


def changed_anchors(fields: Values, record: Record) -> list[str]:
    """Return which of the things that authentication is tied to differ from those of a server."""
    rows = [MCP_SERVER.field(name) for name in ANCHORS if name in fields]
    return [row.name for row in rows if not row.equal(fields[row.name], row.value(record))]


def forgets_credentials(fields: Values, record: Record) -> bool:
    """Return whether LiteLLM removes credentials when it is given these fields."""
    changed = changed_anchors(fields, record)
    return "auth_type" in changed or (bool(changed) and record.get("auth_type") == "oauth2")


def create_body(body: dict[str, Any], plan: Plan) -> dict[str, Any]:
    """Return the body that creates a server."""
    body = _with_names_of_api(body)
    if "credentials" not in plan.after:
        return body
    after = plan.changes.get("credentials")
    secrets = {"credentials": sent(after, {})} if after else {}
    return {**body, **secrets, "mcp_info": _info(body.get("mcp_info") or {}, fingerprints(after, {}))}


def update_body(body: dict[str, Any], plan: Plan) -> dict[str, Any]:
    """Return the body that changes a server."""
    changed, current = _with_names_of_api(body), plan.existing
    if "server_name" in body and "alias" not in body and current.get("alias"):
        changed["alias"] = current["alias"]  # LiteLLM gives it the new name otherwise
    if "transport" in body:
        changed = {**{name: current[name] for name in REACHED_BY if current.get(name)}, **changed}
    marks = known = fingerprints_of(current)
    if "credentials" in plan.changes:
        changed, marks = _with_credentials(changed, plan)
    if "mcp_info" in body or marks != known:
        changed["mcp_info"] = _info(body.get("mcp_info", info_of(current)), marks)
    return changed


def _with_names_of_api(body: Mapping[str, Any]) -> dict[str, Any]:
    return {RENAMED.get(name, name): value for name, value in body.items()}


def _with_credentials(body: dict[str, Any], plan: Plan) -> tuple[dict[str, Any], Mapping[str, str]]:
    """Return a body with what has to be written of the credentials, and the fingerprints of what is there then.

    A client of OAuth is left to the next write: LiteLLM drops it together with the old URL.
    """
    after, current = plan.changes["credentials"], plan.existing
    replaced = "auth_type" in plan.changes
    if not replaced and forgets_credentials(plan.changes, current):
        return {name: value for name, value in body.items() if name != "credentials"}, {}
    before = {} if replaced else entries_of(current)
    known = fingerprints_of(current) or {}
    return {**body, "credentials": sent(after, before)}, fingerprints(after, known)


def _info(info: Mapping[str, Any], marks: Mapping[str, str] | None) -> dict[str, Any]:
    """Return all of ``mcp_info``, of the user's part and our fingerprints."""
    return {**info, **({} if marks is None else {OWN_ENTRY: {"fingerprints": dict(marks)}})}
