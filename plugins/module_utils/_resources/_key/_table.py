# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A virtual key: its table of fields, and where a record has them. Pure.

Private: only for use inside this collection.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ..._durations import is_duration
from ..._engine import NOT_CLEARABLE, Field, Resource
from ..._values import alike, is_empty, moment, same_members, same_moment

ZONE = re.compile(r"(Z|[+-][0-9]{2}:?[0-9]{2})$")


# The entry of metadata that says which declared reset of the spending was the last one carried out.
SPEND_MARK = "litellm_vkey_reset_spend"


# The entry of metadata that says to which workshop, or other group, a key belongs.
GROUP_MARK = "litellm_vkey_group"


# Entries of metadata that are the server's own; those that back a field of the table are known from the table.
SERVER_METADATA = ("service_account_id", "team_member_key_duration", "disable_global_guardrails")


def _not_negative(value: Any) -> str | None:
    if isinstance(value, float) and not math.isfinite(value):
        return "must be a finite number."
    return "must not be negative." if value < 0 else None


def without_zone(value: str) -> str:
    """A time as UTC that does not say so. Servers before 1.98 refuse each request of a key whose time has a zone."""
    return moment(value).replace(tzinfo=None).isoformat(timespec="seconds")


def _temp_budget_expiry(record: Mapping[str, Any]) -> str | None:
    value = metadata_of(record).get("temp_budget_expiry")
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
    return metadata_of(record).get("policies") or record.get("policies")


def object_permissions(record: Mapping[str, Any]) -> dict[str, Any]:
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


def metadata_of(record: Mapping[str, Any]) -> dict[str, Any]:
    value = record.get("metadata")
    return dict(value) if isinstance(value, Mapping) else {}


def own_metadata(record: Mapping[str, Any]) -> dict[str, Any]:
    """The user's part of ``metadata``: without what backs other fields and what is the server's."""
    return {name: value for name, value in metadata_of(record).items() if name not in NOT_THE_USERS}


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
        Field("group", path=("metadata", GROUP_MARK), check=_has_text),
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
        Field("metadata", "dict", read=own_metadata, same=_same_metadata, cleared={}),
        Field("tags", "list", "str", path=("metadata", "tags"), cleared=[], licensed=True),
        Field("aliases", "dict", unit="model name by alias", cleared={}),
        Field("config", "dict", cleared={}),
        Field("permissions", "dict", cleared={}),
        Field("guardrails", "list", "str", path=("metadata", "guardrails"), cleared=[], licensed=True),
        Field("policies", "list", "str", read=_policies, cleared=[], since="1.81.3", licensed=True),
        Field("prompts", "list", "str", path=("metadata", "prompts"), cleared=[], since="1.74.15", licensed=True),
        Field("enforced_params", "list", "str", path=("metadata", "enforced_params"), cleared=[]),
        Field("allowed_cache_controls", "list", "str", cleared=[]),
        Field("object_permission", "dict", read=object_permissions, same=_covers, since="1.71.3"),
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


# Fields of our own, which LiteLLM does not know: they stand in no request but in its metadata.
OURS = ("reset_spend", "group")


# Of these, a request to create a key takes only the metadata.
METADATA_ONLY = ("service_account_id", "temp_budget_increase", "temp_budget_expiry", *OURS)


# Fields that an update takes only together.
PAIRS = (("auto_rotate", "rotation_interval"), ("temp_budget_increase", "temp_budget_expiry"))


def public_view(record: Mapping[str, Any]) -> dict[str, Any]:
    """A key as it is returned: all its fields, its id and its readings. Never the secret."""
    names = ("spend", "budget_reset_at", "created_at", "created_by", "updated_at", "last_active")
    return {
        **{row.name: None if is_empty(row.value(record)) else row.value(record) for row in KEY.fields},
        "blocked": bool(record.get("blocked")),
        "key_id": record.get("token"),
        "key_name": record.get("key_name"),
        **{name: record.get(name) for name in names},
    }
