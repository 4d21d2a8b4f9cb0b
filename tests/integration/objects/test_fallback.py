# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fallbacks on a real LiteLLM: every field by its laws, what they are for, and nobody else's lost."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._fallback import FALLBACK, TYPES
from ansible_collections.litemaas.virtual_keys.tests.integration.laws import Laws, as_declared, lacking, refused, two

pytestmark = [pytest.mark.quiet, pytest.mark.since("1.106.2")]

# More than the largest page of any listing.
MANY = 120
# A model whose provider does not answer.
DEAD = {"model": "openai/gpt-4o", "api_base": "http://127.0.0.1:9", "api_key": "sk-none", "max_retries": 0}


def settings(sandbox) -> dict[str, Any]:
    """The row of LiteLLM's router settings."""
    rows = sandbox.rows("SELECT param_value FROM \"LiteLLM_Config\" WHERE param_name = 'router_settings'")
    return dict(rows[0]["param_value"]) if rows else {}


def row(sandbox, model: str) -> dict[str, Any]:
    """The fallbacks of a model, and all else that is in the same row."""
    others = settings(sandbox)
    found: dict[str, Any] = {}
    for option, (_type, rules) in TYPES.items():
        entries = others.pop(rules, None) or []
        found[option] = [entry[model] for entry in entries if model in entry] or None
        others[option] = [entry for entry in entries if model not in entry]
    return {**found, "others": others}


FIELDS = {
    "fallback_models": two(["gpt-4o-mini"], ["llama-3-70b", "gpt-4o-mini"]),
    "context_window_fallback_models": two(["claude-3-5-sonnet"], ["gpt-4"]),
    "content_policy_fallback_models": two(["gpt-4", "gpt-4o-mini"], ["gpt-4o-mini", "gpt-4"]),
}
LAWS = Laws(
    "litellm_fallback",
    FALLBACK,
    row,
    FIELDS,
    without={"model"},
    others={"context_window_fallback_models": ["gpt-3.5-turbo"]},
)


@pytest.fixture
def serve(sandbox) -> Iterator[Any]:
    """Adds a model to the proxy. All of them are removed at the end, with their fallbacks."""
    ids: dict[str, str] = {}

    def add(name: str, **params: Any) -> str:
        body = {"model_name": name, "litellm_params": params or {"model": "openai/gpt-4o", "mock_response": "Hello"}}
        ids[name] = sandbox.call("POST", "/model/new", body).json()["model_id"]
        return name

    yield add
    for model_id in ids.values():
        sandbox.call("POST", "/model/delete", {"id": model_id}).raise_for_status()
    kept = {
        rules: [one for one in settings(sandbox).get(rules) or () if not ids.keys() & one]
        for _type, rules in TYPES.values()
    }
    sandbox.call("POST", "/config/update", {"router_settings": kept}).raise_for_status()


@pytest.fixture
def name(serve) -> str:
    """The model of this test."""
    return serve(f"t {secrets.token_hex(4)}+ä/x")


@pytest.fixture
def fallback(run_module, name):
    """Runs litellm_fallback on this test's model."""
    return partial(run_module, "litellm_fallback", model=name)


def test_every_field_has_values() -> None:
    assert LAWS.fields_without_values == set()


@pytest.mark.parametrize("field", LAWS.examples)
def test_every_field(sandbox, run_module, name, field: str) -> None:
    LAWS.hold(sandbox, partial(run_module, model=name), field)


def test_all_fields_at_once(sandbox, run_module, name) -> None:
    laws = Laws(LAWS.module, FALLBACK, row, FIELDS, LAWS.without, creates=len(FIELDS))
    laws.hold_together(sandbox, partial(run_module, model=name), changes=len(FIELDS), clears=len(FIELDS))


def test_a_fallback_answers_until_it_is_removed(sandbox, serve, fallback, run_module, name) -> None:
    dead, other = serve(f"{name} dead", **DEAD), serve(f"{name} other", **DEAD)
    run_module("litellm_fallback", model=other, fallback_models=["gpt-4o-mini"])

    def answer(model: str) -> Any:
        body = {"model": model, "messages": [{"role": "user", "content": "x"}], "num_retries": 0}
        done = sandbox.call("POST", "/chat/completions", body)
        return done.json()["choices"][0]["message"]["content"] if done.ok else done.status_code

    assert answer(dead) == 500
    assert run_module("litellm_fallback", model=dead, fallback_models=["gpt-4"]).action == "create"
    assert (answer(dead), answer(other)) == ("Hello from gpt-4", "Hello from gpt-4o-mini")
    assert run_module("litellm_fallback", model=dead, state="absent").action == "delete"
    assert (answer(dead), answer(other)) == (500, "Hello from gpt-4o-mini")


