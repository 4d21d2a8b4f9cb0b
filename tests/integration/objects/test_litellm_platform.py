# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One task for a whole platform on a real LiteLLM: order, refusals, moves, deletions, and what it costs."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from typing import Any

import pytest

SEED = secrets.token_urlsafe(40)


@pytest.fixture
def name(sandbox) -> Iterator[str]:
    """The beginning of this test's names. What has it is removed at the end."""
    beginning = f"t{secrets.token_hex(4)}-"
    yield beginning
    owned = {
        "keys": ('SELECT token FROM "LiteLLM_VerificationToken" WHERE starts_with(key_alias, %s)', "/key/delete"),
        "team_ids": ('SELECT team_id FROM "LiteLLM_TeamTable" WHERE starts_with(team_id, %s)', "/team/delete"),
        "user_ids": ('SELECT user_id FROM "LiteLLM_UserTable" WHERE starts_with(user_id, %s)', "/user/delete"),
    }
    for option, (query, path) in owned.items():
        ids = [value for row in sandbox.rows(query, beginning) for value in row.values()]
        for start in range(0, len(ids), 100):
            sandbox.call("POST", path, {option: ids[start : start + 100]}).raise_for_status()
    for row in sandbox.rows('SELECT budget_id FROM "LiteLLM_BudgetTable" WHERE starts_with(budget_id, %s)', beginning):
        sandbox.call("POST", "/budget/delete", {"id": row["budget_id"]})
    for table, column in (("AccessGroupTable", "access_group_name"), ("TagTable", "tag_name")):
        sandbox.execute(f'DELETE FROM "LiteLLM_{table}" WHERE starts_with({column}, %s)', beginning)


@pytest.fixture
def platform(run_module) -> Callable[..., Any]:
    """Declares a platform. Its keys have values of a seed."""

    def run(check: bool = False, **options: Any) -> Any:
        keys = [{"key_seed": SEED, "value_policy": "keep", **key} for key in options.pop("keys", [])]
        return run_module("litellm_platform", check=check, keys=keys, **options)

    return run


def members_of(sandbox, team_id: str) -> set[str]:
    (row,) = sandbox.rows('SELECT members_with_roles FROM "LiteLLM_TeamTable" WHERE team_id = %s', team_id)
    return {member["user_id"] for member in row["members_with_roles"]} - {"default_user_id"}


def several(name: str, users: int, teams: int) -> dict[str, list[dict[str, Any]]]:
    """A platform with users, each a member of one team, in which the user has a key."""
    people = [f"{name}user-{number}@example.com" for number in range(users)]
    groups = [f"{name}team-{number}" for number in range(teams)]
    team_of = {person: groups[number % teams] for number, person in enumerate(people)}
    return {
        "users": [{"user_id": person, "max_budget": 20, "user_role": "internal_user"} for person in people],
        "teams": [
            {
                "team_id": group,
                "max_budget": 100,
                "members": [{"user_id": person} for person in people if team_of[person] == group],
            }
            for group in groups
        ],
        "keys": [
            {"key_alias": f"{name}key-{number}", "user_id": person, "team_id": team_of[person], "rpm_limit": 60}
            for number, person in enumerate(people)
        ],
    }


