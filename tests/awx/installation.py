# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Installs AWX from a checkout of its source, which stays as it is, in .build/awx."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / ".build" / "awx"
REQUIREMENTS = ROOT / "tests" / "requirements"
# What AWX pins for its own image, and what would be built here for long though a newer one is ready to use.
LEFT_OUT = ("pip==", "xmlsec==")


@dataclass(frozen=True)
class Installation:
    """AWX and its collection, in one folder for each commit of AWX and each list of packages."""

    source: Path

    @cached_property
    def folder(self) -> Path:
        text = (REQUIREMENTS / "awx_server.txt").read_text(encoding="utf-8")
        return BUILD / hashlib.sha256(f"{self.git('rev-parse', 'HEAD')} {sys.version} {text}".encode()).hexdigest()[:12]

    @property
    def collections(self) -> Path:
        return self.folder / "collections"

    @property
    def python(self) -> Path:
        return self.folder / "venv" / "bin" / "python"

    def git(self, *arguments: str) -> str:
        command = ["git", "-C", self.source, *arguments]
        return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()

    def complete(self) -> Installation:
        """Install what is missing, and return this."""
        if sys.version_info[:2] != (3, 11) or not shutil.which("bwrap"):
            raise RuntimeError("AWX 24.6.1 needs Python 3.11, and its stand-in for containers needs the program bwrap")
        stamp = self.folder / "installed"
        if not stamp.exists():
            shutil.rmtree(BUILD, ignore_errors=True)  # an older one would never be used again
            self.folder.mkdir(parents=True)
            self._install()
            stamp.touch()
        return self

    def _install(self) -> None:
        copy = self.folder / "source"
        archive = self.folder / "source.tar"
        parts = ("awx", "awx_collection", "requirements", "MANIFEST.in", "pyproject.toml", "setup.cfg")
        self.git("archive", "--output", str(archive), "HEAD", *parts)
        shutil.unpack_archive(archive, copy, filter="data")
        archive.unlink()
        # Releases of AWX lack this file, and so know that they are no working copy of a developer.
        (copy / "awx" / "devonly.py").unlink()
        (copy / "VERSION").write_text(self.git("describe", "--tags"))

        named = (copy / "requirements" / "requirements.txt").read_text(encoding="utf-8").splitlines()
        kept = self.folder / "requirements.txt"
        kept.write_text("\n".join(line for line in named if not line.startswith(LEFT_OUT)))
        subprocess.run([sys.executable, "-m", "venv", self.folder / "venv"], check=True)
        pip = [self.python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        for packages in (["-r", kept], ["-r", REQUIREMENTS / "awx_server.txt"], ["--no-deps", copy]):
            # Its setup needs the old setuptools that it pins.
            isolation = ["--no-build-isolation"] if copy in packages else ["--prefer-binary"]
            subprocess.run([*pip, *isolation, *packages], check=True)
        galaxy = [Path(sys.executable).with_name("ansible-galaxy"), "collection", "install", "--offline"]
        environment = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(self.collections)}
        subprocess.run([*galaxy, "-p", self.collections, copy / "awx_collection"], check=True, env=environment)
