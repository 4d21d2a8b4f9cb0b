# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Emails that are ready to be opened and sent. Pure. Private: only for use inside this collection."""

from __future__ import annotations

from collections.abc import Sequence
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, getaddresses

from ansible_collections.litemaas.virtual_keys.plugins.module_utils._text import one_line

from .._addresses import ENCODED_WORD, split_address
from ._people import Person
from ._texts import parse_time


def mail_file(person: Person, body: str, to: Sequence[Address], sender: Address, subject: str) -> bytes:
    """Return an email to a person, or to all who share a key. Its date is when the value was first written."""
    mail = EmailMessage(SMTP)
    mail["From"] = sender
    mail["To"] = tuple(to)
    mail["Subject"] = _header_text(subject)
    written = parse_time(person["written_at"])
    if written:
        mail["Date"] = format_datetime(written)
    mail["X-Unsent"] = "1"  # opens as a draft
    mail.set_content(body.encode("utf-8", "replace").decode(), cte="quoted-printable")
    return mail.as_bytes()


def parse_sender(text: str) -> Address | None:
    """Return the one address, with or without a name, that a text has, None if it has another number of them."""
    found = getaddresses([text]) if text.isprintable() else []
    return _address(*found[0]) if len(found) == 1 else None


def recipients(person: Person) -> list[Address]:
    """Return where to write to a person, or to all who share a key, as far as that is known."""
    members = person.get("members")
    if members:
        found = (_address(member["name"], member["email"] or member["user"]) for member in members)
        return list(filter(None, found))
    candidates = (person.get("email"), person["user_id"], person["user"])
    return list(filter(None, (_address(person["name"], candidate) for candidate in candidates)))[:1]


def _address(name: str, text: object) -> Address | None:
    parts = split_address(text)
    return Address(_header_text(name), *parts) if parts else None


def _header_text(text: str) -> str:
    """Return text that stays what it is in a header: see ENCODED_WORD."""
    return ENCODED_WORD.sub(lambda found: f"= {found[0][1:]}", one_line(text))
