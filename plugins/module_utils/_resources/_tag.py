# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A tag that requests bear. Private: only for use inside this collection."""

from __future__ import annotations

from typing import Any

from .._crud._budgets import BUDGET_ID, LIMITS, BudgetedObject
from .._crud._definition import Request
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
