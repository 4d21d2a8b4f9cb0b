# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two values for each field of a key, with which the unit tests and the laws on a real LiteLLM try it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from ansible_collections.litemaas.virtual_keys.tests.integration.laws import two

SOON = (datetime.now(UTC) + timedelta(days=3)).replace(microsecond=0)


RAISE = {"temp_budget_increase": 5.0, "temp_budget_expiry": SOON.isoformat()}
ROTATION = {"auto_rotate": True, "rotation_interval": "30d"}
TEAM = {"team_id": "team 1"}
PERMISSIONS = {"vector_stores": ["store-1", "store-2"], "agents": ["a1"]}
ROUTING = {"num_retries": 2, "timeout": 30}
# Texts such as "team 1" stand for the id of a row that the fixture ``world`` makes.
EXAMPLES = {
    "models": two(["gpt-4"], ["gpt-4o-mini", "claude-3-5-sonnet"]),
    "max_budget": two(10.5, 20),
    "soft_budget": two(5, 7.5, moves={"budget_id", "litellm_budget_table"}),
    "budget_duration": two("30d", "7d", moves={"budget_reset_at"}),
    "budget_id": two("budget 1", "budget 2", moves={"litellm_budget_table"}),
    "budget_limits": two(
        [{"max_budget": 1, "budget_duration": "1d"}, {"max_budget": 20.5, "budget_duration": "30d"}],
        [{"max_budget": 2, "budget_duration": "1d"}],
    ),
    "temp_budget_increase": two(5.0, 6.5, beside=RAISE, change=RAISE, unset=("temp_budget_expiry",)),
    "temp_budget_expiry": two(
        SOON.isoformat(),
        (SOON + timedelta(days=1)).isoformat(),
        beside=RAISE,
        change=RAISE,
        unset=("temp_budget_increase",),
        empty=False,
    ),
    "reset_spend": two("june", "july", moves={"spend", "budget_limits"}, requests=2, clears=1),
    "group": two("python-course", "go-course", refused="belongs to the group"),
    "user_id": two("user 1", "user 2"),
    "team_id": two("team 1", "team 2"),
    "organization_id": two("organization 1", "organization 2"),
    "project_id": two("project 1", "project 2"),
    "agent_id": two("an agent", "another agent"),
    "service_account_id": two("robot", "android", beside=TEAM, change=TEAM),
    # LiteLLM keeps a key type as its routes.
    "allowed_routes": two(["/chat/completions", "/v1/models"], ["llm_api_routes"], moves={"key_type"}),
    "allowed_passthrough_routes": two(["/mine"], ["/other", "/mine"]),
    "key_type": two("llm_api", "management", moves={"allowed_routes"}),
    "max_parallel_requests": two(5, 0),
    "tpm_limit": two(1000, 2**40),
    "rpm_limit": two(60, 0),
    "tpd_limit": two(1000, 2**40),
    "tpm_limit_type": two("best_effort_throughput", "dynamic"),
    "rpm_limit_type": two("dynamic", "best_effort_throughput"),
    "model_tpm_limit": two({"gpt-4": 1000}, {"gpt-4": 1000, "gpt-4o-mini": 0}),
    "model_rpm_limit": two({"gpt-4": 60}, {"gpt-4o-mini": 10}),
    "model_max_budget": two(
        {"gpt-4": {"max_budget": 5, "budget_duration": "1d"}}, {"gpt-4": {"max_budget": 6, "budget_duration": "1d"}}
    ),
    # Empty metadata declares no entry, which takes none away.
    "metadata": two({"owner": {"name": "Ünal", "rooms": [1, None]}}, {"owner": {"cost": 4.5}}, empty=False),
    "tags": two(["a", "b"], ["b"]),
    "aliases": two({"mine": "gpt-4"}, {"mine": "gpt-4o-mini", "theirs": "gpt-4"}),
    "config": two({"a": 1}, {"a": {"b": 2}}),
    "permissions": two({"allow_pii_controls": True}, {"allow_pii_controls": False}),
    "guardrails": two(["no-pii"], ["no-pii", "no-code"]),
    "policies": two(["strict"], ["lenient"]),
    "prompts": two(["greeting"], ["farewell"]),
    "enforced_params": two(["user"], ["user", "metadata.generation_name"]),
    "allowed_cache_controls": two(["no-cache"], ["no-store", "no-cache"]),
    # Of these two, entries that are not declared stay.
    "object_permission": two(
        PERMISSIONS,
        {"vector_stores": ["store-2"]},
        shown=(PERMISSIONS, {**PERMISSIONS, "vector_stores": ["store-2"]}),
    ),
    "router_settings": two(ROUTING, {"num_retries": 3}, shown=(ROUTING, {**ROUTING, "num_retries": 3})),
    "access_group_ids": two(["group-1"], ["group-2", "group-1"]),
    "auto_rotate": two(True, False, beside=ROTATION, unset=("rotation_interval",), moves={"key_rotation_at"}),
    "rotation_interval": two(
        "30d", "7d", beside=ROTATION, change=ROTATION, unset=("auto_rotate",), moves={"key_rotation_at"}
    ),
    "blocked": two(True, False),
    "expires_at": two(SOON.isoformat(), (SOON + timedelta(days=9)).isoformat(), moves={"expires"}),
}
# The alias says which key is meant. It has no other value: that would be another key, as would a reissue. A version is
# noted only where it follows by itself.
WITHOUT_EXAMPLE = {"key_alias", "reissue", "key_version"}
