# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""
As AWX runs a job: by ansible-runner, with the credential types and the survey of this collection.

A credential's variables are in the environment or in a file of their own, and the answers of a survey are text.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import ansible_runner
import jinja2
import pytest
import yaml
from ansible.parsing.dataloader import DataLoader

from ..conftest import KEY_VALUE, ROOT

AWX = ROOT / "playbooks" / "awx"
MEMBER = Path("ansible_collections", "litemaas", "virtual_keys")
BIN = Path(sys.executable).parent
PASSWORD = "a password for tests only"
SEED = "a seed for tests only, of 32 characters and more"
# As AWX's own inventory has it.
INVENTORY = "localhost ansible_connection=local ansible_python_interpreter='{{ ansible_playbook_python }}'"


def load(name: str) -> dict[str, dict[str, Any]]:
    (content,) = DataLoader().load_from_file(str(AWX / name)).values()
    return {one["name"]: one for one in content}


TEMPLATES = load("job_templates.yml")
CREATE, CHANGE = "Workshop: create keys", "Workshop: block or replace a key"


@pytest.fixture
def job(sandbox, alias, tmp_path) -> dict[str, Any]:
    """What AWX passes to ansible-runner for a job that creates keys."""
    answers = {
        "litellm_vkey_models": "gpt-4\ngpt-4o-mini",
        "litellm_vkey_user_count": "3",
        "litellm_vkey_max_budget": "5",
    }
    return job_of(sandbox, TEMPLATES[CREATE], tmp_path / "job", litellm_vkey_alias=alias, **answers)


def job_of(sandbox, template: dict[str, Any], data: Path, **answers: str) -> dict[str, Any]:
    """What AWX passes to ansible-runner for a job of a template."""
    credentials = {
        "LiteLLM proxy": {"url": sandbox.api_url, "key": sandbox.master_key},
        "LiteLLM workshop secrets": {"key_seed": SEED, "artifact_password": PASSWORD},
    }
    (configure,) = yaml.safe_load((AWX / "configure.yml").read_text())
    chosen = [jinja2.Template(text).render(configure["vars"]) for text in template["credentials"]]
    assert list(credentials) == chosen
    injected: dict[str, dict[str, str]] = {"env": {}, "extra_vars": {}}
    for name, inputs in credentials.items():
        for target, texts in load("credential_types.yml")[name]["injectors"].items():
            injected[target] |= {variable: jinja2.Template(text).render(inputs) for variable, text in texts.items()}

    defaults = {question["variable"]: question["default"] for question in template["survey"]["spec"]}
    assert set(answers) <= set(defaults)

    for folder in ("project", "inventory", "env"):
        (data / folder).mkdir(parents=True)
    playbook = "litemaas.virtual_keys.examples." + template["playbook"].removesuffix(".yml")
    (data / "project" / template["playbook"]).write_text(f"- import_playbook: {playbook}\n")
    (data / "inventory" / "hosts").write_text(INVENTORY)
    (data / "env" / "credential").write_text(json.dumps(injected["extra_vars"]))
    return {
        "private_data_dir": str(data),
        "playbook": template["playbook"],
        "extravars": {**defaults, **answers, "litellm_vkey_batch_size": "1"},
        "cmdline": "-e @../env/credential",
        "envvars": {
            "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
            "ANSIBLE_COLLECTIONS_PATH": os.environ["ANSIBLE_COLLECTIONS_PATH"],
            **injected["env"],
        },
        "suppress_env_files": True,
        "quiet": True,
    }


def has_no_secret(sandbox, folder: Path) -> None:
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert sum("job_events" in str(path) for path in files) > 20
    for path in files:
        if path.name == "command":
            continue  # ansible-runner itself writes the environment there; AWX keeps it from its users
        text = path.read_text()
        assert PASSWORD not in text
        assert sandbox.master_key not in text and SEED not in text and not KEY_VALUE.search(text), path.name


def published(events: Iterable[dict[str, Any]], folder: Path) -> dict[str, str]:
    """The aliases and the key IDs in the encrypted artifact of a job, which is opened by the commands of the page."""
    (artifacts,) = [event["event_data"]["artifact_data"] for event in events if event["event"] == "playbook_on_stats"]
    (folder / "artifacts.json").write_text(json.dumps(artifacts))
    (folder / "password").write_text(PASSWORD)
    page = (ROOT / "docs" / "awx.md").read_text()
    (commands,) = re.findall(r"^  ```bash\n(.*?)^  ```", page, re.DOTALL | re.MULTILINE)
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "ANSIBLE_VAULT_PASSWORD_FILE": "password"}
    shell = ["bash", "-ec", commands]
    shown = subprocess.run(shell, cwd=folder, env=environment, capture_output=True, text=True, check=True, timeout=60)
    return {person["alias"]: person["key_id"] for person in json.loads(shown.stdout)["users"]}


