# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A listing is read to its end, however the proxy divides it, or it is an error."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._errors import ApiError
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._listings import (
    ATTEMPTS,
    PAGE,
    Listing,
    fetch_all,
)

BARE = Listing("/thing/list", "name")
COUNTED = Listing("/thing/list", "name", "things", counted=True, sort_by="name")
ALIASES = Listing("/thing/aliases", entries="aliases", counted=True)


class Server:
    """A proxy with things, of which it shows a page at most, or all if it knows no pages.

    :param cut: the largest page, None if all are shown each time.
    """

    def __init__(self, count: int, cut: int | None = PAGE) -> None:
        self.names = [f"{number:04}" for number in range(count)]
        self.cut = cut
        self.requests: list[Mapping[str, Any]] = []
        self.before: dict[int, Callable[[], Any]] = {}  # what others do before a request, by its number

    def get(self, path: str, params: Mapping[str, Any]) -> Any:
        self.requests.append(params)
        self.before.get(len(self.requests), lambda: None)()
        size = self.cut and min(params["page_size"], self.cut)
        start = (params["page"] - 1) * size if size else 0
        shown = self.names[start : start + size] if size else self.names
        rows = [{"name": name} for name in shown]
        count = {"total": len(self.names), "total_pages": -(-len(self.names) // (size or 1))}
        return {
            "/thing/list": rows if "sort_by" not in params else {"things": rows, **count},
            "/thing/aliases": {"aliases": shown, **count},
        }[path]


def names(server: Server, listing: Listing = BARE) -> list[str]:
    return [entry["name"] for entry in fetch_all(server.get, listing, {})]


@pytest.mark.parametrize("count", [0, 1, 50, 99, 100, 101, 120, 200, 250])
@pytest.mark.parametrize("cut", [None, 100, 50])
@pytest.mark.parametrize("listing", [BARE, COUNTED])
def test_every_entry_is_there_once(count: int, cut: int | None, listing: Listing) -> None:
    if cut is None and listing is COUNTED:
        cut = 30
    server = Server(count, cut)
    assert names(server, listing) == server.names


def test_a_proxy_that_knows_no_pages_is_asked_no_more_often_than_it_takes() -> None:
    long, short = Server(101, cut=None), Server(100, cut=None)
    assert (len(names(long)), len(names(short))) == (101, 100)
    assert (len(long.requests), len(short.requests)) == (1, 2)


def test_all_that_each_page_shows_again_is_there_once() -> None:
    """So LiteLLM lists vector stores: it counts pages, and shows all entries on each."""
    shown = [{"name": f"{number:04}"} for number in range(PAGE + 20)]
    asked = []

    def get(_path: str, params: Mapping[str, Any]) -> Any:
        asked.append(params["page"])
        return {"things": shown, "total": len(shown), "total_pages": 2}

    assert fetch_all(get, COUNTED, {}) == shown
    assert asked == [1]


def test_pages_are_sorted() -> None:
    server = Server(1)
    names(server, COUNTED)
    assert [(one["sort_by"], one["sort_order"]) for one in server.requests] == [("name", "asc")]


def test_entries_that_can_be_equal_are_all_there() -> None:
    server = Server(0)
    server.names = ["a", "a", *(f"{number}" for number in range(PAGE)), "z", "z"]
    assert fetch_all(server.get, ALIASES, {}) == server.names


def test_where_entries_have_gone_the_listing_is_read_again() -> None:
    server = Server(150)
    server.before[2] = lambda: server.names.remove("0000")
    found = names(server, COUNTED)
    assert "0100" in found, "it moved to the page that was read before"
    assert len(server.requests) == 4


def test_what_comes_meanwhile_is_no_reason_to_read_again() -> None:
    server = Server(150)
    server.before[2] = lambda: server.names.insert(0, "-")
    assert set(names(server, COUNTED)) >= {f"{number:04}" for number in range(150)}
    assert len(server.requests) == 2


def test_a_listing_that_stays_cut_is_an_error() -> None:
    class Cut(Server):
        def get(self, path: str, params: Mapping[str, Any]) -> Any:
            answer = super().get(path, params)
            return {**answer, "things": answer["things"][:40]}

    server = Cut(50)
    with pytest.raises(ApiError, match=r"GET /thing/list shows 40 of 50 entries: .*\. Run again\."):
        names(server, COUNTED)
    assert len(server.requests) == ATTEMPTS


def test_an_entry_without_its_id_is_none() -> None:
    with pytest.raises(ApiError, match="unexpected shape: an entry has no name"):
        fetch_all(lambda path, params: [{"id": "a"}], BARE, {})
