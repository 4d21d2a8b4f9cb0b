# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an object brings so that the modules can declare and read it. Private: only for use inside this collection."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from ._engine import Outcome, Plan


class Declaration(Protocol):
    """A checked declaration of one object."""

    @property
    def identity(self) -> Mapping[str, str]:
        """What it is found by, by option. No two declarations of a task have the same."""

    @property
    def name(self) -> str:
        """How messages call it."""

    @property
    def state(self) -> str:
        """``present`` or ``absent``."""


class Ledger(Protocol):
    """Where the secrets of objects are kept outside the server, by the name of the object."""

    def candidates(self, name: str) -> list[str]:
        """The secrets that an object may have, the one that was chosen last at the end."""

    def pending(self, name: str) -> list[str]:
        """Those of them that were chosen for it, and of which nobody knows whether it got them."""

    def remember(self, chosen: Mapping[str, str]) -> None:
        """Note secrets before they are sent to the server. Raises LiteLLMError if nothing may be sent.

        May be called from several threads.
        """

    def settle(self, confirmed: Mapping[str, str], gone: Iterable[str]) -> None:
        """Note the secrets that objects have, and which objects are gone. Raises LiteLLMError if it cannot."""


class Store(Protocol):
    """Where objects of one kind are kept: what a batch needs of an object.

    What has a body here is the way of ordinary objects, whose stores inherit it.
    """

    def plans(self, wants: Sequence[Any]) -> list[Plan]:
        """What has to be done for each, in order; writes nothing; raises InputError for what cannot be."""

    def missing(self, wants: Sequence[Any], plans: Sequence[Plan]) -> Mapping[str, Sequence[str]]:
        """What plans need and the proxy does not have, which another task can create first: names by sentence."""
        return {}

    def prepare(self, plans: Sequence[Plan]) -> list[Plan]:
        """The plans with all that has to be settled before the first write; raises LiteLLMError if it cannot be."""
        return list(plans)

    def undeclared(self, wants: Sequence[Any]) -> Sequence[Any]:
        """Declarations of absence for what the task wants pruned; none for objects that are never pruned."""
        return []

    def units(self, plans: Sequence[Plan]) -> list[list[int]]:
        """Which plans are carried out, by position, and which of them in one request."""
        return [[number] for number, plan in enumerate(plans) if plan.changed]

    def apply(self, wants: Sequence[Any], plans: Sequence[Plan]) -> list[Outcome]:
        """Carry out the plans of one unit."""

    def confirm(self, wants: Sequence[Any], outcomes: Sequence[Outcome]) -> list[Outcome]:
        """The outcomes, once what was written is read back, where applying has not done that."""
        return list(outcomes)


def _item_first(item: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """An item with the defaults of the task, except for what the item sets or unsets itself."""
    given = {name: value for name, value in item.items() if value is not None}
    kept = {name: value for name, value in defaults.items() if name not in (given.get("unset") or ())}
    if kept.get("unset"):
        kept["unset"] = [name for name in kept["unset"] if name not in given]
    return {**kept, **given}


def _no_conflicts(_declarations: Sequence[Any]) -> Mapping[str, Sequence[str]]:
    return {}


def _no_readings(_public: Mapping[str, Any]) -> dict[str, Any]:
    return {}


@dataclass(frozen=True)
class Kind:
    """What the modules of one kind of object are made of.

    :param result: name of the return value that holds the object.
    :param plural: name of the option, and of the return value, that lists many.
    :param things: what a sentence calls many of them.
    :param identity: names of the options that identify it: all of them together, or any of several ways.
    :param options: argument spec of one declared object, without ``state``.
    :param task_options: argument spec of what holds for all objects of a task.
    :param declare: makes a checked declaration of options and state; raises InputError.
    :param store: makes, of a client, the task's parameters and a ledger if there is one, the place where the objects
        are kept.
    :param public: a record as it is returned, without secrets.
    :param secret: name of the one return value that holds its secret, None if none is ever returned.
    :param batch_options: argument spec of what only tasks with many objects have.
    :param ids: fields of a record that are returned beside the identity, by return value.
    :param readings: what of ``public`` is returned of each of many objects, besides.
    :param advice: what to do about refusals that only these objects meet: a sentence by a pattern of what is said.
    :param with_defaults: an item of many, with the defaults of the task; the item goes first.
    :param actions: all that can be done to an object, in the order of a summary.
    :param conflicts: what is wrong with the declarations of a task taken together: names by sentence.
    """

    result: str
    plural: str
    things: str
    identity: tuple[str, ...]
    options: Mapping[str, Mapping[str, Any]]
    declare: Callable[[Mapping[str, Any], str], Declaration]
    store: Callable[[Any, Mapping[str, Any], Ledger | None], Store]
    public: Callable[[Mapping[str, Any]], dict[str, Any]]
    task_options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    batch_options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    secret: str | None = None
    ids: Mapping[str, str] = field(default_factory=dict)
    readings: Callable[[Mapping[str, Any]], dict[str, Any]] = _no_readings
    advice: Mapping[str, str] = field(default_factory=dict)
    with_defaults: Callable[[Mapping[str, Any], Mapping[str, Any]], dict[str, Any]] = _item_first
    actions: tuple[str, ...] = ("create", "update", "delete", "none")
    conflicts: Callable[[Sequence[Any]], Mapping[str, Sequence[str]]] = _no_conflicts


@dataclass(frozen=True)
class Info:
    """What a module that only reads is made of.

    :param options: its argument spec.
    :param read: makes its result, of a client and the task's parameters; raises InputError.
    """

    options: Mapping[str, Mapping[str, Any]]
    read: Callable[[Any, Mapping[str, Any]], dict[str, Any]]
