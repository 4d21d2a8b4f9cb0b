# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The folder on the control node. Private: only for use inside this collection."""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import stat
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from ansible_collections.litemaas.virtual_keys.plugins.module_utils._errors import InputError

from .._private_folder import make_folder, refuse_a_file
from .._whole_file import write_whole
from ._formats import ENDINGS, LISTS, read_csv_values, read_json
from ._people import Person

UNFINISHED = ".hand-out-"


class Folder:
    """Files that only their owner can read, each of them whole at any time."""

    def __init__(self, path: str) -> None:
        self.path = Path(path).expanduser()

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Make the folder if need be, and keep other runs out."""
        make_folder(self.path)
        handle = os.open(self.path, os.O_RDONLY)
        try:
            # Some network file systems lock no folders. There, two runs at once may forget each other's people.
            with contextlib.suppress(OSError):
                fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    def read(self) -> tuple[list[Person], list[str]]:
        """The people of earlier runs, and the values known of them.

        :raises InputError: if a file is there that cannot be theirs, or in the place of the folder.
        """
        refuse_a_file(self.path)
        people: list[Person] = []
        values: list[str] = []
        try:
            if text := self._bytes(LISTS["json"]):
                people = read_json(text)
                values = [person["key"] for person in people if person["key"]]
        except InputError as error:
            raise InputError(self._refusal(LISTS["json"], error)) from error
        try:
            if not people and (text := self._bytes(LISTS["csv"])):
                values = read_csv_values(text)
        except InputError as error:
            raise InputError(self._refusal(LISTS["csv"], error)) from error
        return people, values

    def has(self, name: str) -> bool:
        return (self.path / name).exists()

    def changes(self, wanted: Mapping[str, bytes], ours: Collection[str]) -> dict[str, str]:
        """What is to be done with which file: create, update or delete. First what goes, then what comes."""
        changes = {name: "delete" for name in ours if name not in wanted and self.has(name)}
        for name, text in wanted.items():
            there = self._bytes(name)
            if there is None:
                changes[name] = "create"
            elif there != text or self._is_open(name):
                changes[name] = "update"
        return changes

    def apply(self, changes: Mapping[str, str], wanted: Mapping[str, bytes]) -> None:
        self._clear_up()
        for name, action in changes.items():
            if action == "delete":
                (self.path / name).unlink()
            else:
                self._write(self.path / name, wanted[name])
        for kind in ENDINGS:
            with contextlib.suppress(OSError):  # it is not there, or holds files of others
                (self.path / kind).rmdir()

    def _write(self, target: Path, text: bytes) -> None:
        target.parent.mkdir(mode=0o700, exist_ok=True)
        unfinished = target.parent / f"{UNFINISHED}{secrets.token_hex(8)}"
        # The JSON keeps the values, so it must outlive a power cut. The others can be written again.
        write_whole(str(target), str(unfinished), text, lasting=target.name == LISTS["json"])

    def _clear_up(self) -> None:
        """Remove what a killed run left behind."""
        for folder in (self.path, *(self.path / kind for kind in ENDINGS)):
            for unfinished in folder.glob(f"{UNFINISHED}*"):
                unfinished.unlink()

    def _bytes(self, name: str) -> bytes | None:
        try:
            return (self.path / name).read_bytes()
        except FileNotFoundError:
            return None

    def _is_open(self, name: str) -> bool:
        return bool(stat.S_IMODE((self.path / name).stat().st_mode) & 0o077)

    def _refusal(self, name: str, error: InputError) -> str:
        return f"{self.path / name} {error}. Fix it or move it away. Nothing was written."
