# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which requests rewrite pass-through endpoints, which ones are refused, and which paths LiteLLM itself serves."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._batch import converge
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._crud._shared_rows import SharedRowStore
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._engine import Outcome
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._errors import ApiError, InputError
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._pass_through import PassThrough

URL = "https://example.com"
OWN = {"id": "made-at-the-start", "path": "/configured", "target": URL, "is_from_config": True}
# The paths that LiteLLM itself serves, and what it answers there.
SERVED = (405, "Method Not Allowed")
OWN_PATHS = {
    "/any/mcp": (404, "MCP server 'any' not found"),
    **dict.fromkeys(("/key/list", "/gone", "/gone/list", "/both"), SERVED),
}
ROUTES = (
    *(("/both", "own"), ("/both", "endpoint_func"), ("/gone", "endpoint_func")),
    ("/gone/{subpath:path}", "endpoint_func"),
)


class Proxy:
    """A proxy with endpoints, one of which stands in its configuration file."""

    def __init__(self) -> None:
        self.facts: dict[str, Any] = {"version": "1.110.2"}
        self.last_read: dict[Any, Any] = {}

    def get(self, path: str, params: Any = None) -> Any:
        if path == "/routes":
            return {"routes": [{"path": route, "endpoint": endpoint} for route, endpoint in ROUTES]}
        return {"endpoints": [OWN, {"id": None, "path": "/nameless", "target": URL, "is_from_config": True}]}

    def send(self, path: str, body: Any = None, method: str = "POST", idempotent: bool = False) -> Any:
        assert method == "OPTIONS"
        status, message = OWN_PATHS.get(path, (404, "Not Found")) if path != "/away" else (503, "Away")
        raise ApiError(message, status)


def declared(proxy: Proxy, name: str, state: str = "present", **options: Any) -> Outcome:
    want = PassThrough().declare({"endpoint_id": name, **options}, state)
    (outcome,) = converge(PassThrough().store(proxy, {}, None), [want], check=True)  # type: ignore[arg-type]
    return outcome


@pytest.mark.parametrize(("state", "options"), [("absent", {}), ("present", {"target": f"{URL}/x"})])
def test_what_the_configuration_file_owns_is_refused(state: str, options: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=r"owned by the configuration file of the proxy\. Change it there\."):
        declared(Proxy(), OWN["id"], state, **options)
    assert declared(Proxy(), OWN["id"], target=URL).action == "none"


@pytest.mark.parametrize("path", ["/configured", "/nameless"])
def test_a_path_of_the_configuration_file_is_refused(path: str) -> None:
    with pytest.raises(InputError, match=f"path: {path} is that of the endpoint of the configuration file"):
        declared(Proxy(), "other", path=path, target=URL)


@pytest.mark.parametrize(
    ("path", "served"),
    [
        *((path, True) for path in ("/key/list", "/key/list/", "/any/mcp", "/both")),
        *((path, False) for path in ("/key/list/x", "/key", "/gone", "/gone/list")),
    ],
)
def test_the_paths_that_litellm_serves(path: str, served: bool) -> None:
    if served:
        with pytest.raises(InputError, match="path: LiteLLM itself serves "):
            declared(Proxy(), "other", path=path, target=URL)
    else:
        assert declared(Proxy(), "other", path=path, target=URL).action == "create"


def test_subpaths_that_litellm_serves() -> None:
    with pytest.raises(InputError, match=r"path: LiteLLM itself serves /key/list\."):
        declared(Proxy(), "other", path="/key", target=URL, include_subpath=True)
    for path in ("/docs", "/gone"):
        assert declared(Proxy(), "other", path=path, target=URL, include_subpath=True).action == "create"


def test_a_path_of_which_nobody_can_tell_is_not_taken() -> None:
    with pytest.raises(ApiError):
        declared(Proxy(), "other", path="/away", target=URL)


