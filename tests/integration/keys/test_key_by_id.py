# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys that are declared by their IDs: those without an alias, and those that share one, on a real LiteLLM."""

from __future__ import annotations

from typing import Any

import pytest

TABLE = '"LiteLLM_VerificationToken"'


@pytest.fixture
def make(sandbox, alias):
    """Makes a key of the test's user past the code that is tested, without an alias unless one is given; its id."""

    def run(key_alias: str | None = None, **fields: Any) -> str:
        sent = {"key_alias": key_alias, "user_id": alias, **fields}
        answer = sandbox.call("POST", "/key/generate", {name: value for name, value in sent.items() if value})
        answer.raise_for_status()
        return answer.json()["token"]

    yield run
    ids = [row["token"] for row in rows(sandbox, alias).values()]
    if ids:
        sandbox.call("POST", "/key/delete", {"keys": ids}).raise_for_status()


def rows(sandbox, user: str) -> dict[str, dict[str, Any]]:
    """The keys of a user, by id."""
    return {row["token"]: row for row in sandbox.rows(f"SELECT * FROM {TABLE} WHERE user_id = %s", user)}


@pytest.fixture
def settle(sandbox, run_module, alias):
    """Declares, and holds that check mode writes nothing and predicts the run, and that a second one writes nothing."""

    def run(module: str = "litellm_key", **options: Any) -> Any:
        before = rows(sandbox, alias)
        with sandbox.writes() as written:
            predicted = run_module(module, check=True, **options)
        assert written == [] and rows(sandbox, alias) == before
        done = run_module(module, **options)
        assert not predicted.failed and not done.failed, done.msg
        assert (predicted.changed, done.changed) == (True, True)
        assert predicted.diff == done.diff
        with sandbox.writes() as written:
            again = run_module(module, **options)
        assert written == [] and not again.failed and not again.changed
        return done

    return run


def test_a_key_without_an_alias_is_changed_blocked_and_deleted(sandbox, make, settle, alias):
    key_id, other = make(max_budget=1), make(max_budget=1)
    before = rows(sandbox, alias)
    done = settle(key_id=key_id, max_budget=5, blocked=True)
    assert (done.action, done.key_id, done.key_alias, done.key) == ("update", key_id, None, None)
    row = rows(sandbox, alias)[key_id]
    assert (row["max_budget"], row["blocked"], row["key_alias"]) == (5.0, True, None)
    done = settle(key_id=key_id, state="absent")
    assert (done.action, done.key_id) == ("delete", key_id)
    assert rows(sandbox, alias) == {other: before[other]}


def test_a_key_without_an_alias_is_given_one_and_then_found_by_it(sandbox, make, settle, run_module, alias):
    key_id = make(max_budget=1)
    done = settle(key_id=key_id, key_alias=alias, models=["gpt-4"])
    assert (done.action, done.key_id, done.key_alias) == ("update", key_id, alias)
    assert done.diff["before"]["key_alias"] is None and done.diff["after"]["key_alias"] == alias
    row = rows(sandbox, alias)[key_id]
    assert (row["key_alias"], row["models"], row["max_budget"]) == (alias, ["gpt-4"], 1.0)
    by_alias = run_module("litellm_key", key_alias=alias, models=["gpt-4"])
    assert not by_alias.changed and by_alias.key_id == key_id


def test_a_key_is_renamed_by_its_id(sandbox, make, settle, alias):
    key_id = make(alias)
    assert settle(key_id=key_id, key_alias=f"{alias}-new").key_alias == f"{alias}-new"
    assert rows(sandbox, alias)[key_id]["key_alias"] == f"{alias}-new"


def test_of_several_keys_with_one_alias_the_id_says_which(sandbox, make, settle, alias):
    first, second = make(alias), make(f"{alias}-x")
    # LiteLLM itself lets two requests at once do that.
    sandbox.execute(f"UPDATE {TABLE} SET key_alias = %s WHERE token = %s", alias, second)
    settle(key_id=second, max_budget=2)
    settle(key_id=second, key_alias=alias, max_budget=3)
    assert {one: row["max_budget"] for one, row in rows(sandbox, alias).items()} == {first: None, second: 3.0}
    settle(key_id=first, key_alias=alias, state="absent")
    assert list(rows(sandbox, alias)) == [second]


