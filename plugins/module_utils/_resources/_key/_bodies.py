# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The requests that carry out a plan for a virtual key. Pure. Private: only for use inside this collection."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ..._engine import Plan
from ..._values import is_empty, parse_time
from ._rows import metadata_of
from ._table import INHERITED, KEY, NOT_THE_USERS, RETIRED_MARK, ROWS, retired_ids

CREATE_PATH = "/key/generate"
# The list travels with each request of the key.
MAX_RETIRED = 50


def create_path(plan: Plan) -> str:
    """Return the endpoint that makes the key."""
    had = KEY.view(plan.existing) if plan.action == "reissue" else {}
    paths = (row.create_path for name, row in ROWS.items() if not row.is_empty({**had, **plan.changes}.get(name)))
    return next(filter(None, paths), CREATE_PATH)


def create_body(plan: Plan, now: datetime) -> dict[str, Any]:
    """Body of ``/key/generate`` for a plan: what is declared, and for a reissue all that the old key has."""
    values = {name: value for name, value in plan.changes.items() if not ROWS[name].is_empty(value)}
    body: dict[str, Any] = {}
    if plan.action == "reissue":
        body, values = _inherited(plan, values)
        values["key_alias"] = plan.name  # the old key may bear another by now
    expires = values.pop("expires_at", None)
    for name, value in values.items():
        row = ROWS[name]
        if "create" in row.in_metadata_only:
            body["metadata"] = {**body.get("metadata", {}), row.entry: row.serialize(value)}
        elif name == "metadata":
            body["metadata"] = {**value, **body.get("metadata", {})}
        else:
            body[name] = row.serialize(value)
    if expires:
        body["duration"] = seconds_until(expires, now)
    if plan.value:
        body["key"] = plan.value
    return body


def _inherited(plan: Plan, values: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a new key takes over from the one whose place it takes: a body to start from, and values by option."""
    kept = {name: value for name, value in KEY.view(plan.existing).items() if not ROWS[name].entry}
    kept = {name: value for name, value in kept.items() if name not in plan.changes and name != "metadata"}
    if kept.get("budget_id"):
        kept.pop("soft_budget", None)  # it stands in the budget that budget_id names
    inherited = [name for name in INHERITED if name not in plan.after]  # spend stands there if it is reset
    body = {name: plan.existing[name] for name in inherited if not is_empty(plan.existing.get(name))}
    metadata = _merged_metadata(plan)
    metadata[RETIRED_MARK] = [*retired_ids(plan.existing), plan.existing["token"]][-MAX_RETIRED:]
    return {**body, "metadata": metadata}, {
        **kept,
        **{n: v for n, v in values.items() if n != "metadata"},
    }


def update_body(plan: Plan, now: datetime) -> dict[str, Any]:
    """Body of ``/key/update`` for a plan: only what changes; ``metadata``, which the server replaces, as a whole."""
    body: dict[str, Any] = {"key": plan.existing["token"]}
    for name, value in _with_partners(plan).items():
        row = ROWS[name]
        if name == "expires_at":
            body["duration"] = "-1" if is_empty(value) else seconds_until(value, now)
        elif row.update:
            body[name] = row.update(value, row.value(plan.existing))
        elif name != "metadata" and "update" not in row.in_metadata_only and not (row.entry and row.is_empty(value)):
            # A field kept in metadata goes at the top as well: only there does the server check it.
            body[name] = row.to_api(value)
    if any(name == "metadata" or ROWS[name].entry for name in plan.changes):
        body["metadata"] = _merged_metadata(plan)
    return body


def _with_partners(plan: Plan) -> dict[str, Any]:
    """Return the changes, and what an update takes only together with one of them."""
    partners = [ROWS[name].requires_field for name in plan.changes]
    present = KEY.view(plan.existing)
    return {**{name: present[name] for name in partners if name in present}, **plan.changes}


def _merged_metadata(plan: Plan) -> dict[str, Any]:
    """Return all of the key's metadata as it should be: other people's entries and other fields' values included."""
    merged = metadata_of(plan.existing)
    if "metadata" in plan.changes:
        merged = {name: value for name, value in merged.items() if name in NOT_THE_USERS}
        merged.update({} if is_empty(plan.changes["metadata"]) else plan.changes["metadata"])
    for name, value in plan.changes.items():
        row = ROWS[name]
        if row.entry:
            merged.pop(row.entry, None)
            if not row.is_empty(value):
                merged[row.entry] = row.serialize(value)
    return merged


def seconds_until(time: Any, now: datetime) -> str:
    return f"{max(0, math.ceil((parse_time(time) - now).total_seconds()))}s"
