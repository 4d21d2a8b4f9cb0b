# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""
Publishes the site that the session docs has built, as a folder of the branch gh-pages:

    python -m tests.tooling.publication NAME

The name is that of a tag, such as 1.1.0, or that of the main branch, whose folder is devel. The folders of other
versions stay as they are. The page of the branch itself leads to the newest release, and versions.html to all of them.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from .checkout import ROOT
from .site import HTML

BRANCH = "gh-pages"
MAIN, DEVEL = "main", "devel"
LICENSE = """\
<!--
SPDX-FileCopyrightText: litemaas.virtual_keys contributors
SPDX-License-Identifier: GPL-3.0-or-later
-->
"""
PAGE = """\
<!doctype html>
{license}<html lang="en">
<head><meta charset="utf-8"><title>litemaas.virtual_keys</title>{head}</head>
<body>
<h1>litemaas.virtual_keys</h1>
<ul>
{links}
</ul>
</body>
</html>
"""


def publish(name: str, html: Path = HTML, repository: Path = ROOT) -> None:
    """Publish a site with the remote "origin" of a repository."""
    folder = DEVEL if name == MAIN else name
    if folder != DEVEL and not is_release(folder):
        raise ValueError(f"{name} is neither {MAIN} nor a release such as 1.1.0")
    with tempfile.TemporaryDirectory() as place:
        work = Path(place, "pages")
        _git(repository, "worktree", "add", "--quiet", "--detach", str(work))
        try:
            if _git(repository, "ls-remote", "origin", f"refs/heads/{BRANCH}"):
                _git(work, "fetch", "--quiet", "--depth=1", "origin", BRANCH)
                _git(work, "checkout", "--quiet", "--detach", "FETCH_HEAD")
            else:
                _git(work, "checkout", "--quiet", "--orphan", BRANCH)
                _git(work, "rm", "--quiet", "-r", "--force", ".")
            shutil.rmtree(work / folder, ignore_errors=True)
            shutil.copytree(html, work / folder)
            for file, text in pages(path.name for path in work.iterdir() if path.is_dir()).items():
                (work / file).write_text(text, encoding="utf-8")
            _git(work, "add", "--all", "--force")
            if _git(work, "status", "--porcelain"):
                _git(work, "commit", "--quiet", "--message", f"Publish the documentation of {folder}")
                _git(work, "push", "--quiet", "origin", f"HEAD:refs/heads/{BRANCH}")
        finally:
            _git(repository, "worktree", "remove", "--force", str(work))


def is_release(name: str) -> bool:
    return bool(re.fullmatch(r"\d+\.\d+\.\d+", name))


def pages(folders: Iterable[str]) -> dict[str, str]:
    """The pages of the branch itself: those that lead to the sites in these folders."""
    found = set(folders)
    releases = sorted(filter(is_release, found), key=lambda name: [int(part) for part in name.split(".")], reverse=True)
    versions = [*releases, *sorted({DEVEL} & found)]
    links = "\n".join(f'<li><a href="{name}/">{name}</a></li>' for name in versions)
    to_first = f'<meta http-equiv="refresh" content="0; url={versions[0]}/">'
    return {
        ".nojekyll": "",
        "index.html": PAGE.format(license=LICENSE, head=to_first, links=links),
        "versions.html": PAGE.format(license=LICENSE, head="", links=links),
    }


def _git(folder: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=folder, check=True, stdout=subprocess.PIPE, text=True).stdout


if __name__ == "__main__":
    publish(sys.argv[1])
