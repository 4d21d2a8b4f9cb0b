# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A request ends in time and an answer has a bound, whatever the server does; and which web proxy counts."""

from __future__ import annotations

import contextlib
import gzip
import os
import resource
import subprocess
import sys
import threading
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._args import Settings
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._client import Client
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._errors import ApiError
from ansible_collections.litemaas.virtual_keys.tests.unit.sockets import BrokenServer, Dripping, http

JSON = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
CHUNKED = JSON + b"Transfer-Encoding: chunked\r\n\r\n"
MEGABYTE = 2**20


def client(url: str, timeout: float = 1) -> Client:
    return Client(Settings(url, "sk-unit-master-key-0123456789", timeout=timeout, retries=0))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("beginning", "drop", "pause"),
    [
        pytest.param(JSON + b"Content-Length: 1000000\r\n\r\n", b" ", 0.05, id="body"),
        pytest.param(JSON + b"\r\n[", b"1,", 0.05, id="body without end"),
        pytest.param(CHUNKED, b"1\r\n \r\n", 0.05, id="chunks"),
        pytest.param(CHUNKED + b"1", b"0", 0.05, id="size of a chunk"),
        pytest.param(CHUNKED + b"1;", b"x", 0.05, id="extension of a chunk"),
        pytest.param(JSON, b"x", 0.05, id="header"),
        pytest.param(JSON, b"X-More: x\r\n", 0.05, id="headers"),
        pytest.param(b"HTTP/1.1 ", b"2", 0.05, id="status"),
        pytest.param(b"", b"HTTP/1.1 100 Continue\r\n\r\n", 0.02, id="100 Continue"),
        pytest.param(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 500, 0, id="100 Continue without a pause"),
        pytest.param(b"HTTP/1.1 307 Go\r\nLocation: /y\r\n\r\n", b"x", 0.05, id="body of a redirection"),
        pytest.param(b"HTTP/1.1 500 No\r\nContent-Length: 9999\r\n\r\n", b"x", 0.05, id="body of a refusal"),
        pytest.param(JSON + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(b"[")[:10], b"\0", 0.05, id="gzip"),
    ],
)
def test_whatever_drips_a_request_ends_in_time(beginning: bytes, drop: bytes, pause: float) -> None:
    before = set(threading.enumerate())
    late = pytest.raises(ApiError, match=r"No answer.* within 0\.4 s")
    with Dripping(beginning, drop, pause) as server, late as caught:
        client(server.url, timeout=0.4).send("/x", {})
    assert caught.value.may_have_applied
    assert "Traceback" not in str(caught.value)
    assert set(threading.enumerate()) == before


def test_after_a_request_that_took_too_long_the_next_has_all_its_time() -> None:
    late = http({"fine": True})
    with Dripping(b"", late, 0.2) as server:
        asked = client(server.url, timeout=0.5)
        assert [asked.get("/x") for _time in range(4)] == [{"fine": True}] * 4


@pytest.mark.parametrize("status", ["200 OK", "500 No", "307 Go\r\nLocation: /y"])
@pytest.mark.parametrize("packed", [False, True])
def test_an_answer_without_bound_is_refused_before_it_fills_the_memory(status: str, packed: bool) -> None:
    part = b" " * MEGABYTE
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\n".encode()
    if packed:
        beginning, drop = head + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(part * 40, 1), b""
    else:
        beginning, drop = head + b"Content-Length: 209715200\r\n\r\n", part
    with Dripping(beginning, drop, 0) as server:
        tracemalloc.start()
        try:
            with pytest.raises(ApiError, match="is too large") as caught:
                client(server.url, timeout=20).send("/x", {}, idempotent=True)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert caught.value.may_have_applied
    assert peak < 100 * MEGABYTE


ASKING = """
import resource, sys
from ansible_collections.litemaas.virtual_keys.tests.unit.plugins.module_utils.test_transport import client, grown_by
print(grown_by(lambda: client(sys.argv[1], timeout=60).get("/x")))
"""


def grown_by(ask: Callable[[], Any]) -> int:
    """By how many MB this process grew meanwhile, at most."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with contextlib.suppress(ApiError):
        ask()
    return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024


@pytest.mark.parametrize("part", ["[]", '{"a":{}}', '"ab"'])
def test_a_dense_answer_fills_no_memory(part: str) -> None:
    """What takes two bytes in an answer may take seventy when it is read."""
    text = part.encode()
    body = b"[" + b",".join([text] * ((31 * MEGABYTE) // (len(text) + 1))) + b"]"
    with BrokenServer([JSON + f"Content-Length: {len(body)}\r\n\r\n".encode() + body]) as server:
        done = subprocess.run(
            [sys.executable, "-c", ASKING, server.url],
            env={**os.environ, "PYTHONPATH": os.environ["ANSIBLE_COLLECTIONS_PATH"]},
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 100


def test_an_answer_of_some_megabytes_is_none_too_many() -> None:
    rows = [{"name": "x" * 1000}] * 5000
    with BrokenServer([http(rows)]) as server:
        assert client(server.url).get("/x") == rows


def test_nobody_asks_the_operating_system_for_its_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """On macOS a process that was forked, as a worker of Ansible is, dies of the question."""

    def ask(*_: Any) -> Any:
        raise AssertionError("asked the system")

    asking: Callable[..., None] = monkeypatch.setattr
    for name in ("getproxies", "proxy_bypass"):
        asking(f"urllib.request.{name}", ask)
        asking(f"requests.utils.{name}", ask)
    with BrokenServer([http({"fine": True})]) as server:
        assert client(server.url).get("/x") == {"fine": True}
