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
    assert guarded == ({" ".join([*lost, "To continue, set force: true."]): ["u 1"]} if lost else {})
    assert store.missing(wants[1:], store.plans(wants[1:])) == {}
    (plan,) = store.plans(wants[1:])
    assert (plan.action, list(plan.warnings)) == ("delete", [f"u 1: {sentence}" for sentence in lost])
