# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A task that declares a platform: what it writes, refuses and returns."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.module_utils import _module
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._engine import Outcome, Plan
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._errors import ApiError
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._platform._kinds import KINDS
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._platform._task import warn_of_lacking
from ansible_collections.litemaas.virtual_keys.plugins.modules import litellm_platform
from ansible_collections.litemaas.virtual_keys.tests.unit.fake_litellm import FakeLiteLLM

URL = "https://litellm.example.com"
SEED = "a seed for tests only, of 32 characters and more"
Declare = Callable[..., dict[str, Any]]


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> FakeLiteLLM:
    """A proxy that takes the place of the client."""
    proxy = FakeLiteLLM()
    monkeypatch.setattr(_module, "Client", lambda *_settings, **_more: proxy)
    return proxy


@pytest.fixture
def declare(run_in_worker: Declare) -> Declare:
    return lambda check=False, **options: run_in_worker(litellm_platform, URL, check, **options)


def key(alias: str, **options: Any) -> dict[str, Any]:
    return {"key_alias": alias, "key_seed": SEED, **options}


def actions(result: dict[str, Any]) -> dict[str, str]:
    return {one["key_alias"]: one["action"] for one in result["virtual_keys"]}


def test_the_second_run_writes_nothing(proxy: FakeLiteLLM, declare: Declare) -> None:
    keys = [key("a", max_budget=5), key("b")]
    first = declare(keys=keys)
    assert (first["changed"], actions(first)) == (True, {"a": "create", "b": "create"})
    assert proxy.aliases() == ["a", "b"] and proxy.only("a")["max_budget"] == 5
    written = len(proxy.writes)
    second = declare(keys=keys)
    assert (second["changed"], second["diff"], len(proxy.writes)) == (False, [], written)
    assert second["summary"] == {
        "create": 0, "update": 0, "reissue": 0, "delete": 0, "none": 2, "failed": 0, "unknown_value": 0
    }  # fmt: skip


def test_check_mode_predicts_and_writes_nothing(proxy: FakeLiteLLM, declare: Declare) -> None:
    proxy.add("there", max_budget=1.0)
    keys = [key("new"), {"key_alias": "there", "max_budget": 2}]
    predicted = declare(True, keys=keys)
    assert proxy.writes == []
    assert (predicted["changed"], actions(predicted)) == (True, {"new": "create", "there": "update"})
    assert predicted["drift"]["missing"] == [{"kind": "keys", "name": "new"}]
    assert predicted["drift"]["changed"] == [
        {"kind": "keys", "name": "there", "fields": {"max_budget": {"declared": 2.0, "actual": 1.0}}}
    ]
    done = declare(keys=keys)
    assert (actions(done), done["drift"]) == (actions(predicted), predicted["drift"])


@pytest.mark.parametrize(
    ("values", "warned"), [((None, None), False), (("sk-1", None), True), (("sk-1", "sk-2"), False)]
)
def test_values_that_the_file_lacks_are_told_if_it_has_others(values: tuple[str | None, ...], warned: bool) -> None:
    (row,) = (row for row in KINDS if row.option == "keys")
    there = {"token": "t"}
    done = [
        (row, None, Outcome(Plan(f"key-{number}", "none", current=there), "none", there, value))
        for number, value in enumerate(values)
    ]
    new = (row, None, Outcome(Plan("new", "create"), "create", there, "sk-3"))
    said: list[str] = []
    warn_of_lacking(SimpleNamespace(params={"values_file": "v.yml"}, warn=said.append, called={}), [*done, new])
    assert len(said) == warned
    assert all("values_file: these keys have values that are not in v.yml: key-1." in text for text in said)


def test_a_diff_has_what_changes_under_the_name_of_its_list(proxy: FakeLiteLLM, declare: Declare) -> None:
    proxy.add("same")
    proxy.add("there", max_budget=1.0)
    (diff,) = declare(keys=[{"key_alias": "same"}, {"key_alias": "there", "max_budget": 2}])["diff"]
    assert (diff["before_header"], diff["after_header"]) == ("keys: there", "keys: there")
    assert (diff["before"]["max_budget"], diff["after"]["max_budget"]) == (1.0, 2.0)


def test_values_are_returned_only_if_that_is_asked_for(proxy: FakeLiteLLM, declare: Declare) -> None:
    (kept,) = declare(keys=[key("a")])["virtual_keys"]
    (told,) = declare(keys=[{"key_alias": "b"}], return_values=True)["virtual_keys"]
    assert (kept["action"], kept["key"]) == ("create", None)
    assert told["key"].startswith("sk-") and proxy.only("b")["key_name"].endswith(told["key"][-4:])


