# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The requests that carry out a plan for a virtual key. Pure. Private: only for use inside this collection."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ..._engine import Plan
from ..._values import is_empty, moment
from ._table import (
    KEY,
    METADATA_BACKED,
    METADATA_ONLY,
    NOT_THE_USERS,
    OURS,
    PAIRS,
    metadata_of,
    object_permissions,
    without_zone,
)

# What no option names and a key that takes another's place must have all the same.
INHERITED = ("spend", "tpd_limit", "budget_fallbacks")


def create_path(plan: Plan) -> str:
    """The endpoint that makes the key: a service account's has one of its own."""
    is_service = not is_empty(plan.changes.get("service_account_id")) or (
        plan.action == "reissue" and not is_empty(KEY.field("service_account_id").value(plan.current))
    )
    return "/key/service-account/generate" if is_service else "/key/generate"


def create_body(plan: Plan, now: datetime) -> dict[str, Any]:
    """Body of ``/key/generate`` for a plan: what is declared, and for a reissue all that the old key has."""
    values = {name: value for name, value in plan.changes.items() if not is_empty(value)}
    body: dict[str, Any] = {}
    if plan.action == "reissue":
        body, values = _inherited(plan, values)
        values["key_alias"] = plan.name  # the old key may bear another by now
    expires = values.pop("expires_at", None)
    only_metadata = {name: values.pop(name) for name in METADATA_ONLY if name in values}
    body.update((name, _sendable(name, value)) for name, value in values.items())
    if only_metadata:
        entries = {METADATA_BACKED[name]: _sendable(name, value) for name, value in only_metadata.items()}
        body["metadata"] = {**body.get("metadata", {}), **entries}
    if expires:
        body["duration"] = _seconds_until(expires, now)
    if plan.value:
        body["key"] = plan.value
    return body


def _inherited(plan: Plan, values: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a new key takes over from the one whose place it takes: a body to start from, and values by option."""
    kept = {name: value for name, value in KEY.view(plan.existing).items() if name not in METADATA_BACKED}
    kept = {name: value for name, value in kept.items() if name not in plan.changes and name != "metadata"}
    if kept.get("budget_id"):
        kept.pop("soft_budget", None)  # it stands in the budget that budget_id names
    inherited = [name for name in INHERITED if name not in plan.after]  # spend stands there if it is reset
    body = {name: plan.existing[name] for name in inherited if not is_empty(plan.existing.get(name))}
    metadata = _merged_metadata(plan)
    return {**body, **({"metadata": metadata} if metadata else {})}, {
        **kept,
        **{n: v for n, v in values.items() if n != "metadata"},
    }


def update_body(plan: Plan, now: datetime) -> dict[str, Any]:
    """Body of ``/key/update`` for a plan: only what changes; ``metadata``, which the server replaces, as a whole."""
    body: dict[str, Any] = {"key": plan.existing["token"]}
    for name, value in _with_partners(plan).items():
        if name == "expires_at":
            body["duration"] = "-1" if is_empty(value) else _seconds_until(value, now)
        elif name == "object_permission" and is_empty(value):
            body[name] = {part: type(given)() for part, given in object_permissions(plan.existing).items()}
        elif name not in ("metadata", *OURS) and not (name in METADATA_BACKED and is_empty(value)):
            # A field kept in metadata goes at the top as well: only there does the server check it.
            body[name] = KEY.field(name).cleared if is_empty(value) else _sendable(name, value)
    if any(name == "metadata" or name in METADATA_BACKED for name in plan.changes):
        body["metadata"] = _merged_metadata(plan)
    return body


def _with_partners(plan: Plan) -> dict[str, Any]:
    """The changes, and what an update takes only together with one of them."""
    partners = [name for pair in PAIRS if any(one in plan.changes for one in pair) for name in pair]
    present = KEY.view(plan.existing)
    return {**{name: present[name] for name in partners if name in present}, **plan.changes}


def _merged_metadata(plan: Plan) -> dict[str, Any]:
    """All of the key's metadata as it shall be: other people's entries and other fields' values included."""
    merged = metadata_of(plan.existing)
    if "metadata" in plan.changes:
        merged = {name: value for name, value in merged.items() if name in NOT_THE_USERS}
        merged.update({} if is_empty(plan.changes["metadata"]) else plan.changes["metadata"])
    for name, entry in METADATA_BACKED.items():
        if name in plan.changes:
            merged.pop(entry, None)
            if not is_empty(plan.changes[name]):
                merged[entry] = _sendable(name, plan.changes[name])
    return merged


def _sendable(name: str, value: Any) -> Any:
    """A value as the API takes it: budget windows without what the server added, times as all versions read them."""
    if name == "budget_limits":
        return [{part: window[part] for part in ("max_budget", "budget_duration")} for window in value]
    if name == "temp_budget_expiry":
        return without_zone(value)
    return value


def _seconds_until(time: Any, now: datetime) -> str:
    return f"{max(0, math.ceil((moment(time) - now).total_seconds()))}s"
