# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A search tool: how the proxy asks a provider of web search. Private: only for use inside this collection.

Each update replaces all parameters. LiteLLM shows masks of secrets, stores a mask that is sent to it, and drops
parameters that it does not know.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._crud._definition import Record, Request, Values
from .._crud._dependents import count_and_name, find_permitted
from .._crud._entries import check_entries, remaining, unset_of, with_entries
from .._crud._numbers import numbers
from .._crud._object import CrudObject
from .._crud._secret_entries import (
    KeptEntry,
    NewEntry,
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
from .._listings import SEARCH_TOOLS
from .._proxy import Proxy
from .._redaction import REFERENCE
from .._shapes import TEXT, ensure_shape
from .._text import join_limited
from .._values import is_empty, json_equal

CONFIGURED = "it is owned by the configuration file of the proxy. Change it there."
PARAMS, INFO = "litellm_params", "search_tool_info"
ENTRIES = SecretParams(PARAMS, INFO)
PROVIDER = "search_provider"
PROVIDERS = "/search_tools/ui/available_providers"
COST, COST_SINCE = "input_cost_per_query", "1.110.0"
KNOWN = (PROVIDER, "api_key", "api_base", "timeout", "max_retries", COST)


def _check_params(value: Mapping[str, Any]) -> str | None:
    unknown = [str(name) for name in value if name not in KNOWN]
    return f"LiteLLM drops {join_limited(unknown)}. It knows {', '.join(KNOWN)}." if unknown else None


SEARCH_TOOL = Resource(
    kind="search tool",
    identity="search_tool_name",
    fields=(
        Field("search_tool_name", cleared=NOT_CLEARABLE),
        Field(
            PARAMS,
            "dict",
            parse=numbers("timeout|max_retries|input_cost_per_query"),
            check=_check_params,
            read=ENTRIES.present,
            redact=without_secrets,
            cleared=NOT_CLEARABLE,
        ),
        Field(INFO, "dict", read=ENTRIES.own_info, check=ENTRIES.check_info, cleared={}),
    ),
)


class SearchTool(CrudObject):
    table = SEARCH_TOOL
    server_id = "search_tool_id"
    extra_options = {"unset": {"type": "list", "elements": "str"}}
    reading_names = ("search_tool_id", "is_from_config", "created_at", "updated_at")

    create = Request("POST", "/search_tools")
    update = Request("PUT", "/search_tools/{id}")
    delete = Request("DELETE", "/search_tools/{id}")
    listing = SEARCH_TOOLS

    def check_options(self, options: Values) -> list[str]:
        found = check_entries(options, (PARAMS, INFO), required=[f"{PARAMS}.{PROVIDER}"])
        return found + check_masks(PARAMS, options.get(PARAMS) or {})

    def desired(self, fields: Values, options: Values, record: Record | None) -> Values:
        """Keep the entries that are not declared, unless they are to be removed, and send known secrets each time."""
        current, declared = record or {}, fields.get(PARAMS) or {}
        params = remaining(ENTRIES.wanted(declared, current), unset_of(options, PARAMS))
        own_info = ENTRIES.own_info(current)
        prepared = with_entries(fields, options, INFO, own_info)
        info = prepared.get(INFO)
        same = params == ENTRIES.present(current) and (
            info is None or json_equal({} if is_empty(info) else info, own_info)
        )
        if PARAMS in fields or not same:
            resent = {} if same else {name: value for name, value in declared.items() if name in params}
            prepared[PARAMS] = {
                name: NewEntry(resent[name]) if isinstance(value, KeptEntry) and name in resent else value
                for name, value in params.items()
            }
        return prepared

    def undeclarable(self, record: Record, _proxy: Proxy) -> str | None:
        return CONFIGURED if record.get("is_from_config") else None

    def create_body(self, body: dict[str, Any], plan: Plan) -> dict[str, Any]:
        return self._whole(plan)

    def update_body(self, _body: dict[str, Any], plan: Plan, _proxy: Proxy) -> dict[str, Any]:
        return self._whole(plan)

    def _whole(self, plan: Plan) -> dict[str, Any]:
        """Return all of a search tool, with the fingerprints of its secrets."""
        params = plan.changes.get(PARAMS, ENTRIES.present(plan.existing))
        info = plan.changes.get(INFO, ENTRIES.own_info(plan.existing))
        whole = {
            "search_tool_name": plan.name,
            PARAMS: sent(params, {}),
            INFO: with_marks(info, fingerprints(params, ENTRIES.known(plan.existing))),
        }
        return {"search_tool": whole}

    def check_plan(self, plan: Plan, _options: Values, proxy: Proxy) -> str | None:
        if plan.existing.get("is_from_config"):
            return CONFIGURED
        if plan.action == "delete":
            return None
        after = plan.changes.get(PARAMS, ENTRIES.present(plan.existing))
        if not after.get(PROVIDER):
            return f"it does not exist yet. To create it, set {PROVIDER} in O({PARAMS})."
        hidden = [f"O({PARAMS}.{name})" for name, value in after.items() if isinstance(value, KeptEntry)]
        if hidden:
            names = join_limited(hidden)
            return f"LiteLLM replaces all parameters and does not show {names}. Set it again, or list it in O(unset)."
        if COST in sent(after, ENTRIES.present(plan.existing)) and proxy.version and not proxy.at_least(COST_SINCE):
            return f"LiteLLM {proxy.version} on this proxy does not know O({PARAMS}.{COST}) (since {COST_SINCE})."
        changed = after[PROVIDER] != ENTRIES.shown(plan.existing).get(PROVIDER)
        return _unknown_provider(str(after[PROVIDER]), proxy) if changed else None

    def warnings(self, plan: Plan, _options: Values, _proxy: Proxy) -> list[str]:
        params = sent(plan.changes.get(PARAMS) or {}, {})
        literal = [name for name, value in params.items() if str(value).startswith(REFERENCE)]
        return [
            *guessable_warning(PARAMS, guessable_names(plan.changes.get(PARAMS) or {})),
            *(
                f"{PARAMS}: LiteLLM does not replace {params[name]} in {name}, but sends it as it is."
                for name in literal
            ),
        ]

    def losses(self, plan: Plan, _options: Values, proxy: Proxy) -> list[str]:
        """Say who could search with a search tool that is deleted. LiteLLM keeps its name wherever it stands."""
        if plan.action != "delete":
            return []
        users = count_and_name(
            find_permitted(proxy, lambda permissions: plan.name in (permissions.get("search_tools") or ()))
        )
        return [f"It is used by {users}."] if users else []


def _unknown_provider(name: str, proxy: Proxy) -> str | None:
    """Return that there is no such provider, None if there is: LiteLLM takes any name, and fails later."""
    shape = {"providers": [{"provider_name": TEXT}]}
    providers = [
        row["provider_name"]
        for row in ensure_shape(proxy.client.get(PROVIDERS), shape, f"GET {PROVIDERS}")["providers"]
    ]
    if name in providers:
        return None
    return f"O({PARAMS}): LiteLLM has no search provider '{name}'. It has {', '.join(sorted(providers))}."