def test_a_second_run_asks_little_and_writes_nothing(sandbox, platform, name) -> None:
    declared = several(name, 60, 6)
    planned = platform(check=True, **declared).summary
    assert platform(**declared).summary == planned
    assert planned["create"] == 60 + 6 + 60
    with sandbox.requests_made() as made:
        again = platform(**declared)
    assert (again.changed, again.drift["differs"]) == (False, False)
    everybody = sandbox.rows('SELECT count(*) FROM "LiteLLM_UserTable"')[0]["count"]
    # The users in pages, each team once, and the keys.
    assert len(made) <= -(-everybody // 100) + 6 + 12, made
    assert members_of(sandbox, declared["teams"][0]["team_id"]) == {
        member["user_id"] for member in declared["teams"][0]["members"]
    }


def test_people_swap_their_teams_with_their_keys(sandbox, platform, name) -> None:
    """LiteLLM deletes the keys of a member in the team with the member, and takes no key of a user who is none."""
    declared = several(name, 2, 2)
    platform(**declared)
    sandbox.execute('UPDATE "LiteLLM_VerificationToken" SET spend = 7 WHERE starts_with(key_alias, %s)', name)
    before = {alias: row["token"] for alias, row in sandbox.keys(name).items()}

    first, second = declared["teams"]
    first["members"], second["members"] = second["members"], first["members"]
    for key, team in zip(declared["keys"], (second, first), strict=True):
        key["team_id"] = team["team_id"]
    planned = platform(check=True, members_mode="replace", **declared)
    moved = platform(members_mode="replace", **declared)
    assert not moved.failed, moved.msg
    assert moved.summary == planned.summary
    after = sandbox.keys(name)
    assert {alias: row["token"] for alias, row in after.items()} == before
    assert [row["spend"] for row in after.values()] == [7, 7]
    for key, team in zip(declared["keys"], (second, first), strict=True):
        assert after[key["key_alias"]]["team_id"] == team["team_id"]
        assert members_of(sandbox, team["team_id"]) == {key["user_id"]}
    with sandbox.writes() as writes:
        assert not platform(members_mode="replace", **declared).changed
    assert writes == []


@pytest.mark.since("1.106.2")
def test_all_who_name_a_model_follow_it_to_its_new_name(sandbox, platform, run_module, name) -> None:
    def declared(model: str) -> dict[str, Any]:
        return {
            "models": [{"model_id": f"{name}id", "model_name": model, "litellm_params": {"model": "openai/gpt-4"}}],
            "access_groups": [{"access_group_name": f"{name}group", "access_model_names": [model]}],
            "fallbacks": [{"model": model, "fallback_models": ["gpt-4"]}],
            "teams": [{"team_id": f"{name}team", "models": [model], "model_aliases": {"best": model}}],
            "keys": [{"key_alias": f"{name}key", "team_id": f"{name}team", "models": [model]}],
        }

    old, new = f"{name}old", f"{name}new"
    try:
        platform(**declared(old))
        with sandbox.writes() as writes:
            refused = platform(**declared(new))
        assert (f"which is named by 1 fallback ({old})." in refused.msg, writes) == (True, [])

        renamed = declared(new)
        renamed["fallbacks"].append({"model": old, "state": "absent"})
        assert platform(check=True, **renamed).changed
        done = platform(**renamed)
        assert not done.failed, done.msg
        (key,) = sandbox.keys(name).values()
        (team,) = sandbox.rows('SELECT models FROM "LiteLLM_TeamTable" WHERE team_id = %s', f"{name}team")
        assert (key["models"], team["models"]) == ([new], [new])
        with sandbox.writes() as writes:
            assert not platform(**renamed).changed
        assert writes == []
    finally:
        for model in (old, new):
            run_module("litellm_fallback", model=model, state="absent")
        run_module("litellm_model", model_id=f"{name}id", state="absent", force=True)


def test_all_mistakes_are_named_before_the_first_request(sandbox, platform, name) -> None:
    declared = several(name, 2, 1)
    declared["users"][1]["max_bugdet"] = 1
    declared["teams"][0].update(team_alias="Data science", rpm_limit=-1)
    declared["teams"][0]["members"][0]["rol"] = "admin"
    declared["keys"].append({"key_alias": declared["keys"][0]["key_alias"]})
    with sandbox.requests_made() as made:
        refused = platform(**declared)
    assert (refused.failed, made) == (True, [])
    for sentence in (
        f"users[2] ({name}user-1@example.com): unknown option max_bugdet (did you mean max_budget?).",
        "teams[1] (Data science): unknown option members.rol.",
        f"keys[1] ({name}key-0), keys[3] ({name}key-0): declared 2 times.",
    ):
        assert sentence in refused.msg


def test_what_the_task_creates_counts_as_existing_and_nothing_else(sandbox, platform, name) -> None:
    declared: dict[str, Any] = {
        "budgets": [{"budget_id": f"{name}shared", "max_budget": 5}],
        "tags": [{"name": f"{name}tag", "budget_id": f"{name}shared"}],
        "access_groups": [{"access_group_name": f"{name}group", "assigned_team_ids": [f"{name}team"]}],
        "teams": [{"team_id": f"{name}team", "access_group_ids": [f"{name}group"]}],
        "keys": [{"key_alias": f"{name}key", "team_id": f"{name}team", "budget_id": f"{name}shared"}],
    }
    with sandbox.writes() as writes:
        wrong = {**declared, "keys": [{"key_alias": f"{name}key", "team_id": f"{name}none"}]}
        refused = platform(**wrong)
        assert platform(check=True, **wrong).msg == refused.msg
        planned = platform(check=True, **declared)
    assert (refused.failed, writes) == (True, [])
    assert f"the proxy has no team '{name}none'" in refused.msg
    assert not planned.failed, planned.msg
    done = platform(**declared)
    assert not done.failed, done.msg
    assert done.summary == planned.summary
    (group,) = sandbox.rows('SELECT * FROM "LiteLLM_AccessGroupTable" WHERE access_group_name = %s', f"{name}group")
    (team,) = sandbox.rows('SELECT * FROM "LiteLLM_TeamTable" WHERE team_id = %s', f"{name}team")
    assert (group["assigned_team_ids"], team["access_group_ids"]) == ([f"{name}team"], [group["access_group_id"]])
    with sandbox.writes() as writes:
        assert not platform(**declared).changed
    assert writes == []


def test_nothing_goes_if_others_need_any_of_it(sandbox, platform, run_module, name) -> None:
    declared = several(name, 2, 1)
    platform(**declared)
    run_module("litellm_key", key_alias=f"{name}foreign", team_id=f"{name}team-0", key_seed=SEED)
    for check in (True, False):
        with sandbox.writes() as writes:
            refused = platform(check=check, state="absent", **declared)
        assert (refused.failed, writes) == (True, [])
        assert f"teams: {name}team-0: LiteLLM deletes the keys of a team" in refused.msg
        assert f"has 1: {name}foreign" in refused.msg
    gone = platform(state="absent", force=True, **declared)
    assert (gone.failed, gone.summary["delete"]) == (False, 2 + 1 + 2)
    assert sandbox.keys(name) == {}
    assert sandbox.rows('SELECT * FROM "LiteLLM_UserTable" WHERE starts_with(user_id, %s)', name) == []
    assert not platform(state="absent", **declared).changed


def test_more_members_than_declared_are_not_removed(sandbox, platform, run_module, name) -> None:
    declared = several(name, 2, 1)
    platform(**declared)
    run_module("litellm_team_members", team_id=f"{name}team-0", members=[{"user_id": f"{name}guest"}])
    refused = platform(state="absent", **declared)
    assert "3 members would be removed, and prune_limit allows 2" in refused.msg
    assert len(sandbox.keys(name)) == 2
    assert not platform(state="absent", force=True, **declared).failed


def test_the_others_are_served_if_one_fails_and_nothing_is_deleted(sandbox, platform, name) -> None:
    """Which models there are for a credential only the server knows."""
    platform(users=[{"user_id": f"{name}old"}])
    failed = platform(
        credentials=[{"credential_name": f"{name}bad", "model_id": "none-such"}],
        users=[{"user_id": f"{name}new"}, {"user_id": f"{name}old", "state": "absent"}],
        keys=[{"key_alias": f"{name}key"}],
        return_values=True,
    )
    assert failed.failed
    assert f"credentials: {name}bad: " in failed.msg
    assert f"users: {name}old: Not tried" in failed.msg
    assert [one["action"] for one in failed.users] == ["create", "none"]
    assert failed.virtual_keys[0]["key"].startswith("sk-")
    assert {row["user_id"] for row in sandbox.rows('SELECT user_id FROM "LiteLLM_UserTable"')} >= {
        f"{name}new",
        f"{name}old",
    }


def test_values_that_nobody_would_know_are_refused(sandbox, run_module, name) -> None:
    with sandbox.writes() as writes:
        refused = run_module("litellm_platform", keys=[{"key_alias": f"{name}key"}])
    assert (refused.failed, writes) == (True, [])
    assert "Set values_file" in refused.msg
    made = run_module("litellm_platform", keys=[{"key_alias": f"{name}key"}], return_values=True)
    assert made.virtual_keys[0]["key"].startswith("sk-")


def test_ten_changes_behind_its_back(sandbox, platform, name) -> None:
    """The report names exactly these."""
    declared = several(name, 4, 2)
    declared["budgets"] = [{"budget_id": f"{name}budget", "max_budget": 5}]
    platform(**declared)
    team, user = f"{name}team-", f"{name}user-"
    for path, body in (
        ("/team/update", {"team_id": f"{team}0", "max_budget": 500}),
        ("/team/update", {"team_id": f"{team}1", "rpm_limit": 9}),  # not declared
        ("/team/member_delete", {"team_id": f"{team}1", "user_id": f"{user}1@example.com"}),  # and the key with it
        ("/user/update", {"user_id": f"{user}0@example.com", "max_budget": 1}),
        ("/user/delete", {"user_ids": [f"{user}3@example.com"]}),  # and the key, and the member
        ("/budget/update", {"budget_id": f"{name}budget", "max_budget": 6}),
        ("/team/new", {"team_id": f"{team}9"}),
        ("/key/generate", {"key_alias": f"{name}other", "key": f"sk-{secrets.token_urlsafe(24)}"}),
        ("/key/update", {"key": sandbox.keys(name)[f"{name}key-2"]["token"], "rpm_limit": 1}),
        ("/key/block", {"key": sandbox.keys(name)[f"{name}key-2"]["token"]}),  # not declared
    ):
        sandbox.call("POST", path, body).raise_for_status()
    with sandbox.writes() as writes:
        report = platform(check=True, report_undeclared=["teams", "keys"], strict=True, **declared)
    assert (report.failed, writes) == (False, [])
    drift = report.drift

    def named(part: str) -> list[tuple[str, str]]:
        return sorted((one["kind"], one["name"]) for one in drift[part] if one["name"].startswith(name))

    def fields(part: str, kind: str, of: str) -> dict[str, Any]:
        (one,) = (one for one in drift[part] if (one["kind"], one["name"]) == (kind, of))
        return one["fields"]

    assert named("missing") == [("keys", f"{name}key-1"), ("keys", f"{name}key-3"), ("users", f"{user}3@example.com")]
    assert named("changed") == [
        ("budgets", f"{name}budget"),
        ("keys", f"{name}key-2"),
        ("members", f"{team}1"),
        ("teams", f"{team}0"),
        ("users", f"{user}0@example.com"),
    ]
    assert named("not_declared") == [("keys", f"{name}other"), ("teams", f"{team}9")]
    assert fields("changed", "teams", f"{team}0") == {"max_budget": {"declared": 100.0, "actual": 500.0}}
    assert fields("undeclared_fields", "teams", f"{team}1") == {"rpm_limit": 9}
    assert fields("undeclared_fields", "keys", f"{name}key-2")["blocked"] is True
    repaired = platform(**declared)
    assert not repaired.failed, repaired.msg
    assert platform(check=True, **declared).drift["differs"] is False


def of_other_kinds(name: str) -> dict[str, list[dict[str, Any]]]:
    """Objects of the kinds without people, each with what somebody else changes."""
    model, guardrail, server = f"{name}model", f"{name}guardrail", f"{name}server".replace("-", "_")
    return {
        "credentials": [
            {
                "credential_name": f"{name}credential",
                "credential_values": {"api_key": SEED},
                "credential_info": {"a": "1"},
            }
        ],
        "models": [
            {
                "model_id": model,
                "model_name": model,
                "litellm_params": {"model": "openai/gpt-4o", "mock_response": "Hello", "rpm": 5},
                "model_info": {"cost_center": "0017"},
            }
        ],
        "guardrails": [
            {
                "guardrail_name": guardrail,
                "litellm_params": {"guardrail": "litellm_content_filter", "mode": "pre_call", "default_on": False},
            }
        ],
        "mcp_servers": [
            {
                "server_id": server,
                "server_name": server,
                "alias": server,
                "url": "http://127.0.0.1:9/mcp",
                "transport": "http",
            }
        ],
        "mcp_toolsets": [
            {
                "toolset_name": f"{name}toolset",
                "description": "one",
                "tools": [{"server_id": server, "tool_name": "read"}],
            }
        ],
        "search_tools": [
            {
                "search_tool_name": f"{name}search",
                "litellm_params": {"search_provider": "tavily", "api_key": SEED, "timeout": 20},
            }
        ],
        "fallbacks": [{"model": model, "fallback_models": ["gpt-4"]}],
        "pass_throughs": [
            {
                "endpoint_id": f"{name}endpoint",
                "path": f"/{name}x",
                "target": "http://127.0.0.1:9",
                "request_timeout": 3,
            }
        ],
        "tags": [{"name": f"{name}tag", "description": "one"}],
        "access_groups": [{"access_group_name": f"{name}group", "description": "one"}],
        "customers": [{"user_id": f"{name}customer", "max_budget": 1}],
        "policies": [{"policy_name": f"{name}policy", "description": "one", "guardrails_add": [guardrail]}],
        "default_settings": [{"applies_to": "teams", "tpm_limit": 1000}],
    }


# What somebody else changes about them: by the module of the object, the options that identify it, and others.
CHANGED: dict[str, tuple[str, str, dict[str, Any], set[str]]] = {
    "credentials": ("litellm_credential", "credential_name", {"credential_info": {"a": "2"}}, {"credential_info"}),
    "models": ("litellm_model", "model_id", {"litellm_params": {"rpm": 6}}, {"litellm_params"}),
    "guardrails": ("litellm_guardrail", "guardrail_name", {"litellm_params": {"default_on": True}}, {"litellm_params"}),
    "mcp_servers": ("litellm_mcp_server", "server_id", {"url": "http://127.0.0.1:8/mcp"}, {"url"}),
    "mcp_toolsets": ("litellm_mcp_toolset", "toolset_name", {"description": "two"}, {"description"}),
    "search_tools": (
        *("litellm_search_tool", "search_tool_name"),
        *({"litellm_params": {"timeout": 21, "api_key": SEED}}, {"litellm_params"}),
    ),
    "fallbacks": ("litellm_fallback", "model", {"fallback_models": ["gpt-4o-mini"]}, {"fallback_models"}),
    "pass_throughs": ("litellm_pass_through", "endpoint_id", {"request_timeout": 4}, {"request_timeout"}),
    "tags": ("litellm_tag", "name", {"description": "two"}, {"description"}),
    "access_groups": ("litellm_access_group", "access_group_name", {"description": "two"}, {"description"}),
    "customers": ("litellm_customer", "user_id", {"max_budget": 2}, {"max_budget"}),
    "policies": ("litellm_policy", "policy_name", {"description": "two"}, {"description"}),
    "default_settings": ("litellm_default_settings", "applies_to", {"tpm_limit": 2000}, {"tpm_limit"}),
}


@pytest.mark.long
@pytest.mark.since("1.106.2")
@pytest.mark.parametrize("what", ["changed", "missing"])
def test_changes_behind_its_back_of_all_other_kinds(sandbox, platform, run_module, name, what) -> None:
    """The report names exactly these, and nothing of what is as it was made."""
    declared = of_other_kinds(name)
    try:
        made = platform(**declared)
        assert not made.failed, made.msg
        before = platform(check=True, strict=True, report_undeclared=list(declared), **declared).drift
        assert (before["differs"], before["undeclared_fields"]) == (bool(before["not_declared"]), [])
        assert not [one for one in before["not_declared"] if one["name"].startswith(name)]
        for kind, (module, identity, options, _fields) in reversed(CHANGED.items()):
            given = {identity: declared[kind][0][identity]}
            done = run_module(
                module, **given, **(options if what == "changed" else {"state": "absent", **force(module)})
            )
            assert (done.failed, done.changed) == (False, True), done
        drift = platform(check=True, strict=True, report_undeclared=list(declared), **declared).drift
        assert drift["not_declared"] == before["not_declared"]
        assert {part: drift[part] for part in ("unwanted", "undeclared_fields")} == {
            "unwanted": [],
            "undeclared_fields": [],
        }
        if what == "changed":
            assert drift["missing"] == []
            assert {one["kind"]: set(one["fields"]) for one in drift["changed"]} == {
                kind: fields for kind, (*_how, fields) in CHANGED.items()
            }
        else:
            # The defaults are there, with nothing in them.
            assert sorted(one["kind"] for one in drift["missing"]) == sorted(declared.keys() - {"default_settings"})
            assert [one["kind"] for one in drift["changed"]] == ["default_settings"]
        repaired = platform(**declared)
        assert not repaired.failed, repaired.msg
        assert platform(check=True, **declared).drift["differs"] is False
    finally:
        platform(state="absent", force=True, **declared)


def force(module: str) -> dict[str, bool]:
    """The option with which an object goes that others need."""
    return {"force": True} if module in ("litellm_model", "litellm_guardrail", "litellm_mcp_server") else {}


def test_pruning_takes_what_bears_the_mark_or_is_named(sandbox, platform, name) -> None:
    mark = {"managed_by": name}
    teams = [{"team_id": f"{name}team-{number}", "metadata": mark} for number in range(4)]
    budgets = [{"budget_id": f"{name}budget-{number}", "max_budget": 1} for number in range(2)]
    platform(teams=[*teams, {"team_id": f"{name}other"}], budgets=budgets)

    def pruned(check: bool = False, **options: Any) -> Any:
        return platform(check=check, teams=teams[:3], budgets=budgets[:1], **options)

    with sandbox.writes() as writes:
        for options, sentence in (
            ({"prune": ["teams"]}, "set prune_metadata or prune_names"),
            ({"prune": ["users"], "prune_metadata": mark}, "users is empty"),
            ({"prune": ["budgets"], "prune_metadata": mark}, "budgets have no metadata"),
            ({"prune": ["teams"], "prune_metadata": {"managed_by": ""}}, "managed_by has no value"),
            ({"prune": ["team"], "prune_metadata": mark}, "team is not one of"),
            ({"prune": ["teams"], "prune_metadata": mark, "prune_limit": 0}, "prune_limit allows 0"),
        ):
            refused = pruned(**options)
            assert (refused.failed, sentence in refused.msg) == (True, True), refused.msg
        chosen = {
            "prune": ["teams", "budgets"],
            "prune_metadata": mark,
            "prune_names": {"budgets": [f"{name}budget-1"]},
        }
        planned = pruned(check=True, **chosen)
    assert writes == []
    assert sorted(one["name"] for one in planned.pruned) == [f"{name}budget-1", f"{name}team-3"]
    done = pruned(**chosen)
    assert (done.failed, done.pruned) == (False, planned.pruned)
    left = [row["team_id"] for row in sandbox.rows('SELECT team_id FROM "LiteLLM_TeamTable"')]
    assert {one for one in left if one.startswith(name)} == {f"{name}other", *(team["team_id"] for team in teams[:3])}
    assert not pruned(**chosen).changed


def test_pruning_takes_no_team_with_keys_of_others(sandbox, platform, run_module, name) -> None:
    mark = {"managed_by": name}
    teams = [{"team_id": f"{name}team-{number}", "metadata": mark} for number in range(2)]
    platform(teams=teams)
    run_module("litellm_key", key_alias=f"{name}key", team_id=f"{name}team-1", key_seed=SEED)
    options = {"teams": teams[:1], "prune": ["teams"], "prune_metadata": mark}
    with sandbox.writes() as writes:
        refused = platform(**options)
    assert (refused.failed, writes) == (True, [])
    assert f"this team has 1: {name}key" in refused.msg
    assert not platform(**options, force=True).failed
    assert sandbox.keys(name) == {}
