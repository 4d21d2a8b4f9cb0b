# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is on a proxy and not declared, and what of it may be deleted."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._errors import InputError
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._platform._kinds import LISTS
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._platform._undeclared import (
    PRUNED,
    check_pruning,
    entry_of,
    to_prune,
    undeclared,
)
from ansible_collections.litemaas.virtual_keys.tests.unit.plugins.module_utils._platform.test_entries import entries

ROWS = {row.option: row for row in LISTS}
MARK = {"managed_by": "platform"}
# A proxy that nobody asks.
NOBODY: Any = None
NOTHING = {"prune": [], "report_undeclared": [], "prune_metadata": None, "prune_names": None, "prune_limit": None}


def teams(*names: str, **more: Any) -> list[dict[str, Any]]:
    return [{"team_id": name, "team_alias": name.upper(), "metadata": MARK, **more} for name in names]


def chosen(records: list[dict[str, Any]], declared: list[str], **params: Any) -> list[str]:
    row = ROWS["teams"]
    left = undeclared(row, records, entries(teams=[{"team_id": name} for name in declared]), NOBODY)
    return [row.kind.name_of(record) for record in to_prune(row, records, left, {**NOTHING, **params})]


def test_an_object_is_declared_by_its_id_or_its_alias() -> None:
    declared = entries(teams=[{"team_id": "b"}, {"team_alias": "A"}])
    assert [one["team_id"] for one in undeclared(ROWS["teams"], teams("d", "c", "b", "a"), declared, NOBODY)] == [
        "c",
        "d",
    ]


def test_what_users_cannot_declare_is_not_reported() -> None:
    users = [{"user_id": "default_user_id"}, {"user_id": "ann"}]
    assert undeclared(ROWS["users"], users, [], NOBODY) == [{"user_id": "ann"}]
    models = [{"model_id": name, "db_model": name == "x"} for name in ("x", "y")]
    assert undeclared(ROWS["models"], models, [], NOBODY) == models[:1]
    keys = [{"token": "1", "key_alias": None, "key_name": "sk-...1", "team_id": "litellm-dashboard"}]
    assert undeclared(ROWS["keys"], keys, [], NOBODY) == []
    credentials = [{"credential_name": "x", "source": "config"}]
    assert undeclared(ROWS["credentials"], credentials, [], NOBODY) == []


def test_only_what_bears_the_mark_or_is_named_is_chosen() -> None:
    records = [*teams("a", "b", "c", "d"), *teams("e", metadata={"managed_by": "others"}), *teams("f", metadata=None)]
    assert chosen(records, ["a", "b", "c"], prune_metadata=MARK) == ["d"]
    assert chosen(records, ["a", "b", "c"], prune_names={"teams": ["f", "a"]}) == ["f"]
    assert chosen(records, ["a", "b"], prune_metadata=MARK, prune_names={"teams": ["e"]}) == ["c", "d", "e"]


@pytest.mark.parametrize(
    ("limit", "bound"), [(None, "only half of those that carry the mark can be"), (2, "only prune_limit allows 2")]
)
def test_more_than_the_limit_are_refused_by_name(limit: int | None, bound: str) -> None:
    records = teams("a", "b", "c", "d")
    with pytest.raises(InputError, match=f"3 would be deleted, but {bound}: b, c, d"):
        chosen(records, ["a"], prune_metadata=MARK, prune_limit=limit)
    assert chosen(records, ["a"], prune_metadata=MARK, prune_limit=3) == ["b", "c", "d"]
    assert chosen(records, ["a"], prune_metadata=MARK, prune_limit=-1) == ["b", "c", "d"]


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"prune": ["teams"]}, "set prune_metadata or prune_names, which say what of teams can be deleted"),
        ({"prune": ["users"], "prune_metadata": MARK}, "users is empty, so that all of them would be deleted"),
        ({"prune": ["budgets"], "prune_metadata": MARK}, "budgets have no metadata"),
        ({"prune": ["team"], "prune_metadata": MARK}, "team is not one of credentials, "),
        ({"report_undeclared": ["team"]}, "report_undeclared: team is not one of "),
        ({"prune": ["teams"], "prune_metadata": {"managed_by": ""}}, "managed_by has no value"),
        ({"prune_names": {"teams": ["x"]}}, "prune_names has teams, which is not in prune"),
        ({"prune": ["teams"], "prune_metadata": MARK, "prune_limit": -2}, "prune_limit must be at least 0"),
    ],
)
def test_what_chooses_nothing_is_refused(params: dict[str, Any], said: str) -> None:
    declared = entries(teams=[{"team_id": "t"}], budgets=[{"budget_id": "b"}])
    with pytest.raises(InputError) as refused:
        check_pruning({**NOTHING, **params}, declared)
    assert said in str(refused.value)


def test_pruning_with_a_mark_and_with_names_is_fine() -> None:
    declared = entries(teams=[{"team_id": "t"}], budgets=[{"budget_id": "b"}])
    names = {"budgets": ["c"]}
    check_pruning({**NOTHING, "prune": ["teams", "budgets"], "prune_metadata": MARK, "prune_names": names}, declared)


def test_what_is_pruned_is_declared_to_go() -> None:
    entry = entry_of(ROWS["teams"], teams("a")[0], force=True)
    assert (entry.number, entry.is_going, entry.want.state, entry.want.name) == (PRUNED, True, "absent", "a")
    assert entry.want.force
    token = "0" * 64
    key = entry_of(ROWS["keys"], {"token": token, "key_alias": "k", "key_name": "sk-...1"}, force=False)
    assert dict(key.want.identity) == {"key_alias": "k", "key_id": token}
