# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""
What a trainer wants to know about a key that is handed out, each tried for real.

A question about the data of others is answered by the marks of these others in an answer; one about a change by the
server's own record afterwards.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

from .keys import MODEL, OTHER_MODEL, Owner, Subject, World
from .operations import LET_THROUGH, Operation, verdict

UNLIMITED = 1_000_000.0
Question = Callable[[World, Subject], bool]


def _chat(world: World, subject: Subject, model: str) -> bool:
    body = {"model": model, "messages": [{"role": "user", "content": "hello"}]}
    return world.server.ask(subject.key, "POST", "/v1/chat/completions", body).ok


def asks_its_models(world: World, subject: Subject) -> bool:
    return _chat(world, subject, MODEL)


def asks_other_models(world: World, subject: Subject) -> bool:
    return _chat(world, subject, OTHER_MODEL)


def uses_embeddings(world: World, subject: Subject) -> bool:
    return world.server.ask(subject.key, "POST", "/v1/embeddings", {"model": MODEL, "input": "hello"}).ok


def lists_its_models(world: World, subject: Subject) -> bool:
    return MODEL in world.server.ask(subject.key, "GET", "/v1/models").text


def reads_its_own_record(world: World, subject: Subject) -> bool:
    return subject.alias in world.server.ask(subject.key, "GET", "/key/info").text


def reads_settings_of_models(world: World, subject: Subject) -> bool:
    answer = world.server.ask(subject.key, "GET", "/model/info")
    return answer.ok and "litellm_params" in answer.text


def _reaches(method: str, path: str, body: Any = None) -> Question:
    """Ask whether the key is let through to a route, whatever comes of it there."""
    operation = Operation(method, path, body=body)
    return lambda world, subject: verdict(operation.try_with(world.server, subject.key)) == LET_THROUGH


def makes_keys_without_a_limit(world: World, subject: Subject) -> bool:
    body = {"models": ["all-proxy-models"], "key_alias": f"made-{secrets.token_hex(6)}"}
    made = world.server.ask(subject.key, "POST", "/key/generate", body)
    if not made.ok:
        return False
    key = made.json()
    body = {"model": OTHER_MODEL, "messages": [{"role": "user", "content": "hello"}]}
    works = world.server.ask(key["key"], "POST", "/v1/chat/completions", body).ok
    world.server.do("POST", "/key/delete", {"keys": [key["token"]]})
    return works and key["max_budget"] is None


def raises_its_own_budget(world: World, subject: Subject) -> bool:
    return _raises_budget(world, subject, subject.token, subject.alias)


def changes_keys_of_teammates(world: World, subject: Subject) -> bool:
    return _raises_budget(world, subject, world.teammate.token, world.teammate.alias)


def changes_keys_of_strangers(world: World, subject: Subject) -> bool:
    return _raises_budget(world, subject, world.stranger.token, world.stranger.alias)


def _raises_budget(world: World, subject: Subject, token: str, alias: str) -> bool:
    world.server.ask(subject.key, "POST", "/key/update", {"key": token, "max_budget": UNLIMITED})
    raised = world.server.do("GET", "/key/info", key=token)["info"]["max_budget"] == UNLIMITED
    if raised and alias != subject.alias:
        world.server.do("POST", "/key/update", {"key": token, "max_budget": 10.0})
    return raised


def reads_teammates(world: World, subject: Subject) -> bool:
    return _shows(world, subject, world.teammate)


def reads_strangers(world: World, subject: Subject) -> bool:
    return _shows(world, subject, world.stranger)


def _shows(world: World, subject: Subject, owner: Owner) -> bool:
    """Whether any of the answers that people look for shows a person who is not the key's."""
    reads: tuple[tuple[str, dict[str, str]], ...] = (
        ("/team/info", {"team_id": owner.team_id}),
        ("/user/info", {"user_id": owner.user_id}),
        ("/v2/user/info", {"user_id": owner.user_id}),
        ("/user/list", {"user_ids": owner.user_id}),
        ("/key/info", {"key": owner.token}),
        ("/key/list", {"return_full_object": "true", "size": "100"}),
        ("/key/list", {"team_id": owner.team_id, "return_full_object": "true"}),
        ("/key/aliases", {}),
        ("/team/list", {}),
        ("/v2/team/list", {}),
        ("/spend/logs", {"user_id": owner.user_id}),
        ("/spend/logs", {"api_key": owner.token}),
        ("/spend/keys", {}),
        ("/spend/users", {}),
        ("/global/spend/keys", {"limit": "1000"}),
    )
    return any(
        mark in world.server.ask(subject.key, "GET", path, **parameters).text
        for path, parameters in reads
        for mark in owner.marks
        if mark not in parameters.values()
    )


