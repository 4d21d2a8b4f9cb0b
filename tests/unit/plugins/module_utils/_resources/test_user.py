# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user's writes must carry along, and what they must not lead to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._batch import converge
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._errors import ApiError, InputError
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._user import User

STORED: dict[str, Any] = {
    "user_id": "u 1",
    "user_role": "proxy_admin",
    "max_budget": 5.0,
    "budget_duration": None,
    "metadata": {"a": 1, "model_rpm_limit": {"m": 5}, "guardrails": ["g"]},
}
OWN_BUDGET = {"max_budget": 5.0, "budget_duration": None}


class Recorder:
    """A proxy with one user, which stores nothing and notes what it is sent."""

    def __init__(self, user: dict[str, Any] | None = None, others: Sequence[Any] = (), **held: list[Any]) -> None:
        self.user = user
        self.others = others
        self.held = {"keys": [], "teams": [], **held}
        self.facts: dict[str, Any] = {}
        self.last_read: dict[Any, Any] = {}
        self.sent: list[tuple[str, Any]] = []

    def get(self, path: str, params: Any = None) -> Any:
        if path == "/health/readiness/details":
            return {"litellm_version": "1.106.2"}
        if path == "/user/list":
            return {"users": self.others, "total": len(self.others), "total_pages": 1}
        assert path == "/user/info?user_id=u%201"
        if self.user is None:
            raise ApiError("User u 1 not found", 404)
        return {"user_id": "u 1", "user_info": self.user, **self.held}

    def send(self, path: str, body: Any = None, method: str = "POST", idempotent: bool = False) -> Any:
        self.sent.append((path, body))
        raise ApiError("enough", 400)


def written(user: dict[str, Any] | None, **options: Any) -> list[tuple[str, Any]]:
    proxy = Recorder(user)
    converge(User().store(proxy, {}), [User().declare({"user_id": "u 1", **options}, "present")])
    return proxy.sent


def test_a_reset_goes_with_its_mark_and_all_metadata() -> None:
    mark = {"litellm_vkey_reset_spend": "june"}
    body = {"user_id": "u 1", "spend": 0.0, "metadata": {**STORED["metadata"], **mark}}
    assert written(STORED, reset_spend="june")[0] == ("/user/update", body)
    marked = {**STORED, "spend": 3.0, "metadata": {**STORED["metadata"], **mark}}
    assert written(marked, reset_spend="june") == []
    assert "spend" not in written(marked, metadata={"b": 2})[0][1]
    ((path, made), *_rest) = written(None, reset_spend="june", metadata={"b": 2})
    assert (path, made["metadata"]) == ("/user/new", {"b": 2, **mark})
    assert not {"spend", "reset_spend"} & made.keys()
    (plan,) = (
        User().store(Recorder(marked), {}).plans([User().declare({"user_id": "u 1", "reset_spend": "july"}, "present")])
    )
    assert (plan.diff["before"]["spend"], plan.diff["after"]["spend"]) == (3.0, 0.0)


@pytest.mark.parametrize("state", ["present", "absent"])
def test_a_user_can_be_called_by_an_address(state: str) -> None:
    others = [{"user_id": "u 1", "user_email": "Ann@example.com", "teams": []}, {"user_id": "u 2", "user_email": None}]
    proxy = Recorder({**STORED, **others[0]}, others)
    want = User().declare({"user_email": "ANN@example.com", "max_budget": 7.0}, state)
    converge(User().store(proxy, {}), [want])
    ids = {"user_id": "u 1"} if state == "present" else {"user_ids": ["u 1"]}
    assert proxy.sent[0][1] == {**ids, **({"max_budget": 7.0} if state == "present" else {})}


