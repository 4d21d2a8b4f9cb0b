# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is lost with an object: looked up before it is deleted or emptied, named, and only taken away with force."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.tests.integration.laws import too_old

pytestmark = pytest.mark.quiet

MODEL = {"model": "openai/gpt-4o-mini", "mock_response": "Hello"}
# What each test leaves behind: table, the column that begins with the test's name.
LEFT = (
    ("LiteLLM_VerificationToken", "key_alias"),
    ("LiteLLM_TeamMembership", "team_id"),
    ("LiteLLM_AccessGroupTable", "access_group_name"),
    ("LiteLLM_TagTable", "tag_name"),
    ("LiteLLM_EndUserTable", "user_id"),
    ("LiteLLM_TeamTable", "team_id"),
    ("LiteLLM_UserTable", "user_id"),
    ("LiteLLM_ModelAccessGroupBudgetTable", "access_group_name"),
    ("LiteLLM_ManagedVectorStoresTable", "vector_store_id"),
    ("LiteLLM_BudgetTable", "budget_id"),
    ("LiteLLM_PolicyTable", "policy_name"),
    ("LiteLLM_GuardrailsTable", "guardrail_name"),
    ("LiteLLM_SearchToolsTable", "search_tool_name"),
    ("LiteLLM_MCPToolsetTable", "toolset_name"),
    ("LiteLLM_MCPServerTable", "server_id"),
)


@pytest.fixture
def name(sandbox) -> Iterator[str]:
    beginning = f"t{secrets.token_hex(4)}"
    yield beginning
    for row in sandbox.rows(
        'SELECT model_id FROM "LiteLLM_ProxyModelTable" WHERE starts_with(model_id, %s)', beginning
    ):
        sandbox.call("POST", "/model/delete", {"id": row["model_id"]}).raise_for_status()
    sandbox.call("DELETE", f"/credentials/{beginning}")
    sandbox.call("DELETE", "/config/pass_through_endpoint", params={"endpoint_id": beginning})
    for model, kind in ((beginning, "general"), (f"{beginning}-2", "context_window")):
        sandbox.call("DELETE", f"/fallback/{model}", params={"fallback_type": kind})
    known = {row["tablename"] for row in sandbox.rows("SELECT tablename FROM pg_tables")}
    for table, column in LEFT:
        if table not in known:  # older versions lack some
            continue
        sandbox.execute(f'DELETE FROM "{table}" WHERE starts_with({column}, %s)', beginning)


@dataclass(frozen=True)
class Case:
    """An object on which others depend.

    :param made: declarations that come first: module and options; ``NAME`` stands for the test's name.
    :param module: the module of the object; ``options`` identify it and take away what others need.
    :param lost: what the sentence says.
    :param sent: requests that no module makes, as method, path and body.
    """

    module: str
    options: Mapping[str, Any]
    lost: str
    made: tuple[tuple[str, Mapping[str, Any]], ...] = ()
    sent: tuple[tuple[str, str, Any], ...] = ()
    since: str = ""


def absent(module: str, **identity: Any) -> tuple[str, dict[str, Any]]:
    return module, {**identity, "state": "absent"}


