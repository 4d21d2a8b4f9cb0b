# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with declarations, alone and together, and which default an item leaves room for."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._errors import InputError
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._key._declaration import (
    EXCLUSIVE,
    KeyDeclaration,
    conflicts,
    declare,
    with_defaults,
)
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._key._table import KEY
from hypothesis import given
from hypothesis import strategies as st

SEED = "a seed of at least thirty-two characters"
VALUE = "sk-0123456789abcdef"
SOON = "2031-01-01T00:00:00Z"
RAISE = {"temp_budget_increase": 1.0, "temp_budget_expiry": SOON}


def want(alias: str = "a", **options: Any) -> KeyDeclaration:
    return declare({"key_alias": alias, **options}, options.pop("state", "present"))


# Alone


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"metadata": {"a": [float("nan")]}}, "metadata: must be a finite number."),
        ({"metadata": {"a": "b\0"}}, "metadata: must not contain a NUL character."),
        ({"metadata": {"a": 2**64}}, "metadata: 18446744073709551616 has more than 64 bits"),
        ({"config": {"a": float("inf")}}, "config: must be a finite number."),
        ({"max_budget": float("nan")}, "max_budget: must be a finite number."),
        ({"model_max_budget": {"m": {"budget_limit": float("inf")}}}, "model_max_budget: must be a finite number."),
        ({"budget_limits": [{"max_budget": float("nan"), "budget_duration": "1d"}]}, "must be a finite number."),
        (
            {"budget_limits": [{"max_budget": -5, "budget_duration": "1d"}]},
            "budget_limits: max_budget must not be negative.",
        ),
        (
            {"budget_limits": [{"max_budget": 5, "budget_duration": "bogus"}]},
            "budget_limits: budget_duration 'bogus' is not a duration",
        ),
        ({"temp_budget_increase": float("inf"), "temp_budget_expiry": SOON}, "must be a finite number."),
        ({"max_parallel_requests": 2**31}, "max_parallel_requests: must not be above 2147483647."),
        ({"tpm_limit": 2**63}, "tpm_limit: must not be above 9223372036854775807."),
        ({"rpm_limit": -1}, "rpm_limit: must not be negative."),
        ({"metadata": {"a": "\ud800"}}, "metadata: must not contain a lone surrogate"),
        ({"user_id": "a\ud800"}, "user_id: must not contain a lone surrogate"),
        ({"key": f"{VALUE}\ud800"}, "key must not contain a lone surrogate"),
        ({"key_seed": f"{SEED}\udfff"}, "key_seed must not contain a lone surrogate"),
    ],
)
def test_what_no_server_can_keep_is_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError) as caught:
        want(**options)
    assert words in str(caught.value)


@pytest.mark.parametrize("alias", ["..", "../a", "a/..", "a/../b", "a\x85", "a\x9f", "\u2028a", "a\u2029b", "a\ud800"])
@pytest.mark.parametrize("state", ["present", "absent"])
def test_an_alias_that_no_proxy_takes_is_refused(alias: str, state: str) -> None:
    with pytest.raises(InputError, match=r"^key_alias: must not contain"):
        declare({"key_alias": alias}, state)


@pytest.mark.parametrize("alias", ["a..b", ".", "a/./b", "a/b", " a", "Jörg", "a?b#c", "a\\..\\b", "\u200b"])
def test_an_alias_that_proxies_take_is_taken(alias: str) -> None:
    assert want(alias).alias == alias


# A default yields


@pytest.mark.parametrize(
    ("item", "defaults", "left"),
    [
        ({"expires_at": SOON}, {"duration": "1d", "renew_within": "1h"}, {}),
        ({"unset": ["expires_at"]}, {"duration": "1d", "renew_within": "1h"}, {}),
        ({"duration": "1d"}, {"expires_at": SOON}, {}),
        ({"duration": "1d"}, {"renew_within": "1h"}, {"renew_within": "1h"}),
        ({"duration": "1d"}, {"unset": ["expires_at", "user_id"]}, {"unset": ["user_id"]}),
        ({"duration": ""}, {"duration": "1d", "renew_within": "1h"}, {}),
        ({"max_budget": 0}, {"unset": ["max_budget"]}, {"unset": []}),
        ({"blocked": False}, {"unset": ["blocked"]}, {"unset": []}),
        ({"unset": ["max_budget"]}, {"max_budget": 1, "user_id": "u"}, {"user_id": "u"}),
        ({"key": VALUE}, {"key_seed": SEED, "rotate_after": "1d", "grace": "1h"}, {}),
        ({"key_seed": SEED}, {"key": VALUE, "rotate_after": "1d"}, {"rotate_after": "1d"}),
        ({"rotate_after": "1d"}, {"value_policy": "keep"}, {"value_policy": "keep"}),
        ({"auto_rotate": True, "rotation_interval": "1d"}, {"rotate_after": "1d", "grace": "1h"}, {}),
        ({"soft_budget": 1}, {"budget_id": "b"}, {}),
        ({"budget_id": "b"}, {"soft_budget": 1}, {}),
        ({"key_type": "management"}, {"allowed_routes": ["/x"]}, {}),
        ({"key_type": "default"}, {"allowed_routes": ["/x"]}, {"allowed_routes": ["/x"]}),
        ({"auto_rotate": False}, {"auto_rotate": True, "rotation_interval": "1d"}, {}),
        ({"unset": ["rotation_interval"]}, {"auto_rotate": True, "rotation_interval": "1d"}, {}),
        ({"user_id": None}, {"user_id": "u"}, {"user_id": "u"}),
        ({"unset": ["temp_budget_increase", "temp_budget_expiry"]}, RAISE, {}),
    ],
)
def test_a_default_that_contradicts_an_item_yields(
    item: dict[str, Any], defaults: dict[str, Any], left: dict[str, Any]
) -> None:
    merged = with_defaults(item, defaults)
    given = {name: value for name, value in item.items() if value is not None}
    assert merged == {**left, **given}
    declare({"key_alias": "a", **merged})


