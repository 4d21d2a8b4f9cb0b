# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP to a LiteLLM proxy. Private: only for use inside this collection.

One session, one retry policy, one error type. Knows nothing of Ansible and nothing of keys.

Retries: an answer that says "not now" (429, 502, 503, 504, or a 500 that tells of a database away) and every failure
of the connection are tried again, with exponential, jittered waits that honour ``Retry-After``. A request that must
not be carried out twice (``replay=False``) is tried again only when it certainly was not carried out.
"""

from __future__ import annotations

import ast
import json
import os
import random
import re
import time
import traceback
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from typing import Any

from ._errors import ApiError

try:
    import requests
    from urllib3.exceptions import NewConnectionError

    REQUESTS_IMPORT_ERROR: str | None = None
except ImportError:
    REQUESTS_IMPORT_ERROR = traceback.format_exc()

PASSING_STATUS = frozenset({429, 502, 503, 504})
# A 500 is LiteLLM's answer to many a wrong input; only these texts tell of a database that is away for a moment.
PASSING_TEXT = re.compile(
    r"connection attempts failed|can't reach database|no_db_connection|connection (was )?(closed|refused|terminated)"
    r"|terminating connection|not connected to the query engine|database system is (starting up|shutting down)"
    r"|server closed the connection|ECONNREFUSED|ECONNRESET|server has closed the connection|broken pipe|kind: closed"
    r"|too many (clients|connections)|connection slots are reserved|timed out fetching a new connection"
    r"|cached plan must not change|deadlock|read-only transaction|lookup did not answer within",
    re.IGNORECASE,
)
# Five waits are about as long as a restart of LiteLLM, three as a database that changes over.
FIRST_WAIT, GROWTH, LONGEST_WAIT, LONGEST_RETRY_AFTER = 0.5, 3, 10.0, 60.0
CLOCKS_AGREE = 5.0
# In an address a secret may follow an escape such as %3D; "task-list" holds none.
SECRET = re.compile(r"(?<![A-Za-z])sk-[^\s'\",})\]]{4,}|sk-[^\s'\",})\]]{13,}")
TOKEN = re.compile(r"[0-9a-f]{64,}")


class Client:
    """A session with one proxy. Safe to use from several threads.

    :param settings: an object with the attributes of ``_args.Settings``.
    :param connections: how many requests may be under way at once.
    :param sleep: waits that many seconds; given by tests.
    """

    def __init__(self, settings: Any, connections: int = 1, sleep: Callable[[float], None] = time.sleep) -> None:
        self._settings = settings
        self._base = settings.api_url
        self._secret = settings.api_key
        self._timeout = (min(settings.timeout, 10), settings.timeout)
        self._tries = settings.retries + 1
        self._sleep = sleep
        self._clock_lead = timedelta()
        self._session = _new_session(settings, connections)

    def acting_as(self, key: str) -> Client:
        """A session with the same proxy for the owner of another key."""
        return Client(replace(self._settings, api_key=key), sleep=self._sleep)

    def now(self) -> datetime:
        """The proxy's time. It writes expiries by its own clock, which may differ from this machine's."""
        return datetime.now(timezone.utc) + self._clock_lead

    def get(self, path: str, params: dict[str, Any] | None = None) -> Any:
        """The JSON that the proxy answers to ``GET path``.

        :raises ApiError: on a refusal, or when no usable answer came.
        """
        return self._request("GET", path, params=params, replay=True)

    def send(self, path: str, body: Any = None, method: str = "POST", replay: bool = False) -> Any:
        """The JSON that the proxy answers to a request with a JSON body.

        :param replay: whether carrying the request out twice does no harm, so that it may be repeated when an
            answer is lost. Not so unless the caller says so: a repeated creation makes a second object.
        :raises ApiError: as :meth:`get`; its ``unanswered`` is true if the request may have been carried out.
        """
        return self._request(method, path, body=body, replay=replay)

    def _request(
        self,
        method: str,
        path: str,
        params: dict[str, Any] | None = None,
        body: Any = None,
        replay: bool = False,
    ) -> Any:
        for number in range(1, self._tries + 1):
            jitter = random.uniform(0.5, 1.0)  # noqa: S311
            wait = min(FIRST_WAIT * GROWTH ** (number - 1), LONGEST_WAIT) * jitter
            try:
                response = self._session.request(
                    method, self._base + path, params=params, json=body, timeout=self._timeout, allow_redirects=False
                )
                self._clock_lead = _clock_lead(response) or self._clock_lead
                wait = max(wait, _retry_after(response))
                return self._answer(response, method, path)
            except requests.RequestException as error:
                failure = self._no_answer(error, method, path)
            except ApiError as error:
                failure = error
            if number == self._tries or not _worth_another_try(failure, replay):
                raise failure
            self._sleep(wait)
        raise AssertionError("unreachable")

    def _no_answer(self, error: requests.RequestException, method: str, path: str) -> ApiError:
        """The error for a request to which no whole answer came."""
        never_sent = isinstance(error, requests.ConnectTimeout) or _caused_by(error, NewConnectionError)
        untrusted = isinstance(error, requests.exceptions.SSLError)
        if untrusted:
            message = f"No trusted TLS connection to {self._base}: {_cause(error)}."
            hint = "Give the CA that signed its certificate with ca_path; if it asks for one, a client_cert."
        elif never_sent:
            message = f"Cannot connect to {self._base}: {_cause(error)}."
            hint = "Check api_url, and that the proxy runs and can be reached from the host that runs this task."
        elif isinstance(error, requests.Timeout):
            message = f"No answer from {self._base} to {method} {path} within {self._timeout[1]} s."
            hint = "Check that api_url is the address of a LiteLLM proxy, or raise timeout."
        else:
            message = f"The connection to {self._base} broke during {method} {path}: {_cause(error)}."
            hint = "Check the proxy, and what stands between it and this host."
        return ApiError(
            self._clean(message),
            method=method,
            path=path,
            code="tls" if untrusted else "connection",
            unanswered=not (never_sent or untrusted),
            hint=hint,
        )

    def _answer(self, response: requests.Response, method: str, path: str) -> Any:
        """The JSON of a good answer.

        :raises ApiError: for any other. Knows the five shapes of LiteLLM's error bodies.
        """
        status = response.status_code
        good = 200 <= status < 300
        try:
            body = response.json()
        except ValueError:
            if good and "json" in response.headers.get("Content-Type", ""):
                message = f"The answer to {method} {path} was cut off."
                hint = "Check the proxy, and what stands between it and this host."
                failure = ApiError(message, method=method, path=path, code="connection", unanswered=True, hint=hint)
                raise failure from None
            raise self._not_json(response, method, path) from None
        if good and isinstance(body, (dict, list)) and not _is_error_body(body):
            return body
        details = _error_details(body)
        message = details["message"]
        message = self._clean(message or f"HTTP {status} without an explanation")
        if status == 401 and UNKNOWN_KEY.search(message):
            message = f"{self._base} does not know the key given as api_key."
        failure = ApiError(
            message, status, method, path, type=details["type"], code=details["code"], param=details["param"]
        )
        failure.hint = _hint(failure)
        failure.unanswered = _is_passing(failure) and status != 429
        raise failure

    def _not_json(self, response: requests.Response, method: str, path: str) -> ApiError:
        status, kind = response.status_code, response.headers.get("Content-Type", "unknown").split(";")[0]
        if 300 <= status < 400:
            target = response.headers.get("Location", "elsewhere").split("?")[0]
            message = f"{self._base}{path} redirects to {target}"
            hint = "Give the final address as api_url."
        else:
            message = f"{self._base} answered {kind} instead of JSON"
            hint = "Check that api_url is the address of a LiteLLM proxy, with its sub-path if it has one."
        failure = ApiError(self._clean(message), status, method, path, hint=hint)
        failure.unanswered = _is_passing(failure) and status != 429
        return failure

    def _clean(self, text: str) -> str:
        """Text without this session's key, any other key value or token, on one line, of bounded length."""
        text = text.replace(self._secret, "***")
        text = TOKEN.sub("***", SECRET.sub("sk-***", text))
        text = " ".join(text.split())
        return text if len(text) <= 600 else text[:600] + " ..."


