# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Comparing and planning, on a table made up for it: the engine knows no API object."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._engine import (
    NOT_CLEARABLE,
    Field,
    Outcome,
    Plan,
    Resource,
    dropped,
    make_plan,
    problems,
    unsupported,
)
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._errors import InputError
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._values import (
    UNSET,
    alike,
    is_empty,
    moment,
    redact,
    same_members,
    same_moment,
    version_tuple,
)
from hypothesis import given
from hypothesis import strategies as st

THING = Resource(
    kind="thing",
    identity="name",
    fields=(
        Field("name", cleared=NOT_CLEARABLE),
        Field("limit", "float", check=lambda value: "must not be negative." if value < 0 else None),
        Field("count", "int", since="1.80.0", update_since="1.90.0"),
        Field("members", "list", "str", cleared=[]),
        Field("steps", "list", "str", ordered=True, cleared=[]),
        Field("notes", "dict", cleared={}),
        Field("deep", path=("outer", "inner")),
        Field("colour", choices=("red", "blue"), updatable=False),
        Field("ends", same=same_moment, read=lambda record: record.get("end_time")),
        Field("on", "bool", cleared=False),
    ),
)

texts = st.text(max_size=5)
plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
declarations = st.fixed_dictionaries(
    {"name": st.just("n")},
    optional={
        "limit": st.floats(0, 1e9) | st.just(UNSET),
        "count": st.integers(0, 2**31) | st.just(UNSET),
        "members": st.lists(texts, max_size=4) | st.just(UNSET),
        "steps": st.lists(texts, max_size=4) | st.just(UNSET),
        "notes": st.dictionaries(texts, plain, max_size=3) | st.just(UNSET),
        "deep": texts | st.just(UNSET),
        "on": st.booleans() | st.just(UNSET),
    },
)


def stored(changes: dict[str, Any], record: dict[str, Any] | None = None) -> dict[str, Any]:
    """The record that a server holds after it carried out a plan."""
    record = {"name": "n", **(record or {})}
    for option, value in changes.items():
        kept = THING.field(option).cleared if value is UNSET else value
        if option == "deep":
            record["outer"] = {"inner": kept}
        else:
            record["end_time" if option == "ends" else option] = kept
    return record


@given(declarations)
def test_what_was_created_needs_no_more_writing(declared: dict[str, Any]) -> None:
    first = make_plan(THING, declared, None)
    assert first.action == "create"
    assert make_plan(THING, declared, stored(dict(first.changes))).action == "none"


@given(declarations, declarations)
def test_what_was_updated_needs_no_more_writing(declared: dict[str, Any], before: dict[str, Any]) -> None:
    record = stored(before)
    first = make_plan(THING, declared, record)
    assert first.action == ("update" if first.changes else "none")
    again = make_plan(THING, declared, stored(dict(first.changes), record))
    assert (again.action, dict(again.changes)) == ("none", {})


@given(declarations, declarations)
def test_a_plan_foretells_the_record(declared: dict[str, Any], before: dict[str, Any]) -> None:
    record = stored(before)
    result = make_plan(THING, declared, record)
    after = stored(dict(result.changes), record)
    for option, value in result.after.items():
        assert THING.field(option).equal(value, THING.field(option).value(after)), option


@given(declarations)
def test_nothing_undeclared_is_written_or_shown(declared: dict[str, Any]) -> None:
    record = stored({"limit": 1.0, "members": ["x"], "deep": "d", "on": True})
    result = make_plan(THING, declared, record)
    assert set(result.changes) <= set(declared)
    assert set(result.before) == set(result.after) == set(declared)


@pytest.mark.parametrize(
    ("option", "declared", "actual"),
    [
        ("limit", 0.3, 0.1 + 0.2),
        ("limit", 5, 5.0),
        ("limit", UNSET, None),
        ("members", ["a", "b"], ["b", "a", "a"]),
        ("members", [], None),
        ("members", UNSET, []),
        ("notes", {}, None),
        ("notes", {"n": 1}, {"n": 1.0}),
        ("deep", "", None),
        ("on", False, None),
        ("on", UNSET, False),
        ("ends", "2030-01-01T00:00:00Z", "2030-01-01T01:00:59+01:00"),
    ],
)
def test_equal(option: str, declared: Any, actual: Any) -> None:
    assert THING.field(option).equal(declared, actual)


