# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The usage of keys: people, totals, sentences, a table, and the content of a page."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import tzinfo
from typing import Any

from ansible_collections.litemaas.virtual_keys.plugins.module_utils._errors import InputError
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._text import one_line
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._values import moment
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._hand_out._texts import time_zone
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._usage._page import csv_table, page
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._usage._words import STATUS, is_rejected, sentences
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._variables import NOTHING, VariableError, amount

Entry = Mapping[str, Any]
Person = dict[str, Any]

TIMES = ("last_active", "expires_at")


def usage(keys: Sequence[Entry], options: Entry) -> dict[str, Any]:
    """The usage as data, sentences, a table, and the content of a page, or what is wrong with the options.

    A problem is returned, not raised: Ansible wraps what a filter raises in pages of context.

    :param keys: of ``litellm_key_info``.
    :param options: ``alias``, ``title``, ``total_budget``, ``team`` whose budget all keys spend, ``time_zone``,
        ``people`` who may bear the names, and the ``earlier`` report.
    """
    try:
        zone = time_zone(str(options.get("time_zone") or "UTC").strip())
        total_budget = _amount(options.get("total_budget"))
    except (InputError, VariableError) as error:
        return {"problem": str(error)}
    names = _Names(str(options.get("alias") or ""), options.get("people") or ())
    present = [_person(key, names, zone) for key in keys]
    people = sorted([*present, *_removed(present, options.get("earlier") or {}, zone)], key=_by_name)
    money_spent = _money(people, total_budget, options.get("team") or {})
    totals = {**_counts(people), **money_spent, "last_active": _latest(people)}
    report = {
        "title": str(options.get("title") or "Virtual keys"),
        "time_zone": str(zone),
        "totals": totals,
        "people": people,
    }
    return {
        "problem": "",
        "report": report,
        "said": sentences(report),
        "csv": csv_table(people),
        "page": page(report),
    }


# What the options mean


def _amount(value: Any) -> float | None:
    """An amount in USD; none if none is given."""
    if value is None or (isinstance(value, str) and value.strip() in NOTHING):
        return None
    return amount("litellm_vkey_total_budget", value)


# People


class _Names:
    """Finds the name of the person who has a key."""

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

    def of(self, key: Entry) -> tuple[str, str]:
        """The name of a key's owner, and the same as the workshop has it."""
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


def _person(key: Entry, names: _Names, zone: tzinfo) -> Person:
    name, user = names.of(key)
    spend, remaining, limit = key["spend"] or 0, key["remaining_budget"], key["max_budget"]
    if limit is None and remaining is not None:  # that of a budget that several keys refer to
        limit = round(remaining + spend, 12)
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
    }


def _times(entry: Entry, zone: tzinfo) -> dict[str, str | None]:
    return {
        field: moment(entry[field]).astimezone(zone).isoformat(timespec="seconds") if entry[field] else None
        for field in TIMES
    }


def _removed(present: Sequence[Person], earlier: Entry, zone: tzinfo) -> list[Person]:
    """Those whose keys went since the earlier report: what they spent is known from there only.

    If none of its keys is left, it belongs to an earlier workshop.
    """
    ids, aliases = {person["key_id"] for person in present}, {person["alias"] for person in present}
    before = earlier.get("people") or []
    if not any(person["key_id"] in ids for person in before):
        return []
    gone = [person for person in before if person["key_id"] not in ids and person["alias"] not in aliases - {None}]
    return [{**person, **_times(person, zone), "status": "removed"} for person in gone]


def _by_name(person: Person) -> tuple[Any, ...]:
    """user2 stands before user10."""
    parts = re.split(r"([0-9]+)", person["name"].casefold())
    return (
        [(int(part), "") if n % 2 else (0, part) for n, part in enumerate(parts)],
        str(person["alias"]),
        person["key_id"],
    )


# Totals


def _counts(people: Sequence[Person]) -> dict[str, int]:
    present = [person for person in people if person["status"] != "removed"]
    used = sum(person["used"] for person in present)
    rejected = sum(is_rejected(person) for person in present)
    by_status = {status: sum(person["status"] == status for person in people) for status in STATUS}
    never = len(present) - used - rejected
    return {"keys": len(present), "used": used, "never_used": never, "only_rejected": rejected, **by_status}


def _money(people: Sequence[Person], total_budget: float | None, team: Entry) -> dict[str, Any]:
    """What was spent, and of which budget: that of the team counts what is asked for with any of its keys."""
    spend = counted = math.fsum(person["spend"] for person in people)
    unlimited = sum(person["max_budget"] is None for person in people)
    cap, source = total_budget, "total_budget"
    if team.get("max_budget") is not None:
        cap, source, counted = team["max_budget"], "team", team.get("spend") or 0
    elif cap is None:
        cap, source = _sum_of_limits(people), "keys"
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
    return max(times, key=moment, default=None)


class FilterModule:
    """Filters of this collection."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"usage": usage}
