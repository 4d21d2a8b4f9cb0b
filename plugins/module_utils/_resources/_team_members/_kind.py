# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The members of a team: what cannot be, what would be lost, and where they are. Private: only for use inside this
collection.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..._crud._definition import CrudDeclaration, Record, Request, Values
from ..._crud._dependents import keys_left
from ..._crud._object import CrudObject
from ..._crud._reading import path_of
from ..._engine import Plan, unsupported
from ..._errors import ApiError
from ..._kind import Client, Ledger, Store
from ..._listings import ROSTERS, TEAMS, Listing
from ..._proxy import MASTER_USER, Proxy
from ..._shapes import MAPPING, TEXT, Nullable, ensure_shape, maybe
from ..._text import join_limited
from ._requests import halves, marked, marks_of_new_and_gone, requests, reset, resets
from ._store import MembersStore
from ._table import (
    MEMBER,
    TEAM_MEMBERS,
    as_team,
    by_id,
    declared_members,
    resets_of,
    to_write,
    with_defaults,
    with_members,
)

# What as prune_limit says that any number of members may be removed.
NO_LIMIT = -1
INFO = Request("GET", "/team/info", id="team_id")
# Without the metadata, a write of one entry would take all others away.
TEAM_WITH_METADATA = {"team_info": {"metadata": Nullable(MAPPING)}}

# Since when a new member with models of its own and no budget gets the reset period of the team.
PERIOD_OF_TEAM_SINCE = "1.110.0"


