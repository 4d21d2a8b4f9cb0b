# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The results of the schedules, as Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from .schedule import KINDS
from .workshop import Result

HEAD = ("fault", "schedules", "faults", "correct after the first run", "correct after the second run", "wrong")
INTRODUCTION = Path(__file__).with_name("introduction.md")


def document(results: Sequence[Result], command: str, version: str) -> str:
    """The page with its table."""
    return INTRODUCTION.read_text().format(command=command, version=version, table=table(results))


def table(results: Sequence[Result]) -> str:
    """A row for each kind of fault, and one for all."""
    rows = [HEAD, ("---", *["--:"] * 4, "---")]
    for kind, meaning in KINDS.items():
        of_kind = [result for result in results if result.schedule.kind == kind]
        if of_kind:
            rows.append(_row(f"**{kind}**: {meaning}", of_kind))
    rows.append(_row("**all**", results))
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _row(name: str, results: Sequence[Result]) -> tuple[str, ...]:
    outcomes = [result.outcome for result in results]
    wrong = [str(result.schedule.seed) for result in results if result.outcome == "failed"]
    return (
        name,
        str(len(results)),
        str(sum(result.faults for result in results)),
        str(outcomes.count("at once")),
        str(outcomes.count("after a further run")),
        f"{len(wrong)}: seeds {', '.join(wrong)}" if wrong else "0",
    )
