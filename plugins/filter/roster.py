# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who gets which key: the role's variables as a list of people with the options of their keys."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any

from ansible.module_utils.parsing.convert_bool import boolean
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._key._declaration import key_options

NOTHING = ("", "null", "none", "None")
SHARED = ("duration", "expires_at", "renew_within", "max_budget", "key_seed", "key_version", "value_policy")


EXPIRY = ("duration", "renew_within", "expires_at")


class RosterError(ValueError):
    """The variables cannot be meant so; the text is a sentence for the user."""


def roster(variables: Mapping[str, Any]) -> dict[str, Any]:
    """Who gets which key, or why the variables cannot be meant so.

    A problem is returned, not raised: Ansible wraps what a filter raises in pages of context.
    """
    try:
        return {"problem": "", **_people_and_defaults(variables)}
    except RosterError as error:
        return {"problem": str(error), "people": [], "virtual_keys": [], "defaults": {}}


def _people_and_defaults(variables: Mapping[str, Any]) -> dict[str, Any]:
    alias = str(variables.get("alias") or "").strip()
    if not alias:
        raise RosterError("litellm_vkey_alias is required and must not be empty.")
    _whole("litellm_vkey_batch_size", variables.get("batch_size", 1), least=1)
    shared = _shared_options(variables)
    expiry = {name: shared.pop(name) for name in EXPIRY if name in shared}
    users = _structure("litellm_vkey_users", variables.get("users"), list)
    if not users and not _flag("litellm_vkey_multi_user", variables.get("multi_user", False)):
        user_id = str(variables.get("user_id") or alias)
        options = {"user_id": user_id, **expiry, **shared, "key_alias": alias}
        return _lists([(alias, options)], {})
    shared["group"] = alias
    domain = str(variables.get("user_domain") or "example.com")
    entries = users or _numbered(variables)
    people = [_person(entry, number, alias, domain, expiry, shared) for number, entry in enumerate(entries, 1)]
    _refuse_repetition("user", [user for user, _options in people])
    _refuse_repetition("key alias", [options["key_alias"] for _user, options in people])
    return _lists(people, shared)


def _lists(people: list[tuple[str, dict[str, Any]]], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """People and their keys apart: the keys go to a module as they are."""
    return {
        "people": [{"user": user, "user_id": options["user_id"]} for user, options in people],
        "virtual_keys": [options for _user, options in people],
        "defaults": defaults,
    }


def _shared_options(variables: Mapping[str, Any]) -> dict[str, Any]:
    """The options that the role's variables declare for every key."""
    extra = _structure("litellm_vkey_key_options", variables.get("key_options"), dict)
    _refuse_unknown("litellm_vkey_key_options", extra)
    options: dict[str, Any] = {name: variables.get(name) for name in SHARED}
    options = {name: value for name, value in options.items() if value is not None and str(value) not in NOTHING}
    models = _structure("litellm_vkey_models", variables.get("models"), list)
    metadata = _structure("litellm_vkey_metadata", variables.get("metadata"), dict)
    if models:
        options["models"] = models
    if metadata:
        options["metadata"] = metadata
    if options.get("expires_at") or extra.get("expires_at"):
        options.pop("duration", None)  # the role's duration is a default; a declared end goes before it
    options.update(extra)
    if metadata and "metadata" in extra:
        options["metadata"] = {**metadata, **dict(extra["metadata"])}
    if variables.get("state") != "absent" and not {"models", "team_id", "service_account_id"} & options.keys():
        raise RosterError("litellm_vkey_models must name at least one model; say ['all-proxy-models'] for all of them.")
    return options


def _numbered(variables: Mapping[str, Any]) -> list[str]:
    count = _whole("litellm_vkey_user_count", variables.get("user_count", 1), least=1)
    start = _whole("litellm_vkey_user_start", variables.get("user_start", 1), least=0)
    prefix = variables.get("user_prefix") or "user"
    return [f"{prefix}{number}" for number in range(start, start + count)]


def _person(
    entry: Any, number: int, alias: str, domain: str, expiry: Mapping[str, Any], shared: Mapping[str, Any]
) -> tuple[str, dict[str, Any]]:
    """The name of a person and the options of the key."""
    own: dict[str, Any] = dict(entry) if isinstance(entry, Mapping) else {"user": entry}
    if not isinstance(own.get("user"), str) or not own["user"].strip():
        raise RosterError(f"litellm_vkey_users: entry {number} is neither a name nor a mapping with user.")
    user = own.pop("user").strip()
    _refuse_unknown(f"litellm_vkey_users, {user}", own)
    if not own.keys() & {"duration", "expires_at"}:
        own = {**expiry, **own}
    if "metadata" in own:
        own["metadata"] = {**shared.get("metadata", {}), **own["metadata"]}
    user_id = user if "@" in user else f"{user}@{domain}"
    return user, {"key_alias": f"{alias}-{user}", "user_id": user_id, **own}


def _refuse_unknown(where: str, options: Mapping[str, Any]) -> None:
    known = [*key_options(), "name"]
    for name in options:
        if name not in known:
            near = get_close_matches(str(name), known, n=1)
            meant = f"; did you mean '{near[0]}'?" if near else "."
            raise RosterError(f"{where}: '{name}' is no option of a key{meant}")


def _refuse_repetition(kind: str, names: list[str]) -> None:
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise RosterError(f"litellm_vkey_users: the {kind} {', '.join(twice)} stands there more than once.")


def _structure(name: str, value: Any, kind: type[Any]) -> Any:
    """A list or mapping, also from JSON text; a list also from names with commas between."""
    if value is None or (isinstance(value, str) and value.strip() in NOTHING):
        return kind()
    if isinstance(value, str):
        text = value.strip()
        if text[:1] in "[{":
            try:
                value = json.loads(text)
            except ValueError as error:
                raise RosterError(f"{name}: not the JSON that it looks like: {error}.") from error
        elif kind is list:
            value = [part.strip() for part in text.split(",") if part.strip()]
    if kind is dict and isinstance(value, Mapping):
        return dict(value)
    if kind is list and isinstance(value, (list, tuple)):
        return list(value)
    raise RosterError(f"{name} must be a {'list' if kind is list else 'mapping'}.")


def _whole(name: str, value: Any, least: int) -> int:
    try:
        number = int(str(value).strip())
    except ValueError:
        raise RosterError(f"{name} must be a whole number, not '{value}'.") from None
    if number < least:
        raise RosterError(f"{name} must be at least {least}, not {number}.")
    return number


def _flag(name: str, value: Any) -> bool:
    try:
        return bool(boolean(value))
    except TypeError:
        raise RosterError(f"{name} must be true or false, not '{value}'.") from None


class FilterModule:
    """Filters of this collection."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"roster": roster}
