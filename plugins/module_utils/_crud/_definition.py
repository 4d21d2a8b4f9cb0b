# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an ordinary object brings beside its table: its requests and its quirks. Pure.

Private: only for use inside this collection.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from .._engine import Plan, Resource
from .._errors import ApiError

Record = Mapping[str, Any]
Values = Mapping[str, Any]


@dataclass(frozen=True)
class Request:
    """One of the requests of an object.

    :param path: may hold ``{id}``, in whose place the object's id is put.
    :param id: where else the id goes: a field of the body, or a parameter of a GET. Empty if nowhere.
    :param many: whether that takes a list of ids.
    :param entries: under what name the answer holds the record, or the list of records. Empty if it is the answer.
    :param paged: whether a listing comes in pages.
    """

    method: str
    path: str
    id: str = ""
    many: bool = False
    entries: str = ""
    paged: bool = False


NEVER = Request("", "")


@dataclass(frozen=True)
class Endpoints:
    """The requests of an object.

    :param create: takes the declared fields. ``NEVER`` for what another module makes.
    :param update: takes the fields that change; all others stay.
    :param delete: ``NEVER`` for what another module deletes; then there is no ``state: absent``.
    :param listing: all objects.
    :param read: one object by its id. None if only the listing shows it.
    :param partial: whether the listing shows less of an object than ``read``.
    :param id: the field of a record by which requests name the object, if that is not the identity.
    """

    update: Request
    listing: Request
    create: Request = NEVER
    delete: Request = NEVER
    read: Request | None = None
    partial: bool = False
    id: str = ""


@dataclass(frozen=True)
class Hooks:
    """The quirks of an object that no row of its table can tell. Each is optional.

    :param check: what is wrong with the declared options taken together, a sentence each.
    :param look_up: a record with what else planning has to know, of the record that is there, all options, and the
        proxy.
    :param prepare: the fields to declare, of those that are declared, of all options, and of the record that is there.
        For defaults at the creation, or to own only a part of a value.
    :param create_body: the body of the request, of what would be sent and the plan.
    :param update_body: likewise; if nothing is left of it, no request is sent.
    :param further: requests that belong to the same write, as path and body, of the object's id, the plan, and the
        proxy. None of them is repeated after a lost answer before the object was read again.
    :param divided: the bodies in which one of these is sent again, of its body and the refusal, if it was too much at
        once and nothing of it was done; none if it is refused for good.
    :param after_read: a record as the table expects it, of one as the server shows it.
    :param refuse: why the proxy cannot carry out a plan, of the plan, all options, and the proxy; None if it can.
    :param missing: what a plan refers to and the proxy does not have, of the plan, all options, and the proxy; None if
        nothing. Another task can create it first.
    :param warn: what the user has to know before a plan is carried out, of the plan, all options, and the client; a
        sentence each.
    :param recreate: whether the proxy cannot carry out an update but by deleting the object and creating it anew, as
        the task declares it, of the plan and the proxy. What the task does not declare is lost: ``refuse`` has to see
        to that first.
    :param refuse_delete: what would be lost with the object, of the record and the client; None if nothing. If given,
        the object has an option ``force``, with which it is deleted all the same.
    :param refuse_update: likewise, what would be lost with an update, of the plan and the client.
    """

    check: Callable[[Values], list[str]] = lambda options: []
    look_up: Callable[[Record, Values, Any], Record] = lambda record, options, proxy: record
    prepare: Callable[[Values, Values, Record | None], Values] = lambda fields, options, record: fields
    create_body: Callable[[dict[str, Any], Plan], dict[str, Any]] = lambda body, plan: body
    update_body: Callable[[dict[str, Any], Plan], dict[str, Any]] = lambda body, plan: body
    further: Callable[[str, Plan, Any], Iterable[tuple[str, Values]]] = lambda name, plan, proxy: ()
    divided: Callable[[Values, ApiError], Sequence[Values]] = lambda body, refusal: ()
    after_read: Callable[[Record], Record] = lambda record: record
    refuse: Callable[[Plan, Values, Any], str | None] = lambda plan, options, proxy: None
    missing: Callable[[Plan, Values, Any], str | None] = lambda plan, options, proxy: None
    warn: Callable[[Plan, Values, Any], Sequence[str]] = lambda plan, options, client: ()
    recreate: Callable[[Plan, Any], bool] = lambda plan, proxy: False
    refuse_delete: Callable[[Record, Any], str | None] | None = None
    refuse_update: Callable[[Plan, Any], str | None] | None = None


@dataclass(frozen=True)
class Definition:
    """An ordinary object.

    :param alias: another option by which it can be declared, as long as exactly one object bears it.
    :param options: argument spec of options that are no fields.
    :param readings: what a record shows beside the fields, such as ``spend``.
    :param filters: fields by which the info module selects.
    :param advice: what to do about refusals that only these objects meet: a sentence by a pattern of what is said.
    """

    resource: Resource
    endpoints: Endpoints
    hooks: Hooks = field(default_factory=Hooks)
    alias: str = ""
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    readings: tuple[str, ...] = ()
    filters: tuple[str, ...] = ()
    advice: Mapping[str, str] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """The field of a record by which requests name the object."""
        return self.endpoints.id or self.resource.identity

    @property
    def identities(self) -> tuple[str, ...]:
        """The options by which the object can be declared, the one that counts first."""
        return (self.resource.identity, self.alias) if self.alias else (self.resource.identity,)

    def identified_by(self, option: str) -> Resource:
        """The table, for objects that are declared by that option."""
        return replace(self.resource, identity=option)

    def public(self, record: Record) -> dict[str, Any]:
        """A record as it is returned: all fields, and what else there is to read."""
        fields = self.resource.shown({row.name: row.value(record) for row in self.resource.fields})
        return {**{name: record.get(name) for name in self.readings}, **fields}
