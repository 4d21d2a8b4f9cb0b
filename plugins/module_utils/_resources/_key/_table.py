# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A virtual key: its table of fields, and where a record has them. Pure.

Private: only for use inside this collection.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ..._crud._metadata import SPEND_MARK, without_callback_values
from ..._crud._numbers import IN_ROUTER_SETTINGS, numbers
from ..._crud._references import OF_PERMISSIONS, TO_ACCESS_GROUPS, TO_GUARDRAILS, TO_POLICIES, TO_TEAMS
from ..._crud._rows import (
    BUDGET_WINDOW,
    MAX_REQUESTS,
    MAX_TOKENS,
    changed_permissions,
    check_counts_by_model,
    check_not_negative,
    check_permissions,
    check_router_settings,
    check_up_to,
    check_windows,
    has_text,
    normalize_permissions,
    object_permission,
    router_settings,
    windows,
    without_null,
)
from ..._durations import check_duration
from ..._engine import NOT_CLEARABLE, Field, Resource
from ..._redaction import redact
from ..._text import check_name
from ..._values import is_empty, json_equal, parse_time, same_moment

ZONE = re.compile(r"(Z|[+-][0-9]{2}:?[0-9]{2})$")


@dataclass(frozen=True)
class KeyField(Field):
    """A field of a key. One that is kept in metadata has a path that begins so.

    :param refers_to: the kind of object that it names by id or name, which must exist on the proxy.
    :param partner: the field without which an update does not take it.
    :param in_metadata_only: the requests (``create``, ``update``) that take it only as an entry of metadata.
    :param answered: whether the answer to a write shows it.
    :param create_path: the request that makes a key with it, if not the usual one.
    :param update: what an update sends, of the declared value and the present one, if not all that is declared.
    :param licensed_entries: entries that need an Enterprise license in a new key.
    """

    refers_to: str = ""
    requires_field: str = ""
    in_metadata_only: tuple[str, ...] = ()
    answered: bool = True
    create_path: str = ""
    update: Callable[[Any, Any], Any] | None = None
    licensed_entries: tuple[str, ...] = ()

    @property
    def entry(self) -> str | None:
        """The entry of metadata that holds the value, None if none does."""
        return self.path[1] if self.path[:1] == ("metadata",) else None


def check_alias(value: str) -> str | None:
    """Return what is wrong with an alias, or None: LiteLLM refuses it since 1.94, in each of its formats of aliases."""
    if ".." in value.split("/"):
        return "must not contain '..' as part of a path."
    return check_name(value)


def without_zone(value: str) -> str:
    """Return a time as UTC that does not say so.

    Servers before 1.98 refuse each request of a key whose time has a zone.
    """
    return parse_time(value).replace(tzinfo=None).isoformat(timespec="seconds")


def second(value: Any) -> str:
    """Return a time to the second, whatever its zone; what another program left there and is no time as it is."""
    try:
        return without_zone(value)
    except ValueError:
        return str(value)


def temp_budget_expiry(record: Mapping[str, Any]) -> str | None:
    value = metadata_of(record).get("temp_budget_expiry")
    if not value:
        return None
    return str(value) if ZONE.search(str(value)) else f"{value}+00:00"


def raised_by(record: Mapping[str, Any], now: datetime) -> float:
    """Return how much the budget is raised for a while, 0 if that is over.

    :param now: the server's time.
    """
    raised, until = metadata_of(record).get("temp_budget_increase"), temp_budget_expiry(record)
    is_number = isinstance(raised, (int, float)) and not isinstance(raised, bool)
    try:
        return float(raised) if is_number and until and parse_time(until) > now else 0.0  # type: ignore[arg-type]
    except ValueError:  # another program left no time there
        return 0.0


def check_time(value: str) -> str | None:
    try:
        parse_time(value)
    except ValueError:
        return (
            f"'{value}' is not a valid time. Use ISO 8601 format with a time zone, such as 2030-01-31T18:00:00+01:00."
        )
    return None


def organization(record: Mapping[str, Any]) -> Any:
    """Return the organization, which only the listing calls ``org_id``; of both, that of an answer counts."""
    return record["organization_id"] if "organization_id" in record else record.get("org_id")


