# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which attachments are equal, which are refused, and how they are described."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._policy._attachments import (
    ATTACHMENTS,
    LARGEST,
    UNBOUNDED,
    concrete,
    describe,
    differing,
    plain,
)


@pytest.mark.parametrize(
    ("shown", "said"),
    [
        ({"attachment_id": "a", "scope": None, "teams": [], "default": False, "priority": None}, {}),
        ({"scope": "*", "priority": 0, "policy_name": "p"}, {"scope": "*", "priority": 0}),
        ({"teams": ["t"], "default": True}, {"teams": ["t"], "default": True}),
    ],
)
def test_only_what_an_attachment_says_counts(shown: dict[str, Any], said: dict[str, Any]) -> None:
    assert plain(shown) == said
    assert ATTACHMENTS.value({"attachments": [shown]}) == [said]


@pytest.mark.parametrize(
    ("declared", "actual", "equal"),
    [
        ([{"teams": ["a", "b", "b"]}], [{"teams": ["b", "a"], "keys": []}], True),
        ([{"scope": "*"}, {"models": ["m"]}], [{"models": ["m"]}, {"scope": "*"}], True),
        ([{"scope": "*"}], [{"scope": "*"}, {"scope": "*"}], False),
        ([{"teams": ["a"], "priority": 0}], [{"teams": ["a"]}], False),
    ],
)
def test_neither_order_nor_what_is_empty_counts(
    declared: list[dict[str, Any]], actual: list[dict[str, Any]], equal: bool
) -> None:
    assert ATTACHMENTS.equal(declared, actual) is equal


def test_an_attachment_that_is_there_twice_is_surplus_once() -> None:
    there = [{"attachment_id": name, "teams": teams} for name, teams in (("1", ["a"]), ("2", ["a"]), ("3", ["b"]))]
    missing, surplus = differing([{"teams": ["a"]}, {"teams": ["c"]}], there)
    assert missing == [{"teams": ["c"]}]
    assert [one["attachment_id"] for one in surplus] == ["2", "3"]


def test_a_pattern_names_nothing_that_has_to_be_there() -> None:
    named = [{"teams": ["a", "b-*"]}, {"teams": ["a", "c"], "keys": ["k"]}, {"teams": None}]
    assert concrete(named, "teams") == ["a", "c"]


def test_attachments_in_words() -> None:
    attachments = [{"teams": ["a", "b"], "models": ["m"]}, {"scope": "*"}, {"default": True}]
    assert describe(attachments) == "teams a, b with models m; all requests; all requests"


@pytest.mark.parametrize(
    ("attachments", "sentence"),
    [
        ([{}], UNBOUNDED),
        ([{"default": True, "priority": 1}], UNBOUNDED),
        ([{"teams": ["*"], "models": ["gpt-4", "*"]}], UNBOUNDED),
        ([{"scope": "*", "teams": ["a"]}], 'scope: "*" applies to all requests, so teams has no effect.'),
        ([{"teams": ["a", " "]}], "a name must not be blank."),
        ([{"teams": ["a"], "priority": LARGEST + 1}], "priority must be between"),
        ([{"teams": ["a"], "priority": -LARGEST - 1}], "priority must be between"),
        ([{"models": ["m", "n"]}, {"models": ["n", "m"]}], "models m, n is listed more than once."),
        ([{"scope": "*"}, {"tags": ["*"]}, {"teams": ["a"], "priority": LARGEST}], None),
    ],
)
def test_which_attachments_are_refused(attachments: list[dict[str, Any]], sentence: str | None) -> None:
    assert ATTACHMENTS.check is not None
    found = ATTACHMENTS.check(attachments)
    assert found is None if sentence is None else sentence in str(found)
