# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An object that is nothing but a table and its requests, through the same edge as every module."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._crud import _store
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._crud._definition import Request
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._crud._object import CrudObject
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._engine import NOT_CLEARABLE, Field, Resource
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._listings import Listing
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._module import run as run_one
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._module import run_batch, run_info
from ansible_collections.litemaas.virtual_keys.tests.unit.fake_gadgets import FakeGadgets
from pytest_httpserver import HTTPServer

GADGET = Resource(
    kind="gadget",
    identity="gadget_id",
    fields=(
        Field("gadget_id", cleared=NOT_CLEARABLE),
        Field("label"),
        Field("limit", "int", since="1.90.0", check=lambda value: "must not be negative." if value < 0 else None),
        Field("parts", "list", "str", cleared=[]),
    ),
)
TASK = Callable[..., dict[str, Any]]


class Gadget(CrudObject):
    table = GADGET
    alias = "label"
    reading_names = ("uses",)
    filters = ("limit",)

    create = Request("POST", "/gadget/new")
    update = Request("POST", "/gadget/update", id="gadget_id")
    delete = Request("POST", "/gadget/delete", id="gadget_ids", many=True)
    listing = Listing("/gadget/list", "gadget_id", "gadgets", counted=True)
    get = Request("GET", "/gadget/info", id="gadget_id", entries="gadget_info", missing="Gadget not found")


class QuirkyGadget(Gadget):
    """One that overrides most of what can be overridden."""

    table = Resource("gadget", "gadget_id", (*GADGET.fields, Field("gated", licensed=True)))
    alias = ""

    def check_options(self, options):
        return ["label and limit are mutually exclusive."] if options["limit"] else []

    def desired(self, fields, _options, record):
        return fields if record else {"label": "the default", **fields}

    def create_body(self, body, _plan):
        return {**body, "parts": ["made"]}

    def update_body(self, body, _plan, _proxy):
        return {**body, "parts": ["changed"]}

    def normalize(self, record):
        return {**record, "label": record["label"] and record["label"].lower()}

    def check_plan(self, plan, _options, _proxy):
        return "never." if plan.changes.get("label") == "no" else None

    def losses(self, plan, _options, _proxy):
        uses = plan.existing["uses"]
        return [f"{uses} uses would be lost."] if plan.action == "delete" and uses else []

    def further_requests(self, gadget_id, _plan, _proxy):
        return [("/gadget/update", {"gadget_id": gadget_id, "limit": 9})]


class NewGadget(Gadget):
    table = Resource("gadget", "gadget_id", GADGET.fields, since="1.107.0")


def modules_of(kind: CrudObject) -> SimpleNamespace:
    """The three modules of an object, each with a ``main()``."""
    return SimpleNamespace(
        one=SimpleNamespace(main=lambda: run_one(kind)),
        many=SimpleNamespace(main=lambda: run_batch(kind)),
        info=SimpleNamespace(main=lambda: run_info(kind)),
    )


GADGETS = modules_of(Gadget())


@pytest.fixture
def server(httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeGadgets]:
    monkeypatch.setattr(_store, "PAUSE", 0)
    yield FakeGadgets(httpserver)
    httpserver.check()


@pytest.fixture
def task(run: TASK, server: FakeGadgets) -> TASK:
    """Runs the module of one gadget; a task that succeeded does nothing when it is run again."""

    def task(check: bool = False, modules: SimpleNamespace = GADGETS, **options: Any) -> dict[str, Any]:
        result = run(modules.one, server.url, check, **options)
        if not (check or result.get("failed")):
            writes = len(server.writes)
            again = run(modules.one, server.url, **options)
            assert (again["changed"], len(server.writes)) == (False, writes)
        return result

    return task


def test_create_update_clear_and_delete(task: TASK, server: FakeGadgets) -> None:
    created = task(gadget_id="g", label="one", limit=5, parts=["a", "b"])
    assert (created["action"], created["changed"], created["gadget_id"]) == ("create", True, "g")
    assert created["gadget"] == {"gadget_id": "g", "label": "one", "limit": 5, "parts": ["a", "b"], "uses": 0}

    updated = task(gadget_id="g", label="two", limit=5, parts=["b", "a"])
    assert updated["action"] == "update"
    assert server.writes[-1] == ("/gadget/update", {"gadget_id": "g", "label": "two"})
    assert (updated["diff"]["before"]["label"], updated["diff"]["after"]["label"]) == ("one", "two")

    cleared = task(gadget_id="g", unset=["limit"], parts=[], label="")
    assert server.writes[-1] == ("/gadget/update", {"gadget_id": "g", "limit": None, "parts": [], "label": None})
    assert (cleared["gadget"]["limit"], cleared["gadget"]["label"]) == (None, None)

    deleted = task(gadget_id="g", state="absent")
    assert (deleted["action"], deleted["gadget"], server.rows) == ("delete", None, {})
    assert server.writes[-1] == ("/gadget/delete", {"gadget_ids": ["g"]})


