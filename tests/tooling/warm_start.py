# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""
Runs ansible-playbook in forks of a process that has Ansible and this collection in memory.

To import them is most of the work of a short play: ansible-playbook does it, and again the worker of each task. Apart
from that, a play is what it always is: a process with an environment, a folder, and an output of its own. Only the
settings of Ansible are those of the environment in which the first process began.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import traceback
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from socketserver import ForkingMixIn, StreamRequestHandler, UnixStreamServer
from tempfile import TemporaryDirectory
from typing import NoReturn

PLUGINS = Path(__file__).resolve().parents[2] / "plugins"
COLLECTION = "ansible_collections.litemaas.virtual_keys.plugins"
OUTPUTS = ("stdout", "stderr")


def program(name: str) -> Path:
    """A program of the Ansible under test: that of ANSIBLE_PLAYBOOK, or else of the environment of the tests."""
    return Path(os.environ.get("ANSIBLE_PLAYBOOK") or sys.executable).with_name(name)


@dataclass(frozen=True)
class Ended:
    """How a play ended: its exit code, negative for a signal, and what it printed."""

    returncode: int
    stdout: str
    stderr: str


@dataclass(frozen=True)
class Play:
    """What a fork needs to know. After ``timeout`` seconds it is ended, by SIGALRM."""

    arguments: Sequence[str]
    environment: Mapping[str, str]
    cwd: str
    stdout: str
    stderr: str
    timeout: int


class Running:
    """A play that has begun: ``pid`` is that of its process."""

    def __init__(self, connection: socket.socket, folder: TemporaryDirectory[str]) -> None:
        self._connection = connection
        self._answers = connection.makefile()
        self._folder = folder
        self.pid = int(self._answers.readline())

    def wait(self) -> Ended:
        """Wait until it has ended, by itself or not."""
        with self._connection, self._answers, self._folder as folder:
            return Ended(int(self._answers.readline()), *(Path(folder, name).read_text() for name in OUTPUTS))


class WarmAnsible:
    """The process that forks.

    :param environment: that of the process, with the settings of Ansible for all plays.
    """

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        self._folder = TemporaryDirectory()
        self._address = str(Path(self._folder.name, "socket"))
        command = [program("python3"), __file__, self._address]
        self._process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE)
        assert self._process.stdout
        if not self._process.stdout.readline():
            raise ChildProcessError("Ansible could not be imported")

    def start(self, arguments: Sequence[str], environment: Mapping[str, str], cwd: Path, timeout: int) -> Running:
        """Begin ansible-playbook with these arguments. Threads can do it side by side."""
        folder, connection = TemporaryDirectory(), socket.socket(socket.AF_UNIX)
        play = Play(arguments, environment, str(cwd), *(str(Path(folder.name, name)) for name in OUTPUTS), timeout)
        connection.connect(self._address)
        connection.sendall(json.dumps(asdict(play)).encode() + b"\n")
        return Running(connection, folder)

    def close(self) -> None:
        """End the process."""
        with self._process:
            self._process.terminate()
        self._folder.cleanup()


class _Server(ForkingMixIn, UnixStreamServer):
    """Ends when the tests have ended, whatever ended them."""

    parent = os.getppid()

    def service_actions(self) -> None:
        super().service_actions()
        if os.getppid() != self.parent:
            sys.exit()


class _Handler(StreamRequestHandler):
    def handle(self) -> None:
        play = Play(**json.loads(self.rfile.readline()))
        child = os.fork()
        if not child:
            _become(play)
        self._answer(child)
        self._answer(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))

    def _answer(self, number: int) -> None:
        self.wfile.write(f"{number}\n".encode())


def _become(play: Play) -> NoReturn:
    from ansible.cli.playbook import main

    code: object = 1
    try:
        signal.alarm(play.timeout)
        for number, path in enumerate((os.devnull, play.stdout, play.stderr)):
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
            os.dup2(descriptor, number)
            os.close(descriptor)
        os.environ.clear()
        os.environ.update(play.environment)
        os.chdir(play.cwd)
        main(["ansible-playbook", *play.arguments])
    except SystemExit as end:
        code = end.code
    except BaseException:
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    # What is to be done at the end of the first process is not the fork's.
    os._exit(int(code or 0))


def _warm_up() -> None:
    import ansible.cli.playbook  # noqa: F401
    from ansible.plugins import loader

    loader.init_plugin_loader()
    # Each play does it again.
    warnings.filterwarnings("ignore", "AnsibleCollectionFinder has already been configured")
    for templating in (loader.filter_loader, loader.test_loader):
        list(templating.all())
    # Their documentation says which settings they have, which every process reads for itself.
    for kind in ("become", "cache", "callback", "connection", "inventory", "shell", "strategy", "vars"):
        list(getattr(loader, f"{kind}_loader").all(class_only=True))
    for kind in ("action", "filter", "lookup", "modules"):
        for file in sorted((PLUGINS / kind).glob("[a-z]*.py")):
            import_module(f"{COLLECTION}.{kind}.{file.stem}")


if __name__ == "__main__":
    _warm_up()
    with _Server(sys.argv[1], _Handler) as server:
        print("ready", flush=True)
        server.serve_forever()
