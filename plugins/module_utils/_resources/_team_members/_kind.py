# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The members of a team: what cannot be, what would be lost, and where they are. Private: only for use inside this
collection.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..._crud._define import define
from ..._crud._definition import Definition, Endpoints, Hooks, Request
from ..._crud._reading import path_of
from ..._engine import Plan, unsupported
from ..._shapes import TEXT, checked, maybe
from ..._text import join_limited
from ._requests import halves, requests
from ._table import MEMBER, TEAM_MEMBERS, as_team, by_id, to_write, with_members

INFO = Request("GET", "/team/info", id="team_id")


def _look_up(team: Mapping[str, Any], options: Mapping[str, Any], proxy: Any) -> Mapping[str, Any]:
    """Whoever runs the task stays in the team."""
    return {**team, "caller": proxy.caller} if options.get("mode") == "replace" else team


def _refuse(plan: Plan, _options: Mapping[str, Any], proxy: Any) -> str | None:
    present = by_id(plan.existing)
    for name, member in by_id({"members": plan.changes["members"]}).items():
        parts, updating = to_write(member, present.get(name, {})), name in present
        if parts.get("role") == "admin" and proxy.licensed is False:
            return (
                f"members, {name}: the role admin requires a LiteLLM Enterprise license, which the proxy does not have."
            )
        needs = ", ".join(f"{what} (since {since})" for what, since in _too_new(parts, proxy, updating))
        if needs:
            return f"members, {name}: LiteLLM {proxy.version} on this proxy does not {needs}."
    return None


def _too_new(parts: Mapping[str, Any], proxy: Any, updating: bool) -> list[tuple[str, str]]:
    """Every version can do most, for which the proxy's is not even asked."""
    return unsupported(MEMBER, parts, proxy.version, updating) if unsupported(MEMBER, parts, "0", updating) else []


def _refuse_update(plan: Plan, client: Any) -> str | None:
    """LiteLLM deletes the keys of a member in the team with the member."""
    removed = by_id(plan.existing).keys() - by_id({"members": plan.changes["members"]}).keys()
    if not removed:
        return None
    shape = {"keys": [{"user_id": maybe(TEXT), "key_alias": maybe(TEXT)}]}
    keys: dict[str, list[str]] = {}
    for key in checked(client.get(path_of(INFO, plan.existing["team_id"])), shape, "GET /team/info")["keys"]:
        if key.get("user_id") in removed:
            keys.setdefault(key["user_id"], []).append(key.get("key_alias") or "a key without an alias")
    owners = join_limited(
        [f"{name} has {len(aliases)} ({join_limited(aliases)})" for name, aliases in sorted(keys.items())]
    )
    return f"LiteLLM deletes the keys of a member in the team together with the member: {owners}." if keys else None


def _warn(plan: Plan, options: Mapping[str, Any], client: Any) -> list[str]:
    lost = _refuse_update(plan, client) if options.get("force") else None
    return [f"{plan.name}: {lost}"] if lost else []


TEAM_MEMBERS_KIND, TEAM_MEMBERS_INFO = define(
    Definition(
        TEAM_MEMBERS,
        Endpoints(
            update=Request("POST", "/team/member_add", id="team_id"),
            listing=Request("GET", "/v2/team/list", entries="teams", paged=True),
            read=Request("GET", "/team/info?key_limit=1", id="team_id"),
            partial=True,
        ),
        Hooks(
            look_up=_look_up,
            prepare=with_members,
            update_body=lambda body, plan: {},
            further=requests,
            divided=halves,
            after_read=as_team,
            refuse=_refuse,
            refuse_update=_refuse_update,
            warn=_warn,
        ),
        options={
            **{field.name: {**field.option(), "required": True} for field in TEAM_MEMBERS.fields},
            "mode": {"type": "str", "choices": ["merge", "replace"], "default": "merge"},
        },
    )
)
