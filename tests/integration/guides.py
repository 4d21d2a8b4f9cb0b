# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Guides as the tests follow them: their files, their commands, and what they print."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from tooling.warm_start import program

DOCS = Path(__file__).resolve().parents[2] / "docs"
SECTION = re.compile(r"^## (.*)\n", re.MULTILINE)
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.DOTALL | re.MULTILINE)
FILE = re.compile(r"`([\w-]+\.(?:csv|yml))`")
KEYS, TEAMS = '"LiteLLM_VerificationToken"', '"LiteLLM_TeamTable"'


def sections(guide: str) -> dict[str, str]:
    """The text of each section of a guide, by its heading."""
    _intro, *parts = SECTION.split((DOCS / f"{guide}.md").read_text(encoding="utf-8"))
    return dict(zip(parts[::2], parts[1::2], strict=True))


def without_amounts(text: str) -> str:
    """What a model costs is not the guide's to say."""
    return re.sub(r"\d+\.\d+ USD", "USD", text)


def as_exported(table: str) -> str:
    """With blank lines and empty rows, as spreadsheets leave them at the end and in between. A BOM comes first."""
    head, first, rest = table.split("\n", 2)
    return f"{head}\n{first}\n\n;;\n{rest}\n;;\n\n"


@dataclass
class Day:
    """Somebody who follows a guide in a folder of their own.

    :ivar guide: the name of the page.
    :ivar alias: of the workshop that the page is about.
    """

    guide: str
    alias: str
    sandbox: Any
    play: Callable[..., Any]
    folder: Path
    arguments: tuple[str, ...] = ()
    password: Path = Path("none")
    printed: str = ""
    ran: list[str] = field(default_factory=list)

    def follow(self, heading: str, *meanwhile: Callable[[], None]) -> None:
        """Do what a section says: write and edit its files, run its commands, look at what they print.

        :param meanwhile: what is looked at after each of the commands.
        """
        looks = iter(meanwhile)
        text = sections(self.guide)[heading]
        self.ran.append(heading)
        for block in BLOCK.finditer(text):
            kind, content = block.groups()
            file = self.folder / (FILE.findall(text[: block.start()]) or ["none"])[-1]
            if kind == "csv":
                file.write_text(as_exported(content), encoding="utf-8-sig")
            elif kind == "yaml":
                file.write_text(content, encoding="utf-8")
            elif kind == "diff":
                self.edit(file, content)
            elif kind == "bash":
                for line in content.splitlines():
                    self.command(line)
                    next(looks, lambda: None)()
            elif kind == "text":
                for line in without_amounts(content).splitlines():
                    assert line in self.printed, f"{heading}: the output has no line {line!r}:\n{self.said()}"

    def edit(self, file: Path, diff: str) -> None:
        """Apply what is shown as a diff: each removed line gives way to the added one after it."""
        removed: list[str] = []
        text = file.read_text(encoding="utf-8-sig")
        for sign, line in re.findall(r"^([+-])(.*)$", diff, re.MULTILINE):
            if sign == "-":
                assert text.count(line + "\n") == 1, f"{file.name} has no line {line!r}"
                removed.append(line)
            elif removed:
                text = text.replace(removed.pop(0) + "\n", line + "\n")
            else:
                text += line + "\n"
        file.write_text(text, encoding="utf-8-sig" if file.suffix == ".csv" else "utf-8")

    def command(self, line: str) -> None:
        name, *arguments = shlex.split(line, posix=not line.startswith("("))
        if name in ("(umask", "ansible-vault"):
            line = line.replace("workshop@prompt", f"workshop@{self.password}")
            beside = os.pathsep.join([str(Path(program("ansible-vault")).parent), os.environ["PATH"]])
            environment = {**os.environ, "PATH": beside}
            subprocess.run(line, shell=True, cwd=self.folder, env=environment, check=True, capture_output=True)
        elif name == "ansible-playbook":
            arguments = [one.replace("workshop@prompt", f"workshop@{self.password}") for one in arguments]
            done = self.play(*arguments, *self.arguments, cwd=self.folder, secret=tuple(self.values().values()))
            self.printed = without_amounts(done.output)
            assert done.rc == 0, f"{line}:\n{done.messages}"

    def said(self) -> str:
        """The messages of the last command."""
        return "\n".join(re.findall(r'"msg": (\[.*?\n    \]|".*?")\n', self.printed, re.DOTALL))

    def values(self) -> dict[str, str]:
        """The values of the keys by alias, as the folder has them."""
        file = self.folder / self.alias / "values.yml"
        return yaml.safe_load(file.read_text())["litellm_vkey_values"] if file.exists() else {}

    def rows(self) -> dict[str, dict[str, Any]]:
        """The keys in the database by the people's e-mail addresses."""
        return {alias[len(self.alias) + 1 :]: row for alias, row in self.sandbox.keys(self.alias).items()}

    def teams(self) -> list[dict[str, Any]]:
        """The team of the workshop, or its several teams."""
        return self.sandbox.rows(f"SELECT * FROM {TEAMS} WHERE starts_with(team_id, %s)", self.alias)

    def others(self) -> list[dict[str, Any]]:
        """All keys and teams on the server that are not the workshop's."""
        return self.sandbox.rows(
            f"SELECT * FROM {KEYS} WHERE NOT starts_with(coalesce(key_alias, ''), %s) ORDER BY token", self.alias
        ) + self.sandbox.rows(f"SELECT * FROM {TEAMS} WHERE NOT starts_with(team_id, %s) ORDER BY team_id", self.alias)

    def call(self, person: str, model: str = "gpt-4") -> Any:
        """A chat with somebody's key; what the proxy answers."""
        return self.call_with(self.values()[f"{self.alias}-{person}"], model)

    def call_with(self, key: str, model: str = "gpt-4") -> Any:
        body = {"model": model, "messages": [{"role": "user", "content": "hello"}]}
        return self.sandbox.call("POST", "/v1/chat/completions", body, key=key)

    def ask(self, person: str, model: str = "gpt-4") -> int:
        return int(self.call(person, model).status_code)

    def ask_with(self, key: str) -> int:
        return int(self.call_with(key).status_code)

    def settled(self, *people: str, reading: str = "spend") -> None:
        """Wait until LiteLLM has written down what these have spent."""
        end = time.monotonic() + 60
        while not all(self.rows()[person][reading] for person in people):
            assert time.monotonic() < end, "LiteLLM has not written the spend down"
            time.sleep(1)

    def remove(self) -> None:
        """Remove what is left of the workshop on the proxy."""
        tokens = [row["token"] for row in self.sandbox.keys(self.alias).values()]
        if tokens:
            self.sandbox.call("POST", "/key/delete", {"keys": tokens}).raise_for_status()
        teams = [team["team_id"] for team in self.teams()]
        if teams:
            self.sandbox.call("POST", "/team/delete", {"team_ids": teams}).raise_for_status()


@contextmanager
def following(guide: str, alias: str, sandbox: Any, play: Callable[..., Any], folder: Path) -> Iterator[Day]:
    """Somebody who follows a guide in a new folder. Nothing is left of it on the proxy."""
    folder.mkdir()
    day = Day(guide, alias, sandbox, play, folder)
    day.remove()
    try:
        yield day
    finally:
        day.remove()
