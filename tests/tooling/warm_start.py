# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""
Runs ansible-playbook in forks of a process that has Ansible and this collection in memory.

To import them is most of the work of a short play: ansible-playbook does it, and again the worker of each task. Apart from
that, a play is what it always is: a process with an environment, a folder, and an output of its own. Only the settings of
Ansible are those of the environment in which the first process began.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import traceback
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NoReturn

PLUGINS = Path(__file__).resolve().parents[2] / "plugins"
COLLECTION = "ansible_collections.litemaas.virtual_keys.plugins"


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


class WarmAnsible:
    """The process that forks. It runs one play after the other."""

    def __init__(self) -> None:
        command = [sys.executable, __file__]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def playbook(self, arguments: Sequence[str], environment: Mapping[str, str], cwd: Path, timeout: int) -> Ended:
        """Run ansible-playbook with these arguments."""
        assert self._process.stdin and self._process.stdout
        with TemporaryDirectory() as folder:
            files = [Path(folder, name) for name in ("stdout", "stderr")]
            play = Play(arguments, environment, str(cwd), *map(str, files), timeout)
            print(json.dumps(asdict(play)), file=self._process.stdin, flush=True)
            returncode = int(self._process.stdout.readline())
            return Ended(returncode, *(file.read_text(encoding="utf-8") for file in files))

    def close(self) -> None:
        """End the process."""
        self._process.communicate()


def serve() -> None:
    """Fork for each line of stdin, and print the fork's exit code."""
    for line in sys.stdin:
        child = os.fork()
        if not child:
            _become(Play(**json.loads(line)))
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


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
    from ansible.plugins.loader import filter_loader, init_plugin_loader, test_loader

    init_plugin_loader()
    # Each play does it again.
    warnings.filterwarnings("ignore", "AnsibleCollectionFinder has already been configured")
    for loader in (filter_loader, test_loader):
        list(loader.all())
    for kind in ("action", "filter", "lookup", "modules"):
        for file in sorted((PLUGINS / kind).glob("[a-z]*.py")):
            import_module(f"{COLLECTION}.{kind}.{file.stem}")


if __name__ == "__main__":
    _warm_up()
    serve()
