# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One run for all kinds: everything is planned, and refused, before the first write. Private: only for use inside this
collection.

What comes first is written first. What an object needs that comes later, it gets in a second step: so a person whose
key moves to another team joins that team before, and leaves the old one after it. What goes is deleted at the end, and
only if all else went well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from .._batch import Progress, carry_out, planned
from .._engine import Outcome, Plan
from .._errors import InputError, LiteLLMError
from .._intentions import Intentions
from .._kind import Declaration, Options, Store
from .._listings import id_in
from .._progress import every_few_seconds
from .._text import join_limited
from ._entries import Entry
from ._kinds import KINDS, Row

NOT_TRIED = "Not tried, because something else failed before."


class Part:
    """The objects of one kind that are to be there, or that are to go."""

    def __init__(self, row: Row, entries: Sequence[Entry], store: Store) -> None:
        self.row = row
        self.entries = list(entries)
        self.store = store
        self.plans: list[Plan] = []
        self.outcomes: list[Outcome] = []
        # What is to be done in a first step, by position, where that is not all of it.
        self.first: dict[int, tuple[Declaration, Plan]] = {}
        # What that step did.
        self.done: dict[int, str] = {}

    def plan(self) -> None:
        """Plan all of it.

        :raises InputError: for the first declaration that cannot be carried out.
        """
        self.plans = self.store.plans([entry.want for entry in self.entries])
        changing = [number for number, plan in enumerate(self.plans) if plan.changed]
        wants = {number: want for number in changing if (want := self.entries[number].first)}
        plans = self.store.plans(list(wants.values())) if wants else []
        self.first = {
            number: (wants[number], plan)
            for number, plan in zip(wants, plans)
            if (plan.action, plan.changes) != (self.plans[number].action, self.plans[number].changes)
        }
        self.outcomes = [planned(plan) for plan in self.plans]

    def note(self, intentions: Intentions) -> None:
        """Note what is going to happen."""
        kind = self.row.kind
        for plan in self.plans:
            if plan.changed:
                known = [id_in(plan.current, kind.intended) if plan.current else None, plan.name]
                gone = plan.action == "delete"
                row = None if gone else kind.in_listing(plan.changes)
                for record in plan.surplus:
                    intentions.note(kind.intended, [str(id_in(record, kind.intended))], None)
                intentions.note(kind.intended, [name for name in known if name], row, plan.action == "create")

    def missing(self) -> list[str]:
        """Return what the plans need and nobody will have provided, a sentence each."""
        found = self.store.missing([entry.want for entry in self.entries], self.plans)
        return [f"{self.row.option}: {join_limited(list(names))}: {sentence}" for sentence, names in found.items()]