KEY_METADATA = 'UPDATE "LiteLLM_VerificationToken" SET metadata = %s::jsonb WHERE key_alias = %s'
TEAM_METADATA = 'UPDATE "LiteLLM_TeamTable" SET metadata = %s::jsonb WHERE team_id = %s'
BUDGET = ("budget", {"budget_id": "NAME", "max_budget": 3})
TEAM = ("team", {"team_id": "NAME"})
SERVED = ("model", {"model_id": "NAME", "model_name": "NAME", "litellm_params": MODEL})
GUARDRAIL = (
    "guardrail",
    {"guardrail_name": "NAME", "litellm_params": {"guardrail": "litellm_content_filter", "mode": "pre_call"}},
)
POLICY = ("policy", {"policy_name": "NAME", "description": "x"})
REACHED = (
    "mcp_server",
    {"server_id": "NAME", "transport": "http", "url": "http://127.0.0.1:9", "mcp_access_groups": ["NAME-group"]},
)
CASES = {
    "the guardrail of a key, a team, a model, policies": Case(
        *absent("guardrail", guardrail_name="NAME"),
        "although it is named by 1 key (NAME), 1 team (NAME), 1 model (NAME), 2 policies (",
        (
            GUARDRAIL,
            ("key", {"key_alias": "NAME"}),
            TEAM,
            ("model", {**SERVED[1], "litellm_params": {**MODEL, "guardrails": ["NAME"]}}),
            ("policy", {"policy_name": "NAME", "guardrails_add": ["NAME"]}),
            (
                "policy",
                {"policy_name": "NAME-2", "pipeline": {"mode": "pre_call", "steps": [{"guardrail": "NAME"}]}},
            ),
        ),
        # Without a license, LiteLLM takes it from nobody.
        (
            ("SQL", KEY_METADATA, ('{"guardrails": ["NAME"]}', "NAME")),
            ("SQL", TEAM_METADATA, ('{"guardrails": ["NAME"]}', "NAME")),
        ),
        since="1.106.0",
    ),
    "the guardrail of a pass-through endpoint": Case(
        *absent("guardrail", guardrail_name="NAME"),
        "although it is named by 1 pass-through endpoint (NAME).",
        (
            GUARDRAIL,
            (
                "pass_through",
                {
                    "endpoint_id": "NAME",
                    "path": "/NAME",
                    "target": "http://127.0.0.1:9/",
                    "guardrails": {"NAME": {"request_fields": ["query"]}},
                },
            ),
        ),
        since="1.106.0",
    ),
    "a search tool": Case(
        *absent("search_tool", search_tool_name="NAME"),
        "It is used by 1 key (NAME), 1 team (NAME), 1 user (NAME).",
        (
            ("search_tool", {"search_tool_name": "NAME", "litellm_params": {"search_provider": "tavily"}}),
            ("key", {"key_alias": "NAME", "object_permission": {"search_tools": ["NAME"]}}),
            ("team", {"team_id": "NAME", "object_permission": {"search_tools": ["NAME"]}}),
            ("user", {"user_id": "NAME", "object_permission": {"search_tools": ["NAME"]}}),
        ),
        since="1.106.0",
    ),
    "the model that answers for another one, and has fallbacks": Case(
        *absent("model", model_id="NAME"),
        "No other deployment serves NAME, which is named by 2 fallbacks (NAME, NAME-2).",
        (
            SERVED,
            ("model", {"model_id": "NAME-2", "model_name": "NAME-2", "litellm_params": MODEL}),
            ("fallback", {"model": "NAME", "fallback_models": ["NAME-2"]}),
            ("fallback", {"model": "NAME-2", "context_window_fallback_models": ["NAME"]}),
        ),
        since="1.106.0",
    ),
    "the guardrail of all requests": Case(
        *absent("guardrail", guardrail_name="NAME"),
        "It checks all requests (default_on).",
        ((GUARDRAIL[0], {**GUARDRAIL[1], "litellm_params": {**GUARDRAIL[1]["litellm_params"], "default_on": True}}),),
        since="1.106.0",
    ),
    "the policy of a key, a team, another policy": Case(
        *absent("policy", policy_name="NAME"),
        "although it is named by 1 key (NAME), 1 team (NAME), 1 policy (NAME-2).",
        (POLICY, ("key", {"key_alias": "NAME"}), TEAM, ("policy", {"policy_name": "NAME-2", "inherit": "NAME"})),
        (
            ("SQL", KEY_METADATA, ('{"policies": ["NAME"]}', "NAME")),
            ("SQL", TEAM_METADATA, ('{"policies": ["NAME"]}', "NAME")),
        ),
        since="1.106.0",
    ),
    "the budget of a model access group": Case(
        *absent("budget", budget_id="NAME"),
        "remove the limits of 1 model access group (NAME-group).",
        (
            BUDGET,
            ("model", {**SERVED[1], "model_info": {"access_groups": ["NAME-group"]}}),
        ),
        (("PUT", "/access_group/NAME-group/budget", {"budget_id": "NAME"}),),
        since="1.106.0",
    ),
    "the budget of a key, a customer, a tag, a team's member": Case(
        *absent("budget", budget_id="NAME"),
        "remove the limits of 1 key (NAME), 1 customer (NAME), 1 tag (NAME), 1 team member (NAME in NAME).",
        (
            BUDGET,
            ("key", {"key_alias": "NAME", "budget_id": "NAME"}),
            ("customer", {"user_id": "NAME", "budget_id": "NAME"}),
            ("tag", {"name": "NAME", "budget_id": "NAME"}),
            TEAM,
            ("team_members", {"team_id": "NAME", "members": [{"user_id": "NAME", "max_budget_in_team": 1}]}),
        ),
        (("SQL", 'UPDATE "LiteLLM_TeamMembership" SET budget_id = %s WHERE user_id = %s', ("NAME", "NAME")),),
    ),
    "a budget without its only limit": Case(
        "budget",
        {"budget_id": "NAME", "unset": ["max_budget"]},
        "remove the limits of 1 key (NAME).",
        (BUDGET, ("key", {"key_alias": "NAME", "budget_id": "NAME"})),
    ),
    "the credential of a model": Case(
        *absent("credential", credential_name="NAME"),
        "used by 1 model (NAME).",
        (
            ("credential", {"credential_name": "NAME", "credential_values": {"api_key": "sk-provider-0123456789"}}),
            ("model", {**SERVED[1], "litellm_params": {**MODEL, "litellm_credential_name": "NAME"}}),
        ),
    ),
    "the only value of the credential of a model": Case(
        "credential",
        {"credential_name": "NAME", "unset": ["api_key"]},
        "used by 1 model (NAME).",
        (
            ("credential", {"credential_name": "NAME", "credential_values": {"api_key": "sk-provider-0123456789"}}),
            ("model", {**SERVED[1], "litellm_params": {**MODEL, "litellm_credential_name": "NAME"}}),
        ),
        since="1.106.0",
    ),
    "the credential of a vector store": Case(
        *absent("credential", credential_name="NAME"),
        "used by 1 vector store (NAME).",
        (("credential", {"credential_name": "NAME", "credential_values": {"api_key": "sk-provider-0123456789"}}),),
        (
            (
                "POST",
                "/vector_store/new",
                {"vector_store_id": "NAME", "custom_llm_provider": "openai", "litellm_credential_name": "NAME"},
            ),
        ),
        since="1.90.0",
    ),
    "the limits of a team's members": Case(
        *absent("team", team_id="NAME"),
        "Its members have limits in it: NAME-ann.",
        (
            TEAM,
            (
                "team_members",
                {
                    "team_id": "NAME",
                    "members": [{"user_id": "NAME-ann", "max_budget_in_team": 5}, {"user_id": "NAME-b"}],
                },
            ),
        ),
    ),
    "all members of a team": Case(
        "team_members",
        {"team_id": "NAME", "mode": "replace", "members": []},
        "members is empty, which removes 2 members: NAME-ann, NAME-ben.",
        (TEAM, ("team_members", {"team_id": "NAME", "members": [{"user_id": "NAME-ann"}, {"user_id": "NAME-ben"}]})),
    ),
    "a user's place in a team": Case(
        *absent("user", user_id="NAME-ann"),
        "LiteLLM removes the user from these teams: NAME.",
        (TEAM, ("team_members", {"team_id": "NAME", "members": [{"user_id": "NAME-ann"}]})),
    ),
    "the access group of a team and a key": Case(
        *absent("access_group", access_group_name="NAME"),
        "This takes the models of the access group from 1 team (NAME), 1 key (",
        (
            TEAM,
            ("key", {"key_alias": "NAME"}),
            (
                "access_group",
                {
                    "access_group_name": "NAME",
                    "access_model_names": ["gpt-4"],
                    "assigned_team_ids": ["NAME"],
                    "assigned_key_ids": ["KEY NAME"],
                },
            ),
        ),
        since="1.90.0",
    ),
    "all models of a team's access group": Case(
        "access_group",
        {"access_group_name": "NAME", "access_model_names": []},
        "This takes the models of the access group from 1 team (NAME).",
        (
            TEAM,
            (
                "access_group",
                {"access_group_name": "NAME", "access_model_names": ["gpt-4"], "assigned_team_ids": ["NAME"]},
            ),
        ),
        since="1.90.0",
    ),
    "the tag of a model": Case(
        *absent("tag", name="NAME"),
        "These bear the tag: 1 model (NAME).",
        (
            ("tag", {"name": "NAME", "max_budget": 1}),
            ("model", {**SERVED[1], "litellm_params": {**MODEL, "tags": ["NAME"]}}),
        ),
    ),
    "the block of a customer": Case(
        *absent("customer", user_id="NAME"),
        "The customer is blocked, and could send requests again.",
        (("customer", {"user_id": "NAME", "blocked": True}),),
    ),
    "an MCP server": Case(
        *absent("mcp_server", server_id="NAME"),
        "It is used by 1 key (NAME), 1 team (NAME), 1 user (NAME), 1 customer (NAME), 1 access group (NAME), "
        "1 MCP toolset (NAME).",
        (
            REACHED,
            ("key", {"key_alias": "NAME", "object_permission": {"mcp_servers": ["NAME"]}}),
            ("team", {"team_id": "NAME", "object_permission": {"mcp_tool_permissions": {"NAME": ["read"]}}}),
            ("team", {"team_id": "NAME-2", "object_permission": {"models": ["gpt-4"]}}),
            ("user", {"user_id": "NAME", "object_permission": {"mcp_access_groups": ["NAME-group"]}}),
            ("access_group", {"access_group_name": "NAME", "access_mcp_server_ids": ["NAME"]}),
            ("mcp_toolset", {"toolset_name": "NAME", "tools": [{"server_id": "NAME", "tool_name": "read"}]}),
        ),
        (("POST", "/customer/new", {"user_id": "NAME", "object_permission": {"mcp_servers": ["NAME"]}}),),
        since="1.106.0",
    ),
    "an MCP toolset": Case(
        *absent("mcp_toolset", toolset_name="NAME"),
        "It is used by 1 key (NAME), 1 user (NAME).",
        (
            ("mcp_toolset", {"toolset_name": "NAME"}),
            ("key", {"key_alias": "NAME", "object_permission": {"mcp_toolsets": ["NAME"]}}),
            ("user", {"user_id": "NAME", "object_permission": {"mcp_toolsets": ["NAME"]}}),
        ),
        since="1.106.0",
    ),
    "a vector store": Case(
        *absent("vector_store", vector_store_id="NAME"),
        "It is used by 1 key (NAME), 1 team (NAME), 1 user (NAME), 1 model (NAME).",
        (
            ("vector_store", {"vector_store_id": "NAME", "custom_llm_provider": "openai"}),
            ("key", {"key_alias": "NAME", "object_permission": {"vector_stores": ["NAME"]}}),
            ("team", {"team_id": "NAME", "object_permission": {"vector_stores": ["NAME"]}}),
            ("user", {"user_id": "NAME", "object_permission": {"vector_stores": ["NAME"]}}),
            ("model", {**SERVED[1], "litellm_params": {**MODEL, "vector_store_ids": ["NAME"]}}),
        ),
        since="1.106.0",
    ),
    "the only deployment of a model": Case(
        *absent("model", model_id="NAME"),
        "No other deployment serves NAME, which is named by 1 key (NAME), 1 team (NAME), 1 user (NAME).",
        (
            SERVED,
            ("key", {"key_alias": "NAME", "models": ["NAME"]}),
            ("team", {**TEAM[1], "models": ["NAME", "gpt-4"]}),
            ("user", {"user_id": "NAME", "models": ["NAME"]}),
        ),
    ),
    "the name of a model": Case(
        "model",
        {"model_id": "NAME", "model_name": "NAME-2"},
        "No other deployment serves NAME, which is named by 1 key (NAME).",
        (SERVED, ("key", {"key_alias": "NAME", "models": ["NAME"]})),
    ),
}


