# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The requests that change the members of a team, as few as each LiteLLM takes. Pure.

Private: only for use inside this collection. One comes after the other: LiteLLM up to 1.90 loses members that are added
side by side.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from ..._crud._metadata import SPEND_MARK
from ..._engine import Plan
from ..._errors import ApiError
from ..._proxy import Proxy
from ._table import (
    BUDGETS_SINCE,
    LIMITS,
    RESET_SPEND,
    Member,
    by_id,
    inherited_period,
    limits_of,
    resets_of,
    to_write,
)

# LiteLLM adds the members of one request in one transaction, which may take no longer than 5 seconds.
MAX_ADDED = 25
MAX_AT_ONCE = 100
BULK_SINCE = "1.106.2"
# Since when a request that adds members takes the period of their budget.
ADDED_WITH_PERIOD_SINCE = "1.98.1"
ADDED_WITH = ("max_budget_in_team", "budget_duration", "allowed_models")

Request = tuple[str, dict[str, Any]]


def requests(team_id: str, plan: Plan, proxy: Proxy) -> Iterator[Request]:
    """Return those that make the members of a team as planned."""
    present, wanted = by_id(plan.existing), by_id({"members": plan.changes["members"]})
    new = [member for name, member in wanted.items() if name not in present]
    with_them = [name for name in ADDED_WITH if name != "budget_duration" or proxy.at_least(ADDED_WITH_PERIOD_SINCE)]
    yield from _additions(team_id, new, with_them)
    stay = [name for name in present if name in wanted]
    changed = {name: _without_reset(to_write(wanted[name], present[name])) for name in stay}
    for member in new:
        own = _own_limits(member)
        changed[member["user_id"]] = {name: value for name, value in own.items() if name not in with_them}
        if not member["budget_duration"] and inherited_period(plan.existing, member):
            changed[member["user_id"]]["budget_duration"] = None
    yield from _updates(team_id, wanted, {name: parts for name, parts in changed.items() if parts}, proxy)
    yield from _removals(team_id, [name for name in present if name not in wanted], proxy)


def resets(plan: Plan) -> dict[str, str]:
    """Return the members of the team whose spending has to be reset, each with the text of the reset."""
    present, wanted = by_id(plan.existing), by_id({"members": plan.changes["members"]})
    stay = [name for name in present if name in wanted]
    return {
        name: wanted[name][RESET_SPEND.name]
        for name in stay
        if RESET_SPEND.name in to_write(wanted[name], present[name])
    }


def reset(team_id: str, name: str, plan: Plan) -> Iterator[Request]:
    """Reset what a member has spent. LiteLLM counts nothing for a member without a row of their own."""
    if name in plan.existing["counted"]:
        # LiteLLM finds no ID with a slash there.
        yield f"/team/{quote(team_id, safe='')}/member/{quote(name, safe='')}/reset_spend", {"reset_to": 0.0}


def marks_of_new_and_gone(plan: Plan) -> dict[str, str | None]:
    """Return the texts of new members, and None for whom a text has to go: it was that of an earlier membership."""
    present, wanted = by_id(plan.existing), by_id({"members": plan.changes["members"]})
    new = {name: member[RESET_SPEND.name] for name, member in wanted.items() if name not in present}
    known = plan.existing.get("resets") or {}
    return {
        **{name: None for name in present if name not in wanted and name in known},
        **{name: text for name, text in new.items() if text != known.get(name)},
    }


def marked(metadata: Mapping[str, Any], marks: Mapping[str, str | None]) -> dict[str, Any] | None:
    """Return the metadata of a team with other texts for some members, None if they are there already."""
    known = resets_of(metadata)
    texts = {name: text for name, text in {**known, **marks}.items() if text is not None}
    return None if texts == known else {**metadata, SPEND_MARK: texts}


def _without_reset(parts: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in parts.items() if name != RESET_SPEND.name}


def _own_limits(member: Member) -> dict[str, Any]:
    return limits_of(member) if member["budget_source"] == "custom" else {}


def _additions(team_id: str, new: Sequence[Member], with_them: Sequence[str]) -> Iterator[Request]:
    """Add members with the same limits together, for the limits of a request are those of all of them."""
    groups: dict[str, list[Member]] = {}
    for member in new:
        own = {name: value for name, value in _own_limits(member).items() if name in with_them}
        groups.setdefault(json.dumps(own, sort_keys=True), []).append(member)
    for limits, members in groups.items():
        for some in _lists(members, MAX_ADDED):
            added = [{"user_id": member["user_id"], "role": member["role"]} for member in some]
            yield "/team/member_add", {"team_id": team_id, "member": added, **json.loads(limits)}


def halves(body: Mapping[str, Any], refusal: ApiError) -> list[dict[str, Any]]:
    """Return a list of members that took too long to add, of which LiteLLM has added nobody, as two."""
    members = body.get("member") or []
    if refusal.status != 500 or "transaction" not in refusal.message.lower() or len(members) < 2:
        return []
    middle = len(members) // 2
    return [{**body, "member": part} for part in (members[:middle], members[middle:])]


def _updates(
    team_id: str, wanted: Mapping[str, Member], changed: Mapping[str, Mapping[str, Any]], proxy: Proxy
) -> Iterator[Request]:
    """Return what changes about members; nothing else is sent, because a period that is sent again begins again."""
    together = [] if _bulk(team_id, proxy) is None else [name for name, parts in changed.items() if "role" not in parts]
    for some in _lists(together, MAX_AT_ONCE):
        rows = [{"user_id": name, **_as_sent(changed[name])} for name in some]
        yield f"{_bulk(team_id, proxy)}/bulk_update", {"members": rows}
    for name, parts in changed.items():
        if name not in together:
            limits = (
                _as_sent(parts) if proxy.version is None or proxy.at_least(BUDGETS_SINCE) else _all(wanted[name], parts)
            )
            yield "/team/member_update", {"team_id": team_id, "user_id": name, **limits}


def _all(member: Member, parts: Mapping[str, Any]) -> dict[str, Any]:
    """Return all limits of a member, for a server that forgets those that it is not sent."""
    role = {"role": parts["role"]} if "role" in parts else {}
    return {**role, **{name: value for name, value in limits_of(member).items() if name != "budget_duration"}}


def _as_sent(parts: Mapping[str, Any]) -> dict[str, Any]:
    cleared = {row.name: row.cleared for row in LIMITS}
    return {name: cleared[name] if value is None else value for name, value in parts.items()}


def _removals(team_id: str, names: Sequence[str], proxy: Proxy) -> Iterator[Request]:
    if _bulk(team_id, proxy) is None:
        yield from (("/team/member_delete", {"team_id": team_id, "user_id": name}) for name in names)
        return
    for some in _lists(names, MAX_AT_ONCE):
        yield f"{_bulk(team_id, proxy)}/bulk_delete", {"members": [{"user_id": name} for name in some]}


def _bulk(team_id: str, proxy: Proxy) -> str | None:
    """Return where requests for many members go, None if the server has no such place. It finds no id with a slash."""
    known = proxy.at_least(BULK_SINCE) and "/" not in team_id
    return f"/management/v1/teams/{quote(team_id, safe='')}/members" if known else None


def _lists(items: Sequence[Any], most: int) -> Iterator[Sequence[Any]]:
    return (items[start : start + most] for start in range(0, len(items), most))
