# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys that move into a team, from one to another, and out of one, on a real LiteLLM."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._values import version_tuple

# Two teams: the first has the user u1, the second u2, and a limit.
TEAMS = {
    "1": {"models": ["gpt-4"]},
    "2": {"models": ["gpt-4o-mini"], "tpm_limit": 500, "rpm_limit": 50},
}
# What a key has first, and what is declared together with the second team.
MOVES = {
    "models": ({"team_id": "1", "models": ["gpt-4"]}, {"models": ["gpt-4o-mini"]}),
    "all models of the team": ({"models": ["gpt-4"]}, {"models": ["all-team-models"]}),
    "no list of models": ({"models": ["gpt-4", "gpt-4o-mini"]}, {"models": []}),
    "a lower limit": ({"tpm_limit": 1000}, {"tpm_limit": 100}),
    "a lower limit of requests": ({"tpm_limit": 1, "rpm_limit": 1000}, {"rpm_limit": 50}),
    "no limit": ({"tpm_limit": 1000, "models": ["gpt-4o-mini"]}, {"unset": ["tpm_limit"]}),
    "another user": ({"team_id": "1", "user_id": "1"}, {"user_id": "2", "models": ["gpt-4o-mini"]}),
    "no user": ({"user_id": "1"}, {"unset": ["user_id"], "models": ["gpt-4o-mini"]}),
    "all at once": (
        {"team_id": "1", "models": ["gpt-4"], "tpm_limit": 1000, "user_id": "1", "max_budget": 5},
        {"models": ["gpt-4o-mini"], "tpm_limit": 100, "user_id": "2", "max_budget": 7, "metadata": {"room": 2}},
    ),
}


@pytest.fixture
def world(sandbox, alias):
    """Makes the teams and their users, and returns what the examples say with their ids."""
    for name, team in TEAMS.items():
        members = [{"role": "user", "user_id": f"{alias}-u{name}"}]
        body = {"team_id": f"{alias}-t{name}", "team_alias": f"{alias}-t{name}", "members_with_roles": members, **team}
        sandbox.call("POST", "/team/new", body).raise_for_status()

    def named(options: dict[str, Any]) -> dict[str, Any]:
        beginnings = {"team_id": "t", "user_id": "u"}
        return {
            name: f"{alias}-{beginnings[name]}{value}" if name in beginnings else value
            for name, value in options.items()
        }

    yield named
    sandbox.call("POST", "/team/delete", {"team_ids": [f"{alias}-t{name}" for name in TEAMS]}).raise_for_status()
    sandbox.call("POST", "/user/delete", {"user_ids": [f"{alias}-u{name}" for name in TEAMS]}).raise_for_status()


def answers(sandbox, key: str, model: str) -> int:
    """What a chat with that model is answered."""
    body = {"model": model, "messages": [{"role": "user", "content": "hello"}]}
    return sandbox.call("POST", "/v1/chat/completions", body, key=key).status_code


@pytest.mark.parametrize("move", MOVES)
def test_a_key_moves_to_a_team_together_with_the_values_that_fit_that_team(sandbox, run_module, world, alias, move):
    """LiteLLM compares what the key has, and not what is sent with the team, with that team (BerriAI/litellm#38629)."""
    had, declared = map(world, MOVES[move])
    options = {"key_alias": alias, "team_id": world({"team_id": "2"})["team_id"], **declared}
    assert not run_module("litellm_key", key_alias=alias, **had).failed
    before = sandbox.keys(alias)[alias]
    predicted = run_module("litellm_key", check=True, **options)
    assert (predicted.failed, predicted.changed) == (False, True), predicted.msg
    with sandbox.writes() as written:
        moved = run_module("litellm_key", **options)
    assert not moved.failed, moved.msg
    assert moved.action == "update" and written == [("POST", "/key/update", 200)] * 2
    after = sandbox.keys(alias)[alias]
    wanted = {**before, **dict.fromkeys(declared.get("unset", ())), **options}
    for name in ("team_id", "models", "tpm_limit", "rpm_limit", "user_id", "max_budget", "metadata", "token"):
        assert after[name] == wanted[name], name
    for name, value in predicted.diff["after"].items():
        assert moved.diff["after"][name] == value
    with sandbox.writes() as written:
        assert not run_module("litellm_key", **options).changed
    assert written == []


