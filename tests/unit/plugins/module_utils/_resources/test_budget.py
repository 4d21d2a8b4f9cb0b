# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the deletion of a budget would take the limits from, which no request of LiteLLM tells."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._batch import converge
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._engine import Outcome
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._errors import ApiError, InputError
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._budget import Budget

HAS = {"budget_id": "b"}
HAS_INSIDE = {"budget_id": None, "litellm_budget_table": {"budget_id": "b"}}
IDS = {"user_id": "c", "name": "t", "organization_id": "o"}
OTHER = {"budget_id": "c", "litellm_budget_table": {"budget_id": "c"}}


class Proxy:
    """A proxy with the budget b. Listings hold what a test puts there."""

    def __init__(self) -> None:
        self.budgets = {"b": {"budget_id": "b", "max_budget": 5.0}}
        self.listings: dict[str, list[dict[str, Any]]] = {}
        self.full_keys: dict[str, dict[str, Any]] = {}
        self.memberships: dict[str, list[dict[str, Any]]] = {}
        self.refusals: dict[str, ApiError] = {}

    def get(self, path: str, params: Any = None) -> Any:
        where = urlsplit(path).path
        if where in self.refusals:
            raise self.refusals[where]
        if where == "/team/info":
            return {"team_memberships": self.memberships[parse_qs(urlsplit(path).query)["team_id"][0]]}
        rows = [{**IDS, **row} for row in self.listings.get(where, [])]
        if where in ("/key/list", "/v2/team/list"):
            return {"keys": rows, "teams": rows, "total": len(rows), "total_pages": 1}
        return rows

    def send(self, path: str, body: Any = None, method: str = "POST", replay: bool = False) -> Any:
        if path == "/v2/key/info":
            return {"info": [self.full_keys[token] for token in body["keys"]]}
        if path == "/budget/delete":
            return self.budgets.pop(body["id"])
        assert path == "/budget/info"
        return [self.budgets[one] for one in body["budgets"] if one in self.budgets]


def deleted(proxy: Proxy, **options: Any) -> Outcome:
    want = Budget().declare({"budget_id": "b", **options}, "absent")
    (outcome,) = converge(Budget().store(proxy, {}, None), [want])
    return outcome


def test_a_budget_of_nobody_is_deleted() -> None:
    proxy = Proxy()
    proxy.listings = {"/key/list": [{"token": "t", **OTHER}], "/customer/list": [OTHER], "/tag/list": [OTHER]}
    assert (deleted(proxy).action, proxy.budgets) == ("delete", {})


@pytest.mark.parametrize(
    ("listings", "sentence"),
    [
        ({"/key/list": [{"token": "t", **HAS}]}, "1 key"),
        ({"/key/list": [{"token": "t", **HAS}, {"token": "u", **HAS_INSIDE}]}, "2 keys"),
        (
            {"/customer/list": [{**OTHER, "user_id": "d"}, HAS_INSIDE], "/tag/list": [HAS, {**HAS, "name": "d"}]},
            "1 customer, 2 tags",
        ),
        ({"/organization/list": [HAS]}, "1 organization"),
    ],
)
def test_what_has_the_budget_is_counted(listings: dict[str, Any], sentence: str) -> None:
    proxy = Proxy()
    proxy.listings = listings
    told = rf"^Deleting it would remove the limits of {sentence}\. To delete it anyway, set force: true\.$"
    with pytest.raises(InputError, match=told):
        deleted(proxy)
    assert "b" in proxy.budgets
    assert deleted(proxy, force=True).action == "delete"


def test_teams_have_it_for_their_members_and_members_for_themselves() -> None:
    proxy = Proxy()
    proxy.listings["/v2/team/list"] = [
        {"team_id": "red & blue", "metadata": {"team_member_budget_id": "b"}},
        {"team_id": "green", "metadata": None},
        {"team_id": "white", "metadata": {"team_member_budget_id": "c"}},
    ]
    proxy.memberships = {"red & blue": [OTHER], "green": [HAS, HAS_INSIDE, OTHER], "white": []}
    with pytest.raises(InputError, match=r"the limits of 1 team, 2 team members\."):
        deleted(proxy)


def test_keys_that_an_older_listing_shows_without_their_budget_are_read() -> None:
    proxy = Proxy()
    proxy.listings["/key/list"] = [{"token": "t"}, {"token": "u", **OTHER}, {"token": "v"}]
    proxy.full_keys = {"t": HAS, "v": OTHER}
    with pytest.raises(InputError, match=r"the limits of 1 key\."):
        deleted(proxy)


def test_without_a_license_there_are_no_organizations() -> None:
    proxy = Proxy()
    proxy.refusals["/organization/list"] = ApiError("license", 403)
    assert deleted(proxy).action == "delete"


def test_any_other_refusal_is_none() -> None:
    proxy = Proxy()
    proxy.refusals["/customer/list"] = ApiError("no", 500)
    with pytest.raises(ApiError, match="no"):
        deleted(proxy)
    assert "b" in proxy.budgets