def test_a_key_whose_value_nobody_would_know_is_refused_before_the_first_write(
    proxy: FakeLiteLLM, declare: Declare
) -> None:
    for check in (True, False):
        result = declare(check, keys=[key("known"), {"key_alias": "lost"}])
        assert result["failed"] and "nobody would know the values of these keys" in result["msg"]
        assert "lost" in result["msg"] and "known" not in result["msg"].replace("would know", "")
    assert proxy.writes == []


def test_what_is_there_and_not_declared_is_reported_and_pruned(proxy: FakeLiteLLM, declare: Declare) -> None:
    for alias in ("a", "b", "c"):
        proxy.add(alias, metadata={"course": "x"} if alias != "c" else {})
    options = {"keys": [{"key_alias": "a"}], "report_undeclared": ["keys"]}
    reported = declare(**options)
    assert reported["drift"]["not_declared"] == [{"kind": "keys", "name": "b"}, {"kind": "keys", "name": "c"}]
    assert (reported["changed"], reported["pruned"], proxy.writes) == (False, [], [])
    pruned = declare(**options, prune=["keys"], prune_metadata={"course": "x"})
    assert pruned["pruned"] == [{"kind": "keys", "name": "b", "action": "delete", "changed": True, "error": None}]
    assert (proxy.aliases(), actions(pruned), pruned["summary"]["delete"]) == (["a", "c"], {"a": "none"}, 1)
    assert pruned["drift"]["unwanted"] == [{"kind": "keys", "name": "b"}]


def test_more_than_the_limit_is_not_pruned(proxy: FakeLiteLLM, declare: Declare) -> None:
    for alias in ("a", "b", "c"):
        proxy.add(alias, metadata={"course": "x"})
    result = declare(keys=[{"key_alias": "a"}], prune=["keys"], prune_metadata={"course": "x"}, prune_limit=1)
    assert result["failed"] and "2 would be deleted" in result["msg"] and "b, c" in result["msg"]
    assert (proxy.aliases(), proxy.writes) == (["a", "b", "c"], [])


def test_absent_deletes(proxy: FakeLiteLLM, declare: Declare) -> None:
    proxy.add("a")
    result = declare(state="absent", keys=[{"key_alias": "a"}, {"key_alias": "never"}])
    assert (actions(result), proxy.aliases()) == ({"a": "delete", "never": "none"}, [])
    assert result["summary"]["delete"] == 1


def test_a_failure_names_the_object_and_the_rest_is_done(proxy: FakeLiteLLM, declare: Declare) -> None:
    proxy.add("a")
    proxy.fault("/key/update", raised=ApiError("The proxy says no.", 400), carried_out=False)
    result = declare(keys=[{"key_alias": "a", "max_budget": 3}, key("b")], concurrency=1)
    assert result["failed"] and "keys: a" in result["msg"] and "The proxy says no." in result["msg"]
    assert result["summary"]["failed"] == 1 and result["summary"]["create"] == 1
    assert {one["key_alias"]: bool(one["error"]) for one in result["virtual_keys"]} == {"a": True, "b": False}
    assert (proxy.aliases(), proxy.only("a")["max_budget"]) == (["a", "b"], None)


def test_strict_reports_options_that_are_set_and_not_declared(proxy: FakeLiteLLM, declare: Declare) -> None:
    proxy.add("a", max_budget=7.0)
    options = {"keys": [{"key_alias": "a"}]}
    assert declare(**options)["drift"]["undeclared_fields"] == []
    (found,) = declare(**options, strict=True)["drift"]["undeclared_fields"]
    assert (found["kind"], found["name"], found["fields"]["max_budget"]) == ("keys", "a", 7.0)


def test_a_proxy_that_does_not_answer_fails_a_task_that_declares_nothing(proxy: FakeLiteLLM, declare: Declare) -> None:
    assert declare()["drift"]["differs"] is False
    proxy.facts.clear()
    proxy.fault("/health/readiness/details", raised=ApiError("Wrong key.", 401), carried_out=False)
    result = declare()
    assert result["failed"] and "Wrong key." in result["msg"]


def test_entries_stand_in_no_invocation(proxy: FakeLiteLLM, declare: Declare) -> None:
    given = declare(keys=[key("a")], strict=True)["invocation"]["module_args"]
    assert given["strict"] is True and "keys" not in given and SEED not in str(given)
