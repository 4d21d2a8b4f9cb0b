# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Handing out keys: what must hold before the first of them is made, and the files afterwards.

Private: only for use inside this collection.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from ansible_collections.litemaas.virtual_keys.plugins.module_utils._errors import InputError
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._text import join_limited

from .._private_folder import ensure_folder
from .._variables import Variables
from ._files import Files, Render, format_of, sentences
from ._folder import Folder
from ._formats import FORMATS
from ._people import HandOut, Person


@dataclass(frozen=True)
class HandedOut:
    """What was done, in check mode what would be.

    :param count: of the people on the list.
    :param unknown: users whose keys have no known value.
    :param files: that were written or removed, with what was done.
    :param diff: lines that Ansible shows.
    """

    changed: bool
    count: int
    unknown: list[str]
    files: list[dict[str, str]] = field(repr=False)
    said: list[str]
    warnings: list[str]
    diff: str


def ensure_ready(variables: Variables, render: Render, people: Sequence[Mapping[str, Any]] = ()) -> None:
    """Refuse what could keep the files from being written, before the first key is made.

    :param people: who will be on the list, as in a result of the role manage_keys.
    :raises InputError: if a variable, a template, the folder, or what is in it cannot be used.
    """
    folder = _folder(variables)
    ensure_folder(folder.path, writing=True)
    before, values = folder.read_lists()
    planned = {"users": [{**person, "key": None, "key_id": None, "action": "create"} for person in people]}
    after = HandOut(before, values, planned, variables["output_base_url"], "", is_planned=True).people
    files = _files(folder, before, variables, render)
    files.ensure_templates(after)
    _refuse(variables, folder, files, folder.foreign(dict.fromkeys(files.paths(after))))


def hand_out(result: Mapping[str, Any], variables: Variables, render: Render, check_mode: bool) -> HandedOut:
    """Bring the files of the folder in line with a result of the role manage_keys.

    :raises InputError: as ``ensure_ready``, and if it is no such result.
    """
    folder = _folder(variables)
    now = datetime.now(timezone.utc).isoformat(timespec="seconds")
    ends = result.get("state") == "absent"
    with contextlib.nullcontext() if check_mode or (ends and not folder.path.is_dir()) else folder.alone():
        before, values = folder.read_lists()
        after = HandOut(before, values, result, variables["output_base_url"], now, is_planned=check_mode)
        files = _files(folder, before, variables, render)
        wanted = files.wanted(after.people)
        foreign = folder.foreign(wanted)
        if not ends:
            _refuse(variables, folder, files, foreign)
        changed_by_hand = [name for name in folder.changed_by_hand() if format_of(name)]
        kept = files.still_true(before, after.people)
        obsolete = [name for name in folder.ours() if format_of(name) and name not in kept]
        wanted = {name: content for name, content in wanted.items() if name not in foreign}
        changes = folder.changes(wanted, obsolete)
        if not check_mode:
            folder.apply(changes, wanted, forget=changed_by_hand)
    return HandedOut(
        changed=bool(changes),
        count=len(after.people),
        unknown=after.unknown,
        files=[{"path": str(folder.path / name), "action": done} for name, done in changes.items()],
        said=sentences(folder.path, changes, after.people, check_mode),
        warnings=[*after.warnings(), *files.warnings(after.people), *_left(folder, [*foreign, *changed_by_hand])],
        diff="".join(f"{done} {name}\n" for name, done in changes.items()),
    )


def _folder(variables: Variables) -> Folder:
    path = variables["output_dir"] or variables["alias"]
    if not path:
        raise InputError(
            f"No folder is set. Set {variables.called('output_dir')} to a folder, or set {variables.called('alias')} "
            "to use its name."
        )
    return Folder(path)


def _files(folder: Folder, before: Sequence[Person], variables: Variables, render: Render) -> Files:
    """Return what the variables say about the files, once it is known which of those in the folder are ours."""
    if before and not folder.has_list:
        # Written before there was a list: ours is what we would write.
        everything = Files(variables, FORMATS, render)
        folder.adopt(everything.wanted(before))
    earlier = {row.name for name in folder.ours() if (row := format_of(name))}
    return Files(variables, earlier, render)


def _refuse(variables: Variables, folder: Folder, files: Files, foreign: Sequence[str]) -> None:
    """Refuse to do without a file that was asked for because another one is in its place."""
    names = list(filter(files.is_asked_for, foreign))
    if problem := next(filter(None, map(folder.check_place, names)), None):
        raise InputError(problem)
    if names:
        formats = variables.called("output_formats")
        raise InputError(f"{_not_ours(folder, names)} Move them away, or leave their format out of {formats}.")


def _left(folder: Folder, names: Sequence[str]) -> list[str]:
    return [f"{_not_ours(folder, sorted(set(names)))} They were left as they are."] if names else []


def _not_ours(folder: Folder, names: Sequence[str]) -> str:
    return f"These files in {folder.path} were not written by this role, or were changed since: {join_limited(names)}."