def policies(record: Mapping[str, Any]) -> Any:
    return metadata_of(record).get("policies") or record.get("policies")


# What LiteLLM keeps of a key type, and all that it looks at: the column key_type stays as it was when routes change.
ROUTES_OF_TYPE: Mapping[str, list[str]] = {
    "default": [],
    "llm_api": ["llm_api_routes"],
    "management": ["management_routes"],
    "read_only": ["info_routes"],
}


def key_type(record: Mapping[str, Any]) -> str | None:
    """Return the type whose routes a key has, None if its routes are its own."""
    stored = record.get("allowed_routes") or []
    return next((name for name, routes in ROUTES_OF_TYPE.items() if routes == stored), None)


def metadata_of(record: Mapping[str, Any]) -> dict[str, Any]:
    value = record.get("metadata")
    return dict(value) if isinstance(value, Mapping) else {}


# The entry of metadata that says which declared reissue was the last one carried out.
REISSUE_MARK = "litellm_vkey_reissue"
# The entry of metadata that says to which workshop, or other group, a key belongs.
GROUP_MARK = "litellm_vkey_group"
# The entry of metadata that lists the ids that the key had before its value was replaced. They must not come back.
RETIRED_MARK = "litellm_vkey_retired"
# The entry of metadata that says which version of the seed's value a key got when its value was replaced for its age.
VERSION_MARK = "litellm_vkey_key_version"
# The entry of metadata of a key that goes on for a while under its retired name: what it had spent when another one
# took its place, and, once that is there, which one.
GRACE_MARK = "litellm_vkey_grace"
# The entry of metadata that says of which old key the spending was added to that of a key.
ADDED_MARK = "litellm_vkey_grace_added"
# Entries of metadata that no option declares; those that back a field of the table are known from the table.
RESERVED_METADATA = (
    RETIRED_MARK,
    GRACE_MARK,
    ADDED_MARK,
    "service_account_id",
    "team_member_key_duration",
    "disable_global_guardrails",
)
# What no option names and a key that takes another's place must have all the same.
INHERITED = ("spend", "budget_fallbacks")
LIMIT_TYPES = ("guaranteed_throughput", "best_effort_throughput", "dynamic")


def token_of(value: str) -> str:
    """Return the token, or key id, under which the server stores a value."""
    return hashlib.sha256(value.encode()).hexdigest()


def retired_ids(record: Mapping[str, Any]) -> list[str]:
    """Return the ids that a key had before its value was replaced, the last one at the end."""
    value = metadata_of(record).get(RETIRED_MARK)
    return [str(one) for one in value] if isinstance(value, list) else []


