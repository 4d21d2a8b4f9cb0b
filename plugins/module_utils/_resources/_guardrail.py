# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A guardrail: what checks requests and answers. Private: only for use inside this collection.

LiteLLM shows each guardrail with all parameters that any provider knows, most of them null or a default. It shows
masks of secrets, and stores a mask that is sent to it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .._crud._definition import Record, Request, Values
from .._crud._dependents import (
    KEY,
    MODEL,
    PASS_THROUGH,
    POLICY,
    TEAM,
    Row,
    count_and_name,
    find_dependents,
    guardrails_of,
)
from .._crud._entries import check_entries, remaining, unset_of, with_entries
from .._crud._numbers import numbers
from .._crud._object import CrudObject
from .._crud._rows import without_null
from .._crud._secret_entries import (
    SecretParams,
    check_masks,
    fingerprints,
    guessable_names,
    sent,
    with_marks,
    without_secrets,
)
from .._engine import NOT_CLEARABLE, Field, Plan, Resource
from .._fingerprints import guessable_warning
from .._listings import GUARDRAILS
from .._proxy import Proxy

CONFIGURED = "it is defined in the configuration file of the proxy. Change it there."
PARAMS, INFO = "litellm_params", "guardrail_info"
ENTRIES = SecretParams(PARAMS, INFO)
# What no guardrail can be without.
REQUIRED = ("guardrail", "mode")
# What is false again once it is removed.
FALSE_BY_DEFAULT = ("default_on",)
# The parameters in which LiteLLM expects a number.
NUMBERS = r"""
    (?!severity)(.+_)?threshold|(.+_)?timeout|version|num_retries|max_.+|policy_id|end_session_after_n_fails
    |chunk_budget_chars|presidio_analyze_chunk_size_bytes
"""
# What LiteLLM adds to the entries of these lists where it is missing.
ADDED = {
    "categories": {"enabled": True, "severity_threshold": "medium"},
    "checks": {"threshold": 0.7, "action": "block"},
}
NAME_TAKEN = (
    "The proxy does not list a guardrail with this name: it was created at the same time, or a team has submitted it, "
    "and nobody has approved it yet."
)


def _complete(value: Any) -> Any:
    """Return declared parameters as LiteLLM shows them."""
    params = numbers(NUMBERS)(value)
    return {name: _entries(part, ADDED.get(name, {})) for name, part in params.items()}


def _entries(value: Any, added: Values) -> Any:
    """Return a list of mappings with what LiteLLM adds to each, but for null; any other value as it is."""
    if not isinstance(value, list):
        return value
    return [without_null({**added, **part}) if isinstance(part, Mapping) else part for part in value]


GUARDRAIL = Resource(
    kind="guardrail",
    identity="guardrail_name",
    since="1.106.2",
    fields=(
        Field("guardrail_name", cleared=NOT_CLEARABLE),
        Field(PARAMS, "dict", parse=_complete, read=ENTRIES.present, redact=without_secrets, cleared=NOT_CLEARABLE),
        Field(INFO, "dict", read=ENTRIES.own_info, check=ENTRIES.check_info, cleared={}),
    ),
)


