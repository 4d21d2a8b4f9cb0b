# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the writes of a search tool carry, since each replaces all, and what is refused before them."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.module_utils import _fingerprints
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._batch import converge
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._engine import Outcome
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._errors import InputError
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._fingerprints import OWN_ENTRY, matches
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._search_tool import SearchTool
from ansible_collections.litemaas.virtual_keys.tests.unit.fake_credentials import mask

ONE, TWO = "tvly-4Gv8Rk2Wp9Xt5Bn7Jq3Lz6Mh07", "tvly-7Tb3Nf6Yc9Dw2Hs8Pm5Kx4Vg99"
PARAMS = {"search_provider": "tavily", "api_key": ONE, "timeout": 5}
KNOWN = {"search_provider", "api_key", "api_base", "timeout", "max_retries", "input_cost_per_query"}


# The listings of what has permissions, with what holds the entries.
PERMITTED = {"/key/list": "keys", "/v2/team/list": "teams", "/user/list": "users", "/customer/list": ""}


class FakeSearchTools:
    """A proxy with search tools by ID, with what was sent. It stores what it is sent, masks too."""

    def __init__(self, version: str | None = "1.110.2") -> None:
        self.tools: dict[str, dict[str, Any]] = {}
        self.sent: list[tuple[str, str, Any]] = []
        self.asked: list[str] = []
        self.version = version
        self.facts: dict[str, Any] = {}
        self.last_read: dict[Any, Any] = {}
        self.permitted: dict[str, list[Any]] = {}  # what has permissions, by the path of its listing

    def put(self, name: str, params: dict[str, Any], info: Any = None, from_config: bool = False) -> None:
        tool = {"search_tool_name": name, "litellm_params": params, "search_tool_info": info}
        self.tools[f"id of {name}"] = {**tool, "is_from_config": from_config}

    def get(self, path: str, params: Any = None) -> Any:
        self.asked.append(path)
        if path == "/search_tools/list":
            return {"search_tools": [self._shown(tool_id) for tool_id in self.tools]}
        if path in PERMITTED:
            rows = self.permitted.get(path, [])
            return {PERMITTED[path]: rows, "total_count": len(rows), "total_pages": 1} if PERMITTED[path] else rows
        return {
            "/search_tools/ui/available_providers": {
                "providers": [{"provider_name": "tavily"}, {"provider_name": "exa_ai"}]
            },
            "/health/readiness/details": {"litellm_version": self.version},
            "/health/readiness": {"litellm_version": self.version},
        }[path]

    def send(self, path: str, body: Any = None, method: str = "POST", idempotent: bool = False) -> Any:
        self.sent.append((method, path, deepcopy(body)))
        tool_id = path.rpartition("/")[2].replace("%20", " ")
        if method == "DELETE":
            return self.tools.pop(tool_id)
        assert (method, path) == ("POST", "/search_tools") or (method == "PUT" and tool_id in self.tools)
        tool = body["search_tool"]
        if method == "PUT":
            del self.tools[tool_id]
        params = {name: value for name, value in tool["litellm_params"].items() if name in KNOWN}
        self.put(tool["search_tool_name"], params, deepcopy(tool.get("search_tool_info") or {}))
        return tool

    def _shown(self, tool_id: str) -> dict[str, Any]:
        tool = deepcopy(self.tools[tool_id])
        params = tool["litellm_params"]
        shown = {**dict.fromkeys(KNOWN), **{name: mask(name, value) for name, value in params.items()}}
        return {**tool, "search_tool_id": tool_id, "litellm_params": shown}


@pytest.fixture(autouse=True)
def _cheap_fingerprints(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_fingerprints, "ROUNDS", 1)


def declared(proxy: FakeSearchTools, state: str = "present", **options: Any) -> Outcome:
    want = SearchTool().declare({"search_tool_name": "web", **options}, state)
    (outcome,) = converge(SearchTool().store(proxy, {}), [want])
    return outcome


def proxy_with(info: dict[str, Any] | None = None, **params: Any) -> FakeSearchTools:
    proxy = FakeSearchTools()
    declared(proxy, litellm_params={**PARAMS, **params}, search_tool_info=info or {"description": "news"})
    proxy.sent.clear()
    proxy.asked.clear()
    return proxy


def sent_tool(proxy: FakeSearchTools, method: str = "PUT") -> dict[str, Any]:
    ((used, path, body),) = proxy.sent
    assert (used, path) == (method, "/search_tools" if method == "POST" else "/search_tools/id%20of%20web")
    assert set(body) == {"search_tool"}
    tool: dict[str, Any] = body["search_tool"]
    return tool


