# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Members by address, and teams by alias: what exactly one bears becomes its ID before anything is compared."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._batch import converge
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._engine import Outcome
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._errors import ApiError, InputError
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._team_members._kind import TeamMembers

USERS = {"ann": "Ann@example.com", "ben": "ben@example.com", "bob": "BEN@example.com", "eve": None}
TEAMS = {"t": "the team", "u": "both", "v": "both"}


class Client:
    """A proxy with three teams without members, and with users."""

    def __init__(self) -> None:
        self.facts: dict[str, Any] = {"version": "1.110.2", "licensed": False}
        self.last_read: dict[Any, Any] = {}
        self.members: dict[str, list[dict[str, Any]]] = {team: [] for team in TEAMS}
        self.sent: list[tuple[str, Any]] = []
        self.asked: list[str] = []

    def get(self, path: str, params: Any = None) -> Any:
        self.asked.append(path)
        if path.startswith("/team/info"):
            team = (params or {}).get("team_id") or path.rpartition("team_id=")[2].replace("%20", " ")
            if team not in self.members:
                raise ApiError("Team not found, passed team id", 404)
            info = {"team_id": team, "members_with_roles": self.members[team]}
            return {"team_info": info, "team_memberships": [], "keys": []}
        rows: list[dict[str, Any]]
        if path == "/v2/team/list":
            rows = [{"team_id": team, "team_alias": alias} for team, alias in TEAMS.items()]
            return {"teams": rows, "total": len(rows), "total_pages": 1}
        assert path == "/user/list"
        rows = [{"user_id": user, "user_email": email} for user, email in USERS.items()]
        return {"users": rows, "total": len(rows), "total_pages": 1}

    def send(self, path: str, body: Any = None, method: str = "POST", idempotent: bool = False) -> Any:
        self.sent.append((path, body))
        assert path == "/team/member_add"
        self.members[body["team_id"]] += body["member"]
        return {}


def declared(client: Client, team: str, *members: dict[str, Any]) -> Outcome:
    want = TeamMembers().declare({"team_id": team, "members": list(members), "mode": "merge"}, "present")
    (outcome,) = converge(TeamMembers().store(client, {}), [want])  # type: ignore[arg-type]
    return outcome


@pytest.mark.parametrize("team", ["t", "the team"])
@pytest.mark.parametrize("ann", [{"user_id": "ann"}, {"user_email": "ANN@example.com"}])
def test_who_bears_a_name_becomes_a_member_once(team: str, ann: dict[str, Any]) -> None:
    client = Client()
    assert declared(client, team, ann).action == "update"
    assert client.sent == [("/team/member_add", {"team_id": "t", "member": [{"user_id": "ann", "role": "user"}]})]
    assert declared(client, team, ann).action == "none"
    assert len(client.sent) == 1


def test_ids_need_no_listing() -> None:
    client = Client()
    declared(client, "t", {"user_id": "ann"})
    assert not {"/user/list", "/v2/team/list"} & {*client.asked}


@pytest.mark.parametrize(
    ("team", "members", "sentence"),
    [
        ("t", [{"user_email": "who@example.com"}], "members: no user has the address who@example.com."),
        (
            "t",
            [{"user_email": "ben@example.com"}],
            "2 users have the address ben@example.com. Set user_id of one of them",
        ),
        ("t", [{"user_id": "ann"}, {"user_email": "ann@example.com"}], "members: ann is listed more than once."),
        ("both", [{"user_id": "ann"}], "team_id: 2 teams are called 'both'. Set the ID of one of them (u, v)."),
        ("who", [{"user_id": "ann"}], "the proxy has no team with this team_id."),
        ("t", [{"role": "user"}], "members: each member needs either user_id or user_email."),
        ("t", [{"user_id": "a", "user_email": "b"}], "members: each member needs either user_id or user_email."),
        ("t", [{"user_email": "a"}, {"user_email": "a"}], "members: a is listed more than once."),
    ],
)
def test_what_nobody_or_several_bear_is_refused(team: str, members: list[dict[str, Any]], sentence: str) -> None:
    client = Client()
    with pytest.raises(InputError) as refused:
        declared(client, team, *members)
    assert sentence in str(refused.value)
    assert client.sent == []
