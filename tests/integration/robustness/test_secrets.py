# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets of every kind reach the real LiteLLM, and stand in nothing that Ansible prints at -vvvv and with --diff."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.vault import VaultLib, VaultSecret
from ansible_collections.litemaas.virtual_keys.tests.integration.laws import too_old
from ansible_collections.litemaas.virtual_keys.tests.tooling.kinds_of_secrets import KINDS, MARK, NAMES, secret

EXAMPLES = Path(__file__).resolve().parents[3] / "playbooks" / "examples"
COLLECTION = "litemaas.virtual_keys"
VAULTED = f"{MARK}vaulted-b7XqZ"
PASSWORD = "the password of the vault"
PARAMS = {"model": "openai/gpt-4o", "mock_response": "Hello"}
SEARCH = {"search_provider": "tavily"}
API = {"guardrail": "generic_guardrail_api", "mode": "pre_call", "api_base": "http://127.0.0.1:9"}
ROUTER = {"redis_password": secret(90), "redis_url": f"redis://:{secret(91)}@host:6379/0", "num_retries": 3}
MCP_SECRETS, NEW_MCP_SECRETS = (
    {
        "credentials": {"auth_value": secret(first), "client_id": secret(first + 1)},
        "static_headers": {"X-Anything": secret(first + 2)},
        "env": {"ANYTHING": secret(first + 3)},
        "env_vars": [{"name": "ANYTHING", "value": secret(first + 4)}],
    }
    for first in (70, 80)
)
# How a task is to end.
MADE, FAILED = "made", "failed"


