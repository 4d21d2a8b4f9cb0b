# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Comparing and planning, on a table made up for it: the engine knows no API object."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._engine import (
    NOT_CLEARABLE,
    Field,
    Outcome,
    Plan,
    Resource,
    declared_fields,
    dropped,
    make_plan,
    problems,
    unsupported,
)
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._errors import InputError
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._values import (
    UNSET,
    as_json,
    is_empty,
    json_equal,
    parse_time,
    same_amount,
    same_members,
    same_moment,
    version_tuple,
)
from hypothesis import example, given
from hypothesis import strategies as st

THING = Resource(
    kind="thing",
    identity="name",
    fields=(
        Field("name", cleared=NOT_CLEARABLE),
        Field("limit", "float", check=lambda value: "must not be negative." if value < 0 else None),
        Field("count", "int", since="1.80.0", update_since="1.90.0"),
        Field("members", "list", "str", cleared=[]),
        Field("steps", "list", "str", same=json_equal, cleared=[]),
        Field("parts", "dict", merged=True, cleared={}),
        Field("flag", "bool", cleared=None),
        Field("size", "int", empty_values=(0,), cleared=0),
        Field("notes", "dict", cleared={}),
        Field("deep", path=("outer", "inner")),
        Field("color", choices=("red", "blue"), updatable=False),
        Field("ends", same=same_moment, read=lambda record: record.get("end_time")),
        Field("on", "bool", empty_values=(False,), cleared=False),
    ),
)

