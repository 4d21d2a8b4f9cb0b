# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The day of a trainer, as docs/workshop_day.md tells it: its files, its commands, and what they print."""

from __future__ import annotations

import csv
import json
import math
import os
import re
import shlex
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from tooling.warm_start import program

GUIDE = Path(__file__).resolve().parents[3] / "docs" / "workshop_day.md"
SECTION = re.compile(r"^## (.*)\n", re.MULTILINE)
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.DOTALL | re.MULTILINE)
FILE = re.compile(r"`([\w-]+\.(?:csv|yml))`")
ALIAS = "python-course"
KEYS, TEAMS = '"LiteLLM_VerificationToken"', '"LiteLLM_TeamTable"'


def sections() -> dict[str, str]:
    """The text of each section of the guide, by its heading."""
    _intro, *parts = SECTION.split(GUIDE.read_text(encoding="utf-8"))
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
    """A trainer who follows the guide in a folder of their own."""

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
        text = sections()[heading]
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
        """The values of the keys by alias, as the trainer's folder has them."""
        file = self.folder / ALIAS / "values.yml"
        return yaml.safe_load(file.read_text())["litellm_vkey_values"] if file.exists() else {}

    def rows(self) -> dict[str, dict[str, Any]]:
        """The keys in the database by the people's e-mail addresses."""
        return {alias[len(ALIAS) + 1 :]: row for alias, row in self.sandbox.keys(ALIAS).items()}

    def team(self) -> list[dict[str, Any]]:
        return self.sandbox.rows(f"SELECT * FROM {TEAMS} WHERE team_id = %s", ALIAS)

    def others(self) -> list[dict[str, Any]]:
        """All keys and teams on the server that are not the workshop's."""
        return self.sandbox.rows(
            f"SELECT * FROM {KEYS} WHERE NOT starts_with(coalesce(key_alias, ''), %s) ORDER BY token", ALIAS
        ) + self.sandbox.rows(f"SELECT * FROM {TEAMS} WHERE team_id <> %s ORDER BY team_id", ALIAS)

    def call(self, person: str, model: str = "gpt-4") -> Any:
        """A chat with somebody's key; what the proxy answers."""
        return self.call_with(self.values()[f"{ALIAS}-{person}"], model)

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


@pytest.fixture
def day(sandbox, play, tmp_path) -> Iterator[Day]:
    def remove() -> None:
        tokens = [row["token"] for row in sandbox.keys(ALIAS).values()]
        if tokens:
            sandbox.call("POST", "/key/delete", {"keys": tokens}).raise_for_status()
        if sandbox.rows(f"SELECT 1 FROM {TEAMS} WHERE team_id = %s", ALIAS):
            sandbox.call("POST", "/team/delete", {"team_ids": [ALIAS]}).raise_for_status()

    remove()
    folder = tmp_path / "trainer"
    folder.mkdir()
    yield Day(sandbox, play, folder)
    remove()


