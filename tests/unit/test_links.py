# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Links between the pages of the repository lead to files and headings that exist, as on a forge."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# Galaxy shows the README apart from the repository, so that its links name it.
REPOSITORY = r"https://github\.com/litemaas/virtual_keys/(?:blob|raw)/main/"
PATTERNS = ("*.md", ".github/**/*.md", "docs/**/*.md", "roles/*/README.md", "tests/*/*.md")
PAGES = sorted({page for pattern in PATTERNS for page in ROOT.glob(pattern)} - {ROOT / "CHANGELOG.md"})
FENCED = re.compile(r"^(?P<indent> *)(?P<fence>```+).*?^(?P=indent)(?P=fence)$", re.DOTALL | re.MULTILINE)
LINK = re.compile(rf"\]\((?P<forge>{REPOSITORY})?(?![a-z]+:)(?P<path>[^)#\s]*)(?:#(?P<heading>[^)\s]+))?\)")


def text_of(page: Path) -> str:
    return FENCED.sub("", page.read_text(encoding="utf-8"))


def headings(page: Path) -> set[str]:
    """The anchors that a forge gives to the headings of a page."""
    titles = re.findall(r"^#+ (.*)$", text_of(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    for link in LINK.finditer(text_of(page)):
        base = ROOT if link["forge"] else page.parent
        target = (base / link["path"]).resolve() if link["path"] else page
        assert target.is_file() and ROOT in target.parents, link[0]
        assert not link["heading"] or link["heading"] in headings(target), link[0]


def test_the_readme_can_be_read_elsewhere() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert re.findall(r"\]\((?!https://|#)[^)]*\)", readme) == []


def test_the_site_has_every_page() -> None:
    index = (ROOT / "docs" / "site" / "index.rst").read_text(encoding="utf-8")
    for page in (ROOT / "docs").glob("*.md"):
        assert f"   {page.stem}\n" in index, page.name


def test_the_page_of_environment_variables_is_complete() -> None:
    page = (ROOT / "docs" / "environment.md").read_text(encoding="utf-8")
    fragments = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "plugins").glob("**/*.py"))
    named = set(re.findall(r"\bE\((\w+)\)", fragments))
    assert named and named <= set(re.findall(r"`([A-Z_]+)`", page))


def test_the_readme_names_every_module() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    modules = {path.stem for path in (ROOT / "plugins" / "modules").glob("*.py")}
    # The roles use these.
    assert [name for name in modules - {"litellm_hand_out", "litellm_usage_report"} if f"`{name}`" not in readme] == []
