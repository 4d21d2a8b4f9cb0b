# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Members of a team on a real LiteLLM: added in few requests, with their roles and limits, and none lost."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._team_members import _requests
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._team_members._table import LIMITS
from ansible_collections.litemaas.virtual_keys.tests.integration.laws import (
    as_declared,
    differing,
    lacking,
    only_changes,
    refused,
    too_old,
    users_of,
)

pytestmark = pytest.mark.quiet

ADMIN = {"user_id": "default_user_id", "role": "admin"}
COLUMNS = {"max_budget_in_team": "max_budget"}
# Two values of each limit.
VALUES: dict[str, tuple[Any, Any]] = {
    "max_budget_in_team": (5, 0),
    "budget_duration": ("7d", "1d"),
    "tpm_limit": (1000, 0),
    "rpm_limit": (10, 2**40),
    "allowed_models": (["gpt-4"], ["gpt-4", "fake-openai"]),
}


@pytest.fixture
def team(sandbox) -> Iterator[str]:
    """A team of this test."""
    team_id = f"t{secrets.token_hex(4)} ä"
    sandbox.call("POST", "/team/new", {"team_id": team_id}).raise_for_status()
    yield team_id
    # LiteLLM takes half a minute to delete a team of 500, and older versions have no time for anything else meanwhile.
    for table in ("TeamMembership", "TeamTable"):
        sandbox.execute(f'DELETE FROM "LiteLLM_{table}" WHERE team_id = %s', team_id)
    sandbox.execute('DELETE FROM "LiteLLM_UserTable" WHERE starts_with(user_id, %s)', team_id)
    sandbox.execute('UPDATE "LiteLLM_UserTable" SET teams = array_remove(teams, %s)', team_id)


@pytest.fixture
def members(run_module, team):
    return partial(run_module, "litellm_team_members", team_id=team)


def roster(sandbox, team: str) -> list[dict[str, Any]]:
    (row,) = sandbox.rows('SELECT members_with_roles FROM "LiteLLM_TeamTable" WHERE team_id = %s', team)
    return [{name: member[name] for name in ("user_id", "role")} for member in row["members_with_roles"]]


def stored(sandbox, team: str) -> dict[str, Any]:
    """All that the database has of a team and its members: each by its user_id with role, membership, budget, user."""
    (row,) = sandbox.rows('SELECT * FROM "LiteLLM_TeamTable" WHERE team_id = %s', team)
    memberships = sandbox.rows('SELECT * FROM "LiteLLM_TeamMembership" WHERE team_id = %s', team)
    ids = [one["budget_id"] for one in memberships]
    budgets = sandbox.rows('SELECT * FROM "LiteLLM_BudgetTable" WHERE budget_id = ANY(%s)', ids)
    by_id = {budget["budget_id"]: budget for budget in budgets}
    return {
        "team": {**row, "members_with_roles": None},
        "role": {member["user_id"]: member["role"] for member in row["members_with_roles"]},
        "membership": {one["user_id"]: one for one in memberships},
        "budget": {one["user_id"]: by_id.get(one["budget_id"]) for one in memberships},
        "user": users_of(sandbox, team),
    }


def own(sandbox, team: str, name: str) -> dict[str, Any]:
    """The limits of a member in the database."""
    budget = stored(sandbox, team)["budget"].get(name) or {}
    columns = {limit.name: budget.get(COLUMNS.get(limit.name, limit.name)) for limit in LIMITS}
    return {limit.name: columns[limit.name] for limit in LIMITS if not limit.is_empty(columns[limit.name])}


def named(team: str, *names: str, **more: Any) -> list[dict[str, Any]]:
    return [{"user_id": f"{team}{name}", **more} for name in names]


def listed(result: Any) -> list[dict[str, Any]]:
    return [{name: member[name] for name in ("user_id", "role")} for member in result.team["members"]]


