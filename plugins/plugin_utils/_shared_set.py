# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What forked processes tell each other. Private: only for use inside this collection."""

from __future__ import annotations

import hashlib
import mmap
from typing import Any

PLACES = 1 << 16


class SharedSet:
    """Texts that all processes know that were forked from the one in which the set was made.

    Each text has one of many places, and says nothing but that it is there. Two texts may have the same place.
    """

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, PLACES)

    def __contains__(self, text: Any) -> bool:
        return bool(self._memory[_place(str(text))])

    def add(self, text: str, /) -> None:
        """Put a text into the set. It stays there as long as the processes."""
        self._memory[_place(text)] = 1


def _place(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:2], "big")
