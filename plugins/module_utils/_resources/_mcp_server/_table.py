# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An MCP server: its table of fields, and what a record shows of them. Pure.

Private: only for use inside this collection. LiteLLM never shows credentials again, so fingerprints of them are kept in
``mcp_info``. Headers and variables are shown as they are, secrets included.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from ..._crud._rows import MAX_REQUESTS, check_identity, check_not_negative, check_up_to
from ..._engine import NOT_CLEARABLE, Field, Resource
from ..._fingerprints import OWN_ENTRY
from ..._redaction import CHANGED, HIDDEN
from ..._values import json_equal
from ._credentials import entries_of, without_values

Record = Mapping[str, Any]

AUTH_TYPES = (
    "none",
    "api_key",
    "bearer_token",
    "basic",
    "authorization",
    "token",
    "oauth2",
    "oauth2_token_exchange",
    "oauth2_id_jag",
    "oauth_delegate",
    "true_passthrough",
    "aws_sigv4",
)
VARIABLE: Mapping[str, Mapping[str, Any]] = {
    "name": {"type": "str", "required": True},
    "value": {"type": "str", "no_log": True},
    "scope": {"type": "str", "choices": ["global", "user"], "default": "global"},
    "description": {"type": "str"},
}
# What LiteLLM adds to ``mcp_info`` when it shows a server.
ADDED = ("is_public", "is_public_explicit")
# What it adds there of fields that have options of their own.
OPTIONS_IN_INFO = ("server_name", "description")
SPECIAL_IDS = ("all-team-mcpservers", "all-proxy-mcpservers", "no-mcp-servers")
NAME = re.compile(r"[A-Za-z0-9_.]{1,128}")
# What LiteLLM takes and shows where there is nothing.
ACCESS_TOKEN, RFC_8693 = "urn:ietf:params:oauth:token-type:access_token", "rfc8693"


def _check_id(value: str) -> str | None:
    if value in SPECIAL_IDS:
        return f"'{value}' is reserved for LiteLLM."
    return check_identity(value) or ("must not contain a slash." if "/" in value else None)


def _check_name(value: str) -> str | None:
    if NAME.fullmatch(value):
        return None
    return f"'{value}' must consist of at most 128 letters without accents, digits, underscores, and dots."


def _check_info(value: Mapping[str, Any]) -> str | None:
    named = [name for name in OPTIONS_IN_INFO if name in value]
    if named:
        return f"use the option O({named[0]}) to set {named[0]}."
    taken = [name for name in (*ADDED, OWN_ENTRY) if name in value]
    owner = "this collection" if taken == [OWN_ENTRY] else "LiteLLM"
    return f"{taken[0]} is reserved for {owner}." if taken else None


def info_of(record: Record) -> dict[str, Any]:
    """Return the user's part of ``mcp_info``."""
    shown = {
        name: record.get(name) or (record.get("server_id") if name == "server_name" else None)
        for name in OPTIONS_IN_INFO
    }
    return {
        name: value
        for name, value in (record.get("mcp_info") or {}).items()
        if name not in (*ADDED, OWN_ENTRY) and not (name in shown and value == shown[name])
    }


def _as_text(value: Mapping[str, Any]) -> dict[str, Any]:
    """Return a mapping with numbers as text."""
    return {
        name: str(part) if isinstance(part, (int, float)) and not isinstance(part, bool) else part
        for name, part in value.items()
    }


