# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Somebody who may look at everything and change nothing can run each task in check mode."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.tests.integration.laws import too_old

MODEL = {"model": "openai/gpt-4o-mini", "mock_response": "Hello"}
# For each module the options of an object, and what changes about it.
OBJECTS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "team": ({"team_id": "NAME", "max_budget": 5}, {"max_budget": 6}),
    "team_members": ({"team_id": "NAME", "members": [{"user_id": "NAME"}]}, {"members": [{"user_id": "other"}]}),
    "user": ({"user_id": "NAME", "max_budget": 5}, {"max_budget": 6}),
    "budget": ({"budget_id": "NAME", "max_budget": 5}, {"max_budget": 6}),
    "customer": ({"user_id": "NAME", "budget_id": "NAME"}, {"alias": "other"}),
    "tag": ({"name": "NAME", "budget_id": "NAME"}, {"description": "other"}),
    "access_group": ({"access_group_name": "NAME"}, {"description": "other"}),
    "model": (
        {"model_id": "NAME", "model_name": "NAME", "litellm_params": {**MODEL, "api_key": "sk-a-secret-of-a-model"}},
        {"litellm_params": {"rpm": 3}, "unset": ["litellm_params.api_base"]},
    ),
    "credential": (
        {"credential_name": "NAME", "credential_values": {"api_key": "sk-provider-0123456789"}},
        {"credential_info": {"a": "b"}},
    ),
    "key": ({"key_alias": "NAME", "budget_id": "NAME", "team_id": "NAME"}, {"max_budget": 6}),
}


@pytest.fixture(scope="module")
def viewer(sandbox) -> Iterator[str]:
    """The key of a user who is a viewer."""
    name = f"t{secrets.token_hex(4)}-viewer"
    user = {"user_id": name, "user_role": "proxy_admin_viewer", "auto_create_key": False}
    sandbox.call("POST", "/user/new", user).raise_for_status()
    yield sandbox.call("POST", "/key/generate", {"user_id": name}).json()["key"]
    sandbox.call("POST", "/user/delete", {"user_ids": [name]}).raise_for_status()


def named(value: Any, name: str) -> Any:
    if isinstance(value, dict):
        return {part_name: named(part, name) for part_name, part in value.items()}
    if isinstance(value, list):
        return [named(part, name) for part in value]
    return name if value == "NAME" else value


def identity(kind: str) -> str:
    """The option by which the object is declared."""
    return next(iter(OBJECTS[kind][0]))


@pytest.fixture
def name(sandbox, run_module) -> Iterator[str]:
    """The name of all objects of this test, which are there."""
    made = f"t{secrets.token_hex(4)}"
    order = ("budget", "team", "user", "team_members", "model", "credential", "key", "customer", "tag", "access_group")
    for kind in order:
        done = run_module(f"litellm_{kind}", **named(OBJECTS[kind][0], made))
        assert not done.failed, done.values
    yield made
    for kind in reversed(order):
        if kind != "team_members":
            force = {} if kind == "key" else {"force": True}
            assert not run_module(f"litellm_{kind}", **{identity(kind): made}, state="absent", **force).failed


@pytest.mark.since("1.90.0")  # older versions show a viewer only few kinds of objects
def test_check_mode_is_the_same_for_a_viewer(sandbox, run_module, viewer, name) -> None:
    def both(module: str, **options: Any) -> None:
        seen, expected = (run_module(module, check=True, **key, **options).values for key in ({"api_key": viewer}, {}))
        assert not seen.get("failed"), seen
        assert [{**one, "invocation": None} for one in (seen,)] == [{**expected, "invocation": None}]

    for kind, (options, change) in OBJECTS.items():
        if kind == "user" and too_old(sandbox, "1.98.0"):
            continue  # these show a viewer no user
        identity = next(iter(options))
        both(f"litellm_{kind}", **named(options, name))
        both(f"litellm_{kind}", **{identity: name}, **change)
        if kind != "team_members":
            both(f"litellm_{kind}", **{**named(options, name), identity: f"{name}-new"})
            both(f"litellm_{kind}", **{identity: name}, state="absent")
            both(f"litellm_{kind}", **{identity: f"{name}-none"}, state="absent")
