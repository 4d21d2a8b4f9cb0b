# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page docs/awx.md on a real AWX: what it says to do, the surveys, and the jobs."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
import requests
from client import ARTIFACT_PASSWORD, BIN, PAGE, SEED, Awx, Job, Run, token_of
from servers import PASSWORD

CREATE, CHANGE = "Workshop: create keys", "Workshop: block or replace a key"
REPORT, DELETE = "Workshop: report the usage", "Workshop: delete keys"
ENOUGH = {"litellm_vkey_alias": "python-course", "litellm_vkey_models": "gpt-4"}
PERSON = {"litellm_vkey_alias": "python-course", "workshop_person": "ann", "workshop_key_action": "block"}

pytestmark = pytest.mark.usefixtures("configured")


def test_a_second_run_changes_nothing(configured: dict[str, list[Run]]) -> None:
    assert [run.changed for run in configured["types"]] == [True, False]
    assert [run.changed for run in configured["templates"]] == [True, False]


def test_without_credentials_it_says_what_to_create(configured: dict[str, list[Run]]) -> None:
    (run,) = configured["early"]
    assert run.code != 0
    said = re.sub(r"\s+", " ", run.output)
    assert 'create one of type "LiteLLM proxy" and one of type "LiteLLM workshop secrets"' in said


def test_ids_choose_among_credentials_of_one_name(
    awx: Awx, command: Callable[..., Run], create_credentials: Callable[[str], list[int]]
) -> None:
    awx.create("organizations/", name="Other")
    proxy, secrets = create_credentials("Other")
    chosen = [f"-eawx_proxy_credential={proxy}", f"-eawx_secrets_credential={secrets}"]
    assert [command("awx_project=", *chosen).changed for _time in range(2)] == [True, False]
    template = awx.one("job_templates", CREATE)
    assert {one["id"] for one in template["summary_fields"]["credentials"]} == {proxy, secrets}


def test_an_administrator_of_an_organization_creates_job_templates(awx: Awx, command: Callable[..., Run]) -> None:
    user = awx.create("users/", username="organizer", password=PASSWORD)
    awx.call("POST", f"organizations/{awx.one('organizations', 'Default')['id']}/admins/", id=user["id"])
    awx.call("DELETE", f"job_templates/{awx.one('job_templates', DELETE)['id']}/")
    token = token_of(awx.servers, "organizer")
    assert [command("awx_project=", token=token).changed for _time in range(2)] == [True, False]


@pytest.mark.parametrize(
    ("template", "answers", "variable"),
    [
        (CREATE, {"litellm_vkey_models": "gpt-4"}, "litellm_vkey_alias"),
        (CREATE, {"litellm_vkey_alias": "python-course"}, "litellm_vkey_models"),
        (CREATE, {**ENOUGH, "litellm_vkey_alias": ""}, "litellm_vkey_alias"),
        (CREATE, {**ENOUGH, "litellm_vkey_alias": "a" * 101}, "litellm_vkey_alias"),
        (CREATE, {**ENOUGH, "litellm_vkey_models": "m" * 4097}, "litellm_vkey_models"),
        (CREATE, {**ENOUGH, "litellm_vkey_users": "u" * 65537}, "litellm_vkey_users"),
        (CREATE, {**ENOUGH, "litellm_vkey_user_count": 0}, "litellm_vkey_user_count"),
        (CREATE, {**ENOUGH, "litellm_vkey_user_count": 10001}, "litellm_vkey_user_count"),
        (CREATE, {**ENOUGH, "litellm_vkey_user_count": 2.5}, "litellm_vkey_user_count"),
        (CREATE, {**ENOUGH, "litellm_vkey_max_budget": -1}, "litellm_vkey_max_budget"),
        (CREATE, {**ENOUGH, "litellm_vkey_max_budget": 100001}, "litellm_vkey_max_budget"),
        (CREATE, {**ENOUGH, "litellm_vkey_max_budget": "much"}, "litellm_vkey_max_budget"),
        (CREATE, {**ENOUGH, "litellm_vkey_total_budget": 0}, "litellm_vkey_total_budget"),
        (CREATE, {**ENOUGH, "litellm_vkey_total_budget": 1000001}, "litellm_vkey_total_budget"),
        (CREATE, {**ENOUGH, "litellm_vkey_budget_duration": "1" * 11}, "litellm_vkey_budget_duration"),
        (CREATE, {**ENOUGH, "litellm_vkey_duration": "1" * 11}, "litellm_vkey_duration"),
        (CREATE, {**ENOUGH, "litellm_vkey_expires_at": "2" * 41}, "litellm_vkey_expires_at"),
        (CHANGE, {**PERSON, "litellm_vkey_alias": ""}, "litellm_vkey_alias"),
        (CHANGE, {**PERSON, "workshop_person": ""}, "workshop_person"),
        (CHANGE, {**PERSON, "workshop_key_action": "remove"}, "workshop_key_action"),
        (REPORT, {}, "litellm_vkey_alias"),
        (DELETE, {}, "litellm_vkey_alias"),
        (DELETE, {"litellm_vkey_alias": ""}, "litellm_vkey_alias"),
    ],
)
def test_a_survey_refuses(awx: Awx, template: str, answers: dict[str, Any], variable: str) -> None:
    refused = awx.launch(template, answers)
    assert refused.status_code == 400, refused.text
    assert variable in str(refused.json()["variables_needed_to_start"])


