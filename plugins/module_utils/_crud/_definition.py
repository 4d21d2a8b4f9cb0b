# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an ordinary object is: its table, its requests, and the methods in which it differs from others. Pure.

Private: only for use inside this collection.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from .._adopting import DECLARATION_OPTION, Adoptable
from .._engine import Plan, Resource, declared_fields, make_plan
from .._errors import ApiError, InputError
from .._kind import ArgumentSpec
from .._listings import Listing
from .._proxy import Proxy
from .._shapes import MAPPING
from ._references import resolve, with_names
from ._rows import check_identity

Record = Mapping[str, Any]
Values = Mapping[str, Any]

FORCE: ArgumentSpec = {"force": {"type": "bool"}}


@dataclass(frozen=True)
class Request:
    """One of the requests of an object.

    :param path: may hold ``{id}``, in whose place the object's id is put.
    :param id: where else the id goes: a field of the body, or a parameter of a GET. Empty if nowhere.
    :param many: whether that takes a list of ids.
    :param entries: under what name the answer holds the record. Empty if it is the answer.
    :param missing: pattern of what LiteLLM says if there is no such object. Empty if it does not refuse the request.
    :param selects: whether the answer is a list, which is empty if there is no such object.
    """

    method: str
    path: str
    id: str = ""
    many: bool = False
    entries: str = ""
    missing: str = ""
    selects: bool = False


NEVER = Request("", "")


@dataclass(frozen=True)
class CrudDeclaration:
    """A checked declaration of one object: its fields, and all options for the methods of its definition."""

    identity: Mapping[str, str]
    state: str
    fields: Values = field(repr=False)
    options: Values = field(repr=False)

    @property
    def name(self) -> str:
        return next(iter(self.identity.values()))

    @property
    def identified_by(self) -> str:
        """The option that identifies the object."""
        return next(iter(self.identity))

    @property
    def force(self) -> bool:
        return bool(self.options.get("force"))


