# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""
The pages that people get, in a browser and on paper: nothing is cut off or lost, and what is printed works.

The slips are those of keys on a real LiteLLM, the reports those of people with all that can happen to them.
"""

from __future__ import annotations

import io
import json
import os
import re
import secrets
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._usage._task import report
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._variables import Source, Variables
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._workshop._variables import VARIABLES
from ansible_collections.litemaas.virtual_keys.tests.tooling.in_process import run_here
from playwright.sync_api import Browser, Page
from pypdf import PdfReader

WIDTHS = (320, 375, 1280)
# Below it, a row is a block in which each value says what it is.
BREAKS_INTO_BLOCKS = 800
PAGES = ("slips", "usage", "usage of teams", "leaderboard")
PAPER = ("A4", "Letter")
# What the model of the sandbox answers.
ANSWER = "Hello from gpt-4"
# Elements that stick out of the page. What scrolls by itself may be longer inside.
TOO_WIDE = """() => {
    const scrolls = element => element && (
        /auto|scroll/.test(getComputedStyle(element).overflowX) || scrolls(element.parentElement));
    const width = document.documentElement.clientWidth;
    const found = [...document.querySelectorAll('body *')].filter(element => {
        const { left, right } = element.getBoundingClientRect();
        return (right > width + 1 || left < -1) && !scrolls(element.parentElement);
    });
    return [document.documentElement.scrollWidth > width, found.map(element => element.outerHTML.slice(0, 100))];
}"""
# Cells of tables that nobody sees, or that cut something off.
LOST_CELLS = """() => [...document.querySelectorAll('tbody tr > *')].filter(cell => {
    const { width, height } = cell.getBoundingClientRect();
    const text = cell.textContent.trim();
    const isWhole = width > 4 && height > 4 && cell.scrollWidth <= cell.clientWidth + 1;
    return (text || cell.classList.contains('length')) && !isWhole;
}).map(cell => cell.outerHTML)"""
# For each column of a table that has a heading: whether each of its cells stands under it, or says what it is.
HEADINGS = """() => [...document.querySelectorAll('table')].map(table =>
    [...table.tHead.rows[0].cells].filter(head => head.textContent.trim()).map(head => [
        head.textContent.trim(),
        [...table.tBodies[0].rows].every(row => {
            const cell = row.cells[head.cellIndex];
            const label = getComputedStyle(cell, '::before').content;
            const [above, below] = [head.getBoundingClientRect(), cell.getBoundingClientRect()];
            const stands = Math.abs(above.left - below.left) < 2 || Math.abs(above.right - below.right) < 2;
            return !cell.textContent.trim() || stands && above.width > 4 || label.includes(head.textContent.trim());
        })]))"""
# The lines of each key: what stands at one height.
LINES_OF_KEYS = """() => [...document.querySelectorAll('.key code')].map(code => {
    const lines = new Map();
    for (const part of code.querySelectorAll('i')) {
        const top = Math.round(part.getBoundingClientRect().top);
        lines.set(top, (lines.get(top) ?? '') + part.textContent);
    }
    return [...lines.values()];
})"""
BARS = """() => [...document.querySelectorAll('.bar:not(.cap)')].map(bar => [
    bar.firstElementChild.getBoundingClientRect().width, bar.getBoundingClientRect().width])"""

MARK = {"metadata": {"litellm_vkey_group": "hackathon"}}
BUDGETS = {
    "Red Pandas": 20.0,
    "Öl & Gas": 20.0,
    "The Team with the Longest Name of All, and Then Some More of It": 20.0,
}
SPENT = {
    "Red Pandas": 20.5,
    "Öl & Gas": 7.25,
    "The Team with the Longest Name of All, and Then Some More of It": 0.00042,
}
NAMES = ("Anne Čapek", "Finn O'Neill", "Wolfeschlegelsteinhausenbergerdorff-Müller", "=Jo", "李小龍", "x" * 60)


def people(with_teams: bool) -> list[dict[str, Any]]:
    """Keys as litellm_key_info returns them, with everything that can be the matter with a key."""
    statuses = ("active", "over_budget", "expired", "blocked")
    found = []
    for number, name in enumerate(NAMES * 4):
        spend = (0.0, 10.5, 0.00012, 3.2, 9.99)[number % 5]
        used = {"last_active": f"2031-03-1{number % 9}T09:30:00+00:00"} if spend else {"last_active": None}
        team = [*BUDGETS, None][number % 4] if with_teams else None
        found.append(
            {
                "key_alias": f"hackathon-person{number}",
                "key_id": f"{number:064x}",
                "user_id": f"person{number}@a-long-domain.example.org",
                "group": "hackathon",
                "metadata": {"name": name},
                "status": statuses[number % 4],
                "spend": spend,
                "max_budget": 10.0 if number % 3 or not with_teams else None,
                "remaining_budget": 10 - spend if number % 3 or not with_teams else None,
                "expires_at": f"2031-03-{15 + number % 3}T18:00:00+00:00",
                "team_id": f"hackathon-{team}" if team else None,
                **used,
            }
        )
    return found


def written_report(folder: Path, with_teams: bool) -> Path:
    """Write the report of these people, and return its folder."""
    teams = [
        {"team_id": f"hackathon-{name}", "team_alias": name, "max_budget": budget, "spend": SPENT[name], **MARK}
        for name, budget in BUDGETS.items()
    ]

    def call(module: str, /, check_mode: bool | None = None, **_options: Any) -> dict[str, Any]:
        return {"teams": teams if with_teams else []} if "team" in module else {"virtual_keys": people(with_teams)}

    given = {"alias": "hackathon", "output_dir": str(folder), "output_title": "A Hackathon & <More>"}
    connection = {"api_url": "http://127.0.0.1:4000", "master_key": "sk-of-nobody"}
    done = report(call, Variables(VARIABLES, Source({**connection, **given}, "litellm_vkey_")), [], check_mode=False)
    assert done.changed
    return folder


class Slips:
    """Slips of keys on a real LiteLLM.

    :ivar keys: the values, as they were written for everybody, in the order of the slips.
    """

    def __init__(self, folder: Path, people: list[dict[str, Any]], proxy: dict[str, Any]) -> None:
        self.page, self.proxy = folder / "slips.html", proxy
        self.names = [person["name"] for person in people]
        self.keys = [person["key"] for person in people]
        self.address = people[0]["base_url"]

    def example(self, number: int) -> list[str]:
        """The lines of the example on a slip."""
        chat = 'model="gpt-4", messages=[{"role": "user", "content": "Hello!"}]'
        return [
            "from openai import OpenAI",
            f'client = OpenAI(base_url="{self.address}", api_key="{self.keys[number]}")',
            f"print(client.chat.completions.create({chat}).choices[0].message.content)",
        ]


def value_with_hyphens(number: int) -> str:
    """A value with a hyphen every six characters, so that of six people one has it wherever a line could end."""
    characters = secrets.token_hex(22)
    return "sk-" + "".join("-" if (place + number) % 6 == 0 else one for place, one in enumerate(characters, 3))


@pytest.fixture(scope="session")
def slips(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slips]:
    description = os.environ.get("SANDBOX_JSON") or pytest.exit("Run these tests by ./tests/run browser.", returncode=2)
    proxy = json.loads(Path(description).read_text())
    folder, alias = tmp_path_factory.mktemp("slips") / "course", f"t{secrets.token_hex(4)}"
    ends = datetime.now(UTC) + timedelta(days=3)
    given = {
        "api_url": proxy["api_url"],
        "master_key": proxy["master_key"],
        "alias": alias,
        "models": ["gpt-4", "gpt-4o-mini"],
        "max_budget": 5,
        "expires_at": ends.isoformat(timespec="seconds"),
        "team_budget": 20,
        "users": [
            {"user": f"p{number}", "name": name, "team": [*BUDGETS][number % 3], "key": value_with_hyphens(number)}
            for number, name in enumerate(NAMES * 2)
        ],
        "output_dir": str(folder),
        "output_title": "Python for beginners",
        "output_note": "Ask Ada, in the front row, or write to ada@example.org.",
    }
    done = run_here(given)
    assert not done.get("failed"), done.get("msg")
    order = {name: number for number, name in enumerate(BUDGETS)}
    people = sorted(json.loads((folder / "keys.json").read_text()), key=lambda person: order[person["team"]])
    yield Slips(folder, people, proxy)
    run_here(
        {**given, "users": None, "team_budget": None, "multi_user": True, "state": "absent", "report_usage": False}
    )


@pytest.fixture(scope="session")
def pages(slips: Slips, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The pages by what a test calls them."""
    plain = written_report(tmp_path_factory.mktemp("plain"), with_teams=False)
    teams = written_report(tmp_path_factory.mktemp("teams"), with_teams=True)
    files = (slips.page, plain / "usage.html", teams / "usage.html", teams / "leaderboard.html")
    return dict(zip(PAGES, files, strict=True))


