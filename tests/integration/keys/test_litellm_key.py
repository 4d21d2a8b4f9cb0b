# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One key on a real LiteLLM."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._values import version_tuple

SETTINGS = {"models": ["gpt-4"], "max_budget": 5, "duration": "30d", "metadata": {"course": "python"}}
# What the server changes by itself at every write.
OWN_PACE = ("updated_at", "settings_updated_at")


def steady(row: dict[str, Any], *but: str) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in (*OWN_PACE, *but)}


def test_create_and_run_again(sandbox, run_module, alias):
    with sandbox.writes() as written:
        created = run_module("litellm_key", key_alias=alias, **SETTINGS)
    row = sandbox.keys(alias)[alias]
    assert created.changed and created.action == "create"
    assert written == [("POST", "/key/generate", 200)]
    assert created.key.startswith("sk-") and created.key_id == row["token"]
    assert (row["models"], row["max_budget"], row["metadata"]) == (["gpt-4"], 5.0, {"course": "python"})
    left = row["expires"].replace(tzinfo=UTC) - datetime.now(UTC)
    assert timedelta(days=29, hours=23, minutes=59) < left <= timedelta(days=30)

    with sandbox.requests_made() as made:
        again = run_module("litellm_key", key_alias=alias, **SETTINGS)
    assert not again.changed and again.key is None and again.key_id == row["token"]
    # Before 1.98 the listing leaves out which budget a key has, and a POST that only reads tells it. It also does not
    # say whether it finds parts of aliases, such as that of an old key that waits for its new value.
    older = version_tuple(sandbox.litellm_version) < (1, 98)
    asked = Counter(path.split("?")[0] for _method, path, _status in made)
    assert asked <= Counter({"/key/list": 2, "/v2/key/info": 1} if older else {"/key/list": 1})
    assert sandbox.keys(alias)[alias] == row


def test_update_in_place(sandbox, run_module, alias):
    run_module("litellm_key", key_alias=alias, **SETTINGS)
    key = sandbox.keys(alias)[alias]["token"]
    # Somebody else adds an entry of their own, and the key is used.
    others = {"course": "python", "cost_centre": "4711"}
    sandbox.call("POST", "/key/update", {"key": key, "metadata": others, "spend": 1.5}).raise_for_status()
    before = sandbox.keys(alias)[alias]

    with sandbox.writes() as written:
        changed = run_module(
            "litellm_key", key_alias=alias, **{**SETTINGS, "max_budget": 7, "models": ["gpt-4", "gpt-4o-mini"]}
        )
    after = sandbox.keys(alias)[alias]
    assert changed.changed and changed.action == "update"
    assert written == [("POST", "/key/update", 200)]
    assert (after["max_budget"], after["models"]) == (7.0, ["gpt-4", "gpt-4o-mini"])
    assert steady(after, "max_budget", "models") == steady(before, "max_budget", "models")
    assert after["metadata"] == others and after["spend"] == 1.5


def test_absent_and_absent_again(sandbox, run_module, alias):
    run_module("litellm_key", key_alias=alias, **SETTINGS)
    with sandbox.writes() as written:
        removed = run_module("litellm_key", key_alias=alias, state="absent")
    assert removed.changed and removed.action == "delete" and removed.virtual_key is None
    assert written == [("POST", "/key/delete", 200)]
    assert sandbox.keys(alias) == {}
    with sandbox.writes() as written:
        again = run_module("litellm_key", key_alias=alias, state="absent")
    assert not again.changed and written == []


@pytest.mark.parametrize(
    ("before", "declared"),
    [
        pytest.param(None, SETTINGS, id="create"),
        pytest.param(SETTINGS, SETTINGS, id="unchanged"),
        pytest.param(SETTINGS, {**SETTINGS, "max_budget": 7, "blocked": True}, id="update"),
        pytest.param(SETTINGS, {"unset": ["max_budget", "expires_at"], "metadata": {"room": 3}}, id="clear"),
        pytest.param(SETTINGS, {"metadata": {"room": 3}, "metadata_mode": "replace"}, id="replace metadata"),
        pytest.param(SETTINGS, {"state": "absent"}, id="absent"),
        pytest.param(None, {"state": "absent"}, id="absent, not there"),
    ],
)
def test_check_mode_predicts(sandbox, run_module, alias, before, declared):
    if before:
        run_module("litellm_key", key_alias=alias, **before)
    rows = sandbox.keys(alias)
    with sandbox.writes() as written:
        predicted = run_module("litellm_key", check=True, key_alias=alias, **declared)
    assert written == [] and sandbox.keys(alias) == rows

    real = run_module("litellm_key", key_alias=alias, **declared)
    assert (predicted.changed, predicted.action) == (real.changed, real.action)
    now = run_module("litellm_key", check=True, key_alias=alias, **declared)
    assert not now.changed
    if real.virtual_key is None:
        assert predicted.virtual_key is None and sandbox.keys(alias) == {}
        return
    for name, value in predicted.diff["after"].items():
        actual = real.virtual_key[name]
        if name == "expires_at" and value:
            assert abs(datetime.fromisoformat(value) - datetime.fromisoformat(actual)) < timedelta(seconds=60)
        else:
            assert actual == (value or None if name != "blocked" else value), name


