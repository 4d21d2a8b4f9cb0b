# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes wrong, and when: a pure function of a seed."""

from __future__ import annotations

import random
from dataclasses import dataclass

# Kinds of fault, in the order of the table, with what they are.
KINDS = {
    "refused": "connections are refused for up to 2 s",
    "reset": "the connection is reset before the request is forwarded",
    "answer lost": "the connection is reset after the request was processed",
    "timeout": "the request is processed, and the answer does not arrive in time",
    "429": "HTTP 429",
    "429 with Retry-After": "HTTP 429 with the time to wait",
    "502": "HTTP 502 from a gateway, half of them after the request was processed",
    "503": "HTTP 503 from a gateway, likewise",
    "504": "HTTP 504 from a gateway, likewise",
    "truncated": "the request is processed, and half of the answer arrives",
    "stale read": "a read is answered with an earlier answer",
    "mixed": "all of these",
    "silence": "from one request on, all requests are processed and none is answered",
    "kill": "the run is killed with SIGKILL during a request",
    "two at once": "two runs of the same play at the same time",
    "three at once": "three of them",
    "five at once": "five of them",
    "database": "the database is stopped for 5 s during the run",
    "restart": "LiteLLM is restarted during the run",
}
SINGLE = list(KINDS)[:11]
OUTAGES = ("database", "restart")
# How many runs there are side by side.
AT_ONCE = {"two at once": 2, "three at once": 3, "five at once": 5}
JOURNEYS = ("create", "update", "absent", "reissue")
# By no kind of fault but the kill: values are replaced for their age, and the old ones go on for a grace.
ROTATION = "rotation"
# In twelve rounds through the kinds each journey comes three times: once by the role, and by the module with values of
# both sorts.
ROUNDS = 12
WITH_DERIVED_VALUES = (0, 5, 6, 8, 10, 11)


@dataclass(frozen=True)
class Fault:
    """What happens to one request.

    :param kind: one of ``SINGLE``, or ``kill``, an outage, or ``delay``, with which runs at once jostle.
    :param committed: whether the request is handed on to LiteLLM first.
    :param seconds: how long, where that means something.
    """

    kind: str
    committed: bool = False
    seconds: float = 0.0


@dataclass(frozen=True)
class Schedule:
    """One workshop and what goes wrong with it. Everything follows from ``seed``."""

    seed: int
    kind: str
    journey: str
    derived: bool
    role: bool
    people: int
    rate: float
    moment: int
    soft_budget: bool
    values_file: bool = False

    @classmethod
    def of(cls, seed: int, values_file: bool = False) -> Schedule:
        """The schedule of a seed. Successive seeds go through all kinds, then through what is done, and how.

        With a ``values_file`` all values are random, and the module runs in Ansible, too, which only has such a file.
        """
        rolled, kind = divmod(seed, len(KINDS))
        kind_name = list(KINDS)[kind]
        journey = JOURNEYS[(rolled + kind) % len(JOURNEYS)]
        rng = random.Random(f"schedule {seed}")
        people = rng.randint(6, 12)
        rate = rng.choice((0.1, 0.25, 0.5))
        if kind_name == "timeout":
            rate = min(rate, 0.25)  # each takes seconds
        elif kind_name == "stale read":
            rate = 0.6  # few reads were made before, and none else can be stale
        writes = {"create": 1, "update": 1, "absent": 0, "reissue": 4}[journey] * people
        return cls(
            seed=seed,
            kind=kind_name,
            journey=journey,
            derived=rolled % ROUNDS in WITH_DERIVED_VALUES and not values_file,
            role=rolled % 3 == 0,
            people=people,
            rate=rate,
            moment=rng.randrange(3 + writes),  # no run makes fewer calls
            soft_budget=rng.random() < 0.4,
            values_file=values_file,
        )

    @classmethod
    def rotating(cls, seed: int) -> Schedule:
        """The schedule of a rotation that is killed. Successive seeds keep values in a file, by a seed, or not."""
        rng = random.Random(f"rotation {seed}")
        people = rng.randint(2, 4)
        return cls(
            seed=seed,
            kind="kill",
            journey=ROTATION,
            derived=seed % 3 == 1,
            role=seed % 2 == 1,
            people=people,
            rate=0,
            moment=rng.randrange(3 + 5 * people),  # no run makes fewer calls
            soft_budget=False,
            values_file=seed % 3 == 0,
        )

    def fault(self, call: str, of_its_kind: int, number: int) -> Fault | None:
        """What happens to a request.

        :param call: method and path, with what it asks for if it reads.
        :param of_its_kind: how many equal calls the run has made before.
        :param number: how many calls at all.
        """
        rng = random.Random(f"{self.seed} {call} {of_its_kind}")
        if self.kind in ("kill", *OUTAGES):
            committed = self.kind == "kill" and rng.random() < 0.5
            return Fault(self.kind, committed) if number == self.moment else None
        if self.kind == "silence":
            return Fault("answer lost", committed=True) if number >= self.moment else None
        if self.kind in AT_ONCE:
            return Fault("delay", seconds=rng.uniform(0, 0.02))
        # One at least: there is no proof in a run without a fault.
        if rng.random() >= self.rate and number != self.moment:
            return None
        kind = rng.choice(SINGLE) if self.kind == "mixed" else self.kind
        committed = kind in ("answer lost", "timeout", "truncated") or (kind.startswith("50") and rng.random() < 0.5)
        return Fault(kind, committed, seconds=rng.uniform(0.2, 2.0))

    @property
    def by_age(self) -> bool:
        """Whether values are replaced because they are old."""
        return self.journey == ROTATION or (self.values_file and self.journey == "reissue")

    @property
    def runs(self) -> int:
        """How many runs there are side by side."""
        return AT_ONCE.get(self.kind, 1)

    def __str__(self) -> str:
        values = "derived values" if self.derived else "random values"
        values += " in a file" if self.values_file else ""
        return f"{self.kind}: {self.journey} {self.people}, {values}, {'role' if self.role else 'module'}"