@pytest.mark.parametrize(
    ("option", "declared", "actual"),
    [
        ("limit", 0, None),
        ("limit", UNSET, 0),
        ("limit", 0.0, 0.001),
        ("limit", 5, None),
        ("limit", 1, True),
        ("members", ["a"], ["a", "b"]),
        ("members", ["a", "b"], ["a"]),
        ("members", [], ["a"]),
        ("steps", ["a", "b"], ["b", "a"]),
        ("steps", ["a"], ["a", "a"]),
        ("notes", {"n": 1}, {"n": True}),
        ("notes", {"n": 1}, {"n": 1, "m": 1}),
        ("notes", {"n": None}, {"m": None}),
        ("deep", "A", "a"),
        ("deep", "", "a"),
        ("on", True, None),
        ("on", False, True),
        ("ends", "2030-01-01T00:00:00Z", "2030-01-01T00:01:01Z"),
        ("ends", "2030-01-01T00:00:00Z", None),
        ("ends", UNSET, "2030-01-01T00:00:00Z"),
    ],
)
def test_not_equal(option: str, declared: Any, actual: Any) -> None:
    assert not THING.field(option).equal(declared, actual)


@pytest.mark.parametrize("record", [None, {}, {"outer": None}, {"outer": "text"}, {"outer": {}}])
def test_a_path_that_leads_nowhere_is_no_value(record: dict[str, Any] | None) -> None:
    assert THING.field("deep").value(record) is None


def test_a_plan_to_create_sends_nothing_empty() -> None:
    declared = {"name": "n", "members": [], "notes": {}, "deep": "", "on": False, "limit": 0, "count": UNSET}
    result = make_plan(THING, declared, None)
    assert dict(result.changes) == {"name": "n", "limit": 0}
    assert (dict(result.before), result.existing, result.changed) == ({}, {}, True)


def test_a_plan_to_update_holds_only_what_differs() -> None:
    record = {"name": "n", "limit": 1.0, "members": ["a"], "other": 1}
    result = make_plan(THING, {"name": "n", "limit": 2.0, "members": ["a"], "deep": UNSET}, record)
    assert (result.action, dict(result.changes)) == ("update", {"limit": 2.0})
    assert dict(result.before) == {"name": "n", "limit": 1.0, "members": ["a"], "deep": None}
    assert dict(result.after) == {"name": "n", "limit": 2.0, "members": ["a"], "deep": None}
    assert result.existing is record


def test_a_declared_removal_stays_marked_in_the_changes_and_is_null_in_the_diff() -> None:
    result = make_plan(THING, {"name": "n", "limit": UNSET}, {"name": "n", "limit": 1.0})
    assert result.changes["limit"] is UNSET
    assert result.diff == {
        "before_header": "n",
        "after_header": "n",
        "before": {"name": "n", "limit": 1.0},
        "after": {"name": "n", "limit": None},
    }


def test_absent() -> None:
    record = {"name": "n", "limit": 1.0, "members": []}
    gone = make_plan(THING, {"name": "n", "limit": 5}, record, "absent")
    assert (gone.action, dict(gone.before), dict(gone.after), dict(gone.changes)) == (
        "delete",
        {"name": "n", "limit": 1.0},
        {},
        {},
    )
    assert make_plan(THING, {"name": "n"}, None, "absent") == Plan("n", "none")


def test_a_field_that_cannot_be_changed_is_refused_by_name() -> None:
    with pytest.raises(InputError, match="cannot change colour of an existing thing") as caught:
        make_plan(THING, {"name": "n", "colour": "red"}, {"name": "n", "colour": "blue"})
    assert caught.value.subject == "n"
    assert make_plan(THING, {"name": "n", "colour": "red"}, {"name": "n", "colour": "red"}).action == "none"


def test_dropped_names_what_the_server_does_not_show() -> None:
    changes = {"limit": 1.0, "deep": "d", "members": ["a", "b"], "count": UNSET}
    record = {"limit": 1.0, "members": ["b", "a"], "count": 3}
    assert sorted(dropped(THING, changes, record)) == ["count", "deep"]
    assert dropped(THING, changes, stored(changes)) == []


@pytest.mark.parametrize(
    ("version", "updating", "found"),
    [
        ("1.79.9", False, [("know count", "1.80.0")]),
        ("1.79.9", True, [("know count", "1.80.0")]),
        ("1.80.0", False, []),
        ("1.80.0", True, [("change count", "1.90.0")]),
        ("1.90.0-stable.1", True, []),
        ("1.100.0", True, []),
        (None, True, []),
    ],
)
def test_unsupported(version: str | None, updating: bool, found: list[tuple[str, str]]) -> None:
    assert unsupported(THING, {"limit": 1.0, "count": 2}, version, updating) == found


@pytest.mark.parametrize(
    ("row", "version", "found"),
    [
        (Field("a", update_since="1.5.0"), "1.4.0", [("clear a", "1.5.0")]),
        (Field("a", update_since="1.5.0"), "1.5.0", []),
        (Field("a", clear_since="1.6.0"), "1.5.0", [("clear a", "1.6.0")]),
        (Field("a", update_since="1.7.0", clear_since="1.6.0"), "1.6.0", []),
        (Field("a", since="1.5.0"), "1.4.0", [("know a", "1.5.0")]),
    ],
)
def test_what_is_taken_away_needs_a_server_that_can(row: Field, version: str, found: list[tuple[str, str]]) -> None:
    assert unsupported(Resource("t", "a", (row,)), {"a": UNSET}, version, updating=True) == found


