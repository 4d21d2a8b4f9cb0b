# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What LiteLLM answers, as record.py wrote it down, and a server that gives these answers in a fixed order."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

FOLDER = Path(__file__).parent / "recorded"


@cache
def _text(name: str) -> str:
    """A file by the name it has, wherever below the folder."""
    (file,) = FOLDER.rglob(f"{name}.json")
    return file.read_text(encoding="utf-8")


def recorded(name: str) -> dict[str, Any]:
    """One exchange, made afresh each time: request, status, headers and body."""
    return json.loads(_text(name))


def body(name: str, **changes: Any) -> Any:
    """The body of an answer, with other values for some of its entries."""
    answer = recorded(name)["body"]
    return {**answer, **changes} if changes else answer


def key_row(**changes: Any) -> dict[str, Any]:
    """A key as the listing shows it."""
    return {**body("list_one")["keys"][0], **changes}


def page(*rows: dict[str, Any]) -> dict[str, Any]:
    """The listing of these keys, on one page."""
    return body("list_empty", keys=list(rows), total_count=len(rows), total_pages=1 if rows else 0)


def response(name: str, content: Any = None, **headers: str) -> Response:
    """A recorded answer, perhaps with another body or further headers."""
    exchange = recorded(name)
    content = exchange["body"] if content is None else content
    text = content if isinstance(content, str) else json.dumps(content) if content is not None else ""
    return Response(text, exchange["status"], {**exchange["headers"], **headers})


class Script:
    """A server for one test: it expects these requests, in this order, and no other.

    Any other request fails the test when :meth:`check` is called, and so does one that did not come.
    """

    def __init__(self, server: HTTPServer) -> None:
        self.server = server
        self.url = server.url_for("").rstrip("/")

    def expect(self, method: str, path: str, answer: str, content: Any = None, **request: Any) -> None:
        """The next request, and the recorded answer to it. Of the request, ``json``, ``query_string`` and
        ``headers`` may be given as well.
        """
        handler = self.server.expect_ordered_request(path, method=method, **request)
        handler.respond_with_response(response(answer, content))

    @property
    def requests(self) -> list[Request]:
        return [request for request, _answer in self.server.log]

    @property
    def sent(self) -> list[Any]:
        """The bodies of all requests that had one."""
        return [json.loads(request.data) for request in self.requests if request.data]

    def check(self) -> None:
        self.server.check()
        missing = [repr(handler.matcher) for handler in self.server.ordered_handlers]
        assert not missing, f"requests that did not come: {missing}"
