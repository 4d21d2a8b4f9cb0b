# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The variables of a role as a table, and one reader for all of them. Pure.

Private: only for use inside this collection. A role's variable is an option of a module, with a prefix. Surveys, and
templates before ansible-core 2.19, give all of them as text: numbers, flags, lists and mappings are read from it.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

import yaml
from ansible.module_utils.parsing.convert_bool import boolean
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._text import printable
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._values import HALF_A_CHARACTER

# How a survey, or a template, writes a variable that was left out.
NOTHING = ("", "null", "none", "None")
SEPARATORS = "[,\n]"
YAML_LIST = re.compile(r"-\s")


class VariableError(ValueError):
    """The variables are invalid or contradictory; the text is a sentence for the user."""


@dataclass(frozen=True)
class Variable:
    """One variable of a role, a row of its table. Its sentence is the option's in the documentation of the module.

    :param name: without the prefix.
    :param type: as in an argument spec: str, path, int, float, bool, list, dict; raw for what its user reads.
    :param default: what it is when it is left out.
    :param least: the smallest number that is allowed.
    :param choices: the texts that are allowed; of a list its entries, of a mapping its names.
    :param no_log: whether no output may show it.
    :param aliases: by which further names it can be given.
    :param option: the option of the modules that it becomes, if that has another name.
    """

    name: str
    type: str = "str"
    default: Any = field(default=None, repr=False)
    least: int | None = None
    choices: tuple[str, ...] = ()
    no_log: bool = False
    aliases: tuple[str, ...] = ()
    option: str = ""

    def read(self, called: str, value: Any) -> Any:
        """Return what a value means that says something.

        :param called: how a message calls the variable.
        :raises VariableError: if it means nothing that is allowed.
        """
        refuse_broken_text(called, value)
        if self.type == "raw":
            return value
        if self.type == "int":
            return whole(called, value, self.least)
        if self.type == "float":
            return amount(called, value)
        if self.type == "bool":
            return flag(called, value)
        if self.type in ("list", "dict"):
            read = structure(called, value, list if self.type == "list" else dict)
            self._refuse_other_than_choices(called, map(str, read))
            return read
        read = text(called, value)
        self._refuse_other_than_choices(called, [read])
        return read

    def _refuse_other_than_choices(self, called: str, read: Iterable[str]) -> None:
        unknown = next((one for one in read if self.choices and one not in self.choices), None)
        if unknown is None:
            return
        if self.type == "str":
            *others, last = self.choices
            raise VariableError(f"{called} must be {', '.join(others)} or {last}, not '{printable(unknown)}'.")
        meant = did_you_mean(nearest(unknown, self.choices))
        raise VariableError(f"{called}: '{printable(unknown)}' is not one of {', '.join(self.choices)}{meant}")


@dataclass(frozen=True)
class Source:
    """Where values come from: a task's options, variables with a prefix, the environment.

    :param values: by the names of variables, or by their aliases.
    :param prefix: what the user has put before each name.
    :param names: what the user calls a variable, where that is another name.
    """

    values: Mapping[str, Any] = field(repr=False)
    prefix: str = ""
    names: Mapping[str, str] = field(default_factory=dict, repr=False)

    def called(self, name: str) -> str:
        """Return how a message calls a variable."""
        return self.names.get(name, f"{self.prefix}{name}")


class Variables(Mapping[str, Any]):
    """What the variables of one run mean, by their names without the prefix.

    :param table: all that there are.
    :param sources: where their values come from. What a later one says goes before what an earlier one says; None and
        blank text say nothing.

    :raises VariableError: if a value means nothing, or a name is not in the table.
    """

    def __init__(self, table: Iterable[Variable], *sources: Source) -> None:
        rows = {row.name: row for row in table}
        names = {called: row.name for row in rows.values() for called in (row.name, *row.aliases)}
        self._default_source = sources[-1] if sources else Source({})
        self._called: dict[str, str] = {}
        self._mentioned: dict[str, str] = {}
        self._blank: dict[str, Any] = {}
        self._given: dict[str, Any] = {}
        for source in sources:
            for called, value in source.values.items():
                if called not in names:
                    meant = did_you_mean(nearest(called, names))
                    raise VariableError(f"{source.called(called)} does not exist{meant}")
                name = names[called]
                self._mentioned[name] = source.called(called)
                if says_something(value):
                    self._called[name] = source.called(called)
                    self._given[name] = rows[name].read(source.called(called), value)
                else:
                    self._blank[name] = value
        self._options = {row.option or name: name for name, row in rows.items()}
        self._read = {**{name: row.default for name, row in rows.items()}, **self._given}

    def __getitem__(self, name: str) -> Any:
        return self._read[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._read)

    def __len__(self) -> int:
        return len(self._read)

    def says(self, name: str) -> bool:
        """Return whether the variable was given and not left blank."""
        return name in self._given

    def mentions(self, name: str) -> bool:
        """Return whether the variable was given, even if it was left blank."""
        return name in self._mentioned

    def blank(self, name: str) -> Any:
        """Return in what way a variable says nothing, None if it was not given."""
        return self._blank.get(name)

    def called(self, name: str) -> str:
        """Return how a message calls a variable: as the user has set it, or could."""
        return self._called.get(name) or self._mentioned.get(name) or self._default_source.called(name)

    def option_names(self) -> dict[str, str]:
        """Return what the user calls the options of the modules, by option."""
        return {option: self.called(name) for option, name in self._options.items()}


