# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A virtual key: its table of fields, and where a record has them. Pure.

Private: only for use inside this collection.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..._durations import is_duration
from ..._engine import NOT_CLEARABLE, Field, Resource
from ..._values import alike, is_empty, moment, not_a_name, redact, same_moment

ZONE = re.compile(r"(Z|[+-][0-9]{2}:?[0-9]{2})$")
# The entry of metadata that says which declared reset of the spending was the last one carried out.
SPEND_MARK = "litellm_vkey_reset_spend"
# The entry of metadata that says to which workshop, or other group, a key belongs.
GROUP_MARK = "litellm_vkey_group"
# Entries of metadata that are the server's own; those that back a field of the table are known from the table.
SERVER_METADATA = ("service_account_id", "team_member_key_duration", "disable_global_guardrails")
# What no option names and a key that takes another's place must have all the same.
INHERITED = ("spend", "tpd_limit", "budget_fallbacks")
MOST_REQUESTS = 2**31 - 1
MOST_TOKENS = 2**63 - 1


@dataclass(frozen=True)
class KeyField(Field):
    """A field of a key. One that is kept in metadata has a path that begins so.

    :param refers_to: the kind of object that it names by id or name, which must exist on the proxy.
    :param partner: the field without which an update does not take it.
    :param in_metadata_only: the requests (``create``, ``update``) that take it only as an entry of metadata.
    :param answered: whether the answer to a write shows it.
    :param licensed_entries: entries that need an Enterprise license in a new key.
    """

    refers_to: str = ""
    partner: str = ""
    in_metadata_only: tuple[str, ...] = ()
    answered: bool = True
    licensed_entries: tuple[str, ...] = ()

    @property
    def entry(self) -> str | None:
        """The entry of metadata that holds the value, None if none does."""
        return self.path[1] if self.path[:1] == ("metadata",) else None


def _not_negative(value: float) -> str | None:
    return "must not be negative." if value < 0 else None


def _up_to(most: int) -> Callable[[int], str | None]:
    return lambda value: _not_negative(value) or (f"must not be above {most}." if value > most else None)


def _is_alias(value: str) -> str | None:
    """LiteLLM refuses these since 1.94, in each of its formats of aliases."""
    if ".." in value.split("/"):
        return "must not contain '..' as a part of a path."
    return not_a_name(value)


def without_zone(value: str) -> str:
    """A time as UTC that does not say so. Servers before 1.98 refuse each request of a key whose time has a zone."""
    return moment(value).replace(tzinfo=None).isoformat(timespec="seconds")


def _second(value: Any) -> str:
    """A time to the second, whatever its zone; what another program left there and is no time as it is."""
    try:
        return without_zone(value)
    except ValueError:
        return str(value)


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


def _windows(value: Any) -> list[dict[str, Any]]:
    """Budget windows without the ``reset_at`` that the server adds to each."""
    return [{name: window.get(name) for name in _BUDGET_WINDOW} for window in value]


def _are_windows(value: Sequence[Mapping[str, Any]]) -> str | None:
    for window in value:
        wrong = _not_negative(window["max_budget"])
        if wrong:
            return f"max_budget {wrong}"
        wrong = is_duration(window["budget_duration"])
        if wrong:
            return f"budget_duration {wrong}"
    return None


def _organization(record: Mapping[str, Any]) -> Any:
    """Only the listing calls it ``org_id``; in a record of listing and answer together the answer counts."""
    return record["organization_id"] if "organization_id" in record else record.get("org_id")


def _policies(record: Mapping[str, Any]) -> Any:
    return metadata_of(record).get("policies") or record.get("policies")


def _object_permission(record: Mapping[str, Any]) -> dict[str, Any]:
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


def _permission_sets(value: Any) -> Any:
    """Permissions without what is empty, which the server does not keep apart from what is missing; lists are sets."""
    if isinstance(value, Mapping):
        return {name: _permission_sets(part) for name, part in value.items() if not is_empty(part)}
    if isinstance(value, list):
        return sorted({json.dumps(part, sort_keys=True) for part in value})
    return value


def _without_null(value: Mapping[str, Any]) -> dict[str, Any]:
    return {name: part for name, part in value.items() if part is not None}


def _router_settings(record: Mapping[str, Any]) -> dict[str, Any]:
    """The server names all settings of a new key, null for those that are not set."""
    return _without_null(record.get("router_settings") or {})


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