@pytest.fixture(scope="session")
def show(browser: Browser, pages: dict[str, Path]) -> Iterator[Any]:
    """Opens a page in a window of some width."""
    opened: list[Page] = []

    def show(name: str, width: int = 1280) -> Page:
        page = browser.new_page(viewport={"width": width, "height": 800})
        opened.append(page)
        page.goto(pages[name].as_uri())
        return page

    yield show
    for page in opened:
        page.close()


def printed(page: Page, paper: str) -> list[list[str]]:
    """The text of each printed page as it is copied, in lines. Their ends are kept: a space there is one."""
    pages = PdfReader(io.BytesIO(page.pdf(format=paper))).pages
    return [one.extract_text().splitlines() for one in pages]


# On a screen


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", PAGES)
def test_nothing_is_wider_than_the_page(show: Any, name: str, width: int) -> None:
    assert show(name, width).evaluate(TOO_WIDE) == [False, []]


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", ["usage", "usage of teams"])
def test_no_column_is_lost(show: Any, name: str, width: int) -> None:
    page = show(name, width)
    assert page.evaluate(LOST_CELLS) == []
    # A name and a status say themselves what they are.
    found = {head: all_said for table in page.evaluate(HEADINGS) for head, all_said in table}
    unsaid = {head for head, said in found.items() if not said}
    assert unsaid <= ({"Name", "Status", "Team"} if width < BREAKS_INTO_BLOCKS else set())
    assert {"Name", "Status", "Spent, USD", "Last use", "Expires"} <= found.keys()


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", ["usage", "usage of teams", "leaderboard"])
def test_all_bars_have_the_scale_that_the_page_says(show: Any, name: str, width: int) -> None:
    page = show(name, width)
    bars = page.evaluate(BARS)
    stated = [float(amount) for amount in re.findall(r"A full bar is ([\d.]+) USD", page.inner_text("body"))]
    scales = {"usage": [10.5], "usage of teams": [20.5, 10.5], "leaderboard": [20.5]}[name]
    assert stated == scales
    spent = [] if name == "usage" else sorted(SPENT.values(), reverse=True)
    if name != "leaderboard":
        spent += sorted((key["spend"] for key in people(name == "usage of teams")), reverse=True)
    whole = [scales[0]] * 3 + [10.5] * (len(spent) - 3) if name == "usage of teams" else scales * len(spent)
    assert len(bars) == len(spent)
    for (length, track), amount, scale in zip(bars, spent, whole, strict=True):
        assert abs(length - track * amount / scale) < 1 and track > 40