def _new_session(settings: Any, connections: int) -> requests.Session:
    session = requests.Session()
    adapter = requests.adapters.HTTPAdapter(pool_connections=1, pool_maxsize=connections, pool_block=True)
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    # The environment's proxies and CA bundle count; its .netrc does not: requests would send that instead of our key.
    session.trust_env = False
    session.proxies.update(requests.utils.get_environ_proxies(settings.api_url))
    environment_bundle = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE")
    session.verify = (settings.ca_path or environment_bundle or True) if settings.validate_certs else False
    if not settings.validate_certs:
        requests.packages.urllib3.disable_warnings()  # type: ignore[attr-defined]
    if settings.client_cert:
        session.cert = (settings.client_cert, settings.client_key) if settings.client_key else settings.client_cert
    session.headers.update(
        {
            "Authorization": f"Bearer {settings.api_key}",
            "Accept": "application/json",
            "User-Agent": "litemaas.virtual_keys",
        }
    )
    if settings.changed_by:
        session.headers["litellm-changed-by"] = settings.changed_by
    return session


def _worth_another_try(failure: ApiError, replay: bool) -> bool:
    if failure.code == "tls":
        return False
    if failure.status == 0:
        return replay or not failure.unanswered
    return _is_passing(failure) and (replay or not failure.unanswered)


