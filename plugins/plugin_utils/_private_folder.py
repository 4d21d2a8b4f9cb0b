# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Folders on the control node that only their owner can read. Private: only for use inside this collection."""

from __future__ import annotations

import os
from pathlib import Path

from ansible_collections.litemaas.virtual_keys.plugins.module_utils._errors import InputError


def check_folder(folder: Path) -> str | None:
    """Return why no file can be written to a folder, which need not exist, as a sentence, or None."""
    for path in (folder, *folder.parents):
        if path.exists():
            if not path.is_dir():
                return f"{path} is a file, not a folder. Move it or use another path."
            return None if os.access(path, os.W_OK | os.X_OK) else f"Cannot write to {path}: Permission denied."
    return None


def refuse_a_file(folder: Path) -> None:
    """Hold that no file is in the place of the folder, or of one above it.

    :raises InputError: if there is one.
    """
    for path in (folder, *folder.parents):
        if path.is_file():
            raise InputError(f"{path} is a file, not a folder. Move it or use another path.")


def make_folder(folder: Path) -> None:
    """Make the folder and those above it, unless they are there.

    :raises InputError: if a file is in the place of one.
    """
    refuse_a_file(folder)
    if not folder.is_dir():
        make_folder(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)  # another run may just have made it
