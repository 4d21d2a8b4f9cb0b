# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a key that is handed out can do, on a real LiteLLM. tests/routes measures it for all kinds of keys."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from routes.keys import MEMBER, TEAM_ADMIN, Subject, World
from routes.operations import LET_THROUGH, Operation, operations, verdict
from routes.questions import QUESTIONS
from routes.server import Server

NEEDED = {
    "Ask the models that it was given",
    "Make embeddings",
    "List its models (`/v1/models`)",
}
# What comes with it: providers are asked with the proxy's credentials, and models are described since LiteLLM 1.98.
BESIDES = {
    "Reach files, batches, fine-tuning, and assistants of the providers",
    "Reach the pass-through routes of the providers",
    "Reach MCP servers and agents",
    "Read the settings of its models, without secrets (`/model/info`)",
}
MANAGEMENT = re.compile(
    r"/(v\d/)?(key|user|team|organization|project|customer|end_user|budget|credentials|spend|global|config|cache|tag"
    r"|model|access_group|invitation|jwt|sso|policies|prompts|management|cost|provider|router|health)\b"
)
ABOUT_MODELS = {"GET /model/info", "GET /v1/model/info", "GET /model_group/info"}


@pytest.fixture(scope="module")
def world(sandbox) -> Iterator[World]:
    world = World.made_on(Server.described_in(sandbox.description))
    yield world
    world.remove()


@pytest.fixture(params=[MEMBER, TEAM_ADMIN, "internal_user"])
def handed_out(world, run_module, request) -> Subject:
    """A key that could do more before, of a person who may do more than call models."""
    key: Subject = world.subject("default", request.param)
    assert QUESTIONS["Make keys for all models without a limit"](world, key)
    result = run_module("litellm_key", key_alias=key.alias, key_type="llm_api")
    assert result.changed, result
    return key


def test_a_key_that_is_handed_out_calls_models_and_nothing_else(world, handed_out) -> None:
    able = {question for question, ask in QUESTIONS.items() if ask(world, handed_out)}
    assert NEEDED <= able <= NEEDED | BESIDES


@pytest.mark.parametrize("handed_out", [TEAM_ADMIN], indirect=True)
def test_no_route_of_management_answers_it(world, handed_out) -> None:
    offered = [one for one in operations(world.server) if MANAGEMENT.match(one.path)]
    assert len(offered) > 100, "the server describes other routes than before"
    closed = [one for one in offered if _outcome(world, one, None) != LET_THROUGH]
    open_to_it = {_name(one) for one in closed if _outcome(world, one, handed_out.key) == LET_THROUGH}
    assert open_to_it <= ABOUT_MODELS


def test_an_admin_gets_no_more_from_it_but_agents_and_plugins(world) -> None:
    """LiteLLM lets such keys through to its lists of agents and plugins, where the role decides."""
    admin: Any = world.subject("llm_api", "proxy_admin")
    able = {question for question, ask in QUESTIONS.items() if ask(world, admin)}
    assert able <= NEEDED | BESIDES | {"Add agents or plugins for everybody"}


def _outcome(world: World, operation: Operation, key: str | None) -> str:
    return verdict(operation.try_with(world.server, key))


def _name(operation: Operation) -> str:
    return f"{operation.method} {operation.path}"
