# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values that survive: chosen, derived, reissued, recovered."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._key._table import RETIRED_MARK
from ansible_collections.litemaas.virtual_keys.tests.tooling.server import token_of

SEED = "a seed for tests only, of 32 characters and more"
OTHER = "another seed for tests, also 32 characters long"


def works(sandbox, value: str) -> bool:
    return sandbox.call("GET", "/v1/models", key=value).status_code == 200


@pytest.fixture
def values_of_the_server(sandbox):
    """A proxy that forbids values chosen by clients, for as long as the test runs."""
    setting = {"disable_custom_api_keys": True}
    changed = sandbox.call("PATCH", "/update/ui_settings", setting)
    if changed.status_code == 404 or changed.json().get("settings", {}).get("disable_custom_api_keys") is not True:
        pytest.skip(f"LiteLLM {sandbox.litellm_version} cannot be told so while it runs")
    yield
    sandbox.call("PATCH", "/update/ui_settings", {"disable_custom_api_keys": False}).raise_for_status()


def test_chosen_value(sandbox, run_module, alias):
    value = f"sk-{alias}-chosen-0123456789"
    made = run_module("litellm_key", key_alias=alias, key=value)
    assert made.action == "create" and made.key_id == token_of(value) and works(sandbox, value)
    # Ansible stars a secret that was given out of everything that is returned.
    assert value not in made.output
    assert not run_module("litellm_key", key_alias=alias, key=value).changed


def test_derived_value_needs_no_store(sandbox, run_module, alias):
    keys = [{"key_alias": f"{alias}-{number}"} for number in range(8)]
    first = run_module("litellm_keys", virtual_keys=keys, defaults={"key_seed": SEED})
    values = [report["key"] for report in first.virtual_keys]
    assert len(set(values)) == 8 and all(works(sandbox, value) for value in values)
    with sandbox.writes() as written:
        again = run_module("litellm_keys", virtual_keys=keys, defaults={"key_seed": SEED})
    assert [report["key"] for report in again.virtual_keys] == values and not again.changed and written == []


@pytest.mark.parametrize("module", ["litellm_key", "litellm_keys"])
def test_wrong_seed_is_refused_before_writing(sandbox, run_module, alias, module):
    run_module("litellm_key", key_alias=f"{alias}-1", key_seed=SEED)
    rows = sandbox.keys(alias)
    keys = [{"key_alias": f"{alias}-0", "max_budget": 1}, {"key_alias": f"{alias}-1"}]
    with sandbox.writes() as written:
        if module == "litellm_key":
            refused = run_module(module, key_alias=f"{alias}-1", key_seed=OTHER)
        else:
            refused = run_module(module, virtual_keys=keys, defaults={"key_seed": OTHER})
    assert refused.failed and f"{alias}-1" in refused.msg and "value_policy" in refused.msg and "reissue" in refused.msg
    assert written == [] and sandbox.keys(alias) == rows


def test_keep_leaves_an_unknown_value(sandbox, run_module, alias):
    run_module("litellm_key", key_alias=alias, key_seed=SEED)
    kept = run_module("litellm_key", key_alias=alias, key_seed=OTHER, value_policy="keep", max_budget=2)
    assert kept.action == "update" and kept.key is None


def test_reissue_replaces_the_value_and_keeps_the_rest(sandbox, run_module, alias):
    end = (datetime.now(UTC) + timedelta(days=9)).isoformat(timespec="seconds")
    settings = {
        "models": ["gpt-4"], "max_budget": 9, "budget_duration": "30d", "expires_at": end, "user_id": "somebody",
        "metadata": {"a": 1}, "model_rpm_limit": {"gpt-4": 7}, "rpm_limit": 3, "aliases": {"x": "gpt-4"},
    }  # fmt: skip
    old = run_module("litellm_key", key_alias=alias, key_seed=SEED, **settings)
    sandbox.call("POST", "/key/update", {"key": old.key_id, "spend": 2.5}).raise_for_status()
    before = sandbox.keys(alias)[alias]

    new = run_module("litellm_key", key_alias=alias, key_seed=SEED, key_version=2, value_policy="reissue")
    assert new.action == "reissue" and new.key != old.key
    assert works(sandbox, new.key) and not works(sandbox, old.key)
    after = sandbox.keys(alias)
    assert list(after) == [alias]  # nothing retired remains
    kept = ("models", "max_budget", "budget_duration", "user_id", "metadata", "rpm_limit", "aliases", "spend")
    assert after[alias]["metadata"].pop(RETIRED_MARK) == [old.key_id]
    for name in kept:
        assert after[alias][name] == before[name], name
    assert abs(after[alias]["expires"] - before["expires"]) < timedelta(seconds=60)

    with sandbox.writes() as written:
        again = run_module("litellm_key", key_alias=alias, key_seed=SEED, key_version=2, value_policy="reissue")
    assert not again.changed and again.key == new.key and written == []


def test_reissue_predicts_in_check_mode(sandbox, run_module, alias):
    run_module("litellm_key", key_alias=alias, key_seed=SEED)
    rows = sandbox.keys(alias)
    with sandbox.writes() as written:
        predicted = run_module("litellm_key", check=True, key_alias=alias, key_seed=OTHER, value_policy="reissue")
    assert predicted.action == "reissue" and written == [] and sandbox.keys(alias) == rows
    real = run_module("litellm_key", key_alias=alias, key_seed=OTHER, value_policy="reissue")
    assert predicted.diff["after"]["key_id"] == real.key_id == sandbox.keys(alias)[alias]["token"]