def test_check_mode_writes_nothing_and_shows_what_would_be(task: TASK, server: FakeGadgets) -> None:
    created = task(check=True, gadget_id="g", label="one")
    assert (created["action"], created["gadget"]["label"], created["diff"]["before"]) == ("create", "one", {})
    server.rows["g"] = {"gadget_id": "g", "label": "one", "limit": 1, "parts": []}
    assert task(check=True, gadget_id="g", limit=2)["gadget"]["limit"] == 2
    assert task(check=True, gadget_id="g", state="absent")["action"] == "delete"
    assert task(check=True, gadget_id="g", label="one")["action"] == "none"
    assert server.writes == []


def test_an_id_may_hold_anything_that_can_be_printed(task: TASK, server: FakeGadgets) -> None:
    assert task(gadget_id="a b/ü?&+%20", label="x")["gadget_id"] == "a b/ü?&+%20"
    assert list(server.rows) == ["a b/ü?&+%20"]


def test_what_is_not_declared_is_left_alone(task: TASK, server: FakeGadgets) -> None:
    server.rows["g"] = {"gadget_id": "g", "label": "one", "limit": 1, "parts": ["a"]}
    task(gadget_id="g", limit=0)
    assert server.rows["g"] == {"gadget_id": "g", "label": "one", "limit": 0, "parts": ["a"]}


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({}, "gadget_id or label is required and must not be blank."),
        ({"gadget_id": " "}, "gadget_id or label is required and must not be blank."),
        ({"gadget_id": "a\u2028b"}, "gadget_id: must not contain control characters or line separators."),
        ({"gadget_id": ".."}, "'..' is not allowed in a URL"),
        ({"gadget_id": "g", "limit": -1}, "g: limit: must not be negative."),
        ({"gadget_id": "g", "limit": 1, "unset": ["limit"]}, "limit cannot be both set and listed in unset."),
        ({"gadget_id": "g", "unset": ["gadget_id"]}, "value of unset must be one"),
    ],
)
def test_wrong_input_is_refused_before_any_request(
    task: TASK, server: FakeGadgets, options: dict[str, Any], sentence: str
) -> None:
    assert sentence in task(**options)["msg"]
    assert server.requests == []


# Declared by its alias


def test_by_alias_it_is_found_whatever_page_it_is_on(task: TASK, server: FakeGadgets) -> None:
    for number in range(5):
        server.rows[f"g{number}"] = {"gadget_id": f"g{number}", "label": f"l{number}", "limit": None, "parts": []}
    server.rows["other"] = {"gadget_id": "other", "label": "l40", "limit": None, "parts": []}
    result = task(label="l4", limit=7)
    assert (result["gadget_id"], result["action"], server.rows["g4"]["limit"]) == ("g4", "update", 7)
    assert server.rows["other"]["limit"] is None


def test_by_alias_the_server_chooses_the_id(task: TASK, server: FakeGadgets) -> None:
    result = task(label="new", limit=1)
    assert (result["action"], result["label"], result["gadget_id"]) == ("create", "new", "made-0")
    assert task(label="new", state="absent")["action"] == "delete"


def test_an_alias_that_several_bear_is_refused(task: TASK, server: FakeGadgets) -> None:
    for name in ("a", "b"):
        server.rows[name] = {"gadget_id": name, "label": "twice", "limit": None, "parts": []}
    assert (
        "twice: 2 gadgets have this label. Set gadget_id to identify one of them (a, b)." in task(label="twice")["msg"]
    )
    assert task(gadget_id="b", label="once")["action"] == "update"


# A server that cannot be relied upon


def test_a_lost_answer_doubles_nothing(task: TASK, server: FakeGadgets) -> None:
    for options in ({"label": "made by the server"}, {"gadget_id": "g"}, {"gadget_id": "g", "limit": 3}):
        server.loses = {"/gadget/new", "/gadget/update"}
        assert task(**options)["changed"]
    server.loses = {"/gadget/delete"}
    assert task(gadget_id="g", state="absent")["action"] == "delete"
    assert len(server.rows) == 1
    assert [path for path, _body in server.writes].count("/gadget/new") == 2


