# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts that strangers chose, made fit for a cell or a line.

Private: only for use inside this collection. Pure functions.
"""

from __future__ import annotations

import re
from datetime import datetime, timezone, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from ansible_collections.litemaas.virtual_keys.plugins.module_utils._errors import InputError
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._text import one_line

MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
# Where a spreadsheet may begin to read a cell, at its beginning and behind what it may take for a separator; and what
# it then takes for a formula, in both widths of East Asian fonts.
FORMULA = re.compile(r"(^|[,;|\t\r\n])(\s*)(?=[=+\-@\uff1d\uff0b\uff0d\uff20])")


def cell(text: str) -> str:
    """Return text that no spreadsheet takes for a formula."""
    return FORMULA.sub(r"\1\2'", text)


def parse_time(text: str | None) -> datetime | None:
    """Return an ISO 8601 time, none if it is none."""
    try:
        # Python before 3.11 does not read the "Z" that LiteLLM writes.
        return datetime.fromisoformat(str(text).replace("Z", "+00:00"))
    except ValueError:
        return None


def time_zone(name: str) -> tzinfo:
    """Return the zone of that name.

    :raises InputError: if this machine knows none.
    """
    if name == "UTC":
        return timezone.utc
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        unknown = f"litellm_vkey_time_zone: '{one_line(name)}' is not a time zone that the control node knows."
        remedy = "Use a name such as Europe/Berlin or UTC."
        if not available_timezones():
            remedy = (
                "It has no time zone data at all. Install the package tzdata, for Python or for the system, or use UTC."
            )
        raise InputError(f"{unknown} {remedy}") from error


def readable_time(text: str | None, zone: tzinfo) -> str | None:
    """Return a time as people write it: 14 March 2031, 18:00 CET."""
    time = parse_time(text)
    if time is None or time.tzinfo is None:
        return text
    time = time.astimezone(zone)
    return f"{time.day} {MONTHS[time.month - 1]} {time.year}, {time:%H:%M} {time.tzname() or ''}".rstrip()


def number(value: Any) -> str:
    """Return a number without a fraction that is none."""
    return f"{value:g}" if isinstance(value, float) and value == int(value) and abs(value) < 1e15 else str(value)
