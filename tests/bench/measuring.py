# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is measured: a plain loop of requests, and runs of ansible-playbook."""

from __future__ import annotations

import json
import os
import resource
import secrets
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import psycopg
import requests
from tooling.server import is_write, requests_in

HERE = Path(__file__).resolve().parent
PLAYBOOKS = HERE / "playbooks"
SAMPLE_EVERY = 0.1
MODELS = ["gpt-4"]
BUDGET = 10


@dataclass
class Server:
    """The LiteLLM to measure on. ``url`` is the way to it, which may be a long one."""

    url: str
    port: int
    master_key: str
    version: str
    database: str
    log: Path

    @classmethod
    def described_in(cls, path: Path) -> Server:
        state = json.loads(path.read_text())
        return cls(
            url=state["api_url"],
            port=state["port"],
            master_key=state["master_key"],
            version=state["litellm_version"],
            database=state["database_url"],
            log=Path(state["litellm_log"]),
        )

    @contextmanager
    def far_away(self, round_trip: float) -> Iterator[Server]:
        """The same server with a longer way to it."""
        command = [sys.executable, str(HERE / "relay.py"), str(self.port), str(round_trip)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as relay:
            try:
                assert relay.stdout
                port = int(relay.stdout.readline())
                yield Server(f"http://127.0.0.1:{port}", port, self.master_key, self.version, self.database, self.log)
            finally:
                relay.terminate()

    def keys(self, alias: str, **values: Any) -> int:
        """How many keys of a workshop the database has, with these values in its columns."""
        return self._query("SELECT count(*) FROM", alias, values)

    def remove(self, alias: str) -> None:
        """Remove the keys of a workshop past the server, which would take longer."""
        self._query("DELETE FROM", alias, {})

    def remove_all(self, name: str) -> None:
        """Remove keys, teams, members, and users whose names begin so, past the server."""
        tables = {"VerificationToken": "key_alias", "TeamTable": "team_id", "TeamMembership": "team_id"}
        with psycopg.connect(self.database) as connection:
            for table, column in {**tables, "UserTable": "user_id"}.items():
                statement = f'DELETE FROM "LiteLLM_{table}" WHERE starts_with({column}, %s)'
                connection.execute(statement, (name,))  # type: ignore[arg-type]

    def _query(self, action: str, alias: str, values: dict[str, Any]) -> int:
        where = "".join(f" AND {name} = %s" for name in values)
        statement = f'{action} "LiteLLM_VerificationToken" WHERE starts_with(key_alias, %s){where}'
        with psycopg.connect(self.database) as connection:
            cursor = connection.execute(statement, (f"{alias}-", *values.values()))  # type: ignore[arg-type]
            row = cursor.fetchone() if cursor.description else None
            return int(row[0]) if row else cursor.rowcount

    @contextmanager
    def requests_made(self) -> Iterator[Counter[str]]:
        """How many requests of each kind the server answers meanwhile."""
        made: Counter[str] = Counter()
        with ExitStack() as until:
            answered = until.enter_context(requests_in(self.log))
            yield made
        made.update(f"{method} {path.split('?')[0]}" for method, path, _status in answered)


def limit(server: Server, workers: int, count: int) -> float:
    """Seconds per key that a plain loop needs, which does nothing but create keys and looks at no answer's body."""
    alias = f"limit{secrets.token_hex(4)}"
    session_of = threading.local()

    def create(number: int) -> None:
        if not hasattr(session_of, "session"):
            session_of.session = requests.Session()
            session_of.session.trust_env = False
            session_of.session.headers["Authorization"] = f"Bearer {server.master_key}"
        body = {
            "key_alias": f"{alias}-user{number}",
            "models": MODELS,
            "user_id": f"user{number}@example.com",
            "duration": "30d",
            "max_budget": BUDGET,
            "metadata": {"litellm_vkey_group": alias},
            "key": "sk-" + secrets.token_urlsafe(24),
        }
        session_of.session.post(f"{server.url}/key/generate", json=body, timeout=60).raise_for_status()

    begun = time.monotonic()
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(create, range(count)))
    seconds = time.monotonic() - begun
    assert server.keys(alias) == count
    server.remove(alias)
    return seconds / count


@dataclass
class Run:
    """A run of ansible-playbook: how long it took, what it asked of the server and of this machine.

    :param cpu: seconds of processor time of all its processes.
    :param memory: bytes in use by all its processes together at most, if watched; pages that they
        share count once.
    """

    seconds: float
    cpu: float
    memory: int
    requests: Counter[str] = field(default_factory=Counter)

    @property
    def writes(self) -> int:
        return sum(n for kind, n in self.requests.items() if is_write(*kind.split(" ")))


def play(
    server: Server,
    name: str,
    alias: str,
    users: int,
    state: str = "present",
    budget: int = BUDGET,
    watch_memory: bool = False,
) -> Run:
    """Run a playbook of this folder, and hold that the server has the keys as they should be.

    Watching the memory takes processor time: a run is for that, or to be timed.
    """
    run = _run(server, name, alias, users, watch_memory, bench_state=state, bench_budget=budget)
    expected = users if state == "present" else 0
    assert server.keys(alias) == server.keys(alias, max_budget=budget) == expected
    return run


def loops(server: Server, alias: str, users: int) -> dict[str, float]:
    """Seconds that each loop over single keys takes, by its name in the playbook."""
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "seconds.json"
        _run(server, "loops.yml", alias, users, bench_budget=BUDGET, bench_result=str(result))
        assert server.keys(alias, max_budget=BUDGET) == 2 * users
        return json.loads(result.read_text())


def _run(server: Server, name: str, alias: str, users: int, watch_memory: bool = False, **variables: Any) -> Run:
    return run_playbook(server, name, watch_memory, bench_alias=alias, bench_users=users, **variables)


def run_playbook(server: Server, name: str, watch_memory: bool, **variables: Any) -> Run:
    """Run a playbook of this folder with these variables."""
    command = [str(Path(sys.executable).with_name("ansible-playbook")), str(PLAYBOOKS / name)]
    environment = {
        **os.environ,
        "LITELLM_PROXY_URL": server.url,
        "LITELLM_PROXY_API_KEY": server.master_key,
        "ANSIBLE_LOCALHOST_WARNING": "False",
    }
    with (
        server.requests_made() as made,
        tempfile.TemporaryFile("w+") as output,
        tempfile.TemporaryDirectory() as folder,
    ):
        cpu_before = _cpu_of_children()
        begun = time.monotonic()
        file = Path(folder) / "variables.json"
        file.write_text(json.dumps(variables))
        process = psutil.Popen([*command, "-e", f"@{file}"], env=environment, stdout=output, stderr=subprocess.STDOUT)
        memory = _peak_memory(process) if watch_memory else 0
        returned = process.wait()
        seconds = time.monotonic() - begun
        cpu = _cpu_of_children() - cpu_before
        output.seek(0)
        if returned:
            raise RuntimeError(f"{name} failed:\n{output.read()[-3000:]}")
    return Run(seconds, cpu, memory, made)


def _peak_memory(process: psutil.Popen) -> int:
    """Look at the memory of a process and all below it until it ends."""
    peak = 0
    while True:
        memory = 0
        with suppress(psutil.NoSuchProcess):
            for each in (process, *process.children(recursive=True)):
                with suppress(psutil.NoSuchProcess):
                    memory += each.memory_full_info().pss
        peak = max(peak, memory)
        with suppress(psutil.TimeoutExpired):
            process.wait(SAMPLE_EVERY)
            return peak


def _cpu_of_children() -> float:
    """Seconds of processor time of all ended processes below this one."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
