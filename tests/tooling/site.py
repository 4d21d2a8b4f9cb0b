# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The source of the documentation site: the pages in docs, beside those that antsibull-docs generates."""

from __future__ import annotations

import shutil
from pathlib import Path

from .checkout import BUILD, ROOT

CONFIGURATION = ROOT / "docs" / "site"
HTML = BUILD / "docs" / "html"


def assemble() -> tuple[Path, Path]:
    """The folder of the pages, and the empty folder in it for the generated ones."""
    source = BUILD / "docs" / "source"
    shutil.rmtree(source.parent, ignore_errors=True)
    source.mkdir(parents=True)
    for page in [*(ROOT / "docs").glob("**/*.md"), *(ROOT / "docs").glob("images/*"), CONFIGURATION / "index.rst"]:
        copy = source / page.relative_to(CONFIGURATION if page.suffix == ".rst" else ROOT / "docs")
        copy.parent.mkdir(exist_ok=True)
        shutil.copyfile(page, copy)
    shutil.copyfile(ROOT / "CHANGELOG.md", source / "changelog.md")
    generated = source / "collections"
    # antsibull-docs wants a folder that only its owner can write.
    generated.mkdir(mode=0o755)
    return source, generated
