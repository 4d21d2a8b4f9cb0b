# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every field of a key on a real LiteLLM, by the laws of all fields, and what concerns more than one field."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._key._table import KEY, RETIRED_MARK
from ansible_collections.litemaas.virtual_keys.tests.examples_of_keys import EXAMPLES, WITHOUT_EXAMPLE
from ansible_collections.litemaas.virtual_keys.tests.integration.laws import (
    Laws,
    as_declared,
    differing,
    only_changes,
    refused,
    too_old,
)

pytestmark = [pytest.mark.quiet, pytest.mark.usefixtures("referred")]

# A key with all other fields has as much as one key can have. Of each two that are mutually exclusive, one is missing.
EXCLUDED = {"budget_id", "key_type", "service_account_id"}
LICENSED = sorted(row.name for row in KEY.fields if row.licensed)
# What a new value has of its own: what identifies it, and the rows and moments that are made with it.
OF_A_VALUE = {"token", "key_name", "created_at", "expires", "budget_limits", "object_permission_id"}
OF_A_VALUE |= {"object_permission", "key_rotation_at"}


def row(sandbox: Any, alias: str) -> dict[str, Any]:
    """All that the database has about a key, the rows that only it refers to included."""
    key = sandbox.keys(alias)[alias]
    permissions = sandbox.rows(
        'SELECT * FROM "LiteLLM_ObjectPermissionTable" WHERE object_permission_id = %s', key["object_permission_id"]
    )
    budget = sandbox.rows('SELECT * FROM "LiteLLM_BudgetTable" WHERE budget_id = %s', key["budget_id"])
    return {
        **key,
        "object_permission": next(iter(permissions), {}),
        "litellm_budget_table": next(iter(budget), {}),
    }


def test_every_field_has_an_example() -> None:
    assert Laws("litellm_key", KEY, row, EXAMPLES, WITHOUT_EXAMPLE).fields_without_values == set()


# The rows that keys refer to


@pytest.fixture(scope="module")
def world(sandbox) -> Iterator[dict[str, str]]:
    """Ids of teams, users, budgets, organizations and projects, by the text that stands for each."""
    beginning = f"w{secrets.token_hex(4)}"
    kinds = ("team", "user", "budget", "organization", "project")
    ids = {f"{kind} {number}": f"{beginning}-{kind}-{number}" for kind in kinds for number in (1, 2)}
    members = [{"role": "user", "user_id": ids[f"user {number}"]} for number in (1, 2)]

    def post(path: str, **body: Any) -> None:
        sandbox.call("POST", path, body).raise_for_status()

    for number in (1, 2):
        post("/budget/new", budget_id=ids[f"budget {number}"], max_budget=100 * number)
        # Only licensed proxies make organizations and projects; all let keys refer to them.
        sandbox.execute(
            'INSERT INTO "LiteLLM_OrganizationTable" (organization_id, organization_alias, budget_id, models, '
            "created_by, updated_by) VALUES (%s, %s, %s, '{}', 'test', 'test')",
            *[ids[f"organization {number}"]] * 2,
            ids[f"budget {number}"],
        )
        sandbox.execute(
            'INSERT INTO "LiteLLM_ProjectTable" (project_id, models, created_by, updated_by) '
            "VALUES (%s, '{}', 'test', 'test')",
            ids[f"project {number}"],
        )
        post(
            "/team/new",
            team_id=ids[f"team {number}"],
            members_with_roles=members,
            organization_id=ids[f"organization {number}"],
        )
    yield ids
    post("/team/delete", team_ids=[ids["team 1"], ids["team 2"]])
    for table, column in (("Project", "project_id"), ("Organization", "organization_id")):
        sandbox.execute(f'DELETE FROM "LiteLLM_{table}Table" WHERE starts_with({column}, %s)', beginning)
    post("/user/delete", user_ids=[ids["user 1"], ids["user 2"]])
    for number in (1, 2):
        post("/budget/delete", id=ids[f"budget {number}"])


def grow(sandbox: Any, alias: str) -> None:
    """Give a key what only a licensed proxy takes, in the way in which LiteLLM itself keeps it, and what it spent."""
    key = sandbox.keys(alias)[alias]
    values: dict[str, Any] = {"metadata": key["metadata"]}
    for name in LICENSED:
        column, *entry = KEY.field(name).path or (name,)
        place = values[column] if entry else values
        place[entry[0] if entry else column] = EXAMPLES[name].first
    columns = ", ".join(f"{column} = %s" for column in values)
    sandbox.execute(
        f'UPDATE "LiteLLM_VerificationToken" SET spend = 1.5, {columns} WHERE token = %s',
        *map(json.dumps, values.values()),
        key["token"],
    )


@pytest.fixture
def laws(sandbox, world) -> Laws:
    """The laws of keys that have all that one key can have at once."""

    def with_ids(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: with_ids(part) for name, part in value.items()}
        return world.get(value, value) if isinstance(value, str) else value

    parts = ("first", "second", "beside", "change")
    examples = {
        name: replace(one, **{part: with_ids(getattr(one, part)) for part in parts}) for name, one in EXAMPLES.items()
    }
    rich = {
        name: one.first
        for name, one in examples.items()
        if name not in {*EXCLUDED, *LICENSED} and not too_old(sandbox, KEY.field(name).since)
    }

    def beside(name: str) -> dict[str, Any]:
        return {} if name in EXCLUDED else {other: value for other, value in rich.items() if other != name}

    return Laws("litellm_key", KEY, row, examples, WITHOUT_EXAMPLE, beside=beside, many="key_aliases", grow=grow)


