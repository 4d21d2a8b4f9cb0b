# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one worker of Ansible has learned is known to the next one."""

from __future__ import annotations

import os

from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._shared_set import SharedSet


def in_another_process(work: object) -> int:
    """Return how a forked process ended that calls ``work``."""
    child = os.fork()
    if not child:
        os._exit(int(bool(work())))  # type: ignore[operator]
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_forked_processes_tell_each_other() -> None:
    known = SharedSet()
    assert "https://a.example.com" not in known
    assert in_another_process(lambda: known.add("https://a.example.com")) == 0
    assert "https://a.example.com" in known and "https://b.example.com" not in known
    assert in_another_process(lambda: "https://a.example.com" in known) == 1
