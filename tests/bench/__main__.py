# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How fast the role is, compared with what the server can do, measured in one run on one server.

Prints a report in Markdown. The exit code is 1 if a promise is not kept. Needs a machine that does nothing else.
"""

from __future__ import annotations

import argparse
import os
import secrets
import sys
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from statistics import mean
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.measuring import BUDGET, Run, Server, limit, loops, play
from bench.report import AGAIN, CREATE, FEW, MANY, Findings, Round, report

WORKERS = (1, 2, 4, 8, 16)
FAR = 0.05
MARK = "<!-- Results -->"
ROLE, BY_HAND = "manage_keys.yml", "uri.yml"
# What is done to a workshop, in this order.
STEPS: Mapping[str, Mapping[str, Any]] = {
    CREATE: {},
    AGAIN: {},
    "update every key": {"budget": 2 * BUDGET},
    "delete": {"state": "absent"},
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="how often each workshop is measured")
    parser.add_argument("--limit-keys", type=int, default=400, help="how many keys to create for each limit")
    parser.add_argument("--markdown", type=Path, help="a file to write the report to, after what it has above")
    given = parser.parse_args()
    state = os.environ.get("SANDBOX_JSON")
    if not state:
        parser.error("SANDBOX_JSON is not set: run ./tests/run bench.")
    server = Server.described_in(Path(state))

    say("Warming up")
    limit(server, 4, given.limit_keys)
    play(server, ROLE, new_alias(), 1, state="absent")
    near = measured(server, given.rounds, given.limit_keys)
    with server.far_away(FAR) as distant:
        far = measured(distant, given.rounds, given.limit_keys, FAR)
    text, kept = report(server.version, near, far, watched_memory(server))
    print(text)
    if given.markdown:
        put(text, given.markdown)
    return 0 if kept else 1


def measured(server: Server, rounds: int, limit_keys: int, round_trip: float = 0.0) -> Findings:
    """All measurements of speed; from far away only the creation."""
    say(f"The limit, {1000 * round_trip:.0f} ms of round trip added")
    taken: dict[int, list[float]] = defaultdict(list)
    for workers in WORKERS * 2:
        taken[workers].append(limit(server, workers, limit_keys))
    found = Findings(round_trip, {workers: mean(times) for workers, times in taken.items()}, [])
    for number in range(1, rounds + 1):
        say(f"Round {number} of {rounds}")
        steps = {CREATE: STEPS[CREATE]} if round_trip else STEPS
        found.rounds.append(one_round(server, found.best, limit_keys, steps, by_hand=not round_trip))
    return found


def one_round(
    server: Server, workers: int, limit_keys: int, steps: Mapping[str, Mapping[str, Any]], by_hand: bool
) -> Round:
    """Workshops of both sizes, with the limit measured before, between and after, and the creation of few as well."""
    limits = [limit(server, workers, limit_keys)]
    creations = [creation_of_few(server)]
    runs: dict[tuple[str, int], Run] = {}
    for users in (FEW, MANY):
        alias = new_alias()
        for step, how in steps.items():
            runs[step, users] = play(server, ROLE, alias, users, **how)
            say(f"  {step}, {users} users: {runs[step, users].seconds:.2f} s")
            if step == CREATE:
                limits.append(limit(server, workers, limit_keys))
        server.remove(alias)
    # So short a run that a moment's noise would count for more than all else: the middle one of three.
    creations += [runs[CREATE, FEW], creation_of_few(server)]
    runs[CREATE, FEW] = sorted(creations, key=lambda run: run.seconds)[1]
    say(f"  limit: {', '.join(f'{1000 * each:.1f}' for each in limits)} ms per key with {workers} workers")
    loop = creation_of_few(server, BY_HAND, "loop of ansible.builtin.uri") if by_hand else None
    return Round(limits, runs, loop, single_keys(server) if by_hand else {})


def single_keys(server: Server) -> dict[str, float]:
    alias = new_alias()
    seconds = loops(server, alias, FEW)
    say(f"  loops over {FEW} keys: {', '.join(f'{name} {each:.2f} s' for name, each in seconds.items())}")
    server.remove(alias)
    return seconds


def creation_of_few(server: Server, playbook: str = ROLE, way: str = CREATE) -> Run:
    alias = new_alias()
    run = play(server, playbook, alias, FEW)
    say(f"  {way}, {FEW} users: {run.seconds:.2f} s")
    server.remove(alias)
    return run


def watched_memory(server: Server) -> dict[int, int]:
    """The most memory that a run takes, by number of users."""
    say("Memory")
    peaks = {}
    for users in (FEW, MANY):
        alias = new_alias()
        peaks[users] = max(play(server, ROLE, alias, users, watch_memory=True, **how).memory for how in STEPS.values())
    return peaks


def put(text: str, path: Path) -> None:
    """Write the report to a file, in the place of the last one."""
    above = path.read_text(encoding="utf-8").partition(MARK)[0] if path.exists() else ""
    path.write_text(f"{above}{MARK}\n\n{text}", encoding="utf-8")


def new_alias() -> str:
    return f"bench{secrets.token_hex(4)}"


def say(text: str) -> None:
    """Progress, beside the report."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