class Run:
    """One run.

    :param make_store: returns the objects of a kind on the proxy, as they are.
    :param tell: says something while the run goes on.
    """

    def __init__(
        self, client: Any, make_store: Callable[[Row], Store], params: Options, tell: Callable[[str], None]
    ) -> None:
        self._client = client
        self._make_store = make_store
        self._params = params
        self._tell = tell
        self._written = False
        self._stores: dict[str, Store] = {}
        self.present: list[Part] = []
        self.going: list[Part] = []

    @property
    def parts(self) -> list[Part]:
        """All parts, in the order in which they are written."""
        return [*self.present, *self.going]

    def store(self, row: Row) -> Store:
        """Return the objects of a kind, as they are read before the first write."""
        if row.option not in self._stores:
            self._stores[row.option] = self._make_store(row)
        return self._stores[row.option]

    def _parts(self, rows: Sequence[Row], of_row: Mapping[tuple[str, bool], list[Entry]], is_going: bool) -> list[Part]:
        return [
            Part(row, of_row[row.option, is_going], self.store(row)) for row in rows if (row.option, is_going) in of_row
        ]

    def plan(self, entries: Iterable[Entry]) -> None:
        """Plan all that is declared. Writes nothing.

        :raises InputError: naming all that cannot be carried out.
        """
        of_row: dict[tuple[str, bool], list[Entry]] = {}
        for entry in entries:
            of_row.setdefault((entry.row.option, entry.is_going), []).append(entry)
        self.present = self._parts(KINDS, of_row, False)
        self.going = self._parts(KINDS[::-1], of_row, True)
        self._client.intentions = Intentions()
        try:
            wrong = []
            for part in self.parts:
                try:
                    part.plan()
                except InputError as error:
                    about = f"{error.subject}: " if error.subject else ""
                    wrong.append(f"{part.row.option}: {about}{error.marked}")
                else:
                    part.note(self._client.intentions)
            if not wrong:
                self._leave_out_what_is_gone()
                wrong = [sentence for part in self.parts for sentence in part.missing()]
            if wrong:
                raise InputError(" ".join(wrong))
        finally:
            self._client.intentions = None

    def _leave_out_what_is_gone(self) -> None:
        """Leave out the parts of entries that are to go and are not there."""
        there = {
            (part.row.option, entry.number)
            for part in self.going
            for entry, plan in zip(part.entries, part.plans)
            if plan.current is not None
        }
        for part in self.going:
            if part.row.part_of:
                stays = [(part.row.part_of, entry.number) in there for entry in part.entries]
                part.entries = [entry for entry, stay in zip(part.entries, stays) if stay]
                part.plans = [plan for plan, stay in zip(part.plans, stays) if stay]
                part.outcomes = [planned(plan) for plan in part.plans]

    def carry_out(self) -> None:
        """Carry out what is planned. Raises nothing: the value of a key cannot be read a second time."""
        for part in self.present:
            self._write(part, {**_whole(part, range(len(part.plans))), **part.first})
        for part in self.present:
            part.done = {number: part.outcomes[number].action for number in part.first}
            self._write(part, _whole(part, part.first))
        for part in self.going:
            self._write(part, _whole(part, range(len(part.plans))))

    def _write(self, part: Part, steps: Mapping[int, tuple[Declaration, Plan]]) -> None:
        """Carry out a step of some objects of a part, given by their positions."""
        steps = {
            number: (want, plan)
            for number, (want, plan) in steps.items()
            if plan.changed and part.outcomes[number].error is None
        }
        if not steps:
            return
        if self._is_to_stop(part):
            _note(part, steps, [LiteLLMError(NOT_TRIED)] * len(steps))
            return
        wants, plans = [want for want, _plan in steps.values()], [plan for _want, plan in steps.values()]
        store = part.store
        try:
            if self._written:  # what is there now, and the ids of what was created
                store = self._make_store(part.row)
                plans = store.plans(wants)
            asked = [part.entries[number].settled or want for number, (want, _plan) in steps.items()]
            lacking = {name: sentence for sentence, names in store.missing(asked, plans).items() for name in names}
            ready = [number for number, plan in enumerate(plans) if plan.name not in lacking]
            ready_plans = store.prepare([plans[number] for number in ready])
        except Exception as error:  # what was written before must be returned all the same
            _note(part, steps, [error] * len(steps))
            return
        self._written = True
        results: list[Outcome | Exception] = [InputError(lacking.get(plan.name, "")) for plan in plans]
        outcomes = carry_out(
            store,
            [wants[number] for number in ready],
            ready_plans,
            self._params["concurrency"],
            self._params["fail_fast"],
            self._progress(part),
        )
        for number, outcome in zip(ready, outcomes):
            results[number] = outcome
        _note(part, steps, results)

    def _is_to_stop(self, part: Part) -> bool:
        """Return whether a part is not tried: what goes, if anything that is to be there has failed."""
        before = self.present if part in self.going else self.parts if self._params["fail_fast"] else ()
        return any(outcome.error for part in before for outcome in part.outcomes)

    def _progress(self, part: Part) -> Progress:
        return every_few_seconds(
            lambda done, total: self._tell(f"{done} of {total} {part.row.kind.things} written"),
            self._params["progress_every"],
        )


def _whole(part: Part, numbers: Iterable[int]) -> dict[int, tuple[Declaration, Plan]]:
    """Return all that is to be done to some objects of a part, by their positions."""
    return {number: (part.entries[number].want, part.plans[number]) for number in numbers}


def _note(part: Part, numbers: Iterable[int], results: Sequence[Outcome | Exception]) -> None:
    """Note what came of objects, an outcome or an error each, together with what an earlier step did.

    What took two steps is shown as the one change that it is, as in check mode.
    """
    for number, result in zip(numbers, results):
        done = part.done.get(number, "none")
        if isinstance(result, Outcome):
            action = result.action if done == "none" else done
            plan = part.plans[number] if number in part.done else result.plan
            part.outcomes[number] = replace(result, action=action, plan=plan)
        else:
            part.outcomes[number] = replace(part.outcomes[number], action=done, error=result)
