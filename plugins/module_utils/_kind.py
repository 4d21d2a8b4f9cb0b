# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an object brings so that the modules can declare and read it. Private: only for use inside this collection."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from ._engine import Outcome, Plan, Resource
from ._listings import Listing
from ._text import plural

Options = Mapping[str, Any]
ArgumentSpec = Mapping[str, Mapping[str, Any]]


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


class Client(Protocol):
    """HTTP to one proxy, as stores need it: ``_client.Client``."""

    facts: dict[str, Any]
    last_read: dict[Any, Any]

    def get(self, path: str, params: Mapping[str, Any] | None = None) -> Any:
        """Return the JSON that the proxy answers. Raises ApiError."""

    def send(self, path: str, body: Any = None, method: str = "POST", idempotent: bool = False) -> Any:
        """Return the same of a request with a JSON body, repeated after a lost answer only if ``idempotent``."""

    def now(self) -> datetime:
        """Return the proxy's time."""

    def past(self) -> datetime | None:
        """Return a moment that is past for the proxy, too; None if none is known."""

    def acting_as(self, key: str) -> Client:
        """Return a client of the same proxy for the owner of another key."""


class Ledger(Protocol):
    """Where the secrets of objects are kept outside the server, by the name of the object."""

    def candidates(self, name: str) -> list[str]:
        """Return the secrets that an object may have, the one that was chosen last at the end."""

    def pending(self, name: str) -> list[str]:
        """Return those of them that were chosen for it, and of which nobody knows whether it got them."""

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

    def existing(self) -> list[Mapping[str, Any]]:
        """Return all objects of the kind, each as the listing shows it."""

    def plans(self, wants: Sequence[Any]) -> list[Plan]:
        """Return what has to be done for each, in order; writes nothing; raises InputError for what cannot be."""

    def missing(self, wants: Sequence[Any], plans: Sequence[Plan]) -> Mapping[str, Sequence[str]]:
        """Return what plans need and the proxy lacks, which another task can create first: names by sentence."""
        return {}

    def prepare(self, plans: Sequence[Plan]) -> list[Plan]:
        """Settle what has to be before the first write, and return the plans; raises LiteLLMError if it cannot be."""
        return list(plans)

    def undeclared(self, wants: Sequence[Any]) -> Sequence[Any]:
        """Return declarations of absence for what the task wants pruned; none for objects that are never pruned."""
        return []

    def batches(self, plans: Sequence[Plan]) -> list[list[int]]:
        """Return which plans are carried out, by position, and which of them in one request."""
        return [[number] for number, plan in enumerate(plans) if plan.changed]

    def apply(self, wants: Sequence[Any], plans: Sequence[Plan]) -> list[Outcome]:
        """Carry out the plans of one batch."""

    def confirm(self, wants: Sequence[Any], outcomes: Sequence[Outcome]) -> list[Outcome]:
        """Return the outcomes, once what was written is read back, where applying has not done that."""
        return list(outcomes)


class Readable(Protocol):
    """What a module that only reads is made of."""

    @property
    def info_options(self) -> ArgumentSpec:
        """Argument spec of the module."""

    def read(self, client: Client, params: Options) -> dict[str, Any]:
        """Return the result of the module. Raises InputError."""


class Kind(ABC):
    """A kind of object: all that its modules are made of. Subclassed for each kind; holds nothing of any task."""

    table: Resource
    # Where all objects of the kind are listed.
    listing: Listing
    # Name of the one return value that holds an object's secret, None if none is ever returned.
    secret: str | None = None
    # What to do about refusals that only these objects meet: a sentence by a pattern of what is said.
    advice: Mapping[str, str] = {}
    # All that can be done to an object, in the order of a summary.
    actions: tuple[str, ...] = ("create", "update", "delete", "none")
    # Argument spec of what only tasks with many objects have.
    batch_options: ArgumentSpec = {}

    @property
    def result(self) -> str:
        """Name of the return value that holds the object."""
        return self.table.kind.lower().replace(" ", "_")

    @property
    def plural(self) -> str:
        """Name of the option, and of the return value, that lists many."""
        return plural(self.result)

    @property
    def things(self) -> str:
        """What a sentence calls many of them."""
        return plural(self.table.kind)

    @property
    def intended(self) -> Listing:
        """Where a run that plans notes what it is going to do to the objects."""
        return self.listing

    @property
    def identity(self) -> tuple[str, ...]:
        """Names of the options by which an object can be declared, the one that counts first."""
        return (self.table.identity,)

    @property
    @abstractmethod
    def options(self) -> ArgumentSpec:
        """Argument spec of one declared object, without ``state``."""

    @property
    def task_options(self) -> ArgumentSpec:
        """Argument spec of what holds for all objects of a task."""
        return {}

    @property
    @abstractmethod
    def info_options(self) -> ArgumentSpec:
        """Argument spec of the module that only reads."""

    @property
    def ids(self) -> Mapping[str, str]:
        """Fields of a record that are returned beside the identity, by return value."""
        return {}

    @abstractmethod
    def declare(self, options: Options, state: str) -> Declaration:
        """Make a checked declaration of an object's options. Raises InputError."""

    @abstractmethod
    def store(self, client: Client, params: Options, ledger: Ledger | None = None) -> Store:
        """Return the objects of a proxy, for a task with those parameters and, if it has one, that ledger."""

    @abstractmethod
    def read(self, client: Client, params: Options) -> dict[str, Any]:
        """Return the result of the module that only reads. Raises InputError."""

    @abstractmethod
    def public(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """Return a record as it is returned, without secrets."""

    def name_of(self, record: Mapping[str, Any]) -> str:
        """Return how messages and results call an object that is there."""
        return str(self.table.field(self.table.identity).value(record))

    def in_listing(self, changes: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return what a plan changes, as the listing will show it."""
        return changes

    def readings(self, _public: Mapping[str, Any]) -> dict[str, Any]:
        """Return what of ``public`` is returned of each of many objects, besides."""
        return {}

    def with_defaults(self, item: Options, defaults: Options) -> dict[str, Any]:
        """Return an item of many with the defaults of the task, except for what the item sets or unsets itself."""
        given = {name: value for name, value in item.items() if value is not None}
        kept = {name: value for name, value in defaults.items() if name not in (given.get("unset") or ())}
        if kept.get("unset"):
            kept["unset"] = [name for name in kept["unset"] if name not in given]
        return {**kept, **given}

    def conflicts(self, _declarations: Sequence[Any]) -> Mapping[str, Sequence[str]]:
        """Return what is wrong with the declarations of a task taken together: names by sentence."""
        return {}
