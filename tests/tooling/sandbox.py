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

from .checkout import BUILD, ROOT

PROGRAM = (sys.executable, str(ROOT / "tests" / "sandbox"))


class SandboxFailed(Exception):
    """The sandbox did not start; it has said why on stderr."""


@contextmanager
def running(options: Sequence[str] = (), count: int = 1) -> Iterator[str]:
    """
    The files that describe sandboxes: address, master key and so on, in JSON; their paths as in PATH.

    Those that run already are used, and left running, if SANDBOX_JSON names their files. Else as many as asked for are
    started here, and stopped in any case.
    """
    if given := os.environ.get("SANDBOX_JSON"):
        yield os.pathsep.join(str(Path(one).resolve(strict=True)) for one in given.split(os.pathsep))
        return
    with ExitStack() as until:
        yield os.pathsep.join(str(until.enter_context(started(options))) for _number in range(count))


@contextmanager
def started(options: Sequence[str] = ()) -> Iterator[Path]:
    """The file that describes a sandbox, which is stopped at the end."""
    description = start(options)
    state = BUILD / f"sandbox-{description['port']}.json"
    try:
        state.unlink(missing_ok=True)
        # It holds the master key.
        with open(os.open(state, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as stream:
            json.dump(description, stream)
        yield state
    finally:
        state.unlink(missing_ok=True)
        stop = [*PROGRAM, "down", "--port", str(description["port"])]
        subprocess.run(stop, check=True, stdin=subprocess.DEVNULL, stdout=sys.stderr)


def start(options: Sequence[str]) -> dict[str, object]:
    """Start a sandbox on a free port and return what it says of itself."""
    command = [*PROGRAM, "up", "--port", "0", *options]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as process:
        try:
            answer = process.communicate()[0]
        except BaseException:
            # Interrupted: let it clear up what it has begun.
            process.terminate()
            process.wait(timeout=60)
            raise
    if process.returncode != 0:
        raise SandboxFailed(f"the sandbox did not start (exit code {process.returncode})")
    return json.loads(answer)
