# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pruning deletes the keys that bear exactly the mark, by their tokens, and never more than the user expects."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

ROLE = Path(__file__).resolve().parents[3] / "roles" / "manage_keys"
TOKENS = 'SELECT token FROM "LiteLLM_VerificationToken" WHERE token = ANY(%s)'


@pytest.fixture
def make(sandbox):
    """Makes a key past the code that is tested, and returns its token."""

    def run(alias, **metadata):
        answer = sandbox.call("POST", "/key/generate", {"key_alias": alias, "metadata": metadata})
        answer.raise_for_status()
        return answer.json()["token"]

    return run


@pytest.fixture
def keys_task(run_module):
    """Runs a task of litellm_keys, and returns its result."""

    def run(check=False, **options):
        return run_module("litellm_keys", check=check, **options).values

    return run


def tokens(sandbox, beginning):
    rows = sandbox.rows('SELECT token FROM "LiteLLM_VerificationToken" WHERE starts_with(key_alias, %s)', beginning)
    return {row["token"] for row in rows}


def test_a_key_with_metadata_of_its_own_bears_the_mark_of_the_defaults(sandbox, run_module, alias):
    def run(*keys):
        mark = {"managed_by": alias}
        return run_module("litellm_keys", virtual_keys=[*keys], defaults={"metadata": mark}, prune_metadata=mark)

    keys = [{"key_alias": f"{alias}-{number}", "metadata": {"cost_center": number}} for number in range(4)]
    assert not run(*keys).failed
    rows = sandbox.keys(alias).values()
    assert [row["metadata"] for row in rows] == [{"cost_center": n, "managed_by": alias} for n in range(4)]
    with sandbox.writes() as written:
        assert not run(*keys).changed
    assert written == []
    assert [one["key_alias"] for one in run(*keys[:2]).pruned] == [f"{alias}-2", f"{alias}-3"]
    assert list(sandbox.keys(alias)) == [f"{alias}-0", f"{alias}-1"]


@pytest.mark.parametrize(
    ("mark", "near"),
    [
        (1735689600123, [1735689600124, 1735689600123.5, "1735689600123", [1735689600123]]),
        (1, [True, "1", 2]),
        (0, [False, "", None, []]),
        ("2030", [2030, "2030 ", "2031"]),
        (["a", "b"], [["b", "a"], ["a"], ["a", "b", "b"]]),
    ],
)
def test_only_the_exact_mark_is_pruned(sandbox, make, keys_task, alias, mark, near):
    make(f"{alias}-exact", owner=alias, course=mark)
    left = {make(f"{alias}-{number}", owner=alias, course=value) for number, value in enumerate(near)}
    left.add(make(f"{alias}-none", owner=alias))
    done = keys_task(virtual_keys=[], prune_metadata={"owner": alias, "course": mark}, prune_limit=1)
    assert [one["key_alias"] for one in done["pruned"]] == [f"{alias}-exact"]
    assert tokens(sandbox, alias) == left


def test_an_unmarked_key_with_the_same_alias_stays(sandbox, make, keys_task, alias):
    make(f"{alias}-ann", course=alias)
    left = make(f"{alias}-ben")
    # LiteLLM refuses a second key with an alias, but not always, and its database never does.
    sandbox.execute('UPDATE "LiteLLM_VerificationToken" SET key_alias = %s WHERE token = %s', f"{alias}-ann", left)
    done = keys_task(virtual_keys=[], prune_metadata={"course": alias}, prune_limit=1)
    assert [(one["action"], one["error"]) for one in done["pruned"]] == [("delete", None)]
    assert tokens(sandbox, alias) == {left}


def test_a_marked_key_without_an_alias_goes_too(sandbox, make, keys_task, alias):
    token = make(f"{alias}-ann", course=alias)
    left = make(f"{alias}-ben")
    try:
        for one in (token, left):
            sandbox.execute('UPDATE "LiteLLM_VerificationToken" SET key_alias = NULL WHERE token = %s', one)
        done = keys_task(virtual_keys=[], prune_metadata={"course": alias}, prune_limit=1)
        (report,) = done["pruned"]
        assert report["action"] == "delete" and report["key_alias"].startswith("(no alias) sk-...")
        assert [row["token"] for row in sandbox.rows(TOKENS, [token, left])] == [left]
    finally:
        sandbox.call("POST", "/key/delete", {"keys": [left]}).raise_for_status()


