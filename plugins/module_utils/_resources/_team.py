# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A team: what it may use and spend together. Private: only for use inside this collection."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._crud._define import define
from .._crud._definition import Definition, Endpoints, Hooks, Request
from .._crud._limits import unknown_models
from .._crud._metadata import Metadata
from .._crud._rows import (
    BUDGET_WINDOW,
    MOST_TOKENS,
    are_windows,
    counts_by_model,
    not_negative,
    router_settings,
    up_to,
    windows,
    without_null,
)
from .._durations import is_duration
from .._engine import NOT_CLEARABLE, Field, Plan, Resource
from .._shapes import LIST, checked

# One that a server does not know makes it refuse new keys to every member.
PERMISSIONS = (
    "/key/generate",
    "/key/update",
    "/key/delete",
    "/key/regenerate",
    "/key/service-account/generate",
    "/key/{key_id}/regenerate",
    "/key/block",
    "/key/unblock",
    "/key/info",
    "/key/health",
    "/key/list",
    "/key/aliases",
)
LIMITS_OF_MEMBERS = ("team_member_budget", "team_member_rpm_limit", "team_member_tpm_limit")


def _caps(value: float) -> str | None:
    return not_negative(value) or (None if value else "LiteLLM ignores a budget of 0. To remove the limit, use unset.")


def _is_free(value: str) -> str | None:
    return "'litellm-dashboard' is reserved for LiteLLM." if value == "litellm-dashboard" else None


def _of_members(name: str, column: str, kind: str, unit: str, check: Any) -> Field:
    """A default for the members of the team, which LiteLLM keeps in a budget of its own."""
    path = ("team_member_budget_table", column)
    return Field(name, kind, unit=unit, path=path, check=check, clear_since="1.90.0")


BY_MODEL = tuple(
    Field(name, "dict", unit=unit, path=("metadata", name), check=counts_by_model, cleared={})
    for name, unit in (("model_tpm_limit", "tokens/min by model"), ("model_rpm_limit", "requests/min by model"))
)
METADATA = Metadata(
    BY_MODEL,
    server=("team_member_budget_id",),
    carried_by=(*LIMITS_OF_MEMBERS, "team_member_budget_duration"),
)
TEAM = Resource(
    kind="team",
    identity="team_id",
    fields=(
        Field("team_id", cleared=NOT_CLEARABLE, check=_is_free),
        Field("team_alias"),
        Field("organization_id"),
        Field("models", "list", "str", cleared=[]),
        Field("model_aliases", "dict", path=("litellm_model_table", "model_aliases"), cleared={}, since="1.98.1"),
        Field("max_budget", "float", unit="USD", check=_caps),
        Field("soft_budget", "float", unit="USD", check=not_negative),
        Field("budget_duration", unit="duration", check=is_duration),
        Field(
            "budget_limits", "list", "dict", suboptions=BUDGET_WINDOW, check=are_windows, normal=windows, sent=windows
        ),
        Field("tpm_limit", "int", unit="tokens/min", check=up_to(MOST_TOKENS)),
        Field("rpm_limit", "int", unit="requests/min", check=up_to(MOST_TOKENS)),
        *BY_MODEL,
        _of_members("team_member_budget", "max_budget", "float", "USD", not_negative),
        _of_members("team_member_budget_duration", "budget_duration", "str", "duration", is_duration),
        _of_members("team_member_tpm_limit", "tpm_limit", "int", "tokens/min", up_to(MOST_TOKENS)),
        _of_members("team_member_rpm_limit", "rpm_limit", "int", "requests/min", up_to(MOST_TOKENS)),
        Field("team_member_permissions", "list", "str", choices=PERMISSIONS, cleared=[]),
        Field("default_team_member_models", "list", "str", cleared=[]),
        Field("access_group_ids", "list", "str", cleared=[]),
        METADATA.field,
        Field("router_settings", "dict", read=router_settings, normal=without_null, merged=True, cleared={}),
        Field("blocked", "bool", nothing=(False,), cleared=False),
    ),
)


def _update_body(body: dict[str, Any], plan: Plan) -> dict[str, Any]:
    """What ``/team/update`` takes. LiteLLM up to 1.98 forgets the members' limits when it gets metadata without one."""
    body = METADATA.update_body(body, plan)
    body.pop("team_member_permissions", None)
    limits = {name: TEAM.field(name).value(plan.existing) for name in LIMITS_OF_MEMBERS if name not in body}
    kept = [name for name, value in limits.items() if value is not None]
    return {**body, kept[0]: limits[kept[0]]} if "metadata" in body and kept else body


def _further(team_id: str, plan: Plan) -> list[tuple[str, dict[str, Any]]]:
    """An update takes no permissions: they have an endpoint of their own."""
    if plan.action != "update" or "team_member_permissions" not in plan.changes:
        return []
    permissions = plan.after["team_member_permissions"] or []
    return [("/team/permissions_update", {"team_id": team_id, "team_member_permissions": permissions})]


def _refuse_delete(team: Mapping[str, Any], client: Any) -> str | None:
    answer = client.get("/team/info", {"team_id": team["team_id"]})
    keys = checked(answer, {"keys": LIST}, "GET /team/info")["keys"]
    return (
        f"LiteLLM deletes the keys of a team together with the team, and this team has {len(keys)}." if keys else None
    )


TEAM_KIND, TEAM_INFO = define(
    Definition(
        TEAM,
        Endpoints(
            create=Request("POST", "/team/new"),
            update=Request("POST", "/team/update", id="team_id"),
            delete=Request("POST", "/team/delete", id="team_ids", many=True),
            listing=Request("GET", "/v2/team/list", entries="teams", paged=True),
            read=Request("GET", "/team/info?key_limit=1", id="team_id", entries="team_info"),
            partial=True,
        ),
        Hooks(
            check=METADATA.problems,
            prepare=METADATA.prepare,
            update_body=_update_body,
            further=_further,
            refuse=unknown_models,
            refuse_delete=_refuse_delete,
        ),
        alias="team_alias",
        options={**METADATA.options, "validate_models": {"type": "bool", "default": False}},
        readings=("spend", "budget_reset_at", "created_at", "updated_at"),
        filters=("organization_id",),
    )
)
