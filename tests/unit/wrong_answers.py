# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server that answers as LiteLLM does, but for one answer, which is wrong in one of many ways."""

from __future__ import annotations

import contextlib
import json
import random
import threading
from collections.abc import Callable, Iterator
from copy import deepcopy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from ansible_collections.litemaas.virtual_keys.plugins.module_utils._errors import ApiError

MEGABYTE = 2**20
VALUES: list[Any] = [
    None, True, False, 0, -1, 7, 0.5, 10**30, -(10**400), "", "text", "2099-01-01T00:00:00", "9999-12-31T23:59:59Z",
    "0001-01-01T00:00:00+14:00", "\0", "x" * 5000, [], {}, [None], [[]], [{}], {"x": 1}, {"error": None}, [1, "a"],
    {"message": None, "type": [], "code": {}}, {"": [None]},
]  # fmt: skip
STATUS = [200, 201, 204, 302, 400, 401, 403, 404, 405, 409, 422, 429, 500, 502, 503]
DATES = ["1970", "2099", "9999", "0000", "99999", "x"]
Send = Callable[[bytes], None]


class Answer:
    """What is sent: status, headers, body; ``send`` sends the body in its own way."""

    def __init__(self, data: Any, status: int = 200) -> None:
        self.status = status
        self.headers = {"Content-Type": "application/json"}
        self.body = json.dumps(data).encode()
        self.drip = False
        self.flood = False


def places(data: Any) -> Iterator[tuple[Any, Any]]:
    """Every container in an answer with each of its names or numbers."""
    parts = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for name, part in list(parts):
        yield data, name
        yield from places(part)


def wrong_value(data: Any, _answer: Answer, rng: random.Random, _sent: str) -> Any:
    container, name = rng.choice(list(places(data)) or [([data], 0)])
    container[name] = deepcopy(rng.choice(VALUES))
    return data


def missing_value(data: Any, _answer: Answer, rng: random.Random, _sent: str) -> Any:
    container, name = rng.choice(list(places(data)) or [([data], 0)])
    del container[name]
    return data


def several_wrong_values(data: Any, answer: Answer, rng: random.Random, sent: str) -> Any:
    for _number in range(rng.randint(2, 6)):
        data = rng.choice((wrong_value, missing_value))(data, answer, rng, sent)
    return data


def another_shape(data: Any, _answer: Answer, rng: random.Random, _sent: str) -> Any:
    return rng.choice([None, True, 5, "text", [], {}, [data], {"data": data}, [[data]], list(data), str(data)])


def endless_pages(data: Any, _answer: Answer, rng: random.Random, _sent: str) -> Any:
    return {**data, "total_pages": 10**9, "total_count": 10**11} if isinstance(data, dict) else data


def refusal(data: Any, answer: Answer, rng: random.Random, sent: str) -> Any:
    """All the shapes of errors, with odd parts, some of which repeat what was sent."""
    answer.status = rng.choice(STATUS)
    echo = rng.choice([str, repr, json.dumps, quote, lambda text: " ".join(text.split())])(sent)
    part = rng.choice([*VALUES, echo, {"error": echo}, str({"error": echo}), [{"loc": None, "msg": echo}]])
    other = rng.choice([*VALUES, echo])
    return rng.choice(
        [
            {"error": part},
            {"error": {"message": part, "type": other, "code": other, "param": other}},
            {"error": {"message": str({"error": part})}},
            {"detail": part},
            {"detail": {"error": part}},
            {"detail": [{"loc": rng.choice(VALUES), "msg": part, "type": other, "input": echo}, other]},
            {"message": part, "type": other, "code": other},
        ]
    )


def other_status(data: Any, answer: Answer, rng: random.Random, _sent: str) -> Any:
    answer.status = rng.choice(STATUS)
    if answer.status == 302:
        answer.headers["Location"] = rng.choice(["http://user:pass-word@host/x", "http://[", "//\u00e9:x", "", "\x7f"])
    return data


def odd_text(data: Any, answer: Answer, rng: random.Random, sent: str) -> Any:
    text = json.dumps(data).encode()
    cut = rng.randrange(len(text))
    answer.body = rng.choice(
        [
            text[:cut], b"", b"\0\xff\xfe", b"<html>No</html>", b"[" * 100_000, b'{"a":' * 5000,
            b"[" * 300 + b"]" * 300,
            b"NaN", b'{"keys": Infinity}', b'{"info": "\\ud800"}', b"1" * 6000, b"\xef\xbb\xbf" + text, text + text,
            text.decode().encode("utf-16"), sent.encode(), text.replace(b"null", b"NaN"), text.replace(b'"', b"'"),
        ]
    )  # fmt: skip
    return ...