def stored_by_awx(awx: Awx) -> dict[str, str]:
    """All that AWX has in its database and in its logs, by table and by file."""
    with psycopg.connect(awx.servers.database_url) as database:
        tables = database.execute("SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public'").fetchall()
        texts = {name: str(database.execute(f"SELECT t::text FROM {name} t").fetchall()) for (name,) in tables}
    files = [path for path in awx.servers.folder.rglob("*") if path.is_file()]
    return texts | {str(path): path.read_text(errors="replace") for path in files}


def published(job: Job, folder: Path) -> dict[str, dict[str, Any]]:
    """The people in the artifact of a job by alias, opened by the commands of the page."""
    (folder / "artifacts.json").write_text(json.dumps(job.values["artifacts"]))
    (folder / "password").write_text(ARTIFACT_PASSWORD)
    (commands,) = re.findall(r"^  ```bash\n(.*?)^  ```", PAGE, re.DOTALL | re.MULTILINE)
    environment = {"PATH": f"{BIN}:/usr/bin:/bin", "ANSIBLE_VAULT_PASSWORD_FILE": "password"}
    shown = subprocess.run(
        ["bash", "-ec", commands], cwd=folder, env=environment, capture_output=True, text=True, check=True, timeout=60
    )
    return {person["alias"]: person for person in json.loads(shown.stdout)["users"]}


class Workshop:
    """What LiteLLM has of a workshop."""

    def __init__(self, proxy: dict[str, str], alias: str) -> None:
        self.proxy = proxy
        self.alias = alias

    @property
    def keys(self) -> dict[str, dict[str, Any]]:
        """The keys by alias."""
        query = 'SELECT key_alias, row_to_json(t) FROM "LiteLLM_VerificationToken" t WHERE starts_with(key_alias, %s)'
        with psycopg.connect(self.proxy["database_url"]) as database:
            return dict(database.execute(query, [self.alias]).fetchall())

    def works(self, value: str) -> bool:
        """Whether a model answers to a key."""
        body = {"model": "gpt-4", "messages": [{"role": "user", "content": "Hello"}]}
        headers = {"Authorization": f"Bearer {value}"}
        return requests.post(f"{self.proxy['api_url']}/chat/completions", json=body, headers=headers, timeout=60).ok


def test_the_jobs_of_a_workshop(awx: Awx, proxy: dict[str, str], alias: str, tmp_path: Path) -> None:
    workshop = Workshop(proxy, alias)
    name = {"litellm_vkey_alias": alias}
    # The form leaves out what is empty.
    answers = {**name, "litellm_vkey_models": "gpt-4\ngpt-4o-mini", "litellm_vkey_user_count": 3}

    assert awx.run(CREATE, answers, job_type="check", diff_mode=True).changed and not workshop.keys
    created = awx.run(CREATE, answers)
    assert created.changed and "3 unchanged" in awx.run(CREATE, answers).output
    people = published(created, tmp_path)
    assert {one: row["token"] for one, row in workshop.keys.items()} == {
        one: person["key_id"] for one, person in people.items()
    }
    values = [person["key"] for person in people.values()]
    assert len(values) == 3 and all(map(workshop.works, values))

    person = f"{alias}-user2"
    value = people[person]["key"]

    def change(action: str) -> Job:
        return awx.run(CHANGE, {**name, "workshop_person": "user2", "workshop_key_action": action})

    assert change("block").changed and not workshop.works(value) and not change("block").changed
    assert change("unblock").changed and workshop.works(value)
    replaced = published(change("replace"), tmp_path)[person]["key"]
    assert workshop.works(replaced) and not workshop.works(value)

    assert "3 keys" in awx.run(REPORT, name).output
    assert awx.run(DELETE, name).changed and not workshop.keys

    stored = stored_by_awx(awx)
    assert alias in stored["main_jobevent"]
    secret = (*values, replaced, proxy["master_key"], SEED, ARTIFACT_PASSWORD)
    assert [name for name, text in stored.items() if any(one in text for one in secret)] == []


def test_a_job_without_files(awx: Awx, command: Callable[..., Run], alias: str, tmp_path: Path) -> None:
    """The variable that the page names is in the template, where the playbook leaves it."""
    (variable,) = re.findall(r"`(litellm_vkey_output_dir: .*?)`", PAGE)
    for template in (CREATE, REPORT):
        awx.call("PATCH", f"job_templates/{awx.one('job_templates', template)['id']}/", extra_vars=variable)
    command("awx_project=")
    name = {"litellm_vkey_alias": alias}
    answers = {**name, "litellm_vkey_models": "gpt-4"}
    created = awx.run(CREATE, answers)
    assert created.changed and list(published(created, tmp_path)) == [f"{alias}-user1"]
    assert not awx.run(CREATE, answers).changed
    assert not awx.run(REPORT, name).changed


def test_a_job_with_all_answers(awx: Awx, proxy: dict[str, str], alias: str) -> None:
    answers = {
        "litellm_vkey_alias": alias,
        "litellm_vkey_models": "gpt-4, gpt-4o-mini",
        "litellm_vkey_users": "ann\nben@example.org",
        "litellm_vkey_user_count": 10000,
        "litellm_vkey_max_budget": 2.5,
        "litellm_vkey_total_budget": 4,
        "litellm_vkey_budget_duration": "1d",
        "litellm_vkey_duration": "3d",
        "litellm_vkey_expires_at": "2031-03-14T18:00:00+01:00",
    }
    assert awx.run(CREATE, answers).changed
    keys = Workshop(proxy, alias).keys
    assert len(keys) == 2 and {key["max_budget"] for key in keys.values()} == {2.5}
    assert {key["expires"][:16] for key in keys.values()} == {"2031-03-14T17:00"}
    assert awx.run(DELETE, {"litellm_vkey_alias": alias}).changed