def grace_of(record: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return what is noted of a key that goes on for a while, or is to; None if it is no such key."""
    value = metadata_of(record).get(GRACE_MARK)
    return value if isinstance(value, Mapping) else None


def successor_of(record: Mapping[str, Any]) -> str | None:
    """Return the id of the key that took the place of one that goes on for a while, None if it is no such key."""
    value = (grace_of(record) or {}).get("successor")
    return str(value) if value else None


def unadded_spend(record: Mapping[str, Any], old: Mapping[str, Any]) -> float:
    """Return what an old key spent since another one took its place and is not in the spending of that one yet."""
    if successor_of(old) != record["token"] or metadata_of(record).get(ADDED_MARK) == old["token"]:
        return 0.0
    before = (grace_of(old) or {}).get("spend")
    return max(0.0, (old.get("spend") or 0.0) - before) if isinstance(before, (int, float)) else 0.0


def version_of(record: Mapping[str, Any] | None) -> int:
    """Return the version of the seed's value that was noted of a key, 1 if none was."""
    value = metadata_of(record or {}).get(VERSION_MARK)
    return value if isinstance(value, int) else 1


def value_made_at(record: Mapping[str, Any]) -> datetime | None:
    """Return when a key got its value, None if the proxy does not tell."""
    made = [parse_time(record[name]) for name in ("created_at", "last_rotation_at") if record.get(name)]
    return max(made, default=None)


def reissue_of(record: Mapping[str, Any] | None) -> str:
    """Return the note of the last reissue of a key, empty if it never was."""
    return str(metadata_of(record or {}).get(REISSUE_MARK) or "")


def limits_of_budget(record: Mapping[str, Any]) -> list[str]:
    """Return the limits of the budget to which a key refers, without which it holds only the key's soft budget."""
    budget = record.get("litellm_budget_table") or {}
    return [
        name for name in ("max_budget", "budget_duration", "tpm_limit", "rpm_limit") if not is_empty(budget.get(name))
    ]


def own_metadata(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return the user's part of ``metadata``: without what backs other fields and what is the server's."""
    return {name: value for name, value in metadata_of(record).items() if name not in NOT_THE_USERS}


KEY = Resource(
    kind="virtual key",
    identity="key_alias",
    fields=(
        KeyField("key_alias", check=check_alias, cleared=NOT_CLEARABLE),
        KeyField(name="models", type="list", elements="str", cleared=[], refers_to="model"),
        KeyField("max_budget", "float", unit="USD", check=check_not_negative),
        KeyField(
            "soft_budget",
            "float",
            unit="USD",
            check=check_not_negative,
            path=("litellm_budget_table", "soft_budget"),
            answered=False,
            update_since="1.102.0",
        ),
        KeyField("budget_duration", unit="duration", check=check_duration, clear_since="1.90.0"),
        KeyField(name="budget_id", refers_to="budget"),
        KeyField(
            "budget_limits",
            "list",
            "dict",
            suboptions=BUDGET_WINDOW,
            check=check_windows,
            normalize=windows,
            serialize=windows,
            cleared=[],
            since="1.83.10",
            clear_since="1.90.0",
        ),
        KeyField(
            name="temp_budget_increase",
            type="float",
            unit="USD",
            path=("metadata", "temp_budget_increase"),
            same=json_equal,
            check=check_not_negative,
            requires_field="temp_budget_expiry",
            in_metadata_only=("create",),
        ),
        KeyField(
            "temp_budget_expiry",
            unit="ISO 8601 with time zone",
            path=("metadata", "temp_budget_expiry"),
            read=temp_budget_expiry,
            normalize=second,
            check=check_time,
            serialize=without_zone,
            requires_field="temp_budget_increase",
            in_metadata_only=("create",),
        ),
        KeyField(
            "reset_spend",
            path=("metadata", SPEND_MARK),
            check=has_text,
            in_metadata_only=("create", "update"),
            since="1.81.7",
            declares=False,
        ),
        KeyField(
            "reissue",
            path=("metadata", REISSUE_MARK),
            check=check_name,
            in_metadata_only=("create", "update"),
            cleared=NOT_CLEARABLE,
            declares=False,
        ),
        KeyField(
            "key_version",
            "int",
            path=("metadata", VERSION_MARK),
            in_metadata_only=("create", "update"),
            cleared=NOT_CLEARABLE,
        ),
        KeyField("group", path=("metadata", GROUP_MARK), check=has_text, in_metadata_only=("create", "update")),
        KeyField("user_id"),
        KeyField(name="team_id", references=TO_TEAMS),
        KeyField(
            name="organization_id", read=organization, refers_to="organization", since="1.79.0", update_since="1.82.3"
        ),
        KeyField("project_id", once=True, since="1.81.14", update_since="1.109.0", clear_since="1.102.0"),
        KeyField("agent_id", since="1.81.16"),
        KeyField(
            "service_account_id",
            path=("metadata", "service_account_id"),
            in_metadata_only=("create",),
            create_path="/key/service-account/generate",
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
            choices=tuple(ROUTES_OF_TYPE),
            read=key_type,
            cleared=NOT_CLEARABLE,
            since="1.74.9",
            default="default",
        ),
        KeyField("max_parallel_requests", "int", unit="requests", check=check_up_to(MAX_REQUESTS)),
        KeyField("tpm_limit", "int", unit="tokens/min", check=check_up_to(MAX_TOKENS)),
        KeyField("rpm_limit", "int", unit="requests/min", check=check_up_to(MAX_TOKENS)),
        KeyField("tpd_limit", "int", unit="tokens/day", check=check_up_to(MAX_TOKENS), since="1.106.2"),
        KeyField("tpm_limit_type", choices=LIMIT_TYPES, path=("metadata", "tpm_limit_type"), since="1.77.7"),
        KeyField("rpm_limit_type", choices=LIMIT_TYPES, path=("metadata", "rpm_limit_type"), since="1.77.7"),
        KeyField(
            "model_tpm_limit",
            "dict",
            unit="tokens/min by model",
            path=("metadata", "model_tpm_limit"),
            parse=numbers(),
            check=check_counts_by_model,
            cleared={},
        ),
        KeyField(
            "model_rpm_limit",
            "dict",
            unit="requests/min by model",
            path=("metadata", "model_rpm_limit"),
            parse=numbers(),
            check=check_counts_by_model,
            cleared={},
        ),
        KeyField(
            "model_max_budget",
            "dict",
            unit="{max_budget: USD, budget_duration: duration} by model",
            parse=numbers(),
            cleared={},
            licensed=True,
        ),
        KeyField("metadata", "dict", read=own_metadata, normalize=without_callback_values, redact=redact, cleared={}),
        KeyField("tags", "list", "str", path=("metadata", "tags"), cleared=[], licensed=True),
        KeyField("aliases", "dict", unit="model name by alias", cleared={}),
        KeyField("config", "dict", cleared={}),
        KeyField("permissions", "dict", cleared={}, licensed_entries=("get_spend_routes",)),
        KeyField(
            "guardrails",
            "list",
            "str",
            path=("metadata", "guardrails"),
            references=TO_GUARDRAILS,
            cleared=[],
            licensed=True,
        ),
        KeyField(
            "policies",
            "list",
            "str",
            path=("metadata", "policies"),
            read=policies,
            answered=False,
            references=TO_POLICIES,
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
            read=object_permission,
            normalize=normalize_permissions,
            merged=True,
            update=changed_permissions,
            check=check_permissions,
            references=OF_PERMISSIONS,
            answered=False,
            since="1.71.3",
        ),
        KeyField("access_group_ids", "list", "str", references=TO_ACCESS_GROUPS, cleared=[], since="1.81.12"),
        KeyField(
            "router_settings",
            "dict",
            parse=numbers(IN_ROUTER_SETTINGS),
            check=check_router_settings,
            read=router_settings,
            normalize=without_null,
            merged=True,
            cleared={},
            since="1.80.13",
        ),
        KeyField(
            name="auto_rotate",
            type="bool",
            empty_values=(False,),
            cleared=False,
            requires_field="rotation_interval",
            since="1.77.5",
        ),
        KeyField(
            "rotation_interval", unit="duration", check=check_duration, requires_field="auto_rotate", since="1.77.5"
        ),
        KeyField("blocked", "bool", empty_values=(False,), cleared=False),
        KeyField(
            "expires_at",
            unit="ISO 8601 with time zone",
            path=("expires",),
            same=same_moment,
            check=check_time,
            clear_since="1.80.12",
        ),
    ),
)


ROWS: dict[str, KeyField] = {row.name: row for row in KEY.fields if isinstance(row, KeyField)}
# Which option declares an entry of metadata.
OPTION_OF = {row.entry: row.name for row in ROWS.values() if row.entry}
NOT_THE_USERS = (*OPTION_OF, *RESERVED_METADATA)


def public_view(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a key as it is returned: all its fields, its id and its readings. Never the secret."""
    names = ("spend", "budget_reset_at", "created_at", "created_by", "updated_at", "last_active")
    return {
        **{row.name: None for row in KEY.fields},
        **KEY.redact(KEY.view(record)),
        "blocked": bool(record.get("blocked")),
        "key_id": record.get("token"),
        "key_name": record.get("key_name"),
        **{name: record.get(name) for name in names},
    }


def readings(public: Mapping[str, Any]) -> dict[str, Any]:
    """Return what many people want to know of their keys.

    The time is to the second: answers differ in the rest of it.
    """
    names = ("models", "max_budget", "expires_at", "blocked", "spend")
    values = {name: public.get(name) for name in names}
    return {**values, "expires_at": values["expires_at"] and f"{second(values['expires_at'])}Z"}