def _without_callback_values(value: Any) -> Any:
    """The server encrypts the variables of logging callbacks, differently each time: they cannot be compared."""
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
        KeyField("key_alias", check=_is_alias, cleared=NOT_CLEARABLE),
        KeyField("models", "list", "str", cleared=[], refers_to="model"),
        KeyField("max_budget", "float", unit="USD", check=_not_negative),
        KeyField(
            "soft_budget",
            "float",
            unit="USD",
            check=_not_negative,
            path=("litellm_budget_table", "soft_budget"),
            answered=False,
            update_since="1.102.0",
        ),
        KeyField("budget_duration", unit="duration", check=is_duration, clear_since="1.90.0"),
        KeyField("budget_id", refers_to="budget"),
        KeyField(
            "budget_limits",
            "list",
            "dict",
            suboptions=_BUDGET_WINDOW,
            check=_are_windows,
            normal=_windows,
            sent=_windows,
            cleared=[],
            since="1.83.10",
            clear_since="1.90.0",
        ),
        KeyField(
            "temp_budget_increase",
            "float",
            unit="USD",
            path=("metadata", "temp_budget_increase"),
            same=alike,
            check=_not_negative,
            partner="temp_budget_expiry",
            in_metadata_only=("create",),
        ),
        KeyField(
            "temp_budget_expiry",
            unit="ISO 8601 with zone",
            path=("metadata", "temp_budget_expiry"),
            read=_temp_budget_expiry,
            normal=_second,
            check=_is_time,
            sent=without_zone,
            partner="temp_budget_increase",
            in_metadata_only=("create",),
        ),
        KeyField(
            "reset_spend",
            path=("metadata", SPEND_MARK),
            check=_has_text,
            in_metadata_only=("create", "update"),
            since="1.81.7",
        ),
        KeyField("group", path=("metadata", GROUP_MARK), check=_has_text, in_metadata_only=("create", "update")),
        KeyField("user_id"),
        KeyField("team_id", refers_to="team"),
        KeyField(
            "organization_id", read=_organization, refers_to="organization", since="1.79.0", update_since="1.82.3"
        ),
        KeyField("project_id", updatable=False, since="1.81.14", clear_since="1.102.0"),
        KeyField("agent_id", since="1.81.16"),
        KeyField(
            "service_account_id",
            path=("metadata", "service_account_id"),
            in_metadata_only=("create",),
            updatable=False,
            cleared=NOT_CLEARABLE,
            since="1.74.1",
        ),
        KeyField("allowed_routes", "list", "str", cleared=[], since="1.66.3"),
        KeyField(
            "allowed_passthrough_routes",
            "list",
            "str",
            path=("metadata", "allowed_passthrough_routes"),
            cleared=[],
            since="1.78.2",
            licensed=True,
        ),
        KeyField(
            "key_type",
            choices=("default", "llm_api", "management", "read_only"),
            read=_key_type,
            updatable=False,
            cleared=NOT_CLEARABLE,
            since="1.74.9",
        ),
        KeyField("max_parallel_requests", "int", unit="requests", check=_up_to(MOST_REQUESTS)),
        KeyField("tpm_limit", "int", unit="tokens/min", check=_up_to(MOST_TOKENS)),
        KeyField("rpm_limit", "int", unit="requests/min", check=_up_to(MOST_TOKENS)),
        KeyField("tpm_limit_type", choices=_LIMIT_TYPES, path=("metadata", "tpm_limit_type"), since="1.77.7"),
        KeyField("rpm_limit_type", choices=_LIMIT_TYPES, path=("metadata", "rpm_limit_type"), since="1.77.7"),
        KeyField(
            "model_tpm_limit",
            "dict",
            unit="tokens/min by model",
            path=("metadata", "model_tpm_limit"),
            check=_counts_per_model,
            cleared={},
        ),
        KeyField(
            "model_rpm_limit",
            "dict",
            unit="requests/min by model",
            path=("metadata", "model_rpm_limit"),
            check=_counts_per_model,
            cleared={},
        ),
        KeyField(
            "model_max_budget",
            "dict",
            unit="{budget_limit: USD, time_period: duration} by model",
            cleared={},
            licensed=True,
        ),
        KeyField("metadata", "dict", read=own_metadata, normal=_without_callback_values, shown=redact, cleared={}),
        KeyField("tags", "list", "str", path=("metadata", "tags"), cleared=[], licensed=True),
        KeyField("aliases", "dict", unit="model name by alias", cleared={}),
        KeyField("config", "dict", cleared={}),
        KeyField("permissions", "dict", cleared={}, licensed_entries=("get_spend_routes",)),
        KeyField("guardrails", "list", "str", path=("metadata", "guardrails"), cleared=[], licensed=True),
        KeyField(
            "policies",
            "list",
            "str",
            path=("metadata", "policies"),
            read=_policies,
            answered=False,
            cleared=[],
            since="1.81.3",
            licensed=True,
        ),
        KeyField("prompts", "list", "str", path=("metadata", "prompts"), cleared=[], since="1.74.15", licensed=True),
        KeyField("enforced_params", "list", "str", path=("metadata", "enforced_params"), cleared=[]),
        KeyField("allowed_cache_controls", "list", "str", cleared=[]),
        KeyField(
            "object_permission",
            "dict",
            read=_object_permission,
            normal=_permission_sets,
            merged=True,
            answered=False,
            since="1.71.3",
        ),
        KeyField("access_group_ids", "list", "str", cleared=[], since="1.81.12"),
        KeyField(
            "router_settings",
            "dict",
            read=_router_settings,
            normal=_without_null,
            merged=True,
            cleared={},
            since="1.80.13",
        ),
        KeyField("auto_rotate", "bool", nothing=(False,), cleared=False, partner="rotation_interval", since="1.77.5"),
        KeyField("rotation_interval", unit="duration", check=is_duration, partner="auto_rotate", since="1.77.5"),
        KeyField("blocked", "bool", nothing=(False,), cleared=False),
        KeyField(
            "expires_at",
            unit="ISO 8601 with zone",
            path=("expires",),
            same=same_moment,
            check=_is_time,
            clear_since="1.80.12",
        ),
    ),
)


ROWS: dict[str, KeyField] = {row.name: row for row in KEY.fields if isinstance(row, KeyField)}
# Which option declares an entry of metadata.
OPTION_OF = {row.entry: row.name for row in ROWS.values() if row.entry}
NOT_THE_USERS = (*OPTION_OF, *SERVER_METADATA)


def public_view(record: Mapping[str, Any]) -> dict[str, Any]:
    """A key as it is returned: all its fields, its id and its readings. Never the secret."""
    names = ("spend", "budget_reset_at", "created_at", "created_by", "updated_at", "last_active")
    return {
        **{row.name: None for row in KEY.fields},
        **KEY.shown(KEY.view(record)),
        "blocked": bool(record.get("blocked")),
        "key_id": record.get("token"),
        "key_name": record.get("key_name"),
        **{name: record.get(name) for name in names},
    }
