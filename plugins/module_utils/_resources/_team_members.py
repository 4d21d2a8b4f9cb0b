# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who belongs to a team. Private: only for use inside this collection."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from .._crud._define import define
from .._crud._definition import Definition, Endpoints, Hooks, Request
from .._engine import NOT_CLEARABLE, Field, Plan, Resource
from .._values import not_a_name, version_tuple

# LiteLLM adds the members of one request in one transaction, which may take no longer than 5 seconds.
MOST_AT_ONCE = 25
# Older versions take a member's budget away with a change of the role.
ROLE_SINCE = "1.90.0"
Member = Mapping[str, Any]


def _members(team: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The members as LiteLLM knows them, without their names and addresses, which are those of the users."""
    listed = team.get("members_with_roles") or ()
    return [{"user_id": member["user_id"], "role": member["role"]} for member in listed if member.get("user_id")]


def _roles(members: Sequence[Member]) -> dict[str, str]:
    return {member["user_id"]: member["role"] for member in members}


def _are_members(value: Sequence[Member]) -> str | None:
    wrong = [f"user_id {reason}" for reason in (not_a_name(member["user_id"]) for member in value) if reason]
    counts = Counter(member["user_id"] for member in value)
    twice = ", ".join(user_id for user_id, count in counts.items() if count > 1)
    return wrong[0] if wrong else f"{twice} is listed more than once." if twice else None


MEMBERS = Field(
    "members",
    "list",
    "dict",
    suboptions={
        "user_id": {"type": "str", "required": True},
        "role": {"type": "str", "choices": ["user", "admin"]},
    },
    read=_members,
    same=lambda declared, actual: _roles(declared) == _roles(actual),
    check=_are_members,
    cleared=NOT_CLEARABLE,
)
TEAM_MEMBERS = Resource(kind="team", identity="team_id", fields=(Field("team_id", cleared=NOT_CLEARABLE), MEMBERS))


def _prepare(
    fields: Mapping[str, Any], _options: Mapping[str, Any], team: Mapping[str, Any] | None
) -> Mapping[str, Any]:
    """All members that the team is to have: those who are not declared stay, and a role that is not declared, too."""
    roles = _roles(MEMBERS.value(team) or ())
    for member in fields.get("members") or ():
        roles[member["user_id"]] = member.get("role") or roles.get(member["user_id"], "user")
    return {**fields, "members": [{"user_id": user_id, "role": role} for user_id, role in roles.items()]}


def _differing(plan: Plan) -> tuple[list[Member], list[Member]]:
    """The members to add, and those whose role changes."""
    roles = _roles(MEMBERS.value(plan.existing))
    members = plan.changes["members"]
    new = [member for member in members if member["user_id"] not in roles]
    changed = [member for member in members if roles.get(member["user_id"], member["role"]) != member["role"]]
    return new, changed


def _requests(team_id: str, plan: Plan) -> list[tuple[str, dict[str, Any]]]:
    """One after the other: LiteLLM up to 1.90 loses members that are added side by side."""
    new, changed = _differing(plan)
    lists = [new[start : start + MOST_AT_ONCE] for start in range(0, len(new), MOST_AT_ONCE)]
    return [
        *(("/team/member_add", {"team_id": team_id, "member": members}) for members in lists),
        *(("/team/member_update", {"team_id": team_id, **member}) for member in changed),
    ]


def _refuse(plan: Plan, _options: Mapping[str, Any], proxy: Any) -> str | None:
    new, changed = _differing(plan)
    admins = [member["user_id"] for member in (*new, *changed) if member["role"] == "admin"]
    if admins and proxy.licensed is False:
        return (
            f"members, {admins[0]}: the role admin needs a LiteLLM Enterprise license, which the proxy does not have."
        )
    if changed and proxy.version and version_tuple(proxy.version) < version_tuple(ROLE_SINCE):
        name = changed[0]["user_id"]
        return f"members, {name}: LiteLLM {proxy.version} on this proxy cannot change a role without removing budgets."
    return None


TEAM_MEMBERS_KIND, TEAM_MEMBERS_INFO = define(
    Definition(
        TEAM_MEMBERS,
        Endpoints(
            update=Request("POST", "/team/member_add", id="team_id"),
            listing=Request("GET", "/v2/team/list", entries="teams", paged=True),
            # It shows one team sooner than /team/info does, which adds the keys and budgets of all members.
            read=Request("GET", "/v2/team/list", id="team_id", entries="teams"),
        ),
        Hooks(prepare=_prepare, update_body=lambda body, plan: {}, further=_requests, refuse=_refuse),
        options={field.name: {**field.option(), "required": True} for field in TEAM_MEMBERS.fields},
    )
)
