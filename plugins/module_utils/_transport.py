# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sessions in which a request has an end and an answer has a bound. Private: only for use inside this collection.

``requests`` limits how long a socket may be silent, not how long a request may take: a proxy that sends one byte a
second, or one "100 Continue" after the other, keeps it waiting forever. Here each wait is for what is left of the
request's time, in the thread that waits.
"""

from __future__ import annotations

import io
import json
import socket
import time
from http.client import HTTPResponse
from typing import Any

from ._environment import ca_bundle, web_proxy

try:
    import requests
    from requests.adapters import HTTPAdapter
    from urllib3.connection import HTTPConnection, HTTPSConnection
    from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
    from urllib3.exceptions import InvalidHeader
    from urllib3.util import Retry, Timeout
except ImportError:  # _client says so
    HTTPConnection = HTTPSConnection = HTTPConnectionPool = HTTPSConnectionPool = object  # type: ignore[misc,assignment]
    HTTPAdapter = Timeout = object  # type: ignore[misc,assignment]

MAX_CONNECT = 10.0
MAX_RETRY_AFTER = 60.0
# LiteLLM shows 500 keys in about 1 MB; a page for people, or an endless one, is not to fill the memory.
MAX_ANSWER = 32 * 1024 * 1024
# Two bytes of JSON, such as {}, are seventy when they are read. A row of a listing has about a hundred parts.
MAX_PARTS = 1_000_000
# No answer of LiteLLM's is nested as deeply, and Python itself fails at what is nested more deeply yet.
MAX_DEPTH = 50
# Compressed, it may be a thousand times that.
READ_AT_ONCE = 16 * 1024


class TooLarge(Exception):
    """An answer is larger than any of LiteLLM's."""


class Deadline(Timeout):
    """What is left of a request's time, for each of the waits of which it is made.

    :param connecting: the time for each address that a host may have.
    """

    def __init__(self, seconds: float, connecting: float = MAX_CONNECT) -> None:
        super().__init__(total=seconds)
        self.seconds = seconds
        self._end = time.monotonic() + seconds
        self._connecting = connecting

    def clone(self) -> Deadline:
        return self

    def start_connect(self) -> float:
        return time.monotonic()

    @property
    def connect_timeout(self) -> float:
        return min(self._connecting, max(self.read_timeout, 0.001))

    @property
    def read_timeout(self) -> float:
        return max(self._end - time.monotonic(), 0.0)


class _UntilDeadline(io.RawIOBase):
    """What a socket receives within the time for which it may be silent now, all in all."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._raw = connection.makefile("rb", buffering=0)
        self._end = time.monotonic() + connection.gettimeout()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._end - time.monotonic()
        if left <= 0:
            raise socket.timeout("timed out")
        self._connection.settimeout(left)
        received: int | None = self._raw.readinto(buffer)
        return received

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Receiving:
    """In the place of the socket from which an answer is read."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(_UntilDeadline(self._connection))


class _Answer(HTTPResponse):
    def __init__(self, sock: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(_Receiving(sock), *args, **kwargs)  # type: ignore[arg-type]


class _Http(HTTPConnection):
    response_class = _Answer


class _Https(HTTPSConnection):
    response_class = _Answer


class _HttpPool(HTTPConnectionPool):
    ConnectionCls = _Http


class _HttpsPool(HTTPSConnectionPool):
    ConnectionCls = _Https


class _Adapter(HTTPAdapter):
    """Connections that keep to the deadline, also through a web proxy."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _HttpPool, "https": _HttpsPool}

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(*args, **kwargs)
        manager.pool_classes_by_scheme = {"http": _HttpPool, "https": _HttpsPool}
        return manager


def new_session(settings: Any, connections: int) -> requests.Session:
    """Return a session with the proxy of the settings, an object as ``_args.Settings``."""
    session = requests.Session()
    # Also without being asked to follow, requests reads where a redirection leads, and all that comes with it.
    session.get_redirect_target = lambda resp: None  # type: ignore[method-assign]
    adapter = _Adapter(pool_connections=1, pool_maxsize=connections, pool_block=True)
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    # The environment's proxies and CA bundle count; its .netrc does not: requests would send that instead of our key.
    session.trust_env = False
    proxy = web_proxy(settings.api_url)
    session.proxies.update({settings.api_url.partition(":")[0]: proxy} if proxy else {})
    session.verify = (settings.ca_path or ca_bundle() or True) if settings.validate_certs else False
    if not settings.validate_certs:
        requests.packages.urllib3.disable_warnings()  # type: ignore[attr-defined]
    if settings.client_cert:
        session.cert = (settings.client_cert, settings.client_key) if settings.client_key else settings.client_cert
    session.headers.update(
        {
            "Authorization": f"Bearer {settings.api_key}",
            "Accept": "application/json",
            "Accept-Encoding": "gzip, deflate",
            "User-Agent": "litemaas.virtual_keys",
        }
    )
    if settings.changed_by:
        session.headers["litellm-changed-by"] = settings.changed_by
    return session


def content(response: requests.Response) -> bytes:
    """Return the body of an answer.

    :raises TooLarge: before it fills the memory.
    """
    received = bytearray()
    with response:
        for part in response.iter_content(READ_AT_ONCE):
            received += part
            if len(received) > MAX_ANSWER:
                raise TooLarge
    if sum(map(received.count, (b",", b"[", b"{"))) > MAX_PARTS:
        raise TooLarge
    return bytes(received)


def parse_json(text: bytes) -> Any:
    """Return the data of an answer.

    :raises ValueError: if it is no JSON, or none that anybody could pass on: without end, nested without end, half
        characters.
    """
    data = json.loads(text, parse_constant=_refuse)
    if rb"\ud" in text.lower():
        json.dumps(data, ensure_ascii=False).encode()
    level, depth = [data], 0
    while level:
        depth += 1
        if depth > MAX_DEPTH:
            raise ValueError("nested too deeply")
        level = [
            part
            for outer in level
            if isinstance(outer, (dict, list))
            for part in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(part, (dict, list))
        ]
    return data


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")


def caused_by(error: BaseException | None, kind: type[BaseException]) -> bool:
    return any(isinstance(link, kind) for link in _chain(error))


def cause(error: BaseException) -> str:
    """Return the innermost reason of a requests error, in the operating system's words."""
    for link in reversed(_chain(error)):
        text = getattr(link, "strerror", None) or getattr(link, "verify_message", None)
        if text:
            return str(text)
    innermost = _chain(error)[-1]
    return str(innermost).rsplit(">: ", maxsplit=1)[-1] or type(innermost).__name__


def _chain(error: BaseException | None) -> list[BaseException]:
    """Return an error and what caused it, outermost first; urllib3 keeps causes in ``reason`` and ``args`` as well."""
    chain: list[BaseException] = []
    while error is not None and error not in chain:
        chain.append(error)
        inner = [getattr(error, "reason", None), *getattr(error, "args", ()), error.__cause__, error.__context__]
        error = next((link for link in inner if isinstance(link, BaseException) and link not in chain), None)
    return chain


def retry_after(response: requests.Response) -> float:
    """Return how many seconds the answer asks to wait, which it may say as a date; 0 if it says nothing."""
    try:
        seconds = Retry(0).parse_retry_after(response.headers.get("Retry-After", "0"))
    except (InvalidHeader, ValueError, TypeError, IndexError, OverflowError):
        return 0.0
    return float(min(seconds, MAX_RETRY_AFTER))
