# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files that this collection writes into a folder of the user's. Private: only for use inside this collection.

A name does not tell our file from one of the user's. A list in the folder does, with the hash of what was written: only
a file that still has this content is replaced or removed.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import secrets
import stat
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from ansible_collections.litemaas.virtual_keys.plugins.module_utils._errors import InputError

from ._private_folder import ensure_folder, make_folder
from ._whole_file import check_owner, write_whole

LIST = ".litellm_vkey_files.json"
UNFINISHED = ".hand-out-"


class OurFiles:
    """A folder, and which of its files are ours.

    Each file is whole at any time, and only its owner can read it.

    :param path: of the folder, which need not exist.
    :param lasting: names of files that must outlive a power cut, as they cannot be written again.
    """

    def __init__(self, path: str, lasting: Collection[str] = ()) -> None:
        self.path = Path(path).expanduser()
        self._lasting = lasting
        # The hashes that a file of ours may have by its name: while it is written, the old one and the new one.
        self._hashes: dict[str, list[str]] = {}
        self._stored: dict[str, list[str]] = {}
        self.has_list = False

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

    def read_list(self) -> None:
        """Read which files are ours.

        :raises InputError: if the list cannot be used, or a file is in the place of the folder.
        """
        ensure_folder(self.path)
        text = self.read_own(LIST)
        self.has_list = text is not None
        try:
            self._stored = _hashes(text) if text is not None else {}
        except ValueError as error:
            raise InputError(
                f"{self.path / LIST} is damaged, so that files of this role cannot be told from yours. Remove it, and "
                "move files away that you want to keep."
            ) from error
        self._hashes = dict(self._stored)

    def read(self, name: str) -> bytes | None:
        """Return what is in a file, None if there is none."""
        try:
            return (self.path / name).read_bytes()
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return None

    def check_place(self, name: str) -> str | None:
        """Return what is in the place of a file or of its folder, a sentence, or None."""
        path = self.path / name
        if path.parent.exists() and not path.parent.is_dir():
            return f"{path.parent} is a file, not a folder. Move it or use another path."
        return f"{path} is a folder, not a file. Move it or use another path." if path.is_dir() else None

    def read_own(self, name: str) -> bytes | None:
        """Return what is in a file that later runs believe, None if there is none.

        :raises InputError: if it belongs to somebody else.
        """
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            if problem := check_owner(str(self.path / name), (self.path / name).stat()):
                raise InputError(problem)
        return self.read(name)

    def ours(self) -> list[str]:
        """Return the names of the files that exist as we wrote them."""
        return [name for name in self._hashes if self.is_ours(name)]

    def is_ours(self, name: str) -> bool:
        """Return whether a file is there, and is as we wrote it."""
        there = self.read(name)
        return there is not None and _hash(there) in self._hashes.get(name, ())

    def changed_by_hand(self) -> list[str]:
        """Return the names of the files that we wrote, and that somebody changed since."""
        return [name for name in self._hashes if self.read(name) is not None and not self.is_ours(name)]

    def adopt(self, files: Mapping[str, bytes]) -> None:
        """Take files for ours that are exactly as we would write them, where nothing tells what we wrote."""
        for name, content in files.items():
            if self.read(name) == content:
                self._hashes[name] = [_hash(content)]

    def foreign(self, wanted: Mapping[str, bytes | None]) -> list[str]:
        """Return the names of files that are in the place of what is wanted, and are not ours.

        :param wanted: the content of each file by its name, None if it is not known yet.
        """
        return [
            name
            for name, content in wanted.items()
            if self.check_place(name)
            or ((there := self.read(name)) is not None and there != content and not self.is_ours(name))
        ]

    def changes(self, wanted: Mapping[str, bytes], obsolete: Collection[str]) -> dict[str, str]:
        """Return what is to be done with which file: create, update or delete. First what goes, then what comes."""
        changes = {name: "delete" for name in obsolete if name not in wanted and self.is_ours(name)}
        for name, text in wanted.items():
            there = self.read(name)
            if there is None:
                changes[name] = "create"
            elif there != text or self._is_open(name):
                changes[name] = "update"
        return changes

    def apply(self, changes: Mapping[str, str], wanted: Mapping[str, bytes], forget: Collection[str] = ()) -> None:
        """Carry out what is to be done.

        :param forget: names of files that are not ours any more.
        """
        before = {name: hashes for name, hashes in self._hashes.items() if name not in forget}
        new = {name: [_hash(text)] for name, text in wanted.items()}
        # A run that is killed between the two leaves files of which each is known by one of its hashes.
        if changes:
            self._write_list({**before, **{name: [*before.get(name, []), *new[name]] for name in changes.keys() & new}})
        self._clear_up()
        for name, action in changes.items():
            if action == "delete":
                (self.path / name).unlink()
            else:
                self._write(name, wanted[name])
        self._write_list({name: hashes for name, hashes in {**before, **new}.items() if changes.get(name) != "delete"})
        for folder in {self.path / Path(name).parent for name in changes} - {self.path}:
            with contextlib.suppress(OSError):  # it is not there, or holds files of others
                folder.rmdir()

    def _write(self, name: str, text: bytes) -> None:
        target = self.path / name
        target.parent.mkdir(mode=0o700, exist_ok=True)
        unfinished = target.parent / f"{UNFINISHED}{secrets.token_hex(8)}"
        write_whole(str(target), str(unfinished), text, lasting=name in self._lasting)

    def _write_list(self, hashes: dict[str, list[str]]) -> None:
        if hashes == self._stored:
            return
        self._hashes = self._stored = hashes
        if hashes:
            self._write(LIST, f"{json.dumps({'files': hashes}, indent=1, sort_keys=True)}\n".encode())
        else:
            (self.path / LIST).unlink(missing_ok=True)

    def _clear_up(self) -> None:
        """Remove what a killed run left behind."""
        for folder in {self.path, *(self.path / Path(name).parent for name in self._hashes)}:
            for unfinished in folder.glob(f"{UNFINISHED}*"):
                unfinished.unlink()

    def _is_open(self, name: str) -> bool:
        return bool(stat.S_IMODE((self.path / name).stat().st_mode) & 0o077)


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _hashes(text: bytes) -> dict[str, list[str]]:
    """Return the list as it is stored.

    :raises ValueError: if it is none.
    """
    content = json.loads(text)
    files = content.get("files") if isinstance(content, dict) else None
    if not isinstance(files, dict):
        raise ValueError("no list of files")
    for name, hashes in files.items():
        path = Path(name)
        is_inside = not path.is_absolute() and ".." not in path.parts and len(path.parts) in (1, 2)
        if not is_inside or not isinstance(hashes, list) or not all(isinstance(one, str) for one in hashes):
            raise ValueError("no list of files")
    return files
