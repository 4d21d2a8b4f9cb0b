# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How members get into a team: in which requests, and what is refused before the first."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._batch import converge
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._errors import ApiError, InputError
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._team_members import TEAM_MEMBERS_KIND


class Recorder:
    """A proxy with one team of one member, which loses members as it is told."""

    def __init__(self, version: str = "1.106.2", licensed: bool = False) -> None:
        self.members = [{"user_id": "ann", "role": "user", "user_email": "ann@example.com"}, {"user_email": "x@e"}]
        self.version = version
        self.licensed = licensed
        self.facts: dict[str, Any] = {}
        self.sent: list[tuple[str, Any]] = []
        self.answers: list[ApiError] = []  # to the next writes, which are carried out all the same

    def get(self, path: str, params: Any = None) -> Any:
        if path == "/health/license":
            return {"has_license": self.licensed}
        if path == "/health/readiness/details":
            return {"litellm_version": self.version}
        assert path == "/v2/team/list?team_id=t"
        return {"teams": [{"team_id": "t", "members_with_roles": list(self.members)}]}

    def send(self, path: str, body: Any = None, method: str = "POST", replay: bool = False) -> Any:
        assert not replay
        self.sent.append((path, body))
        assert path == "/team/member_add"
        self.members += body["member"]
        if self.answers:
            raise self.answers.pop()
        return {}


def declare(proxy: Recorder, *members: tuple[str, str | None]) -> Any:
    listed = [{"user_id": user_id, "role": role} for user_id, role in members]
    want = TEAM_MEMBERS_KIND.declare({"team_id": "t", "members": listed}, "present")
    (outcome,) = converge(TEAM_MEMBERS_KIND.store(proxy, {}, None), [want])
    return outcome


def test_only_new_members_are_sent_and_never_too_many_at_once() -> None:
    proxy = Recorder()
    names = [f"p{number}" for number in range(51)]
    assert declare(proxy, ("ann", None), *((name, None) for name in names)).action == "update"
    lists = [body["member"] for _path, body in proxy.sent]
    assert [len(one) for one in lists] == [25, 25, 1]
    assert [one["user_id"] for part in lists for one in part] == names
    assert declare(proxy, ("ann", "user"), ("p50", None)).action == "none"


def test_a_lost_answer_is_no_failure_and_nobody_is_added_twice() -> None:
    proxy = Recorder()
    proxy.answers = [ApiError("no answer", unanswered=True)]
    outcome = declare(proxy, *((f"p{number}", None) for number in range(30)))
    assert (outcome.action, outcome.error) == ("update", None)
    assert [len(body["member"]) for _path, body in proxy.sent] == [25, 5]


@pytest.mark.parametrize(
    ("version", "licensed", "member", "sentence"),
    [
        ("1.106.2", False, ("ben", "admin"), "members, ben: the role admin needs a LiteLLM Enterprise license"),
        ("1.106.2", False, ("ann", "admin"), "members, ann: the role admin needs a LiteLLM Enterprise license"),
        ("1.83.14", True, ("ann", "admin"), "LiteLLM 1.83.14 on this proxy cannot change a role without removing"),
    ],
)
def test_what_cannot_be_is_refused(version: str, licensed: bool, member: tuple[str, str], sentence: str) -> None:
    proxy = Recorder(version, licensed)
    with pytest.raises(InputError, match=sentence):
        declare(proxy, member)
    assert proxy.sent == []
