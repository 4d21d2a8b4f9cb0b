# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A team: what it may use and spend together. Private: only for use inside this collection."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from .._crud._definition import CrudDeclaration, Record, Request, Values
from .._crud._dependents import MODEL, count_and_name, find_dependents, is_member, keys_left
from .._crud._limits import unknown_models
from .._crud._metadata import SPEND_MARK, Metadata
from .._crud._numbers import IN_ROUTER_SETTINGS, numbers
from .._crud._object import CrudObject
from .._crud._references import OF_PERMISSIONS, TO_ACCESS_GROUPS, TO_GUARDRAILS, TO_POLICIES
from .._crud._rows import (
    BUDGET_WINDOW,
    MAX_TOKENS,
    changed_permissions,
    check_counts_by_model,
    check_not_negative,
    check_permissions,
    check_router_settings,
    check_up_to,
    check_windows,
    normalize_permissions,
    object_permission,
    router_settings,
    windows,
    without_null,
)
from .._durations import check_duration
from .._engine import NOT_CLEARABLE, Field, Plan, Resource
from .._listings import TEAMS
from .._proxy import MASTER_USER, Proxy
from .._shapes import TEXT, ensure_shape, maybe
from .._text import join_limited

# What members can be permitted, and since when. A server that does not know one refuses new keys to every member.
PERMISSIONS = {
    "/key/generate": "",
    "/key/update": "",
    "/key/delete": "",
    "/key/regenerate": "",
    "/key/service-account/generate": "",
    "/key/{key_id}/regenerate": "",
    "/key/block": "",
    "/key/unblock": "",
    "/key/bulk_update": "",
    "/team/key/bulk_update": "1.90.0",
    "/key/{key_id}/reset_spend": "",
    "/key/access_group_assignment": "1.90.0",
    "/key/info": "",
    "/key/health": "",
    "/key/list": "",
    "/key/aliases": "",
    "/team/daily/activity": "",
    "/team/daily/activity/aggregated": "1.106.2",
    "/spend/logs": "",
    "/spend/logs/v2": "1.90.0",
    "/auto_router/manage": "1.106.2",
}
LIMIT_TYPES = ("guaranteed_throughput", "best_effort_throughput")
VECTOR_STORE_INDEX = {
    "index_name": {"type": "str", "required": True},
    "index_permissions": {"type": "list", "elements": "str", "choices": ["read", "write"], "required": True},
}
# What LiteLLM keeps in a budget of the members. The period is the last to be sent again: it begins again then.
OF_MEMBERS = ("team_member_budget", "team_member_rpm_limit", "team_member_tpm_limit", "team_member_budget_duration")

# What LiteLLM compares with the organization of a team.
OF_ORGANIZATION = ("models", "max_budget", "tpm_limit", "rpm_limit")


def _check_budget(value: float) -> str | None:
    return check_not_negative(value) or (
        None if value else "LiteLLM ignores a budget of 0. To remove the limit, use O(unset)."
    )


def _check_budgets(value: Mapping[str, Any]) -> str | None:
    wrong = [str(name) for name, budget in value.items() if not _is_budget(budget)]
    return f"needs 'max_budget' and 'budget_duration' for {', '.join(wrong)}." if wrong else None


def _is_budget(value: Any) -> bool:
    if not isinstance(value, Mapping) or set(value) != set(BUDGET_WINDOW):
        return False
    amount, duration = value["max_budget"], value["budget_duration"]
    is_number = isinstance(amount, (int, float)) and not isinstance(amount, bool)
    return is_number and isinstance(duration, str) and check_windows([value]) is None


def _check_team_id(value: str) -> str | None:
    return "'litellm-dashboard' is reserved for LiteLLM." if value == "litellm-dashboard" else None


def _of_members(name: str, column: str, kind: str, unit: str, check: Any) -> Field:
    """Return a default for the members of the team, which LiteLLM keeps in a budget of its own."""
    path = ("team_member_budget_table", column)
    return Field(name, kind, unit=unit, path=path, check=check, clear_since="1.90.0")


