# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module litellm_keys from its arguments to its result."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.module_utils import _module
from ansible_collections.litemaas.virtual_keys.plugins.modules import litellm_keys
from ansible_collections.litemaas.virtual_keys.tests.unit.answers import Script
from ansible_collections.litemaas.virtual_keys.tests.unit.fake_litellm import FakeLiteLLM, refusal, token_of

Run = Callable[..., dict[str, Any]]
URL = "https://litellm.example.com"


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> FakeLiteLLM:
    """Takes the client's place: many requests at once have no fixed order that a script could hold."""
    proxy = FakeLiteLLM()
    monkeypatch.setattr(_module, "Client", lambda *_settings, **_more: proxy)
    return proxy


def keys(*aliases: str, **options: Any) -> list[dict[str, Any]]:
    return [{"key_alias": alias, **options} for alias in aliases]


def test_results_are_in_the_order_of_the_input(proxy: FakeLiteLLM, run: Run) -> None:
    proxy.add("u2", max_budget=5.0)
    proxy.add("u3")
    result = run(litellm_keys, URL, virtual_keys=keys("u1", "u2", "u3"), defaults={"max_budget": 5.0})
    assert [one["key_alias"] for one in result["virtual_keys"]] == ["u1", "u2", "u3"]
    assert [one["action"] for one in result["virtual_keys"]] == ["create", "none", "update"]
    assert [one["changed"] for one in result["virtual_keys"]] == [True, False, True]
    assert [one["error"] for one in result["virtual_keys"]] == [None] * 3
    assert result["changed"]
    made = result["virtual_keys"][0]
    assert made["key_id"] == token_of(made["key"]) == proxy.only("u1")["token"]
    assert result["summary"] == {
        "create": 1,
        "update": 1,
        "reissue": 0,
        "delete": 0,
        "none": 1,
        "failed": 0,
        "unknown_value": 2,
    }
    assert [diff["after_header"] for diff in result["diff"]] == ["u1", "u3"]
    again = run(litellm_keys, URL, virtual_keys=keys("u1", "u2", "u3"), defaults={"max_budget": 5.0})
    assert not again["changed"]
    assert again["diff"] == []


def test_defaults_stand_below_each_item(proxy: FakeLiteLLM, run: Run) -> None:
    declared = [{"key_alias": "u1", "max_budget": 1.0}, {"key_alias": "u2"}]
    run(litellm_keys, URL, virtual_keys=declared, defaults={"max_budget": 5.0, "rpm_limit": 2})
    assert [(proxy.only(alias)["max_budget"], proxy.only(alias)["rpm_limit"]) for alias in ("u1", "u2")] == [
        (1.0, 2),
        (5.0, 2),
    ]


@pytest.mark.parametrize("check", [False, True])
def test_each_tells_what_the_key_is_without_another_request(proxy: FakeLiteLLM, run: Run, check: bool) -> None:
    proxy.add("u1", max_budget=5.0, spend=2.5, blocked=True)
    names = ("models", "max_budget", "blocked", "spend")

    def told(**options: Any) -> list[tuple[Any, ...]]:
        done = run(litellm_keys, URL, check=check, **options)
        return [tuple(one[name] for name in names) for one in done["virtual_keys"]]

    declared = keys("u1", "u2", models=["gpt-4"], max_budget=7.0, expires_at="2040-01-01T00:00:00Z")
    (before, created) = told(virtual_keys=declared)
    assert before == (["gpt-4"], 7.0, True, 2.5)
    assert created[:2] == (["gpt-4"], 7.0) and not created[2] and not created[3]
    budget = 5.0 if check else 7.0
    assert told(virtual_keys=keys("u1"), state="absent")[0][1:] == (budget, True, 2.5)


def test_check_mode_writes_nothing(proxy: FakeLiteLLM, run: Run) -> None:
    proxy.add("u1")
    result = run(litellm_keys, URL, check=True, virtual_keys=keys("u1", "u2", max_budget=5.0))
    assert [one["action"] for one in result["virtual_keys"]] == ["update", "create"]
    assert result["changed"]
    assert proxy.writes == []


def test_absent(proxy: FakeLiteLLM, run: Run) -> None:
    proxy.add("u1")
    proxy.add("u3")
    result = run(litellm_keys, URL, virtual_keys=keys("u1", "u2"), state="absent")
    assert [(one["action"], one["key"]) for one in result["virtual_keys"]] == [("delete", None), ("none", None)]
    assert proxy.aliases() == ["u3"]
    assert not run(litellm_keys, URL, virtual_keys=keys("u1", "u2"), state="absent")["changed"]