def test_members_are_added_once_and_others_stay(sandbox, run_module, members, team) -> None:
    people = named(team, "ann@e", "ben ü/@e")
    with sandbox.requests_made() as made:
        done = as_declared(members, sandbox, 1, members=people)
    assert [path for method, path, _status in made if method == "POST"] == ["/team/member_add"]
    users = [{**one, "role": "user"} for one in people]
    assert roster(sandbox, team) == listed(done) == [ADMIN, *users]
    with sandbox.requests_made() as made:
        assert members(members=list(reversed(people))).changed is False
    assert len(made) == 1
    with sandbox.writes() as writes:
        assert members(members=[{**people[0], "role": "user"}]).changed is False
    assert writes == []
    members(members=named(team, "cem@e"))
    assert roster(sandbox, team) == [ADMIN, *users, *named(team, "cem@e", role="user")]
    (read,) = run_module("litellm_team_members_info", team_id=team).teams
    assert [member["user_id"] for member in read["members"]] == [one["user_id"] for one in roster(sandbox, team)]
    assert read in run_module("litellm_team_members_info").teams
    assert run_module("litellm_team_members_info", team_id="none such").teams == []


def test_check_mode_predicts_all_that_is_returned(members, team) -> None:
    people = named(team, "ann@e", max_budget_in_team=5, rpm_limit=3) + named(team, "ben@e")
    assert members(check=True, members=people).team == members(members=people).team


def test_check_mode_predicts_the_diff_of_a_team_that_does_not_exist_yet(run_module, sandbox, alias) -> None:
    members = partial(run_module, "litellm_team_members", team_id=alias)
    people = named(alias, "ann@e", max_budget_in_team=5, rpm_limit=3) + named(alias, "ben@e")
    planned = members(check=True, members=people)
    assert "the proxy has no team with this team_id." in str(planned.warnings)
    sandbox.call("POST", "/team/new", {"team_id": alias}).raise_for_status()
    done = members(members=people)
    assert (planned.diff, planned.action, planned.changed) == (done.diff, done.action, done.changed)
    assert done.diff["after"]["members"][f"{alias}ann@e"] == {"role": "user", "max_budget_in_team": 5, "rpm_limit": 3}
    sandbox.call("POST", "/team/delete", {"team_ids": [alias]}).raise_for_status()
    sandbox.call("POST", "/user/delete", {"user_ids": [one["user_id"] for one in people]}).raise_for_status()


@pytest.mark.parametrize("limit", LIMITS, ids=lambda limit: limit.name)
def test_every_limit(sandbox, members, team, limit) -> None:
    """Set, changed and cleared, each for itself: nothing else of this member, of others, of the team, or of users."""
    first, second = VALUES[limit.name]
    (ann, ben), name = named(team, "ann@e", "ben@e"), f"{team}ann@e"
    if too_old(sandbox, limit.since):
        reason = f"members, {name}: LiteLLM {sandbox.litellm_version} on this proxy does not know {limit.name}"
        refused(members, sandbox, reason, members=[{**ann, limit.name: first}])
        return
    members(members=[{**ben, "max_budget_in_team": 9, "rpm_limit": 9}])
    members(members=[{**ann, limit.name: first}])
    assert own(sandbox, team, name) == {limit.name: first}
    assert members(members=[{**ann, limit.name: first}]).changed is False
    column = COLUMNS.get(limit.name, limit.name)
    places = {("budget", name, column), ("budget", name, "budget_reset_at")}
    with only_changes(
        partial(stored, sandbox, team), places if column == "budget_duration" else {("budget", name, column)}
    ):
        changed = as_declared(members, sandbox, 1, members=[{**ann, limit.name: second}])
    assert changed.diff["before"]["members"] == {name: {limit.name: first}}
    assert changed.diff["after"]["members"] == {name: {limit.name: second}}
    if too_old(sandbox, limit.clear_since):
        reason = f"members, {name}: LiteLLM {sandbox.litellm_version} on this proxy does not clear {limit.name}"
        refused(members, sandbox, reason, members=[{**ann, "unset": [limit.name]}])
        return
    # Beside another limit it is cleared alone; the last one takes the member's budget with it.
    kept = {"tpm_limit": 7} if limit.name != "tpm_limit" else {"rpm_limit": 7}
    members(members=[{**ann, **kept}])
    assert own(sandbox, team, name) == {limit.name: second, **kept}
    as_declared(members, sandbox, 1, members=[{**ann, "unset": [limit.name]}])
    assert own(sandbox, team, name) == kept
    as_declared(members, sandbox, 1, members=[{**ann, "unset": list(kept)}])
    assert own(sandbox, team, name) == {}
    assert own(sandbox, team, ben["user_id"]) == {"max_budget_in_team": 9, "rpm_limit": 9}


