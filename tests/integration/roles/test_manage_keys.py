# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role on a real LiteLLM: one key, and a workshop."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from ansible_collections.litemaas.virtual_keys.tests.tooling.server import token_of

SINGLE_RESULT = {
    "key", "alias", "key_id", "api_endpoint", "api_base_url", "models", "duration", "user_id", "state", "changed",
}  # fmt: skip
WORKSHOP_RESULT = {"api_endpoint", "api_base_url", "models", "duration", "user_count", "state", "changed", "keys"}
PERSON_RESULT = {"user", "key", "alias", "key_id", "user_id"}


def test_single_key(sandbox, manage_by_play, alias):
    done, result = manage_by_play(max_budget=5, duration="7d", metadata={"course": "python"})
    row = sandbox.keys(alias)[alias]
    assert done.rc == 0 and done.changed == 1
    assert result.keys() >= SINGLE_RESULT
    assert result["key"].startswith("sk-") and result["key_id"] == row["token"]
    assert result["alias"] == result["user_id"] == alias == row["user_id"]
    assert (result["api_endpoint"], result["api_base_url"]) == (sandbox.api_url, f"{sandbox.api_url}/v1")
    assert (result["models"], result["duration"], result["state"]) == (["gpt-4"], "7d", "present")
    assert result["changed"] is True
    assert (row["models"], row["max_budget"], row["metadata"]) == (["gpt-4"], 5.0, {"course": "python"})

    with sandbox.writes() as written:
        done, result = manage_by_play(max_budget=5, duration="7d", metadata={"course": "python"})
    assert done.rc == 0 and done.changed == 0 and written == []
    assert result["changed"] is False and result["key"] is None and result["key_id"] == row["token"]

    done, result = manage_by_play(state="absent")
    assert done.rc == 0 and done.changed == 1 and result["deleted_count"] == 1
    assert sandbox.keys(alias) == {}
    with sandbox.writes() as written:
        done, result = manage_by_play(state="absent")
    assert done.rc == 0 and done.changed == 0 and written == []
    assert (result["deleted_count"], result["missing_count"]) == (0, 1)


def test_workshop_of_25(sandbox, manage, alias):
    workshop = {"multi_user": True, "user_count": 25, "max_budget": 10, "duration": "3d", "user_prefix": "p"}
    done, result = manage(**workshop)
    assert done.rc == 0 and done.changed == 1
    assert result.keys() >= WORKSHOP_RESULT and result["user_count"] == 25
    assert result["users"] == result["keys"]
    rows = sandbox.keys(alias)
    assert [person["alias"] for person in result["users"]] == [f"{alias}-p{number}" for number in range(1, 26)]
    end = datetime.now(UTC) + timedelta(days=3)
    for number, person in enumerate(result["users"], 1):
        row = rows[person["alias"]]
        assert person.keys() >= PERSON_RESULT and person["user"] == f"p{number}"
        assert person["key_id"] == row["token"] and person["user_id"] == row["user_id"] == f"p{number}@example.com"
        assert (row["models"], row["max_budget"]) == (["gpt-4"], 10.0)
        assert abs(row["expires"].replace(tzinfo=UTC) - end) < timedelta(minutes=2)
        assert row["metadata"] == {"litellm_vkey_group": alias}
    assert len({person["key"] for person in result["users"]}) == 25

    with sandbox.writes() as written:
        done, again = manage(**workshop)
    assert done.changed == 0 and written == [] and again["changed"] is False
    assert sandbox.keys(alias) == rows

    done, more = manage(**{**workshop, "user_count": 27})
    assert [person["action"] for person in more["users"]] == ["none"] * 25 + ["create"] * 2
    assert len(sandbox.keys(alias)) == 27
    assert {name: row for name, row in sandbox.keys(alias).items() if name in rows} == rows

    others = [f"{alias}x{number}" for number in range(200)]
    for name in others:
        sandbox.call("POST", "/key/generate", {"key_alias": name}).raise_for_status()
    done, gone = manage(**{**workshop, "user_count": 27, "state": "absent"})
    assert done.rc == 0 and gone["deleted_count"] == 27
    assert sorted(sandbox.keys(alias)) == sorted(others)