def tasks(name: str) -> list[tuple[str, str, dict[str, Any]]]:
    """Tasks, by how they end."""
    pairs = ", ".join(f"{one}={KINDS[one]}" for one in NAMES)
    model = {"model_id": f"{name}-m", "model_name": f"{name}-m"}
    tool = {"search_tool_name": f"{name}-s", "search_tool_info": KINDS}
    store = {"vector_store_id": f"{name}-v", "custom_llm_provider": "openai", "vector_store_metadata": KINDS}
    endpoint = {
        "endpoint_id": f"{name}-p",
        "path": f"/{name}",
        "target": f"https://ann:{secret(93)}@127.0.0.1:9/",
        "headers": {one: KINDS[one] for one in NAMES},
    }
    guardrail = {"guardrail_name": f"{name}-g"}
    return [
        (MADE, "litellm_model", {**model, "litellm_params": {**PARAMS, **KINDS}, "model_info": KINDS}),
        (MADE, "litellm_model", {**model, "litellm_params": json.dumps({**PARAMS, **KINDS, "rpm": 5})}),
        (MADE, "litellm_model", {**model, "litellm_params": {"api_key": "{{ vaulted }}"}}),
        (MADE, "litellm_model_info", {"model_name": f"{name}-m"}),
        (FAILED, "litellm_model", {**model, "litellm_params": {**PARAMS, **KINDS, "api_base": ""}}),
        (FAILED, "litellm_model", {**model, "litellm_parms": {**PARAMS, **KINDS}}),
        (FAILED, "litellm_model", {**model, "litellm_params": {**KINDS, "litellm_credential_name": f"{name}-none"}}),
        (MADE, "litellm_guardrail", {**guardrail, "litellm_params": {**API, **KINDS}, "guardrail_info": KINDS}),
        (MADE, "litellm_guardrail", {**guardrail, "litellm_params": json.dumps({**API, **KINDS, "timeout": 5})}),
        (MADE, "litellm_guardrail", {**guardrail, "litellm_params": {"api_key": "{{ vaulted }}"}}),
        (MADE, "litellm_guardrail_info", {"guardrail_name": f"{name}-g"}),
        (FAILED, "litellm_guardrail", {**guardrail, "litellm_params": {**API, **KINDS, "api_base": ""}}),
        (FAILED, "litellm_guardrail", {**guardrail, "litellm_parms": {**API, **KINDS}}),
        (MADE, "litellm_credential", {"name": f"{name}-c", "credential_values": KINDS, "credential_info": KINDS}),
        (MADE, "litellm_credential", {"name": f"{name}-d", "credential_values": json.dumps(KINDS)}),
        (MADE, "litellm_credential", {"name": f"{name}-d", "credential_values": pairs, "update_values": "always"}),
        (MADE, "litellm_credential", {"name": f"{name}-c", "credential_values": {"api_key": "{{ vaulted }}"}}),
        (MADE, "litellm_credential", {"name": f"{name}-defaults"}),
        (MADE, "litellm_credential_info", {}),
        (FAILED, "litellm_credential", {"name": f"{name}-c", "credential_values": {**KINDS, "empty": ""}}),
        (FAILED, "litellm_credential", {"name": f"{name}-c", "api_url": f"https://ann:{secret(92)}@127.0.0.1:9"}),
        (MADE, "litellm_team", {"team_id": f"{name}-t", "metadata": KINDS, "router_settings": ROUTER}),
        (MADE, "litellm_team", {"team_id": f"{name}-t", "metadata": {"token": "{{ vaulted }}"}, "tpm_limit": 5}),
        (MADE, "litellm_team_info", {"team_id": f"{name}-t"}),
        (
            FAILED,
            "litellm_team",
            {"team_id": f"{name}-t", "metadata": json.dumps(KINDS), "budget_id": "no option"},
        ),
        (MADE, "litellm_search_tool", {**tool, "litellm_params": {**SEARCH, "api_key": secret(96)}}),
        (MADE, "litellm_search_tool", {**tool, "litellm_params": json.dumps({**SEARCH, "api_key": secret(97)})}),
        (MADE, "litellm_search_tool", {**tool, "litellm_params": {"api_key": "{{ vaulted }}", "timeout": 5}}),
        (MADE, "litellm_search_tool_info", {"search_tool_name": f"{name}-s"}),
        (FAILED, "litellm_search_tool", {**tool, "litellm_params": {**SEARCH, **KINDS}}),
        (FAILED, "litellm_search_tool", {**tool, "litellm_params": {"search_provider": "x", "api_key": secret(98)}}),
        (MADE, "litellm_search_tool", {**tool, "state": "absent"}),
        (MADE, "litellm_vector_store", {**store, "litellm_params": {**KINDS, "x_connection_string": secret(99)}}),
        (
            MADE,
            "litellm_vector_store",
            {**store, "litellm_params": json.dumps({**KINDS, "x_connection_string": secret(100)})},
        ),
        (MADE, "litellm_vector_store", {"vector_store_id": f"{name}-v", "vector_store_name": "n"}),
        (FAILED, "litellm_vector_store", {**store, "litellm_params": {"api_key": "{{ vaulted }}", "region": "x"}}),
        (MADE, "litellm_vector_store_info", {}),
        (FAILED, "litellm_vector_store", {**store, "litellm_params": {**KINDS, "api_base": ""}}),
        (FAILED, "litellm_vector_store", {**store, "litellm_parms": {**KINDS}}),
        (MADE, "litellm_vector_store", {**store, "state": "absent"}),
        (MADE, "litellm_pass_through", {**endpoint, "default_query_params": KINDS}),
        (
            MADE,
            "litellm_pass_through",
            {**endpoint, "headers": {"Authorization": "{{ vaulted }}"}, "request_timeout": 5},
        ),
        (MADE, "litellm_pass_through_info", {}),
        (FAILED, "litellm_pass_through", {**endpoint, "path": "/key/list", "headers": {"X-Key": secret(94)}}),
        (FAILED, "litellm_pass_through", {**endpoint, "headers": {"X-Key": [secret(95)]}}),
        (MADE, "litellm_mcp_server", {**mcp(name), **MCP_SECRETS}),
        (MADE, "litellm_mcp_server", {**mcp(name), **NEW_MCP_SECRETS}),
        (MADE, "litellm_mcp_server", {"server_id": f"{name}-mcp", "credentials": {"auth_value": "{{ vaulted }}"}}),
        (MADE, "litellm_mcp_server_info", {}),
        (FAILED, "litellm_mcp_server", {**mcp(name), "credentials": {"auth_value": secret(89), "other": secret(90)}}),
        (FAILED, "litellm_mcp_server", {**mcp(name), **MCP_SECRETS, "mcp_info": {"protocol_version": "none"}}),
        (MADE, "litellm_user", {"user_id": f"{name}-u", "metadata": str(KINDS)}),
        (MADE, "litellm_user_info", {"user_id": f"{name}-u"}),
        (MADE, "litellm_key", {"key_alias": f"{name}-k", "metadata": KINDS}),
        (FAILED, "litellm_key", {"key_alias": f"{name}-k", "metadata": KINDS, "team_id": f"{name}-none"}),
        (MADE, "litellm_keys", {"virtual_keys": [{"key_alias": f"{name}-k2"}], "defaults": {"metadata": KINDS}}),
        (MADE, "litellm_key_info", {"key_aliases": [f"{name}-k", f"{name}-k2"]}),
    ]


def mcp(name: str) -> dict[str, Any]:
    """An MCP server with a secret in its URL."""
    url = f"http://127.0.0.1:9/mcp?key={secret(79)}"
    return {"server_id": f"{name}-mcp", "transport": "http", "url": url, "auth_type": "bearer_token"}


