# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The people of a workshop, from a list, a CSV file, or numbers. Private: only for use inside this collection."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._key._declaration import key_options
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._text import join_limited, printable

from .._addresses import check_name, check_person
from .._registrations import TEAM, RegistrationError, Row, Table, read_table
from .._variables import VariableError, Variables, structure, text
from ._options import (
    EXTRA_BUDGET,
    checked_alias,
    checked_options,
    own_metadata,
    refuse_other_group,
    with_absolute_budget,
)

EXPIRY = ("duration", "renew_within", "expires_at")
# What is known of a person besides the options of the key.
FREE = ("name", "email")
# By any of these, a run says who is meant.
NAMING = ("users", "users_file", "user_count")

ReadFile = Callable[[str], bytes]


@dataclass(eq=False)
class Person:
    """Somebody who gets a key.

    :param options: of the key.
    :param fields: whatever else is known of the person.
    :param where: how a message calls the place where the person is declared.
    :param reissue: the note of the reissue that was asked for, None if none was.
    """

    user: str
    options: dict[str, Any] = field(repr=False)
    fields: Mapping[str, Any] = field(default_factory=dict, repr=False)
    where: str = ""
    reissue: str | None = None

    @property
    def alias(self) -> str:
        return str(self.options["key_alias"])

    @property
    def user_id(self) -> str:
        return str(self.options["user_id"])

    def described(self) -> dict[str, Any]:
        """Return the person as the result has them."""
        return {**self.fields, "user": self.user, "user_id": self.options["user_id"], "alias": self.alias}


@dataclass(frozen=True)
class Entry:
    """A person as declared.

    :param where: how a message calls the place.
    """

    where: str
    user: str
    options: Mapping[str, Any] = field(repr=False)
    fields: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Roster:
    """The people as they are declared.

    :param warnings: what was guessed.
    :param said: what the columns of a table were taken for.
    """

    entries: list[Entry] = field(repr=False)
    warnings: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)


def same_name(name: Any) -> str:
    """Return a name as all names are compared: in lower case, each accented letter as one character.

    Letters that only sound alike stay apart: weiß is not weiss.
    """
    return unicodedata.normalize("NFC", str(name).strip()).lower()


def roster(variables: Variables, read_file: ReadFile) -> Roster | None:
    """Return the people by name, None if there is neither a list of them nor a file.

    :raises VariableError: if they cannot be meant, or are none.
    """
    if variables.says("users") and variables.says("users_file"):
        users, file = variables.called("users"), variables.called("users_file")
        raise VariableError(f"{users} and {file} are mutually exclusive: set one of them.")
    if variables.says("users_file"):
        return _registered(variables, read_file)
    if variables.blank("users") not in (None, "") or variables.says("users"):
        return Roster(_listed(variables))
    return None


def has_teams(variables: Variables) -> bool:
    """Return whether the people of a workshop are in several teams."""
    return bool(variables["teams"]) or variables["team_budget"] is not None


def numbered(variables: Variables) -> Roster:
    """Return people who have numbers only."""
    start, count = variables["user_start"], variables["user_count"] or 1
    users = [f"{variables['user_prefix']}{number}" for number in range(start, start + count)]
    return Roster([Entry(variables.called("user_count"), user, {}) for user in users])


def people(
    declared: Iterable[Entry], variables: Variables, expiry: Mapping[str, Any], shared: Mapping[str, Any]
) -> list[Person]:
    """Return everybody with the options of their keys, as far as they are not those of all.

    :param expiry: when keys expire unless the person has an expiry.
    :param shared: the options of all.
    """
    found = [_person(entry, variables, expiry, shared) for entry in declared]
    where = variables.called("users_file" if variables.says("users_file") else "users")
    _refuse_repetition(where, "user", [person.user for person in found], same_name)
    _refuse_repetition(where, "key alias", [person.alias for person in found], str)
    return found


def refuse_who_is_elsewhere(
    variables: Variables, read_file: ReadFile, own: Iterable[Entry], apart: Sequence[str]
) -> None:
    """Refuse people of this workshop who stand in the files of others, too.

    :param apart: the paths of these files, that of this workshop may be one of them.
    """
    where = variables.called("other_users_files")
    seen = {same_name(entry.user): "this workshop" for entry in own}
    for path in apart:
        if path == variables["users_file"]:
            continue
        for row in _table(variables, where, path, read_file).rows:
            other = seen.setdefault(same_name(row.user), path)
            if other != path:
                raise VariableError(f"{where}: {printable(row.user)} is in {other} and in {path}.")


