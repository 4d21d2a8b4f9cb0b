# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""More budget for some: who gets how much, and that the same once more gives nobody more."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._variables import Source, VariableError, Variables
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._workshop._declaration import declare
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._workshop._raise import (
    FOREVER,
    selects,
    sentences,
    settle_raise,
)
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._workshop._variables import VARIABLES
from hypothesis import given
from hypothesis import strategies as st

BASE = {"alias": "ws", "models": ["gpt-4"], "max_budget": 5, "users": ["ann", "ben", "cem"]}


def key(
    user: str, spend: float, budget: float | None = 5, raised: float = 0, used: bool | None = None
) -> dict[str, Any]:
    """A key as litellm_key_info returns it."""
    return {
        "key_alias": f"ws-{user}",
        "max_budget": budget,
        "spend": spend,
        "remaining_budget": None if budget is None else budget + raised - spend,
        "used": bool(spend) if used is None else used,
    }


def settled(raising: Any, *keys: dict[str, Any], **variables: Any) -> tuple[dict[str, Any], list[str]]:
    """Return by how much each budget is raised, and what is said."""
    read = Variables(VARIABLES, Source({**BASE, **variables, "raise": raising}, "litellm_vkey_"))
    workshop = declare(read, lambda _path: b"")
    raised = settle_raise(read, workshop, keys)
    amounts = {
        one.user: one.options["temp_budget_increase"]
        for one in workshop.people
        if "temp_budget_increase" in one.options
    }
    assert all(one.options["temp_budget_expiry"] == FOREVER for one in workshop.people if one.user in amounts)
    back = {one.user: None for one in workshop.people if "temp_budget_increase" in one.options.get("unset", ())}
    return {**amounts, **back}, sentences(raised)


def refusal(raising: Any, *keys: dict[str, Any], **variables: Any) -> str:
    with pytest.raises(VariableError) as raised:
        settled(raising, *keys, **variables)
    return str(raised.value)


@pytest.mark.parametrize("written", [{"ann": 10}, {"ann": "+10"}, "ann:10", "ann: +10", '{"ann": 10}', ["ann:10.0"]])
def test_who_is_named_gets_so_much_more_than_the_others(written: Any) -> None:
    assert settled(written, key("ann", 1)) == ({"ann": 10}, ["raised: ann to 15.00 USD"])
    assert settled(written) == ({"ann": 10}, ["raised: ann to 15.00 USD"])  # in a first run, too


def test_who_is_exhausted_can_go_on() -> None:
    keys = key("ann", 5.017), key("ben", 4.99), key("cem", 0)
    assert settled({"exhausted": 5}, *keys) == ({"ann": 5.02}, ["raised: ann to 10.02 USD"])
    assert settled({"exhausted": 5, "ann": 1}, *keys)[0] == {"ann": 1}
    assert settled({"exhausted": 5, "never_used": 2}, *keys)[0] == {"ann": 5.02, "cem": 2}


def test_whoever_has_more_is_not_exhausted_until_that_is_spent() -> None:
    nobody = ["nobody is exhausted, so nobody's budget is raised"]
    assert settled({"exhausted": 5}, key("ann", 5.017, raised=5.02)) == ({}, nobody)
    assert settled({"exhausted": 5}, key("ann", 10.5, raised=5.02)) == ({"ann": 10.5}, ["raised: ann to 15.50 USD"])
    assert settled({"exhausted": 5}) == ({}, nobody)
    assert settled({"exhausted": 5}, key("ann", 5), max_budget=10) == ({}, nobody)  # 10 for all are enough


@given(
    spend=st.floats(0, 1000, allow_nan=False),
    budget=st.floats(0.01, 500),
    raised=st.floats(0, 500),
    more=st.floats(0.01, 100),
)
def test_nobody_is_raised_twice_without_spending(spend: float, budget: float, raised: float, more: float) -> None:
    one = key("ann", spend, budget, raised)
    amounts, _said = settled({"exhausted": more}, one, max_budget=budget)
    assert bool(amounts) == (one["remaining_budget"] <= 0)
    again = settled({"exhausted": more}, key("ann", spend, budget, amounts.get("ann", raised)), max_budget=budget)
    assert again[0] == {}
    if amounts:
        assert more - 1e-6 <= budget + amounts["ann"] - spend <= more + 0.01 + 1e-6


def test_who_never_used_the_key() -> None:
    assert settled({"never_used": 2}, key("ann", 0), key("ben", 0, used=True), key("cem", 1))[0] == {"ann": 2}
    read = Variables(VARIABLES, Source({"raise": {"never_used": 2}}))
    assert selects(read, "never_used") and not selects(read, "exhausted")


def test_a_raise_is_taken_back() -> None:
    assert settled({"ann": 0}, key("ann", 1, raised=5)) == ({"ann": None}, ["raised: ann to 5.00 USD"])