def _in_metadata(name: str, kind: str = "str", elements: str | None = None, **more: Any) -> Field:
    """Return a field that requests take by its name and LiteLLM keeps in metadata."""
    return Field(name, kind, elements, path=("metadata", name), **more)


def _by_model(name: str, unit: str, **more: Any) -> Field:
    return _in_metadata(name, "dict", unit=unit, parse=numbers(), check=check_counts_by_model, **more)


def _licensed(name: str, kind: str = "list", elements: str | None = "str", **more: Any) -> Field:
    return _in_metadata(name, kind, elements, licensed=True, **more)


def _check_above_zero(value: int) -> str | None:
    return "must be above 0." if value < 1 else None


def _check_above_zero_by_model(value: Mapping[str, Any]) -> str | None:
    return check_counts_by_model(value) or (None if all(value.values()) else "each number must be above 0.")


IN_METADATA = (
    _by_model("model_tpm_limit", "tokens/min by model"),
    _by_model("model_rpm_limit", "requests/min by model"),
    _by_model("mcp_rpm_limit", "requests/min by MCP server", since="1.90.0"),
    _in_metadata("tpm_limit_type", choices=LIMIT_TYPES),
    _in_metadata("rpm_limit_type", choices=LIMIT_TYPES),
    _in_metadata("default_estimated_output_tokens", "int", unit="tokens", check=_check_above_zero, since="1.98.1"),
    _in_metadata(
        "default_estimated_output_tokens_per_model",
        "dict",
        unit="tokens by model",
        parse=numbers(),
        check=_check_above_zero_by_model,
        since="1.98.1",
    ),
    _in_metadata("allowed_vector_store_indexes", "list", "dict", suboptions=VECTOR_STORE_INDEX),
    _in_metadata("enforced_batch_output_expires_after", "dict", parse=numbers()),
    _in_metadata("enforced_file_expires_after", "dict", parse=numbers()),
    _in_metadata("require_trace_id", "bool", empty_values=(False,), since="1.108.0"),
    _licensed("tags"),
    _licensed("guardrails", references=TO_GUARDRAILS),
    _licensed("disable_global_guardrails", "bool", None, empty_values=(False,), since="1.90.0"),
    _licensed("policies", references=TO_POLICIES),
    _licensed("prompts"),
    _licensed("allowed_passthrough_routes"),
    _licensed("denied_passthrough_routes", since="1.106.2"),
    _licensed("team_member_key_duration", "str", None, unit="duration", check=check_duration),
)
METADATA = Metadata(
    IN_METADATA,
    server=("team_member_budget_id", SPEND_MARK),
    carried_by=OF_MEMBERS,
)
TEAM = Resource(
    kind="team",
    identity="team_id",
    fields=(
        Field("team_id", cleared=NOT_CLEARABLE, check=_check_team_id),
        Field("team_alias"),
        Field("organization_id"),
        Field("models", "list", "str", cleared=[]),
        Field("model_aliases", "dict", path=("litellm_model_table", "model_aliases"), cleared={}, since="1.98.1"),
        Field("max_budget", "float", unit="USD", check=_check_budget),
        Field("soft_budget", "float", unit="USD", check=check_not_negative),
        Field("budget_duration", unit="duration", check=check_duration),
        Field(
            "budget_limits",
            "list",
            "dict",
            suboptions=BUDGET_WINDOW,
            check=check_windows,
            normalize=windows,
            serialize=windows,
        ),
        Field("tpm_limit", "int", unit="tokens/min", check=check_up_to(MAX_TOKENS)),
        Field("rpm_limit", "int", unit="requests/min", check=check_up_to(MAX_TOKENS)),
        Field("tpd_limit", "int", unit="tokens/day", check=check_up_to(MAX_TOKENS), since="1.106.2"),
        Field(
            "model_max_budget",
            "dict",
            unit="{max_budget: USD, budget_duration: duration} by model",
            parse=numbers(),
            check=_check_budgets,
            cleared={},
            since="1.106.2",
            licensed=True,
        ),
        *IN_METADATA,
        _of_members("team_member_budget", "max_budget", "float", "USD", check_not_negative),
        _of_members("team_member_budget_duration", "budget_duration", "str", "duration", check_duration),
        _of_members("team_member_tpm_limit", "tpm_limit", "int", "tokens/min", check_up_to(MAX_TOKENS)),
        _of_members("team_member_rpm_limit", "rpm_limit", "int", "requests/min", check_up_to(MAX_TOKENS)),
        Field("team_member_permissions", "list", "str", choices=tuple(PERMISSIONS), cleared=[]),
        Field("default_team_member_models", "list", "str", cleared=[]),
        Field("access_group_ids", "list", "str", references=TO_ACCESS_GROUPS, cleared=[]),
        Field(
            "object_permission",
            "dict",
            read=object_permission,
            normalize=normalize_permissions,
            merged=True,
            check=check_permissions,
            references=OF_PERMISSIONS,
            cleared={},
        ),
        METADATA.field,
        Field(
            "router_settings",
            "dict",
            parse=numbers(IN_ROUTER_SETTINGS),
            check=check_router_settings,
            read=router_settings,
            normalize=without_null,
            merged=True,
            cleared={},
        ),
        Field("blocked", "bool", empty_values=(False,), cleared=False),
    ),
)


