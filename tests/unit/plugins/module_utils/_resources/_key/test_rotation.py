# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values that are replaced for their age, and the old ones, which go on for a grace."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._batch import converge
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._engine import Outcome
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._errors import InputError
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._key._declaration import (
    declare,
    derived_value,
)
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._key._store import KeyStore
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._key._table import public_view
from ansible_collections.litemaas.virtual_keys.tests.unit.fake_litellm import NOW, FakeLiteLLM, token_of
from hypothesis import given, settings
from hypothesis import strategies as st

from .test_ledger import Killed, Ledger, Mortal

SEED = "a seed of at least thirty-two characters"
ROTATING = {"rotate_after": "2d", "grace": "1d"}
SEEDED = {**ROTATING, "key_seed": SEED}
RETIRED = declare({"key_alias": "a"}).retired_alias
EXPIRED = {"expires": (NOW - timedelta(days=1)).isoformat()}


def run(client: Any, ledger: Ledger | None = None, **options: Any) -> Outcome:
    store = KeyStore(client, secret="sk-unit-master-key", sleep=client.sleep, ledger=ledger)
    (outcome,) = converge(store, [declare({"key_alias": "a", **options})])
    return outcome


def unchanged(proxy: FakeLiteLLM, **options: Any) -> None:
    before = len(proxy.writes)
    assert run(proxy, **options).action == "none" and len(proxy.writes) == before


def older(proxy: FakeLiteLLM, **by: int) -> None:
    """Let time pass for all keys."""
    for row in proxy.keys.values():
        for name in ("created_at", "updated_at", "expires"):
            if row.get(name):
                moment = row[name].replace("Z", "+00:00")
                row[name] = (NOW.fromisoformat(moment) - timedelta(**by)).isoformat()


def old_keys(proxy: FakeLiteLLM) -> list[dict[str, Any]]:
    return [row for row in proxy.keys.values() if row["key_alias"] == RETIRED]


def value(version: int, note: str = "") -> str:
    return derived_value(SEED, "a", version, note)


# What cannot work


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"rotate_after": "30d", "duration": "30d"}, "rotate_after must be shorter than duration"),
        ({"rotate_after": "31d", "duration": "30d"}, "rotate_after must be shorter than duration"),
        ({"rotate_after": "30d", "duration": "1mo"}, "rotate_after must be shorter than duration"),
        ({"rotate_after": "1mo", "duration": "30d"}, "rotate_after must be shorter than duration"),
        ({"rotate_after": "30d", "duration": "30d", "key_seed": SEED}, "rotate_after must be shorter than duration"),
        ({"rotate_after": "1d", "grace": "24h"}, "grace must be shorter than rotate_after"),
        ({"rotate_after": "1d", "grace": "2d"}, "grace must be shorter than rotate_after"),
        ({"grace": "2d"}, "grace requires rotate_after"),
    ],
)
def test_what_would_end_in_an_outage_is_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        declare({"key_alias": "a", **options})


@pytest.mark.parametrize(
    "options",
    [
        {"duration": "30d", "renew_within": "2d"},
        {"duration": "31d"},
        {"duration": ""},
        {"expires_at": "2031-01-01T00:00:00Z"},
        {"grace": "29d"},
        {"value_policy": "reissue", "grace": "1d"},
    ],
)
def test_what_works_is_not_refused(options: dict[str, Any]) -> None:
    assert declare({"key_alias": "a", "rotate_after": "30d", **options}).rotate_after == "30d"


# With a seed


def test_the_version_follows_by_itself_and_the_seed_alone_finds_the_value() -> None:
    proxy = FakeLiteLLM()
    assert run(proxy, **SEEDED).value == value(1)
    for version in (2, 3):
        older(proxy, hours=12)
        unchanged(proxy, **SEEDED)
        older(proxy, days=2)
        outcome = run(proxy, **SEEDED)
        assert (outcome.action, outcome.value) == ("reissue", value(version))
        assert outcome.plan.diff["after"]["key_version"] == public_view(proxy.only("a"))["key_version"] == version
        assert [row["token"] for row in old_keys(proxy)] == [token_of(value(version - 1))]
        # Another machine knows the seed, and neither the version nor the age.
        assert run(proxy, key_seed=SEED).value == value(version)
    assert outcome.plan.diff["before"]["key_version"] == 2


def test_a_declared_version_counts_until_a_later_one_is_noted() -> None:
    proxy = FakeLiteLLM()
    declared = {**SEEDED, "key_version": 5}
    assert run(proxy, **declared).value == value(5)
    older(proxy, days=3)
    assert run(proxy, **declared).value == value(6)
    unchanged(proxy, **{**SEEDED, "key_version": 1})
    later = {**SEEDED, "key_version": 9, "value_policy": "reissue"}
    assert run(proxy, **later).value == value(9)
    assert old_keys(proxy) == []  # that was no rotation
    older(proxy, days=3)
    assert run(proxy, **later).value == value(10)