def test_the_fallbacks_of_all_types_are_removed_and_no_others(sandbox, serve, fallback, run_module, name) -> None:
    other = serve(f"{name} other")
    run_module("litellm_fallback", model=other, fallback_models=["gpt-4"])
    fallback(**{option: example.first for option, example in FIELDS.items()})
    others = row(sandbox, name)["others"]
    with sandbox.writes() as writes:
        assert fallback(check=True, state="absent").action == "delete"
    assert writes == []
    with sandbox.writes() as writes:
        assert fallback(state="absent").action == "delete"
    assert len(writes) == len(FIELDS)
    with sandbox.writes() as writes:
        assert fallback(state="absent").changed is False
    assert writes == []
    assert row(sandbox, name) == {**dict.fromkeys(FIELDS), "others": others}
    assert [one["model"] for one in run_module("litellm_fallback_info", model=other).fallbacks] == [other]
    assert run_module("litellm_fallback_info", model=name).fallbacks == []


def test_nothing_to_declare_needs_no_write(sandbox, fallback) -> None:
    with sandbox.writes() as writes:
        for options in ({}, {"fallback_models": []}, {"unset": ["content_policy_fallback_models"]}):
            done = fallback(**options)
            assert (done.failed, done.changed) == (False, False), done.values
    assert writes == []


def test_the_order_counts(sandbox, fallback) -> None:
    as_declared(fallback, sandbox, 1, fallback_models=["gpt-4", "gpt-4o-mini"])
    as_declared(fallback, sandbox, 1, fallback_models=["gpt-4o-mini", "gpt-4"])


def test_models_that_there_are_not(sandbox, fallback, run_module, serve, name) -> None:
    lacking(fallback, sandbox, "the proxy has no model 'none such'.", fallback_models=["gpt-4", "none such"])
    # A wildcard serves it, but LiteLLM does not take it for a fallback.
    lacking(fallback, sandbox, "the proxy has no model 'openai/gpt-4o'.", fallback_models=["openai/gpt-4o"])
    other = partial(run_module, "litellm_fallback", model=f"{name} none")
    lacking(other, sandbox, f"the proxy has no model '{name} none'.", fallback_models=["gpt-4"])


def test_fallbacks_outlive_their_model_and_can_be_removed(sandbox, run_module, alias) -> None:
    body = {"model_name": alias, "litellm_params": {"model": "openai/gpt-4o", "mock_response": "Hello"}}
    model_id = sandbox.call("POST", "/model/new", body).json()["model_id"]
    assert run_module("litellm_fallback", model=alias, fallback_models=["gpt-4"]).action == "create"
    sandbox.call("POST", "/model/delete", {"id": model_id}).raise_for_status()
    assert run_module("litellm_fallback", model=alias, fallback_models=["gpt-4"]).changed is False
    assert run_module("litellm_fallback", model=alias, state="absent").action == "delete"
    assert row(sandbox, alias)["fallback_models"] is None


def test_what_stands_in_one_entry_with_others_is_left_alone(sandbox, serve, fallback, run_module, name) -> None:
    other = serve(f"{name} other")
    rules = [*(settings(sandbox).get("fallbacks") or ()), {name: ["gpt-4"], other: ["gpt-4"]}]
    sandbox.call("POST", "/config/update", {"router_settings": {"fallbacks": rules}}).raise_for_status()
    sentence = f"fallback_models: LiteLLM keeps those of {other} in the same entry, and would lose them."
    refused(fallback, sandbox, sentence, fallback_models=["gpt-4o-mini"])
    refused(fallback, sandbox, sentence, state="absent")
    as_declared(fallback, sandbox, 1, context_window_fallback_models=["gpt-4o-mini"])
    assert fallback(fallback_models=["gpt-4"]).changed is False


def test_the_last_of_many(sandbox, fallback, run_module, name) -> None:
    before = settings(sandbox).get("fallbacks") or []
    many = [{f"{name} {number:03}": ["gpt-4"]} for number in range(MANY)]
    rules = [*before, *many, {name: ["gpt-4"]}]
    sandbox.call("POST", "/config/update", {"router_settings": {"fallbacks": rules}}).raise_for_status()
    try:
        found = [one["model"] for one in run_module("litellm_fallback_info").fallbacks if name in one["model"]]
        assert found == [name, *(model for entry in many for model in entry)]
        assert fallback(fallback_models=["gpt-4"]).changed is False
        as_declared(fallback, sandbox, 1, fallback_models=["gpt-4o-mini"])
        assert fallback(state="absent").action == "delete"
        assert settings(sandbox)["fallbacks"] == [*before, *many]
    finally:
        sandbox.call("POST", "/config/update", {"router_settings": {"fallbacks": before}}).raise_for_status()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"fallback_models": ["gpt-4", "gpt-4"]}, "fallback_models: gpt-4 is listed more than once."),
        ({"fallback_models": ["gpt-4"], "unset": ["fallback_models"]}, "cannot be both set and listed in unset"),
        ({"unset": ["model"]}, "model"),
        ({"model": " ", "fallback_models": ["gpt-4"]}, "must not be blank"),
        ({"model": "gpt-4", "fallback_models": ["gpt-4"]}, "gpt-4 cannot be its own fallback."),
    ],
)
def test_wrong_input_writes_nothing(sandbox, fallback, options: dict[str, Any], sentence: str) -> None:
    with sandbox.writes() as writes:
        result = fallback(**options)
    assert result.failed
    assert sentence in result.msg
    assert writes == []
