# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A customer: an end user whom requests name. Private: only for use inside this collection."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._crud._budgets import BUDGET_ID, LIMITS, Budgets
from .._crud._define import define
from .._crud._definition import Definition, Endpoints, Hooks, Request
from .._crud._limits import unknown_models
from .._engine import NOT_CLEARABLE, Field, Plan, Resource

LISTING = Request("GET", "/customer/list")
BUDGETS = Budgets("customer", "user_id", LISTING, made_by=("max_budget",))
CUSTOMER = Resource(
    kind="customer",
    identity="user_id",
    fields=(
        Field("user_id", cleared=NOT_CLEARABLE),
        # An update drops null, and keeps empty text.
        Field("alias", cleared=""),
        BUDGET_ID,
        *LIMITS,
        Field("models", "list", "str", cleared=[], since="1.106.2"),
        Field("default_model", cleared=""),
        Field("allowed_model_region", choices=("eu", "us"), cleared=NOT_CLEARABLE),
        Field("blocked", "bool", nothing=(False,), cleared=False, clear_since="1.106.2"),
    ),
)


def _refuse(plan: Plan, options: Mapping[str, Any], proxy: Any) -> str | None:
    return unknown_models(plan, options, proxy) or _no_default(plan, proxy) or BUDGETS.refuse(plan, proxy)


def _no_default(plan: Plan, proxy: Any) -> str | None:
    """LiteLLM looks for the model only at the creation."""
    model = plan.changes.get("default_model")
    unknown = proxy.unknown_models([model]) if isinstance(model, str) and model else []
    return f"default_model: the proxy has no model '{model}'." if unknown else None


CUSTOMER_KIND, CUSTOMER_INFO = define(
    Definition(
        CUSTOMER,
        Endpoints(
            create=Request("POST", "/customer/new"),
            update=Request("POST", "/customer/update", id="user_id"),
            delete=Request("POST", "/customer/delete", id="user_ids", many=True),
            listing=LISTING,
            read=Request("GET", "/customer/info", id="end_user_id"),
        ),
        Hooks(
            check=BUDGETS.problems,
            update_body=BUDGETS.update_body,
            further=BUDGETS.further,
            refuse=_refuse,
            missing=BUDGETS.missing,
        ),
        options={"validate_models": {"type": "bool", "default": False}},
        readings=("spend",),
        filters=("alias", "budget_id", "blocked"),
    )
)
