# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The measurements as tables, and whether they meet their targets."""

from __future__ import annotations

import os
import platform
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from statistics import mean, median

import psutil

from .measuring import Run

FEW, MANY = 100, 1000
CREATE, AGAIN = "create", "run again, nothing to do"
LOOPS = {
    "uri_create": "ansible.builtin.uri, POST",
    "key_create": "litellm_key, new",
    "uri_read": "ansible.builtin.uri, GET",
    "key_again": "litellm_key, unchanged",
}


@dataclass
class Round:
    """What was measured shortly after one another, so that the same noise was on all of it.

    :param limits: seconds per key of the plain loop, before, between and after the runs.
    :param runs: of the role, by step and number of users.
    :param by_hand: the loop of ``ansible.builtin.uri``, where it was measured.
    :param loops: seconds of the loops over single keys, where they were measured.
    """

    limits: Sequence[float]
    runs: Mapping[tuple[str, int], Run]
    by_hand: Run | None = None
    loops: Mapping[str, float] = field(default_factory=dict)

    @property
    def limit(self) -> float:
        return mean(self.limits)

    def ratio(self, step: str = CREATE) -> float:
        """The cost of an additional key, relative to the plain loop."""
        return (self.runs[step, MANY].seconds - self.runs[step, FEW].seconds) / (MANY - FEW) / self.limit

    @property
    def gain(self) -> float:
        """How many times faster than the loop of ``ansible.builtin.uri``."""
        assert self.by_hand
        return self.by_hand.seconds / self.runs[CREATE, FEW].seconds


@dataclass
class Findings:
    """All that was measured at one distance to the server.

    :param round_trip: seconds added to it.
    :param by_workers: seconds per key of the plain loop, by its number of workers.
    """

    round_trip: float
    by_workers: Mapping[int, float]
    rounds: Sequence[Round]

    @property
    def best(self) -> int:
        """The number of workers that does most."""
        return min(self.by_workers, key=lambda workers: self.by_workers[workers])

    @property
    def name(self) -> str:
        return f"{1000 * self.round_trip:.0f} ms"


@dataclass
class Promise:
    """A measurement and its target."""

    what: str
    target: str
    measured: str
    met: bool


def report(litellm_version: str, near: Findings, far: Findings, memory: Mapping[int, int]) -> tuple[str, bool]:
    """The report, and whether all targets are met."""
    promised = list(promises(near, far, memory))
    lines = [
        machine(litellm_version),
        f"Medians of {len(near.rounds)} rounds, with the minimum and the maximum.",
        "",
        *table(("measurement", "target", "result", "met"), [promise_row(one) for one in promised]),
        "",
        *table(("plain loop", *(f"keys/s, {one.name} added" for one in (near, far))), limit_rows(near, far)),
        "",
        *table(
            (
                "role",
                "users",
                "added",
                "seconds",
                "keys/s",
                "cost of an additional key relative to the plain loop",
                "requests",
                "writes",
                "CPU s",
            ),
            [row for one in (near, far) for row in run_rows(one)],
        ),
        "",
        *table(("loop over single keys", "keys", "seconds", "ms per key"), loop_rows(near)),
        "",
        "Requests of the role, without an added round trip:",
        "",
        *table(("role", "users", "requests"), request_rows(near)),
        "",
        f"Peak memory of all processes of the play: "
        f"{', '.join(f'{peak / 2**20:.0f} MiB with {users} users' for users, peak in memory.items())}.",
    ]
    return "\n".join(lines) + "\n", all(one.met for one in promised)


def machine(litellm_version: str) -> str:
    engine = "native" if os.environ.get("PRISMA_QUERY_ENGINE_BINARY") else "WebAssembly"
    return (
        f"{psutil.cpu_count()} cores, {psutil.virtual_memory().total / 2**30:.0f} GiB, {platform.system()} "
        f"{platform.machine()}; Python {platform.python_version()}, ansible-core {version('ansible-core')}, "
        f"requests {version('requests')}; LiteLLM {litellm_version} with PostgreSQL on the same machine, its database "
        f"engine as {engine}."
    )