@pytest.fixture
def name(sandbox, alias):
    yield alias
    sandbox.call("DELETE", f"/v1/mcp/server/{alias}-mcp")
    sandbox.call("POST", "/model/delete", {"id": f"{alias}-m"})
    for row in sandbox.rows(
        'SELECT guardrail_id FROM "LiteLLM_GuardrailsTable" WHERE guardrail_name = %s', f"{alias}-g"
    ):
        sandbox.call("DELETE", f"/guardrails/{row['guardrail_id']}")
    sandbox.call("POST", "/team/delete", {"team_ids": [f"{alias}-t"]})
    sandbox.call("POST", "/user/delete", {"user_ids": [f"{alias}-u"]})
    sandbox.call("DELETE", "/config/pass_through_endpoint", params={"endpoint_id": f"{alias}-p"})
    for ending in ("c", "d", "defaults"):
        sandbox.call("DELETE", f"/credentials/{alias}-{ending}")


@pytest.mark.long
def test_no_example_of_a_workshop_prints_a_secret(play, alias: str, tmp_path: Path) -> None:
    """Those of a platform are in test_platform."""
    callback = {"callback_name": "langfuse", "callback_type": "success", "callback_vars": {"langfuse_host": secret(1)}}
    variables = {
        "litellm_vkey_alias": alias,
        "litellm_vkey_models": ["gpt-4"],
        "litellm_vkey_user_count": 2,
        "litellm_vkey_key_seed": f"{MARK}this is the seed of two keys",
        "litellm_vkey_artifact_password": f"{MARK}password",
        "litellm_vkey_metadata": {**KINDS, "logging": [callback]},
        "litellm_vkey_output_dir": str(tmp_path / alias),
    }
    (tmp_path / "variables.json").write_text(json.dumps(variables))
    wrong = {"litellm_vkey_models": ["no-such-model"], "litellm_vkey_timeout": "much"}
    for example, *more in (
        ("create_workshop_keys", json.dumps(wrong)),
        ("create_workshop_keys",),
        ("create_workshop_keys", "litellm_vkey_max_budget=-1"),
        ("report_usage",),
        ("delete_workshop_keys",),
        ("create_single_key",),
        ("delete_single_key",),
    ):
        further = [part for text in more for part in ("-e", text)]
        playbook = str(EXAMPLES / f"{example}.yml")
        done = play(playbook, "-vvvv", "-e", f"@{tmp_path}/variables.json", *further, secret=(MARK,))
        assert bool(done.rc) is bool(more), done.messages


@pytest.mark.long
@pytest.mark.parametrize("way", ["worker", "process"])
def test_no_secret_is_printed(sandbox, play, name: str, tmp_path: Path, way: str) -> None:
    (tmp_path / "password").write_text(PASSWORD)
    (tmp_path / "password").chmod(0o600)
    vault = VaultLib([("default", VaultSecret(PASSWORD.encode()))])
    encrypted = vault.encrypt(VAULTED).decode()
    steps = [
        {"block": [{f"{COLLECTION}.{module}": options}], "rescue": [{"ansible.builtin.debug": {"msg": "It failed."}}]}
        for _end, module, options in tasks(name)
    ]
    whole = {
        "hosts": "localhost",
        "gather_facts": False,
        "environment": {"NEEDS": "a process"} if way == "process" else {},
        "module_defaults": {f"{COLLECTION}.litellm_credential": {"credential_values": {"api_key": secret(93)}}},
        "tasks": steps,
    }
    (tmp_path / "play.yml").write_text(yaml.safe_dump([whole], sort_keys=False))
    variables = "".join(f"  {line}\n" for line in encrypted.splitlines())
    (tmp_path / "variables.yml").write_text(f"vaulted: !vault |\n{variables}")
    options = ("-vvvv", "-e", f"@{tmp_path}/variables.yml", "--vault-password-file", f"{tmp_path}/password")
    done = play(str(tmp_path / "play.yml"), *options, secret=(MARK,), reveals=True)
    assert done.rc == 0
    if not too_old(sandbox, "1.106.2"):  # older versions refuse some of the objects
        failed = sum(end == FAILED for end, *_task in tasks(name))
        assert done.output.count('"msg": "It failed."') == failed, done.messages
    # All of it got there.
    metadata = sandbox.rows('SELECT metadata FROM "LiteLLM_TeamTable" WHERE team_id = %s', f"{name}-t")[0]["metadata"]
    assert {one: metadata[one] for one in KINDS} == {**KINDS, "token": VAULTED}
    assert sandbox.keys(f"{name}-k2")[f"{name}-k2"]["metadata"]["redis_password"] == KINDS["redis_password"]
