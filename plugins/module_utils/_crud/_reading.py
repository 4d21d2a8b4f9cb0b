# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finding ordinary objects on a proxy. Private: only for use inside this collection.

What a server selects is never trusted: an id or alias counts only if the record has exactly that one. Nor is a read
that failed: "there is none" counts only in LiteLLM's own words, or if an empty answer comes a second time.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from .._engine import Field, Plan
from .._errors import ApiError, InputError
from .._kind import Client
from .._listings import FEW, PAGE
from .._proxy import Proxy
from .._shapes import ANY, LIST, MAPPING, Shape, ensure_shape, maybe, shape_error
from ._definition import CrudDeclaration, Definition, Record, Request

UNLISTED = "Run again in half a minute. If the message stays, LiteLLM cannot load the object. Its log says why."


def path_of(request: Request, name: str) -> str:
    """Return the path of a request for an object. A space has to be %20: LiteLLM does not take each + for one."""
    path = request.path.replace("{id}", quote(name, safe=""))
    if not request.id or request.method != "GET":
        return path
    return f"{path}{'&' if '?' in path else '?'}{request.id}={quote(name, safe='')}"


def ids_in_body(request: Request, ids: Sequence[str]) -> dict[str, Any]:
    """Return the part of a body that names the objects."""
    return {request.id: list(ids) if request.many else ids[0]} if request.id and request.method != "GET" else {}


