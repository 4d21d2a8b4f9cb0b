# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a value that LiteLLM does not show again is still the declared one. Pure.

Private: only for use inside this collection. LiteLLM shows a mask of a value, or nothing at all; a salted fingerprint,
kept with the object, tells the rest.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from typing import Any

# The entry in which they are kept, among what LiteLLM keeps and shows of the object: {"fingerprints": {name: text}}.
OWN_ENTRY = "litemaas_virtual_keys"
MASK = re.compile(r"\*{5}|..\*{4,}..", re.DOTALL)
# About 50 ms for whoever knows a fingerprint and tries a value.
ROUNDS = 200_000
SALT_BYTES = 16


def fits(shown: Any, value: str) -> bool:
    """Whether what the proxy shows may be the mask of a value."""
    if not isinstance(shown, str) or not MASK.fullmatch(shown):
        return False
    return (
        len(value) <= 4 if shown == "*****" else len(value) > 4 and (shown[:2], shown[-2:]) == (value[:2], value[-2:])
    )


def fingerprint(value: str, salt: bytes | None = None) -> str:
    """A text that tells whether a value is the same one, and from which it cannot be found but by trying."""
    salt = salt or secrets.token_bytes(SALT_BYTES)
    return f"{salt.hex()}:{hashlib.pbkdf2_hmac('sha256', value.encode(), salt, ROUNDS).hex()}"


def matches(known: Any, value: str) -> bool:
    """Whether a fingerprint is that of a value. One that is missing or damaged is of none."""
    if not isinstance(known, str) or not re.fullmatch(r"[0-9a-f]{32}:[0-9a-f]{64}", known):
        return False
    return hmac.compare_digest(known, fingerprint(value, bytes.fromhex(known.partition(":")[0])))
