# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What happens to a key once, for a while or from time to time: budgets raised, spending reset, values replaced."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._key._declaration import KeyDeclaration
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._values import version_tuple
from ansible_collections.litemaas.virtual_keys.tests.integration.laws import too_old

QUESTION = {"model": "gpt-4", "messages": [{"role": "user", "content": "Hello?"}]}
MARK = "litellm_vkey_reset_spend"
RETIRED = "litellm_vkey_retired"


def answers(sandbox, value: str) -> int:
    """The status of a question that the key asks."""
    return sandbox.call("POST", "/v1/chat/completions", QUESTION, key=value).status_code


def spends(sandbox, key_id: str, amount: float) -> None:
    sandbox.call("POST", "/key/update", {"key": key_id, "spend": amount}).raise_for_status()


def forget(sandbox, key_id: str, alias: str) -> None:
    """Let LiteLLM forget what it knows of a key besides the database."""
    sandbox.call("POST", "/key/update", {"key": key_id, "key_alias": alias}).raise_for_status()


def at(**ahead: int) -> str:
    return (datetime.now(UTC) + timedelta(**ahead)).isoformat(timespec="seconds")


# A budget that is raised for a while


@pytest.mark.parametrize("made", ["with the key", "later"])
def test_a_raised_budget_counts_until_its_end(sandbox, run_module, alias, made):
    raised = {"max_budget": 1, "temp_budget_increase": 5, "temp_budget_expiry": at(hours=1)}
    first = run_module("litellm_key", key_alias=alias, **(raised if made == "with the key" else {"max_budget": 1}))
    spends(sandbox, first.key_id, 1.5)
    if made == "later":
        assert answers(sandbox, first.key) not in (200, 401, 500)
        assert run_module("litellm_key", key_alias=alias, **raised).changed
    assert answers(sandbox, first.key) == 200
    with sandbox.writes() as written:
        assert not run_module("litellm_key", key_alias=alias, **raised).changed
    assert written == []

    ended = {**raised, "temp_budget_expiry": at(hours=-1)}
    assert run_module("litellm_key", key_alias=alias, **ended).changed
    assert answers(sandbox, first.key) not in (200, 401, 500)
    with sandbox.writes() as written:
        again = run_module("litellm_key", key_alias=alias, **ended)
    assert not again.changed and written == []
    assert again.virtual_key["temp_budget_increase"] == 5.0


def test_another_zone_is_the_same_end(sandbox, run_module, alias):
    end = datetime.now(UTC).replace(microsecond=0) + timedelta(days=2)
    raised = {"temp_budget_increase": 5, "temp_budget_expiry": end.isoformat()}
    run_module("litellm_key", key_alias=alias, **raised)
    shifted = (end + timedelta(hours=2)).isoformat().replace("+00:00", "+02:00")
    assert not run_module("litellm_key", key_alias=alias, **{**raised, "temp_budget_expiry": shifted}).changed


# Spending that is reset on purpose


def test_spending_is_reset_once_for_each_mark(sandbox, run_module, alias):
    settings = {"max_budget": 1, "metadata": {"course": "python"}}
    key = run_module("litellm_key", key_alias=alias, **settings)
    spends(sandbox, key.key_id, 2.5)
    assert answers(sandbox, key.key) not in (200, 401, 500)

    with sandbox.writes() as written:
        predicted = run_module("litellm_key", check=True, key_alias=alias, reset_spend="june", **settings)
    assert predicted.action == "update" and written == []
    assert (predicted.diff["before"]["spend"], predicted.diff["after"]["spend"]) == (2.5, 0.0)
    assert predicted.virtual_key["spend"] == 0.0

    with sandbox.writes() as written:
        done = run_module("litellm_key", key_alias=alias, reset_spend="june", **settings)
    assert [(method, path.rsplit("/", 1)[-1]) for method, path, _status in written] == [
        ("POST", "reset_spend"), ("POST", "update"),
    ]  # fmt: skip
    assert done.virtual_key["spend"] == 0.0 and sandbox.keys(alias)[alias]["spend"] == 0.0
    if version_tuple(sandbox.litellm_version) >= (1, 90):  # older ones count in memory for a while
        assert answers(sandbox, key.key) == 200
    assert done.virtual_key["metadata"] == {"course": "python"} and done.virtual_key["reset_spend"] == "june"
    assert sandbox.keys(alias)[alias]["metadata"] == {"course": "python", MARK: "june"}

    spends(sandbox, key.key_id, 0.5)
    with sandbox.writes() as written:
        again = run_module("litellm_key", key_alias=alias, reset_spend="june", **settings)
    assert not again.changed and written == [] and again.virtual_key["spend"] == 0.5
    assert run_module("litellm_key", key_alias=alias, reset_spend="july", **settings).virtual_key["spend"] == 0.0


