# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A proxy on 127.0.0.1 that hands requests on to LiteLLM, and does to them what a schedule says.

By itself it only adds latency: ``python3 tests/faults/proxy.py --upstream http://127.0.0.1:4141 --latency 0.05``.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import socket
import struct
import threading
from collections import Counter, defaultdict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Self

import aiohttp
from aiohttp import web
from tooling.server import is_write

# Longer than any client in these tests waits for an answer.
LONGEST_SILENCE = 20.0
HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "host", "date"}
PAGE = "<html><head><title>{0}</title></head><body><center><h1>{0}</h1></center><hr>nginx</body></html>"
REASONS = {502: "502 Bad Gateway", 503: "503 Service Temporarily Unavailable", 504: "504 Gateway Time-out"}


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


class FaultProxy:
    """The proxy, in a thread of its own. Use as a context manager.

    :param latency: seconds added to each answer.
    """

    def __init__(self, upstream: str, latency: float = 0.0, port: int = 0) -> None:
        self._upstream = upstream
        self._latency = latency
        self._port = port
        self._fault: Callable[[str, int, int], Any] | None = None
        self._on_call: Callable[[], None] = lambda: None
        self._runs = 1
        self._counts: Counter[str] = Counter()
        self._answers: dict[str, list[Answer]] = defaultdict(list)
        self.injected: Counter[str] = Counter()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def begin(self, fault: Callable[[str, int, int], Any], on_call: Callable[[], None], runs: int = 1) -> None:
        """From now on do as ``fault(call, of_its_kind, number)`` says. A kill or an outage is done by ``on_call``.

        :param runs: how many runs there are, where they are to begin at the same moment.
        """
        self._counts.clear()
        self._fault, self._on_call, self._runs = fault, on_call, runs

    def end(self) -> None:
        """From now on only hand on."""
        self._fault = None

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._run(self._open())
        return self

    def __exit__(self, *_: object) -> None:
        self._run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    async def _open(self) -> None:
        # A new connection for each request: aiohttp itself must try nothing twice.
        connector = aiohttp.TCPConnector(force_close=True, limit=0)
        self._session = aiohttp.ClientSession(connector=connector, auto_decompress=False)
        # Without keep-alive: so that a closed door is met by each next request.
        self._runner = web.ServerRunner(web.Server(self._serve, access_log=None), shutdown_timeout=1)
        await self._runner.setup()
        self._away: asyncio.Task[None] | None = None
        self._all = asyncio.Event()
        await self._listen()

    async def _listen(self) -> None:
        self._site = web.TCPSite(self._runner, "127.0.0.1", self._port, reuse_address=True)
        await self._site.start()
        self._port = self._runner.addresses[-1][1]

    async def _close(self) -> None:
        await self._runner.cleanup()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await self._session.close()

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        body = await request.read()
        reads = not is_write(request.method, request.path)
        call = f"{request.method} {request.path_qs if reads else request.path}"
        identity = f"{call} {request.headers.get('Authorization')} {body!r}"
        hand_on = partial(self._hand_on, request, body, identity if reads else None)
        of_its_kind, number = self._counts[call], self._counts.total()
        self._counts[call] += 1
        fault = self._fault(call, of_its_kind, number) if self._fault else None
        await asyncio.sleep(self._latency)
        if fault is None or (fault.kind == "stale read" and not self._answers[identity]):
            return self._reply(await hand_on(), request)
        self.injected[fault.kind] += 1
        answer = await hand_on() if fault.committed else None
        match fault.kind:
            case "refused":
                await self._shut(fault.seconds)
                return self._reply(await hand_on(), request)
            case "429" | "429 with Retry-After":
                return _too_many(retry_after=fault.kind != "429")
            case "502" | "503" | "504":
                return _page(int(fault.kind))
            case "stale read":
                return self._reply(random.Random(fault.seconds).choice(self._answers[identity]), request)
            case "truncated" if answer:
                return await self._truncate(answer, request, honest=fault.seconds > 1)
            case "delay":
                await self._abreast(number)
                await asyncio.sleep(fault.seconds)
                return self._reply(await hand_on(), request)
            case "database" | "restart":
                await asyncio.to_thread(self._on_call)
                return self._reply(await hand_on(), request)
            case "kill":
                await asyncio.to_thread(self._on_call)
            case "timeout":
                await asyncio.sleep(LONGEST_SILENCE)
        return self._reset(request)

    async def _abreast(self, number: int) -> None:
        """Let the runs begin at the same moment: the first request of each waits for the first of all others."""
        if number < self._runs - 1:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._all.wait(), LONGEST_SILENCE)
        elif number == self._runs - 1:
            self._all.set()

    async def _hand_on(self, request: web.BaseRequest, body: bytes, identity: str | None) -> Answer | None:
        """LiteLLM's answer, None if there is none; ``identity`` says under what to keep the answer to a read."""
        headers = {name: value for name, value in request.headers.items() if name.lower() not in HOP_BY_HOP}
        try:
            async with self._session.request(
                request.method,
                self._upstream + request.path_qs,
                headers=headers,
                data=body or None,
                allow_redirects=False,
            ) as response:
                kept = {name: value for name, value in response.headers.items() if name.lower() not in HOP_BY_HOP}
                answer = Answer(response.status, kept, await response.read())
        except aiohttp.ClientError:
            return None
        if identity and answer.status == 200:
            self._answers[identity].append(answer)
        return answer

    def _reply(self, answer: Answer | None, request: web.BaseRequest) -> web.StreamResponse:
        if answer is None:
            return self._reset(request)
        headers = {**answer.headers, "Connection": "close"} if self._fault else answer.headers
        return web.Response(status=answer.status, headers=headers, body=answer.body)

    def _reset(self, request: web.BaseRequest) -> web.StreamResponse:
        """End the connection as a crash does."""
        transport = request.transport
        if transport is not None:
            # Without lingering, closing sends RST.
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            transport.abort()
        return web.Response(status=500)

    async def _truncate(self, answer: Answer, request: web.BaseRequest, honest: bool) -> web.StreamResponse:
        """Half of the answer. An ``honest`` length names the half only: what is left is no JSON."""
        half = answer.body[: len(answer.body) // 2]
        response = web.StreamResponse(status=answer.status, headers={**answer.headers, "Connection": "close"})
        response.content_length = len(half) if honest else len(answer.body)
        await response.prepare(request)
        await response.write(half)
        if request.transport is not None:
            request.transport.close()
        return response

    async def _shut(self, seconds: float) -> None:
        """Refuse connections for a while, beginning now."""
        if self._away and not self._away.done():
            return
        await self._site.stop()

        async def reopen() -> None:
            await asyncio.sleep(seconds)
            await self._listen()

        self._away = asyncio.create_task(reopen())


def _too_many(retry_after: bool) -> web.Response:
    error = {"message": "Too many requests", "type": "throttling_error", "code": "429"}
    headers = {"Connection": "close"} | ({"Retry-After": "1"} if retry_after else {})
    return web.json_response({"error": error}, status=429, headers=headers)


def _page(status: int) -> web.Response:
    """What a gateway says for people to read."""
    text = PAGE.format(REASONS[status])
    return web.Response(status=status, text=text, content_type="text/html", headers={"Connection": "close"})


def main() -> None:
    parser = argparse.ArgumentParser(description="Hand requests on to LiteLLM, later.")
    parser.add_argument("--upstream", required=True)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--latency", type=float, default=0.05, help="seconds for which each request is held")
    given = parser.parse_args()
    with FaultProxy(given.upstream, given.latency, given.port) as proxy:
        print(proxy.url, flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
