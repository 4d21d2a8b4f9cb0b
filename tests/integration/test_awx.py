# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""As AWX runs a job: by ansible-runner, with a credential in the environment and a survey's answers as text."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import ansible_runner
import pytest
from ansible.parsing.vault import VaultLib, VaultSecret

from .conftest import KEY_VALUE, Sandbox

PASSWORD = "a password for tests only"
SEED = "a seed for tests only, of 32 characters and more"


class Job:
    """A job template: an inventory, a credential in the environment, and another one as a file of variables."""

    def __init__(self, sandbox: Sandbox, folder: Path) -> None:
        self.folder = folder
        self._sandbox = sandbox
        # AWX hands a credential's extra variables over in a file of their own.
        self._credential = folder / "credential.json"
        self._credential.write_text(
            json.dumps({"litellm_vkey_key_seed": SEED, "litellm_vkey_artifact_password": PASSWORD})
        )
        (folder / "project").mkdir()
        # As AWX's own inventory has it.
        (folder / "inventory").mkdir()
        host = "localhost ansible_connection=local ansible_python_interpreter='{{ ansible_playbook_python }}'"
        (folder / "inventory" / "hosts").write_text(host)

    def run(self, playbook: str, survey: dict[str, str], verbosity: int = 0) -> Any:
        return ansible_runner.run(
            private_data_dir=str(self.folder),
            playbook=playbook,
            extravars=survey,
            cmdline=f"-e @{self._credential}",
            envvars={
                "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
                "LITELLM_PROXY_URL": self._sandbox.api_url,
                "LITELLM_PROXY_API_KEY": self._sandbox.master_key,
                "ANSIBLE_COLLECTIONS_PATH": os.environ["ANSIBLE_COLLECTIONS_PATH"],
            },
            suppress_env_files=True,
            verbosity=verbosity or None,
            quiet=True,
        )

    def refuse(self, playbook: str, survey: dict[str, str]) -> str:
        """What the one failed task says."""
        job = self.run(playbook, survey)
        assert job.rc != 0
        (failed,) = [event["event_data"]["res"]["msg"] for event in job.events if event["event"] == "runner_on_failed"]
        return str(failed)


@pytest.fixture
def job_template(sandbox, tmp_path) -> Job:
    return Job(sandbox, tmp_path)


@pytest.mark.parametrize("verbosity", [0, 4])
def test_job_template(sandbox, alias, tmp_path, job_template, verbosity):
    survey = {
        "litellm_vkey_alias": alias,
        "litellm_vkey_models": "gpt-4, gpt-4o-mini",
        "litellm_vkey_user_count": "3",
        "litellm_vkey_max_budget": "5",
        "litellm_vkey_expires_at": "",
        "litellm_vkey_batch_size": "1",
    }

    def run_job():
        return job_template.run("litemaas.virtual_keys.examples.create_workshop_keys", survey, verbosity)

    job = run_job()
    assert job.rc == 0, job.stdout.read()
    assert job.stats["changed"] == {"localhost": 3}  # the folder, the keys, what is handed out
    with job.stdout as output:
        assert "2 of 3 keys written" in output.read()
    rows = sandbox.keys(alias)
    assert len(rows) == 3 and {row["max_budget"] for row in rows.values()} == {5.0}
    assert run_job().stats["changed"] == {}

    (artifact,) = [
        event["event_data"]["artifact_data"]["litellm_vkey_artifact"]
        for event in job.events
        if event["event"] == "playbook_on_stats"
    ]
    vault = VaultLib([("default", VaultSecret(PASSWORD.encode()))])
    published = {person["alias"]: person["key_id"] for person in json.loads(vault.decrypt(artifact))["users"]}
    assert published == {name: row["token"] for name, row in rows.items()}

    artifacts = [path for path in (tmp_path / "artifacts").rglob("*") if path.is_file()]
    assert sum("job_events" in str(path) for path in artifacts) > 20
    for path in artifacts:
        if path.name == "command":
            continue  # ansible-runner itself writes the environment there; AWX keeps it from its users
        text = path.read_text()
        assert PASSWORD not in text
        assert sandbox.master_key not in text and SEED not in text and not KEY_VALUE.search(text), path.name


REPORT = "litemaas.virtual_keys.examples.report_usage"
BLANK = {
    REPORT: (
        *("api_url", "master_key", "api_timeout", "verify_ssl", "ca_path", "retry_count", "usage_filter", "users"),
        *("users_file", "total_budget", "output_dir", "output_title", "usage_formats", "time_zone"),
    ),
    "hand_out.yml": (
        *("output_dir", "output_formats", "output_title", "output_note", "output_base_url", "time_zone", "no_log"),
        *("output_mail_from", "output_mail_subject", "output_namespace", "output_html_template"),
        *("output_env_template", "output_mail_template", "output_kubernetes_template"),
    ),
}


