# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which team the keys of a workshop belong to, and when there can be none."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.filter.in_team import in_team
from ansible_collections.litemaas.virtual_keys.plugins.filter.roster import roster

MARK = {"litellm_vkey_group": "w"}
OURS = {"team_id": "w", "metadata": {"other": 1, **MARK}, "max_budget": 5.0}


def made(budget: Any = 50, found: Any = None, **variables: Any) -> dict[str, Any]:
    given = {"alias": "w", "models": ["m"], "users": ["ann", "ben"], **variables}
    return in_team(roster(given), budget, found)


def test_the_keys_follow_the_team() -> None:
    result = made()
    team = {"team_id": "w", "team_alias": "w", "models": ["m"], "max_budget": 50.0, "metadata": MARK}
    assert (result["problem"], result["team"]) == ("", team)
    assert result["members"] == [{"user_id": "ann@example.com"}, {"user_id": "ben@example.com"}]
    assert (result["defaults"]["team_id"], result["defaults"]["models"]) == ("w", ["all-team-models"])


def test_a_team_that_is_there_is_only_given_what_is_declared() -> None:
    assert made("7.5", OURS)["team"] == {"team_id": "w", "models": ["m"], "max_budget": 7.5}
    assert made(None, OURS)["team"] == {"team_id": "w", "models": ["m"]}


@pytest.mark.parametrize("budget", [None, "", " ", "null"])
def test_without_a_budget_and_a_team_nothing_changes(budget: Any) -> None:
    alone = roster({"alias": "w", "models": ["m"], "users": ["ann", "ben"]})
    for found in (
        None,
        {},
        {"team_id": "w", "metadata": {}},
        {"team_id": "w", "metadata": {"litellm_vkey_group": "x"}},
    ):
        assert made(budget, found) == {**alone, "team": {}, "members": [], "team_changes": [], "team_said": []}


def test_what_changes_of_the_team_is_a_line_each() -> None:
    ours = {"team_id": "w", "metadata": {"litellm_vkey_group": "w"}, "models": ["n", "m"], "max_budget": 40.0}
    workshop = {"alias": "w", "models": ["m", "n"], "users": ["ann", "ben"]}
    assert in_team(roster(workshop), 40, ours)["team_changes"] == []
    assert in_team(roster(workshop), "80", ours)["team_changes"] == ["~ team w  max_budget 40 -> 80"]
    assert in_team(roster(workshop), "80", ours)["team_said"] == ["team w: max_budget 40 -> 80"]
    assert in_team(roster({**workshop, "models": ["m"]}), None, ours)["team_changes"] == ["~ team w  models n, m -> m"]
    assert in_team(roster(workshop), 40, {})["team_changes"] == ["+ team w"]
    assert in_team(roster(workshop), 40, {})["team_said"] == []
    assert in_team(roster({**workshop, "state": "absent"}), None, ours)["team_changes"] == ["- team w"]


def test_a_team_of_the_users_own_goes_before_one_that_is_there() -> None:
    assert made(None, OURS, key_options={"team_id": "other"})["team"] == {}


def test_models_of_one_person_are_not_for_all() -> None:
    result = made(users=["ann", {"user": "ben", "models": ["m", "more"]}])
    assert (result["team"]["models"], result["defaults"]["models"]) == (["m", "more"], ["m"])
    assert result["virtual_keys"][1]["models"] == ["m", "more"]
    assert made(users=["ann", {"user": "ben", "models": ["m"]}])["defaults"]["models"] == ["all-team-models"]


def test_only_the_workshops_own_team_goes_at_its_end() -> None:
    assert made(None, OURS, state="absent")["team"] == {"team_id": "w"}
    for found in (None, {"team_id": "w", "metadata": {}}):
        assert made(50, found, state="absent")["team"] == {}


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"budget": 0}, "must be above 0. LiteLLM takes a team budget of 0 for no limit."),
        ({"budget": "0.0"}, "must be above 0."),
        ({"budget": -1}, "must not be negative."),
        ({"budget": "10,50"}, "must be a number such as 10 or 2.5, not '10,50'."),
        ({"budget": True}, "must be a number such as 10 or 2.5"),
        ({"budget": "nan"}, "must be a number such as 10 or 2.5"),
        ({"users": None}, "is for the keys of a workshop. For a single key, set litellm_vkey_max_budget."),
        ({"key_options": {"team_id": "x"}}, "puts the keys into a team of the workshop, but team_id is set."),
        (
            {"users": [{"user": "ann", "team_id": "x"}]},
            "puts the keys into a team of the workshop, but team_id is set.",
        ),
        ({"found": {"team_id": "w", "metadata": {}}}, "the proxy has a team 'w' already that is not this workshop's."),
    ],
)
def test_what_cannot_be(variables: dict[str, Any], sentence: str) -> None:
    result = made(**variables)
    assert result["problem"].startswith("litellm_vkey_total_budget")
    assert sentence in result["problem"]
    assert result["team"] == {}
