# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A long task says how far it is: every few seconds, or as often as it was asked to."""

from __future__ import annotations

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._progress import every_few_seconds


@pytest.mark.parametrize(
    ("number", "seconds_for_each", "told"),
    [
        pytest.param(None, 1.0, [3, 6, 9], id="every few seconds"),
        pytest.param(None, 0.01, [], id="not where it is over at once"),
        pytest.param(None, 5.0, [1, 2, 3, 4, 5, 6, 7, 8, 9], id="each one where they are slow"),
        pytest.param(4, 0.01, [4, 8], id="as often as asked"),
        pytest.param(5, 0.01, [5], id="not at the last"),
    ],
)
def test_it_is_told(number: int | None, seconds_for_each: float, told: list[int]) -> None:
    heard: list[tuple[int, int]] = []
    now = 0.0
    progress = every_few_seconds(lambda done, total: heard.append((done, total)), number, clock=lambda: now)
    for done in range(1, 11):
        now += seconds_for_each
        progress(done, 10)
    assert heard == [(done, 10) for done in told]


def test_many_at_once_are_told_once() -> None:
    heard: list[int] = []
    progress = every_few_seconds(lambda done, _total: heard.append(done), 2, clock=lambda: 0.0)
    for done in (100, 101, 102):
        progress(done, 200)
    assert heard == [100, 102]
