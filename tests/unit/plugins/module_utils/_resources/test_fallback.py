# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which requests make the fallbacks of a model, and which entries of the router settings are refused."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._batch import converge
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._crud._shared_rows import SharedRowStore
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._engine import Outcome
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._errors import ApiError, InputError
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._fallback import TYPES, Fallback

RULES = dict(TYPES.values())
MODELS = ("a", "b", "c", "vendor/m")


class Router:
    """The router settings of a proxy, in memory. It fails the test on any request that it does not know."""

    def __init__(self, **lists: Any) -> None:
        self.lists: dict[str, Any] = {**dict.fromkeys(RULES.values()), **lists}
        self.source: dict[str, str] | None = {}
        self.facts: dict[str, Any] = {"version": "1.110.2"}
        self.last_read: dict[Any, Any] = {}
        self.sent: list[tuple[str, str, Any]] = []

    def get(self, path: str, params: Any = None) -> Any:
        if path == "/v2/model/info":
            rows = [{"model_name": name, "model_info": {"id": f"id of {name}"}} for name in MODELS]
            return {"data": rows, "total_count": len(rows), "total_pages": 1}
        assert path == "/router/settings"
        return {"current_values": self.lists, "source": self.source}

    def send(self, path: str, body: Any = None, method: str = "POST", idempotent: bool = False) -> Any:
        self.sent.append((method, path, body))
        if (method, path) == ("POST", "/config/update"):
            self.lists.update(body["router_settings"])
            return {}
        if (method, path) == ("POST", "/fallback"):
            self._put(RULES[body["fallback_type"]], body["model"], body["fallback_models"])
            return body
        parts = urlsplit(path)
        model = unquote(parts.path.removeprefix("/fallback/"))
        assert method == "DELETE"
        if "/" in model:
            raise ApiError("Not Found", 404)
        self._put(RULES[parse_qs(parts.query)["fallback_type"][0]], model, None)
        return {}

    def _put(self, rules: str, model: str, models: list[str] | None) -> None:
        others = [entry for entry in self.lists[rules] or () if model not in entry]
        self.lists[rules] = [*others, {model: models}] if models else others


def declared(proxy: Router, model: str, state: str = "present", check: bool = False, **options: Any) -> Outcome:
    want = Fallback().declare({"model": model, **options}, state)
    store = SharedRowStore(Fallback(), proxy, lambda _seconds: None)  # type: ignore[arg-type]
    (outcome,) = converge(store, [want], check)
    return outcome


def post(kind: str, *models: str) -> tuple[str, str, Any]:
    return "POST", "/fallback", {"model": "a", "fallback_models": list(models), "fallback_type": kind}


def test_each_type_has_a_request_of_its_own() -> None:
    proxy = Router()
    options = {"fallback_models": ["c", "b"], "context_window_fallback_models": ["c"]}
    outcome = declared(proxy, "a", **options)
    assert (outcome.action, outcome.error) == ("create", None)
    assert proxy.sent == [post("general", "c", "b"), post("context_window", "c")]
    assert declared(proxy, "a", **options).action == "none"
    assert len(proxy.sent) == 2


def test_the_order_of_fallbacks_counts() -> None:
    proxy = Router(fallbacks=[{"a": ["b", "c"]}])
    assert declared(proxy, "a", fallback_models=["c", "b"]).action == "update"
    assert proxy.lists["fallbacks"] == [{"a": ["c", "b"]}]


def test_a_check_sends_nothing() -> None:
    proxy = Router(fallbacks=[{"a": ["b"]}])
    assert declared(proxy, "a", check=True, fallback_models=["c"]).action == "update"
    assert declared(proxy, "a", "absent", check=True).action == "delete"
    assert proxy.sent == []


@pytest.mark.parametrize("options", [{"fallback_models": []}, {"unset": ["content_policy_fallback_models"]}, {}])
def test_a_model_without_fallbacks_is_nothing_to_create(options: dict[str, Any]) -> None:
    proxy = Router()
    assert declared(proxy, "a", **options).action == "none"
    assert proxy.sent == []


def test_one_type_is_taken_away_and_the_others_stay() -> None:
    proxy = Router(fallbacks=[{"a": ["b"]}, {"c": ["b"]}], content_policy_fallbacks=[{"a": ["c"]}])
    assert declared(proxy, "a", unset=["fallback_models"]).action == "update"
    assert proxy.sent == [("DELETE", "/fallback/a?fallback_type=general", None)]
    assert proxy.lists["fallbacks"] == [{"c": ["b"]}]
    assert proxy.lists["content_policy_fallbacks"] == [{"a": ["c"]}]


def test_a_deletion_takes_each_type_that_is_there() -> None:
    proxy = Router(fallbacks=[{"a": ["b"]}], context_window_fallbacks=[{"a": ["c"]}, {"b": ["c"]}])
    assert declared(proxy, "a", "absent").action == "delete"
    types = ("general", "context_window")
    assert proxy.sent == [("DELETE", f"/fallback/a?fallback_type={kind}", None) for kind in types]
    assert declared(proxy, "a", "absent").action == "none"


