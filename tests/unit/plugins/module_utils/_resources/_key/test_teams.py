# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which models a team certainly does not have: nothing is refused that LiteLLM might take."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._engine import Plan
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._key._teams import lacking_models
from ansible_collections.litemaas.virtual_keys.tests.unit.answers import key_row

SINGLE = {"gpt-4", "gpt-4o", "claude"}


def plan(had: list[str], declared: list[str] | None) -> Plan:
    changes = {"team_id": "t", **({} if declared is None else {"models": declared})}
    return Plan("update", "a", current=key_row(key_alias="a", models=had), changes=changes)


@pytest.mark.parametrize(
    ("had", "declared", "team", "lacking"),
    [
        (["gpt-4"], None, {"models": ["gpt-4o"]}, ["gpt-4"]),
        (["gpt-4"], ["gpt-4o"], {"models": ["gpt-4o"]}, []),
        (["gpt-4"], ["gpt-4o", "claude"], {"models": ["gpt-4o"]}, ["claude"]),
        (["gpt-4"], [], {"models": ["gpt-4o"]}, []),
        (["gpt-4"], ["all-team-models"], {"models": ["gpt-4o"]}, []),
        # Only LiteLLM knows what these stand for.
        (["gpt-4"], None, {"models": ["openai/*"]}, []),
        (["gpt-4"], None, {"models": ["gpt-4o", "beta-group"]}, []),
        (["gpt-4"], None, {"models": ["all-proxy-models"]}, []),
        (["gpt-4"], None, {"models": []}, []),
        (["gpt-4"], None, {"models": ["gpt-4o"], "access_group_ids": ["g"]}, []),
        (["gpt-4"], None, {"models": ["gpt-4o"], "litellm_model_table": {"model_aliases": {"gpt-4": "gpt-4o"}}}, []),
        (["beta-group"], None, {"models": ["gpt-4o"]}, []),
    ],
)
def test_lacking_models(had: list[str], declared: list[str] | None, team: dict[str, Any], lacking: list[str]) -> None:
    assert lacking_models(plan(had, declared), team, SINGLE) == lacking
