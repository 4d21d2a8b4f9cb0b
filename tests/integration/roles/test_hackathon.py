# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A hackathon, as docs/hackathon.md tells it: its files, its commands, and what they print."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
from ansible_collections.litemaas.virtual_keys.tests.integration.guides import BLOCK, Day, following, sections
from ansible_collections.litemaas.virtual_keys.tests.integration.spending import OUT_OF_BUDGET, until_refused

GUIDE, ALIAS, QUICK = "hackathon", "hackathon", "quick-hack"


@pytest.fixture
def hackathon(sandbox, play, tmp_path) -> Iterator[Day]:
    with following(GUIDE, ALIAS, sandbox, play, tmp_path / "organizer") as somebody:
        yield somebody


@pytest.fixture
def quick(hackathon) -> Iterator[Day]:
    """The same person, with the hackathon that has one key for each team."""
    day = replace(hackathon, alias=QUICK)
    day.remove()
    yield day
    day.remove()


def budgets(day: Day) -> dict[str, float]:
    return {team["team_id"].removeprefix(f"{day.alias}-"): team["max_budget"] for team in day.teams()}


def team_of(day: Day, person: str) -> str:
    return day.rows()[person]["team_id"].removeprefix(f"{day.alias}-")


@pytest.mark.long
def test_the_hackathon_by_the_guide(hackathon, quick, sandbox, run_module, alias) -> None:
    day = hackathon
    with sandbox.writes() as written:
        day.follow("Write the table")
    assert written == [] and list(day.folder.glob("*/")) == []
    run_module("litellm_key", key_alias=f"{alias}-other", models=["gpt-4"])
    others = day.others()

    day.follow("Create the keys")
    names = ["Red Pandas", "Öl & Gas", "Team 3", "Bits", "Nulls", "Loops", "Trees", "Hash"]
    assert budgets(day) == dict.fromkeys(names, 20)
    assert {person: team_of(day, person) for person in ("cem@example.org", "grete@example.org")} == {
        "cem@example.org": "Öl & Gas",
        "grete@example.org": "Bits",
    }
    with (day.folder / ALIAS / "keys.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["alias"]: row["key"] for row in rows} == day.values() and [row["team"] for row in rows[::2]] == names
    assert day.ask("anne@example.org") == 200 and day.ask("eva@example.org") == 200
    day.settled("anne@example.org", "eva@example.org")
    sandbox.execute("""UPDATE "LiteLLM_TeamTable" SET spend = 20.01 WHERE team_id = 'hackathon-Bits'""")

    day.follow("Show the leaderboard")
    usage = json.loads((day.folder / ALIAS / "usage.json").read_text())
    assert usage["teams"][0]["team"] == "Bits"
    assert (usage["totals"]["max_budget"], usage["totals"]["max_budget_from"]) == (160, "teams")
    page = (day.folder / ALIAS / "leaderboard.html").read_text()
    assert [page.count(team.replace("&", "&amp;")) for team in names] == [1] * 8
    assert not re.search("Anne|Grete|example.org|sk-", page)

    grete, hanna = (day.values()[f"{ALIAS}-{name}@example.org"] for name in ("grete", "hanna"))
    assert until_refused(sandbox, grete) in OUT_OF_BUDGET and day.ask("anne@example.org") == 200
    before = day.rows()
    day.follow("Give a team more")
    after = day.rows()
    assert budgets(day) == {**dict.fromkeys(names, 20), "Bits": 30}
    changed = {person for person in before if after[person] != before[person]}
    used = {"anne@example.org", "grete@example.org"}  # whose spending LiteLLM may have added up meanwhile
    assert changed - used == {"kai@example.org", "ivan@example.org"}
    assert (team_of(day, "kai@example.org"), team_of(day, "quinn@example.org")) == ("Trees", "Loops")
    assert after["kai@example.org"]["token"] == before["kai@example.org"]["token"]
    assert [day.ask_with(key) for key in (grete, hanna)] == [200, 200]
    assert [day.ask(f"{name}@example.org") for name in ("kai", "quinn", "ivan", "jo")] == [200, 200, 401, 200]

    day.follow("Remove the keys")
    assert (day.rows(), day.teams(), day.values(), day.others()) == ({}, [], {}, others)
    assert (day.folder / ALIAS / "leaderboard.html").exists()

    def each_team_has_a_key() -> None:
        assert set(quick.rows()) == {"Red Pandas", "Öl & Gas"}
        assert budgets(quick) == {"Red Pandas": 20, "Öl & Gas": 30}
        assert [quick.ask(team) for team in quick.rows()] == [200, 200]
        assert (quick.folder / QUICK / "slips.html").read_text().count('class="slip"') == 2

    quick.follow("One key for each team", each_team_has_a_key)
    assert (quick.rows(), quick.teams(), quick.values(), quick.others()) == ({}, [], {}, others)
    assert set(day.ran) == {heading for heading, text in sections(GUIDE).items() if BLOCK.search(text)}
