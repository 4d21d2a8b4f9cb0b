# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A model on a proxy: its requests, and what they carry. Private: only for use inside this collection."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ..._crud._definition import Record, Request, Values
from ..._crud._entries import FALSE_BY_DEFAULT, remaining, unset_of
from ..._crud._object import CrudObject
from ..._crud._secret_entries import fingerprints, guessable_names, sent, wanted
from ..._engine import Plan
from ..._errors import InputError
from ..._fingerprints import guessable_warning, own_entry
from ..._listings import MODELS
from ..._proxy import Proxy
from ..._redaction import is_secret_name
from ..._text import mark_options
from ._checks import check_options, check_plan, missing_references
from ._losses import losses
from ._recreating import fetch_groups, irremovable, removal_in_body, removed, restoring_requests
from ._table import (
    INFO,
    MODEL,
    PARAMS,
    fetch_masks,
    info_of,
    known_of,
    own_info,
    own_params,
    params_of,
    shown_params,
    with_id,
)

NOT_LIVE = "LiteLLM stored the model, but cannot serve it. Check O(litellm_params), such as the provider in model."
ONLY_CONFIGURED = "LiteLLM takes this parameter only from the configuration file of the proxy. Remove it."


class Model(CrudObject):
    table = MODEL
    extra_options = {
        "unset": {"type": "list", "elements": "str"},
        "recreate": {"type": "bool", "default": False},
        "validate_references": {"type": "bool", "default": True},
    }
    reading_names = ("db_model",)
    filters = ("model_name",)
    advice = {r"not live in this pod": NOT_LIVE, r"cannot be set in a request body": ONLY_CONFIGURED}

    create = Request("POST", "/model/new")
    update = Request("PATCH", "/model/{id}/update")
    delete = Request("POST", "/model/delete", id="id")
    listing = MODELS
    get = Request("GET", "/v2/model/info", id="modelId", entries="data", selects=True)

    def normalize(self, record: Record) -> Record:
        return with_id(record)

    def undeclarable(self, record: Record, _proxy: Proxy) -> str | None:
        return None if record.get("db_model") is True else "the configuration file of the proxy defines it."

    def options_of(self, record: Record, proxy: Proxy) -> dict[str, Any]:
        own = {PARAMS: own_params(record), INFO: own_info(record, proxy)}
        options = {**super().options_of(record, proxy), **own}
        return {name: value for name, value in options.items() if value != {}}

    def check_options(self, options: Values) -> list[str]:
        return check_options(options)

    def check_plan(self, plan: Plan, options: Values, proxy: Proxy) -> str | None:
        return check_plan(plan, options, proxy)

    def missing(self, plan: Plan, options: Values, proxy: Proxy) -> str | None:
        return missing_references(plan, options, proxy)

    def warnings(self, plan: Plan, _options: Values, _proxy: Proxy) -> list[str]:
        return guessable_warning(PARAMS, guessable_names(plan.changes.get(PARAMS) or {}))

    def losses(self, plan: Plan, _options: Values, proxy: Proxy) -> list[str]:
        return losses(plan, proxy)

    def must_recreate(self, plan: Plan, proxy: Proxy) -> bool:
        return bool(irremovable(plan, proxy))

    def fetch_links(self, plan: Plan, proxy: Proxy) -> Sequence[str]:
        return fetch_groups(plan, proxy)

    def restoring_requests(self, plan: Plan, links: Sequence[str], proxy: Proxy) -> Iterable[tuple[str, str, Values]]:
        return restoring_requests(plan, links, proxy)

    def desired(self, fields: Values, options: Values, record: Record | None) -> Values:
        """Keep the entries that are not declared, unless they are to be removed."""
        prepared = dict(fields)
        current = record or {}
        gone = unset_of(options, PARAMS)
        if PARAMS in fields or gone:
            there = wanted(fields.get(PARAMS) or {}, shown_params(current), known_of(current), current.get("masks"))
            prepared[PARAMS] = remaining(there, gone, FALSE_BY_DEFAULT)
        gone = unset_of(options, INFO)
        if INFO in fields or gone:
            declared = {name: value for name, value in (fields.get(INFO) or {}).items() if name != "id"}
            prepared[INFO] = remaining({**info_of(current), **declared}, gone)
        return prepared

    def fetch_details(self, record: Record, options: Values, proxy: Proxy) -> Record:
        """Add the masks of secrets that LiteLLM leaves out of the model, if any is to be written or removed.

        :raises InputError: if one is to be removed and nobody can tell whether it is there.
        """

        def hidden(names: Iterable[str]) -> list[str]:
            return [name for name in names if is_secret_name(name) and name not in shown_params(record)]

        gone = hidden(unset_of(options, PARAMS))
        if not gone and not hidden(options.get(PARAMS) or {}):
            return record
        detailed = self.fetch_rest(record, proxy)
        if detailed["masks"] is None and gone:
            names = mark_options(f"{PARAMS}.{name}" for name in gone)
            reason = f"LiteLLM does not serve this model, so that nobody can tell whether it has {names}"
            raise InputError(f"O(unset): {reason}. Unblock it, or remove the entry from O(unset).", record["model_id"])
        return detailed

    def fetch_rest(self, record: Record, proxy: Proxy) -> Record:
        return {**record, "masks": fetch_masks(record, proxy)}

    def create_body(self, body: dict[str, Any], plan: Plan) -> dict[str, Any]:
        params = plan.changes.get(PARAMS) or {}
        marks = fingerprints(params, {})
        created = {name: value for name, value in body.items() if name != "model_id"}
        info = {**(body.get(INFO) or {}), "id": plan.name, **(own_entry(marks) if marks else {})}
        return {**created, PARAMS: sent(params, {}), INFO: info}

    def update_body(self, body: dict[str, Any], plan: Plan, proxy: Proxy) -> dict[str, Any]:
        updated, info = dict(body), {}
        if INFO in plan.changes:
            info = sent(plan.changes[INFO], info_of(plan.existing))
        if PARAMS in plan.changes:
            after, before, known = plan.changes[PARAMS], params_of(plan.existing), known_of(plan.existing)
            removal = removal_in_body(removed(plan, PARAMS), proxy)
            kept = {**dict.fromkeys(FALSE_BY_DEFAULT), **removal.get(PARAMS, {})}
            updated.update({**removal, PARAMS: {**kept, **sent(after, before)}})
            marks = fingerprints(after, known)
            if marks != known:
                info.update(own_entry(marks))
        # Without the id, LiteLLM stores another one.
        return {**updated, INFO: {**info, "id": plan.name}} if info else {k: v for k, v in updated.items() if k != INFO}