def test_no_version_comes_back() -> None:
    proxy = FakeLiteLLM()
    run(proxy, key_seed=SEED, key_version=3)
    run(proxy, key_seed=SEED, key_version=2, value_policy="reissue")
    older(proxy, days=3)
    # The third was replaced earlier.
    assert run(proxy, **SEEDED, key_version=2).value == value(4)


def test_a_leak_is_replaced_by_its_note_and_later_rotations_go_on_from_there() -> None:
    proxy = FakeLiteLLM()
    run(proxy, **SEEDED)
    older(proxy, days=3)
    run(proxy, **SEEDED)
    leaked = {**SEEDED, "reissue": "leaked"}
    assert run(proxy, **leaked).value == value(2, "leaked") and old_keys(proxy) == []
    unchanged(proxy, **leaked)
    unchanged(proxy, **SEEDED)
    older(proxy, days=3)
    assert run(proxy, **SEEDED).value == value(3, "leaked")


@pytest.mark.parametrize("policy", ["fail", "keep", "reissue"])
def test_a_value_of_another_seed_is_the_policys_matter(policy: str) -> None:
    proxy = FakeLiteLLM()
    proxy.add("a", age=3 * 86400)
    if policy == "fail":
        with pytest.raises(InputError, match="another value than the declared one"):
            run(proxy, **SEEDED)
        assert proxy.writes == []
    else:
        outcome = run(proxy, **SEEDED, value_policy=policy)
        assert (outcome.action, outcome.value) == ("reissue", value(1)) and len(old_keys(proxy)) == 1


@given(killed=st.lists(st.tuples(st.integers(1, 6), st.booleans(), st.booleans()), max_size=6))
@settings(deadline=None, max_examples=300)
def test_any_number_of_killed_runs_loses_no_value(killed: list[tuple[int, bool, bool]]) -> None:
    """Each dies at some write, before or after it is carried out; with or without time between them."""
    proxy = FakeLiteLLM()
    run(proxy, **SEEDED)
    first = proxy.only("a")["token"]
    for writes, carried_out, later in killed:
        if later:
            older(proxy, days=3)
        with suppress(Killed):
            run(Mortal(proxy, writes, carried_out), **SEEDED)
        assert len(old_keys(proxy)) <= 1
        assert any(token in proxy.keys for token in map(token_of, map(value, range(1, 9))))
    outcome = run(proxy, **SEEDED)
    assert outcome.value and proxy.only("a")["token"] == token_of(outcome.value)
    assert all(row["expires"] for row in old_keys(proxy))
    assert run(proxy, key_seed=SEED).value == outcome.value
    assert killed or proxy.only("a")["token"] == first


# What was replaced for another reason than its age


@pytest.mark.parametrize("keeping", ["file", "seed", "neither"])
@pytest.mark.parametrize("carried_out", [False, True])
@pytest.mark.parametrize("writes", [1, 2, 3, 4])
def test_a_leaked_value_never_goes_on_wherever_its_replacement_is_killed(
    writes: int, carried_out: bool, keeping: str
) -> None:
    proxy, ledger = FakeLiteLLM(), Ledger() if keeping == "file" else None
    options = SEEDED if keeping == "seed" else ROTATING
    first = run(proxy, ledger, **options).value
    older(proxy, days=3)
    second = run(proxy, ledger, **options).value
    older(proxy, hours=1)
    with suppress(Killed):
        run(Mortal(proxy, writes, carried_out), ledger, **options, reissue="leaked")
    older(proxy, minutes=6)
    # A later run does not know of the leak; a value that nobody knows is replaced once more.
    outcome = run(proxy, ledger, **options, **({"value_policy": "reissue"} if keeping == "neither" else {}))
    assert outcome.error is None
    if "leaked" in str(proxy.only("a")["metadata"]) or outcome.value != second:
        assert not {token_of(str(first)), token_of(str(second))} & set(proxy.keys)
    assert outcome.value and proxy.only("a")["token"] == token_of(outcome.value)


@pytest.mark.parametrize("rotation_first", [True, False])
def test_a_leak_counts_although_the_value_is_old_and_runs_are_killed(rotation_first: bool) -> None:
    proxy, ledger = FakeLiteLLM(), Ledger()
    old = run(proxy, ledger, **ROTATING).value or ""
    older(proxy, days=3)
    if rotation_first:  # its old key waits for the grace when the leak is replaced
        with pytest.raises(Killed):
            run(Mortal(proxy, 1, True), ledger, **ROTATING)
        older(proxy, minutes=6)
    with pytest.raises(Killed):
        run(Mortal(proxy, 2 if rotation_first else 1, True), ledger, **ROTATING, reissue="leaked")
    older(proxy, minutes=6)
    outcome = run(proxy, ledger, **ROTATING)
    assert outcome.error is None and outcome.value and list(proxy.keys) == [token_of(outcome.value)]
    assert token_of(old) not in proxy.keys


def test_a_policy_that_replaces_ends_the_value_and_the_one_in_its_grace() -> None:
    proxy = FakeLiteLLM()
    run(proxy, **ROTATING)
    older(proxy, days=3)
    run(proxy, **ROTATING)
    older(proxy, hours=1)
    assert len(proxy.keys) == 2
    outcome = run(proxy, **ROTATING, value_policy="reissue")
    assert list(proxy.keys) == [token_of(outcome.value or "")]


