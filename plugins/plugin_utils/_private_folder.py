# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Folders on the control node that only their owner can read. Private: only for use inside this collection."""

from __future__ import annotations

import os
from pathlib import Path

from ansible_collections.litemaas.virtual_keys.plugins.module_utils._errors import InputError


def ensure_folder(folder: Path, writing: bool = False) -> None:
    """Raise InputError if a file is in the place of the folder, or of one above it.

    :param writing: whether also to raise it if nothing can be written there.
    """
    nearest = next(path for path in (folder, *folder.parents) if path.exists())
    if not nearest.is_dir():
        raise InputError(f"{nearest} is a file, not a folder. Move it or use another path.")
    if writing and not os.access(nearest, os.W_OK | os.X_OK):
        raise InputError(f"Cannot write to {nearest}: Permission denied.")


def make_folder(folder: Path) -> None:
    """Make the folder and those above it, unless they are there.

    :raises InputError: if a file is in the place of one.
    """
    ensure_folder(folder)
    if not folder.is_dir():
        make_folder(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)  # another run may just have made it
