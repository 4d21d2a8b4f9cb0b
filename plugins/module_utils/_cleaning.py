# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes secrets out of what a proxy says. Private: only for use inside this collection. Pure.

An error often repeats the request, in whichever form went through most hands: JSON in a Python repr in JSON, quoted for
an address, folded to one line, cut in the middle. So a secret is looked for in its usual forms and, if it is long
enough, by any 12 letters and digits of it that follow each other, whatever stands between them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from threading import Lock
from typing import Any
from urllib.parse import quote

from ._masking import spellings

HIDDEN = "***"
# Shorter texts are no secrets: without this bound "1" or "on" as a credential's value would star out every sentence.
SHORTEST = 4
# Shorter secrets are hidden only where they stand as a word of their own.
SHORTEST_ANYWHERE = 8
PIECE = 12
LONGEST_TEXT = 100_000
# In an address a key may follow an escape such as %3D; "task-list" holds none.
KEY = re.compile(r"(?<![A-Za-z])sk-[^\s'\",})\]]{4,}|sk-[^\s'\",})\]]{13,}")
TOKEN = re.compile(r"[0-9a-f]{64,}")
USER_AND_PASSWORD = re.compile(r"(?<=//)[^\s<>]*@")
SECRET_NAME = re.compile(
    r"(key|token|secret|password|passwd|credentials?|authorization|credential_values|callback_vars)$", re.IGNORECASE
)
# What text is made of: an escaped character, one that escapes stand for in every form, or a letter or digit.
PART = re.compile(
    r"\\+u(?P<unicode>[0-9a-fA-F]{4})|\\+x(?P<byte>[0-9a-fA-F]{2})|\\+[abfnrtv]"
    r"|(?P<url>(?:%[0-9a-fA-F]{2})+)|(?P<plain>[^\W_])"
)


def printable(text: str) -> str:
    """Text with a question mark for each character that a terminal may not show as what it is."""
    return "".join(char if char.isprintable() else "?" for char in text)


class Secrets:
    """The secrets of one task. Safe to use from several threads."""

    def __init__(self, values: Iterable[Any] = ()) -> None:
        self._lock = Lock()
        self._known: set[str] = set()
        self._new: set[str] = set()
        self._forms: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        self._pieces: set[str] = set()
        self.add(*values)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def add(self, *values: Any) -> None:
        """Texts that must not be shown; of plain data, all texts in it."""
        texts = {text for value in values for text in _texts(value) if len(text.strip()) >= SHORTEST}
        with self._lock:
            self._new |= texts - self._known
            self._known |= texts

    def add_from(self, body: Any) -> None:
        """What stands in a request under a name that only secrets have."""
        if isinstance(body, Mapping):
            for name, value in body.items():
                if SECRET_NAME.search(str(name)):
                    self.add(value)
                else:
                    self.add_from(value)
        elif isinstance(body, (list, tuple)):
            for value in body:
                self.add_from(value)

    def mask(self, text: str) -> str:
        """Text without these secrets, without any key or token, and without the password in an address."""
        text = text[:LONGEST_TEXT]
        with self._lock:
            self._learn()
            pattern, pieces = self._pattern, self._pieces
        if pattern:
            text = pattern.sub(HIDDEN, text)
        text = _without(text, pieces)
        return USER_AND_PASSWORD.sub(f"{HIDDEN}@", TOKEN.sub(HIDDEN, KEY.sub(f"sk-{HIDDEN}", text)))

    def _learn(self) -> None:
        """Only when something is to be hidden: most tasks meet no error."""
        if not self._new:
            return
        for secret in self._new:
            letters = "".join(letter for letter, _start, _end in _letters(secret))
            self._pieces.update(letters[start : start + PIECE] for start in range(len(letters) - PIECE + 1))
            if len(letters) < PIECE or not re.fullmatch(r"[\w-]+", secret, re.ASCII):
                self._forms |= _forms(secret)
        self._new = set()
        parts = [_searched(form) for form in sorted(self._forms, key=len, reverse=True)]
        self._pattern = re.compile("|".join(parts)) if parts else None


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _texts(part)
    elif isinstance(value, (list, tuple, set, frozenset)):
        for part in value:
            yield from _texts(part)


def _forms(secret: str) -> set[str]:
    """How a text may be written: as it is, on one line, in JSON, in Python, in an address; and the JSON of these."""
    plain = {secret, secret.strip(), " ".join(secret.split())}
    forms = {form for text in plain for form in spellings(text)}
    for text in plain:
        forms |= {ascii(text)[1:-1], repr(text.encode(errors="replace"))[2:-1]}
    # Beside both kinds of quotes Python escapes one; and not everything quotes all characters, or in capitals.
    forms |= {repr(f"{text}'\"")[1:-4] for text in plain} | {quote(text, errors="replace") for text in plain}
    forms |= {re.sub("%[0-9A-F]{2}", lambda escape: escape.group().lower(), form) for form in forms}
    forms |= {json.dumps(form)[1:-1] for form in forms}
    return {form for form in forms if len(form) >= SHORTEST}


def _searched(form: str) -> str:
    return re.escape(form) if len(form) >= SHORTEST_ANYWHERE else rf"(?<!\w){re.escape(form)}(?!\w)"


def _letters(text: str) -> Iterator[tuple[str, int, int]]:
    """The letters and digits of a text, escaped ones included, and where each stands."""
    for part in PART.finditer(text):
        code = part["unicode"] or part["byte"]
        if part["plain"]:
            found = part["plain"]
        elif code:
            found = chr(int(code, 16))
        elif part["url"]:
            found = bytes.fromhex(part["url"].replace("%", "")).decode(errors="ignore")
        else:
            continue
        yield from ((letter, part.start(), part.end()) for letter in found if letter.isalnum())


def _without(text: str, pieces: set[str]) -> str:
    """Text without what it shares with a secret."""
    if not pieces:
        return text
    letters = list(_letters(text))
    line = "".join(letter for letter, _start, _end in letters)
    shown, after = [], 0
    hidden_to = -1
    for number in range(len(line) - PIECE + 1):
        if line[number : number + PIECE] not in pieces:
            continue
        if number > hidden_to:
            shown += [text[after : letters[number][1]], HIDDEN]
        hidden_to = number + PIECE - 1
        after = letters[hidden_to][2]
    return "".join([*shown, text[after:]])
