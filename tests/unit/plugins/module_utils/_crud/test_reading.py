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
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._team_members._kind import TeamMembers
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._user import User

PAGE = 100


class Server:
    """A proxy with so many users, customers, and teams, which notes what it is asked.

    :param columns: what the listing of teams shows of each besides.
    """

    def __init__(self, number: int, **columns: Any) -> None:
        self.names = [f"n{count}" for count in range(number)]
        self.columns = columns
        self.asked: list[str] = []
        self.intentions: Intentions | None = None

    def get(self, path: str, params: Mapping[str, Any] | None = None) -> Any:
        self.asked.append(path.partition("?")[0])
        if params and "page" in params:
            first = (params["page"] - 1) * PAGE
            return self._page(path, self.names[first : first + PAGE])
        name = params["team_id"] if params else unquote(path.rpartition("=")[2])
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
            return {"teams": [{"team_id": name, **self.columns} for name in names], **counts}
        return [{"user_id": name} for name in names]


def read(kind: Any, server: Server, names: list[str], **options: Any) -> list[str | None]:
    reader = Reader(kind, server, Proxy(server))
    wants = [kind.declare({kind.table.identity: name, **options}, "present") for name in names]
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


NOTHING_ELSE = {"model_id": None, "object_permission_id": None}
OF_MASTER = {"members_with_roles": [{"user_id": "default_user_id", "role": "admin"}]}


@pytest.mark.parametrize(
    ("columns", "listed"),
    [
        ({}, False),  # a version that tells less
        (NOTHING_ELSE, True),
        ({**NOTHING_ELSE, "metadata": {"a": 1}}, True),
        ({**NOTHING_ELSE, "metadata": {"team_member_budget_id": "b"}}, False),
        ({**NOTHING_ELSE, "model_id": 1}, False),
        ({**NOTHING_ELSE, "object_permission_id": "o"}, False),
    ],
)
def test_of_teams_what_a_listing_leaves_out_is_looked_up(columns: dict[str, Any], listed: bool) -> None:
    server = Server(50, **columns)
    assert read(Team(), server, ["x", "n1", "y", "n2"]) == [None, "n1", None, "n2"]
    assert server.asked == ["/v2/team/list", *([] if listed else ["/team/info"] * 2)]


@pytest.mark.parametrize(
    ("columns", "declared", "listed"),
    [
        (OF_MASTER, "ann", True),
        ({}, "ann", True),
        (OF_MASTER, "default_user_id", False),
        ({**OF_MASTER, "metadata": {"team_member_budget_id": "b"}}, "ann", False),
        ({"members_with_roles": [{"user_id": "ben", "role": "user"}]}, "ann", False),
    ],
)
def test_of_teams_without_members_no_limits_are_looked_up(columns: dict[str, Any], declared: str, listed: bool) -> None:
    server = Server(50, **columns)
    names = ["n1", "n2", "n3"]
    assert read(TeamMembers(), server, names, members=[{"user_id": declared}]) == names
    assert server.asked == ["/v2/team/list", *([] if listed else ["/team/info"] * 3)]


@pytest.mark.parametrize(
    ("there", "asked"),
    [
        (50, ["/v2/team/list", "/team/info"]),
        (250, ["/v2/team/list"] * 3 + ["/team/info"]),
        (1000, ["/v2/team/list"] + ["/team/info"] * 4),
    ],
)
def test_what_refers_to_many_teams_reads_a_listing_of_them(there: int, asked: list[str]) -> None:
    server = Server(there)
    proxy = Proxy(server)
    assert proxy.missing_teams(["n1", "n2", "x", "n3", "n1"]) == ["x"]
    assert server.asked == asked


def test_a_team_is_asked_for_once_while_a_run_plans() -> None:
    server = Server(5)
    server.intentions = Intentions()
    for _time in range(2):
        assert read(Team(), server, ["n1"]) == ["n1"]
    assert server.asked == ["/team/info"]
    server.intentions = None
    assert read(Team(), server, ["n1"]) == ["n1"]
    assert server.asked == ["/team/info"] * 2
