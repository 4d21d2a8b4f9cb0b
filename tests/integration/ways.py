# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tasks of every module, for each way in which a task can run. ``@`` stands for the beginning of all names."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

SEED = "a seed for tests only, of 32 characters and more"
# No encoding leaves it as it is.
ODD_SEED = 'tests\' "odd" seed\\with\ttab and\nnewline, of 32 characters'
VALUE = "sk-a-value-that-the-user-chose-himself"
CALLBACK_SECRET = "lf-secret-of-a-logging-callback"
PROVIDER_KEY = 'a provider\'s "key" \\ of tests'
SECRETS = (SEED, ODD_SEED, VALUE, CALLBACK_SECRET, PROVIDER_KEY, *ODD_SEED.splitlines(), repr(ODD_SEED)[1:-1])
CALLBACK = {
    "callback_name": "langfuse",
    "callback_type": "success",
    "callback_vars": {"langfuse_public_key": "pk-1", "langfuse_secret_key": CALLBACK_SECRET},
}
PARAMS = {"model": "openai/gpt-4o", "api_key": PROVIDER_KEY, "mock_response": "Hello"}
GUARD = {
    "guardrail": "generic_guardrail_api",
    "mode": "pre_call",
    "api_base": "http://127.0.0.1:9",
    "api_key": PROVIDER_KEY,
}
LOGGING = {"logging": [CALLBACK]}
LOGGING_AS_TEXT = str(LOGGING).replace("'", '"')

PLATFORM = {
    "credentials": [{"credential_name": "@-credential", "credential_values": {"api_key": PROVIDER_KEY}}],
    "users": [{"user_id": "@-user"}],
    "teams": [{"team_id": "@-team", "members": [{"user_id": "@-user"}]}],
    "keys": [{"key_alias": "@-platform", "team_id": "@-team", "key_seed": ODD_SEED}],
    "return_values": True,
}

Task = tuple[str, dict[str, Any], dict[str, Any]]
# For the ways that differ only in how a process is begun, which is the same for all modules: odd texts and failures.
FEW: list[Task] = []


def task(module: str, args: dict[str, Any], **keywords: Any) -> Task:
    return (module, args, keywords)


def often(chosen: Task) -> Task:
    """A task for FEW as well."""
    FEW.append(chosen)
    return chosen


def one(alias: str = "@-1", **options: Any) -> dict[str, Any]:
    return {"key_alias": alias, **options}


def many(*numbers: int, **options: Any) -> list[dict[str, Any]]:
    return [one(f"@-many-{number}", **options) for number in numbers]


