# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs schedules of faults against the sandbox that SANDBOX_JSON names, and prints what came of each kind."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from faults.report import put, table
from faults.runner import run_all
from faults.schedule import KINDS, Schedule
from faults.server import Server


def main() -> int:
    parser = argparse.ArgumentParser(prog="faults", description=__doc__)
    parser.add_argument("--schedules", type=int, default=200, help="how many, with the seeds from 0 on")
    parser.add_argument("--seed", type=int, action="append", help="only the schedule of this seed; may be repeated")
    parser.add_argument("--kind", choices=KINDS, action="append", help="only schedules of this kind; may be repeated")
    parser.add_argument("--values-file", action="store_true", help="keep all values in a file, and derive none")
    parser.add_argument("--rotation", action="store_true", help="rotate values with a grace, and kill each run")
    parser.add_argument("--workers", type=int, default=4, help="how many workshops at once")
    parser.add_argument("--markdown", type=Path, help="a page in which to renew the table, such as docs/faults.md")
    given = parser.parse_args()
    state = os.environ.get("SANDBOX_JSON")
    if not state:
        parser.error("SANDBOX_JSON is not set: run ./tests/run faults, or see tests/faults/README.md.")
    seeds = given.seed or range(given.schedules)
    schedules = [Schedule.rotating(seed) if given.rotation else Schedule.of(seed, given.values_file) for seed in seeds]
    schedules = [one for one in schedules if not given.kind or one.kind in given.kind]
    begun = time.monotonic()
    server = Server.described_in(Path(state))
    results = run_all(server, schedules, given.workers)
    print(f"{table(results)}\n\nIt took {(time.monotonic() - begun) / 60:.1f} minutes.")
    if given.markdown:
        place = "Rotation" if given.rotation else "Results with a values file" if given.values_file else "Results"
        put(results, place, _command(), server.litellm_version, given.markdown)
    return 1 if any(result.outcome == "failed" for result in results) else 0


def _command() -> str:
    return " ".join(["./tests/run faults --", *map(shlex.quote, sys.argv[1:])])


if __name__ == "__main__":
    sys.exit(main())
