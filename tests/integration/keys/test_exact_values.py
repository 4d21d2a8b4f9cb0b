# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is declared is what a real LiteLLM has, to the last digit; what it cannot keep is refused in check mode already.

Of each pair of values that differ, the second is written over the first; of each value, a second run writes nothing.
"""

from __future__ import annotations

import hashlib
import json
from decimal import Decimal
from typing import Any

import pytest

# Pairs of which a careless comparison takes one for the other.
PAIRS: list[tuple[Any, Any]] = [
    (1735689600, 1735689601),
    (2**53, 2**53 + 1),
    (2**53 + 1, float(2**53)),
    (2**63 - 1, 2**63 - 2),
    (-(2**63), -(2**63) + 1),
    (2**64 - 1, 2**63),
    (0, False),
    (1, True),
    (0, None),
    (False, None),
    ("", None),
    ([], None),
    ({}, []),
    ("1", 1),
    ("true", True),
    (0.3, 0.1 + 0.2),
    (0.1, 0.1 + 1e-17 + 2e-17),
    (1 / 3, 0.333333333333333),
    (1e22, 1.0000000000000002e22),
    (1.0000000000000002e17, 1e17),
    (1e300, 1.1e300),
    (5e-324, 0),
    (-0.5, 0.5),
    (1e-7, 1.0000001e-7),
    ([1, 2], [2, 1]),
    ([1], [1, 1]),
    ({"a": None}, {}),
    ({"a": [{"b": 2**60}]}, {"a": [{"b": 2**60 + 1}]}),
    ("a", "a "),
    ("é", "e\u0301"),
    ("\u2028", "\x85"),
]
# The same number, however it is written.
SAME: list[tuple[Any, Any]] = [(1, 1.0), (0, -0.0), (10**16, 1e16), (100000000000000020, 1.0000000000000002e17)]
MAPPINGS = ("metadata", "config")


@pytest.fixture
def keys(sandbox, run_module, alias):
    """Declares a key for each value, in both mappings, and tells which were changed and how many writes it took."""

    def run(values: list[Any], check: bool = False) -> tuple[list[bool], int]:
        items = [
            {"key_alias": f"{alias}-{number}", **{name: {"v": value} for name in MAPPINGS}}
            for number, value in enumerate(values)
        ]
        with sandbox.writes() as written:
            done = run_module("litellm_keys", check=check, virtual_keys=items)
        assert not done.failed, done.msg
        return [one["changed"] for one in done.virtual_keys], len(written)

    return run


def test_every_difference_is_written_once(sandbox, keys, alias):
    first, second = ([pair[side] for pair in PAIRS] for side in (0, 1))
    every, none = [True] * len(PAIRS), [False] * len(PAIRS)
    assert keys(first)[0] == every
    assert keys(first) == (none, 0)
    for values in (second, first):
        assert keys(values, check=True) == (every, 0)
        changed, writes = keys(values)
        assert ([PAIRS[n] for n, one in enumerate(changed) if not one], writes) == ([], len(PAIRS))
        assert keys(values) == (none, 0)
        rows = sandbox.keys(alias)
        for number, value in enumerate(values):
            for name in MAPPINGS:
                assert same(rows[f"{alias}-{number}"][name]["v"], value), value


def same(stored: Any, value: Any) -> bool:
    """Whether the database has that value. Its numbers are read as decimal ones by the text that JSON has for them."""

    def text(part: Any) -> str:
        numbers = json.loads(json.dumps(part), parse_int=Decimal, parse_float=Decimal)
        return repr(normal(numbers))

    def normal(part: Any) -> Any:
        if isinstance(part, dict):
            return {name: normal(inner) for name, inner in part.items()}
        if isinstance(part, list):
            return [normal(inner) for inner in part]
        return (
            format(part, "f").rstrip("0").rstrip(".")
            if isinstance(part, Decimal) and "." in format(part, "f")
            else (format(part, "f") if isinstance(part, Decimal) else [part])
        )

    return text(stored) == text(value)


def test_the_same_number_is_written_once(keys):
    for side in (0, 1):
        keys([pair[side] for pair in SAME])
        for again in (0, 1):
            assert keys([pair[again] for pair in SAME]) == ([False] * len(SAME), 0)


@pytest.mark.parametrize("option", ["max_budget", "soft_budget"])
def test_amounts_settle_whatever_the_database_cuts(sandbox, run_module, alias, option):
    amounts = (0.1 + 0.2, 123456789.12345679, 1 / 3, 1000000000.1, 1000000000.2, 1e22, 5e-324, 0.0)
    items = [{"key_alias": f"{alias}-{number}", option: amount} for number, amount in enumerate(amounts)]
    assert run_module("litellm_keys", virtual_keys=items).summary["create"] == len(amounts)
    with sandbox.writes() as written:
        again = run_module("litellm_keys", virtual_keys=items)
    assert (again.failed, again.changed, written) == (False, False, [])


@pytest.mark.parametrize(("option", "values"), [("tpm_limit", (2000000000, 2000000001, 2**63 - 1, 2**63 - 2, 0))])
def test_limits_are_exact(sandbox, run_module, alias, option, values):
    for value in values:
        assert run_module("litellm_key", key_alias=alias, **{option: value}).changed
        assert sandbox.keys(alias)[alias][option] == value
        assert not run_module("litellm_key", key_alias=alias, **{option: value}).changed


def test_false_is_something_in_a_mapping(run_module, alias):
    for name in ("metadata", "permissions", "config"):
        assert run_module("litellm_key", key_alias=alias, **{name: {"a": False}}).changed
        assert not run_module("litellm_key", key_alias=alias, **{name: {"a": False}}).changed


def test_settings_of_the_router_that_are_not_declared_stay(sandbox, run_module, alias):
    def declare(check: bool = False, **options: Any) -> Any:
        done = run_module("litellm_key", check=check, key_alias=alias, **options)
        assert not done.failed, done.msg
        return done

    declare(router_settings={"num_retries": 2, "timeout": 30})
    for name, value in (("num_retries", 3), ("allowed_fails", 0), ("timeout", 30)):
        predicted = declare(check=True, router_settings={name: value})
        real = declare(router_settings={name: value})
        assert predicted.changed == real.changed == (name != "timeout")
        assert not declare(router_settings={name: value}).changed
    settings = {"num_retries": 3, "timeout": 30, "allowed_fails": 0}
    assert declare().virtual_key["router_settings"] == settings
    assert declare(router_settings={"timeout": None}).changed
    assert not declare(router_settings={"timeout": None}).changed
    assert declare().virtual_key["router_settings"] == {"num_retries": 3, "allowed_fails": 0}
    assert declare(router_settings={}).changed
    assert not declare(router_settings={}).changed
    assert declare().virtual_key["router_settings"] is None


@pytest.mark.usefixtures("referred")
def test_permissions_by_kind(run_module, alias):
    def declare(**kinds: Any) -> Any:
        done = run_module("litellm_key", key_alias=alias, object_permission=kinds)
        assert not done.failed, done.msg
        return done

    assert declare(vector_stores=["store-1", "store-2"], agents=["x"]).changed
    assert not declare(vector_stores=["store-2", "store-1", "store-2"]).changed
    assert not declare(search_tools=[]).changed
    assert declare(agents=[]).changed
    assert declare(vector_stores=["store-1"]).virtual_key["object_permission"] == {"vector_stores": ["store-1"]}
    assert declare().changed
    assert not declare().changed


# Refused before anything is written


@pytest.mark.parametrize(
    "options",
    [
        {"metadata": {"a": [float("nan")]}},
        {"metadata": {"a": {"b": float("inf")}}},
        {"metadata": {"a": "b\0"}},
        {"metadata": {"a\0": 1}},
        {"metadata": {"a": 2**64}},
        {"config": {"a": float("-inf")}},
        {"aliases": {"a": "b\0"}},
        {"router_settings": {"timeout": float("nan")}},
        {"budget_limits": [{"max_budget": float("nan"), "budget_duration": "1d"}]},
        {"budget_limits": [{"max_budget": float("inf"), "budget_duration": "1d"}]},
        {"budget_limits": [{"max_budget": -5, "budget_duration": "1d"}]},
        {"budget_limits": [{"max_budget": 5, "budget_duration": "bogus"}]},
        {"max_parallel_requests": 2**31},
        {"tpm_limit": 2**63},
        {"user_id": "a\0"},
    ],
    ids=ascii,
)
@pytest.mark.parametrize("check", [True, False])
def test_what_litellm_cannot_keep_is_refused(sandbox, run_module, alias, options, check):
    with sandbox.requests_made() as made:
        answers = [
            run_module("litellm_key", check=check, key_alias=alias, **options),
            run_module("litellm_keys", check=check, virtual_keys=[{"key_alias": alias, **options}]),
            run_module("litellm_keys", check=check, virtual_keys=[{"key_alias": alias}], defaults=options),
        ]
    assert made == []
    for answer in answers:
        assert answer.failed and next(iter(options)) in answer.msg
        assert "Traceback" not in answer.output and "\n" not in answer.msg


@pytest.mark.since("1.98.0")  # older versions take any alias
def test_aliases_are_refused_exactly_where_litellm_refuses_them(sandbox, run_module, alias):
    names = [
        f"{alias}{chr(code)}x" for code in (*range(1, 32), 127, *range(0x80, 0xA3), 0x2028, 0x2029, 0x202E, 0xFEFF)
    ]
    names += [alias + end for end in ("/../a", "/..", "/./a", "..", "a..b", "\\..\\a", "/..%2f", " ", "//a", "?x#y")]
    names += [f"../{alias}", f"./{alias}", f" {alias}"]
    wrong = []
    for name in names:
        answer = sandbox.call("POST", "/key/generate", {"key_alias": name})
        if answer.ok:
            sandbox.call("POST", "/key/delete", {"keys": [answer.json()["token"]]}).raise_for_status()
        ours = run_module("litellm_key", check=True, key_alias=name)
        assert ours.failed or ours.changed
        if ours.failed == answer.ok:
            wrong.append(ascii(name))
    assert wrong == []


def test_a_value_for_two_and_a_retired_name_are_refused(sandbox, run_module, alias):
    value = "sk-0123456789abcdef-integration"
    twice = [{"key_alias": f"{alias}-{name}", "key": value} for name in "ab"]
    made = run_module("litellm_keys", virtual_keys=[{"key_alias": alias}])
    retired = f"{alias}.retired-{hashlib.sha256(alias.encode()).hexdigest()[:8]}"
    assert made.changed
    for items, words in (
        (twice, "Each key must have its own value"),
        ([{"key_alias": alias}, {"key_alias": retired}], "reserved for the replacement"),
    ):
        for check in (True, False):
            with sandbox.requests_made() as requests:
                done = run_module("litellm_keys", check=check, virtual_keys=items)
            assert done.failed and words in done.msg and requests == []
            assert value not in json.dumps(done.msg)


def test_an_item_goes_before_the_defaults(run_module, alias):
    seed = "a seed of at least thirty-two characters"
    items = [
        {"key_alias": f"{alias}-1", "expires_at": "2099-01-01T00:00:00+00:00"},
        {"key_alias": f"{alias}-2", "max_budget": 5},
        {"key_alias": f"{alias}-3", "key": f"sk-{alias}-0123456789"},
        {"key_alias": f"{alias}-4", "unset": ["expires_at"]},
    ]
    defaults = {"duration": "7d", "renew_within": "1d", "unset": ["max_budget"], "key_seed": seed}
    done = run_module("litellm_keys", virtual_keys=items, defaults=defaults)
    assert not done.failed, done.msg
    again = run_module("litellm_keys", virtual_keys=items, defaults=defaults)
    assert not again.failed and not again.changed
    read = {
        key["key_alias"]: key
        for key in run_module("litellm_key_info", key_aliases=[item["key_alias"] for item in items]).virtual_keys
    }
    assert read[f"{alias}-1"]["expires_at"].startswith("2099-01-01")
    assert read[f"{alias}-2"]["max_budget"] == 5 and read[f"{alias}-2"]["expires_at"]
    assert read[f"{alias}-4"]["expires_at"] is None
