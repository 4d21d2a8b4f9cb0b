# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP to a LiteLLM proxy. Private: only for use inside this collection.

One session, one retry policy, one error type. Knows nothing of Ansible and nothing of keys.

Retries: an answer that says "not now" (429, 502, 503, 504, or a 500 because of a lost database) and every failure
of the connection are tried again, with exponential, jittered waits that honor ``Retry-After``. A request that must
not be carried out twice (``idempotent=False``) is tried again only when it certainly was not carried out.
"""

from __future__ import annotations

import json
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
from typing import Any
from urllib.parse import urlsplit

from ._advice import UNKNOWN_KEY, Advice, advice
from ._clock import AGREEING, Clock
from ._errors import ApiError
from ._redaction import Secrets
from ._refusals import error_details, is_error_body
from ._text import printable
from ._transport import Deadline, TooLarge, content, new_session

try:
    import requests
    from urllib3.exceptions import HTTPError, InvalidHeader, NewConnectionError, ReadTimeoutError
    from urllib3.util import Retry

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
FIRST_WAIT, GROWTH, MAX_WAIT, MAX_RETRY_AFTER = 0.5, 3, 10.0, 60.0
# What no second try changes.
PERMANENT_CODES = ("tls", "too_large")
MAX_SENTENCE = 600
# No answer of LiteLLM's is nested as deeply, and Python itself fails at what is nested more deeply yet.
MAX_DEPTH = 50
CHECK_PROXY = "Check the proxy and the network between it and this host."
CHECK_URL = "Check that api_url is the URL of a LiteLLM proxy, including its path if it has one."


class Connection:
    """What the clients of one proxy share, where several of them work one after the other, as the items of a loop do.

    :param settings: an object with the attributes of ``_args.Settings``.
    :param connections: how many requests may be under way at once.
    """

    def __init__(self, settings: Any, connections: int = 1) -> None:
        self.session = new_session(settings, connections)
        self.clock = Clock()
        # What the proxy said of itself, by question: it does not change within a task.
        self.facts: dict[str, Any] = {}


class Client:
    """A session with one proxy. Safe to use from several threads.

    :param settings: an object with the attributes of ``_args.Settings``.
    :param connections: how many requests may be under way at once.
    :param sleep: waits that many seconds; given by tests.
    :param secrets: the secrets of the task; those of a request are added to them.
    :param advice: what refusals mean for the objects that are asked for.
    :param connection: one that was made for the same settings, if there is one.
    """

    def __init__(
        self,
        settings: Any,
        connections: int = 1,
        sleep: Callable[[float], None] = time.sleep,
        secrets: Secrets | None = None,
        advice: Advice | None = None,
        connection: Connection | None = None,
    ) -> None:
        self._settings = settings
        self._base = settings.api_url
        self._tries = settings.retries + 1
        self._sleep = sleep
        self._advice = advice or {}
        self._asking_the_time = Lock()
        self._asked_the_time = False
        connection = connection or Connection(settings, connections)
        self._session = connection.session
        self._clock = connection.clock
        self.facts = connection.facts
        self.secrets = secrets or Secrets()
        self.secrets.add(settings.api_key, *(urlsplit(proxy).password for proxy in self._session.proxies.values()))

    def acting_as(self, key: str, option: str = "key") -> Client:
        """Return a session with the same proxy for the owner of another key, which stands in that option."""
        settings = replace(self._settings, api_key=key, key_option=option)
        return Client(settings, sleep=self._sleep, secrets=self.secrets, advice=self._advice)

    def now(self) -> datetime:
        """The proxy's time, by which it writes expiries; this machine's if the proxy's answers do not agree on it."""
        if self._clock.is_doubtful:
            with self._asking_the_time:
                self._ask_the_time()
        return self._clock.now()

    def past(self) -> datetime | None:
        """A moment that is past, whichever of the two clocks is wrong; None if the proxy's answers tell no time."""
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
        for number in range(1, self._tries + 1):
            jitter = random.uniform(0.5, 1.0)  # noqa: S311
            wait = min(FIRST_WAIT * GROWTH ** (number - 1), MAX_WAIT) * jitter
            try:
                response, answer = self._exchange(method, path, params, body)
                wait = max(wait, _retry_after(response))
                return self._answer(response, answer, method, path)
            except TooLarge:
                failure = self._too_large(method, path)
            except (requests.RequestException, HTTPError) as error:
                failure = self._no_answer(error, method, path)
            except ApiError as error:
                failure = error
            if number == self._tries or not _worth_another_try(failure, idempotent):
                raise failure
            self._sleep(wait)
        raise AssertionError("unreachable")

    def _exchange(
        self, method: str, path: str, params: Mapping[str, Any] | None = None, body: Any = None
    ) -> tuple[requests.Response, bytes]:
        """Return one request and its whole answer, within the time that a request may take."""
        asked = datetime.now(timezone.utc)
        response = self._session.request(
            method,
            self._base + path,
            params=params,
            json=body,
            timeout=Deadline(self._settings.timeout),  # type: ignore[arg-type]
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
                self._exchange("GET", "/health/liveliness")
            if not self._clock.is_doubtful:
                return

    def _no_answer(self, error: Exception, method: str, path: str) -> ApiError:
        """Return the error for a request to which no whole answer came."""
        never_sent = isinstance(error, requests.ConnectTimeout) or _caused_by(error, NewConnectionError)
        untrusted = isinstance(error, requests.exceptions.SSLError) and not _caused_by(error, ssl.SSLEOFError)
        reason = self._clean(_cause(error))
        if untrusted:
            message = f"Cannot establish a trusted TLS connection to {self._base}: {reason}."
            hint = "Set ca_path to the CA of the proxy. If the proxy requires a client certificate, set client_cert."
        elif never_sent:
            message = f"Cannot connect to {self._base}: {reason}."
            hint = "Check api_url, and that the proxy is running and can be reached from the host that runs this task."
        elif isinstance(error, requests.Timeout) or _caused_by(error, ReadTimeoutError):
            message = f"No answer from {self._base} to {method} {path} within {self._settings.timeout} s."
            hint = "Check that api_url is the URL of a LiteLLM proxy, or increase timeout."
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
            body = _json(answer)
        except (ValueError, RecursionError):
            if good and "json" in response.headers.get("Content-Type", ""):
                message = f"The answer to {method} {path} is incomplete or is not JSON."
                failure = ApiError(
                    message, method=method, path=path, code="connection", may_have_applied=True, hint=CHECK_PROXY
                )
                raise failure from None
            raise self._not_json(response, method, path) from None
        if good and isinstance(body, (dict, list)) and not is_error_body(body):
            return body
        raise self._refusal(body, status, method, path)

    def _refusal(self, body: Any, status: int, method: str, path: str) -> ApiError:
        details = {name: self._clean(text) for name, text in error_details(body).items()}
        message, option = details["message"] or f"HTTP {status} without an explanation", self._settings.key_option
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
            hint = "Set api_url to the final URL."
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


def _json(text: bytes) -> Any:
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


def _worth_another_try(failure: ApiError, idempotent: bool) -> bool:
    passing = failure.code not in PERMANENT_CODES if failure.status == 0 else _is_passing(failure)
    return passing and (idempotent or not failure.may_have_applied)


def _is_passing(failure: ApiError) -> bool:
    if failure.status in TRANSIENT_STATUS:
        return failure.type != "budget_exceeded"
    # /key/update answers 400 to a database that is away, the other routes 500.
    return failure.status in (400, 500) and bool(TRANSIENT_TEXT.search(failure.message))


def _retry_after(response: requests.Response) -> float:
    """Seconds that the answer asks to wait, which it may say as a date; 0 if it says nothing."""
    try:
        seconds = Retry(0).parse_retry_after(response.headers.get("Retry-After", "0"))
    except (InvalidHeader, ValueError, TypeError, IndexError, OverflowError):
        return 0.0
    return float(min(seconds, MAX_RETRY_AFTER))


def _caused_by(error: BaseException | None, kind: type[BaseException]) -> bool:
    return any(isinstance(link, kind) for link in _chain(error))


def _cause(error: BaseException) -> str:
    """Return the innermost reason of a requests error, in the operating system's words."""
    for link in reversed(_chain(error)):
        text = getattr(link, "strerror", None) or getattr(link, "verify_message", None)
        if text:
            return str(text)
    innermost = _chain(error)[-1]
    return str(innermost).rsplit(">: ", maxsplit=1)[-1] or type(innermost).__name__


def _chain(error: BaseException | None) -> list[BaseException]:
    """An error and what caused it, outermost first; urllib3 keeps causes in ``reason`` and in ``args`` as well."""
    chain: list[BaseException] = []
    while error is not None and error not in chain:
        chain.append(error)
        inner = [getattr(error, "reason", None), *getattr(error, "args", ()), error.__cause__, error.__context__]
        error = next((link for link in inner if isinstance(link, BaseException) and link not in chain), None)
    return chain
