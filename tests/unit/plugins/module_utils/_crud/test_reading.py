# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many objects are read in the way that takes fewer requests, and each with all that there is to read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._crud._reading import Reader
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._errors import ApiError
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._intentions import Intentions
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._proxy import Proxy
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._customer import Customer
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._team import Team
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._user import User

PAGE = 100


class Server:
    """A proxy with so many users, customers, and teams, which notes what it is asked."""

    def __init__(self, number: int) -> None:
        self.names = [f"n{count}" for count in range(number)]
        self.asked: list[str] = []
        self.intentions: Intentions | None = None

    def get(self, path: str, params: Mapping[str, Any] | None = None) -> Any:
        self.asked.append(path.partition("?")[0])
        if params:
            first = (params["page"] - 1) * PAGE
            return self._page(path, self.names[first : first + PAGE])
        name = unquote(path.rpartition("=")[2])
        if name not in self.names:
            kind = {"/user/info": "User not found", "/customer/info": f"End User Id={name} does not exist"}
            raise ApiError(kind.get(self.asked[-1], "Team not found"), 404)
        if self.asked[-1] == "/team/info":
            return {"team_id": name, "team_info": {"team_id": name, "team_member_budget_table": {"max_budget": 1}}}
        return {"user_info": {"user_id": name}} if self.asked[-1] == "/user/info" else {"user_id": name}

    def _page(self, path: str, names: list[str]) -> Any:
        counts = {"total": len(self.names), "total_pages": -(-len(self.names) // PAGE)}
        if path == "/user/list":
            return {"users": [{"user_id": name} for name in names], **counts}
        if path == "/v2/team/list":
            return {"teams": [{"team_id": name} for name in names], **counts}
        return [{"user_id": name} for name in names]


def read(kind: Any, server: Server, names: list[str]) -> list[str | None]:
    reader = Reader(kind, server, Proxy(server))
    wants = [kind.declare({kind.table.identity: name}, "present") for name in names]
    return [record and record[kind.table.identity] for record in reader.find_all(wants)]


@pytest.mark.parametrize(
    ("there", "wanted", "asked"),
    [
        (1000, 2, ["/user/info"] * 2),
        (1000, 5, ["/user/list", *["/user/info"] * 5]),
        (1000, 50, ["/user/list"] * 10),
        (120, 50, ["/user/list"] * 2),
        (120, 3, ["/user/list"] * 2),
    ],
)
def test_users_are_looked_up_or_listed(there: int, wanted: int, asked: list[str]) -> None:
    server = Server(there)
    names = [f"n{number}" for number in range(wanted - 1)]
    assert read(User(), server, [*names, "none"]) == [*names, None]
    assert server.asked == asked


def test_a_listing_that_is_not_counted_is_read_only_if_it_is_short() -> None:
    short, long = Server(30), Server(PAGE)
    assert read(Customer(), short, ["n1", "n2", "n3", "x"]) == ["n1", "n2", "n3", None]
    assert set(short.asked) == {"/customer/list"}
    assert read(Customer(), long, ["n1", "n2", "n3", "x"]) == ["n1", "n2", "n3", None]
    assert long.asked == ["/customer/list", *["/customer/info"] * 4]


def test_what_a_listing_leaves_out_is_looked_up_of_those_that_are_there() -> None:
    server = Server(50)
    assert read(Team(), server, ["x", "n1", "y", "n2"]) == [None, "n1", None, "n2"]
    assert server.asked == ["/v2/team/list", "/team/info", "/team/info"]


def test_a_team_is_asked_for_once_while_a_run_plans() -> None:
    server = Server(5)
    server.intentions = Intentions()
    for _time in range(2):
        assert read(Team(), server, ["n1"]) == ["n1"]
    assert server.asked == ["/team/info"]
    server.intentions = None
    assert read(Team(), server, ["n1"]) == ["n1"]
    assert server.asked == ["/team/info"] * 2
