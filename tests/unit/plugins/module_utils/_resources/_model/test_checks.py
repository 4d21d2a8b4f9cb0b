# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a model is refused before anything is written."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._engine import Plan
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._errors import ApiError
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._fingerprints import OWN_ENTRY
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._proxy import Proxy
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._model._checks import (
    check_options,
    check_plan,
    missing_references,
)

CURRENT = {
    "model_id": "m",
    "db_model": True,
    "litellm_params": {"model": "x", "guardrails": ["old"]},
    "model_info": {"id": "m", "key": "gpt-4o", "mode": "chat", "note": "n", "team_id": "t"},
}


class Answers:
    """A proxy that has one credential and one guardrail, and takes no writes."""

    def __init__(self, licensed: bool | None = False) -> None:
        self.facts: dict[str, Any] = {"licensed": licensed, "version": "1.110.2"}
        self.last_read: dict[Any, Any] = {}
        self.asked: list[str] = []

    def get(self, path: str, params: Any = None) -> Any:
        self.asked.append(path)
        if path.startswith("/credentials/by_name/"):
            if not path.endswith("/known"):
                raise ApiError("Credential not found. Got credential name: x", 404)
            return {"credential_name": "known"}
        return {
            "/public/litellm_model_cost_map": {"gpt-4o": {"mode": "chat"}},
            "/v2/guardrails/list": {"guardrails": [{"guardrail_id": "1", "guardrail_name": "there"}]},
        }[path]

    def send(self, path: str, body: Any = None, method: str = "POST", idempotent: bool = False) -> Any:
        raise AssertionError(f"{method} {path}")


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ({"litellm_params": {"model": "x"}, "model_info": {"mode": "chat"}}, []),
        ({"model_id": "m", "model_info": {"id": "m"}}, []),
        ({"model_id": "m", "model_info": {"id": "n"}}, ["O(model_info): use the option O(model_id) to set id."]),
        ({"model_info": {"blocked": True}}, ["O(model_info): use the option O(blocked) to set blocked."]),
        ({"model_info": {"db_model": True}}, ["O(model_info): db_model is reserved for LiteLLM."]),
        ({"model_info": {OWN_ENTRY: {}}}, [f"O(model_info): {OWN_ENTRY} is reserved for this collection."]),
        (
            {"model_info": {"input_cost_per_token": 1, "costume": 1, "cost_center": "17"}},
            ["O(model_info): set input_cost_per_token in O(litellm_params) instead."],
        ),
        ({"unset": ["model_info.db_model"]}, ["O(unset): LiteLLM itself adds db_model to O(model_info)."]),
        (
            {"unset": ["litellm_params.model"]},
            ["O(unset): litellm_params.model is not an entry that can be removed, such as O(litellm_params.api_base)."],
        ),
        (
            {"litellm_params": {"api_key": "sk****07"}},
            ["O(litellm_params): api_key is a mask as LiteLLM shows it, not a value."],
        ),
        (
            {"litellm_params": {"daily_reset_time": "1", "provider_affinity_header": "x"}},
            [
                f"O(litellm_params): LiteLLM cannot change or delete a model with {name}."
                for name in ("provider_affinity_header", "daily_reset_time")
            ],
        ),
    ],
)
def test_a_declaration_is_checked(options: dict[str, Any], found: list[str]) -> None:
    assert check_options(options) == found


@pytest.mark.parametrize("action", ["update", "delete", "none"])
@pytest.mark.parametrize("db_model", [False, None])
def test_a_model_of_the_configuration_file_is_left_alone(action: str, db_model: bool | None) -> None:
    plan = Plan("m", action, current={**CURRENT, "db_model": db_model})
    reason = "it is defined in the configuration file of the proxy. Change it there."
    assert check_plan(plan, {}, Proxy(Answers())) == reason


def test_a_model_in_the_database_can_be_deleted_unasked() -> None:
    client = Answers()
    unset = {"unset": ["model_info.mode"]}
    assert check_plan(Plan("m", "delete", current=CURRENT), unset, Proxy(client)) is None
    assert client.asked == []


@pytest.mark.parametrize(
    ("changes", "complete"),
    [
        ({"model_name": "m", "litellm_params": {"model": "x"}}, True),
        ({"model_name": "m", "litellm_params": {"api_base": "x"}}, False),
        ({"model_name": "m"}, False),
        ({"litellm_params": {"model": "x"}}, False),
    ],
)
def test_a_model_is_created_with_a_name_and_a_model_of_a_provider(changes: dict[str, Any], complete: bool) -> None:
    reason = check_plan(Plan("m", "create", changes), {}, Proxy(Answers()))
    said = "it does not exist yet. To create it, set O(model_name), and model in O(litellm_params)."
    assert reason == (None if complete else said)


@pytest.mark.parametrize(
    ("team", "licensed", "refused"),
    [("u", False, True), ("u", True, False), ("u", None, False), ("t", False, False)],
)
def test_a_team_needs_a_license_where_it_changes(team: str, licensed: bool | None, refused: bool) -> None:
    info = {"key": "gpt-4o", "mode": "chat", "note": "n", "team_id": team}
    plan = Plan("m", "update", {"model_info": info}, current=CURRENT)
    reason = check_plan(plan, {}, Proxy(Answers(licensed)))
    said = "O(model_info.team_id) requires a LiteLLM Enterprise license, which the proxy does not have."
    assert reason == (said if refused else None)


@pytest.mark.parametrize(
    ("entries", "reason"),
    [
        (["mode", "key", "note"], "O(unset): LiteLLM itself adds key, mode to O(model_info)."),
        (["absent"], None),
        ([], None),
    ],
)
def test_what_litellm_adds_is_not_removed(entries: list[str], reason: str | None) -> None:
    client = Answers()
    options = {"unset": [f"model_info.{name}" for name in entries]}
    assert check_plan(Plan("m", "none", current=CURRENT), options, Proxy(client)) == reason
    assert bool(client.asked) == bool(reason)


NO_CREDENTIAL = "O(litellm_params): the proxy has no credential 'lost'."
NO_GUARDRAIL = "O(litellm_params.guardrails): the proxy has no guardrail 'lost'."


@pytest.mark.parametrize(
    ("params", "reason"),
    [
        ({"litellm_credential_name": "known", "guardrails": ["there"]}, None),
        ({"litellm_credential_name": "lost"}, NO_CREDENTIAL),
        ({"guardrails": ["lost", "there"]}, NO_GUARDRAIL),
        ({"litellm_credential_name": "lost", "guardrails": ["lost"]}, f"{NO_CREDENTIAL} {NO_GUARDRAIL}"),
        # What the model names already stays, whether it is there or not.
        ({"guardrails": ["old", "there"]}, None),
        ({"guardrails": "lost"}, None),
    ],
)
def test_a_model_names_what_is_there(params: dict[str, Any], reason: str | None) -> None:
    plan = Plan("m", "update", {"litellm_params": params}, current=CURRENT)
    assert missing_references(plan, {}, Proxy(Answers())) == reason


def test_references_are_not_looked_for_if_that_is_declared() -> None:
    client = Answers()
    params = {"litellm_credential_name": "lost", "guardrails": ["lost"]}
    plan = Plan("m", "create", {"litellm_params": params})
    assert missing_references(plan, {"validate_references": False}, Proxy(client)) is None
    assert client.asked == []