class Definition(Adoptable):
    """An ordinary object. Its attributes and the methods of the last part are what each object sets and overrides."""

    # Another option by which it can be declared, as long as exactly one object bears it.
    alias: str = ""
    # The field of a record by which requests name the object, if that is not the identity.
    server_id: str = ""
    # Argument spec of options that are no fields.
    extra_options: ArgumentSpec = {}
    # What a record shows beside the fields, such as ``spend``.
    reading_names: tuple[str, ...] = ()
    # Fields by which the info module selects.
    filters: tuple[str, ...] = ()

    # The requests. Creation and deletion are ``NEVER`` for what another module makes; then there is no state: absent.
    create: Request = NEVER  # takes the declared fields
    update: Request  # takes the fields that change; all others stay
    delete: Request = NEVER
    listing: Listing  # all objects
    get: Request | None = None  # one object by its id; None if only the listing shows it
    unlisted: tuple[str, ...] = ()  # fields that only ``get`` shows
    most_at_once: int = 32  # how many are written side by side at most, however many the task allows
    doubtful_get: bool = False  # whether ``get`` says "not found" to any failure, so that the listing has the last word

    # What the modules are made of

    @property
    def identity(self) -> tuple[str, ...]:
        return (self.table.identity, self.alias) if self.alias else (self.table.identity,)

    @property
    def id(self) -> str:
        """The field of a record by which requests name the object."""
        return self.server_id or self.table.identity

    @property
    def ids(self) -> Mapping[str, str]:
        return {} if self.identity == (self.id,) else {self.id: self.id}

    @property
    def options(self) -> ArgumentSpec:
        identity = {**self.table.field(self.table.identity).option(), "required": True}
        required: ArgumentSpec = {} if self.alias else {self.table.identity: identity}
        clearable = self.table.unset_option
        unset = {"unset": clearable} if clearable["choices"] else {}
        force = {} if type(self).losses is Definition.losses else FORCE
        return {**self.table.options(), **required, **unset, **force, **self.extra_options}

    @property
    def task_options(self) -> ArgumentSpec:
        only_present = {"state": {"type": "str", "choices": ["present"], "default": "present"}}
        return only_present if self.delete is NEVER else {}

    @property
    def info_options(self) -> ArgumentSpec:
        selecting = {name: self.table.field(name).option() for name in (*self.identity, *self.filters)}
        return {**selecting, **DECLARATION_OPTION}

    def public(self, record: Record) -> dict[str, Any]:
        """Return a record as it is returned: all fields, and what else there is to read."""
        fields = self.table.redact({row.name: row.value(record) for row in self.table.fields})
        return {**{name: record.get(name) for name in self.reading_names}, **fields}

    def identified_by(self, option: str) -> Resource:
        """Return the table, for objects that are declared by that option."""
        return replace(self.table, identity=option)

    def declare(self, options: Values, state: str) -> CrudDeclaration:
        """Make a checked declaration of an object's options.

        :raises InputError: naming all that is wrong with them.
        """
        given = (option for option in self.identity if str(options.get(option) or "").strip())
        identity = next(given, "")
        if not identity:
            raise InputError(
                f"{' or '.join(f'O({name})' for name in self.identity)} is required and must not be blank."
            )
        name = str(options[identity])
        meant = options if state == "present" else {identity: name}
        if "unset" in self.extra_options:
            # What else it lists is for the methods below.
            clearable = self.table.unset_option["choices"]
            meant = {**meant, "unset": [name for name in meant.get("unset") or () if name in clearable]}
        fields, found = declared_fields(self.table, meant)
        wrong = check_identity(name)
        found += [f"O({identity}): {wrong}"] if wrong else []
        if state == "present":
            found += self.check_options(options)
        if found:
            raise InputError(" ".join(found), name)
        return CrudDeclaration({identity: name}, state, fields, options)

    def plan_of(self, want: CrudDeclaration, record: Record | None, proxy: Proxy) -> Plan:
        """Return what has to be done so that an object that was read, if there is one, becomes as declared."""
        fields = want.fields
        if want.state == "present":
            record = record and self.fetch_details(record, want.options, proxy)
            fields = resolve(self.table.fields, fields, record, proxy)
            expected = record or self.expected(want.name, want.options, proxy)
            fields = self.desired(fields, want.options, expected)
        table = self.identified_by(want.identified_by)
        if record is None and self.create is NEVER:
            # Another task creates it. What is planned here is what follows then.
            return replace(make_plan(table, fields, {want.identified_by: want.name}), current=None)
        return self.adjusted(make_plan(table, fields, record, want.state))

    def options_of(self, record: Record, proxy: Proxy) -> dict[str, Any]:
        return with_names(self.table.fields, super().options_of(record, proxy), proxy)

    # What an object can override, because no row of its table can tell it

    def is_called(self, record: Record, option: str, name: str) -> bool:
        """Return whether an object is the one that is declared by that option with that name."""
        return bool(self.table.field(option).value(record) == name)

    def check_options(self, _options: Values) -> list[str]:
        """Return what is wrong with the declared options taken together, a sentence each."""
        return []

    def fetch_details(self, record: Record, _options: Values, _proxy: Proxy) -> Record:
        """Return a record with what else planning has to know."""
        return record

    def expected(self, _name: str, _options: Values, _proxy: Proxy) -> Record | None:
        """Return what an object that this run creates with another one will be like, None if it creates none."""
        return None

    def fetch_rest(self, record: Record, _proxy: Proxy) -> Record:
        """Return a record with what is shown of an object beside it, such as which secrets it has."""
        return record

    def desired(self, fields: Values, _options: Values, _record: Record | None) -> Values:
        """Return the fields to declare, of those that are declared and of the record that is there.

        For defaults at the creation, or to own only a part of a value.
        """
        return fields

    def adjusted(self, plan: Plan) -> Plan:
        """Return a plan with another action, where fields alone do not tell whether there is something to do."""
        return plan

    def create_body(self, body: dict[str, Any], _plan: Plan) -> dict[str, Any]:
        """Return the body of the request, of what would be sent."""
        return body

    def update_body(self, body: dict[str, Any], _plan: Plan, _proxy: Proxy) -> dict[str, Any]:
        """Return the body of the request, of what would be sent. If nothing is left of it, no request is sent."""
        return body

    def fetch_rows(self, params: Mapping[str, str], proxy: Proxy) -> list[Record]:
        """Return all objects as the proxy shows them, or those that the parameters select."""
        return proxy.listed(self.listing, params, MAPPING)

    def is_forgotten(self, _name: str, _proxy: Proxy) -> bool:
        """Return whether an object that the listing lacks exists nevertheless, where a listing can lack one."""
        return False

    def own_requests(self, _plan: Plan, _proxy: Proxy) -> Iterable[tuple[str, str, Values]] | None:
        """Return the requests that carry out a plan, as method, path, and body, instead of those above.

        For objects that take another number of them. Each may be repeated after a lost answer.
        """
        return None

    def further_requests(self, _id: str, _plan: Plan, _proxy: Proxy) -> Iterable[tuple[str, Values]]:
        """Return requests that belong to the same write, as path and body.

        None of them is repeated after a lost answer before the object was read again.
        """
        return ()

    def split_request(self, _body: Values, _refusal: ApiError) -> Sequence[Values]:
        """Return the bodies in which one of these is sent again if it was too much at once and nothing of it was done.

        None if it is refused for good.
        """
        return ()

    def lists_all_of(self, _record: Record, _want: CrudDeclaration | None) -> bool:
        """Return whether a record of the listing tells all of an object, because it has none of the unlisted fields.

        If it is to be compared with a declaration, what that one does not need may be missing.
        """
        return not self.unlisted

    def normalize(self, record: Record) -> Record:
        """Return a record as the table expects it, of one as the server shows it."""
        return record

    def check_plan(self, _plan: Plan, _options: Values, _proxy: Proxy) -> str | None:
        """Return why the proxy cannot carry out a plan, None if it can."""
        return None

    def missing(self, _plan: Plan, _options: Values, _proxy: Proxy) -> str | None:
        """Return what a plan refers to and the proxy does not have, None if nothing.

        Another task can create it first.
        """
        return None

    def warnings(self, _plan: Plan, _options: Values, _proxy: Proxy) -> Sequence[str]:
        """Return what the user has to know before a plan is carried out, a sentence each."""
        return ()

    def must_recreate(self, _plan: Plan, _proxy: Proxy) -> bool:
        """Return whether an update is possible only by deleting the object and creating it as the task declares it.

        What the task does not declare is lost: ``check_plan`` has to see to that first.
        """
        return False

    def fetch_links(self, _plan: Plan, _proxy: Proxy) -> Sequence[str]:
        """Return what holds the object and forgets it with its deletion, read before it is deleted for that."""
        return ()

    def restoring_requests(
        self, _plan: Plan, _links: Sequence[str], _proxy: Proxy
    ) -> Iterable[tuple[str, str, Values]]:
        """Return the requests that put the object back there once it was created anew, as method, path, and body."""
        return ()

    def losses(self, _plan: Plan, _options: Values, _proxy: Proxy) -> list[str]:
        """Return what others lose if the object is deleted, or loses what they need, a sentence each.

        It is taken from them only with the option ``force``. Another task can change that first.
        """
        return []