def test_somebody_else_was_quicker(task: TASK, server: FakeGadgets) -> None:
    theirs = {"gadget_id": "g", "label": "theirs", "limit": 1, "parts": []}
    server.first["/gadget/new"] = lambda rows: rows.update(g=dict(theirs))
    assert task(gadget_id="g", label="theirs")["action"] == "none"
    del server.rows["g"]
    server.first["/gadget/new"] = lambda rows: rows.update(g=dict(theirs))
    assert task(gadget_id="g", label="ours")["action"] == "update"
    server.first["/gadget/update"] = lambda rows: rows.clear()
    assert task(gadget_id="g", label="again")["gadget"]["label"] == "again"
    server.first["/gadget/delete"] = lambda rows: rows.clear()
    assert task(gadget_id="g", state="absent")["action"] == "none"


def test_a_write_that_is_refused_although_it_was_done(task: TASK, server: FakeGadgets) -> None:
    server.refuses_after = {"/gadget/new"}
    result = task(gadget_id="g", label="x")
    assert (result["action"], server.rows["g"]["label"]) == ("create", "x")
    assert "saved to the database, but not live" in str(result["warnings"])


@pytest.mark.parametrize("answer", [1, None])
def test_a_write_whose_answer_says_nothing(task: TASK, server: FakeGadgets, answer: Any) -> None:
    server.answers = dict.fromkeys(("/gadget/new", "/gadget/update", "/gadget/delete"), answer)
    assert task(gadget_id="g", label="x")["action"] == "create"
    assert task(gadget_id="g", label="y")["action"] == "update"
    assert task(gadget_id="g", state="absent")["action"] == "delete"
    server.drops = {"label"}
    failed = task(gadget_id="g", label="x")
    assert (failed["failed"], [path for path, _body in server.writes][-1]) == (True, "/gadget/update")


def test_what_the_server_gives_a_new_one_and_the_play_does_not_want(task: TASK, server: FakeGadgets) -> None:
    server.defaults = {"limit": 100}
    result = task(gadget_id="g", unset=["limit"])
    assert (result["action"], result["gadget"]["limit"], server.rows["g"]["limit"]) == ("create", None, None)
    assert [path for path, _body in server.writes] == ["/gadget/new", "/gadget/update"]


def test_a_field_that_was_not_stored_is_named(task: TASK, server: FakeGadgets) -> None:
    server.drops = {"parts"}
    failed = task(gadget_id="g", label="x", parts=["a"])
    assert "LiteLLM 1.106.2 accepted the request but did not store parts of the gadget g." in failed["msg"]
    assert (failed["action"], failed["changed"], failed["gadget"]["label"]) == ("create", True, "x")
    assert [path for path, _body in server.writes] == ["/gadget/new", "/gadget/update"]


def test_a_stale_read_is_looked_at_again(task: TASK, server: FakeGadgets) -> None:
    task(gadget_id="g", limit=1)
    server.first["/gadget/update"] = lambda rows: setattr(server, "stale", 2)
    assert task(gadget_id="g", limit=2)["action"] == "update"
    assert [path for path, _body in server.writes].count("/gadget/update") == 1


def test_an_older_server_is_told_from_a_newer_one_before_the_write(task: TASK, server: FakeGadgets) -> None:
    server.version = "1.83.14"
    failed = task(gadget_id="g", limit=1)
    assert "LiteLLM 1.83.14 on this proxy does not know limit (since 1.90.0)." in failed["msg"]
    assert server.writes == []
    task(gadget_id="g", label="x")


# Quirks


def test_what_an_object_overrides(task: TASK, server: FakeGadgets) -> None:
    modules = modules_of(QuirkyGadget())
    assert "g: label and limit are mutually exclusive." in task(modules=modules, gadget_id="g", limit=1)["msg"]
    assert "g: never." in task(modules=modules, gadget_id="g", label="no")["msg"]
    assert "gated requires a LiteLLM Enterprise license" in task(modules=modules, gadget_id="g", gated="x")["msg"]
    assert server.writes == []
    made = task(modules=modules, gadget_id="g")
    assert made["gadget"]["label"] == "the default"
    assert (server.rows["g"]["parts"], server.rows["g"]["limit"]) == (["made"], 9)
    task(modules=modules, gadget_id="g", label="other")
    assert server.rows["g"]["parts"] == ["changed"]
    server.rows["g"].update(uses=3, label="OTHER")
    assert task(modules=modules, gadget_id="g", label="other")["action"] == "none"
    loss = "g: 3 uses would be lost."
    planned = task(modules=modules, check=True, gadget_id="g", state="absent")
    assert f"{loss} To continue, set force: true. This task fails unless" in str(planned["warnings"])
    assert task(modules=modules, gadget_id="g", state="absent")["msg"] == f"{loss} To continue, set force: true."
    done = task(modules=modules, gadget_id="g", state="absent", force=True)
    assert (done["action"], loss in str(done["warnings"])) == ("delete", True)


