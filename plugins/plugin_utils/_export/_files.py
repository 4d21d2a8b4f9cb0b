# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of variables that declare what a proxy has. Pure. Private: only for use inside this collection.

What cannot be declared is a comment with its reason, and a secret the comment with which it can be declared.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.litemaas.virtual_keys.plugins.module_utils._text import printable

from ._yaml import STEP, entry, scalar

PREFIX = "platform_"
HEADER = """\
---
# Written by litemaas.virtual_keys.litellm_export for the playbook litemaas.virtual_keys.examples.platform.
"""
ABOUT_SECRETS = """\
# The values of secrets cannot be read. They stay as they are. To declare one, store it in the variable that its comment
# names, encrypted with Ansible Vault, and remove the number sign.
"""
NO_LETTER = re.compile(r"[^a-z0-9]+")


def file_of(kind: str, objects: Sequence[Mapping[str, Any]]) -> str:
    """Return the file of the objects of one kind.

    :param objects: each with its ``name``, and ``declaration``, ``hidden``, and ``not_declared`` as info modules
        return them.
    """
    variables = Vault()
    declared = [line for one in objects if one["declaration"] is not None for line in _item(kind, one, variables)]
    body = [f"{PREFIX}{kind}:", *declared] if declared else [f"{PREFIX}{kind}: []"]
    about = ABOUT_SECRETS if variables.given else ""
    return "".join([HEADER, about, *(f"{line}\n" for line in [*body, *_undeclared(objects)])])


class Vault:
    """Gives each secret of a file the name of a variable."""

    def __init__(self) -> None:
        self.given: set[str] = set()

    def variable(self, *parts: str) -> str:
        """Return the name of the variable for a secret that is called by these parts."""
        words = [NO_LETTER.sub("_", part.lower()).strip("_") for part in parts]
        name = unused = "_".join(["vault", *filter(None, words)])
        number = 1
        while unused in self.given:
            number += 1
            unused = f"{name}_{number}"
        self.given.add(unused)
        return unused


def _item(kind: str, one: Mapping[str, Any], variables: Vault) -> Iterator[str]:
    """Return the lines of one object, an item of a list."""
    first, *rest = _options(kind, one, variables)
    yield f"{STEP}- {first}"
    yield from (f"{STEP}{STEP}{line}" for line in rest)


def _options(kind: str, one: Mapping[str, Any], variables: Vault) -> Iterator[str]:
    declared: Mapping[str, Any] = one["declaration"]
    secrets: dict[str, list[str]] = defaultdict(list)
    for option, *entries in one["hidden"]:
        secret = next(iter(entries), option)
        secrets[option].append(f'{scalar(secret)}: "{{{{ {variables.variable(one["name"] or kind, secret)} }}}}"')
    for option, value in declared.items():
        yield from entry(option, _sorted(value))
        yield from (f"{STEP}# {line}" for line in secrets.pop(option, ()))
    for option, placeholders in secrets.items():
        whole = [option] in one["hidden"]
        yield from (f"# {line}" for line in (placeholders if whole else [f"{option}:", *_indented(placeholders)]))
    for option, reason in one["not_declared"].items():
        yield f"# {printable(f'{option}: {reason}')}"


def _indented(some: Iterable[str]) -> Iterator[str]:
    return (f"{STEP}{line}" for line in some)


def _undeclared(objects: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Return comments with what is not declared at all, by its reason."""
    by_reason: dict[str, list[str]] = defaultdict(list)
    for one in objects:
        if one["declaration"] is None:
            by_reason[" ".join(one["not_declared"].values())].append(one["name"])
    for reason, names in sorted(by_reason.items()):
        yield f"# Not declared: {printable(reason)}"
        yield from (f"#   {printable(name)}" for name in names)


def _sorted(value: Any) -> Any:
    """Return a value in which the names of mappings are in order. Items of lists have an order of their own."""
    if isinstance(value, Mapping):
        return {name: _sorted(value[name]) for name in sorted(value, key=str)}
    return value
