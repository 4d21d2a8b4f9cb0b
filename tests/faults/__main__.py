# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs schedules of faults against the sandbox that SANDBOX_JSON names, and prints what came of each kind."""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from faults.report import table
from faults.runner import run_all
from faults.schedule import KINDS, Schedule, first
from faults.workshop import Server


def main() -> int:
    parser = argparse.ArgumentParser(prog="faults", description=__doc__)
    parser.add_argument("--schedules", type=int, default=200, help="how many, with the seeds from 0 on")
    parser.add_argument("--seed", type=int, action="append", help="only the schedule of this seed; may be repeated")
    parser.add_argument("--kind", choices=KINDS, action="append", help="only schedules of this kind; may be repeated")
    parser.add_argument("--workers", type=int, default=3, help="how many workshops at once")
    parser.add_argument("--markdown", type=Path, help="where to write the table as well")
    given = parser.parse_args()
    state = os.environ.get("SANDBOX_JSON")
    if not state:
        parser.error("SANDBOX_JSON is not set: run ./tests/run faults, or see tests/faults/README.md.")
    schedules = [Schedule.of(seed) for seed in given.seed] if given.seed else list(first(given.schedules))
    schedules = [one for one in schedules if not given.kind or one.kind in given.kind]
    begun = time.monotonic()
    results = run_all(Server.described_in(Path(state)), schedules, given.workers)
    text = table(results, time.monotonic() - begun)
    print(text)
    if given.markdown:
        given.markdown.write_text(text)
    return 1 if any(result.outcome == "failed" for result in results) else 0


if __name__ == "__main__":
    sys.exit(main())
