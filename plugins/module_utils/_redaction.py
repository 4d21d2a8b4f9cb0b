# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must not stand in anything that a task prints, logs or returns. Pure.

Private: only for use inside this collection.

Names tell what is secret in data: ``redact`` makes copies of data that may be shown, ``secrets_of`` finds what else has
to be starred out of a result. ``Secrets`` takes the same out of text, such as what a proxy says. An error often repeats
the request, in whichever form went through most hands: JSON in a Python repr in JSON, quoted for an address, folded to
one line, cut in the middle. So a secret is looked for in its usual forms and, if it is long enough, by any 12 letters
and digits of it that follow each other, whatever stands between them.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from threading import Lock
from typing import Any
from urllib.parse import quote, quote_plus

# What is shown instead of a secret value.
HIDDEN = "********"
# The beginning of a value that only names an environment variable of the proxy.
REFERENCE = "os.environ/"
# The parts of a name by which LiteLLM tells that a parameter of a model is a secret, and by which it is none after all.
SECRET_PARTS = frozenset(
    (
        "password",
        "secret",
        "key",
        "apikey",
        "token",
        "auth",
        "authorization",
        "cookie",
        "credential",
        "credentials",
        "access",
        "private",
        "certificate",
        "fingerprint",
        "tenancy",
    )
)
NO_SECRETS = frozenset(("litellm_credential_name", "default_api_key_tpm_limit", "default_api_key_rpm_limit"))
CALLBACK_VARS = "callback_vars"
PARAMETERS = "litellm_params"
MAPPING_AS_TEXT = re.compile(rf"{CALLBACK_VARS}|{PARAMETERS}[\"'\s]*[:=]")
# Shorter texts are no secrets: without this bound "1" or "on" as a credential's value would star out every sentence.
SHORTEST = 4
# Shorter secrets are hidden only where they stand as a word of their own, and not in what a task returns: to star out a
# value such as "1" everywhere would leave little of it.
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


def is_secret_name(name: Any) -> bool:
    """Whether a parameter of a model with that name, or a header, holds a secret."""
    parts = set(str(name).lower().replace("-", "_").split("_"))
    return name not in NO_SECRETS and "cost" not in parts and not parts.isdisjoint(SECRET_PARTS)


def redact(value: Any) -> Any:
    """A copy fit to be shown: plain data, without the secrets of logging callbacks and of models."""
    if isinstance(value, Mapping):
        return {name: _redact_entry(name, part) for name, part in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [redact(part) for part in value]
    return value


def _redact_entry(name: Any, value: Any) -> Any:
    if name == "callback_vars" and isinstance(value, Mapping):
        return dict.fromkeys(value, HIDDEN)
    if name == "litellm_params":
        return redact_parameters(value) if isinstance(value, Mapping) or value is None else HIDDEN
    return redact(value)


def redact_parameters(value: Any) -> Any:
    """A copy of the parameters of a model without those that are secret."""
    if isinstance(value, Mapping):
        return {name: HIDDEN if is_secret_name(name) else redact_parameters(part) for name, part in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [redact_parameters(part) for part in value]
    return value


def secrets_of(known: Iterable[str], options: Any) -> set[str]:
    """All that has to be starred out: the secrets that Ansible knows and those of the options, however written."""
    found = {text for text in _secrets_in(options) if len(text) >= SHORTEST_ANYWHERE and not text.startswith(REFERENCE)}
    return {text for secret in {*known, *found} for text in spellings(secret)}


def spellings(secret: str) -> set[str]:
    """A secret as itself, and as JSON, Python and addresses write it."""
    return {
        secret,
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        repr(secret)[1:-1],
        quote(secret, errors="replace"),
        quote(secret, safe="", errors="replace"),
        quote_plus(secret, errors="replace"),
    }


def redact_options(options: Any, spec: Mapping[str, Mapping[str, Any]]) -> Any:
    """The options of a task as its result shows them. What a misspelled option holds may be a secret."""
    if isinstance(options, list):
        return [redact_options(part, spec) for part in options]
    if not isinstance(options, Mapping):
        return redact(options)
    specs = {name: one for option, one in spec.items() for name in (option, *one.get("aliases", ()))}
    return {name: _redact_option(name, value, specs.get(name)) for name, value in options.items()}


def _redact_option(name: str, value: Any, spec: Mapping[str, Any] | None) -> Any:
    if spec is None:
        return HIDDEN
    return redact_options(value, spec["options"]) if "options" in spec else redact({name: value})[name]


def _secrets_in(options: Any) -> Iterator[str]:
    """The values of logging callbacks and the secret parameters of models, wherever they stand in a task's options."""
    if isinstance(options, Mapping):
        for name, value in options.items():
            if name == CALLBACK_VARS:
                yield from _texts(value)
            elif name == PARAMETERS:
                yield from () if isinstance(value, Mapping) else _texts(value)  # what else it is, nobody knows
                yield from _parameters_in(_read(value) if isinstance(value, str) else value)
            else:
                yield from _secrets_in(value)
    elif isinstance(options, (list, tuple)):
        for part in options:
            yield from _secrets_in(part)
    elif isinstance(options, str) and MAPPING_AS_TEXT.search(options):
        # A mapping given as text. Ansible reads it the same two ways.
        yield options
        yield from _secrets_in(_read(options))


def _parameters_in(value: Any) -> Iterator[str]:
    """The secrets among the parameters of a model."""
    if isinstance(value, Mapping):
        for name, part in value.items():
            yield from _texts(part) if is_secret_name(name) else _parameters_in(part)
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from _parameters_in(part)


def _read(text: str) -> Any:
    for read in (json.loads, ast.literal_eval):
        try:
            value = read(text)
        except (ValueError, SyntaxError, RecursionError):
            continue
        return None if isinstance(value, str) else value
    return None


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
