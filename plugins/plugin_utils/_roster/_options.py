# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of keys as the role's variables declare them. Pure. Private: only for use inside this collection."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._key._declaration import key_options
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._key._table import GROUP_MARK, KEY

from .._variables import VariableError, amount, did_you_mean, flag, nearest, structure, whole

SHARED = ("duration", "expires_at", "renew_within", "max_budget", "key_seed", "key_version", "value_policy")
# In a cell of a table the comma may be taken by the table.
SEPARATORS = "[,;\n]"
TYPED: dict[str, Callable[[str, Any], Any]] = {
    "float": amount,
    "int": whole,
    "bool": flag,
    "list": lambda where, value: structure(where, value, list, SEPARATORS),
    "dict": lambda where, value: structure(where, value, dict),
}


def shared_options(given: Mapping[str, Any], state: str) -> dict[str, Any]:
    """The options that the role's variables declare for every key."""
    extra = structure("litellm_vkey_key_options", given.get("key_options"), dict)
    for name in ("key_alias", "name"):
        if name in extra:
            raise VariableError(f"litellm_vkey_key_options: {name} cannot be set here. Set litellm_vkey_alias.")
    extra = checked_options("litellm_vkey_key_options", extra)
    options: dict[str, Any] = {name: given[name] for name in SHARED if name in given}
    if "max_budget" in options:
        options["max_budget"] = amount("litellm_vkey_max_budget", options["max_budget"])
    options["key_version"] = whole("litellm_vkey_key_version", options["key_version"], least=1)
    models = structure("litellm_vkey_models", given.get("models"), list)
    metadata = {
        **own_metadata("litellm_vkey_metadata", given.get("metadata")),
        **own_metadata("litellm_vkey_key_options, metadata", extra.get("metadata")),
    }
    if models:
        options["models"] = models
    if options.get("expires_at") or extra.get("expires_at"):
        options.pop("duration", None)  # the role's duration is a default; a declared end goes before it
    options.update(extra)
    if metadata:
        options["metadata"] = metadata
    if state != "absent" and not {"models", "team_id", "service_account_id"} & options.keys():
        raise VariableError(
            "litellm_vkey_models must contain at least one model. Use ['all-proxy-models'] for all models."
        )
    return options


def checked_options(where: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Options of a key, of which text, as surveys and tables have it, is read as what the option takes.

    :param where: how a message calls the place where they stand.
    """
    known = key_options()
    for name in options:
        if name not in known:
            raise VariableError(f"{where}: '{name}' is not an option of a key{did_you_mean(nearest(str(name), known))}")
    return {name: _typed(f"{where}, {name}", value, known[name]["type"]) for name, value in options.items()}


def _typed(where: str, value: Any, kind: str) -> Any:
    if kind not in TYPED or not isinstance(value, str) or not value.strip():
        return value
    return TYPED[kind](where, value)


def checked_alias(where: str, alias: str) -> str:
    """An alias that LiteLLM accepts. The folder of what is handed out may be named after it."""
    check = KEY.field("key_alias").check
    problem = check and check(alias)
    if problem:
        raise VariableError(f"{where}: {alias!r} {problem}")
    return alias


def own_metadata(where: str, value: Any) -> dict[str, Any]:
    """The user's metadata, in which the mark of a workshop has no place: it would be that of any workshop."""
    metadata: dict[str, Any] = structure(where, value, dict)
    if GROUP_MARK in metadata:
        raise VariableError(f"{where}: {GROUP_MARK} is set by this role and must not be set here.")
    return metadata


def refuse_other_group(where: str, options: Mapping[str, Any]) -> None:
    if "group" in options or "group" in (options.get("unset") or ()):
        raise VariableError(
            f"{where}: the group of a workshop's keys is litellm_vkey_alias. It cannot be set or unset here."
        )
