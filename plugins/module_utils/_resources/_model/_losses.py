# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who needs a model that is to be deleted, or to have another name. Private: only for use inside this collection."""

from __future__ import annotations

from ..._crud._definition import Record
from ..._crud._dependents import (
    ACCESS_GROUP,
    FALLBACK,
    KEY,
    MODEL,
    TEAM,
    USER,
    Row,
    count_and_name,
    fetch_rows,
    find_dependents,
    models_of,
)
from ..._engine import Plan
from ..._proxy import Proxy
from ..._text import join_limited
from ._table import INFO


def losses(plan: Plan, proxy: Proxy) -> list[str]:
    """Return who names what nothing serves any more once a model is gone or has another name."""
    gone = _served(plan.existing)
    if plan.action == "update":
        gone -= _served({**plan.existing, **plan.changes})
    rows = fetch_rows(proxy, MODEL) if gone else []
    for row in rows:
        if (row.get(INFO) or {}).get("id") != plan.existing["model_id"]:
            gone -= _served(row)
    if not gone:
        return []

    def names_it(row: Row) -> bool:
        return not gone.isdisjoint([*(row.get("models") or ()), *(row.get("access_model_names") or ())])

    uses = {
        **dict.fromkeys((KEY, TEAM, USER, ACCESS_GROUP), names_it),
        FALLBACK: lambda row: not gone.isdisjoint(models_of(row)),
    }
    named_by = count_and_name(find_dependents(proxy, uses))
    served = join_limited(sorted(gone))
    return [f"No other deployment serves {served}, which is named by {named_by}."] if named_by else []


def _served(record: Record) -> set[str]:
    """Return the names by which a deployment can be named: its own, and its access groups."""
    groups = (record.get(INFO) or {}).get("access_groups") or ()
    return {str(name) for name in (record.get("model_name"), *groups) if name}
