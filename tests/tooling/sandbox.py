# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
"""A running LiteLLM for the length of a session."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile

from .checkout import BUILD, ROOT

PROGRAM = (sys.executable, str(ROOT / "tests" / "sandbox"))


class SandboxFailed(Exception):
    """The sandbox did not start; it has said why on stderr."""


@contextmanager
def running(*options: Sequence[str]) -> Iterator[str]:
    """
    The files that describe sandboxes: address, master key and so on, in JSON; their paths as in PATH.

    Those that run already are used, and left running, if SANDBOX_JSON names their files. Else one is started here for
    the options in each argument, side by side, or one without options. They are stopped in any case.
    """
    if given := os.environ.get("SANDBOX_JSON"):
        yield os.pathsep.join(str(Path(one).resolve(strict=True)) for one in given.split(os.pathsep))
        return
    with ExitStack() as until:
        starting = [until.enter_context(begun(one)) for one in options or [()]]
        yield os.pathsep.join(str(ready(process, state)) for process, state in starting)


@contextmanager
def started() -> Iterator[Path]:
    """The file that describes a sandbox, which is stopped at the end."""
    with begun() as (process, state):
        yield ready(process, state)


@contextmanager
def begun(options: Sequence[str] = ()) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """The start of a sandbox on a free port, and the file that will describe it; the sandbox is stopped at the end."""
    # The file, which only its owner can read, holds the master key.
    with NamedTemporaryFile(dir=BUILD, prefix="sandbox-", suffix=".json") as file:
        command = [*PROGRAM, "up", "--port", "0", *options]
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=file) as process:
            state = Path(file.name)
            try:
                yield process, state
            finally:
                if process.poll() is None:
                    # Interrupted: let it clear up what it has begun.
                    process.terminate()
                    process.wait(timeout=60)
                if process.returncode == 0:
                    stop = [*PROGRAM, "down", "--port", str(json.loads(state.read_text())["port"])]
                    subprocess.run(stop, check=True, stdin=subprocess.DEVNULL, stdout=sys.stderr)


def ready(process: subprocess.Popen[bytes], state: Path) -> Path:
    """The file, as soon as it describes a sandbox that has started."""
    if process.wait() != 0:
        raise SandboxFailed(f"the sandbox did not start (exit code {process.returncode})")
    return state