def _hidden(value: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return dict.fromkeys(value, HIDDEN) if isinstance(value, Mapping) else None


def _hidden_changes(before: Any, after: Any) -> tuple[Any, Any]:
    """Return two states of a mapping of secrets as a diff shows them: which are there, and which change."""
    old, new = before or {}, after if isinstance(after, Mapping) else {}
    changing = {name: CHANGED if name in old and old[name] != value else HIDDEN for name, value in new.items()}
    return _hidden(old), changing


def _variables(value: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return variables without what a declaration leaves out and LiteLLM names."""
    return [
        {
            "name": one.get("name"),
            "value": one.get("value") or "",
            "scope": one.get("scope") or "global",
            **({"description": one["description"]} if one.get("description") else {}),
        }
        for one in value
    ]


def _hidden_variables(value: Any) -> Any:
    return [{**one, "value": HIDDEN if one["value"] else ""} for one in _variables(value or ())]


def _changed_variables(before: Any, after: Any) -> tuple[Any, Any]:
    old = {one["name"]: one["value"] for one in _variables(before or ())}
    new = _variables(after if isinstance(after, list) else ())
    shown = [
        {**one, "value": CHANGED} if one["name"] in old and old[one["name"]] != one["value"] else hidden
        for one, hidden in zip(new, _hidden_variables(new))
    ]
    return _hidden_variables(before), shown


def _check_variables(value: Sequence[Mapping[str, Any]]) -> str | None:
    names = [one["name"] for one in value]
    twice = sorted({name for name in names if names.count(name) > 1})
    return f"contains {', '.join(twice)} more than once." if twice else None


_strings = partial(Field, type="list", elements="str", cleared=[])
_texts_by_tool = partial(Field, type="dict", unit="text by tool", parse=_as_text, cleared={})
_flag = partial(Field, type="bool", empty_values=(False,), cleared=False)
_secrets = partial(
    Field, type="dict", parse=_as_text, redact=_hidden, diff_view=_hidden_changes, declares=False, cleared={}
)

# What LiteLLM removes when the URL, the issuer, or the type of authentication changes, also if it is sent again.
AUTHENTICATION = (
    Field("issuer"),
    Field("authorization_url"),
    Field("token_url"),
    Field("registration_url"),
    Field("oauth2_flow", choices=("client_credentials", "authorization_code")),
    Field("dcr_bridge", type="bool", empty_values=(False,)),
    Field("token_exchange_endpoint"),
    Field("audience"),
    Field("subject_token_type", empty_values=(ACCESS_TOKEN,)),
    Field("token_exchange_profile", choices=(RFC_8693, "entra_obo"), empty_values=(RFC_8693,)),
)
# Fields with values that nobody is shown.
SECRETS = ("credentials", "static_headers", "env_vars", "env")
# What the workers of LiteLLM go on using after it was removed, and show.
CARRIED = ("issuer", "authorization_url", "token_url", "registration_url")
MCP_SERVER = Resource(
    kind="MCP server",
    identity="server_id",
    since="1.106.2",
    fields=(
        Field("server_id", check=_check_id, cleared=NOT_CLEARABLE),
        Field("server_name", check=_check_name),
        Field("alias", check=_check_name),
        Field("description"),
        Field("transport", choices=("http", "sse", "stdio"), cleared=NOT_CLEARABLE),
        Field("url"),
        Field("spec_path"),
        Field("auth_type", choices=AUTH_TYPES),
        Field("credentials", "dict", read=entries_of, redact=without_values, declares=False),
        _secrets("static_headers"),
        _strings("extra_headers"),
        Field(
            "env_vars",
            "list",
            "dict",
            suboptions=VARIABLE,
            check=_check_variables,
            normalize=_variables,
            serialize=_variables,
            redact=_hidden_variables,
            diff_view=_changed_variables,
            declares=False,
            cleared=[],
        ),
        *AUTHENTICATION,
        _flag("per_server_oauth_discovery"),
        _flag("delegate_auth_to_upstream"),
        _flag("oauth_passthrough"),
        _flag("is_byok"),
        _strings("byok_description"),
        Field("byok_api_key_help_url"),
        _strings("allowed_tools"),
        _texts_by_tool("tool_name_to_display_name"),
        _texts_by_tool("tool_name_to_description"),
        _strings("mcp_access_groups"),
        _flag("allow_all_keys"),
        Field("available_on_public_internet", "bool", empty_values=(True,), cleared=True),
        Field("instructions"),
        Field("mcp_info", "dict", read=info_of, check=_check_info, cleared={}),
        Field("source_url"),
        Field("call_timeout", type="float", unit="seconds", path=("timeout",), check=check_not_negative),
        Field("max_concurrent_requests", type="int", unit="requests", check=check_up_to(MAX_REQUESTS)),
        Field("rpm", type="int", unit="requests/min", check=check_up_to(MAX_REQUESTS)),
        Field("command"),
        _strings("args", same=json_equal),
        _secrets("env"),
    ),
)
