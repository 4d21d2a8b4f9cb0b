# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""After the evening no key of the workshop is left, whatever happened during the day."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.module_utils import _module
from ansible_collections.litemaas.virtual_keys.tests.tooling.in_process import Caller, run_here
from ansible_collections.litemaas.virtual_keys.tests.tooling.workshop_runs import (
    FaultyClient,
    Killed,
    Step,
    evening,
    steps,
    tables,
)
from ansible_collections.litemaas.virtual_keys.tests.unit.fake_litellm import FakeLiteLLM
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

BASE = {"api_url": "http://127.0.0.1:4000", "master_key": "sk-unit-master-key-0123456789", "alias": "ws"}
# What is not about keys, as a proxy answers that has no teams.
ANSWERS: dict[str, dict[str, Any]] = {
    "litellm_team_info": {"teams": []},
    "litellm_user_info": {"users": [], "admins": [{"user_id": "default_user_id", "administers": ["the proxy"]}]},
}


def run(proxy: FakeLiteLLM, variables: dict[str, Any], step: Step | None = None) -> dict[str, Any]:
    """Run a workshop on the proxy, with the fault of a step."""
    fault, check = (step.fault, step.check) if step else (None, False)
    caller = Caller(check, []).caller({}, {})

    def call(module: str, /, check_mode: bool | None = None, **options: Any) -> dict[str, Any]:
        return ANSWERS.get(module) or caller(module, check_mode=check_mode, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_module, "Client", lambda *_settings, **_more: FaultyClient(proxy, fault))
        patch.setattr("time.sleep", lambda _seconds: None)
        return run_here({**BASE, "models": ["gpt-4"], **variables}, check_mode=check, call=call)


@settings(max_examples=60, phases=(Phase.generate,))  # to shrink a day takes minutes
@given(day=st.lists(steps(), min_size=1, max_size=6), table=st.none() | tables(), folder=st.sampled_from(("first", "")))
def test_after_the_evening_no_key_is_left(day: list[Step], table: list[dict[str, Any]] | None, folder: str) -> None:
    proxy = FakeLiteLLM()
    others = [proxy.add("ws"), proxy.add("wsx-ann", metadata={"litellm_vkey_group": "wsx"})]
    with tempfile.TemporaryDirectory() as place:
        for step in day:
            try:
                run(proxy, step.given(Path(place)), step)
            except Killed:
                continue
        last = run(proxy, {**evening(table), **({"output_dir": str(Path(place) / folder)} if folder else {})})
    assert not last.get("failed"), last["msg"]
    assert [row["key_alias"] for row in proxy.keys.values()] == [row["key_alias"] for row in others]


def test_runs_leave_something_to_end() -> None:
    """The days of the property are not empty ones."""
    proxy = FakeLiteLLM()
    done = run(proxy, {"users": ["ann", "ben"]})
    assert not done.get("failed"), done["msg"]
    assert proxy.aliases() == ["ws-ann", "ws-ben"]
