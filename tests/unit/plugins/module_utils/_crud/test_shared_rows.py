# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects in one row that others write at the same time, and that another worker shows as it was before."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Lock
from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._batch import converge
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._crud import _store
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._crud._definition import Request
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._crud._shared_rows import (
    PAUSES,
    SharedRowObject,
    SharedRowStore,
)
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._engine import (
    NOT_CLEARABLE,
    Field,
    Outcome,
    Resource,
)
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._errors import ApiError
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._listings import Listing

Rows = dict[str, dict[str, Any]]


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_store, "PAUSE", 0)


class Rule(SharedRowObject):
    table = Resource("rule", "name", (Field("name", cleared=NOT_CLEARABLE), Field("limit", "int")))
    create = Request("POST", "/rule")
    update = Request("POST", "/rule", id="name")
    delete = Request("POST", "/rule/delete", id="name")
    listing = Listing("/rules", "name", "rules")


class Proxy:
    """A proxy with rules.

    :ivar others: what others do to the row in each pause of the task, one after another.
    :ivar stale: how many pauses long reads show the rules as they were at the beginning.
    """

    facts: dict[str, Any] = {"version": "1.110.2"}
    last_read: dict[Any, Any] = {}

    def __init__(self, **limits: int) -> None:
        self.rows: Rows = {name: {"name": name, "limit": limit} for name, limit in limits.items()}
        self.before = [dict(row) for row in self.rows.values()]
        self.others: list[Callable[[Rows], Any]] = []
        self.stale = 0
        self.writes: list[str] = []
        self.pauses: list[float] = []
        self.refusal: ApiError | None = None
        self.writing = Lock()

    def get(self, _path: str, _params: Any = None) -> Any:
        return {"rules": self.before if self.stale else [dict(row) for row in self.rows.values()]}

    def send(self, path: str, body: Any = None, method: str = "POST", idempotent: bool = False) -> Any:
        assert self.writing.acquire(blocking=False), "two writes at once"
        time.sleep(0.01)
        self.writes.append(path)
        if self.refusal:
            self.writing.release()
            raise self.refusal
        if path == "/rule":
            self.rows.setdefault(body["name"], {}).update(body)
        else:
            self.rows.pop(body["name"], None)
        self.writing.release()
        return {}

    def sleep(self, seconds: float) -> None:
        if not seconds:
            return  # between the looks after one write
        self.pauses.append(seconds)
        self.stale = max(0, self.stale - 1)
        if self.others:
            self.others.pop(0)(self.rows)


def declared(proxy: Proxy, state: str = "present", **limits: int) -> list[Outcome]:
    wants = [Rule().declare({"name": name, "limit": limit}, state) for name, limit in limits.items()]
    return converge(SharedRowStore(Rule(), proxy, proxy.sleep), wants, concurrency=8)  # type: ignore[arg-type]


def said(outcomes: list[Outcome]) -> list[tuple[str, str]]:
    return [(outcome.action, str(outcome.error or "")) for outcome in outcomes]


def test_a_write_that_stays_is_looked_at_once_more() -> None:
    proxy = Proxy()
    assert said(declared(proxy, a=1)) == [("create", "")]
    assert (len(proxy.writes), len(proxy.pauses)) == (1, 1)


def test_nothing_to_write_needs_no_second_look() -> None:
    proxy = Proxy(a=1)
    assert said(declared(proxy, a=1)) == [("none", "")]
    assert (proxy.writes, proxy.pauses) == ([], [])


def test_what_others_undo_is_written_again() -> None:
    proxy = Proxy()
    proxy.others = [Rows.clear, Rows.clear]
    assert said(declared(proxy, a=1)) == [("create", "")]
    assert (proxy.rows["a"]["limit"], len(proxy.writes)) == (1, 3)


def test_what_others_bring_back_is_deleted_again() -> None:
    proxy = Proxy(a=1)
    proxy.others = [lambda rows: rows.update(a={"name": "a", "limit": 1})]
    assert said(declared(proxy, "absent", a=1)) == [("delete", "")]
    assert (proxy.rows, len(proxy.writes)) == ({}, 2)


def test_what_others_keep_undoing_is_an_error() -> None:
    proxy = Proxy()
    proxy.others = [Rows.clear] * len(PAUSES)
    ((action, error),) = said(declared(proxy, a=1))
    assert (action, "others change the same settings at the same time" in error) == ("create", True)
    assert len(proxy.pauses) == len(PAUSES)


def test_a_worker_that_shows_it_later_is_waited_for() -> None:
    proxy = Proxy()
    proxy.stale = len(PAUSES) - 1
    assert said(declared(proxy, a=1)) == [("create", "")]
    assert sum(proxy.pauses) >= 15


def test_a_worker_that_never_shows_it_is_an_error() -> None:
    proxy = Proxy()
    proxy.stale = len(PAUSES) + 1
    assert "accepted the request, but the rule a does not exist." in said(declared(proxy, a=1))[0][1]
    assert sum(proxy.pauses) >= 35


def test_a_refusal_is_not_repeated() -> None:
    proxy = Proxy()
    proxy.refusal = ApiError("No.", 400)
    assert "No." in said(declared(proxy, a=1))[0][1]
    assert (len(proxy.writes), proxy.pauses) == (1, [])


def test_many_are_written_one_after_another_and_looked_at_together() -> None:
    proxy = Proxy(z=1)
    limits = {f"r{number}": number for number in range(6)}
    proxy.others = [lambda rows: rows.pop("r3")]
    assert said(declared(proxy, z=1, **limits)) == [("none", ""), *[("create", "")] * 6]
    assert {name: row["limit"] for name, row in proxy.rows.items()} == {"z": 1, **limits}
    assert (len(proxy.writes), len(proxy.pauses)) == (7, 2)


def test_slow_writes_are_given_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = Proxy()
    begun = iter(range(0, 1000, 10))
    monkeypatch.setattr(time, "monotonic", lambda: next(begun))
    declared(proxy, a=1)
    assert proxy.pauses[0] >= 15