def test_a_failure_fails_the_task_at_the_end_with_all_values(proxy: FakeLiteLLM, run: Run) -> None:
    proxy.fault("/key/generate", 2, raised=refusal("bad_duration"), carried_out=False)
    result = run(litellm_keys, URL, virtual_keys=keys("u1", "u2", "u3"), concurrency=1)
    assert result["failed"]
    assert result["changed"]
    assert result["msg"].startswith("1 of 3 failed. u2: Unsupported duration unit")
    assert [bool(one["error"]) for one in result["virtual_keys"]] == [False, True, False]
    assert [one["key"] is None for one in result["virtual_keys"]] == [False, True, False]
    for one in (result["virtual_keys"][0], result["virtual_keys"][2]):
        assert token_of(one["key"]) in proxy.keys
    assert (result["summary"]["create"], result["summary"]["failed"]) == (2, 1)


def test_fail_fast(proxy: FakeLiteLLM, run: Run) -> None:
    proxy.fault("/key/generate", 1, raised=refusal("bad_duration"), carried_out=False)
    result = run(litellm_keys, URL, virtual_keys=keys("u1", "u2", "u3"), concurrency=1, fail_fast=True)
    assert result["failed"]
    assert not result["changed"]
    assert "u2, u3: Not tried" in result["msg"]
    assert proxy.keys == {}


def test_the_same_failure_of_many_is_told_once(proxy: FakeLiteLLM, run: Run) -> None:
    aliases = [f"u{number}" for number in range(40)]
    for number in range(1, 41):
        proxy.fault("/key/generate", number, raised=refusal("bad_duration"), carried_out=False)
    result = run(litellm_keys, URL, virtual_keys=keys(*aliases))
    assert result["msg"].startswith("40 of 40 failed.")
    assert result["msg"].count("Unsupported duration unit") == 1
    assert " more" in result["msg"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"virtual_keys": keys("u1", "u2", "u1")}, "u1: declared 2 times, as items 1, 3."),
        ({"virtual_keys": [*keys("u1"), {"max_budget": 1}]}, "item 2: key_alias or key_id is required"),
        ({"virtual_keys": keys("u1", max_budget=-1)}, "u1: max_budget: must not be negative."),
        ({"virtual_keys": keys("u1", "u2", duration="soon")}, "u1, u2: duration: 'soon' is not a duration"),
        ({"virtual_keys": keys("u1"), "concurrency": 0}, "concurrency must be between 1 and"),
        ({"virtual_keys": keys("u1"), "concurrency": 1000}, "concurrency must be between 1 and"),
        ({"virtual_keys": keys("u1"), "defaults": {"max_budget": "much"}}, "max_budget"),
        ({}, "missing required arguments: virtual_keys"),
    ],
)
def test_a_wrong_option_is_one_clear_sentence_and_no_request(
    script: Script, run: Run, options: dict[str, Any], words: str
) -> None:
    result = run(litellm_keys, script.url, **options)
    assert result["failed"]
    assert words in result["msg"]
    assert "\n" not in result["msg"]


def test_no_keys_at_all(proxy: FakeLiteLLM, run: Run) -> None:
    result = run(litellm_keys, URL, virtual_keys=[])
    assert (result["changed"], result["virtual_keys"]) == (False, [])
    assert proxy.writes == []


def test_keys_that_bear_the_mark_and_are_not_declared_are_pruned(proxy: FakeLiteLLM, run: Run) -> None:
    proxy.add("u1", metadata={"group": "w"})
    proxy.add("u2", metadata={"group": "w"})
    proxy.add("u3", metadata={"group": "other"})
    proxy.add("u4")
    result = run(litellm_keys, URL, virtual_keys=keys("u1"), prune_metadata={"group": "w"})
    assert proxy.aliases() == ["u1", "u3", "u4"]
    assert [one["key_alias"] for one in result["virtual_keys"]] == ["u1"]
    assert [(one["key_alias"], one["action"]) for one in result["pruned"]] == [("u2", "delete")]
    assert result["changed"]


def test_nothing_is_pruned_while_a_declared_key_fails(proxy: FakeLiteLLM, run: Run) -> None:
    """Who was renamed keeps the old key until the new one is there."""
    proxy.add("u1", metadata={"group": "w"})
    proxy.fault("/key/generate", raised=refusal("bad_duration"), carried_out=False)
    result = run(litellm_keys, URL, virtual_keys=keys("anna"), prune_metadata={"group": "w"}, prune_limit=1)
    assert result["failed"]
    assert result["pruned"] == []
    assert proxy.aliases() == ["u1"]


