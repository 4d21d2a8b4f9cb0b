# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all people together used. Pure. Private: only for use inside this collection."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.litemaas.virtual_keys.plugins.module_utils._values import parse_time

from ._people import TEAM, Person
from ._teams import Team
from ._words import STATUS, is_rejected


def totals_of(
    people: Sequence[Person],
    total_budget: float | None,
    team: Mapping[str, Any],
    binding: Sequence[Team] = (),
) -> dict[str, Any]:
    """Return the totals of a report.

    :param total_budget: what all can spend, if that is said.
    :param team: whose budget all keys spend, empty if there is none.
    :param binding: of several teams those whose budgets limit their keys.
    """
    return {**_counts(people), **_money(people, total_budget, team, binding), "last_active": _latest(people)}


def are_totals(entry: Any) -> bool:
    """Return whether something is the totals of an earlier report."""
    texts = ("max_budget_from", "last_active")
    return (
        isinstance(entry, dict)
        and entry.keys() == totals_of((), None, {}).keys()
        and all(isinstance(entry[name], (str, type(None))) for name in texts)
        and all(_is_amount(value) for name, value in entry.items() if name not in texts)
    )


def _is_amount(value: Any) -> bool:
    return value is None or (isinstance(value, (int, float)) and math.isfinite(value))


def _counts(people: Sequence[Person]) -> dict[str, int]:
    present = [person for person in people if person["status"] != "removed"]
    used = sum(person["used"] for person in present)
    rejected = sum(is_rejected(person) for person in present)
    by_status = {status: sum(person["status"] == status for person in people) for status in STATUS}
    never = len(present) - used - rejected
    return {"keys": len(present), "used": used, "never_used": never, "only_rejected": rejected, **by_status}


def _money(
    people: Sequence[Person], total_budget: float | None, team: Mapping[str, Any], binding: Sequence[Team]
) -> dict[str, Any]:
    """Return what was spent, and of which budget: that of the team counts what is asked for with any of its keys."""
    spend = counted = math.fsum(person["spend"] for person in people)
    unlimited = sum(person["max_budget"] is None for person in people)
    cap, source = total_budget, "total_budget"
    if team.get("max_budget") is not None:
        cap, source, counted = team["max_budget"], "team", team.get("spend") or 0
    elif cap is None:
        bound = {one[TEAM] for one in binding}
        others = [person for person in people if person.get(TEAM) not in bound]
        limits = _sum_of_limits(others)
        cap, source = None if limits is None else limits + math.fsum(one["max_budget"] for one in binding), "keys"
        if binding:
            source = "teams"
            spends = [*(one["max_budget_spent"] for one in binding), *(person["spend"] for person in others)]
            counted = math.fsum(spends)
    return {
        "spend": spend,
        "max_budget": cap,
        "max_budget_from": source if cap is not None else None,
        "max_budget_spent": None if cap is None else counted,
        "remaining_budget": None if cap is None else round(cap - counted, 12),
        "unlimited": unlimited,
    }


def _sum_of_limits(people: Sequence[Person]) -> float | None:
    limits = [person["max_budget"] for person in people]
    return None if None in limits else math.fsum(limits)


def _latest(people: Sequence[Person]) -> str | None:
    times = [person["last_active"] for person in people if person["last_active"]]
    return max(times, key=parse_time, default=None)
