# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A tag that requests bear. Private: only for use inside this collection."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._crud._budgets import BUDGET_ID, LIMITS, Budgets
from .._crud._define import define
from .._crud._definition import Definition, Endpoints, Hooks, Request
from .._engine import NOT_CLEARABLE, Field, Plan, Resource

LISTING = Request("GET", "/tag/list")
BUDGETS = Budgets("tag", "name", LISTING, lasting=True)
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


def _update_body(body: Mapping[str, Any], plan: Plan) -> dict[str, Any]:
    body = BUDGETS.update_body(body, plan)
    return {**{name: TAG.field(name).value(plan.existing) for name in REPEATED}, **body} if body else {}


TAG_KIND, TAG_INFO = define(
    Definition(
        TAG,
        Endpoints(
            create=Request("POST", "/tag/new"),
            update=Request("POST", "/tag/update", id="name"),
            delete=Request("POST", "/tag/delete", id="name"),
            listing=LISTING,
            read=Request("POST", "/tag/info", id="names", many=True),
        ),
        Hooks(
            check=BUDGETS.problems,
            update_body=_update_body,
            further=BUDGETS.further,
            refuse=lambda plan, options, proxy: BUDGETS.refuse(plan, proxy),
            missing=BUDGETS.missing,
        ),
        readings=("created_by", "created_at", "updated_at"),
        filters=("budget_id",),
        advice={
            r"Model \S+ not found in database": "The tag was created. LiteLLM cannot add it to models from the "
            "configuration file of the proxy."
        },
    )
)