TASKS: list[Task] = [
    # One key
    often(task("litellm_key", one(key_seed=SEED, models=["gpt-4"], max_budget=5))),
    often(task("litellm_key", one(key_seed=SEED, models=["gpt-4"], max_budget=5))),
    task("litellm_key", one(max_budget="7.5", rpm_limit=3), check_mode=True),
    task("litellm_key", one(max_budget="7.5", rpm_limit=3), diff=False),
    task("litellm_key", one(unset=["max_budget"]), diff=True),
    task("litellm_key", one(key_seed=ODD_SEED)),
    task("litellm_key", one(key=VALUE, value_policy="fail")),
    task("litellm_key", one(key_seed=ODD_SEED, value_policy="reissue")),
    task("litellm_key", one(metadata=LOGGING)),
    often(task("litellm_key", one(metadata=LOGGING_AS_TEXT, max_budget="much"))),
    task("litellm_key", one(metadata=LOGGING, max_budgt=5)),
    task("litellm_key", one(expires_at=datetime(2040, 1, 1, tzinfo=UTC))),
    task("litellm_key", one(api_key="sk-not-the-key-of-this-proxy", user_id="u")),
    task("litellm_key", one(api_url="http://127.0.0.1:9", retries=0)),
    task("litellm_key", one(api_key="{{ api_key }}", master_key="{{ api_key }}")),
    task("litellm_key", one("@-2", team_id="no-such-team")),
    task("litellm_key", one("@-2", tags=["licensed"])),
    task("litellm_key", one("@-2", models=["no-such-model"], validate_models=True)),
    task("litellm_key", one("@-2", max_budget=-1)),
    task("litellm_key", one("@-2", value_policy="never")),
    task("litellm_key", one("@-2", key="short", key_seed="short")),
    task("litellm_key", {"max_budget": 1}),
    often(task("litellm_key", one(state="absent"))),
    task("litellm_key", one(state="absent")),
    # A whole platform
    often(task("litellm_platform", PLATFORM)),
    often(task("litellm_platform", PLATFORM)),
    task("litellm_platform", {**PLATFORM, "strict": True, "report_undeclared": ["tags"]}, check_mode=True),
    task("litellm_platform", {**PLATFORM, "keys": [one(key_seed=SEED), one("@-2")]}, check_mode=True),
    often(task("litellm_platform", {**PLATFORM, "users": [{"user_id": "@-user", "max_bugdet": VALUE}]})),
    task("litellm_platform", {**PLATFORM, "models": [{"model_id": "@-model", "litellm_params": str(PARAMS)}]}),
    task("litellm_platform", {**PLATFORM, "teams": [{"team_id": "@-team", "metadata": LOGGING}]}, diff=True),
    often(task("litellm_platform", {**PLATFORM, "state": "absent"})),
    # Many keys
    often(task("litellm_keys", {"virtual_keys": many(1, 2), "defaults": {"key_seed": ODD_SEED, "metadata": LOGGING}})),
    task("litellm_keys", {"virtual_keys": many(1, 2), "defaults": {"key_seed": ODD_SEED}}),
    task("litellm_keys", {"virtual_keys": many(1, 2, 3), "defaults": {"tpm_limit": 1}}, check_mode=True),
    task("litellm_keys", {"virtual_keys": many(1, 1), "defaults": {"metadata": LOGGING_AS_TEXT}}),
    often(task("litellm_keys", {"virtual_keys": many(1, metadata=LOGGING, max_budgt=1)})),
    task("litellm_keys", {"virtual_keys": many(1, key_seed=ODD_SEED), "defaults": {"max_budget": "much"}}),
    task("litellm_keys", {"virtual_keys": many(1), "concurrency": 0}),
    task("litellm_keys", {"virtual_keys": many(1), "progress_every": 0}),
    task("litellm_keys", {"virtual_keys": "no list of mappings"}),
    task("litellm_keys", {}),
    task("litellm_keys", {"virtual_keys": many(4, 5, key_seed=SEED)}, no_log=True),
    # What is there
    often(task("litellm_key_info", {"key_aliases": ["@-many-1", "@-many-9"]})),
    task("litellm_key_info", {"key_aliases": []}),
    task("litellm_key_info", {"status": "nonsense"}),
    task("litellm_key_info", {"key": VALUE, "user_id": "u"}),
    task("litellm_key_info", {"key": VALUE}),
    task("litellm_key_info", {"key_aliases": ["@-many-1"]}, until="done.virtual_keys | length > 1", retries=1, delay=0),
    often(task("litellm_keys", {"virtual_keys": many(1, 2, 4, 5), "state": "absent"})),
    # Credentials
    often(
        task(
            "litellm_credential",
            {"name": "@-c", "credential_values": {"api_key": PROVIDER_KEY, "api_base": "http://x"}},
        )
    ),
    task("litellm_credential", {"name": "@-c", "credential_values": {"api_key": PROVIDER_KEY}}),
    task("litellm_credential", {"name": "@-c", "credential_values": {"api_key": PROVIDER_KEY + "2"}}, check_mode=True),
    task("litellm_credential", {"name": "@-c", "credential_info": {"custom_llm_provider": "openai"}}),
    task("litellm_credential", {"name": "@-c", "credential_values": {"api_key": PROVIDER_KEY}, "vaules": 1}),
    task("litellm_credential", {"name": "@-d"}),
    often(task("litellm_credential_info", {"credential_name": "@-c"})),
    task("litellm_credential_info", {"name": "@-d"}),
    task("litellm_credential_info", {"credential": "@-d"}),
    often(task("litellm_credential", {"name": "@-c", "state": "absent"})),
    task("litellm_credential", {"name": "@-c", "state": "absent"}),
    # Teams
    task("litellm_team", {"team_id": "@-t", "team_alias": "@ team", "models": ["gpt-4"], "max_budget": 10}),
    task("litellm_team", {"team_id": "@-t", "team_alias": "@ team", "models": ["gpt-4"], "max_budget": "10"}),
    task("litellm_team", {"team_alias": "@ team", "tpm_limit": 5}, check_mode=True),
    task("litellm_team", {"team_alias": "@ team", "tpm_limit": 5, "metadata": {"course": "python"}}),
    task("litellm_team", {"team_id": "@-t", "unset": ["tpm_limit", "max_budget"]}),
    task("litellm_team", {"team_id": "@-t", "metadata": {"secret_manager_settings": "x"}}),
    task("litellm_team", {"team_id": "@-t", "max_budget": -1}),
    task("litellm_team", {"team_id": "@-t", "modles": ["gpt-4"]}),
    task("litellm_team", {"max_budget": 1}),
    task("litellm_team_info", {"team_id": "@-t"}),
    task("litellm_team_info", {"team_id": "@-no-such-team"}),
    task("litellm_team_info", {"team": "@-t"}),
    task("litellm_key", one("@-3", team_id="@-t", key_seed=SEED)),
    task("litellm_team", {"team_id": "@-t", "state": "absent"}),
    task("litellm_key", one("@-3", state="absent")),
    task("litellm_team", {"team_id": "@-t", "state": "absent"}),
    task("litellm_team", {"team_id": "@-t", "state": "absent"}),
    # Models
    task("litellm_model", {"model_id": "@-m", "model_name": "@ model", "litellm_params": PARAMS}),
    task("litellm_model", {"model_id": "@-m", "litellm_params": PARAMS}),
    task("litellm_model", {"model_id": "@-m", "litellm_params": str(PARAMS)}),
    task("litellm_model", {"model_id": "@-m", "litellm_params": {"api_key": PROVIDER_KEY + "2"}}, check_mode=True),
    task(
        "litellm_model", {"model_id": "@-m", "litellm_params": {"api_key": PROVIDER_KEY + "2"}, "model_info": {"a": 1}}
    ),
    task("litellm_model", {"model_id": "@-m", "litellm_params": {**PARAMS, "api_base": ""}}),
    task("litellm_model", {"model_id": "@-m", "litellm_parms": PARAMS}),
    task("litellm_model", {"model_id": "@-m", "litellm_params": {**PARAMS, "litellm_credential_name": "@-none"}}),
    task("litellm_model", {"model_id": "@-m", "unset": ["litellm_params.mock_response"]}),
    task("litellm_model", {"model_id": "@-n", "litellm_params": {"api_key": PROVIDER_KEY}}),
    task("litellm_model_info", {"model_id": "@-m"}),
    task("litellm_model_info", {"model_name": "@ model"}),
    task("litellm_model_info", {"id": "@-m"}),
    # Guardrails and policies
    task("litellm_guardrail", {"guardrail_name": "@ g", "litellm_params": GUARD}),
    task("litellm_guardrail", {"guardrail_name": "@ g", "litellm_params": str(GUARD)}),
    task("litellm_guardrail", {"guardrail_name": "@ g", "litellm_params": {"timeout": 3}}, check_mode=True),
    task("litellm_guardrail", {"guardrail_name": "@ g", "litellm_params": {**GUARD, "mode": "never"}}),
    task("litellm_guardrail", {"guardrail_name": "@ g", "litellm_parms": GUARD}),
    task("litellm_guardrail_info", {"guardrail_name": "@ g"}),
    task("litellm_policy", {"policy_name": "@ p", "guardrails_add": ["@ g"], "attachments": [{"models": ["gpt-4"]}]}),
    task("litellm_policy", {"policy_name": "@ p", "guardrails_add": ["@ g"], "attachments": [{"teams": ["@ none"]}]}),
    task("litellm_policy", {"policy_name": "@ p", "attachments": [{}]}),
    task("litellm_policy", {"policy_name": "@ p", "description": "of tests"}),
    task("litellm_policy_info", {"policy_name": "@ p"}),
    task("litellm_guardrail", {"guardrail_name": "@ g", "state": "absent"}),
    task("litellm_policy", {"policy_name": "@ p", "state": "absent"}),
    task("litellm_guardrail", {"guardrail_name": "@ g", "state": "absent"}),
    # Budgets and access groups
    task("litellm_budget", {"budget_id": "@-b", "max_budget": 5, "budget_duration": "30d"}),
    task("litellm_budget", {"budget_id": "@-b", "max_budget": "5", "unset": ["rpm_limit"]}),
    task("litellm_budget", {"budget_id": "@-b", "max_budget": -5}),
    task("litellm_budget", {"budget_id": "@-b", "model_max_budget": {"gpt-4": {"budget_limit": 1}}}),
    task("litellm_budget_info", {"budget_id": "@-b"}),
    task("litellm_access_group", {"access_group_name": "@ g", "access_model_names": ["gpt-4"]}),
    task("litellm_access_group", {"access_group_name": "@ g", "assigned_team_ids": ["@-no-such-team"]}),
    task("litellm_access_group", {"access_group_name": "@ g", "description": "of tests"}, check_mode=True),
    task("litellm_access_group_info", {"access_group_name": "@ g"}),
    task("litellm_access_group", {"access_group_name": "@ g", "state": "absent"}),
    task("litellm_budget", {"budget_id": "@-b", "state": "absent"}),
    task("litellm_model", {"model_id": "@-m", "state": "absent"}),
    task("litellm_model", {"model_id": "@-m", "state": "absent"}),
    # Keywords
    task("litellm_key", one("@-loop-{{ item }}", key_seed=SEED), loop=[1, 2]),
    task("litellm_key", one("@-loop-{{ item }}", state="absent"), loop=[1, 2, 3], changed_when=False),
    task("litellm_key", one("@-2", max_budget=-1), failed_when=False),
    task("litellm_key", one("@-2"), when=False),
]
