# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The values of keys in a YAML file on the control node. Private: only for use inside this collection.

A value is written here before it is sent to the proxy, so that a run that is killed at any moment loses nothing: until
the proxy has confirmed it, it stands among the pending values. The next run finds it in either place. Several runs that
were killed may each have left one: all of them stay until it is known which one the key has.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from itertools import chain
from threading import Lock
from typing import Any

from ansible.errors import AnsibleError
from ansible.parsing.vault import VaultLib, is_encrypted, match_secrets, parse_vaulttext_envelope
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._errors import InputError, LiteLLMError

from ._values_text import PROXY, DamagedError, UnkeepableError, ValuesText
from ._whole_file import check_owner, write_whole

PATIENCE = 60.0
PAUSE = 0.2
DEFAULT_VAULT_ID = "default"
SHORTEST_VALUE = 16
# Another run holds the lock. All else says that there can be no lock, such as on some network file systems.
HELD = (errno.EWOULDBLOCK, errno.EACCES)


@dataclass
class Vault:
    """How a file is encrypted: with the secret of a vault ID.

    :param secrets: the play's vault secrets, pairs of vault ID and secret.
    :param vault_id: the ID of this file, None if it is plain text.
    """

    secrets: list[tuple[str, Any]] = field(default_factory=list, repr=False)
    vault_id: str | None = None
    _secret: Any = field(default=None, repr=False)

    def read(self, data: bytes) -> bytes:
        """Decrypt what was read, and remember how it was encrypted.

        :raises AnsibleError: if no secret of the play fits.
        """
        if not is_encrypted(data):
            self.vault_id = None
            return data
        # A file may name no ID, or one of its own, and open with the secret of another.
        text, used, self._secret = VaultLib(self.secrets).decrypt_and_get_vault_id(data)
        self.vault_id = parse_vaulttext_envelope(data)[3] or used
        return bytes(text)

    def write(self, data: bytes) -> bytes:
        """Encrypt what is to be written, where the file is encrypted."""
        if self.vault_id is None:
            return data
        secret = self._secret or match_secrets(self.secrets, [self.vault_id])[0][1]
        vault_id = None if self.vault_id == DEFAULT_VAULT_ID else self.vault_id
        return bytes(VaultLib(self.secrets).encrypt(data, secret=secret, vault_id=vault_id))


