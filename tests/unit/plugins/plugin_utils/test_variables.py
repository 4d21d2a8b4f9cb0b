# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The variables of a role, as a table reads them."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._variables import (
    Source,
    Variable,
    VariableError,
    Variables,
    arguments,
)

TABLE = (
    Variable("alias"),
    Variable("users", "list"),
    Variable("metadata", "dict", default={}),
    Variable("max_budget", "float"),
    Variable("user_count", "int", least=1),
    Variable("multi_user", "bool", default=False),
    Variable("state", default="present", choices=("present", "absent")),
    Variable("formats", "list", default=["csv"], choices=("csv", "html")),
    Variable("key_seed", no_log=True),
    Variable("block", "raw"),
    Variable("api_timeout", "int", least=1, aliases=("timeout",)),
)


def read(**values: Any) -> Variables:
    return Variables(TABLE, Source(values, "litellm_vkey_"))


@pytest.mark.parametrize("nothing", [None, "", "  ", "null", "None"])
def test_what_says_nothing_is_the_default(nothing):
    variables = read(state=nothing, max_budget=nothing)
    assert (variables["state"], variables["max_budget"], variables.says("state")) == ("present", None, False)


@pytest.mark.parametrize(
    ("name", "given", "meant"),
    [
        ("alias", " course ", "course"),
        ("alias", 2031, "2031"),
        ("max_budget", " 2.5", 2.5),
        ("user_count", "25", 25),
        ("multi_user", "yes", True),
        ("metadata", '{"a": 1}', {"a": 1}),
        ("users", "ann, ben\ncem", ["ann", "ben", "cem"]),
        ("users", '["ann", "ben"]', ["ann", "ben"]),
        ("users", "- ann\n- ben\n", ["ann", "ben"]),
        ("users", "- user: ann\n  max_budget: 5\n- '007'", [{"user": "ann", "max_budget": "5"}, "007"]),
        ("users", "-ann\nben", ["-ann", "ben"]),
        ("block", {"ann": 2}, {"ann": 2}),
    ],
)
def test_text_is_read_as_what_it_means(name, given, meant):
    variables = read(**{name: given})
    assert variables[name] == meant and variables.says(name)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"max_budget": "much"}, "litellm_vkey_max_budget must be a number such as 10 or 2.5, not 'much'."),
        ({"max_budget": -1}, "litellm_vkey_max_budget must not be negative."),
        ({"user_count": 0}, "litellm_vkey_user_count must be at least 1, not 0."),
        ({"multi_user": "perhaps"}, "litellm_vkey_multi_user must be true or false, not 'perhaps'."),
        ({"state": "gone"}, "litellm_vkey_state must be present or absent, not 'gone'."),
        ({"formats": ["cvs"]}, "litellm_vkey_formats: 'cvs' is not one of csv, html. Did you mean 'csv'?"),
        ({"alias": 1.5}, "litellm_vkey_alias must be text."),
        ({"alias": ["a"]}, "litellm_vkey_alias must be text."),
        ({"metadata": "a"}, "litellm_vkey_metadata must be a mapping."),
        ({"users": "- ann\n- {"}, "litellm_vkey_users: invalid YAML: "),
        ({"alias": "\ud83d"}, "litellm_vkey_alias has a character that is not valid Unicode"),
        ({"max_bugdet": 5}, "litellm_vkey_max_bugdet does not exist. Did you mean 'max_budget'?"),
    ],
)
def test_what_means_nothing_is_refused_by_the_name_that_was_set(given, sentence):
    with pytest.raises(VariableError) as refused:
        read(**given)
    assert str(refused.value).startswith(sentence)


def test_a_task_calls_its_options_by_their_names():
    with pytest.raises(VariableError, match=r"^user_count must be at least 1"):
        Variables(TABLE, Source({"user_count": 0}))


def test_secrets_are_known_to_ansible():
    spec = arguments(TABLE)
    assert [name for name, option in spec.items() if option["no_log"]] == ["key_seed"]


def test_a_later_source_goes_before_an_earlier_one_where_it_says_something():
    task = Source({"timeout": 5, "user_count": 1})
    role = Source({"api_timeout": "7", "user_count": ""}, "litellm_vkey_")
    variables = Variables(TABLE, task, role)
    assert (variables["api_timeout"], variables["user_count"]) == (7, 1)
    assert (variables.called("api_timeout"), variables.called("user_count")) == (
        "litellm_vkey_api_timeout",
        "user_count",
    )
    assert variables.called("alias") == "litellm_vkey_alias"


def test_each_source_calls_a_variable_by_its_own_name():
    environment = Source({"alias": 1.5}, names={"alias": "WORKSHOP_ALIAS"})
    with pytest.raises(VariableError, match=r"^WORKSHOP_ALIAS must be text"):
        Variables(TABLE, environment, Source({}, "litellm_vkey_"))
    with pytest.raises(VariableError, match=r"^timeout must be at least 1"):
        Variables(TABLE, Source({"timeout": 0}), Source({}, "litellm_vkey_"))


def test_a_blank_variable_is_mentioned_but_says_nothing():
    variables = read(users="")
    assert (variables.mentions("users"), variables.says("users")) == (True, False)
    assert (variables.mentions("block"), variables.says("block")) == (False, False)
