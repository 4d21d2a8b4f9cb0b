# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values that are replaced for their age, and the old ones, which go on for a grace. Pure.

Private: only for use inside this collection.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from ..._durations import add_duration
from ..._engine import Plan
from ..._values import parse_time
from ._declaration import KeyDeclaration
from ._table import KEY, grace_of, retired_ids, successor_of, token_of, unadded_spend, value_made_at, version_of


def is_old(want: KeyDeclaration, record: Mapping[str, Any], moment: datetime | None) -> bool:
    """Return whether the value of a key is to be replaced for its age. Nobody can tell without a ``moment``."""
    made = value_made_at(record)
    if not want.rotate_after or made is None or moment is None:
        return False
    return add_duration(made, want.rotate_after) <= moment


def is_expired(record: Mapping[str, Any], now: datetime) -> bool:
    """Return whether a key has expired."""
    return _is_past(KEY.field("expires_at").value(record), now)


def _is_past(time: Any, now: datetime) -> bool:
    """Return whether there is such a time, and it is past."""
    return bool(time) and parse_time(time) <= now


def _next_version(want: KeyDeclaration, current: Mapping[str, Any]) -> int:
    """Return the version of the seed whose value takes the place of the present one: the first that was never used."""
    had = {current["token"], *retired_ids(current)}
    version = max(want.version, version_of(current))
    while token_of(want.derived(version, current) or "") in had:
        version += 1
    return version


def is_due(
    want: KeyDeclaration, plan: Plan, now: datetime, past: datetime | None, is_known: bool, interrupted: bool
) -> bool:
    """Return whether the value is to be replaced for its age, or because a run was interrupted while it replaced it."""
    if not want.rotate_after or will_be_expired(plan, now):
        return False
    if not is_known and want.value_policy == "fail":
        return False
    return interrupted or is_old(want, plan.existing, past)


def will_be_expired(plan: Plan, now: datetime) -> bool:
    """Return whether a key has expired and is not renewed by the plan."""
    return _is_past(plan.after.get("expires_at", KEY.field("expires_at").value(plan.existing)), now)


def with_next_version(want: KeyDeclaration, plan: Plan) -> tuple[KeyDeclaration, Plan]:
    """Return both with the next value of the seed, of which the version is noted with the key."""
    version = _next_version(want, plan.existing)
    noted = {"key_version": version}
    return replace(want, value=want.derived(version, plan.existing)), replace(
        plan,
        changes={**plan.changes, **noted},
        before={**plan.before, "key_version": max(want.version, version_of(plan.existing))},
        after={**plan.after, **noted},
    )


def with_spend_of_old(plan: Plan, old: Iterable[Mapping[str, Any]]) -> Plan:
    """Return the plan that also shows what is added to the spending: that of old values, whose grace is over."""
    added = sum(unadded_spend(plan.existing, record) for record in old)
    if not added or "spend" in plan.after:
        return plan
    spend = plan.existing.get("spend") or 0.0
    return replace(plan, before={**plan.before, "spend": spend}, after={**plan.after, "spend": spend + added})


def is_to_go_on(record: Mapping[str, Any]) -> bool:
    """Return whether a run that replaced the value of a key for its age has yet to begin the grace of the old one."""
    return grace_of(record) is not None and successor_of(record) is None


def goes_on(want: KeyDeclaration, plan: Plan, now: datetime) -> bool:
    """Return whether the old value of a reissue goes on: it is replaced for its age, and for nothing else."""
    old = plan.existing
    if not want.grace or want.ends or "reissue" in plan.changes or is_expired(old, now):
        return False
    # What an interrupted run has begun to replace bears the mark of it.
    return is_to_go_on(old) if old.get("key_alias") == want.retired_alias else is_old(want, old, now)


def ages(record: Mapping[str, Any], now: datetime, old: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return how old the value of a key is, and what became of the one before it.

    :param old: the key whose place it took, if that is still there.
    """
    made = value_made_at(record)
    return {
        "value_created_at": made and made.isoformat(timespec="seconds"),
        "value_age_days": made and (now - made).days,
        "old_value_until": KEY.field("expires_at").value(old) if old and not is_expired(old, now) else None,
        "old_value_spend": unadded_spend(record, old) if old else 0.0,
        "replaced_by": successor_of(record),
    }
