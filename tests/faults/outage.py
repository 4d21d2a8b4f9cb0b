# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server of the sandbox that goes away in the middle of a run, and comes back."""

from __future__ import annotations

import subprocess
import sys
import threading
import time

import psycopg
import requests

from .schedule import OUTAGES
from .server import TESTS, Server

LONGEST = 300
DATABASE_AWAY = "5"


class Outage:
    """An outage that several workshops suffer at once: the first that comes to its moment begins it.

    :param kind: one of ``OUTAGES``, or another kind of fault, for which nothing happens here.
    :param workshops: how many.
    """

    def __init__(self, server: Server, kind: str, workshops: int = 1) -> None:
        self._server = server
        self._kind = kind
        self._barrier = threading.Barrier(workshops, timeout=LONGEST)
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def wait_for_all(self) -> None:
        """Wait for the other workshops: none may be preparing or looking at what came of it meanwhile."""
        self._barrier.wait()

    def begin(self) -> None:
        """Take the server away, unless another workshop has; returns once it is away."""
        with self._lock:
            if self._kind in OUTAGES and self._process is None:
                what = ["database", "--outage", DATABASE_AWAY] if self._kind == "database" else ["litellm"]
                command = [sys.executable, str(TESTS / "sandbox"), "restart", *what, "--port", str(self._server.port)]
                self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                end = time.monotonic() + 15
                while self._answers() and time.monotonic() < end:
                    time.sleep(0.02)

    @property
    def begun(self) -> bool:
        return self._process is not None

    def wait_until_over(self) -> None:
        if self._process and self._process.wait(LONGEST) != 0:
            raise RuntimeError(f"after the {self._kind} outage the sandbox did not become healthy")

    def give_up(self) -> None:
        """Let nobody wait for this workshop."""
        self._barrier.abort()

    def _answers(self) -> bool:
        try:
            if self._kind == "database":
                psycopg.connect(self._server.database_url, connect_timeout=2).close()
            else:
                requests.get(f"{self._server.api_url}/health/liveliness", timeout=2)
        except (psycopg.Error, requests.RequestException):
            return False
        return True