# Many, and reading


def test_many_at_once(run: TASK, server: FakeGadgets) -> None:
    gadgets = [{"gadget_id": f"g{number}", "limit": number} for number in range(6)]
    options: dict[str, Any] = {"gadgets": gadgets, "defaults": {"label": "all"}}
    planned = run(GADGETS.many, server.url, True, **options)
    assert (planned["summary"]["create"], planned["changed"], server.writes) == (6, True, [])
    made = run(GADGETS.many, server.url, **options)
    assert [(one["gadget_id"], one["action"], one["error"]) for one in made["gadgets"]] == [
        (f"g{number}", "create", None) for number in range(6)
    ]
    assert len(made["diff"]) == 6
    assert {row["label"] for row in server.rows.values()} == {"all"}
    assert run(GADGETS.many, server.url, **options)["changed"] is False
    gone = run(GADGETS.many, server.url, gadgets=[{"gadget_id": "g1"}, {"gadget_id": "none"}], state="absent")
    assert [one["action"] for one in gone["gadgets"]] == ["delete", "none"]
    assert len(server.rows) == 5


def test_what_an_item_sets_or_unsets_goes_before_the_defaults(run: TASK, server: FakeGadgets) -> None:
    gadgets = [{"gadget_id": "a", "limit": 1}, {"gadget_id": "b", "unset": ["label"]}]
    made = run(GADGETS.many, server.url, gadgets=gadgets, defaults={"unset": ["limit"], "label": "all"})
    assert made["summary"]["create"] == 2
    assert [(row["limit"], row["label"]) for row in (server.rows["a"], server.rows["b"])] == [(1, "all"), (None, None)]


def test_of_many_one_fails(run: TASK, server: FakeGadgets) -> None:
    server.drops = {"limit"}
    result = run(GADGETS.many, server.url, gadgets=[{"gadget_id": "a"}, {"gadget_id": "b", "limit": 1}])
    assert result["msg"].startswith("1 of 2 failed. b: LiteLLM 1.106.2 accepted the request but did not store limit")
    assert [(one["action"], bool(one["error"])) for one in result["gadgets"]] == [("create", False), ("create", True)]


def test_many_are_read_back_together(run: TASK, server: FakeGadgets) -> None:
    gadgets = [{"gadget_id": f"g{number}", "limit": 1} for number in range(6)]
    for limit in (1, 2):
        server.requests.clear()
        made = run(GADGETS.many, server.url, gadgets=[{**one, "limit": limit} for one in gadgets])
        assert (made["changed"], len(server.writes)) == (True, 6)
        after = server.requests[server.requests.index(("POST", *server.writes[-1])) + 1 :]
        assert [path for _method, path, _body in after] == ["/gadget/list"] * 3  # pages of two
    server.requests.clear()
    assert run(GADGETS.many, server.url, gadgets=gadgets, state="absent")["summary"]["delete"] == 6
    assert [path for _method, path, _body in server.requests[-2:]] == ["/gadget/list"] * 2  # empty twice


def test_of_many_that_are_read_back_together_one_lacks_something(run: TASK, server: FakeGadgets) -> None:
    server.drops = {"limit"}
    gadgets = [{"gadget_id": f"g{number}"} for number in range(6)]
    result = run(GADGETS.many, server.url, gadgets=[*gadgets, {"gadget_id": "b", "limit": 1}])
    assert result["msg"].startswith("1 of 7 failed. b: LiteLLM 1.106.2 accepted the request but did not store limit")
    assert [one["action"] for one in result["gadgets"]] == ["create"] * 7
    assert [path for path, _body in server.writes] == ["/gadget/new"] * 7 + ["/gadget/update"]


def test_of_many_that_are_read_back_together_one_is_stale(run: TASK, server: FakeGadgets) -> None:
    gadgets = [{"gadget_id": f"g{number}"} for number in range(6)]
    run(GADGETS.many, server.url, gadgets=gadgets)
    server.first["/gadget/update"] = lambda _rows: setattr(server, "stale", 3)  # the pages of one look
    result = run(GADGETS.many, server.url, gadgets=gadgets, defaults={"limit": 2})
    updates = [path for path, _body in server.writes].count("/gadget/update")
    assert (result["summary"]["update"], result["summary"]["failed"], updates) == (6, 0, 6)