def of_keys(alias: str, keys: Iterable[Mapping[str, Any]]) -> list[Person]:
    """Return the people who have keys of a workshop already, whose keys are declared by nothing but what they are.

    :param keys: as ``litellm_key_info`` returns them.
    """
    return [
        Person(
            user=str(key["key_alias"]).removeprefix(f"{alias}-"),
            options={name: key[name] for name in ("key_id", "key_alias", "user_id")},
        )
        for key in keys
        if key["key_alias"] and not key["replaced_by"]
    ]


def _listed(variables: Variables) -> list[Entry]:
    where = variables.called("users")
    users = structure(where, variables["users"] if variables.says("users") else [], list)
    if not users and variables["state"] == "absent":
        raise VariableError(f"{where} is an empty list. To remove all keys of the workshop, omit it.")
    if not users:
        raise VariableError(
            f"{where} is an empty list. Omit it for a single key or numbered users. "
            f"To remove a workshop, set {variables.called('state')} to absent."
        )
    free = (*FREE, *_of_team(variables))
    return [_listed_one(where, user, number, free) for number, user in enumerate(users, 1)]


def _listed_one(where: str, value: Any, number: int, free: Sequence[str]) -> Entry:
    own: dict[str, Any] = dict(value) if isinstance(value, Mapping) else {"user": value}
    own = {name: part.strip() if isinstance(part, str) else part for name, part in own.items()}
    user = own.pop("user", None) or own.get("email")
    if not isinstance(user, str) or not user:
        raise VariableError(f"{where}: entry {number} must be a name or a mapping with user or email.")
    fields = {name: own.pop(name) for name in free if name in own}
    if fields.get(TEAM) is not None:  # teams are found by their names, which are text
        fields[TEAM] = text(f"{where}, {printable(user)}, {TEAM}", fields[TEAM])
    if fields.get("email"):
        own.setdefault("user_id", fields["email"])
    return Entry(f"{where}, {printable(user)}", user, own, fields)


def _of_team(variables: Variables) -> tuple[str, ...]:
    """Return the field that says in which team a person is, where there are teams."""
    return (TEAM,) if has_teams(variables) else ()


def _registered(variables: Variables, read_file: ReadFile) -> Roster:
    path = str(variables["users_file"])
    table = _table(variables, variables.called("users_file"), path, read_file)
    declared = [Entry(f"{path}, {printable(row.user)}", row.user, row.options, row.fields) for row in table.rows]
    return Roster(declared, table.warnings, table.sentences(_of_team(variables)))


def _table(variables: Variables, where: str, path: str, read_file: ReadFile) -> Table:
    def check_cells(row: Row) -> str | None:
        try:
            refuse_other_group(printable(row.user), variables.called("alias"), row.options)
            checked_options(printable(row.user), with_absolute_budget(printable(row.user), row.options, variables))
        except VariableError as error:
            return str(error)
        return None

    try:
        return read_table(
            read_file(path),
            {*key_options(), EXTRA_BUDGET},
            variables["columns"],
            variables["users_encoding"],
            check_cells,
            variables.called,
        )
    except RegistrationError as error:
        raise VariableError(f"{where}, {path}: {error}") from error


def _person(entry: Entry, variables: Variables, expiry: Mapping[str, Any], shared: Mapping[str, Any]) -> Person:
    own = checked_options(entry.where, with_absolute_budget(entry.where, entry.options, variables))
    refuse_other_group(entry.where, variables.called("alias"), own)
    wrong = check_name(entry.user) or check_person(entry.fields.get("name"), entry.fields.get("email"))
    if wrong:
        raise VariableError(f"{entry.where}: {wrong}")
    if not own.keys() & {"duration", "expires_at"}:
        own = {**expiry, **own}
    if "metadata" in own:
        own["metadata"] = {
            **shared.get("metadata", {}),
            **own_metadata(f"{entry.where}, metadata", own["metadata"]),
        }
    user_id = entry.user if "@" in entry.user else f"{entry.user}@{variables['user_domain']}"
    options = {"key_alias": f"{variables['alias']}-{entry.user}", "user_id": user_id, **own}
    checked_alias(entry.where, str(options["key_alias"]))
    return Person(entry.user, options, entry.fields, entry.where)


def _refuse_repetition(where: str, kind: str, names: Sequence[str], same: Callable[[str], str]) -> None:
    bearers: dict[str, list[str]] = defaultdict(list)
    for name in names:
        bearers[same(name)].append(name)
    twice = [" and ".join(dict.fromkeys(group)) for group in bearers.values() if len(group) > 1]
    if twice:
        raise VariableError(f"{where}: the {kind} {printable(join_limited(twice))} appears more than once.")
