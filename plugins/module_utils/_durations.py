# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Spans of time as LiteLLM writes them: ``30d``, ``12h``, ``1mo``. Private: only for use inside this collection."""

from __future__ import annotations

import calendar
import re
from datetime import datetime, timedelta

DURATION_HELP = "use a whole number above 0 followed by one of s, m, h, d, w, mo, such as 30d or 12h"


DURATION = re.compile(r"([0-9]{1,9})(s|m|h|d|w|mo)")


SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def check_duration(value: str) -> str | None:
    match = DURATION.fullmatch(value)
    if not match or int(match.group(1)) == 0:
        return f"'{value}' is not a duration: {DURATION_HELP}."
    try:
        add_duration(datetime(2100, 1, 1), value)
    except (OverflowError, ValueError):
        return f"'{value}' is too long."
    return None


def add_duration(start: datetime, duration: str) -> datetime:
    """Add a duration to ``start``; a month ends on the same day, or on the last if the month is shorter."""
    digits = duration.rstrip("smhdwo")
    count, unit = int(digits), duration[len(digits) :]
    if unit != "mo":
        return start + timedelta(seconds=count * SECONDS[unit])
    years, month = divmod(start.month - 1 + count, 12)
    year = start.year + years
    return start.replace(year=year, month=month + 1, day=min(start.day, calendar.monthrange(year, month + 1)[1]))
