# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Users on a real LiteLLM: every field by its laws, no key that nobody asked for, and nothing lost by mistake."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._args import Settings
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._batch import converge
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._client import Client
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._user import USER, User
from ansible_collections.litemaas.virtual_keys.tests.integration.laws import Laws, as_declared, refused, too_old, two
from ansible_collections.litemaas.virtual_keys.tests.integration.roles.test_cap import OUT_OF_BUDGET, ask, until_refused

pytestmark = [pytest.mark.quiet, pytest.mark.usefixtures("referred")]

TABLE = '"LiteLLM_UserTable"'


def row(sandbox, name: str) -> dict[str, Any]:
    """The user with the keys and memberships."""
    (user,) = sandbox.rows(f"SELECT * FROM {TABLE} WHERE user_id = %s", name)
    permissions = 'SELECT * FROM "LiteLLM_ObjectPermissionTable" WHERE object_permission_id = %s'
    return {
        **user,
        "object_permission": next(iter(sandbox.rows(permissions, user["object_permission_id"])), None),
        "keys": sandbox.rows('SELECT * FROM "LiteLLM_VerificationToken" WHERE user_id = %s ORDER BY token', name),
        "memberships": sandbox.rows('SELECT * FROM "LiteLLM_TeamMembership" WHERE user_id = %s ORDER BY 1', name),
    }


LAWS = Laws(
    "litellm_user",
    USER,
    row,
    {
        "user_email": two("Ann.0@Example.com", "ben.0@example.com"),
        "user_alias": two("one", "two"),
        "user_role": two("internal_user_viewer", "internal_user"),
        "models": two(["gpt-4"], ["gpt-4", "fake-openai"]),
        "max_budget": two(10, 0),
        "budget_duration": two("30d", "1d", moves=("budget_reset_at",)),
        "tpm_limit": two(1000, 0),
        "rpm_limit": two(10, 20),
        "max_parallel_requests": two(1, 2),
        "model_tpm_limit": two({"gpt-4": 100}, {"gpt-4": 200}),
        "reset_spend": two("june", "july", moves={"spend"}),
        "model_rpm_limit": two({"gpt-4": 1}, {"gpt-4": 0}),
        "allowed_cache_controls": two(["no-cache"], ["no-cache", "no-store"]),
        "object_permission": two(
            {"mcp_servers": ["server-1"], "vector_stores": ["store-1"]},
            {"mcp_servers": ["server-2"], "vector_stores": []},
        ),
        # Empty metadata declares no entry, which takes none away.
        "metadata": two({"course": "python"}, {"course": "go"}, empty=False),
        "sso_user_id": two("sso-0", "sso-1"),
    },
    without={"user_id"},
    others={"metadata": {"other": "entry"}},
)


@pytest.fixture
def name(sandbox) -> Iterator[str]:
    """The id of this test's user. All users whose ids begin with it are removed at the end."""
    beginning = f"u {secrets.token_hex(4)}+ä/"
    yield beginning
    ids = [
        row["user_id"] for row in sandbox.rows(f"SELECT user_id FROM {TABLE} WHERE starts_with(user_id, %s)", beginning)
    ]
    if ids:
        sandbox.call("POST", "/user/delete", {"user_ids": ids}).raise_for_status()


@pytest.fixture
def user(run_module, name):
    """Runs litellm_user on this test's user."""
    return partial(run_module, "litellm_user", user_id=name)


@pytest.fixture
def team(sandbox, name) -> Iterator[str]:
    team_id = f"t{secrets.token_hex(4)}"
    sandbox.call("POST", "/team/new", {"team_id": team_id}).raise_for_status()
    yield team_id
    sandbox.call("POST", "/team/delete", {"team_ids": [team_id]}).raise_for_status()


def test_every_field_has_values() -> None:
    assert LAWS.fields_without_values == set()


@pytest.mark.parametrize("field", LAWS.examples)
def test_every_field(sandbox, run_module, name, field: str) -> None:
    LAWS.hold(sandbox, partial(run_module, user_id=name), field)


