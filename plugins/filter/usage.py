# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The usage of keys: people, totals, sentences, a table, and the content of a page."""

from __future__ import annotations

import csv
import html
import io
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, tzinfo
from decimal import Decimal
from typing import Any

from ansible_collections.litemaas.virtual_keys.plugins.module_utils._errors import InputError
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._values import moment
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._hand_out._texts import cell, one_line, time_zone

Entry = Mapping[str, Any]
Person = dict[str, Any]

COLUMNS = (
    "name", "user", "user_id", "alias", "status", "used", "spend", "max_budget", "remaining_budget", "last_active",
    "expires_at", "key_id",
)  # fmt: skip
TIMES = ("last_active", "expires_at")
AMOUNTS = ("spend", "max_budget", "remaining_budget")
STATUS = {
    "over_budget": "Out of budget",
    "expired": "Expired",
    "blocked": "Blocked",
    "removed": "Removed",
    "active": "Active",
}
NEVER_USED = "Never used"
NAMES_IN_A_SENTENCE = 10
NOTHING = ("", "null", "none", "None")


class UsageError(ValueError):
    """The variables are invalid or contradictory. The text is a sentence for the user."""


def usage(keys: Sequence[Entry], options: Entry) -> dict[str, Any]:
    """The usage as data, sentences, a table, and the content of a page, or what is wrong with the options.

    A problem is returned, not raised: Ansible wraps what a filter raises in pages of context.

    :param keys: of ``litellm_key_info``.
    :param options: ``alias``, ``title``, ``total_budget``, ``time_zone``, ``people`` who may bear the names, and the
        ``earlier`` report.
    """
    try:
        zone = _zone(options.get("time_zone"))
        total_budget = _amount(options.get("total_budget"))
    except UsageError as error:
        return {"problem": str(error)}
    names = _Names(str(options.get("alias") or ""), options.get("people") or ())
    present = [_person(key, names, zone) for key in keys]
    people = sorted([*present, *_removed(present, options.get("earlier") or {}, zone)], key=_by_name)
    totals = {**_counts(people), **_money(people, total_budget), "last_active": _latest(people)}
    report = {
        "title": str(options.get("title") or "Virtual keys"),
        "time_zone": str(zone),
        "totals": totals,
        "people": people,
    }
    return {
        "problem": "",
        "report": report,
        "said": _sentences(report),
        "csv": _csv(people),
        "page": _escaped(_page(report)),
    }


# What the options mean


def _zone(name: Any) -> tzinfo:
    try:
        return time_zone(str(name or "UTC").strip())
    except InputError as error:
        raise UsageError(str(error)) from error


def _amount(value: Any) -> float | None:
    """An amount in USD; none if none is given."""
    if value is None or (isinstance(value, str) and value.strip() in NOTHING):
        return None
    try:
        amount = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        amount = math.nan
    if not (math.isfinite(amount) and amount >= 0):
        raise UsageError(f"litellm_vkey_total_budget: '{value}' is not an amount in USD. Use a number such as 10.50.")
    return amount


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
        "used": bool(spend or key["last_active"]),
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
    by_status = {status: sum(person["status"] == status for person in people) for status in STATUS}
    return {"keys": len(present), "used": used, "never_used": len(present) - used, **by_status}


def _money(people: Sequence[Person], total_budget: float | None) -> dict[str, Any]:
    spend = math.fsum(person["spend"] for person in people)
    unlimited = sum(person["max_budget"] is None for person in people)
    cap, source = total_budget, "total_budget"
    if cap is None:
        cap, source = _sum_of_limits(people), "keys"
    return {
        "spend": spend,
        "max_budget": cap,
        "max_budget_from": source if cap is not None else None,
        "remaining_budget": None if cap is None else round(cap - spend, 12),
        "unlimited": unlimited,
    }


def _sum_of_limits(people: Sequence[Person]) -> float | None:
    limits = [person["max_budget"] for person in people]
    return None if None in limits else math.fsum(limits)


def _latest(people: Sequence[Person]) -> str | None:
    times = [person["last_active"] for person in people if person["last_active"]]
    return max(times, key=moment, default=None)


# Words


def money(amount: float) -> str:
    """An amount in USD with two decimals, and below 1 USD with as many as two digits take: 0.00012 is not 0.00."""
    decimals = 2
    if 0 < abs(amount) < 1:
        decimals = max(2, 1 - math.floor(math.log10(abs(amount))))
    return f"{amount:,.{decimals}f}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _sentences(report: Entry) -> list[str]:
    totals = report["totals"]
    said = [f"{_count(totals['keys'], 'key')}, {totals['used']} used, {_spent(totals)}."]
    if totals["max_budget_from"] == "total_budget" and totals["remaining_budget"] <= 0:
        said.append("The total budget is spent.")
    groups = _attention(report["people"])
    said += [
        f"{title}: {_some([f'{name} ({user})' if user else name for name, user in names])}." for title, names in groups
    ]
    return said if groups else [*said, "No one needs attention."]


