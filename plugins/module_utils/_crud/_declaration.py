# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a declaration of an ordinary object means, and what is wrong with it. Pure.

Private: only for use inside this collection.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .._engine import problems
from .._errors import InputError
from .._values import UNSET
from ._definition import Definition


@dataclass(frozen=True)
class Declaration:
    """A checked declaration of one object: its fields, and all options for the hooks."""

    identity: Mapping[str, str]
    state: str
    fields: Mapping[str, Any]
    options: Mapping[str, Any]

    @property
    def name(self) -> str:
        return next(iter(self.identity.values()))

    @property
    def identified_by(self) -> str:
        """The option that identifies the object."""
        return next(iter(self.identity))

    @property
    def force(self) -> bool:
        return bool(self.options.get("force"))


def options_of(definition: Definition) -> dict[str, dict[str, Any]]:
    """Argument spec of one declared object, without ``state``."""
    unset = {"type": "list", "elements": "str", "choices": definition.clearable}
    force = {"force": {"type": "bool"}} if definition.hooks.refuse_delete else {}
    extra = {name: dict(option) for name, option in definition.options.items()}
    return {**definition.resource.options(), **extra, **force, "unset": unset}


def declare(definition: Definition, options: Mapping[str, Any], state: str) -> Declaration:
    """What the options of one object declare.

    :raises InputError: naming all that is wrong with them.
    """
    resource = definition.resource
    given = {row.name: options[row.name] for row in resource.fields if options.get(row.name) is not None}
    identity = next((option for option in definition.identities if str(given.get(option, "")).strip()), "")
    name = str(given.get(identity, ""))
    if not identity:
        raise InputError(f"{' or '.join(definition.identities)} is required and must not be blank.")
    given = {option: UNSET if value == "" else value for option, value in given.items()}
    unset = list(options.get("unset") or ()) if state == "present" else []
    both = [option for option in unset if given.get(option, UNSET) is not UNSET]
    fields = {**given, **dict.fromkeys(unset, UNSET)} if state == "present" else {identity: given[identity]}
    found = _unprintable(identity, name) + problems(resource, fields)
    if both:
        found.append(f"{', '.join(both)} cannot be both set and listed in unset.")
    if state == "present":
        found += definition.hooks.check(options)
    if found:
        raise InputError(" ".join(found), name)
    return Declaration({identity: name}, state, fields, options)


def _unprintable(option: str, name: str) -> list[str]:
    if not name.isprintable():
        return [f"{option} must not contain control characters."]
    return [f"{option}: '{name}' is not possible."] if name in (".", "..") else []
