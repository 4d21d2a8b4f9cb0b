# Copyright: litemaas.virtual_keys contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The values of keys in a YAML file on the control node. Private: only for use inside this collection.

A value is written here before it is sent to the proxy, so that a run that is killed at any moment loses nothing: until
the proxy has confirmed it, it stands among the pending values. The next run finds it in either place.
"""

from __future__ import annotations

import fcntl
import os
import re
import stat
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from typing import Any

import yaml
from ansible.errors import AnsibleError
from ansible.parsing.vault import VaultLib, is_encrypted, match_secrets, parse_vaulttext_envelope
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._errors import InputError, LiteLLMError

VALUES, PENDING, PROXY = "litellm_vkey_values", "litellm_vkey_values_pending", "litellm_vkey_values_proxy"
HEADER = "# Values of virtual keys. Whoever can read this file can use the keys. Comments are not kept.\n---\n"
PATIENCE = 60.0
PAUSE = 0.2
DEFAULT_VAULT_ID = "default"
VALUE = re.compile(r"sk-[\x21-\x7e]{13,}")


@dataclass
class Vault:
    """How a file is encrypted: with the secret of a vault ID.

    :param secrets: the play's vault secrets, pairs of vault ID and secret.
    :param vault_id: the ID of this file, None if it is plain text.
    """

    secrets: list[tuple[str, Any]] = field(default_factory=list, repr=False)
    vault_id: str | None = None

    def read(self, data: bytes) -> bytes:
        """Decrypt what was read, and remember under which ID.

        :raises AnsibleError: if no secret of the play fits.
        """
        if not is_encrypted(data):
            self.vault_id = None
            return data
        text, used, _secret = VaultLib(self.secrets).decrypt_and_get_vault_id(data)
        self.vault_id = parse_vaulttext_envelope(data)[3] or used
        return bytes(text)

    def write(self, data: bytes) -> bytes:
        """Encrypt what is to be written, where the file is encrypted."""
        if self.vault_id is None:
            return data
        # A file may name an ID of its own, and open with the secret of another.
        fitting = match_secrets(self.secrets, [self.vault_id]) or self.secrets
        vault_id = None if self.vault_id == DEFAULT_VAULT_ID else self.vault_id
        return bytes(VaultLib(self.secrets).encrypt(data, secret=fitting[0][1], vault_id=vault_id))


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
        self._values: dict[str, str] = {}
        self._pending: dict[str, str] = {}
        if vault_id is not None and not match_secrets(self._vault.secrets, [vault_id]):
            raise InputError(
                f"values_file_vault_id: this run has no vault secret with the ID {vault_id}. "
                f"Pass it with --vault-id {vault_id}@prompt or {vault_id}@FILE."
            )

    @classmethod
    @contextmanager
    def opened(
        cls, *how: Any, reading: bool = False, sleep: Callable[[float], None] = time.sleep, **further: Any
    ) -> Iterator[ValuesFile]:
        """The file, read, and locked until the end.

        :param how: as for the class.
        :param reading: whether it is only read, as in check mode; it is not locked then.

        :raises InputError: if it cannot be used, with the reason. It is never overwritten then.
        """
        file = cls(*how, **further)
        with nullcontext() if reading else _locked(file.path, sleep):
            file._read()
            yield file

    def candidates(self, alias: str) -> list[str]:
        """The values that the key may have: the known one, and one that was chosen but never confirmed."""
        found = (self._values.get(alias), self._pending.get(alias))
        return [value for value in dict.fromkeys(found) if value is not None]

    def remember(self, chosen: Mapping[str, str]) -> None:
        """Note values by alias before they are sent to the proxy; what is known already stays beside them.

        :raises LiteLLMError: if they cannot be written, so that nothing may be sent.
        """
        new = {alias: value for alias, value in chosen.items() if value not in self.candidates(alias)}
        if new:
            self._pending.update(new)
            self._write()

    def settle(self, confirmed: Mapping[str, str], gone: Iterable[str] = ()) -> None:
        """Note what the proxy has confirmed: the values of keys, and which keys are gone.

        :raises LiteLLMError: if it cannot be written; the values stand among the pending ones then.
        """
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
            raise InputError(f"values_file: cannot read {self.path}: {error.strerror}.") from error
        self._refuse_unsafe(found)
        try:
            with open(self.path, "rb") as stream:
                data = stream.read()
        except OSError as error:
            raise InputError(f"values_file: cannot read {self.path}: {error.strerror}.") from error
        try:
            text = self._vault.read(data)
        except AnsibleError as error:
            raise InputError(
                f"values_file: cannot decrypt {self.path}. Run again with the vault password that encrypted it."
            ) from error
        self._take(text)

    def _refuse_unsafe(self, found: os.stat_result) -> None:
        if stat.S_ISLNK(found.st_mode):
            raise InputError(f"values_file: {self.path} is a symbolic link. Name the file that it points to.")
        if not stat.S_ISREG(found.st_mode):
            raise InputError(f"values_file: {self.path} is not a regular file.")
        if found.st_mode & 0o077:
            raise InputError(
                f"values_file: others can read {self.path}, which holds secrets. Run: chmod 600 {self.path}"
            )

    def _take(self, text: bytes) -> None:
        """Take the entries of the file."""
        try:
            # The base loader: every scalar is text, so that nothing turns into a number or a date.
            content = yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506
        except (yaml.YAMLError, UnicodeDecodeError):
            content = None  # an error of YAML's quotes the line, and with it the value
        parts = [content.get(name) or {} for name in (VALUES, PENDING)] if isinstance(content, dict) else []
        sound = all(isinstance(part, dict) and all(map(_is_entry, part.items())) for part in parts)
        if not isinstance(content, dict) or not sound or not {VALUES, PENDING} & content.keys():
            raise InputError(
                f"values_file: {self.path} is damaged or is not a values file. It was left as it is: restore it from a "
                "backup, or name another file."
            )
        if content.get(PROXY, self._proxy) != self._proxy:
            raise InputError(
                f"values_file: {self.path} holds the values of keys on {content[PROXY]}, but this task is for "
                f"{self._proxy}. Name another file, or, if the proxy has moved, change {PROXY} in the file."
            )
        self._values, self._pending = (dict(part) for part in parts)

    def _write(self) -> None:
        content: dict[str, Any] = {PROXY: self._proxy, VALUES: self._values}
        if self._pending:
            content[PENDING] = self._pending
        text = HEADER + yaml.safe_dump(content, allow_unicode=True, width=2**16)
        try:
            _replace(self.path, self._vault.write(text.encode()))
        except (OSError, AnsibleError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise LiteLLMError(f"values_file: cannot write {self.path}: {reason}.") from error


def _is_entry(pair: tuple[Any, Any]) -> bool:
    alias, value = pair
    return isinstance(alias, str) and isinstance(value, str) and VALUE.fullmatch(value) is not None


@contextmanager
def _locked(path: str, sleep: Callable[[float], None]) -> Iterator[None]:
    """Keep other runs away from a file, by a lock beside it."""
    lock = os.path.join(os.path.dirname(path), f".{os.path.basename(path)}.lock")
    handle = _take_lock(path, lock, sleep)
    try:
        yield
    finally:
        # While it is still held: nobody else may remove the lock of a third.
        with suppress(OSError):
            os.unlink(lock)
        os.close(handle)


def _take_lock(path: str, lock: str, sleep: Callable[[float], None]) -> int:
    for _look in range(int(PATIENCE / PAUSE)):
        try:
            handle = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        except FileNotFoundError as error:
            raise InputError(f"values_file: there is no folder {os.path.dirname(path)}. Create it first.") from error
        except OSError as error:
            raise InputError(f"values_file: cannot write to {os.path.dirname(path)}: {error.strerror}.") from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Whoever held it has removed it at the end: what we hold may be no file any more.
            if os.path.samestat(os.fstat(handle), os.stat(lock)):
                return handle
        except OSError:
            sleep(PAUSE)
        os.close(handle)
    raise InputError(f"values_file: another run is using {path}. Wait until it has ended, and run again.")


def _replace(path: str, data: bytes) -> None:
    """Write a file so that at every moment either the old or the new content is there, also after a power cut."""
    folder = os.path.dirname(path)
    handle, temporary = tempfile.mkstemp(dir=folder, prefix=f".{os.path.basename(path)}.")  # for the owner only
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        if os.path.exists(path):
            owner = os.stat(path)
            if (owner.st_uid, owner.st_gid) != (os.geteuid(), os.getegid()):
                os.chown(temporary, owner.st_uid, owner.st_gid)
        os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise
    parent = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(parent)
    finally:
        os.close(parent)
