# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A hackathon: several teams, each with a budget of its own, in one run."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.tests.integration.spending import OUT_OF_BUDGET, ask, until_refused

USERS = 'SELECT user_id FROM "LiteLLM_UserTable" WHERE strpos(user_id, %s) > 0'
TEAMS = 'SELECT * FROM "LiteLLM_TeamTable" WHERE starts_with(team_id, %s) ORDER BY team_id'
PEOPLE = [
    {"user": "ann", "team": "red"},
    {"user": "ben", "team": "red"},
    {"user": "cem", "team": "blue"},
    {"user": "dan", "team": "Öl & Gas"},
]


@pytest.fixture
def hackathon(sandbox, manage, alias) -> Iterator[Callable[..., Any]]:
    """Runs the role for a few people in three teams; all teams of this test are removed at the end."""

    def run(*arguments: str, **variables: Any) -> Any:
        given = {"users": PEOPLE, "user_domain": alias, "team_budget": 20, **variables}
        return manage(*arguments, **{name: value for name, value in given.items() if value is not ...})

    yield run
    teams = [row["team_id"] for row in sandbox.rows(TEAMS, alias)]
    if teams:
        sandbox.call("POST", "/team/delete", {"team_ids": teams}).raise_for_status()
    users = [row["user_id"] for row in sandbox.rows(USERS, alias)]
    if users:
        sandbox.call("POST", "/user/delete", {"user_ids": users}).raise_for_status()


def paths(writes: list[Any]) -> list[str]:
    return [path for _method, path, _status in writes]


def teams(sandbox, alias: str) -> dict[str, dict[str, Any]]:
    return {row["team_id"].removeprefix(f"{alias}-"): row for row in sandbox.rows(TEAMS, alias)}


def teams_of_keys(sandbox, alias: str) -> dict[str, str]:
    return {name[len(alias) + 1 :]: row["team_id"][len(alias) + 1 :] for name, row in sandbox.keys(alias).items()}


def test_each_team_has_its_cap_and_a_second_run_writes_nothing(sandbox, hackathon, alias) -> None:
    with sandbox.writes() as writes:
        planned, would_be = hackathon("--check")
    assert (planned.rc, writes) == (0, []), planned.messages
    assert "Teams: red (2), blue (1), Öl & Gas (1)." in planned.output
    with sandbox.writes() as writes:
        done, result = hackathon(teams={"blue": {"max_budget": 5}, "red": None, "Öl & Gas": {}})
    assert done.rc == 0, done.messages
    assert paths(writes) == [*["/team/new", "/team/member_add"] * 3, *["/key/generate"] * 4]
    assert result["summary"] == would_be["summary"] == {"created": 4}
    found = teams(sandbox, alias)
    assert {name: team["max_budget"] for name, team in found.items()} == {"red": 20, "blue": 5, "Öl & Gas": 20}
    assert {team["metadata"]["litellm_vkey_group"] for team in found.values()} == {alias}
    assert teams_of_keys(sandbox, alias) == {person["user"]: person["team"] for person in PEOPLE}
    rows = sandbox.keys(alias).values()
    assert {row["models"][0] for row in rows} == {"all-team-models"}
    assert {row["allowed_routes"][0] for row in rows} == {"llm_api_routes"}
    assert [user["team"] for user in result["users"]] == [person["team"] for person in PEOPLE]
    assert {team["team"]: team["max_budget"] for team in result["teams"]} == {"blue": 5, "red": 20, "Öl & Gas": 20}
    assert [ask(sandbox, user["key"]) for user in result["users"]] == [200] * 4

    with sandbox.writes() as writes:
        again, result = hackathon(teams={"blue": {"max_budget": 5}, "red": None, "Öl & Gas": {}})
    assert (again.rc, again.changed, result["changed"], writes) == (0, 0, False, [])

    with sandbox.writes() as writes:
        raised, _result = hackathon(teams={"blue": {"max_budget": 6}, "red": None, "Öl & Gas": {}})
    assert (raised.rc, paths(writes)) == (0, ["/team/update"]), raised.messages
    assert f"~ team {alias}-blue  max_budget 5 -> 6" in raised.output


