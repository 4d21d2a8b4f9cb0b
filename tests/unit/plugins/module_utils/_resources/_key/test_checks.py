# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a proxy cannot carry out, and a mark that says too little, are refused before anything is written.

A mark chooses keys for deletion: for any JSON value only those that bear exactly it.
"""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._batch import converge
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._engine import Plan
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._errors import ApiError, InputError
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._key._checks import (
    NO_LIMIT,
    bears,
    check_mark,
    to_prune,
    with_lacking_models,
)
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._key._declaration import declare
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._key._planning import check_group
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._key._store import KeyStore
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._values import is_empty, strictly_equal
from ansible_collections.litemaas.virtual_keys.tests.unit.answers import key_row
from ansible_collections.litemaas.virtual_keys.tests.unit.fake_litellm import FakeLiteLLM, token_of
from hypothesis import given
from hypothesis import strategies as st

PLAIN = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([0, 1, 1.0, 0.0, True, False, "", "1", 1735689600, 1735689601])
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
)
VALUES = st.recursive(PLAIN, lambda part: st.lists(part, max_size=3) | st.dictionaries(st.text(), part, max_size=3))
METADATA = st.dictionaries(st.sampled_from(["group", "course", "x"]), VALUES, max_size=3)


@pytest.mark.parametrize(
    ("version", "there", "refused"), [("1.98.1", True, True), ("1.98.1", False, False), ("1.102.4", True, False)]
)
def test_what_a_version_can_set_on_a_new_key_only(version: str, there: bool, refused: bool) -> None:
    proxy = FakeLiteLLM(version)
    if there:
        proxy.add("a")
    store = KeyStore(proxy, secret="sk-unit-master-key", sleep=proxy.sleep)
    declared = [declare({"key_alias": "a", "soft_budget": 2.0})]
    if refused:
        with pytest.raises(InputError, match=r"LiteLLM 1\.98\.1 .*soft_budget"):
            converge(store, declared)
        assert proxy.writes == []
    else:
        assert converge(store, declared)[0].error is None
        assert proxy.only("a")["litellm_budget_table"] == {"soft_budget": 2.0}


@pytest.mark.parametrize(
    ("of_team", "declared", "refused"),
    [("o", "o", ""), ("o", "p", "gets the organization of that team, o."), (None, "o", "that team, which has none.")],
)
def test_a_new_key_has_the_organization_of_its_team(of_team: str | None, declared: str, refused: str) -> None:
    proxy = FakeLiteLLM()
    proxy.organization_of["team"] = of_team
    store = KeyStore(proxy, secret="sk-unit-master-key", sleep=proxy.sleep)
    wants = [declare({"key_alias": "a", "team_id": "team", "organization_id": declared})]
    if refused:
        with pytest.raises(InputError, match=refused) as caught:
            converge(store, wants)
        assert caught.value.subject == "a" and proxy.writes == []
    else:
        assert converge(store, wants)[0].error is None
    assert len(proxy.asked("/team/info")) == 1


def test_what_a_version_cannot_take_away_is_refused() -> None:
    proxy = FakeLiteLLM("1.89.7")
    proxy.add("a", budget_duration="30d")
    store = KeyStore(proxy, secret="sk-unit-master-key", sleep=proxy.sleep)
    with pytest.raises(InputError, match=r"1\.89\.7 .* does not clear budget_duration \(since 1\.90\.0\)"):
        converge(store, [declare({"key_alias": "a", "unset": ["budget_duration"]})])
    assert proxy.writes == []
    assert converge(store, [declare({"key_alias": "a", "budget_duration": "7d"})])[0].error is None


def test_spending_is_reset_before_it_is_marked_so_that_a_crash_between_is_mended() -> None:
    proxy = FakeLiteLLM()
    key = proxy.add("a", spend=2.5)
    store = KeyStore(proxy, secret="sk-unit-master-key", sleep=proxy.sleep)
    wants = [declare({"key_alias": "a", "reset_spend": "june"})]
    proxy.fault("/key/update", raised=ApiError("Stopped.", 500), carried_out=False)
    assert converge(store, wants)[0].error is not None
    assert (proxy.only("a")["spend"], proxy.only("a")["metadata"]) == (0.0, {})
    assert converge(store, wants)[0].error is None
    assert proxy.only("a")["metadata"] == {"litellm_vkey_reset_spend": "june"}
    key["spend"] = 1.0
    assert converge(store, wants)[0].action == "none" and proxy.only("a")["spend"] == 1.0


def test_an_old_value_is_looked_for_under_its_retired_name_as_well() -> None:
    proxy = FakeLiteLLM()
    old = declare({"key_alias": "a", "rotate_after": "30d"})
    proxy.add("a")
    proxy.add(old.retired_alias)  # the last run was interrupted before it returned the new value
    store = KeyStore(proxy, secret="sk-unit-master-key", sleep=proxy.sleep)
    (outcome,) = converge(store, [old])
    assert outcome.action == "reissue" and outcome.error is None
    assert proxy.aliases() == ["a"] and proxy.only("a")["token"] == token_of(outcome.value or "")
    assert converge(store, [old])[0].action == "none"


def literal(value: Any) -> str:
    """Two JSON values are the same only if they are written alike, but for the order of a mapping."""
    return json.dumps(value, sort_keys=True)


def key(alias: str, metadata: Any) -> dict[str, Any]:
    return {"key_alias": alias, "token": f"token of {alias}", "metadata": metadata}


@given(VALUES, VALUES)
def test_identical_is_what_is_written_alike(left: Any, right: Any) -> None:
    if literal(left) != literal(right):
        assert not strictly_equal(left, right) or left == right == 0.0  # -0.0 is written in another way
    assert strictly_equal(left, json.loads(json.dumps(left)))


@given(METADATA, METADATA)
def test_no_key_without_the_exact_mark_is_chosen(mark: dict[str, Any], metadata: dict[str, Any]) -> None:
    record = key("u1", metadata)
    chosen = to_prune([record], mark, (), NO_LIMIT)
    exact = bool(mark) and all(
        name in metadata and strictly_equal(value, metadata[name]) for name, value in mark.items()
    )
    assert chosen == ([record] if exact else [])


@given(METADATA, st.lists(METADATA, max_size=8), st.sets(st.sampled_from("abcdefgh")))
def test_what_is_chosen_bears_the_mark_and_is_not_declared(
    mark: dict[str, Any], all_metadata: list[dict[str, Any]], declared: set[str]
) -> None:
    records = [key("abcdefgh"[number], metadata) for number, metadata in enumerate([*all_metadata[:7], mark])]
    marked = [record for record in records if bears(record, mark)]
    undeclared = [record for record in marked if record["key_alias"] not in declared]
    if len(undeclared) > len(marked) / 2:
        with pytest.raises(InputError, match="would be deleted"):
            to_prune(records, mark, declared, None)
        return
    chosen = to_prune(records, mark, declared, None)
    kept = [record for record in records if bears(record, mark) and record not in chosen]
    assert chosen == undeclared
    assert all(record["key_alias"] in declared for record in kept)
    assert len(chosen) <= len(kept) <= len(declared)


def says_something(value: Any) -> bool:
    if isinstance(value, (dict, list)):
        return any(map(says_something, value.values() if isinstance(value, dict) else value))
    return isinstance(value, (int, float, str)) and value is not False and bool(str(value).strip())


@given(METADATA)
def test_a_mark_has_entries_and_each_a_value(mark: dict[str, Any]) -> None:
    if mark and all(map(says_something, mark.values())):
        check_mark(mark, None)
        return
    with pytest.raises(InputError, match="prune_metadata: "):
        check_mark(mark, None)


@pytest.mark.parametrize("metadata", [None, [], "text", 7])
def test_metadata_that_is_no_mapping_bears_nothing(metadata: Any) -> None:
    assert not bears(key("u1", metadata), {"x": None})


def test_a_key_without_alias_is_called_by_its_ending() -> None:
    record = {**key("", {"x": 1}), "key_alias": None, "key_name": "sk-...abcd"}
    assert to_prune([record], {"x": 1}, (), NO_LIMIT) == [record]
    with pytest.raises(InputError, match=r"\(no alias\) sk-\.\.\.abcd"):
        to_prune([record], {"x": 1}, (), 0)


@given(VALUES, st.text(min_size=1))
def test_only_a_key_of_this_group_or_of_none_is_taken(theirs: Any, ours: str) -> None:
    record = key("u1", {"litellm_vkey_group": theirs})
    if is_empty(theirs) or strictly_equal(theirs, ours):
        check_group("u1", ours, [record])
        return
    with pytest.raises(InputError, match="belongs to the group"):
        check_group("u1", ours, [record])


@pytest.mark.parametrize(
    ("action", "changes", "lacking"),
    [
        ("create", {"team_id": "t", "models": ["gpt-4", "gpt-4o"]}, "'gpt-4'"),
        ("create", {"team_id": "t", "models": ["gpt-4o", "all-team-models"]}, ""),
        ("create", {"team_id": "t"}, ""),
        ("create", {"team_id": "open", "models": ["gpt-4"]}, ""),
        ("create", {"team_id": "hidden", "models": ["gpt-4"]}, ""),
        ("create", {"models": ["gpt-4"]}, ""),
        ("update", {"models": ["gpt-4", "claude"]}, "'gpt-4', 'claude'"),
        ("update", {"max_budget": 1}, ""),
        # A key that moves is refused.
        ("update", {"team_id": "t", "models": ["gpt-4"]}, ""),
        ("update", {"team_id": "", "models": ["gpt-4"]}, ""),
        ("none", {}, ""),
    ],
)
def test_models_beside_those_of_the_team_are_warned_of(action: str, changes: dict[str, Any], lacking: str) -> None:
    teams: dict[str, Any] = {"t": {"team_id": "t", "models": ["gpt-4o"]}, "open": {"team_id": "open", "models": []}}
    proxy: Any = SimpleNamespace(team=teams.get, single_models={"gpt-4", "gpt-4o", "claude"})
    current = None if action == "create" else key_row(key_alias="a", team_id="t", models=["gpt-4"])
    plan = Plan("a", action, changes, current=current, warnings=("before",))
    sentence = f"a: O(models): the team 't' does not have {lacking}. It has gpt-4o."
    assert with_lacking_models(plan, proxy).warnings == ("before", *([sentence] if lacking else []))
