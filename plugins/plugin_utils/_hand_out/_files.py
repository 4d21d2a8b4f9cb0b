# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which files should exist, and what is reported about them. Private: only for use inside this collection."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible_collections.litemaas.virtual_keys.plugins.module_utils._errors import InputError
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._text import join_limited

from ._folder import Folder
from ._formats import ENDINGS, LISTS, csv_file, is_sender, json_file, mail_file, paths, recipient, views
from ._people import Person
from ._texts import time_zone

# Renders a template for each of the people, or once for all.
Render = Callable[[str, Sequence[Mapping[str, Any]], bool], list[str]]

CALLED = {"json": "key", "csv": "key", "html": "slip", "env": "file", "mail": "mail", "kubernetes": "Secret"}


class Files:
    """All files of the folder, as they should be.

    :param args: of the task.
    :param before: who was on the list.
    :param after: who is on it now.
    """

    def __init__(
        self, folder: Folder, args: Mapping[str, Any], before: Sequence[Person], after: Sequence[Person], render: Render
    ) -> None:
        self._folder = folder
        self._args = args
        self._before = before
        self._after = after
        self._render = render
        self._views = views(after, time_zone(args["time_zone"]))
        # What holds a secret is for those only whose secret is known.
        self._served = [person for person in self._views if person["key"]]
        # Later runs read the JSON.
        self._formats = {"json", *args["formats"], *self._kept()}
        if "mail" in self._formats and not is_sender(args["mail_from"]):
            raise InputError(
                "Emails need a sender. Set litellm_vkey_output_mail_from to an address, such as Ada <ada@example.org>."
            )

    def wanted(self) -> dict[str, bytes]:
        """Text of each file by its path in the folder. The JSON comes first: it keeps the values."""
        if not self._after:
            return {}
        files = {LISTS["json"]: json_file(self._after)}
        if "csv" in self._formats:
            files[LISTS["csv"]] = csv_file(self._after)
        if "html" in self._formats:
            (page,) = self._render(self._template("html"), self._views, True)
            files[LISTS["html"]] = _bytes(page)
        for kind in ENDINGS:
            if kind in self._formats:
                files.update(self._of_each(kind))
        return files

    def ours(self) -> set[str]:
        """Every file that an earlier run may have written, and that is not to stay as it is."""
        if not self._before:
            return set()
        values = {person["alias"]: person["key"] for person in self._before}
        still_true = {person["alias"] for person in self._after if person["key"] == values.get(person["alias"])}
        files = set(LISTS.values())
        for kind in ENDINGS:
            files.update(paths(self._before, kind).values())
            if kind not in self._formats:
                # Nothing is written anew, so only what still holds the right value may stay.
                files.difference_update(path for alias, path in paths(self._after, kind).items() if alias in still_true)
        return files

    def said(self, changes: Mapping[str, str], check: bool) -> list[str]:
        """What was done, in words."""
        by_kind: dict[tuple[str, str], list[str]] = defaultdict(list)
        for path, action in changes.items():
            by_kind[_kind(path), "Removed" if action == "delete" else "Wrote"].append(path)
        said = []
        for (kind, verb), done in by_kind.items():
            if kind in LISTS:
                target = f"{self._folder.path / LISTS[kind]}"
                what = f"{_count(self._after, CALLED[kind])} to {target}" if verb == "Wrote" else target
            else:
                preposition = "to" if verb == "Wrote" else "from"
                what = f"{_count(done, CALLED[kind])} {preposition} {self._folder.path / kind}"
            said.append(f"{_would(verb) if check else verb} {what}")
        return said or [f"{self._folder.path} is up to date, with {_count(self._after, 'key')}"]

    def warnings(self) -> list[str]:
        without = [person["user"] for person in self._served if "mail" in self._formats and not recipient(person)]
        if not without:
            return []
        return [f"No email address is known for {len(without)} people, who get no email: {join_limited(without)}."]

    def _kept(self) -> list[str]:
        """Formats that an earlier run wrote: what is there is kept true, if only it can be."""
        there = {kind: [name] for kind, name in LISTS.items()}
        there.update((kind, list(paths(self._before, kind).values())) for kind in ENDINGS)
        if not is_sender(self._args["mail_from"]):
            del there["mail"]
        return [kind for kind, files in there.items() if self._before and any(map(self._folder.has, files))]

    def _of_each(self, kind: str) -> dict[str, bytes]:
        path = paths(self._after, kind)
        texts = self._render(self._template(kind), self._served, False)
        files = {}
        for person, text in zip(self._served, texts):
            if kind != "mail":
                files[path[person["alias"]]] = _bytes(text)
            elif to := recipient(person):
                sender, subject = self._args["mail_from"], self._args["mail_subject"]
                files[path[person["alias"]]] = mail_file(person, text, to, sender, subject)
        return files

    def _template(self, kind: str) -> str:
        path = self._args["templates"].get(kind)
        if not path:
            raise InputError(f"The format {kind} requires a template.")
        return str(path)


def _kind(path: str) -> str:
    folder = path.partition("/")[0]
    return folder if folder in ENDINGS else next(kind for kind, name in LISTS.items() if name == path)


def _count(things: Sequence[Any], name: str) -> str:
    return f"{len(things)} {name}{'' if len(things) == 1 else 's'}"


def _would(verb: str) -> str:
    return "Would write" if verb == "Wrote" else "Would remove"


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "replace")
