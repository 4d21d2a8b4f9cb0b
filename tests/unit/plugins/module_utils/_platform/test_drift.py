# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a proxy differs from what is declared, as data, without secrets."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

from ansible_collections.litemaas.virtual_keys.plugins.module_utils._engine import Plan, make_plan
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._platform._drift import drift_of
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._proxy import Proxy
from ansible_collections.litemaas.virtual_keys.tests.unit.fake_litellm import FakeLiteLLM
from ansible_collections.litemaas.virtual_keys.tests.unit.plugins.module_utils._platform.test_entries import entries

RECORD = {"team_id": "t", "max_budget": 500.0, "rpm_limit": 9, "metadata": {"a": 1, "api_token": "hidden"}}


def part(entry: Any, record: dict[str, Any] | None) -> Any:
    want = entry.want
    plan = make_plan(entry.row.kind.table, want.fields, record, want.state)
    return SimpleNamespace(row=entry.row, entries=[entry], plans=[plan])


def drift(present: Sequence[Any] = (), going: Sequence[Any] = (), strict: bool = False, **left: Any) -> dict[str, Any]:
    return drift_of(list(present), list(going), left, Proxy(FakeLiteLLM()) if strict else None)


def test_a_proxy_as_declared_does_not_differ() -> None:
    (team,) = entries(teams=[{"team_id": "t", "max_budget": 500}])
    found = drift([part(team, RECORD)])
    assert found == {
        "differs": False,
        "changed": [],
        "missing": [],
        "unwanted": [],
        "not_declared": [],
        "undeclared_fields": [],
    }


def test_each_difference_is_in_its_list() -> None:
    changed, missing = entries(
        teams=[{"team_id": "t", "max_budget": 200, "metadata": {"a": 2}}, {"team_id": "new", "max_budget": 1}]
    )
    gone, _members = entries(teams=[{"team_id": "t", "state": "absent"}])
    found = drift([part(changed, RECORD), part(missing, None)], [part(gone, RECORD)], teams=["x"])
    assert found["differs"] is True
    assert found["changed"] == [
        {
            "kind": "teams",
            "name": "t",
            "fields": {
                "max_budget": {"declared": 200.0, "actual": 500.0},
                "metadata": {"declared": {"a": 2}, "actual": {"a": 1, "api_token": "********"}},
            },
        }
    ]
    assert found["missing"] == [{"kind": "teams", "name": "new"}]
    assert found["unwanted"] == [{"kind": "teams", "name": "t"}]
    assert found["not_declared"] == [{"kind": "teams", "name": "x"}]


def test_fields_that_are_not_declared_are_named_only_when_asked() -> None:
    (team,) = entries(teams=[{"team_id": "t", "max_budget": 500, "unset": ["tpm_limit"]}])
    assert drift([part(team, RECORD)])["undeclared_fields"] == []
    assert drift([part(team, RECORD)], strict=True)["undeclared_fields"] == [
        {"kind": "teams", "name": "t", "fields": {"rpm_limit": 9, "metadata": {"a": 1, "api_token": "********"}}}
    ]


def test_what_a_declaration_would_not_say_is_no_field_that_is_not_declared() -> None:
    (user,) = entries(users=[{"user_id": "u"}])
    record = {"user_id": "u", "user_role": "internal_user", "models": [], "max_budget": None, "metadata": {}}
    assert drift([part(user, record)], strict=True)["undeclared_fields"] == [
        {"kind": "users", "name": "u", "fields": {"user_role": "internal_user"}}
    ]
    (endpoint,) = entries(pass_throughs=[{"endpoint_id": "1", "path": "/x", "target": "https://example.com"}])
    record = {"id": "1", "path": "/x", "target": "https://example.com", "auth": True, "headers": {}}
    assert drift([part(endpoint, record)], strict=True)["undeclared_fields"] == []
    (other,) = drift([part(endpoint, {**record, "auth": False})], strict=True)["undeclared_fields"]
    assert other["fields"] == {"auth": False}
    (credential,) = entries(credentials=[{"credential_name": "c"}])
    record = {"credential_name": "c", "credential_info": {"owner": "x"}, "credential_values": {"api_key": "sk****1"}}
    held = SimpleNamespace(row=credential.row, entries=[credential], plans=[Plan("c", "none", current=record)])
    (one,) = drift([held], strict=True)["undeclared_fields"]
    assert one["fields"] == {"credential_info": {"owner": "x"}}
    (key,) = entries(keys=[{"key_alias": "a"}])
    one = {**FakeLiteLLM().add("a"), "key_type": "default"}
    assert drift([part(key, one)], strict=True)["undeclared_fields"] == []


def test_a_new_team_is_one_difference_and_not_another_one_with_its_members() -> None:
    team, members = entries(teams=[{"team_id": "new", "members": [{"user_id": "ann"}]}])
    planned = SimpleNamespace(
        row=members.row, entries=[members], plans=[SimpleNamespace(action="update", changed=True)]
    )
    found = drift([part(team, None), planned])
    assert (found["missing"], found["changed"]) == ([{"kind": "teams", "name": "new"}], [])
