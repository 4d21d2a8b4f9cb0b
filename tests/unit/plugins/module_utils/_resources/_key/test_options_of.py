# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What declares a key that is there already: a task with it changes nothing."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._batch import converge
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._proxy import Proxy
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._key._kind import Key
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._key._options_of import (
    UI_TEAM,
    options_of,
    undeclarable,
)
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._key._table import GRACE_MARK
from ansible_collections.litemaas.virtual_keys.tests.unit.fake_litellm import FakeLiteLLM

UUID = "0b4a2f1e-6d1c-4a57-9a54-2f8f7c5f6c11"
TOKEN = "a" * 64


def read(proxy: FakeLiteLLM) -> dict[str, dict[str, Any]]:
    params = {**dict.fromkeys(Key().info_options), "declaration": True}
    return {key["key_id"]: key for key in Key().read(proxy, params)["virtual_keys"]}


def declared(columns: dict[str, Any], fields: dict[str, Any], alias: str | None = "k", alone: bool = True) -> Any:
    return options_of(fields, {"token": TOKEN, "key_alias": alias, "is_alone": alone, **columns})


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({"team_id": None, "metadata": {}}, None),
        ({"team_id": "team", "metadata": {}}, None),
        ({"team_id": UI_TEAM, "metadata": {}}, "it belongs to a session of the user interface."),
    ],
)
def test_keys_of_the_user_interface_cannot_be_declared(record: dict[str, Any], reason: str | None) -> None:
    assert undeclarable(record) == reason


@pytest.mark.parametrize(
    ("columns", "fields", "left"),
    [
        ({}, {"max_budget": 1.0, "key_type": "default"}, {"max_budget", "key_type"}),
        ({}, {"allowed_routes": ["llm_api_routes"], "key_type": "llm_api"}, {"key_type"}),
        ({}, {"allowed_routes": ["/v1/models"]}, {"allowed_routes"}),
        # The server made a budget for the soft one alone, or the user chose a budget with limits.
        ({"budget_id": UUID, "litellm_budget_table": {}}, {"soft_budget": 1.0, "budget_id": UUID}, {"soft_budget"}),
        (
            {"budget_id": UUID, "litellm_budget_table": {"max_budget": 5.0}},
            {"soft_budget": 1.0, "budget_id": UUID},
            {"budget_id"},
        ),
        ({"budget_id": "course"}, {"soft_budget": 1.0, "budget_id": "course"}, {"budget_id"}),
        ({"budget_id": "course"}, {"budget_id": "course"}, {"budget_id"}),
    ],
)
def test_nothing_is_said_twice(columns: dict[str, Any], fields: dict[str, Any], left: set[str]) -> None:
    assert declared(columns, fields) == {name: fields[name] for name in left}


@pytest.mark.parametrize(
    ("alias", "alone", "by_id"),
    [("k", True, False), ("k", False, True), ("a/../b", True, True), ("a\nb", True, True)],
)
def test_a_key_goes_by_its_id_where_its_alias_does_not_tell(alias: str, alone: bool, by_id: bool) -> None:
    assert declared({}, {"max_budget": 1.0}, alias, alone) == {
        **({"key_id": TOKEN} if by_id else {}),
        "max_budget": 1.0,
    }


def test_a_task_with_what_declares_a_key_changes_nothing() -> None:
    proxy = FakeLiteLLM()
    alone = proxy.add("alone", max_budget=5.0, models=["gpt-4"], team_id="team", metadata={"course": "x"})
    twins = [proxy.add("twin", max_budget=amount) for amount in (1.0, 2.0)]
    found = read(proxy)
    assert found[alone["token"]]["declaration"] == {
        "key_alias": "alone", "max_budget": 5.0, "models": ["gpt-4"], "team_id": "team", "metadata": {"course": "x"},
    }  # fmt: skip
    for twin in twins:
        assert found[twin["token"]]["declaration"]["key_id"] == twin["token"]
    params = {"api_key": "sk-unit-master-key", "validate_models": True, "validate_references": True}
    for key in found.values():
        want = Key().declare({**dict.fromkeys(Key().options), **key["declaration"]}, "present")
        (outcome,) = converge(Key().store(proxy, params), [want])
        assert outcome.action == "none"
    assert proxy.writes == []


def test_a_change_to_a_record_is_planned_without_another_look() -> None:
    proxy = FakeLiteLLM()
    record = proxy.add("k", max_budget=5.0)
    want = Key().declare({**dict.fromkeys(Key().options), "key_alias": "k", "max_budget": 6.0}, "present")
    plan = Key().plan_of(want, record, Proxy(proxy))
    assert (plan.action, plan.changes, proxy.log) == ("update", {"max_budget": 6.0}, [])


def test_what_cannot_be_declared_says_why() -> None:
    proxy = FakeLiteLLM()
    session = proxy.add("session", team_id=UI_TEAM)
    old = proxy.add("old", metadata={GRACE_MARK: {"successor": TOKEN}})
    found = read(proxy)
    for record, reason in (
        (session, "it belongs to a session of the user interface."),
        (old, "it works until its grace is over. Another key took its place."),
    ):
        key = found[record["token"]]
        assert (key["declaration"], key["not_declared"]) == (None, {"": reason})