def promises(near: Findings, far: Findings, memory: Mapping[int, int]) -> Iterator[Promise]:
    for found, most in ((near, 1.15), (far, 1.3)):
        ratios = [one.ratio() for one in found.rounds]
        what = f"cost of an additional key, {FEW} to {MANY} users, relative to the plain loop, {found.name} added"
        yield Promise(what, f"at most {most}", spread(ratios), median(ratios) <= most)
    ratios = [one.ratio(AGAIN) for one in near.rounds]
    what = f"cost of an additional key with nothing to do, {FEW} to {MANY} users, relative to the plain loop"
    yield Promise(what, "at most 0.25", spread(ratios), median(ratios) <= 0.25)
    again = [one.runs[AGAIN, MANY] for one in near.rounds]
    most_requests = max(run.requests.total() for run in again)
    yield Promise(
        f"requests of a run with nothing to do, {MANY} users", "at most 60", str(most_requests), most_requests <= 60
    )
    most_writes = max(run.writes for run in again)
    yield Promise(f"writes of a run with nothing to do, {MANY} users", "0", str(most_writes), most_writes == 0)
    gains = [one.gain for one in near.rounds]
    what = f"{FEW} users from start to end, speedup over a loop of ansible.builtin.uri"
    yield Promise(what, "at least 15", spread(gains, digits=1), median(gains) >= 15)
    for ours, theirs, keys, least in (
        ("key_create", "uri_create", "new", 5),
        ("key_again", "uri_read", "unchanged", 10),
    ):
        gains = [one.loops[theirs] / one.loops[ours] for one in near.rounds]
        what = f"loop of litellm_key over {FEW} {keys} keys, speedup over a loop of ansible.builtin.uri"
        yield Promise(what, f"at least {least}", spread(gains, digits=1), median(gains) >= least)
    growth = (memory[MANY] - memory[FEW]) / (MANY - FEW) / 1000
    yield Promise("memory for an additional key", "below 100 kB", f"{growth:.0f} kB", growth < 100)


def promise_row(one: Promise) -> Sequence[str]:
    return one.what, one.target, one.measured, "yes" if one.met else "**no**"


def limit_rows(near: Findings, far: Findings) -> Iterator[Sequence[str]]:
    for workers in near.by_workers:
        yield (
            f"{workers} worker{'s' if workers > 1 else ''}",
            *(f"{1 / one.by_workers[workers]:.1f}" for one in (near, far)),
        )
    measured = (spread([1 / limit for one in found.rounds for limit in one.limits], digits=1) for found in (near, far))
    yield f"best ({near.best}; {far.best}), between the runs", *measured


def run_rows(found: Findings) -> Iterator[Sequence[str]]:
    by_hand = [one.by_hand for one in found.rounds if one.by_hand]
    if by_hand:
        yield run_row("loop of ansible.builtin.uri, create", FEW, found, by_hand, "")
    for step, users in found.rounds[0].runs:
        runs = [one.runs[step, users] for one in found.rounds]
        ratio = spread([one.ratio(step) for one in found.rounds]) if users == MANY else ""
        yield run_row(step, users, found, runs, ratio)


def run_row(name: str, users: int, found: Findings, runs: Sequence[Run], ratio: str) -> Sequence[str]:
    def middle(value: Callable[[Run], float]) -> float:
        return median(value(run) for run in runs)

    seconds = [run.seconds for run in runs]
    requests, writes = middle(lambda run: run.requests.total()), middle(lambda run: run.writes)
    cells = (spread(seconds), f"{users / median(seconds):.1f}", ratio, f"{requests:.0f}", f"{writes:.0f}")
    return name, str(users), found.name, *cells, f"{middle(lambda run: run.cpu):.1f}"


def loop_rows(found: Findings) -> Iterator[Sequence[str]]:
    for name, what in LOOPS.items():
        seconds = [one.loops[name] for one in found.rounds]
        yield what, str(FEW), spread(seconds), f"{1000 * median(seconds) / FEW:.0f}"


def request_rows(found: Findings) -> Iterator[Sequence[str]]:
    for (step, users), run in found.rounds[-1].runs.items():
        yield step, str(users), kinds(run.requests)


def kinds(requests: Counter[str]) -> str:
    return ", ".join(f"{count} {kind}" for kind, count in requests.most_common())


def spread(values: Sequence[float], digits: int = 2) -> str:
    return f"{median(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def table(header: Sequence[str], rows: Iterator[Sequence[str]] | Sequence[Sequence[str]]) -> list[str]:
    return [f"| {' | '.join(cells)} |" for cells in (header, ["---"] * len(header), *rows)]
