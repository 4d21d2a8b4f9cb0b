# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The order of a run for all kinds, and what becomes of the rest where something fails."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._engine import Outcome, Plan
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._errors import ApiError, InputError
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._kind import Store
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._platform._run import NOT_TRIED, Run
from ansible_collections.litemaas.virtual_keys.tests.unit.plugins.module_utils._platform.test_entries import entries

KEY = {"key_alias": "k", "key_seed": "a seed for tests only, of 32 characters and more"}


class Proxy:
    """Objects of all kinds: which there are, what fails, and what was written in which order."""

    def __init__(self, present: Sequence[str] = (), failing: Sequence[str] = (), unread: str = "") -> None:
        self.present = set(present)
        self.failing = set(failing)
        self.unread = unread
        self.written: list[str] = []
        self.lacking: dict[str, str] = {}
        self.refused: dict[str, str] = {}
        self.told: list[str] = []

    def run(self, fail_fast: bool = False, **lists: Any) -> Run:
        params = {"concurrency": 1, "fail_fast": fail_fast, "progress_every": 1}
        run = Run(SimpleNamespace(), lambda row: FakeStore(self, row.option), params, self.told.append)
        run.plan(entries(**lists))
        return run


class FakeStore(Store):
    """The objects of one kind. Of a team's members, only those who are there may leave."""

    def __init__(self, proxy: Proxy, option: str) -> None:
        self.proxy = proxy
        self.option = option

    def _called(self, want: Any) -> str:
        mode = f" ({want.options['mode']})" if self.option == "members" else ""
        return f"{self.option} {want.name}{mode}"

    def existing(self) -> list[Mapping[str, Any]]:
        return []

    def plans(self, wants: Sequence[Any]) -> list[Plan]:
        if self.option == self.proxy.unread and self.proxy.written:
            raise ApiError("The proxy is gone.")
        for want in wants:
            if self._called(want) in self.proxy.refused:
                raise InputError(self.proxy.refused[self._called(want)], want.name)
        return [self._plan(want) for want in wants]

    def _plan(self, want: Any) -> Plan:
        called = self._called(want)
        there = called in self.proxy.present
        record = {"team_id": want.name, "token": want.name} if there else None
        action = {"present": "none" if there else "create", "absent": "delete" if there else "none"}[want.state]
        changes = {"what": called} if action == "create" else {}
        return Plan(want.name, action, changes, before={"writes": len(self.proxy.written)}, current=record)

    def missing(self, wants: Sequence[Any], plans: Sequence[Plan]) -> Mapping[str, Sequence[str]]:
        held = [want for want in wants if not getattr(want, "force", False)]
        names = [want.name for want in held if self._called(want) in self.proxy.lacking]
        return {self.proxy.lacking[self._called(want)]: names for want in wants if want.name in names}

    def apply(self, wants: Sequence[Any], plans: Sequence[Plan]) -> list[Outcome]:
        (want,), (plan,) = wants, plans
        called = self._called(want)
        self.proxy.written.append(called)
        if called in self.proxy.failing:
            raise ApiError(f"no {called}")
        (self.proxy.present.discard if plan.action == "delete" else self.proxy.present.add)(called)
        return [Outcome(plan, plan.action, {"name": want.name}, value="sk-made" if self.option == "keys" else None)]


def outcomes(run: Run) -> dict[str, tuple[str, str | None]]:
    return {
        f"{part.row.option} {entry.want.name}": (outcome.action, outcome.error and str(outcome.error))
        for part in run.parts
        for entry, outcome in zip(part.entries, part.outcomes, strict=True)
    }


TEAM = {"team_id": "t", "members": [{"user_id": "ann"}], "members_mode": "replace"}


def test_what_others_refer_to_comes_first_and_members_leave_after_the_keys() -> None:
    proxy = Proxy()
    run = proxy.run(
        keys=[KEY],
        teams=[TEAM],
        users=[{"user_id": "ann"}],
        credentials=[{"credential_name": "c", "credential_values": {"api_key": "a value"}}],
    )
    assert proxy.written == []
    run.carry_out()
    assert proxy.written == [
        "credentials c", "users ann", "teams t", "members t (merge)", "keys k", "members t (replace)",
    ]  # fmt: skip
    assert outcomes(run)["members t"] == ("create", None)


def test_what_took_two_steps_is_shown_as_it_was_planned() -> None:
    run = Proxy().run(teams=[TEAM])
    (planned,) = (part.outcomes[0].plan for part in run.present if part.row.option == "members")
    run.carry_out()
    (members,) = (part.outcomes[0] for part in run.present if part.row.option == "members")
    assert (members.plan, members.plan.before, members.record) == (planned, {"writes": 0}, {"name": "t"})


