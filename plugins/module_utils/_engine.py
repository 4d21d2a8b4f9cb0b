# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Declared against actual: what has to be written. Private: only for use inside this collection.

Pure functions over plain data, no I/O.

A *field* is one row of an object's table; from it come argument spec, comparison, payload, diff and documentation.
*declared* maps option names to values; :data:`UNSET` stands for "no value". What is not declared is left alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ._errors import InputError
from ._values import UNSET, alike, is_empty, redact, same_members, version_tuple

NOT_CLEARABLE: Any = object()


@dataclass(frozen=True)
class Field:
    """One field of an API object.

    :param name: name of the option and of the API's field.
    :param type: type of the option, as in an argument spec; ``elements``, ``choices``, ``suboptions`` likewise.
    :param unit: unit of a number or format of a text, for the documentation.
    :param path: where a record that was read holds the value; the name itself if not given.
    :param read: takes the value from a record, where a path does not do.
    :param same: compares a declared with an actual value, where the type's way does not do.
    :param check: returns what is wrong with a declared value, or None.
    :param ordered: whether the order of a list matters.
    :param cleared: what the API takes for "no value".
    :param updatable: whether the API can change it on an existing object.
    :param since: the first LiteLLM version that knows it; ``update_since`` the first that can change it,
        ``clear_since`` the first that can take it away again.
    :param licensed: whether LiteLLM asks for an Enterprise licence for any value but an empty one.
    """

    name: str
    type: str = "str"
    elements: str | None = None
    choices: tuple[str, ...] = ()
    suboptions: Mapping[str, Mapping[str, Any]] | None = None
    unit: str = ""
    path: tuple[str, ...] = ()
    read: Callable[[Mapping[str, Any]], Any] | None = None
    same: Callable[[Any, Any], bool] | None = None
    check: Callable[[Any], str | None] | None = None
    ordered: bool = False
    cleared: Any = None
    updatable: bool = True
    since: str = ""
    update_since: str = ""
    clear_since: str = ""
    licensed: bool = False

    def option(self) -> dict[str, Any]:
        """The row as an entry of an argument spec. Nothing in a table is secret; some names only look so."""
        spec: dict[str, Any] = {"type": self.type, "no_log": False}
        if self.elements:
            spec["elements"] = self.elements
        if self.choices:
            spec["choices"] = list(self.choices)
        if self.suboptions:
            spec["options"] = {name: dict(option) for name, option in self.suboptions.items()}
        return spec

    def value(self, record: Mapping[str, Any] | None) -> Any:
        """The field's value in a record that was read, None if it has none."""
        if record is None:
            return None
        if self.read:
            return self.read(record)
        value: Any = record
        for step in self.path or (self.name,):
            if not isinstance(value, Mapping):
                return None
            value = value.get(step)
        return value

    def can_become(self, declared: Any) -> bool:
        """Whether an existing object can be given that value; what cannot change may still be taken away."""
        return self.updatable or (is_empty(declared) and self.cleared is not NOT_CLEARABLE)

    def equal(self, declared: Any, actual: Any) -> bool:
        """Whether writing ``declared`` over ``actual`` would change nothing."""
        if declared is UNSET:
            return is_empty(actual)
        if is_empty(declared) and is_empty(actual):
            return True
        if self.same:
            return self.same(declared, actual)
        if self.type == "list" and not self.ordered:
            return same_members(declared, actual)
        return alike(declared, actual)


@dataclass(frozen=True)
class Resource:
    """An API object: what it is called, what identifies it, and its table of fields."""

    kind: str
    identity: str
    fields: tuple[Field, ...]

    def field(self, name: str) -> Field:
        return next(row for row in self.fields if row.name == name)

    def options(self) -> dict[str, dict[str, Any]]:
        """The table as argument spec."""
        return {row.name: row.option() for row in self.fields}

    def view(self, record: Mapping[str, Any], names: Iterable[str] | None = None) -> dict[str, Any]:
        """The fields of a record by option name: those named, else all that have a value."""
        if names is not None:
            return {name: self.field(name).value(record) for name in names}
        values = {row.name: row.value(record) for row in self.fields}
        return {name: value for name, value in values.items() if not is_empty(value)}


