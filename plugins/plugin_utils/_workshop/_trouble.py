# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What variables ask for one or a few people: to block, to unblock, or to reissue their keys. Pure.

Private: only for use inside this collection.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible_collections.litemaas.virtual_keys.plugins.module_utils._text import printable

from .._variables import VariableError, Variables, did_you_mean, nearest, structure
from ._people import Person, same_name
from ._variables import ABSENT

ASKED = ("block", "unblock", "reissue")
# The note of a reissue for which none is given.
FIRST = "1"


class Directory:
    """Finds people by what they are called: user, user ID, e-mail address, or name.

    Who is called exactly so goes before those who are only called so in other cases of letters.
    """

    def __init__(self, people: Sequence[Person]) -> None:
        self._exactly, self._loosely = _index(people, str), _index(people, same_name)

    def knows(self, name: Any) -> bool:
        return same_name(name) in self._loosely

    def find(self, variable: str, name: Any) -> Person:
        """Return the one person who is called so.

        :param variable: how a message calls where the name stands.
        :raises VariableError: if there is nobody, or more than one.
        """
        found = self._exactly.get(str(name)) or self._loosely.get(same_name(name), [])
        shown = printable(str(name))
        if len(found) > 1:
            users = " or ".join(printable(person.user) for person in found)
            raise VariableError(f"{variable}: '{shown}' may be {users}. Name the user.")
        if not found:
            meant = did_you_mean(self._nearest(same_name(name)))
            raise VariableError(f"{variable}: '{shown}' is not among the people of this workshop{meant}")
        return found[0]

    def _nearest(self, name: str) -> str | None:
        likely = nearest(name, self._loosely) or next((one for one in self._loosely if one.startswith(name)), None)
        return self._loosely[likely][0].user if likely else None


def _index(people: Sequence[Person], same: Callable[[Any], str]) -> dict[str, list[Person]]:
    """Return the people by all that they are called. A user goes before somebody else's name."""
    found: dict[str, list[Person]] = defaultdict(list)
    for person in people:
        found[same(person.user)].append(person)
    users = set(found)
    for person in people:
        others = (person.options["user_id"], person.fields.get("email"), person.fields.get("name"))
        for name in {same(one) for one in others if one} - users:
            found[name].append(person)
    return found


def settle_trouble(variables: Variables, people: Sequence[Person]) -> None:
    """Declare for the people named what was asked for. Everybody else's options stay as they are.

    :raises VariableError: if somebody is named who is not there, or is meant to be both blocked and not.
    """
    asked = [name for name in ASKED if variables.says(name)]
    if asked and variables["state"] == ABSENT:
        raise VariableError(f"{variables.called(asked[0])} requires {variables.called('state')} to be present.")
    if not asked:
        return
    directory = Directory(people)
    blocked, unblocked = (named(variables, name, directory) for name in ("block", "unblock"))
    both = [person.user for person in blocked if person in unblocked]
    if both:
        names = f"{variables.called('block')} and {variables.called('unblock')}"
        raise VariableError(f"{names} both name {printable(', '.join(both))}.")
    for person in (*blocked, *unblocked):
        person.options["blocked"] = person in blocked
    where = variables.called("reissue")
    for name, note in _notes(where, variables["reissue"], directory).items():
        person = directory.find(where, name)
        if not note:
            raise VariableError(f"{where}: there is no text after the colon for {printable(person.user)}.")
        person.options["reissue"] = person.reissue = note


def named(variables: Variables, variable: str, directory: Directory) -> list[Person]:
    """Return the people whom a variable names."""
    return [directory.find(variables.called(variable), name) for name in variables[variable] or ()]


def _notes(where: str, value: Any, directory: Directory) -> dict[str, str]:
    """Return the note of the reissue by name. A list has names, or name and note with a colon between."""
    is_mapping = isinstance(value, Mapping) or (isinstance(value, str) and value.lstrip().startswith("{"))
    if is_mapping:
        notes = structure(where, value, dict)
        return {name: FIRST if note is None else str(note).strip() for name, note in notes.items()}
    found = {}
    for entry in structure(where, value, list):
        name, colon, note = str(entry).rpartition(":")
        has_note = bool(colon) and not directory.knows(entry)
        found[name if has_note else entry] = note.strip() if has_note else FIRST
    return found
