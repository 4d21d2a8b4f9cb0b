# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The listings of a proxy, read to their end. Private: only for use inside this collection.

LiteLLM shows most listings in pages and counts their entries. Others were complete for years, and come in pages since
some version, without a count. What is decided on half a list is wrong, so a listing is either complete or an error.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ._errors import ApiError
from ._shapes import ANY, COUNT, Shape, ensure_shape, shape_error

# The largest page of every version.
PAGE = 100
# As many requests for single entries cost no more than a listing, of which nobody knows how long it is.
FEW = 2
# A listing is longer than this only by mistake.
MAX_PAGES = 10_000
ATTEMPTS = 5
COUNTS = ("total_count", "total")

Get = Callable[[str, Mapping[str, Any]], Any]


@dataclass(frozen=True)
class Listing:
    """A listing of a proxy.

    :param path: where to ask for it.
    :param id: the field that tells an entry from the others. Empty if entries can be equal.
    :param entries: under what name an answer holds the entries. Empty if the answer is a list of them.
    :param counted: whether each page tells how many entries and pages there are.
    :param sort_by: what keeps entries on their pages, where the server does not do that by itself.
    :param name: a further field that tells an entry, where LiteLLM leaves the id out.
    """

    path: str
    id: str = ""
    entries: str = ""
    counted: bool = False
    sort_by: str = ""
    name: str = ""


KEYS = Listing("/key/list", "token", "keys", counted=True, sort_by="token", name="key_alias")
KEY_ALIASES = Listing("/key/aliases", entries="aliases", counted=True)
MODELS = Listing("/v2/model/info", "model_info.id", "data", counted=True)
TEAMS = Listing("/v2/team/list", "team_id", "teams", counted=True, sort_by="team_id")
# Who is in which team: no listing of LiteLLM's shows all of it.
ROSTERS = Listing("/team/info", "team_id")
USERS = Listing("/user/list", "user_id", "users", counted=True, sort_by="user_id")
MODEL_ACCESS_GROUPS = Listing("/access_group/list", "access_group", "access_groups")
ACCESS_GROUPS = Listing("/v1/access_group", "access_group_id")
BUDGETS = Listing("/budget/list", "budget_id")
CUSTOMERS = Listing("/customer/list", "user_id")
ORGANIZATIONS = Listing("/organization/list", "organization_id")
TAGS = Listing("/tag/list", "name")
MCP_SERVERS = Listing("/v1/mcp/server", "server_id")
MCP_TOOLSETS = Listing("/v1/mcp/toolset", "toolset_id")
VECTOR_STORES = Listing("/vector_store/list", "vector_store_id", "data", counted=True)
CREDENTIALS = Listing("/credentials", "credential_name", "credentials")
GUARDRAILS = Listing("/v2/guardrails/list", "guardrail_id", "guardrails")
SEARCH_TOOLS = Listing("/search_tools/list", "search_tool_name", "search_tools")
POLICIES = Listing("/policies/list", "policy_id", "policies")
POLICY_ATTACHMENTS = Listing("/policies/attachments/list", "attachment_id", "attachments")


def fetch_page(
    get: Get, listing: Listing, params: Mapping[str, Any], number: int, row: Shape = ANY
) -> Mapping[str, Any]:
    """Return one page: its ``entries``, each of the shape of ``row``, and of a counted listing ``total`` and ``pages``.

    :raises ApiError: also if the answer has another shape.
    """
    # Of the two names of a page's size, each listing knows one.
    asked = {**params, "page": number, "size": PAGE, "page_size": PAGE}
    if listing.sort_by:
        asked.update(sort_by=listing.sort_by, sort_order="asc")
    answer, request = get(listing.path, asked), f"GET {listing.path}"
    if not listing.entries:
        return {"entries": ensure_shape(answer, [row], request)}
    shape = {listing.entries: [row]}
    if not listing.counted:
        return {"entries": ensure_shape(answer, shape, request)[listing.entries]}
    count = next((name for name in COUNTS if isinstance(answer, Mapping) and name in answer), COUNTS[0])
    ensure_shape(answer, {**shape, count: COUNT, "total_pages": COUNT}, request)
    return {"entries": answer[listing.entries], "total": answer[count], "pages": answer["total_pages"]}


def fetch_all(
    get: Get,
    listing: Listing,
    params: Mapping[str, Any],
    row: Shape = ANY,
    first: Mapping[str, Any] | None = None,
) -> list[Any]:
    """Return all entries of a listing, each of the shape of ``row``.

    Entries that come meanwhile can be missing, as if it had been read before. Where entries have gone, others have
    moved to pages that were read before: then it is read again.

    :param first: the first page, if it was read already.
    :raises ApiError: also if the listing is not complete.
    """
    for _attempt in range(ATTEMPTS):
        entries, totals = _read(get, listing, params, row, first)
        if not totals or (totals == sorted(totals) and len(entries) >= totals[0]):
            return entries
        first = None
    raise ApiError(
        f"GET {listing.path} shows {len(entries)} of {totals[-1]} entries: others change them at the same time.",
        hint="Run again.",
    )


def _read(
    get: Get, listing: Listing, params: Mapping[str, Any], row: Shape, first: Mapping[str, Any] | None
) -> tuple[list[Any], list[int]]:
    """Return the entries of all pages, none twice, and how many there should be according to each page."""
    entries: dict[Any, Any] = {}
    totals: list[int] = []
    for number in range(1, MAX_PAGES + 1):
        page = first if first and number == 1 else fetch_page(get, listing, params, number, row)
        shown, known = page["entries"], len(entries)
        for place, entry in enumerate(shown):
            entries[_id(entry, listing) if listing.id else (number, place)] = entry
        nothing_new = len(entries) == known
        if listing.counted:
            totals.append(page["total"])
            # Some listings count pages and show all entries on each.
            if number >= page["pages"] or len(entries) >= page["total"]:
                break
            if nothing_new:
                raise ApiError(
                    f"Page {number} of GET {listing.path} contains nothing new, although more pages should follow."
                )
        # A server that knows no pages shows all entries each time.
        elif nothing_new or len(shown) > PAGE:
            break
    else:
        raise ApiError(f"GET {listing.path} has more than {MAX_PAGES} pages.")
    return list(entries.values()), totals


def _id(entry: Any, listing: Listing) -> str:
    """Return what tells an entry from the others.

    :raises ApiError: if it has no such thing.
    """
    found = id_in(entry, listing)
    if found is None:
        raise shape_error(f"GET {listing.path}", f"an entry has no {listing.id}")
    return found


def id_in(entry: Any, listing: Listing) -> str | None:
    """Return what tells an entry from the others, None if it has no such thing."""
    found = entry
    for name in listing.id.split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found if isinstance(found, str) else None
