# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must not stand in anything that a task prints or logs. Pure. Private: only for use inside this collection."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote, quote_plus

from ._values import HIDDEN, REFERENCE, is_secret_name, redact

CALLBACK_VARS = "callback_vars"
PARAMETERS = "litellm_params"
MAPPING_AS_TEXT = re.compile(rf"{CALLBACK_VARS}|{PARAMETERS}[\"'\s]*[:=]")
# A shorter value, such as "1", is no secret, and to star it out everywhere would leave little of a result.
SHORTEST_SECRET = 8


def secrets_of(known: Iterable[str], options: Any) -> set[str]:
    """All that has to be starred out: the secrets that Ansible knows and those of the options, however written."""
    return {text for secret in {*known, *_secrets_in(options)} for text in spellings(secret)}


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


def shown(options: Any, spec: Mapping[str, Mapping[str, Any]]) -> Any:
    """The options of a task as its result shows them. What a misspelled option holds may be a secret."""
    if isinstance(options, list):
        return [shown(part, spec) for part in options]
    if not isinstance(options, Mapping):
        return redact(options)
    specs = {name: one for option, one in spec.items() for name in (option, *one.get("aliases", ()))}
    return {name: _shown_one(name, value, specs.get(name)) for name, value in options.items()}


def _shown_one(name: str, value: Any, spec: Mapping[str, Any] | None) -> Any:
    if spec is None:
        return HIDDEN
    return shown(value, spec["options"]) if "options" in spec else redact({name: value})[name]


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


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, (Mapping, list, tuple)):
        for part in value.values() if isinstance(value, Mapping) else value:
            yield from _texts(part)
    elif isinstance(value, str) and len(value) >= SHORTEST_SECRET and not value.startswith(REFERENCE):
        yield value


def _read(text: str) -> Any:
    for read in (json.loads, ast.literal_eval):
        try:
            value = read(text)
        except (ValueError, SyntaxError, RecursionError):
            continue
        return None if isinstance(value, str) else value
    return None
