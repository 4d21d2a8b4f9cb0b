# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which text becomes a number."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._crud._numbers import (
    IN_INFO,
    IN_PARAMS,
    IN_ROUTER_SETTINGS,
    ONLY_NUMBERS,
    check_numbers,
    numbers,
)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("3", 3),
        ("-1", -1),
        ("1.50", 1.5),
        ("1e-7", 1e-7),
        (" 4 ", 4),
        ("1_000", "1_000"),
        ("٣", "٣"),
        ("nan", "nan"),
        ("1e999", "1e999"),
        ("1,5", "1,5"),
        ("", ""),
        ("os.environ/RPM", "os.environ/RPM"),
        (3, 3),
        (True, True),
        (None, None),
    ],
)
def test_text_that_is_a_number_becomes_one(text: Any, number: Any) -> None:
    (parsed,) = numbers()({"entry": text}).values()
    assert (parsed, type(parsed)) == (number, type(number))


@pytest.mark.parametrize(
    ("names", "given", "meant"),
    [
        (
            IN_PARAMS,
            {"weight": "3", "rpm": "5", "input_cost_per_token": "1e-7", "max_retries": "2", "timeout": "1.5"},
            {"weight": 3, "rpm": 5, "input_cost_per_token": 1e-7, "max_retries": 2, "timeout": 1.5},
        ),
        (
            IN_PARAMS,
            {"api_key": "12345", "api_version": "2024", "model": "4", "tags": ["1"], "vertex_project": "7"},
            {"api_key": "12345", "api_version": "2024", "model": "4", "tags": ["1"], "vertex_project": "7"},
        ),
        (
            IN_PARAMS,
            {"tiered_pricing": [{"range": ["0", "9"], "input_cost_per_token": "0.5"}]},
            {"tiered_pricing": [{"range": ["0", "9"], "input_cost_per_token": 0.5}]},
        ),
        *(
            (names, {entry: "0017"}, {entry: meant})
            for names in (IN_PARAMS, IN_INFO)
            for entry, meant in (
                ("cost_center", "0017"),
                ("team_cost_code", "0017"),
                ("cost_per_second", 17),
                ("cache_creation_input_token_cost", 17),
                ("cache_read_input_token_cost_above_200k_tokens_priority", 17),
                ("cache_creation_input_token_cost_above_12hr_batches", 17),
                ("input_cost_per_token_flex", 17),
                ("cache_read_input_token_cost_flex", 17),
            )
        ),
        (
            IN_INFO,
            {"max_tokens": "8192", "team_id": "3", "tier": "1"},
            {"max_tokens": 8192, "team_id": "3", "tier": "1"},
        ),
        (
            IN_ROUTER_SETTINGS,
            {"num_retries": "2", "retry_policy": {"TimeoutErrorRetries": "3"}, "routing_strategy": "1"},
            {"num_retries": 2, "retry_policy": {"TimeoutErrorRetries": 3}, "routing_strategy": "1"},
        ),
    ],
)
def test_only_where_litellm_expects_a_number(names: str, given: dict[str, Any], meant: dict[str, Any]) -> None:
    assert numbers(names)(given) == meant


@pytest.mark.parametrize(
    ("params", "wrong"),
    [
        ({"max_parallel_requests": "two", "rpm": 3, "model": "m"}, "max_parallel_requests"),
        ({"input_cost_per_token": "free", "output_cost_per_token": 0, "tpm": "1k"}, "input_cost_per_token, tpm"),
        ({"rpm": "os.environ/RPM", "timeout": "30s", "tpm": "", "max_budget": None, "my_cost": "none"}, None),
    ],
)
def test_text_that_litellm_does_not_take_for_a_number(params: dict[str, Any], wrong: str | None) -> None:
    assert check_numbers(ONLY_NUMBERS)(params) == (wrong and f"needs a number for {wrong}.")
