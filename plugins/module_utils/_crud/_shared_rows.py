# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects that share a row of LiteLLM's database with others. Private: only for use inside this collection.

LiteLLM reads such a row, changes it, and writes it back, without a lock: of several writes at once, each answered with
success, one remains. So a task writes one object after another. Once the writes that others had begun by then must have
ended, it looks again, and writes once more what is gone.

Workers of the proxy that keep the row in memory show a write after up to 30 s, as if it was gone.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from threading import Lock

from .._engine import Outcome, Plan
from .._errors import ApiError, NotStoredError
from .._kind import Client, Ledger, Store
from ._definition import CrudDeclaration, Definition, Values
from ._object import CrudObject
from ._store import ObjectStore

# Seconds before each look, 35 together, up to twice as many at random: runs that began together do not go on together.
PAUSES = (1, 1, 2, 4, 9, 18)
# The write of another lasts as long as a write of this task, unless it is this many times as slow.
SLOWER = 1.5


class SharedRowObject(CrudObject):
    """An object that shares a row with others."""

    def store(self, client: Client, _params: Values, _ledger: Ledger | None = None) -> Store:
        return SharedRowStore(self, client)


class SharedRowStore(ObjectStore):
    """The objects of one kind on one proxy, all of which are in one row."""

    def __init__(self, definition: Definition, client: Client, sleep: Callable[[float], None] = time.sleep) -> None:
        super().__init__(definition, client, sleep)
        self._writing = Lock()
        self._longest = 0.0

    def apply(self, wants: Sequence[CrudDeclaration], plans: Sequence[Plan]) -> list[Outcome]:
        """Carry out one unit, while no other one is carried out."""
        with self._writing:
            return [self._carry_out(want, plan) for want, plan in zip(wants, plans)]

    def _write(self, step: Plan) -> ApiError | None:
        begun = time.monotonic()
        refusal = super()._write(step)
        self._longest = max(self._longest, time.monotonic() - begun)
        return refusal

    def confirm(self, wants: Sequence[CrudDeclaration], outcomes: Sequence[Outcome]) -> list[Outcome]:
        """Return the outcomes, once what was written has stayed, or was written as often as there is patience."""
        confirmed = list(outcomes)
        open_ones = [number for number, outcome in enumerate(outcomes) if _may_be_lost(outcome)]
        for pause in self._pauses():
            if not open_ones:
                break
            self._sleep(pause)
            for number in list(open_ones):
                want, outcome = wants[number], confirmed[number]
                left = self._plan(want, self._reader.find(want))
                if left.changed:
                    confirmed[number] = self._once_more(want, outcome, left)
                else:
                    confirmed[number] = replace(outcome, record=left.current, error=None)
                if not (left.changed and _may_be_lost(confirmed[number])):
                    open_ones.remove(number)
        for number in open_ones:
            confirmed[number] = replace(confirmed[number], error=confirmed[number].error or self._contested())
        return confirmed

    def _pauses(self) -> Iterator[float]:
        for pause in PAUSES:
            yield max(pause, SLOWER * self._longest) * random.uniform(1, 2)  # noqa: S311

    def _once_more(self, want: CrudDeclaration, outcome: Outcome, left: Plan) -> Outcome:
        """Return an outcome after what was lost of it was written again."""
        (again,) = self.apply([want], [left])
        done = again.action if outcome.action == "none" else outcome.action
        return replace(outcome, action=done, record=again.record, error=again.error)

    def _contested(self) -> ApiError:
        message = (
            f"{self._proxy.title} keeps losing what was written: others change the same settings at the same time."
        )
        return ApiError(message, hint="Run again, and let one play at a time change them.")


def _may_be_lost(outcome: Outcome) -> bool:
    return outcome.plan.changed and (outcome.error is None or isinstance(outcome.error, NotStoredError))