def test_the_mark_outlives_other_metadata(sandbox, run_module, alias):
    run_module("litellm_key", key_alias=alias, metadata={"a": 1}, reset_spend="june")
    run_module("litellm_key", key_alias=alias, metadata={"b": 2}, metadata_mode="replace")
    assert sandbox.keys(alias)[alias]["metadata"] == {"b": 2, MARK: "june"}


def test_a_new_key_is_only_marked(sandbox, run_module, alias):
    with sandbox.writes() as written:
        run_module("litellm_key", key_alias=alias, reset_spend="june")
    assert written == [("POST", "/key/generate", 200)]
    assert sandbox.keys(alias)[alias]["metadata"] == {MARK: "june"}


def test_a_reset_that_was_interrupted_is_completed(sandbox, run_module, alias):
    key = run_module("litellm_key", key_alias=alias)
    spends(sandbox, key.key_id, 2.5)
    # The spending was reset; before the mark was written, the run was stopped.
    sandbox.call("POST", f"/key/{key.key_id}/reset_spend", {"reset_to": 0}).raise_for_status()
    completed = run_module("litellm_key", key_alias=alias, reset_spend="june")
    assert completed.changed and sandbox.keys(alias)[alias]["metadata"] == {MARK: "june"}
    assert not run_module("litellm_key", key_alias=alias, reset_spend="june").changed


def test_spending_of_many_is_reset(sandbox, run_module, alias):
    keys = [{"key_alias": f"{alias}-{number}", "max_budget": 5} for number in range(5)]
    made = run_module("litellm_keys", virtual_keys=keys)
    for one in made.virtual_keys:
        spends(sandbox, one["key_id"], 3)
    done = run_module("litellm_keys", virtual_keys=keys, defaults={"reset_spend": "june"})
    assert done.summary["update"] == 5
    assert {row["spend"] for row in sandbox.keys(alias).values()} == {0.0}
    assert not run_module("litellm_keys", virtual_keys=keys, defaults={"reset_spend": "june"}).changed


# Values that are replaced for their age


def age(sandbox, alias: str, days: int) -> None:
    sandbox.execute(
        'UPDATE "LiteLLM_VerificationToken" SET created_at = created_at - make_interval(days => %s) '
        "WHERE starts_with(key_alias, %s)",
        days,
        alias,
    )


