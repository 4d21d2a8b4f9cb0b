# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A virtual key: its table of fields, and what a declaration of one means.

Private: only for use inside this collection. Pure: requests to the proxy stand in ``_key_api``.
"""

from __future__ import annotations

import calendar
import hashlib
import hmac
import math
import re
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from .._engine import (
    NOT_CLEARABLE,
    UNSET,
    Field,
    Plan,
    Resource,
    alike,
    is_empty,
    moment,
    plan,
    problems,
    same_members,
    same_moment,
)
from .._errors import InputError

DURATION_HELP = "write a whole number above 0 and one of s, m, h, d, w, mo, such as 30d or 12h"
DURATION = re.compile(r"([0-9]{1,9})(s|m|h|d|w|mo)")
ZONE = re.compile(r"(Z|[+-][0-9]{2}:?[0-9]{2})$")
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
SHORTEST_SEED = 32
WORKSHOP_MARK = "litellm_vkey_group"
# The entry of metadata that says which declared reset of the spending was the last one carried out.
SPEND_MARK = "litellm_vkey_reset_spend"
# Entries of metadata that are the server's own; those that back a field of the table are known from the table.
SERVER_METADATA = ("service_account_id", "team_member_key_duration", "disable_global_guardrails")


def _not_negative(value: Any) -> str | None:
    if isinstance(value, float) and not math.isfinite(value):
        return "must be a finite number."
    return "must not be negative." if value < 0 else None


def is_duration(value: str) -> str | None:
    match = DURATION.fullmatch(value)
    if not match or int(match.group(1)) == 0:
        return f"'{value}' is not a duration: {DURATION_HELP}."
    try:
        add_duration(datetime(2100, 1, 1), value)
    except (OverflowError, ValueError):
        return f"'{value}' is longer than any calendar."
    return None


def _without_zone(value: str) -> str:
    """A time as UTC that does not say so. Servers before 1.98 refuse each request of a key whose time has a zone."""
    return moment(value).replace(tzinfo=None).isoformat(timespec="seconds")


def _temp_budget_expiry(record: Mapping[str, Any]) -> str | None:
    value = _in_metadata(record).get("temp_budget_expiry")
    if not value:
        return None
    return str(value) if ZONE.search(str(value)) else f"{value}+00:00"


def _is_time(value: str) -> str | None:
    try:
        moment(value)
    except ValueError:
        return f"'{value}' is not a time: write ISO 8601 with a zone, such as 2030-01-31T18:00:00+01:00."
    return None


def _has_text(value: str) -> str | None:
    return None if value.strip() else "must not be blank."


def _counts_per_model(value: Mapping[str, Any]) -> str | None:
    wrong = [
        str(name) for name, count in value.items() if isinstance(count, bool) or not isinstance(count, int) or count < 0
    ]
    return f"needs a whole number, 0 or above, for {', '.join(wrong)}." if wrong else None


def _same_windows(declared: Sequence[Mapping[str, Any]], actual: Any) -> bool:
    """Budget windows without the ``reset_at`` that the server adds to each."""
    names = ("budget_duration", "max_budget")
    return same_members(
        [{name: window.get(name) for name in names} for window in declared],
        [{name: window.get(name) for name in names} for window in actual or ()],
    )


def _covers(declared: Mapping[str, Any], actual: Any) -> bool:
    """Whether the actual mapping has the declared entries; lists in it are sets, empty ones count as missing."""
    actual = actual or {}
    return all(
        (is_empty(value) and is_empty(actual.get(name)))
        or (same_members(value, actual.get(name)) if isinstance(value, list) else alike(value, actual.get(name)))
        for name, value in declared.items()
    )


def _organization(record: Mapping[str, Any]) -> Any:
    """Only the listing calls it ``org_id``; in a record of listing and answer together the answer counts."""
    return record["organization_id"] if "organization_id" in record else record.get("org_id")


def _policies(record: Mapping[str, Any]) -> Any:
    return _in_metadata(record).get("policies") or record.get("policies")


def _permissions_on_objects(record: Mapping[str, Any]) -> dict[str, Any]:
    """Without the row's id and back-references, and without what is empty."""
    value = record.get("object_permission") or {}
    return {
        name: part
        for name, part in value.items()
        if not is_empty(part)
        and isinstance(part, (list, dict, bool))
        and name
        not in ("teams", "projects", "verification_tokens", "organizations", "users", "end_users", "agents_table")
    }