def test_all_limits_at_once(sandbox, members, team) -> None:
    known = {limit.name: VALUES[limit.name] for limit in LIMITS if not too_old(sandbox, limit.since)}
    (ann,) = named(team, "ann@e")
    # The request that adds somebody takes no rate limits.
    as_declared(members, sandbox, 2, members=[{**ann, **{name: values[0] for name, values in known.items()}}])
    assert own(sandbox, team, ann["user_id"]) == {name: values[0] for name, values in known.items()}
    as_declared(members, sandbox, 1, members=[{**ann, **{name: values[1] for name, values in known.items()}}])
    assert own(sandbox, team, ann["user_id"]) == {name: values[1] for name, values in known.items()}


def test_what_is_not_declared_of_a_member_stays(sandbox, members, team) -> None:
    """Older servers forget all limits that they are not sent, and a period that is sent again begins again."""
    (ann,) = named(team, "ann@e")
    limits = {name: values[0] for name, values in VALUES.items()}
    if too_old(sandbox, "1.90.0"):
        del limits["budget_duration"]
    members(members=[{**ann, **limits}])
    with only_changes(partial(stored, sandbox, team), {("budget", ann["user_id"], "max_budget")}):
        as_declared(members, sandbox, 1, members=[{**ann, "max_budget_in_team": 6}])
    assert own(sandbox, team, ann["user_id"]) == {**limits, "max_budget_in_team": 6}


def test_a_role_is_changed_alone(sandbox, members, team) -> None:
    limits = {"max_budget_in_team": 3, "rpm_limit": 4}
    members(members=[{"user_id": ADMIN["user_id"], **limits}])
    wanted = {"user_id": ADMIN["user_id"], "role": "user"}
    with only_changes(partial(stored, sandbox, team), {("role", ADMIN["user_id"])}):
        as_declared(members, sandbox, 1, members=[wanted])
    assert (roster(sandbox, team)[0], own(sandbox, team, ADMIN["user_id"])) == (wanted, limits)
    refused(members, sandbox, "the role admin requires a LiteLLM Enterprise license", members=[ADMIN])


def test_the_default_of_the_team_is_no_limit_of_the_members_own(sandbox, run_module, members, team) -> None:
    """Whoever is as declared is left with the default of the team, which any write would take away from them."""
    run_module("litellm_team", team_id=team, team_member_budget=2, team_member_budget_duration="7d")
    (ann,) = named(team, "ann@e")
    done = as_declared(members, sandbox, 1, members=[ann])
    (shown,) = (one for one in done.team["members"] if one["user_id"] == ann["user_id"])
    assert (shown["max_budget_in_team"], shown["budget_duration"]) == (2, "7d")
    if too_old(sandbox, "1.90.0"):
        return
    with sandbox.writes() as writes:
        assert members(members=[{**ann, "max_budget_in_team": 2, "budget_duration": "7d"}]).changed is False
    assert writes == []
    ben = {"user_id": f"{team}ben@e", "max_budget_in_team": 5}
    members(members=[ben])
    as_declared(
        members, sandbox, 1, members=[{"user_id": ben["user_id"], "unset": ["max_budget_in_team", "budget_duration"]}]
    )
    assert own(sandbox, team, ben["user_id"]).get("max_budget_in_team") != 5
    if too_old(sandbox, "1.106.2"):
        return  # there members have a copy of their own, which the team's default no longer reaches
    assert shown["budget_source"] == "team_default"
    with sandbox.writes() as writes:
        assert members(members=[{**ann, "unset": ["max_budget_in_team"]}]).changed is False
    assert writes == []
    run_module("litellm_team", team_id=team, team_member_budget=4)
    as_declared(members, sandbox, 1, members=[{**ann, "max_budget_in_team": 2}])
    assert own(sandbox, team, ann["user_id"])["max_budget_in_team"] == 2


def test_members_are_replaced_but_never_the_one_who_does_it(sandbox, run_module, members, team) -> None:
    people = named(team, "ann@e", "ben@e", "cem/@e")
    members(members=people)
    before = stored(sandbox, team)
    planned = members(check=True, mode="replace", members=people[:1])
    gone = {people[1]["user_id"], people[2]["user_id"]}
    assert planned.diff["before"]["members"].keys() == gone
    assert planned.diff["after"]["members"] == {}
    done = as_declared(
        members, sandbox, 1 if not too_old(sandbox, "1.106.2") else 2, mode="replace", members=people[:1]
    )
    assert roster(sandbox, team) == listed(done) == [ADMIN, {**people[0], "role": "user"}]
    after = stored(sandbox, team)
    assert {place[1] for place in differing(before, after)} <= gone | {"members", "members_with_roles"}
    assert all(after["user"][name]["teams"] == [] for name in gone)