class Team(CrudObject):
    table = TEAM
    alias = "team_alias"
    extra_options = {**METADATA.options, "validate_models": {"type": "bool", "default": False}}
    reading_names = ("spend", "budget_reset_at", "created_at", "updated_at")
    filters = ("organization_id",)

    create = Request("POST", "/team/new")
    update = Request("POST", "/team/update", id="team_id")
    delete = Request("POST", "/team/delete", id="team_ids", many=True)
    listing = TEAMS
    get = Request("GET", "/team/info?key_limit=1", id="team_id", entries="team_info", missing="Team not found")
    unlisted = ("model_aliases", "object_permission", *OF_MEMBERS)
    doubtful_get = True

    def lists_all_of(self, record: Record, _want: CrudDeclaration | None) -> bool:
        """Return whether a team has nothing that stands in another row, which the listing does not show."""
        rows = ("model_id", "object_permission_id")
        budget = (record.get("metadata") or {}).get("team_member_budget_id")
        return not budget and all(name in record and record[name] is None for name in rows)

    def check_options(self, options: Values) -> list[str]:
        return METADATA.check_options(options)

    def desired(self, fields: Values, options: Values, record: Record | None) -> Values:
        return METADATA.desired(fields, options, record)

    def update_body(self, body: dict[str, Any], plan: Plan, _proxy: Proxy) -> dict[str, Any]:
        """Return what ``/team/update`` takes.

        LiteLLM up to 1.98 forgets the members' limits with metadata without one.
        """
        apart = {"team_member_permissions", *self._cleared_of_members(plan)}
        apart |= {name for part in _moves(plan) for name in part}
        rest = replace(plan, changes={name: value for name, value in plan.changes.items() if name not in apart})
        body = METADATA.update_body({name: value for name, value in body.items() if name not in apart}, rest)
        if "object_permission" in body:
            present = object_permission(plan.existing)
            body["object_permission"] = changed_permissions(plan.changes["object_permission"], present)
        limits = {name: TEAM.field(name).value(plan.existing) for name in OF_MEMBERS}
        kept = [name for name, value in limits.items() if value is not None]
        if "metadata" not in body or not kept or any(name in body for name in OF_MEMBERS):
            return body
        return {**body, kept[0]: limits[kept[0]]}

    def further_requests(self, team_id: str, plan: Plan, _proxy: Proxy) -> Iterator[tuple[str, Values]]:
        """Return what an update does not take, or not together with the rest.

        It takes no permissions. Up to 1.98, it clears limits of members only if nothing else is in it.
        """
        if plan.action != "update":
            return
        cleared = self._cleared_of_members(plan)
        if cleared:
            yield "/team/update", {"team_id": team_id, **dict.fromkeys(cleared)}
        if "team_member_permissions" in plan.changes:
            permissions = plan.after["team_member_permissions"] or []
            yield "/team/permissions_update", {"team_id": team_id, "team_member_permissions": permissions}
        for part in _moves(plan):
            yield "/team/update", {"team_id": team_id, **part}

    def _cleared_of_members(self, plan: Plan) -> list[str]:
        rows = [TEAM.field(name) for name in OF_MEMBERS if name in plan.changes]
        return [row.name for row in rows if row.is_empty(plan.changes[row.name])]

    def check_plan(self, plan: Plan, options: Values, proxy: Proxy) -> str | None:
        """Refuse unknown models and permissions, of which LiteLLM takes any name."""
        return (
            unknown_models(plan, options, proxy)
            or _unknown_permissions(plan, proxy)
            or _budget_of_members_is_gone(plan)
        )

    def losses(self, plan: Plan, _options: Values, proxy: Proxy) -> list[str]:
        """Return what LiteLLM deletes with a team: its keys, its models, and what its members may spend in it."""
        if plan.action != "delete":
            return []
        shape = {
            "keys": [{"key_alias": maybe(TEXT), "team_id": maybe(TEXT)}],
            "team_memberships": [{"user_id": TEXT, "budget_id": maybe(TEXT)}],
        }
        answer = ensure_shape(
            proxy.client.get("/team/info", {"team_id": plan.existing["team_id"]}), shape, "GET /team/info"
        )
        left = keys_left(answer["keys"], proxy, team_id=plan.existing["team_id"])
        keys = sorted(key.get("key_alias") or "a key without an alias" for key in left)
        of_all = (plan.existing.get("metadata") or {}).get("team_member_budget_id")
        # Older versions make the creator a member, and the master key has no limits.
        members = [one for one in answer["team_memberships"] if one["user_id"] != MASTER_USER]
        limited = [
            one["user_id"]
            for one in members
            if one.get("budget_id") not in (None, of_all) and is_member(one["user_id"], plan.existing, proxy)
        ]
        together = "LiteLLM deletes the keys of a team together with the team, and this team has"
        models = find_dependents(
            proxy, {MODEL: lambda row: (row.get("model_info") or {}).get("team_id") == plan.existing["team_id"]}
        )
        owned = count_and_name(models)
        return [
            *([f"LiteLLM deletes the models of a team together with the team: {owned}."] if owned else []),
            *([f"{together} {len(keys)}: {join_limited(keys)}."] if keys else []),
            *([f"Its members have limits in it: {join_limited(limited)}."] if limited else []),
        ]


