# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One short schedule of each kind of fault but the restart, which takes long; ./tests/run faults has all of them."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from faults.runner import described, run_all
from faults.schedule import Schedule
from faults.server import Server
from faults.workshop import Result

SEEDS = (0, 12, 33, 39, 43, 47, 51, 55, 136, 140, 144, 149, 156, 160, 186, 211, 215, 219)


@pytest.fixture(scope="module")
def results(sandbox: object) -> dict[int, Result]:
    server = Server.described_in(Path(os.environ["SANDBOX_JSON"]))
    return {result.schedule.seed: result for result in run_all(server, map(Schedule.of, SEEDS), workers=2)}


@pytest.mark.parametrize("seed", SEEDS, ids=lambda seed: f"{seed}: {Schedule.of(seed)}")
def test_everybody_ends_with_one_key_of_known_value(results: dict[int, Result], seed: int) -> None:
    result = results[seed]
    assert result.outcome in ("at once", "after a further run"), described(result)
    assert result.faults, "nothing went wrong: this proves nothing"
