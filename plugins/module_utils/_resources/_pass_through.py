# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A pass-through endpoint: a path of the proxy whose requests go to another URL.

Private: only for use inside this collection. LiteLLM keeps all of them in one list of its general settings, in which
nothing is unique: it takes the same path and even the same ID again, and a path of its own.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from .._crud._definition import Record, Request, Values
from .._crud._references import TO_GUARDRAILS
from .._crud._rows import check_http_url, check_not_negative, without_null
from .._crud._shared_rows import SharedRowObject
from .._crud._unlisted import ENDPOINTS as PATH
from .._crud._unlisted import PASS_THROUGHS, fetch_endpoints
from .._engine import NOT_CLEARABLE, Field, Plan, Resource
from .._errors import ApiError
from .._proxy import Proxy
from .._redaction import CHANGED, HIDDEN
from .._shapes import TEXT, ensure_shape, maybe
from .._text import join_limited
from .._values import is_empty

CONFIGURED = "it is owned by the configuration file of the proxy. Change it there."
METHODS = ("DELETE", "GET", "PATCH", "POST", "PUT")
# Paths below one that LiteLLM itself serves, such as /key, often end with one of these.
ENDS = ("list", "new", "info", "update", "delete", "models", "completions")
ANSWERS_OF_A_PATH = (401, 403, 404, 405)
NO_SUCH_PATH = "Not Found"
# How LiteLLM calls what answers for endpoints, and how the routes of those end that include subpaths.
OF_ENDPOINTS, SUBPATH = "endpoint_func", "{subpath:path}"


def _check_id(value: str) -> str | None:
    return "must not contain a slash: LiteLLM could not change the endpoint." if "/" in value else None


def _check_path(value: str) -> str | None:
    if not value.startswith("/") or value.strip("/") == "":
        return "must begin with a slash and have a name, such as /docs."
    return f"{value} contains characters that are not allowed." if re.search(r"[\s?#{}*]", value) else None


def _check_texts(value: Mapping[str, Any]) -> str | None:
    wrong = [str(name) for name, part in value.items() if not isinstance(part, str) or not part]
    return f"needs a text for {', '.join(wrong)}." if wrong else None


def _hidden(before: Any, after: Any) -> tuple[dict[str, str], dict[str, str]]:
    """Return which headers there are, and which of them change, but not what is in them."""
    old, new = ({} if is_empty(headers) else headers for headers in (before, after))
    shown = {name: HIDDEN if name not in old or old[name] == value else CHANGED for name, value in new.items()}
    return dict.fromkeys(old, HIDDEN), shown


def _settings_of_guardrails(value: Mapping[str, Any]) -> dict[str, Any]:
    """Return guardrails with what is set of each, without the null that LiteLLM adds."""
    return {name: without_null(part or {}) for name, part in value.items()}


PASS_THROUGH = Resource(
    kind="endpoint",
    identity="endpoint_id",
    since="1.106.2",
    fields=(
        Field("endpoint_id", path=("id",), check=_check_id, cleared=NOT_CLEARABLE),
        Field("path", check=_check_path, cleared=NOT_CLEARABLE),
        Field("target", unit="URL", check=check_http_url, cleared=NOT_CLEARABLE),
        Field("headers", "dict", check=_check_texts, diff_view=_hidden, cleared={}),
        Field("default_query_params", "dict", cleared={}),
        Field("include_subpath", "bool", empty_values=(False,), cleared=False),
        Field("methods", "list", "str", choices=METHODS, cleared=[]),
        Field("auth", "bool", default=True, cleared=NOT_CLEARABLE),
        Field("guardrails", "dict", normalize=_settings_of_guardrails, references=TO_GUARDRAILS, cleared={}),
        Field("request_timeout", "float", unit="seconds", path=("timeout",), check=check_not_negative),
        Field("cost_per_request", "float", unit="USD", check=check_not_negative, empty_values=(0,), cleared=0),
    ),
)


