# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The variables of a workshop: what the user calls the options of the modules that it runs."""

from __future__ import annotations

import os
from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._text import render
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._calls import environment
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._variables import Source, Variables
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._workshop._variables import VARIABLES, option_names


def told(text: str, **given: Any) -> str:
    variables = Variables(VARIABLES, environment(os.environ, VARIABLES), Source(given, "v_"))
    return render(text, option_names(variables))


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("Cannot connect. Check O(api_url), and that", "Cannot connect. Check LITELLM_API_URL, and that"),
        ("O(api_key) is empty", "v_master_key is empty"),
        ("O(validate_certs) is false", "v_verify_ssl is false"),
        ("increase O(timeout)", "increase v_api_timeout"),
        ("O(retries) must not be negative.", "v_retry_count must not be negative."),
        ("Invalid O(key_alias)", "Invalid v_alias"),
        ("O(progress_every) must be at least 1.", "v_batch_size must be at least 1."),
        ("O(key_version): 2 with O(value_policy): reissue", "v_key_version: 2 with v_value_policy: reissue"),
        ("w-ann: O(models): the proxy has no", "w-ann: v_models: the proxy has no"),
        ("with O(unset): [expires_at]", "with unset: [expires_at]"),
        ("models, timeout, and api_url of LiteLLM", "models, timeout, and api_url of LiteLLM"),
        ("O(values_file): /x is damaged", "v_output_dir: /x is damaged"),
        ("O(values_file_vault_id): no", "v_values_file_vault_id: no"),
        ("O(virtual_keys), O(router_settings.ttl)", "virtual_keys, router_settings.ttl"),
    ],
)
def test_a_message_names_what_the_user_has_set(monkeypatch: pytest.MonkeyPatch, message: str, expected: str) -> None:
    monkeypatch.setenv("LITELLM_API_URL", "https://litellm.example.com")
    assert told(message) == expected


def test_an_option_of_a_key_is_called_as_it_was_given() -> None:
    message = "O(soft_budget) and O(max_budget)"
    assert told(message) == "soft_budget and v_max_budget"  # of one person
    assert told(message, soft_budget="1") == "v_soft_budget and v_max_budget"
    together = {"soft_budget": 1, "max_budget": 2}
    assert told(message, key_options=together) == "v_key_options.soft_budget and v_key_options.max_budget"
    assert told(message, key_options=together, max_budget=2) == "v_key_options.soft_budget and v_max_budget"
    assert told("O(values_file): /x", values_file="/x") == "v_values_file: /x"
