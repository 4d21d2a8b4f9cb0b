# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Declared against actual: what has to be written. Private: only for use inside this collection.

Pure functions over plain data, no I/O.

A *field* is one row of an object's table; from it come argument spec, comparison, payload, diff and documentation.
*declared* maps option names to values; :data:`UNSET` stands for "no value". What is not declared is left alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ._errors import InputError
from ._redaction import check_not_hidden
from ._text import mark_options
from ._values import UNSET, as_json, json_equal, same_amount, same_members, version_tuple

NOT_CLEARABLE: Any = object()
# What says "nothing" of each type, and how values of it are compared where that is not exactly.
NOTHING: Mapping[str, tuple[Any, ...]] = {"str": ("",), "list": ([],), "dict": ({},)}
SAME: Mapping[str, Callable[[Any, Any], bool]] = {"float": same_amount, "list": same_members}


def _unchanged(value: Any) -> Any:
    return value


@dataclass(frozen=True)
class Field:
    """One field of an API object.

    :param name: name of the option and of the API's field.
    :param type: type of the option, as in an argument spec; ``elements``, ``choices``, ``suboptions`` likewise.
    :param unit: unit of a number or format of a text, for the documentation.
    :param path: where a record that was read holds the value; the name itself if not given.
    :param read: takes the value from a record, where a path does not do.
    :param normalize: takes from a value what does not count when it is compared, such as what the server adds.
    :param same: compares a declared with an actual value, where the type's way does not do. Lists are sets, the
        database may cut a float, all else is exact.
    :param empty_values: values that say "nothing", besides null and the empty one of the type.
    :param merged: whether entries of a mapping that are not declared stay.
    :param parse: makes of a value as it is given the one that it means, such as numbers of text.
    :param check: returns what is wrong with a declared value, or None.
    :param serialize: makes of a value what the API takes.
    :param redact: makes of a value what may be shown: without secrets.
    :param diff_view: takes from the value before and after an update what a diff shows, where that is not all of it.
    :param references: to what kinds of objects the value, or an entry of it, refers, by entry; "" is the value.
    :param cleared: what the API takes for "no value".
    :param hint: what to do where an existing object cannot be given a value, or "no value", a sentence.
    :param updatable: whether the API can change it on an existing object.
    :param once: whether the API gives it only to an existing object that has none.
    :param since: the first LiteLLM version that knows it; ``update_since`` the first that can change it,
        ``clear_since`` the first that can take it away again.
    :param licensed: whether LiteLLM asks for an Enterprise license for any value but "nothing".
    :param default: the value of a new object without it; ``declares`` is false for what something else says as well.
    """

    name: str
    type: str = "str"
    elements: str | None = None
    choices: tuple[str, ...] = ()
    suboptions: Mapping[str, Mapping[str, Any]] | None = None
    unit: str = ""
    path: tuple[str, ...] = ()
    read: Callable[[Mapping[str, Any]], Any] | None = None
    normalize: Callable[[Any], Any] = _unchanged
    same: Callable[[Any, Any], bool] | None = None
    empty_values: tuple[Any, ...] = ()
    merged: bool = False
    parse: Callable[[Any], Any] = _unchanged
    check: Callable[[Any], str | None] | None = None
    serialize: Callable[[Any], Any] = _unchanged
    redact: Callable[[Any], Any] = _unchanged
    diff_view: Callable[[Any, Any], tuple[Any, Any]] | None = None
    references: Mapping[str, Any] = field(default_factory=dict)
    cleared: Any = None
    hint: str = ""
    updatable: bool = True
    once: bool = False
    since: str = ""
    update_since: str = ""
    clear_since: str = ""
    licensed: bool = False
    default: Any = None
    declares: bool = True

    def option(self) -> dict[str, Any]:
        """Return the row as an entry of an argument spec. Nothing in a table is secret; some names only look so."""
        spec: dict[str, Any] = {"type": self.type, "no_log": False}
        if self.elements:
            spec["elements"] = self.elements
        if self.choices:
            spec["choices"] = list(self.choices)
        if self.suboptions:
            spec["options"] = {name: dict(option) for name, option in self.suboptions.items()}
        return spec

    def value(self, record: Mapping[str, Any] | None) -> Any:
        """Return the field's value in a record that was read, None if it has none."""
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

    def to_api(self, value: Any) -> Any:
        """Return a declared value as a request takes it."""
        return self.cleared if self.is_empty(value) else self.serialize(value)

    def is_empty(self, value: Any) -> bool:
        """Return whether a value says that the object has none."""
        if value and not self.empty_values:
            return value is UNSET
        nothing = (*NOTHING.get(self.type, ()), *self.empty_values)
        return value is None or value is UNSET or any(json_equal(value, one) for one in nothing)

    @property
    def clearable(self) -> bool:
        """Whether the value can be taken away."""
        return self.cleared is not NOT_CLEARABLE

    def supports(self, declared: Any, actual: Any) -> bool:
        """Return whether an existing object can be given that value; what cannot change may still be taken away."""
        if self.is_empty(declared):
            return self.clearable
        return self.is_empty(actual) if self.once else self.updatable

    def equal(self, declared: Any, actual: Any) -> bool:
        """Return whether writing ``declared`` over ``actual`` would change nothing."""
        declared, actual = (None if self.is_empty(value) else self.normalize(value) for value in (declared, actual))
        if self.is_empty(declared) or self.is_empty(actual):
            return self.is_empty(declared) and self.is_empty(actual)
        return (self.same or SAME.get(self.type, json_equal))(declared, actual)

    def merge(self, declared: Any, actual: Any) -> Any:
        """Return the value that an object has after ``declared`` is written over ``actual``."""
        if self.merged and not self.is_empty(declared) and not self.is_empty(actual):
            return {**actual, **declared}
        return declared