texts = st.text(max_size=5)
words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=5)
plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
kept = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=6,
)
declarations = st.fixed_dictionaries(
    {"name": st.just("n")},
    optional={
        "limit": st.floats(0, 1e9) | st.just(UNSET),
        "count": st.integers(0, 2**31) | st.just(UNSET),
        "members": st.lists(words, max_size=4) | st.just(UNSET),
        "steps": st.lists(words, max_size=4) | st.just(UNSET),
        "notes": st.dictionaries(words, kept, max_size=3) | st.just(UNSET),
        "deep": words | st.just(UNSET),
        "on": st.booleans() | st.just(UNSET),
        "flag": st.booleans() | st.just(UNSET),
        "size": st.integers(0, 3) | st.just(UNSET),
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
        ("limit", 0.1 + 0.2, 0.3),
        ("limit", 123456789.12345679, 123456789.1234568),
        ("steps", [], None),
        ("flag", None, None),
        ("size", 0, None),
        ("size", UNSET, 0),
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
        ("limit", 0.3, 0.1 + 0.2),
        ("limit", 1000000000.1, 1000000000.2),
        ("limit", 0, False),
        ("flag", False, None),
        ("flag", UNSET, False),
        ("flag", False, True),
        ("size", 1, True),
        ("size", 2**62, 2**62 + 1),
        ("count", 2000000000, 2000000001),
        ("notes", {"a": False}, None),
        ("notes", {"a": False}, {}),
        ("notes", {"a": None}, {}),
        ("notes", {"a": 0}, {"a": False}),
        ("notes", {"a": 1735689600}, {"a": 1735689601}),
        ("notes", {"a": 2**53}, {"a": 2**53 + 1}),
        ("notes", {"a": 2**53 + 1}, {"a": float(2**53)}),
        ("notes", {"a": 0.3}, {"a": 0.1 + 0.2}),
        ("notes", {"a": [1e22]}, {"a": [1.0000000000000001e22 * (1 + 2**-52)]}),
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
    with pytest.raises(InputError, match="cannot change color of an existing thing") as caught:
        make_plan(THING, {"name": "n", "color": "red"}, {"name": "n", "color": "blue"})
    assert caught.value.subject == "n"
    assert make_plan(THING, {"name": "n", "color": "red"}, {"name": "n", "color": "red"}).action == "none"


def test_what_cannot_be_cleared_is_refused_by_name_with_what_to_do_instead() -> None:
    stuck = Field("parts", "list", "str", cleared=NOT_CLEARABLE, hint="To allow all parts, set parts to all.")
    thing = Resource("thing", "name", (Field("name"), stuck, Field("color", updatable=False)))
    record = {"name": "n", "parts": ["a"], "color": "blue"}
    with pytest.raises(InputError) as caught:
        make_plan(thing, {"name": "n", "parts": [], "color": "red"}, record)
    said = "LiteLLM cannot clear parts, change color of an existing thing. To allow all parts, set parts to all."
    assert str(caught.value) == said
    assert make_plan(thing, {"name": "n", "parts": ["b"], "color": UNSET}, record).action == "update"
    assert make_plan(thing, {"name": "n", "parts": []}, {"name": "n", "parts": []}).action == "none"


def test_dropped_names_what_the_server_does_not_show() -> None:
    changes = {"limit": 1.0, "deep": "d", "members": ["a", "b"], "count": UNSET}
    record = {"limit": 1.0, "members": ["b", "a"], "count": 3}
    assert sorted(dropped(THING, changes, record)) == ["count", "deep"]
    assert dropped(THING, changes, stored(changes)) == []


@pytest.mark.parametrize(
    ("version", "updating", "found"),
    [
        ("1.79.9", False, [("know O(count)", "1.80.0")]),
        ("1.79.9", True, [("know O(count)", "1.80.0")]),
        ("1.80.0", False, []),
        ("1.80.0", True, [("change O(count)", "1.90.0")]),
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
        (Field("a", update_since="1.5.0"), "1.4.0", [("clear O(a)", "1.5.0")]),
        (Field("a", update_since="1.5.0"), "1.5.0", []),
        (Field("a", clear_since="1.6.0"), "1.5.0", [("clear O(a)", "1.6.0")]),
        (Field("a", update_since="1.7.0", clear_since="1.6.0"), "1.6.0", []),
        (Field("a", since="1.5.0"), "1.4.0", [("know O(a)", "1.5.0")]),
    ],
)
def test_what_is_taken_away_needs_a_server_that_can(row: Field, version: str, found: list[tuple[str, str]]) -> None:
    assert unsupported(Resource("t", "a", (row,)), {"a": UNSET}, version, updating=True) == found


def test_problems() -> None:
    assert problems(THING, {"name": UNSET, "limit": -1.0}) == [
        "O(name) cannot be unset.",
        "O(limit): must not be negative.",
    ]
    assert problems(THING, {"name": "n", "limit": UNSET, "members": []}) == []


def test_true_is_no_number() -> None:
    sentences = [f"O({name}): must be a number." for name in ("limit", "count")]
    assert problems(THING, {"limit": True, "count": False}) == sentences


@pytest.mark.parametrize(
    "value", [{"token": "********"}, {"a": [{"url": "https://********@host"}]}, {"a": "a ******** b"}]
)
def test_what_a_result_shows_of_a_secret_is_no_value(value: Any) -> None:
    """To write it back would lose the secret."""
    (sentence,) = problems(THING, {"notes": value})
    assert sentence.startswith("O(notes): contains ********, which stands for a secret")
    assert problems(THING, {"notes": {"rule": "*********", "short": "*******", "key": "sk-...abcd"}}) == []


def test_options_say_that_nothing_is_secret() -> None:
    options = THING.options()
    assert options["members"] == {"type": "list", "elements": "str", "no_log": False}
    assert options["color"] == {"type": "str", "choices": ["red", "blue"], "no_log": False}
    nested = Field("windows", "list", "dict", suboptions={"size": {"type": "int"}}).option()
    assert nested["options"] == {"size": {"type": "int"}}


def test_a_view_without_names_leaves_out_what_is_empty() -> None:
    record = {"name": "n", "limit": 0, "members": [], "outer": {"inner": "d"}, "on": False, "more": 1}
    assert THING.view(record) == {"name": "n", "limit": 0, "deep": "d"}
    assert THING.view(record, ["members", "deep"]) == {"members": [], "deep": "d"}


@pytest.mark.parametrize("value", [None, UNSET, "", [], {}, ()])
def test_empty(value: Any) -> None:
    assert is_empty(value)


@pytest.mark.parametrize("value", [0, 0.0, True, False, " ", [None], {"a": None}])
def test_not_empty(value: Any) -> None:
    assert not is_empty(value)


@given(plain)
def test_everything_is_like_itself(value: Any) -> None:
    assert json_equal(value, value)


def written(value: Any) -> str:
    """A value as the one text that JSON in a database has for it: numbers without exponent, zero without sign."""

    def plain_number(part: Any) -> Any:
        if isinstance(part, bool) or not isinstance(part, (int, float)):
            if isinstance(part, dict):
                return {name: plain_number(inner) for name, inner in part.items()}
            return [plain_number(inner) for inner in part] if isinstance(part, list) else part
        number = format(Decimal(repr(part)), "f")
        number = number.rstrip("0").rstrip(".") if "." in number else number
        return ["number", "0" if number == "-0" else number]

    return json.dumps(plain_number(value), sort_keys=True)


numbers = st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.integers(2**53 - 4, 2**53 + 4)
near = numbers.flatmap(lambda number: st.tuples(st.just(number), st.sampled_from([number + 1, float(number), number])))


@given(st.tuples(plain, plain) | near)
@example((10**400, 1.0))
@example((100000000000000020, 1.0000000000000002e17))
@example((100000000000000016, 1.0000000000000002e17))
@example(({"a": [0]}, {"a": [False]}))
def test_no_declared_difference_is_ever_equal(pair: tuple[Any, Any]) -> None:
    one, other = pair
    assert json_equal(one, other) == (written(one) == written(other))
    assert json_equal({"a": [one]}, {"a": [other]}) == json_equal(one, other)


@given(plain)
def test_a_value_is_the_same_after_a_journey_as_json(value: Any) -> None:
    assert json_equal(value, json.loads(json.dumps(value)))


@given(kept)
def test_json_is_kept_as_it_is(value: Any) -> None:
    assert as_json(value) == value


@given(st.floats(allow_nan=False, allow_infinity=False), st.floats(allow_nan=False, allow_infinity=False))
@example(0.1 + 0.2, 0.3)
def test_amounts_are_equal_only_where_the_database_cut_them(declared: float, actual: float) -> None:
    same = [declared, float(f"{declared:.15g}"), float(f"{declared:.16g}")]
    assert all(same_amount(declared, one) for one in same)
    assert same_amount(declared, actual) == (actual in same)


@pytest.mark.parametrize(
    ("declared", "kept"),
    [
        ({2: "a", True: "b", None: "c", 1.5: "d"}, {"2": "a", "true": "b", "null": "c", "1.5": "d"}),
        ((1, (2,)), [1, [2]]),
        (date(2030, 1, 31), "2030-01-31"),
        (datetime(2030, 1, 31, 12, tzinfo=UTC), "2030-01-31T12:00:00+00:00"),
        (2**64 - 1, 2**64 - 1),
        (-(2**63), -(2**63)),
        ("\u2028 \x85", "\u2028 \x85"),
    ],
)
def test_what_yaml_has_and_json_has_not(declared: Any, kept: Any) -> None:
    assert as_json(declared) == kept


def nested(levels: int) -> Any:
    value: Any = 1
    for _level in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (float("nan"), "must be a finite number."),
        (float("-inf"), "must be a finite number."),
        (2**64, "more than 64 bits"),
        (-(2**63) - 1, "more than 64 bits"),
        ("a\0b", "a NUL character"),
        ("a\ud800", "a lone surrogate"),
        (nested(65), "more than 64 levels deep"),
        (nested(5000), "more than 64 levels deep"),
    ],
)
def test_what_no_server_can_keep(value: Any, words: str) -> None:
    for whole in (value, {"a": [value]}):
        with pytest.raises(ValueError, match=words):
            as_json(whole)
    found = declared_fields(THING, {"name": "n", "notes": {"a": value}})[1]
    assert len(found) == 1
    assert re.search(rf"^O\(notes\): .*{words}", found[0])
    if isinstance(value, str):
        with pytest.raises(ValueError, match=words):
            as_json({value: 1})


