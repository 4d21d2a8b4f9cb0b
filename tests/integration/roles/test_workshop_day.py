# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The day of a trainer, as docs/workshop_day.md tells it: its files, its commands, and what they print."""

from __future__ import annotations

import csv
import json
import math
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.tests.integration.guides import BLOCK, Day, following, sections
from ansible_collections.litemaas.virtual_keys.tests.integration.laws import too_old

GUIDE, ALIAS = "workshop_day", "python-course"


@pytest.fixture
def day(sandbox, play, tmp_path) -> Iterator[Day]:
    with following(GUIDE, ALIAS, sandbox, play, tmp_path / "trainer") as somebody:
        yield somebody


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
    assert day.teams()[0]["max_budget"] == 40
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
    assert day.ask("anne@example.org") != 200 or too_old(sandbox, "1.90.0")  # 1.83 counts on with what it remembers
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
    assert {row["max_budget"] for row in day.rows().values()} == {10} and day.teams()[0]["max_budget"] == 80
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
    assert day.rows() == {} and day.teams() == [] and day.values() == {}
    assert day.others() == others
    assert (day.folder / ALIAS / "usage.html").exists()
    assert {*day.ran, "Two trainers"} == {heading for heading, text in sections(GUIDE).items() if BLOCK.search(text)}


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
    other = Day(GUIDE, ALIAS, sandbox, play, tmp_path / "other trainer", password=password)
    day.password = password
    day.follow("The week before")
    text = sections(GUIDE)["Two trainers"]
    *first, last = [block.group(2) for block in BLOCK.finditer(text) if block.group(1) == "bash"]
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
    for line in re.findall(r"```text\n(.*?)```", sections(GUIDE)["Two trainers"], re.DOTALL):
        assert line.strip() in other.printed, other.said()
    lists = [(one.folder / ALIAS / "keys.csv").read_text(encoding="utf-8-sig") for one in (day, other)]
    assert lists[0] == lists[1] and other.ask("anne@example.org") == 200


def test_from_any_machine(day, sandbox):
    """Blocking and the evening need neither the files, nor the vault password, nor a disk to write on."""
    for heading in ("The week before", "The morning"):
        day.follow(heading)
    nowhere = Path("/sys")
    pattern = r"^ansible-playbook (.* -e litellm_vkey_alias=python-course -e litellm_vkey_block=\S+)$"
    command = re.search(pattern, sections(GUIDE)["Stop one person's key"], re.MULTILINE)
    done = day.play(*shlex.split(command[1]), cwd=nowhere)
    assert done.rc == 0, done.messages
    rows = day.rows()
    assert [person for person, row in rows.items() if row["blocked"]] == ["grete@example.org"]
    end = re.search(r"`ansible-playbook (\S+delete_workshop_keys -e \S+)`", sections(GUIDE)["If something goes wrong"])
    done = day.play(*shlex.split(end[1]), cwd=nowhere)
    assert done.rc == 0 and "12 deleted" in done.output, done.messages
    assert day.rows() == {} and day.teams() == []
