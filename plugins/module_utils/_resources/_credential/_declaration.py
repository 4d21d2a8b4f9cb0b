# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a declaration of a provider credential means, and what is wrong with it. Pure.

Private: only for use inside this collection.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..._crud._definition import FORCE
from ..._crud._rows import without_null
from ..._engine import problems
from ..._errors import InputError
from ..._fingerprints import MASK
from ..._kind import ArgumentSpec
from ..._redaction import check_not_hidden
from ._table import CREDENTIAL

POLICIES = ("on_change", "always", "never")


@dataclass(frozen=True)
class CredentialDeclaration:
    """A checked declaration of one credential. ``info`` is None if it is not declared; ``values`` are secret."""

    name: str
    state: str
    info: Mapping[str, Any] | None = field(default=None, repr=False)
    values: Mapping[str, str] | None = field(default=None, repr=False)
    unset: tuple[str, ...] = ()
    model_id: str | None = None
    update_values: str = "on_change"
    force: bool = False

    @property
    def identity(self) -> Mapping[str, str]:
        return {CREDENTIAL.identity: self.name}

    @property
    def declared_values(self) -> Mapping[str, str]:
        return self.values or {}


def credential_options() -> ArgumentSpec:
    """Return the argument spec of one declared credential, without ``state``."""
    options = CREDENTIAL.options()
    options["credential_name"].update(required=True, aliases=["name"])
    options["credential_values"].update(no_log=True)
    return {
        **options,
        "model_id": {"type": "str"},
        "unset": {"type": "list", "elements": "str"},
        **FORCE,
        "update_values": {"type": "str", "choices": list(POLICIES), "default": "on_change"},
    }


def declare(options: Mapping[str, Any], state: str = "present") -> CredentialDeclaration:
    """Return what the parameters of ``litellm_credential`` declare.

    :raises InputError: naming all that is wrong with them; never a value.
    """
    name = options.get("credential_name") or ""
    info, model_id = options.get("credential_info"), options.get("model_id") or None
    if state == "absent":
        found = problems(CREDENTIAL, {"credential_name": name})
        values, unset = {}, ()
    else:
        declared = options.get("credential_values") or {}
        values = {str(value_name): _text(value) for value_name, value in declared.items()}
        unset = tuple(dict.fromkeys(options.get("unset") or ()))
        found = problems(CREDENTIAL, {"credential_name": name, "credential_info": info})
        found += _value_problems(values, unset, model_id)
    if not name.strip():
        found.append("O(credential_name) is required and must not be blank.")
    if found:
        raise InputError(" ".join(found), name)
    return CredentialDeclaration(
        name=name,
        state=state,
        info=info if info is None else without_null(info),
        values={key: value for key, value in values.items() if value is not None},
        unset=unset,
        model_id=model_id,
        update_values=options.get("update_values") or POLICIES[0],
        force=bool(options.get("force")),
    )


def _text(value: Any) -> str | None:
    """Return a value as text. The proxy encrypts text only, so everything else becomes JSON text."""
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


def _value_problems(values: Mapping[str, str | None], unset: tuple[str, ...], model_id: str | None) -> list[str]:
    found = []
    empty = [name for name, value in values.items() if not value]
    if empty:
        found.append(f"O(credential_values): {', '.join(empty)} has no value. To remove a value, list it in O(unset).")
    masked = [name for name, value in values.items() if value and (MASK.fullmatch(value) or check_not_hidden(value))]
    if masked:
        found.append(f"O(credential_values): {', '.join(masked)} is a mask as LiteLLM shows it, not a value.")
    both = [name for name in unset if name in values]
    if both:
        found.append(f"{', '.join(both)} cannot be both set and listed in O(unset).")
    if model_id and values:
        found.append(
            "O(model_id) and O(credential_values) are mutually exclusive: LiteLLM copies the values of that model."
        )
    return found
