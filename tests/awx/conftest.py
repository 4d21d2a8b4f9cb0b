# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""
A real AWX, configured as docs/awx.md says, and a real LiteLLM.

AWX_SOURCE is a checkout of the source of AWX, and SANDBOX_JSON the file that describes a running sandbox.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

sys.path.insert(0, str(Path(__file__).resolve().parent))

from client import ARTIFACT_PASSWORD, BIN, PAGE, ROOT, SEED, Awx, Run, token_of
from installation import Installation
from servers import USER, Servers


@pytest.fixture(scope="session")
def proxy() -> dict[str, str]:
    description: dict[str, str] = json.loads(Path(os.environ["SANDBOX_JSON"]).read_text(encoding="utf-8"))
    return description


@pytest.fixture(scope="session")
def awx(proxy: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Awx]:
    installation = Installation(Path(os.environ["AWX_SOURCE"])).complete()
    servers = Servers(installation, tmp_path_factory.mktemp("awx"), proxy["database_url"])
    with servers.running():
        yield Awx(servers, token_of(servers, USER))


@pytest.fixture(scope="session")
def command(awx: Awx) -> Callable[..., Run]:
    """Runs the command of the page that contains some words, with arguments of the test's own."""
    paths = f"{os.environ['ANSIBLE_COLLECTIONS_PATH']}{os.pathsep}{awx.servers.installation.collections}"
    environment = {
        **os.environ,
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
        "ANSIBLE_COLLECTIONS_PATH": paths,
        "CONTROLLER_HOST": awx.servers.url,
    }

    def command(words: str, *arguments: str, token: str = awx.token) -> Run:
        (found,) = [one for one in re.findall(r"^```bash\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE) if words in one]
        shell = ["bash", "-c", f'{found.rstrip()} "$@"', "bash", *arguments]
        done = subprocess.run(
            shell,
            env={**environment, "CONTROLLER_OAUTH_TOKEN": token},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=300,
        )
        return Run(done.returncode, done.stdout)

    return command


@pytest.fixture(scope="session")
def project(awx: Awx, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The project of the page, with this collection as an archive, after AWX has updated it."""
    folder = tmp_path_factory.mktemp("project")
    build = [BIN / "ansible-galaxy", "collection", "build", "--output-path", folder, ROOT]
    subprocess.run(build, check=True, stdout=subprocess.DEVNULL)
    (archive,) = folder.glob("*.tar.gz")
    for name, text in re.findall(r"^```yaml\n# (\S+\.yml)\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE):
        content = yaml.safe_load(text)
        if name == "collections/requirements.yml":
            assert content == {"collections": [{"name": "litemaas.virtual_keys"}]}
            content["collections"] = [{"name": str(archive), "type": "file"}]
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(yaml.safe_dump(content))
    git = ["git", "-C", folder, "-c", "user.name=Test", "-c", "user.email=test@example.org"]
    for arguments in (["init", "--quiet"], ["add", "--all", "*.yml"], ["commit", "--quiet", "--message=All"]):
        subprocess.run([*git, *arguments], check=True)
    organization = awx.one("organizations", "Default")["id"]
    named = {"name": "Workshops", "scm_type": "git", "scm_url": f"file://{folder}", "organization": organization}
    created = awx.create("projects/", **named)
    update = awx.ended(f"project_updates/{created['summary_fields']['current_job']['id']}/")
    assert update["status"] == "successful", awx.output(f"project_updates/{update['id']}/")
    return created


@pytest.fixture(scope="session")
def create_credentials(awx: Awx, proxy: dict[str, str]) -> Callable[[str], list[int]]:
    """Creates a credential of each type in an organization, with the names of their types, and returns their IDs."""
    inputs = {
        "LiteLLM proxy": {"url": proxy["api_url"], "key": proxy["master_key"]},
        "LiteLLM workshop secrets": {"key_seed": SEED, "artifact_password": ARTIFACT_PASSWORD},
    }

    def create(organization: str) -> list[int]:
        owner = awx.one("organizations", organization)["id"]
        kinds = {name: awx.one("credential_types", name)["id"] for name in inputs}
        named = [{"name": name, "credential_type": kinds[name], "inputs": inputs[name]} for name in inputs]
        return [awx.create("credentials/", organization=owner, **one)["id"] for one in named]

    return create


@pytest.fixture(scope="session")
def configured(
    command: Callable[..., Run], project: dict[str, Any], create_credentials: Callable[[str], list[int]]
) -> dict[str, list[Run]]:
    """What the commands of the page said: before there are credentials, and twice when there are."""
    types = [command("--tags credential_types") for _time in range(2)]
    assert types[0].code == 0, types[0].output
    early = command("awx_project=")
    create_credentials("Default")
    return {"types": types, "early": [early], "templates": [command("awx_project=") for _time in range(2)]}


@pytest.fixture
def alias() -> str:
    return f"awx-{secrets.token_hex(4)}"
