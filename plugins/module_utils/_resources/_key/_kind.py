# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A virtual key: what its modules are made of, and what there is to read of it.

Private: only for use inside this collection.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from ..._adopting import DECLARATION_OPTION, Adoptable
from ..._crud._references import resolve, with_names
from ..._durations import add_duration, check_duration
from ..._engine import Plan
from ..._errors import ApiError, InputError
from ..._kind import ArgumentSpec, Client, Ledger, Options
from ..._listings import KEYS
from ..._proxy import Proxy
from ..._shapes import COUNT, TEXT, ensure_shape
from ..._text import mark_options, render
from ..._values import json_equal, parse_time, strictly_equal
from ._checks import called
from ._declaration import (
    KEY_ID,
    KeyDeclaration,
    check_key_ids,
    conflicts,
    declare,
    key_options,
    retired_alias,
    with_defaults,
)
from ._options_of import options_of, undeclarable
from ._planning import Found, plan_key
from ._reading import INFO, KeyReader, Record
from ._rotation import ages
from ._store import KeyStore
from ._table import GROUP_MARK, KEY, public_view, raised_by, readings, successor_of, token_of

ADVICE = {
    r"custom api key values are disabled": (
        "The proxy does not allow clients to choose key values. Remove O(key) and O(key_seed)."
    ),
    r"invalid key_alias": "The proxy restricts the characters of O(key_alias). Choose another alias.",
    r"over max limit set in config": "The proxy sets a lower limit in upperbound_key_generate_params.",
    r"is not a member of the team": "Add the user to the team first, with litellm_team_members.",
    r"team_model_access_denied|not allowed to call model": (
        "The key's models must be among the team's models. Declare them in O(models), or use all-team-models."
    ),
}
STATUS = ("active", "blocked", "expired", "over_budget")
# By these the proxy can narrow its listing.
OWNERS = ("user_id", "team_id", "organization_id")
# What depends on the time at which keys are read.
CONDITIONS = ("expiring_within", "unused_for", "budget_used")
SELECTORS = ("key_aliases", "key_ids", *OWNERS, "created_by", "group", "metadata", "status", *CONDITIONS)
INFO_OPTIONS: ArgumentSpec = {
    "key_aliases": {"type": "list", "elements": "str", "no_log": False},
    "key_ids": {"type": "list", "elements": "str", "no_log": False},
    "key_alias_prefix": {"type": "str", "no_log": False},
    "user_id": {"type": "str"},
    "team_id": {"type": "str"},
    "organization_id": {"type": "str"},
    "created_by": {"type": "list", "elements": "str"},
    "group": {"type": "str"},
    "metadata": {"type": "dict"},
    "status": {"type": "list", "elements": "str", "choices": list(STATUS)},
    "expiring_within": {"type": "str"},
    "unused_for": {"type": "str"},
    "budget_used": {"type": "int"},
    "check_use": {"type": "bool", "default": False},
    "key": {"type": "str", "no_log": True},
    **DECLARATION_OPTION,
}
# What a key asked for, by day, model and provider. It answers for a span of days only.
ACTIVITY = "/user/daily/activity"
FIRST_DAY = "2023-01-01"
MAX_DAYS = 1000
DAYS = {"total_successful_requests": COUNT}


class Key(Adoptable):
    table = KEY
    listing = KEYS
    result = "virtual_key"
    things = "keys"
    options = {**KEY_ID, **key_options()}
    task_options: ArgumentSpec = {
        "validate_models": {"type": "bool", "default": False},
        "validate_references": {"type": "bool", "default": True},
        "values_file": {"type": "path"},
        "values_file_vault_id": {"type": "str"},
    }
    batch_options: ArgumentSpec = {"prune_metadata": {"type": "dict"}, "prune_limit": {"type": "int"}}
    info_options = INFO_OPTIONS
    secret = "key"  # noqa: S105
    ids: Mapping[str, str] = {"key_id": "token", "key_alias": "key_alias"}
    actions = ("create", "update", "reissue", "delete", "none")
    advice = ADVICE

    def declare(self, options: Options, state: str) -> KeyDeclaration:
        return declare(options, state)

    def with_defaults(self, item: Options, defaults: Options) -> dict[str, Any]:
        return with_defaults(item, defaults)

    def conflicts(self, declarations: Sequence[KeyDeclaration]) -> Mapping[str, Sequence[str]]:
        return conflicts(declarations)

    def store(self, client: Client, params: Options, ledger: Ledger | None = None) -> KeyStore:
        return KeyStore.for_task(client, params, ledger)

    def read(self, client: Client, params: Options) -> dict[str, Any]:
        proxy = Proxy(client)
        return read(client, params, (lambda key: self.declaration(key, proxy)) if params.get("declaration") else None)

    def undeclarable(self, record: Record, _proxy: Proxy) -> str | None:
        return undeclarable(record)

    def options_of(self, record: Record, proxy: Proxy) -> dict[str, Any]:
        return options_of(with_names(KEY.fields, super().options_of(record, proxy), proxy), record)

    def plan_of(self, want: KeyDeclaration, record: Record, proxy: Proxy) -> Plan:
        fields = resolve(KEY.fields, want.fields, record, proxy)
        return plan_key(replace(want, fields=fields), Found([record]), proxy.client.now())

    def public(self, record: Record) -> dict[str, Any]:
        return public_view(record)

    def name_of(self, record: Record) -> str:
        return called(record)

    def readings(self, public: Mapping[str, Any]) -> dict[str, Any]:
        return readings(public)


