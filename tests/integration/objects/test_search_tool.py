# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Search tools on a real LiteLLM: every field by its laws, and secrets that no update loses."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._fingerprints import OWN_ENTRY
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._redaction import CHANGED, HIDDEN
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._search_tool import SEARCH_TOOL
from ansible_collections.litemaas.virtual_keys.tests.integration.laws import as_declared, refused, too_old

pytestmark = pytest.mark.quiet

TABLE = '"LiteLLM_SearchToolsTable"'
SECRET, OTHER = "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", "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"
KEY = {"api_key": SECRET}
PARAMS = {"search_provider": "tavily", **KEY}
# Two values of each parameter.
VALUES: dict[str, tuple[Any, Any]] = {
    "search_provider": ("tavily", "perplexity"),
    "api_key": (SECRET, OTHER),
    "api_base": ("https://one.example.com", "https://two.example.com"),
    "timeout": (5, 7.5),
    "max_retries": (2, 0),
    "input_cost_per_query": (0.01, 0.02),
}


def row(sandbox, name: str) -> dict[str, Any]:
    (found,) = sandbox.rows(f"SELECT * FROM {TABLE} WHERE search_tool_name = %s", name)
    return found


@pytest.fixture
def name(sandbox) -> Iterator[str]:
    """The name of this test's search tool. All whose names begin with it are removed at the end."""
    beginning = f"t {secrets.token_hex(4)}+ä/"
    yield beginning
    for found in sandbox.rows(f"SELECT * FROM {TABLE} WHERE starts_with(search_tool_name, %s)", beginning):
        sandbox.call("DELETE", f"/search_tools/{found['search_tool_id']}").raise_for_status()


@pytest.fixture
def tool(run_module, name):
    """Runs litellm_search_tool on this test's search tool."""
    return partial(run_module, "litellm_search_tool", search_tool_name=name)


def test_every_field_has_values() -> None:
    assert {field.name for field in SEARCH_TOOL.fields} == {"search_tool_name", "litellm_params", "search_tool_info"}


@pytest.mark.parametrize("parameter", VALUES)
def test_every_parameter(sandbox, tool, name, parameter: str) -> None:
    """Set, changed, and removed, each in one write and a second time in none; the others stay."""
    first, second = VALUES[parameter]
    beside = {"search_provider": "tavily", "api_key": SECRET, "max_retries": 4}
    if parameter == "input_cost_per_query" and too_old(sandbox, "1.110.0"):
        sentence = "does not know litellm_params.input_cost_per_query (since 1.110.0)."
        refused(tool, sandbox, sentence, litellm_params={**beside, parameter: first})
        return
    created = as_declared(tool, sandbox, 1, litellm_params={**beside, parameter: first})
    assert created.action == "create"
    changed = as_declared(tool, sandbox, 1, litellm_params={**KEY, parameter: second})
    shown = {**beside, parameter: second}
    shown["api_key"] = HIDDEN
    assert (changed.action, changed.search_tool["litellm_params"]) == ("update", shown)
    if parameter == "search_provider":
        refused(
            tool, sandbox, "litellm_params.search_provider is not an entry", unset=["litellm_params.search_provider"]
        )
        return
    key = {} if parameter == "api_key" else {"litellm_params": KEY}
    removed = as_declared(tool, sandbox, 1, **key, unset=[f"litellm_params.{parameter}"])
    del shown[parameter]
    assert removed.search_tool["litellm_params"] == shown
    assert (row(sandbox, name)["litellm_params"].get(parameter)) is None


def test_the_information(sandbox, tool, name) -> None:
    as_declared(tool, sandbox, 1, litellm_params=PARAMS, search_tool_info={"description": "one", "owner": "x"})
    as_declared(tool, sandbox, 1, litellm_params=KEY, search_tool_info={"description": "two"})
    done = as_declared(tool, sandbox, 1, litellm_params=KEY, unset=["search_tool_info.description"])
    assert done.search_tool["search_tool_info"] == {"owner": "x"}
    assert row(sandbox, name)["search_tool_info"].keys() == {"owner", OWN_ENTRY}
    refused(tool, sandbox, "is reserved for this collection", search_tool_info={OWN_ENTRY: {}})


def test_a_key_is_neither_shown_nor_lost(sandbox, tool, run_module, name) -> None:
    first = as_declared(tool, sandbox, 1, litellm_params=PARAMS)
    hidden = "LiteLLM replaces all parameters and does not show litellm_params.api_key."
    refused(tool, sandbox, hidden, litellm_params={"timeout": 5})
    refused(tool, sandbox, hidden, search_tool_info={"description": "x"})
    changed = as_declared(tool, sandbox, 1, litellm_params={"api_key": OTHER})
    assert changed.diff["after"]["litellm_params"]["api_key"] == CHANGED
    mask = sandbox.call("GET", "/search_tools/list").json()["search_tools"]
    (shown,) = (one["litellm_params"]["api_key"] for one in mask if one["search_tool_name"] == name)
    refused(tool, sandbox, "api_key is a mask as LiteLLM shows it, not a value.", litellm_params={"api_key": shown})
    info = run_module("litellm_search_tool_info", search_tool_name=name)
    assert info.search_tools[0]["litellm_params"]["api_key"] == HIDDEN
    for done in (first, changed, info):
        assert SECRET not in done.output
        assert OTHER not in done.output


def test_it_is_deleted_and_no_other(sandbox, tool, run_module, name) -> None:
    tool(litellm_params=PARAMS)
    other = run_module("litellm_search_tool", search_tool_name=f"{name}2", litellm_params=PARAMS)
    with sandbox.writes() as writes:
        assert tool(check=True, state="absent").action == "delete"
    assert writes == []
    assert tool(state="absent").action == "delete"
    assert tool(state="absent").changed is False
    assert run_module("litellm_search_tool_info", search_tool_name=name).search_tools == []
    assert run_module("litellm_search_tool_info", search_tool_name=f"{name}2").search_tools == [other.search_tool]


def test_a_reference_that_litellm_does_not_resolve_is_a_warning(sandbox, tool) -> None:
    done = tool(check=True, litellm_params={"search_provider": "tavily", "api_key": "os.environ/TAVILY"})
    assert "does not replace os.environ/TAVILY in api_key" in str(done.warnings)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"litellm_params": {**PARAMS, "search_provider": "none such"}}, "has no search provider 'none such'. It has "),
        ({"litellm_params": {**PARAMS, "engine": "x"}}, "litellm_params: LiteLLM drops engine."),
        ({"litellm_params": KEY}, "To create it, set search_provider in litellm_params."),
        ({"litellm_params": {**PARAMS, "api_base": ""}}, "litellm_params: api_base has no value."),
        ({"litellm_params": {**PARAMS, "api_key": HIDDEN}}, "a secret"),
        ({"litellm_params": KEY, "unset": ["litellm_params.api_key"]}, "cannot be both set and listed in unset"),
        ({"unset": ["timeout"]}, "unset: timeout is not an entry that can be removed"),
    ],
)
def test_wrong_input_writes_nothing(sandbox, tool, options: dict[str, Any], sentence: str) -> None:
    refused(tool, sandbox, sentence, **options)