class TeamMembers(CrudObject):
    table = TEAM_MEMBERS
    extra_options = {
        **{field.name: {**field.option(), "required": True} for field in TEAM_MEMBERS.fields},
        "mode": {"type": "str", "choices": ["merge", "replace"], "default": "merge"},
        "prune_limit": {"type": "int"},
    }

    update = Request("POST", "/team/member_add", id="team_id")
    listing = TEAMS
    get = Request("GET", "/team/info?key_limit=1", id="team_id", missing="Team not found")
    unlisted = ("members",)
    # LiteLLM adds members in a transaction, which fails after 5 seconds. More of them side by side are slower together.
    most_at_once = 4
    doubtful_get = True

    def store(self, client: Client, _params: Values, _ledger: Ledger | None = None) -> Store:
        return MembersStore(self, client)

    @property
    def intended(self) -> Listing:
        return ROSTERS

    def in_listing(self, changes: Values) -> Values:
        return {"members_with_roles": changes["members"]} if "members" in changes else {}

    def normalize(self, record: Record) -> Record:
        return as_team(record)

    def lists_all_of(self, team: Record, want: CrudDeclaration | None) -> bool:
        """Return whether a team is as LiteLLM creates it, with no member that is declared, and no limits for them."""
        if want is None or team["has_default"]:
            return False
        declared = {item["user_id"] for item in want.options["members"]}
        return {MASTER_USER} - declared >= by_id(team).keys()

    def options_of(self, record: Record, proxy: Proxy) -> dict[str, Any]:
        return {**super().options_of(record, proxy), "members": declared_members(record)}

    def fetch_details(self, team: Record, options: Values, proxy: Proxy) -> Record:
        """Add who runs the task and stays in the team, and whether new members get the team's reset period."""
        caller = {"caller": proxy.caller} if options.get("mode") == "replace" else {}
        teams = proxy.intentions.all(TEAMS, [{"team_id": team["team_id"]}])
        team = with_defaults(team, next((row for row in teams if row["team_id"] == team["team_id"]), {}))
        period = (team.get("default") or {}).get("budget_duration")
        return {**team, **caller, "gives_period": bool(period) and proxy.at_least(PERIOD_OF_TEAM_SINCE)}

    def expected(self, name: str, options: Values, proxy: Proxy) -> Record | None:
        created = proxy.intentions.creates(TEAMS, name)
        return self.fetch_details({"team_id": name, "members": []}, options, proxy) if created else None

    def desired(self, fields: Values, options: Values, team: Record | None) -> Values:
        return with_members(fields, options, team)

    def update_body(self, _body: dict[str, Any], _plan: Plan, _proxy: Proxy) -> dict[str, Any]:
        return {}

    def further_requests(self, team_id: str, plan: Plan, proxy: Proxy) -> Iterator[tuple[str, Values]]:
        # First, because nobody who is new has anything to reset, even if a later request fails.
        yield from self._mark(team_id, marks_of_new_and_gone(plan), proxy)
        yield from requests(team_id, plan, proxy)
        for name, text in resets(plan).items():
            if resets_of(self._metadata(team_id, proxy)).get(name) == text:
                continue  # another task has done it meanwhile
            yield from reset(team_id, name, plan)
            # Before the next one, which can fail: nobody's spending is reset twice for one text.
            yield from self._mark(team_id, {name: text}, proxy)

    def _metadata(self, team_id: str, proxy: Proxy) -> Mapping[str, Any]:
        answer = ensure_shape(proxy.client.get(path_of(self.get, team_id)), TEAM_WITH_METADATA, "GET /team/info")
        return answer["team_info"]["metadata"] or {}

    def _mark(self, team_id: str, marks: Mapping[str, str | None], proxy: Proxy) -> Iterator[tuple[str, Values]]:
        """Keep for which texts the spending of members was reset, beside what others have written meanwhile."""
        metadata = marked(self._metadata(team_id, proxy), marks) if marks else None
        if metadata is not None:
            yield "/team/update", {"team_id": team_id, "metadata": metadata}

    def split_request(self, body: Values, refusal: ApiError) -> Sequence[Values]:
        return halves(body, refusal)

    def check_options(self, options: Values) -> list[str]:
        limit = options.get("prune_limit")
        return (
            ["O(prune_limit) must be at least 0, or -1 for no limit."] if limit is not None and limit < NO_LIMIT else []
        )

    def check_plan(self, plan: Plan, _options: Values, proxy: Proxy) -> str | None:
        present, team_id = by_id(plan.existing), plan.name
        for name, member in by_id({"members": plan.changes["members"]}).items():
            parts, updating = to_write(member, present.get(name, {})), name in present
            if parts.get("role") == "admin" and proxy.licensed is False:
                needs = "a LiteLLM Enterprise license, which the proxy does not have"
                return f"O(members), {name}: the role admin requires {needs}."
            if "reset_spend" in parts and updating and "/" in f"{team_id}{name}":
                return f"O(members), {name}: LiteLLM cannot reset the spending where an ID has a slash."
            needs = ", ".join(f"{what} (since {since})" for what, since in _too_new(parts, proxy, updating))
            if needs:
                return f"O(members), {name}: LiteLLM {proxy.version} on this proxy does not {needs}."
        return None

    def losses(self, plan: Plan, options: Values, proxy: Proxy) -> list[str]:
        """Return what LiteLLM deletes with members: their keys in the team."""
        present, wanted = by_id(plan.existing), by_id({"members": plan.changes["members"]})
        removed = [name for name in present if name not in wanted]
        if not removed:
            return []
        shape = {"keys": [{"user_id": maybe(TEXT), "key_alias": maybe(TEXT)}]}
        team_id = plan.existing["team_id"]
        answer = ensure_shape(proxy.client.get(path_of(INFO, team_id)), shape, "GET /team/info")
        keys: dict[str, list[str]] = {}
        for key in keys_left(answer["keys"], proxy, team_id=team_id):
            if key.get("user_id") in removed:
                keys.setdefault(key["user_id"], []).append(key.get("key_alias") or "a key without an alias")
        owners = join_limited(
            [f"{name} has {len(aliases)} ({join_limited(sorted(aliases))})" for name, aliases in sorted(keys.items())]
        )
        together = "LiteLLM deletes the keys of a member in the team together with the member"
        return [
            *([f"{together}: {owners}."] if keys else []),
            *_beyond(options, removed),
        ]


def _beyond(options: Values, removed: Sequence[str]) -> list[str]:
    """Return why so many are not removed: an empty list can be a variable that is empty by mistake."""
    limit, names = options.get("prune_limit"), join_limited(removed)
    if limit is None and not options["members"]:
        return [f"O(members) is empty, which removes {len(removed)} members: {names}."]
    if limit in (None, NO_LIMIT) or len(removed) <= limit:
        return []
    return [f"{len(removed)} members would be removed, and O(prune_limit) allows {limit}: {names}."]


def _too_new(parts: Mapping[str, Any], proxy: Proxy, updating: bool) -> list[tuple[str, str]]:
    """Return what the proxy is too old for. Every version can do most, for which the proxy's is not even asked."""
    return unsupported(MEMBER, parts, proxy.version, updating) if unsupported(MEMBER, parts, "0", updating) else []
