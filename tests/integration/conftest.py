# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""
What the tests against a real LiteLLM share.

SANDBOX_JSON names the file that describes a running sandbox, or several files, as PATH does: then as many processes of
pytest-xdist run side by side, each with a sandbox of its own.
"""

from __future__ import annotations

import importlib
import io
import json
import os
import re
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, redirect_stdout
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import psycopg
import pytest
import requests
from psycopg.rows import dict_row
from psycopg_pool import ConnectionPool

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tooling.module_arguments import module_arguments
from tooling.server import Request, is_write, requests_in
from tooling.warm_start import WarmAnsible, program

ROOT = Path(__file__).resolve().parents[2]
ROLE_PLAYBOOK = Path(__file__).parent / "playbooks" / "result.yml"
MODULES = "ansible_collections.litemaas.virtual_keys.plugins.modules"
KEY_VALUE = re.compile(r"sk-[A-Za-z0-9_-]{16,}")


@dataclass
class Sandbox:
    """A running LiteLLM with its database and its access log."""

    api_url: str
    master_key: str
    litellm_version: str
    database_url: str
    litellm_log: Path
    description: Path

    def call(
        self, method: str, path: str, body: Any = None, key: str | None = None, **options: Any
    ) -> requests.Response:
        """A request of the test's own, past the code that is tested."""
        headers = {"Authorization": f"Bearer {key or self.master_key}"}
        return requests.request(method, self.api_url + path, json=body, headers=headers, timeout=60, **options)

    @cached_property
    def database(self) -> ConnectionPool[psycopg.Connection[dict[str, Any]]]:
        """Connections that are kept: a new one takes 30 times as long as most questions."""
        options = {"autocommit": True, "row_factory": dict_row}
        return ConnectionPool(self.database_url, kwargs=options, min_size=1, check=ConnectionPool.check_connection)

    def rows(self, query: str, *values: Any) -> list[dict[str, Any]]:
        """What the database answers."""
        with self.database.connection() as connection:
            return connection.execute(query, values).fetchall()

    def execute(self, command: str, *values: Any) -> None:
        """Change the database, for what no unlicensed proxy does."""
        with self.database.connection() as connection:
            connection.execute(command, values)

    def keys(self, beginning: str) -> dict[str, dict[str, Any]]:
        """Rows of all keys whose alias begins so, by alias; fails if an alias is there twice."""
        rows = self.rows(
            'SELECT * FROM "LiteLLM_VerificationToken" WHERE starts_with(key_alias, %s) ORDER BY key_alias', beginning
        )
        by_alias = {row["key_alias"]: row for row in rows}
        assert len(by_alias) == len(rows), "an alias is there twice"
        return by_alias

    def requests_made(self) -> AbstractContextManager[list[Request]]:
        """All requests that the proxy answers meanwhile, as method, path and status."""
        return requests_in(self.litellm_log)

    @contextmanager
    def writes(self) -> Iterator[list[Request]]:
        """The writing requests among them."""
        written: list[Request] = []
        with ExitStack() as until:
            made = until.enter_context(self.requests_made())
            yield written
        written += [one for one in made if is_write(*one[:2])]


@dataclass
class Result:
    """What a module returned, or how it failed."""

    values: dict[str, Any]
    output: str = field(repr=False, default="")

    def __getattr__(self, name: str) -> Any:
        return self.values[name]

    @property
    def failed(self) -> bool:
        return bool(self.values.get("failed"))


@dataclass
class Play:
    """How a run of ansible-playbook ended."""

    rc: int
    output: str = field(repr=False)

    @property
    def changed(self) -> int:
        """How many tasks changed something."""
        return sum(int(count) for count in re.findall(r"changed=(\d+)", self.output.rsplit("PLAY RECAP", 1)[-1]))

    @property
    def messages(self) -> str:
        """What the failed tasks say. Before ansible-core 2.19 that stands only in their results."""
        newer = re.findall(r"\[ERROR\]: (.*)", self.output)
        older = re.findall(r'"msg": ("(?:[^"\\]|\\.)*")', self.output)
        return "\n".join(newer or (json.loads(text, strict=False) for text in older))


def described_sandboxes() -> list[Path]:
    return [Path(path) for path in os.environ.get("SANDBOX_JSON", "").split(os.pathsep) if path]


