# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server for what no HTTP server does on purpose: break off, fall silent, answer half."""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import threading
from collections.abc import Callable, Sequence
from typing import Any

SILENCE = b"silence"
RESET = b"reset"


def http(body: Any, status: str = "200 OK", missing: int = 0) -> bytes:
    """An answer whose body is shorter than announced by so many bytes."""
    content = json.dumps(body).encode()
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
    return head.encode() + content[: len(content) - missing]


class BrokenServer:
    """Answers each connection with the next of ``answers``, and counts the requests that it was sent.

    :data:`RESET` breaks the connection off once the request is read, :data:`SILENCE` never answers; a function makes
    the answer at that moment.
    """

    def __init__(self, answers: Sequence[bytes | Callable[[], bytes]]) -> None:
        self.answers = list(answers)
        self.received: list[bytes] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._serve)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> BrokenServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(timeout=5)

    def _serve(self) -> None:
        held = []
        for answer in self.answers:
            try:
                connection, _address = self._listener.accept()
            except OSError:
                break
            connection.settimeout(5)
            with contextlib.suppress(OSError):
                self.received.append(self._request(connection))
            if answer == SILENCE:
                held.append(connection)
                continue
            if answer == RESET:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            else:
                connection.sendall(answer() if callable(answer) else answer)
            connection.close()
        self._over.wait(timeout=10)
        for connection in held:
            connection.close()

    @staticmethod
    def _request(connection: socket.socket) -> bytes:
        data = b""
        while b"\r\n\r\n" not in data:
            data += connection.recv(65536)
        head, _separator, rest = data.partition(b"\r\n\r\n")
        length = next((line.split(b":")[1] for line in head.split(b"\r\n") if line.lower().startswith(b"content-l")), 0)
        while len(rest) < int(length):
            rest += connection.recv(65536)
        return head + b"\r\n\r\n" + rest


# As many as a client that waits for the last one ends with another answer than one that does not.
MAX_DROPS = 5000


class Dripping:
    """Answers every connection with a beginning and then, until it is closed, with many drops, one after the other.

    Other than :class:`BrokenServer`, for as many connections as there are, each with a thread of its own.
    """

    def __init__(self, beginning: bytes, drop: bytes, pause: float) -> None:
        self._parts = beginning, drop, pause
        self._over = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads = [threading.Thread(target=self._accept)]
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Dripping:
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(timeout=5)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _address = self._listener.accept()
                self._threads.append(threading.Thread(target=self._drip, args=(connection,)))
                self._threads[-1].start()

    def _drip(self, connection: socket.socket) -> None:
        beginning, drop, pause = self._parts
        with contextlib.suppress(OSError), connection:
            connection.settimeout(5)
            connection.recv(65536)
            connection.sendall(beginning)
            for _number in range(MAX_DROPS):
                if self._over.wait(pause if drop else None):
                    break
                connection.sendall(drop)