class Reader:
    """The objects of one kind on one proxy."""

    def __init__(self, definition: Definition, client: Client, proxy: Proxy) -> None:
        self._definition = definition
        self._client = client
        self._proxy = proxy

    def find(self, want: CrudDeclaration) -> Record | None:
        """Return the object that a declaration means, None if there is none.

        :raises InputError: if it is declared by an alias that several objects bear.
        """
        return self.find_all([want])[0]

    def find_all(self, wants: Sequence[CrudDeclaration]) -> list[Record | None]:
        """Return the objects that declarations mean, in their order; ids are looked up, all else is looked for."""
        by_id = {want.name: want for want in wants if self._names_id(want)}
        records = {str(record[self._definition.id]): record for record in self._with_many_ids(by_id)}
        by_value = self._listing_with(wants) if len(by_id) < len(wants) else []
        return [records.get(want.name) if self._names_id(want) else self._bearer(want, by_value) for want in wants]

    def reads_alone(self, want: CrudDeclaration, plan: Plan) -> bool:
        """Return whether the object is read by a request of its own, once a plan is carried out."""
        fields = [self._definition.table.field(name) for name in self._definition.unlisted]
        later = {row.name: plan.changes.get(row.name, row.value(plan.current)) for row in fields}
        return self._names_id(want) and not all(row.is_empty(later[row.name]) for row in fields)

    def _listing_with(self, wants: Sequence[CrudDeclaration]) -> list[Record]:
        """Return the listing, with all objects that declarations name by an id that is not looked up.

        :raises ApiError: if it lacks one that exists.
        """
        definition = self._definition
        names = {want.name for want in wants if want.identified_by == definition.id and definition.get is None}
        for _time in range(2):
            rows = self.listing()
            listed = {str(row.get(definition.id)) for row in rows}  # of a policy, only attachments may be left
            forgotten = [name for name in sorted(names - listed) if definition.is_forgotten(name, self._proxy)]
            if not forgotten:
                return rows
        thing = f"the {definition.table.kind} {forgotten[0]}"
        raise ApiError(f"The proxy has {thing}, but does not list it.", hint=UNLISTED)

    def _names_id(self, want: CrudDeclaration) -> bool:
        return want.identified_by == self._definition.id and self._definition.get is not None

    def _bearer(self, want: CrudDeclaration, records: Sequence[Record]) -> Record | None:
        option = want.identified_by
        bearers = [record for record in records if self._definition.is_called(record, option, want.name)]
        if len(bearers) > 1:
            ids = ", ".join(str(record[self._definition.id]) for record in bearers[:PAGE])
            things = f"{len(bearers)} {self._definition.table.kind}s"
            raise InputError(
                f"{things} have this O({option}). Set O({self._definition.id}) to identify one of them ({ids}).",
                want.name,
            )
        return next(iter(self.complete([(bearers[0], want)])), None) if bearers else None

    def complete(self, records: Iterable[tuple[Record, CrudDeclaration | None]]) -> list[Record]:
        """Return records of the listing with all that there is to read, or to compare, except those that are gone."""
        found: list[Record] = []
        for record, want in records:
            whole = self._definition.get is None or self._definition.lists_all_of(record, want)
            found += [record] if whole else self.with_ids([str(record[self._definition.id])])
        return found

    def _with_many_ids(self, wants: Mapping[str, CrudDeclaration]) -> list[Record]:
        """Return those of the objects that exist: looked up, or from the listing where that takes fewer requests."""
        definition, listing = self._definition, self._definition.listing
        at_once = PAGE if definition.get and definition.get.many else 1
        look_ups = -(-len(wants) // at_once)
        if look_ups <= FEW:
            return self.with_ids(wants)
        first = self._proxy.first_page(listing, {}, MAPPING)
        # Nobody knows how much follows a full page of a listing that is not counted.
        if first.get("pages", 1) > look_ups or (not listing.counted and len(first["entries"]) == PAGE):
            return self.with_ids(wants)
        listed = self._named(wants, self.listing(first=first))
        return self.complete((record, wants[str(record[definition.id])]) for record in listed)

    def with_ids(self, ids: Iterable[str]) -> list[Record]:
        """Return those of the objects that exist."""
        request, asked = self._definition.get, list(dict.fromkeys(ids))
        if request is None or not asked:
            return []
        size = PAGE if request.many else 1
        found: list[Record] = []
        for start in range(0, len(asked), size):
            found += self._looked_up(request, asked[start : start + size])
        return found

    def _looked_up(self, request: Request, ids: Sequence[str]) -> list[Record]:
        try:
            records = self._records(request, self._ask(request, ids))
        except ApiError as error:
            if request.method != "GET" and error.status in (401, 403):
                return self._named(ids, self.listing())  # a viewer may read, but send nothing
            if not (request.missing and re.search(request.missing, error.message)):
                raise
            if len(ids) > 1:
                return [record for name in ids for record in self._looked_up(request, [name])]
            if self._definition.doubtful_get and self._named(ids, self.listing({self._definition.id: ids[0]})):
                thing = f"the {self._definition.table.kind} {ids[0]}"
                message = f"The proxy lists {thing}, but says that there is none."
                raise ApiError(message, hint="Run again.") from None
            return []
        found = self._named(ids, records)
        if len(found) < len(ids) and not request.selects:
            raise shape_error(f"{request.method} {request.path}")
        return found

    def _ask(self, request: Request, ids: Sequence[str]) -> Any:
        """Return the answer to a request for objects, an empty one only if it comes twice."""
        for _time in range(2):
            if request.method == "GET":
                answer = self._fetch(path_of(request, ids[0]), request.selects)
            else:
                answer = self._client.send(path_of(request, ids[0]), ids_in_body(request, ids), idempotent=True)
            if not request.selects or self._records(request, answer):
                break
        return answer

    def _fetch(self, path: str, again: bool) -> Any:
        """Return the answer at an address, unless it may be asked again the one that was given while the run plans."""
        return self._client.get(path) if again else self._proxy.shown(path)

    def _named(self, ids: Collection[str], records: Iterable[Record]) -> list[Record]:
        return [record for record in records if str(record.get(self._definition.id)) in ids]

    def listing(self, params: Mapping[str, str] | None = None, first: Mapping[str, Any] | None = None) -> list[Record]:
        """Return all objects, as the listing shows them; an empty list only if it comes twice.

        :param first: the first page, if it was read already.
        """
        return self._listing(params or {}, first) or self._listing(params or {})

    def _listing(self, params: Mapping[str, str], first: Mapping[str, Any] | None = None) -> list[Record]:
        listing = self._definition.listing
        if first:
            rows = self._proxy.listed(listing, params, MAPPING, first)
        else:
            rows = self._definition.fetch_rows(params, self._proxy)
        if not params:
            self._proxy.remember(listing, rows)
        return [self._record(f"GET {listing.path}", row) for row in rows]

    def _records(self, request: Request, answer: Any) -> list[Record]:
        """Return the records in an answer.

        :raises ApiError: if it has another shape.
        """
        source = f"{request.method} {request.path}"
        held = ensure_shape(answer, {request.entries: ANY}, source)[request.entries] if request.entries else answer
        if request.many and not request.selects:
            held = list(ensure_shape(held, MAPPING, source).values())  # by name
        rows = held if request.many or request.selects else [held]
        return [self._record(source, row) for row in ensure_shape(rows, [MAPPING], source)]

    def _record(self, request: str, row: Record) -> Record:
        """Return a record as the table expects it."""
        record = self._definition.normalize(row)
        rows = [row for row in self._definition.table.fields if row.type in ("dict", "list")]
        held = {row.name: record.get(row.name) if row.read else row.value(record) for row in rows}
        ensure_shape(held, {row.name: maybe(_shape(row)) for row in rows}, request)
        return record


def _shape(row: Field) -> Shape:
    if row.type == "dict":
        return MAPPING
    return [MAPPING] if row.elements == "dict" else LIST