def test_an_old_value_is_replaced_and_all_else_kept(sandbox, run_module, alias):
    settings = {"rotate_after": "90d", "max_budget": 9, "metadata": {"a": 1}, "model_rpm_limit": {"gpt-4": 7}}
    first = run_module("litellm_key", key_alias=alias, expires_at=at(days=200), **settings)
    spends(sandbox, first.key_id, 2.5)
    age(sandbox, alias, 89)
    with sandbox.writes() as written:
        young = run_module("litellm_key", key_alias=alias, **settings)
    assert not young.changed and young.key is None and written == []

    age(sandbox, alias, 2)
    before = sandbox.keys(alias)[alias]
    with sandbox.writes() as written:
        predicted = run_module("litellm_key", check=True, key_alias=alias, **settings)
    assert predicted.action == "reissue" and written == [] and sandbox.keys(alias)[alias] == before
    replaced = run_module("litellm_key", key_alias=alias, **settings)
    assert replaced.action == "reissue" and replaced.key not in (None, first.key)
    assert answers(sandbox, replaced.key) == 200 and answers(sandbox, first.key) == 401
    rows = sandbox.keys(alias)
    assert list(rows) == [alias]
    assert rows[alias]["metadata"].pop(RETIRED) == [first.key_id]
    for name in ("max_budget", "metadata", "spend"):
        assert rows[alias][name] == before[name], name
    assert abs(rows[alias]["expires"] - before["expires"]) < timedelta(seconds=60)

    with sandbox.writes() as written:
        again = run_module("litellm_key", key_alias=alias, **settings)
    assert not again.changed and written == []


@pytest.mark.parametrize("crashed_after", ["rename", "create"])
def test_a_replacement_that_was_interrupted_ends_with_a_known_value(sandbox, run_module, alias, crashed_after):
    old = run_module("litellm_key", key_alias=alias, max_budget=4)
    age(sandbox, alias, 91)
    waiting = KeyDeclaration(alias=alias, state="present", fields={}).retired_alias
    sandbox.call("POST", "/key/update", {"key": old.key_id, "key_alias": waiting}).raise_for_status()
    if crashed_after == "create":
        sandbox.call("POST", "/key/generate", {"key_alias": alias, "max_budget": 4}).raise_for_status()
    mended = run_module("litellm_key", key_alias=alias, max_budget=4, rotate_after="90d")
    assert mended.action == "reissue" and answers(sandbox, mended.key) == 200
    rows = sandbox.keys(alias)
    assert list(rows) == [alias] and rows[alias]["token"] == mended.key_id and rows[alias]["max_budget"] == 4
    assert not run_module("litellm_key", key_alias=alias, max_budget=4, rotate_after="90d").changed


def test_of_many_only_the_old_are_replaced(sandbox, run_module, alias):
    keys = [{"key_alias": f"{alias}-{number}"} for number in range(6)]
    made = run_module("litellm_keys", virtual_keys=keys)
    for number in (1, 4):
        age(sandbox, f"{alias}-{number}", 32)
    done = run_module("litellm_keys", virtual_keys=keys, defaults={"rotate_after": "1mo"})
    assert [report["action"] for report in done.virtual_keys] == ["none", "reissue", "none", "none", "reissue", "none"]
    for old, new in zip(made.virtual_keys, done.virtual_keys, strict=True):
        assert answers(sandbox, new["key"] or old["key"]) == 200
    assert not run_module("litellm_keys", virtual_keys=keys, defaults={"rotate_after": "1mo"}).changed


@pytest.mark.parametrize(
    "other",
    [
        {"key": "sk-a-value-for-tests-only"},
        {"auto_rotate": True, "rotation_interval": "30d"},
        {"duration": "90d"},
        {"duration": "30d"},
        {"grace": "90d"},
    ],
    ids=str,
)
def test_what_does_not_go_with_an_age_is_refused(sandbox, run_module, alias, other):
    with sandbox.requests_made() as made:
        refused = run_module("litellm_key", key_alias=alias, rotate_after="90d", **other)
    assert refused.failed and "rotate_after" in refused.msg and made == []


def test_the_role_refuses_what_its_default_would_end_in(sandbox, manage):
    with sandbox.requests_made() as made:
        for given in ({"rotate_after": "30d"}, {"rotate_after": "30d", "users": ["ann"], "total_budget": 5}):
            done, _result = manage(**given)
            assert done.rc and made == []
            assert "rotate_after must be shorter than" in done.messages and "duration" in done.messages
    for given in ({"renew_within": "2d"}, {"duration": "60d"}, {"unset": ["expires_at"]}):
        done, _result = manage("--check", rotate_after="30d", **given)
        assert done.rc == 0, done.messages