def test_a_key_that_fits_already_moves_in_one_request(sandbox, run_module, world, alias):
    run_module("litellm_key", key_alias=alias, **world({"models": ["gpt-4o-mini"], "tpm_limit": 400, "user_id": "2"}))
    with sandbox.writes() as written:
        moved = run_module("litellm_key", key_alias=alias, **world({"team_id": "2", "tpm_limit": 100}))
    assert not moved.failed and written == [("POST", "/key/update", 200)], moved.msg


@pytest.mark.parametrize(
    ("had", "declared", "words"),
    [
        ({"user_id": "1"}, {}, "is not a member of the team"),
        ({}, {"user_id": "1"}, "is not a member of the team"),
        ({"tpm_limit": 1000}, {}, "tpm_limit: 1000 is more than the 500 of the team"),
        ({"tpm_limit": 400}, {"tpm_limit": 501}, "tpm_limit: 501 is more than the 500 of the team"),
        ({"models": ["gpt-4"]}, {}, "does not have 'gpt-4'. It has gpt-4o-mini."),
        ({}, {"models": ["gpt-4", "gpt-4o-mini"]}, "does not have 'gpt-4'. It has gpt-4o-mini."),
    ],
)
def test_what_does_not_fit_the_team_is_refused_before_anything_is_written(
    sandbox, run_module, world, alias, had, declared, words
):
    """In check mode it is a warning: an earlier task may add the user, or raise the limit."""
    options = {"key_alias": alias, "max_budget": 3, **world({"team_id": "2", **declared})}
    run_module("litellm_key", key_alias=alias, **world(had))
    before = sandbox.keys(alias)
    with sandbox.writes() as written:
        predicted, refused = (run_module("litellm_key", check=check, **options) for check in (True, False))
    assert written == [] and sandbox.keys(alias) == before
    assert not predicted.failed and predicted.changed and words in str(predicted.warnings)
    assert refused.failed and words in refused.msg


@pytest.mark.parametrize("of_team", [None, pytest.param(["gpt-4o-mini", "cohere/*"], id="with a wildcard")])
@pytest.mark.parametrize(
    ("had", "declared"),
    [
        ({"models": ["gpt-4"]}, {}),
        ({"models": ["gpt-4"]}, {"models": ["claude-3-5-sonnet"]}),
        ({"models": ["gpt-4"], "tpm_limit": 1000}, {"models": ["claude-3-5-sonnet"], "tpm_limit": 5, "max_budget": 2}),
    ],
)
def test_models_that_the_team_lacks_are_refused_and_the_key_is_as_it_was(
    sandbox, run_module, world, alias, had, declared, of_team
):
    """Where a team has wildcards or access groups, only LiteLLM can tell which models it has."""
    options = {"key_alias": alias, **world({"team_id": "2", **declared})}
    if of_team:
        body = {"team_id": options["team_id"], "models": of_team}
        sandbox.call("POST", "/team/update", body).raise_for_status()
    run_module("litellm_key", key_alias=alias, **had)
    row = sandbox.keys(alias)[alias]
    predicted = run_module("litellm_key", check=True, **options)
    # Ansible shows the warnings of all modules that this process has run.
    assert (f"{alias}: models: the team" in str(predicted.values.get("warnings"))) is not bool(of_team)
    refused = run_module("litellm_key", **options)
    now = sandbox.keys(alias)[alias]
    assert refused.failed and "models" in refused.msg
    assert ("must be among the team's" if of_team else "does not have") in refused.msg
    pace = ("updated_at", "settings_updated_at")
    assert {**now, **dict.fromkeys(pace)} == {**row, **dict.fromkeys(pace)}


