# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Public configurations for Terraform, declared in full by the playbook of a platform on a real LiteLLM.

They are TheCodingSheikh/homelab, ministryofjustice/modernisation-platform-environments, and ppat/homelab-ops-terraform.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.litemaas.virtual_keys.tests.integration.laws import too_old

pytestmark = [pytest.mark.quiet, pytest.mark.long]

FOLDER = Path(__file__).resolve().parents[1] / "translations"
EXAMPLES = Path(__file__).resolve().parents[3] / "playbooks" / "examples"
FILES = sorted(file.stem for file in FOLDER.glob("*.yml"))
SECRET = f"sk-{secrets.token_hex(24)}"
# The tables of objects, with the column of the option by which each is declared.
TABLES = {
    "platform_budgets": ("LiteLLM_BudgetTable", "budget_id"),
    "platform_keys": ("LiteLLM_VerificationToken", "key_alias"),
    "platform_mcp_servers": ("LiteLLM_MCPServerTable", "server_id"),
    "platform_models": ("LiteLLM_ProxyModelTable", "model_id"),
    "platform_teams": ("LiteLLM_TeamTable", "team_id"),
    "platform_users": ("LiteLLM_UserTable", "user_id"),
    "platform_vector_stores": ("LiteLLM_ManagedVectorStoresTable", "vector_store_id"),
}
# What the database holds in another form: encrypted, with what LiteLLM adds, or as IDs.
OTHERWISE = {"access_group_ids", "credentials", "litellm_params", "members", "model_info", "static_headers"}
# What a careless person writes in the place of what stands in a file, and what the play says.
CARELESS = [
    ("lab", "soft_budget: 160", "soft_bugdet: 160", "tags[1] (NAME-chat): unknown option soft_bugdet (did you mean"),
    ("lab", "budget_id: NAME-starter\n    rpm", "budget_id: no\n    rpm", "NAME-doctor, NAME-design: budget_id: the"),
    ("lab", "rpm_limit: 2000", "rpm_limit: many", "teams[1] (NAME platform): argument 'rpm_limit' is of type str"),
    ("lab", "max_parallel_requests: 2\n", "max_parallel_requests: two\n", "models[3] (NAME-quick): litellm_params: "),
    ("lab", "{NAME-deep: [", "{model: NAME-deep, fallback_models: [", "teams[1] (NAME platform): router_settings: "),
    ("gateway", "model_aliases:", "model_alias:", "teams[2] (NAME enablement): unknown option model_alias (did you"),
    ("gateway", "ids: [NAME-everybody]", "ids: [NAME-all]", "NAME-data: access_group_ids: the proxy has no access"),
    ("gateway", "max_budget: 500", "max_budget: [500]", "teams[2] (NAME enablement): argument 'max_budget' is of type"),
    ("agents", "{mcp_servers:", "{mcp_server:", "(NAME-batch): object_permission: unknown entry mcp_server (did you"),
    ("agents", "NAME_charts: [search", "NAME_chart: [search", "NAME-claw: object_permission: the proxy has no MCP"),
    ("agents", "{mcp_servers: [NAME_docs]}", "{mcp_servers: NAME_docs}", "mcp_servers must be a list of names or IDs"),
]  # fmt: skip


@pytest.fixture
def name(sandbox) -> str:
    """What the names of a test begin with."""
    if too_old(sandbox, "1.106.0"):
        pytest.skip("needs LiteLLM 1.106")
    return f"t{secrets.token_hex(4)}"


@pytest.fixture
def run(play, tmp_path, name) -> Iterator[Callable[..., Any]]:
    """Runs a playbook of the platform with the text of its declarations."""
    (tmp_path / "platform").mkdir()
    variables = {"platform_values_file": str(tmp_path / "values.yml"), "upstream_key": SECRET}

    def run(playbook: str, text: str, *more: str) -> Any:
        file = tmp_path / "platform" / "all.yml"
        file.write_text(text.replace("NAME", name), encoding="utf-8")
        where = {"platform_dir": str(file.parent)} if playbook == "platform.yml" else {"platform_force": True}
        declared = [] if playbook == "platform.yml" else ["-e", f"@{file}"]
        given = ["-e", json.dumps({**variables, **where}), *declared]
        return play(str(EXAMPLES / playbook), *given, *more, secret=[SECRET])

    return run


def differences(output: str) -> list[str]:
    return [line for line in output.splitlines() if line.startswith(("+ ", "~ ", "- "))]


@pytest.mark.parametrize("configuration", FILES)
def test_a_whole_configuration(sandbox, run, name, configuration: str) -> None:
    """A check tells all that the run does, the database has what is declared, and a second run writes nothing."""
    text = (FOLDER / f"{configuration}.yml").read_text(encoding="utf-8")
    declared = yaml.safe_load(text.replace("NAME", name))
    try:
        with sandbox.writes() as writes:
            checked = run("platform.yml", text, "--check", "--diff")
        assert (checked.rc, checked.changed, writes) == (0, 1, []), checked.messages
        done = run("platform.yml", text, "--diff")
        assert (done.rc, done.changed) == (0, 1), done.messages
        assert differences(done.output) == differences(checked.output)
        for option, (table, column) in TABLES.items():
            for entry in declared.get(option, ()):
                (row,) = sandbox.rows(f'SELECT * FROM "{table}" WHERE {column} = %s', entry[column])
                shared = (entry.keys() & row.keys()) - OTHERWISE
                assert {part: row[part] for part in shared} == {part: entry[part] for part in shared}
        with sandbox.writes() as writes:
            again = run("platform.yml", text)
        assert (again.rc, again.changed, writes) == (0, 0, [])
    finally:
        gone = run("delete_platform.yml", text)
    assert gone.rc == 0, gone.messages
    assert sandbox.keys(f"{name}-") == {}


@pytest.mark.parametrize(("configuration", "right", "wrong", "said"), CARELESS)
def test_a_mistake_is_named_before_anything_is_written(
    sandbox, run, name, configuration: str, right: str, wrong: str, said: str
) -> None:
    text = (FOLDER / f"{configuration}.yml").read_text(encoding="utf-8")
    assert right in text
    with sandbox.writes() as writes:
        done = run("platform.yml", text.replace(right, wrong))
    if writes:
        run("delete_platform.yml", text)  # otherwise, its guardrails would refuse the requests of other tests
    assert (done.rc, writes) == (2, [])
    assert said.replace("NAME", name) in done.messages
