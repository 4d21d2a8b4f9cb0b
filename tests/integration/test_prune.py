# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pruning deletes the keys that bear exactly the mark, by their tokens, and never more than the user expects."""

from __future__ import annotations

import json

import pytest

TASK = "tests/integration/playbooks/prune.yml"


@pytest.fixture
def make(sandbox):
    """Makes a key past the code that is tested, and returns its token."""

    def run(alias, **metadata):
        answer = sandbox.call("POST", "/key/generate", {"key_alias": alias, "metadata": metadata})
        answer.raise_for_status()
        return answer.json()["token"]

    return run


@pytest.fixture(params=["module", "worker"])
def keys_task(request, run_module, play, tmp_path):
    """Runs a task of litellm_keys in each of the two ways, and returns its result."""

    def in_worker(check=False, **options):
        result = tmp_path / "result.json"
        variables = tmp_path / "variables.json"
        variables.write_text(json.dumps({"options": options, "result": str(result)}))
        play(TASK, "-e", f"@{variables}", *(["--check"] if check else []))
        return json.loads(result.read_text())

    def as_module(check=False, **options):
        return run_module("litellm_keys", check=check, **options).values

    return in_worker if request.param == "worker" else as_module


def tokens(sandbox, beginning):
    rows = sandbox.rows('SELECT token FROM "LiteLLM_VerificationToken" WHERE starts_with(key_alias, %s)', beginning)
    return {row["token"] for row in rows}


@pytest.mark.parametrize("mark", [{"course": ""}, {"course": None}, {"course": []}, {}], ids=json.dumps)
def test_a_blank_mark_chooses_no_key(sandbox, make, keys_task, alias, mark):
    make(f"{alias}-other")
    with sandbox.requests_made() as made:
        for check in (True, False):
            done = keys_task(check, virtual_keys=[], prune_metadata=mark, prune_limit=-1)
            assert done["failed"] and "prune_metadata: " in done["msg"], done
    assert made == []


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


def test_more_deletions_than_allowed_are_refused(sandbox, make, keys_task, alias):
    made = [make(f"{alias}-{number:02}", course=alias) for number in range(14)]
    task = {"virtual_keys": [{"key_alias": f"{alias}-00"}, {"key_alias": f"{alias}-new"}]}
    task["prune_metadata"] = {"course": alias}
    for check in (True, False):
        with sandbox.writes() as written:
            done = keys_task(check, **task)
        assert written == []
        assert "Of the 14 keys that bear the mark, 13 would be deleted" in done["msg"]
        assert f"{alias}-01, " in done["msg"] and "and 3 more" in done["msg"] and "prune_limit" in done["msg"]
    done = keys_task(**task, prune_limit=13)
    assert len(done["pruned"]) == 13 and done["summary"]["delete"] == 13
    rows = sandbox.keys(alias)
    assert set(rows) == {f"{alias}-00", f"{alias}-new"} and rows[f"{alias}-00"]["token"] == made[0]
    with sandbox.writes() as written:
        assert not keys_task(**task)["changed"]
    assert written == []


def test_a_key_of_another_group_is_neither_taken_nor_deleted(sandbox, make, keys_task, alias):
    theirs = make(f"{alias}-b-c", litellm_vkey_group=alias)
    unmarked = make(f"{alias}-b-d", seat=1)
    for options in ({}, {"state": "absent"}):
        declared = [{"key_alias": f"{alias}-b-{user}", "group": f"{alias}-b"} for user in "cde"]
        with sandbox.writes() as written:
            done = keys_task(virtual_keys=declared, **options)
        assert done["failed"] and written == []
        assert f'{alias}-b-c: the key belongs to the group "{alias}", not to "{alias}-b"' in done["msg"]
    done = keys_task(virtual_keys=declared[1:])
    assert [one["action"] for one in done["virtual_keys"]] == ["update", "create"]
    rows = sandbox.keys(alias)
    assert rows[f"{alias}-b-c"]["token"] == theirs and rows[f"{alias}-b-d"]["token"] == unmarked
    assert rows[f"{alias}-b-d"]["metadata"] == {"seat": 1, "litellm_vkey_group": f"{alias}-b"}


def test_the_mark_is_not_the_users_metadata(sandbox, run_module, alias):
    entry = {"litellm_vkey_group": "another-workshop"}
    done = run_module("litellm_key", key_alias=alias, metadata=entry)
    assert done.failed and "litellm_vkey_group is declared by the option group" in done.msg
    run_module("litellm_key", key_alias=alias, group="mine", metadata={"a": 1})
    done = run_module("litellm_key", key_alias=alias, metadata={"b": 2}, metadata_mode="replace")
    assert done.virtual_key["metadata"] == {"b": 2} and done.virtual_key["group"] == "mine"
    assert sandbox.keys(alias)[alias]["metadata"] == {"b": 2, "litellm_vkey_group": "mine"}
    done = run_module("litellm_key_info", metadata=entry)
    assert done.failed and "option group" in done.msg
