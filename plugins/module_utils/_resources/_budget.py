# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A budget, which keys, customers and others share. Private: only for use inside this collection."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

from .._crud._budgets import is_automatic
from .._crud._definition import Record, Request, Values
from .._crud._dependents import (
    CUSTOMER,
    KEY,
    LINKED,
    MODEL_ACCESS_GROUP,
    ORGANIZATION,
    TAG,
    TEAM,
    Row,
    count_and_name,
    fetch_rows,
    find_dependents,
)
from .._crud._numbers import numbers
from .._crud._object import CrudObject
from .._crud._rows import MAX_REQUESTS, MAX_TOKENS, check_not_negative, check_up_to
from .._durations import check_duration
from .._engine import NOT_CLEARABLE, Field, Plan, Resource
from .._listings import BUDGETS, PAGE
from .._proxy import Proxy
from .._shapes import ensure_shape

# Since when a model access group can have a budget.
GROUP_BUDGETS_SINCE = "1.98.2"

BUDGET = Resource(
    kind="budget",
    identity="budget_id",
    fields=(
        Field("budget_id", cleared=NOT_CLEARABLE),
        Field("max_budget", "float", unit="USD", check=check_not_negative),
        Field("soft_budget", "float", unit="USD", check=check_not_negative),
        Field("budget_duration", unit="duration", check=check_duration),
        Field("tpm_limit", "int", unit="tokens/min", check=check_up_to(MAX_TOKENS)),
        Field("rpm_limit", "int", unit="requests/min", check=check_up_to(MAX_TOKENS)),
        Field("tpd_limit", "int", unit="tokens/day", check=check_up_to(MAX_TOKENS), since="1.106.0"),
        Field("max_parallel_requests", "int", check=check_up_to(MAX_REQUESTS)),
        Field(
            "model_max_budget",
            "dict",
            unit="{max_budget: USD, budget_duration: duration} by model",
            parse=numbers(),
            cleared={},
            licensed=True,
        ),
    ),
)


class Budget(CrudObject):
    table = BUDGET
    reading_names = ("budget_reset_at", "created_at", "updated_at")

    create = Request("POST", "/budget/new")
    update = Request("POST", "/budget/update", id="budget_id")
    delete = Request("POST", "/budget/delete", id="id")
    listing = BUDGETS
    get = Request("POST", "/budget/info", id="budgets", many=True, selects=True)

    def undeclarable(self, record: Record, proxy: Proxy) -> str | None:
        """Return why a budget that LiteLLM made for the limits of one object is not declared: it looks as any other."""
        if not is_automatic(record["budget_id"]) or _count_bearers(record["budget_id"], proxy) > 1:
            return None
        return "LiteLLM made it for the limits of one object or of the members of a team, with which they are declared."

    def losses(self, plan: Plan, _options: Values, proxy: Proxy) -> list[str]:
        """Return whose limits are gone, with the budget or with the last of its own."""
        limits = [row for row in BUDGET.fields if row.name != BUDGET.identity]
        stays = any(not row.is_empty(plan.changes.get(row.name, row.value(plan.existing))) for row in limits)
        if plan.action == "update" and (stays or all(row.is_empty(row.value(plan.existing)) for row in limits)):
            return []
        bound = count_and_name(_bound(str(plan.existing["budget_id"]), proxy))
        return [f"This would remove the limits of {bound}."] if bound else []


def _count_bearers(budget_id: str, proxy: Proxy) -> int:
    """Return how many keys, customers, and tags share a budget."""
    return sum(
        _has(row, budget_id)
        for bearer in (KEY, CUSTOMER, TAG)
        for row in proxy.known(bearer.listing, params=bearer.params)
    )


def _bound(budget_id: str, proxy: Proxy) -> dict[str, list[str]]:
    """Return who is bound by a budget. LiteLLM has no request that tells."""
    bound = {KEY.thing: [KEY.name_of(key) for key in _keys(proxy) if _has(key, budget_id)]}
    bound |= find_dependents(proxy, dict.fromkeys((CUSTOMER, TAG, ORGANIZATION), lambda row: _has(row, budget_id)))
    bound |= _in_teams(budget_id, proxy)
    if proxy.version is None or proxy.at_least(GROUP_BUDGETS_SINCE):
        bound |= find_dependents(proxy, {MODEL_ACCESS_GROUP: lambda group: _has(group.get("budget") or {}, budget_id)})
    return bound


def _in_teams(budget_id: str, proxy: Proxy) -> dict[str, list[str]]:
    """Return the teams whose members have the budget by default, and the members to whom it was given."""
    teams, members = [], []
    for team in fetch_rows(proxy, TEAM):
        if (team.get("metadata") or {}).get("team_member_budget_id") == budget_id:
            teams.append(team["team_id"])
        path = f"/team/info?key_limit=1&team_id={quote(team['team_id'], safe='')}"
        memberships = ensure_shape(proxy.client.get(path), {"team_memberships": [LINKED]}, "GET /team/info")
        found = [row for row in memberships["team_memberships"] if _has(row, budget_id)]
        members += [f"{row.get('user_id')} in {team['team_id']}" for row in found]
    return {"team": teams, "team member": members}


def _keys(proxy: Proxy) -> Iterator[Row]:
    """Return all keys with their budgets, which the listing of older versions leaves out."""
    lacking = []
    for key in fetch_rows(proxy, KEY):
        if "budget_id" in key:
            yield key
        else:
            lacking.append(key["token"])
    for start in range(0, len(lacking), PAGE):
        answer = proxy.client.send("/v2/key/info", {"keys": lacking[start : start + PAGE]}, idempotent=True)
        yield from ensure_shape(answer, {"info": [LINKED]}, "POST /v2/key/info")["info"]


def _has(row: Row, budget_id: str) -> bool:
    return budget_id in (row.get("budget_id"), (row.get("litellm_budget_table") or {}).get("budget_id"))
