# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Variables as surveys give them: what they mean, or a sentence that names the variable."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.filter.answers import answers
from hypothesis import given
from hypothesis import strategies as st

SPEC: dict[str, Any] = {
    "api_timeout": {"type": "int", "least": 1, "default": 30},
    "verify_ssl": {"type": "bool", "default": True},
    "total_budget": {"type": "float"},
    "usage_formats": {"type": "list", "choices": ["csv", "json", "html"], "default": ["csv"]},
    "usage_filter": {"type": "dict", "choices": ["user_id", "team_id"], "default": {}},
    "time_zone": {"default": "UTC"},
}
DEFAULTS = {name: rule.get("default") for name, rule in SPEC.items()}


@pytest.mark.parametrize("blank", ["", " ", "\n", "null", "None", None, ...])
@pytest.mark.parametrize("name", SPEC)
def test_no_answer_is_the_default(name: str, blank: Any) -> None:
    assert answers({} if blank is ... else {name: blank}, SPEC) == {"problem": "", **DEFAULTS}


@pytest.mark.parametrize(
    ("name", "text", "meant"),
    [
        ("api_timeout", "5", 5),
        ("api_timeout", " 5\n", 5),
        ("verify_ssl", "False", False),
        ("verify_ssl", "no", False),
        ("total_budget", "2.5", 2.5),
        ("usage_formats", "csv, html", ["csv", "html"]),
        ("usage_formats", "csv\nhtml\n", ["csv", "html"]),
        ("usage_formats", '["json"]', ["json"]),
        ("usage_filter", '{"team_id": "x"}', {"team_id": "x"}),
        ("time_zone", " Europe/Berlin ", "Europe/Berlin"),
    ],
)
def test_text_is_read_as_what_the_variable_takes(name: str, text: str, meant: Any) -> None:
    assert answers({name: text}, SPEC) == {"problem": "", **DEFAULTS, name: meant}


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"api_timeout": "soon"}, "litellm_vkey_api_timeout must be a whole number, not 'soon'."),
        ({"api_timeout": "0"}, "litellm_vkey_api_timeout must be at least 1, not 0."),
        ({"verify_ssl": "perhaps"}, "litellm_vkey_verify_ssl must be true or false, not 'perhaps'."),
        ({"total_budget": "10,50"}, "litellm_vkey_total_budget must be a number such as 10 or 2.5, not '10,50'."),
        ({"usage_formats": "csv, htm"}, "'htm' is not one of csv, json, html. Did you mean 'html'?"),
        ({"usage_filter": '{"team": "x"}'}, "'team' is not one of user_id, team_id. Did you mean 'team_id'?"),
        ({"usage_filter": "x"}, "litellm_vkey_usage_filter must be a mapping."),
        ({"time_zone": "Berlin"}, "'Berlin' is not a time zone"),
        ({"names": ["litellm_vkey_usage_formatss"]}, "Did you mean 'litellm_vkey_usage_formats'?"),
    ],
)
def test_what_is_refused(variables: dict[str, Any], sentence: str) -> None:
    assert sentence in answers(variables, SPEC)["problem"]


@given(st.dictionaries(st.sampled_from(list(SPEC)), st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda part: st.lists(part) | st.dictionaries(st.text(), part), max_leaves=5,
)))  # fmt: skip
def test_whatever_is_given_the_answer_is_a_value_or_a_sentence(variables: dict[str, Any]) -> None:
    found = answers(variables, SPEC)
    assert found.keys() == {"problem", *SPEC}
    assert isinstance(found["problem"], str)