@dataclass(frozen=True)
class Resource:
    """An API object: what it is called, what identifies it, its fields, and since when LiteLLM keeps them all."""

    kind: str
    identity: str
    fields: tuple[Field, ...]
    since: str = ""

    def field(self, name: str) -> Field:
        return next(row for row in self.fields if row.name == name)

    def options(self) -> dict[str, dict[str, Any]]:
        """Return the table as argument spec."""
        return {row.name: row.option() for row in self.fields}

    @property
    def unset_option(self) -> dict[str, Any]:
        """The option ``unset``, as an entry of an argument spec."""
        return {"type": "list", "elements": "str", "choices": [row.name for row in self.fields if row.clearable]}

    def view(self, record: Mapping[str, Any], names: Iterable[str] | None = None) -> dict[str, Any]:
        """Return the fields of a record by option name: those named, else all that have a value."""
        if names is not None:
            return {name: self.field(name).value(record) for name in names}
        values = ((row, row.value(record)) for row in self.fields)
        return {row.name: value for row, value in values if not row.is_empty(value)}

    def redact(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return values by option name as they may be shown, null for those that are declared to be none."""
        return {name: None if value is UNSET else self.field(name).redact(value) for name, value in values.items()}


@dataclass(frozen=True)
class Plan:
    """What has to be done for one object.

    :param name: the object's identity, for messages.
    :param action: ``create``, ``update``, ``delete``, ``none``, or one of the object's own.
    :param changes: declared values to write, by option.
    :param before: the declared fields as they are; ``after``: as they will be. Both as they may be shown.
    :param diff_view: what of ``before`` and ``after`` a diff shows in another way.
    :param current: the record as read, None if there is none.
    :param surplus: further records with the same identity, which have to go.
    :param value: the secret that the object has or gets, None if unknown.
    :param warnings: sentences for the user.
    """

    name: str
    action: str
    changes: Mapping[str, Any] = field(default_factory=dict, repr=False)
    before: Mapping[str, Any] = field(default_factory=dict)
    after: Mapping[str, Any] = field(default_factory=dict)
    diff_view: tuple[Mapping[str, Any], Mapping[str, Any]] = field(default=({}, {}), repr=False)
    current: Mapping[str, Any] | None = field(default=None, repr=False)
    surplus: tuple[Mapping[str, Any], ...] = field(default=(), repr=False)
    value: str | None = field(default=None, repr=False)
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
            "before": {**self.before, **self.diff_view[0]},
            "after": {**self.after, **self.diff_view[1]},
        }


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
    record: Mapping[str, Any] | None = field(default=None, repr=False)
    value: str | None = field(default=None, repr=False)
    error: Exception | None = None
    warnings: tuple[str, ...] = ()


def make_plan(
    resource: Resource,
    declared: Mapping[str, Any],
    current: Mapping[str, Any] | None,
    state: str = "present",
) -> Plan:
    """Return what has to be written so that ``current`` becomes as ``declared``.

    :raises InputError: if a declared field cannot be changed on an existing object.
    """
    name = str(declared[resource.identity])
    if state == "absent":
        if current is None:
            return Plan(name, "none")
        return Plan(name, "delete", before=resource.redact(resource.view(current)), current=current)
    rows = [row for row in resource.fields if row.name in declared]
    declared = {row.name: as_json(declared[row.name]) for row in rows}
    if current is None:
        given = {row.name: declared[row.name] for row in rows if not row.is_empty(declared[row.name])}
        return Plan(
            name, "create", changes=given, after=resource.redact(declared), diff_view=_diff_views(rows, {}, declared)
        )
    before = resource.view(current, [row.name for row in rows])
    wanted = {row.name: row.merge(declared[row.name], before[row.name]) for row in rows}
    changing = [row for row in rows if not row.equal(wanted[row.name], before[row.name])]
    _ensure_possible(resource.kind, [(row, wanted[row.name], before[row.name]) for row in changing], name)
    changes = {row.name: wanted[row.name] for row in changing}
    return Plan(
        name,
        "update" if changes else "none",
        changes=changes,
        before=resource.redact(before),
        after=resource.redact({**before, **changes}),
        diff_view=_diff_views(rows, before, wanted),
        current=current,
    )


def _diff_views(rows: Iterable[Field], before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Any, Any]:
    """Return what of two states a diff shows in another way."""
    views = {row.name: row.diff_view(before.get(row.name), after[row.name]) for row in rows if row.diff_view}
    return {name: old for name, (old, _new) in views.items()}, {name: new for name, (_old, new) in views.items()}


def _ensure_possible(kind: str, wanted: Sequence[tuple[Field, Any, Any]], name: str) -> None:
    fixed = [(row, value) for row, value, actual in wanted if not row.supports(value, actual)]
    if fixed:
        what = ", ".join(f"{'clear' if row.is_empty(value) else 'change'} O({row.name})" for row, value in fixed)
        hints = [row.hint for row, _value in fixed if row.hint]
        hint = " ".join(dict.fromkeys(hints)) or "Delete it first, or set its current value."
        raise InputError(f"LiteLLM cannot {what} of an existing {kind}. {hint}", name)


def dropped(resource: Resource, changes: Mapping[str, Any], record: Mapping[str, Any]) -> list[str]:
    """Return names of the fields that were sent and that the server's record, read back, does not show."""
    rows = (resource.field(name) for name in changes)
    return [row.name for row in rows if not row.equal(changes[row.name], row.value(record))]


def unsupported(
    resource: Resource, changes: Mapping[str, Any], version: str | None, updating: bool
) -> list[tuple[str, str]]:
    """Return what a server is too old for, such as ``know limit``, each with the first version that does.

    Empty if the version is unknown.
    """
    if version is None:
        return []
    found = []
    for name, value in changes.items():
        row = resource.field(name)
        needs = [("know", row.since)]
        if updating:
            clears = row.is_empty(value)
            needs.append(("clear", row.clear_since or row.update_since) if clears else ("change", row.update_since))
        lacking = [(verb, since) for verb, since in needs if since and version_tuple(version) < version_tuple(since)]
        found += [(f"{verb} O({name})", since) for verb, since in lacking[:1]]
    return found


def declared_fields(resource: Resource, options: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Return what a module's options declare, ``unset`` among them, and what is wrong with it, a sentence each."""
    declared = {row.name: row.parse(options[row.name]) for row in resource.fields if options.get(row.name) is not None}
    unset = options.get("unset") or ()
    both = [name for name in unset if not resource.field(name).is_empty(declared.get(name))]
    declared.update(dict.fromkeys(unset, UNSET))
    found = problems(resource, declared)
    found += [f"{mark_options(both)} cannot be both set and listed in O(unset)."] if both else []
    # Empty text is what an answer left blank gives.
    return {name: UNSET if value == "" else value for name, value in declared.items()}, found


def problems(resource: Resource, declared: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with the declared values themselves, a sentence each."""
    found = []
    for row in resource.fields:
        value = declared.get(row.name)
        if value is UNSET and not row.clearable:
            found.append(f"O({row.name}) cannot be unset.")
        elif not row.is_empty(value):
            reason = _unfit(row, value) or (row.check(value) if row.check else None)
            if reason:
                found.append(f"O({row.name}): {reason}")
    return found


def _unfit(row: Field, value: Any) -> str | None:
    if isinstance(value, bool) and row.type in ("int", "float"):
        return "must be a number."
    try:
        as_json(value)
    except ValueError as error:
        return str(error)
    return check_not_hidden(value)
