# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""LiteLLM is restarted while the role creates the keys of a workshop: with its defaults, the role waits for it."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from hashlib import sha256
from pathlib import Path

import pytest
import requests

from ..conftest import Sandbox

# So many that a fast machine is not through with them before the restart begins.
PEOPLE = 400
SOME = 20
# Seconds that the role waits at least for a request, by its default of litellm_vkey_retry_count.
SHORTEST_PATIENCE = 28


def restart(description: Path) -> subprocess.Popen[bytes]:
    """Restart the LiteLLM of a sandbox, by the program of the checkout that has started it."""
    described = json.loads(description.read_text())
    _run, _sandbox, _build, checkout = list(Path(described["state_dir"]).parents)[:4]
    command = [sys.executable, str(checkout / "tests" / "sandbox"), "restart", "litellm", "--port"]
    return subprocess.Popen([*command, str(described["port"])], stdout=subprocess.DEVNULL)


class Outage:
    """Restarts LiteLLM once some keys exist, and takes the time until it answers again."""

    def __init__(self, sandbox: Sandbox, alias: str) -> None:
        self._sandbox = sandbox
        self._alias = alias
        self._thread = threading.Thread(target=self._run)
        self.keys_before = 0
        self.seconds = 0.0

    def __enter__(self) -> Outage:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._thread.join()

    def _run(self) -> None:
        end = time.monotonic() + 300
        while len(self._sandbox.keys(self._alias)) < SOME and time.monotonic() < end:
            time.sleep(0.05)
        process = restart(self._sandbox.description)
        while self._answers() and time.monotonic() < end:
            time.sleep(0.05)
        self.keys_before = len(self._sandbox.keys(self._alias))
        begun = time.monotonic()
        while not self._answers() and time.monotonic() < end:
            time.sleep(0.1)
        self.seconds = time.monotonic() - begun
        process.wait(300)

    def _answers(self) -> bool:
        try:
            return requests.get(f"{self._sandbox.api_url}/health/liveliness", timeout=2).ok
        except requests.RequestException:
            return False


@pytest.mark.long
def test_the_role_waits_for_a_restart(sandbox, manage, alias, tmp_path):
    workshop = {"multi_user": True, "user_count": PEOPLE, "values_file": str(tmp_path / "values.yml")}
    with Outage(sandbox, alias) as outage:
        done, result = manage(**workshop)
    assert SOME <= outage.keys_before < PEOPLE, "the restart was not amidst the creation"
    if outage.seconds > SHORTEST_PATIENCE and done.rc != 0:  # on a machine that is busy with something else
        assert f"of {PEOPLE} failed" in done.messages and "Cannot connect" in done.messages
        done, result = manage(**workshop)
    assert done.rc == 0, f"{outage.seconds:.1f} seconds: {done.messages}"
    on_the_proxy = {name: row["token"] for name, row in sandbox.keys(alias).items()}
    assert len(on_the_proxy) == PEOPLE
    assert {user["alias"]: sha256(user["key"].encode()).hexdigest() for user in result["users"]} == on_the_proxy