@dataclass(frozen=True)
class Plan:
    """What has to be done for one object.

    :param name: the object's identity, for messages.
    :param action: ``create``, ``update``, ``reissue``, ``delete`` or ``none``.
    :param changes: declared values to write, by option.
    :param before: the declared fields as they are; ``after``: as they will be.
    :param current: the record as read, None if there is none.
    :param surplus: records that must go as well, such as a doubled key.
    :param value: the secret that the object has or gets, None if unknown.
    :param warnings: sentences for the user.
    """

    name: str
    action: str
    changes: Mapping[str, Any] = field(default_factory=dict)
    before: Mapping[str, Any] = field(default_factory=dict)
    after: Mapping[str, Any] = field(default_factory=dict)
    current: Mapping[str, Any] | None = None
    surplus: tuple[Mapping[str, Any], ...] = ()
    value: str | None = None
    warnings: tuple[str, ...] = ()

    @property
    def changed(self) -> bool:
        return self.action != "none"

    @property
    def existing(self) -> Mapping[str, Any]:
        """The record as read, empty if there is none."""
        return self.current or {}

    @property
    def diff(self) -> dict[str, Any]:
        """Before and after of the declared fields, without secrets."""
        return {
            "before_header": self.name,
            "after_header": self.name,
            "before": redact(self.before),
            "after": redact(self.after),
        }

    def having(self, **parts: Any) -> Plan:
        """The same plan with other parts."""
        return replace(self, **parts)


@dataclass(frozen=True)
class Outcome:
    """What came of a plan.

    :param action: what was done; differs from the plan's where somebody else was quicker.
    :param record: the object as it is now, None if it is gone or unknown.
    :param value: the secret that the object has, None if unknown.
    :param error: why it failed; a value that was already given out stands beside it.
    """

    plan: Plan
    action: str
    record: Mapping[str, Any] | None = None
    value: str | None = None
    error: Exception | None = None
    warnings: tuple[str, ...] = ()

    def having(self, **parts: Any) -> Outcome:
        """The same outcome with other parts."""
        return replace(self, **parts)


def make_plan(
    resource: Resource, declared: Mapping[str, Any], current: Mapping[str, Any] | None, state: str = "present"
) -> Plan:
    """What has to be written so that ``current`` becomes as ``declared``.

    :raises InputError: if a declared field cannot be changed on an existing object.
    """
    name = str(declared[resource.identity])
    if state == "absent":
        if current is None:
            return Plan(name, "none")
        return Plan(name, "delete", before=resource.view(current), current=current)
    names = [row.name for row in resource.fields if row.name in declared]
    after = {option: _plain(declared[option]) for option in names}
    if current is None:
        given = {option: value for option, value in after.items() if not is_empty(value)}
        return Plan(name, "create", changes=given, after=given)
    before = resource.view(current, names)
    changes = {
        option: declared[option]
        for option in names
        if not resource.field(option).equal(declared[option], before[option])
    }
    fixed = [option for option in changes if not resource.field(option).can_become(declared[option])]
    if fixed:
        raise InputError(
            f"LiteLLM cannot change {', '.join(fixed)} of an existing {resource.kind}; "
            f"delete it first, or declare the value it has.",
            name,
        )
    after = {option: after[option] if option in changes else before[option] for option in names}
    return Plan(name, "update" if changes else "none", changes=changes, before=before, after=after, current=current)


def dropped(resource: Resource, changes: Mapping[str, Any], record: Mapping[str, Any]) -> list[str]:
    """Names of the fields that were sent and that the server's record, read back, does not show."""
    rows = (resource.field(name) for name in changes)
    return [row.name for row in rows if not row.equal(changes[row.name], row.value(record))]


def unsupported(
    resource: Resource, changes: Mapping[str, Any], version: str | None, updating: bool
) -> list[tuple[str, str]]:
    """What a server is too old for, such as ``know limit``, each with the first version that does.

    Empty if the version is unknown.
    """
    if version is None:
        return []
    found = []
    for name, value in changes.items():
        row = resource.field(name)
        needs = [("know", row.since)]
        if updating and is_empty(value):
            needs.append(("clear", row.clear_since or row.update_since))
        elif updating:
            needs.append(("change", row.update_since))
        unmet = [(f"{verb} {name}", since) for verb, since in needs if _is_older(version, since)]
        found += unmet[:1]
    return found


def _is_older(version: str, than: str) -> bool:
    return bool(than) and version_tuple(version) < version_tuple(than)


def problems(resource: Resource, declared: Mapping[str, Any]) -> list[str]:
    """What is wrong with the declared values themselves, a sentence each."""
    found = []
    for row in resource.fields:
        value = declared.get(row.name)
        if value is UNSET and row.cleared is NOT_CLEARABLE:
            found.append(f"{row.name} cannot be unset.")
        elif row.check and not is_empty(value):
            reason = row.check(value)
            if reason:
                found.append(f"{row.name}: {reason}")
    return found


def _plain(value: Any) -> Any:
    return None if value is UNSET else value
