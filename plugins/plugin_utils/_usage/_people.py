# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who has the keys, and what they used of them. Pure. Private: only for use inside this collection."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Any

from ansible_collections.litemaas.virtual_keys.plugins.module_utils._text import one_line
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._values import parse_time

Person = dict[str, Any]

# Letters that Unicode does not take apart, and beside which a reader looks for them.
LETTERS = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ħ": "h", "\u0131": "i", "ŧ": "t", "æ": "ae", "œ": "oe", "ð": "d", "þ": "th"}
)
# What a report says of a person if the keys are in several teams.
TEAM = "team"
TIMES = ("last_active", "expires_at")
AMOUNTS = ("spend", "max_budget", "remaining_budget")
TEXT, NUMBER, NOTHING = (str,), (int, float), (type(None),)
# What the report says of each person, and what each may be.
TYPES: dict[str, tuple[type, ...]] = {
    "name": TEXT,
    "user": TEXT,
    "user_id": (*TEXT, *NOTHING),
    "alias": (*TEXT, *NOTHING),
    "key_id": TEXT,
    "status": TEXT,
    "used": (bool,),
    "spend": NUMBER,
    "max_budget": (*NUMBER, *NOTHING),
    "remaining_budget": (*NUMBER, *NOTHING),
    **dict.fromkeys(TIMES, (*TEXT, *NOTHING)),
}


class Names:
    """Finds the name of the person who has a key.

    :param workshop: the alias of the workshop.
    :param people: who may bear the names: users, or mappings with what is known of a person.
    """

    def __init__(self, workshop: str, people: Iterable[Any]) -> None:
        self.workshop = workshop
        self._known: dict[tuple[str, str], tuple[int, str]] = {}
        for number, entry in enumerate(people):
            person = entry if isinstance(entry, Mapping) else {"user": entry}
            name = str(person.get("name") or person.get("user") or "")
            aliases = {"alias": f"{workshop}-{person.get('user')}", **person}
            for by in ("key_id", "alias", "user_id"):
                if name and aliases.get(by):
                    self._known.setdefault((by, str(aliases[by])), (number, name))

    def of(self, key: Mapping[str, Any]) -> tuple[str, str]:
        """Return the name of a key's owner, and the same as the workshop has it."""
        alias, metadata = str(key["key_alias"] or ""), key.get("metadata") or {}
        prefix = f"{key['group'] or self.workshop}-"
        user = alias[len(prefix) :] if alias.startswith(prefix) and alias != prefix else alias
        user = user or str(key["user_id"] or "") or f"key {key['key_id'][:8]}"
        known = [
            self._known[by]
            for by in (("key_id", key["key_id"]), ("alias", alias), ("user_id", str(key["user_id"] or "")))
            if by in self._known
        ]
        own = metadata["name"] if isinstance(metadata.get("name"), str) else user
        name = min(known)[1] if known else own  # that of the person who stands first
        return one_line(name) or user, user


def people_of(
    keys: Iterable[Mapping[str, Any]],
    names: Names,
    zone: tzinfo,
    earlier: Sequence[Person],
    teams: Mapping[str, str] | None = None,
) -> list[Person]:
    """Return what everybody used, in the order in which people look for a name.

    :param keys: as ``litellm_key_info`` returns them.
    :param earlier: the people of an earlier report.
    :param teams: what the teams are called, by ID, if the keys are in several.
    """
    every = list(keys)
    ids = {key["key_id"] for key in every}
    # What an old value spends while it goes on is said of the key in its place.
    present = [_person(key, names, zone, teams) for key in every if key.get("replaced_by") not in ids]
    gone = [{**_of_team(None, teams), **person} for person in _removed(present, earlier, zone)]
    return sorted([*present, *gone], key=_order)


def is_person(entry: Any) -> bool:
    """Return whether something is what an earlier report said of a person."""
    return (
        isinstance(entry, dict)
        and entry.keys() - {TEAM} == TYPES.keys()
        and isinstance(entry.get(TEAM), (*TEXT, *NOTHING))
        and all(isinstance(entry[name], types) for name, types in TYPES.items())
        and all(entry[name] is None or is_time(entry[name]) for name in TIMES)
        and all(math.isfinite(entry[name] or 0) for name in AMOUNTS)
    )


def is_time(text: str) -> bool:
    """Return whether a text is a time with its zone."""
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


def _person(key: Mapping[str, Any], names: Names, zone: tzinfo, teams: Mapping[str, str] | None) -> Person:
    name, user = names.of(key)
    spend, remaining, limit = key["spend"] or 0, key["remaining_budget"], key["max_budget"]
    if remaining is not None and (limit is None or limit - spend != remaining):  # of a budget object, or raised
        limit = round(remaining + spend, 12)
    spend_of_old = key.get("old_value_spend") or 0
    spend, remaining = spend + spend_of_old, None if remaining is None else remaining - spend_of_old
    return {
        "name": name,
        "user": user,
        "user_id": key["user_id"],
        "alias": key["key_alias"],
        "key_id": key["key_id"],
        "status": key["status"],
        # LiteLLM notes a rejected request as activity, too.
        "used": bool(spend or key["last_active"]) if key.get("used") is None else key["used"],
        "spend": spend,
        "max_budget": limit,
        "remaining_budget": None if remaining is None else round(remaining, 12),
        **_times(key, zone),
        **_of_team(key.get("team_id"), teams),
    }


def _of_team(team_id: str | None, teams: Mapping[str, str] | None) -> Person:
    """Return the team as the report has it, nothing where the keys are not in several."""
    return {TEAM: teams.get(team_id or "")} if teams else {}


def _times(entry: Mapping[str, Any], zone: tzinfo) -> dict[str, str | None]:
    return {
        field: parse_time(entry[field]).astimezone(zone).isoformat(timespec="seconds") if entry[field] else None
        for field in TIMES
    }


def _removed(present: Sequence[Person], before: Sequence[Person], zone: tzinfo) -> list[Person]:
    """Return those whose keys went since the earlier report: what they spent is known from there only.

    If none of its keys is left, it belongs to an earlier workshop.
    """
    ids, aliases = {person["key_id"] for person in present}, {person["alias"] for person in present}
    if not any(person["key_id"] in ids for person in before):
        return []
    gone = [person for person in before if person["key_id"] not in ids and person["alias"] not in aliases - {None}]
    return [{**person, **_times(person, zone), "status": "removed"} for person in gone]


def _order(person: Person) -> tuple[Any, ...]:
    """Return what to sort a person by: user2 stands before user10, Émile beside Emil, and Øystein beside Oystein."""
    name = person["name"].casefold()
    letters = unicodedata.normalize("NFKD", name).translate(LETTERS)
    plain = "".join(char for char in letters if not unicodedata.combining(char))
    parts = re.split(r"([0-9]+)", plain)
    return (
        [(int(part), "") if n % 2 else (0, part) for n, part in enumerate(parts)],
        name,
        str(person["alias"]),
        person["key_id"],
    )
