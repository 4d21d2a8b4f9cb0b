# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A CSV file is read as bytes, from where Ansible looks for files; what is wrong with it is a sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.vault import VaultLib, VaultSecret
from ansible_collections.litemaas.virtual_keys.plugins.lookup.registrations import LookupModule

SECRETS = [("default", VaultSecret(b"a password for tests"))]


@pytest.fixture
def loader(tmp_path: Path) -> DataLoader:
    loader = DataLoader()
    loader.set_basedir(str(tmp_path))
    return loader


def looked_up(loader: DataLoader, tmp_path: Path, path: str = "people.csv") -> dict[str, Any]:
    (found,) = LookupModule(loader=loader).run([path], {"ansible_search_path": [str(tmp_path)]})
    return found


@pytest.mark.parametrize("encoding", ["utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize("folder", ["", "files"])
def test_any_encoding(loader: DataLoader, tmp_path: Path, encoding: str, folder: str) -> None:
    (tmp_path / folder).mkdir(exist_ok=True)
    (tmp_path / folder / "people.csv").write_bytes("user;name\nann;Änn\n".encode(encoding))
    assert looked_up(loader, tmp_path) == {"problem": "", "people": [{"user": "ann", "name": "Änn"}]}


def test_a_file_where_the_user_is(loader: DataLoader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The playbooks of the collection have no file beside them."""
    (tmp_path / "mine").mkdir()
    monkeypatch.chdir(tmp_path / "mine")
    Path("people.csv").write_text("user\nann\n")
    assert looked_up(loader, tmp_path) == {"problem": "", "people": [{"user": "ann"}]}


def test_an_encrypted_file(loader: DataLoader, tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_bytes(VaultLib(SECRETS).encrypt(b"user\nann\n"))
    assert "vault password" in looked_up(loader, tmp_path)["problem"]
    loader.set_vault_secrets(SECRETS)
    assert looked_up(loader, tmp_path)["people"] == [{"user": "ann"}]


def test_no_such_file(loader: DataLoader, tmp_path: Path) -> None:
    assert looked_up(loader, tmp_path)["problem"] == "the file does not exist on the control node."
    (tmp_path / "people.csv").mkdir()
    assert "cannot be read" in looked_up(loader, tmp_path)["problem"]


def test_no_such_table(loader: DataLoader, tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_bytes(b"")
    assert looked_up(loader, tmp_path) == {"problem": "the file is empty.", "people": []}
