# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ends programs as a crash does."""

from __future__ import annotations

from contextlib import suppress

import psutil


def kill(process: psutil.Process) -> None:
    """End a process at once, with all that it started, unless it has ended.

    Ansible's workers are sessions of their own, so that no process group holds them all.
    """
    with suppress(psutil.NoSuchProcess):
        process.suspend()
        for each in (*process.children(recursive=True), process):
            with suppress(psutil.NoSuchProcess):
                each.kill()