def test_the_leaderboard_reads_itself_again(show: Any) -> None:
    page = show("leaderboard")
    assert page.get_attribute('meta[http-equiv="refresh"]', "content") == "30"
    assert page.locator("li").count() == 3 and page.locator("li.full").count() == 1


# On paper


@pytest.mark.parametrize("paper", PAPER)
def test_no_slip_is_cut_in_two(show: Any, slips: Slips, paper: str) -> None:
    pages = ["".join("".join(lines).split()) for lines in printed(show("slips"), paper)]
    assert len(pages) > 1
    begins, ends = [[text.count(part) for text in pages] for part in ("Pythonforbeginners", ".message.content)")]
    assert begins == ends and sum(begins) == len(slips.keys) and all(begins)


@pytest.mark.parametrize("paper", PAPER)
def test_the_example_is_copied_from_paper_and_works(show: Any, slips: Slips, paper: str) -> None:
    lines = [line for page in printed(show("slips"), paper) for line in page]
    starts = [number for number, line in enumerate(lines) if line == "from openai import OpenAI"]
    copied = [
        lines[start : 1 + next(n for n in range(start, len(lines)) if lines[n].endswith(".content)"))]
        for start in starts
    ]
    # A line that is too long goes on in the next one. Nothing else is different, byte for byte.
    assert ["".join(one) for one in copied] == ["".join(slips.example(number)) for number in range(len(slips.keys))]
    assert len({len(one) for one in copied}) == 1 and len(copied[0]) > 3
    for example in (copied[0], copied[-1]):
        command = [sys.executable, "-c", "\n".join(example)]
        done = subprocess.run(command, env={}, capture_output=True, text=True, check=False)
        assert done.stdout.strip() == ANSWER, done.stderr


@pytest.mark.parametrize("paper", PAPER)
def test_no_line_of_a_printed_key_ends_at_a_hyphen(show: Any, slips: Slips, paper: str) -> None:
    lines = [line for page in printed(show("slips"), paper) for line in page]
    starts = [number + 1 for number, line in enumerate(lines) if line == "Key"]
    shown = [lines[start : lines.index("Address", start)] for start in starts]
    assert ["".join(parts) for parts in shown] == slips.keys
    assert not [parts for parts in shown for part in parts[:-1] if part.endswith("-")]


@pytest.mark.parametrize("width", WIDTHS)
def test_no_line_of_a_shown_key_ends_at_a_hyphen(show: Any, slips: Slips, width: int) -> None:
    lines = show("slips", width).evaluate(LINES_OF_KEYS)
    assert ["".join(parts) for parts in lines] == slips.keys
    assert not [parts for parts in lines for part in parts[:-1] if part.endswith("-")]
    assert width > 1000 or max(map(len, lines)) > 1, "no key is broken, so that nothing is tested"