def _router_settings(record: Mapping[str, Any]) -> dict[str, Any]:
    return _without_empty(record.get("router_settings"))


def _without_empty(value: Any) -> dict[str, Any]:
    return {name: part for name, part in (value or {}).items() if not is_empty(part)}


def _same_settings(declared: Mapping[str, Any], actual: Any) -> bool:
    """A write replaces all settings; the server adds empty ones."""
    return alike(_without_empty(declared), _without_empty(actual))


def _key_type(record: Mapping[str, Any]) -> str | None:
    """Servers before 1.98 keep only the routes that a key type stands for."""
    routes = {"llm_api_routes": "llm_api", "management_routes": "management", "info_routes": "read_only"}
    if record.get("key_type"):
        return str(record["key_type"])
    stored = record.get("allowed_routes") or []
    return routes.get(stored[0], "default") if len(stored) == 1 else "default"


def _in_metadata(record: Mapping[str, Any]) -> dict[str, Any]:
    value = record.get("metadata")
    return dict(value) if isinstance(value, Mapping) else {}


def _own_metadata(record: Mapping[str, Any]) -> dict[str, Any]:
    """The user's part of ``metadata``: without what backs other fields and what is the server's."""
    return {name: value for name, value in _in_metadata(record).items() if name not in NOT_THE_USERS}


def _same_metadata(declared: Mapping[str, Any], actual: Any) -> bool:
    """The server encrypts the variables of logging callbacks, differently each time: they cannot be compared."""
    return alike(_without_callback_values(declared), _without_callback_values(actual or {}))