def test_a_policy_beside_a_file_leaves_the_grace_alone() -> None:
    proxy, ledger = FakeLiteLLM(), Ledger()
    standing = {**ROTATING, "value_policy": "reissue"}
    run(proxy, ledger, **standing)
    assert run(proxy, ledger, **standing).action == "none"
    older(proxy, days=3)
    assert run(proxy, ledger, **standing).action == "reissue" and len(old_keys(proxy)) == 1


@pytest.mark.parametrize("by", ["alias", "id"])
@pytest.mark.parametrize("how", [{"blocked": True}, {"state": "absent"}], ids=["blocked", "absent"])
def test_a_key_stops_together_with_its_old_value(by: str, how: dict[str, Any]) -> None:
    proxy = FakeLiteLLM()
    run(proxy, **ROTATING)
    older(proxy, days=3)
    run(proxy, **ROTATING)
    (old,) = old_keys(proxy)
    old["spend"] = 1.5
    named = {"key_alias": "a"} if by == "alias" else {"key_id": proxy.only("a")["token"]}
    options = {**named, **how}
    state = options.pop("state", "present")
    store = KeyStore(proxy, secret="sk-unit-master-key", sleep=proxy.sleep)
    (outcome,) = converge(store, [declare(options, state)])
    assert outcome.error is None and old_keys(proxy) == []
    assert (proxy.aliases() == []) is (state == "absent")
    if state == "present":
        assert (proxy.only("a")["blocked"], proxy.only("a")["spend"]) == (True, 1.5)


# With an expiry


@pytest.mark.parametrize("options", [{}, {"key_seed": SEED}])
def test_an_expired_key_is_renewed_and_rotated_in_one_run(options: dict[str, Any]) -> None:
    proxy = FakeLiteLLM()
    options = {**ROTATING, **options, "duration": "9d", "renew_within": "1d"}
    run(proxy, **options)
    older(proxy, days=20)
    outcome = run(proxy, **options)
    assert (outcome.action, outcome.error) == ("reissue", None)
    assert proxy.only("a")["expires"] == (NOW + timedelta(days=9)).isoformat()
    assert old_keys(proxy) == []  # it had ended already
    unchanged(proxy, **options)


def test_a_key_that_expires_soon_is_renewed_and_rotated_in_one_run() -> None:
    proxy = FakeLiteLLM()
    options = {**ROTATING, "duration": "9d", "renew_within": "2d"}
    run(proxy, **options)
    older(proxy, days=8)
    assert run(proxy, **options).action == "reissue"
    assert proxy.only("a")["expires"] == (NOW + timedelta(days=9)).isoformat()
    (old,) = old_keys(proxy)
    assert old["expires"] == (NOW + timedelta(days=1)).isoformat()


def test_an_expired_key_that_is_not_renewed_is_not_rotated() -> None:
    proxy = FakeLiteLLM()
    proxy.add("a", age=9 * 86400, **EXPIRED)
    outcome = run(proxy, **ROTATING)
    assert (outcome.action, outcome.error, proxy.writes) == ("none", None, [])
    assert "Renew it with renew_within or expires_at" in outcome.warnings[0].replace("O(", "").replace(")", "")


# Spending


@pytest.mark.parametrize("killed", [None, 1, 2])
def test_what_the_old_value_spent_in_its_grace_is_added_once(killed: int | None) -> None:
    proxy = FakeLiteLLM()
    run(proxy, **ROTATING)
    proxy.only("a")["spend"] = 2.0
    older(proxy, days=3)
    run(proxy, **ROTATING)
    (old,) = old_keys(proxy)
    assert (proxy.only("a")["spend"], old["spend"]) == (2.0, 2.0)
    old["spend"], proxy.only("a")["spend"] = 2.5, 3.0
    unchanged(proxy, **ROTATING)
    older(proxy, days=1)
    if killed:
        with pytest.raises(Killed):
            run(Mortal(proxy, killed, True), **ROTATING)
    outcome = run(proxy, **ROTATING)
    assert (old_keys(proxy), proxy.only("a")["spend"]) == ([], 3.5)
    if killed != 2:
        assert outcome.action == "update" and "litellm_vkey" not in str(public_view(outcome.record or {})["metadata"])
    if killed is None:
        assert (outcome.plan.diff["before"]["spend"], outcome.plan.diff["after"]["spend"]) == (3.0, 3.5)
    unchanged(proxy, **ROTATING)


def test_a_further_rotation_takes_along_what_the_last_old_value_spent() -> None:
    proxy = FakeLiteLLM()
    run(proxy, **ROTATING)
    older(proxy, days=3)
    run(proxy, **ROTATING)
    old_keys(proxy)[0]["spend"] = 1.5
    older(proxy, days=3)
    assert run(proxy, **ROTATING).action == "reissue"
    assert proxy.only("a")["spend"] == 1.5 and len(old_keys(proxy)) == 1
