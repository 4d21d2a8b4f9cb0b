# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Folders on the control node that only their owner can read. Private: only for use inside this collection."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.litemaas.virtual_keys.plugins.module_utils._errors import InputError


def is_there(folder: Path) -> bool:
    """Whether there is such a folder.

    :raises InputError: if a file is in its place, or in that of a folder above it.
    """
    for path in (folder, *folder.parents):
        if path.is_file():
            raise InputError(f"{path} is a file, not a folder. Move it or use another path.")
    return folder.is_dir()


def make(folder: Path) -> None:
    """Make the folder and those above it, unless they are there."""
    if not is_there(folder):
        make(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)  # another run may just have made it
