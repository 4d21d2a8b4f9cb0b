# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts that strangers chose, made fit for a file name, a cell, a header.

Private: only for use inside this collection. Pure functions.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable
from datetime import datetime, timezone, tzinfo
from email.headerregistry import Address
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ansible_collections.litemaas.virtual_keys.plugins.module_utils._errors import InputError
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._text import one_line

LONGEST_NAME = 80
LONGEST_SECRET_NAME = 253
FILE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_@+.-]*")
MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
LABEL = r"[a-z0-9]([a-z0-9-]*[a-z0-9])?"
DNS_1123 = re.compile(rf"{LABEL}(\.{LABEL})*")
# Where a spreadsheet may begin to read a cell, at its beginning and behind what it may take for a separator; and what
# it then takes for a formula, in both widths of East Asian fonts.
FORMULA = re.compile(r"(^|[,;|\t\r\n])(\s*)(?=[=+\-@\uff1d\uff0b\uff0d\uff20])")
LOCAL_PART = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")


def cell(text: str) -> str:
    """Text that no spreadsheet takes for a formula."""
    return FORMULA.sub(r"\1\2'", text)


def file_name(user: str) -> str | None:
    """The user as the name of a file, if every file system takes it."""
    return user if FILE_NAME.fullmatch(user) and len(user) <= LONGEST_NAME and not user.endswith(".") else None


def made_up_name(text: str, unique: str) -> str:
    """Something like the text that is good as a name everywhere, and different for everything that is unique."""
    letters = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    readable = re.sub(r"[^a-z0-9]+", "-", letters)[: LONGEST_NAME - 20].strip("-")
    return "-".join(filter(None, (readable, hashlib.sha256(unique.encode("utf-8", "replace")).hexdigest()[:8])))


def secret_name(alias: str) -> str:
    """Name of the Secret in Kubernetes, as the operator of LiteLLM calls it if it can."""
    name = f"litellm-key-{alias}"
    if DNS_1123.fullmatch(name) and len(name) <= LONGEST_SECRET_NAME:
        return name
    return f"litellm-key-{made_up_name(alias, alias)}"


def address(name: str, candidates: Iterable[Any]) -> Address | None:
    """Whom to write to: the first of the candidates that is an email address."""
    for candidate in candidates:
        local, _at, domain = str(candidate or "").strip().rpartition("@")
        if not domain or not LOCAL_PART.fullmatch(local):
            continue
        try:
            return Address(name, local, domain.encode("idna").decode())
        except (ValueError, IndexError):
            continue
    return None


def moment(text: str | None) -> datetime | None:
    """An ISO 8601 time, none if it is none."""
    try:
        # Python before 3.11 does not read the "Z" that LiteLLM writes.
        return datetime.fromisoformat(str(text).replace("Z", "+00:00"))
    except ValueError:
        return None


def time_zone(name: str) -> tzinfo:
    """The zone of that name.

    :raises InputError: if this machine knows none.
    """
    if name == "UTC":
        return timezone.utc
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise InputError(
            f"litellm_vkey_time_zone: '{one_line(name)}' is not a time zone that the control node knows. "
            "Use a name such as Europe/Berlin or UTC."
        ) from error


def readable_time(text: str | None, zone: tzinfo) -> str | None:
    """A time as people write it: 14 March 2031, 18:00 CET."""
    time = moment(text)
    if time is None or time.tzinfo is None:
        return text
    time = time.astimezone(zone)
    return f"{time.day} {MONTHS[time.month - 1]} {time.year}, {time:%H:%M} {time.tzname() or ''}".rstrip()


def number(value: Any) -> str:
    """A number without a fraction that is none."""
    return f"{value:g}" if isinstance(value, float) and value == int(value) and abs(value) < 1e15 else str(value)