class Guardrail(CrudObject):
    table = GUARDRAIL
    server_id = "guardrail_id"
    extra_options = {"unset": {"type": "list", "elements": "str"}}
    reading_names = ("guardrail_id", "guardrail_definition_location", "created_at", "updated_at")
    advice = {r"unique constraint failed on the fields: \(.?guardrail_name": NAME_TAKEN}

    create = Request("POST", "/guardrails")
    update = Request("PATCH", "/guardrails/{id}")
    delete = Request("DELETE", "/guardrails/{id}")
    listing = GUARDRAILS

    def normalize(self, record: Record) -> Record:
        shown = record.get(PARAMS)
        if not isinstance(shown, Mapping):
            return record
        params = {name: _entries(value, {}) for name, value in shown.items() if value is not None}
        if isinstance(params.get("mode"), Mapping):
            params["mode"] = without_null(params["mode"])
        return {**record, PARAMS: params}

    def fetch_rows(self, params: Mapping[str, str], proxy: Proxy) -> list[Record]:
        """Return all, and of two with the same name that of the database: the other one cannot be changed."""
        rows = sorted(super().fetch_rows(params, proxy), key=_is_configured, reverse=True)
        return list({row.get("guardrail_name"): row for row in rows}.values())

    def undeclarable(self, record: Record, _proxy: Proxy) -> str | None:
        return CONFIGURED if _is_configured(record) else None

    def check_options(self, options: Values) -> list[str]:
        found = check_entries(options, (PARAMS, INFO), required=[f"{PARAMS}.{name}" for name in REQUIRED])
        return found + check_masks(PARAMS, options.get(PARAMS) or {})

    def desired(self, fields: Values, options: Values, record: Record | None) -> Values:
        """Keep the entries that are not declared, unless they are to be removed."""
        current = record or {}
        prepared, gone = with_entries(fields, options, INFO, ENTRIES.own_info(current)), unset_of(options, PARAMS)
        if PARAMS in fields or gone:
            there = ENTRIES.wanted(fields.get(PARAMS) or {}, current)
            prepared[PARAMS] = remaining(there, gone, FALSE_BY_DEFAULT)
        return prepared

    def create_body(self, body: dict[str, Any], plan: Plan) -> dict[str, Any]:
        params = plan.changes[PARAMS]
        info = with_marks(body.get(INFO), fingerprints(params, {}))
        return {"guardrail": {**body, PARAMS: sent(params, {}), INFO: info}}

    def update_body(self, _body: dict[str, Any], plan: Plan, _proxy: Proxy) -> dict[str, Any]:
        """Return what changes of the parameters, null for those that go, and all of the information, if any changes."""
        updated: dict[str, Any] = {}
        known = marks = ENTRIES.known(plan.existing)
        if PARAMS in plan.changes:
            before, after = ENTRIES.present(plan.existing), plan.changes[PARAMS]
            marks = fingerprints(after, known)
            updated[PARAMS] = {**dict.fromkeys(name for name in before if name not in after), **sent(after, before)}
        if INFO in plan.changes or marks != known:
            updated[INFO] = with_marks(plan.changes.get(INFO, ENTRIES.own_info(plan.existing)), marks)
        return updated

    def check_plan(self, plan: Plan, _options: Values, _proxy: Proxy) -> str | None:
        if _is_configured(plan.existing):
            return CONFIGURED
        if plan.action == "create" and not all((plan.changes.get(PARAMS) or {}).get(name) for name in REQUIRED):
            return f"it does not exist yet. To create it, set {' and '.join(REQUIRED)} in O({PARAMS})."
        return None

    def warnings(self, plan: Plan, _options: Values, _proxy: Proxy) -> list[str]:
        return guessable_warning(PARAMS, guessable_names(plan.changes.get(PARAMS) or {}))

    def losses(self, plan: Plan, _options: Values, proxy: Proxy) -> list[str]:
        """Say whose requests LiteLLM would serve without the guardrail that they name."""
        if plan.action != "delete":
            return []
        of_all = ENTRIES.shown(plan.existing).get("default_on") is True

        def names_it(place: str) -> Callable[[Row], bool]:
            return lambda row: plan.name in ((row.get(place) or {}).get("guardrails") or ())

        uses = {
            KEY: names_it("metadata"),
            TEAM: names_it("metadata"),
            MODEL: names_it(PARAMS),
            POLICY: lambda row: plan.name in guardrails_of(row),
            PASS_THROUGH: lambda row: isinstance(row.get("guardrails"), Mapping) and plan.name in row["guardrails"],
        }
        named_by = count_and_name(find_dependents(proxy, uses))
        return [
            *(["It checks all requests (default_on)."] if of_all else []),
            *([f"LiteLLM would serve requests without it, although it is named by {named_by}."] if named_by else []),
        ]


def _is_configured(record: Record) -> bool:
    return record.get("guardrail_definition_location") == "config"