def test_a_team_that_has_spent_all_stops_and_the_others_go_on(sandbox, hackathon) -> None:
    done, result = hackathon(teams={"red": {"max_budget": 0.001}, "blue": {}, "Öl & Gas": {}})
    assert done.rc == 0, done.messages
    ann, ben, cem, _dan = (user["key"] for user in result["users"])
    assert ask(sandbox, ann) == 200  # which costs more than that
    assert until_refused(sandbox, ben) in OUT_OF_BUDGET
    assert (ask(sandbox, ann) in OUT_OF_BUDGET, ask(sandbox, cem)) == (True, 200)


def test_the_report_is_by_team(sandbox, hackathon, alias, tmp_path) -> None:
    """With the cap of each team, also of one that is spent, and with a page for all to see."""
    folder = tmp_path / "hack"
    hackathon(output_dir=str(folder))
    sandbox.execute('UPDATE "LiteLLM_TeamTable" SET spend = 20.5 WHERE team_id = %s', f"{alias}-red")
    done, _result = hackathon(output_dir=str(folder), state="absent", multi_user=True, users=..., team_budget=...)
    assert done.rc == 0, done.messages
    assert f"{alias}: 4 keys, 0 used, 20.50 USD of 60.00 USD." in done.output
    spent = "red 20.50 USD of 20.00 USD, blue 0.00 USD of 20.00 USD, Öl & Gas 0.00 USD of 20.00 USD"
    assert f"Teams: {spent}." in done.output
    assert "Out of budget: red. The proxy rejects the requests of their keys." in done.output
    usage = json.loads((folder / "usage.json").read_text())
    assert {person["user"]: person["team"] for person in usage["people"]} == {
        person["user"]: person["team"] for person in PEOPLE
    }
    assert "Öl &amp; Gas" in (folder / "leaderboard.html").read_text()


def test_people_move_and_join(sandbox, hackathon, alias) -> None:
    _done, before = hackathon()
    moved = [{**PEOPLE[0], "team": "blue"}, *PEOPLE[1:], {"user": "eva", "team": "green"}]
    with sandbox.writes() as writes:
        planned, would_be = hackathon("--check", users=moved)
    assert (planned.rc, writes) == (0, []), planned.messages
    done, result = hackathon(users=moved)
    assert done.rc == 0, done.messages
    assert result["summary"] == would_be["summary"] == {"created": 1, "updated": 1, "unchanged": 3}
    assert teams_of_keys(sandbox, alias) == {person["user"]: person["team"] for person in moved}
    assert result["users"][0]["key_id"] == before["users"][0]["key_id"]
    with sandbox.writes() as writes:
        assert hackathon(users=moved)[0].changed == 0
    assert writes == []


def test_a_team_and_a_person_may_have_models_of_their_own(sandbox, hackathon, alias) -> None:
    people = [PEOPLE[0], {**PEOPLE[1], "models": ["gpt-4", "gpt-4o-mini"]}, PEOPLE[2]]
    given = {"users": people, "teams": {"red": {}, "blue": {"models": ["llama-3-70b"]}}}
    done, result = hackathon(**given)
    assert done.rc == 0, done.messages
    ann, ben, cem = (user["key"] for user in result["users"])
    assert teams(sandbox, alias)["blue"]["models"] == ["llama-3-70b"]
    assert (ask(sandbox, ann), ask(sandbox, ann, "gpt-4o-mini") != 200) == (200, True)
    assert (ask(sandbox, ben), ask(sandbox, ben, "gpt-4o-mini")) == (200, 200)
    assert (ask(sandbox, cem) != 200, ask(sandbox, cem, "llama-3-70b")) == (True, 200)
    assert hackathon(**given)[0].changed == 0


def test_a_key_for_each_team(sandbox, hackathon, alias) -> None:
    with sandbox.writes() as writes:
        done, result = hackathon(shared_keys=True)
    assert done.rc == 0, done.messages
    assert paths(writes) == [*["/team/new", "/team/member_add"] * 3, *["/key/generate"] * 3]
    assert teams_of_keys(sandbox, alias) == {name: name for name in ("red", "blue", "Öl & Gas")}
    assert [user["user"] for user in result["users"]] == ["red", "blue", "Öl & Gas"]
    assert [member["user"] for member in result["users"][0]["members"]] == ["ann", "ben"]
    assert [ask(sandbox, user["key"]) for user in result["users"]] == [200] * 3
    with sandbox.writes() as writes:
        assert hackathon(shared_keys=True)[0].changed == 0
    assert writes == []
    blocked, _result = hackathon(shared_keys=True, block=["red"])
    assert blocked.rc == 0 and sandbox.keys(alias)[f"{alias}-red"]["blocked"]

    nobody = {"users": ..., "shared_keys": True, "teams": {"red": {}, "green": {"max_budget": 1}}}
    done, result = hackathon(**nobody, prune=True, prune_limit=-1)
    assert done.rc == 0, done.messages
    assert set(teams_of_keys(sandbox, alias)) == {"red", "green"}


