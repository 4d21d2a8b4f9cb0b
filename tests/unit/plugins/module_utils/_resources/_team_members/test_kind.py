# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How members get into a team and out of it: in which requests, and what is refused before the first."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._batch import converge
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._errors import ApiError, InputError
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._team_members._kind import TeamMembers
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._team_members._table import with_defaults

NEWEST = "1.106.2"
BULK = "/management/v1/teams/t/members"
TEAMS_LISTED = {"teams": [{"team_id": team} for team in "abcdefghijkl"], "total": 12, "total_pages": 1}
OWN = {"budget_id": "own", "litellm_budget_table": {"max_budget": 5.0, "budget_duration": "7d", "rpm_limit": 3}}


class Recorder:
    """A proxy with one team of one member, which stores only who is in it and notes what it is sent."""

    def __init__(self, version: str = NEWEST, licensed: bool = False, **team: Any) -> None:
        self.roster = [
            {"user_id": "ann", "role": "user", "user_email": "ann@example.com"},
            {"user_email": "x@e", "role": "user"},
        ]
        self.memberships: list[dict[str, Any]] = []
        self.team = team
        self.facts: dict[str, Any] = {"version": version, "licensed": licensed, "caller": "boss"}
        self.last_read: dict[Any, Any] = {}
        self.sent: list[tuple[str, Any]] = []
        self.answers: list[ApiError] = []  # to the next writes, which are carried out all the same

    def get(self, path: str, params: Any = None) -> Any:
        assert path in ("/team/info?key_limit=1&team_id=t", "/team/info?team_id=t")
        keys = [{"user_id": "ann", "key_alias": "one"}, {"user_id": "ann"}, {"user_id": "somebody"}]
        info = {"team_id": "t", "members_with_roles": list(self.roster), "metadata": None, **self.team}
        return {"team_id": "t", "team_info": info, "keys": keys, "team_memberships": self.memberships}

    def send(self, path: str, body: Any = None, method: str = "POST", idempotent: bool = False) -> Any:
        assert not idempotent
        self.sent.append((path, body))
        if path == "/team/member_add":
            self.roster += body["member"]
        if path.endswith("delete"):
            gone = [one["user_id"] for one in body.get("members") or [body]]
            self.roster = [member for member in self.roster if member.get("user_id") not in gone]
        if path == "/team/update":
            self.team = {**self.team, "metadata": body["metadata"]}
        if self.answers:
            raise self.answers.pop()
        return {}


def declare(proxy: Recorder, *members: dict[str, Any], **options: Any) -> Any:
    want = TeamMembers().declare({"team_id": "t", "members": members, **options}, "present")
    (outcome,) = converge(TeamMembers().store(proxy, {}, None), [want])
    return outcome


def test_a_few_teams_at_once_get_members_however_many_the_task_allows() -> None:
    under_way, most, lock = 0, 0, threading.Lock()

    class Busy(Recorder):
        def get(self, path: str, params: Any = None) -> Any:
            return {"team_info": {"team_id": path[-1]}} if path.startswith("/team/info") else TEAMS_LISTED

        def send(self, path: str, body: Any = None, method: str = "POST", idempotent: bool = False) -> Any:
            nonlocal under_way, most
            with lock:
                under_way += 1
                most = max(most, under_way)
            threading.Event().wait(0.02)
            with lock:
                under_way -= 1
            return super().send(path, body, method, idempotent)

    proxy = Busy()
    wants = [TeamMembers().declare({"team_id": team, "members": [person("ben")]}, "present") for team in "abcdefghijkl"]
    converge(TeamMembers().store(proxy, {}, None), wants, concurrency=12)
    assert (most, {body["team_id"] for _path, body in proxy.sent}) == (TeamMembers.most_at_once, set("abcdefghijkl"))


def person(name: str, **limits: Any) -> dict[str, Any]:
    return {"user_id": name, "role": None, **limits}


def test_only_new_members_are_sent_and_never_too_many_at_once() -> None:
    proxy = Recorder()
    names = [f"p{number}" for number in range(51)]
    assert declare(proxy, person("ann"), *map(person, names)).action == "update"
    lists = [body["member"] for _path, body in proxy.sent]
    assert [len(one) for one in lists] == [25, 25, 1]
    assert [one["user_id"] for part in lists for one in part] == names
    assert declare(proxy, {"user_id": "ann", "role": "user"}, person("p50")).action == "none"


def test_a_lost_answer_is_no_failure_and_nobody_is_added_twice() -> None:
    proxy = Recorder()
    proxy.answers = [ApiError("no answer", may_have_applied=True)]
    outcome = declare(proxy, *(person(f"p{number}") for number in range(30)))
    assert (outcome.action, outcome.error) == ("update", None)
    assert [len(body["member"]) for _path, body in proxy.sent] == [25, 5]


