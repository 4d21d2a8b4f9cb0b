# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The values of keys: chosen, derived, and the tokens that the server keeps of them.

Private: only for use inside this collection.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64encode

SHORTEST_SEED = 32


def token_of(value: str) -> str:
    """Return the token, or key id, under which the server stores a value."""
    return hashlib.sha256(value.encode()).hexdigest()


def new_value(avoid: str) -> str:
    """Return a random value. It does not contain ``avoid``, which Ansible would star out of the result."""
    while True:
        value = "sk-" + secrets.token_urlsafe(24)
        if avoid in "sk-" or avoid not in value:  # what every value has cannot be avoided
            return value


def derived_value(seed: str, alias: str, version: int, reissue: str = "") -> str:
    """Return the value that a seed stands for, the same on every machine.

    :param reissue: the note of the last reissue of this one key, empty if it never was.
    """
    parts = ["litemaas.virtual_keys.v1", alias, str(version), *([reissue] if reissue else [])]
    digest = hmac.new(seed.encode(), "\0".join(parts).encode(), hashlib.sha256).digest()
    return "sk-" + urlsafe_b64encode(digest).decode().rstrip("=")