def _spent(totals: Entry) -> str:
    if totals["max_budget"] is not None:
        return f"{money(totals['spend'])} USD of {money(totals['max_budget'])} USD"
    return f"{money(totals['spend'])} USD spent, no cap ({_count(totals['unlimited'], 'key')} without a budget)"


def _attention(people: Sequence[Person]) -> list[tuple[str, list[tuple[str, str]]]]:
    """Who cannot go on, who has not begun, and who is gone: names, each with the user where several bear it."""
    groups = [
        (STATUS[status], [person for person in people if person["status"] == status])
        for status in ("over_budget", "expired", "blocked")
    ]
    groups.append((NEVER_USED, [one for one in people if not one["used"] and one["status"] != "removed"]))
    groups.append(("Removed, still counted", [one for one in people if one["status"] == "removed"]))
    bearers = Counter(person["name"] for person in people)
    return [
        (title, [(one["name"], one["user"] if bearers[one["name"]] > 1 else "") for one in group])
        for title, group in groups
        if group
    ]


def _some(names: Sequence[str]) -> str:
    if len(names) <= NAMES_IN_A_SENTENCE + 1:
        return ", ".join(names)
    return f"{', '.join(names[:NAMES_IN_A_SENTENCE])} and {len(names) - NAMES_IN_A_SENTENCE} more"


# The table


def _csv(people: Sequence[Person]) -> str:
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(COLUMNS)
    rows.writerows([_cell(column, person[column]) for column in COLUMNS] for person in people)
    return text.getvalue()


def _cell(column: str, value: Any) -> str:
    if value is None:
        return ""
    if column in AMOUNTS:
        return _plain(value)
    return cell(re.sub(r"[\r\n]+", " ", str(value).lower() if isinstance(value, bool) else str(value)))


def _plain(number: float) -> str:
    """All digits, and no exponent, which not every program reads."""
    return f"{Decimal(str(number)):f}"


# The page


def _page(report: Entry) -> dict[str, Any]:
    """What the page shows, as text: the one who spent most first. What is the same for everybody stands there once."""
    totals, people = report["totals"], report["people"]
    most = max((person["spend"] for person in people), default=0)
    rows = sorted((_row(person, most) for person in people), key=lambda row: -row["spend"])
    cap = totals["max_budget"]
    return {
        "title": report["title"],
        "spent": money(totals["spend"]),
        "cap": None if cap is None else money(cap),
        "left": None if cap is None else money(max(totals["remaining_budget"], 0)),
        "share": _share(totals["spend"], cap),
        "keys": totals["keys"],
        "used": totals["used"],
        "last_active": _minute(totals["last_active"]),
        "time_zone": report["time_zone"],
        "attention": _attention(people),
        "limit": _common(row["limit"] for row in rows),
        "expires_at": _common(row["expires_at"] for row in rows),
        "decimals": max((len(row["spent"].partition(".")[2]) for row in rows), default=2),
        "rows": rows,
    }


def _escaped(value: Any) -> Any:
    """The same with all text fit for HTML, so that no template can forget it."""
    if isinstance(value, dict):
        return {name: _escaped(entry) for name, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_escaped(entry) for entry in value]
    return html.escape(value) if isinstance(value, str) else value


def _row(person: Person, most: float) -> dict[str, Any]:
    limit, status = person["max_budget"], person["status"]
    idle = status == "active" and not person["used"]
    return {
        "name": person["name"],
        "user": person["user"],
        "status": "idle" if idle else status,
        "status_text": NEVER_USED if idle else STATUS[status],
        "spend": person["spend"],
        "spent": money(person["spend"]),
        "length": _share(person["spend"], most),
        "limit": "none" if limit is None else money(limit),
        "share": _share(person["spend"], limit),
        "last_active": _minute(person["last_active"]) or ("unknown" if person["used"] else "never"),
        "expires_at": _minute(person["expires_at"]) or "never",
    }


def _common(texts: Iterable[str]) -> str | None:
    """What all are, if there are several and they are all the same."""
    found = list(texts)
    return found[0] if len(found) > 1 and len(set(found)) == 1 else None


def _share(part: float, whole: float | None) -> float | None:
    """In percent, with one decimal, rounded down: 100 is reached, not nearly reached."""
    return math.floor(round(1000 * min(part / whole, 100), 6)) / 10 if whole else None


def _minute(text: str | None) -> str | None:
    return text and f"{datetime.fromisoformat(text):%Y-%m-%d %H:%M}"


class FilterModule:
    """Filters of this collection."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"usage": usage}