@pytest.fixture
def key(run_module, alias) -> Callable[..., Any]:
    """Runs litellm_key on this test's key."""
    return partial(run_module, "litellm_key", key_alias=alias)


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_field(sandbox, run_module, laws, alias, name) -> None:
    laws.hold(sandbox, partial(run_module, key_alias=alias), name)


@pytest.mark.parametrize("name", LICENSED)
def test_a_licensed_value_that_is_there_stays_or_is_cleared(sandbox, laws, key, alias, name) -> None:
    example = EXAMPLES[name]
    assert not key().failed
    if too_old(sandbox, KEY.field(name).since):
        return
    grow(sandbox, alias)
    assert key(**{name: example.first}).changed is False
    refused(key, sandbox, "license", **{name: example.second})
    with only_changes(partial(row, sandbox, alias), {KEY.field(name).path or (name,)}):
        as_declared(key, sandbox, 1, unset=[name])


def test_a_new_value_keeps_every_field(sandbox, laws, key, alias) -> None:
    assert not key(**laws.beside("")).failed
    grow(sandbox, alias)
    # A column, which only a licensed proxy takes; the entries of metadata it takes from everybody.
    sandbox.execute("""UPDATE "LiteLLM_VerificationToken" SET model_max_budget = '{}' WHERE key_alias = %s""", alias)
    before = row(sandbox, alias)
    done = key(value_policy="reissue")
    assert not done.failed, done.msg
    assert done.action == "reissue"
    after = row(sandbox, alias)
    assert after["metadata"].pop(RETIRED_MARK) == [before["token"]]
    assert {place[0] for place in differing(before, after)} <= OF_A_VALUE
    assert abs(after["expires"] - before["expires"]) < timedelta(minutes=1)
    windows = [[{**window, "reset_at": None} for window in one["budget_limits"]] for one in (before, after)]
    permissions = [{**one["object_permission"], "object_permission_id": None} for one in (before, after)]
    assert windows[0] == windows[1] and permissions[0] == permissions[1]


# What concerns more than one field


def test_a_soft_budget_is_not_written_into_a_budget_of_others(sandbox, key, world) -> None:
    budget = world["budget 1"]
    assert not key(budget_id=budget).failed
    refused(key, sandbox, "for all who share it", soft_budget=3)
    assert sandbox.rows('SELECT soft_budget FROM "LiteLLM_BudgetTable" WHERE budget_id = %s', budget) == [
        {"soft_budget": None}
    ]


def test_a_new_key_of_a_team_is_in_the_organization_of_that_team(sandbox, key, world) -> None:
    refused(key, sandbox, "organization_id", team_id=world["team 1"], organization_id=world["organization 2"])
    made = as_declared(key, sandbox, 1, team_id=world["team 1"], organization_id=world["organization 1"])
    assert made.virtual_key["organization_id"] == world["organization 1"]


def test_a_key_of_a_team_may_use_the_models_of_that_team(sandbox, key, world) -> None:
    made = as_declared(key, sandbox, 1, team_id=world["team 1"]).virtual_key
    assert made["models"] == ["all-team-models"] and made["organization_id"] == world["organization 1"]


def test_a_key_type_stands_for_its_routes(sandbox, key) -> None:
    made = as_declared(key, sandbox, 1, key_type="management").virtual_key
    assert made["allowed_routes"] == ["management_routes"]
    refused(key, sandbox, "mutually exclusive", key_type="management", allowed_routes=["/v1/models"])


def test_a_key_type_replaces_routes_of_the_keys_own_only_if_the_play_says_so(sandbox, key) -> None:
    assert as_declared(key, sandbox, 1, allowed_routes=["/v1/models"]).virtual_key["key_type"] is None
    refused(key, sandbox, "the key's own allowed_routes (/v1/models)", key_type="llm_api")
    changed = as_declared(key, sandbox, 1, key_type="llm_api", allowed_routes=[]).virtual_key
    assert changed["allowed_routes"] == ["llm_api_routes"]


def test_an_existing_key_of_a_user_that_becomes_one_for_models_makes_no_further_keys(sandbox, key, world) -> None:
    """LiteLLM itself ignores the type in an update: what the key reaches decides."""
    value = key(user_id=world["user 1"], models=["gpt-4"]).key

    def reached() -> list[int]:
        questions = (("POST", "/key/generate", {"models": ["all-proxy-models"]}), ("GET", "/key/info", None))
        answers = [sandbox.call(*question, key=value) for question in questions]
        for answer in answers:
            if "key" in answer.json() and answer.request.method == "POST":
                sandbox.call("POST", "/key/delete", {"keys": [answer.json()["key"]]}).raise_for_status()
        models = sandbox.call("GET", "/v1/models", key=value)
        return [*(answer.status_code for answer in answers), models.status_code]

    assert reached() == [200, 200, 200]
    as_declared(key, sandbox, 1, key_type="llm_api")
    assert reached() == [403, 403, 200]
    as_declared(key, sandbox, 1, key_type="default")
    assert reached() == [200, 200, 200]


def test_blocked_or_never_blocked(sandbox, key, alias) -> None:
    with sandbox.writes() as written:
        assert key(blocked=False).action == "create"
        assert not key(blocked=False).changed
        assert not key(unset=["blocked"]).changed
    assert len(written) == 1 and row(sandbox, alias)["blocked"] is None
