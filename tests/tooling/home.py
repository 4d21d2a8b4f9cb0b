# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
"""A home folder below .build, so that ansible-test and others neither read nor write the user's."""

from __future__ import annotations

import ast
import configparser
import os
import shutil
import subprocess
import sys
from pathlib import Path

# The versions of pip that ansible-core 2.16 to 2.21 ask for.
PIP_VERSIONS = ("23.1.2", "24.2", "25.2")
# How pip reaches its packages. All else is left to pip.
PIP_OPTIONS = {
    "cert",
    "client-cert",
    "default-timeout",
    "extra-index-url",
    "find-links",
    "index-url",
    "no-index",
    "proxy",
    "timeout",
    "trusted-host",
}


def prepare(home: Path) -> None:
    """Put into the folder what ansible-test and its pip look for there."""
    cache = home / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    for version in PIP_VERSIONS:
        shutil.copyfile(Path(__file__).with_name("get_pip.py"), cache / f"get_pip_{version.replace('.', '_')}.py")
    write_pip_configuration(home / ".config" / "pip" / "pip.conf")


def write_pip_configuration(target: Path) -> None:
    """
    Write down how pip reaches its packages here and now.

    ansible-test drops PIP_* variables and the home folder changes, so that only a file in the new one reaches its pip.
    """
    command = [sys.executable, "-m", "pip", "config", "list"]
    listing = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    # Lines like global.index-url='...' or :env:.cert='...'
    lines = [line.split("=", 1) for line in listing.splitlines()]
    found = [(*name.rsplit(".", 1), value) for name, value in lines]
    options: dict[str, str] = {}
    # The later section wins, as with pip itself.
    for section in ("global", "install", ":env:"):
        options |= {name: ast.literal_eval(value) for where, name, value in found if where == section}

    configuration = configparser.RawConfigParser()
    configuration["global"] = {name: value for name, value in options.items() if name in PIP_OPTIONS}
    target.parent.mkdir(parents=True, exist_ok=True)
    # Addresses of package indexes may hold passwords.
    with open(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as stream:
        configuration.write(stream)


def other_pythons() -> list[str]:
    """Where pyenv, if there is one, keeps its Pythons: ansible-test then checks the modules on each of them."""
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    return [str(folder) for folder in sorted(root.glob("versions/3.*/bin"))]
