# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the listing of MCP servers does not tell. Private: only for use inside this collection.

It shows what a worker of LiteLLM has in memory. A worker keeps addresses for OAuth that were removed until it is
started again. What is stored is shown only of a single server, which LiteLLM calls for that.
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import quote

from ..._crud._definition import Record, Values
from ..._engine import Plan
from ..._errors import ApiError
from ..._proxy import Proxy
from ..._shapes import MAPPING, TEXT, ensure_shape, maybe
from ..._values import UNSET
from ._credentials import UNKNOWN, fingerprints_of
from ._table import CARRIED, MCP_SERVER

STORED = {"server_id": TEXT, "credentials": maybe(MAPPING), **dict.fromkeys(CARRIED, maybe(TEXT))}


def fetch_details(record: Record, options: Values, proxy: Proxy) -> Record:
    """Return a record with what is stored, and whether it is to have credentials instead of those nobody knows."""
    declared = dict.fromkeys(options.get("unset") or (), UNSET)
    declared.update({name: value for name, value in options.items() if value is not None and name not in declared})
    detailed = dict(record)
    if _is_carried(declared, record):
        stored = _fetch_stored(str(record["server_id"]), proxy)
        detailed.update({name: stored.get(name) for name in (*CARRIED, "credentials")})
    if "credentials" in declared and fingerprints_of(record) is None:
        detailed[UNKNOWN] = True
    return detailed


def is_forgotten(name: str, proxy: Proxy) -> bool:
    """Return whether a server exists that the listing lacks.

    A worker forgets a server while it reads servers anew and cannot load the document of this one.
    """
    try:
        _fetch_stored(name, proxy)
    except ApiError as error:
        if error.status == 404 and "not found" in error.message:
            return False
        raise
    return True


def _fetch_stored(name: str, proxy: Proxy) -> Record:
    path = f"/v1/mcp/server/{quote(name, safe='')}"
    stored: Record = ensure_shape(proxy.client.get(path), STORED, "GET /v1/mcp/server/{id}")
    return stored


def _is_carried(declared: Values, record: Record) -> bool:
    """Return whether the listing shows something that is to be removed, or was."""
    gone = [name for name in CARRIED if name in declared and _is_empty(name, declared[name]) and record.get(name)]
    kept: Iterable[str] = declared.get("credentials", ())
    lost = set(record.get("credentials") or ()) - set(() if kept is UNSET else kept)
    return bool(gone) or ("credentials" in declared and bool(lost))


def _is_empty(name: str, value: object) -> bool:
    return MCP_SERVER.field(name).is_empty(value)


def carried_warning(plan: Plan) -> list[str]:
    """Return the warning about what a plan removes and LiteLLM goes on using, none if there is none."""
    gone = [name for name in CARRIED if name in plan.changes and _is_empty(name, plan.changes[name])]
    if plan.action != "update" or not gone:
        return []
    return [f"LiteLLM can go on using the removed {', '.join(gone)} until it is restarted."]