@pytest.mark.parametrize("crashed_after", ["rename", "create"])
def test_half_done_reissue_is_mended(sandbox, run_module, alias, crashed_after):
    settings = {"key_seed": SEED, "value_policy": "reissue"}
    old = run_module("litellm_key", key_alias=alias, max_budget=4, **settings)
    retired = f"{alias}.retired-{hashlib.sha256(alias.encode()).hexdigest()[:8]}"
    sandbox.call("POST", "/key/update", {"key": old.key_id, "key_alias": retired, "spend": 1.5}).raise_for_status()
    new_value = run_module("litellm_key", check=True, key_alias=f"{alias}x", key_seed=OTHER).key
    assert new_value is None or new_value.startswith("sk-")
    if crashed_after == "create":
        fresh = run_module("litellm_key", key_alias=f"{alias}-other", key_seed=SEED)  # only for its shape
        sandbox.call("POST", "/key/delete", {"keys": [fresh.key_id]}).raise_for_status()
        sandbox.call("POST", "/key/generate", {"key_alias": alias, "max_budget": 4}).raise_for_status()
    mended = run_module("litellm_key", key_alias=alias, key_version=2, **settings)
    assert mended.changed and works(sandbox, mended.key)
    rows = sandbox.keys(alias)
    assert list(rows) == [alias] and rows[alias]["token"] == token_of(mended.key) and rows[alias]["max_budget"] == 4
    if crashed_after == "rename":
        assert rows[alias]["spend"] == 1.5
    assert not run_module("litellm_key", key_alias=alias, key_version=2, **settings).changed


def test_server_that_forbids_chosen_values(sandbox, manage, alias, values_of_the_server):
    done, result = manage(user_count=3, multi_user=True)
    assert done.rc == 0 and "its value cannot be recovered" in done.output
    assert all(works(sandbox, person["key"]) for person in result["users"])
    values = {person["alias"]: token_of(person["key"]) for person in result["users"]}
    assert {name: row["token"] for name, row in sandbox.keys(alias).items()} == values
    with sandbox.writes() as written:
        again, _result = manage(user_count=3, multi_user=True)
    assert again.rc == 0 and again.changed == 0 and written == []
    reissued, result = manage(user_count=3, multi_user=True, value_policy="reissue")
    assert reissued.rc == 0 and all(works(sandbox, person["key"]) for person in result["users"])
    assert not set(values.values()) & {row["token"] for row in sandbox.keys(alias).values()}


def test_seed_on_a_server_that_forbids_chosen_values(sandbox, run_module, alias, values_of_the_server):
    refused = run_module("litellm_key", key_alias=alias, key_seed=SEED)
    assert refused.failed and "Remove key and key_seed" in refused.msg
    assert sandbox.keys(alias) == {}


def test_value_of_another_key_is_refused(sandbox, run_module, alias):
    """The server would answer success, and do nothing."""
    value = f"sk-{alias}-taken-0123456789"
    run_module("litellm_key", key_alias=f"{alias}-a", key=value)
    with sandbox.writes() as written:
        refused = run_module("litellm_key", key_alias=f"{alias}-b", key=value)
    assert refused.failed and f"{alias}-a" in refused.msg and written == []


def test_doubled_alias_is_mended(sandbox, run_module, alias):
    """Two plays at once may have made an alias twice, since the database does not keep them apart."""
    first = run_module("litellm_key", key_alias=alias, max_budget=3)
    other = run_module("litellm_key", key_alias=f"{alias}-b")
    sandbox.rows(
        'UPDATE "LiteLLM_VerificationToken" SET key_alias = %s WHERE token = %s RETURNING token', alias, other.key_id
    )
    young = run_module("litellm_key", key_alias=alias, max_budget=3)
    assert young.failed and "another run may be creating one of them" in young.msg
    sandbox.execute(
        """UPDATE "LiteLLM_VerificationToken" SET created_at = created_at - interval '1 hour',
           updated_at = updated_at - interval '1 hour' WHERE key_alias = %s""",
        alias,
    )
    mended = run_module("litellm_key", key_alias=alias, max_budget=3)
    assert mended.changed and mended.key_id == first.key_id
    assert sandbox.keys(alias)[alias]["token"] == first.key_id


def test_expired_key_warns_and_is_renewed_on_demand(sandbox, run_module, alias):
    run_module("litellm_key", key_alias=alias, duration="1s", max_budget=1)
    sandbox.rows(
        """UPDATE "LiteLLM_VerificationToken" SET expires = now() - interval '1 hour'
           WHERE key_alias = %s RETURNING token""",
        alias,
    )
    expired = run_module("litellm_key", key_alias=alias, duration="30d", max_budget=1)
    assert not expired.changed and any("expired" in str(warning) for warning in expired.warnings)
    renewed = run_module("litellm_key", key_alias=alias, duration="30d", renew_within="2d", max_budget=1)
    assert renewed.action == "update"
    left = sandbox.keys(alias)[alias]["expires"].replace(tzinfo=UTC) - datetime.now(UTC)
    assert timedelta(days=29) < left <= timedelta(days=30)
    with sandbox.writes() as written:
        assert not run_module("litellm_key", key_alias=alias, duration="30d", renew_within="2d", max_budget=1).changed
    assert written == []
