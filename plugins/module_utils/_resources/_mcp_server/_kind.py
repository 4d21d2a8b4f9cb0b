# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An MCP server that a proxy serves: its requests. Private: only for use inside this collection."""

from __future__ import annotations

from typing import Any

from ..._crud._definition import CrudDeclaration, Record, Request, Values
from ..._crud._object import CrudObject
from ..._engine import Plan
from ..._fingerprints import guessable_warning
from ..._kind import ArgumentSpec
from ..._listings import MCP_SERVERS
from ..._proxy import Proxy
from ._checks import check_options, check_plan, taken_name
from ._credentials import guessable_names
from ._losses import losses
from ._reading import carried_warning, fetch_details, is_forgotten
from ._table import MCP_SERVER, SECRETS
from ._writing import create_body, desired, update_body

NO_STDIO = "Set LITELLM_ENABLE_MCP_STDIO=true in the environment of the proxy, or use O(transport) http or sse."
NOT_LOADED = "LiteLLM's log says why. It can be that LiteLLM cannot load the document at O(spec_path)."
UNDETECTED = "Later runs do not detect a changed value, unless O(update_credentials)=always is set."


class McpServer(CrudObject):
    table = MCP_SERVER
    alias = "server_name"
    extra_options = {
        "update_credentials": {"type": "str", "choices": ["on_change", "always"], "default": "on_change"},
    }
    reading_names = ("is_config", "created_at", "updated_at")
    filters = ("alias",)
    advice = {r"stdio MCP servers are disabled": NO_STDIO, r"\Ainternal server error": NOT_LOADED}

    create = Request("POST", "/v1/mcp/server")
    update = Request("PUT", "/v1/mcp/server", id="server_id")
    delete = Request("DELETE", "/v1/mcp/server/{id}")
    listing = MCP_SERVERS  # to get a single one makes LiteLLM call it

    @property
    def options(self) -> ArgumentSpec:
        options = super().options
        return {**options, "env": {**options["env"], "no_log": True}}

    def undeclarable(self, record: Record, _proxy: Proxy) -> str | None:
        return "the configuration file of the proxy defines it." if record.get("is_config") else None

    def options_of(self, record: Record, proxy: Proxy) -> dict[str, Any]:
        hidden = {name: self.table.field(name).value(record) for name in SECRETS}
        return {**super().options_of(record, proxy), **{name: value for name, value in hidden.items() if value}}

    def declare(self, options: Values, state: str) -> CrudDeclaration:
        """Declare a server by the names that LiteLLM gives it, which have no spaces."""
        names = {name: options[name].replace(" ", "_") for name in ("server_name", "alias") if options.get(name)}
        return super().declare({**options, **names}, state)

    def check_options(self, options: Values) -> list[str]:
        return check_options(options)

    def is_forgotten(self, name: str, proxy: Proxy) -> bool:
        return is_forgotten(name, proxy)

    def fetch_details(self, record: Record, options: Values, proxy: Proxy) -> Record:
        return fetch_details(record, options, proxy)

    def desired(self, fields: Values, options: Values, record: Record | None) -> Values:
        return desired(fields, options, record)

    def create_body(self, body: dict[str, Any], plan: Plan) -> dict[str, Any]:
        return create_body(body, plan)

    def update_body(self, body: dict[str, Any], plan: Plan, _proxy: Proxy) -> dict[str, Any]:
        return update_body(body, plan)

    def check_plan(self, plan: Plan, _options: Values, _proxy: Proxy) -> str | None:
        return check_plan(plan)

    def missing(self, plan: Plan, _options: Values, proxy: Proxy) -> str | None:
        return taken_name(plan, proxy)

    def losses(self, plan: Plan, _options: Values, proxy: Proxy) -> list[str]:
        return losses(plan, proxy)

    def warnings(self, plan: Plan, _options: Values, _proxy: Proxy) -> list[str]:
        guessable = guessable_names(plan.changes.get("credentials"))
        return [*guessable_warning("credentials", guessable, UNDETECTED), *carried_warning(plan)]
