# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What users and contributors read is in American English, without phrases that read as translated."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
READ = (
    "*.md", ".github/**/*.md", ".github/**/*.yml", "galaxy.yml", "changelogs/fragments/*.yml", "docs/**/*.md",
    "noxfile.py", "playbooks/**/*.yml", "plugins/**/*.py", "plugins/**/*.yml", "roles/**/*.j2", "roles/**/*.md",
    "roles/**/*.yml", "tests/**/*.md", "tests/**/*.py",
)  # fmt: skip
# This file names what is wrong.
FILES = sorted({path for pattern in READ for path in ROOT.glob(pattern)} - {Path(__file__).resolve()})
WRONG = {
    "British spelling": r"[a-z]*organis(?:e|ation)[a-z]*|colour\w*|honour\w*|behaviour\w*|licence\w*|centre|catalogue",
    "translated phrase": (
        r"exclude each other|in clear|there shall|shall be|cannot be meant so|is no admin's|could not be made"
        r"|declared and in unset|does not tell again|so-manieth|tells of|that are there|stands there more than once"
    ),
}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_the_language_is_that_of_ansible(path: Path) -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}: {reason}: {match[0]}"
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        for reason, pattern in WRONG.items()
        for match in re.finditer(rf"\b(?:{pattern})\b", line, re.IGNORECASE)
    ]
    assert found == []