class PassThrough(SharedRowObject):
    table = PASS_THROUGH
    extra_options = {"validate_references": {"type": "bool", "default": True}}
    reading_names = ("is_from_config",)
    filters = ("path",)

    create = Request("POST", PATH)
    update = Request("POST", f"{PATH}/{{id}}")
    delete = Request("DELETE", PATH, id="endpoint_id")
    listing = PASS_THROUGHS

    def fetch_rows(self, _params: Mapping[str, str], proxy: Proxy) -> list[Record]:
        """Return the endpoints, of several with the same ID the newest, with their number."""
        rows = fetch_endpoints(proxy)
        times = Counter(row["endpoint_id"] for row in rows if row["endpoint_id"])
        newest = {row["endpoint_id"] or str(number): row for number, row in enumerate(rows)}
        return [{**row, "times": times[row["endpoint_id"]]} for row in newest.values()]

    def adjusted(self, plan: Plan) -> Plan:
        """Return a plan by which an endpoint that is in the list several times is there once."""
        if plan.action != "none" or plan.existing.get("times", 1) == 1:
            return plan
        return replace(plan, action="update")

    def undeclarable(self, record: Record, _proxy: Proxy) -> str | None:
        return CONFIGURED if record.get("is_from_config") else None

    def create_body(self, body: dict[str, Any], _plan: Plan) -> dict[str, Any]:
        return _as_api(body)

    def own_requests(self, plan: Plan, _proxy: Proxy) -> Iterator[tuple[str, str, Values]] | None:
        return None if plan.action == "create" else self._rewriting(plan)

    def _rewriting(self, plan: Plan) -> Iterator[tuple[str, str, Values]]:
        """Yield the requests of an update or deletion. Of several endpoints with the same ID, LiteLLM takes the first.

        What an update cannot take away is taken away by a copy, which is there before the old one goes.
        """
        name = quote(plan.name, safe="")
        times = int(plan.existing.get("times", 1))
        changes = _as_api({field: PASS_THROUGH.field(field).to_api(value) for field, value in plan.changes.items()})
        if None in changes.values():
            yield "POST", PATH, {**_as_sent(plan.existing), **changes}
            times, changes = times + 1, {}
        for _time in range(times if plan.action == "delete" else times - 1):
            yield "DELETE", f"{PATH}?endpoint_id={name}", {}
        if changes:
            # Older versions reset what an update leaves out.
            yield "POST", f"{PATH}/{name}", {**_as_sent(plan.existing), **changes}

    def check_plan(self, plan: Plan, _options: Values, proxy: Proxy) -> str | None:
        if plan.existing.get("is_from_config"):
            return CONFIGURED
        if plan.action == "create" and not (plan.changes.get("path") and plan.changes.get("target")):
            return "it does not exist yet. To create it, set path and target."
        if plan.action == "delete" or {"path", "methods"}.isdisjoint(plan.changes):
            return None
        after = {**plan.existing, **plan.changes}
        taken = _endpoint_of(plan.name, after["path"], _methods(after), self.fetch_rows({}, proxy))
        return taken or (_own_route(after, proxy) if "path" in plan.changes else None)

    def warnings(self, plan: Plan, _options: Values, _proxy: Proxy) -> list[str]:
        found = []
        if plan.existing.get("times", 1) > 1:
            found.append(f"LiteLLM had this endpoint {plan.existing['times']} times. The newest one counts.")
        if plan.changes.get("auth") is False:
            found.append("With auth: false, everybody can send requests to the target without a key.")
        return found


def _as_api(values: Values) -> dict[str, Any]:
    """Return values by the names of the API."""
    return {(PASS_THROUGH.field(name).path or (name,))[0]: value for name, value in values.items()}


def _as_sent(record: Record) -> dict[str, Any]:
    """Return an endpoint as requests take it."""
    return {name: value for name, value in record.items() if name not in ("endpoint_id", "is_from_config", "times")}


def _methods(values: Values) -> set[str]:
    methods: Sequence[str] = METHODS if is_empty(values.get("methods")) else values["methods"]
    return set(methods)


def _endpoint_of(name: str, path: str, methods: set[str], rows: Iterable[Record]) -> str | None:
    """Return which other endpoint has a path already, None if none has."""
    for row in rows:
        if row["path"] == path and row["endpoint_id"] != name and not methods.isdisjoint(_methods(row)):
            owner = "of the configuration file of the proxy" if row.get("is_from_config") else row["endpoint_id"]
            return f"O(path): {path} is that of the endpoint {owner}, with the same methods."
    return None


def _own_route(after: Values, proxy: Proxy) -> str | None:
    """Return which path of LiteLLM itself an endpoint would take the place of, None if none.

    LiteLLM answers OPTIONS with 405 where it serves a path, without doing anything, and so it does for endpoints. Older
    versions keep the routes of endpoints that are gone.
    """
    path = after["path"].rstrip("/")
    paths = [path, *(f"{path}/{end}" for end in ENDS if after.get("include_subpath"))]
    served = [one for one in paths if _is_served(one, proxy)]
    if served:
        routes = ensure_shape(proxy.client.get("/routes"), {"routes": [{"path": maybe(TEXT)}]}, "GET /routes")["routes"]
        of_endpoints = {row["path"] for row in routes if row.get("endpoint") == OF_ENDPOINTS}
        own = {row["path"] for row in routes if row.get("endpoint") != OF_ENDPOINTS}
        served = [one for one in served if one in own or not any(_is_route(route, one) for route in of_endpoints)]
    return f"O(path): LiteLLM itself serves {join_limited(served)}." if served else None


def _is_route(route: str, path: str) -> bool:
    """Return whether the route of an endpoint, also of one that is gone, answers for a path."""
    return path == route or (route.endswith(SUBPATH) and path.startswith(route[: -len(SUBPATH)]))


def _is_served(path: str, proxy: Proxy) -> bool:
    try:
        proxy.client.send(path, method="OPTIONS", idempotent=True)
    except ApiError as error:
        if error.status not in ANSWERS_OF_A_PATH:
            raise
        return error.message != NO_SUCH_PATH
    return True
