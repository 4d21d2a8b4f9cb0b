# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who gets which key: the role's variables as a list of people with the options of their keys."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any

from ansible.module_utils.parsing.convert_bool import boolean
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._key._declaration import key_options
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._key._table import GROUP_MARK
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._values import HALF_A_CHARACTER

# How a survey, or a template, writes a variable that was left out.
NOTHING = ("", "null", "none", "None")
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
}
SHARED = ("duration", "expires_at", "renew_within", "max_budget", "key_seed", "key_version", "value_policy")
EXPIRY = ("duration", "renew_within", "expires_at")
NO_LIMIT = -1


class RosterError(ValueError):
    """The variables are invalid or contradictory; the text is a sentence for the user."""


def roster(variables: Mapping[str, Any]) -> dict[str, Any]:
    """Who gets which key, and how the task runs, or why the variables are invalid.

    A problem is returned, not raised: Ansible wraps what a filter raises in pages of context.
    """
    try:
        return {"problem": "", **_roster(_given(variables))}
    except RosterError as error:
        return {"problem": str(error), "workshop": False, "people": [], "virtual_keys": [], "defaults": {}, "task": {}}


def _given(variables: Mapping[str, Any]) -> dict[str, Any]:
    """The variables that say something, and the defaults of the others.

    A list of people that holds only white space was meant to hold people: it is no list that was left out.
    """
    for name, value in variables.items():
        _refuse_broken_text(f"litellm_vkey_{name}", value)
    given = {name: value for name, value in variables.items() if not _is_left_out(name, value)}
    return {**DEFAULTS, **given}


def _is_left_out(name: str, value: Any) -> bool:
    if not isinstance(value, str):
        return value is None
    return value == "" if name == "users" else value.strip() in NOTHING


def _roster(given: Mapping[str, Any]) -> dict[str, Any]:
    alias = _alias(given.get("alias"))
    task = _task_options(given)
    users = _users(given.get("users"))
    is_workshop = users is not None or _flag("multi_user", given["multi_user"])
    is_named = users is not None or "user_count" in given
    # The end of a workshop: all its keys go, whoever they were for.
    ends = is_workshop and not is_named and task["state"] == "absent"
    task.update(_pruning(given, alias, is_workshop, is_named, ends))
    shared = _shared_options(given, task["state"])
    common = {"workshop": is_workshop, "task": task, "duration": given["duration"], "models": shared.get("models", [])}
    expiry = {name: shared.pop(name) for name in EXPIRY if name in shared}
    if not is_workshop:
        options = {"user_id": str(given.get("user_id") or alias), **expiry, **shared, "key_alias": alias}
        return {**common, **_lists([(alias, options)], {})}
    _refuse_other_group("litellm_vkey_key_options", shared)
    shared["group"] = alias
    entries = [] if ends else users or _numbered(given)
    domain = str(given["user_domain"])
    people = [_person(entry, number, alias, domain, expiry, shared) for number, entry in enumerate(entries, 1)]
    _refuse_repetition("user", [user for user, _options in people])
    _refuse_repetition("key alias", [options["key_alias"] for _user, options in people])
    return {**common, **_lists(people, shared)}


def _alias(value: Any) -> str:
    """The alias as text, once for all: as name of a key, beginning of names, and mark of a workshop."""
    if isinstance(value, (bool, float)) or not isinstance(value, (str, int, type(None))):
        raise RosterError("litellm_vkey_alias must be text.")
    alias = "" if value is None else str(value).strip()
    if not alias:
        raise RosterError("litellm_vkey_alias is required and must not be empty.")
    return alias


def _users(value: Any) -> list[Any] | None:
    """The people by name, None if the variable was left out."""
    if value is None:
        return None
    users = _structure("litellm_vkey_users", value, list)
    if not users:
        raise RosterError(
            "litellm_vkey_users is an empty list. Omit it for a single key or numbered users. "
            "To remove a workshop, set litellm_vkey_state to absent."
        )
    return list(users)