class Slow(Recorder):
    """A proxy that adds no more than 7 members in 5 seconds."""

    def send(self, path: str, body: Any = None, method: str = "POST", idempotent: bool = False) -> Any:
        if len(body["member"]) > 7:
            self.sent.append((path, body))
            raise ApiError("Unable to add user - a, for reason - Transaction already closed: …", 500)
        return super().send(path, body, method, idempotent)


def test_a_list_that_takes_too_long_is_divided() -> None:
    proxy = Slow()
    names = [f"p{number}" for number in range(30)]
    outcome = declare(proxy, *map(person, names))
    assert (outcome.action, outcome.error, outcome.warnings) == ("update", None, ())
    assert [len(body["member"]) for _path, body in proxy.sent] == [25, 12, 6, 6, 13, 6, 7, 5]
    assert [member["user_id"] for member in proxy.roster[2:]] == names


def test_another_failure_is_none_of_time() -> None:
    proxy = Recorder()
    proxy.answers = [ApiError("Unable to add user - a, for reason - unknown", 500)]
    declare(proxy, person("a"), person("b"))
    assert len(proxy.sent) == 1


def requests_for(version: str, *members: dict[str, Any], licensed: bool = False) -> list[tuple[str, Any]]:
    """The requests of the first write: this proxy stores no limits, so that all is written again."""
    proxy = Recorder(version, licensed)
    proxy.memberships = [{"user_id": "ann", "spend": 0.0, **OWN}]
    want = TeamMembers().declare({"team_id": "t", "members": members}, "present")
    store = TeamMembers().store(proxy, {}, None)
    (plan,) = store.plans([want])
    store.apply([want], [plan])
    repeated = proxy.sent.index(proxy.sent[0], 1) if proxy.sent.count(proxy.sent[0]) > 1 else len(proxy.sent)
    return proxy.sent[:repeated]


def test_those_with_the_same_limits_are_added_together() -> None:
    made = requests_for(
        NEWEST,
        person("a", max_budget_in_team=2.0, budget_duration="1d"),
        person("b", max_budget_in_team=2.0, budget_duration="1d", tpm_limit=9),
        person("c"),
    )
    first, second = {"max_budget_in_team": 2.0, "budget_duration": "1d"}, {"user_id": "c", "role": "user"}
    assert made[0][1] == {
        "team_id": "t",
        "member": [{"user_id": "a", "role": "user"}, {"user_id": "b", "role": "user"}],
        **first,
    }
    assert made[1] == ("/team/member_add", {"team_id": "t", "member": [second]})
    assert made[2] == (f"{BULK}/bulk_update", {"members": [{"user_id": "b", "tpm_limit": 9}]})


def test_an_older_server_takes_the_period_only_with_a_change() -> None:
    made = requests_for("1.90.7", person("a", max_budget_in_team=2.0, budget_duration="1d"))
    assert made[0][1] == {"team_id": "t", "member": [{"user_id": "a", "role": "user"}], "max_budget_in_team": 2.0}
    assert made[1] == ("/team/member_update", {"team_id": "t", "user_id": "a", "budget_duration": "1d"})


@pytest.mark.parametrize(
    ("version", "change", "request_"),
    [
        (NEWEST, {"rpm_limit": 4}, (f"{BULK}/bulk_update", {"members": [{"user_id": "ann", "rpm_limit": 4}]})),
        (
            NEWEST,
            {"unset": ["rpm_limit"]},
            (f"{BULK}/bulk_update", {"members": [{"user_id": "ann", "rpm_limit": None}]}),
        ),
        ("1.90.7", {"rpm_limit": 4}, ("/team/member_update", {"team_id": "t", "user_id": "ann", "rpm_limit": 4})),
        (
            "1.83.14",
            {"rpm_limit": 4},
            ("/team/member_update", {"team_id": "t", "user_id": "ann", "max_budget_in_team": 5.0, "rpm_limit": 4}),
        ),
        (
            "1.83.14",
            {"role": "admin"},
            (
                "/team/member_update",
                {"team_id": "t", "user_id": "ann", "role": "admin", "max_budget_in_team": 5.0, "rpm_limit": 3},
            ),
        ),
    ],
)
def test_an_update_sends_what_changes_and_to_a_forgetful_server_all(
    version: str, change: dict[str, Any], request_: tuple[str, Any]
) -> None:
    assert requests_for(version, person("ann", **change), licensed=True) == [request_]


def test_limits_of_the_team_are_not_taken_away_from_a_member() -> None:
    proxy = Recorder(metadata={"team_member_budget_id": "own"})
    proxy.memberships = [{"user_id": "ann", **OWN}]
    assert declare(proxy, person("ann", max_budget_in_team=5, unset=["rpm_limit"])).action == "none"
    assert proxy.sent == []


