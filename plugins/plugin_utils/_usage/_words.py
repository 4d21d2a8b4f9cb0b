# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the usage of keys amounts to, in words. Private: only for use inside this collection. Pure functions."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.litemaas.virtual_keys.plugins.module_utils._text import join_limited, one_line

from ._teams import is_spent

Entry = Mapping[str, Any]

STATUS = {
    "over_budget": "Out of budget",
    "expired": "Expired",
    "blocked": "Blocked",
    "removed": "Removed",
    "active": "Active",
}
NEVER_USED = "Never used"
ONLY_REJECTED = "Only rejected requests"


def is_rejected(person: Entry) -> bool:
    """Return whether all requests of the person were rejected."""
    return bool(person["last_active"]) and not person["used"]


def money(usd: float) -> str:
    """Return an amount in USD with two decimals, below 1 USD with as many as two digits take: 0.00012 is not 0.00."""
    decimals = 2
    if 0 < abs(usd) < 1:
        decimals = max(2, 1 - math.floor(math.log10(abs(usd))))
    return f"{usd:,.{decimals}f}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def sentences(report: Entry, called: str) -> list[str]:
    """Return the essence of a report in sentences, of which the first says what the report is of."""
    totals = report["totals"]
    said = [f"{called}: {_count(totals['keys'], 'key')}, {totals['used']} used, {_spent(totals)}."]
    if is_apart(totals):
        said.append(f"The keys themselves spent {money(totals['spend'])} USD.")
    teams = report.get("teams") or ()
    if teams:
        said.append(f"Teams: {join_limited(list(map(_of_team, teams)))}.")
    spent = [team["team"] for team in teams if is_spent(team)]
    if spent:
        said.append(f"Out of budget: {join_limited(spent)}. The proxy rejects the requests of their keys.")
    is_of_all = totals["max_budget_from"] in ("team", "total_budget")
    if is_of_all and totals["max_budget"] is not None and totals["remaining_budget"] <= 0:
        refused = " The proxy rejects the requests of all keys." if totals["max_budget_from"] == "team" else ""
        said.append(f"The total budget is spent.{refused}")
    groups = attention(report["people"])
    said += [
        f"{title}: {join_limited([f'{name} ({user})' if user else name for name, user in names])}."
        for title, names in groups
    ]
    return said if groups or spent else [*said, "No one needs attention."]


def _of_team(team: Entry) -> str:
    cap = "(no cap)" if team["max_budget"] is None else f"of {money(team['max_budget'])} USD"
    return f"{one_line(team['team'])} {money(team['max_budget_spent'])} USD {cap}"


def _spent(totals: Entry) -> str:
    if totals["max_budget"] is not None:
        return f"{money(totals['max_budget_spent'])} USD of {money(totals['max_budget'])} USD"
    return f"{money(totals['spend'])} USD spent, no cap ({_count(totals['unlimited'], 'key')} without a budget)"


def is_apart(totals: Entry) -> bool:
    """Return whether the budget counts something else than the keys: also those removed, or only since they joined."""
    return totals["max_budget"] is not None and money(totals["max_budget_spent"]) != money(totals["spend"])


def attention(people: Sequence[Entry]) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return who cannot go on, who has not begun, and who is gone: names, each with the user where several bear it."""
    groups = [
        (STATUS[status], [person for person in people if person["status"] == status])
        for status in ("over_budget", "expired", "blocked")
    ]
    present = [one for one in people if one["status"] != "removed"]
    groups.append((ONLY_REJECTED, [one for one in present if is_rejected(one) and one["status"] == "active"]))
    groups.append((NEVER_USED, [one for one in present if not one["used"] and not is_rejected(one)]))
    groups.append(("Removed, still counted", [one for one in people if one["status"] == "removed"]))
    bearers = Counter(person["name"] for person in people)
    return [
        (title, [(one["name"], one["user"] if bearers[one["name"]] > 1 else "") for one in group])
        for title, group in groups
        if group
    ]