def test_a_search_tool_is_created_with_a_fingerprint_of_its_key() -> None:
    proxy = FakeSearchTools()
    outcome = declared(proxy, litellm_params={**PARAMS, "timeout": "5"}, search_tool_info={"description": "news"})
    assert (outcome.action, outcome.warnings) == ("create", ())
    tool = sent_tool(proxy, "POST")
    assert tool["search_tool_name"] == "web" and tool["litellm_params"] == PARAMS
    own = tool["search_tool_info"].pop(OWN_ENTRY)
    assert tool["search_tool_info"] == {"description": "news"}
    assert set(own["fingerprints"]) == {"api_key"} and matches(own["fingerprints"]["api_key"], "api_key", ONE)
    assert ONE not in json.dumps(own)


def test_the_same_declaration_writes_nothing() -> None:
    proxy = proxy_with()
    options = {"litellm_params": PARAMS, "search_tool_info": {"description": "news"}}
    assert declared(proxy, **options).action == "none"
    assert declared(proxy, litellm_params={"timeout": 5}).action == "none"
    assert declared(proxy).action == "none"
    assert proxy.sent == []


def test_a_search_tool_without_secrets_has_no_fingerprints() -> None:
    proxy = FakeSearchTools()
    declared(proxy, litellm_params={"search_provider": "tavily"})
    assert sent_tool(proxy, "POST")["search_tool_info"] == {}
    assert declared(proxy, litellm_params={"search_provider": "tavily"}, search_tool_info={}).action == "none"


@pytest.mark.parametrize(
    ("options", "params", "info"),
    [
        ({"litellm_params": {**PARAMS, "timeout": 6}}, {**PARAMS, "timeout": 6}, {"description": "news"}),
        ({"litellm_params": {"api_key": TWO}}, {**PARAMS, "api_key": TWO}, {"description": "news"}),
        (
            {"litellm_params": {"api_key": ONE}, "search_tool_info": {"more": 1}},
            PARAMS,
            {"description": "news", "more": 1},
        ),
        (
            {"litellm_params": {"api_key": ONE}, "unset": ["litellm_params.timeout", "search_tool_info.description"]},
            {"search_provider": "tavily", "api_key": ONE},
            {},
        ),
        ({"litellm_params": {"api_key": ONE}, "unset": ["search_tool_info.description"]}, PARAMS, {}),
    ],
)
def test_an_update_carries_all_with_the_key(
    options: dict[str, Any], params: dict[str, Any], info: dict[str, Any]
) -> None:
    proxy = proxy_with()
    assert declared(proxy, **options).action == "update"
    tool = sent_tool(proxy)
    marks = tool["search_tool_info"].pop(OWN_ENTRY)["fingerprints"]
    assert (tool["litellm_params"], tool["search_tool_info"]) == (params, info)
    assert set(marks) == {"api_key"} and matches(marks["api_key"], "api_key", params["api_key"])
    proxy.sent.clear()
    assert declared(proxy, **options).action == "none"
    assert proxy.sent == []


def test_a_key_that_is_removed_leaves_no_fingerprint() -> None:
    proxy = proxy_with()
    declared(proxy, unset=["litellm_params.api_key"])
    tool = sent_tool(proxy)
    assert tool["litellm_params"] == {"search_provider": "tavily", "timeout": 5}
    assert tool["search_tool_info"] == {"description": "news"}


@pytest.mark.parametrize("options", [{"litellm_params": {"timeout": 6}}, {"search_tool_info": {"more": 1}}])
def test_an_update_that_would_lose_the_key_is_refused(options: dict[str, Any]) -> None:
    proxy = proxy_with()
    with pytest.raises(InputError, match=r"does not show O?\(?litellm_params\.api_key\)?\. Set it again, or list it"):
        declared(proxy, **options)
    assert proxy.sent == []


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"litellm_params": {"api_kee": "x"}}, "LiteLLM drops api_kee. It knows search_provider, api_key, api_base"),
        ({"search_tool_info": {OWN_ENTRY: {}}}, f"the entry {OWN_ENTRY} is reserved for this collection."),
        ({"litellm_params": {"api_key": "tv****07"}}, "api_key is a mask as LiteLLM shows it"),
        ({"unset": ["litellm_params.search_provider"]}, "search_provider is not an entry that can be removed"),
        ({"litellm_params": {"timeout": 5}, "unset": ["litellm_params.timeout"]}, "cannot be both set and listed"),
    ],
)
def test_a_wrong_declaration_is_refused(options: dict[str, Any], reason: str) -> None:
    with pytest.raises(InputError) as raised:
        SearchTool().declare({"search_tool_name": "web", **options}, "present")
    assert reason in str(raised.value)


@pytest.mark.parametrize("provider", ["tavily", "exa_ai"])
def test_a_provider_is_looked_for_only_if_it_changes(provider: str) -> None:
    proxy = proxy_with()
    declared(proxy, litellm_params={**PARAMS, "search_provider": provider, "timeout": 6})
    assert ("/search_tools/ui/available_providers" in proxy.asked) == (provider == "exa_ai")
    assert sent_tool(proxy)["litellm_params"]["search_provider"] == provider


