# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who gets which key: the role's variables as a list of people with the options of their keys."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._names import refuse_likely_typos
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._roster._options import (
    checked_alias,
    refuse_other_group,
    shared_options,
)
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._roster._people import (
    EXPIRY,
    Person,
    entries,
    numbered,
    people,
)
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._roster._task import pruning, task_options
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._roster._trouble import settle_trouble
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._variables import (
    NOTHING,
    VariableError,
    flag,
    refuse_broken_text,
)

# The role's defaults, for variables that are left out. The others have none.
DEFAULTS = {
    "state": "present",
    "duration": "30d",
    "validate_models": True,
    "key_version": 1,
    "multi_user": False,
    "user_start": 1,
    "user_prefix": "user",
    "user_domain": "example.com",
    "prune": False,
    "api_timeout": 30,
    "verify_ssl": True,
    "retry_count": 8,
    "concurrency": 12,
    "no_log": True,
    "report_usage": True,
}


def roster(variables: Mapping[str, Any]) -> dict[str, Any]:
    """Who gets which key, and how the task runs, or why the variables are invalid.

    A problem is returned, not raised: Ansible wraps what a filter raises in pages of context.
    """
    try:
        return {"problem": "", **_roster(_given(variables))}
    except VariableError as error:
        return {"problem": str(error), "workshop": False, "people": [], "virtual_keys": [], "defaults": {}, "task": {}}


def _given(variables: Mapping[str, Any]) -> dict[str, Any]:
    """The variables that say something, and the defaults of the others.

    A list of people that holds only white space was meant to hold people: it is no list that was left out.
    """
    refuse_likely_typos(variables.get("names") or ())
    for name, value in variables.items():
        refuse_broken_text(f"litellm_vkey_{name}", value)
    given = {name: value for name, value in variables.items() if not _is_left_out(name, value)}
    return {**DEFAULTS, **given}


def _is_left_out(name: str, value: Any) -> bool:
    if not isinstance(value, str):
        return value is None
    return value == "" if name == "users" else value.strip() in NOTHING


def _roster(given: Mapping[str, Any]) -> dict[str, Any]:
    alias = _alias(given.get("alias"))
    task = task_options(given)
    if (
        task["state"] == "present"
        and flag("seed_declared", given.get("seed_declared", False))
        and "key_seed" not in given
    ):
        raise VariableError(
            "litellm_vkey_key_seed is empty. Set the variable or the environment variable that it comes from, or omit "
            "litellm_vkey_key_seed for random values."
        )
    declared = entries(given)
    is_workshop = declared is not None or flag("litellm_vkey_multi_user", given["multi_user"])
    is_named = declared is not None or "user_count" in given
    # The end of a workshop: all its keys go, whoever they were for.
    ends = is_workshop and not is_named and task["state"] == "absent"
    task.update(pruning(given, alias, is_workshop, is_named, ends))
    shared = shared_options(given, task["state"])
    common = {"workshop": is_workshop, "task": task, "duration": given["duration"], "models": shared.get("models", [])}
    expiry = {name: shared.pop(name) for name in EXPIRY if name in shared}
    if not is_workshop:
        options = {"user_id": str(given.get("user_id") or alias), **expiry, **shared, "key_alias": alias}
        person = Person(alias, options)
        settle_trouble(given, task["state"], [person])
        return {**common, **_lists([person], {})}
    refuse_other_group("litellm_vkey_key_options", shared)
    shared["group"] = alias
    if declared is None:
        declared = [] if ends else numbered(given)
    everybody = people(declared, alias, str(given["user_domain"]), expiry, shared)
    settle_trouble(given, task["state"], everybody)
    return {**common, **_lists(everybody, shared)}


def _alias(value: Any) -> str:
    """The alias as text, once for all: as name of a key, beginning of names, and mark of a workshop."""
    if isinstance(value, (bool, float)) or not isinstance(value, (str, int, type(None))):
        raise VariableError("litellm_vkey_alias must be text.")
    alias = "" if value is None else str(value).strip()
    if not alias:
        raise VariableError("litellm_vkey_alias is required and must not be empty.")
    return checked_alias("litellm_vkey_alias", alias)


def _lists(persons: list[Person], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """People and their keys apart: the keys go to a module as they are."""
    return {
        "people": [person.shown() for person in persons],
        "virtual_keys": [person.options for person in persons],
        "defaults": defaults,
    }


class FilterModule:
    """Filters of this collection."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"roster": roster}
