# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action of litellm_files, in a real folder."""

from __future__ import annotations

import stat
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible_collections.litemaas.virtual_keys.plugins.action import litellm_files as action

FILES = {"a.txt": "größer\n", "b.json": {"name": "größer", "list": [1, None]}}
B = '{\n  "list": [\n    1,\n    null\n  ],\n  "name": "größer"\n}\n'


def write(path: Path, check: bool = False, **files: Any) -> dict[str, Any]:
    task = SimpleNamespace(args={"path": str(path), "files": files}, check_mode=check, diff=True, async_val=0)
    loader = DataLoader()
    connection = SimpleNamespace(_shell=SimpleNamespace(tmpdir=None))
    module = action.ActionModule(task, connection, None, loader, Templar(loader, {}), None)
    return dict(module.run(task_vars={}))


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_only_the_owner_can_read_and_a_second_run_changes_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "folder"
    foreseen = write(folder, check=True, **FILES)
    assert not folder.parent.exists()
    done = write(folder, **FILES)
    assert done == foreseen and done["changed"]
    assert [(one["path"], one["action"]) for one in done["files"]] == [
        (str(path), "create") for path in (folder, folder / "a.txt", folder / "b.json")
    ]
    assert done["diff"]["prepared"] == f"create {folder}\ncreate {folder}/a.txt\ncreate {folder}/b.json\n"
    assert (folder / "a.txt").read_bytes() == "größer\n".encode() and (folder / "b.json").read_text() == B
    assert mode(folder.parent) == mode(folder) == 0o700
    assert mode(folder / "a.txt") == mode(folder / "b.json") == 0o600
    again = write(folder, **FILES)
    assert not again["changed"] and again["files"] == []
    assert sorted(path.name for path in folder.iterdir()) == ["a.txt", "b.json"]


def test_what_differs_or_can_be_read_by_others_is_written_again(tmp_path: Path) -> None:
    write(tmp_path, **FILES)
    tmp_path.chmod(0o755)
    (tmp_path / "a.txt").chmod(0o640)
    (tmp_path / "b.json").write_text("{}")
    (tmp_path / "c.txt").write_text("of somebody else")
    done = write(tmp_path, **FILES)
    assert [one["action"] for one in done["files"]] == ["update", "update"]
    assert mode(tmp_path / "a.txt") == 0o600 and (tmp_path / "b.json").read_text() == B
    assert mode(tmp_path) == 0o755 and (tmp_path / "c.txt").read_text() == "of somebody else"


def test_a_folder_alone(tmp_path: Path) -> None:
    assert write(tmp_path / "folder")["changed"] and not write(tmp_path / "folder")["changed"]


@pytest.mark.parametrize("check", [False, True])
def test_what_cannot_be_written_is_said(tmp_path: Path, check: bool) -> None:
    (tmp_path / "a.txt").mkdir(mode=0o700)
    done = write(tmp_path, check=check, **FILES)
    assert done == {"failed": True, "msg": f"{tmp_path}/a.txt: Is a directory. Existing files are complete."}


@pytest.mark.parametrize("check", [False, True])
@pytest.mark.parametrize("below", ["", "berlin"])
def test_a_file_in_the_place_of_the_folder_is_said_and_stays(tmp_path: Path, below: str, check: bool) -> None:
    path = tmp_path / "course"
    path.write_text("of somebody else")
    done = write(path / below, check=check, **FILES)
    assert done == {"failed": True, "msg": f"{path} is a file, not a folder. Move it or use another path."}
    assert path.read_text() == "of somebody else"


def test_another_run_makes_the_folder_in_between(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    is_dir, looks = Path.is_dir, iter([False])
    monkeypatch.setattr(Path, "is_dir", lambda path: next(looks, None) is None and is_dir(path))
    assert write(tmp_path, **FILES)["changed"] and (tmp_path / "b.json").read_text() == B
