# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The entries of a platform's lists, checked. Private: only for use inside this collection."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.errors import UnsupportedError

from .._args import flags_for_numbers
from .._errors import InputError
from .._kind import Declaration, Options
from .._text import join_limited, printable
from ._kinds import KINDS, LISTS, Row, entry_spec, parts_of

# Options of the task that hold for each entry that takes them and does not set them itself.
SHARED = ("state", "force", "validate_models", "validate_references", "members_mode")


@dataclass(frozen=True)
class Entry:
    """One declared object.

    :param label: how messages name the entry.
    :param number: its position in the list.
    :param is_going: whether it is to go, or is part of what is to go.
    :param options: all that is declared of it.
    """

    row: Row
    label: str
    number: int
    is_going: bool
    options: Options = field(repr=False)
    want: Declaration

    @property
    def first(self) -> Declaration | None:
        """What is declared before later objects are there, None if that is all of it."""
        if self.row.first is None or self.is_going:
            return None
        return self.row.kind.declare(self.row.first(self.options), "present")

    @property
    def settled(self) -> Declaration | None:
        """What is declared while others still name what it was, None if they do not follow it.

        Whether anybody loses it was settled when all was planned.
        """
        if not self.row.followed or self.is_going:
            return None
        return self.row.kind.declare({**self.options, "force": True}, "present")


class Entries:
    """All entries of a task, with their options as the modules get them.

    :param checked: the options of each entry by list.
    """

    def __init__(self, params: Mapping[str, Any]) -> None:
        self.checked: dict[str, list[Mapping[str, Any]]] = {}
        self._wrong: dict[tuple[str, int], list[str]] = defaultdict(list)
        for row in LISTS:
            spec = entry_spec(row)
            shared = {name: params[name] for name in SHARED if name in spec and params.get(name) is not None}
            self.checked[row.option] = []
            for number, given in enumerate(params[row.option] or ()):
                options, problems = _validated({**shared, **given}, spec)
                self.checked[row.option].append(options)
                self._wrong[row.option, number] += problems

    def declared(self) -> list[Entry]:
        """Return what the entries declare.

        :raises InputError: naming all that is wrong with any of them.
        """
        found: list[Entry] = []
        wrong: list[str] = []
        for row in LISTS:
            for number, options in enumerate(self.checked[row.option]):
                label, problems = _label(row, number, options), self._wrong[row.option, number]
                found += [] if problems else _declared(row, label, number, options, problems)
                wrong += [f"{label}: {problem}" for problem in problems]
        for row in KINDS:
            wrong += _taken_together(row, [entry for entry in found if entry.row is row])
        if wrong:
            raise InputError(" ".join(wrong))
        return found


def _label(row: Row, number: int, given: Mapping[str, Any]) -> str:
    """Return how a message names an entry: its position, and what people call it."""
    names = (given.get(option) for option in reversed(row.kind.identity))
    called = next((str(name) for name in names if name), "")
    return f"{row.option}[{number + 1}]" + (f" ({printable(called)})" if called else "")


def _validated(given: Mapping[str, Any], spec: Mapping[str, Any]) -> tuple[Mapping[str, Any], list[str]]:
    """Return the options of an entry as its module gets them, and what is wrong with them, a sentence each."""
    result = ArgumentSpecValidator(spec).validate(given)
    unknown = sorted(name if isinstance(name, str) else ".".join(name) for name in result.unsupported_parameters)
    problems = [f"unknown option {name}{_meant(name, spec)}." for name in unknown]
    problems += [f"{error.msg}." for error in result.errors if not isinstance(error, UnsupportedError)]
    flags = flags_for_numbers(given, spec)
    problems += [f"{join_limited(flags)} must be a number, not true or false."] if flags else []
    return result.validated_parameters, problems


def _meant(name: str, spec: Mapping[str, Any]) -> str:
    nearest = get_close_matches(name, spec, n=1) if "." not in name else []
    return f" (did you mean {nearest[0]}?)" if nearest else ""


def _declared(row: Row, label: str, number: int, options: Mapping[str, Any], problems: list[str]) -> list[Entry]:
    """Return what an entry declares: its object, and what is part of it. Problems are added to those that are known."""
    is_going = options["state"] == "absent"
    found = []
    for kind_row, own in ((row, options), *_parts(row, options, is_going)):
        try:
            want = kind_row.kind.declare(own, "present" if kind_row.part_of else options["state"])
        except InputError as error:
            problems.append(error.marked)
        else:
            found.append(Entry(kind_row, label, number, is_going, own, want))
    return found


def _parts(row: Row, options: Mapping[str, Any], is_going: bool) -> Iterator[tuple[Row, dict[str, Any]]]:
    for part in parts_of(row):
        own = {name: options.get(name) for name in part.kind.options}
        own.update({name: options[given] for given, name in part.entry_options.items()})
        if is_going and part.going and options.get(part.kind.table.identity):
            yield part, part.going(own)
        elif own[part.option] is not None:
            yield part, own


def _taken_together(row: Row, entries: Sequence[Entry]) -> list[str]:
    """Return what is wrong with the entries of a list taken together."""
    kind, labels = row.kind, defaultdict(list)
    for entry in entries:
        labels[entry.want.name, tuple(entry.want.identity.items())].append(entry.label)
    found = [f"{join_limited(same)}: declared {len(same)} times." for same in labels.values() if len(same) > 1]
    conflicts = kind.conflicts([entry.want for entry in entries])
    return found + [f"{join_limited(list(map(printable, names)))}: {what}" for what, names in conflicts.items()]