def test_all_fields_at_once(sandbox, run_module, name) -> None:
    LAWS.hold_together(sandbox, partial(run_module, user_id=name))


def test_no_key_comes_with_a_user(sandbox, user, name) -> None:
    with sandbox.writes() as writes:
        assert user().action == "create"
    assert [path for _method, path, _status in writes] == ["/user/new"]
    assert row(sandbox, name)["keys"] == []


def test_five_runs_at_once_make_one_user_with_all_that_is_declared(sandbox, name) -> None:
    """LiteLLM creates a user anew with 200, and without the fields, whom another run has just created."""
    connection = {"api_url": sandbox.api_url, "api_key": sandbox.master_key, "timeout": 30, "retries": 5}
    settings = Settings.from_params({**connection, "validate_certs": True}.get)
    fields = {"max_budget": 3.0, "models": ["gpt-4"], "metadata": {"a": 1}}

    def one_run(number: int) -> None:
        own = {"rpm_limit": 4} if number % 2 else {"tpm_limit": 5}
        wants = [User().declare({"user_id": f"{name}{one}", **fields, **own}, "present") for one in range(5)]
        outcomes = converge(User().store(Client(settings, 5), {}, None), wants, concurrency=5)
        assert [outcome.error for outcome in outcomes] == [None] * 5

    with ThreadPoolExecutor(5) as pool:
        list(pool.map(one_run, range(5)))
    for one in range(5):
        stored = row(sandbox, f"{name}{one}")
        assert {**stored, **fields, "rpm_limit": 4, "tpm_limit": 5, "keys": []} == stored


def test_what_is_not_declared_stays(sandbox, user, name) -> None:
    as_declared(
        user,
        sandbox,
        1,
        metadata={"a": 1},
        model_rpm_limit={"gpt-4": 5},
        max_budget=5,
        budget_duration="2d",
        rpm_limit=3,
    )
    before = row(sandbox, name)
    result = as_declared(user, sandbox, 1, metadata={"b": 2}, max_budget=6)
    after = row(sandbox, name)
    moved = {"metadata", "max_budget", "updated_at"}
    assert {key for key in after if after[key] != before[key]} == moved
    assert after["metadata"] == {**before["metadata"], "b": 2}
    assert result.user["metadata"] == {"a": 1, "b": 2}
    as_declared(user, sandbox, 1, metadata={"c": 3}, metadata_mode="replace")
    assert row(sandbox, name)["metadata"] == {"c": 3, "model_rpm_limit": {"gpt-4": 5}}


@pytest.mark.parametrize("budget", [None, 3])
def test_a_new_role_leaves_the_budget_alone(sandbox, user, name, budget: float | None) -> None:
    user(user_role="internal_user_viewer", **({"max_budget": budget} if budget else {}))
    with sandbox.writes() as writes:
        assert user(user_role="internal_user").action == "update"
    assert len(writes) == 1
    stored = row(sandbox, name)
    assert (stored["max_budget"], stored["budget_duration"], stored["user_role"]) == (budget, None, "internal_user")


def test_metadata_cannot_be_emptied(sandbox, user) -> None:
    user(metadata={"a": 1})
    refused(user, sandbox, "LiteLLM cannot clear metadata of an existing user.", metadata={}, metadata_mode="replace")


def test_what_allows_all_models_is_said(sandbox, user) -> None:
    user(models=["gpt-4"])
    refused(user, sandbox, "To allow all models, set models to all-proxy-models.", models=[])


def test_an_address_belongs_to_one_user(sandbox, run_module, user, name) -> None:
    address = f"{secrets.token_hex(4)}_x@example.com"
    user(user_email=address.upper())
    other = partial(run_module, "litellm_user", user_id=f"{name}2")
    refused(other, sandbox, f"user_email: it belongs to the user {name}.", user_email=address)
    other(user_alias="other")
    refused(other, sandbox, f"user_email: it belongs to the user {name}.", user_email=address)
    as_declared(user, sandbox, 1, user_email=address)
    assert [one["user_id"] for one in run_module("litellm_user_info", user_email=address).users] == [name]


