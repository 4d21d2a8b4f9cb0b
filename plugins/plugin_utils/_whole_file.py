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
        os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise
    if lasting:
        _sync_folder(os.path.dirname(path))


def _sync_folder(path: str) -> None:
    folder = os.open(path, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def check_owner(path: str, found: os.stat_result) -> str | None:
    """Return why a file with secrets cannot be trusted, a sentence, or None if it is our own.

    Root can read the file of anybody, and whoever owns it can say what is in it.
    """
    if found.st_uid == os.geteuid():
        return None
    return (
        f"{path} belongs to the user with the ID {found.st_uid}, not to the one who runs Ansible. It was not used. "
        f"Run Ansible as its owner, or, if you trust what is in it: chown {os.geteuid()} {path}"
    )
