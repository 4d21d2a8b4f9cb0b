# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Policies on a real LiteLLM: the laws of every field, to which requests they apply, and runs that end too early."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from urllib.parse import quote

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._client import Client
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._errors import ApiError
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._policy._table import POLICY
from ansible_collections.litemaas.virtual_keys.tests.integration.laws import (
    Laws,
    as_declared,
    differing,
    lacking,
    refused,
    two,
)

pytestmark = [pytest.mark.quiet, pytest.mark.since("1.106.2"), pytest.mark.usefixtures("named")]

POLICIES, ATTACHMENTS = '"LiteLLM_PolicyTable"', '"LiteLLM_PolicyAttachmentTable"'
FILTER = {"guardrail": "litellm_content_filter", "mode": "pre_call"}
# What tells one version from another.
OF_VERSION = ("policy_id", "version_number", "parent_version_id", "created_at", "published_at", "production_at")
# A new version, its content, two changes of its status, and the deletion of the version before it.
UPDATE = 5


def row(sandbox, name: str) -> dict[str, Any]:
    """The only version there is, which is in production, and the attachments."""
    (found,) = sandbox.rows(f"SELECT * FROM {POLICIES} WHERE policy_name = %s", name)
    assert found["version_status"] == "production"
    own = {column: value for column, value in found.items() if column not in OF_VERSION}
    return {**own, "attachments": attached(sandbox, name)}


def attached(sandbox, name: str) -> list[dict[str, Any]]:
    return sandbox.rows(f"SELECT * FROM {ATTACHMENTS} WHERE policy_name = %s ORDER BY attachment_id", name)


STEP = {"guardrail": "guardrail-1"}
LAWS = Laws(
    "litellm_policy",
    POLICY,
    row,
    {
        "inherit": two("policy-1", "policy-2", requests=UPDATE),
        "description": two("one", "two", requests=UPDATE),
        "guardrails_add": two(["guardrail-1"], ["guardrail-2", "guardrail-1"], requests=UPDATE),
        "guardrails_remove": two(["guardrail-1"], ["guardrail-2"], requests=UPDATE),
        "condition": two({"model": "gpt-4"}, {"model": "gpt-4.*"}, requests=UPDATE),
        "pipeline": two(
            {"mode": "pre_call", "steps": [STEP]},
            {
                "mode": "post_call",
                "steps": [{**STEP, "on_fail": "next", "pass_data": True}, {**STEP, "on_pass": "block"}],
            },
            requests=UPDATE,
            empty=False,
        ),
    },
    without={"policy_name", "keep_old_versions", "attachments"},
    others={"description": "other"},
    other_requests=UPDATE,
)


@pytest.fixture(scope="module")
def named(sandbox) -> Iterator[None]:
    """Guardrails and policies that policies of tests name."""
    guardrails, policies = ("guardrail-1", "guardrail-2"), ("policy-1", "policy-2")
    for name in guardrails:
        sandbox.call("POST", "/guardrails", {"guardrail": {"guardrail_name": name, "litellm_params": FILTER}})
    for name in policies:
        sandbox.call("POST", "/policies", {"policy_name": name})
    yield
    for name in policies:
        sandbox.call("DELETE", f"/policies/name/{name}/all-versions").raise_for_status()
    for found in sandbox.rows(
        'SELECT guardrail_id FROM "LiteLLM_GuardrailsTable" WHERE guardrail_name = ANY(%s)', list(guardrails)
    ):
        sandbox.call("DELETE", f"/guardrails/{found['guardrail_id']}").raise_for_status()


@pytest.fixture
def name(sandbox, alias) -> Iterator[str]:
    """The beginning of this test's names. All that has it is removed at the end."""
    beginning = f"{alias} +ä"
    yield beginning
    for found in sandbox.rows(f"SELECT attachment_id FROM {ATTACHMENTS} WHERE starts_with(policy_name, %s)", alias):
        sandbox.call("DELETE", f"/policies/attachments/{found['attachment_id']}").raise_for_status()
    for found in sandbox.rows(f"SELECT policy_id FROM {POLICIES} WHERE starts_with(policy_name, %s)", alias):
        sandbox.call("DELETE", f"/policies/{found['policy_id']}").raise_for_status()
    for found in sandbox.rows(
        'SELECT guardrail_id FROM "LiteLLM_GuardrailsTable" WHERE starts_with(guardrail_name, %s)', alias
    ):
        sandbox.call("DELETE", f"/guardrails/{found['guardrail_id']}").raise_for_status()
    teams = sandbox.rows('SELECT team_id FROM "LiteLLM_TeamTable" WHERE starts_with(team_id, %s)', alias)
    if teams:
        sandbox.call("POST", "/team/delete", {"team_ids": [team["team_id"] for team in teams]}).raise_for_status()