# Service accounts


@pytest.fixture
def team(sandbox) -> Iterator[str]:
    name = f"team-{secrets.token_hex(4)}"
    sandbox.call("POST", "/team/new", {"team_id": name}).raise_for_status()
    yield name
    sandbox.call("POST", "/team/delete", {"team_ids": [name]}).raise_for_status()


@pytest.mark.parametrize("how", [{"value_policy": "reissue"}, {"rotate_after": "90d"}], ids=["policy", "age"])
def test_a_service_account_gets_a_new_value(
    sandbox, run_module: Callable[..., Any], alias: str, team: str, how: dict[str, str]
):
    settings = {"service_account_id": alias, "team_id": team, "max_budget": 3, "metadata": {"a": 1}}
    made = run_module("litellm_key", **settings)
    assert made.key_alias == alias
    before = sandbox.keys(alias)[alias]
    assert before["metadata"] == {"a": 1, "service_account_id": alias} and before["user_id"] is None
    assert not run_module("litellm_key", **settings).changed
    age(sandbox, alias, 91)
    with sandbox.writes() as written:
        new = run_module("litellm_key", **settings, **how)
    assert new.action == "reissue" and new.key != made.key
    assert ("POST", "/key/service-account/generate", 200) in written
    after = sandbox.keys(alias)
    assert list(after) == [alias]
    assert after[alias]["metadata"].pop(RETIRED) == [made.key_id]
    for name in ("metadata", "team_id", "user_id", "max_budget", "models"):
        assert after[alias][name] == before[name], name
    assert answers(sandbox, new.key) == 200 and answers(sandbox, made.key) == 401


# A grace for the old value

ROTATING = {"rotate_after": "90d", "grace": "1h", "max_budget": 9}
SEED = {"key_seed": "a seed for tests only, of 32 characters and more"}
PAST = "UPDATE \"LiteLLM_VerificationToken\" SET expires = now() - interval '1 minute' WHERE token = %s"


def test_an_old_value_goes_on_for_its_grace_and_is_then_removed(sandbox, run_module, alias):
    old = run_module("litellm_key", key_alias=alias, **ROTATING)
    spends(sandbox, old.key_id, 2.5)
    age(sandbox, alias, 91)
    predicted = run_module("litellm_key", check=True, key_alias=alias, **ROTATING)
    new = run_module("litellm_key", key_alias=alias, **ROTATING)
    assert not new.failed and predicted.action == new.action == "reissue", new.msg
    assert answers(sandbox, old.key) == answers(sandbox, new.key) == 200
    waiting = KeyDeclaration(alias=alias, state="present", fields={}).retired_alias
    rows = sandbox.keys(alias)
    assert {name: row["token"] for name, row in rows.items()} == {alias: new.key_id, waiting: old.key_id}
    left = rows[waiting]["expires"].replace(tzinfo=UTC) - datetime.now(UTC)
    assert timedelta(minutes=50) < left <= timedelta(hours=1)
    assert rows[alias]["expires"] is None and (rows[alias]["spend"], rows[alias]["max_budget"]) == (2.5, 9.0)
    found = run_module("litellm_key_info", key_ids=[old.key_id, new.key_id]).virtual_keys
    assert {key["key_id"]: key["replaced_by"] for key in found} == {old.key_id: new.key_id, new.key_id: None}
    with sandbox.writes() as written:
        assert not run_module("litellm_key", key_alias=alias, **ROTATING).changed
    assert written == [] and "litellm_vkey_grace" not in str(new.virtual_key)

    sandbox.execute(PAST, old.key_id)
    forget(sandbox, old.key_id, waiting)
    expired = 400 if too_old(sandbox, "1.90.0") else 401
    assert (answers(sandbox, old.key), answers(sandbox, new.key)) == (expired, 200)  # without another run
    ended = run_module("litellm_key", key_alias=alias, **ROTATING)
    assert (ended.action, list(sandbox.keys(alias))) == ("update", [alias])
    assert f"key {alias}" not in str(ended.values.get("warnings"))
    assert not run_module("litellm_key", key_alias=alias, **ROTATING).changed


