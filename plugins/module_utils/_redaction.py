# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must not stand in anything that a task prints, logs or returns. Pure.

Private: only for use inside this collection.

In data, names tell what is secret, and shapes: the password in a URL, what follows "Bearer". ``redact`` makes copies
that may be shown, ``redact_options`` of the options of a task, and ``secrets_of`` finds what else has to be starred out
of its result.

``Secrets`` takes the same out of text, such as what a proxy says. An error often repeats the request, in whichever form
went through most hands: JSON in a Python repr in JSON, quoted for an address, folded to one line, cut in the middle. So
a secret is looked for in its usual forms and, if it is long enough, by any 12 letters and digits of it that follow each
other, whatever stands between them.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from threading import Lock
from typing import Any
from urllib.parse import quote, quote_plus, unquote

from ._text import one_line, printable

# What is shown instead of a secret value, and instead of one that is going to be written over another.
HIDDEN = "********"
CHANGED = f"{HIDDEN} (changed)"
WAS_HIDDEN = re.compile(r"(?<!\*)\*{8}(?!\*)")
# How the name of an address ends.
ADDRESSES = ("url", "uri", "base", "endpoint", "proxy")
# The beginning of a value that only names an environment variable of the proxy.
REFERENCE = "os.environ/"
PARAMETERS = "litellm_params"
# Mappings in which every value is secret, besides those of headers.
ALL_SECRET = ("callback_vars", "credential_values", "credentials")
# The parts of a name by which LiteLLM tells that a parameter of a model or vector store is a secret, and by which it is
# none after all.
SECRET_PARTS = frozenset(
    (
        *("password", "secret", "key", "apikey", "token", "auth", "authorization", "cookie", "credential"),
        *("credentials", "access", "private", "certificate", "fingerprint", "tenancy", "connection"),
    )
)
NO_SECRETS = frozenset(("litellm_credential_name", "default_api_key_tpm_limit", "default_api_key_rpm_limit"))
# The last word of any other name that holds a secret, and what else is one in the query of a URL.
SECRET_WORDS = frozenset(
    (
        *("secret", "secrets", "token", "password", "passwords", "passwd", "passphrase", "pwd", "credential"),
        *("credentials", "authorization", "auth", "cookie", "signature", "apikey", "apikeys"),
    )
)
SECRET_PARAMETERS = frozenset(("key", "sig", "code"))
# What an option that wants a number or a flag is given as text.
PLAIN = re.compile(r"[-+]?[\d.]+(?:e[-+]?\d+)?|true|false|yes|no|on|off|[yntf]?", re.IGNORECASE)
WORD = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z0-9]+(?![a-z])")
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
# What is secret by its shape: before the host of a URL, after the scheme of a header, with the mark of who issued it.
USER_INFO = re.compile(r"//(?P<secret>[^\s/?#]+|[^\s/?#:]*:(?!\d*(?:[\s/?#]|$))\S+)@")
# The same where an address lacks its scheme. It is looked for only under the name of an address.
BEFORE_HOST = re.compile(r"\A[^\s/?#:@]*:(?P<secret>[^\s/?#]+)@")
SCHEME = re.compile(r"\b(?i:bearer|basic)\s+(?P<secret>(?=\S*[\dA-Z+/=_.~-])[\w+/=.~-]{6,})")
ISSUED = re.compile(
    r"(?P<secret>-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"
    r"|(?<![\w-])(?:sk-(?=[\w-]*\d)(?=[\w-]*[A-Z])[\w-]{16,}|gh[opsur]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}"
    r"|xox[a-z]-[\w-]{10,}|A[KS]IA[A-Z0-9]{16}|AIza[\w-]{30,}|hf_\w{20,}|gsk_\w{20,}|hvs\.[\w-]{20,}"
    r"|eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*))",
    re.DOTALL,
)
IN_QUERY = re.compile(r"[?&](?P<name>[\w.~-]+)=(?P<secret>[^&#\s\"'<>]+)")
# An entry of a mapping that was written as text: JSON, YAML, or what opens a connection.
PAIR = re.compile(r"""(?P<name>[\w.-]+)[\\"']*\s*[:=]\s*\\*(?P<secret>"[^"]+"|'[^']+'|[^\s"',;&})\]]+)""")
# What text is made of: an escaped character, one that escapes stand for in every form, or a letter or digit.
PART = re.compile(
    r"\\+u(?P<unicode>[0-9a-fA-F]{4})|\\+x(?P<byte>[0-9a-fA-F]{2})|\\+[abfnrtv]"
    r"|(?P<url>(?:%[0-9a-fA-F]{2})+)|(?P<plain>[^\W_])"
)