@pytest.fixture
def policy(run_module, name):
    """Runs litellm_policy on this test's policy."""
    return partial(run_module, "litellm_policy", policy_name=name)


@pytest.fixture
def teams(run_module, alias) -> tuple[str, str]:
    names = (f"{alias}-a", f"{alias}-b")
    for team in names:
        assert not run_module("litellm_team", team_id=team, team_alias=team, models=["gpt-4"]).failed
    return names


def test_every_field_has_values() -> None:
    assert LAWS.fields_without_values == set()


@pytest.mark.parametrize("field", LAWS.examples)
def test_every_field(sandbox, run_module, name, field: str) -> None:
    LAWS.hold(sandbox, partial(run_module, policy_name=name), field)


def test_all_fields_at_once(sandbox, run_module, name) -> None:
    LAWS.hold_together(sandbox, partial(run_module, policy_name=name), changes=UPDATE, clears=UPDATE)


def test_every_attachment(sandbox, policy, name, teams, run_module, alias) -> None:
    assert not run_module("litellm_key", key_alias=f"{alias}-key").failed
    one, other = teams
    targets: list[dict[str, Any]] = [
        {"teams": [one, other]},
        {"teams": [one], "default": True},
        {"teams": [one], "priority": 0},
        {"keys": [f"{alias}-key", "a-pattern-*"]},
        {"models": ["gpt-4"], "tags": ["internal", "test-*"]},
        {"scope": "*"},
    ]
    made = as_declared(policy, sandbox, 1 + len(targets), description="x", attachments=targets)
    assert made.policy["attachments"] == targets
    before = {found["attachment_id"] for found in attached(sandbox, name)}
    # Neither the order of attachments counts, nor that of names, nor what is empty or said twice.
    again = [{"teams": [other, one, one], "keys": [], "default": False}, *reversed(targets[1:])]
    with sandbox.writes() as writes:
        assert policy(attachments=again).changed is False
    assert writes == []
    # Each can go and come alone, and nothing else is touched.
    for target in targets:
        rest = [kept for kept in targets if kept is not target]
        as_declared(policy, sandbox, 1, attachments=rest)
        assert len(before & {found["attachment_id"] for found in attached(sandbox, name)}) == len(rest)
        as_declared(policy, sandbox, 1, attachments=targets)
        before = {found["attachment_id"] for found in attached(sandbox, name)}
    as_declared(policy, sandbox, UPDATE, description="y")
    assert {found["attachment_id"] for found in attached(sandbox, name)} == before
    # Somebody else makes an equal one.
    sandbox.call("POST", "/policies/attachments", {"policy_name": name, "scope": "*"}).raise_for_status()
    as_declared(policy, sandbox, 1, attachments=targets)
    as_declared(policy, sandbox, len(targets), unset=["attachments"])
    assert attached(sandbox, name) == []
    assert policy(attachments=[]).changed is False


