# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nothing is left to write of what ./tests/run new_object began, which otherwise leaves all tests green."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from ansible_collections.litemaas.virtual_keys.tests.tooling import checkout

ROOT = Path(__file__).resolve().parents[2]
GAP = "GAP: "
BEGUN = ("plugins", "docs", "tests/integration")
# The tests that know all objects.
TESTS = ("test_documentation.py", "test_examples.py", "test_gaps.py", "test_language.py", "test_layers.py", "tooling")


def gaps(root: Path) -> list[str]:
    """What is left to write, with file and line."""
    return [
        f"{path.relative_to(root)}:{number}: {line.partition(GAP)[2]}"
        for folder in BEGUN
        for path in sorted((root / folder).rglob("*"))
        if path.suffix in (".py", ".md", ".yml")
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if GAP in line
    ]


def test_nothing_is_left_to_write() -> None:
    found = gaps(ROOT)
    assert not found, "\n".join(found)


def test_a_new_object_fails_only_for_its_gaps(tmp_path: Path) -> None:
    checkout.copy(tmp_path)
    subprocess.run([sys.executable, "tests/new_object", "vector_index"], cwd=tmp_path, check=True)
    command = [sys.executable, "-m", "pytest", "-q", "-k", "not new_object", "--no-header", "--tb=no"]
    ran = subprocess.run(
        [*command, *(f"tests/unit/{name}" for name in TESTS)], cwd=tmp_path, check=False, capture_output=True, text=True
    )
    failed = [line.split()[1] for line in ran.stdout.splitlines() if line.startswith("FAILED")]
    assert failed == ["tests/unit/test_gaps.py::test_nothing_is_left_to_write"], ran.stdout
    (tmp_path / "tests" / "unit" / "test_gaps.py").unlink()
    files = {gap.partition(":")[0] for gap in gaps(tmp_path)}
    assert files == {
        "plugins/module_utils/_resources/_vector_index.py",
        "plugins/modules/litellm_vector_index.py",
        "docs/mapping.md",
        "tests/integration/objects/test_vector_index.py",
    }
