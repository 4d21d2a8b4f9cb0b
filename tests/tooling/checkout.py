# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
"""The checkout as others need to see it: as a plain copy, or as a member of a collections path."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / ".build"
MEMBER = Path("ansible_collections", "litemaas", "virtual_keys")


def files(folder: Path = ROOT) -> list[str]:
    """Every file that is versioned, or new and not ignored."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=folder, check=True, stdout=subprocess.PIPE, text=True).stdout.split("\0")
    # A file that is deleted but not yet committed is still listed.
    return [name for name in listed if name and (folder / name).is_file()]


def copy(destination: Path) -> list[str]:
    """Copy these files afresh, and nothing else; returns their names."""
    shutil.rmtree(destination, ignore_errors=True)
    names = files()
    for name in names:
        target = destination / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, target)
    # In a repository of its own, or all of it would count as ignored by the checkout around it, and tools that ask git
    # for the files would find none and be content.
    subprocess.run(["git", "init", "--quiet", "--template=", destination], check=True)
    if missed := set(names) - set(files(destination)):
        raise RuntimeError(f"git does not see {', '.join(sorted(missed))} in {destination}")
    return names


@contextmanager
def linked() -> Iterator[Path]:
    """A temporary collections path whose one collection is a link to the checkout."""
    with tempfile.TemporaryDirectory(prefix="virtual_keys-") as folder:
        link = Path(folder) / MEMBER
        link.parent.mkdir(parents=True)
        link.symlink_to(ROOT, target_is_directory=True)
        yield Path(folder)
