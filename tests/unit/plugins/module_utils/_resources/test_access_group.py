# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether what an access group names is looked up, and what its deletion takes away."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._batch import converge
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._engine import Outcome
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._errors import ApiError, InputError
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._access_group import AccessGroup

GROUP: dict[str, Any] = {"access_group_id": "1", "access_group_name": "g", "access_model_names": ["old"]}


class Proxy:
    """A proxy with the team t, the key k, and the model m."""

    def __init__(self, *groups: dict[str, Any]) -> None:
        self.groups = {group["access_group_name"]: dict(group) for group in groups}

    def get(self, path: str, params: Any = None) -> Any:
        if path in ("/team/info", "/key/info"):
            if not set(params.values()) & {"t", "k"}:
                raise ApiError(f"{'Team' if path == '/team/info' else 'Key'} not found", 404)
            return {"team_info": {"team_id": "t"}} if path == "/team/info" else {"info": {}}
        if path == "/v2/model/info":
            return {"data": [{"model_name": "m", "model_info": {"id": "1"}}], "total_count": 1, "total_pages": 1}
        if path == "/access_group/list":
            return {"access_groups": []}
        if path == "/v2/team/list":
            aliases = {"t": "the team", "t2": "both", "t3": "both", "t4": "The team"}
            teams = [{"team_id": team_id, "team_alias": alias} for team_id, alias in aliases.items()]
            return {"teams": teams, "total": len(teams), "total_pages": 1}
        assert path == "/v1/access_group"
        return list(self.groups.values())

    def send(self, path: str, body: Any = None, method: str = "POST", idempotent: bool = False) -> Any:
        if method == "DELETE":
            self.groups.clear()
        else:
            self.groups["g"] = {"access_group_id": "1", **self.groups.get("g", {}), **body}
        return {}


def declared(proxy: Proxy, state: str = "present", **options: Any) -> Outcome:
    want = AccessGroup().declare({"access_group_name": "g", **options}, state)
    (outcome,) = converge(AccessGroup().store(proxy, {}, None), [want])
    return outcome


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"assigned_team_ids": ["t", "u"]}, "assigned_team_ids: the proxy has no team 'u'."),
        (
            {"assigned_team_ids": ["both"]},
            "assigned_team_ids: 2 teams are called 'both'. Set the ID of one of them (t2, t3).",
        ),
        ({"assigned_key_ids": ["x", "k"]}, "the proxy has no key with the ID 'x'."),
        ({"assigned_key_ids": ["x", "y"]}, "the proxy has no key with the ID 'x', 'y'."),
        ({"access_model_names": ["n", "m"], "validate_models": True}, "the proxy has no model 'n'."),
    ],
)
def test_what_is_not_there_is_refused(options: dict[str, Any], sentence: str) -> None:
    proxy = Proxy()
    with pytest.raises(InputError) as refused:
        declared(proxy, **options)
    assert (str(refused.value), proxy.groups) == (sentence, {})


@pytest.mark.parametrize(
    "options",
    [
        {"assigned_team_ids": ["t"], "assigned_key_ids": ["k"]},
        {"assigned_team_ids": ["u"], "assigned_key_ids": ["x"], "validate_references": False},
        {"access_model_names": ["n"]},
        {"access_model_names": ["m"], "validate_models": True},
    ],
)
def test_what_is_there_or_not_to_be_looked_up_is_written(options: dict[str, Any]) -> None:
    assert declared(Proxy(), **options).action == "create"


def test_a_team_can_be_called_by_its_alias() -> None:
    proxy = Proxy()
    assert declared(proxy, assigned_team_ids=["the team"]).action == "create"
    assert proxy.groups["g"]["assigned_team_ids"] == ["t"]
    assert declared(proxy, assigned_team_ids=["the team"]).action == "none"


def test_what_the_group_has_already_is_not_looked_up() -> None:
    proxy = Proxy({**GROUP, "assigned_team_ids": ["gone"]})
    options = {"assigned_team_ids": ["gone", "t"], "access_model_names": ["old", "m"], "validate_models": True}
    assert declared(proxy, **options).action == "update"


def test_the_value_of_a_key_is_no_id() -> None:
    with pytest.raises(InputError, match="assigned_key_ids: contains the value of a key"):
        declared(Proxy(), assigned_key_ids=["sk-1234"])


@pytest.mark.parametrize(
    ("assigned", "bound"),
    [
        ({"assigned_team_ids": ["t"]}, "1 team (t)"),
        ({"assigned_team_ids": ["t", "u"], "assigned_key_ids": ["k"]}, "2 teams (t, u), 1 key (k)"),
    ],
)
@pytest.mark.parametrize("taken", [{"state": "absent"}, {"access_model_names": []}])
def test_who_loses_the_models_is_said(assigned: dict[str, list[str]], bound: str, taken: dict[str, Any]) -> None:
    proxy = Proxy({**GROUP, "access_model_names": ["gpt-4"], **assigned})
    lost = f"This takes the models of the access group from {bound}."
    with pytest.raises(InputError) as guarded:
        declared(proxy, **taken)
    assert str(guarded.value) == f"{lost} To continue, set force: true."
    assert declared(proxy, **taken, force=True).warnings == (f"g: {lost}",)


def test_nobody_loses_the_models_of_a_group_that_is_not_assigned_or_stays() -> None:
    assert declared(Proxy({**GROUP, "access_model_names": ["gpt-4"]}), "absent").action == "delete"
    assigned = {**GROUP, "access_model_names": ["gpt-4", "gpt-4o"], "assigned_team_ids": ["t"]}
    assert declared(Proxy(assigned), access_model_names=["gpt-4"]).action == "update"
