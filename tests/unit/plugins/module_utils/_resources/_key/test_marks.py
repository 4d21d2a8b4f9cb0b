# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A mark chooses keys for deletion: for any JSON value only those that bear exactly it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._errors import InputError
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._key._marks import (
    NO_LIMIT,
    bears,
    check_group,
    check_mark,
    to_prune,
)
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._values import is_empty, strictly_equal
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
