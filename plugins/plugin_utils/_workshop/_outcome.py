# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What everybody ended up with: people, and what was done to their keys, brought together. Pure.

Private: only for use inside this collection.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.litemaas.virtual_keys.plugins.module_utils._text import join_limited, one_line

from .._changes import lines
from ._people import Person

REPORTED = ("key", "key_id", "action", "changed", "error", "models", "max_budget", "expires_at", "blocked", "spend")
WORDS = {"create": "created", "update": "updated", "reissue": "reissued", "delete": "deleted", "none": "unchanged"}

Report = Mapping[str, Any]


@dataclass(frozen=True)
class WorkshopOutcome:
    """What came of everybody.

    :param users: the people as the result has them, with their keys.
    :param pruned: the aliases of keys that nobody declared and that are gone.
    :param failures: each reason once, after those whom it concerns.
    :param not_removed: the same of keys that were to go.
    :param changes: the lines of a diff.
    """

    users: list[dict[str, Any]] = field(repr=False)
    pruned: list[str]
    deleted_ids: set[str]
    changed: bool
    failures: list[str]
    not_removed: list[str]
    changes: list[str]

    @property
    def summary(self) -> dict[str, int]:
        """How many keys were created, updated and so on."""
        return dict(Counter(word_of(user) for user in self.users))

    @property
    def unknown(self) -> list[str]:
        """The users who have a key whose value nobody knows."""
        return [one_line(user["user"]) for user in self.users if _is_unknown(user)]

    @property
    def problem(self) -> str:
        """Who is left without a key, and which key was to go and did not; empty if everybody is served."""
        failed = sum(1 for user in self.users if user["error"])
        parts = (
            (f"{failed} of {len(self.users)} failed", self.failures),
            ("Not every key was removed", self.not_removed),
        )
        return " ".join(f"{what}. {' '.join(reasons)}" for what, reasons in parts if reasons)


def outcome_of(people: Sequence[Person], result: Report) -> WorkshopOutcome:
    """Return what came of everybody.

    :param result: of ``litellm_keys``, with their keys in the same order.
    """
    users = [
        {**person.described(), **{name: report.get(name) for name in REPORTED}, "key": _value(person, report)}
        for person, report in zip(people, result["virtual_keys"])
    ]
    called = {user["alias"]: one_line(user["user"]) for user in users}
    every = [*result["virtual_keys"], *result["pruned"]]
    return WorkshopOutcome(
        users=users,
        pruned=[report["key_alias"] for report in result["pruned"] if not report["error"]],
        deleted_ids={str(report["key_id"]) for report in every if report["action"] == "delete"},
        changed=any(report["changed"] for report in every),
        failures=_failures(users, called),
        not_removed=_failures(result["pruned"], {}),
        changes=[line for diff in result.get("diff") or () for line in _changes(diff, called)],
    )


def _value(person: Person, report: Report) -> str | None:
    """Return the value of somebody's key. Ansible hides one that was declared, also in what a module returns."""
    declared = person.options.get("key")
    is_declared = isinstance(declared, str) and hashlib.sha256(declared.encode()).hexdigest() == report.get("key_id")
    value: str | None = declared if is_declared else report.get("key")
    return value


def word_of(user: Report) -> str:
    """Return what was done to somebody's key, in a word."""
    return "failed" if user["error"] else WORDS[user["action"]]


def _is_unknown(user: Report) -> bool:
    """Return whether there is a key, and nobody knows its value."""
    return not user["key"] and not user["error"] and bool(user["key_id"]) and user["action"] in ("update", "none")


def _failures(reports: Iterable[Report], called: Mapping[str, str]) -> list[str]:
    by_reason: dict[str, list[Report]] = defaultdict(list)
    for report in reports:
        if report["error"]:
            alias = _alias_of(report)
            reason = report["error"].replace(alias, "the key") if alias in called else report["error"]
            by_reason[reason].append(report)
    parts = []
    for reason, failed in by_reason.items():
        whom = join_limited([called.get(_alias_of(report), _alias_of(report)) for report in failed])
        parts.append(f"{whom}: {(reason if len(failed) > 1 else failed[0]['error']).rstrip('.')}.")
    return parts


def _alias_of(report: Report) -> str:
    return str(report.get("alias") or report.get("key_alias"))


def _changes(diff: Report, called: Mapping[str, str]) -> list[str]:
    who = called.get(diff["after_header"], diff["after_header"])
    return lines(who, diff["before"], diff["after"]) or [f"~ {who}"]