UNBOUNDED = "an attachment that limits neither teams, keys, models, nor tags applies to all requests."


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"attachments": [{}]}, UNBOUNDED),
        ({"attachments": [{"default": True, "priority": 1}]}, UNBOUNDED),
        ({"attachments": [{"teams": [], "keys": [], "models": None}]}, UNBOUNDED),
        ({"attachments": [{"teams": ["*"]}]}, UNBOUNDED),
        ({"attachments": [{"teams": ["*"], "models": ["gpt-4", "*"]}]}, UNBOUNDED),
        ({"attachments": [{"scope": "*"}, {"teams": ["*"]}]}, UNBOUNDED),
        ({"attachments": [{"scope": "team"}]}, "value of scope must be one of: *, got: team"),
        ({"attachments": [{"scope": "*", "teams": ["a"]}]}, "so teams has no effect."),
        ({"attachments": [{"team": ["a"]}]}, "Unsupported parameters"),
        ({"attachments": [{"teams": ["a", " "]}]}, "attachments: a name must not be blank."),
        ({"attachments": [{"models": ["gpt-4"]}] * 2}, "attachments: models gpt-4 is listed more than once."),
        ({"attachments": [{"models": ["gpt-4"], "priority": 2**31}]}, "attachments: priority must be between"),
        ({"inherit": "SELF"}, "inherit: a policy cannot inherit from itself."),
        ({"pipeline": {"mode": "pre_call", "steps": []}}, "pipeline: steps must not be empty."),
        (
            {"pipeline": {"mode": "pre_call", "steps": [{**STEP, "on_fail": "ignore"}]}},
            "value of on_fail must be one of",
        ),
        ({"policy_name": " "}, "policy_name is required and must not be blank."),
        ({"policy_name": "a/b"}, "policy_name: must not contain a slash: LiteLLM could not change the policy."),
    ],
)
def test_wrong_input_writes_nothing(sandbox, policy, name, options: dict[str, Any], sentence: str) -> None:
    if options.get("inherit") == "SELF":
        options = {"inherit": name}
    refused(policy, sandbox, sentence, **options)
    assert not policy(description="there").failed
    refused(policy, sandbox, sentence, **options)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"guardrails_add": ["guardrail-1", "none"]}, "guardrails_add: the proxy has no guardrail 'none'."),
        ({"guardrails_remove": ["none"]}, "guardrails_remove: the proxy has no guardrail 'none'."),
        ({"inherit": "none"}, "inherit: the proxy has no policy 'none'."),
        (
            {"pipeline": {"mode": "pre_call", "steps": [STEP, {"guardrail": "none"}]}},
            "pipeline: the proxy has no guardrail 'none'.",
        ),
        ({"attachments": [{"teams": ["none"]}]}, "attachments: the proxy has no team with the alias 'none'."),
        ({"attachments": [{"keys": ["none", "x-*"]}]}, "attachments: the proxy has no key with the alias 'none'."),
        ({"attachments": [{"models": ["none"]}]}, "attachments: the proxy has no model 'none'."),
    ],
)
def test_what_is_not_there_is_said(sandbox, policy, options: dict[str, Any], sentence: str) -> None:
    lacking(policy, sandbox, sentence, **options)
    if "attachments" not in options:
        assert policy(**options, validate_references=False).changed


def test_a_circle_of_policies_is_refused(sandbox, policy, run_module, name) -> None:
    """LiteLLM ignores all guardrails of such policies."""
    as_declared(policy, sandbox, 1, guardrails_add=["guardrail-1"])
    as_declared(partial(run_module, "litellm_policy", policy_name=f"{name}2"), sandbox, 1, inherit=name)
    refused(policy, sandbox, f"inherit: it would inherit from itself, by {name}2.", inherit=f"{name}2")


def test_a_policy_of_the_configuration_file_is_not_ours(sandbox, run_module) -> None:
    """LiteLLM creates another one that hides it."""
    run = partial(run_module, "litellm_policy", policy_name="of-the-file")
    (read,) = run_module("litellm_policy_info", policy_name="of-the-file").policies
    assert (read["definition_location"], read["guardrails_add"]) == ("config", ["of-the-file"])
    assert run(guardrails_add=["of-the-file"]).changed is False
    for options in ({"description": "x"}, {"attachments": [{"models": ["gpt-4"]}]}, {"state": "absent"}):
        refused(run, sandbox, "it is defined in the configuration file of the proxy. Change it there.", **options)


def test_a_guardrail_bound_to_a_team_blocks_its_requests_alone(sandbox, run_module, policy, name, teams, alias) -> None:
    one, other = teams
    keys = {team: run_module("litellm_key", key_alias=f"{team}-key", team_id=team).key for team in teams}

    def ask(team: str, text: str) -> int:
        body = {"model": "gpt-4", "messages": [{"role": "user", "content": text}]}
        return sandbox.call("POST", "/v1/chat/completions", body, key=keys[team]).status_code

    words = [{"keyword": "phoenix", "action": "BLOCK"}]
    guardrail = partial(run_module, "litellm_guardrail", guardrail_name=name)
    as_declared(guardrail, sandbox, 1, litellm_params={**FILTER, "blocked_words": words})
    theirs = {"policy_name": f"{name}theirs", "guardrails_add": [name]}
    sandbox.call("POST", "/policies", theirs).raise_for_status()
    others = row(sandbox, f"{name}theirs")
    assert [ask(team, "phoenix") for team in teams] == [200, 200]
    as_declared(policy, sandbox, 2, guardrails_add=[name], attachments=[{"teams": [one]}])
    assert [(ask(team, "phoenix"), ask(team, "hello")) for team in teams] == [(400, 200), (200, 200)]
    # Changed without a gap, and moved to the other team.
    as_declared(policy, sandbox, UPDATE, description="still there")
    assert [ask(team, "phoenix") for team in teams] == [400, 200]
    as_declared(policy, sandbox, 2, attachments=[{"teams": [other]}])
    assert [ask(team, "phoenix") for team in teams] == [200, 400]
    lacking(guardrail, sandbox, "although it is named by 2 policies", state="absent")
    as_declared(policy, sandbox, 2, state="absent")
    assert [ask(team, "phoenix") for team in teams] == [200, 200]
    assert (attached(sandbox, name), differing(others, row(sandbox, f"{name}theirs"))) == ([], set())
    assert guardrail(state="absent", force=True).action == "delete"