def test_more_deletions_than_allowed_are_refused(sandbox, make, keys_task, alias):
    made = [make(f"{alias}-{number:02}", course=alias) for number in range(14)]
    task = {"virtual_keys": [{"key_alias": f"{alias}-00"}, {"key_alias": f"{alias}-new"}]}
    task["prune_metadata"] = {"course": alias}
    for check in (True, False):
        with sandbox.writes() as written:
            done = keys_task(check, **task)
        assert written == []
        assert "Of the 14 keys that carry the mark, 13 would be deleted" in done["msg"]
        assert f"{alias}-01, " in done["msg"] and "and 3 more" in done["msg"] and "prune_limit" in done["msg"]
    done = keys_task(**task, prune_limit=13)
    assert len(done["pruned"]) == 13 and done["summary"]["delete"] == 13
    rows = sandbox.keys(alias)
    assert set(rows) == {f"{alias}-00", f"{alias}-new"} and rows[f"{alias}-00"]["token"] == made[0]
    with sandbox.writes() as written:
        assert not keys_task(**task)["changed"]
    assert written == []


def test_the_mark_is_not_the_users_metadata(sandbox, run_module, alias):
    entry = {"litellm_vkey_group": "another-workshop"}
    done = run_module("litellm_key", key_alias=alias, metadata=entry)
    assert done.failed and "use the option group to set litellm_vkey_group" in done.msg
    run_module("litellm_key", key_alias=alias, group="mine", metadata={"a": 1})
    done = run_module("litellm_key", key_alias=alias, metadata={"b": 2}, metadata_mode="replace")
    assert done.virtual_key["metadata"] == {"b": 2} and done.virtual_key["group"] == "mine"
    assert sandbox.keys(alias)[alias]["metadata"] == {"b": 2, "litellm_vkey_group": "mine"}
    done = run_module("litellm_key_info", metadata=entry)
    assert done.failed and "option group" in done.msg


# The role


NOBODY = [
    ({"users": "[]", "prune": True}, "litellm_vkey_users is an empty list"),
    ({"users": "null", "prune": True}, "litellm_vkey_users is an empty list"),
    ({"users": " ", "prune": True}, "litellm_vkey_users is an empty list"),
    ({"users": [], "prune": True, "multi_user": True}, "litellm_vkey_users is an empty list"),
    ({"users": " ", "state": "absent", "multi_user": True}, "litellm_vkey_users is an empty list"),
    ({"users": "", "prune": True}, "litellm_vkey_prune requires a workshop"),
    ({"users": "", "prune": True, "multi_user": True}, "which define the keys to keep"),
    ({"users": ["new"], "prune": True}, "Of the 3 keys that carry the mark, 3 would be deleted"),
    ({"users": ["ann"], "prune": True, "state": "absent"}, "2 would be deleted, but only half of them can be deleted"),
    ({"users": [{"user": "ann", "metadata": '{"litellm_vkey_group": "x"}'}]}, "litellm_vkey_group is set by this role"),
    ({"users": ["ann"], "key_options": {"name": "other"}}, "Set litellm_vkey_alias"),
    ({"users": ["ann"], "max_budget": True}, "litellm_vkey_max_budget must be a number"),
    ({"users": ["ann"], "max_budget": "10,50"}, "litellm_vkey_max_budget must be a number"),
    (
        {"users": ["ann"], "metadata": '{"a": "\\ud800"}'},
        "litellm_vkey_metadata has a character that is not valid Unicode",
    ),
]


def test_a_roster_that_names_nobody_deletes_nobody(sandbox, manage, alias):
    assert manage(users=["ann", "ben", "cem"])[0].rc == 0
    rows = sandbox.keys(alias)
    for variables, words in NOBODY:
        with sandbox.writes() as written:
            done, _result = manage(**variables)
        assert done.rc != 0 and words in done.messages, (variables, done.messages)
        assert written == []
    assert sandbox.keys(alias) == rows


def test_the_limit_of_the_role(sandbox, manage, alias):
    manage(users=["ann", "ben", "cem"])
    with sandbox.writes() as written:
        done, _result = manage("--check", users=["new"], prune=True)
    assert done.rc != 0 and written == []
    assert f"{alias}-ann, {alias}-ben, {alias}-cem" in done.messages and "litellm_vkey_prune_limit" in done.messages
    done, result = manage(users=["new"], prune=True, prune_limit=3)
    assert done.rc == 0 and len(result["pruned"]) == 3, done.messages
    assert set(sandbox.keys(alias)) == {f"{alias}-new"}


