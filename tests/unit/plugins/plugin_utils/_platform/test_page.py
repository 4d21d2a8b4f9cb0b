# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files that say what differs: whole, safe to open, and never in the place of the user's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._errors import InputError
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._platform._page import Page, html
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._platform._words import sentences
from ansible_collections.litemaas.virtual_keys.tests.unit.plugins.plugin_utils._platform.test_words import NOTHING

DRIFT = {
    **NOTHING,
    "differs": True,
    "changed": [
        {"kind": "teams", "name": "<b>&", "fields": {"models": {"declared": ["<script>"], "actual": None}}},
    ],
    "missing": [{"kind": "keys", "name": "k"}],
}


def write(path: Path, drift: dict, formats: tuple[str, ...] = ("json", "html")) -> tuple[list, list]:
    return Page(str(path)).write(drift, sentences(drift), formats)


def test_the_page_says_what_differs_and_runs_nothing() -> None:
    text = html(DRIFT, sentences(DRIFT))
    assert "1 missing, 1 changed." in text
    assert "&lt;b&gt;&amp;" in text and "models none -&gt; &lt;script&gt;" in text
    assert "<script" not in text and "<b>" not in text
    assert "The proxy is as declared." in html(NOTHING, sentences(NOTHING))


def test_the_files_change_only_with_what_differs(tmp_path: Path) -> None:
    folder = tmp_path / "drift"
    files, left = write(folder, DRIFT)
    assert ([Path(one["path"]).name for one in files], left) == (["drift.json", "drift.html"], [])
    assert json.loads((folder / "drift.json").read_text()) == DRIFT
    assert (folder.stat().st_mode & 0o777, (folder / "drift.html").stat().st_mode & 0o777) == (0o700, 0o600)
    assert write(folder, DRIFT) == ([], [])
    files, left = write(folder, NOTHING, ("html",))
    assert [(Path(one["path"]).name, one["action"]) for one in files] == [("drift.html", "update")]


def test_a_file_of_the_user_stays(tmp_path: Path) -> None:
    (tmp_path / "drift.html").write_text("mine")
    files, left = write(tmp_path, DRIFT)
    assert [Path(one["path"]).name for one in files] == ["drift.json"]
    assert "drift.html" in left[0] and (tmp_path / "drift.html").read_text() == "mine"


def test_a_file_in_the_place_of_the_folder_is_refused_before_anything_else(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError):
        Page(str(tmp_path / "file"))