def test_check_mode_writes_nothing_and_predicts(sandbox, manage_by_play, alias):
    workshop = {"multi_user": True, "user_count": 3, "max_budget": 10}
    for settings in (workshop, {**workshop, "max_budget": 11}, {**workshop, "state": "absent"}):
        rows = sandbox.keys(alias)
        with sandbox.writes() as written:
            done, predicted = manage_by_play("--check", **settings)
        assert done.rc == 0 and written == [] and sandbox.keys(alias) == rows
        assert re.search(r"^([+-] user1|~ user1  max_budget 10 -> 11)$|^- \S+-user1$", done.output, re.MULTILINE)
        real_run, real = manage_by_play(**settings)
        assert done.changed == real_run.changed == 1
        assert [person["action"] for person in predicted["users"]] == [person["action"] for person in real["users"]]


@pytest.mark.parametrize(
    "variables",
    [
        pytest.param(
            {"litellm_vkey_models": '["gpt-4", "gpt-4o-mini"]', "litellm_vkey_multi_user": "true",
             "litellm_vkey_user_count": "2", "litellm_vkey_max_budget": "2.5", "litellm_vkey_verify_ssl": "yes",
             "litellm_vkey_metadata": '{"course": "python"}', "litellm_vkey_api_timeout": "60"},
            id="text",
        ),
        pytest.param(
            {"litellm_vkey_models": "gpt-4,gpt-4o-mini", "litellm_vkey_multi_user": "True",
             "litellm_vkey_user_count": "2", "litellm_vkey_max_budget": "2.5", "litellm_vkey_user_id": "",
             "litellm_vkey_users": "", "litellm_vkey_expires_at": "", "litellm_vkey_renew_within": "",
             "litellm_vkey_output_dir": "", "litellm_vkey_value_policy": "", "litellm_vkey_ca_path": "",
             "litellm_vkey_no_log": "true"},
            id="survey with blanks",
        ),
    ],
)  # fmt: skip
def test_variables_as_text(sandbox, play, alias, tmp_path, variables):
    """As ``-e name=value`` gives them, and AWX surveys."""
    extra = [part for name, value in variables.items() for part in ("-e", f"{name}='{value}'")]
    playbook = "litemaas.virtual_keys.examples.create_workshop_keys"
    done = play(playbook, "-e", f"litellm_vkey_alias={alias}", *extra, cwd=tmp_path)
    assert done.rc == 0, done.messages
    rows = sandbox.keys(alias)
    assert len(rows) == 2
    for row in rows.values():
        assert (sorted(row["models"]), row["max_budget"]) == (["gpt-4", "gpt-4o-mini"], 2.5)


@pytest.mark.parametrize("models", [["openai/*"], ["openai/gpt-4o"], ["workshop-models"], ["all-proxy-models"]])
def test_known_models(sandbox, manage, alias, models):
    done, _result = manage(models=models)
    assert done.rc == 0, done.messages
    assert sandbox.keys(alias)[alias]["models"] == models


def test_values_only_when_asked_for(sandbox, play, alias, tmp_path):
    arguments = ("-e", f"litellm_vkey_alias={alias}", "-e", '{"litellm_vkey_models": ["gpt-4"]}')
    playbook = "litemaas.virtual_keys.examples.create_single_key"
    shown = play(playbook, *arguments, "-e", "litellm_vkey_no_log=false", reveals=True, cwd=tmp_path)
    assert shown.rc == 0 and '"key": "sk-' in shown.output


def test_failure_of_some_leaves_the_others_their_keys(sandbox, manage_by_play, alias):
    """The server refuses one of three: the play fails, names that one, and returns the other two values."""
    users = ["ann", {"user": "ben", "project_id": "no-such-project"}, "cem"]
    done, result = manage_by_play(users=users)
    assert done.rc != 0 and "ben" in done.messages and "ann" not in done.messages
    by_user = {person["user"]: person for person in result["users"]}
    assert by_user["ann"]["key"] and by_user["cem"]["key"] and by_user["ben"]["error"]
    assert sorted(sandbox.keys(alias)) == [f"{alias}-ann", f"{alias}-cem"]


