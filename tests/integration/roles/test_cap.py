# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cap for a whole workshop, on a real LiteLLM: what all keys together can spend, and what one write is enough for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.tests.integration.spending import OUT_OF_BUDGET, ask, until_refused

USERS = 'SELECT user_id FROM "LiteLLM_UserTable" WHERE strpos(user_id, %s) > 0'
TEAMS = 'SELECT * FROM "LiteLLM_TeamTable" WHERE team_id = %s'


@pytest.fixture
def workshop(manage, sandbox, alias) -> Iterator[Any]:
    """Runs the role for a workshop with a total budget."""

    def run(*arguments: str, **variables: Any) -> Any:
        given = {"multi_user": True, "user_count": 2, "user_domain": alias, "total_budget": 50, **variables}
        return manage(*arguments, **{name: value for name, value in given.items() if value is not ...})

    yield run
    if sandbox.rows(TEAMS, alias):
        sandbox.call("POST", "/team/delete", {"team_ids": [alias]}).raise_for_status()
    users = [row["user_id"] for row in sandbox.rows(USERS, alias)]
    if users:
        sandbox.call("POST", "/user/delete", {"user_ids": users}).raise_for_status()


def team_of(sandbox, alias: str) -> dict[str, Any]:
    (row,) = sandbox.rows(TEAMS, alias)
    return row


def paths(writes: list[tuple[str, str, int]]) -> list[str]:
    return [path for _method, path, _status in writes]


def test_all_keys_together_cannot_spend_more(sandbox, workshop, alias) -> None:
    done, result = workshop(total_budget=0.001)
    assert done.rc == 0, done.messages
    first, second = (user["key"] for user in result["users"])
    assert ask(sandbox, first) == 200  # which costs more than that
    assert until_refused(sandbox, second) in OUT_OF_BUDGET
    assert ask(sandbox, first) in OUT_OF_BUDGET

    with sandbox.writes() as writes:
        raised, result = workshop(total_budget="2.5")
    assert (raised.rc, paths(writes)) == (0, ["/team/update"]), raised.messages
    assert result["changed"] is True and f"~ team {alias}  max_budget 0.001 -> 2.5" in raised.output
    assert f'"team {alias}: max_budget 0.001 -> 2.5"' in raised.output
    assert [ask(sandbox, key) for key in (first, second)] == [200, 200]
    assert result["team"]["max_budget"] == 2.5


def test_the_team_is_made_once_and_a_model_is_added_for_all_by_one_write(sandbox, workshop, alias) -> None:
    with sandbox.writes() as writes:
        planned, would_be = workshop("--check")
    assert (planned.rc, writes) == (0, []), planned.messages
    with sandbox.writes() as writes:
        done, result = workshop()
    assert done.rc == 0, done.messages
    assert paths(writes) == ["/team/new", "/team/member_add", *["/key/generate"] * 2]
    assert result["summary"] == would_be["summary"]
    keys = [user["key"] for user in result["users"]]
    team = team_of(sandbox, alias)
    assert (team["max_budget"], team["models"], team["team_alias"]) == (50, ["gpt-4"], alias)
    assert team["metadata"]["litellm_vkey_group"] == alias
    for row in sandbox.keys(alias).values():
        assert (row["team_id"], row["models"]) == (alias, ["all-team-models"])

    with sandbox.writes() as writes:
        again, result = workshop()
    assert (again.rc, again.changed, result["changed"], writes) == (0, 0, False, [])

    with sandbox.writes() as writes:
        planned, would_be = workshop("--check", models=["gpt-4", "llama-3-70b"])
    assert (planned.rc, planned.changed, writes) == (0, 1, [])
    with sandbox.writes() as writes:
        done, result = workshop(models=["gpt-4", "llama-3-70b"])
    assert (done.rc, done.changed, paths(writes)) == (0, 1, ["/team/update"])
    assert would_be["changed"] is result["changed"] is True
    assert [ask(sandbox, key, "llama-3-70b") for key in keys] == [200, 200]


