# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two values for each field of a key, with which the unit tests and those on a real LiteLLM try it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._key._table import KEY

SOON = (datetime.now(UTC) + timedelta(days=3)).replace(microsecond=0)


@dataclass
class Example:
    """Two values of a field, and what is particular about it.

    :param beside: options that it needs beside it.
    :param unset: what is cleared together with it, itself included.
    :param empty: whether an empty value of its type clears it as well.
    :param moves: columns that the server changes with it.
    :param requests: how many requests a change takes.
    :param refused: what is said of a change, if it may be made and cleared only.
    """

    first: Any
    second: Any
    beside: dict[str, Any] = field(default_factory=dict)
    unset: tuple[str, ...] = ()
    empty: bool = True
    moves: set[str] = field(default_factory=set)
    requests: int = 1
    refused: str = ""

    def can_change(self, name: str) -> bool:
        return KEY.field(name).updatable and not KEY.field(name).once and not self.refused


def example(first: Any, second: Any, **particulars: Any) -> Example:
    return Example(first, second, **particulars)


RAISE = {"temp_budget_increase": 5.0, "temp_budget_expiry": SOON.isoformat()}
# Texts such as "team 1" stand for the id of a row that the fixture ``world`` makes.
EXAMPLES = {
    "models": example(["gpt-4"], ["gpt-4o-mini", "claude-3-5-sonnet"]),
    "max_budget": example(10.5, 20),
    "soft_budget": example(5, 7.5, moves={"budget_id", "litellm_budget_table"}),
    "budget_duration": example("30d", "7d", moves={"budget_reset_at"}),
    "budget_id": example("budget 1", "budget 2"),
    "budget_limits": example(
        [{"max_budget": 1, "budget_duration": "1d"}, {"max_budget": 20.5, "budget_duration": "30d"}],
        [{"max_budget": 2, "budget_duration": "1d"}],
    ),
    "temp_budget_increase": example(5.0, 6.5, beside=RAISE, unset=tuple(RAISE)),
    "temp_budget_expiry": example(
        SOON.isoformat(), (SOON + timedelta(days=1)).isoformat(), beside=RAISE, unset=tuple(RAISE), empty=False
    ),
    "reset_spend": example("june", "july", moves={"spend", "budget_limits"}, requests=2),
    "group": example("python-course", "go-course", refused="belongs to the group"),
    "user_id": example("user 1", "user 2"),
    "team_id": example("team 1", "team 2"),
    "organization_id": example("organization 1", "organization 2"),
    "project_id": example("project 1", "project 2"),
    "agent_id": example("an agent", "another agent"),
    "service_account_id": example("robot", "android", beside={"team_id": "team 1"}),
    # LiteLLM keeps a key type as its routes.
    "allowed_routes": example(["/chat/completions", "/v1/models"], ["llm_api_routes"], moves={"key_type"}),
    "allowed_passthrough_routes": example(["/mine"], ["/other", "/mine"]),
    "key_type": example("llm_api", "management", moves={"allowed_routes"}),
    "max_parallel_requests": example(5, 0),
    "tpm_limit": example(1000, 2**40),
    "rpm_limit": example(60, 0),
    "tpm_limit_type": example("best_effort_throughput", "dynamic"),
    "rpm_limit_type": example("dynamic", "best_effort_throughput"),
    "model_tpm_limit": example({"gpt-4": 1000}, {"gpt-4": 1000, "gpt-4o-mini": 0}),
    "model_rpm_limit": example({"gpt-4": 60}, {"gpt-4o-mini": 10}),
    "model_max_budget": example(
        {"gpt-4": {"budget_limit": 5, "time_period": "1d"}}, {"gpt-4": {"budget_limit": 6, "time_period": "1d"}}
    ),
    "metadata": example(
        {"owner": {"name": "Ünal", "rooms": [1, None]}}, {"cost": 4.5}, beside={"metadata_mode": "replace"}
    ),
    "tags": example(["a", "b"], ["b"]),
    "aliases": example({"mine": "gpt-4"}, {"mine": "gpt-4o-mini", "theirs": "gpt-4"}),
    "config": example({"a": 1}, {"a": {"b": 2}}),
    "permissions": example({"allow_pii_controls": True}, {"allow_pii_controls": False}),
    "guardrails": example(["no-pii"], ["no-pii", "no-code"]),
    "policies": example(["strict"], ["lenient"]),
    "prompts": example(["greeting"], ["farewell"]),
    "enforced_params": example(["user"], ["user", "metadata.generation_name"]),
    "allowed_cache_controls": example(["no-cache"], ["no-store", "no-cache"]),
    "object_permission": example(
        {"vector_stores": ["store-1", "store-2"], "agents": ["a1"]}, {"vector_stores": ["store-2"]}
    ),
    "access_group_ids": example(["group-1"], ["group-2", "group-1"]),
    "router_settings": example({"num_retries": 2, "timeout": 30}, {"num_retries": 3}),
    "auto_rotate": example(
        True,
        False,
        beside={"rotation_interval": "30d"},
        unset=("rotation_interval", "auto_rotate"),
        moves={"key_rotation_at"},
    ),
    "rotation_interval": example(
        "30d", "7d", beside={"auto_rotate": True}, unset=("rotation_interval", "auto_rotate"), moves={"key_rotation_at"}
    ),
    "blocked": example(True, False),
    "expires_at": example(SOON.isoformat(), (SOON + timedelta(days=9)).isoformat(), moves={"expires"}),
}
# The alias says which key is meant. It has no other value: that would be another key, as would a reissue. A version is
# noted only where it follows by itself.
WITHOUT_EXAMPLE = {"key_alias", "reissue", "key_version"}
