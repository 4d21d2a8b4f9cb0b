# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The people of a workshop, from a list, a CSV file, or numbers. Pure. Private: only for use inside this collection."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._key._declaration import key_options
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._text import printable

from .._variables import VariableError, did_you_mean, nearest, structure, whole
from ._options import checked_alias, checked_options, own_metadata, refuse_other_group

EXPIRY = ("duration", "renew_within", "expires_at")
# What is known of a person besides the options of the key.
FREE = ("name", "email")
# Columns of a table are free, except those that can only be meant as an option.
LIKELY = 0.85


@dataclass(eq=False)
class Person:
    """Somebody who gets a key.

    :param options: of the key.
    :param fields: whatever else is known of the person.
    :param reissue: the note of the reissue that was asked for, None if none was.
    """

    user: str
    options: dict[str, Any] = field(repr=False)
    fields: Mapping[str, Any] = field(default_factory=dict, repr=False)
    reissue: str | None = None

    def shown(self) -> dict[str, Any]:
        asked = {"reissue": self.reissue} if self.reissue else {}
        return {**self.fields, "user": self.user, "user_id": self.options["user_id"], **asked}


@dataclass(frozen=True)
class Entry:
    """A person as declared.

    :param where: how a message calls the place.
    """

    where: str
    user: str
    options: Mapping[str, Any] = field(repr=False)
    fields: Mapping[str, Any] = field(default_factory=dict, repr=False)


def entries(given: Mapping[str, Any]) -> list[Entry] | None:
    """The people by name, None if there is neither a list of them nor a file."""
    if "users" in given and "users_file" in given:
        raise VariableError("litellm_vkey_users and litellm_vkey_users_file are mutually exclusive: set one of them.")
    if "users_file" in given:
        return _registered(str(given["users_file"]), given["registered"])
    if "users" in given:
        return _listed(given["users"])
    return None


def numbered(given: Mapping[str, Any]) -> list[Entry]:
    count = whole("litellm_vkey_user_count", given.get("user_count", 1), least=1)
    start = whole("litellm_vkey_user_start", given["user_start"], least=0)
    users = [f"{given['user_prefix']}{number}" for number in range(start, start + count)]
    return [Entry("litellm_vkey_user_count", user, {}) for user in users]


def people(
    declared: Iterable[Entry], alias: str, domain: str, expiry: Mapping[str, Any], shared: Mapping[str, Any]
) -> list[Person]:
    """Everybody with the options of their keys, as far as they are not those of all.

    :param expiry: when keys expire unless the person has an expiry.
    :param shared: the options of all.
    """
    found = [_person(entry, alias, domain, expiry, shared) for entry in declared]
    _refuse_repetition("user", [person.user for person in found])
    _refuse_repetition("key alias", [person.options["key_alias"] for person in found])
    return found


def _listed(value: Any) -> list[Entry]:
    users = structure("litellm_vkey_users", value, list)
    if not users:
        raise VariableError(
            "litellm_vkey_users is an empty list. Omit it for a single key or numbered users. "
            "To remove a workshop, set litellm_vkey_state to absent."
        )
    return [_listed_one(user, number) for number, user in enumerate(users, 1)]


def _listed_one(value: Any, number: int) -> Entry:
    own: dict[str, Any] = dict(value) if isinstance(value, Mapping) else {"user": value}
    user = own.pop("user", None) or own.get("email")
    if not isinstance(user, str) or not user.strip():
        raise VariableError(f"litellm_vkey_users: entry {number} must be a name or a mapping with user or email.")
    fields = {name: own.pop(name) for name in FREE if name in own}
    if fields.get("email"):
        own.setdefault("user_id", fields["email"])
    return Entry(f"litellm_vkey_users, {printable(user.strip())}", user.strip(), own, fields)


def _registered(path: str, registered: Mapping[str, Any]) -> list[Entry]:
    if registered["problem"]:
        raise VariableError(f"litellm_vkey_users_file, {path}: {registered['problem']}")
    rows: Sequence[Mapping[str, Any]] = registered["people"]
    known = key_options()
    for column in {column: None for row in rows for column in row}:
        _refuse_likely_option(path, column, known)
    return [
        Entry(
            f"{path}, {printable(row['user'])}",
            row["user"],
            {name: value for name, value in row.items() if name in known},
            {name: value for name, value in row.items() if name not in known and name != "user"},
        )
        for row in rows
    ]


def _refuse_likely_option(path: str, column: str, known: Iterable[str]) -> None:
    meant = nearest(column.replace(" ", "_").replace("-", "_"), known, LIKELY)
    if column not in known and column not in FREE and meant:
        raise VariableError(f"{path}: the column '{column}' is not an option of a key{did_you_mean(meant)}")


def _person(entry: Entry, alias: str, domain: str, expiry: Mapping[str, Any], shared: Mapping[str, Any]) -> Person:
    own = checked_options(entry.where, entry.options)
    refuse_other_group(entry.where, own)
    if not own.keys() & {"duration", "expires_at"}:
        own = {**expiry, **own}
    if "metadata" in own:
        own["metadata"] = {
            **shared.get("metadata", {}),
            **own_metadata(f"{entry.where}, metadata", own["metadata"]),
        }
    user_id = entry.user if "@" in entry.user else f"{entry.user}@{domain}"
    options = {"key_alias": f"{alias}-{entry.user}", "user_id": user_id, **own}
    checked_alias(entry.where, str(options["key_alias"]))
    return Person(entry.user, options, entry.fields)


def _refuse_repetition(kind: str, names: list[str]) -> None:
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise VariableError(f"litellm_vkey_users: the {kind} {', '.join(twice)} appears more than once.")