def test_the_caller_stays_in_the_team(sandbox, run_module, members, team) -> None:
    boss = f"{team}boss"
    sandbox.call("POST", "/user/new", {"user_id": boss, "user_role": "proxy_admin", "auto_create_key": False})
    key = sandbox.call("POST", "/key/generate", {"user_id": boss}).json()["key"]
    members(members=named(team, "boss", "ann@e"))
    done = as_declared(partial(members, api_key=key), sandbox, 1, mode="replace", members=[], prune_limit=1)
    assert [one["user_id"] for one in done.team["members"]] == [ADMIN["user_id"], boss]


def test_a_member_with_keys_is_not_removed_by_mistake(sandbox, run_module, members, team, alias) -> None:
    people = named(team, "ann@e", "ben@e")
    members(members=people)
    for name, person in {f"{alias}-a": people[0], f"{alias}-b": people[1], f"{alias}-c": people[1]}.items():
        assert not run_module("litellm_key", key_alias=name, team_id=team, user_id=person["user_id"]).failed
    elsewhere = f"{alias}-elsewhere"
    run_module("litellm_key", key_alias=elsewhere, user_id=people[1]["user_id"])
    lost = (
        "LiteLLM deletes the keys of a member in the team together with the member: "
        f"{people[1]['user_id']} has 2 ({alias}-b, {alias}-c)."
    )
    lacking(members, sandbox, f"{team}: {lost} To continue, set force: true.", mode="replace", members=people[:1])
    planned = members(check=True, mode="replace", members=people[:1], force=True)
    assert lost in str(planned.warnings)
    assert len(sandbox.keys(alias)) == 4
    as_declared(members, sandbox, 1, mode="replace", members=people[:1], force=True)
    assert set(sandbox.keys(alias)) == {f"{alias}-a", elsewhere}


def test_no_list_is_longer_than_a_transaction_may_take(sandbox, members, team) -> None:
    people = named(team, *(f"p{number}" for number in range(60)), max_budget_in_team=2)
    with sandbox.writes() as writes:
        assert members(members=people).changed
    assert [status for _method, _path, status in writes] == [200] * 3
    assert {one["user_id"] for one in roster(sandbox, team)} == {ADMIN["user_id"], *(one["user_id"] for one in people)}
    assert own(sandbox, team, people[59]["user_id"]) == {"max_budget_in_team": 2}


def test_a_list_that_takes_too_long_is_divided(sandbox, members, team, monkeypatch) -> None:
    """LiteLLM 1.106 adds nobody if a list takes longer than 5 seconds, which this one does on most machines."""
    monkeypatch.setattr(_requests, "MAX_ADDED", 200)
    people = named(team, *(f"p{number}" for number in range(200)))
    with sandbox.writes() as writes:
        assert members(members=people).changed
    assert {status for _method, _path, status in writes} <= {200, 500}
    assert [one["user_id"] for one in roster(sandbox, team)[1:]] == [one["user_id"] for one in people]


def test_many_members_in_few_requests(sandbox, members, team) -> None:
    people = named(team, *(f"p{number}" for number in range(500)))
    with sandbox.requests_made() as made:
        assert members(members=people).changed
    assert [path for method, path, _status in made if method == "POST"] == ["/team/member_add"] * 20
    # An older LiteLLM is asked twice what version it is.
    assert len([path for _method, path, _status in made if not path.startswith("/health/")]) <= 22
    with sandbox.requests_made() as made:
        assert members(members=people).changed is False
    assert [path.partition("?")[0] for _method, path, _status in made] == ["/team/info"]


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ([{"user_id": " "}], "members: user_id must not be blank."),
        ([{"user_id": "a"}, {"user_id": "b"}, {"user_id": "a"}], "members: a is listed more than once."),
        ([{"user_id": "a", "role": "admin"}], "members, a: the role admin requires a LiteLLM Enterprise license"),
        ([{"user_id": "a", "max_budget_in_team": -1}], "members: a: max_budget_in_team: must not be negative."),
        ([{"user_id": "a", "budget_duration": "1y"}], "members: a: budget_duration: '1y' is not a duration"),
        (
            [{"user_id": "a", "tpm_limit": 1, "unset": ["tpm_limit"]}],
            "members: a: tpm_limit cannot be both set and listed in unset.",
        ),
    ],
)
def test_wrong_input_writes_nothing(sandbox, members, wrong: list[Mapping[str, Any]], sentence: str) -> None:
    refused(members, sandbox, sentence, members=wrong)


