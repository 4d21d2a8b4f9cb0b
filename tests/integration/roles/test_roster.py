# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes of a roster, each with exactly the writes that it needs; and rosters that cannot be meant."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest

SEED = "a seed for tests only, of 32 characters and more"
ROSTER = ["ann", {"user": "ben", "max_budget": 3}, "cem"]
SHARED = {"max_budget": 10, "key_seed": SEED}
CREATE, UPDATE, DELETE = (("POST", f"/key/{verb}", 200) for verb in ("generate", "update", "delete"))


@pytest.mark.parametrize(
    ("users", "variables", "expected", "left"),
    [
        pytest.param([*ROSTER, "dan"], {}, [CREATE], {"ann", "ben", "cem", "dan"}, id="add"),
        pytest.param(["ann", ROSTER[1]], {}, [], {"ann", "ben", "cem"}, id="remove"),
        pytest.param(["ann", ROSTER[1]], {"prune": True}, [DELETE], {"ann", "ben"}, id="remove and prune"),
        pytest.param(
            ["anna", *ROSTER[1:]], {"prune": True}, [CREATE, DELETE], {"anna", "ben", "cem"}, id="rename and prune"
        ),
        pytest.param(
            ["ann", {"user": "ben", "max_budget": 4}, "cem"], {}, [UPDATE], {"ann", "ben", "cem"}, id="change override"
        ),
        pytest.param(["ann", "ben", "cem"], {}, [UPDATE], {"ann", "ben", "cem"}, id="drop override"),
        pytest.param(ROSTER[::-1], {"prune": True}, [], {"ann", "ben", "cem"}, id="reorder"),
        pytest.param(ROSTER, {"prune": True}, [], {"ann", "ben", "cem"}, id="same again"),
    ],
)
def test_change(sandbox, manage, alias, users, variables, expected, left):
    _done, first = manage(users=ROSTER, **SHARED)
    # Neither prefix nor age makes a key the workshop's own, only its mark.
    sandbox.call("POST", "/key/generate", {"key_alias": f"{alias}-stranger"}).raise_for_status()
    values = {person["user"]: person["key"] for person in first["users"]}

    with sandbox.writes() as written:
        predicted_run, predicted = manage("--check", users=users, **SHARED, **variables)
    assert written == []
    with sandbox.writes() as written:
        done, result = manage(users=users, **SHARED, **variables)
    assert done.rc == 0 and Counter(written) == Counter(expected)
    rows = sandbox.keys(alias)
    assert set(rows) == {f"{alias}-{user}" for user in (*left, "stranger")}
    if DELETE in expected:
        gone = next(iter({"ann", "cem"} - left))
        assert f"{alias}-{gone}" in predicted_run.output and result["pruned"] == [f"{alias}-{gone}"]
    assert [person["action"] for person in predicted["users"]] == [person["action"] for person in result["users"]]
    # Everybody's value is known, and those who stay keep theirs.
    for person in result["users"]:
        assert person["key"] == values.get(person["user"], person["key"]) and person["key"]
    budgets = {user if isinstance(user, str) else user["user"]: 10 for user in users}
    budgets.update({user["user"]: user["max_budget"] for user in users if isinstance(user, dict)})
    for user, budget in budgets.items():
        assert rows[f"{alias}-{user}"]["max_budget"] == budget


def test_overrides_of_any_option(sandbox, manage, alias):
    users = [
        {"user": "ann", "user_id": "ann@elsewhere.org", "models": ["gpt-4o-mini"], "metadata": {"seat": 1}},
        {"user": "ben@example.net", "expires_at": "2031-01-01T00:00:00Z", "rpm_limit": 5},
        {"user": "cem", "duration": "2d", "blocked": True},
        "dan",
    ]
    done, result = manage(users=users, metadata={"course": "python"}, duration="5d")
    assert done.rc == 0, done.messages
    ann, ben, cem, dan = (sandbox.keys(alias)[person["alias"]] for person in result["users"])
    assert (ann["user_id"], ann["models"]) == ("ann@elsewhere.org", ["gpt-4o-mini"])
    assert ann["metadata"] == {"course": "python", "seat": 1, "litellm_vkey_group": alias}
    assert (ben["user_id"], ben["rpm_limit"], ben["expires"].year) == ("ben@example.net", 5, 2031)
    assert cem["blocked"] is True and dan["expires"] - cem["expires"] > timedelta(days=2, hours=23)
    done, _result = manage(users=users, metadata={"course": "python"}, duration="5d")
    assert done.changed == 0


def test_user_start(sandbox, manage, alias):
    manage(multi_user=True, user_count=2, user_start=11)
    assert sorted(sandbox.keys(alias)) == [f"{alias}-user11", f"{alias}-user12"]


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"users": ["ann", "ben", "ann"]}, "user ann"),
        ({"users": ["ann", {"user": "ben", "key_alias": "{alias}-ann"}]}, "key alias {alias}-ann"),
        (
            {"users": [{"user": "ann", "max_budgt": 3}]},
            "'max_budgt' is not an option of a key. Did you mean 'max_budget'?",
        ),
        ({"users": ["ann", {"name": "ben"}]}, "entry 2 must be a name or a mapping with user"),
        ({"users": [7]}, "entry 1 must be a name or a mapping with user"),
        ({"users": ["ann"], "key_options": {"modells": ["gpt-4"]}}, "Did you mean 'models'?"),
        ({"users": ["ann"], "key_seed": "too short"}, "key_seed must have at least 32 characters"),
    ],
)
def test_roster_that_cannot_be_meant(sandbox, manage, alias, variables, expected):
    for user in variables["users"]:
        if isinstance(user, dict) and "key_alias" in user:
            user["key_alias"] = user["key_alias"].format(alias=alias)
    with sandbox.writes() as written:
        done, _result = manage(**variables)
    assert done.rc != 0 and expected.format(alias=alias) in done.messages, done.messages
    assert written == [] and sandbox.keys(alias) == {}


def test_wrong_seed_writes_nothing(sandbox, manage, alias):
    manage(users=ROSTER, **SHARED)
    other = "another seed for tests, also 32 characters long"
    with sandbox.writes() as written:
        done, _result = manage(users=[*ROSTER, "dan"], max_budget=11, key_seed=other, secret=(other,))
    assert done.rc != 0 and "value_policy" in done.messages and written == []


def test_new_version_reissues_everybody(sandbox, manage, alias):
    _done, old = manage(users=ROSTER, **SHARED)
    before = sandbox.keys(alias)
    done, new = manage(users=ROSTER, key_version=2, value_policy="reissue", **SHARED)
    assert done.rc == 0, done.messages
    after = sandbox.keys(alias)
    assert {person["action"] for person in new["users"]} == {"reissue"} and set(after) == set(before)
    for was, now in zip(old["users"], new["users"], strict=True):
        assert was["key"] != now["key"]
        assert sandbox.call("GET", "/v1/models", key=now["key"]).status_code == 200
        assert sandbox.call("GET", "/v1/models", key=was["key"]).status_code == 401
        assert abs(after[now["alias"]]["expires"] - before[now["alias"]]["expires"]) < timedelta(seconds=60)
    done, again = manage(users=ROSTER, key_version=2, value_policy="reissue", **SHARED)
    assert done.changed == 0 and again["users"][0]["key"] == new["users"][0]["key"]
