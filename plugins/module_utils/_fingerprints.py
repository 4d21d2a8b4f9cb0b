# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a value that LiteLLM does not show again is still the declared one. Pure.

Private: only for use inside this collection. LiteLLM shows a mask of a value, or nothing at all; a salted fingerprint,
kept with the object, tells the rest.

Whoever has a key of the proxy can read the fingerprints of its models, and try values. So there is none of a secret
that could be found by trying: of such a one, only the mask is compared.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

from ._redaction import PARAMETERS, REFERENCE, is_secret_name, secrets_in

# The entry in which they are kept, among what LiteLLM keeps and shows of the object: {"fingerprints": {name: text}}.
OWN_ENTRY = "litemaas_virtual_keys"
MASK = re.compile(r"\*{5}|..\*{4,}..", re.DOTALL)
# About 50 ms for whoever knows a fingerprint and tries a value.
ROUNDS = 200_000
SALT_BYTES = 16
# What stands in the place of the fingerprint of a value that could be found by trying.
GUESSABLE = "guessable"
# A random value of 32 characters has 60 to 100 bits by this measure, a sentence of eight words about 40.
LEAST_BITS = 60
PIECE = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|[0-9]+|[^\W\d_]+|[\W_]+")
BITS_OF_LETTER, BITS_OF_DIGIT, BITS_OF_SIGNS = 4.7, 3.3, 2.0
# Letters that follow each other are probably a word, and digits a year: they count less than their number.
MAX_LETTERS, BITS_OF_WORD, MAX_BITS = 3, 4.0, 8.0
# What LiteLLM masks for its name alone: it lists the names of parameters.
NO_SECRETS = frozenset(("configurable_clientside_auth_params",))
PATH = re.compile(r"(/[\w.-]+){2,}")
BY_MASK = "Later runs detect a changed value only by the mask that LiteLLM shows."


def own_entry(marks: Mapping[str, str]) -> dict[str, Any]:
    """Return fingerprints, by name, as they are kept with an object."""
    return {OWN_ENTRY: {"fingerprints": dict(marks)}}


def known_in(info: Any) -> Mapping[str, Any]:
    """Return the fingerprints in what LiteLLM keeps of an object, where anybody could have written anything."""
    entry = info.get(OWN_ENTRY) if isinstance(info, Mapping) else None
    known = entry.get("fingerprints") if isinstance(entry, Mapping) else None
    return known if isinstance(known, Mapping) else {}


def fits(shown: Any, value: str) -> bool:
    """Return whether what the proxy shows may be the mask of a value."""
    if not isinstance(shown, str) or not MASK.fullmatch(shown):
        return False
    return (
        len(value) <= 4 if shown == "*****" else len(value) > 4 and (shown[:2], shown[-2:]) == (value[:2], value[-2:])
    )


def fingerprint(name: str, value: Any) -> str:
    """Return a text that tells whether the value of that name is the same one, and from which it cannot be found.

    :param value: text, or plain data.
    """
    return GUESSABLE if is_guessable(name, value) else _digest(value, secrets.token_bytes(SALT_BYTES))


def matches(known: Any, name: str, value: Any) -> bool:
    """Return whether a fingerprint is that of a value.

    One that is missing, damaged, or should not be there is of none.
    """
    if is_guessable(name, value):
        return bool(known == GUESSABLE)
    if not isinstance(known, str) or not re.fullmatch(r"[0-9a-f]{32}:[0-9a-f]{64}", known):
        return False
    return hmac.compare_digest(known, _digest(value, bytes.fromhex(known.partition(":")[0])))


def _digest(value: Any, salt: bytes) -> str:
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True, ensure_ascii=False)
    return f"{salt.hex()}:{hashlib.pbkdf2_hmac('sha256', text.encode(), salt, ROUNDS).hex()}"


def is_guessable(name: str, value: Any) -> bool:
    """Return whether the value of that name is a secret that could be found by trying.

    The strongest secret of several protects the others. A reference and the path of a file are no secrets.
    """
    if name in NO_SECRETS:
        return False
    if isinstance(value, str):
        if value.startswith(REFERENCE) or PATH.fullmatch(value):
            return False
        with suppress(ValueError, RecursionError):
            read = json.loads(value)
            value = read if isinstance(read, (dict, list)) else value
    if isinstance(value, Mapping) and not is_secret_name(name):
        # What LiteLLM shows of it, such as other headers, protects nothing.
        value = {part: text for part, text in value.items() if is_secret_name(part)} or value
        texts = secrets_in({PARAMETERS: value})
    else:
        texts = secrets_in({PARAMETERS: {name: value}})
    # The password in a URL is found with its user, which is none, and without.
    strength = max if is_secret_name(name) or not isinstance(value, str) else min
    return bool(texts) and strength(map(_bits, filter(None, texts))) < LEAST_BITS


def guessable_warning(place: str, names: Iterable[str], detected: str = BY_MASK) -> list[str]:
    """Return the warning about secrets of which no fingerprint is kept, none if there are none.

    :param detected: a sentence on how later runs detect a changed value.
    """
    listed = ", ".join(names)
    if not listed:
        return []
    return [
        f"O({place}): {listed} can be guessed, so no fingerprint of it is stored. {detected} Use a random value of 32 "
        "or more characters."
    ]


def _bits(text: str) -> float:
    """Return how many bits a secret is worth at most, as far as can be told from its pieces."""
    return sum(_bits_of(piece) for piece in {piece.lower() for piece in PIECE.findall(text)})


def _bits_of(piece: str) -> float:
    if piece.isalpha():
        return BITS_OF_WORD if len(piece) > MAX_LETTERS else min(BITS_OF_LETTER * len(piece), MAX_BITS)
    return min(BITS_OF_DIGIT * len(piece), MAX_BITS) if piece.isdigit() else BITS_OF_SIGNS
