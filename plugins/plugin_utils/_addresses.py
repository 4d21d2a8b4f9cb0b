# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names and email addresses that strangers gave. Pure. Private: only for use inside this collection."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from ansible_collections.litemaas.virtual_keys.plugins.module_utils._text import printable

ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
LOCAL_PART = re.compile(rf"{ATOM}(\.{ATOM})*")
LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?"
DOMAIN = re.compile(rf"{LABEL}(\.{LABEL})*")
# What a header of an email has in the place of letters beyond ASCII. Python before 3.13 decodes it in a name, too, and
# writes what comes out into the header, line breaks and all.
ENCODED_WORD = re.compile(r"=\?[^?\s]*\?[BbQq]\?")
# What turns the text around that follows it: a slip would show other text than it holds.
DIRECTION = re.compile("[\u202a-\u202e\u2066-\u2069]")
# What is special in a header, or ends an address where another one may begin.
SPECIAL = re.compile(r"[\s()<>\[\]:;@\\,\"]")


def check_person(name: Any = None, email: Any = None) -> str | None:
    """Return what is wrong with a person's name or email address, a sentence, or None."""
    return check_name(name) or check_address(email)


def check_name(name: Any) -> str | None:
    """Return what is wrong with a person's name, a sentence, or None."""
    if ENCODED_WORD.search(str(name or "")):
        return f"the name '{printable(str(name))}' is encoded as in the header of an email. Write it as plain text."
    if DIRECTION.search(str(name or "")):
        return f"the name {printable(str(name))} contains a character that changes the direction of text. Remove it."
    return None


def check_address(email: Any) -> str | None:
    """Return what is wrong with a person's email address, a sentence, or None.

    Letters beyond ASCII are allowed, as in an address that only some mail servers know, but no character that only
    looks like another one: a wide @ would be a second one for some programs, and the mail would go elsewhere.
    """
    text = str(email or "").strip()
    local, _at, domain = text.rpartition("@")
    is_plain = unicodedata.normalize("NFKC", text) == unicodedata.normalize("NFC", text)
    if not text or (is_plain and text.isprintable() and local and not SPECIAL.search(local) and to_ascii(domain)):
        return None
    return f"'{printable(text)}' is not an email address."


def split_address(text: Any) -> tuple[str, str] | None:
    """Return the local part and the domain, in ASCII, of an address that every mail server knows, else None."""
    local, _at, domain = str(text or "").strip().rpartition("@")
    ascii_domain = to_ascii(domain)
    return (local, ascii_domain) if ascii_domain and LOCAL_PART.fullmatch(local) else None


def to_ascii(domain: str) -> str | None:
    """Return a domain as the DNS knows it, None if it is none."""
    try:
        name = domain.encode("idna").decode()
    except ValueError:
        return None
    return name if DOMAIN.fullmatch(name) else None