def odd_header(data: Any, answer: Answer, rng: random.Random, sent: str) -> Any:
    name = rng.choice(["Date", "Content-Type", "Content-Encoding", "Retry-After", "Set-Cookie", "Transfer-Encoding"])
    year = rng.choice(DATES)
    answer.headers[name] = {
        "Date": f"Sun, 01 Mar {year} 00:00:00 GMT",
        "Content-Type": rng.choice(["text/html", "", ";;;", "application/json; charset=nonsense"]),
        "Content-Encoding": rng.choice(["gzip", "deflate", "nonsense"]),
        "Retry-After": f"Sun, 01 Mar {year} 00:00:00 GMT",
        "Set-Cookie": "=;;; expires=Sun, 99 Mar 99999",
        "Transfer-Encoding": "chunked",
    }[name]
    return data


def dripping(data: Any, answer: Answer, rng: random.Random, _sent: str) -> Any:
    answer.drip = True
    return data


def huge(data: Any, answer: Answer, rng: random.Random, _sent: str) -> Any:
    answer.flood = True
    return data


# How often each, among 100.
WAYS = {
    wrong_value: 34, missing_value: 12, several_wrong_values: 10, another_shape: 10, endless_pages: 4, refusal: 13,
    other_status: 5, odd_text: 6, odd_header: 4, dripping: 1, huge: 1,
}  # fmt: skip


class Proxy:
    """An HTTP server before a fake of ours, which has ``get`` and ``send`` of the client."""

    def __init__(self) -> None:
        self.over = threading.Event()
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def handle_any(self) -> None:
                proxy.handle(self)

            do_GET = do_POST = do_PATCH = do_DELETE = handle_any

            def log_message(self, *_: object) -> None:
                pass

            def date_time_string(self, timestamp: float | None = None) -> str:
                return self.__dict__.get("date") or super().date_time_string(timestamp)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def play(self, fake: Any, seed: int = 0, wrong_at: int = 0) -> None:
        """Begin anew.

        :param wrong_at: which of the requests is answered wrongly; 0 for none.
        """
        self.fake = fake
        self.rng = random.Random(seed)
        self.wrong_at = wrong_at
        self.requests: list[str] = []
        self.way = ""

    def __enter__(self) -> Proxy:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def handle(self, handler: BaseHTTPRequestHandler) -> None:
        length = int(handler.headers.get("Content-Length") or 0)
        text = handler.rfile.read(length).decode()
        self.requests.append(f"{handler.command} {urlsplit(handler.path).path}")
        answer = self._answer(handler.command, handler.path, text)
        with contextlib.suppress(OSError):
            self._send(handler, answer)

    def _answer(self, method: str, target: str, text: str) -> Answer:
        path, query = unquote(urlsplit(target).path), dict(parse_qsl(urlsplit(target).query, keep_blank_values=True))
        path = urlsplit(target).path if path.startswith("/credentials/") else path
        params = {
            name: int(value) if value.isdigit() and name in ("page", "size") else value for name, value in query.items()
        }
        status = 200
        try:
            data = self._ask(method, path, params or None, json.loads(text) if text else None)
        except ApiError as error:
            status = error.status
            data = {"error": {"message": error.message, "type": error.type, "code": error.code, "param": error.param}}
        data = json.loads(json.dumps(data))
        answer = Answer(data, status)
        if len(self.requests) == self.wrong_at:
            way = self.rng.choices(list(WAYS), list(WAYS.values()))[0]
            self.way = way.__name__
            data = way(data, answer, self.rng, text)
            if data is not ...:
                answer.body = json.dumps(data).encode()
        return answer

    def _ask(self, method: str, path: str, params: Any, body: Any) -> Any:
        if path == "/v1/models":
            return {"data": [{"id": "gpt-4"}, {"id": "gpt-5"}], "object": "list"}
        if path == "/key/health":
            return {"key": "healthy", "logging_callbacks": None}
        if path == "/health/liveliness":
            return "I'm alive!"
        if method == "GET":
            return self.fake.get(path, params)
        idempotent = not path.endswith("/generate")
        return self.fake.send(path, body, method=method, idempotent=idempotent)

    def _send(self, handler: BaseHTTPRequestHandler, answer: Answer) -> None:
        if "Date" in answer.headers:
            handler.__dict__["date"] = answer.headers.pop("Date")
        handler.send_response(answer.status)
        for name, value in answer.headers.items():
            handler.send_header(name, value)
        length = 200 * MEGABYTE if answer.flood else len(answer.body) + (1000 if answer.drip else 0)
        handler.send_header("Content-Length", str(length))
        handler.end_headers()
        if answer.flood:
            for _number in range(200):
                handler.wfile.write(b" " * MEGABYTE)
        elif answer.drip:
            for number in range(1000):
                if self.over.wait(0.05):
                    break
                handler.wfile.write(answer.body[number : number + 1])
        elif answer.status != 204:
            handler.wfile.write(answer.body)
