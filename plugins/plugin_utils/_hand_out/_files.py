# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which files there shall be, and what is said of them. Private: only for use inside this collection."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible_collections.litemaas.virtual_keys.plugins.module_utils._errors import InputError

from ._folder import Folder
from ._formats import ENDINGS, LISTS, csv_file, json_file, mail_file, paths, recipient, views
from ._people import Person
from ._texts import names

# Renders a template for each of the people, or once for all.
Render = Callable[[str, Sequence[Mapping[str, Any]], bool], list[str]]

CALLED = {"json": "keys", "csv": "keys", "html": "slips", "env": "files", "mail": "mails", "kubernetes": "Secrets"}


class Files:
    """All files of the folder, as they shall be.

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
        self._views = views(after)
        # What holds a secret is for those only whose secret is known.
        self._served = [person for person in self._views if person["key"]]
        # Later runs read the JSON; and a list that was written once is kept true.
        kept = [kind for kind, name in LISTS.items() if before and folder.has(name)]
        self._formats = {"json", *args["formats"], *kept}
        if "mail" in self._formats and not args["mail_from"]:
            raise InputError("Mails need a sender: set litellm_vkey_output_mail_from.")

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
        """Every file that an earlier run may have written."""
        if not self._before:
            return set()
        return {*LISTS.values(), *(path for kind in ENDINGS for path in paths(self._before, kind).values())}

    def said(self, changes: Mapping[str, str], check: bool) -> list[str]:
        """What was done, in words."""
        by_kind: dict[tuple[str, str], list[str]] = defaultdict(list)
        for path, action in changes.items():
            by_kind[_kind(path), "Removed" if action == "delete" else "Wrote"].append(path)
        said = []
        for (kind, verb), done in by_kind.items():
            if kind in LISTS:
                target = f"{self._folder.path / LISTS[kind]}"
                what = f"{len(self._after)} {CALLED[kind]} to {target}" if verb == "Wrote" else target
            else:
                preposition = "to" if verb == "Wrote" else "from"
                what = f"{len(done)} {CALLED[kind]} {preposition} {self._folder.path / kind}"
            said.append(f"{_would(verb) if check else verb} {what}")
        return said or [f"{self._folder.path} is up to date, with {len(self._after)} keys"]

    def warnings(self) -> list[str]:
        without = [person["user"] for person in self._served if "mail" in self._formats and not recipient(person)]
        if not without:
            return []
        return [f"No e-mail address is known for {len(without)}, who get no mail: {names(without)}."]

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
            raise InputError(f"The format {kind} needs a template.")
        return str(path)


def _kind(path: str) -> str:
    folder = path.partition("/")[0]
    return folder if folder in ENDINGS else next(kind for kind, name in LISTS.items() if name == path)


def _would(verb: str) -> str:
    return "Would write" if verb == "Wrote" else "Would remove"


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "replace")
