# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The example platform on a real LiteLLM: declared, declared again, changed, used, and torn down."""

from __future__ import annotations

import copy
import json
import re
import secrets
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.litemaas.virtual_keys.tests.integration.laws import too_old

EXAMPLES = Path(__file__).resolve().parents[3] / "playbooks" / "examples"
# What LiteLLM keeps of what is gone, and of what was done. It does not delete the budgets of members.
HISTORY = ("Deleted", "SpendLog", "Daily", "AuditLog", "ErrorLogs", "Health", "Heartbeat", "CronJob", "BudgetTable")

# Random, as what issuers choose, and with the same mask.
FIRST, SECOND = "sk-14Gv8Rk2Wp9Xt5Bn7Jq3Lz6M0h07", "sk-17Tb3Nf6Yc9Dw2Hs8Pm5Kx4V0h07"


@pytest.fixture
def variables(sandbox, tmp_path) -> dict[str, Any]:
    """The variables of the example under names of this test, with a model that answers by itself."""
    beginning = f"t{secrets.token_hex(4)}-"
    text = (EXAMPLES / "vars" / "platform.yml").read_text(encoding="utf-8")
    names = ("openai-platform", "platform-gpt-4o-mini", "ann@", "ben@", "data-science", "support")
    for name in names:
        text = text.replace(name, beginning + name)
    given: dict[str, Any] = yaml.safe_load(text.replace(f"{beginning}data-science-", f"{beginning}keys-"))
    given["platform_credentials"][0]["credential_values"] = {"api_key": FIRST}
    given["platform_models"][0]["model_name"] = f"{beginning}model"
    given["platform_models"][0]["litellm_params"].update(
        mock_response="Hello", input_cost_per_token=0.5, output_cost_per_token=0.5
    )
    for team in given["platform_teams"]:
        team["models"] = [f"{beginning}model"]
    if too_old(sandbox, "1.90.0"):
        del given["platform_teams"][0]["members"][1]["budget_duration"]
    given["platform_values_file"] = str(tmp_path / "values.yml")
    return given


@pytest.fixture
def run(play, tmp_path, variables) -> Iterator[Any]:
    def run(playbook: str, given: dict[str, Any] = variables, *more: str) -> Any:
        file = tmp_path / "platform.json"
        file.write_text(json.dumps(given))
        done = play(str(EXAMPLES / playbook), "-e", f"@{file}", *more, secret=(FIRST, SECOND))
        assert done.rc == 0, done.messages
        return done

    yield run
    run("delete_platform.yml", {**variables, "platform_force": True})


def everything(sandbox) -> dict[str, list[str]]:
    """All rows of all tables, but for what LiteLLM keeps of what is gone."""
    query = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
    names = [row["tablename"] for row in sandbox.rows(query)]
    tables = [name for name in names if not any(part in name for part in HISTORY)]
    return {name: rows_of(sandbox, name) for name in tables}


def rows_of(sandbox, table: str) -> list[str]:
    rows = [row["row"] for row in sandbox.rows(f"SELECT to_jsonb(t) - 'updated_at' AS row FROM \"{table}\" t")]
    # LiteLLM makes the user of the master key with the first team.
    return sorted(str(row) for row in rows if row.get("user_id") != "default_user_id")


def differences(done: Any) -> list[str]:
    """The lines of a run's diff."""
    return [line for line in done.output.splitlines() if line.startswith(("+ ", "- ", "~ "))]


@pytest.mark.long
def test_a_platform_from_one_file(sandbox, run, variables) -> None:
    before = everything(sandbox)
    with sandbox.writes() as writes:
        planned = differences(run("platform.yml", variables, "--check"))
    assert writes == []
    assert differences(run("platform.yml")) == planned
    with sandbox.writes() as writes:
        assert run("platform.yml").changed == 0
    assert writes == []

    changed = copy.deepcopy(variables)
    changed["platform_credentials"][0]["credential_values"]["api_key"] = SECOND
    changed["platform_models"][0]["litellm_params"]["rpm"] = 400
    changed["platform_teams"][0]["max_budget"] = 300
    changed["platform_teams"][0]["members"][1]["max_budget_in_team"] = 60
    changed["platform_keys"][2]["rpm_limit"] = 30
    with sandbox.writes() as writes:
        assert len(differences(run("platform.yml", changed))) == 5
    assert len(writes) == 5, writes
    with sandbox.writes() as writes:
        assert run("platform.yml", changed).changed == 0
    assert writes == []

    run("delete_platform.yml")
    assert everything(sandbox) == before
    with sandbox.writes() as writes:
        assert run("delete_platform.yml").changed == 0
    assert writes == []


