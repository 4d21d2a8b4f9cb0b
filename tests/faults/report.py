# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What came of the schedules, as a table."""

from __future__ import annotations

from collections.abc import Sequence

from .schedule import KINDS
from .workshop import Result


def table(results: Sequence[Result], seconds: float) -> str:
    lines = [
        "| fault | schedules | faults | right at once | right after a further run | wrong |",
        "|---|--:|--:|--:|--:|---|",
    ]
    for kind, meaning in KINDS.items():
        of_kind = [result for result in results if result.schedule.kind == kind]
        if of_kind:
            lines.append(_row(f"{kind}: {meaning}", of_kind))
    lines.append(_row("**all**", results))
    return "\n".join([*lines, "", f"It took {seconds / 60:.0f} minutes."]) + "\n"


def _row(name: str, results: Sequence[Result]) -> str:
    outcomes = [result.outcome for result in results]
    wrong = [str(result.schedule.seed) for result in results if result.outcome == "failed"]
    cells = [
        name,
        len(results),
        sum(result.faults for result in results),
        outcomes.count("at once"),
        outcomes.count("after a further run"),
        f"{len(wrong)} (seeds {', '.join(wrong)})" if wrong else "0",
    ]
    return "| " + " | ".join(map(str, cells)) + " |"