@pytest.mark.long
def test_the_day_by_the_guide(day, sandbox, run_module, alias):
    with sandbox.writes() as written:
        day.follow("The week before")
    assert written == [] and list(day.folder.glob("*/")) == []
    run_module("litellm_key", key_alias=f"{alias}-other", models=["gpt-4"])
    others = day.others()

    day.follow("The morning")
    first = day.rows()
    assert len(first) == 12 and set(day.values()) == {f"{ALIAS}-{person}" for person in first}
    assert {(row["max_budget"], row["user_id"] == person) for person, row in first.items()} == {(5, True)}
    assert day.team()[0]["max_budget"] == 40
    assert day.ask("anne@example.org") == 200 and day.ask("eva@example.org") == 200
    assert day.ask("kai@example.org", "gpt-4o-mini") != 200
    with (day.folder / ALIAS / "keys.csv").open(encoding="utf-8-sig", newline="") as file:
        assert {row["alias"]: row["key"] for row in csv.DictReader(file)} == day.values()
    day.settled("anne@example.org", "eva@example.org")

    before = day.rows()
    day.follow("Late joiners")
    after = day.rows()
    assert len(after) == 14 and {person: after[person] for person in before} == before

    def ivan_is_refused() -> None:
        refused = day.call("ivan@example.org")
        assert refused.status_code == 401 and "blocked" in refused.text

    day.follow("Stop one person's key", ivan_is_refused)
    assert day.sandbox.call("GET", "/v1/models", key=day.values()[f"{ALIAS}-ivan@example.org"]).status_code == 200
    day.settled("ivan@example.org", reading="last_active")  # which a rejected request sets, too

    assert not day.rows()["grete@example.org"]["blocked"]

    before, leaked = day.rows(), day.values()[f"{ALIAS}-eva@example.org"]
    day.follow("Replace a key that leaked")
    after = day.rows()
    assert without(after, "eva@example.org") == without(before, "eva@example.org")
    old, new = before["eva@example.org"], after["eva@example.org"]
    assert new["token"] != old["token"] and new["spend"] == old["spend"] > 0
    assert day.ask_with(leaked) == 401 and day.ask("eva@example.org") == 200
    comeback = run_module("litellm_key", key_alias=f"{ALIAS}-eva@example.org", key=leaked, value_policy="reissue")
    assert comeback.failed and leaked not in comeback.output
    assert day.rows()["eva@example.org"]["token"] == new["token"]

    anne = day.rows()["anne@example.org"]["token"]
    sandbox.call("POST", "/key/update", {"key": anne, "spend": 5.2}).raise_for_status()
    assert day.ask("anne@example.org") != 200
    before = day.rows()

    def anne_can_go_on() -> None:
        assert day.ask("anne@example.org") == 200
        raised = {"temp_budget_increase", "temp_budget_expiry"}
        now = day.rows()
        assert without(now, "anne@example.org") == without(before, "anne@example.org")
        assert now["anne@example.org"]["max_budget"] == 5 and raised <= now["anne@example.org"]["metadata"].keys()

    day.follow("More for some", anne_can_go_on)
    before = day.rows()
    day.follow("Raise the budgets")
    assert {row["max_budget"] for row in day.rows().values()} == {10} and day.team()[0]["max_budget"] == 80
    day.follow("One more model for one person")
    assert day.ask("kai@example.org", "gpt-4o-mini") == 200 and day.ask("anne@example.org", "gpt-4o-mini") != 200
    day.follow("Go on tomorrow")
    after = day.rows()
    assert {row["expires"].isoformat()[:16] for row in after.values()} == {"2031-03-15T17:00"}
    assert {person: row["token"] for person, row in after.items()} == {p: row["token"] for p, row in before.items()}

    day.settled("kai@example.org")
    rows = day.rows()
    day.follow("Who used what")
    usage = json.loads((day.folder / ALIAS / "usage.json").read_text())
    assert {person["alias"]: (person["spend"], person["max_budget"]) for person in usage["people"]} == {
        row["key_alias"]: (row["spend"], row["max_budget"] + row["metadata"].get("temp_budget_increase", 0))
        for row in rows.values()
    }
    assert math.isclose(usage["totals"]["spend"], math.fsum(row["spend"] for row in rows.values()))

    assert day.ask_with(leaked) == 401
    (day.folder / ALIAS).rename(day.folder / "stolen")
    day.follow("If something goes wrong")
    tokens = {row["token"] for row in rows.values()}
    assert len(day.values()) == 14 and tokens.isdisjoint(row["token"] for row in day.rows().values())
    assert day.ask("anne@example.org") == 200

    assert day.ask_with(leaked) == 401

    day.follow("The evening")
    assert day.rows() == {} and day.team() == [] and day.values() == {}
    assert day.others() == others
    assert (day.folder / ALIAS / "usage.html").exists()
    assert {*day.ran, "Two trainers"} == {heading for heading, text in sections().items() if BLOCK.search(text)}


def without(rows: dict[str, Any], person: str) -> dict[str, Any]:
    return {name: row for name, row in rows.items() if name != person}


@pytest.mark.long
def test_with_a_seed_no_later_run_brings_a_leaked_key_back(day, tmp_path):
    seed = tmp_path / "seed.json"
    seed.write_text(json.dumps({"litellm_vkey_key_seed": "a seed for tests only, of 32 characters and more"}))
    day.arguments = ("-e", f"@{seed}")
    for heading in ("The week before", "The morning", "Late joiners"):
        day.follow(heading)
    leaked = day.values()[f"{ALIAS}-eva@example.org"]
    day.follow("Replace a key that leaked")
    new = day.rows()["eva@example.org"]["token"]
    day.follow("Raise the budgets")
    assert day.rows()["eva@example.org"]["token"] == new
    assert day.ask_with(leaked) == 401 and day.ask("eva@example.org") == 200


# A trainer in a hurry

CREATE = "litemaas.virtual_keys.examples.create_workshop_keys"
DELETE = "litemaas.virtual_keys.examples.delete_workshop_keys"
REPORT = "litemaas.virtual_keys.examples.report_usage"
FILES = ("registrations.csv", "python-course.yml")


