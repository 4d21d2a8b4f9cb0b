# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fallbacks of a model: which models answer when it cannot. Private: only for use inside this collection.

LiteLLM keeps the fallbacks of all models in three lists of its router settings, one for each reason of a failure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from .._crud._definition import Record, Request, Values
from .._crud._shared_rows import SharedRowObject
from .._crud._unlisted import FALLBACKS, TYPES, fetch_fallbacks, fetch_router_settings
from .._engine import NOT_CLEARABLE, Field, Plan, Resource
from .._proxy import Proxy
from .._text import join_limited, mark_options
from .._values import UNSET, json_equal


def _check_models(value: Sequence[str]) -> str | None:
    repeated = sorted({name for name in value if value.count(name) > 1})
    return f"{', '.join(repeated)} is listed more than once." if repeated else None


def _models(name: str) -> Field:
    return Field(name, "list", "str", same=json_equal, check=_check_models)


FALLBACK = Resource(
    kind="fallback",
    identity="model",
    since="1.106.2",
    fields=(Field("model", cleared=NOT_CLEARABLE), *map(_models, TYPES)),
)


class Fallback(SharedRowObject):
    table = FALLBACK

    create = Request("POST", "/fallback")
    update = Request("POST", "/fallback")
    delete = Request("DELETE", "/fallback/{id}")
    listing = FALLBACKS

    def fetch_rows(self, _params: Mapping[str, str], proxy: Proxy) -> list[Record]:
        return fetch_fallbacks(proxy)

    def adjusted(self, plan: Plan) -> Plan:
        """Return the plan for a model without fallbacks, which is nothing that has to be created."""
        if plan.action != "create" or any(plan.changes.get(name) for name in TYPES):
            return plan
        return replace(plan, action="none", current={"model": plan.name})

    def own_requests(self, plan: Plan, proxy: Proxy) -> Iterator[tuple[str, str, Values]]:
        """Yield a request for each type. In the address of a deletion, LiteLLM takes no name with a slash."""
        written = {name: plan.changes[name] for name in TYPES if name in plan.changes}
        if plan.action == "delete":
            written = {name: [] for name in TYPES if plan.existing.get(name)}
        for name, models in written.items():
            kind, rules = TYPES[name]
            if not FALLBACK.field(name).is_empty(models):
                yield "POST", "/fallback", {"model": plan.name, "fallback_models": models, "fallback_type": kind}
            elif "/" in plan.name:
                entries = fetch_router_settings(proxy)["current_values"].get(rules) or ()
                yield "POST", "/config/update", {"router_settings": {rules: _without(entries, plan.name)}}
            else:
                yield "DELETE", f"/fallback/{quote(plan.name, safe='')}?fallback_type={kind}", {}

    def check_options(self, options: Values) -> list[str]:
        own = [name for name in TYPES if options["model"] in (options.get(name) or ())]
        return [f"O({name}): {options['model']} cannot be its own fallback." for name in own]

    def check_plan(self, plan: Plan, _options: Values, proxy: Proxy) -> str | None:
        changed = [name for name in TYPES if name in (plan.existing if plan.action == "delete" else plan.changes)]
        sources = fetch_router_settings(proxy).get("source") or {}
        owned = [name for name in changed if sources.get(TYPES[name][1]) == "config"]
        if owned:
            where = "the configuration file of the proxy, for all models"
            return f"{mark_options(owned)}: owned by {where}. Change it there."
        beside = {name: others for name, others in (plan.existing.get("beside") or {}).items() if others}
        lost = next((name for name in changed if name in beside), None)
        if lost:
            others = join_limited(sorted(beside[lost]))
            return (
                f"O({lost}): LiteLLM keeps those of {others} in the same entry, and would lose them. Write two entries."
            )
        return None

    def missing(self, plan: Plan, _options: Values, proxy: Proxy) -> str | None:
        """Return what LiteLLM refuses: names that no model of the proxy has, wildcards, and access groups."""
        written = {name: value for name, value in plan.changes.items() if name in TYPES and value is not UNSET}
        named = [plan.name, *(model for models in written.values() for model in models)]
        unknown = proxy.missing_models(named) if written else []
        return f"the proxy has no model {join_limited([repr(name) for name in unknown])}." if unknown else None


def _without(entries: Iterable[Any], model: str) -> list[Any]:
    """Return the entries of a list of fallbacks but for those of a model."""
    return [entry for entry in entries if not (isinstance(entry, Mapping) and model in entry)]
