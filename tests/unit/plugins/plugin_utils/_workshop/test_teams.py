# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is in which team, what each team has, and which tables and variables say it wrongly."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._variables import Source, VariableError, Variables
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._workshop._declaration import Workshop, declare
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._workshop._team import Team, in_teams
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._workshop._variables import VARIABLES

PEOPLE = [{"user": "ann", "team": "red"}, {"user": "ben", "team": "blue"}]
TABLE = "E-Mail;Team;Firma\nann@example.org;red;A\nben@example.org;blue;B\n"


def read(table: str = "", **variables: Any) -> tuple[Workshop, Variables]:
    given = {"alias": "w", "models": ["m"], **({"users_file": "t.csv"} if table else {"users": PEOPLE}), **variables}
    told = {name: value for name, value in given.items() if value is not ...}
    meant = Variables(VARIABLES, Source(told, "litellm_vkey_"))
    return declare(meant, lambda path: table.encode()), meant


def teams(found: Any = (), **variables: Any) -> tuple[Workshop, list[Team]]:
    workshop, meant = read(**variables)
    return in_teams(workshop, meant, {team["team_id"]: team for team in found})


def refused(**variables: Any) -> str:
    with pytest.raises(VariableError) as error:
        teams(**variables)
    return str(error.value)


def test_each_team_is_a_team_of_litellm_with_its_people() -> None:
    workshop, found = teams(
        teams={"red": {"max_budget": "7.5", "models": "n, m"}, "green": None, "blue": {}}, team_budget=20
    )
    assert [team.options for team in found] == [
        {
            "team_id": f"w-{name}",
            "team_alias": f"w-{name}",
            "models": models,
            "max_budget": budget,
            "metadata": {"litellm_vkey_group": "w"},
        }
        for name, models, budget in (("red", ["n", "m"], 7.5), ("green", ["m"], 20), ("blue", ["m"], 20))
    ]
    assert [team.members for team in found] == [[{"user_id": "ann@example.com"}], [], [{"user_id": "ben@example.com"}]]
    assert [person.options["team_id"] for person in workshop.people] == ["w-red", "w-blue"]
    assert workshop.shared["models"] == ["all-team-models"] and workshop.said == [
        "Teams: red (1), green (0), blue (1)."
    ]


def test_the_column_counts_only_where_there_are_teams() -> None:
    plain, _meant = read(TABLE)
    assert plain.teams == [] and plain.said == ["These columns set nothing: team, firma."]
    workshop, _meant = read(TABLE, team_budget=20)
    assert [(team.name, team.max_budget) for team in workshop.teams] == [("red", 20), ("blue", 20)]
    assert workshop.said == ["These columns set nothing: firma.", "Teams: red (1), blue (1)."]
    assert [person.fields["team"] for person in workshop.people] == ["red", "blue"]
    mapped, _meant = read(TABLE.replace("Team", "Gruppe"), team_budget=20, columns={"Gruppe": "team"})
    assert [team.name for team in mapped.teams] == ["red", "blue"]
    for nothing in ({}, {"teams": {}}, {"team_budget": ""}):  # as the defaults of the role say
        with pytest.raises(VariableError, match="'team' is not an option of a key"):
            read(**nothing)


def test_a_shared_key_is_that_of_its_team() -> None:
    workshop, found = teams(
        team_budget=20,
        shared_keys=True,
        user_domain="d",
        users=[*PEOPLE, {"user": "cem", "team": "red", "name": "Cem", "email": "c@example.org"}],
    )
    assert [(person.alias, person.user_id, person.options["team_id"]) for person in workshop.people] == [
        ("w-red", "red@d", "w-red"),
        ("w-blue", "blue@d", "w-blue"),
    ]
    assert workshop.people[0].fields["members"] == [
        {"user": "ann", "name": "ann", "email": None},
        {"user": "cem", "name": "Cem", "email": "c@example.org"},
    ]
    assert [team.members for team in found] == [[{"user_id": "red@d"}], [{"user_id": "blue@d"}]]
    nobody, _meant = read(users=..., teams={"red": {"max_budget": 1}}, shared_keys="yes")
    assert [person.alias for person in nobody.people] == ["w-red"]


@pytest.mark.parametrize("shared", [False, True])
def test_a_team_may_be_called_by_a_number(shared: bool) -> None:
    """A key that is in no team would have no limit at all."""
    workshop, found = teams(team_budget=20, users=[{"user": "ann", "team": 1}, PEOPLE[1]], shared_keys=shared)
    assert [team.name for team in found] == ["1", "blue"]
    assert [person.options["team_id"] for person in workshop.people] == ["w-1", "w-blue"]
    assert [len(team.members) for team in found] == [1, 1]


def test_a_model_of_one_person_is_not_for_the_team() -> None:
    people = [{**PEOPLE[0], "models": ["m", "more"]}, {"user": "cem", "team": "red"}, PEOPLE[1]]
    workshop, found = teams(team_budget=1, users=people)
    assert [team.options["models"] for team in found] == [["m", "more"], ["m"]]
    assert [person.options.get("models") for person in workshop.people] == [["m", "more"], ["m"], None]


def test_what_changes_of_a_team_is_a_line_each() -> None:
    mark = {"metadata": {"litellm_vkey_group": "w"}, "models": ["m"]}
    there = [{"team_id": "w-red", "max_budget": 10.0, **mark}, {"team_id": "w-blue", "max_budget": 20.0, **mark}]
    _workshop, found = teams(there, team_budget=20)
    assert [(team.changes, team.is_written) for team in found] == [
        (["~ team w-red  max_budget 10 -> 20"], True),
        ([], False),
    ]


