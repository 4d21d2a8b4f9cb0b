# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A budget, which keys, customers and others share. Private: only for use inside this collection."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from .._crud._definition import FORCE, Record, Request
from .._crud._numbers import numbers
from .._crud._object import CrudObject
from .._crud._rows import MOST_REQUESTS, MOST_TOKENS, not_negative, up_to
from .._durations import is_duration
from .._engine import NOT_CLEARABLE, Field, Resource
from .._errors import ApiError
from .._listings import BUDGETS, CUSTOMERS, KEYS, ORGANIZATIONS, PAGE, TAGS, TEAMS, Listing
from .._proxy import Proxy
from .._shapes import MAPPING, TEXT, checked, maybe

LINKED = {"budget_id": maybe(TEXT), "litellm_budget_table": maybe({"budget_id": maybe(TEXT)})}

BUDGET = Resource(
    kind="budget",
    identity="budget_id",
    fields=(
        Field("budget_id", cleared=NOT_CLEARABLE),
        Field("max_budget", "float", unit="USD", check=not_negative),
        Field("soft_budget", "float", unit="USD", check=not_negative),
        Field("budget_duration", unit="duration", check=is_duration),
        Field("tpm_limit", "int", unit="tokens/min", check=up_to(MOST_TOKENS)),
        Field("rpm_limit", "int", unit="requests/min", check=up_to(MOST_TOKENS)),
        Field("tpd_limit", "int", unit="tokens/day", check=up_to(MOST_TOKENS), since="1.106.0"),
        Field("max_parallel_requests", "int", check=up_to(MOST_REQUESTS)),
        Field("model_max_budget", "dict", parse=numbers(), cleared={}, licensed=True),
    ),
)


class Budget(CrudObject):
    table = BUDGET
    extra_options = FORCE
    reading_names = ("budget_reset_at", "created_at", "updated_at")

    create = Request("POST", "/budget/new")
    update = Request("POST", "/budget/update", id="budget_id")
    delete = Request("POST", "/budget/delete", id="id")
    listing = BUDGETS
    get = Request("POST", "/budget/info", id="budgets", many=True, selects=True)

    def check_delete(self, budget: Record, proxy: Proxy) -> str | None:
        counts: dict[str, int] = {}
        for thing in _bound(str(budget["budget_id"]), proxy):
            counts[thing] = counts.get(thing, 0) + 1
        bound = ", ".join(f"{count} {thing}{'s' if count > 1 else ''}" for thing, count in counts.items())
        return f"Deleting it would remove the limits of {bound}." if bound else None


def _bound(budget_id: str, proxy: Proxy) -> Iterator[str]:
    """What is bound by a budget, a word each. LiteLLM has no request that tells."""
    yield from ("key" for key in _keys(proxy) if _has(key, budget_id))
    for listing, thing in ((CUSTOMERS, "customer"), (TAGS, "tag"), (ORGANIZATIONS, "organization")):
        yield from (thing for row in _rows(proxy, listing) if _has(row, budget_id))
    for team in proxy.listed(TEAMS, row={"team_id": TEXT, "metadata": maybe(MAPPING)}):
        if (team.get("metadata") or {}).get("team_member_budget_id") == budget_id:
            yield "team"
        path = f"/team/info?key_limit=1&team_id={quote(team['team_id'], safe='')}"
        memberships = checked(proxy.client.get(path), {"team_memberships": [LINKED]}, "GET /team/info")
        yield from ("team member" for row in memberships["team_memberships"] if _has(row, budget_id))


def _keys(proxy: Proxy) -> Iterator[Mapping[str, Any]]:
    """All keys with their budgets, which the listing of older versions leaves out."""
    lacking = []
    for key in proxy.listed(KEYS, {"return_full_object": "true"}, {"token": TEXT, **LINKED}):
        if "budget_id" in key:
            yield key
        else:
            lacking.append(key["token"])
    for start in range(0, len(lacking), PAGE):
        answer = proxy.client.send("/v2/key/info", {"keys": lacking[start : start + PAGE]}, replay=True)
        yield from checked(answer, {"info": [LINKED]}, "POST /v2/key/info")["info"]


def _rows(proxy: Proxy, listing: Listing) -> list[Mapping[str, Any]]:
    try:
        return proxy.listed(listing, row=LINKED)
    except ApiError as error:
        if error.status != 403:
            raise
        return []  # without a license, there are none


def _has(row: Mapping[str, Any], budget_id: str) -> bool:
    return budget_id in (row.get("budget_id"), (row.get("litellm_budget_table") or {}).get("budget_id"))