@pytest.mark.parametrize("seed", [{}, SEED], ids=["random", "derived"])
@pytest.mark.parametrize("why", ["note", "policy", "age"])
def test_at_most_one_old_value_works_and_none_after_a_leak(sandbox, run_module, alias, why, seed):
    options = {**ROTATING, **seed}
    first = run_module("litellm_key", key_alias=alias, **options)
    age(sandbox, alias, 91)
    second = run_module("litellm_key", key_alias=alias, **options)
    assert second.action == "reissue", second.msg
    if why == "age":
        age(sandbox, alias, 91)
    asked = {"note": {"reissue": "leaked"}, "policy": {"value_policy": "reissue", "key_version": 7}, "age": {}}[why]
    third = run_module("litellm_key", key_alias=alias, **{**options, **asked})
    assert not third.failed and third.action == "reissue", third.msg
    works = [answers(sandbox, one.key) == 200 for one in (first, second, third)]
    assert works == [False, why == "age", True]


def test_a_seed_alone_finds_the_value_after_rotations(sandbox, run_module, alias):
    values = [run_module("litellm_key", key_alias=alias, **ROTATING, **SEED).key]
    for version in (2, 3):
        age(sandbox, alias, 91)
        predicted = run_module("litellm_key", check=True, key_alias=alias, **ROTATING, **SEED)
        done = run_module("litellm_key", key_alias=alias, **ROTATING, **SEED)
        assert done.action == predicted.action == "reissue" and predicted.diff["after"]["key_version"] == version
        assert done.virtual_key["key_version"] == version
        values.append(done.key)
        with sandbox.writes() as written:
            elsewhere = run_module("litellm_key", key_alias=alias, **SEED)
            assert not run_module("litellm_key", key_alias=alias, **ROTATING, **SEED).changed
        assert elsewhere.key == done.key and not elsewhere.changed and written == []
    assert [answers(sandbox, value) for value in values] == [401, 200, 200]


@pytest.mark.parametrize("left", [{"hours": 12}, {"days": -3}], ids=["soon", "expired"])
def test_one_run_renews_and_rotates(sandbox, run_module, alias, left):
    options = {**ROTATING, "duration": "120d", "renew_within": "1d"}
    old = run_module("litellm_key", key_alias=alias, **options)
    age(sandbox, alias, 119)
    end = datetime.now(UTC) + timedelta(**left)
    sandbox.execute('UPDATE "LiteLLM_VerificationToken" SET expires = %s WHERE token = %s', end, old.key_id)
    done = run_module("litellm_key", key_alias=alias, **options)
    assert done.action == "reissue" and answers(sandbox, done.key) == 200, done.msg
    row = sandbox.keys(alias)[alias]
    assert timedelta(days=119) < row["expires"].replace(tzinfo=UTC) - datetime.now(UTC) <= timedelta(days=120)
    assert (len(sandbox.keys(alias)) == 2) is ("hours" in left)
    with sandbox.writes() as written:
        assert not run_module("litellm_key", key_alias=alias, **options).changed
    assert written == []


def test_an_expired_key_without_renewal_is_not_rotated(sandbox, run_module, alias):
    old = run_module("litellm_key", key_alias=alias, **ROTATING)
    age(sandbox, alias, 91)
    sandbox.execute(PAST, old.key_id)
    with sandbox.writes() as written:
        done = run_module("litellm_key", key_alias=alias, **ROTATING)
    assert not done.changed and written == [] and "Renew it with renew_within" in str(done.warnings)