def test_problems() -> None:
    assert problems(THING, {"name": UNSET, "limit": -1.0}) == [
        "name cannot be unset.",
        "limit: must not be negative.",
    ]
    assert problems(THING, {"name": "n", "limit": UNSET, "members": []}) == []


def test_options_say_that_nothing_is_secret() -> None:
    options = THING.options()
    assert options["members"] == {"type": "list", "elements": "str", "no_log": False}
    assert options["colour"] == {"type": "str", "choices": ["red", "blue"], "no_log": False}
    nested = Field("windows", "list", "dict", suboptions={"size": {"type": "int"}}).option()
    assert nested["options"] == {"size": {"type": "int"}}


def test_a_view_without_names_leaves_out_what_is_empty() -> None:
    record = {"name": "n", "limit": 0, "members": [], "outer": {"inner": "d"}, "on": False, "more": 1}
    assert THING.view(record) == {"name": "n", "limit": 0, "deep": "d"}
    assert THING.view(record, ["members", "deep"]) == {"members": [], "deep": "d"}


@pytest.mark.parametrize("value", [None, UNSET, False, "", [], {}, ()])
def test_empty(value: Any) -> None:
    assert is_empty(value)


@pytest.mark.parametrize("value", [0, 0.0, True, " ", [None], {"a": None}])
def test_not_empty(value: Any) -> None:
    assert not is_empty(value)


@given(plain)
def test_everything_is_like_itself(value: Any) -> None:
    assert alike(value, value)


@given(plain, plain)
def test_likeness_has_no_direction(one: Any, other: Any) -> None:
    assert alike(one, other) == alike(other, one)


@given(st.lists(st.integers(0, 5)), st.lists(st.integers(0, 5)))
def test_members_are_those_of_sets(left: list[int], right: list[int]) -> None:
    assert same_members(left, right) == (set(left) == set(right))


def test_moments() -> None:
    assert moment(" 2030-01-31T18:00:00+01:00") == datetime(2030, 1, 31, 17, tzinfo=UTC)
    assert moment("2030-01-31T17:00:00.5Z").utcoffset() == timedelta()
    same = datetime(2030, 1, 31, tzinfo=UTC)
    assert moment(same) == same
    assert same_moment(None, "")
    assert same_moment("2030-01-01T00:01:00Z", "2030-01-01T00:00:00Z")


@pytest.mark.parametrize("text", ["2030-01-31T18:00:00", "tomorrow", "", "2030-13-01T00:00:00Z"])
def test_a_time_needs_a_zone(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        moment(text)


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("1.83.14.post1", (1, 83, 14)),
        ("1.83.14", (1, 83, 14)),
        ("1.84.1rc20", (1, 84, 1)),
        ("1.84.0-stable.2", (1, 84, 0)),
        ("v1.84.10", (1, 84, 10)),
        ("1.2", (1, 2)),
        ("dev", ()),
        ("", ()),
    ],
)
def test_version_tuple_of(text: str, numbers: tuple[int, ...]) -> None:
    assert version_tuple(text) == numbers


@given(st.tuples(*[st.integers(0, 10**4)] * 3), st.tuples(*[st.integers(0, 10**4)] * 3))
def test_versions_are_ordered_as_numbers(left: tuple[int, ...], right: tuple[int, ...]) -> None:
    of_left, of_right = (version_tuple(".".join(map(str, numbers))) for numbers in (left, right))
    assert (of_left < of_right) == (left < right)


@given(st.text())
def test_no_version_text_is_too_odd(text: str) -> None:
    assert len(version_tuple(text)) <= 3


def test_redact_hides_the_variables_of_callbacks_at_any_depth() -> None:
    value = {"logging": [{"callback_name": "langfuse", "callback_vars": {"secret": "s3cret", "host": "h"}}], "n": (1,)}
    assert redact(value) == {
        "logging": [{"callback_name": "langfuse", "callback_vars": {"secret": "********", "host": "********"}}],
        "n": [1],
    }


@given(plain)
def test_redact_leaves_other_data_as_it_is(value: Any) -> None:
    assert redact(value) == value


def test_having_makes_another_one() -> None:
    first = Plan("n", "none")
    second = first.having(action="update", value="v")
    assert (first.action, second.action, second.value, second.name) == ("none", "update", "v", "n")
    outcome = Outcome(first, "none").having(value="w")
    assert (outcome.plan, outcome.value) == (first, "w")
    assert (first.changed, second.changed) == (False, True)
