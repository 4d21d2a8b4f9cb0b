# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the values of keys, and what is handed out, go on the control node.

Private: only for use inside this collection.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from .._private_folder import make_folder
from .._variables import VariableError, Variables
from ._declaration import Workshop

VALUES = "values.yml"


@dataclass(frozen=True)
class Places:
    """The places of a run.

    :param folder: what is handed out lies there, None if nothing is.
    :param values_file: keeps the values of keys, None if this run has none.
    """

    folder: Path | None
    values_file: Path | None


def places_of(variables: Variables, workshop: Workshop, check_mode: bool) -> Places:
    """Return the places of a run. Relative ones begin where ansible-playbook runs.

    :raises VariableError: if values are to be replaced that nothing would keep.
    """
    folder = _absolute(variables["output_dir"]) if variables.says("output_dir") else None
    declared = _absolute(variables["values_file"]) if variables.says("values_file") else None
    values_file = declared or (folder and folder / VALUES)
    if variables["unknown_values"] == "reissue" and not values_file and not variables.says("key_seed"):
        names = [variables.called(name) for name in ("output_dir", "values_file", "key_seed")]
        raise VariableError(
            f"{variables.called('unknown_values')}=reissue needs a place where values are kept, or every run would "
            f"replace all of them. Set {names[0]}, {names[1]}, or {names[2]}."
        )
    # Without a folder there is nothing to be read; only a run that creates the keys creates the folder, too.
    is_made = not workshop.is_absent and (declared or not check_mode)
    return Places(folder, values_file if values_file and (is_made or values_file.parent.is_dir()) else None)


def make(places: Places) -> None:
    """Make the folder of what is handed out.

    :raises InputError: if a file is in its place.
    """
    if places.folder:
        make_folder(places.folder)


def artifact_password(variables: Variables) -> str | None:
    """Return the password of the artifact, None if there is to be none.

    :raises VariableError: if it is no text.
    """
    password = variables["artifact_password"]
    if password is None:
        return None
    if isinstance(password, bool) or not isinstance(password, (str, int, float)):
        raise VariableError(f"{variables.called('artifact_password')} must be text.")
    return str(password)


def _absolute(path: str) -> Path:
    return Path(path).expanduser().absolute()