def is_secret_name(name: Any) -> bool:
    """Return whether a parameter of a model with that name, or a header, holds a secret, as LiteLLM tells it."""
    parts = set(str(name).lower().replace("-", "_").split("_"))
    return name not in NO_SECRETS and "cost" not in parts and not parts.isdisjoint(SECRET_PARTS)


@lru_cache(maxsize=4096)  # of 10,000 keys each has the same names
def sounds_secret(name: Any) -> bool:
    """Return whether what people call by that name is a secret, by its last word.

    A bare "key" names a thing as often.
    """
    *first, last = [word.lower() for word in WORD.findall(str(name))] or [""]
    if last == "token":
        return "cost" not in first
    return last in SECRET_WORDS or (last in ("key", "keys") and bool(first))


def redact(value: Any) -> Any:
    """Return a copy of plain data that is fit to be shown."""
    return _Hiding().data(value)


def secrets_in(value: Any) -> list[str]:
    """Return the texts that ``redact`` hides in plain data."""
    hiding = _Hiding()
    hiding.data(value)
    return hiding.found


def check_not_hidden(value: Any) -> str | None:
    """Return what is wrong with plain data that somebody took from a result, or None: its secrets would be lost."""
    if any(WAS_HIDDEN.search(text) for text in _texts(value)):
        return f"contains {HIDDEN}, which stands for a secret in results. Set the secret, or leave the entry out."
    return None


def redact_options(options: Any, spec: Mapping[str, Mapping[str, Any]]) -> Any:
    """Return a copy of the options of a task that is fit to be shown, by its argument spec."""
    return _Hiding().options(options, spec)


def secrets_of(known: Iterable[str], options: Any, spec: Mapping[str, Mapping[str, Any]]) -> set[str]:
    """Return all that has to be starred out: the secrets that Ansible knows and those of the options, however written.

    Ansible looks for secrets before it makes a mapping of what was given as text, so it does not know those in there.
    """
    hiding = _Hiding()
    hiding.options(options, spec)
    found = {text for text in hiding.found if len(text) >= SHORTEST_ANYWHERE and not text.startswith(REFERENCE)}
    return {text for secret in {*known, *found} for text in spellings(secret)}


def spellings(secret: str) -> set[str]:
    """Return a secret as itself, and as JSON, Python, addresses, and our own sentences write it."""
    return {
        secret,
        printable(secret),
        one_line(secret),
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        repr(secret)[1:-1],
        quote(secret, errors="replace"),
        quote(secret, safe="", errors="replace"),
        quote_plus(secret, errors="replace"),
    }


