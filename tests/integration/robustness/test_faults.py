# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One short schedule of each kind of fault but the restart, which takes long; ./tests/run faults has all of them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from faults.runner import described, run_all
from faults.schedule import Schedule
from faults.server import Server
from faults.workshop import Result

# With the values in a file, which takes longer: a kill while creating and while reissuing, lost answers, runs at once.
WITH_VALUES_FILE = (70, 127, 16)
SEEDS = (0, 12, 33, 39, 43, 47, 55, 136, 140, 144, 149, 156, 160, 186, 211, 215, 219, 279)
pytestmark = pytest.mark.long
# Rotations with a file, with a seed, and with neither.
ROTATIONS = (0, 4, 8)
SCHEDULES = [
    *map(Schedule.of, SEEDS),
    *(Schedule.of(seed, values_file=True) for seed in WITH_VALUES_FILE),
    *map(Schedule.rotating, ROTATIONS),
]


@pytest.fixture(scope="module")
def results(sandbox: Any) -> dict[Schedule, Result]:
    server = Server.described_in(sandbox.description)
    return {result.schedule: result for result in run_all(server, SCHEDULES, workers=2)}


@pytest.mark.parametrize("schedule", SCHEDULES, ids=lambda schedule: f"{schedule.seed}: {schedule}")
def test_everybody_ends_with_one_key_of_known_value(results: dict[Schedule, Result], schedule: Schedule) -> None:
    result = results[schedule]
    assert result.outcome in ("at once", "after a further run"), described(result)
    assert result.faults, "nothing went wrong: this proves nothing"