def test_what_goes_is_deleted_in_the_opposite_order() -> None:
    proxy = Proxy(["keys k", "teams t", "members t (replace)", "users ann"])
    proxy.run(state="absent", keys=[KEY], users=[{"user_id": "ann"}], teams=[{"team_id": "t"}]).carry_out()
    assert proxy.written == ["keys k", "teams t", "users ann"]


def test_members_of_a_team_that_is_not_there_are_not_looked_for() -> None:
    run = Proxy().run(state="absent", teams=[TEAM])
    assert outcomes(run) == {"teams t": ("none", None)}


def test_everything_that_is_refused_is_named_before_the_first_write() -> None:
    proxy = Proxy()
    proxy.refused = {"users ann": "never.", "teams t": "not this one."}
    with pytest.raises(InputError, match=r"users: ann: never\. teams: t: not this one\."):
        proxy.run(users=[{"user_id": "ann"}], teams=[{"team_id": "t"}])
    proxy.refused, proxy.lacking = {}, {"users ann": "there is no x.", "keys k": "there is no team."}
    with pytest.raises(InputError, match=r"users: ann: there is no x\. keys: k: there is no team\."):
        proxy.run(users=[{"user_id": "ann"}], keys=[KEY])
    assert proxy.written == []


def test_the_others_are_served_if_one_fails_and_nothing_goes() -> None:
    proxy = Proxy(["users old"], failing=["users ann"])
    users = [{"user_id": "ann"}, {"user_id": "ben"}, {"user_id": "old", "state": "absent"}]
    run = proxy.run(users=users, keys=[KEY])
    run.carry_out()
    assert outcomes(run) == {
        "users ann": ("none", "no users ann"),
        "users ben": ("create", None),
        "keys k": ("create", None),
        "users old": ("none", NOT_TRIED),
    }


def test_fail_fast_tries_no_further_kind() -> None:
    proxy = Proxy(failing=["users ann"])
    run = proxy.run(fail_fast=True, users=[{"user_id": "ann"}, {"user_id": "ben"}], keys=[KEY])
    run.carry_out()
    assert proxy.written == ["users ann"]
    assert outcomes(run)["keys k"] == ("none", NOT_TRIED)


def test_the_deletion_of_the_rest_goes_on_if_one_fails() -> None:
    proxy = Proxy(["users ann", "teams t", "members t (replace)"], failing=["teams t"])
    run = proxy.run(state="absent", users=[{"user_id": "ann"}], teams=[{"team_id": "t"}])
    run.carry_out()
    assert proxy.written == ["teams t", "users ann"]
    assert outcomes(run)["users ann"] == ("delete", None)


def test_values_are_returned_also_if_the_proxy_is_gone_meanwhile() -> None:
    proxy = Proxy(unread="members")
    run = proxy.run(teams=[TEAM], keys=[KEY])
    run.carry_out()
    assert outcomes(run)["members t"] == ("none", "The proxy is gone.")
    (keys,) = (part for part in run.present if part.row.option == "keys")
    assert keys.outcomes[0].value == "sk-made"


def test_what_is_lacking_by_then_fails_alone() -> None:
    proxy = Proxy()
    run = proxy.run(users=[{"user_id": "ann"}, {"user_id": "ben"}])
    proxy.lacking = {"users ann": "it is gone."}
    run.carry_out()
    assert proxy.written == ["users ben"]
    assert outcomes(run)["users ann"] == ("none", "it is gone.")


def test_a_model_has_its_new_name_before_those_who_name_it_follow() -> None:
    """All else that others name by then is held back, and a model that goes."""
    proxy = Proxy()
    run = proxy.run(models=[{"model_id": "m", "model_name": "n"}], budgets=[{"budget_id": "b"}], keys=[KEY])
    proxy.lacking = dict.fromkeys(["models m", "budgets b"], "others name it.")
    run.carry_out()
    assert proxy.written == ["models m", "keys k"]
    assert outcomes(run)["budgets b"] == ("none", "others name it.")

    proxy = Proxy(["models m"])
    run = proxy.run(models=[{"model_id": "m", "state": "absent"}])
    proxy.lacking = {"models m": "others name it."}
    run.carry_out()
    assert outcomes(run) == {"models m": ("none", "others name it.")}


def test_a_step_that_was_done_counts_if_the_next_one_fails() -> None:
    proxy = Proxy(failing=["members t (replace)"])
    run = proxy.run(teams=[TEAM])
    run.carry_out()
    assert outcomes(run)["members t"] == ("create", "no members t (replace)")


def test_progress_is_told_of_each_kind() -> None:
    proxy = Proxy()
    proxy.run(users=[{"user_id": name} for name in "abc"]).carry_out()
    assert proxy.told == ["1 of 3 users written", "2 of 3 users written"]