@pytest.mark.parametrize("evening", [{"multi_user": True, "users": ..., "team_budget": ...}, {"prune": True}])
def test_the_end_removes_all_keys_and_the_teams_that_were_created(
    sandbox, hackathon, run_module, alias, evening
) -> None:
    hackathon()
    hackathon(users=[*PEOPLE[1:], {"user": "eva", "team": "green"}])  # so that nobody but the proxy knows of ann
    other = f"{alias}-other"
    sandbox.call("POST", "/team/new", {"team_id": other, "max_budget": 7}).raise_for_status()
    with sandbox.writes() as writes:
        planned, would_be = hackathon("--check", state="absent", prune_limit=-1, **evening)
    assert (planned.rc, planned.changed, writes) == (0, 1, []), planned.messages
    with sandbox.writes() as writes:
        done, result = hackathon(state="absent", prune_limit=-1, **evening)
    assert done.rc == 0, done.messages
    assert result["deleted_count"] == would_be["deleted_count"] == 5
    assert paths(writes)[-4:] == ["/team/delete"] * 4
    assert (sandbox.keys(alias), list(teams(sandbox, alias))) == ({}, ["other"])
    with sandbox.writes() as writes:
        assert hackathon(state="absent", prune_limit=-1, **evening)[0].changed == 0
    assert writes == []


def test_a_later_evening_finds_teams_whose_keys_are_gone(sandbox, hackathon, alias) -> None:
    hackathon()
    tokens = [row["token"] for row in sandbox.keys(alias).values()]
    sandbox.call("POST", "/key/delete", {"keys": tokens}).raise_for_status()
    done, _result = hackathon(state="absent", multi_user=True, users=..., team_budget=...)
    assert (done.rc, teams(sandbox, alias)) == (0, {})


def test_those_who_leave_take_only_a_team_in_which_nobody_is_left(sandbox, hackathon, alias) -> None:
    hackathon()
    done, _result = hackathon(state="absent", users=[PEOPLE[0], PEOPLE[2]])
    assert done.rc == 0, done.messages
    assert set(teams(sandbox, alias)) == {"red", "Öl & Gas"} and set(teams_of_keys(sandbox, alias)) == {"ben", "dan"}


def test_a_team_of_others_is_neither_taken_nor_deleted(sandbox, hackathon, alias) -> None:
    for name in ("blue", "red"):
        sandbox.call("POST", "/team/new", {"team_id": f"{alias}-{name}", "max_budget": 7}).raise_for_status()
    with sandbox.writes() as writes:
        done, _result = hackathon()
    assert (done.rc, writes) == (2, [])
    assert f"litellm_vkey_team_budget: the proxy has teams '{alias}-red', '{alias}-blue' already" in done.messages
    assert hackathon(state="absent", multi_user=True, users=..., team_budget=...)[0].rc == 0
    assert set(teams(sandbox, alias)) == {"blue", "red"}


def test_a_run_without_the_teams_is_refused(sandbox, hackathon, alias) -> None:
    hackathon()
    with sandbox.writes() as writes:
        done, _result = hackathon(users=["ann", "eva"], team_budget=...)
    assert (done.rc, writes) == (2, [])
    assert "are in the teams blue, red, Öl & Gas. Set litellm_vkey_team_budget" in done.messages
    blocked, _result = hackathon(users=..., team_budget=..., multi_user=True, block=["ann"])
    assert blocked.rc == 0 and sandbox.keys(alias)[f"{alias}-ann"]["blocked"]
    assert hackathon()[0].changed == 0 and sandbox.keys(alias)[f"{alias}-ann"]["blocked"]