@contextmanager
def described(path: Path) -> Iterator[Sandbox]:
    """The sandbox that a file describes."""
    description = json.loads(path.read_text())
    names = ("api_url", "master_key", "litellm_version", "database_url")
    sandbox = Sandbox(
        **{name: description[name] for name in names}, litellm_log=Path(description["litellm_log"]), description=path
    )
    with sandbox.database:
        yield sandbox


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """First the files that need a quiet server, then those with long tests, so that none works alone at the end."""
    quiet, long = ({item.path for item in items if item.get_closest_marker(name)} for name in ("quiet", "long"))
    items.sort(key=lambda item: (item.path not in quiet, item.path not in long))


def pytest_xdist_auto_num_workers() -> int:
    """One for each sandbox: tests count what their server is asked, and some list all that it has."""
    return max(1, len(described_sandboxes()))


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    paths = described_sandboxes()
    if not paths:
        pytest.exit("SANDBOX_JSON is not set: run these tests by ./tests/run integration.", returncode=2)
    path = paths[int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))]
    with described(path) as sandbox:
        yield sandbox


@pytest.fixture(autouse=True)
def new_enough(request: pytest.FixtureRequest) -> None:
    """Skips what is marked with a LiteLLM version on older ones."""
    from ansible_collections.litemaas.virtual_keys.tests.integration.laws import too_old

    marker = request.node.get_closest_marker("since")
    if marker and too_old(request.getfixturevalue("sandbox"), marker.args[0]):
        pytest.skip(f"needs LiteLLM {marker.args[0]}")


@pytest.fixture
def alias(sandbox: Sandbox) -> Iterator[str]:
    """The beginning of this test's aliases. The keys that have it are removed at the end."""
    beginning = f"t{secrets.token_hex(4)}"
    yield beginning
    tokens = [
        row["token"]
        for row in sandbox.rows(
            'SELECT token FROM "LiteLLM_VerificationToken" WHERE starts_with(key_alias, %s)', beginning
        )
    ]
    for start in range(0, len(tokens), 100):
        sandbox.call("POST", "/key/delete", {"keys": tokens[start : start + 100]}).raise_for_status()


@pytest.fixture(scope="session")
def referred(sandbox: Sandbox) -> Iterator[None]:
    """Access groups, vector stores, and MCP servers to which objects of tests refer by these ids."""
    groups, stores, servers = ("group-1", "group-2"), ("store-1", "store-2"), ("server-1", "server-2")
    for name in groups:
        sandbox.execute(
            'INSERT INTO "LiteLLM_AccessGroupTable" (access_group_id, access_group_name, updated_at) '
            "VALUES (%s, %s, now()) ON CONFLICT DO NOTHING",
            name,
            f"{name} of tests",
        )
    for name in stores:
        sandbox.call("POST", "/vector_store/new", {"vector_store_id": name, "custom_llm_provider": "openai"})
    for name in servers:
        server = {"server_id": name, "server_name": name.replace("-", "_"), "url": "http://127.0.0.1:9"}
        sandbox.call("POST", "/v1/mcp/server", {**server, "transport": "http"})
    yield
    for name in servers:
        sandbox.call("DELETE", f"/v1/mcp/server/{name}")
    for name in groups:
        sandbox.execute('DELETE FROM "LiteLLM_AccessGroupTable" WHERE access_group_id = %s', name)
    for name in stores:
        sandbox.call("POST", "/vector_store/delete", {"vector_store_id": name}).raise_for_status()


@pytest.fixture
def run_module(sandbox: Sandbox) -> Callable[..., Result]:
    """Runs a module's real ``main()`` in this process, with the address and key of the sandbox.

    For an object that has no module, what the module would call takes the place of its name.
    """

    def run(name: str | Callable[[], None], /, check: bool = False, **params: Any) -> Result:
        connection = {"api_url": sandbox.api_url, "api_key": sandbox.master_key}
        arguments = {**connection, **params, "_ansible_check_mode": check, "_ansible_diff": True}
        output = io.StringIO()
        main = name if callable(name) else importlib.import_module(f"{MODULES}.{name}").main
        with module_arguments(arguments), redirect_stdout(output), pytest.raises(SystemExit):
            main()
        return Result(json.loads(output.getvalue()), output.getvalue())

    return run


