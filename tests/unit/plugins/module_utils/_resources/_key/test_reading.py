# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finding keys where the listing of a server says less than it should, or something else altogether."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._errors import ApiError
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._proxy import Proxy
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._key._reading import KeyReader
from ansible_collections.litemaas.virtual_keys.tests.unit.answers import page
from ansible_collections.litemaas.virtual_keys.tests.unit.fake_litellm import FakeLiteLLM


@pytest.fixture
def proxy() -> FakeLiteLLM:
    return FakeLiteLLM()


@pytest.fixture
def reader(proxy: FakeLiteLLM) -> KeyReader:
    return KeyReader(proxy, Proxy(proxy))


def test_a_server_that_takes_an_alias_for_a_part_of_one(
    proxy: FakeLiteLLM, reader: KeyReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = proxy.add("a")["token"]
    proxy.add("ab")
    proxy.add("A")
    monkeypatch.setattr(proxy, "_list", lambda params: page(*proxy.keys.values()))
    assert [record["token"] for record in reader.with_alias("a")] == [token]


def test_budgets_that_the_listing_leaves_out_are_read(proxy: FakeLiteLLM, reader: KeyReader) -> None:
    row = proxy.add("a", budget_id="budget")
    other = proxy.add("b", budget_id="own", litellm_budget_table={"soft_budget": 1.0})
    found = reader.with_budgets([row, other, proxy.add("c")])
    assert [record["litellm_budget_table"] for record in found] == [{"budget_id": "budget"}, {"soft_budget": 1.0}, None]
    assert proxy.asked("/budget/info") == [{"budgets": ["budget"]}]


def test_the_budgets_ids_that_the_listing_leaves_out_are_read(proxy: FakeLiteLLM, reader: KeyReader) -> None:
    """Rows come without their tokens, in any order: they are told apart by alias, name and time."""
    rows = [proxy.add("a", budget_id="budget"), proxy.add("a"), proxy.add("b")]
    listed = [{name: value for name, value in row.items() if name != "budget_id"} for row in rows]
    assert [record["budget_id"] for record in reader.with_budgets(listed[::-1])] == [None, None, "budget"]


def test_no_budgets_no_question(proxy: FakeLiteLLM, reader: KeyReader) -> None:
    reader.with_budgets([proxy.add("a")])
    assert proxy.log == []


@pytest.mark.parametrize("answer", [[], {"keys": []}, {"data": [], "total_count": 0, "total_pages": 1}])
def test_an_answer_of_another_shape_is_an_error(
    proxy: FakeLiteLLM, reader: KeyReader, monkeypatch: pytest.MonkeyPatch, answer: Any
) -> None:
    monkeypatch.setattr(proxy, "_list", lambda params: answer)
    with pytest.raises(ApiError, match=r"unexpected shape.*Check that api_url"):
        reader.with_alias("a")


def test_few_tokens_are_looked_up(proxy: FakeLiteLLM, reader: KeyReader, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy.add("b")
    token = proxy.add("a")["token"]
    # A server that does not know key_hash lists all keys.
    monkeypatch.setattr(proxy, "_list", lambda params: page(*proxy.keys.values()))
    assert [record["key_alias"] for record in reader.with_any_token([token])] == ["a"]
    assert [params["key_hash"] for params in proxy.asked("/key/list")] == [token]


def test_many_tokens_are_taken_from_the_listing(proxy: FakeLiteLLM, reader: KeyReader) -> None:
    tokens = [proxy.add(f"a{number}")["token"] for number in range(120)]
    found = reader.with_any_token([*tokens[:50], "0" * 64])
    assert {record["token"] for record in found} == set(tokens[:50])
    assert len(proxy.asked("/key/list")) == 2


def test_what_a_run_has_just_read_is_not_read_again(proxy: FakeLiteLLM, reader: KeyReader) -> None:
    token = proxy.add("day-ann")["token"]
    proxy.add("day-ben")
    reader.with_prefix("day-", {})
    proxy.log.clear()
    assert [record["token"] for record in reader.with_any_alias(["day-ann", "day-anna"], 2)] == [token]
    assert proxy.log == []


def test_what_was_read_is_used_once(proxy: FakeLiteLLM, reader: KeyReader) -> None:
    """Whoever looks again wants to know what others have done meanwhile."""
    reader.with_prefix("day-", {})
    assert reader.with_any_alias(["day-ann", "day-ben"], 2) == []
    proxy.add("day-ann")
    assert len(reader.with_any_alias(["day-ann", "day-ben"], 2)) == 1


@pytest.mark.parametrize(
    ("prefix", "params"), [("other-", {}), ("day-b", {}), ("day-", {"team_id": "t"})], ids=["other", "narrower", "team"]
)
def test_what_was_read_may_lack_what_is_asked_for(
    proxy: FakeLiteLLM, reader: KeyReader, prefix: str, params: dict[str, str]
) -> None:
    proxy.add("day-ann")
    reader.with_prefix(prefix, params)
    assert len(reader.with_any_alias(["day-ann", "day-ben"], 2)) == 1


def test_a_listing_of_all_keys_is_not_used_again(proxy: FakeLiteLLM, reader: KeyReader) -> None:
    """On many pages, a key that is deleted hides another one, and the fewer keys, the fewer pages."""
    proxy.add("day-ann")
    reader.with_prefix("", {})
    proxy.log.clear()
    assert len(reader.with_any_alias(["day-ann", "day-ben"], 2)) == 1
    assert len(proxy.asked("/key/list")) == 1
