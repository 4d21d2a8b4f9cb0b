# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
"""What the published archive may hold."""

from __future__ import annotations

import tarfile
from collections.abc import Iterable
from pathlib import Path

# Files that a working checkout may hold and that must not be published. The build has to leave out each of them.
DECOYS = (
    ".ansible/collections/decoy.yml",
    ".build/decoy.json",
    ".env",
    ".venv/bin/decoy",
    ".coverage",
    ".pytest_cache/decoy",
    "changelogs/.plugin-cache.yaml",
    "litemaas-virtual_keys-0.0.1.tar.gz",
    "plugins/modules/__pycache__/decoy.cpython-311.pyc",
    "server.log",
    "server.pem",
    "tests/integration/integration_config.yml",
    "tests/integration/inventory",
    "tests/output/decoy",
)
REQUIRED = {"CHANGELOG.md", "FILES.json", "LICENSE", "MANIFEST.json", "README.md", "meta/runtime.yml"}


def plant(folder: Path) -> None:
    """Put every such file into a copy of the checkout."""
    for name in DECOYS:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("must not be published\n", encoding="utf-8")


def faults(archive: Path, versioned: Iterable[str]) -> list[str]:
    """Sentences on what is in the archive and should not be, or the other way round."""
    with tarfile.open(archive) as tar:
        held = {member.name for member in tar if not member.isdir()}
    allowed = {name for name in versioned if not name.startswith(".git")} | {"FILES.json", "MANIFEST.json"}
    wrong = [f"{archive.name} holds {name}, which is not a versioned file" for name in sorted(held - allowed)]
    return wrong + [f"{archive.name} lacks {name}" for name in sorted(REQUIRED - held)]