@pytest.mark.parametrize(("number", "blank"), [(990017, ""), (990018, " ")])
def test_an_alias_that_is_a_number_or_has_blanks(sandbox, manage, alias, number, blank):
    """The name, the mark and what is pruned are of one alias."""
    given = number if not blank else f" {alias} "
    name = str(given).strip()
    try:
        manage(users=["ann", "ben"], alias=given)
        assert {row["metadata"]["litellm_vkey_group"] for row in sandbox.keys(f"{name}-").values()} == {name}
        done, result = manage(users=["ann"], alias=given, prune=True)
        assert done.rc == 0 and result["pruned"] == [f"{name}-ben"]
    finally:
        manage(alias=given, multi_user=True, state="absent")
    assert sandbox.keys(f"{name}-") == {}


def test_two_workshops_with_one_alias_of_a_key(sandbox, manage, alias):
    manage(users=["b-c"])
    rows = sandbox.keys(alias)
    for variables in ({}, {"state": "absent"}, {"value_policy": "reissue"}):
        with sandbox.writes() as written:
            done, _result = manage(alias=f"{alias}-b", users=["c", "d"], **variables)
        assert done.rc != 0 and written == []
        assert f'{alias}-b-c: the key belongs to the group "{alias}", not to "{alias}-b"' in done.messages
    assert sandbox.keys(alias) == rows


def test_the_end_of_a_workshop(sandbox, manage, make, alias):
    manage(users=["ann", "ben", "cem", "dan"])
    left = {make(f"{alias}-stranger"), make(f"{alias}-x-eve", litellm_vkey_group=f"{alias}-x")}
    done, result = manage(users=["ann", "zoe"], state="absent")
    assert done.rc == 0 and all(
        said in done.output for said in ("1 deleted, 1 unchanged", "3 more belong to the workshop")
    )
    assert (result["deleted_count"], result["missing_count"]) == (1, 1)
    with sandbox.writes() as written:
        done, result = manage("--check", multi_user=True, state="absent")
    assert written == [] and result["deleted_count"] == 3
    done, result = manage(multi_user=True, state="absent", models=[])
    assert done.rc == 0 and done.changed == 1 and "3 deleted" in done.output, done.messages
    assert result["deleted_count"] == 3 and result["users"] == [] and len(result["pruned"]) == 3
    assert tokens(sandbox, alias) == left
    with sandbox.writes() as written:
        done, result = manage(multi_user=True, state="absent")
    assert done.rc == 0 and done.changed == 0 and written == [] and "Nothing to do" in done.output


def test_every_empty_answer_of_a_survey(sandbox, manage, alias):
    """A survey sends each question that was left blank as empty text."""
    specs = yaml.safe_load((ROLE / "meta" / "argument_specs.yml").read_text())["argument_specs"]["main"]["options"]
    blank = {name.removeprefix("litellm_vkey_"): "" for name in specs}
    del blank["key_seed"]  # an empty seed is no seed by mistake, and refused
    done, result = manage(**{**blank, "alias": alias, "models": "gpt-4"})
    assert done.rc == 0, done.messages
    row = sandbox.keys(alias)[alias]
    assert row["expires"] is not None and row["user_id"] == alias and result["duration"] == "30d"
    done, result = manage(**{**blank, "alias": alias, "models": "gpt-4\ngpt-4o-mini", "users": "ann\nben"})
    assert done.rc == 0 and [person["user"] for person in result["users"]] == ["ann", "ben"], done.messages


def test_a_call_that_fails_leaves_no_result_of_an_earlier_one(sandbox, play, tmp_path, alias):
    result = tmp_path / "result.json"
    variables = {"litellm_vkey_alias": alias, "litellm_vkey_models": ["gpt-4"], "result": str(result)}
    for second in ({"litellm_vkey_users": []}, {"litellm_vkey_api_url": "http://127.0.0.1:9"}):
        file = tmp_path / "variables.json"
        file.write_text(json.dumps({**variables, "second": second}))
        done = play("tests/integration/playbooks/twice.yml", "-e", f"@{file}")
        assert done.rc != 0
        assert json.loads(result.read_text()) == {}