def test_the_team_must_be_there(sandbox, run_module) -> None:
    run = partial(run_module, "litellm_team_members")
    sentence = "none such: the proxy has no team with this team_id."
    lacking(run, sandbox, sentence, team_id="none such", members=[{"user_id": "a"}])


def test_a_key_of_nobody_of_the_team_is_told_what_to_do(run_module, alias, team, members) -> None:
    owner = named(team, "ann@e")
    run_module("litellm_key", key_alias=alias, user_id=owner[0]["user_id"])
    told = run_module("litellm_key", key_alias=alias, team_id=team)
    assert "is not a member of the team" in told.msg
    assert "Add the user to it with litellm_team_members, or declare another user_id." in told.msg
    members(members=owner)
    assert run_module("litellm_key", key_alias=alias, team_id=team).action == "update"


@pytest.mark.parametrize("unset", [[], ["budget_duration"]])
def test_the_reset_period_of_a_new_member_with_models_is_predicted(sandbox, run_module, members, team, unset) -> None:
    """Newer versions give such a member that of the team's members."""
    default = {"team_member_budget": 10, "team_member_budget_duration": "30d"}
    assert run_module("litellm_team", team_id=team, **default).changed
    people = named(team, "ann@e", allowed_models=["gpt-4"], unset=unset)
    assert members(check=True, members=people).team == members(members=people).team
    period = None if unset or too_old(sandbox, "1.110.0") else "30d"
    assert own(sandbox, team, f"{team}ann@e") == {
        "allowed_models": ["gpt-4"],
        **({"budget_duration": period} if period else {}),
    }
    assert members(members=people).changed is False


@pytest.mark.since("1.106.2")
def test_the_spending_of_a_member_is_reset_once_for_each_text(sandbox, run_module, members, team) -> None:
    callback = {"callback_name": "langfuse", "callback_type": "success", "callback_vars": {"langfuse_secret_key": "x"}}
    own_entries = {"course": "python", "logging": [callback]}
    run_module("litellm_team", team_id=team, metadata=own_entries, team_member_budget=9)
    members(members=[*named(team, "ann"), *named(team, "ben")])

    def spent(amount: float | None = None) -> dict[str, float]:
        if amount is not None:
            query = 'UPDATE "LiteLLM_TeamMembership" SET spend = %s WHERE starts_with(user_id, %s)'
            sandbox.execute(query, amount, team)
        query = 'SELECT user_id, spend FROM "LiteLLM_TeamMembership" WHERE starts_with(user_id, %s)'
        return {row["user_id"].removeprefix(team): row["spend"] for row in sandbox.rows(query, team)}

    def metadata() -> dict[str, Any]:
        (row,) = sandbox.rows('SELECT metadata FROM "LiteLLM_TeamTable" WHERE team_id = %s', team)
        return row["metadata"]

    before = metadata()
    assert spent(5.5) == {"ann": 5.5, "ben": 5.5}
    done = as_declared(members, sandbox, 2, members=named(team, "ann", reset_spend="june"))
    ann = f"{team}ann"
    assert done.diff["before"]["members"] == {ann: {"reset_spend": None, "spend": 5.5}}
    assert done.diff["after"]["members"] == {ann: {"reset_spend": "june", "spend": 0.0}}
    assert spent() == {"ann": 0, "ben": 5.5}
    assert metadata() == {**before, "litellm_vkey_reset_spend": {ann: "june"}}

    assert spent(4.5)["ann"] == 4.5
    as_declared(members, sandbox, 3, members=named(team, "ben", reset_spend="june", tpm_limit=7))
    assert not members(members=named(team, "ann", "ben", reset_spend="june")).changed
    assert spent() == {"ann": 4.5, "ben": 0}
    as_declared(members, sandbox, 4, members=named(team, "ann", "cem", reset_spend="july"))
    assert (spent()["ann"], spent()["cem"]) == (0, 0)

    # The mark is neither shown nor lost by the module of the team, and those who leave take theirs along.
    marks = metadata()["litellm_vkey_reset_spend"]
    shown = run_module("litellm_team", team_id=team, metadata={"more": 1}, metadata_mode="replace")
    assert (shown.action, shown.team["metadata"]) == ("update", {"more": 1})
    assert metadata()["litellm_vkey_reset_spend"] == marks
    assert "reserved" in run_module("litellm_team", team_id=team, metadata={"litellm_vkey_reset_spend": {}}).msg
    members(mode="replace", members=named(team, "ann", reset_spend="august"))
    assert metadata()["litellm_vkey_reset_spend"] == {ann: "august"}
    as_declared(members, sandbox, 3, mode="replace", force=True, members=named(team, "dan"))
    assert metadata()["litellm_vkey_reset_spend"] == {}
    as_declared(members, sandbox, 1, members=named(team, "ann"))
    assert metadata()["litellm_vkey_reset_spend"] == {}

    # Before 1.106, LiteLLM made no row for members without limits.
    sandbox.execute('DELETE FROM "LiteLLM_TeamMembership" WHERE user_id = %s', ann)
    as_declared(members, sandbox, 1, members=named(team, "ann", reset_spend="june"))


