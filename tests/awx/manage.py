# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""
awx-manage, with a stand-in for the mesh: AWX hands a job to receptor, and receptor starts it elsewhere.

Here, it is started at once: a job where it finds its folder at /runner, as in the container of an execution
environment, and an update of a project where AWX itself runs. The arguments and the data of a job, and what it answers,
are as AWX sends and expects them.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, ClassVar

import awx

# The programs of the execution environment, of which AWX itself has none.
EXECUTION_ENVIRONMENT = os.environ["EXECUTION_ENVIRONMENT"]


def container(folder: str) -> list[str]:
    """The command that shows to a program all that there is, and a folder at /runner."""
    command = ["bwrap", "--die-with-parent", "--bind", folder, "/runner", "--chdir", "/runner"]
    for path in Path("/").iterdir():
        if path.is_symlink():
            command += ["--symlink", str(path.readlink()), str(path)]
        elif path.is_dir():
            command += ["--dev-bind", str(path), str(path)]
    return command


@dataclass(frozen=True)
class Unit:
    """A started piece of work, and the folder that is removed after it."""

    process: subprocess.Popen[bytes]
    folder: tempfile.TemporaryDirectory[str]


class Receptor:
    """What AWX uses of ReceptorControl in the package receptorctl."""

    units: ClassVar[dict[str, Unit]] = {}

    def __init__(self, *_arguments: Any, **_options: Any) -> None:
        """AWX names the socket of receptor, which does not exist."""

    def submit_work(self, worktype: str, payload: BinaryIO, params: dict[str, str], **_options: Any) -> dict[str, str]:
        folder = tempfile.TemporaryDirectory(prefix="job-", dir=os.environ["HOME"])
        environment = {"PATH": os.environ["PATH"], "HOME": folder.name, "LANG": "C.UTF-8"}
        command = ["ansible-runner", "worker"]
        if worktype == "local":
            command += params["params"].split()
        else:
            command = [*container(folder.name), *command, "--private-data-dir=/runner"]
            environment |= {"PATH": f"{EXECUTION_ENVIRONMENT}{os.pathsep}{os.environ['PATH']}", "HOME": "/runner"}
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
        assert process.stdin
        with process.stdin:
            shutil.copyfileobj(payload, process.stdin)
        number = uuid.uuid4().hex
        self.units[number] = Unit(process, folder)
        return {"unitid": number}

    def get_work_results(self, unit: str, **_options: Any) -> tuple[None, BinaryIO]:
        output = self.units[unit].process.stdout
        assert output
        return None, output

    def simple_command(self, command: str) -> dict[str, Any]:
        if command.startswith("work release "):
            unit = self.units.pop(command.removeprefix("work release "))
            unit.process.wait()
            unit.folder.cleanup()
        # There are no other nodes.
        return {"Advertisements": []} if command == "status" else {}

    def close(self) -> None:
        """There is no connection."""


if __name__ == "__main__":
    awx.prepare_env()
    import django

    django.setup()
    from awx.main.tasks import receptor

    receptor.ReceptorControl = Receptor
    receptor.read_receptor_config = lambda: [{"control-service": {"filename": "none"}}]
    awx.manage()