def test_metadata_is_merged_or_replaced(sandbox, run_module, alias):
    run_module("litellm_key", key_alias=alias, metadata={"a": 1, "b": {"c": [1, 2]}}, model_rpm_limit={"gpt-4": 5})
    run_module("litellm_key", key_alias=alias, metadata={"d": None})
    backing = {"model_rpm_limit": {"gpt-4": 5}}
    assert sandbox.keys(alias)[alias]["metadata"] == {"a": 1, "b": {"c": [1, 2]}, "d": None, **backing}
    run_module("litellm_key", key_alias=alias, metadata={"e": 5}, metadata_mode="replace")
    assert sandbox.keys(alias)[alias]["metadata"] == {"e": 5, **backing}
    with sandbox.writes() as written:
        run_module("litellm_key", key_alias=alias, unset=["model_rpm_limit"])
    assert len(written) == 1 and sandbox.keys(alias)[alias]["metadata"] == {"e": 5}


def test_expiry_never_slides(sandbox, run_module, alias):
    run_module("litellm_key", key_alias=alias, duration="30d")
    before = sandbox.keys(alias)[alias]["expires"]
    for settings in ({"max_budget": 1}, {"blocked": True}, {"metadata": {"a": 1}}, {"models": ["gpt-4"]}):
        assert run_module("litellm_key", key_alias=alias, duration="60d", **settings).changed
    assert sandbox.keys(alias)[alias]["expires"] == before


def test_declared_end(sandbox, run_module, alias):
    end = datetime.now(UTC).replace(microsecond=0) + timedelta(days=3)
    local = end.astimezone(timezone(timedelta(hours=2))).isoformat()
    run_module("litellm_key", key_alias=alias, expires_at=local)
    stored = sandbox.keys(alias)[alias]["expires"].replace(tzinfo=UTC)
    assert abs(stored - end) < timedelta(seconds=10)
    assert not run_module("litellm_key", key_alias=alias, expires_at=end.isoformat().replace("+00:00", "Z")).changed
    later = end + timedelta(days=1)
    assert run_module("litellm_key", key_alias=alias, expires_at=later.isoformat()).changed
    stored = sandbox.keys(alias)[alias]["expires"].replace(tzinfo=UTC)
    assert abs(stored - later) < timedelta(seconds=10)


def test_key_works_for_its_models_only(sandbox, run_module, alias):
    key = run_module("litellm_key", key_alias=alias, models=["gpt-4"]).key
    question = {"messages": [{"role": "user", "content": "Hello?"}]}
    answer = sandbox.call("POST", "/v1/chat/completions", {"model": "gpt-4", **question}, key=key)
    assert answer.status_code == 200 and answer.json()["choices"][0]["message"]["content"]
    refused = sandbox.call("POST", "/v1/chat/completions", {"model": "gpt-4o-mini", **question}, key=key)
    assert refused.status_code in (401, 403) and "gpt-4o-mini" in refused.text


@pytest.mark.parametrize("name", ["with space", "a/b", "ünïcödé", "per%cent", "under_score", "q?x=1&y#z", "quote'\""])
def test_any_alias(sandbox, run_module, alias, name):
    full = f"{alias}{name}"
    assert run_module("litellm_key", key_alias=full, max_budget=1).changed
    assert list(sandbox.keys(alias)) == [full]
    assert not run_module("litellm_key", key_alias=full, max_budget=1).changed
    assert run_module("litellm_key", key_alias=full, state="absent").changed
    assert sandbox.keys(alias) == {}


def test_absent_takes_only_the_very_alias(sandbox, run_module, alias):
    for name in (alias, f"{alias}-2", alias.upper(), f"{alias} "):
        sandbox.call("POST", "/key/generate", {"key_alias": name}).raise_for_status()
    try:
        run_module("litellm_key", key_alias=alias, state="absent")
        assert sorted(sandbox.keys(alias)) == [f"{alias} ", f"{alias}-2"]
        assert list(sandbox.keys(alias.upper())) == [alias.upper()]
    finally:
        sandbox.call("POST", "/key/delete", {"key_aliases": [alias.upper()]}).raise_for_status()
