# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a trainer holds after the role has run, and what the role says."""

from __future__ import annotations

import csv
import stat
from hashlib import sha256
from pathlib import Path

import pytest
import yaml
from ansible_collections.litemaas.virtual_keys.tests.integration.laws import too_old


@pytest.fixture
def folder(tmp_path) -> Path:
    return tmp_path / "course"


def kept(folder: Path) -> dict[str, str]:
    """The values in the file of values, by alias."""
    return yaml.safe_load((folder / "values.yml").read_text())["litellm_vkey_values"]


def handed_out(folder: Path) -> dict[str, str]:
    """The values on the list, by alias."""
    with (folder / "keys.csv").open(encoding="utf-8-sig", newline="") as file:
        return {row["alias"]: row["key"] for row in csv.DictReader(file)}


def tokens(values: dict[str, str]) -> dict[str, str]:
    return {alias: sha256(value.encode()).hexdigest() for alias, value in values.items()}


def test_the_trainer_holds_the_keys_and_keeps_them(sandbox, manage, alias, folder):
    workshop = {"users": ["ann", "ben"], "output_dir": str(folder)}
    done, _predicted = manage("--check", **workshop)
    assert done.rc == 0 and not folder.exists() and sandbox.keys(alias) == {}
    assert f"2 would be created; would be written to {folder}/" in done.output

    done, result = manage(**workshop)
    assert f"2 created, 0 without a known value; written to {folder}/" in done.output
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    on_the_proxy = {name: row["token"] for name, row in sandbox.keys(alias).items()}
    assert tokens(kept(folder)) == tokens(handed_out(folder)) == on_the_proxy
    assert [person["models"] for person in result["users"]] == [["gpt-4"]] * 2

    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    done, result = manage(**workshop)
    assert done.rc == 0 and done.changed == 0 and "is up to date" in done.output
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert tokens({person["alias"]: person["key"] for person in result["users"]}) == on_the_proxy

    done, result = manage(users=["ann"], state="absent", output_dir=str(folder))
    assert done.rc == 0 and result["deleted_count"] == 1
    assert set(kept(folder)) == set(handed_out(folder)) == {f"{alias}-ben"}
    assert (folder / "usage.csv").exists()


def test_those_who_got_a_key_hold_it_although_others_failed(sandbox, manage, alias, folder):
    users = [
        "ann",
        {"user": "ben", "organization_id": "no-such-organization"},
        {"user": "cem", "organization_id": "no-such-organization"},
    ]
    if too_old(sandbox, "1.106.0"):
        done, _result = manage(users=users, output_dir=str(folder))
        assert done.rc != 0 and "the proxy has no organization 'no-such-organization'" in done.messages
        assert sandbox.keys(alias) == {}  # it tells that also without a license, so before the first write
        return
    done, _result = manage(users=users, output_dir=str(folder))
    assert done.rc != 0 and "2 of 3 failed. ben, cem: " in done.messages
    assert '"failed: ben, cem: ' in done.output and "No value is known" not in done.output
    assert tokens(handed_out(folder))[f"{alias}-ann"] == sandbox.keys(alias)[f"{alias}-ann"]["token"]


def test_nothing_known_is_overwritten_by_something_unknown(sandbox, manage, alias, folder):
    workshop = {"users": ["ann", "ben"], "output_dir": str(folder)}
    manage(**workshop)
    before = handed_out(folder)
    (folder / "values.yml").unlink()
    done, _result = manage(**workshop)
    assert done.rc == 0 and handed_out(folder) == before
    assert "2 unchanged, 0 without a known value" in done.output


@pytest.mark.parametrize("policy", ["warn", "fail", "reissue"])
def test_an_unknown_value(sandbox, manage, alias, folder, policy):
    manage(users=["ann", "ben"])
    old = sandbox.keys(alias)
    variables = {"users": ["ann", "ben", "cem"], "unknown_values": policy, "output_dir": str(folder)}
    done, _result = manage(**variables)
    assert (done.rc != 0) == (policy == "fail")
    new = sandbox.keys(alias)
    same = [name for name in old if new[name]["token"] == old[name]["token"]]
    if policy == "reissue":
        assert same == [] and "2 reissued, 0 without a known value" in done.output
        done, _result = manage(**variables)
        assert done.changed == 0 and sandbox.keys(alias) == new
    else:
        assert same == list(old) and "1 created, 2 unchanged, 2 without a known value" in done.output
        assert "No value is known for 2: ann, ben" in done.output
    assert tokens(kept(folder))[f"{alias}-cem"] == new[f"{alias}-cem"]["token"]


def test_what_is_said_of_one_key(sandbox, manage_by_play, alias):
    done, _result = manage_by_play(max_budget=10)
    assert '"1 created, 0 without a known value"' in done.output and f"+ {alias}" in done.output
    done, _result = manage_by_play(max_budget=15)
    assert f"~ {alias}  max_budget 10 -> 15" in done.output
    assert "No value is known for 1" in done.output and "litellm_vkey_unknown_values=reissue" in done.output
    done, result = manage_by_play(state="absent")
    assert (result["deleted"], result["was_missing"]) == (True, False)
    done, result = manage_by_play(state="absent")
    assert (result["deleted"], result["was_missing"]) == (False, True)


@pytest.mark.parametrize(
    ("variables", "env", "expected"),
    [
        ({"key_seed": ""}, {}, "litellm_vkey_key_seed is empty"),
        ({"unknown_values": "ignore"}, {}, "litellm_vkey_unknown_values must be warn, fail or reissue"),
        ({"unknown_values": "reissue"}, {}, "needs a place where values are kept"),
        ({}, {"LITELLM_PROXY_URL": "", "LITELLM_API_URL": ""}, "export LITELLM_PROXY_URL="),
        ({"retry_count": 0}, {"LITELLM_PROXY_URL": "http://127.0.0.1:9"}, "Check LITELLM_PROXY_URL, and"),
        ({"retry_count": 0, "api_url": "http://127.0.0.1:9"}, {}, "Check litellm_vkey_api_url, and"),
        ({"models": ["gpt-4o-x"]}, {}, "litellm_vkey_models: the proxy has no model 'gpt-4o-x'. It has gpt-4, "),
        ({"values_file": "/no/such/folder/file"}, {}, "litellm_vkey_values_file: there is no folder"),
    ],
)
def test_a_message_names_what_the_user_sets(sandbox, manage, alias, monkeypatch, variables, env, expected):
    monkeypatch.setattr(sandbox, "api_url", env.pop("LITELLM_PROXY_URL", sandbox.api_url))
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    done, _result = manage(**variables)
    assert done.rc != 0 and expected in done.messages, done.messages