class Endpoints:
    """A proxy with a list of endpoints, in memory. Of several with the same ID, it takes the first."""

    path = "/config/pass_through_endpoint"

    def __init__(self, *endpoints: dict[str, Any]) -> None:
        self.endpoints = [{"is_from_config": False, "auth": True, **row} for row in endpoints]
        self.facts: dict[str, Any] = {"version": "1.110.2"}
        self.last_read: dict[Any, Any] = {}
        self.sent: list[tuple[str, str, Any]] = []

    def get(self, path: str, params: Any = None) -> Any:
        if path == "/v2/guardrails/list":
            return {"guardrails": [{"guardrail_id": "1", "guardrail_name": "no-pii"}]}
        assert path == self.path
        return {"endpoints": [dict(row) for row in self.endpoints]}

    def send(self, path: str, body: Any = None, method: str = "POST", idempotent: bool = False) -> Any:
        if method == "OPTIONS":
            raise ApiError("Not Found", 404)
        self.sent.append((method, path, body))
        if method == "DELETE":
            del self.endpoints[self._first(parse_qs(urlsplit(path).query)["endpoint_id"][0])]
        elif path == self.path:
            self.endpoints.append({"is_from_config": False, "auth": True, **body})
        else:
            given = {name: value for name, value in body.items() if value is not None}
            self.endpoints[self._first(path.removeprefix(f"{self.path}/"))].update(given)
        return {}

    def _first(self, name: str) -> int:
        return next(number for number, row in enumerate(self.endpoints) if row["id"] == name)


OLD = {"id": "e", "path": "/docs", "target": URL, "headers": {"X-Key": "old secret"}, "timeout": 5.0}


def written(proxy: Endpoints, state: str = "present", **options: Any) -> Outcome:
    want = PassThrough().declare({"endpoint_id": "e", **options}, state)
    store = SharedRowStore(PassThrough(), proxy, lambda _seconds: None)  # type: ignore[arg-type]
    (outcome,) = converge(store, [want])
    assert outcome.error is None
    return outcome


def test_an_endpoint_is_created_by_the_names_of_the_api() -> None:
    proxy = Endpoints()
    options = {"path": "/docs", "target": URL, "request_timeout": 5.0, "auth": False}
    outcome = written(proxy, **options)
    body = {"id": "e", "path": "/docs", "target": URL, "timeout": 5.0, "auth": False}
    assert (outcome.action, proxy.sent) == ("create", [("POST", proxy.path, body)])
    assert outcome.warnings == ("e: With auth: false, everybody can send requests to the target without a key.",)
    assert written(proxy, **options).action == "none"


def test_an_update_carries_what_litellm_needs() -> None:
    proxy = Endpoints(OLD)
    assert written(proxy, cost_per_request=0.5, methods=["GET"]).action == "update"
    body = {**OLD, "auth": True, "cost_per_request": 0.5, "methods": ["GET"]}  # older versions reset what is left out
    assert proxy.sent == [("POST", f"{proxy.path}/e", body)]


def test_what_an_update_cannot_take_away_goes_with_the_old_endpoint() -> None:
    proxy = Endpoints(OLD)
    assert written(proxy, unset=["request_timeout"], cost_per_request=1.0).action == "update"
    copy = {**OLD, "auth": True, "timeout": None, "cost_per_request": 1.0}
    assert proxy.sent == [("POST", proxy.path, copy), ("DELETE", f"{proxy.path}?endpoint_id=e", None)]
    assert [(row["id"], row["timeout"], row["headers"]) for row in proxy.endpoints] == [("e", None, OLD["headers"])]


def test_the_newest_of_several_endpoints_stays() -> None:
    proxy = Endpoints(OLD, {**OLD, "target": f"{URL}/2"}, {**OLD, "target": f"{URL}/3"})
    outcome = written(proxy, target=f"{URL}/3")
    assert (outcome.action, [row["target"] for row in proxy.endpoints]) == ("update", [f"{URL}/3"])
    assert outcome.warnings == ("e: LiteLLM had this endpoint 3 times. The newest one counts.",)
    assert written(proxy, target=f"{URL}/3").action == "none"


