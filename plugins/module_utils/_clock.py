# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What time it is for a proxy. Private: only for use inside this collection.

A proxy writes expiries by its own clock, which may differ from this machine's. Its answers tell it in their ``Date``,
to the second, at some moment between question and answer. One such header is no clock: a cache, a wrong proxy of many,
or a slow answer says anything. So a difference counts when several answers in a row agree on it. Either clock may be
wrong: what must not come too early, such as the replacement of a value for its age, has to be past for both.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from threading import Lock

AGREEING = 3
NONE = timedelta()
# The headers' rounding, and what clocks that are set by the network differ by.
TOLERANCE = timedelta(seconds=5)
GREATEST_LEAD = timedelta(days=1)
# The least and the greatest lead of the proxy's clock that explain what an answer said.
Lead = tuple[timedelta, timedelta]


class Clock:
    """The time of one proxy, which is this machine's until several answers agree on another one."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._lead = NONE
        self._leads: deque[Lead] = deque(maxlen=AGREEING)
        self._latest: timedelta | None = None
        self.warning = ""

    def now(self) -> datetime:
        return datetime.now(timezone.utc) + self._lead

    def past(self) -> datetime | None:
        """Return a moment that is past by this machine's clock and all answers; None while none has told the time."""
        return None if self._latest is None else datetime.now(timezone.utc) + self._latest

    def observe(self, headers: Mapping[str, str], asked: datetime, answered: datetime) -> None:
        """Take note of an answer to a request of which begin and end are given."""
        date = _date(headers)
        if date is None:
            return
        least, most = date - answered, date + timedelta(seconds=1) - asked
        with self._lock:
            self._latest = min(NONE if self._latest is None else self._latest, most + TOLERANCE)
            if not _agree([(least, most)]):
                self.warning = (
                    f"The proxy's Date header says {date.isoformat()}, which differs from the time of "
                    "this machine by more than a day. It is ignored. Check both clocks."
                )
                return
            self._leads.append((least, most))
            if len(self._leads) == AGREEING and _agree(self._leads):
                self._lead = NONE if _agree(self._leads, NONE, NONE) else _middle(self._leads)

    @property
    def is_doubtful(self) -> bool:
        """Whether the last answer told another time than the one that counts."""
        with self._lock:
            return bool(self._leads) and not _agree([self._leads[-1]], self._lead, self._lead)


def _date(headers: Mapping[str, str]) -> datetime | None:
    """Return when the answer was made, None if it does not say or comes out of a cache."""
    if "Age" in headers:
        return None
    try:
        date = parsedate_to_datetime(headers["Date"])
        return date.astimezone(timezone.utc) if date.tzinfo else date.replace(tzinfo=timezone.utc)
    except (KeyError, TypeError, ValueError, IndexError, OverflowError):
        return None


def _agree(leads: Iterable[Lead], least: timedelta = -GREATEST_LEAD, most: timedelta = GREATEST_LEAD) -> bool:
    """Return whether one lead between the bounds explains them all."""
    lows, highs = zip(*leads)
    return bool(max(least, *lows) - min(most, *highs) <= TOLERANCE)


def _middle(leads: Iterable[Lead]) -> timedelta:
    lows, highs = zip(*leads)
    middle: timedelta = (max(lows) + min(highs)) / 2
    return middle