def _moves(plan: Plan) -> list[dict[str, Any]]:
    """Return, in order, the parts of an update that moves a team to another organization with other models or limits.

    LiteLLM compares new values with the organization that the team has, and the values that the team has with the one
    that it joins. So the team leaves the one first, and joins the other last.
    """
    values = {name: TEAM.field(name).to_api(plan.changes[name]) for name in OF_ORGANIZATION if name in plan.changes}
    if "organization_id" not in plan.changes or not values:
        return []
    row = TEAM.field("organization_id")
    joined = plan.changes["organization_id"]
    leave = [] if row.is_empty(row.value(plan.existing)) else [{"organization_id": row.cleared}]
    return [*leave, values, *([] if row.is_empty(joined) else [{"organization_id": joined}])]


def _unknown_permissions(plan: Plan, proxy: Proxy) -> str | None:
    permissions = plan.changes.get("team_member_permissions")
    newer = [name for name in permissions if PERMISSIONS[name]] if isinstance(permissions, list) else []
    unknown = [name for name in newer if proxy.version and not proxy.at_least(PERMISSIONS[name])]
    if not unknown:
        return None
    needs = ", ".join(f"{name} (since {PERMISSIONS[name]})" for name in unknown)
    return f"O(team_member_permissions): LiteLLM {proxy.version} on this proxy does not know {needs}."


def _budget_of_members_is_gone(plan: Plan) -> str | None:
    """Return why limits of members cannot change: once their budget is deleted, LiteLLM fails."""
    metadata = plan.existing.get("metadata")
    budget = metadata.get("team_member_budget_id") if isinstance(metadata, Mapping) else None
    if not budget or plan.existing.get("team_member_budget_table") or not set(OF_MEMBERS) & set(plan.changes):
        return None
    return (
        f"the budget {budget}, in which LiteLLM keeps the limits of the team's members, was deleted. "
        "Create a budget with this ID first."
    )
