# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""After the evening no key of the workshop answers, whatever happened during the day.

The unit test of the same name tries many more days, on a LiteLLM in memory.
"""

from __future__ import annotations

import re
from itertools import count
from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.module_utils import _module
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._client import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tooling.workshop_runs import FaultyClient, Killed, Step, evening, steps, tables

VALUE = re.compile(r"sk-[\w-]{16,}")


@pytest.mark.long
def test_after_the_evening_no_key_answers(sandbox, run_workshop, alias, tmp_path) -> None:
    numbers = count()

    def go(step: Step | None, **variables: Any) -> dict[str, Any]:
        fault = step.fault if step else None
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(_module, "Client", lambda *how, **more: FaultyClient(Client(*how, **more), fault))
            return run_workshop(check=bool(step and step.check), **variables)

    @settings(
        max_examples=10,
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(
        day=st.lists(steps(), min_size=2, max_size=5),
        table=st.none() | tables(),
        cap=st.sampled_from(({}, {"total_budget": 5})),
    )
    def the_day(day: list[Step], table: list[dict[str, Any]] | None, cap: dict[str, Any]) -> None:
        workshop, place = f"{alias}-{next(numbers)}", tmp_path / str(next(numbers))
        seen: set[str] = set()
        for step in day:
            try:
                done = go(step, **{"alias": workshop, **cap, **step.given(place)})
                seen.update(VALUE.findall(str(done)))
            except Killed:
                pass
            for file in place.glob("*/values.yml"):
                seen.update(VALUE.findall(file.read_text()))
        last = go(None, alias=workshop, output_dir=str(place / "first"), **evening(table))
        assert not last.get("failed"), last["msg"]
        assert sandbox.keys(workshop) == {}
        for value in seen:
            assert sandbox.call("GET", "/v1/models", key=value).status_code == 401

    the_day()
    assert next(numbers) >= 10
