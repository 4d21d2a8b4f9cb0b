# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects that no listing shows as such, because they are parts of settings. Private: only for use inside this
collection.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._listings import Listing
from .._proxy import Proxy
from .._shapes import LIST, MAPPING, TEXT, ensure_shape, maybe

SETTINGS, ENDPOINTS = "/router/settings", "/config/pass_through_endpoint"
# Where a run notes what it is going to do to them.
FALLBACKS = Listing(SETTINGS, "model")
PASS_THROUGHS = Listing(ENDPOINTS, "endpoint_id", "endpoints")
# Of fallbacks by option: their type in requests, and the list of the router settings that holds them.
TYPES: Mapping[str, tuple[str, str]] = {
    "fallback_models": ("general", "fallbacks"),
    "context_window_fallback_models": ("context_window", "context_window_fallbacks"),
    "content_policy_fallback_models": ("content_policy", "content_policy_fallbacks"),
}
SHAPE = {
    "current_values": {rules: maybe(LIST) for _type, rules in TYPES.values()},
    "source": maybe(MAPPING),
}
ENDPOINT = {"id": maybe(TEXT), "path": TEXT, "guardrails": maybe(MAPPING)}


def fetch_router_settings(proxy: Proxy) -> Mapping[str, Any]:
    settings: Mapping[str, Any] = ensure_shape(proxy.client.get(SETTINGS), SHAPE, f"GET {SETTINGS}")
    return settings


def fetch_fallbacks(proxy: Proxy) -> list[Mapping[str, Any]]:
    """Return the models that have fallbacks, each with the other models of the same entries.

    LiteLLM heeds the first of several entries for a model.
    """
    values = fetch_router_settings(proxy)["current_values"]
    rows: dict[str, dict[str, Any]] = {}
    for option, (_type, rules) in TYPES.items():
        for entry in values.get(rules) or ():
            for model, models in entry.items() if isinstance(entry, Mapping) else ():
                row = rows.setdefault(model, {"model": model, "beside": {}})
                if option not in row:
                    row[option] = models if isinstance(models, list) else [models]
                    row["beside"][option] = [other for other in entry if other != model]
    return list(rows.values())


def fetch_endpoints(proxy: Proxy) -> list[Mapping[str, Any]]:
    """Return all pass-through endpoints, of which several can have the same ID."""
    answer = ensure_shape(proxy.client.get(ENDPOINTS), {"endpoints": [ENDPOINT]}, f"GET {ENDPOINTS}")
    return [{**row, "endpoint_id": row.get("id")} for row in answer["endpoints"]]