class _Hiding:
    """Makes copies that may be shown, and notes the texts that it hides."""

    def __init__(self) -> None:
        self.found: list[str] = []

    def options(self, options: Any, spec: Mapping[str, Mapping[str, Any]]) -> Any:
        by_name = {name: one for option, one in spec.items() for name in (option, *one.get("aliases", ()))}
        return self._options(options, by_name)

    def _options(self, options: Any, by_name: Mapping[str, Mapping[str, Any]]) -> Any:
        if isinstance(options, list):
            return [self._options(part, by_name) for part in options]
        if not isinstance(options, Mapping):
            return self.all(options)
        return {
            name: None if value is None else self._option(name, value, by_name.get(name))
            for name, value in options.items()
        }

    def _option(self, name: str, value: Any, spec: Mapping[str, Any] | None) -> Any:
        # What is misspelled may be a secret, and so may all that stands in the text of a mapping.
        if spec is None or spec.get("no_log") or (isinstance(value, str) and _is_misplaced(value, spec.get("type"))):
            return self.all(value)
        return self.options(value, spec["options"]) if "options" in spec else self._inside(name, value, sounds_secret)

    def data(self, value: Any, is_secret: Callable[[Any], bool] = sounds_secret) -> Any:
        if isinstance(value, Mapping):
            return {
                name: self.all(part)
                if is_secret(name) and name not in ALL_SECRET
                else self._inside(name, part, is_secret)
                for name, part in value.items()
            }
        if isinstance(value, (list, tuple)):
            return [self.data(part, is_secret) for part in value]
        return self._text(value) if isinstance(value, str) else value

    def _inside(self, name: Any, value: Any, is_secret: Callable[[Any], bool]) -> Any:
        """Return what stands under a name that is not a secret itself."""
        if isinstance(value, Mapping) and (name in ALL_SECRET or str(name).lower().endswith("headers")):
            return {one: self.all(part) for one, part in value.items()}
        if name == PARAMETERS:
            return self.data(value, _is_secret_parameter) if isinstance(value, Mapping) else self.all(value)
        if name in ALL_SECRET:
            return self.all(value)
        if isinstance(value, str) and str(name).lower().endswith(ADDRESSES):
            value = BEFORE_HOST.sub(self._cut, value)
        return self.data(value, is_secret)

    def all(self, value: Any) -> Any:
        """Return what is shown of a secret: that there is one."""
        if value is None or isinstance(value, bool) or value in ("", HIDDEN, CHANGED):
            return value
        self.found += _texts(value)
        if isinstance(value, str):
            self._text(value)
        return HIDDEN

    def _text(self, text: str) -> str:
        """Return text without what is a secret by its shape, or by the name before it."""
        data = _read(text) if text[:1] in ("{", "[") else None
        if data is not None:
            shown = self.data(data)
            return text if shown == data else json.dumps(shown)
        return self.pairs(self.shapes(text))

    def shapes(self, text: str) -> str:
        for shape in (USER_INFO, SCHEME, ISSUED):
            text = shape.sub(self._cut, text)
        return IN_QUERY.sub(self._cut_parameter, text)

    def pairs(self, text: str) -> str:
        if ":" not in text and "=" not in text:  # which the pattern would find out letter by letter
            return text
        return PAIR.sub(lambda pair: self._cut(pair) if sounds_secret(pair["name"]) else pair[0], text)

    def _cut_parameter(self, pair: re.Match[str]) -> str:
        return self._cut(pair) if sounds_secret(pair["name"]) or pair["name"] in SECRET_PARAMETERS else pair[0]

    def _cut(self, match: re.Match[str]) -> str:
        secret = match["secret"].strip("\"'")
        if secret.startswith(HIDDEN):
            return match[0]
        # The password of a URL may be written elsewhere without its user, and without its escapes.
        self.found += [secret, secret.partition(":")[2], unquote(secret.partition(":")[2])]
        start, end = (place - match.start() for place in match.span("secret"))
        return f"{match[0][:start]}{HIDDEN}{match[0][end:]}"


def _is_misplaced(text: str, wanted: Any) -> bool:
    """Return whether a text is not of the type of its option, or is a mapping, in which anything may be."""
    return wanted == "dict" or (wanted in ("int", "float", "bool") and not PLAIN.fullmatch(text.strip()))


def _is_secret_parameter(name: Any) -> bool:
    return is_secret_name(name) or sounds_secret(name)


def _texts(value: Any) -> Iterator[str]:
    """Return all texts in plain data, and its numbers as text."""
    if isinstance(value, Mapping):
        for part in value.values():
            yield from _texts(part)
    elif isinstance(value, (list, tuple, set, frozenset)):
        for part in value:
            yield from _texts(part)
    elif isinstance(value, (str, int, float)) and not isinstance(value, bool):
        yield str(value)


def _read(text: str) -> Any:
    """Read a mapping or list that is written as text, in the two ways in which Ansible does; None if it is none."""
    for read in (json.loads, ast.literal_eval):
        try:
            value = read(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
        return value if isinstance(value, (Mapping, list)) else None
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
        """Add texts that must not be shown; of plain data, all texts in it."""
        texts = {text for value in values for text in _texts(value) if len(text.strip()) >= SHORTEST}
        with self._lock:
            self._new |= texts - self._known
            self._known |= texts

    def add_from(self, body: Any) -> None:
        """Add what is secret in a request."""
        hiding = _Hiding()
        hiding.data(body, lambda name: name == "key" or sounds_secret(name))
        self.add(*hiding.found)

    def mask(self, text: str) -> str:
        """Return text without these secrets, and without what is one by its shape."""
        text = text[:LONGEST_TEXT]
        with self._lock:
            self._learn()
            pattern, pieces = self._pattern, self._pieces
        if pattern:
            text = pattern.sub(HIDDEN, text)
        text = _without(text, pieces)
        return _Hiding().shapes(TOKEN.sub(HIDDEN, KEY.sub(f"sk-{HIDDEN}", text)))

    def _learn(self) -> None:
        """Prepare the search, only when something is to be hidden: most tasks meet no error."""
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


def _forms(secret: str) -> set[str]:
    """Return how a text may be written: as it is, on one line, in JSON, Python, an address; and the JSON of these."""
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
    """Return the letters and digits of a text, escaped ones included, and where each stands."""
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
    """Return text without what it shares with a secret."""
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
