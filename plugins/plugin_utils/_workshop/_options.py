# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of keys as variables declare them. Pure. Private: only for use inside this collection."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._key._declaration import key_options
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._key._table import GROUP_MARK, KEY

from .._variables import VariableError, Variables, amount, did_you_mean, flag, nearest, structure, whole
from ._variables import ABSENT, OPTIONS_OF_KEYS

# What one person may spend beyond the budget that everybody has.
EXTRA_BUDGET = "extra_budget"
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


def shared_options(variables: Variables) -> dict[str, Any]:
    """Return the options that the variables declare for every key.

    :raises VariableError: if they cannot be meant.
    """
    extra = _further_options(variables)
    options = {name: variables[name] for name in SHARED if variables[name] is not None}
    metadata = {
        **own_metadata(variables.called("metadata"), variables["metadata"]),
        **own_metadata(f"{variables.called('key_options')}, metadata", extra.get("metadata")),
    }
    if variables["unknown_values"] == "reissue":
        options["value_policy"] = "reissue"
    if variables["models"]:
        options["models"] = variables["models"]
    if options.get("expires_at") or extra.get("expires_at") or "expires_at" in (extra.get("unset") or ()):
        options.pop("duration", None)  # the duration may be a default; a declared end goes before it
    options.update(extra)
    if metadata:
        options["metadata"] = metadata
    if not options.get("allowed_routes"):
        options.setdefault("key_type", variables["key_type"])
    if variables["state"] != ABSENT and not {"models", "team_id", "service_account_id"} & options.keys():
        raise VariableError(
            f"{variables.called('models')} must contain at least one model. Use ['all-proxy-models'] for all models."
        )
    return options


def _further_options(variables: Variables) -> dict[str, Any]:
    """Return the options of a key that have no variable of their own kind: one by one, or all in one mapping."""
    single = {
        row.name: checked_option(variables.called(row.name), row.name, variables[row.name])
        for row in OPTIONS_OF_KEYS
        if variables.says(row.name)
    }
    where, together = variables.called("key_options"), variables["key_options"]
    for name in ("key_alias", "name"):
        if name in together:
            raise VariableError(f"{where}: {name} cannot be set here. Set {variables.called('alias')}.")
    return {**single, **checked_options(where, together)}


def checked_options(where: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return options of a key, of which text, as surveys and tables have it, is read as what the option takes.

    :param where: how a message calls the place where they stand.
    """
    known = key_options()
    for name in options:
        if name not in known:
            raise VariableError(f"{where}: '{name}' is not an option of a key{did_you_mean(nearest(str(name), known))}")
    return {name: checked_option(f"{where}, {name}", name, value) for name, value in options.items()}


def checked_option(where: str, name: str, value: Any) -> Any:
    """Return the value of one option of a key."""
    kind = key_options()[name]["type"]
    if kind not in TYPED or not isinstance(value, str) or not value.strip():
        return value
    return TYPED[kind](where, value)


def with_absolute_budget(where: str, options: Mapping[str, Any], variables: Variables) -> dict[str, Any]:
    """Return the options of one person, of which what is more than everybody has is read as a budget.

    That is ``extra_budget``, or a text such as +5: without quotes it is 5 in YAML, and nobody sees that it had a sign.

    :raises VariableError: if nobody has a budget, or if both are there.
    """
    given = dict(options)
    extra, text = given.pop(EXTRA_BUDGET, None), given.get("max_budget")
    name, more, shown = EXTRA_BUDGET, extra, extra
    if extra is None or not str(extra).strip():  # a cell that is left blank
        if not isinstance(text, str) or not text.strip().startswith("+"):
            return given
        name, more, shown = "max_budget", text.strip()[1:], text.strip()
    elif text is not None and str(text).strip():
        raise VariableError(f"{where}: max_budget and {EXTRA_BUDGET} cannot both be set.")
    amount_of_more = amount(f"{where}, {name}", more)
    if variables["max_budget"] is None:
        called = variables.called("max_budget")
        raise VariableError(f"{where}, {name}: {shown} is more than everybody has, so {called} is required.")
    return {**given, "max_budget": variables["max_budget"] + amount_of_more}


def checked_alias(where: str, alias: str) -> str:
    """Return an alias that LiteLLM accepts. The folder of what is handed out may be named after it."""
    check = KEY.field("key_alias").check
    problem = check and check(alias)
    if problem:
        raise VariableError(f"{where}: {alias!r} {problem}")
    return alias


def own_metadata(where: str, value: Any) -> dict[str, Any]:
    """Return the user's metadata, in which the mark of a workshop has no place: it would be that of any workshop."""
    metadata: dict[str, Any] = structure(where, value, dict)
    if GROUP_MARK in metadata:
        raise VariableError(f"{where}: {GROUP_MARK} is set by this role and must not be set here.")
    return metadata


def refuse_other_group(where: str, called_alias: str, options: Mapping[str, Any]) -> None:
    """Refuse an option that would take a key out of its workshop, or into another one."""
    if "group" in options or "group" in (options.get("unset") or ()):
        raise VariableError(
            f"{where}: the group of a workshop's keys is {called_alias}. It cannot be set or unset here."
        )