def arguments(table: Iterable[Variable]) -> dict[str, dict[str, Any]]:
    """Return the argument spec of an action that reads its options by the table: each as it comes."""
    return {row.name: {"type": "raw", "no_log": row.no_log, "aliases": list(row.aliases)} for row in table}


def says_something(value: Any) -> bool:
    """Return whether a variable was not left out, nor left blank."""
    return not (value is None or (isinstance(value, str) and value.strip() in NOTHING))


def refuse_broken_text(name: str, value: Any) -> None:
    """Refuse text that cannot be sent: half of a surrogate pair, as a damaged JSON escape leaves it."""
    if isinstance(value, Mapping):
        for key, part in value.items():
            refuse_broken_text(name, key)
            refuse_broken_text(name, part)
    elif isinstance(value, (list, tuple)):
        for part in value:
            refuse_broken_text(name, part)
    elif isinstance(value, str) and HALF_A_CHARACTER.search(value):
        raise VariableError(f"{name} has a character that is not valid Unicode (a lone surrogate).")


def structure(name: str, value: Any, kind: type[Any], separators: str = SEPARATORS) -> Any:
    """Return a list or mapping, also from JSON text; a list also from names with commas or line breaks between."""
    if not says_something(value):
        return kind()
    if isinstance(value, str):
        text = value.strip()
        if text[:1] in "[{":
            try:
                value = json.loads(text)
            except ValueError as error:
                raise VariableError(f"{name}: invalid JSON: {error}.") from error
            refuse_broken_text(name, value)
        elif kind is list and YAML_LIST.match(text):
            value = _yaml_list(name, text)
        elif kind is list:
            value = [part.strip() for part in re.split(separators, text) if part.strip()]
    if kind is dict and isinstance(value, Mapping):
        return dict(value)
    if kind is list and isinstance(value, (list, tuple)):
        return list(value)
    raise VariableError(f"{name} must be a {'list' if kind is list else 'mapping'}.")


def _yaml_list(name: str, text: str) -> Any:
    """Read a list as people write it into a survey, of which each entry stays the text that it is."""
    try:
        return yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506
    except yaml.YAMLError as error:
        reason = " ".join(str(error).split())
        raise VariableError(f"{name}: invalid YAML: {reason}.") from error


def text(name: str, value: Any) -> str:
    if isinstance(value, (bool, float)) or not isinstance(value, (str, int)):
        raise VariableError(f"{name} must be text.")
    return str(value).strip()


def whole(name: str, value: Any, least: int | None = None) -> int:
    try:
        number = int(_unsigned(value))
    except ValueError:
        raise VariableError(f"{name} must be a whole number, not '{value}'.") from None
    if least is not None and number < least:
        raise VariableError(f"{name} must be at least {least}, not {number}.")
    return number


def amount(name: str, value: Any) -> float:
    try:
        number = math.nan if isinstance(value, bool) else float(_unsigned(value))
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise VariableError(f"{name} must be a number such as 10 or 2.5, not '{value}'.")
    if number < 0:
        raise VariableError(f"{name} must not be negative.")
    return number


def _unsigned(value: Any) -> str:
    """Return the text of a number.

    :raises ValueError: if it begins with a plus: whoever writes +5 means 5 more.
    """
    text = str(value).strip()
    if text.startswith("+"):
        raise ValueError("a relative number")
    return text


def flag(name: str, value: Any) -> bool:
    try:
        return bool(boolean(value.strip() if isinstance(value, str) else value))
    except TypeError:
        raise VariableError(f"{name} must be true or false, not '{value}'.") from None


def nearest(name: str, known: Iterable[str], likeness: float = 0.6) -> str | None:
    """Return what an unknown name was probably meant to be, None if it is like no other."""
    return next(iter(get_close_matches(name, list(known), n=1, cutoff=likeness)), None)


def did_you_mean(meant: str | None) -> str:
    """Return the end of a sentence about an unknown name."""
    return f". Did you mean '{meant}'?" if meant else "."
