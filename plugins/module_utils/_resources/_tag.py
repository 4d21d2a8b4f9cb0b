# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A tag that requests bear. Private: only for use inside this collection."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .._crud._budgets import BUDGET_ID, LIMITS, BudgetedObject
from .._crud._definition import Record, Request, Values
from .._crud._dependents import KEY, MODEL, TEAM, Row, count_and_name, find_dependents
from .._engine import NOT_CLEARABLE, Field, Plan, Resource
from .._listings import TAGS
from .._proxy import Proxy

# An update wipes those of these that it does not repeat.
REPEATED = ("description", "models")

TAG = Resource(
    kind="tag",
    identity="name",
    fields=(
        Field("name", cleared=NOT_CLEARABLE),
        Field("description"),
        Field("models", "list", "str", cleared=[]),
        BUDGET_ID,
        *LIMITS,
    ),
)


class Tag(BudgetedObject):
    table = TAG
    reading_names = ("created_by", "created_at", "updated_at")
    filters = ("budget_id",)
    advice = {
        r"Model \S+ not found in database": "The tag was created. LiteLLM cannot add it to models from the "
        "configuration file of the proxy."
    }
    budget_replaceable = False

    create = Request("POST", "/tag/new")
    update = Request("POST", "/tag/update", id="name")
    delete = Request("POST", "/tag/delete", id="name")
    listing = TAGS
    get = Request("POST", "/tag/info", id="names", many=True, missing="Tags not found")

    def update_body(self, body: dict[str, Any], plan: Plan, proxy: Proxy) -> dict[str, Any]:
        body = super().update_body(body, plan, proxy)
        return {**{name: TAG.field(name).value(plan.existing) for name in REPEATED}, **body} if body else {}

    def undeclarable(self, record: Record, _proxy: Proxy) -> str | None:
        """Return why a tag of requests that nobody has created, which LiteLLM also lists, is none to declare."""
        return "LiteLLM only knows it from requests. It was not created." if record.get("models") is None else None

    def losses(self, plan: Plan, _options: Values, proxy: Proxy) -> list[str]:
        """Return whose requests bear the tag, and are no longer limited or sent to its models."""
        if plan.action != "delete":
            return []

        def bears(place: str) -> Callable[[Row], bool]:
            return lambda row: plan.name in ((row.get(place) or {}).get("tags") or ())

        uses = {KEY: bears("metadata"), TEAM: bears("metadata"), MODEL: bears("litellm_params")}
        bearers = count_and_name(find_dependents(proxy, uses))
        return [f"These bear the tag: {bearers}."] if bearers else []
