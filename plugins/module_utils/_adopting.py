# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What declares an object that is there already: the options of its module with which a task changes nothing.

Private: only for use inside this collection. It follows from the table of the object. Whether a task with these options
would change anything is not guessed, but planned: what another run would write is left out, with the reason.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

from ._engine import Field, Plan, Resource, problems
from ._errors import InputError
from ._kind import ArgumentSpec, Kind
from ._proxy import Proxy
from ._redaction import check_not_hidden, redact
from ._values import json_equal

Record = Mapping[str, Any]
# What the info modules return of it, beside the object.
NOT_DECLARED = "not_declared"
HIDDEN_ENTRIES = "hidden"
DECLARATION = "declaration"
AS_A_WHOLE = ""
NOT_AS_IT_IS = "cannot be declared as it is."
DECLARATION_OPTION: ArgumentSpec = {DECLARATION: {"type": "bool", "default": False}}


class Adoptable(Kind):
    """Kind of object of which each that exists can be declared as it is."""

    def undeclarable(self, _record: Record, _proxy: Proxy) -> str | None:
        """Return why an object that is there cannot be declared, None if it can."""
        return None

    def options_of(self, record: Record, _proxy: Proxy) -> dict[str, Any]:
        """Return the options that declare an object as it is: of its fields those that a new one would not have."""
        return declared_options(self.table, record)

    @abstractmethod
    def plan_of(self, want: Any, record: Record, proxy: Proxy) -> Plan:
        """Return what a declaration would change about an object that was read. Writes nothing."""

    def described(self, record: Record, params: Record, proxy: Proxy) -> dict[str, Any]:
        """Return a record as the info module returns it: with what declares it, if the task asks for that."""
        declared = self.declaration(record, proxy) if params.get(DECLARATION) else {}
        return {**self.public(record), **declared}

    def declaration(self, record: Record, proxy: Proxy) -> dict[str, Any]:
        """Return what declares an object as it is.

        ``declaration`` holds the options, None if it cannot be declared; ``hidden`` the secrets, which nobody can read,
        each as the option and its entry, or the option alone; ``not_declared`` what else is missing, with the reasons,
        under an empty name that of the whole object.
        """
        reason = self.undeclarable(record, proxy)
        if reason:
            return _undeclared(reason)
        options, secrets = _without_secrets(redact(_redacted(self.table, self.options_of(record, proxy))))
        left_out: dict[str, str] = {}
        for name, sentence in _problems(self.table, options).items():
            del options[name]
            left_out[name] = sentence
        try:
            changes = self._changes(options, record, proxy)
            entries = _changed_entries(options, changes)
            for name, entry in entries:
                options[name] = {one: part for one, part in options[name].items() if one != entry}
                left_out[f"{name}.{entry}"] = NOT_AS_IT_IS
            if entries:
                changes = self._changes(options, record, proxy)
        except InputError as error:
            return _undeclared(str(error))
        for name in changes:
            # An entry that cannot be declared would be removed from what is declared without it.
            is_secret = any(path[0] == name for path in secrets)
            left_out[name] = "contains a secret." if is_secret else NOT_AS_IT_IS
            del options[name]
        secrets = [path for path in secrets if path[0] not in left_out]
        return {DECLARATION: options, HIDDEN_ENTRIES: secrets, NOT_DECLARED: left_out}

    def _changes(self, options: Mapping[str, Any], record: Record, proxy: Proxy) -> dict[str, Any]:
        """Return the options that a task would write, with what it would write."""
        want = self.declare({**dict.fromkeys(self.options), **options}, "present")
        changes = self.plan_of(want, record, proxy).changes
        return {name: value for name, value in changes.items() if name in options}


def declared_options(table: Resource, record: Record) -> dict[str, Any]:
    """Return the fields of a record, by option, that have another value than those of a new object."""
    values = ((row, row.value(record)) for row in table.fields if row.declares)
    return {row.name: _as_declared(row, value) for row, value in values if not is_default(row, value)}


def is_default(row: Field, value: Any) -> bool:
    """Return whether a new object that is declared without a field has that value."""
    return value is None or (row.is_empty(value) if row.default is None else json_equal(value, row.default))


def _as_declared(row: Field, value: Any) -> Any:
    """Return a value that was read as it is declared: without what the server adds to the items of a list."""
    if not (row.suboptions and isinstance(value, list)):
        return value
    return [{name: item[name] for name in row.suboptions if item.get(name) is not None} for item in value]


def _redacted(table: Resource, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return options as they may be shown; those that are no fields name the object."""
    rows = {row.name: row for row in table.fields}
    return {name: rows[name].redact(value) if name in rows else value for name, value in options.items()}


def _undeclared(reason: str) -> dict[str, Any]:
    return {DECLARATION: None, HIDDEN_ENTRIES: [], NOT_DECLARED: {AS_A_WHOLE: reason}}


def _changed_entries(options: Mapping[str, Any], changes: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the entries of mappings that a task would write with another value than they have."""
    return [
        (name, entry)
        for name, planned in changes.items()
        if isinstance(options[name], Mapping) and isinstance(planned, Mapping)
        for entry, value in options[name].items()
        if not json_equal(planned.get(entry), value)
    ]


def _problems(table: Resource, options: Mapping[str, Any]) -> dict[str, str]:
    """Return what the module would refuse, by option."""
    found = {}
    for row in table.fields:
        if row.name in options:
            value = options[row.name]
            if row.choices and not {*row.choices}.issuperset(value if isinstance(value, list) else [value]):
                found[row.name] = f"must be one of {', '.join(row.choices)}."
            elif wrong := problems(table, {row.name: value}):
                found[row.name] = wrong[0].removeprefix(f"O({row.name}): ")
    return found


def _without_secrets(options: Mapping[str, Any]) -> tuple[dict[str, Any], list[list[str]]]:
    """Return options without what holds a secret, and where that was: in an entry of a mapping, or in an option."""
    shown: dict[str, Any] = {}
    secrets: list[list[str]] = []
    for name, value in options.items():
        if not check_not_hidden(value):
            shown[name] = value
        elif isinstance(value, Mapping):
            secret_entries = sorted(entry for entry, part in value.items() if check_not_hidden(part))
            secrets += [[name, entry] for entry in secret_entries]
            if len(secret_entries) < len(value):
                shown[name] = {entry: part for entry, part in value.items() if entry not in secret_entries}
        else:
            secrets.append([name])
    return shown, secrets