@pytest.mark.parametrize("thing", ["none", "credentials", "models", "users", "teams"])
def test_no_secret_is_shown_whichever_item_fails(play, tmp_path, run, variables, thing: str) -> None:
    """Ansible prints the item of a loop with its result, also if it fails."""
    hidden = "Never-Shown-4Gv8Rk2Wp9Xt5"
    given = copy.deepcopy(variables)
    given["platform_models"][0]["litellm_params"].update(
        api_key=f"{hidden}-1", api_base=f"https://ann:{hidden}-2@h/v1", extra_headers={"X-Gate": f"{hidden}-3"}
    )
    given["platform_models"][0]["model_info"] = {"health_check_params": {"api_key": f"{hidden}-4"}}
    given["platform_credentials"][0]["credential_values"]["db_password"] = f"{hidden}-5"
    given["platform_credentials"][0]["credential_info"]["access_token"] = f"{hidden}-6"
    if thing == "models":
        given["platform_models"][0]["litellm_params"]["api_base"] = ""
    elif thing != "none":
        identity = {"credentials": "credential_name", "users": "user_id", "teams": "team_id"}[thing]
        given[f"platform_{thing}"].append({**given[f"platform_{thing}"][0], identity: "a\nb"})
    file = tmp_path / "given.json"
    file.write_text(json.dumps(given))
    done = play(str(EXAMPLES / "platform.yml"), "-v", "-e", f"@{file}", secret=(hidden, FIRST))
    assert bool(done.rc) is (thing != "none"), done.messages
    assert "no_log" not in done.messages


def chat(sandbox, variables: dict[str, Any], alias: str) -> Any:
    values = yaml.safe_load(Path(variables["platform_values_file"]).read_text())["litellm_vkey_values"]
    body = {"model": variables["platform_models"][0]["model_name"], "messages": [{"role": "user", "content": "Hi"}]}
    return sandbox.call("POST", "/v1/chat/completions", body, key=values[alias])


def refused_chat(sandbox, variables: dict[str, Any], alias: str) -> Any:
    """The first answer that is a refusal. Older versions count what was spent with a delay."""
    for _attempt in range(60):
        answer = chat(sandbox, variables, alias)
        if answer.status_code != 200:
            return answer
        time.sleep(1)
    raise AssertionError("no request was refused within a minute")


def test_people_and_services_use_it_until_a_budget_is_spent(sandbox, run, variables) -> None:
    """Each answer costs some USD. A member's budget stops the member, and the team's budget stops everybody."""
    team, other = variables["platform_teams"]
    team["max_budget"], team["members"][1]["max_budget_in_team"], other["max_budget"] = 1000, 1, 1
    run("platform.yml")
    ann, ben, bot = (key["key_alias"] for key in variables["platform_keys"])
    for alias, owner in ((ben, "TeamMember="), (bot, "Team=")):
        first = chat(sandbox, variables, alias)
        assert (first.status_code, first.json()["choices"][0]["message"]["content"]) == (200, "Hello"), first.text
        refusal = refused_chat(sandbox, variables, alias)
        assert refusal.status_code in (400, 422, 429), refusal.text
        # Older versions do not say whose budget it is.
        assert owner in refusal.text or too_old(sandbox, "1.106.0")
        assert "udget" in refusal.text
    assert chat(sandbox, variables, ann).status_code == 200


