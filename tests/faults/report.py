# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The results of the schedules, as Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from .schedule import KINDS
from .workshop import Result

HEAD = ("fault", "schedules", "faults", "correct after the first run", "correct after the second run", "wrong")
# Where the results in a page end.
END = "<!-- End -->"


def put(results: Sequence[Result], place: str, command: str, version: str, path: Path) -> None:
    """Write the results to a page, in the place of those of the last such run, of which it says the name."""
    above, mark, rest = path.read_text(encoding="utf-8").partition(f"<!-- {place} -->")
    _last, end, below = rest.partition(END)
    if not (mark and end):
        raise ValueError(f"{path} has no lines <!-- {place} --> and {END}.")
    text = f"{mark}\n\n    {command}\n\nLiteLLM {version}:\n\n{table(results)}\n\n{end}"
    path.write_text(f"{above}{text}{below}", encoding="utf-8")


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
