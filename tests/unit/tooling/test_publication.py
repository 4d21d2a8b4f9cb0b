# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The site is published with a folder for each version, to a repository of this test."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from ansible_collections.litemaas.virtual_keys.tests.tooling.publication import pages, publish

AUTHOR = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@example.org"}
COMMITTER = {"GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@example.org"}


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Mapping[str, str]]:
    """Publishes a site of these files under a name, and returns the files of the branch."""
    for name, value in (AUTHOR | COMMITTER).items():
        monkeypatch.setenv(name, value)
    remote, checkout = tmp_path / "remote", tmp_path / "checkout"
    git(tmp_path, "init", "--quiet", "--bare", str(remote))
    git(tmp_path, "init", "--quiet", str(checkout))
    (checkout / "source").write_text("code")
    git(checkout, "add", "source")
    git(checkout, "commit", "--quiet", "--message", "Code")
    git(checkout, "remote", "add", "origin", str(remote))

    def run(name: str, files: Mapping[str, str]) -> Mapping[str, str]:
        html = tmp_path / f"html-{name}"
        html.mkdir(exist_ok=True)
        for file in html.iterdir():
            file.unlink()
        for file, text in files.items():
            (html / file).write_text(text)
        publish(name, html, checkout)
        names = git(remote, "ls-tree", "-r", "--name-only", "gh-pages").splitlines()
        assert git(checkout, "worktree", "list").count("\n") == 0
        return {one: git(remote, "show", f"gh-pages:{one}") for one in names}

    return run


def test_each_version_has_a_folder(published: Callable[..., Mapping[str, str]]) -> None:
    first = published("main", {"index.html": "old", "gone.html": "old"})
    assert set(first) == {".nojekyll", "index.html", "versions.html", "devel/index.html", "devel/gone.html"}
    assert "url=devel/" in first["index.html"]
    published("1.9.0", {"index.html": "nine"})
    published("1.10.0", {"index.html": "ten"})
    last = published("main", {"index.html": "new"})
    assert {name: text for name, text in last.items() if "/" in name} == {
        "devel/index.html": "new",
        "1.9.0/index.html": "nine",
        "1.10.0/index.html": "ten",
    }
    assert "url=1.10.0/" in last["index.html"]


def test_the_same_site_is_published_once(published: Callable[..., Mapping[str, str]], tmp_path: Path) -> None:
    for _time in range(2):
        published("main", {"index.html": "same"})
    assert git(tmp_path / "remote", "rev-list", "--count", "gh-pages") == "1"


def test_versions_are_in_order_and_nothing_else_is_one() -> None:
    text = pages({"1.9.0", "devel", ".git", "1.10.0"})["versions.html"]
    assert re.findall(r'href="(.+)/"', text) == ["1.10.0", "1.9.0", "devel"]


def test_another_branch_is_refused(published: Callable[..., Mapping[str, str]], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="my-branch is neither main nor a release"):
        published("my-branch", {"index.html": "mine"})
    assert git(tmp_path / "remote", "branch", "--list") == ""