@pytest.mark.parametrize("verbosity", [0, 4])
def test_job_template(sandbox, alias, job, tmp_path, verbosity):
    def run_job():
        return ansible_runner.run(**job, verbosity=verbosity or None)

    done = run_job()
    assert done.rc == 0, done.stdout.read()
    assert done.stats["changed"] == {"localhost": 1}
    with done.stdout as output:
        assert "2 of 3 keys written" in output.read()
    rows = sandbox.keys(alias)
    assert len(rows) == 3 and {row["max_budget"] for row in rows.values()} == {5.0}
    assert run_job().stats["changed"] == {}
    assert published(done.events, tmp_path) == {name: row["token"] for name, row in rows.items()}
    has_no_secret(sandbox, Path(job["private_data_dir"]) / "artifacts")


def test_job_that_changes_a_key(sandbox, alias, job, tmp_path):
    assert ansible_runner.run(**job).rc == 0
    before = sandbox.keys(alias)

    def change(action: str) -> dict[str, dict[str, Any]]:
        answers = {"workshop_person": "user2", "workshop_key_action": action}
        given = job_of(sandbox, TEMPLATES[CHANGE], tmp_path / action, litellm_vkey_alias=alias, **answers)
        done = ansible_runner.run(**given)
        assert done.rc == 0, done.stdout.read()
        has_no_secret(sandbox, tmp_path / action / "artifacts")
        assert ansible_runner.run(**given).stats["changed"] == {}
        rows = sandbox.keys(alias)
        others = [name for name in before if not name.endswith("user2")]
        assert {name: rows[name] for name in others} == {name: before[name] for name in others}
        if action == "replace":
            assert published(done.events, tmp_path)[f"{alias}-user2"] == rows[f"{alias}-user2"]["token"]
        return rows[f"{alias}-user2"]

    assert change("block")["blocked"] is True
    assert change("unblock")["blocked"] is False
    replaced = change("replace")
    assert replaced["token"] != before[f"{alias}-user2"]["token"] and replaced["max_budget"] == 5.0
    assert len(sandbox.keys(alias)) == 3


def test_job_on_another_machine(sandbox, alias, job, tmp_path):
    """As the mesh of AWX carries it: transmitted, worked on in another folder, and processed where it came from."""
    sent, answered, received = (tmp_path / name for name in ("sent", "answered", "received"))
    with sent.open("wb") as stream:
        ansible_runner.run(streamer="transmit", _output=stream, **job)
    worker = [BIN / "ansible-runner", "worker", "--private-data-dir", tmp_path / "worker"]
    with sent.open("rb") as stream, answered.open("wb") as output:
        subprocess.run(worker, stdin=stream, stdout=output, check=True, timeout=120)
    received.mkdir()
    events: list[dict[str, Any]] = []

    def keep(event: dict[str, Any]) -> bool:
        events.append(event)
        return True  # ansible-runner keeps it, too

    with answered.open("rb") as stream:
        done = ansible_runner.run(
            streamer="process", _input=stream, private_data_dir=str(received), event_handler=keep, quiet=True
        )
    assert done.status == "successful"
    rows = sandbox.keys(alias)
    assert len(rows) == 3 and published(events, tmp_path) == {name: row["token"] for name, row in rows.items()}
    has_no_secret(sandbox, received / "artifacts")


def test_execution_environment(tmp_path):
    """ansible-builder finds what the collection requires, and builds what the documentation shows."""
    (folder,) = (
        path for path in os.environ["ANSIBLE_COLLECTIONS_PATH"].split(os.pathsep) if (Path(path) / MEMBER).exists()
    )
    introspect = [BIN / "ansible-builder", "introspect", "--user-pip", os.devnull, folder]
    found = subprocess.run(introspect, capture_output=True, text=True, check=True, timeout=60)
    required = yaml.safe_load(found.stdout)
    assert [line.partition("#")[0].strip() for line in required["python"]] == ["requests>=2.28"]
    assert required["system"] == []

    page = (ROOT / "docs" / "awx.md").read_text()
    (definition,) = re.findall(r"^```yaml\n(# execution-environment.yml\n.*?)^```", page, re.DOTALL | re.MULTILINE)
    (tmp_path / "execution-environment.yml").write_text(definition)
    subprocess.run([BIN / "ansible-builder", "create"], cwd=tmp_path, capture_output=True, check=True, timeout=60)
    assert "litemaas.virtual_keys" in (tmp_path / "context" / "_build" / "requirements.yml").read_text()