def read(
    client: Client, params: Mapping[str, Any], declaration: Callable[[Record], Mapping[str, Any]] | None = None
) -> dict[str, Any]:
    """Return the result of ``litellm_key_info``.

    :param declaration: returns what declares a key, if that is asked for.
    :raises InputError: naming all that is wrong with the parameters.
    """
    found = _problems(params)
    if found:
        raise InputError(" ".join(found))
    reader = KeyReader(client, Proxy(client))
    if params["key"]:
        return _asked_as(client, reader, params["key"])
    candidates = _candidates(reader, params)
    records = [record for record in candidates if _is_meant(record, params)]
    if params["unused_for"] is not None and any("last_active" not in record for record in records):
        raise InputError("O(unused_for): this proxy is too old to report when a key was last used.")
    now = client.now()
    whole = reader.with_budgets(records)
    replaced = {successor_of(record): record for record in candidates}
    keys = [describe(record, now, replaced.get(record["token"])) for record in whole]
    if declaration:
        keys = [{**key, **declaration(record)} for key, record in zip(keys, reader.with_bearers(whole))]
    found_keys = sorted((key for key in keys if _is_due(key, params, now)), key=_order)
    if params["check_use"]:
        found_keys = [{**key, "used": _is_used(client, key, now)} for key in found_keys]
    return {"virtual_keys": found_keys}


def _problems(params: Mapping[str, Any]) -> list[str]:
    found = []
    given = [name for name in (*SELECTORS, "key_alias_prefix") if params[name] is not None]
    if params["key"] is not None and given:
        found.append(f"O(key) and {mark_options(given)} are mutually exclusive.")
    if params["key"] is not None and not (params["key"].isascii() and params["key"].isprintable() and params["key"]):
        found.append("O(key) is empty or contains characters that are not allowed in an HTTP header.")
    found += check_key_ids("key_ids", params["key_ids"] or ())
    if GROUP_MARK in (params["metadata"] or {}):
        found.append(f"O(metadata): use the option O(group) to select by {GROUP_MARK}.")
    spans = {name: params[name] for name in ("expiring_within", "unused_for") if params[name] is not None}
    found += [f"O({name}): {problem}" for name, span in spans.items() if (problem := check_duration(span))]
    if params["budget_used"] is not None and params["budget_used"] < 0:
        found.append("O(budget_used) must not be negative.")
    return found


def _candidates(reader: KeyReader, params: Mapping[str, Any]) -> list[Record]:
    """Return the keys among which those that are meant are, at the cost of what narrows them most."""
    aliases = list(dict.fromkeys(params["key_aliases"] or ()))
    if len(aliases) == 1:
        return reader.with_alias_or(aliases[0], retired_alias(aliases[0]))
    if aliases:
        return reader.with_any_alias([*aliases, *map(retired_alias, aliases)], expected=len(aliases))
    if params["key_aliases"] is not None:
        return []
    if params["key_ids"] is not None:
        return reader.with_any_token(params["key_ids"])
    if params["created_by"] == []:
        return []
    owners = {name: params[name] for name in OWNERS if params[name] is not None}
    return reader.with_prefix(params["key_alias_prefix"] or "", owners)


def _is_meant(record: Record, params: Mapping[str, Any]) -> bool:
    """Return whether a key fits all that is given and does not depend on the time. Empty text stands for no owner."""
    if params["key_ids"] is not None and record["token"] not in params["key_ids"]:
        return False
    if params["key_aliases"] is not None and record["key_alias"] not in params["key_aliases"]:
        return False
    if any((KEY.field(name).value(record) or "") != params[name] for name in OWNERS if params[name] is not None):
        return False
    if params["created_by"] is not None and record.get("created_by") not in params["created_by"]:
        return False
    if not str(record["key_alias"] or "").startswith(params["key_alias_prefix"] or ""):
        return False
    if params["group"] is not None and not strictly_equal(params["group"], KEY.field("group").value(record)):
        return False
    metadata = KEY.field("metadata").value(record)
    return all(
        name in metadata and json_equal(value, metadata[name]) for name, value in (params["metadata"] or {}).items()
    )


