# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Limits that an object has in a budget: in its own, which LiteLLM makes with the limits, or in one that others share.

Private: only for use inside this collection. LiteLLM writes limits into the budget whoever shares it, some only at the
creation, and takes none away. So an object's own budget is updated itself, and one that is shared is left alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from .._durations import check_duration
from .._engine import NOT_CLEARABLE, Field, Plan
from .._proxy import Proxy
from .._text import join_limited, mark_options
from ._definition import Record, Values
from ._object import CrudObject
from ._rows import MAX_REQUESTS, MAX_TOKENS, check_not_negative, check_up_to

ROW = "litellm_budget_table"
BUDGET_ID = Field("budget_id", path=(ROW, "budget_id"), cleared=NOT_CLEARABLE)
LIMITS = (
    Field("max_budget", "float", unit="USD", path=(ROW, "max_budget"), check=check_not_negative),
    Field("soft_budget", "float", unit="USD", path=(ROW, "soft_budget"), check=check_not_negative),
    Field("budget_duration", unit="duration", path=(ROW, "budget_duration"), check=check_duration),
    Field("tpm_limit", "int", unit="tokens/min", path=(ROW, "tpm_limit"), check=check_up_to(MAX_TOKENS)),
    Field("rpm_limit", "int", unit="requests/min", path=(ROW, "rpm_limit"), check=check_up_to(MAX_TOKENS)),
    Field(
        "max_parallel_requests",
        "int",
        unit="requests",
        path=(ROW, "max_parallel_requests"),
        check=check_up_to(MAX_REQUESTS),
    ),
)
OF_TEAM = re.compile(r"team-.*-budget-[0-9a-f]{32}", re.DOTALL)
NAMES = tuple(row.name for row in LIMITS)


class BudgetedObject(CrudObject):
    """An object that has its limits in a budget."""

    # The limits with which an update of an object without a budget makes one.
    budget_made_by: tuple[str, ...] = NAMES
    # Whether an object can be given another budget than the one that it has.
    budget_replaceable = True

    def check_options(self, options: Values) -> list[str]:
        limits = [name for name in NAMES if options.get(name) is not None or name in (options.get("unset") or ())]
        if not options.get("budget_id") or not limits:
            return []
        return [f"O(budget_id) cannot be combined with {mark_options(limits)}. The budget has its own limits."]

    def update_body(self, body: dict[str, Any], plan: Plan, _proxy: Proxy) -> dict[str, Any]:
        """Return a body without the limits of a budget that is there, which are written to that."""
        kept = () if _budget_of(plan.existing) else self.budget_made_by
        return {name: value for name, value in body.items() if name not in NAMES or name in kept}

    def further_requests(self, _id: str, plan: Plan, _proxy: Proxy) -> list[tuple[str, Values]]:
        """Return the update of the object's own budget."""
        budget, limits = _budget_of(plan.existing), _limits(plan)
        return [("/budget/update", {"budget_id": budget, **limits})] if budget and limits else []

    def check_plan(self, plan: Plan, _options: Values, proxy: Proxy) -> str | None:
        budget, limits = _budget_of(plan.existing), _limits(plan)
        if "budget_id" in plan.changes:
            return self._refuse_another(budget)
        if plan.action != "update" or not limits:
            return None
        if budget:
            return self._refuse_shared(budget, plan, proxy)
        if set(limits) & set(self.budget_made_by):
            return None
        needed = f"set O({self.budget_made_by[0]}) as well. This {self.table.kind} has no budget yet."
        return f"{mark_options(limits)}: {needed}"

    def missing(self, plan: Plan, _options: Values, proxy: Proxy) -> str | None:
        """Return the declared budget, if there is none."""
        wanted = plan.changes.get("budget_id")
        return (
            f"O(budget_id): the proxy has no budget '{wanted}'." if wanted and proxy.missing_budgets([wanted]) else None
        )

    def options_of(self, record: Record, proxy: Proxy) -> dict[str, Any]:
        """Return the options: of an own budget its limits, which name it as well, of a shared one its ID."""
        budget, options = _budget_of(record), super().options_of(record, proxy)
        bearers = [row for row in proxy.known(self.listing) if _budget_of(row) == budget]
        left_out = (BUDGET_ID.name,) if len(bearers) <= 1 and is_uuid(budget) else NAMES if budget else ()
        return {name: value for name, value in options.items() if name not in left_out}

    def _refuse_another(self, budget: str) -> str | None:
        if not budget or self.budget_replaceable:
            return None
        return f"O(budget_id): LiteLLM cannot give another budget to an existing {self.table.kind}, which has {budget}."

    def _refuse_shared(self, budget: str, plan: Plan, proxy: Proxy) -> str | None:
        """Return why limits are not written: LiteLLM gives the budgets that it makes itself a UUID."""
        bearers = [str(row[self.id]) for row in proxy.known(self.listing) if _budget_of(row) == budget]
        others = [name for name in bearers if name != plan.name]
        if not others and is_uuid(budget):
            return None
        bound = f"which also applies to {join_limited(others)}" if others else "which can apply to others as well"
        limits = mark_options(_limits(plan))
        return f"{limits}: the {self.table.kind} has the budget '{budget}', {bound}. Change it with litellm_budget."


def _budget_of(record: Mapping[str, Any]) -> str:
    return str(BUDGET_ID.value(record) or "")


def _limits(plan: Plan) -> dict[str, Any]:
    return {
        row.name: row.cleared if row.is_empty(plan.changes[row.name]) else plan.changes[row.name]
        for row in LIMITS
        if row.name in plan.changes
    }


def is_automatic(budget: str) -> bool:
    """Return whether a budget has such an ID as LiteLLM gives to those of one object, or of the members of a team."""
    return is_uuid(budget) or OF_TEAM.fullmatch(budget) is not None


def is_uuid(text: str) -> bool:
    """Return whether a budget has such an ID as LiteLLM gives to those that it makes itself."""
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False