@pytest.mark.since("1.106.2")
def test_a_member_can_go_on_as_soon_as_the_spending_is_reset(sandbox, run_module, members, team, alias) -> None:
    members(members=named(team, "ann", max_budget_in_team=1e-7))
    key = run_module("litellm_key", key_alias=alias, user_id=f"{team}ann", team_id=team).key
    chat = {"model": "gpt-4", "messages": [{"role": "user", "content": "x"}]}
    answers = [sandbox.call("POST", "/chat/completions", chat, key=key) for _time in range(3)]
    assert answers[0].status_code == 200 and "budget_exceeded" in answers[-1].text
    assert members(members=named(team, "ann", reset_spend="june")).changed
    assert sandbox.call("POST", "/chat/completions", chat, key=key).status_code == 200


@pytest.mark.since("1.106.2")
def test_resets_that_cannot_be_are_refused(sandbox, members, team) -> None:
    refused(members, sandbox, "reset_spend: must not be blank.", members=named(team, "ann", reset_spend=" "))
    members(members=named(team, "a/b"))
    slash = "LiteLLM cannot reset the spending where an ID has a slash."
    refused(members, sandbox, slash, members=named(team, "a/b", reset_spend="june"))


def test_older_versions_cannot_reset_the_spending_of_a_member(sandbox, members, team) -> None:
    if not too_old(sandbox, "1.106.2"):
        pytest.skip("it can")
    members(members=named(team, "ann"))
    refused(members, sandbox, "does not know reset_spend (since 1.106.2)", members=named(team, "ann", reset_spend="x"))


@pytest.mark.parametrize(
    "own",
    [
        {"rpm_limit": 3},
        {"tpm_limit": 5, "budget_duration": "1d"},
        {"rpm_limit": 3, "max_budget_in_team": 2},
        {"rpm_limit": 3, "allowed_models": ["gpt-4"]},
        {"rpm_limit": 3, "allowed_models": []},
        {"rpm_limit": 3, "unset": ["max_budget_in_team"]},
        {"tpm_limit": 5, "unset": ["budget_duration"]},
    ],
    ids=str,
)
@pytest.mark.parametrize("budget", [{"team_member_budget": 6}, {}], ids=["budget", "period"])
def test_what_a_new_member_keeps_of_the_limits_of_the_team_is_predicted(
    sandbox, run_module, members, team, own: dict[str, Any], budget: dict[str, Any]
) -> None:
    if "unset" in own and too_old(sandbox, "1.90.0"):
        pytest.skip("it cannot take away a limit")
    if "budget_duration" in own and too_old(sandbox, "1.90.0"):
        own = {name: value for name, value in own.items() if name != "budget_duration"}
    of_all = {**budget, "team_member_budget_duration": "7d", "team_member_tpm_limit": 1000}
    assert not run_module("litellm_team", team_id=team, **of_all).failed
    planned = members(check=True, members=named(team, "ann", **own))
    done = members(members=named(team, "ann", **own))
    assert not done.failed, done.msg
    assert (planned.team, planned.diff) == (done.team, done.diff)
    assert not members(members=named(team, "ann", **own)).changed
