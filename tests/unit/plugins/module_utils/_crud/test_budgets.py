# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which requests write a customer or a tag and its limits, and when another's budget is left alone."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._batch import converge
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._errors import ApiError, InputError
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._customer import Customer
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._tag import Tag

OWN = "28649787-eb98-4181-b759-38152bfa6acf"
CUSTOMER: dict[str, Any] = {"user_id": "c", "alias": "a", "blocked": False}
TAG: dict[str, Any] = {"name": "t", "description": "d", "models": ["m"]}


def budget(budget_id: str = OWN) -> dict[str, Any]:
    limits = {"max_budget": 5.0, "soft_budget": None, "tpm_limit": 9, "budget_duration": "1d"}
    return {"litellm_budget_table": {"budget_id": budget_id, **limits}}


class Recorder:
    """A proxy with the objects given, the first of which is declared. It stores nothing and notes what it is sent."""

    def __init__(self, *rows: dict[str, Any], budgets: tuple[str, ...] = ()) -> None:
        self.rows = rows
        self.budgets = budgets
        self.facts: dict[str, Any] = {}
        self.last_read: dict[Any, Any] = {}
        self.sent: list[tuple[str, Any]] = []

    def get(self, path: str, params: Any = None) -> Any:
        if path == "/health/readiness/details":
            return {"litellm_version": "1.106.2"}
        if path == "/v2/model/info":
            return {"data": [{"model_name": "m", "model_info": {"id": "1"}}], "total_count": 1, "total_pages": 1}
        if path == "/access_group/list":
            return {"access_groups": []}
        return self.rows[0] if path == "/customer/info?end_user_id=c" else list(self.rows)

    def send(self, path: str, body: Any = None, method: str = "POST", idempotent: bool = False) -> Any:
        if path == "/tag/info":
            return {row["name"]: row for row in self.rows if row["name"] in body["names"]}
        if path == "/budget/info":
            return [{"budget_id": one} for one in body["budgets"] if one in self.budgets]
        self.sent.append((path, body))
        raise ApiError("enough", 400)


def written(proxy: Recorder, **options: Any) -> list[tuple[str, Any]]:
    kind = Customer() if "user_id" in proxy.rows[0] else Tag()
    name = {option: proxy.rows[0][option] for option in kind.identity}
    converge(kind.store(proxy, {}, None), [kind.declare({**name, **options}, "present")])
    return proxy.sent


@pytest.mark.parametrize(
    ("row", "options", "sent"),
    [
        (CUSTOMER, {"alias": "b"}, ("/customer/update", {"user_id": "c", "alias": "b"})),
        (CUSTOMER, {"default_model": "m"}, ("/customer/update", {"user_id": "c", "default_model": "m"})),
        (CUSTOMER, {"unset": ["alias"]}, ("/customer/update", {"user_id": "c", "alias": ""})),
        # An update makes a budget with this limit only: the others come when the budget is there.
        (CUSTOMER, {"max_budget": 1.0, "tpm_limit": 2}, ("/customer/update", {"user_id": "c", "max_budget": 1.0})),
        ({**CUSTOMER, **budget()}, {"max_budget": 1.0}, ("/budget/update", {"budget_id": OWN, "max_budget": 1.0})),
        ({**CUSTOMER, **budget()}, {"unset": ["tpm_limit"]}, ("/budget/update", {"budget_id": OWN, "tpm_limit": None})),
        (CUSTOMER, {"budget_id": "b"}, ("/customer/update", {"user_id": "c", "budget_id": "b"})),
        ({**CUSTOMER, **budget()}, {"budget_id": "b"}, ("/customer/update", {"user_id": "c", "budget_id": "b"})),
        (TAG, {"description": "e"}, ("/tag/update", {**TAG, "description": "e"})),
        (TAG, {"unset": ["models"]}, ("/tag/update", {**TAG, "models": []})),
        (TAG, {"max_budget": 1.0, "tpm_limit": 2}, ("/tag/update", {**TAG, "max_budget": 1.0, "tpm_limit": 2})),
        (TAG, {"budget_id": "b"}, ("/tag/update", {**TAG, "budget_id": "b"})),
        ({**TAG, **budget()}, {"rpm_limit": 2}, ("/budget/update", {"budget_id": OWN, "rpm_limit": 2})),
        ({**TAG, **budget()}, {"rpm_limit": 2, "description": "e"}, ("/tag/update", {**TAG, "description": "e"})),
    ],
)
def test_what_is_written(row: dict[str, Any], options: dict[str, Any], sent: tuple[str, Any]) -> None:
    assert written(Recorder(row, budgets=("b",)), **options) == [sent]


@pytest.mark.parametrize("row", [{**CUSTOMER, **budget()}, {**TAG, **budget()}])
def test_nothing_is_written_that_is_there(row: dict[str, Any]) -> None:
    assert written(Recorder(row), max_budget=5.0, budget_duration="1d", tpm_limit=9) == []


@pytest.mark.parametrize(
    ("rows", "options", "sentence"),
    [
        ([CUSTOMER], {"rpm_limit": 1, "tpm_limit": 2}, "tpm_limit, rpm_limit: set max_budget as well."),
        ([CUSTOMER], {"default_model": "none"}, "default_model: the proxy has no model 'none'."),
        ([CUSTOMER], {"budget_id": "none"}, "budget_id: the proxy has no budget 'none'."),
        (
            [{**CUSTOMER, **budget("gold")}],
            {"max_budget": 1.0},
            "max_budget: the customer has the budget 'gold', which can apply to others as well. "
            "Change it with litellm_budget.",
        ),
        (
            [{**CUSTOMER, **budget()}, {"user_id": "d"}, {"user_id": "e", **budget()}, {"user_id": "f", **budget("x")}],
            {"unset": ["max_budget"]},
            f"max_budget: the customer has the budget '{OWN}', which also applies to e. Change it with litellm_budget.",
        ),
        (
            [{**TAG, **budget()}],
            {"budget_id": "b"},
            f"budget_id: LiteLLM cannot give another budget to an existing tag, which has {OWN}.",
        ),
    ],
)
def test_what_is_refused(rows: list[dict[str, Any]], options: dict[str, Any], sentence: str) -> None:
    proxy = Recorder(*rows, budgets=("b",))
    with pytest.raises(InputError) as caught:
        written(proxy, **options)
    assert (sentence in str(caught.value), proxy.sent) == (True, []), str(caught.value)


@pytest.mark.parametrize("options", [{"max_budget": 0.0, "tpm_limit": 1}, {"unset": ["max_budget", "tpm_limit"]}])
def test_a_budget_has_its_own_limits(options: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="budget_id cannot be combined with max_budget, tpm_limit"):
        Tag().declare({"name": "t", "budget_id": "b", **options}, "present")
