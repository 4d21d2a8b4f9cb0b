# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects of which older LiteLLM versions lose or reset parts: they are not created there, and can be deleted."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._fallback import FALLBACK
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._guardrail import GUARDRAIL
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._mcp_server._table import MCP_SERVER
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._mcp_toolset import MCP_TOOLSET
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._pass_through import PASS_THROUGH
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._policy._table import POLICY
from ansible_collections.litemaas.virtual_keys.tests.integration.laws import refused, too_old

URL = "http://127.0.0.1:9/"
OBJECTS = {
    "litellm_fallback": (FALLBACK, {"fallback_models": ["gpt-4o-mini"]}),
    "litellm_guardrail": (GUARDRAIL, {"litellm_params": {"guardrail": "presidio", "mode": "pre_call"}}),
    "litellm_mcp_server": (MCP_SERVER, {"transport": "http", "url": URL}),
    "litellm_mcp_toolset": (MCP_TOOLSET, {"tools": []}),
    "litellm_pass_through": (PASS_THROUGH, {"path": "/old-versions", "target": URL}),
    "litellm_policy": (POLICY, {"description": "x"}),
}


@pytest.mark.parametrize("module", OBJECTS)
def test_it_is_not_created(sandbox, run_module, module: str) -> None:
    table, options = OBJECTS[module]
    if not too_old(sandbox, table.since):
        pytest.skip(f"LiteLLM {sandbox.litellm_version} keeps all of it")

    def run(**given: Any) -> Any:
        return run_module(module, **{table.identity: "gpt-4", **given})

    refused(run, sandbox, f"This module requires LiteLLM {table.since} or newer", **options)
    assert run(state="absent").changed is False