def _task_options(given: Mapping[str, Any]) -> dict[str, Any]:
    """What concerns the task and no single key, as the module's options."""
    if given["state"] not in ("present", "absent"):
        raise RosterError(f"litellm_vkey_state must be present or absent, not '{given['state']}'.")
    _flag("no_log", given["no_log"])
    return {
        "state": str(given["state"]),
        "timeout": _whole("api_timeout", given["api_timeout"], least=1),
        "retries": _whole("retry_count", given["retry_count"], least=0),
        "validate_certs": _flag("verify_ssl", given["verify_ssl"]),
        "validate_models": _flag("validate_models", given["validate_models"]),
        "progress_every": _whole("batch_size", given["batch_size"], least=1) if "batch_size" in given else None,
        "concurrency": _whole("concurrency", given["concurrency"], least=1),
        **({"ca_path": str(given["ca_path"])} if "ca_path" in given else {}),
    }


def _pruning(given: Mapping[str, Any], alias: str, is_workshop: bool, is_named: bool, ends: bool) -> dict[str, Any]:
    """Which undeclared keys are deleted, and how many at most, as the module's options."""
    limit = _whole("prune_limit", given["prune_limit"], least=NO_LIMIT) if "prune_limit" in given else None
    prunes = _flag("prune", given["prune"])
    if prunes and not is_workshop:
        raise RosterError(
            "litellm_vkey_prune requires a workshop. Set litellm_vkey_users, "
            "or litellm_vkey_multi_user and litellm_vkey_user_count."
        )
    if prunes and not is_named and not ends:
        raise RosterError(
            "litellm_vkey_prune requires litellm_vkey_users or litellm_vkey_user_count, which define the keys to keep."
        )
    if ends and limit is None:
        limit = NO_LIMIT
    if not prunes and not ends:
        return {}
    return {"prune_metadata": {GROUP_MARK: alias}, **({} if limit is None else {"prune_limit": limit})}


