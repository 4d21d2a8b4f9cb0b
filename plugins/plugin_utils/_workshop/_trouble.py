# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What variables ask for one or a few people: to block, to unblock, or to reissue their keys. Pure.

Private: only for use inside this collection.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
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


def settle_trouble(variables: Variables, people: Sequence[Person]) -> list[Person]:
    """Declare for the people named what was asked for, and return them. Everybody else's options stay as they are.

    :raises VariableError: if somebody is named who is not there, or is meant to be both blocked and not.
    """
    asked = [name for name in ASKED if variables.says(name)]
    refuse_in_absence(variables, ASKED)
    if not asked:
        return []
    directory = Directory(people)
    blocked, unblocked = (named(variables, name, directory) for name in ("block", "unblock"))
    both = [person.user for person in blocked if person in unblocked]
    if both:
        names = f"{variables.called('block')} and {variables.called('unblock')}"
        raise VariableError(f"{names} both name {printable(', '.join(both))}.")
    for person in (*blocked, *unblocked):
        person.options["blocked"] = person in blocked
    concerned = [*blocked, *unblocked]
    where = variables.called("reissue")
    for name, text in pairs(where, variables["reissue"], directory.knows).items():
        person = directory.find(where, name)
        note = FIRST if text is None else str(text).strip()
        if not note:
            raise VariableError(f"{where}: there is no text after the colon for {printable(person.user)}.")
        person.options.pop("key_id", None)  # a key with another value has another ID
        person.options["reissue"] = person.reissue = note
        concerned.append(person)
    return concerned


def refuse_in_absence(variables: Variables, names: Iterable[str]) -> None:
    """Refuse what is asked for people whose keys are to go."""
    asked = next(filter(variables.says, names), None)
    if asked and variables["state"] == ABSENT:
        raise VariableError(f"{variables.called(asked)} requires {variables.called('state')} to be present.")


def named(variables: Variables, variable: str, directory: Directory) -> list[Person]:
    """Return the people whom a variable names."""
    return [directory.find(variables.called(variable), name) for name in variables[variable] or ()]


def pairs(where: str, value: Any, knows: Callable[[Any], bool]) -> dict[str, Any]:
    """Return what is said of people by name, None where nothing is.

    :param value: a mapping, or a list of names, each with a colon and a text if need be.
    :param knows: whether there is somebody of a name. A name may contain a colon.
    """
    if isinstance(value, Mapping) or (isinstance(value, str) and value.lstrip().startswith("{")):
        found: dict[str, Any] = structure(where, value, dict)
        return found
    found = {}
    for entry in structure(where, value, list):
        name, colon, text = str(entry).rpartition(":")
        has_text = bool(colon) and not knows(entry)
        found[name.strip() if has_text else str(entry)] = text.strip() if has_text else None
    return found
