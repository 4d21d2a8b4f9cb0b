# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A customer: an end user whom requests name. Private: only for use inside this collection."""

from __future__ import annotations

from .._crud._budgets import BUDGET_ID, LIMITS, BudgetedObject
from .._crud._definition import Request, Values
from .._crud._limits import unknown_models
from .._engine import NOT_CLEARABLE, Field, Plan, Resource
from .._listings import CUSTOMERS
from .._proxy import Proxy

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
        Field("blocked", "bool", empty_values=(False,), cleared=False, clear_since="1.106.2"),
    ),
)


class Customer(BudgetedObject):
    table = CUSTOMER
    extra_options = {"validate_models": {"type": "bool", "default": False}}
    reading_names = ("spend",)
    filters = ("alias", "budget_id", "blocked")
    budget_made_by = ("max_budget",)

    create = Request("POST", "/customer/new")
    update = Request("POST", "/customer/update", id="user_id")
    delete = Request("POST", "/customer/delete", id="user_ids", many=True)
    listing = CUSTOMERS
    get = Request("GET", "/customer/info", id="end_user_id", missing="End User Id=.* does not exist")

    def check_plan(self, plan: Plan, options: Values, proxy: Proxy) -> str | None:
        return (
            unknown_models(plan, options, proxy)
            or _unknown_default(plan, proxy)
            or super().check_plan(plan, options, proxy)
        )

    def losses(self, plan: Plan, _options: Values, _proxy: Proxy) -> list[str]:
        """Return that a block would end: the next request in the customer's name makes a new customer."""
        blocked = plan.action == "delete" and plan.existing.get("blocked")
        return ["The customer is blocked, and could send requests again."] if blocked else []


def _unknown_default(plan: Plan, proxy: Proxy) -> str | None:
    """Return the default model that does not exist: LiteLLM looks for it only at the creation."""
    model = plan.changes.get("default_model")
    unknown = proxy.unknown_models([model]) if isinstance(model, str) and model else []
    return f"O(default_model): the proxy has no model '{model}'." if unknown else None