def _is_due(key: Mapping[str, Any], params: Mapping[str, Any], now: datetime) -> bool:
    if params["status"] is not None and key["status"] not in params["status"]:
        return False
    return (
        _expires_within(key, params["expiring_within"], now)
        and _is_unused_for(key, params["unused_for"], now)
        and _has_used(key, params["budget_used"])
    )


def _expires_within(key: Mapping[str, Any], span: str | None, now: datetime) -> bool:
    if span is None:
        return True
    return bool(key["expires_at"]) and now < parse_time(key["expires_at"]) <= add_duration(now, span)


def _is_unused_for(key: Mapping[str, Any], span: str | None, now: datetime) -> bool:
    """Return whether a key was not used for so long. One that was never used counts from its last change."""
    if span is None:
        return True
    last = key["last_active"] or key["updated_at"] or key["created_at"]
    return bool(last) and add_duration(parse_time(last), span) <= now


def _has_used(key: Mapping[str, Any], percent: int | None) -> bool:
    """Return whether a key has spent so much of its budget."""
    if percent is None:
        return True
    remaining, spend = key["remaining_budget"], key["spend"] or 0
    return remaining is not None and spend * 100 >= percent * (spend + remaining)


def _order(key: Mapping[str, Any]) -> tuple[str, str]:
    return (str(key["key_alias"] or ""), str(key["key_id"]))


def describe(record: Record, now: datetime, old: Record | None = None) -> dict[str, Any]:
    """Return a key as it is returned, with what follows from its readings.

    :param now: the server's time.
    :param old: the key whose place it took, if that is still there.
    """
    limit = record.get("max_budget")
    if limit is None:
        limit = (record.get("litellm_budget_table") or {}).get("max_budget")
    else:
        limit += raised_by(record, now)
    remaining = None if limit is None else limit - (record.get("spend") or 0)
    key = public_view(record)
    return {
        **key,
        "remaining_budget": remaining,
        "status": _status(key, remaining, now),
        **ages(record, now, old),
    }


def _status(key: Mapping[str, Any], remaining: float | None, now: datetime) -> str:
    if key["blocked"]:
        return "blocked"
    if key["expires_at"] and parse_time(key["expires_at"]) <= now:
        return "expired"
    return "over_budget" if remaining is not None and remaining <= 0 else "active"


def _is_used(client: Client, key: Mapping[str, Any], now: datetime) -> bool | None:
    """Return whether a request of the key has succeeded: LiteLLM notes rejected ones as activity, too."""
    if key["spend"] or not key["last_active"]:
        return bool(key["spend"])
    days = {"start_date": FIRST_DAY, "end_date": f"{now + timedelta(days=1):%Y-%m-%d}"}
    question = {"api_key": key["key_id"], **days, "page_size": MAX_DAYS}
    answer = _if_known(lambda: client.get(ACTIVITY, question))
    if answer is None:
        return None
    return bool(ensure_shape(answer, {"metadata": DAYS}, f"GET {ACTIVITY}")["metadata"]["total_successful_requests"])


def _asked_as(client: Client, reader: KeyReader, key: str) -> dict[str, Any]:
    """Return what the proxy answers to the key itself. A refusal is an answer as well."""
    bearer, token = client.acting_as(key), token_of(key)
    refused: list[str] = []

    def ask(question: Callable[[], Any]) -> Any:
        try:
            return question()
        except ApiError as error:
            if not 400 <= error.status < 500:
                raise
            refused.append(render(error.message, {}))
            return None

    models = ask(lambda: sorted(_models(bearer)))
    health = ask(lambda: bearer.send("/key/health", idempotent=True))
    answer = ask(lambda: _shown(bearer, token))
    if answer is None:  # many a key may not ask about itself
        answer = _if_known(lambda: _shown(client, token))
    records = [{**answer["info"], "token": token}] if answer and not _is_deleted(answer["info"]) else []
    return {
        "virtual_keys": [describe(record, client.now()) for record in reader.with_budgets(records)],
        "models": models,
        "health": health,
        "refused": list(dict.fromkeys(refused)),
    }


def _models(client: Client) -> set[str]:
    answer = ensure_shape(client.get("/v1/models"), {"data": [{"id": TEXT}]}, "GET /v1/models")
    return {model["id"] for model in answer["data"]}


def _shown(client: Client, token: str) -> Any:
    return ensure_shape(client.get("/key/info", {"key": token}), {"info": INFO}, "GET /key/info")


def _if_known(question: Callable[[], Any]) -> Any:
    try:
        return question()
    except ApiError as error:
        if error.status in (401, 403, 404):
            return None
        raise


def _is_deleted(record: Record) -> bool:
    """Return whether a key is only in the archive of the proxy, which still answers for it."""
    return record.get("status") == "deleted" or bool(record.get("deleted_at"))