@pytest.fixture
def hand_out(job_template, alias) -> str:
    """A playbook of one's own that hands out what a survey asks for."""
    play = """
- hosts: localhost
  gather_facts: false
  tasks:
    - ansible.builtin.include_role: {name: litemaas.virtual_keys.hand_out_keys}
      vars:
        litellm_vkey_result:
          {user: ann, alias: ALIAS-ann, key: sk-0123456789abcdefgh, key_id: "0", api_base_url: https://x/v1}
"""
    (job_template.folder / "project" / "hand_out.yml").write_text(play.replace("ALIAS", alias))
    return "hand_out.yml"


@pytest.mark.parametrize("playbook", BLANK)
def test_blank_answers_are_no_answers(sandbox, manage, alias, job_template, hand_out, playbook):
    manage(users=["ann"])
    survey = {"litellm_vkey_alias": alias, **{f"litellm_vkey_{name}": "" for name in BLANK[playbook]}}
    job = job_template.run(playbook, survey)
    assert job.rc == 0, job.stdout.read()
    folder = job_template.folder / "project" / alias
    files = {path.name for path in folder.iterdir()} if folder.exists() else set()
    assert files == (set() if playbook == REPORT else {"keys.csv", "keys.json", "slips.html"})
    with job.stdout as output:
        assert "sk-" not in output.read()


def test_answers_as_text(sandbox, manage, alias, job_template, hand_out):
    manage(users=["ann"])
    answers = {"api_timeout": "20", "verify_ssl": "False", "retry_count": "2", "total_budget": "12.50"}
    answers |= {"usage_formats": "csv\nhtml", "users": "ann, ben", "output_dir": f"{job_template.folder}/usage"}
    survey = {"litellm_vkey_alias": alias, **{f"litellm_vkey_{name}": text for name, text in answers.items()}}
    job = job_template.run(REPORT, survey)
    with job.stdout as output:
        assert job.rc == 0 and "1 key, 0 used, 0.00 USD of 12.50 USD." in output.read()
    assert {path.name for path in (job_template.folder / "usage").iterdir()} == {"usage.csv", "usage.html"}

    answers = {"output_formats": "csv\nenv", "no_log": "True", "output_dir": f"{job_template.folder}/keys"}
    survey = {"litellm_vkey_alias": alias, **{f"litellm_vkey_{name}": text for name, text in answers.items()}}
    assert job_template.run(hand_out, survey).rc == 0
    assert {path.name for path in (job_template.folder / "keys").iterdir()} == {"keys.csv", "keys.json", "env"}


@pytest.mark.parametrize(
    ("playbook", "answer", "sentence"),
    [
        (REPORT, {"api_timeout": "soon"}, "litellm_vkey_api_timeout must be a whole number, not 'soon'."),
        (REPORT, {"verify_ssl": "perhaps"}, "litellm_vkey_verify_ssl must be true or false, not 'perhaps'."),
        (REPORT, {"users_file": "none.csv"}, "litellm_vkey_users_file, none.csv: "),
        (
            "hand_out.yml",
            {"output_formats": "csv, htm"},
            "litellm_vkey_output_formats: 'htm' is not one of csv, json, ",
        ),
    ],
)
def test_an_answer_that_cannot_be_is_refused_in_the_words_of_the_user(
    alias, job_template, hand_out, playbook, answer, sentence
):
    survey = {"litellm_vkey_alias": alias, **{f"litellm_vkey_{name}": text for name, text in answer.items()}}
    assert sentence in job_template.refuse(playbook, survey)


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        ({"output_formats": "csv, pdf"}, "litellm_vkey_output_formats: 'pdf' is not one of csv, json, "),
        ({"output_formats": "mail"}, "Set litellm_vkey_output_mail_from"),
        ({"report_usage": "perhaps"}, "litellm_vkey_report_usage must be true or false, not 'perhaps'."),
    ],
)
def test_what_cannot_be_handed_out_is_refused_before_there_are_keys(sandbox, alias, job_template, answer, sentence):
    survey = {"litellm_vkey_alias": alias, "litellm_vkey_models": "gpt-4", "litellm_vkey_user_count": "2"}
    survey |= {f"litellm_vkey_{name}": text for name, text in answer.items()}
    assert sentence in job_template.refuse("litemaas.virtual_keys.examples.create_workshop_keys", survey)
    assert sandbox.keys(alias) == {} and list((job_template.folder / "project").iterdir()) == []