def test_a_careless_trainer_loses_nothing(day, sandbox):
    """The wrong order, blank answers, a line twice, another folder, and everything a second time."""

    def run(*arguments: str, fails: str = "", cwd: Path = day.folder) -> str:
        done = day.play(*arguments, cwd=cwd, secret=tuple(day.values().values()))
        assert (done.rc != 0) is bool(fails) and fails in done.messages, done.messages
        return done.output

    day.follow("The week before")
    own = ("-e", "@python-course.yml")
    with sandbox.writes() as written:
        assert "12 unchanged" in run(DELETE, *own)
        assert "There is nothing to report" in run(REPORT, *own)
    assert written == []
    day.follow("The morning")
    morning = day.rows()

    blank = [
        f"litellm_vkey_{name}=" for name in ("block", "unblock", "reissue", "raise", "prune", "users", "user_count")
    ]
    with sandbox.writes() as written:
        assert "12 unchanged, 0 without" in run(CREATE, *own, *(part for one in blank for part in ("-e", one)))
        table = (day.folder / "registrations.csv").read_text(encoding="utf-8-sig")
        (day.folder / "registrations.csv").write_text(f"{table}Ben Ochs;ben@example.org;Blau\n", encoding="utf-8-sig")
        run(CREATE, *own, fails="'ben@example.org' appears more than once")
        run(CREATE, *own, "-e", "litellm_vkey_max_budget=+5", fails="must be a number such as 10 or 2.5, not '+5'")
        (day.folder / "registrations.csv").write_text(table, encoding="utf-8-sig")
        other = day.folder.parent / "another laptop"
        other.mkdir()
        for name in FILES:
            (other / name).write_bytes((day.folder / name).read_bytes())
        output = run(CREATE, *own, cwd=other)
        assert "12 unchanged, 12 without a known value" in output
        assert "Their keys keep working; only this folder cannot print them." in " ".join(output.split())
    assert written == [] and day.rows() == morning

    assert "12 deleted" in run(DELETE, *own, cwd=other)
    assert day.rows() == {}
    with sandbox.writes() as written:
        assert "removed from python-course/" in run(DELETE, *own)  # what the first laptop still has of dead keys
        assert "12 unchanged; python-course/ is up to date" in run(DELETE, *own)
    assert written == [] and day.values() == {}
    assert "12 created" in run(CREATE, *own)
    assert {row["token"] for row in day.rows().values()}.isdisjoint(row["token"] for row in morning.values())
    run(DELETE, *own)
    assert day.rows() == {}


@pytest.mark.long
def test_two_trainers_by_the_guide(day, sandbox, play, tmp_path):
    password = tmp_path / "password"
    password.write_text("a password of tests\n")
    other = Day(sandbox, play, tmp_path / "other trainer", password=password)
    day.password = password
    day.follow("The week before")
    *first, last = [block.group(2) for block in BLOCK.finditer(sections()["Two trainers"]) if block.group(1) == "bash"]
    for line in first[0].splitlines():
        day.command(line)
    assert "ANSIBLE_VAULT" in (day.folder / "seed.yml").read_text()
    other.folder.mkdir()
    for name in (*FILES, "seed.yml"):
        (other.folder / name).write_bytes((day.folder / name).read_bytes())
    day.command(last)
    with sandbox.writes() as written:
        other.command(last)
    assert written == []
    for line in re.findall(r"```text\n(.*?)```", sections()["Two trainers"], re.DOTALL):
        assert line.strip() in other.printed, other.said()
    lists = [(one.folder / ALIAS / "keys.csv").read_text(encoding="utf-8-sig") for one in (day, other)]
    assert lists[0] == lists[1] and other.ask("anne@example.org") == 200


def test_from_any_machine(day, sandbox):
    """Blocking and the evening need neither the files, nor the vault password, nor a disk to write on."""
    for heading in ("The week before", "The morning"):
        day.follow(heading)
    nowhere = Path("/sys")
    pattern = r"^ansible-playbook (.* -e litellm_vkey_alias=python-course -e litellm_vkey_block=\S+)$"
    command = re.search(pattern, sections()["Stop one person's key"], re.MULTILINE)
    done = day.play(*shlex.split(command[1]), cwd=nowhere)
    assert done.rc == 0, done.messages
    rows = day.rows()
    assert [person for person, row in rows.items() if row["blocked"]] == ["grete@example.org"]
    end = re.search(r"`ansible-playbook (\S+delete_workshop_keys -e \S+)`", sections()["If something goes wrong"])
    done = day.play(*shlex.split(end[1]), cwd=nowhere)
    assert done.rc == 0 and "12 deleted" in done.output, done.messages
    assert day.rows() == {} and day.team() == []