def test_what_is_declared() -> None:
    given = {"name": "n", "limit": 0, "deep": "", "on": False, "members": None, "unset": ["notes", "on"], "other": 1}
    declared, found = declared_fields(THING, given)
    assert found == []
    assert declared == {"name": "n", "limit": 0, "deep": UNSET, "on": UNSET, "notes": UNSET}


def test_a_value_beside_unset_is_refused_even_if_it_is_false() -> None:
    options = {"name": "n", "flag": False, "limit": 0, "unset": ["flag", "limit", "deep"]}
    assert declared_fields(THING, options)[1] == ["O(flag), O(limit) cannot be both set and listed in O(unset)."]


def test_entries_of_a_merged_mapping_that_are_not_declared_stay() -> None:
    record = {"name": "n", "parts": {"a": 1, "b": False}}
    assert make_plan(THING, {"name": "n", "parts": {"b": False}}, record).action == "none"
    changed = make_plan(THING, {"name": "n", "parts": {"b": 2}}, record)
    assert changed.changes["parts"] == changed.after["parts"] == {"a": 1, "b": 2}
    emptied = make_plan(THING, {"name": "n", "parts": {}}, record)
    assert (emptied.action, dict(emptied.changes)) == ("update", {"parts": {}})


def test_no_repr_shows_a_secret() -> None:
    secret = {"name": "n", "notes": {"token": "s3cret"}}
    first = Plan("n", "update", changes=secret, current=secret, surplus=(secret,), value="s3cret")
    assert "s3cret" not in repr(Outcome(first, "update", record=secret, value="s3cret"))


def test_a_plan_shows_what_its_rows_let_be_seen() -> None:
    thing = Resource(
        "t", "name", (Field("name"), Field("notes", "dict", redact=lambda value: dict.fromkeys(value, "*")))
    )
    plan = make_plan(thing, {"name": "n", "notes": {"a": 2}}, {"name": "n", "notes": {"a": 1, "b": 1}})
    assert (plan.changes["notes"], plan.before["notes"], plan.after["notes"]) == (
        {"a": 2},
        {"a": "*", "b": "*"},
        {"a": "*"},
    )


@given(plain, plain)
def test_likeness_has_no_direction(one: Any, other: Any) -> None:
    assert json_equal(one, other) == json_equal(other, one)


@given(st.lists(st.integers(0, 5)), st.lists(st.integers(0, 5)))
def test_members_are_those_of_sets(left: list[int], right: list[int]) -> None:
    assert same_members(left, right) == (set(left) == set(right))


def test_moments() -> None:
    assert parse_time(" 2030-01-31T18:00:00+01:00") == datetime(2030, 1, 31, 17, tzinfo=UTC)
    assert parse_time("2030-01-31T17:00:00.5Z").utcoffset() == timedelta()
    same = datetime(2030, 1, 31, tzinfo=UTC)
    assert parse_time(same) == same
    assert same_moment(None, "")
    assert same_moment("2030-01-01T00:01:00Z", "2030-01-01T00:00:00Z")


@pytest.mark.parametrize("text", ["2030-01-31T18:00:00", "tomorrow", "", "2030-13-01T00:00:00Z"])
def test_a_time_needs_a_zone(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_time(text)


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