def test_the_fallbacks_of_a_name_with_a_slash_are_taken_from_the_list() -> None:
    proxy = Router(fallbacks=[{"vendor/m": ["b"]}, {"a": ["b"]}, "unknown"])
    outcome = declared(proxy, "vendor/m", "absent")
    assert (outcome.action, outcome.error) == ("delete", None)
    body = {"router_settings": {"fallbacks": [{"a": ["b"]}, "unknown"]}}
    assert proxy.sent == [("POST", "/config/update", body)]


def test_the_first_of_several_entries_counts() -> None:
    proxy = Router(fallbacks=[{"a": "b"}, {"a": ["c"]}])
    assert declared(proxy, "a", fallback_models=["b"]).action == "none"
    assert declared(proxy, "a", check=True, fallback_models=["c"]).action == "update"


@pytest.mark.parametrize(("state", "options"), [("absent", {}), ("present", {"fallback_models": ["c"]})])
def test_an_entry_with_other_models_is_left_alone(state: str, options: dict[str, Any]) -> None:
    proxy = Router(fallbacks=[{"a": ["b"], "c": ["b"]}])
    with pytest.raises(InputError, match=r"fallback_models: LiteLLM keeps those of c in the same entry, and would"):
        declared(proxy, "a", state, **options)
    assert proxy.sent == []
    assert declared(proxy, "a", context_window_fallback_models=["c"]).action == "update"


@pytest.mark.parametrize(("state", "options"), [("absent", {}), ("present", {"fallback_models": ["c"]})])
def test_what_the_file_owns_is_neither_changed_nor_removed(state: str, options: dict[str, Any]) -> None:
    proxy = Router(fallbacks=[{"a": ["b"]}])
    proxy.source = {"fallbacks": "config"}
    with pytest.raises(InputError, match=r"fallback_models: owned by the configuration file of the proxy, for all"):
        declared(proxy, "a", state, **options)
    assert proxy.sent == []
    assert declared(proxy, "a", content_policy_fallback_models=["c"]).action == "update"


def test_a_proxy_that_tells_no_sources_owns_nothing() -> None:
    proxy = Router()
    proxy.source = None
    assert declared(proxy, "a", fallback_models=["b"]).action == "create"


@pytest.mark.parametrize(
    ("model", "models", "unknown"),
    [("gone", ["a"], r"'gone'\."), ("a", ["b", "gone", "*"], r"'gone', '\*'\.")],
)
def test_names_that_no_model_has_are_refused(model: str, models: list[str], unknown: str) -> None:
    proxy = Router()
    with pytest.raises(InputError, match=f"the proxy has no model {unknown}"):
        declared(proxy, model, fallback_models=models)
    assert proxy.sent == []


def test_the_fallbacks_of_a_model_that_is_gone_can_be_deleted() -> None:
    proxy = Router(fallbacks=[{"gone": ["b"]}])
    assert declared(proxy, "gone", unset=["fallback_models"]).action == "update"
    assert proxy.lists["fallbacks"] == []


@pytest.mark.parametrize(
    ("models", "wrong"),
    [(["a"], "fallback_models: a cannot be its own fallback"), (["b", "c", "b"], "b is listed more than once")],
)
def test_what_makes_no_sense_is_refused(models: list[str], wrong: str) -> None:
    with pytest.raises(InputError, match=wrong):
        Fallback().declare({"model": "a", "fallback_models": models}, "present")


# What the configuration file of the proxy owns

OWNED = r"owned by the configuration file of the proxy, for all models\. Change it there\."


class Proxy:
    """A proxy whose configuration file has a list of fallbacks, and none for long prompts."""

    facts: dict[str, Any] = {"version": "1.110.2"}

    def get(self, path: str, params: Any = None) -> Any:
        if path == "/v2/model/info":
            return {"data": [{"model_name": name, "model_info": {"id": name}} for name in "abc"], **COUNT}
        assert path == "/router/settings"
        return {
            "current_values": {"fallbacks": [{"a": ["b"]}], "context_window_fallbacks": [{"a": ["c"]}]},
            "source": {"fallbacks": "config", "context_window_fallbacks": "db"},
        }


COUNT = {"total_count": 3, "total_pages": 1}


def planned(model: str, state: str = "present", **options: Any) -> Outcome:
    want = Fallback().declare({"model": model, **options}, state)
    (outcome,) = converge(Fallback().store(Proxy(), {}, None), [want], check=True)  # type: ignore[arg-type]
    return outcome


@pytest.mark.parametrize(
    ("model", "state", "options"),
    [
        ("a", "present", {"fallback_models": ["c"]}),
        ("a", "present", {"unset": ["fallback_models"]}),
        ("a", "absent", {}),
        ("b", "present", {"fallback_models": ["c"], "context_window_fallback_models": ["c"]}),
    ],
)
def test_what_the_configuration_file_owns_is_refused(model: str, state: str, options: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=f"fallback_models.*: {OWNED}"):
        planned(model, state, **options)


def test_what_it_does_not_own_can_be_declared() -> None:
    assert planned("a", fallback_models=["b"]).action == "none"
    assert planned("a", context_window_fallback_models=["b"]).action == "update"
    assert planned("b", context_window_fallback_models=["c"]).action == "create"