@pytest.mark.parametrize(
    ("raising", "variables", "words"),
    [
        ({"dan": 1}, {}, "litellm_vkey_raise: 'dan' is not among the people of this workshop"),
        ({"ann": -1}, {}, "litellm_vkey_raise, ann must not be negative"),
        ({"ann": "much"}, {}, "litellm_vkey_raise, ann must be a number"),
        ({"ann": True}, {}, "litellm_vkey_raise, ann must be a number"),
        ("ann", {}, "litellm_vkey_raise, ann: the amount in USD is missing. Write it after a colon: ann:5"),
        ({"exhausted": 0}, {}, "litellm_vkey_raise, exhausted must be above 0"),
        ({"ann": 1}, {"max_budget": None}, "litellm_vkey_raise: ann has no max_budget that could be raised"),
        ({"exhausted": 1}, {"users": ["exhausted"]}, "is the name of a person, too"),
        ({"ann": 1}, {"state": "absent"}, "litellm_vkey_raise requires litellm_vkey_state to be present"),
        (
            {"ann": 1},
            {"temp_budget_increase": 2, "temp_budget_expiry": FOREVER},
            "litellm_vkey_raise and temp_budget_increase both raise the budget of ann",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused(raising: Any, variables: dict[str, Any], words: str) -> None:
    assert words in refusal(raising, **variables)


def test_a_key_without_a_budget_is_never_exhausted() -> None:
    assert settled({"exhausted": 5}, key("ann", 100, None), max_budget=None)[0] == {}


@pytest.mark.parametrize("text", ["+5", " +5 "])
def test_a_plus_means_more_than_everybody_has(text: str) -> None:
    read = Variables(VARIABLES, Source({**BASE, "users": [{"user": "ann", "max_budget": text}, "ben"]}))
    (ann, ben) = declare(read, lambda _path: b"").people
    assert ann.options["max_budget"] == 10 and "max_budget" not in ben.options
    table = Variables(VARIABLES, Source({**BASE, "users": None, "users_file": "people.csv"}))
    (ann,) = declare(table, lambda _path: f"user,max_budget\nann,{text}\n".encode()).people
    assert ann.options["max_budget"] == 10


@pytest.mark.parametrize("extra", [5, 5.0, "5", " 5 "])
def test_what_is_more_than_everybody_has_needs_no_plus(extra: Any) -> None:
    read = Variables(VARIABLES, Source({**BASE, "users": [{"user": "ann", "extra_budget": extra}, "ben"]}))
    (ann, ben) = declare(read, lambda _path: b"").people
    assert ann.options["max_budget"] == 10 and "max_budget" not in ben.options and "extra_budget" not in ann.options
    table = Variables(VARIABLES, Source({**BASE, "users": None, "users_file": "people.csv"}))
    text = f"user,extra_budget\nann,{extra}\nben,\n".encode()
    (ann, ben) = declare(table, lambda _path: text).people
    assert ann.options["max_budget"] == 10 and "max_budget" not in ben.options


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        (
            {"users": [{"user": "ann", "extra_budget": 5, "max_budget": 7}]},
            "litellm_vkey_users, ann: max_budget and extra_budget cannot both be set.",
        ),
        (
            {"users": [{"user": "ann", "extra_budget": 5}], "max_budget": None},
            "ann, extra_budget: 5 is more than everybody has, so litellm_vkey_max_budget is required",
        ),
        (
            {"users": [{"user": "ann", "extra_budget": -5}]},
            "litellm_vkey_users, ann, extra_budget must not be negative",
        ),
        ({"users": [{"user": "ann", "extra_budget": "much"}]}, "ann, extra_budget must be a number such as 10"),
        ({"key_options": {"extra_budget": 5}}, "'extra_budget' is not an option of a key"),
        ({"max_budget": "+5"}, "litellm_vkey_max_budget must be a number such as 10 or 2.5, not '+5'"),
        ({"total_budget": "+5"}, "litellm_vkey_total_budget must be a number"),
        ({"rpm_limit": "+5"}, "litellm_vkey_rpm_limit must be a whole number, not '+5'"),
        ({"users": [{"user": "ann", "soft_budget": "+5"}]}, "litellm_vkey_users, ann, soft_budget must be a number"),
        (
            {"users": [{"user": "ann", "max_budget": "+5"}], "max_budget": None},
            "so litellm_vkey_max_budget is required",
        ),
        ({"users": [{"user": "ann", "max_budget": "+a"}]}, "litellm_vkey_users, ann, max_budget must be a number"),
    ],
)
def test_a_plus_is_never_dropped(variables: dict[str, Any], words: str) -> None:
    with pytest.raises(VariableError) as raised:
        declare(Variables(VARIABLES, Source({**BASE, **variables}, "litellm_vkey_")), lambda _path: b"")
    assert words in str(raised.value)