def _lists(people: list[tuple[str, dict[str, Any]]], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """People and their keys apart: the keys go to a module as they are."""
    return {
        "people": [{"user": user, "user_id": options["user_id"]} for user, options in people],
        "virtual_keys": [options for _user, options in people],
        "defaults": defaults,
    }


def _shared_options(given: Mapping[str, Any], state: str) -> dict[str, Any]:
    """The options that the role's variables declare for every key."""
    extra = _structure("litellm_vkey_key_options", given.get("key_options"), dict)
    for name in ("key_alias", "name"):
        if name in extra:
            raise RosterError(f"litellm_vkey_key_options: {name} cannot be set here. Set litellm_vkey_alias.")
    _refuse_unknown("litellm_vkey_key_options", extra)
    options: dict[str, Any] = {name: given[name] for name in SHARED if name in given}
    if "max_budget" in options:
        options["max_budget"] = _amount("litellm_vkey_max_budget", options["max_budget"])
    options["key_version"] = _whole("key_version", options["key_version"], least=1)
    models = _structure("litellm_vkey_models", given.get("models"), list)
    metadata = {
        **_metadata("litellm_vkey_metadata", given.get("metadata")),
        **_metadata("litellm_vkey_key_options, metadata", extra.get("metadata")),
    }
    if models:
        options["models"] = models
    if options.get("expires_at") or extra.get("expires_at"):
        options.pop("duration", None)  # the role's duration is a default; a declared end goes before it
    options.update(extra)
    if metadata:
        options["metadata"] = metadata
    if state != "absent" and not {"models", "team_id", "service_account_id"} & options.keys():
        raise RosterError(
            "litellm_vkey_models must contain at least one model. Use ['all-proxy-models'] for all models."
        )
    return options


def _numbered(given: Mapping[str, Any]) -> list[str]:
    count = _whole("user_count", given.get("user_count", 1), least=1)
    start = _whole("user_start", given["user_start"], least=0)
    return [f"{given['user_prefix']}{number}" for number in range(start, start + count)]


def _person(
    entry: Any, number: int, alias: str, domain: str, expiry: Mapping[str, Any], shared: Mapping[str, Any]
) -> tuple[str, dict[str, Any]]:
    """The name of a person and the options of the key."""
    own: dict[str, Any] = dict(entry) if isinstance(entry, Mapping) else {"user": entry}
    if not isinstance(own.get("user"), str) or not own["user"].strip():
        raise RosterError(f"litellm_vkey_users: entry {number} must be a name or a mapping with user.")
    user = own.pop("user").strip()
    where = f"litellm_vkey_users, {user}"
    _refuse_other_group(where, own)
    _refuse_unknown(where, own)
    if not own.keys() & {"duration", "expires_at"}:
        own = {**expiry, **own}
    if "metadata" in own:
        own["metadata"] = {**shared.get("metadata", {}), **_metadata(f"{where}, metadata", own["metadata"])}
    user_id = user if "@" in user else f"{user}@{domain}"
    return user, {"key_alias": f"{alias}-{user}", "user_id": user_id, **own}


def _metadata(where: str, value: Any) -> dict[str, Any]:
    """The user's metadata, in which the mark of a workshop has no place: it would be that of any workshop."""
    metadata: dict[str, Any] = _structure(where, value, dict)
    if GROUP_MARK in metadata:
        raise RosterError(f"{where}: {GROUP_MARK} is set by this role and must not be set here.")
    return metadata


def _refuse_other_group(where: str, options: Mapping[str, Any]) -> None:
    if "group" in options or "group" in (options.get("unset") or ()):
        raise RosterError(
            f"{where}: the group of a workshop's keys is litellm_vkey_alias. It cannot be set or unset here."
        )


def _refuse_unknown(where: str, options: Mapping[str, Any]) -> None:
    known = list(key_options())
    for name in options:
        if name not in known:
            near = get_close_matches(str(name), known, n=1)
            meant = f". Did you mean '{near[0]}'?" if near else "."
            raise RosterError(f"{where}: '{name}' is not an option of a key{meant}")


def _refuse_repetition(kind: str, names: list[str]) -> None:
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise RosterError(f"litellm_vkey_users: the {kind} {', '.join(twice)} appears more than once.")


def _refuse_broken_text(name: str, value: Any) -> None:
    """Refuse text that cannot be sent: half of a surrogate pair, as a damaged JSON escape leaves it."""
    if isinstance(value, Mapping):
        for key, part in value.items():
            _refuse_broken_text(name, key)
            _refuse_broken_text(name, part)
    elif isinstance(value, (list, tuple)):
        for part in value:
            _refuse_broken_text(name, part)
    elif isinstance(value, str) and HALF_A_CHARACTER.search(value):
        raise RosterError(f"{name} has a character that is not valid Unicode (a lone surrogate).")


def _structure(name: str, value: Any, kind: type[Any]) -> Any:
    """A list or mapping, also from JSON text; a list also from names with commas or line breaks between."""
    if value is None or (isinstance(value, str) and value.strip() in NOTHING):
        return kind()
    if isinstance(value, str):
        text = value.strip()
        if text[:1] in "[{":
            try:
                value = json.loads(text)
            except ValueError as error:
                raise RosterError(f"{name}: invalid JSON: {error}.") from error
            _refuse_broken_text(name, value)
        elif kind is list:
            value = [part.strip() for part in re.split("[,\n]", text) if part.strip()]
    if kind is dict and isinstance(value, Mapping):
        return dict(value)
    if kind is list and isinstance(value, (list, tuple)):
        return list(value)
    raise RosterError(f"{name} must be a {'list' if kind is list else 'mapping'}.")


def _whole(name: str, value: Any, least: int) -> int:
    try:
        number = int(str(value).strip())
    except ValueError:
        raise RosterError(f"litellm_vkey_{name} must be a whole number, not '{value}'.") from None
    if number < least:
        raise RosterError(f"litellm_vkey_{name} must be at least {least}, not {number}.")
    return number


def _amount(name: str, value: Any) -> float:
    try:
        amount = math.nan if isinstance(value, bool) else float(str(value).strip())
    except ValueError:
        amount = math.nan
    if not math.isfinite(amount):
        raise RosterError(f"{name} must be a number such as 10 or 2.5, not '{value}'.")
    if amount < 0:
        raise RosterError(f"{name} must not be negative.")
    return amount


def _flag(name: str, value: Any) -> bool:
    try:
        return bool(boolean(value))
    except TypeError:
        raise RosterError(f"litellm_vkey_{name} must be true or false, not '{value}'.") from None


class FilterModule:
    """Filters of this collection."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"roster": roster}
