# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writing what declares a proxy: which files, and what is said. Private: only for use inside this collection."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.litemaas.virtual_keys.plugins.module_utils._errors import InputError
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._text import join_limited, printable

from .._our_files import OurFiles
from .._private_folder import ensure_folder
from ._files import file_of

Objects = Mapping[str, Sequence[Mapping[str, Any]]]


def ensure_writable(folder: OurFiles) -> None:
    """Raise InputError if nothing can be written to the folder."""
    ensure_folder(folder.path, writing=True)
    folder.read_list()


def result_of(objects: Objects, folder: OurFiles | None, check_mode: bool) -> dict[str, Any]:
    """Write the files, if they have a folder, and return the result of the task.

    :raises InputError: if a file of the user's is in the place of one of them; then none is written.
    """
    declarations = {
        kind: [one["declaration"] for one in found if one["declaration"] is not None] for kind, found in objects.items()
    }
    written = _write(folder, objects, check_mode) if folder else {"changed": False, "files": [], "diff": []}
    return {**written, "declarations": declarations, "messages": _sentences(objects)}


def _write(folder: OurFiles, objects: Objects, check_mode: bool) -> dict[str, Any]:
    wanted = {f"{kind}.yml": file_of(kind, found).encode() for kind, found in objects.items()}
    with contextlib.nullcontext() if check_mode else folder.alone():
        folder.read_list()
        foreign = folder.foreign(wanted)
        if foreign:
            raise InputError(
                f"These files in {folder.path} were not written by this module, or were changed since: "
                f"{join_limited(foreign)}. Move them, or set output_dir to another folder."
            )
        before = {name: folder.read(name) or b"" for name in wanted}
        changes = folder.changes(wanted, ())
        if not check_mode:
            folder.apply(changes, wanted)
    paths = {name: str(folder.path / name) for name in changes}
    return {
        "changed": bool(changes),
        "files": [{"path": paths[name], "action": done} for name, done in changes.items()],
        "diff": [
            {
                "before_header": paths[name],
                "after_header": paths[name],
                "before": before[name].decode(),
                "after": wanted[name].decode(),
            }
            for name in changes
        ],
    }


def _sentences(objects: Objects) -> list[str]:
    """Return how many objects there are of each kind, and which of them are not declared."""
    said = [
        ", ".join(f"{len(found)} {kind.replace('_', ' ')}" for kind, found in objects.items() if found) or "Nothing."
    ]
    for kind, found in objects.items():
        names = [printable(one["name"]) for one in found if one["declaration"] is None]
        if names:
            said.append(f"Not declared: {len(names)} of {len(found)} {kind.replace('_', ' ')}: {join_limited(names)}.")
    return said