def test_keys_that_exist_join(sandbox, workshop, alias) -> None:
    done, before = workshop(total_budget=..., key_seed="a seed for this test, 32 characters or more")
    assert (done.rc, sandbox.rows(TEAMS, alias)) == (0, [])
    with sandbox.writes() as writes:
        planned, would_be = workshop("--check", key_seed="a seed for this test, 32 characters or more")
    assert (planned.rc, writes, would_be["summary"]) == (0, [], {"updated": 2}), planned.messages
    with sandbox.writes() as writes:
        done, result = workshop(key_seed="a seed for this test, 32 characters or more")
    assert (done.rc, result["summary"]) == (0, {"updated": 2}), done.messages
    assert paths(writes) == ["/team/new", "/team/member_add", "/key/update", "/key/update"]
    assert {row["team_id"] for row in sandbox.keys(alias).values()} == {alias}
    assert [user["key"] for user in result["users"]] == [user["key"] for user in before["users"]]
    assert [ask(sandbox, user["key"]) for user in result["users"]] == [200, 200]


def test_a_workshop_keeps_its_team_without_the_variable(sandbox, workshop, alias) -> None:
    workshop()
    with sandbox.writes() as writes:
        done, result = workshop(total_budget=..., user_count=3)
    assert (done.rc, paths(writes)) == (0, ["/team/member_add", "/key/generate"]), done.messages
    assert {row["team_id"] for row in sandbox.keys(alias).values()} == {alias}
    assert (team_of(sandbox, alias)["max_budget"], result["team"]["max_budget"]) == (50, 50)


def test_one_person_has_one_more_model(sandbox, workshop, alias) -> None:
    people = ["ann", {"user": "ben", "models": ["gpt-4", "llama-3-70b"]}]
    done, result = workshop(users=people, user_count=...)
    assert done.rc == 0, done.messages
    ann, ben = (user["key"] for user in result["users"])
    assert [ask(sandbox, key, "gpt-4") for key in (ann, ben)] == [200, 200]
    assert ask(sandbox, ben, "llama-3-70b") == 200
    assert ask(sandbox, ann, "llama-3-70b") in (401, 403)
    assert workshop(users=people, user_count=...)[0].changed == 0


def test_more_models_for_one_person_are_refused_that_somebody_who_is_not_listed_could_use(
    sandbox, workshop, alias
) -> None:
    _done, result = workshop(users=["ann", "ben"], user_count=...)
    ben = result["users"][1]["key"]
    more = {"user": "ann", "models": ["gpt-4", "llama-3-70b"]}
    with sandbox.writes() as writes:
        done, _result = workshop(users=[more], user_count=...)
    assert done.rc != 0 and f"would also be open to {alias}-ben" in done.messages and writes == []
    assert workshop(users=[more, "ben"], user_count=...)[0].rc == 0
    assert ask(sandbox, ben, "gpt-4") == 200 and ask(sandbox, ben, "llama-3-70b") in (401, 403)


def test_the_end_takes_the_team_last(sandbox, workshop, alias) -> None:
    workshop()
    with sandbox.writes() as writes:
        planned, _would_be = workshop("--check", state="absent", user_count=..., total_budget=...)
    assert (planned.rc, planned.changed, writes) == (0, 1, []), planned.messages
    with sandbox.writes() as writes:
        done, _result = workshop(state="absent", user_count=..., total_budget=...)
    assert (done.rc, done.changed) == (0, 1), done.messages
    assert paths(writes) == ["/key/delete", "/team/delete"]
    assert (sandbox.keys(alias), sandbox.rows(TEAMS, alias)) == ({}, [])
    assert workshop(state="absent", user_count=..., total_budget=...)[0].changed == 0


