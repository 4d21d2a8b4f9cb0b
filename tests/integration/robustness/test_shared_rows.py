# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plays that write into one row of the database at once, of which LiteLLM itself would keep one or a few."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.quiet, pytest.mark.long]

PLAYS = 8
TARGET = "http://127.0.0.1:9/"


@pytest.fixture
def plays_at_once(play, tmp_path: Path) -> Callable[..., list[int]]:
    """Starts a play for each of these tasks, all at the same moment, and holds that each ends well.

    Returns how many changes each made.
    """

    def run(module: str, *tasks: dict[str, Any], **common: Any) -> list[int]:
        def one(number: int) -> int:
            task = {f"litemaas.virtual_keys.{module}": {**tasks[number], **common}}
            file = tmp_path / f"{number}.yml"
            file.write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": [task]}]))
            done = play(str(file))
            assert done.rc == 0, done.messages
            return done.changed

        with ThreadPoolExecutor(len(tasks)) as pool:
            return list(pool.map(one, range(len(tasks))))

    return run


@pytest.fixture
def models(sandbox, alias: str) -> Iterator[list[str]]:
    """Models of this test, removed at the end."""
    names = [f"{alias}-{number}" for number in range(PLAYS)]
    params = {"model": "openai/gpt-4o", "mock_response": "Hello"}
    made = [sandbox.call("POST", "/model/new", {"model_name": name, "litellm_params": params}) for name in names]
    yield names
    for answer in made:
        sandbox.call("POST", "/model/delete", {"id": answer.json()["model_id"]}).raise_for_status()


def general(sandbox) -> dict[str, Any]:
    rows = sandbox.rows("SELECT param_value FROM \"LiteLLM_Config\" WHERE param_name = 'general_settings'")
    return dict(rows[0]["param_value"]) if rows else {}


def fallbacks(sandbox, alias: str) -> dict[str, list[str]]:
    (row,) = sandbox.rows("SELECT param_value FROM \"LiteLLM_Config\" WHERE param_name = 'router_settings'")
    entries = row["param_value"].get("fallbacks") or []
    return {model: to for entry in entries for model, to in entry.items() if model.startswith(alias)}


@pytest.mark.since("1.106.2")
def test_fallbacks_that_plays_declare_at_once_are_all_stored(sandbox, plays_at_once, models, alias) -> None:
    tasks = [{"model": name} for name in models]
    assert plays_at_once("litellm_fallback", *tasks, fallback_models=["gpt-4"]) == [1] * PLAYS
    assert fallbacks(sandbox, alias) == {name: ["gpt-4"] for name in models}
    assert plays_at_once("litellm_fallback", *tasks, state="absent") == [1] * PLAYS
    assert fallbacks(sandbox, alias) == {}


def endpoints(sandbox, alias: str) -> list[str]:
    return sorted(one["id"] for one in general(sandbox)["pass_through_endpoints"] if one["id"].startswith(alias))


@pytest.mark.since("1.106.2")
def test_endpoints_that_plays_declare_at_once_are_all_stored_once(sandbox, plays_at_once, alias) -> None:
    names = [f"{alias}-{number}" for number in range(PLAYS)]
    tasks = [{"endpoint_id": name} for name in names]
    paths = [{"endpoint_id": name, "path": f"/{name}"} for name in names]
    assert plays_at_once("litellm_pass_through", *paths, target=TARGET) == [1] * PLAYS
    assert endpoints(sandbox, alias) == names
    assert plays_at_once("litellm_pass_through", *tasks, state="absent") == [1] * PLAYS
    assert endpoints(sandbox, alias) == []


@pytest.mark.since("1.106.2")
def test_plays_that_declare_the_same_endpoint_at_once_end_with_one(sandbox, plays_at_once, alias, run_module) -> None:
    same = {"endpoint_id": alias, "path": f"/{alias}", "target": TARGET}
    try:
        changes = plays_at_once("litellm_pass_through", *[same] * 4)
        assert 1 in changes and set(changes) <= {0, 1}  # who comes late finds it there
        assert endpoints(sandbox, alias) == [alias]
    finally:
        assert not run_module("litellm_pass_through", endpoint_id=alias, state="absent").failed
