# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ordinary objects on a proxy: planning, writing, reading back. Private: only for use inside this collection.

What LiteLLM answers to a write tells little: it refuses what it has done, drops what it took, and echoes what it was
sent. So a write is carried out, the object is read, and the plan is made once more: if nothing is left to do, it was
successful, whatever the answer. Objects of which a listing shows all are read together, once all are written.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from threading import BoundedSemaphore
from typing import Any

from .._engine import Outcome, Plan
from .._errors import ApiError, InputError, LiteLLMError, NotStoredError, say_that_it_was_written
from .._kind import Client, Store
from .._proxy import Proxy
from .._text import mark_options
from ._definition import NEVER, CrudDeclaration, Definition, Record
from ._dependents import guard, warn_of
from ._limits import ensure_supported, licensed_fields, unlicensed
from ._reading import Reader, ids_in_body, path_of
from ._references import unknown_references
from ._rows import servers_kept

WRITES = 3
LOOKS = 3
PAUSE = 0.5


@dataclass(frozen=True)
class Accepted(Outcome):
    """What came of a write that the proxy accepted, before the object is read."""


class ObjectStore(Store):
    """The objects of one kind on one proxy.

    :param read_at_once: whether each is read as soon as it is written, so that a task can stop at the first failure.
    """

    def __init__(
        self,
        definition: Definition,
        client: Client,
        sleep: Callable[[float], None] = time.sleep,
        read_at_once: bool = False,
    ) -> None:
        self._definition = definition
        self._client = client
        self._proxy = Proxy(client)
        self._reader = Reader(definition, client, self._proxy)
        self._sleep = sleep
        self._read_at_once = read_at_once
        self._turns = BoundedSemaphore(definition.most_at_once)

    # Planning

    def existing(self) -> list[Record]:
        """Return all objects of the kind, each as the listing shows it."""
        return self._reader.listing()

    def plans(self, wants: Sequence[CrudDeclaration]) -> list[Plan]:
        """Return what has to be done for each declared object, in their order. Writes nothing.

        :raises InputError: for the first declaration that cannot be carried out.
        """
        plans = [self._plan(want, record) for want, record in zip(wants, self._reader.find_all(wants))]
        for want, plan in zip(wants, plans):
            self._refuse(want, plan)
        return [self._with_warnings(want, plan) for want, plan in zip(wants, plans)]

    def _plan(self, want: CrudDeclaration, record: Record | None) -> Plan:
        return self._definition.plan_of(want, record, self._proxy)

    def missing(self, wants: Sequence[CrudDeclaration], plans: Sequence[Plan]) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for want, plan in zip(wants, plans):
            sentence = self._missing(want, plan)
            if sentence is None and not want.force:
                sentence = guard(self._losses(want, plan))
            if sentence:
                found.setdefault(sentence, []).append(plan.name)
        return found

    def _losses(self, want: CrudDeclaration, plan: Plan) -> list[str]:
        existing = plan.action in ("update", "delete")
        return self._definition.losses(plan, want.options, self._proxy) if existing else []

    def _missing(self, want: CrudDeclaration, plan: Plan) -> str | None:
        if plan.current is None and self._definition.create is NEVER:
            if self._proxy.intentions.creates(self._definition.listing, plan.name):
                return None
            return f"the proxy has no {self._definition.table.kind} with this O({want.identified_by})."
        if plan.action not in ("create", "update"):
            return None
        unknown = None
        if want.options.get("validate_references", True):
            unknown = unknown_references(self._definition.table.fields, plan, self._proxy)
        return unknown or self._definition.missing(plan, want.options, self._proxy)

    def _with_warnings(self, want: CrudDeclaration, plan: Plan) -> Plan:
        warnings = self._definition.warnings(plan, want.options, self._proxy) if plan.changed else ()
        kept = servers_kept(want.fields, plan.changes)
        return warn_of([*warnings, *kept, *(self._losses(want, plan) if want.force else ())], plan)

    def _refuse(self, want: CrudDeclaration, plan: Plan) -> None:
        definition = self._definition
        reason = None
        if plan.action in ("create", "update"):
            ensure_supported(definition.table, plan, self._proxy)
            reason = unlicensed(licensed_fields(definition.table, plan), self._proxy)
        if plan.changed:
            reason = reason or definition.check_plan(plan, want.options, self._proxy)
        if reason:
            raise InputError(reason, plan.name)

    # Writing

    def apply(self, wants: Sequence[CrudDeclaration], plans: Sequence[Plan]) -> list[Outcome]:
        """Carry out one unit, except that what can be read together with others is read later."""
        with self._turns:
            return [
                self._carry_out(want, plan) if self._is_read_alone(want, plan) else self._begin(want, plan)
                for want, plan in zip(wants, plans)
            ]

    def _is_read_alone(self, want: CrudDeclaration, plan: Plan) -> bool:
        """Return whether an object is read as soon as it is written, such as one that others miss meanwhile."""
        recreating = plan.action == "update" and self._definition.must_recreate(plan, self._proxy)
        return self._read_at_once or recreating or self._reader.reads_alone(want, plan)

    def _begin(self, want: CrudDeclaration, plan: Plan) -> Outcome:
        """Write once. What was refused is read at once, to see what the refusal means."""
        refusal = self._write(plan)
        if refusal:
            return self._carry_out(want, plan, (refusal, self._left(want, plan, refusal)))
        return Accepted(plan, plan.action, plan.current)

    def confirm(self, wants: Sequence[CrudDeclaration], outcomes: Sequence[Outcome]) -> list[Outcome]:
        """Return the outcomes, once all that was accepted was read, and what was left of it is carried out, too."""
        accepted = [number for number, outcome in enumerate(outcomes) if isinstance(outcome, Accepted)]
        if not accepted:
            return list(outcomes)
        try:
            left = self._left_of_all({number: (wants[number], outcomes[number].plan) for number in accepted})
        except InputError:  # what is wrong with one of them is said of that one only
            left = {}
        confirmed = list(outcomes)
        for number in accepted:
            confirmed[number] = self._finished(wants[number], outcomes[number], left.get(number))
        return confirmed

    def _finished(self, want: CrudDeclaration, accepted: Outcome, left: Plan | None) -> Outcome:
        """Return what came of a plan in the end, of what is left to do after its first write, if that is known."""
        plan = accepted.plan
        try:
            left = left or self._left(want, plan, None)
        except LiteLLMError as error:  # the others were written, too, and are told of
            say_that_it_was_written(error)
            return replace(accepted, error=error)
        try:
            outcome = self._carry_out(want, plan, (None, left))
        except LiteLLMError as error:
            return replace(accepted, error=error)
        return replace(outcome, warnings=(*accepted.warnings, *outcome.warnings))

    def _left_of_all(self, steps: Mapping[int, tuple[CrudDeclaration, Plan]]) -> dict[int, Plan]:
        """Return what is left to do after steps, as ``_left`` does for one."""
        left: dict[int, Plan] = {}
        waiting = list(steps)
        for look in range(LOOKS):
            if look:
                self._sleep(PAUSE * look)
            records = self._reader.find_all([steps[number][0] for number in waiting])
            left.update((number, self._plan(steps[number][0], record)) for number, record in zip(waiting, records))
            waiting = [number for number in waiting if _same(left[number], steps[number][1])]
            if not waiting:
                break
        return left

    def _carry_out(
        self, want: CrudDeclaration, plan: Plan, begun: tuple[ApiError | None, Plan] | None = None
    ) -> Outcome:
        """Write until nothing is left to do. A write that had its way and left something did not store it.

        An object that was deleted to be created anew is created, and never deleted a second time.

        :param begun: the refusal of the first write, if it was written before, and what it has left.
        """
        step, action = plan, "none"
        links, recreated, writes = None, False, WRITES
        while writes:
            recreating = step.action == "update" and self._definition.must_recreate(step, self._proxy)
            if recreating and recreated:
                break
            if recreating and links is None:
                links = self._definition.fetch_links(step, self._proxy)
            refusal, left = begun or self._step(want, step)
            begun = None
            recreated = recreated or (recreating and left.action == "create")
            writes = WRITES if recreating and recreated else writes - 1
            unchanged = _same(left, step)
            # Of the requests of an update, those before the refused one have worked.
            may_have_worked = _may_have_worked(refusal) or step.action == "update"
            if action == "none" and may_have_worked and not (refusal and unchanged):
                action = step.action
            if not left.changed:
                self._restore(plan, links)
                warnings = (
                    (refusal.marked,) if refusal and refusal.status >= 500 and not refusal.may_have_applied else ()
                )
                return Outcome(plan, action, left.current, warnings=warnings)
            if unchanged and not (refusal and refusal.may_have_applied and self._may_repeat(step)):
                break
            step = left
        # What was done until then is reported all the same.
        error = refusal or self._not_stored(step)
        if recreated and left.action == "create":
            error.hint = "It was deleted to be created anew, so run the task again."
        return Outcome(plan, action, left.current, error=error)

    def _step(self, want: CrudDeclaration, step: Plan) -> tuple[ApiError | None, Plan]:
        """Carry out one step. Returns the refusal, and what is left to do."""
        refusal = self._write(step)
        return refusal, self._left(want, step, refusal)

    def _write(self, step: Plan) -> ApiError | None:
        """Carry out one step. Returns the refusal, which only the object itself can tell the meaning of."""
        try:
            requests = self._definition.own_requests(step, self._proxy)
            if requests is None:
                {"create": self._create, "update": self._update, "delete": self._delete}[step.action](step)
            for method, path, body in requests or ():
                self._client.send(path, body or None, method=method, idempotent=True)
        except ApiError as error:
            if error.status in (401, 403) or (error.status == 0 and not error.may_have_applied):
                raise
            return error
        return None

    def _left(self, want: CrudDeclaration, step: Plan, refusal: ApiError | None) -> Plan:
        """Return what is left to do after a step. A worker may show for a moment what it has seen before."""
        for look in range(LOOKS):
            if look:
                self._sleep(PAUSE * look)
            try:
                left = self._plan(want, self._reader.find(want))
            except ApiError as error:
                raise refusal or error from None
            if not _same(left, step) or not _may_have_worked(refusal):
                break
        return left

    def _may_repeat(self, step: Plan) -> bool:
        """Return whether a second request does no harm. An id that the server makes itself is another one each time."""
        return step.action != "create" or self._definition.id in step.changes

    def _not_stored(self, step: Plan) -> ApiError:
        proxy = self._proxy.title
        thing = f"the {self._definition.table.kind} {step.name}"
        if step.action == "update":
            message = f"{proxy} accepted the request but did not store {mark_options(step.changes)} of {thing}."
            return NotStoredError(message, hint="Remove the option, or use a newer LiteLLM.")
        state = "still exists" if step.action == "delete" else "does not exist"
        return NotStoredError(f"{proxy} accepted the request, but {thing} {state}.", hint="Run again.")

    def _create(self, step: Plan) -> None:
        body = self._definition.create_body(self._body(step), step)
        request = self._definition.create
        answer = self._client.send(request.path, body, method=request.method, idempotent=False)
        id_made = answer.get(self._definition.id) if isinstance(answer, dict) else None
        self._send_further(str(id_made or step.changes.get(self._definition.id, "")), step)

    def _update(self, step: Plan) -> None:
        if self._definition.must_recreate(step, self._proxy):
            self._delete(step)  # the next step creates it
            return
        name = str(step.existing[self._definition.id])
        body = self._definition.update_body(self._body(step), step, self._proxy)
        if body:
            request = self._definition.update
            named = {**ids_in_body(request, [name]), **body}
            self._client.send(path_of(request, name), named, method=request.method, idempotent=True)
        self._send_further(name, step)

    def _delete(self, step: Plan) -> None:
        request, name = self._definition.delete, str(step.existing[self._definition.id])
        body = ids_in_body(request, [name]) or None
        self._client.send(path_of(request, name), body, method=request.method, idempotent=True)

    def _send_further(self, name: str, step: Plan) -> None:
        for path, body in self._definition.further_requests(name, step, self._proxy):
            self._send_in_parts(path, body)

    def _send_in_parts(self, path: str, body: Mapping[str, Any]) -> None:
        """Send it, and again in parts if it was too much for one request."""
        try:
            self._client.send(path, dict(body), idempotent=False)
        except ApiError as refusal:
            parts = self._definition.split_request(body, refusal)
            if not parts:
                raise
            for part in parts:
                self._send_in_parts(path, part)

    def _restore(self, plan: Plan, links: Sequence[str] | None) -> None:
        """Put an object that was created anew back where its deletion took it from."""
        for method, path, body in self._definition.restoring_requests(plan, links or (), self._proxy):
            self._client.send(path, body, method=method, idempotent=True)

    def _body(self, step: Plan) -> dict[str, Any]:
        """Return the changes as the API takes them."""
        rows = ((self._definition.table.field(name), value) for name, value in step.changes.items())
        return {row.name: row.to_api(value) for row, value in rows}


def _same(one: Plan, other: Plan) -> bool:
    # Of members, changes are all that there will be, and what was there before tells whether some are done.
    return (one.action, one.changes, one.before) == (other.action, other.changes, other.before)


def _may_have_worked(refusal: ApiError | None) -> bool:
    """Return whether a step may have been carried out.

    LiteLLM says 500 also when an object was stored and then not loaded. With 200, it may answer with a bare number or
    null, in which nothing can be read.
    """
    return refusal is None or refusal.may_have_applied or refusal.status >= 500 or 200 <= refusal.status < 300