@pytest.mark.parametrize("trouble", ["the folder", "the team"])
def test_a_failure_in_the_evening_is_mended_by_a_further_run(sandbox, workshop, alias, tmp_path, trouble) -> None:
    folder = tmp_path / "course"
    evening = {"state": "absent", "user_count": ..., "total_budget": ..., "output_dir": str(folder)}
    workshop(output_dir=str(folder))
    keys = (folder / "keys.json").read_text()
    assert {tuple(person["models"]) for person in json.loads(keys)} == {("gpt-4",)}  # which people can ask for
    if trouble == "the folder":
        (folder / "keys.json").write_text("no JSON")
        first, result = workshop(**evening)
        assert f"{folder / 'keys.json'} is not JSON" in first.output and (folder / "slips.html").exists()
    else:
        with refused_deletion(sandbox):
            first, result = workshop(**evening, retry_count=0)
    # Files that are left of keys that are gone are worth a warning, a team that is left is a failure.
    assert (first.rc != 0) == (trouble == "the team") and "Traceback" not in first.output
    assert '"2 deleted' in first.output and result["deleted_count"] == 2
    assert sandbox.keys(alias) == {} and bool(sandbox.rows(TEAMS, alias)) == (trouble == "the team")

    if trouble == "the folder":
        (folder / "keys.json").write_text(keys)
    done, _result = workshop(**evening)
    assert done.rc == 0, done.messages
    assert (sandbox.keys(alias), sandbox.rows(TEAMS, alias)) == ({}, [])
    assert not (folder / "keys.csv").exists() and not (folder / "slips.html").exists()
    assert workshop(**evening)[0].changed == 0


@contextmanager
def refused_deletion(sandbox) -> Iterator[None]:
    """The database refuses to delete a team, so that LiteLLM answers with an error."""
    sandbox.execute(
        "CREATE FUNCTION refuse_deletion() RETURNS trigger LANGUAGE plpgsql AS "
        "'BEGIN RAISE EXCEPTION ''no team is deleted''; END'"
    )
    sandbox.execute(
        'CREATE TRIGGER refuse_deletion BEFORE DELETE ON "LiteLLM_TeamTable" '
        "FOR EACH ROW EXECUTE FUNCTION refuse_deletion()"
    )
    try:
        yield
    finally:
        sandbox.execute("DROP FUNCTION refuse_deletion CASCADE")


def test_a_team_with_somebody_elses_key_stays(sandbox, workshop, run_module, alias) -> None:
    workshop()
    other = f"{alias}foreign"
    assert not run_module("litellm_key", key_alias=other, team_id=alias).failed
    for arguments in (("--check",), ()):
        done, _result = workshop(*arguments, state="absent", user_count=...)
        assert (done.rc, done.changed) == (0, 1), done.messages
        assert f"The team {alias} stays, because other keys are in it: {other}." in done.output
    assert list(sandbox.keys(alias)) == [other]
    assert team_of(sandbox, alias)["max_budget"] == 50


def test_those_who_leave_do_not_take_the_team_along(sandbox, workshop, alias) -> None:
    workshop()
    done, _result = workshop(state="absent", user_count=1)
    assert (done.rc, len(sandbox.keys(alias)), len(sandbox.rows(TEAMS, alias))) == (0, 1, 1)
    done, _result = workshop(state="absent", user_count=2)
    assert (done.rc, sandbox.keys(alias), sandbox.rows(TEAMS, alias)) == (0, {}, [])


def test_a_team_that_is_not_the_workshops_is_neither_taken_nor_deleted(sandbox, workshop, alias) -> None:
    sandbox.call("POST", "/team/new", {"team_id": alias, "max_budget": 7}).raise_for_status()
    with sandbox.writes() as writes:
        done, _result = workshop()
    assert (done.rc, writes) == (2, [])
    assert f"the proxy has a team '{alias}' already that is not this workshop's" in done.messages
    assert workshop(total_budget=...)[0].rc == 0
    assert workshop(total_budget=..., state="absent", user_count=...)[0].rc == 0
    assert (sandbox.keys(alias), team_of(sandbox, alias)["max_budget"]) == ({}, 7)


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"total_budget": 0}, "litellm_vkey_total_budget must be above 0"),
        ({"total_budget": "10,50"}, "litellm_vkey_total_budget must be a number such as 10 or 2.5"),
        ({"multi_user": False, "user_count": ...}, "litellm_vkey_total_budget is for the keys of a workshop"),
        ({"key_options": {"team_id": "other"}}, "but team_id is set. Leave one of them out."),
        ({"models": ["no-such-model"]}, "the proxy has no model 'no-such-model'"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_written(
    sandbox, workshop, variables: dict[str, Any], sentence: str
) -> None:
    with sandbox.writes() as writes:
        done, _result = workshop(**variables)
    assert (done.rc, writes) == (2, [])
    assert sentence in done.messages
