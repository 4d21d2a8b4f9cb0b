# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
"""The ways to install the collection that README.md prints, from a repository and an archive on 127.0.0.1.

The name of the repository and of the release stay as they are printed, except that they lead to this machine.
"""

from __future__ import annotations

import re
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from .checkout import ROOT

REPOSITORY = "https://github.com/litemaas/virtual_keys"
RELEASE = re.compile(rf"{REPOSITORY}/releases/download/\S+")
INSTALLED = Path("ansible_collections", "litemaas", "virtual_keys", "MANIFEST.json")


def printed() -> list[str]:
    """Return the commands of the section on installation, those of Galaxy left out, and its requirements file."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    section = readme[readme.index("## Installation") : readme.index("## Use Cases")]
    commands = re.findall(r"^```bash\n(.*?)\n^```", section, re.DOTALL | re.MULTILINE)
    return [command for command in commands if REPOSITORY in command]


def requirements() -> str:
    """Return the requirements file of the section on installation that names the repository."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (found,) = (
        block
        for block in re.findall(r"^```yaml\n(---\ncollections:.*?)^```", readme, re.DOTALL | re.MULTILINE)
        if REPOSITORY in block
    )
    return found


def faults(archive: Path, work: Path, environ: Mapping[str, str]) -> list[str]:
    """Install the collection in each printed way, and return a sentence on each that fails.

    :param archive: what a release offers.
    :param work: an empty folder.
    :param environ: the environment of the commands.
    """
    with served(archive, work / "served") as address:
        file = work / "requirements.yml"
        file.write_text(requirements(), encoding="utf-8")
        commands = [*printed(), f"ansible-galaxy collection install -r {file}"]
        environment = {
            **environ,
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": f"url.{address}/virtual_keys.git.insteadOf",
            "GIT_CONFIG_VALUE_0": f"{REPOSITORY}.git",
        }
        found = []
        for number, command in enumerate(commands):
            target = work / str(number)
            here = RELEASE.sub(f"{address}/{archive.name}", command)
            done = subprocess.run(
                [*here.split(), "-p", str(target)],
                check=False,
                env=environment,
                capture_output=True,
                text=True,
                timeout=300,
            )
            if done.returncode or not (target / INSTALLED).is_file():
                found.append(f"'{command}' fails: {(done.stderr or done.stdout).strip()[-500:]}")
    return found


@contextmanager
def served(archive: Path, folder: Path) -> Iterator[str]:
    """Serve the archive, and the commit of the checkout as branch main of a bare repository; yield the address."""
    bare = folder / "virtual_keys.git"
    for command in (
        ["git", "init", "--quiet", "--bare", "--initial-branch", "main", str(bare)],
        ["git", "push", "--quiet", str(bare), "HEAD:refs/heads/main"],
        ["git", "-C", str(bare), "update-server-info"],
    ):
        subprocess.run(command, cwd=ROOT, check=True)
    (folder / archive.name).write_bytes(archive.read_bytes())
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Print nothing for each request."""
