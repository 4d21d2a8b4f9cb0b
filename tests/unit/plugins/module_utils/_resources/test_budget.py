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
        self.facts: dict[str, Any] = {"version": "1.106.2", "licensed": False}
        self.last_read: dict[Any, Any] = {}

    def get(self, path: str, params: Any = None) -> Any:
        where = urlsplit(path).path
        if where in self.refusals:
            raise self.refusals[where]
        if where == "/team/info":
            return {"team_memberships": self.memberships[parse_qs(urlsplit(path).query)["team_id"][0]]}
        rows = [{**IDS, **row} for row in self.listings.get(where, [])]
        if where in ("/key/list", "/v2/team/list"):
            return {"keys": rows, "teams": rows, "total": len(rows), "total_pages": 1}
        if where == "/access_group/list":
            return {"access_groups": self.listings.get(where, [])}
        return rows

    def send(self, path: str, body: Any = None, method: str = "POST", idempotent: bool = False) -> Any:
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
        ({"/key/list": [{"token": "t", "key_alias": "k", **HAS}]}, r"1 key \(k\)"),
        (
            {"/key/list": [{"token": "t", "key_alias": "k", **HAS}, {"token": "u", **HAS_INSIDE}]},
            r"2 keys \(a key without a name, k\)",
        ),
        (
            {"/customer/list": [{**OTHER, "user_id": "d"}, HAS_INSIDE], "/tag/list": [HAS, {**HAS, "name": "d"}]},
            r"1 customer \(c\), 2 tags \(d, t\)",
        ),
        ({"/organization/list": [HAS]}, r"1 organization \(o\)"),
        (
            {"/access_group/list": [{"access_group": "g", "budget": HAS}, {"access_group": "h", "budget": None}]},
            r"1 model access group \(g\)",
        ),
    ],
)
def test_what_has_the_budget_is_named(listings: dict[str, Any], sentence: str) -> None:
    proxy = Proxy()
    proxy.listings = listings
    told = rf"^This would remove the limits of {sentence}\. To continue, set force: true\.$"
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
    proxy.memberships = {
        "red & blue": [OTHER],
        "green": [{**HAS, "user_id": "ann"}, {**HAS_INSIDE, "user_id": "ben"}, OTHER],
        "white": [],
    }
    with pytest.raises(
        InputError, match=r"the limits of 1 team \(red & blue\), 2 team members \(ann in green, ben in green\)\."
    ):
        deleted(proxy)


def test_keys_that_an_older_listing_shows_without_their_budget_are_read() -> None:
    proxy = Proxy()
    proxy.listings["/key/list"] = [{"token": "t"}, {"token": "u", **OTHER}, {"token": "v"}]
    proxy.full_keys = {"t": {"key_alias": "k", **HAS}, "v": OTHER}
    with pytest.raises(InputError, match=r"the limits of 1 key \(k\)\."):
        deleted(proxy)


def test_without_a_license_there_are_no_organizations() -> None:
    proxy = Proxy()
    proxy.refusals["/organization/list"] = ApiError("license", 403)
    assert deleted(proxy).action == "delete"


@pytest.mark.parametrize("path", ["/customer/list", "/organization/list", "/access_group/list", "/v2/team/list"])
@pytest.mark.parametrize("status", [403, 404, 500])
def test_what_cannot_be_read_is_not_nobody(path: str, status: int) -> None:
    proxy = Proxy()
    proxy.facts["licensed"] = True
    proxy.refusals[path] = ApiError("no", status)
    with pytest.raises(ApiError, match="no"):
        deleted(proxy)
    assert "b" in proxy.budgets


def test_before_model_access_groups_had_budgets_they_are_not_looked_at() -> None:
    proxy = Proxy()
    proxy.facts["version"] = "1.90.7"
    proxy.refusals["/access_group/list"] = ApiError("Not Found", 404)
    assert deleted(proxy).action == "delete"


def test_a_budget_that_keeps_a_limit_binds_on() -> None:
    proxy = Proxy()
    proxy.budgets["b"]["rpm_limit"] = 3
    proxy.listings["/key/list"] = [{"token": "t", "key_alias": "k", **HAS}]
    store = Budget().store(proxy, {}, None)
    kept, emptied = (
        Budget().declare({"budget_id": "b", "unset": unset}, "present")
        for unset in (["max_budget"], ["max_budget", "rpm_limit"])
    )
    assert store.missing([kept], store.plans([kept])) == {}
    lost = "This would remove the limits of 1 key (k). To continue, set O(force): true."
    assert store.missing([emptied], store.plans([emptied])) == {lost: ["b"]}