@pytest.mark.parametrize(
    ("item", "merged"),
    [
        ({"metadata": {"own": 1}}, {"own": 1, "mark": "x", "room": 1}),
        ({"metadata": {"own": 1, "room": None}}, {"own": 1, "mark": "x", "room": None}),
        ({"metadata": {}, "metadata_mode": "replace"}, {"mark": "x", "room": 1}),
        ({}, {"mark": "x", "room": 1}),
        ({"unset": ["metadata"]}, None),
    ],
)
def test_the_entries_of_metadata_that_an_item_does_not_set_are_those_of_the_defaults(
    item: dict[str, Any], merged: dict[str, Any] | None
) -> None:
    assert with_defaults(item, {"metadata": {"mark": "x", "room": 1}}).get("metadata") == merged
    assert with_defaults(item, {}).get("metadata") == item.get("metadata")


def test_defaults_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(InputError, match="mutually exclusive"):
        declare(with_defaults({"key_alias": "a"}, {"expires_at": SOON, "duration": "1d"}))


CHOICES: dict[str, Any] = {
    "expires_at": st.just(SOON),
    "duration": st.just("7d"),
    "renew_within": st.just("1d"),
    "soft_budget": st.sampled_from([0, 1.5]),
    "budget_id": st.just("b"),
    "key_type": st.sampled_from(["default", "management"]),
    "allowed_routes": st.sampled_from([[], ["/x"]]),
    "key": st.just(VALUE),
    "key_id": st.just("a" * 64),
    "reissue": st.just("leaked"),
    "key_seed": st.just(SEED),
    "rotate_after": st.just("3d"),
    "grace": st.just("1d"),
    "value_policy": st.sampled_from(["keep", "fail", "reissue"]),
    "auto_rotate": st.booleans(),
    "rotation_interval": st.just("30d"),
    "max_budget": st.just(1),
    "unset": st.lists(st.sampled_from(["expires_at", "soft_budget", "budget_id", "rotation_interval", "max_budget"])),
}
some = st.fixed_dictionaries({}, optional=CHOICES)


def is_right(options: dict[str, Any]) -> bool:
    try:
        declare({"key_alias": "a", **options})
    except InputError:
        return False
    return True


@given(some.filter(is_right), some.filter(is_right))
def test_a_right_item_stays_right_with_right_defaults(item: dict[str, Any], defaults: dict[str, Any]) -> None:
    merged = with_defaults(item, defaults)
    assert {name: merged[name] for name in item} == item
    assert is_right(merged), merged


def test_every_option_of_the_rules_exists() -> None:
    known = {row.name for row in KEY.fields} | set(CHOICES)
    assert {name for one, other, _reason in EXCLUSIVE for name in (one, other)} <= known


# Together


def test_an_alias_and_its_own_retired_name_are_not_declared_together() -> None:
    first = want("a")
    second = want(first.retired_alias)
    assert list(conflicts([first, second]).values()) == [[first.retired_alias]]
    assert conflicts([first]) == conflicts([second]) == {}


def test_a_value_is_declared_once() -> None:
    both = [want("a", key=VALUE), want("b", key=VALUE), want("c", key=f"{VALUE}x"), want("d")]
    found = conflicts(both)
    assert list(found.values()) == [["a", "b"]]
    assert VALUE not in str(found)
    assert conflicts([want("a", key_seed=SEED), want("b", key_seed=SEED)]) == {}
    assert conflicts([want("a", key=VALUE), want("b", key=VALUE, state="absent")]) == {}


def test_a_declaration_shows_neither_its_value_nor_what_it_declares() -> None:
    shown = repr(want(key=VALUE, metadata={"logging": [{"callback_vars": {"a": "s3cret"}}]}))
    assert VALUE not in shown
    assert "s3cret" not in shown