def _without_callback_values(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {
            name: sorted(part)
            if name == "callback_vars" and isinstance(part, Mapping)
            else _without_callback_values(part)
            for name, part in value.items()
        }
    return [_without_callback_values(part) for part in value] if isinstance(value, list) else value


_LIMIT_TYPES = ("guaranteed_throughput", "best_effort_throughput", "dynamic")
_BUDGET_WINDOW = {
    "max_budget": {"type": "float", "required": True},
    "budget_duration": {"type": "str", "required": True},
}

KEY = Resource(
    kind="virtual key",
    identity="key_alias",
    fields=(
        Field("key_alias", check=_has_text, cleared=NOT_CLEARABLE),
        Field("models", "list", "str", cleared=[]),
        Field("max_budget", "float", unit="USD", check=_not_negative),
        Field(
            "soft_budget",
            "float",
            unit="USD",
            check=_not_negative,
            path=("litellm_budget_table", "soft_budget"),
            update_since="1.102.0",
        ),
        Field("budget_duration", unit="duration", check=is_duration, clear_since="1.90.0"),
        Field("budget_id"),
        Field(
            "budget_limits",
            "list",
            "dict",
            suboptions=_BUDGET_WINDOW,
            same=_same_windows,
            cleared=[],
            since="1.83.10",
            clear_since="1.90.0",
        ),
        Field(
            "temp_budget_increase", "float", unit="USD", path=("metadata", "temp_budget_increase"), check=_not_negative
        ),
        Field(
            "temp_budget_expiry",
            unit="ISO 8601 with zone",
            path=("metadata", "temp_budget_expiry"),
            read=_temp_budget_expiry,
            same=same_moment,
            check=_is_time,
        ),
        Field("reset_spend", path=("metadata", SPEND_MARK), check=_has_text, since="1.81.7"),
        Field("user_id"),
        Field("team_id"),
        Field("organization_id", read=_organization, since="1.79.0", update_since="1.82.3"),
        Field("project_id", updatable=False, since="1.81.14", clear_since="1.102.0"),
        Field("agent_id", since="1.81.16"),
        Field(
            "service_account_id",
            path=("metadata", "service_account_id"),
            updatable=False,
            cleared=NOT_CLEARABLE,
            since="1.74.1",
        ),
        Field("allowed_routes", "list", "str", cleared=[], since="1.66.3"),
        Field(
            "allowed_passthrough_routes",
            "list",
            "str",
            path=("metadata", "allowed_passthrough_routes"),
            cleared=[],
            since="1.78.2",
            licensed=True,
        ),
        Field(
            "key_type",
            choices=("default", "llm_api", "management", "read_only"),
            read=_key_type,
            updatable=False,
            cleared=NOT_CLEARABLE,
            since="1.74.9",
        ),
        Field("max_parallel_requests", "int", unit="requests", check=_not_negative),
        Field("tpm_limit", "int", unit="tokens/min", check=_not_negative),
        Field("rpm_limit", "int", unit="requests/min", check=_not_negative),
        Field("tpm_limit_type", choices=_LIMIT_TYPES, path=("metadata", "tpm_limit_type"), since="1.77.7"),
        Field("rpm_limit_type", choices=_LIMIT_TYPES, path=("metadata", "rpm_limit_type"), since="1.77.7"),
        Field(
            "model_tpm_limit",
            "dict",
            unit="tokens/min by model",
            path=("metadata", "model_tpm_limit"),
            check=_counts_per_model,
            cleared={},
        ),
        Field(
            "model_rpm_limit",
            "dict",
            unit="requests/min by model",
            path=("metadata", "model_rpm_limit"),
            check=_counts_per_model,
            cleared={},
        ),
        Field(
            "model_max_budget",
            "dict",
            unit="{budget_limit: USD, time_period: duration} by model",
            cleared={},
            licensed=True,
        ),
        Field("metadata", "dict", read=_own_metadata, same=_same_metadata, cleared={}),
        Field("tags", "list", "str", path=("metadata", "tags"), cleared=[], licensed=True),
        Field("aliases", "dict", unit="model name by alias", cleared={}),
        Field("config", "dict", cleared={}),
        Field("permissions", "dict", cleared={}),
        Field("guardrails", "list", "str", path=("metadata", "guardrails"), cleared=[], licensed=True),
        Field("policies", "list", "str", read=_policies, cleared=[], since="1.81.3", licensed=True),
        Field("prompts", "list", "str", path=("metadata", "prompts"), cleared=[], since="1.74.15", licensed=True),
        Field("enforced_params", "list", "str", path=("metadata", "enforced_params"), cleared=[]),
        Field("allowed_cache_controls", "list", "str", cleared=[]),
        Field("object_permission", "dict", read=_permissions_on_objects, same=_covers, since="1.71.3"),
        Field("access_group_ids", "list", "str", cleared=[], since="1.81.12"),
        Field("router_settings", "dict", read=_router_settings, same=_same_settings, cleared={}, since="1.80.13"),
        Field("auto_rotate", "bool", cleared=False, since="1.77.5"),
        Field("rotation_interval", unit="duration", check=is_duration, since="1.77.5"),
        Field("blocked", "bool", cleared=False),
        Field(
            "expires_at",
            unit="ISO 8601 with zone",
            path=("expires",),
            same=same_moment,
            check=_is_time,
            clear_since="1.80.12",
        ),
    ),
)
# Fields that are kept in metadata, and under which name each.
METADATA_BACKED = {
    **{row.name: row.path[1] for row in KEY.fields if row.path[:1] == ("metadata",)},
    "policies": "policies",
}
NOT_THE_USERS = (*METADATA_BACKED.values(), *SERVER_METADATA)
# Of these, a request to create a key takes only the metadata.
METADATA_ONLY = ("service_account_id", "temp_budget_increase", "temp_budget_expiry", "reset_spend")
# Fields that an update takes only together.
PAIRS = (("auto_rotate", "rotation_interval"), ("temp_budget_increase", "temp_budget_expiry"))

# What no option names and a key that takes another's place must have all the same.
INHERITED = ("spend", "tpd_limit", "budget_fallbacks")

# Options of a declaration that are no field of the key.
KEY_CONTROLS: dict[str, dict[str, Any]] = {
    "duration": {"type": "str"},
    "renew_within": {"type": "str"},
    "rotate_after": {"type": "str"},
    "key": {"type": "str", "no_log": True},
    "key_seed": {"type": "str", "no_log": True},
    "key_version": {"type": "int", "no_log": False},
    "value_policy": {"type": "str", "choices": ["keep", "fail", "reissue"]},
    "metadata_mode": {"type": "str", "choices": ["merge", "replace"]},
    "unset": {
        "type": "list",
        "elements": "str",
        "choices": [row.name for row in KEY.fields if row.cleared is not NOT_CLEARABLE],
    },
}


@dataclass(frozen=True)
class Wanted:
    """A checked declaration of one key. ``value`` is the declared or derived secret, None if the client may choose."""

    alias: str
    state: str
    fields: Mapping[str, Any]
    duration: str | None = None
    renew_within: str | None = None
    rotate_after: str | None = None
    value: str | None = None
    value_policy: str = "keep"
    merge_metadata: bool = True

    @property
    def may_reissue(self) -> bool:
        """Whether this run may put a new key in the place of the old one, which then bears the retired alias."""
        return self.value_policy == "reissue" or self.rotate_after is not None

    @property
    def retired_alias(self) -> str:
        """Under which name the old key waits while a new one takes its place. Only characters of strict aliases."""
        return f"{self.alias}.retired-{hashlib.sha256(self.alias.encode()).hexdigest()[:8]}"


@dataclass(frozen=True)
class Found:
    """The keys that bear an alias, the one to keep first, and those that wait under its retired name."""

    records: Sequence[Mapping[str, Any]] = ()
    retired: Sequence[Mapping[str, Any]] = ()


def key_options() -> dict[str, dict[str, Any]]:
    """Argument spec of one declared key, without ``state``."""
    options = {**KEY.options(), **KEY_CONTROLS}
    options["key_alias"] = {**options["key_alias"], "aliases": ["name"]}
    return options


def wanted(options: Mapping[str, Any], state: str = "present") -> Wanted:
    """What one item of ``virtual_keys``, or the parameters of ``litellm_key``, declare.

    :raises InputError: naming all that is wrong with them.
    """
    declared = {row.name: options[row.name] for row in KEY.fields if options.get(row.name) is not None}
    if declared.get("service_account_id"):
        declared.setdefault("key_alias", declared["service_account_id"])
    alias = str(declared.get("key_alias", ""))
    unset = options.get("unset") or []
    found = problems(KEY, {**declared, **dict.fromkeys(unset, UNSET)})
    if not alias.strip():
        found.append("key_alias is required and must not be empty.")
    elif any(ord(char) < 32 or ord(char) == 127 for char in alias):
        found.append("key_alias must not hold control characters.")
    both = [name for name in unset if not is_empty(declared.get(name))]
    if both:
        found.append(f"{', '.join(both)}: declared and in unset at once.")
    for name in ("duration", "renew_within", "rotate_after"):
        problem = is_duration(options[name]) if options.get(name) else None
        if problem:
            found.append(f"{name}: {problem}")
    if options.get("renew_within") and not options.get("duration"):
        found.append("renew_within needs duration, by which it renews.")
    ends = "expires_at" in declared or "expires_at" in unset
    if ends and (options.get("duration") or options.get("renew_within")):
        found.append("expires_at and duration exclude each other.")
    if declared.get("soft_budget") is not None and declared.get("budget_id"):
        found.append("soft_budget and budget_id exclude each other: LiteLLM keeps a soft budget in that budget.")
    if declared.get("key_type", "default") != "default" and not is_empty(declared.get("allowed_routes")):
        found.append("key_type and allowed_routes exclude each other: a key type stands for its routes.")
    if declared.get("service_account_id") and not declared.get("team_id"):
        found.append("service_account_id needs team_id.")
    if declared.get("auto_rotate") and not declared.get("rotation_interval"):
        found.append("auto_rotate needs rotation_interval.")
    if declared.get("rotation_interval") and not declared.get("auto_rotate"):
        found.append("rotation_interval needs auto_rotate: LiteLLM drops it from a new key otherwise.")
    # Both with a value, both without one, or neither declared.
    temporary = [
        None if name not in declared and name not in unset else not is_empty(declared.get(name)) for name in PAIRS[1]
    ]
    if temporary[0] is not temporary[1]:
        found.append("temp_budget_increase and temp_budget_expiry go together.")
    found += _metadata_problems(declared.get("metadata") or {})
    found += _value_problems(options)
    if found:
        raise InputError(" ".join(found), alias)
    # "" declares "no value", as [] and {} do.
    fields = {
        name: UNSET if value == "" else value for name, value in {**declared, **dict.fromkeys(unset, UNSET)}.items()
    }
    value = options.get("key") or None
    if options.get("key_seed"):
        value = derived_value(options["key_seed"], alias, options.get("key_version") or 1)
    return Wanted(
        alias=alias,
        state=state,
        fields=fields,
        duration=options.get("duration") or None,
        renew_within=options.get("renew_within") or None,
        rotate_after=options.get("rotate_after") or None,
        value=value,
        value_policy=options.get("value_policy") or ("fail" if value else "keep"),
        merge_metadata=options.get("metadata_mode") != "replace",
    )


def _metadata_problems(metadata: Mapping[str, Any]) -> list[str]:
    """Entries that would never be seen as the user's, so that each run would write them again."""
    option_of = {entry: name for name, entry in METADATA_BACKED.items()}
    return [
        f"metadata: {entry} is declared by the option {option_of[entry]}."
        if entry in option_of
        else f"metadata: {entry} is LiteLLM's own."
        for entry in metadata
        if entry in NOT_THE_USERS
    ]


def _value_problems(options: Mapping[str, Any]) -> list[str]:
    found = []
    value, seed = options.get("key"), options.get("key_seed")
    if value and seed:
        found.append("key and key_seed exclude each other.")
    if value is not None and (not value.startswith("sk-") or len(value) < 16):
        found.append("key must start with sk- and have at least 16 characters.")
    if seed is not None and len(seed) < SHORTEST_SEED:
        found.append(f"key_seed must have at least {SHORTEST_SEED} characters.")
    if options.get("rotate_after"):
        if value or seed:
            found.append("rotate_after replaces random values only: a value of key_seed is replaced by key_version.")
        if options.get("value_policy") in ("fail", "reissue"):
            found.append(f"rotate_after and value_policy: {options['value_policy']} exclude each other.")
    return found


def plan_key(want: Wanted, found: Found, now: datetime) -> Plan:
    """What has to be done for one key. ``now`` is the server's time.

    :raises InputError: if the declaration and the key that is there do not go together.
    """
    current = found.records[0] if found.records else (found.retired[0] if found.retired else None)
    if want.value:
        current = next(
            (record for record in (*found.records, *found.retired) if record["token"] == token_of(want.value)), current
        )
    surplus = tuple(record for record in (*found.records, *found.retired) if record is not current)
    if want.state == "absent":
        return plan(KEY, {"key_alias": want.alias}, current, "absent").having(surplus=surplus)
    fields = dict(want.fields)
    warnings = _declare_expiry(fields, want, current, now)
    if want.merge_metadata and "metadata" in fields and fields["metadata"] is not UNSET and current:
        fields["metadata"] = {**_own_metadata(current), **fields["metadata"]}
    if current is None and not is_empty(fields.get("team_id")) and "models" not in fields:
        fields["models"] = ["all-team-models"]
    _guard_shared_budget(want, fields, current)
    result = plan(KEY, fields, current).having(surplus=surplus, value=want.value, warnings=tuple(warnings))
    if current is None:
        return result
    if not is_empty(result.changes.get("object_permission")):  # kinds that are not declared stay
        merged = {**result.before["object_permission"], **result.changes["object_permission"]}
        result = result.having(after={**result.after, "object_permission": merged})
    if not is_empty(result.changes.get("reset_spend")):
        result = result.having(
            before={**result.before, "spend": current.get("spend")}, after={**result.after, "spend": 0.0}
        )
    policy = "reissue" if _is_due(want, current, found, now) else want.value_policy
    if want.value is None or token_of(want.value) != current["token"]:
        if policy == "fail":
            raise InputError(
                "the key exists with another value than the declared one. Choose with value_policy: keep leaves "
                "its value as it is, reissue replaces it.",
                want.alias,
            )
        if policy == "reissue":
            new_id = token_of(want.value) if want.value else "(that of a new value)"
            return result.having(
                action="reissue",
                before={**result.before, "key_id": current["token"]},
                after={**result.after, "key_id": new_id},
            )
        result = result.having(value=None)
    if surplus and result.action == "none":
        return result.having(action="update")
    return result


def _is_due(want: Wanted, current: Mapping[str, Any], found: Found, now: datetime) -> bool:
    """Whether the value is to be replaced for its age. Where a run was interrupted, nobody has got the new value."""
    if not want.rotate_after:
        return False
    made = [moment(current[name]) for name in ("created_at", "last_rotation_at") if current.get(name)]
    return bool(found.retired) or (any(made) and add_duration(max(made), want.rotate_after) <= now)


def _declare_expiry(
    fields: dict[str, Any], want: Wanted, current: Mapping[str, Any] | None, now: datetime
) -> list[str]:
    """Make ``expires_at`` of ``duration`` and ``renew_within`` where they apply now. Returns warnings."""
    stored = KEY.field("expires_at").value(current)
    expires = moment(stored) if stored else None
    renewing = bool(
        current and want.renew_within and expires and expires - now < add_duration(now, want.renew_within) - now
    )
    if want.duration and (current is None or renewing):
        fields["expires_at"] = add_duration(now, want.duration).isoformat(timespec="seconds")
    elif not is_empty(fields.get("expires_at")):
        end = moment(fields["expires_at"])
        fields["expires_at"] = end.isoformat(timespec="seconds")
        if end <= now and not (current and same_moment(end, expires)):
            raise InputError("expires_at lies in the past; to end a key now, use blocked or state: absent.", want.alias)
    if expires and expires <= now and "expires_at" not in fields:
        return [
            f"The key {want.alias} expired at {expires.isoformat(timespec='seconds')}. "
            "Renew it with renew_within or expires_at."
        ]
    return []


def _guard_shared_budget(want: Wanted, fields: Mapping[str, Any], current: Mapping[str, Any] | None) -> None:
    """LiteLLM writes a soft budget into the budget that the key points to, which other keys may share."""
    budget = (current or {}).get("litellm_budget_table") or {}
    shared = [
        name for name in ("max_budget", "budget_duration", "tpm_limit", "rpm_limit") if not is_empty(budget.get(name))
    ]
    if (
        shared
        and not KEY.field("soft_budget").equal(fields.get("soft_budget"), budget.get("soft_budget"))
        and "soft_budget" in fields
    ):
        raise InputError(
            f"soft_budget would change the budget {current['budget_id'] if current else ''} for all who share it; "
            "change it there, or unset budget_id first.",
            want.alias,
        )


def licensed_parts(result: Plan) -> list[str]:
    """What of a plan LiteLLM carries out only with an Enterprise licence."""
    parts = [name for name, value in result.changes.items() if KEY.field(name).licensed and not is_empty(value)]
    if result.action != "update" and "get_spend_routes" in (result.changes.get("permissions") or {}):
        parts.append("permissions.get_spend_routes")
    return parts


def marked_aliases(records: Iterable[Mapping[str, Any]], mark: Mapping[str, Any]) -> set[str]:
    """Aliases of the keys whose metadata has all entries of ``mark``."""
    return {
        record["key_alias"]
        for record in records
        if record.get("key_alias") and mark.items() and _covers(mark, _in_metadata(record))
    }


def create_path(result: Plan) -> str:
    """The endpoint that makes the key: a service account's has one of its own."""
    is_service = not is_empty(result.changes.get("service_account_id")) or (
        result.action == "reissue" and not is_empty(KEY.field("service_account_id").value(result.current))
    )
    return "/key/service-account/generate" if is_service else "/key/generate"


def create_body(result: Plan, now: datetime) -> dict[str, Any]:
    """Body of ``/key/generate`` for a plan: what is declared, and for a reissue all that the old key has."""
    values = {name: value for name, value in result.changes.items() if not is_empty(value)}
    body: dict[str, Any] = {}
    if result.action == "reissue":
        body, values = _inherited(result, values)
        values["key_alias"] = result.name  # the old key may bear another by now
    expires = values.pop("expires_at", None)
    only_metadata = {name: values.pop(name) for name in METADATA_ONLY if name in values}
    body.update((name, _sendable(name, value)) for name, value in values.items())
    if only_metadata:
        entries = {METADATA_BACKED[name]: _sendable(name, value) for name, value in only_metadata.items()}
        body["metadata"] = {**body.get("metadata", {}), **entries}
    if expires:
        body["duration"] = _seconds_until(expires, now)
    if result.value:
        body["key"] = result.value
    return body


def _inherited(result: Plan, values: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a new key takes over from the one whose place it takes: a body to start from, and values by option."""
    kept = {name: value for name, value in KEY.view(result.existing).items() if name not in METADATA_BACKED}
    kept = {name: value for name, value in kept.items() if name not in result.changes and name != "metadata"}
    if kept.get("budget_id"):
        kept.pop("soft_budget", None)  # it stands in the budget that budget_id names
    inherited = [name for name in INHERITED if name not in result.after]  # spend stands there if it is reset
    body = {name: result.existing[name] for name in inherited if not is_empty(result.existing.get(name))}
    metadata = _merged_metadata(result)
    return {**body, **({"metadata": metadata} if metadata else {})}, {
        **kept,
        **{n: v for n, v in values.items() if n != "metadata"},
    }


def update_body(result: Plan, now: datetime) -> dict[str, Any]:
    """Body of ``/key/update`` for a plan: only what changes; ``metadata``, which the server replaces, as a whole."""
    body: dict[str, Any] = {"key": result.existing["token"]}
    for name, value in _with_partners(result).items():
        if name == "expires_at":
            body["duration"] = "-1" if is_empty(value) else _seconds_until(value, now)
        elif name == "object_permission" and is_empty(value):
            body[name] = {part: type(given)() for part, given in _permissions_on_objects(result.existing).items()}
        elif name not in ("metadata", "reset_spend") and not (name in METADATA_BACKED and is_empty(value)):
            # A field kept in metadata goes at the top as well: only there does the server check it.
            body[name] = KEY.field(name).cleared if is_empty(value) else _sendable(name, value)
    if any(name == "metadata" or name in METADATA_BACKED for name in result.changes):
        body["metadata"] = _merged_metadata(result)
    return body


def _with_partners(result: Plan) -> dict[str, Any]:
    """The changes, and what an update takes only together with one of them."""
    partners = [name for pair in PAIRS if any(one in result.changes for one in pair) for name in pair]
    present = KEY.view(result.existing)
    return {**{name: present[name] for name in partners if name in present}, **result.changes}


def _merged_metadata(result: Plan) -> dict[str, Any]:
    """All of the key's metadata as it shall be: other people's entries and other fields' values included."""
    merged = _in_metadata(result.existing)
    if "metadata" in result.changes:
        merged = {name: value for name, value in merged.items() if name in NOT_THE_USERS}
        merged.update({} if is_empty(result.changes["metadata"]) else result.changes["metadata"])
    for name, entry in METADATA_BACKED.items():
        if name in result.changes:
            merged.pop(entry, None)
            if not is_empty(result.changes[name]):
                merged[entry] = _sendable(name, result.changes[name])
    return merged


def _sendable(name: str, value: Any) -> Any:
    """A value as the API takes it: budget windows without what the server added, times as all versions read them."""
    if name == "budget_limits":
        return [{part: window[part] for part in ("max_budget", "budget_duration")} for window in value]
    if name == "temp_budget_expiry":
        return _without_zone(value)
    return value


def _seconds_until(time: Any, now: datetime) -> str:
    return f"{max(0, math.ceil((moment(time) - now).total_seconds()))}s"


def add_duration(start: datetime, duration: str) -> datetime:
    """``start`` plus a duration; a month ends on the same day, or on the last if the month is shorter."""
    digits = duration.rstrip("smhdwo")
    count, unit = int(digits), duration[len(digits) :]
    if unit != "mo":
        return start + timedelta(seconds=count * SECONDS[unit])
    years, month = divmod(start.month - 1 + count, 12)
    year = start.year + years
    return start.replace(year=year, month=month + 1, day=min(start.day, calendar.monthrange(year, month + 1)[1]))


def token_of(value: str) -> str:
    """The token, or key id, under which the server stores a value."""
    return hashlib.sha256(value.encode()).hexdigest()


def new_value(avoid: str) -> str:
    """A random value. It does not contain ``avoid``, which Ansible would star out of the result."""
    while True:
        value = "sk-" + secrets.token_urlsafe(24)
        if avoid in "sk-" or avoid not in value:  # what every value has cannot be avoided
            return value


def derived_value(seed: str, alias: str, version: int) -> str:
    """The value that a seed stands for, the same on every machine."""
    message = f"litemaas.virtual_keys.v1\0{alias}\0{version}".encode()
    digest = hmac.new(seed.encode(), message, hashlib.sha256).digest()
    return "sk-" + urlsafe_b64encode(digest).decode().rstrip("=")


def shown(record: Mapping[str, Any]) -> dict[str, Any]:
    """A key as it is returned: all its fields, its id and its readings. Never the secret."""
    names = ("spend", "budget_reset_at", "created_at", "created_by", "updated_at", "last_active")
    return {
        **{row.name: None if is_empty(row.value(record)) else row.value(record) for row in KEY.fields},
        "blocked": bool(record.get("blocked")),
        "key_id": record.get("token"),
        "key_name": record.get("key_name"),
        **{name: record.get(name) for name in names},
    }
