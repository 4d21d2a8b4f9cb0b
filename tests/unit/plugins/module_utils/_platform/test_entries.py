# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The entries of a platform: all mistakes at once, what the task sets for all of them, and what is part of them."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._errors import InputError
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._platform._entries import Entries, Entry
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._platform._kinds import LISTS


def entries(**params: Any) -> list[Entry]:
    lists = {row.option: [] for row in LISTS}
    return Entries({**lists, "state": "present", "members_mode": "merge", "force": False, **params}).declared()


def mistakes(**params: Any) -> str:
    with pytest.raises(InputError) as refused:
        entries(**params)
    return str(refused.value)


def test_all_mistakes_of_all_entries_are_named() -> None:
    text = mistakes(
        users=[{"user_id": "ann", "max_bugdet": 1}, {"user_alias": "Ben"}, {"user_id": "cem", "max_budget": -1}],
        teams=[{"team_id": "t", "team_alias": "Data science", "members": [{"user_id": "ann", "rol": "user"}]}],
        budgets=[{"budget_id": "b", "max_budget": True}, {"budget_id": "c", "max_budget": "much"}],
    )
    for sentence in (
        "users[1] (ann): unknown option max_bugdet (did you mean max_budget?).",
        "users[2]: user_id or user_email is required and must not be blank.",
        "users[3] (cem): max_budget: must not be negative.",
        "teams[1] (Data science): unknown option members.rol.",
        "budgets[1] (b): max_budget must be a number, not true or false.",
        "budgets[2] (c): ",
    ):
        assert sentence in text


def test_what_stands_there_twice_is_refused() -> None:
    assert "users[1] (ann), users[3] (ann): declared 2 times." in mistakes(
        users=[{"user_id": "ann"}, {"user_id": "ben"}, {"user_id": "ann"}]
    )
    assert "ann, ben: user_email: several users have the address a@example.com." in mistakes(
        users=[{"user_id": "ann", "user_email": "A@example.com"}, {"user_id": "ben", "user_email": "a@example.com"}]
    )


def test_what_the_task_sets_holds_for_entries_that_do_not_set_it() -> None:
    first, second = entries(
        state="absent", force=True, users=[{"user_id": "ann"}, {"user_id": "ben", "state": "present", "force": False}]
    )
    assert (first.is_going, first.want.state, first.options["force"]) == (True, "absent", True)
    assert (second.is_going, second.want.state, second.options["force"]) == (False, "present", False)


def test_the_members_of_a_team_are_a_part_of_its_entry() -> None:
    members = [{"user_id": "ann"}, {"user_id": "ben"}]
    team, part = entries(members_mode="replace", teams=[{"team_id": "t", "members": members}])
    assert (team.row.option, part.row.option, part.options["mode"]) == ("teams", "members", "replace")
    assert part.first is not None and part.first.options["mode"] == "merge"
    assert team.first is None
    assert "team_id" in mistakes(teams=[{"team_alias": "Data science", "members": members}])
    # Of a team that goes, as many members go as its entry names.
    _team, gone = entries(teams=[{"team_id": "t", "members": members, "state": "absent"}])
    assert (gone.is_going, gone.options["members"], gone.options["prune_limit"]) == (True, [], 2)
    assert [one.row.option for one in entries(teams=[{"team_alias": "x", "state": "absent"}])] == ["teams"]
    assert [one.row.option for one in entries(teams=[{"team_id": "t"}])] == ["teams"]


def test_an_access_group_is_assigned_after_what_it_is_assigned_to() -> None:
    (group,) = entries(access_groups=[{"access_group_name": "g", "assigned_team_ids": ["t"], "description": "x"}])
    assert group.first is not None
    assert dict(group.first.fields) == {"access_group_name": "g", "description": "x"}


def test_a_name_with_odd_characters_is_shown_on_one_line() -> None:
    assert "users[1] (a?b): " in mistakes(users=[{"user_id": "a\nb"}])
