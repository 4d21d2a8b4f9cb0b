# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the files and Secrets of people are called. Pure. Private: only for use inside this collection.

A name that is no good as it is gets a made-up one with a character that no good one has: so the two never meet, whoever
joins later, and nobody is handed the file of somebody else.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from typing import Any

LONGEST_NAME = 80
LONGEST_SECRET_NAME = 253
# A name that every file system takes. Windows has devices that no file can be called.
FILE_NAME = re.compile(
    rf"(?!(con|prn|aux|nul|com\d|lpt\d)(\.|$))[a-z0-9_][a-z0-9_@+.-]{{0,{LONGEST_NAME - 1}}}(?<!\.)",
    re.IGNORECASE | re.ASCII,  # else the Turkish İ is an I
)
LABEL = r"[a-z0-9]([a-z0-9-]*[a-z0-9])?"
DNS_1123 = re.compile(rf"{LABEL}(\.{LABEL})*")


def file_names(people: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return what the files of each person are called, without their ending, by alias: the user if that is possible.

    No two are the same, also where upper and lower case are. Who was there first keeps the name.
    """
    taken: set[str] = set()

    def name_of(person: Mapping[str, Any]) -> str | None:
        user = str(person["user"])
        return user if FILE_NAME.fullmatch(user) and user.lower() not in taken else None

    return _names(people, name_of, lambda person: f"{_readable(person['user']) or 'key'}~", taken)


def secret_names(people: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return what the Secret of each person is called in Kubernetes, by alias: as the operator of LiteLLM calls it if
    that is possible."""

    def name_of(person: Mapping[str, Any]) -> str | None:
        name = f"litellm-key-{person['alias']}"
        return name if DNS_1123.fullmatch(name) and len(name) <= LONGEST_SECRET_NAME else None

    return _names(people, name_of, lambda person: f"litellm-key.{_readable(person['alias']) or 'key'}-", set())


def _names(
    people: Iterable[Mapping[str, Any]],
    name_of: Callable[[Mapping[str, Any]], str | None],
    beginning: Callable[[Mapping[str, Any]], str],
    taken: set[str],
) -> dict[str, str]:
    """Return a name for each person by alias, and note in lower case which are taken."""
    chosen: dict[str, str] = {}
    for person in people:
        name = name_of(person)
        digest, length = hashlib.sha256(str(person["alias"]).encode("utf-8", "replace")).hexdigest(), 8
        while name is None or name.lower() in taken:
            name = f"{beginning(person)}{digest[:length]}"
            length += 8
        taken.add(name.lower())
        chosen[person["alias"]] = name
    return chosen


def _readable(text: Any) -> str:
    """Return something like a text, of letters and digits that are good in a name everywhere."""
    letters = unicodedata.normalize("NFKD", str(text)).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", letters)[: LONGEST_NAME - 20].strip("-")