class ValuesFile:
    """The values in one file, while it is locked against other runs.

    :param path: where it is; the folder must exist.
    :param proxy: the proxy's address; a file of another proxy is refused.
    :param secrets: the play's vault secrets, pairs of vault ID and secret.
    :param vault_id: under which ID a new file is encrypted; None for plain text.
    """

    def __init__(
        self, path: str, proxy: str, secrets: Iterable[tuple[str, Any]] = (), vault_id: str | None = None
    ) -> None:
        self.path = os.path.abspath(os.path.expanduser(path))
        self._proxy = proxy
        self._vault = Vault(list(secrets), vault_id)
        self._asked_vault_id = vault_id
        self._text = ValuesText()
        self._values: dict[str, str] = {}
        self._pending: dict[str, list[str]] = {}
        self._writing = Lock()
        if vault_id is not None and not match_secrets(self._vault.secrets, [vault_id]):
            raise InputError(
                f"O(values_file_vault_id): this run has no vault secret with the ID {vault_id}. "
                f"Pass it with --vault-id {vault_id}@prompt or {vault_id}@FILE."
            )

    @classmethod
    @contextmanager
    def opened(
        cls, *how: Any, reading: bool = False, sleep: Callable[[float], None] = time.sleep, **further: Any
    ) -> Iterator[ValuesFile]:
        """Yield the file, read, and locked until the end.

        :param how: as for the class.
        :param reading: whether it is only read, as in check mode; it is not locked then.

        :raises InputError: if it cannot be used, with the reason. It is never overwritten then.
        """
        file = cls(*how, **further)
        _refuse_folder(os.path.dirname(file.path))
        with nullcontext() if reading else _locked(file.path, sleep):
            file._read()
            yield file

    def candidates(self, alias: str) -> list[str]:
        """Return the values that the key may have: the known one, and those that were chosen but never confirmed."""
        known = [self._values[alias]] if alias in self._values else []
        return known + self.pending(alias)

    def pending(self, alias: str) -> list[str]:
        """Return the values that were chosen for the key but never confirmed, the last one at the end."""
        return list(self._pending.get(alias, ()))

    def remember(self, chosen: Mapping[str, str]) -> None:
        """Note values by alias before they are sent to the proxy; what is known already stays beside them.

        :raises LiteLLMError: if they cannot be written, so that nothing may be sent.
        """
        with self._writing:
            new = {alias: value for alias, value in chosen.items() if value not in self.candidates(alias)}
            for alias, value in new.items():
                self._pending.setdefault(alias, []).append(value)
            if new:
                self._write()

    def settle(self, confirmed: Mapping[str, str], gone: Iterable[str] = ()) -> None:
        """Note what the proxy has confirmed: the values of keys, and which keys are gone.

        :raises LiteLLMError: if it cannot be written; the values stand among the pending ones then.
        """
        with self._writing:
            before = (dict(self._values), dict(self._pending))
            self._values.update(confirmed)
            for alias in (*confirmed, *gone):
                self._pending.pop(alias, None)
            for alias in gone:
                self._values.pop(alias, None)
            if (self._values, self._pending) != before:
                self._write()

    def _read(self) -> None:
        try:
            found = os.lstat(self.path)
        except FileNotFoundError:
            return
        except OSError as error:
            raise InputError(f"O(values_file): cannot read {self.path}: {error.strerror}.") from error
        self._refuse_unsafe(found)
        data = self._bytes()
        if self._asked_vault_id is not None and not is_encrypted(data):
            raise InputError(
                f"O(values_file): {self.path} is plain text, but O(values_file_vault_id) is set. "
                f"Run: ansible-vault encrypt --encrypt-vault-id {self._asked_vault_id} {self.path}"
            )
        try:
            text = self._vault.read(data)
        except AnsibleError as error:
            raise InputError(
                f"O(values_file): cannot decrypt {self.path}. Run again with the vault password that encrypted it."
            ) from error
        self._take(text)

    def _bytes(self) -> bytes:
        try:
            with open(self.path, "rb") as stream:
                return stream.read()
        except OSError as error:
            raise InputError(f"O(values_file): cannot read {self.path}: {error.strerror}.") from error

    def _refuse_unsafe(self, found: os.stat_result) -> None:
        if stat.S_ISLNK(found.st_mode):
            raise InputError(f"O(values_file): {self.path} is a symbolic link. Use the file that it points to.")
        if not stat.S_ISREG(found.st_mode):
            raise InputError(f"O(values_file): {self.path} is not a regular file.")
        if problem := check_owner(self.path, found):
            raise InputError(f"O(values_file): {problem}")
        if found.st_mode & 0o077:
            raise InputError(
                f"O(values_file): other users can read {self.path}, which contains secrets. Run: chmod 600 {self.path}"
            )

    def _take(self, text: bytes) -> None:
        """Take the entries of the file."""
        try:
            self._text = ValuesText(text.decode())
        except UnkeepableError as error:
            raise InputError(
                f"O(values_file): in {self.path}, {error}. It was not changed, because a change would not keep all of "
                "it. Correct it by hand."
            ) from error
        except (DamagedError, UnicodeDecodeError):
            raise self._damaged() from None
        values, pending = self._text.values, self._text.pending
        proxy = self._proxy if self._text.proxy is None else self._text.proxy
        if not all(map(_is_value, [*values.values(), *chain(*pending.values())])) or "://" not in proxy:
            raise self._damaged()
        if proxy != self._proxy:
            raise InputError(
                f"O(values_file): {self.path} contains the values of keys on {proxy}, but this task is for "
                f"{self._proxy}. Use another file. If the proxy has moved, change {PROXY} in the file."
            )
        _refuse_shared_values(self.path, values, pending)
        self._values, self._pending = dict(values), {alias: list(some) for alias, some in pending.items()}

    def _damaged(self) -> InputError:
        return InputError(
            f"O(values_file): {self.path} is damaged or is not a values file. It was not changed. Restore it from a "
            "backup, or use another file."
        )

    def _write(self) -> None:
        text = self._text.change(self._values, self._pending, self._proxy)
        try:
            # Nobody else writes the other one: the file is locked.
            write_whole(self.path, _beside(self.path, "new"), self._vault.write(text.encode()))
        except (OSError, AnsibleError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise LiteLLMError(f"O(values_file): cannot write {self.path}: {reason}.") from error


def _is_value(entry: str) -> bool:
    return entry.startswith("sk-") and len(entry) >= SHORTEST_VALUE


def _refuse_shared_values(path: str, values: Mapping[str, str], pending: Mapping[str, list[str]]) -> None:
    """Refuse the same value for two keys: LiteLLM creates no second one with it, and says that it did."""
    bearers: dict[str, str] = {}
    for alias, value in [*values.items(), *((alias, value) for alias, some in pending.items() for value in some)]:
        if bearers.setdefault(value, alias) != alias:
            raise InputError(
                f"O(values_file): {path} has the same value for '{bearers[value]}' and '{alias}'. Each key has "
                "its own: remove the wrong entry."
            )


def _refuse_folder(folder: str) -> None:
    if not os.path.isdir(folder):
        raise InputError(f"O(values_file): there is no folder {folder}. Create it first.")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise InputError(f"O(values_file): cannot write to the folder {folder}: Permission denied.")


@contextmanager
def _locked(path: str, sleep: Callable[[float], None]) -> Iterator[None]:
    """Keep other runs away from a file, by a lock beside it.

    The system gives the lock back when a run ends, however it ends: what a killed one leaves is only its empty file.
    """
    lock = _beside(path, "lock")
    handle = _take_lock(path, lock, sleep)
    try:
        with suppress(OSError):
            os.unlink(_beside(path, "new"))  # of a run that was killed while it wrote
        yield
    finally:
        # While it is still held: nobody else may remove the lock of a third.
        with suppress(OSError):
            os.unlink(lock)
        os.close(handle)


def _beside(path: str, purpose: str) -> str:
    folder, name = os.path.split(path)
    return os.path.join(folder, f".{name}.{purpose}")


def _take_lock(path: str, lock: str, sleep: Callable[[float], None]) -> int:
    for _look in range(int(PATIENCE / PAUSE)):
        try:
            handle = _try_lock(lock)
        except OSError as error:
            raise InputError(f"O(values_file): cannot lock {path} by {lock}: {error.strerror}.") from error
        if handle is not None:
            return handle
        sleep(PAUSE)
    raise InputError(f"O(values_file): another run is using {path}. Wait until it has ended, and run again.")


def _try_lock(lock: str) -> int | None:
    """Return the lock, None if another run has it."""
    handle = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Whoever had it has removed it at the end: what we hold may be no file any more.
        if os.path.samestat(os.fstat(handle), os.stat(lock)):
            return handle
    except FileNotFoundError:
        pass
    except OSError as error:
        if error.errno not in HELD:
            os.close(handle)
            raise
    os.close(handle)
    return None