def test_attachments_that_are_left_are_not_revived(sandbox, run_module, policy, name, teams) -> None:
    """LiteLLM keeps them when a policy is deleted, and applies the next policy with its name to them."""
    one, other = teams
    targets = [{"teams": [one]}, {"scope": "*"}]
    as_declared(policy, sandbox, 3, description="x", attachments=targets)
    sandbox.call("DELETE", f"/policies/name/{quote(name)}/all-versions").raise_for_status()
    assert len(attached(sandbox, name)) == 2
    (seen,) = run_module("litellm_policy_info", policy_name=name).policies
    assert (seen["policy_id"], len(seen["attachments"])) == (None, 2)
    lacking(policy, sandbox, "which would apply it to", description="new")
    assert f"teams {one}" in policy(description="new").msg and "all requests" in policy(description="new").msg
    done = as_declared(policy, sandbox, 4, description="new", attachments=[{"teams": [other]}])
    assert [found["teams"] for found in attached(sandbox, name)] == [[other]]
    assert done.policy["policy_id"]
    sandbox.call("DELETE", f"/policies/{done.policy['policy_id']}").raise_for_status()
    # Those that are declared stay as they are, and absent removes those without a policy.
    kept = attached(sandbox, name)
    as_declared(policy, sandbox, 1, description="new", attachments=[{"teams": [other]}])
    assert attached(sandbox, name) == kept
    sandbox.call("DELETE", f"/policies/{row_id(sandbox, name)}").raise_for_status()
    as_declared(policy, sandbox, 1, state="absent")
    assert attached(sandbox, name) == []


def row_id(sandbox, name: str) -> str:
    (found,) = sandbox.rows(f"SELECT policy_id FROM {POLICIES} WHERE policy_name = %s", name)
    return str(found["policy_id"])


class Killed(BaseException):
    """The run is over at once."""


@pytest.fixture
def interrupted(monkeypatch) -> Callable[..., int]:
    """Runs something that ends after some writes; ``lost`` says that it only misses the answer to the last of them."""
    send = Client.send

    def run(task: Callable[[], Any], number: int, lost: bool) -> Any:
        sent = []

        def sending(client: Client, *arguments: Any, **options: Any) -> Any:
            if len(sent) == number and not lost:
                raise Killed
            sent.append(arguments)
            answer = send(client, *arguments, **options)
            if len(sent) == number and lost:
                raise ApiError("The answer was lost.", may_have_applied=True)
            return answer

        monkeypatch.setattr(Client, "send", sending)
        try:
            return task()
        except Killed:
            return None
        finally:
            monkeypatch.setattr(Client, "send", send)

    return run


@pytest.mark.parametrize("lost", [False, True], ids=["killed", "lost"])
@pytest.mark.parametrize("step", ["create", "update", "delete"])
def test_a_run_that_ends_anywhere_is_completed_by_the_next(
    sandbox, policy, name, teams, interrupted, step: str, lost: bool
) -> None:
    one, other = teams
    first = {"description": "one", "guardrails_add": ["guardrail-1"], "attachments": [{"teams": [one]}, {"scope": "*"}]}
    second = {"description": "two", "attachments": [{"teams": [one]}, {"teams": [other]}]}
    options = {"create": first, "update": second, "delete": {"state": "absent"}}[step]
    writes = {"create": 3, "update": UPDATE + 2, "delete": 3}[step]
    for number in range(writes + 1):
        assert not policy(**({"state": "absent"} if step == "create" else first)).failed
        done = interrupted(partial(policy, **options), number, lost)
        if lost:
            assert not done.failed, (number, done.values)
        again = policy(**options)
        assert not again.failed, (number, again.values)
        assert not (lost and again.changed), number
        if step == "delete":
            assert sandbox.rows(f"SELECT 1 FROM {POLICIES} WHERE policy_name = %s", name) == []
            assert attached(sandbox, name) == []
            continue
        found = row(sandbox, name)
        assert (found["description"], found["guardrails_add"]) == (options["description"], ["guardrail-1"])
        assert sorted((one["scope"] or "", *one["teams"]) for one in found["attachments"]) == sorted(
            (target.get("scope") or "", *target.get("teams", ())) for target in options["attachments"]
        )
        with sandbox.writes() as made:
            assert policy(**options).changed is False
        assert made == []


