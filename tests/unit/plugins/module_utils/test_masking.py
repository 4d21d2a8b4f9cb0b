# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is starred out, and what of the options is shown."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote, quote_plus, urlencode

import pytest
from ansible.module_utils.common.parameters import remove_values
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._masking import secrets_of, shown
from hypothesis import given
from hypothesis import strategies as st

SECRET = "lf-secret-of-a-callback"
CALLBACK = {"callback_name": "langfuse", "callback_vars": {"langfuse_secret_key": SECRET, "rate": "1", "n": 3}}
SPEC: dict[str, Any] = {
    "name": {"aliases": ["alias"]},
    "metadata": {"type": "dict"},
    "items": {"type": "list", "elements": "dict", "options": {"seed": {"no_log": True}, "metadata": {"type": "dict"}}},
}


# Asterisks cannot be hidden behind asterisks.
@given(st.text(st.characters(codec="utf-8"), min_size=8).filter(lambda text: text.strip("*")))
def test_a_secret_is_found_however_it_is_written(secret: str) -> None:
    written = [
        secret,
        str({"key_seed": secret}),
        json.dumps([secret]),
        json.dumps([secret], ensure_ascii=False),
        quote(secret),
        quote(secret, safe=""),
        quote_plus(secret),
        urlencode({"a": secret}),
    ]
    for text in written:
        hidden = remove_values(f"<{text}>", secrets_of({secret}, {}))
        assert text not in hidden
        assert hidden.count("*") >= 8


@pytest.mark.parametrize(
    "options",
    [
        {"metadata": {"logging": [CALLBACK]}},
        {"defaults": {"metadata": {"logging": [CALLBACK]}}, "virtual_keys": None},
        {"virtual_keys": [{"metadata": json.dumps({"logging": [CALLBACK]})}]},
        {"virtual_keys": [{"metadata": str({"logging": [CALLBACK]})}]},
        {"virtual_keys": str([{"metadata": {"logging": [CALLBACK]}}])},
        {"metadata": {"callback_vars": {"nested": {"in": [SECRET]}}}},
    ],
)
def test_the_values_of_logging_callbacks_are_secrets(options: dict[str, Any]) -> None:
    found = secrets_of((), options)
    assert SECRET in found
    # They would star out half of a result.
    assert not {"1", "3"} & found


@pytest.mark.parametrize("name", ["api_key", "aws_secret_access_key", "Authorization", "X-Api-Key", "custom_token"])
@pytest.mark.parametrize("as_text", [dict, str, json.dumps])
def test_the_secret_parameters_of_a_model_are_secrets(name: str, as_text: Any) -> None:
    params = {"model": "openai/gpt-4o", "max_tokens": 4096, "extra_headers": {name: SECRET}, name: SECRET}
    secrets = secrets_of((), {"litellm_params": as_text(params), "unset": ["litellm_params.a_long_name"]})
    assert SECRET in secrets
    assert not {"openai/gpt-4o", "4096", "litellm_params.a_long_name"} & secrets
    result = str(shown({"litellm_params": params}, {"litellm_params": {"type": "dict"}}))
    assert SECRET not in result
    assert "openai/gpt-4o" in result


@pytest.mark.parametrize("value", [[SECRET], [{"a": SECRET}], SECRET, f"api_key={SECRET}"])
def test_parameters_of_another_type_are_secret_as_a_whole(value: Any) -> None:
    assert [text for text in secrets_of((), {"litellm_params": value}) if SECRET in text]
    spec = {"litellm_params": {"type": "dict"}}
    assert shown({"litellm_params": value}, spec) == {"litellm_params": "********"}
    assert shown({"litellm_params": None}, spec) == {"litellm_params": None}


def test_the_name_of_a_variable_is_no_secret() -> None:
    assert secrets_of((), {"litellm_params": {"api_key": "os.environ/OPENAI_API_KEY"}}) == set()


def test_text_that_nobody_can_read_is_a_secret_as_a_whole() -> None:
    text = "{callback_vars: {langfuse_secret_key: " + SECRET
    assert text in secrets_of((), {"metadata": text})


def test_what_is_shown_of_options() -> None:
    options = {
        "alias": "a",
        "metadata": {"logging": [CALLBACK], "course": "x"},
        "items": [{"seed": "s", "sede": SECRET, "metadata": {"logging": [CALLBACK]}}],
        "itmes": [{"seed": SECRET}],
    }
    result = shown(options, SPEC)
    assert SECRET not in str(result)
    assert result["alias"] == "a" and result["metadata"]["course"] == "x"
    assert result["metadata"]["logging"][0]["callback_vars"]["rate"] == "********"
    assert result["items"][0]["seed"] == "s"
    assert result["items"][0]["sede"] == result["itmes"] == "********"


@pytest.mark.parametrize("items", [None, "text", [None, "text", 3]])
def test_options_of_a_wrong_type_do_not_break_it(items: Any) -> None:
    assert shown({"items": items}, SPEC) == {"items": items}