def test_the_last_limit_of_their_own_gives_a_member_back_to_the_team() -> None:
    """What the member has from then on is predicted, but not written: it is the team's."""
    team = {"metadata": {"team_member_budget_id": "b"}, "team_member_budget_table": {"max_budget": 2.0}}
    proxy = Recorder(**team)
    proxy.memberships = [{"user_id": "ann", **OWN}]
    want = TeamMembers().declare(
        {"team_id": "t", "members": [person("ann", unset=["max_budget_in_team", "budget_duration", "rpm_limit"])]},
        "present",
    )
    store = TeamMembers().store(proxy, {}, None)
    (plan,) = store.plans([want])
    store.apply([want], [plan])
    cleared = {"user_id": "ann", "max_budget_in_team": None, "budget_duration": None, "rpm_limit": None}
    assert proxy.sent[0] == (f"{BULK}/bulk_update", {"members": [cleared]})
    (ann,) = plan.after["members"]
    assert (ann["max_budget_in_team"], ann["budget_source"]) == (2.0, "team_default")


def test_an_old_server_gives_new_members_the_limits_of_the_team_by_itself() -> None:
    team = {"team_member_budget_table": {"max_budget": 2.0, "budget_duration": "7d"}}
    proxy = Recorder("1.83.14", **team)
    assert declare(proxy, person("ben")).action == "update"
    assert proxy.sent == [("/team/member_add", {"team_id": "t", "member": [{"user_id": "ben", "role": "user"}]})]


def test_the_caller_and_the_user_of_the_master_key_are_not_replaced() -> None:
    proxy = Recorder("1.90.7")
    proxy.roster += [{"user_id": name, "role": "admin"} for name in ("boss", "default_user_id", "old")]
    outcome = declare(proxy, person("new"), mode="replace", force=True)
    assert [path for path, _body in proxy.sent] == ["/team/member_add", *["/team/member_delete"] * 2]
    assert [member["user_id"] for member in outcome.record["members"]] == ["boss", "default_user_id", "new"]
    lost = "together with the member: ann has 2 (a key without an alias, one)."
    assert outcome.warnings == (f"t: LiteLLM deletes the keys of a member in the team {lost}",)


def test_keys_of_a_removed_member_are_named() -> None:
    proxy = Recorder()
    with pytest.raises(InputError, match=r"ann has 2 \(a key without an alias, one\)\. .*To continue, set force: true"):
        declare(proxy, mode="replace")
    assert proxy.sent == []


@pytest.mark.parametrize(
    ("version", "licensed", "member", "sentence"),
    [
        (NEWEST, False, {"user_id": "ben", "role": "admin"}, "members, ben: the role admin requires"),
        (NEWEST, False, {"user_id": "ann", "role": "admin"}, "members, ann: the role admin requires"),
        ("1.83.14", True, person("ann", budget_duration="1d"), r"does not know budget_duration \(since 1.90.0\)"),
        ("1.83.14", True, person("ann", unset=["rpm_limit"]), r"ann: .* does not clear rpm_limit \(since 1.90.0\)"),
        (NEWEST, True, person("ann", rpm_limit=-1), "members: ann: rpm_limit: must not be negative."),
    ],
)
def test_what_cannot_be_is_refused(version: str, licensed: bool, member: dict[str, Any], sentence: str) -> None:
    proxy = Recorder(version, licensed)
    proxy.memberships = [{"user_id": "ann", **OWN}]
    with pytest.raises(InputError, match=sentence):
        declare(proxy, member)
    assert proxy.sent == []


@pytest.mark.parametrize(
    ("team", "changes", "period"),
    [
        ({}, {"team_member_budget": 5.0, "budget_duration": "30d"}, "30d"),
        ({}, {"team_member_rpm_limit": 5}, None),
        ({}, {"team_member_budget": 5.0, "team_member_budget_duration": "7d", "budget_duration": "30d"}, "7d"),
        ({}, {"budget_duration": "30d"}, None),
        ({"budget_duration": "1d"}, {"team_member_budget": 5.0, "budget_duration": "30d"}, "1d"),
        ({"has_default": True, "budget_duration": "1d"}, {"team_member_budget": 5.0}, None),
    ],
)
def test_the_limits_of_all_members_begin_with_the_period_of_the_team(
    team: dict[str, Any], changes: dict[str, Any], period: str | None
) -> None:
    assert with_defaults(team, changes)["default"].get("budget_duration") == period


RESET = ("/team/t/member/ann/reset_spend", {"reset_to": 0.0})


def marks(proxy: Recorder) -> Any:
    return proxy.team["metadata"]["litellm_vkey_reset_spend"]


