# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role's variables ask for one or a few people: to block, to unblock, or to reissue their keys. Pure.

Private: only for use inside this collection.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .._variables import VariableError, did_you_mean, nearest, structure
from ._people import Person

VARIABLES = ("block", "unblock", "reissue")
# The note of a reissue for which none is given.
FIRST = "1"


def settle_trouble(given: Mapping[str, Any], state: str, people: Sequence[Person]) -> None:
    """Declare for the people named what was asked for. Everybody else's options stay as they are."""
    asked = [name for name in VARIABLES if name in given]
    if asked and state == "absent":
        raise VariableError(f"litellm_vkey_{asked[0]} requires litellm_vkey_state to be present.")
    blocked, unblocked = (_named(f"litellm_vkey_{name}", given.get(name), people) for name in ("block", "unblock"))
    both = [person.user for person in blocked if person in unblocked]
    if both:
        raise VariableError(f"litellm_vkey_block and litellm_vkey_unblock both name {', '.join(both)}.")
    for person in (*blocked, *unblocked):
        person.options["blocked"] = person in blocked
    for name, note in _notes(given.get("reissue"), people).items():
        person = _find("litellm_vkey_reissue", name, people)
        if not note:
            raise VariableError(f"litellm_vkey_reissue: there is no text after the colon for {person.user}.")
        person.options["reissue"] = person.reissue = note


def _named(variable: str, value: Any, people: Sequence[Person]) -> list[Person]:
    return [_find(variable, name, people) for name in structure(variable, value, list)]


def _notes(value: Any, people: Sequence[Person]) -> dict[str, str]:
    """The note of the reissue by name. A list has names, or name and note with a colon between."""
    is_mapping = isinstance(value, Mapping) or (isinstance(value, str) and value.lstrip().startswith("{"))
    if is_mapping:
        notes = structure("litellm_vkey_reissue", value, dict)
        return {name: FIRST if note is None else str(note).strip() for name, note in notes.items()}
    known = _by_name(people)
    found = {}
    for entry in structure("litellm_vkey_reissue", value, list):
        name, colon, note = str(entry).rpartition(":")
        has_note = bool(colon) and _plain(entry) not in known
        found[name if has_note else entry] = note.strip() if has_note else FIRST
    return found


def _find(variable: str, name: Any, people: Sequence[Person]) -> Person:
    known = _by_name(people)
    found = known.get(_plain(name), [])
    if len(found) > 1:
        raise VariableError(
            f"{variable}: '{name}' may be {' or '.join(person.user for person in found)}. Name the user."
        )
    if not found:
        likely = nearest(_plain(name), known) or next((one for one in known if one.startswith(_plain(name))), None)
        meant = known[likely][0].user if likely else None
        raise VariableError(f"{variable}: '{name}' is not among the people of this workshop{did_you_mean(meant)}")
    return found[0]


def _by_name(people: Iterable[Person]) -> dict[str, list[Person]]:
    """The people by all that they are called. A user goes before somebody else's name."""
    people = list(people)
    found: dict[str, list[Person]] = {_plain(person.user): [person] for person in people}
    users = set(found)
    for person in people:
        for name in {_plain(one) for one in _names(person)} - users:
            found.setdefault(name, []).append(person)
    return found


def _names(person: Person) -> Iterable[Any]:
    return filter(None, (person.options["user_id"], person.fields.get("email"), person.fields.get("name")))


def _plain(name: Any) -> str:
    return str(name).strip().casefold()
