# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The documentation site in a browser: nothing is cut off, no link is dead, the search finds what people look for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from playwright.sync_api import Browser, Page

ROOT = Path(__file__).resolve().parents[2]
SITE = ROOT / ".build" / "docs" / "html"
PAGES = sorted(SITE.rglob("*.html"))
WIDTHS = (390, 1280, 1366, 1920)
# Elements that stick out of the page to the right, unless something around them scrolls.
TOO_WIDE = """() => {
    const scrolls = element => element && (
        /auto|scroll/.test(getComputedStyle(element).overflowX) || scrolls(element.parentElement));
    const width = document.documentElement.clientWidth;
    return [...document.querySelectorAll('.wy-nav-content *')]
        .filter(element => element.getBoundingClientRect().right > width + 1 && !scrolls(element.parentElement))
        .map(element => element.outerHTML.slice(0, 100));
}"""
# What people have in mind, and a page that must be among the first that the search finds.
WORDS = {
    "rotate": "rotate_keys",
    "expire": "questions",
    "monthly budget": "questions",
    "block": "workshop_day",
    "leak": "workshop_day",
    "hackathon": "hackathon",
    "leaderboard": "hackathon",
    "export": "existing_proxy",
    "Terraform": "terraform",
    "AWX": "awx",
    "Vault": "secret_stores",
    "rename": "questions",
    "401": "questions",
}
FIRST = 10


@pytest.fixture(scope="session", params=WIDTHS)
def page(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Page]:
    opened = browser.new_page(viewport={"width": request.param, "height": 900})
    yield opened
    opened.close()


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(SITE).as_posix())
def test_nothing_is_wider_than_its_page(page: Page, path: Path) -> None:
    page.goto(path.as_uri())
    assert page.evaluate(TOO_WIDE) == []


class Links(HTMLParser):
    """The targets of the links of a page, and its anchors."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.targets: set[str] = set()
        self.anchors: set[str] = set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.anchors |= {value for name in ("id", "name") if (value := given.get(name))}
        if tag in ("a", "link") and given.get("href"):
            self.targets.add(str(given["href"]))


def test_no_link_is_dead() -> None:
    pages = {path: Links(path) for path in PAGES}
    assert pages
    dead = []
    for path, links in pages.items():
        for target in links.targets:
            parts = urlsplit(target)
            if parts.scheme or parts.netloc:
                continue
            file = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            anchors = pages[file].anchors if file in pages else set()
            if not file.is_file() or (
                parts.fragment and file.suffix == ".html" and unquote(parts.fragment) not in anchors
            ):
                dead.append(f"{path.relative_to(SITE)}: {target}")
    assert dead == []


@pytest.mark.parametrize(("words", "expected"), WORDS.items())
def test_the_search_finds_it(browser: Browser, words: str, expected: str) -> None:
    page = browser.new_page()
    page.goto(f"{(SITE / 'search.html').as_uri()}?q={words}")
    page.wait_for_function("document.querySelector('.search-summary')?.textContent.match(/found|did not match/i)")
    found = [
        re.sub(r"\.html.*", "", str(link))
        for link in page.eval_on_selector_all(
            "#search-results li a", "links => links.map(link => link.getAttribute('href'))"
        )
    ]
    page.close()
    assert expected in list(dict.fromkeys(found))[:FIRST]


def test_the_logo_leads_home(browser: Browser) -> None:
    page = browser.new_page()
    page.goto((SITE / "options" / "litellm_key.html").as_uri())
    page.click(".DocSiteNav-title")
    page.wait_for_load_state()
    assert page.url.split("#")[0] == (SITE / "index.html").as_uri()
    page.close()
