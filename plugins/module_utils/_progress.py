# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a long task reports its progress. Private: only for use inside this collection."""

from __future__ import annotations

import time
from collections.abc import Callable

from ._batch import Progress

SECONDS = 2.5


def every_few_seconds(
    tell: Progress, number: int | None = None, clock: Callable[[], float] = time.monotonic
) -> Progress:
    """Call ``tell`` every few seconds, or after each ``number`` of objects, but not after the last one.

    :param number: the number of objects; None for every few seconds.
    """
    told = 0
    last = clock()

    def tell_some(done: int, total: int) -> None:
        nonlocal told, last
        due = clock() - last >= SECONDS if number is None else done // number > told // number
        if due and done < total:
            told, last = done, clock()
            tell(done, total)

    return tell_some