def test_ids_that_only_look_alike_are_others(sandbox, run_module, user, name) -> None:
    user(user_alias="one")
    for other in (name.replace(" ", "+"), name.replace("+", " "), name.upper(), name[:-1]):
        assert run_module("litellm_user_info", user_id=other).users == []
        assert run_module("litellm_user", check=True, user_id=other).action == "create"
        assert run_module("litellm_user", user_id=other, state="absent").changed is False
    (read,) = run_module("litellm_user_info", user_id=name).users
    assert (read["user_alias"], read["teams"]) == ("one", [])
    assert name in [one["user_id"] for one in run_module("litellm_user_info").users]


def test_a_user_with_keys_is_not_deleted_by_mistake(sandbox, user, run_module, name, alias, team) -> None:
    user(user_alias="one")
    assert not run_module("litellm_team_members", team_id=team, members=[{"user_id": name}]).failed
    assert not run_module("litellm_key", key_alias=alias, user_id=name).failed
    assert not run_module("litellm_key", key_alias=f"{alias}-team", user_id=name, team_id=team).failed
    with sandbox.writes() as writes:
        planned, said = user(check=True, state="absent"), user(state="absent")
    assert (said.failed, said.msg in str(planned.warnings), writes) == (True, True, [])
    assert "this user has 2: " in said.msg
    for part in (alias, f"{alias}-team", f"LiteLLM removes the user from these teams: {team}.", "set force: true"):
        assert part in said.msg
    planned = user(check=True, state="absent", force=True)
    assert planned.action == "delete"
    assert "this user has 2" in str(planned.warnings) and team in str(planned.warnings)
    assert len(row(sandbox, name)["keys"]) == 2
    assert user(state="absent", force=True).action == "delete"
    assert sandbox.keys(alias) == {}
    assert user(state="absent").changed is False
    assert sandbox.rows('SELECT * FROM "LiteLLM_TeamMembership" WHERE user_id = %s', name) == []


def test_the_budget_of_a_user_binds_the_users_own_keys(sandbox, user, run_module, name, alias, team) -> None:
    """But no key of a team, as the documentation says."""
    user(max_budget=0.001)
    run_module("litellm_team_members", team_id=team, members=[{"user_id": name}])
    own = run_module("litellm_key", key_alias=alias, user_id=name, models=["gpt-4"]).key
    of_team = run_module("litellm_key", key_alias=f"{alias}-team", user_id=name, team_id=team, models=["gpt-4"]).key
    assert ask(sandbox, own) == 200  # which costs more than that
    assert until_refused(sandbox, own) in OUT_OF_BUDGET
    assert ask(sandbox, of_team) == 200
    assert user(unset=["max_budget"]).action == "update"
    assert ask(sandbox, own) == 200


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"max_budget": -1}, "max_budget: must not be negative."),
        ({"budget_duration": "1y"}, "is not a duration"),
        ({"metadata": {"model_rpm_limit": {}}}, "metadata: use the option model_rpm_limit to set model_rpm_limit."),
        ({"metadata": {"guardrails": []}}, "metadata: guardrails is reserved for LiteLLM."),
        ({"user_role": "admin"}, "user_role"),
        ({"models": ["none such"], "validate_models": True}, "models: the proxy has no model 'none such'."),
        ({"unset": ["user_email"]}, "user_email"),
    ],
)
def test_wrong_input_writes_nothing(sandbox, user, options: dict[str, Any], sentence: str) -> None:
    with sandbox.writes() as writes:
        result = user(**options)
    assert result.failed
    assert sentence in result.msg
    assert writes == []


def test_an_id_that_the_proxy_would_change_is_refused(sandbox, user, name) -> None:
    """Newer versions remove blanks around an ID, and so create another user."""
    with sandbox.writes() as writes:
        padded = user(user_id=f"{name} ")
    if too_old(sandbox, "1.110.0"):
        assert padded.action == "create"
        assert user(user_id=f"{name} ").changed is False
    else:
        assert "removes blanks from the beginning and the end of an ID" in padded.msg
        assert writes == []