def test_at_the_end_only_shared_keys_need_the_teams() -> None:
    workshop, going = teams(
        [{"team_id": "w-red", "metadata": {"litellm_vkey_group": "w"}}, {"team_id": "w-blue"}],
        state="absent",
        team_budget=20,
        users=[*PEOPLE, {"user": "cem", "team": ""}],
    )
    assert [team.team_id for team in going] == ["w-red"] and len(workshop.people) == 3
    shared, _meant = read(state="absent", team_budget=20, shared_keys=True)
    assert [person.alias for person in shared.people] == ["w-red", "w-blue"]


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"team_budget": 0}, "litellm_vkey_team_budget must be above 0."),
        ({"team_budget": "+5"}, "litellm_vkey_team_budget must be a number"),
        (
            {"teams": {"red": {"max_budget": 0}, "blue": {"max_budget": 1}}},
            "litellm_vkey_teams, red, max_budget must be above 0.",
        ),
        ({"teams": {"red": {"max_budget": "1,5"}}}, "litellm_vkey_teams, red, max_budget must be a number"),
        (
            {"teams": {"red": {}, "blue": {"max_budget": 1}}},
            "litellm_vkey_teams, red: max_budget is required, unless litellm_vkey_team_budget is set.",
        ),
        (
            {"teams": {"red": {"budget": 1}}},
            "red: 'budget' is not an option of a team. It can have max_budget and models. Did you mean 'max_budget'?",
        ),
        (
            {"teams": {" ": {"max_budget": 1}}, "users": ..., "shared_keys": True},
            "litellm_vkey_teams: a team has an empty name. Give it one.",
        ),
        (
            {"teams": {"red": {"max_budget": 1}, " red": {"max_budget": 2}, "blue": {"max_budget": 1}}},
            "litellm_vkey_teams: red appears more than once, with spaces around it. Keep one entry.",
        ),
        ({"teams": {"red": 20}}, "litellm_vkey_teams, red must be a mapping, such as {max_budget: 20}."),
        (
            {"teams": {"red": {}, "bleu": {}}, "team_budget": 1},
            "'blue', the team of ben, is not one of red, bleu. Did you mean 'bleu'?",
        ),
        (
            {"team_budget": 1, "users": ["ann", {"user": "ben", "team": " "}, PEOPLE[0]]},
            "no team is known of ann, ben. Write the team of each person into the column team",
        ),
        (
            {"team_budget": 1, "users": [*PEOPLE, {"user": "cem", "team": "Red"}]},
            "red and Red differ only in upper and lower case.",
        ),
        *(
            (
                {"team_budget": 1, "users": [{"user": "ann", "team": wrong}]},
                "litellm_vkey_users, ann, team must be text.",
            )
            for wrong in (1.5, True, ["red"], {"red": 1})
        ),
        (
            {"team_budget": 1, "users": [{"user": "ann", "team": "a\u202eb"}]},
            "contains a character that changes the direction of text",
        ),
        ({"team_budget": 1, "users": ...}, "litellm_vkey_team_budget: nobody is in a team."),
        ({"teams": {"red": {"max_budget": 1}}, "users": ...}, "litellm_vkey_teams: nobody gets a key."),
        ({"team_budget": 1, "users": ..., "multi_user": True, "user_count": 2}, "no team is known of user1, user2."),
        (
            {"team_budget": 1, "total_budget": 5},
            "litellm_vkey_team_budget and litellm_vkey_total_budget are mutually exclusive",
        ),
        (
            {"shared_keys": True, "users": ["ann"]},
            "litellm_vkey_shared_keys requires teams. Set litellm_vkey_teams or litellm_vkey_team_budget.",
        ),
        (
            {"team_budget": 1, "shared_keys": True, "users": [{**PEOPLE[0], "max_budget": 3}]},
            "litellm_vkey_users, ann: max_budget would be an option of one person",
        ),
        (
            {"team_budget": 1, "shared_keys": True, "users": [{**PEOPLE[0], "email": "no"}]},
            "litellm_vkey_users, ann: 'no' is not an email address.",
        ),
        (
            {"team_budget": 1, "key_options": {"team_id": "x"}},
            "litellm_vkey_team_budget puts the keys into teams of the workshop, but team_id is set.",
        ),
        (
            {"team_budget": 1, "key_options": {"unset": ["team_id"]}},
            "litellm_vkey_team_budget puts the keys into teams of the workshop, but team_id is unset.",
        ),
        (
            {"team_budget": 1, "users": [{**PEOPLE[0], "unset": ["models"]}]},
            "litellm_vkey_team_budget puts the keys into teams of the workshop, but models is unset.",
        ),
        (
            {"team_budget": 1, "found": [{"team_id": "w-red"}]},
            "has a team 'w-red' already that is not this workshop's. Choose another litellm_vkey_alias.",
        ),
        (
            {"team_budget": 1, "found": [{"team_id": "w-red"}, {"team_id": "w-blue"}]},
            "the proxy has teams 'w-red', 'w-blue' already that are not this workshop's.",
        ),
    ],
)
def test_what_cannot_be(variables: dict[str, Any], sentence: str) -> None:
    assert sentence in refused(**variables)