def changes_its_team(world: World, subject: Subject) -> bool:
    if subject.team_id is None:
        return False
    budget = float(secrets.randbelow(10**9))
    world.server.ask(subject.key, "POST", "/team/update", {"team_id": subject.team_id, "max_budget": budget})
    return bool(_team(world, subject.team_id)["max_budget"] == budget)


def adds_people_to_a_team(world: World, subject: Subject) -> bool:
    return any(_adds(world, subject, owner.team_id) for owner in (world.teammate, world.stranger))


def _adds(world: World, subject: Subject, team_id: str) -> bool:
    user_id = f"added-{secrets.token_hex(6)}"
    body = {"team_id": team_id, "member": [{"user_id": user_id, "role": "user"}]}
    world.server.ask(subject.key, "POST", "/team/member_add", body)
    return any(member["user_id"] == user_id for member in _team(world, team_id)["members_with_roles"])


def _team(world: World, team_id: str) -> dict[str, Any]:
    team: dict[str, Any] = world.server.do("GET", "/team/info", team_id=team_id)["team_info"]
    return team


def becomes_an_admin(world: World, subject: Subject) -> bool:
    answer = world.server.ask(
        subject.key, "POST", "/user/update", {"user_id": subject.user_id, "user_role": "proxy_admin"}
    )
    return answer.ok and '"proxy_admin"' in answer.text


def makes_users_and_teams(world: World, subject: Subject) -> bool:
    name = f"made-{secrets.token_hex(6)}"
    return (
        world.server.ask(subject.key, "POST", "/user/new", {"user_id": name, "auto_create_key": False}).ok
        or world.server.ask(subject.key, "POST", "/team/new", {"team_id": name}).ok
    )


def changes_models_and_credentials(world: World, subject: Subject) -> bool:
    name = f"made-{secrets.token_hex(6)}"
    model = {"model_name": name, "litellm_params": {"model": f"openai/{MODEL}", "mock_response": "hello"}}
    credential = {"credential_name": name, "credential_values": {"api_key": "sk-none"}, "credential_info": {}}
    return (
        world.server.ask(subject.key, "POST", "/model/new", model).ok
        or world.server.ask(subject.key, "POST", "/credentials", credential).ok
    )


def adds_agents_or_plugins(world: World, subject: Subject) -> bool:
    name = f"made-{secrets.token_hex(6)}"
    card = {"name": name, "description": "", "url": "http://127.0.0.1:1", "version": "1", "protocolVersion": "1.0"}
    card |= {"skills": [], "capabilities": {}, "defaultInputModes": [], "defaultOutputModes": []}
    agent = {"agent_name": name, "agent_card_params": card, "litellm_params": {}}
    plugin = {"name": name, "source": {"source": "github", "repo": "example/example"}}
    return (
        world.server.ask(subject.key, "POST", "/v1/agents", agent).ok
        or world.server.ask(subject.key, "POST", "/claude-code/plugins", plugin).ok
    )


def changes_settings(world: World, subject: Subject) -> bool:
    return world.server.ask(subject.key, "POST", "/config/update", {"router_settings": {"num_retries": 2}}).ok


# In the order of the table.
QUESTIONS: dict[str, Question] = {
    "Ask the models that it was given": asks_its_models,
    "Ask other models": asks_other_models,
    "Make embeddings": uses_embeddings,
    "List its models (`/v1/models`)": lists_its_models,
    "Reach files, batches, fine-tuning, and assistants of the providers": _reaches("GET", "/v1/files"),
    "Reach the pass-through routes of the providers": _reaches("GET", "/vllm/{endpoint}"),
    "Reach MCP servers and agents": _reaches("POST", "/mcp-rest/tools/call"),
    "Read its own budget and expiry (`/key/info`)": reads_its_own_record,
    "Read the settings of its models, without secrets (`/model/info`)": reads_settings_of_models,
    "Make keys for all models without a limit": makes_keys_without_a_limit,
    "Raise its own budget": raises_its_own_budget,
    "Read names, e-mail addresses, or spend of teammates": reads_teammates,
    "Read those of other people": reads_strangers,
    "Change keys of teammates": changes_keys_of_teammates,
    "Change keys of other people": changes_keys_of_strangers,
    "Change the budget of its team": changes_its_team,
    "Add people to a team": adds_people_to_a_team,
    "Make its owner an admin": becomes_an_admin,
    "Make users or teams": makes_users_and_teams,
    "Change models or credentials": changes_models_and_credentials,
    "Add agents or plugins for everybody": adds_agents_or_plugins,
    "Change settings of the proxy": changes_settings,
}