def test_each_entry_takes_all_options_and_no_other(sandbox, run, play, variables, tmp_path) -> None:
    """Options that were left out silently: a team that was not blocked, a user without a budget."""
    variables["platform_users"][0]["max_budget"] = 20
    team = variables["platform_teams"][0]
    team.update(rpm_limit=77, blocked=True)
    variables["platform_teams"].append({"team_id": f"{team['team_id']}-empty"})
    run("platform.yml")
    (row,) = sandbox.rows('SELECT * FROM "LiteLLM_TeamTable" WHERE team_id = %s', team["team_id"])
    assert (row["rpm_limit"], row["blocked"]) == (77, True)
    user_id = variables["platform_users"][0]["user_id"]
    (row,) = sandbox.rows('SELECT * FROM "LiteLLM_UserTable" WHERE user_id = %s', user_id)
    assert row["max_budget"] == 20
    wrong = copy.deepcopy(variables)
    kinds = ("credentials", "models", "users", "teams", "keys")
    for kind in kinds:
        wrong[f"platform_{kind}"][0]["max_bugdet"] = 1
    file = tmp_path / "wrong.json"
    file.write_text(json.dumps(wrong))
    with sandbox.requests_made() as made:
        refused = play(str(EXAMPLES / "platform.yml"), "--check", "-e", f"@{file}", secret=(FIRST,))
    assert (refused.rc != 0, made) == (True, [])
    for kind in kinds:
        assert re.search(rf"{kind}\[1\] \([^)]+\): unknown option max_bugdet", refused.messages), kind


def test_the_nightly_report_names_what_differs_and_fails(sandbox, run, play, variables, tmp_path) -> None:
    """Also an object that nobody declares. It changes nothing."""
    run("platform.yml")
    report = {**variables, "platform_output_dir": str(tmp_path / "drift"), "platform_report_undeclared": ["teams"]}
    team = variables["platform_teams"][0]["team_id"]
    other = f"{team}-other"

    def told(*more: str) -> Any:
        file = tmp_path / "report.json"
        file.write_text(json.dumps(report))
        with sandbox.writes() as writes:
            done = play(str(EXAMPLES / "report_drift.yml"), "-e", f"@{file}", *more, secret=(FIRST,))
        assert writes == []
        return done

    mine = {"platform_report_undeclared": []}
    as_declared = told("-e", json.dumps(mine))
    assert as_declared.rc == 0, as_declared.messages
    assert "The proxy is as declared." in (tmp_path / "drift" / "drift.html").read_text()
    sandbox.call("POST", "/team/update", {"team_id": team, "max_budget": 7}).raise_for_status()
    sandbox.call("POST", "/team/new", {"team_id": other}).raise_for_status()
    try:
        differing = told()
    finally:
        sandbox.call("POST", "/team/delete", {"team_ids": [other]}).raise_for_status()
    assert differing.rc == 2
    assert f"~ teams: {team}  max_budget 7 -> 200" in differing.output
    assert f"? teams: {other}" in differing.output
    written = json.loads((tmp_path / "drift" / "drift.json").read_text())
    assert [(one["kind"], one["name"]) for one in written["changed"]] == [("teams", team)]
    assert {"kind": "teams", "name": other} in written["not_declared"]
    assert other in (tmp_path / "drift" / "drift.html").read_text()


def test_a_pull_request_shows_keys_and_no_secret(sandbox, run, variables) -> None:
    """With as much output as Ansible has. The fixture holds that no value is in it."""
    new = run("platform.yml", variables, "--check", "-v")
    assert differences(new)[-1] == f"+ keys: {variables['platform_keys'][2]['key_alias']}"
    run("platform.yml", variables, "-v")
    variables["platform_keys"][2]["rpm_limit"] = 30
    variables["platform_credentials"][0]["credential_values"]["api_key"] = SECOND
    shown = differences(run("platform.yml", variables, "--check", "-v"))
    assert f"~ keys: {variables['platform_keys'][2]['key_alias']}  rpm_limit 60 -> 30" in shown
    assert any(line.startswith("~ credentials: ") and "(changed)" in line for line in shown)
    assert len(shown) == 2