def test_models_that_the_team_of_a_key_lacks_are_warned_of(sandbox, run_module, world, alias):
    """LiteLLM gives them to a key that does not move, and then refuses each request for them."""
    options = {"key_alias": alias, "models": ["gpt-4", "gpt-4o-mini"], **world({"team_id": "2"})}
    words = f"{alias}: models: the team '{options['team_id']}' does not have 'gpt-4'. It has gpt-4o-mini."
    predicted, made = (run_module("litellm_key", check=check, **options) for check in (True, False))
    assert made.changed and words in str(predicted.warnings) and words in str(made.warnings)
    first, second = (answers(sandbox, made.key, model) for model in options["models"])
    assert (first in (401, 403), second) == (True, 200)  # LiteLLM 1.83 says 401


@pytest.mark.parametrize("how", [{"unset": ["team_id"]}, {"team_id": ""}])
def test_a_key_that_leaves_its_team_reaches_no_more_models_than_before(sandbox, run_module, world, alias, how):
    """Without a team, all-team-models means all models of the proxy."""
    key = run_module("litellm_key", key_alias=alias, **world({"team_id": "2"})).key
    assert (answers(sandbox, key, "gpt-4o-mini"), answers(sandbox, key, "gpt-4") == 200) == (200, False)
    predicted = run_module("litellm_key", check=True, key_alias=alias, **how)
    left = run_module("litellm_key", key_alias=alias, **how)
    assert not left.failed, left.msg
    assert predicted.diff["after"]["models"] == left.virtual_key["models"] == ["gpt-4o-mini"]
    assert (answers(sandbox, key, "gpt-4o-mini"), answers(sandbox, key, "gpt-4") == 200) == (200, False)
    with sandbox.writes() as written:
        assert not run_module("litellm_key", key_alias=alias, **how).changed
    assert written == []
    assert run_module("litellm_key", key_alias=alias, models=["gpt-4"], **how).changed


def test_a_key_joins_a_project_of_its_team_and_never_another_one(sandbox, run_module, world, alias):
    """Only licensed proxies make projects; all let keys refer to them."""
    teams = {f"{alias}-p{name}": world({"team_id": name})["team_id"] for name in ("1", "2")}
    for project, team in teams.items():
        sandbox.execute(
            'INSERT INTO "LiteLLM_ProjectTable" (project_id, team_id, models, created_by, updated_by) '
            "VALUES (%s, %s, '{}', 'test', 'test')",
            project,
            team,
        )
    join = {"key_alias": alias, **world({"team_id": "1"}), "project_id": f"{alias}-p1"}
    try:
        run_module("litellm_key", key_alias=alias, **world({"team_id": "1"}))
        joined = run_module("litellm_key", **join)
        if version_tuple(sandbox.litellm_version) < (1, 109):
            assert joined.failed and "does not change project_id (since 1.109.0)" in joined.msg
            return
        assert not joined.failed and sandbox.keys(alias)[alias]["project_id"] == f"{alias}-p1", joined.msg
        with sandbox.writes() as written:
            assert not run_module("litellm_key", **join).changed
            moved = run_module("litellm_key", **{**join, "project_id": f"{alias}-p2"})
        assert written == [] and moved.failed and "cannot change project_id of an existing virtual key" in moved.msg
        assert not run_module("litellm_key", key_alias=alias, unset=["project_id"]).failed
        both = {**world({"team_id": "2"}), "project_id": f"{alias}-p2"}
        assert not run_module("litellm_key", key_alias=alias, **both).failed
        row = sandbox.keys(alias)[alias]
        assert {name: row[name] for name in both} == both
    finally:
        sandbox.execute('DELETE FROM "LiteLLM_ProjectTable" WHERE starts_with(project_id, %s)', alias)


def test_models_that_are_declared_are_those_of_the_key_that_leaves(sandbox, run_module, world, alias):
    key = run_module("litellm_key", key_alias=alias, **world({"team_id": "2"})).key
    left = run_module("litellm_key", key_alias=alias, unset=["team_id"], models=["all-team-models"])
    assert not left.failed and "all models of the proxy" in str(left.warnings)
    assert answers(sandbox, key, "gpt-4") == 200
