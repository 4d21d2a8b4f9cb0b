# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading keys: which ones, at what cost, and what follows from their readings."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._errors import ApiError, InputError
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._key._kind import Key, describe, read
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._key._table import GROUP_MARK, token_of
from ansible_collections.litemaas.virtual_keys.tests.unit.answers import body, key_row

NOW = datetime(2030, 1, 31, 12, tzinfo=UTC)
VALUE = "sk-declared-value-0001"


class Listing:
    """A proxy that has these keys, and no request but those that read them."""

    def __init__(self, rows: list[dict[str, Any]], version: str = "1.106.2", key: str = "") -> None:
        self.rows = rows
        self.version = version
        self.key = key
        self.asked: list[str] = []
        self.refusals: dict[str, ApiError] = {}
        self.facts: dict[str, Any] = {}
        self.last_read: dict[Any, Any] = {}
        self.succeeded: dict[str, int] = {}

    def now(self) -> datetime:
        return NOW

    def acting_as(self, key: str) -> Listing:
        owner = Listing(self.rows, self.version, key)
        owner.asked, owner.refusals = self.asked, self.refusals
        return owner

    def get(self, path: str, params: Mapping[str, Any] | None = None) -> Any:
        if path == "/health/readiness/details":
            return {"litellm_version": self.version}
        self.asked.append(path)
        if self.key and path in self.refusals:
            raise self.refusals[path]
        if path == "/v1/models":
            return {"data": [{"id": "b"}, {"id": "a"}, {"id": "b"}]}
        if path == "/key/info":
            row = next((row for row in self.rows if row["token"] == (params or {})["key"]), None)
            if row is None:
                raise ApiError("Key not found in database", 404)
            return {"key": row["token"], "info": {name: value for name, value in row.items() if name != "token"}}
        if path == "/user/daily/activity":
            if path in self.refusals:
                raise self.refusals[path]
            assert (params or {})["start_date"] < (params or {})["end_date"] == "2030-02-01", "today is a part of it"
            return {"metadata": {"total_successful_requests": self.succeeded[(params or {})["api_key"]]}}
        assert path == "/key/list"
        names = {"key_hash": "token", "user_id": "user_id", "team_id": "team_id"}
        rows = [
            row for row in self.rows if all(params.get(name) in (None, row[field]) for name, field in names.items())
        ]
        rows = [row for row in rows if (params.get("key_alias") or "") in (row["key_alias"] or "")]
        start = (params["page"] - 1) * params["size"]
        return body(
            "list_empty",
            keys=rows[start : start + params["size"]],
            total_count=len(rows),
            total_pages=-(-len(rows) // params["size"]),
        )

    def send(self, path: str, body: Any = None, idempotent: bool = False) -> Any:
        assert idempotent, "it only reads"
        self.asked.append(path)
        if path == "/key/health":
            if path in self.refusals:
                raise self.refusals[path]
            return {"key": "healthy", "logging_callbacks": None}
        if path == "/budget/info":
            return [{"budget_id": one, "max_budget": 5.0, "soft_budget": 4.0} for one in body["budgets"]]
        assert path == "/v2/key/info"
        rows = [row for row in self.rows if row["token"] in body["keys"]]
        return {
            "info": [{**row, "budget_id": "b1", "created_at": row["created_at"].replace("Z", "+00:00")} for row in rows]
        }


def row(alias: str | None, **changes: Any) -> dict[str, Any]:
    return key_row(key_alias=alias, token=token_of(alias or "nobody"), **changes)


def ask(proxy: Listing, **params: Any) -> dict[str, Any]:
    return read(proxy, {**dict.fromkeys(Key().info_options), **params})


def names(proxy: Listing, **params: Any) -> list[Any]:
    return [key["key_alias"] for key in ask(proxy, **params)["virtual_keys"]]


@pytest.mark.parametrize(
    ("params", "sentence"),
    [
        ({"key": VALUE, "user_id": "u", "status": []}, "key and user_id, status are mutually exclusive."),
        ({"key": ""}, "key is empty"),
        ({"key": "sk-ü"}, "are not allowed in an HTTP header"),
        ({"key_ids": [VALUE]}, "key_ids: the ID of a key has 64 hexadecimal digits and is not its value."),
        ({"expiring_within": "soon"}, "expiring_within: 'soon' is not a duration"),
        ({"unused_for": "long"}, "unused_for: 'long' is not a duration"),
        ({"budget_used": -1}, "budget_used must not be negative."),
        ({"metadata": {GROUP_MARK: "g"}}, "metadata: use the option group to select by"),
    ],
)
def test_refuses_what_cannot_be_meant(params: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError) as error:
        ask(Listing([]), **params)
    assert sentence in str(error.value)
    assert VALUE not in str(error.value)


def test_all_by_alias_and_those_without_one() -> None:
    proxy = Listing([row("b"), row(None), row("a")])
    assert names(proxy) == [None, "a", "b"]


@pytest.mark.parametrize(
    ("asked", "stored"),
    [
        (1735689600, 1735689601),
        (0, False),
        (False, None),
        (1, True),
        ([], None),
        ("", None),
        ({}, None),
        (0.3, 0.1 + 0.2),
    ],
)
def test_a_key_whose_metadata_is_only_similar_is_not_meant(asked: Any, stored: Any) -> None:
    rows = [row("a", metadata={"g": asked}), row("b", metadata={"g": stored}), row("c", metadata={})]
    assert names(Listing(rows), metadata={"g": asked}) == ["a"]
    assert names(Listing(rows), metadata={"g": {"x": asked}}) == []


def test_a_key_must_fit_all_that_is_given() -> None:
    rows = [
        row("a", user_id="u", metadata={"g": {"x": [1]}, "h": None}),
        row("b", user_id="u", metadata={"g": {"x": [2]}}),
        row("c", user_id="u2", metadata={"g": {"x": [1]}}),
    ]
    assert names(Listing(rows), user_id="u") == ["a", "b"]
    assert names(Listing(rows), metadata={"g": {"x": [1]}}) == ["a", "c"]
    assert names(Listing(rows), metadata={"h": None}) == ["a"]
    assert names(Listing(rows), user_id="u", metadata={"g": {"x": [1]}}) == ["a"]
    assert names(Listing(rows), key_aliases=["a", "c"], user_id="u2") == ["c"]
    assert names(Listing(rows), key_aliases=["a", "b"], key_ids=[token_of("b")]) == ["b"]
    assert names(Listing(rows), key_ids=[token_of("a"), token_of("b")], metadata={"g": {"x": [2]}}) == ["b"]


def test_a_filter_of_the_proxy_is_not_trusted() -> None:
    proxy = Listing([row("a", user_id="u"), row("ab", user_id="u2")])
    assert names(proxy, key_aliases=["a"]) == ["a"]
    proxy.get = lambda path, params=None: Listing.get(proxy, path, {"page": 1, "size": 100})  # type: ignore[method-assign]
    assert names(proxy, user_id="u") == ["a"]
    assert names(proxy, key_ids=[token_of("a")]) == ["a"]


@pytest.mark.parametrize(
    ("params", "requests"),
    [
        ({"key_aliases": []}, 0),
        ({"key_aliases": ["k-007"]}, 1),
        ({"key_ids": []}, 0),
        ({"key_ids": [token_of("k-007")]}, 1),
        ({"key_ids": [token_of(f"k-{number:03}") for number in range(3)]}, 3),
        # From here on all 500 keys, of which the first page tells how many there are, or that many look-ups.
        ({"key_ids": [token_of(f"k-{number:03}") for number in range(5)]}, 1 + 5),
        ({"key_ids": [token_of(f"k-{number:03}") for number in range(50)]}, 5),
        ({"user_id": "u"}, 5),
        ({"user_id": "nobody"}, 1),
    ],
)
def test_reading_costs_what_is_asked_for(params: dict[str, Any], requests: int) -> None:
    proxy = Listing([row(f"k-{number:03}", user_id="u") for number in range(500)])
    found = names(proxy, **params)
    (asked,) = params.values()
    assert len(found) == (500 if asked == "u" else 0 if asked == "nobody" else len(asked))
    assert len(proxy.asked) == requests


def raised(amount: Any, until: str) -> dict[str, Any]:
    """Metadata of a key whose budget is raised for a while."""
    return {"temp_budget_increase": amount, "temp_budget_expiry": until}


@pytest.mark.parametrize(
    ("changes", "status", "remaining"),
    [
        ({}, "active", None),
        ({"max_budget": 5.0, "spend": 2.0}, "active", 3.0),
        ({"max_budget": 5.0, "spend": 5.0}, "over_budget", 0.0),
        ({"max_budget": 0.0, "spend": 0.0}, "over_budget", 0.0),
        ({"max_budget": 5.0, "spend": None}, "active", 5.0),
        ({"litellm_budget_table": {"max_budget": 1.0}, "spend": 2.0}, "over_budget", -1.0),
        ({"max_budget": 9.0, "litellm_budget_table": {"max_budget": 1.0}, "spend": 2.0}, "active", 7.0),
        ({"max_budget": 5.0, "spend": 6.0, "metadata": raised(2, "2030-02-01T00:00:00")}, "active", 1.0),
        ({"max_budget": 5.0, "spend": 6.0, "metadata": raised(2, "2030-01-31T12:00:00")}, "over_budget", -1.0),
        ({"max_budget": 5.0, "spend": 6.0, "metadata": raised(2, "some day")}, "over_budget", -1.0),
        ({"max_budget": 5.0, "spend": 6.0, "metadata": raised("2", "2030-02-01T00:00:00")}, "over_budget", -1.0),
        ({"metadata": raised(2, "2030-02-01T00:00:00")}, "active", None),
        ({"expires": "2030-01-31T12:00:00Z"}, "expired", None),
        ({"expires": "2030-01-31T12:00:01+00:00"}, "active", None),
        ({"expires": "2030-01-31T11:00:00Z", "max_budget": 0.0}, "expired", 0.0),
        ({"expires": "2030-01-31T11:00:00Z", "blocked": True}, "blocked", None),
    ],
)
def test_status_and_what_is_left(changes: dict[str, Any], status: str, remaining: float | None) -> None:
    key = describe(row("a", **{"max_budget": None, "spend": 0.0, "blocked": None, "expires": None, **changes}), NOW)
    assert (key["status"], key["remaining_budget"]) == (status, remaining)


def test_by_status_and_expiry() -> None:
    rows = [
        row("never", expires=None),
        row("past", expires="2030-01-31T11:59:59Z"),
        row("soon", expires="2030-02-01T12:00:00Z"),
        row("later", expires="2030-02-01T12:00:01Z"),
    ]
    assert names(Listing(rows), expiring_within="1d") == ["soon"]
    assert names(Listing(rows), expiring_within="1d", status=["expired"]) == []
    assert names(Listing(rows), status=["expired"]) == ["past"]
    assert names(Listing(rows), status=[]) == []


def test_budgets_that_older_listings_leave_out() -> None:
    plain = row("a", spend=1.0, max_budget=None, budget_id="b1", litellm_budget_table=None)
    proxy = Listing([plain])
    (key,) = ask(proxy)["virtual_keys"]
    assert (key["remaining_budget"], key["soft_budget"], proxy.asked) == (4.0, 4.0, ["/key/list", "/budget/info"])

    del plain["budget_id"]
    proxy = Listing([plain])
    (key,) = ask(proxy)["virtual_keys"]
    assert (key["remaining_budget"], key["budget_id"]) == (4.0, "b1")
    assert proxy.asked == ["/key/list", "/v2/key/info", "/budget/info"]


def test_never_a_secret() -> None:
    (key,) = ask(Listing([row("a", api_key=VALUE, key=VALUE)]))["virtual_keys"]
    assert VALUE not in str(key)
    assert not {"key", "api_key", "token"} & set(key)


def test_asks_as_the_key() -> None:
    proxy = Listing([key_row(key_alias="a", token=token_of(VALUE))])
    answer = ask(proxy, key=VALUE)
    assert (answer["models"], answer["health"]["key"], answer["refused"]) == (["a", "b"], "healthy", [])
    assert [key["key_id"] for key in answer["virtual_keys"]] == [token_of(VALUE)]
    assert VALUE not in str(answer)


def test_a_refusal_is_an_answer_and_a_failure_is_not() -> None:
    proxy = Listing([key_row(key_alias="a", token=token_of(VALUE))])
    unknown = ApiError("The proxy does not know the key in key.", 401)
    proxy.refusals = dict.fromkeys(("/v1/models", "/key/health", "/key/info"), unknown)
    answer = ask(proxy, key=VALUE)
    assert (answer["models"], answer["health"]) == (None, None)
    assert answer["refused"] == ["The proxy does not know the key in key."]
    assert [key["key_alias"] for key in answer["virtual_keys"]] == ["a"]

    proxy.refusals = {"/v1/models": ApiError("No answer", 0)}
    with pytest.raises(ApiError):
        ask(proxy, key=VALUE)


@pytest.mark.parametrize("trace", [{"status": "deleted"}, {"deleted_at": "2030-01-01T00:00:00Z"}])
def test_a_deleted_key_is_no_key(trace: dict[str, str]) -> None:
    assert ask(Listing([key_row(token=token_of(VALUE), **trace)]), key=VALUE)["virtual_keys"] == []
    assert ask(Listing([]), key=VALUE)["virtual_keys"] == []


def test_by_the_beginning_of_the_alias_who_made_it_and_its_group() -> None:
    rows = [
        row("ws-1", created_by="ann", metadata={GROUP_MARK: "g"}),
        row("ws-2", created_by="ben", metadata={GROUP_MARK: "h"}),
        row("a-ws-3", created_by="ann", metadata={}),
        row(None, created_by=None),
    ]
    assert names(Listing(rows), key_alias_prefix="ws-") == ["ws-1", "ws-2"]
    assert names(Listing(rows, "1.82.6"), key_alias_prefix="ws-") == ["ws-1", "ws-2"]
    assert names(Listing(rows), created_by=["ann"]) == ["a-ws-3", "ws-1"]
    assert names(Listing(rows), created_by=["ann"], key_alias_prefix="ws-") == ["ws-1"]
    assert names(Listing(rows), group="h") == ["ws-2"]
    assert names(Listing(rows), group="h", created_by=["ann"]) == []
    proxy = Listing(rows)
    assert (names(proxy, created_by=[]), proxy.asked) == ([], [])


def test_one_that_was_never_used_is_unused_since_its_last_change() -> None:
    old, new = "2030-01-01T00:00:00Z", "2030-01-30T00:00:00Z"
    rows = [
        row("idle", last_active=old, updated_at=new, created_at=old),
        row("busy", last_active=new, updated_at=old, created_at=old),
        row("changed", last_active=None, updated_at=new, created_at=old),
        row("forgotten", last_active=None, updated_at=None, created_at=old),
        row("edge", last_active="2030-01-24T12:00:00Z"),
    ]
    assert names(Listing(rows), unused_for="7d") == ["edge", "forgotten", "idle"]


def test_a_proxy_that_does_not_tell_the_last_use_is_not_guessed_at() -> None:
    rows = [row("a", last_active=None), row("b")]
    rows[1].pop("last_active", None)
    with pytest.raises(InputError, match="this proxy is too old to report when a key was last used"):
        ask(Listing(rows), unused_for="7d")


def test_by_how_much_of_the_budget_is_used() -> None:
    rows = [
        row("half", max_budget=10.0, spend=5.0),
        row("less", max_budget=10.0, spend=4.9),
        row("over", max_budget=10.0, spend=12.0),
        row("new", max_budget=10.0, spend=None),
        row("no-limit", max_budget=None, spend=50.0),
    ]
    assert names(Listing(rows), budget_used=50) == ["half", "over"]
    assert names(Listing(rows), budget_used=0) == ["half", "less", "new", "over"]


def test_use_is_what_succeeded() -> None:
    """LiteLLM notes also a request that it rejected as activity."""
    seen = "2030-01-30T00:00:00Z"
    rows = [
        row("spent", spend=0.1, last_active=None),
        row("silent", spend=0.0, last_active=None),
        row("rejected", spend=0.0, last_active=seen),
        row("free", spend=0.0, last_active=seen),
    ]
    proxy = Listing(rows)
    proxy.succeeded = {token_of("rejected"): 0, token_of("free"): 3}
    used = {key["key_alias"]: key["used"] for key in ask(proxy, check_use=True)["virtual_keys"]}
    assert used == {"spent": True, "silent": False, "rejected": False, "free": True}
    assert proxy.asked.count("/user/daily/activity") == 2

    proxy.refusals = {"/user/daily/activity": ApiError("Not Found", 404)}
    used = {key["key_alias"]: key["used"] for key in ask(proxy, check_use=True)["virtual_keys"]}
    assert used == {"spent": True, "silent": False, "rejected": None, "free": None}

    proxy.refusals = {"/user/daily/activity": ApiError("broken", 500)}
    with pytest.raises(ApiError, match="broken"):
        ask(proxy, check_use=True)