def test_of_many_one_gets_an_alias_that_another_has_meanwhile(run: TASK, server: FakeGadgets) -> None:
    server.first["/gadget/new"] = lambda rows: rows.update(
        x={"gadget_id": "x", "label": "l1", "limit": None, "parts": []}
    )
    result = run(GADGETS.many, server.url, gadgets=[{"label": f"l{number}"} for number in range(4)])
    assert result["msg"].startswith("1 of 4 failed. l1: 2 gadgets have this label.")
    assert [bool(one["error"]) for one in result["gadgets"]] == [False, True, False, False]


def test_an_object_that_an_older_litellm_would_spoil_is_only_deleted_there(run: TASK, server: FakeGadgets) -> None:
    new = modules_of(NewGadget()).one
    refused = run(new, server.url, gadget_id="g1", label="a")
    assert "This module requires LiteLLM 1.107.0 or newer, and the proxy has 1.106.2" in refused["msg"]
    assert server.writes == []
    run(GADGETS.one, server.url, gadget_id="g1", label="a")
    assert not run(new, server.url, gadget_id="g1", label="a")["changed"]
    assert run(new, server.url, gadget_id="g1", label="b")["failed"]
    assert run(new, server.url, gadget_id="g1", state="absent")["changed"]
    server.version = "1.107.0"
    assert run(new, server.url, gadget_id="g1", label="a")["changed"]


def test_many_that_cannot_be_read_back_have_failed(run: TASK, server: FakeGadgets) -> None:
    def answer_no_more(_rows: Any) -> None:
        server.broken = {"/gadget/list"}

    server.first["/gadget/new"] = answer_no_more
    result = run(GADGETS.many, server.url, gadgets=[{"gadget_id": f"g{number}"} for number in range(4)])
    assert result["msg"].startswith("4 of 4 failed.")
    assert [one["action"] for one in result["gadgets"]] == ["create"] * 4
    assert "LiteLLM accepted the write, but what it stored could not be read. Run the task again." in result["msg"]


def test_one_that_cannot_be_read_back_is_said_to_be_written(run: TASK, server: FakeGadgets) -> None:
    def answer_no_more(_rows: Any) -> None:
        server.broken = {"/gadget/info", "/gadget/list"}

    server.first["/gadget/new"] = answer_no_more
    result = run(GADGETS.one, server.url, gadget_id="g1", state="present")
    assert "LiteLLM accepted the write, but what it stored could not be read. Run the task again." in result["msg"]
    assert result["changed"]


def test_with_fail_fast_each_is_read_back_before_the_next(run: TASK, server: FakeGadgets) -> None:
    server.drops = {"limit"}
    gadgets = [{"gadget_id": f"g{number}", "limit": 1} for number in range(4)]
    result = run(GADGETS.many, server.url, gadgets=gadgets, concurrency=1, fail_fast=True)
    assert list(server.rows) == ["g0"]
    assert [one["action"] for one in result["gadgets"]] == ["create", "none", "none", "none"]


def test_of_many_none_is_declared_twice(run: TASK, server: FakeGadgets) -> None:
    result = run(GADGETS.many, server.url, gadgets=[{"gadget_id": "a"}, {"gadget_id": "a"}, {"label": "a"}])
    assert result["msg"] == "a: declared 2 times, as items 1, 2."


def test_reading(run: TASK, server: FakeGadgets) -> None:
    for number in range(5):
        row = {"gadget_id": f"g{number}", "label": f"l{number}", "limit": number % 2, "parts": [], "uses": number}
        server.rows[f"g{number}"] = row

    def read(**options: Any) -> list[str]:
        return [one["gadget_id"] for one in run(GADGETS.info, server.url, **options)["gadgets"]]

    assert read() == ["g0", "g1", "g2", "g3", "g4"]
    assert read(limit=1) == ["g1", "g3"]
    assert read(label="l3") == ["g3"]
    assert read(gadget_id="g2") == ["g2"]
    assert read(gadget_id="g2", limit=1) == []
    assert read(gadget_id="none") == []
    (shown,) = run(GADGETS.info, server.url, gadget_id="g4")["gadgets"]
    assert shown == {"gadget_id": "g4", "label": "l4", "limit": 0, "parts": [], "uses": 4}
    assert server.writes == []


def test_a_path_that_the_server_does_not_know_is_no_missing_object(run: TASK, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/gadget/info").respond_with_json({"detail": "Not Found"}, status=404)
    url = httpserver.url_for("").rstrip("/")
    assert "Not Found" in run(GADGETS.one, url, gadget_id="g", state="absent")["msg"]