@pytest.fixture
def declare(sandbox, run_module, name) -> Callable[..., Any]:
    """Runs a module with the test's name in its options."""

    def fill(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {fill(part_name): fill(part) for part_name, part in value.items()}
        if isinstance(value, (list, tuple)):
            return [fill(part) for part in value]
        if not isinstance(value, str):
            return value
        if value.startswith("KEY "):
            return sandbox.keys(fill(value[4:]))[fill(value[4:])]["token"]
        return value.replace("NAME", name)

    def run(module: str, options: Mapping[str, Any], **more: Any) -> Any:
        if module == "SQL":
            return sandbox.execute(fill(options), *fill(more["values"]))
        return run_module(f"litellm_{module}", **fill(options), **more)

    run.fill = fill
    return run


def stored(sandbox, name: str) -> dict[str, Any]:
    """All that the test has made, without what changes by itself."""
    tables = (*LEFT, ("LiteLLM_ProxyModelTable", "model_id"), ("LiteLLM_CredentialsTable", "credential_name"))
    known = {row["table_name"] for row in sandbox.rows("SELECT table_name FROM information_schema.tables")}
    return {
        table: sandbox.rows(f'SELECT * FROM "{table}" WHERE starts_with({column}, %s) ORDER BY {column}', name)
        for table, column in tables
        if table in known
    }


@pytest.mark.parametrize("what", CASES)
def test_it_is_taken_away_only_with_force(sandbox, declare, name, what: str) -> None:
    case = CASES[what]
    if "model_name" in case.options and sandbox.litellm_version.startswith("1.98."):
        pytest.skip("LiteLLM 1.98 serves a model by its old name until it restarts")
    if too_old(sandbox, case.since):
        pytest.skip(f"needs LiteLLM {case.since}")
    for module, options in case.made:
        done = declare(module, options)
        assert not done.failed, done.values
    for method, path, body in case.sent:
        if method == "SQL":
            declare("SQL", path, values=body)
        else:
            sandbox.call(method, declare.fill(path), declare.fill(body)).raise_for_status()
    before, lost = stored(sandbox, name), declare.fill(case.lost)
    with sandbox.writes() as writes:
        planned, refused = (declare(case.module, case.options, check=check) for check in (True, False))
    assert refused.failed, refused.values
    assert lost in refused.msg
    assert refused.msg.endswith("set force: true.")
    assert (lost in str(planned.warnings), planned.changed) == (True, True)
    assert (writes, stored(sandbox, name)) == ([], before)
    planned, done = (declare(case.module, case.options, check=check, force=True) for check in (True, False))
    assert lost in str(planned.warnings)
    assert (lost in str(done.warnings), done.changed, done.failed) == (True, True, False), done.values
    assert not declare(case.module, case.options, force=True).changed