def test_an_unknown_provider_is_refused() -> None:
    for proxy in (proxy_with(), FakeSearchTools()):
        with pytest.raises(InputError, match=r"no search provider 'gogle'\. It has exa_ai, tavily\."):
            declared(proxy, litellm_params={**PARAMS, "search_provider": "gogle"})
        assert proxy.sent == []


def test_a_search_tool_is_not_created_without_a_provider() -> None:
    proxy = FakeSearchTools()
    with pytest.raises(InputError, match=r"it does not exist yet\. To create it, set search_provider"):
        declared(proxy, litellm_params={"timeout": 5})
    assert proxy.sent == []


def test_a_search_tool_of_the_configuration_file_is_left_alone() -> None:
    proxy = FakeSearchTools()
    proxy.put("web", dict(PARAMS), from_config=True)
    with pytest.raises(InputError, match=r"owned by the configuration file of the proxy\. Change it there\."):
        declared(proxy, litellm_params={**PARAMS, "timeout": 6})
    with pytest.raises(InputError, match="owned by the configuration file"):
        declared(proxy, "absent")
    assert proxy.sent == []
    reason = SearchTool().undeclarable({"is_from_config": True}, None)  # type: ignore[arg-type]
    assert reason is not None and "configuration file" in reason
    assert SearchTool().undeclarable({"is_from_config": False}, None) is None  # type: ignore[arg-type]


def test_a_search_tool_is_deleted_by_its_id() -> None:
    proxy = proxy_with()
    assert declared(proxy, "absent").action == "delete"
    assert [(method, path) for method, path, _body in proxy.sent] == [("DELETE", "/search_tools/id%20of%20web")]
    assert declared(proxy, "absent").action == "none"


def test_a_search_tool_that_permissions_name_is_deleted_only_with_force() -> None:
    proxy = proxy_with()
    named, other = ({"search_tools": [name]} for name in ("web", "other"))
    proxy.permitted = {
        "/key/list": [
            {"token": "1", "key_alias": "k", "object_permission": named},
            {"token": "2", "key_alias": "l", "object_permission": other},
        ],
        "/v2/team/list": [{"team_id": "t", "object_permission": named}],
        "/user/list": [{"user_id": "u", "object_permission": None}],
        "/customer/list": [{"user_id": "c", "object_permission": named}],
    }
    lost = "It is used by 1 key (k), 1 team (t), 1 customer (c)."
    with pytest.raises(InputError) as raised:
        declared(proxy, "absent")
    assert lost in str(raised.value)
    assert proxy.sent == []
    done = declared(proxy, "absent", force=True)
    assert (done.action, done.warnings) == ("delete", (f"web: {lost}",))


@pytest.mark.parametrize(("version", "refused"), [("1.106.2", True), ("1.110.0", False), (None, False)])
def test_a_price_needs_a_proxy_that_knows_it(version: str | None, refused: bool) -> None:
    proxy = FakeSearchTools(version)
    options = {"litellm_params": {**PARAMS, "input_cost_per_query": "0.01"}}
    if refused:
        with pytest.raises(InputError, match=r"LiteLLM 1\.106\.2 .*input_cost_per_query\)? \(since 1\.110\.0\)"):
            declared(proxy, **options)
        assert proxy.sent == []
    else:
        declared(proxy, **options)
        assert sent_tool(proxy, "POST")["litellm_params"]["input_cost_per_query"] == 0.01


def test_what_cannot_work_or_be_compared_is_said() -> None:
    params = {"search_provider": "tavily", "api_key": "hunter2", "api_base": "os.environ/BASE"}
    proxy = FakeSearchTools()
    guessable, literal = declared(proxy, litellm_params=params).warnings
    assert "api_key" in guessable and "hunter2" not in guessable
    assert literal.endswith("LiteLLM does not replace os.environ/BASE in api_base, but sends it as it is.")
    assert sent_tool(proxy, "POST")["litellm_params"] == params


def test_what_is_planned_and_returned_holds_no_secret() -> None:
    proxy = proxy_with()
    want = SearchTool().declare({"search_tool_name": "web", "litellm_params": {"api_key": TWO}}, "present")
    (plan,) = SearchTool().store(proxy, {}).plans([want])
    assert plan.diff["before"]["litellm_params"]["api_key"] == "********"
    assert plan.diff["after"]["litellm_params"]["api_key"] == "******** (changed)"
    (found,) = SearchTool().read(proxy, {"search_tool_name": None, "search_tool_id": None})["search_tools"]
    assert found["litellm_params"] == {"search_provider": "tavily", "api_key": "********", "timeout": 5}
    assert (found["search_tool_info"], found["search_tool_id"]) == ({"description": "news"}, "id of web")
