# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What new teams, or new users, get if nothing else is set for them. Private: only for use inside this collection.

LiteLLM has one object for teams and one for users, both of which always exist. A write replaces all of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from .._crud._definition import Record, Request, Values
from .._crud._limits import unknown_models
from .._crud._references import TO_ACCESS_GROUPS, TO_TEAMS
from .._crud._rows import MAX_TOKENS, check_not_negative, check_up_to
from .._crud._shared_rows import SharedRowObject
from .._durations import check_duration
from .._engine import NOT_CLEARABLE, Field, Plan, Resource
from .._listings import Listing
from .._proxy import Proxy
from .._shapes import MAPPING, ensure_shape
from .._text import join_limited, mark_options

TEAMS, USERS = "teams", "users"
# Where they are read and written.
READ = {TEAMS: "/get/default_team_settings", USERS: "/get/internal_user_settings"}
WRITE = {TEAMS: "/update/default_team_settings", USERS: "/update/internal_user_settings"}
# The fields of both kinds, and those of one.
COMMON = ("max_budget", "budget_duration", "models")
OF = {
    TEAMS: (*COMMON, "tpm_limit", "rpm_limit", "team_member_permissions", "organization_id", "access_group_ids"),
    USERS: (*COMMON, "user_role", "teams"),
}
ROLES = ("proxy_admin", "proxy_admin_viewer", "internal_user", "internal_user_viewer")
# What LiteLLM shows if new users have no role.
SHOWN_ROLE = "internal_user_viewer"


def _team_ids(record: Record) -> list[str] | None:
    """Return the IDs of the teams, which LiteLLM also has with a budget and a role each."""
    teams = record.get("teams")
    return teams and [team.get("team_id") if isinstance(team, Mapping) else team for team in teams]


DEFAULT_SETTINGS = Resource(
    kind="default settings",
    identity="applies_to",
    fields=(
        Field("applies_to", choices=(TEAMS, USERS), cleared=NOT_CLEARABLE),
        Field("max_budget", "float", unit="USD", check=check_not_negative),
        Field("budget_duration", unit="duration", check=check_duration),
        Field("models", "list", "str", cleared=[]),
        Field("tpm_limit", "int", unit="tokens/min", check=check_up_to(MAX_TOKENS)),
        Field("rpm_limit", "int", unit="requests/min", check=check_up_to(MAX_TOKENS)),
        Field("team_member_permissions", "list", "str"),
        Field("organization_id", since="1.98.0", licensed=True),
        Field("access_group_ids", "list", "str", references=TO_ACCESS_GROUPS, since="1.110.0"),
        Field("user_role", choices=ROLES, cleared=NOT_CLEARABLE),
        Field("teams", "list", "str", read=_team_ids, references=TO_TEAMS),
    ),
)


class DefaultSettings(SharedRowObject):
    table = DEFAULT_SETTINGS
    plural = "default_settings"
    things = "default settings"
    extra_options = {
        "validate_references": {"type": "bool", "default": True},
        "validate_models": {"type": "bool", "default": False},
    }

    create = Request("PATCH", WRITE[TEAMS])
    update = Request("PATCH", WRITE[TEAMS])
    delete = Request("PATCH", WRITE[TEAMS])
    listing = Listing(READ[TEAMS], "applies_to")

    def fetch_rows(self, _params: Mapping[str, str], proxy: Proxy) -> list[Record]:
        answers = {
            kind: ensure_shape(proxy.client.get(path), {"values": MAPPING}, f"GET {path}")
            for kind, path in READ.items()
        }
        return [{**answer["values"], "applies_to": kind} for kind, answer in answers.items()]

    def adjusted(self, plan: Plan) -> Plan:
        """Return the plan for settings, which always exist: there is nothing to delete if there are no values."""
        if plan.action == "delete" and not _values(plan.existing):
            return replace(plan, action="none")
        return plan

    def own_requests(self, plan: Plan, _proxy: Proxy) -> Iterator[tuple[str, str, Values]]:
        kind = plan.name
        body = {name: value for name, value in plan.existing.items() if name != "applies_to"}
        if plan.action == "delete":
            body = dict.fromkeys(OF[kind], None) | {"models": []}
        changes = {name: DEFAULT_SETTINGS.field(name).to_api(value) for name, value in plan.changes.items()}
        yield "PATCH", WRITE[kind], {**body, **changes}

    def undeclarable(self, record: Record, _proxy: Proxy) -> str | None:
        return None if _values(record) else "nothing is set."

    def check_options(self, options: Values) -> list[str]:
        kind = options["applies_to"]
        named = {row.name for row in DEFAULT_SETTINGS.fields if options.get(row.name) is not None}
        wrong = sorted({*named, *(options.get("unset") or ())} - {"applies_to", *OF[kind]})
        return [f"{mark_options(wrong)}: LiteLLM has no such defaults for new {kind}."] if wrong else []

    def check_plan(self, plan: Plan, options: Values, proxy: Proxy) -> str | None:
        bound = [team.get("team_id") for team in _bound_teams(plan.existing)]
        if bound and (plan.action == "delete" or "teams" in plan.changes):
            names = join_limited([str(name) for name in bound])
            return (
                f"O(teams): the budget or role of {names} was set elsewhere and would be lost. Remove it there first."
            )
        if plan.name == USERS and plan.action == "update" and options.get("user_role") is None and _hides_role(plan):
            return f"O(user_role): set it as well. LiteLLM shows {SHOWN_ROLE} also if no role is stored."
        return unknown_models(plan, options, proxy)


def _hides_role(plan: Plan) -> bool:
    return bool(plan.existing.get("user_role") == SHOWN_ROLE)


def _bound_teams(record: Record) -> Sequence[Mapping[str, Any]]:
    """Return the teams for which more is set than their IDs."""
    teams = [team for team in record.get("teams") or () if isinstance(team, Mapping)]
    return [team for team in teams if team.get("max_budget_in_team") is not None or team.get("user_role") != "user"]


def _values(record: Record) -> dict[str, Any]:
    """Return what is set. LiteLLM shows a role also if none is."""
    shown = {"user_role": SHOWN_ROLE}
    values = {row.name: row.value(record) for row in DEFAULT_SETTINGS.fields if row.name != "applies_to"}
    return {
        name: value
        for name, value in values.items()
        if not DEFAULT_SETTINGS.field(name).is_empty(value) and shown.get(name) != value
    }
