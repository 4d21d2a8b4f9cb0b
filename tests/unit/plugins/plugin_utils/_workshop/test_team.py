# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which team the keys of a workshop belong to, and when there can be none."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._variables import Source, VariableError, Variables
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._workshop._declaration import Workshop, declare
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._workshop._team import Team, in_teams
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._workshop._variables import VARIABLES

MARK = {"litellm_vkey_group": "w"}
OURS = {"team_id": "w", "metadata": {"other": 1, **MARK}, "max_budget": 5.0}


def made(budget: Any = 50, found: Any = None, **variables: Any) -> tuple[Workshop, Team | None]:
    given = {"alias": "w", "models": ["m"], "users": ["ann", "ben"], "total_budget": budget, **variables}
    read = Variables(VARIABLES, Source(given, "litellm_vkey_"))
    workshop, teams = in_teams(declare(read, lambda path: b""), read, {found["team_id"]: found} if found else {})
    return workshop, next(iter(teams), None)


def team(*how: Any, **variables: Any) -> Team:
    found = made(*how, **variables)[1]
    assert found is not None
    return found


def test_the_keys_follow_the_team() -> None:
    workshop, found = made()
    assert found is not None
    assert found.options == {"team_id": "w", "team_alias": "w", "models": ["m"], "max_budget": 50.0, "metadata": MARK}
    assert found.members == [{"user_id": "ann@example.com"}, {"user_id": "ben@example.com"}]
    assert {person.options["team_id"] for person in workshop.people} == {"w"}
    assert workshop.shared["models"] == ["all-team-models"]
    assert workshop.models == ["m"]


def test_a_team_that_is_there_is_only_given_what_is_declared() -> None:
    assert team("7.5", OURS).options == {"team_id": "w", "models": ["m"], "max_budget": 7.5}
    assert team(None, OURS).options == {"team_id": "w", "models": ["m"]}


@pytest.mark.parametrize("budget", [None, "", " ", "null"])
@pytest.mark.parametrize(
    "found", [None, {"team_id": "w", "metadata": {}}, {"team_id": "w", "metadata": {"litellm_vkey_group": "x"}}]
)
def test_without_a_budget_and_a_team_nothing_changes(budget: Any, found: Any) -> None:
    workshop, no_team = made(budget, found)
    assert no_team is None and workshop.shared["models"] == ["m"]
    assert not any("team_id" in person.options for person in workshop.people)


def test_what_changes_of_the_team_is_a_line_each() -> None:
    ours = {"team_id": "w", "metadata": MARK, "models": ["n", "m"], "max_budget": 40.0}
    same = team(40, ours, models=["m", "n"])
    assert (same.changes, same.is_written) == ([], False)
    raised = team("80", ours, models=["m", "n"])
    assert (raised.changes, raised.is_written) == (["~ team w  max_budget 40 -> 80"], True)
    assert raised.said == ["team w: max_budget 40 -> 80"]
    assert team(None, ours, models=["m"]).changes == ["~ team w  models n, m -> m"]
    new = team(40, None)
    assert (new.changes, new.said, new.is_new, new.is_written) == (["+ team w"], [], True, True)
    assert team(None, ours, state="absent").changes == ["- team w"]


def test_a_team_of_the_users_own_goes_before_one_that_is_there() -> None:
    assert made(None, OURS, key_options={"team_id": "other"})[1] is None


def test_models_of_one_person_are_not_for_all() -> None:
    workshop, found = made(users=["ann", {"user": "ben", "models": ["m", "more"]}])
    assert found is not None and found.options["models"] == ["m", "more"]
    assert [person.options["models"] for person in workshop.people] == [["m"], ["m", "more"]]
    assert made(users=["ann", {"user": "ben", "models": ["m"]}])[0].shared["models"] == ["all-team-models"]


def test_only_the_workshops_own_team_goes_at_its_end() -> None:
    assert team(None, OURS, state="absent").team_id == "w"
    for found in (None, {"team_id": "w", "metadata": {}}):
        assert made(50, found, state="absent")[1] is None
    assert made(50, None, state="absent", users=None)[1] is None  # not even a workshop


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
    with pytest.raises(VariableError) as refused:
        made(**variables)
    assert str(refused.value).startswith("litellm_vkey_total_budget") and sentence in str(refused.value)
