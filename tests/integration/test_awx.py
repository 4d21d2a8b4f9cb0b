# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""As AWX runs a job: by ansible-runner, with a credential in the environment and a survey's answers as text."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import ansible_runner
import pytest
from ansible.parsing.vault import VaultLib, VaultSecret

from .conftest import KEY_VALUE

PASSWORD = "a password for tests only"
SEED = "a seed for tests only, of 32 characters and more"


@pytest.mark.parametrize("verbosity", [0, 4])
def test_job_template(sandbox, alias, tmp_path, verbosity):
    survey = {
        "litellm_vkey_alias": alias,
        "litellm_vkey_models": "gpt-4, gpt-4o-mini",
        "litellm_vkey_user_count": "3",
        "litellm_vkey_max_budget": "5",
        "litellm_vkey_expires_at": "",
        "litellm_vkey_batch_size": "1",
    }
    # AWX hands a credential's extra variables over in a file of their own.
    credential = tmp_path / "credential.json"
    credential.write_text(json.dumps({"litellm_vkey_key_seed": SEED, "litellm_vkey_artifact_password": PASSWORD}))
    (tmp_path / "project").mkdir()
    # As AWX's own inventory has it.
    (tmp_path / "inventory").mkdir()
    host = "localhost ansible_connection=local ansible_python_interpreter='{{ ansible_playbook_python }}'"
    (tmp_path / "inventory" / "hosts").write_text(host)

    def run_job():
        return ansible_runner.run(
            private_data_dir=str(tmp_path),
            playbook="litemaas.virtual_keys.examples.create_workshop_keys",
            extravars=survey,
            cmdline=f"-e @{credential}",
            envvars={
                "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
                "LITELLM_PROXY_URL": sandbox.api_url,
                "LITELLM_PROXY_API_KEY": sandbox.master_key,
                "ANSIBLE_COLLECTIONS_PATH": os.environ["ANSIBLE_COLLECTIONS_PATH"],
            },
            suppress_env_files=True,
            verbosity=verbosity or None,
            quiet=True,
        )

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
