# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Parts of rows that the tables of several objects share. Pure. Private: only for use inside this collection."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any
from urllib.parse import urlsplit

from .._durations import check_duration
from .._text import check_name, join_limited
from .._values import is_empty, json_equal

BUDGET_WINDOW = {
    "max_budget": {"type": "float", "required": True},
    "budget_duration": {"type": "str", "required": True},
}
# What a row of object permissions names besides permissions.
BACK_REFERENCES = ("teams", "projects", "verification_tokens", "organizations", "users", "end_users", "agents_table")
# What permissions name, all as lists but for these. A newer LiteLLM can know more.
PERMISSIONS: Mapping[str, type] = {
    **dict.fromkeys(("mcp_servers", "mcp_access_groups", "mcp_toolsets", "blocked_tools", "vector_stores"), list),
    **dict.fromkeys(("agents", "agent_access_groups", "models", "search_tools", "skills"), list),
    "mcp_tool_permissions": dict,
    "mcp_tool_search_enabled": bool,
}
# The lists of router settings in which each entry maps a model to its fallbacks.
FALLBACKS = ("fallbacks", "context_window_fallbacks", "content_policy_fallbacks")
MAX_REQUESTS = 2**31 - 1
MAX_TOKENS = 2**63 - 1


def check_identity(value: str) -> str | None:
    """Return what is wrong with a name by which requests call an object, in their address."""
    return f"'{value}' is not allowed in a URL." if value in (".", "..") else check_name(value)


def has_text(value: str) -> str | None:
    return None if value.strip() else "must not be blank."


def check_not_negative(value: float) -> str | None:
    return "must not be negative." if value < 0 else None


def check_http_url(value: str) -> str | None:
    try:
        parts = urlsplit(value)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    return None if usable and not re.search(r"\s", value) else "must be a URL such as https://example.com/path."


def check_up_to(most: int) -> Callable[[int], str | None]:
    return lambda value: check_not_negative(value) or (f"must not be above {most}." if value > most else None)


def check_counts_by_model(value: Mapping[str, Any]) -> str | None:
    wrong = [
        str(name) for name, count in value.items() if isinstance(count, bool) or not isinstance(count, int) or count < 0
    ]
    return f"needs a whole number, 0 or above, for {', '.join(wrong)}." if wrong else None


def check_permissions(value: Mapping[str, Any]) -> str | None:
    for kind, part in value.items():
        meant = get_close_matches(kind, PERMISSIONS, n=1, cutoff=0.9) if kind not in PERMISSIONS else []
        if meant:
            return f"unknown entry {kind} (did you mean {meant[0]}?)."
        wanted = PERMISSIONS.get(kind)
        if part is None or wanted is None:
            continue
        if wanted is bool and not isinstance(part, bool):
            return f"{kind} must be true or false."
        if wanted is list and not _is_names(part):
            return f"{kind} must be a list of names or IDs."
        if wanted is dict and not (isinstance(part, Mapping) and all(map(_is_names, part.values()))):
            return f"{kind} must be a mapping of each server to a list of its tools."
    return None


def _is_names(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) for name in value)


def check_router_settings(value: Mapping[str, Any]) -> str | None:
    """Return what is wrong with fallbacks as Terraform writes them: LiteLLM takes them, and falls back to the model."""
    for name in FALLBACKS:
        entries = value.get(name)
        for entry in entries if isinstance(entries, list) else ():
            if isinstance(entry, Mapping) and "fallback_models" in entry:
                written = {str(entry.get("model", "*")): entry["fallback_models"]}
                example = json.dumps(written)
                return f"write an entry of {name} as a mapping of the model to its fallbacks, such as {example}."
    return None


def windows(value: Any) -> list[dict[str, Any]]:
    """Return budget windows without the ``reset_at`` that the server adds to each."""
    return [{name: window.get(name) for name in BUDGET_WINDOW} for window in value]


def check_windows(value: Sequence[Mapping[str, Any]]) -> str | None:
    for window in value:
        wrong = check_not_negative(window["max_budget"])
        if wrong:
            return f"max_budget {wrong}"
        wrong = check_duration(window["budget_duration"])
        if wrong:
            return f"budget_duration {wrong}"
    return None


def without_null(value: Mapping[str, Any]) -> dict[str, Any]:
    return {name: part for name, part in value.items() if part is not None}


def router_settings(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that are set. The server names all settings of a new object, null for the others."""
    return without_null(record.get("router_settings") or {})


def object_permission(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return the permissions without the row's id and back-references, and without what is empty."""
    value = record.get("object_permission") or {}
    return {
        name: part
        for name, part in value.items()
        if not is_empty(part) and isinstance(part, (list, dict, bool)) and name not in BACK_REFERENCES
    }


def changed_permissions(declared: Any, present: Mapping[str, Any]) -> dict[str, Any]:
    """Return the kinds of permission to write: the server keeps the others, and has no way to take all away at once."""
    if is_empty(declared):
        declared = {kind: None if isinstance(part, bool) else type(part)() for kind, part in present.items()}
    return {kind: part for kind, part in declared.items() if not json_equal(part, present.get(kind))}


def servers_kept(declared: Mapping[str, Any], changes: Mapping[str, Any]) -> list[str]:
    """Return in a sentence which MCP servers an object still reaches by their tools, which it may use undeclared.

    :param declared: the fields of the object as they are declared.
    :param changes: those of them that will change, as they will be.
    """
    own, later = (fields.get("object_permission") or {} for fields in (declared, changes))
    if is_empty(own) or is_empty(later) or "mcp_servers" not in own or "mcp_tool_permissions" in own:
        return []
    kept = {*(later.get("mcp_tool_permissions") or ())} - {*(later["mcp_servers"] or ())}
    tools, servers = (f"O(object_permission.{kind})" for kind in ("mcp_tool_permissions", "mcp_servers"))
    return [f"{tools} still gives access to {join_limited(sorted(kept))}, which {servers} leaves out."] if kept else []


def normalize_permissions(value: Any) -> Any:
    """Return permissions without what is empty, which the server takes for what is missing; lists are sets."""
    if isinstance(value, Mapping):
        return {name: normalize_permissions(part) for name, part in value.items() if not is_empty(part)}
    if isinstance(value, list):
        return sorted({json.dumps(part, sort_keys=True) for part in value})
    return value