@pytest.mark.parametrize(
    ("addresses", "sentence"),
    [
        ([], "no user has this user_email. To create one, set user_id."),
        (
            ["a@example.com", "A@example.com"],
            "2 users have this user_email. Set user_id to identify one of them (0, 1).",
        ),
    ],
)
def test_an_address_of_nobody_or_several_is_refused(addresses: list[str], sentence: str) -> None:
    others = [{"user_id": str(number), "user_email": email} for number, email in enumerate(addresses)]
    proxy = Recorder(None, others)
    with pytest.raises(InputError) as refused:
        converge(User().store(proxy, {}), [User().declare({"user_email": "a@example.com"}, "present")])
    assert sentence in str(refused.value)
    assert proxy.sent == []


def test_a_user_comes_without_a_key() -> None:
    body = {"user_id": "u 1", "max_budget": 1.0, "auto_create_key": False}
    assert written(None, max_budget=1.0) == [("/user/new", body)]


@pytest.mark.parametrize(
    ("options", "body"),
    [
        ({"user_alias": "x"}, {"user_alias": "x"}),
        ({"metadata": {"b": 2}}, {"metadata": {**STORED["metadata"], "b": 2}}),
        # LiteLLM itself merges these into the metadata, and ignores metadata that would become empty.
        ({"model_rpm_limit": {"m": 6}}, {"model_rpm_limit": {"m": 6}}),
        ({"unset": ["model_rpm_limit"]}, {"model_rpm_limit": {}}),
        (
            {"metadata": {"b": 2}, "metadata_mode": "replace", "unset": ["model_rpm_limit"]},
            {"metadata": {"b": 2, "guardrails": ["g"]}},
        ),
        # Without the budget, LiteLLM would replace it by that of new internal users.
        ({"user_role": "internal_user"}, {"user_role": "internal_user", **OWN_BUDGET}),
        (
            {"user_role": "internal_user", "max_budget": 6.0},
            {"user_role": "internal_user", **OWN_BUDGET, "max_budget": 6},
        ),
        ({"user_role": "internal_user_viewer"}, {"user_role": "internal_user_viewer"}),
    ],
)
def test_an_update_carries_all_that_it_would_replace(options: dict[str, Any], body: dict[str, Any]) -> None:
    assert written(STORED, **options) == [("/user/update", {"user_id": "u 1", **body})]


def test_a_period_is_never_started_anew_by_a_role() -> None:
    ((_path, body),) = written({**STORED, "budget_duration": "30d"}, user_role="internal_user")
    assert body == {"user_id": "u 1", "user_role": "internal_user", "max_budget": 5.0}


@pytest.mark.parametrize("user", [None, STORED])
def test_an_address_belongs_to_one_user(user: dict[str, Any] | None) -> None:
    others = [
        {"user_id": "u 1", "user_email": "Ann@example.com"},
        {"user_id": "like", "user_email": "joann@example.com"},
        {"user_id": "none", "user_email": None},
        {"user_id": "ann", "user_email": "ANN@example.com"},
    ]
    want = User().declare({"user_id": "u 1", "user_email": "ann@Example.com"}, "present")
    proxy = Recorder(user, others)
    with pytest.raises(InputError, match=r"user_email: it belongs to the user ann\.$"):
        User().store(proxy, {}, None).plans([want])
    proxy.others = others[:3]
    (plan,) = User().store(proxy, {}, None).plans([want])
    assert plan.action == ("update" if user else "create")


KEYS = [{"key_alias": "a"}, {"key_alias": None, "key_name": "sk-...xyz1"}]
TEAMS = [{"team_id": "t"}]
LOST_KEYS = "LiteLLM deletes the keys of a user together with the user, and this user has 2: a, sk-...xyz1."
LOST_TEAMS = "LiteLLM removes the user from these teams: t."


@pytest.mark.parametrize(
    ("held", "lost"),
    [
        ({}, []),
        ({"teams": TEAMS}, [LOST_TEAMS]),
        ({"keys": KEYS}, [LOST_KEYS]),
        ({"keys": KEYS, "teams": TEAMS}, [LOST_KEYS, LOST_TEAMS]),
    ],
)
def test_what_goes_with_a_user_is_said(held: dict[str, Any], lost: list[str]) -> None:
    store = User().store(Recorder(STORED, **held), {}, None)
    wants = [User().declare({"user_id": "u 1", "force": force}, "absent") for force in (False, True)]
    guarded = store.missing(wants[:1], store.plans(wants[:1]))
    assert guarded == ({" ".join([*lost, "To continue, set O(force): true."]): ["u 1"]} if lost else {})
    assert store.missing(wants[1:], store.plans(wants[1:])) == {}
    (plan,) = store.plans(wants[1:])
    assert (plan.action, list(plan.warnings)) == ("delete", [f"u 1: {sentence}" for sentence in lost])