def _is_passing(failure: ApiError) -> bool:
    if failure.status in PASSING_STATUS:
        return failure.type != "budget_exceeded"
    # /key/update answers 400 to a database that is away, the other routes 500.
    return failure.status in (400, 500) and bool(PASSING_TEXT.search(failure.message))


def _retry_after(response: requests.Response) -> float:
    """Seconds that the answer asks to wait; 0 if it does not say, or says it as a date."""
    value = response.headers.get("Retry-After", "")
    return min(float(value), LONGEST_RETRY_AFTER) if re.fullmatch(r"\d+(\.\d+)?", value) else 0.0


def _clock_lead(response: requests.Response) -> timedelta | None:
    """How far the proxy's clock is ahead of this machine's, None if they agree to a few seconds."""
    try:
        lead = parsedate_to_datetime(response.headers["Date"]) - datetime.now(timezone.utc)
    except (KeyError, TypeError, ValueError):
        return None
    return lead if abs(lead) > timedelta(seconds=CLOCKS_AGREE) else None


def _is_error_body(body: Any) -> bool:
    """Whether a body tells of a failure although it came with a status of success.

    LiteLLM up to 1.98 answers so on its credential routes: the error itself as body, with ``code`` and ``type``.
    """
    if not isinstance(body, dict):
        return False
    if isinstance(body.get("error"), (dict, str)) and body["error"] and not {"key", "keys", "data"} & set(body):
        return True
    return {"message", "type", "code"} <= set(body) and body.get("success") is not True


def _error_details(body: Any) -> dict[str, str]:
    """``message, type, code, param`` from any of the shapes in which LiteLLM tells of an error."""
    details = dict.fromkeys(("message", "type", "code", "param"), "")
    if not isinstance(body, dict):
        return details
    error = body.get("error", body if "message" in body else None)
    if isinstance(error, dict):
        details.update((name, str(error[name])) for name in details if error.get(name) not in (None, "None"))
    else:
        details["message"] = error or body.get("detail") or ""
    return {**details, "message": _unwrap(details["message"])}


def _unwrap(text: Any) -> str:
    """The sentence inside ``{'error': ...}``, its Python repr, or a list of validation errors.

    Of validation errors only place and reason are taken: older servers put the whole request, secrets included,
    beside them.
    """
    if isinstance(text, str) and text.startswith("{"):
        try:
            text = ast.literal_eval(text)
        except (ValueError, SyntaxError):
            return text
    if isinstance(text, dict):
        return _unwrap(text.get("error") or text.get("message") or text.get("msg") or "")
    if isinstance(text, list):
        return "; ".join(
            f"{'.'.join(str(part) for part in item.get('loc', ())[1:])}: {item.get('msg', '')}"
            for item in text
            if isinstance(item, dict)
        )
    return text if isinstance(text, str) else json.dumps(text)


UNKNOWN_KEY = re.compile(
    r"invalid proxy server token|no api key passed|litellm virtual key expected|malformed api key", re.I
)
HINTS = {
    r"only proxy admin can|not allowed to (call|access) this route|only be called by|doesn't have access": (
        "The key in api_key is no admin's: use the master key or the key of a proxy admin."
    ),
    r"key is blocked|expired key|key has expired": "The key in api_key is blocked or has expired: use another one.",
    r"enterprise|premium user|get_spend_routes permission": (
        "This needs a LiteLLM Enterprise licence on the proxy: leave the option out, or add the licence."
    ),
    r"custom api key values are disabled": "The proxy forbids chosen key values: leave out key and key_seed.",
    r"invalid key_alias": "The proxy restricts the characters of key_alias: choose another one.",
    r"over max limit set in config": "The proxy's upperbound_key_generate_params set a lower limit.",
    r"team_model_access_denied|not allowed to call model": "The key's models must be among the team's models.",
}


def _hint(failure: ApiError) -> str:
    """What the user can do about a refusal."""
    text = f"{failure.message} {failure.type}".lower()
    for pattern, hint in HINTS.items():
        if re.search(pattern, text):
            return hint
    if failure.status in (401, 403):
        return "The proxy refuses the key in api_key: use the master key or the key of a proxy admin."
    return ""


def _caused_by(error: BaseException | None, kind: type[BaseException]) -> bool:
    return any(isinstance(link, kind) for link in _chain(error))


def _cause(error: BaseException) -> str:
    """The innermost reason of a requests error, in the operating system's words."""
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
