# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a declaration of an ordinary object means, and what is wrong with it. Pure.

Private: only for use inside this collection.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .._engine import declared_fields
from .._errors import InputError
from ._definition import Definition
from ._rows import is_identity


@dataclass(frozen=True)
class Declaration:
    """A checked declaration of one object: its fields, and all options for the hooks."""

    identity: Mapping[str, str]
    state: str
    fields: Mapping[str, Any] = field(repr=False)
    options: Mapping[str, Any] = field(repr=False)

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
    hooks = definition.hooks
    force = {"force": {"type": "bool"}} if hooks.refuse_delete or hooks.refuse_update else {}
    extra = {name: dict(option) for name, option in definition.options.items()}
    identity = {} if definition.alias else {definition.resource.identity: {"type": "str", "required": True}}
    clearable = definition.resource.unset_option
    unset = {"unset": clearable} if clearable["choices"] else {}
    return {**definition.resource.options(), **identity, **extra, **force, **unset}


def declare(definition: Definition, options: Mapping[str, Any], state: str) -> Declaration:
    """What the options of one object declare.

    :raises InputError: naming all that is wrong with them.
    """
    given = (option for option in definition.identities if str(options.get(option) or "").strip())
    identity = next(given, "")
    if not identity:
        raise InputError(f"{' or '.join(definition.identities)} is required and must not be blank.")
    name = str(options[identity])
    meant = options if state == "present" else {identity: name}
    if "unset" in definition.options:
        meant = {**meant, "unset": None}  # for the hooks: it lists no fields
    fields, found = declared_fields(definition.resource, meant)
    wrong = is_identity(name)
    found += [f"{identity}: {wrong}"] if wrong else []
    if state == "present":
        found += definition.hooks.check(options)
    if found:
        raise InputError(" ".join(found), name)
    return Declaration({identity: name}, state, fields, options)
