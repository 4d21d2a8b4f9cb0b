# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is on the list: those of earlier runs and those of this result. Private: only for use inside this collection.

Pure functions.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.litemaas.virtual_keys.plugins.module_utils._errors import InputError
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._text import join_limited, one_line

Person = dict[str, Any]

FIELDS = ("name", "user", "user_id", "alias", "key", "key_id", "base_url", "models", "max_budget", "expires_at")
# What a run found or did. It says nothing that is worth handing out, and would make every run a change.
OF_THE_RUN = frozenset(("action", "changed", "error", "spend", "blocked", "deleted", "was_missing"))
ALL_OF_TEAM = "all-team-models"
# Stands for a value in what check mode compares and never writes.
PLANNED = "a new value"
OF_THE_RESULT = frozenset(
    (
        *("api_endpoint", "api_base_url", "duration", "state", "summary", "problem", "deleted_count", "missing_count"),
        *("keys", "users", "user_count", "pruned", "gone", "team", "teams", "unknown"),
    )
)


class HandOut:
    """What the list holds after this run.

    :param is_planned: whether the keys that the result calls new are only planned, so that they have no values yet.
    :ivar people: everybody, those who were there before first and in their order.
    :ivar unknown: users without a known value.
    """

    def __init__(
        self,
        stored: Iterable[Person],
        values: Iterable[str],
        result: Mapping[str, Any],
        base_url: str,
        now: str,
        is_planned: bool = False,
    ) -> None:
        self._planned = PLANNED if is_planned else None
        self._values = {hashlib.sha256(value.encode()).hexdigest(): value for value in values}
        self._result = result
        self._teams = {one.get("team"): one for one in result.get("teams") or ()}
        self._base_url = base_url or str(result.get("api_base_url") or "")
        self._now = now
        by_alias = {person["alias"]: person for person in stored}
        entries = entries_of(result)
        self.unknown = [
            one_line(entry.get("user") or entry["alias"]) for entry in entries if not self._settle(by_alias, entry)
        ]
        for alias in (*_aliases(result, "pruned"), *_aliases(result, "gone"), *self._ended(by_alias, entries)):
            by_alias.pop(alias, None)
        self.people = list(by_alias.values())
        self.of_this_result = len({entry["alias"] for entry in entries} & by_alias.keys())

    def warnings(self) -> list[str]:
        if not self.unknown:
            return []
        return [f"{without_value(self.unknown, 'this folder')} To give them new ones, use litellm_vkey_reissue."]

    def _callable(self, models: list[str], team: Mapping[str, Any]) -> list[str]:
        """Return the models by name, where a key may call those of its team: its owner could not use that name."""
        of_team = team.get("models") or (self._result.get("team") or {}).get("models") or self._result.get("models")
        return _texts(of_team) if models == [ALL_OF_TEAM] and of_team else models

    def _ended(self, by_alias: Mapping[str, Person], entries: Collection[Any]) -> list[str]:
        """Return who was in a workshop that has ended, also where an earlier run deleted the keys and then failed."""
        group = self._result.get("group")
        if self._result.get("state") != "absent" or self._result.get("problem") or entries or not group:
            return []
        return [alias for alias, person in by_alias.items() if person.get("group") == group]

    def _settle(self, by_alias: dict[str, Person], entry: Mapping[str, Any]) -> bool:
        """Put the person on the list, or remove them, and return whether nobody has to look for a value."""
        alias = str(entry["alias"])
        if self._result.get("state") == "absent":
            # A key that could not be deleted is still somebody's key.
            if not entry.get("error"):
                by_alias.pop(alias, None)
            return True
        person = self._person(by_alias.get(alias, {}), entry)
        by_alias[alias] = person
        # Why somebody has no key is said by the run that failed to create it.
        return bool(person["key"] or entry.get("error") or _is_new(entry))

    def _person(self, earlier: Person, entry: Mapping[str, Any]) -> Person:
        given = {name: value for name, value in entry.items() if name not in OF_THE_RUN | OF_THE_RESULT}
        of_all = {name: self._result[name] for name in ("models", "group") if name in self._result}
        person = {**dict.fromkeys(FIELDS), **earlier, **of_all, **given}
        key_id = entry.get("key_id")
        key = entry.get("key") or (self._planned if _is_new(entry) else None) or self._values.get(str(key_id))
        if key_id is None and not key and ("key_id" not in entry or entry.get("error")):
            # Nothing is known of the key, so nothing speaks against what was known.
            key, key_id = earlier.get("key"), earlier.get("key_id")
        user, team = str(entry.get("user") or entry["alias"]), self._teams.get(entry.get("team"), {})
        if team:
            person.update(team=entry["team"], team_budget=team.get("max_budget"))
        person.update(
            user=user,
            name=one_line(person["name"] or user),
            alias=str(entry["alias"]),
            key=key,
            key_id=key_id,
            base_url=self._base_url or person["base_url"] or "",
            models=self._callable(_texts(person["models"]), team),
            written_at=earlier.get("written_at") if key == earlier.get("key") else None,
        )
        if key and not person["written_at"]:
            person["written_at"] = self._now
        return person


def without_value(users: Sequence[str], place: str) -> str:
    """Say of whom no value is known, and what that means.

    :param place: what does not know the values.
    """
    working = f"Their keys keep working; only {place} cannot print them."
    return f"No value is known for {len(users)}: {join_limited(users)}. {working}"


def _aliases(result: Mapping[str, Any], name: str) -> list[str]:
    return list(result.get(name) or [])


def _is_new(entry: Mapping[str, Any]) -> bool:
    return entry.get("action") in ("create", "reissue") and not entry.get("error")


def entries_of(result: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return what the result says of each person.

    :raises InputError: if it is no result of the role.
    """
    people = result["users"] if "users" in result else result.get("keys")
    entries = people if isinstance(people, list) else [result] if result.get("alias") else people
    if entries is None and result.get("state") == "absent":
        return []
    if not isinstance(entries, list) or not all(isinstance(entry, dict) and entry.get("alias") for entry in entries):
        raise InputError(
            "litellm_vkey_result is not a result of the role manage_keys, because it does not contain keys. "
            "Run litemaas.virtual_keys.manage_keys first, or set litellm_vkey_result to a stored result."
        )
    return entries


def _texts(models: Any) -> list[str]:
    return [str(model) for model in ([models] if isinstance(models, str) else models or [])]