class Administered:
    """A proxy whose users, teams, and organizations have administrators."""

    def __init__(self, organizations: Any) -> None:
        self.facts: dict[str, Any] = {}
        self.last_read: dict[Any, Any] = {}
        self.organizations = organizations
        self.asked: list[str] = []

    def get(self, path: str, params: Any = None) -> Any:
        self.asked.append(path)
        if path == "/user/list":
            # Some versions do not select by role.
            users = [{"user_id": "root", "user_role": "proxy_admin"}, {"user_id": "ann", "user_role": "internal_user"}]
            return {"users": users, "total": 2, "total_pages": 1}
        if path == "/organization/list":
            if isinstance(self.organizations, ApiError):
                raise self.organizations
            return self.organizations
        assert path == "/v2/team/list"
        members = [{"user_id": "ann", "role": "admin"}, {"user_id": "ben", "role": "user"}, {"user_id": None}]
        teams = [{"team_id": "t", "members_with_roles": members}, {"team_id": "s", "members_with_roles": None}]
        return {"teams": teams, "total": 2, "total_pages": 1}


def admins_of(organizations: Any) -> dict[str, list[str]]:
    nothing = dict.fromkeys(("user_id", "user_email", "user_role"))
    found = User().read(Administered(organizations), {**nothing, "admins": True})
    assert found["users"] == []
    return {admin["user_id"]: admin["administers"] for admin in found["admins"]}


def test_who_administers_something_is_listed_with_it() -> None:
    members = [{"user_id": "ann", "user_role": "org_admin"}, {"user_id": "ben", "user_role": "internal_user"}]
    assert admins_of([{"organization_id": "o", "members": [*members, {"user_role": "org_admin"}]}]) == {
        "default_user_id": ["the proxy"],
        "root": ["the proxy (proxy_admin)"],
        "ann": ["organization o", "team t"],
    }


def test_without_a_license_there_are_no_organizations_to_administer() -> None:
    assert admins_of(ApiError("This is an Enterprise feature", 403))["ann"] == ["team t"]
    for error in (ApiError("no", 403), ApiError("Enterprise", 500)):
        with pytest.raises(ApiError):
            admins_of(error)


def test_users_are_read_if_nobody_asks_for_administrators() -> None:
    proxy = Recorder(STORED, [STORED])
    nothing = dict.fromkeys(("user_email", "user_role", "user_id"))
    (user,) = User().read(proxy, {**nothing, "admins": False})["users"]
    assert (user["user_id"], user["metadata"], user["model_rpm_limit"]) == ("u 1", {"a": 1}, {"m": 5})


@pytest.mark.parametrize(("version", "refused"), [("1.110.0", True), ("1.109.9", False)])
def test_an_id_that_litellm_would_change_is_refused(version: str, refused: bool) -> None:
    class Empty(Recorder):
        def get(self, path: str, params: Any = None) -> Any:
            if path == "/health/readiness/details":
                return {"litellm_version": version}
            raise ApiError("User  u not found", 404)

    store = User().store(Empty(), {})
    want = User().declare({"user_id": " u"}, "present")
    if refused:
        with pytest.raises(InputError, match="removes blanks"):
            store.plans([want])
    else:
        assert store.plans([want])[0].action == "create"


def test_metadata_of_litellm_is_refused() -> None:
    with pytest.raises(InputError, match="metadata: tags is reserved for LiteLLM"):
        User().declare({"user_id": "u", "metadata": {"tags": ["a"]}}, "present")