@pytest.fixture(scope="session")
def warm_ansible(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WarmAnsible]:
    """Ansible, in memory for all plays."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ANSIBLE_LOCALHOST_WARNING", "False")
        patch.setenv("ANSIBLE_NOCOLOR", "True")
        patch.setenv("ANSIBLE_LOCAL_TEMP", str(tmp_path_factory.mktemp("ansible")))
        with closing(WarmAnsible()) as ansible:
            yield ansible


@pytest.fixture
def play(sandbox: Sandbox, warm_ansible: WarmAnsible) -> Callable[..., Play]:
    """Runs ansible-playbook, at -vvv --diff, and holds that no secret is in what it prints.

    ``reveals`` says that the user asked for it; ``secret`` lists what else must not be there. With settings of Ansible
    in ``env``, the program itself starts.
    """

    def run(
        *arguments: str,
        reveals: bool = False,
        secret: tuple[str, ...] = (),
        env: dict[str, str] | None = None,
        cwd: Path = ROOT,
    ) -> Play:
        environment = {
            **os.environ,
            "LITELLM_PROXY_URL": sandbox.api_url,
            "LITELLM_PROXY_API_KEY": sandbox.master_key,
            **(env or {}),
        }
        options = ["-vvv", "--diff", *arguments]
        if any(name.startswith("ANSIBLE_") for name in env or ()):
            done = subprocess.run(
                [program("ansible-playbook"), *options],
                cwd=cwd,
                env=environment,
                capture_output=True,
                text=True,
                timeout=600,
                check=False,
            )
        else:
            done = warm_ansible.start(options, environment, cwd, timeout=600).wait()
        output = done.stdout + done.stderr
        assert "Traceback" not in output
        for text in (sandbox.master_key, *secret):
            assert text not in output, "a secret is in the output"
        found = [] if reveals else KEY_VALUE.findall(output)
        assert not found, f"{len(found)} key values are in the output"
        return Play(done.returncode, output)

    return run


@pytest.fixture
def run_workshop(sandbox, alias, monkeypatch) -> Callable[..., dict[str, Any]]:
    """What the role's task does, in this process: ``run(check=False, **variables)`` is the result of the task.

    Without Ansible, this takes a tenth of the time of a play.
    """
    from tooling.in_process import run_here

    def run(check: bool = False, told: list[str] | None = None, **variables: Any) -> dict[str, Any]:
        monkeypatch.setenv("LITELLM_PROXY_URL", sandbox.api_url)
        monkeypatch.setenv("LITELLM_PROXY_API_KEY", sandbox.master_key)
        given = json.loads(json.dumps({"alias": alias, "models": ["gpt-4"], **variables}))
        return run_here(given, check_mode=check, told=told)

    return run


@dataclass
class Task:
    """How the role's main task ended, as a play would tell."""

    result: dict[str, Any] = field(repr=False)
    told: list[str]

    @property
    def rc(self) -> int:
        return 2 if self.result.get("failed") else 0

    @property
    def changed(self) -> int:
        return int(self.result.get("changed", False) and not self.result.get("failed"))

    @property
    def messages(self) -> str:
        return str(self.result.get("msg", ""))

    @property
    def output(self) -> str:
        """What is shown of it: progress, the diff, warnings, and what was done."""
        shown = [*self.told, *self.result.get("changes", []), *self.result.get("notes", []), self.messages]
        return "\n".join([*shown, json.dumps(self.result.get("messages", []), indent=4, ensure_ascii=False)])


@pytest.fixture
def manage(run_workshop) -> Callable[..., tuple[Task, dict[str, Any]]]:
    """Does what the role does with the variables given, in this process; returns the run and what becomes the fact.

    In a tenth of the time of a play. ``manage_by_play`` is for what Ansible has a part in.
    """

    def run(*arguments: str, secret: tuple[str, ...] = (), **variables: Any) -> tuple[Task, dict[str, Any]]:
        assert set(arguments) <= {"--check"}
        told: list[str] = []
        done = Task(run_workshop(check="--check" in arguments, told=told, **variables), told)
        for text in secret:
            assert text not in done.output, "a secret is in the output"
        assert not KEY_VALUE.findall(done.output), "values of keys are in the output"
        return done, done.result.get("result", {})

    return run


@pytest.fixture
def manage_by_play(play, tmp_path, alias) -> Callable[..., tuple[Play, dict[str, Any]]]:
    """Runs the role with the variables given, and returns the run and the fact that it set."""

    def run(*arguments: str, secret: tuple[str, ...] = (), **variables: Any) -> tuple[Play, dict[str, Any]]:
        result = tmp_path / "result.json"
        result.unlink(missing_ok=True)
        given = {"litellm_vkey_alias": alias, "litellm_vkey_models": ["gpt-4"]}
        given.update((f"litellm_vkey_{name}", value) for name, value in variables.items())
        file = tmp_path / "variables.json"
        file.write_text(json.dumps({**given, "result": str(result)}))
        done = play(str(ROLE_PLAYBOOK), "-e", f"@{file}", *arguments, secret=secret)
        return done, json.loads(result.read_text()) if result.exists() else {}

    return run
