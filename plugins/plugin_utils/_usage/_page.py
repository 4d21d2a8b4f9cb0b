# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The usage of keys as a table, and as the content of a page. Private: only for use inside this collection.

Pure functions.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Container, Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from .._hand_out._texts import cell
from .._pages import render_page
from ._people import AMOUNTS, TEAM
from ._teams import is_spent
from ._words import NEVER_USED, ONLY_REJECTED, STATUS, attention, is_apart, is_rejected, money

Entry = Mapping[str, Any]
# The status of a key that could be used if its team had something left.
OF_TEAM = "team_over_budget"

COLUMNS = (
    "name", "user", "user_id", "alias", "status", "used", "spend", "max_budget", "remaining_budget", "last_active",
    "expires_at", "key_id",
)  # fmt: skip
TEMPLATES = Path(__file__).resolve().parents[3] / "roles" / "report_usage" / "templates"
# After how many seconds a browser looks again at who leads.
REFRESH = 30


# The table


def csv_table(people: Sequence[Entry]) -> str:
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    columns = (*COLUMNS, TEAM) if any(TEAM in person for person in people) else COLUMNS
    rows.writerow(columns)
    rows.writerows([_cell(column, person[column]) for column in columns] for person in people)
    return text.getvalue()


def _cell(column: str, value: Any) -> str:
    if value is None:
        return ""
    if column in AMOUNTS:
        return _plain(value)
    return cell(re.sub(r"[\r\n]+", " ", str(value).lower() if isinstance(value, bool) else str(value)))


def _plain(number: float) -> str:
    """Return all digits, and no exponent, which not every program reads."""
    return f"{Decimal(str(number)):f}"


# The page


def page(report: Entry) -> str:
    """Return a page that needs nothing from elsewhere. All text in it is made fit for HTML."""
    return render_page(TEMPLATES / "usage.html.j2", content(report))


def leaderboard(report: Entry) -> str:
    """Return a page for everybody to see, which reads itself again: what the teams spent, and nothing of people."""
    rows, scale = _teams(report["teams"])
    latest = max(filter(None, (row["last_active"] for row in rows)), default=None)
    ranks = {row["spend"]: rank for rank, row in reversed(list(enumerate(rows, 1)))}
    return render_page(
        TEMPLATES / "leaderboard.html.j2",
        {
            "title": report["title"],
            "refresh": REFRESH,
            "time_zone": report["time_zone"],
            "last_active": latest,
            "scale": scale,
            "teams": [{**row, "rank": ranks[row["spend"]]} for row in rows],
        },
    )


def content(report: Entry) -> dict[str, Any]:
    """Return what the page shows, as text: the one who spent most first.

    What is the same for everybody stands there once.
    """
    totals, people = report["totals"], report["people"]
    scale, is_budget = _scale(people)
    stopped = {team["team"] for team in report.get("teams") or () if is_spent(team)}
    rows = sorted((_row(person, scale, stopped) for person in people), key=lambda row: -row["spend"])
    teams, team_scale = _teams(report.get("teams") or ())
    cap = totals["max_budget"]
    return {
        "title": report["title"],
        "spent": money(totals["spend"] if cap is None else totals["max_budget_spent"]),
        "by_keys": money(totals["spend"]) if is_apart(totals) else None,
        "cap": None if cap is None else money(cap),
        "left": None if cap is None else money(max(totals["remaining_budget"], 0)),
        "share": _share(totals["spend"] if cap is None else totals["max_budget_spent"], cap),
        "keys": totals["keys"],
        "used": totals["used"],
        "last_active": _minute(totals["last_active"]),
        "time_zone": report["time_zone"],
        "attention": attention(people),
        "limit": _common(row["limit"] for row in rows),
        "expires_at": _common(row["expires_at"] for row in rows),
        "decimals": max((len(row["spent"].partition(".")[2]) for row in rows), default=2),
        "scale": money(scale) if scale else None,
        "scale_is_budget": is_budget,
        "rows": rows,
        "teams": teams,
        "team_scale": team_scale,
    }


def _scale(people: Sequence[Entry]) -> tuple[float, bool]:
    """Return how much a whole bar stands for, and whether that is the budget that all have."""
    most = max((person["spend"] for person in people), default=0)
    limits = {person["max_budget"] for person in people}
    limit = limits.pop() if len(limits) == 1 else None
    return (limit, True) if limit is not None and limit >= most else (most, False)


def _teams(teams: Sequence[Entry]) -> tuple[list[dict[str, Any]], str]:
    """Return the rows of the teams, and what a whole bar stands for."""
    most = max((team["max_budget_spent"] for team in teams), default=0)
    limits = {team["max_budget"] for team in teams}
    common = limits.pop() if len(limits) == 1 else None
    scale = common if common is not None and common >= most else most
    rows = [
        {
            "name": team["team"],
            "spend": team["max_budget_spent"],
            "spent": money(team["max_budget_spent"]),
            "length": _share(min(team["max_budget_spent"], scale), scale),
            "limit": None if team["max_budget"] is None else money(team["max_budget"]),
            "share": _share(team["max_budget_spent"], team["max_budget"]),
            "is_spent": is_spent(team),
            "keys": team["keys"],
            "used": team["used"],
            "last_active": _minute(team["last_active"]),
        }
        for team in teams
    ]
    what = "the budget of each team" if scale == common else "the most that one team spent"
    return rows, f"{money(scale)} USD, {what}" if scale else ""


def _row(person: Entry, scale: float, stopped: Container[str]) -> dict[str, Any]:
    limit, status = person["max_budget"], person["status"]
    if status == "active" and person.get(TEAM) in stopped:
        status = OF_TEAM
    idle = status == "active" and not person["used"]
    idle_text = ONLY_REJECTED if is_rejected(person) else NEVER_USED
    return {
        "name": person["name"],
        "user": person["user"],
        "team": person.get(TEAM),
        "status": "idle" if idle else "over_budget" if status == OF_TEAM else status,
        "status_text": idle_text if idle else "Team out of budget" if status == OF_TEAM else STATUS[status],
        "spend": person["spend"],
        "spent": money(person["spend"]),
        "length": _share(person["spend"], scale),
        "limit": "none" if limit is None else money(limit),
        "share": _share(person["spend"], limit),
        "last_active": _minute(person["last_active"]) or ("unknown" if person["used"] else "never"),
        "expires_at": _minute(person["expires_at"]) or "never",
    }


def _common(texts: Iterable[str]) -> str | None:
    """Return what all are, if there are several and they are all the same."""
    found = list(texts)
    return found[0] if len(found) > 1 and len(set(found)) == 1 else None


def _share(part: float, whole: float | None) -> float | None:
    """Return a part in percent, with one decimal, rounded down: 100 is reached, not nearly reached."""
    return math.floor(round(1000 * min(part / whole, 100), 6)) / 10 if whole else None


def _minute(text: str | None) -> str | None:
    return text and f"{datetime.fromisoformat(text):%Y-%m-%d %H:%M}"
