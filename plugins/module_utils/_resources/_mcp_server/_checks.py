# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with the declaration of an MCP server, and what LiteLLM cannot do to one, or does unasked.

Private: only for use inside this collection.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..._crud._definition import Values
from ..._engine import Plan
from ..._listings import MCP_SERVERS
from ..._proxy import Proxy
from ..._shapes import FLAG, TEXT, maybe
from ..._text import mark_options
from ..._values import is_empty
from ._credentials import NAMES, fingerprints_of
from ._table import AUTHENTICATION, MCP_SERVER
from ._writing import changed_anchors, forgets_credentials

NAMED = {"server_id": TEXT, "server_name": maybe(TEXT), "alias": maybe(TEXT), "is_config": maybe(FLAG)}
# What LiteLLM also takes among credentials, and stores elsewhere.
OPTIONS_IN_CREDENTIALS = ("audience", "token_exchange_endpoint", "subject_token_type", "token_exchange_profile")
FORWARDING = ("oauth_delegate", "true_passthrough")


def check_options(options: Values) -> list[str]:
    """Return what is wrong with a declaration, a sentence each."""
    found = [*_check_credentials(options.get("credentials") or {})]
    for option in ("static_headers", "env", "tool_name_to_display_name", "tool_name_to_description"):
        wrong = [str(name) for name, value in (options.get(option) or {}).items() if not _is_text(value)]
        if wrong:
            found.append(f"O({option}): needs text for {', '.join(wrong)}.")
    return found


def _check_credentials(declared: Values) -> Iterator[str]:
    empty = [str(name) for name, value in declared.items() if is_empty(value)]
    if empty:
        yield f"O(credentials): {', '.join(empty)} has no value. To remove an entry, leave it out."
    for name in declared:
        if name in OPTIONS_IN_CREDENTIALS:
            yield f"O(credentials): use the option O({name}) to set {name}."
        elif name not in NAMES:
            yield f"O(credentials): LiteLLM does not know {name}. It knows {', '.join(NAMES)}."


def _is_text(value: Any) -> bool:
    return isinstance(value, (str, int, float)) and not isinstance(value, bool)


def check_plan(plan: Plan) -> str | None:
    """Return why a plan is not carried out, None if it can be."""
    if plan.existing.get("is_config"):
        return "it is defined in the configuration file of the proxy. Change it there."
    if plan.action == "delete":
        return None
    return _check_whole(plan) or _check_losses(plan) or _check_alias(plan)


def _after(plan: Plan, name: str) -> Any:
    """Return the value that a server has after a plan, None if it has none."""
    row = MCP_SERVER.field(name)
    value = plan.changes[name] if name in plan.changes else row.value(plan.existing)
    return None if row.is_empty(value) else value


def _check_whole(plan: Plan) -> str | None:
    """Return what does not fit together in a server as it will be."""
    transport = _after(plan, "transport") or "sse"
    if transport == "stdio":
        if not (_after(plan, "command") and _after(plan, "args")):
            return "O(transport)=stdio requires O(command) and O(args)."
    elif not (_after(plan, "url") or _after(plan, "spec_path")):
        create = "it does not exist yet. To create it, set" if plan.action == "create" else f"{transport} requires"
        return f"{create} O(url) or O(spec_path)."
    auth_type = _after(plan, "auth_type")
    if _after(plan, "dcr_bridge") and auth_type not in FORWARDING:
        return f"O(dcr_bridge) requires O(auth_type) {' or '.join(FORWARDING)}."
    flow = (auth_type, _after(plan, "oauth2_flow"), _after(plan, "delegate_auth_to_upstream"))
    if _after(plan, "per_server_oauth_discovery") and flow != ("oauth2", "authorization_code", None):
        return (
            "O(per_server_oauth_discovery) requires O(auth_type) oauth2 with O(oauth2_flow) authorization_code, and "
            "without O(delegate_auth_to_upstream)."
        )
    return None


def _check_losses(plan: Plan) -> str | None:
    """Return what LiteLLM would remove although nobody asked for it."""
    changed = changed_anchors(plan.changes, plan.existing) if plan.action == "update" else []
    if not changed:
        return None
    held = [row.name for row in AUTHENTICATION if not row.is_empty(row.value(plan.existing))]
    if _may_have_credentials(plan) and forgets_credentials(plan.changes, plan.existing):
        held.append("credentials")
    lost = [name for name in held if name not in plan.before]
    if not lost:
        return None
    these = "it" if len(lost) == 1 else "each of them"
    return (
        f"when {' or '.join(f'O({name})' for name in changed)} changes, LiteLLM removes {mark_options(lost)}. Also set "
        f"{these}, or list {these} in O(unset)."
    )


def _may_have_credentials(plan: Plan) -> bool:
    """Return whether a server has credentials, or nobody can tell."""
    known = fingerprints_of(plan.existing)
    return plan.existing.get("auth_type") not in (None, "none") if known is None else bool(known)


def _check_alias(plan: Plan) -> str | None:
    moved = plan.action == "update" and plan.changes.get("server_name") and "alias" not in plan.before
    if not moved or MCP_SERVER.field("server_name").is_empty(plan.changes["server_name"]) or plan.existing.get("alias"):
        return None
    return "LiteLLM would make O(server_name) the alias as well. Also set O(alias), or list it in O(unset)."


def taken_name(plan: Plan, proxy: Proxy) -> str | None:
    """Return which name of a plan another server has, None if none. Letters count the same in both cases."""
    declared = {name: plan.changes.get(name) for name in ("server_name", "alias")}
    names = {name: value.lower() for name, value in declared.items() if isinstance(value, str)}
    for server in proxy.known(MCP_SERVERS, NAMED) if names else ():
        others = {(server.get(name) or "").lower() for name in declared}
        taken = [name for name, value in names.items() if value in others]
        # A run that declares a whole platform counts the server that it is going to create, by the name of its plan.
        if taken and server["server_id"] not in (plan.existing.get("server_id"), plan.name):
            owner = "the configuration file of the proxy" if server.get("is_config") else f"'{server['server_id']}'"
            return f"O({taken[0]}): {declared[taken[0]]} is the name or the alias of the MCP server {owner}."
    return None
