# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""
A server of gadgets, which answers as LiteLLM does for its teams and budgets, and fails a test on what it does not know.

It is as little to be relied upon as LiteLLM: it selects by substring, updates what is not there with success, and a
test can make it lose, refuse or forget.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

FIELDS = {"gadget_id", "label", "limit", "parts", "gated"}
PAGE = 2
Rows = dict[str, dict[str, Any]]


class FakeGadgets:
    """
    :param version: of LiteLLM, which decides what is known of it.
    """

    def __init__(self, server: HTTPServer, version: str = "1.106.2") -> None:
        self.url = server.url_for("").rstrip("/")
        self.version = version
        self.licensed = False
        self.rows: Rows = {}
        self.requests: list[tuple[str, str, Any]] = []
        self.drops: set[str] = set()  # fields that are taken and not stored
        self.loses: set[str] = set()  # paths whose next answer is lost after the write
        self.refuses_after: set[str] = set()  # paths that answer 500 although the write was done
        self.answers: dict[str, Any] = {}  # what paths answer after the write in place of a record
        self.first: dict[str, Callable[[Rows], Any]] = {}  # what somebody else does before the next write to a path
        self.defaults: dict[str, Any] = {}  # what the server gives a new gadget
        self.stale = 0  # how many reads still show what was there before the last write
        self.broken: set[str] = set()  # paths that answer no read any more
        self._before: Rows = {}
        server.expect_request(re.compile("")).respond_with_handler(self._answer)

    @property
    def writes(self) -> list[tuple[str, Any]]:
        return [(path, body) for method, path, body in self.requests if method != "GET"]

    def _answer(self, request: Request) -> Response:
        body = json.loads(request.data) if request.data else None
        self.requests.append((request.method, request.path, body))
        status, answer = self._route(request, body)
        return Response(json.dumps(answer), status, content_type="application/json")

    def _route(self, request: Request, body: Any) -> tuple[int, Any]:
        if request.method == "GET":
            return self._read(request)
        assert request.method == "POST"
        self._before = json.loads(json.dumps(self.rows))
        if request.path in self.first:
            self.first.pop(request.path)(self.rows)
        answer = {"/gadget/new": self._new, "/gadget/update": self._update, "/gadget/delete": self._delete}[
            request.path
        ](body)
        if request.path in self.loses:
            self.loses.remove(request.path)
            return 504, {"error": {"message": "gateway timeout"}}
        if request.path in self.refuses_after:
            return 500, {"error": {"message": "saved to the database, but not live"}}
        if answer[0] == 200 and request.path in self.answers:
            return 200, self.answers[request.path]
        return answer

    def _read(self, request: Request) -> tuple[int, Any]:
        if request.path in self.broken:
            return 500, {"error": {"message": "something is wrong"}}
        rows = self.rows
        if self.stale:
            self.stale -= 1
            rows = self._before
        if request.path == "/gadget/info":
            name = request.args["gadget_id"]
            if name not in rows:
                return 404, {"error": {"message": f"Gadget not found, passed gadget_id={name}", "code": "404"}}
            return 200, {"gadget_id": name, "gadget_info": rows[name]}
        if request.path == "/gadget/list":
            page, names = int(request.args["page"]), sorted(rows)
            shown = [rows[name] for name in names[(page - 1) * PAGE : page * PAGE]]
            return 200, {"gadgets": shown, "total": len(names), "total_pages": -(-len(names) // PAGE)}
        if request.path == "/health/license":
            return 200, {"has_license": self.licensed}
        assert request.path == "/health/readiness/details", request.path
        return 200, {"litellm_version": self.version}

    def _stored(self, body: dict[str, Any]) -> dict[str, Any]:
        assert set(body) <= FIELDS, f"unknown fields {set(body) - FIELDS}"
        return {name: value for name, value in body.items() if name not in self.drops}

    def _new(self, body: dict[str, Any]) -> tuple[int, Any]:
        assert None not in body.values(), "null at the creation"
        name = body.get("gadget_id") or f"made-{len(self.rows)}"
        if name in self.rows:
            return 400, {"error": {"message": f"Gadget id = {name} already exists."}}
        empty = dict.fromkeys(FIELDS) | {"parts": []}
        self.rows[name] = {**empty, **self.defaults, **self._stored(body), "gadget_id": name, "uses": 0}
        return 200, self.rows[name]

    def _update(self, body: dict[str, Any]) -> tuple[int, Any]:
        row = self.rows.get(body["gadget_id"])
        if row is None:
            return 200, {}
        assert body.get("parts", []) is not None, "null is 500 for lists"
        row.update(self._stored(body))
        return 200, {"gadget_id": row["gadget_id"], "data": row}

    def _delete(self, body: dict[str, Any]) -> tuple[int, Any]:
        missing = [name for name in body["gadget_ids"] if name not in self.rows]
        if missing:
            return 404, {"error": {"message": f"Gadget not found, passed gadget_id={missing[0]}"}}
        for name in body["gadget_ids"]:
            del self.rows[name]
        return 200, {"deleted_gadgets": body["gadget_ids"]}
