# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The teams in which the keys are, and what is left of their budgets. Pure.

Private: only for use inside this collection.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.litemaas.virtual_keys.plugins.module_utils._values import parse_time

from ._people import is_time

Team = dict[str, Any]

GROUP_MARK = "litellm_vkey_group"
AMOUNT, NONE = (int, float), type(None)
# What a report says of a team.
TYPES: dict[str, Any] = {
    "team": str,
    "team_id": str,
    "keys": int,
    "used": int,
    "spend": AMOUNT,
    "max_budget": (*AMOUNT, NONE),
    "max_budget_spent": AMOUNT,
    "remaining_budget": (*AMOUNT, NONE),
    "last_active": (str, NONE),
    "on_leaderboard": bool,
}


def is_of(record: Mapping[str, Any], alias: str) -> bool:
    """Return whether a team bears the mark of a workshop."""
    return bool(alias) and (record.get("metadata") or {}).get(GROUP_MARK) == alias


def names_of(records: Iterable[Mapping[str, Any]], alias: str) -> dict[str, str]:
    """Return what the teams are called, by ID: in a workshop without its alias, elsewhere by their own.

    :param records: as ``litellm_team_info`` returns them.
    """
    names = {str(record["team_id"]): _name(record, alias) for record in records}
    bearers = Counter(names.values())
    return {team_id: name if bearers[name] == 1 else team_id for team_id, name in names.items()}


def _name(record: Mapping[str, Any], alias: str) -> str:
    team_id, prefix = str(record["team_id"]), f"{alias}-"
    if is_of(record, alias) and team_id.startswith(prefix):
        return team_id[len(prefix) :]
    return str(record.get("team_alias") or team_id)


def teams_of(
    records: Iterable[Mapping[str, Any]],
    names: Mapping[str, str],
    people: Sequence[Mapping[str, Any]],
    for_all: Container[str],
) -> list[Team]:
    """Return what each team used, the one that spent most first.

    :param records: as ``litellm_team_info`` returns them.
    :param names: what the teams are called, by ID.
    :param people: who used what, each with the name of the team.
    :param for_all: the IDs of the teams that everybody may see. What another one spends is not the people's business.
    """
    teams = [
        {**_team(record, names[str(record["team_id"])], people), "on_leaderboard": record["team_id"] in for_all}
        for record in records
    ]
    return sorted(teams, key=lambda team: (-team["max_budget_spent"], team["team"].casefold()))


def _team(record: Mapping[str, Any], name: str, people: Sequence[Mapping[str, Any]]) -> Team:
    own = [person for person in people if person["team"] == name]
    present = [person for person in own if person["status"] != "removed"]
    limit, spent = record.get("max_budget"), record.get("spend") or 0
    times = [person["last_active"] for person in own if person["last_active"]]
    return {
        "team": name,
        "team_id": record["team_id"],
        "keys": len(present),
        "used": sum(person["used"] for person in present),
        "spend": math.fsum(person["spend"] for person in own),
        "max_budget": limit,
        "max_budget_spent": spent,
        "remaining_budget": None if limit is None else round(limit - spent, 12),
        "last_active": max(times, key=parse_time, default=None),
    }


def are_teams(entries: Any) -> bool:
    """Return whether something is the teams of an earlier report."""
    return isinstance(entries, list) and all(map(_is_team, entries))


def _is_team(entry: Any) -> bool:
    return (
        isinstance(entry, dict)
        and entry.keys() == TYPES.keys()
        and all(isinstance(entry[name], types) for name, types in TYPES.items())
        and (entry["last_active"] is None or is_time(entry["last_active"]))
        and all(
            math.isfinite(entry[name] or 0) for name in ("spend", "max_budget", "max_budget_spent", "remaining_budget")
        )
    )


def is_spent(team: Mapping[str, Any]) -> bool:
    """Return whether a team has nothing left, so that the proxy rejects the requests of its keys."""
    return team["remaining_budget"] is not None and team["remaining_budget"] <= 0


def binding(teams: Iterable[Team], people: Sequence[Mapping[str, Any]], own: Container[str]) -> list[Team]:
    """Return the teams whose budgets limit the keys: those of the workshop, and those of keys without a budget.

    :param own: the IDs of the teams of the workshop.
    """
    unlimited = {person.get("team") for person in people if person["max_budget"] is None}
    return [
        team
        for team in teams
        if team["max_budget"] is not None and (team["team"] in unlimited or team["team_id"] in own)
    ]