def test_spending_stays_one_sum(sandbox, run_module, alias):
    old = run_module("litellm_key", key_alias=alias, **ROTATING)
    spends(sandbox, old.key_id, 2)
    age(sandbox, alias, 91)
    new = run_module("litellm_key", key_alias=alias, **ROTATING)
    spends(sandbox, old.key_id, 2.5)
    spends(sandbox, new.key_id, 3)
    (during,) = run_module("litellm_key_info", key_aliases=[alias]).virtual_keys
    assert (during["spend"], during["old_value_spend"], during["value_age_days"]) == (3.0, 0.5, 0)
    assert during["old_value_until"] > at()[:19]
    sandbox.execute(PAST, old.key_id)
    predicted = run_module("litellm_key", check=True, key_alias=alias, **ROTATING)
    ended = run_module("litellm_key", key_alias=alias, **ROTATING)
    assert predicted.diff == ended.diff and ended.diff["after"]["spend"] == 3.5
    assert predicted.virtual_key["spend"] == ended.virtual_key["spend"] == 3.5
    rows = sandbox.keys(alias)
    assert list(rows) == [alias] and rows[alias]["spend"] == 3.5
    (after,) = run_module("litellm_key_info", key_aliases=[alias]).virtual_keys
    assert (after["spend"], after["old_value_spend"], after["old_value_until"]) == (3.5, 0.0, None)
    # What both spent counts for the budget of 9.
    spends(sandbox, new.key_id, 9.5)
    assert answers(sandbox, new.key) not in (200, 401, 500)


@pytest.mark.long
def test_what_requests_with_both_values_cost_is_one_sum(sandbox, run_module, alias):
    """Nothing is lost of what LiteLLM writes down later, nor of requests while the old key is removed."""
    options = {"rotate_after": "90d", "grace": "1h"}
    old = run_module("litellm_key", key_alias=alias, **options)
    asked = [answers(sandbox, value) for value in [old.key] * 3]
    age(sandbox, alias, 91)
    new = run_module("litellm_key", key_alias=alias, **options)
    asked += [answers(sandbox, value) for value in [old.key, new.key] * 3]

    def wait_for(requests: int) -> None:
        """Wait until LiteLLM has written down each request, and look whether that is what the key has spent."""
        query = 'SELECT count(*) AS number, sum(spend) AS cost FROM "LiteLLM_SpendLogs" WHERE api_key = ANY(%s)'
        end = time.monotonic() + 120
        while True:
            (logged,) = sandbox.rows(query, [old.key_id, new.key_id])
            (key,) = run_module("litellm_key_info", key_aliases=[alias]).virtual_keys
            spent = key["spend"] + key["old_value_spend"]
            if logged["number"] == requests and spent == pytest.approx(logged["cost"]):
                return
            assert time.monotonic() < end, (logged, spent)
            time.sleep(1)

    wait_for(9)
    sandbox.execute(PAST, old.key_id)
    with ThreadPoolExecutor(2) as pool:
        meanwhile = [pool.submit(answers, sandbox, value) for value in [new.key] * 20]
        assert run_module("litellm_key", key_alias=alias, **options).action == "update"
        asked += [one.result() for one in meanwhile]
    assert set(asked) == {200} and list(sandbox.keys(alias)) == [alias]
    wait_for(29)


def test_a_grace_ends_with_the_key_itself_and_with_its_deletion(sandbox, run_module, alias):
    options = {**ROTATING, "grace": "30d", "expires_at": at(days=2)}
    old = run_module("litellm_key", key_alias=alias, **options)
    age(sandbox, alias, 91)
    assert run_module("litellm_key", key_alias=alias, **options).action == "reissue"
    rows = {row["token"]: row for row in sandbox.keys(alias).values()}
    assert rows[old.key_id]["expires"].replace(tzinfo=UTC) - datetime.now(UTC) < timedelta(days=2, minutes=1)
    assert run_module("litellm_key", key_alias=alias, state="absent").action == "delete"
    assert sandbox.keys(alias) == {}
    with sandbox.writes() as written:
        assert not run_module("litellm_key", key_alias=alias, state="absent").changed
    assert written == []
