# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writing a file on the control node as a whole or not at all. Private: only for use inside this collection."""

from __future__ import annotations

import os
from contextlib import suppress


def write_whole(path: str, temporary: str, data: bytes, lasting: bool = True) -> None:
    """Write a file that only its owner can read. At every moment either the old or the new content is there.

    :param temporary: a path in the same folder that nobody else uses.
    :param lasting: whether the content is there also after a power cut.
    """
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(handle, "wb") as stream:
            os.fchmod(handle, 0o600)  # whatever the umask
            stream.write(data)
            stream.flush()
            if lasting:
                os.fsync(handle)
            _give_to_owner(handle, path)
        os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise
    if lasting:
        _sync_folder(os.path.dirname(path))


def _give_to_owner(handle: int, path: str) -> None:
    """Let a file that root writes stay that of its owner."""
    with suppress(FileNotFoundError):
        old, new = os.stat(path), os.fstat(handle)
        if (old.st_uid, old.st_gid) != (new.st_uid, new.st_gid):
            os.fchown(handle, old.st_uid, old.st_gid)


def _sync_folder(path: str) -> None:
    folder = os.open(path, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