def test_spending_is_reset_before_it_is_marked_and_what_others_wrote_meanwhile_stays() -> None:
    class Shared(Recorder):
        def send(self, path: str, body: Any = None, method: str = "POST", idempotent: bool = False) -> Any:
            if path.endswith("/reset_spend"):
                theirs = {**marks(self), "ann": "theirs"}
                self.team = {"metadata": {**self.team["metadata"], "more": 1, "litellm_vkey_reset_spend": theirs}}
            return super().send(path, body, method, idempotent)

    proxy = Shared(metadata={"course": "python", "litellm_vkey_reset_spend": {"somebody": "may"}})
    proxy.memberships = [{"user_id": "ann", "spend": 3.0}]
    assert declare(proxy, person("ann", reset_spend="june"), person("ben", reset_spend="june")).action == "update"
    assert [path for path, _body in proxy.sent] == ["/team/update", "/team/member_add", RESET[0], "/team/update"]
    assert proxy.sent[2] == RESET
    assert proxy.team["metadata"] == {"course": "python", "more": 1, "litellm_vkey_reset_spend": marks(proxy)}
    assert marks(proxy) == {"somebody": "may", "ann": "june", "ben": "june"}
    assert declare(proxy, person("ann", reset_spend="june"), person("ben")).action == "none"


def test_what_another_task_has_reset_meanwhile_is_not_reset_again() -> None:
    class Slow(Recorder):
        def send(self, path: str, body: Any = None, method: str = "POST", idempotent: bool = False) -> Any:
            self.team = {"metadata": {"litellm_vkey_reset_spend": {"ann": "june"}}}
            return super().send(path, body, method, idempotent)

    proxy = Slow(metadata={})
    proxy.memberships = [{"user_id": "ann", "spend": 3.0}]
    assert declare(proxy, person("ann", reset_spend="june", rpm_limit=5)).error is not None  # it stores no limits
    assert RESET not in proxy.sent


@pytest.mark.parametrize("failing", ["/team/t/member/ben/reset_spend", "/team/update"])
def test_what_was_done_before_a_failure_is_told(failing: str) -> None:
    class Failing(Recorder):
        def send(self, path: str, body: Any = None, method: str = "POST", idempotent: bool = False) -> Any:
            if path == failing:
                raise ApiError("Internal server error", 500)
            if path == RESET[0]:
                self.memberships[0]["spend"] = 0.0
            return super().send(path, body, method, idempotent)

    proxy = Failing(metadata={})
    proxy.roster.append({"user_id": "ben", "role": "user"})
    proxy.memberships = [{"user_id": name, "spend": 3.0} for name in ("ann", "ben")]
    outcome = declare(proxy, *(person(name, reset_spend="june") for name in ("ann", "ben")))
    assert (outcome.action, outcome.error is None) == ("update", False)


def test_a_task_writes_no_text_but_its_own() -> None:
    proxy = Recorder(metadata={"litellm_vkey_reset_spend": {"ann": "may"}})
    assert declare(proxy, person("ann", rpm_limit=5), person("ben")).action == "update"
    assert "/team/update" not in [path for path, _body in proxy.sent]


def test_one_reset_that_fails_repeats_none_that_was_done() -> None:
    class Failing(Recorder):
        def send(self, path: str, body: Any = None, method: str = "POST", idempotent: bool = False) -> Any:
            if path == "/team/t/member/ben/reset_spend":
                raise ApiError("User ben is not a member of team t.", 404)
            return super().send(path, body, method, idempotent)

    proxy = Failing(metadata={})
    proxy.roster.append({"user_id": "ben", "role": "user"})
    proxy.memberships = [{"user_id": name, "spend": 3.0} for name in ("ann", "ben")]
    outcome = declare(proxy, *(person(name, reset_spend="june") for name in ("ann", "ben")))
    assert (outcome.action, "not a member" in str(outcome.error), marks(proxy)) == ("update", True, {"ann": "june"})


def test_for_a_member_without_a_row_nothing_is_counted_that_could_be_reset() -> None:
    proxy = Recorder()
    assert declare(proxy, person("ann", reset_spend="june")).action == "update"
    assert ([path for path, _body in proxy.sent], marks(proxy)) == (["/team/update"], {"ann": "june"})


def test_who_leaves_takes_the_text_along() -> None:
    proxy = Recorder(metadata={"litellm_vkey_reset_spend": {"ann": "june", "gone": "may", "ben": "may"}})
    assert declare(proxy, person("ben"), mode="replace", force=True).action == "update"
    assert marks(proxy) == {"gone": "may"}


def test_a_reset_that_was_not_marked_is_not_done() -> None:
    class Forgetful(Recorder):
        def send(self, path: str, body: Any = None, method: str = "POST", idempotent: bool = False) -> Any:
            self.sent.append((path, body))
            return {}

    outcome = declare(Forgetful(), person("ann", reset_spend="june"))
    assert "did not store members of the team t" in str(outcome.error)