def test_no_value_is_lost_when_pruning_fails(proxy: FakeLiteLLM, run: Run) -> None:
    proxy.add("old", metadata={"group": "w"})
    proxy.fault("/key/delete", raised=refusal("unlicensed"), carried_out=False)
    result = run(litellm_keys, URL, virtual_keys=keys("new"), prune_metadata={"group": "w"}, prune_limit=1)
    assert result["failed"]
    assert token_of(result["virtual_keys"][0]["key"]) == proxy.only("new")["token"]
    assert [(one["key_alias"], one["action"]) for one in result["pruned"]] == [("old", "none")]
    assert "old: " in result["msg"]


def test_what_is_to_be_pruned_is_read_before_the_first_write(proxy: FakeLiteLLM, run: Run) -> None:
    proxy.add("old", metadata={"group": "w"})
    run(litellm_keys, URL, virtual_keys=keys("new-1", "new-2"), prune_metadata={"group": "w"}, prune_limit=1)
    paths = [path for path, _data in proxy.log]
    assert "/key/list" not in paths[paths.index("/key/generate") : paths.index("/key/delete")]
    assert proxy.aliases() == ["new-1", "new-2"]


@pytest.mark.parametrize("value", [None, False, "", " ", [], {}])
@pytest.mark.parametrize("others", [{}, {"group": "w"}])
def test_a_mark_without_a_value_is_refused(proxy: FakeLiteLLM, run: Run, value: Any, others: dict[str, Any]) -> None:
    proxy.add("u1", metadata={"group": "w"})
    for mark in ({**others, "course": value}, {}):
        result = run(litellm_keys, URL, virtual_keys=[], prune_metadata=mark, prune_limit=-1)
        assert result["failed"]
        assert "prune_metadata: " in result["msg"]
    assert proxy.log == []


def test_an_unmarked_key_with_the_alias_of_a_pruned_one_stays(proxy: FakeLiteLLM, run: Run) -> None:
    proxy.add("twice", metadata={"group": "w"})
    kept = proxy.add("twice", metadata={"group": "other"})["token"]
    for _copy in range(2):
        proxy.add("u1", metadata={"group": "w"})
    result = run(litellm_keys, URL, virtual_keys=[], prune_metadata={"group": "w"}, prune_limit=3)
    assert not result.get("failed"), result["msg"]
    assert list(proxy.keys) == [kept]
    assert [(one["key_alias"], one["action"]) for one in result["pruned"]] == [
        ("twice", "delete"), ("u1", "delete"), ("u1", "delete"),
    ]  # fmt: skip


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize(
    ("declared", "limit", "words"),
    [
        (["u1"], None, "Of the 14 keys that carry the mark, 13 would be deleted, but only half of them can be deleted"),
        ([f"u{n:02}" for n in range(8)], 5, "6 would be deleted, but only prune_limit allows 5"),
        ([], None, "14 would be deleted"),
        ([], 0, "prune_limit allows 0"),
    ],
)
def test_more_deletions_than_allowed_are_refused(
    proxy: FakeLiteLLM, run: Run, check: bool, declared: list[str], limit: int | None, words: str
) -> None:
    for number in range(14):
        proxy.add("u1" if number == 13 else f"u{number:02}", metadata={"group": "w"})
    result = run(
        litellm_keys, URL, check, virtual_keys=keys(*declared), prune_metadata={"group": "w"}, prune_limit=limit
    )
    assert result["failed"]
    assert words in result["msg"]
    assert proxy.writes == []
    asked = int(result["msg"].rsplit(" ", 1)[-1].rstrip("."))
    assert ("and 3 more" in result["msg"]) == (asked == 13)
    again = run(litellm_keys, URL, virtual_keys=keys(*declared), prune_metadata={"group": "w"}, prune_limit=asked)
    assert len(again["pruned"]) == asked


@pytest.mark.parametrize("state", ["present", "absent"])
@pytest.mark.parametrize("policy", ["keep", "reissue"])
def test_a_key_of_another_group_is_refused(proxy: FakeLiteLLM, run: Run, state: str, policy: str) -> None:
    proxy.add("a-b-c", metadata={"litellm_vkey_group": "a"})
    declared = keys("a-b-c", "a-b-d", group="a-b", value_policy=policy)
    result = run(litellm_keys, URL, virtual_keys=declared, state=state)
    assert result["failed"]
    assert 'a-b-c: the key belongs to the group "a", not to "a-b".' in result["msg"]
    assert proxy.writes == []


def test_a_key_without_a_group_joins_and_leaves_one(proxy: FakeLiteLLM, run: Run) -> None:
    proxy.add("u1", metadata={"x": 1})
    run(litellm_keys, URL, virtual_keys=keys("u1", group="w", metadata={"y": 2}, metadata_mode="replace"))
    assert proxy.only("u1")["metadata"] == {"y": 2, "litellm_vkey_group": "w"}
    run(litellm_keys, URL, virtual_keys=keys("u1", unset=["group"]))
    assert proxy.only("u1")["metadata"] == {"y": 2}