def versions(sandbox, name: str) -> list[tuple[str, str]]:
    query = f"SELECT description, version_status FROM {POLICIES} WHERE policy_name = %s ORDER BY version_number"
    return [(found["description"], found["version_status"]) for found in sandbox.rows(query, name)]


def test_versions_of_others_stay_unless_they_were_in_production(sandbox, policy, name, run_module) -> None:
    as_declared(policy, sandbox, 1, description="one")
    draft = sandbox.call("POST", f"/policies/name/{quote(name)}/versions", {}).json()["policy_id"]
    sandbox.call("PUT", f"/policies/{draft}", {"description": "of somebody"}).raise_for_status()
    as_declared(policy, sandbox, UPDATE, description="two")
    assert versions(sandbox, name) == [("of somebody", "draft"), ("two", "production")]
    as_declared(policy, sandbox, UPDATE - 1, description="three", keep_old_versions=True)
    assert versions(sandbox, name) == [("of somebody", "draft"), ("two", "published"), ("three", "production")]
    assert policy(description="three", keep_old_versions=True).changed is False
    assert run_module("litellm_policy_info", policy_name=name).policies[0]["keep_old_versions"] is True
    as_declared(policy, sandbox, 1, description="three")
    assert versions(sandbox, name) == [("of somebody", "draft"), ("three", "production")]
    # What somebody has written already is put into production.
    as_declared(policy, sandbox, 3, description="of somebody")
    assert versions(sandbox, name) == [("of somebody", "production")]


def test_a_policy_without_a_version_in_production_gets_one(sandbox, policy, name) -> None:
    as_declared(policy, sandbox, 1, description="one", guardrails_add=["guardrail-1"])
    sandbox.execute(f"UPDATE {POLICIES} SET version_status = 'published' WHERE policy_name = %s", name)
    assert policy(description="one").changed
    assert row(sandbox, name)["guardrails_add"] == ["guardrail-1"]
    assert policy(description="one", guardrails_add=["guardrail-1"]).changed is False


def test_of_two_versions_in_production_one_stays(sandbox, policy, name) -> None:
    """LiteLLM creates a second one where the first version of a policy is gone."""
    as_declared(policy, sandbox, 1, description="one")
    as_declared(policy, sandbox, UPDATE, description="two")
    sandbox.call("POST", "/policies", {"policy_name": name, "description": "beside it"}).raise_for_status()
    assert len(versions(sandbox, name)) == 2
    done = policy(description="two")
    assert (done.failed, done.changed) == (False, True), done.values
    assert row(sandbox, name)["description"] == "two"
    assert policy(description="two").changed is False


def test_the_last_of_many_is_found(sandbox, run_module, name) -> None:
    many = 120
    for table, key in ((POLICIES, "policy_id"), (ATTACHMENTS, "attachment_id")):
        columns = "version_status, description" if table == POLICIES else "scope, models"
        values = "'production', 'x'" if table == POLICIES else "null, '{gpt-4}'::text[]"
        sandbox.execute(
            f"INSERT INTO {table} ({key}, policy_name, {columns}, updated_at) "
            f"SELECT %s || i, %s || i, {values}, now() FROM generate_series(1, {many}) AS i",
            name,
            name,
        )
    found = [one["policy_name"] for one in run_module("litellm_policy_info").policies]
    assert sorted(one for one in found if one.startswith(name)) == sorted(f"{name}{n}" for n in range(1, many + 1))
    for number in (1, many):
        declared = {"description": "x", "attachments": [{"models": ["gpt-4"]}]}
        done = run_module("litellm_policy", policy_name=f"{name}{number}", **declared)
        assert (done.failed, done.changed) == (False, False), done.values
    sandbox.execute(f"DELETE FROM {ATTACHMENTS} WHERE starts_with(policy_name, %s)", name)
    sandbox.execute(f"DELETE FROM {POLICIES} WHERE starts_with(policy_name, %s)", name)


def test_deleting(sandbox, policy, name) -> None:
    as_declared(policy, sandbox, 2, description="x", attachments=[{"models": ["gpt-4"]}])
    with sandbox.writes() as writes:
        assert policy(state="absent", check=True).action == "delete"
    assert writes == []
    assert as_declared(policy, sandbox, 2, state="absent").policy is None


def test_a_policy_with_a_slash_can_be_deleted(sandbox, run_module, name) -> None:
    """LiteLLM finds it in no path, so that nobody can change it."""
    sandbox.call("POST", "/policies", {"policy_name": f"{name}/x"}).raise_for_status()
    run = partial(run_module, "litellm_policy", policy_name=f"{name}/x")
    assert as_declared(run, sandbox, 1, state="absent").action == "delete"