@pytest.mark.long
def test_workshop_of_1000(sandbox, manage_by_play, alias, tmp_path, monkeypatch):
    """Its values come from the seed alone, on a machine that has never seen them, and nothing is written for that."""
    workshop = {"multi_user": True, "user_count": 1000, "key_seed": "a seed for tests only, of 32 characters and more"}
    done, result = manage_by_play(**workshop)
    assert done.rc == 0 and "1000 created" in done.output
    assert re.findall(r"^(\d+) of 1000 keys written$", done.output, re.MULTILINE)
    tokens = {name: row["token"] for name, row in sandbox.keys(alias).items()}
    assert tokens == {person["alias"]: token_of(person["key"]) for person in result["users"]}

    (tmp_path / "home").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    with sandbox.requests_made() as made, sandbox.writes() as written:
        done, again = manage_by_play(**workshop)
    assert done.rc == 0 and done.changed == 0
    assert again["summary"] == {"unchanged": 1000}
    assert [person["key"] for person in again["users"]] == [person["key"] for person in result["users"]]
    assert len(made) <= 30 and written == []  # the keys are read once, 100 at a time


def test_a_long_run(sandbox, manage_by_play, alias):
    """All is compared before the first key is written, a failure stops no later one, and progress is told."""
    users = ["ann", {"user": "ben", "project_id": "no-such-project"}, "cem", "dan", "eve"]
    with sandbox.writes() as written:
        done, _result = manage_by_play(users=[*users, {"user": "fay", "max_budget": -1}], batch_size=2)
    assert done.rc != 0 and "must not be negative" in done.messages and written == []
    with sandbox.writes() as written:
        done, predicted = manage_by_play("--check", users=users[2:], batch_size=2)
    assert done.rc == 0 and written == [] and "keys written" not in done.output
    assert [person["action"] for person in predicted["users"]] == ["create"] * 3
    assert re.findall(r"^\+ (\w+)$", done.output, re.MULTILINE) == ["cem", "dan", "eve"]
    assert "3 would be created" in done.output

    done, result = manage_by_play(users=users, batch_size=2)
    assert re.findall(r"^\d of \d keys written$", done.output, re.MULTILINE) == [
        "2 of 5 keys written",
        "4 of 5 keys written",
    ]
    assert done.rc != 0 and "ben" in done.messages and "ann" not in done.messages
    assert {person["user"] for person in result["users"] if person["key"]} == {"ann", "cem", "dan", "eve"}
    assert result["summary"] == {"created": 4, "failed": 1} and "1 of 5 failed. ben: " in result["problem"]
    assert sorted(sandbox.keys(alias)) == [f"{alias}-{user}" for user in ("ann", "cem", "dan", "eve")]

    people = [*users[2:], {"user": "ann", "max_budget": 3}]
    done, result = manage_by_play(users=people, batch_size=2)
    assert done.rc == 0 and done.changed == 1 and "1 updated" in done.output
    assert [person["action"] for person in result["users"]] == ["none", "none", "none", "update"]
    with sandbox.writes() as written:
        done, result = manage_by_play(users=people, batch_size=2)
    assert done.rc == 0 and done.changed == 0 and written == []
    assert result["summary"] == {"unchanged": 4} and result["problem"] == ""


TWICE = """
- hosts: localhost
  gather_facts: false
  tasks:
    - name: One workshop
      ansible.builtin.include_role:
        name: litemaas.virtual_keys.manage_keys
      vars:
        litellm_vkey_users: [ann]
        litellm_vkey_models: [gpt-4]
    - block:
        - name: Another one, which fails
          ansible.builtin.include_role:
            name: litemaas.virtual_keys.manage_keys
          vars: FAILING
      rescue:
        - name: What is left
          ansible.builtin.debug:
            msg: "left: {{ litellm_vkey_result | to_json }}"
"""


@pytest.mark.parametrize(
    "failing",
    [
        '{litellm_vkey_users: [bob], litellm_vkey_api_url: "http://127.0.0.1:9", litellm_vkey_retry_count: 0}',
        "{litellm_vkey_users: [bob], litellm_vkey_max_budget: much}",
    ],
    ids=["while keys are read", "before"],
)
def test_a_call_that_fails_leaves_nothing_of_the_one_before(play, alias, tmp_path, failing):
    playbook = tmp_path / "twice.yml"
    playbook.write_text(TWICE.replace("FAILING", failing))
    done = play(str(playbook), "-e", f"litellm_vkey_alias={alias}")
    assert "left: {}" in done.output, done.messages
