# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is written of an export, and what is said."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._errors import InputError
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._export._task import ensure_writable, result_of
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._our_files import OurFiles

TAG = {"name": "a", "declaration": {"name": "a"}, "hidden": [], "not_declared": {}}
LOST = {"name": "b\x1b", "declaration": None, "hidden": [], "not_declared": {"": "it is automatic."}}
OBJECTS = {"tags": [TAG, LOST], "access_groups": []}


def export(folder: Path | None, objects: Any = None, check_mode: bool = False) -> dict[str, Any]:
    return result_of(OBJECTS if objects is None else objects, OurFiles(str(folder)) if folder else None, check_mode)


def test_without_a_folder_only_data_is_returned() -> None:
    assert export(None) == {
        "changed": False,
        "files": [],
        "diff": [],
        "declarations": {"tags": [{"name": "a"}], "access_groups": []},
        "messages": ["2 tags", "Not declared: 1 of 2 tags: b?."],
    }
    assert export(None, {"tags": []})["messages"] == ["Nothing."]


def test_files_are_written_once_and_only_for_their_owner(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    planned = export(folder, check_mode=True)
    assert not folder.exists()
    done = export(folder)
    assert (planned["changed"], planned["files"], planned["diff"]) == (True, done["files"], done["diff"])
    assert [(Path(one["path"]).name, one["action"]) for one in done["files"]] == [
        ("tags.yml", "create"),
        ("access_groups.yml", "create"),
    ]
    assert stat.S_IMODE((folder / "tags.yml").stat().st_mode) == 0o600
    assert done["diff"][0]["before"] == "" and done["diff"][0]["after"] == (folder / "tags.yml").read_text()
    again = export(folder)
    assert (again["changed"], again["files"], again["diff"]) == (False, [], [])


def test_only_what_differs_is_written(tmp_path: Path) -> None:
    export(tmp_path)
    done = export(tmp_path, {**OBJECTS, "tags": [TAG]})
    assert [one["path"] for one in done["files"]] == [str(tmp_path / "tags.yml")]


@pytest.mark.parametrize("text", ["platform_tags: []\n", ""])
def test_a_file_of_somebody_else_is_not_touched_and_no_other_is_written(tmp_path: Path, text: str) -> None:
    (tmp_path / "tags.yml").write_text(text)
    with pytest.raises(InputError, match="were not written by this module, or were changed since: tags"):
        export(tmp_path)
    assert (tmp_path / "tags.yml").read_text() == text
    assert not (tmp_path / "access_groups.yml").exists()


def test_a_folder_that_cannot_be_one_is_refused_first(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="is a file, not a folder"):
        ensure_writable(OurFiles(str(tmp_path / "file" / "below")))
    ensure_writable(OurFiles(str(tmp_path / "new" / "below")))
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
