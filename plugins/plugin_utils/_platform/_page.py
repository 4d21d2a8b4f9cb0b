# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a proxy differs from what is declared, as files. Private: only for use inside this collection."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible_collections.litemaas.virtual_keys.plugins.module_utils._text import join_limited

from .._our_files import OurFiles
from .._pages import render_page
from ._words import LISTS, described, title

TEMPLATE = Path(__file__).parent / "drift.html.j2"


class Page:
    """The files in a folder of the user's.

    :raises InputError: if the folder cannot be used.
    """

    def __init__(self, path: str) -> None:
        self._folder = OurFiles(path)
        self._folder.read_list()

    def write(
        self, drift: Mapping[str, Any], said: Sequence[str], formats: Collection[str]
    ) -> tuple[list[dict[str, str]], list[str]]:
        """Write the files, and return what was done with which, and warnings about those that are not ours."""
        contents = {
            "drift.json": f"{json.dumps(drift, indent=2, sort_keys=True, ensure_ascii=False)}\n",
            "drift.html": html(drift, said),
        }
        wanted = {
            name: text.encode("utf-8", "replace")
            for name, text in contents.items()
            if name.rpartition(".")[2] in formats
        }
        folder = self._folder
        with folder.alone():
            folder.read_list()
            foreign = folder.foreign(wanted)
            wanted = {name: content for name, content in wanted.items() if name not in foreign}
            changes = folder.changes(wanted, ())
            folder.apply(changes, wanted)
        files = [{"path": str(folder.path / name), "action": action} for name, action in changes.items()]
        left = f"These files in {folder.path} were not written by this module, or were changed since: "
        return files, [f"{left}{join_limited(foreign)}. They were left as they are."] if foreign else []


def html(drift: Mapping[str, Any], said: Sequence[str]) -> str:
    """Return the page."""
    sections = [
        {"title": f"{called[0].upper()}{called[1:]}", "rows": [_row(one, sign) for one in drift[name]]}
        for name, (called, sign) in LISTS.items()
        if drift[name]
    ]
    return render_page(TEMPLATE, {"summary": said[0], "sections": sections})


def _row(one: Mapping[str, Any], sign: str) -> dict[str, Any]:
    """Return the name of an object, and what differs about it, a text each."""
    beginning = f"{sign} {title(one)}"
    texts = [line[len(beginning) :].strip() for line in described(one, sign)]
    return {"kind": one["kind"], "name": str(one["name"]), "differences": [text for text in texts if text]}