def test_a_deletion_takes_all_of_several_endpoints() -> None:
    proxy = Endpoints(OLD, OLD, {**OLD, "id": "other"})
    assert written(proxy, "absent").action == "delete"
    assert proxy.sent == [("DELETE", f"{proxy.path}?endpoint_id=e", None)] * 2
    assert [row["id"] for row in proxy.endpoints] == ["other"]
    assert written(proxy, "absent").action == "none"


def test_headers_are_hidden_in_a_diff() -> None:
    proxy = Endpoints(OLD)
    outcome = written(proxy, headers={"X-Key": "new secret", "X-New": "other secret"})
    assert proxy.endpoints[0]["headers"] == {"X-Key": "new secret", "X-New": "other secret"}
    before, after = (outcome.plan.diff[name]["headers"] for name in ("before", "after"))
    assert (list(before), list(after)) == (["X-Key"], ["X-Key", "X-New"])
    assert before["X-Key"] == after["X-New"] != after["X-Key"]
    assert "secret" not in json.dumps(outcome.plan.diff)


def test_guardrails_are_compared_without_what_litellm_adds() -> None:
    proxy = Endpoints({**OLD, "guardrails": {"no-pii": {"request_fields": ["a"], "response_fields": None}}})
    assert written(proxy, guardrails={"no-pii": {"request_fields": ["a"]}}).action == "none"
    assert written(proxy, guardrails={"no-pii": None}).action == "update"
    with pytest.raises(InputError, match="the proxy has no guardrail 'gone'"):
        written(proxy, guardrails={"gone": None})


@pytest.mark.parametrize("options", [{"path": "/docs"}, {"target": URL}, {"auth": False}])
def test_a_new_endpoint_needs_a_path_and_a_target(options: dict[str, Any]) -> None:
    proxy = Endpoints()
    with pytest.raises(InputError, match=r"it does not exist yet\. To create it, set path and target\."):
        written(proxy, **options)
    assert proxy.sent == []


def test_a_path_is_shared_only_with_other_methods() -> None:
    proxy = Endpoints({**OLD, "id": "other", "methods": ["GET", "PUT"]})
    for methods in (["GET"], None):
        with pytest.raises(InputError, match="path: /docs is that of the endpoint other, with the same methods"):
            written(proxy, path="/docs", target=URL, methods=methods)
    assert proxy.sent == []
    assert written(proxy, path="/docs", target=URL, methods=["POST"]).action == "create"
    with pytest.raises(InputError, match="path: /docs is that of the endpoint other"):
        written(proxy, unset=["methods"])


@pytest.mark.parametrize(
    ("options", "wrong"),
    [
        ({"endpoint_id": "a/b"}, "must not contain a slash: LiteLLM could not change the endpoint"),
        ({"path": "docs"}, "must begin with a slash and have a name, such as /docs"),
        ({"path": "//"}, "must begin with a slash and have a name"),
        ({"path": "/a b"}, "/a b contains characters that are not allowed"),
        ({"path": "/{name}"}, "contains characters that are not allowed"),
        ({"headers": {"A": "a", "B": "", "C": 1}}, "needs a text for B, C"),
    ],
)
def test_a_wrong_declaration_is_refused(options: dict[str, Any], wrong: str) -> None:
    with pytest.raises(InputError, match=wrong):
        PassThrough().declare({"endpoint_id": "e", **options}, "present")


def test_what_the_configuration_file_owns_is_not_declared() -> None:
    nothing = dict.fromkeys(PassThrough().info_options)
    proxy: Any = Endpoints(OLD, {**OLD, "id": "own", "is_from_config": True})
    mine, own = PassThrough().read(proxy, {**nothing, "declaration": True})["endpoints"]
    assert mine["declaration"]["request_timeout"] == 5.0
    assert (own["declaration"], own["is_from_config"]) == (None, True)
    assert own["not_declared"][""].startswith("it is owned by the configuration file of the proxy.")