def test_many_keys_by_id_in_one_task(sandbox, make, settle, run_module, alias):
    ids = [make(metadata={"mark": alias}) for _number in range(5)]
    declared = [{"key_id": one, "max_budget": number} for number, one in enumerate(ids[:3])]
    declared[0]["key_alias"] = alias
    options = {"virtual_keys": declared, "prune_metadata": {"mark": alias}}
    done = settle("litellm_keys", **options)
    assert [(one["key_alias"], one["key_id"], one["action"]) for one in done.virtual_keys] == [
        (alias, ids[0], "update"),
        (None, ids[1], "update"),
        (None, ids[2], "update"),
    ]
    assert {one["key_id"] for one in done.pruned} == set(ids[3:])
    assert {one: row["max_budget"] for one, row in rows(sandbox, alias).items()} == {ids[0]: 0, ids[1]: 1, ids[2]: 2}
    settle("litellm_keys", virtual_keys=[{"key_id": one} for one in ids[:3]], state="absent")
    assert rows(sandbox, alias) == {}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"key_id": "0" * 64}, "key_id: the proxy has no key with this ID"),
        ({"key_id": "sk-0123456789abcdef0123"}, "64 hexadecimal digits"),
        ({"key_id": "{own}", "key_alias": "{alias}-taken"}, "another key has the alias"),
        ({"key_id": "{own}", "key_alias": "{alias}-taken", "state": "absent"}, "has the alias"),
        ({"key_id": "{own}", "value_policy": "reissue"}, "key_id and value_policy are mutually exclusive"),
        ({"key_id": "{own}", "key_seed": "s" * 40}, "key_id and key_seed are mutually exclusive"),
        ({"max_budget": 1}, "key_alias or key_id is required"),
    ],
)
def test_what_is_refused_before_anything_is_written(sandbox, make, run_module, alias, options, words):
    own = make(alias)
    make(f"{alias}-taken")
    given = {
        name: value.format(own=own, alias=alias) if isinstance(value, str) else value for name, value in options.items()
    }
    for check in (True, False):
        with sandbox.writes() as written:
            refused = run_module("litellm_key", check=check, **given)
        assert refused.failed and words in refused.msg and written == [], refused.values
        assert "sk-0123456789" not in refused.msg


def test_an_id_that_is_gone_is_absent(sandbox, make, run_module, alias):
    with sandbox.writes() as written:
        gone = run_module("litellm_key", key_id="0" * 64, state="absent")
    assert not gone.failed and not gone.changed and written == []


@pytest.mark.parametrize("second", ["by its alias", "by its id", "as one of two"])
def test_one_key_is_declared_once(sandbox, make, run_module, alias, second):
    key_id = make(alias)
    others = {"by its alias": {"key_alias": alias}, "by its id": {"key_id": key_id, "key_alias": f"{alias}-b"}}
    if second == "as one of two":
        other = make(f"{alias}-x")
        sandbox.execute(f"UPDATE {TABLE} SET key_alias = %s WHERE token = %s", alias, other)
    keys = [{"key_id": key_id, "max_budget": 1}, others.get(second, {"key_alias": alias})]
    with sandbox.writes() as written:
        refused = run_module("litellm_keys", virtual_keys=keys)
    assert refused.failed and "is also declared as" in refused.msg and written == []


def test_two_keys_are_not_given_the_same_alias(sandbox, make, run_module, alias):
    keys = [{"key_id": make(), "key_alias": alias}, {"key_id": make(), "key_alias": alias}]
    with sandbox.writes() as written:
        refused = run_module("litellm_keys", virtual_keys=keys)
    assert refused.failed and f"{alias}: several keys of this task would get this alias" in refused.msg
    assert written == []


def test_a_value_that_a_key_without_an_alias_has_is_adopted_by_its_id(sandbox, make, run_module, alias):
    value = f"sk-{alias}-0123456789abcdef"
    key_id = make(key=value)
    refused = run_module("litellm_key", key_alias=alias, key=value)
    assert refused.failed and "None" not in refused.msg and value not in refused.msg
    assert (
        f"already the value of a key without an alias. To give it this alias, declare key_id: {key_id}" in refused.msg
    )
    assert not run_module("litellm_key", key_alias=alias, key_id=key_id).failed
    kept = run_module("litellm_key", key_alias=alias, key=value)
    assert (kept.failed, kept.changed, kept.key_id) == (False, False, key_id)
