# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP to a LiteLLM proxy. Private: only for use inside this collection.

One session, one retry policy, one error type. Knows nothing of Ansible and nothing of keys.

Retries: an answer that says "not now" (429, 502, 503, 504, or a 500 because of a lost database) and every failure
of the connection are tried again, with exponential, jittered waits that honor ``Retry-After``. A request that must
not be carried out twice (``idempotent=False``) is tried again only when it certainly was not carried out.

A proxy that has answered in this run is waited for, as during a restart. One that never has may not be there at all.
"""

from __future__ import annotations

import random
import re
import ssl
import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timezone
from threading import Lock
from typing import Any, Protocol
from urllib.parse import urlsplit

from ._advice import CHECK_PROXY, CHECK_REACH, CHECK_TRUST, CHECK_URL, UNKNOWN_KEY, Advice, advice
from ._clock import AGREEING, Clock
from ._errors import ApiError
from ._redaction import Secrets
from ._refusals import error_details, is_error_body
from ._text import printable
from ._transport import Deadline, TooLarge, cause, caused_by, content, new_session, parse_json, retry_after

try:
    import requests
    from urllib3.exceptions import HTTPError, NewConnectionError, ReadTimeoutError

    REQUESTS_IMPORT_ERROR: str | None = None
except ImportError:
    REQUESTS_IMPORT_ERROR = traceback.format_exc()

TRANSIENT_STATUS = frozenset({429, 502, 503, 504})
# A 500 is LiteLLM's answer to many a wrong input; only these texts tell of a database that is away for a moment.
TRANSIENT_TEXT = re.compile(
    r"connection attempts failed|can't reach database|no_db_connection|connection (was )?(closed|refused|terminated)"
    r"|terminating connection|not connected to the query engine|database system is (starting up|shutting down)"
    r"|server closed the connection|ECONNREFUSED|ECONNRESET|server has closed the connection|broken pipe|kind: closed"
    r"|too many (clients|connections)|connection slots are reserved|timed out fetching a new connection"
    r"|cached plan must not change|deadlock|read-only transaction|lookup did not answer within|error from /key/info",
    re.IGNORECASE,
)
# Five waits are about as long as a restart of LiteLLM, three as a database that changes over.
FIRST_WAIT, GROWTH, MAX_WAIT = 0.5, 3, 10.0
# Seconds for a proxy that has not answered in this run, and for one that is there but silent to say so.
FIRST_CONTACT, SIGN_OF_LIFE = 7.0, 2.0
ALIVE = "/health/liveliness"
# What no second try changes.
PERMANENT_CODES = ("tls", "too_large")
MAX_SENTENCE = 600
# How many requests may be under way at once.
MAX_CONCURRENT = 32


class Reached(Protocol):
    """Addresses, to which more are added; such as a set."""

    def __contains__(self, address: Any) -> bool: ...

    def add(self, address: str, /) -> None: ...


class Connection:
    """What the clients of one proxy share, where several of them work one after the other, as the items of a loop do.

    :param settings: an object with the attributes of ``_args.Settings``.
    :param reached: the addresses of proxies that have answered in this run.
    """

    def __init__(self, settings: Any, reached: Reached | None = None) -> None:
        self.session = new_session(settings, MAX_CONCURRENT)
        self.reached: Reached = set() if reached is None else reached
        self.clock = Clock()
        # What the proxy said of itself, by question: it does not change within a task.
        self.facts: dict[str, Any] = {}


class Client:
    """A session with one proxy. Safe to use from several threads.

    :param settings: an object with the attributes of ``_args.Settings``.
    :param sleep: waits that many seconds; given by tests.
    :param secrets: the secrets of the task; those of a request are added to them.
    :param advice: what refusals mean for the objects that are asked for.
    :param connection: one that was made for the same settings, if there is one.
    :param last_read: what the last request of the run has read, by listing: it is as good as read again.
    """

    def __init__(
        self,
        settings: Any,
        sleep: Callable[[float], None] = time.sleep,
        secrets: Secrets | None = None,
        advice: Advice | None = None,
        connection: Connection | None = None,
        last_read: dict[Any, Any] | None = None,
    ) -> None:
        self._settings = settings
        self._base = settings.api_url
        self._key_option = f"O({settings.key_option})"
        self._tries = settings.retries + 1
        self._sleep = sleep
        self._advice = advice or {}
        self._asking_the_time = Lock()
        self._asked_the_time = False
        connection = connection or Connection(settings)
        self._session, self._clock = connection.session, connection.clock
        self._reached = connection.reached
        self.facts = connection.facts
        self.last_read = {} if last_read is None else last_read
        self.secrets = secrets or Secrets()
        self.secrets.add(settings.api_key, *(urlsplit(proxy).password for proxy in self._session.proxies.values()))

    def acting_as(self, key: str, option: str = "key") -> Client:
        """Return a session with the same proxy for the owner of another key, which stands in that option."""
        settings = replace(self._settings, api_key=key, key_option=option)
        connection = Connection(settings, reached=self._reached)
        return Client(settings, sleep=self._sleep, secrets=self.secrets, advice=self._advice, connection=connection)

    def now(self) -> datetime:
        """Return the proxy's time, by which it writes expiries; this machine's if its answers do not agree on it."""
        if self._clock.is_doubtful:
            with self._asking_the_time:
                self._ask_the_time()
        return self._clock.now()

    def past(self) -> datetime | None:
        """Return a moment that is past, whichever clock is wrong; None if the proxy's answers tell no time."""
        return self._clock.past()

    @property
    def warnings(self) -> list[str]:
        """What the user is to know although nothing failed."""
        return [self._clock.warning] if self._clock.warning else []

    def get(self, path: str, params: Mapping[str, Any] | None = None) -> Any:
        """Return the JSON that the proxy answers to ``GET path``.

        :raises ApiError: on a refusal, or when no usable answer came.
        """
        return self._request("GET", path, params=params, idempotent=True)

    def send(self, path: str, body: Any = None, method: str = "POST", idempotent: bool = False) -> Any:
        """Return the JSON that the proxy answers to a request with a JSON body.

        :param idempotent: whether carrying the request out twice does no harm, so that it may be repeated when an
            answer is lost. Not so unless the caller says so: a repeated creation makes a second object.
        :raises ApiError: as :meth:`get`; its ``may_have_applied`` is true if the request may have been carried out.
        """
        self.secrets.add_from(body)
        return self._request(method, path, body=body, idempotent=idempotent)

    def _request(
        self,
        method: str,
        path: str,
        params: Mapping[str, Any] | None = None,
        body: Any = None,
        idempotent: bool = False,
    ) -> Any:
        spent = 0.0
        self.last_read.clear()
        for number in range(1, self._tries + 1):
            jitter = random.uniform(0.5, 1.0)  # noqa: S311
            wait = min(FIRST_WAIT * GROWTH ** (number - 1), MAX_WAIT) * jitter
            begun = time.monotonic()
            deadline = self._deadline(FIRST_CONTACT - spent, idempotent)
            try:
                response, answer = self._exchange(method, path, deadline, params, body)
                wait = max(wait, self._wait_asked_for(response))
                return self._answer(response, answer, method, path)
            except TooLarge:
                failure = self._too_large(method, path)
            except (requests.RequestException, HTTPError) as error:
                failure = self._no_answer(error, method, path, deadline)
            except ApiError as error:
                failure = error
            spent += time.monotonic() - begun
            if number == self._tries or not _worth_another_try(failure, idempotent):
                raise failure
            if spent + wait > FIRST_CONTACT and not self._is_there(failure):
                tries = "1 try" if number == 1 else f"{number} tries"
                failure.hint = f"The proxy has not answered in this run: gave up after {tries}. {failure.hint}"
                raise failure
            spent += wait
            self._sleep(wait)
        raise AssertionError("unreachable")

    def _deadline(self, left: float, idempotent: bool) -> Deadline:
        """Return how long a request may take.

        :param left: the seconds for a proxy that has not answered in this run. What cannot be repeated is not cut off.
        """
        timeout = self._settings.timeout
        if self._base in self._reached:
            return Deadline(timeout)
        return Deadline(min(left, timeout) if idempotent else timeout, left / 2)

    def _is_there(self, failure: ApiError) -> bool:
        """Return whether the proxy has answered in this run, or answers now although it let another request wait."""
        if self._base not in self._reached and failure.may_have_applied and failure.status == 0:
            with suppress(TooLarge, requests.RequestException, HTTPError):
                self._exchange("GET", ALIVE, Deadline(SIGN_OF_LIFE))
                self._reached.add(self._base)
        return self._base in self._reached

    def _wait_asked_for(self, response: requests.Response) -> float:
        """Return the seconds that an answer asks to wait: whoever asks for them knows the proxy."""
        seconds = retry_after(response)
        if seconds:
            self._reached.add(self._base)
        return seconds

    def _exchange(
        self,
        method: str,
        path: str,
        deadline: Deadline,
        params: Mapping[str, Any] | None = None,
        body: Any = None,
    ) -> tuple[requests.Response, bytes]:
        """Return one request and its whole answer, within the time that a request may take."""
        asked = datetime.now(timezone.utc)
        response = self._session.request(
            method,
            self._base + path,
            params=params,
            json=body,
            timeout=deadline,  # type: ignore[arg-type]
            allow_redirects=False,
            stream=True,
        )
        self._clock.observe(response.headers, asked, datetime.now(timezone.utc))
        return response, content(response)

    def _ask_the_time(self) -> None:
        """Hear some more answers before one that differs from this machine's clock is believed. At most once."""
        if self._asked_the_time:
            return
        self._asked_the_time = True
        for _answer in range(AGREEING):
            # If the proxy is away, the request that the time is for will tell.
            with suppress(TooLarge, requests.RequestException, HTTPError):
                self._exchange("GET", ALIVE, Deadline(self._settings.timeout))
            if not self._clock.is_doubtful:
                return

    def _no_answer(self, error: Exception, method: str, path: str, deadline: Deadline) -> ApiError:
        """Return the error for a request to which no whole answer came."""
        never_sent = isinstance(error, requests.ConnectTimeout) or caused_by(error, NewConnectionError)
        untrusted = isinstance(error, requests.exceptions.SSLError) and not caused_by(error, ssl.SSLEOFError)
        reason = self._clean(cause(error))
        if untrusted:
            message = f"Cannot establish a trusted TLS connection to {self._base}: {reason}."
            hint = CHECK_TRUST
        elif never_sent:
            message = f"Cannot connect to {self._base}{self._by_web_proxy()}: {reason}."
            hint = CHECK_REACH
        elif isinstance(error, requests.Timeout) or caused_by(error, ReadTimeoutError):
            message = f"No answer from {self._base} to {method} {path} within {round(deadline.seconds, 1):g} s."
            hint = "Check that O(api_url) is the URL of a LiteLLM proxy, or increase O(timeout)."
        else:
            message = f"The connection to {self._base} broke during {method} {path}: {reason}."
            hint = CHECK_PROXY
        return ApiError(
            message,
            method=method,
            path=path,
            code="tls" if untrusted else "connection",
            may_have_applied=not (never_sent or untrusted),
            hint=hint,
        )

    def _by_web_proxy(self) -> str:
        """Return the web proxy on the way, as a part of a sentence."""
        hosts = [urlsplit(proxy).netloc.rpartition("@")[2] for proxy in self._session.proxies.values()]
        return f" through the web proxy {hosts[0]}" if hosts else ""

    @staticmethod
    def _too_large(method: str, path: str) -> ApiError:
        message = f"The answer to {method} {path} is too large."
        return ApiError(message, method=method, path=path, code="too_large", may_have_applied=True, hint=CHECK_URL)

    def _answer(self, response: requests.Response, answer: bytes, method: str, path: str) -> Any:
        """Return the JSON of a good answer.

        :raises ApiError: for any other.
        """
        status = response.status_code
        good = 200 <= status < 300
        if status == 204:
            return {}
        try:
            body = parse_json(answer)
        except (ValueError, RecursionError):
            if good and "json" in response.headers.get("Content-Type", ""):
                message = f"The answer to {method} {path} is incomplete or is not JSON."
                failure = ApiError(
                    message, method=method, path=path, code="connection", may_have_applied=True, hint=CHECK_PROXY
                )
                raise failure from None
            raise self._not_json(response, method, path) from None
        self._reached.add(self._base)
        if good and isinstance(body, (dict, list)) and not is_error_body(body):
            return body
        raise self._refusal(body, status, method, path)

    def _refusal(self, body: Any, status: int, method: str, path: str) -> ApiError:
        details = {name: self._clean(text) for name, text in error_details(body).items()}
        message, option = details["message"] or f"HTTP {status} without an explanation", self._key_option
        if status == 401 and UNKNOWN_KEY.search(f"{details['type']} {message}"):
            message = f"{self._base} does not know the key in {option}."
        failure = ApiError(message, status, method, path, details["type"], details["code"], details["param"])
        failure.hint = advice(f"{message} {failure.type}", status, option, self._advice)
        failure.may_have_applied = _is_passing(failure) and status != 429
        return failure

    def _not_json(self, response: requests.Response, method: str, path: str) -> ApiError:
        status, kind = response.status_code, response.headers.get("Content-Type", "unknown").split(";")[0]
        if 300 <= status < 400:
            target = response.headers.get("Location", "elsewhere").split("?")[0]
            message = f"{self._base}{path} redirects to {self._clean(target)}"
            hint = "Set O(api_url) to the final URL."
        else:
            message = f"{self._base} answered {self._clean(kind)} instead of JSON"
            hint = CHECK_URL
        failure = ApiError(message, status, method, path, hint=hint)
        failure.may_have_applied = _is_passing(failure) and status != 429
        return failure

    def _clean(self, text: str) -> str:
        """Return what the proxy says without secrets, on one line, of bounded length; in this order."""
        text = printable(" ".join(self.secrets.mask(text).split()))
        return text if len(text) <= MAX_SENTENCE else text[:MAX_SENTENCE] + " ..."


def _worth_another_try(failure: ApiError, idempotent: bool) -> bool:
    passing = failure.code not in PERMANENT_CODES if failure.status == 0 else _is_passing(failure)
    return passing and (idempotent or not failure.may_have_applied)


def _is_passing(failure: ApiError) -> bool:
    if failure.status in TRANSIENT_STATUS:
        return failure.type != "budget_exceeded"
    # /key/update answers 400 to a database that is away, the other routes 500.
    return failure.status in (400, 500) and bool(TRANSIENT_TEXT.search(failure.message))
