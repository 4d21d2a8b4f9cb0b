# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which files should exist, and what is reported about them. Private: only for use inside this collection."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible_collections.litemaas.virtual_keys.plugins.module_utils._errors import InputError
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._text import join_limited

from .._variables import Variables
from ._formats import FORMATS, Format, csv_file, each_member, json_file, newest, views
from ._mail import mail_file, parse_sender, recipients
from ._people import Person
from ._texts import time_zone

# Renders a template for each of the people, or once for all, with further variables. Without people, it is only read.
Render = Callable[[str, Sequence[Mapping[str, Any]], bool, Mapping[str, Any]], list[str]]

TEMPLATES = Path(__file__).resolve().parents[3] / "roles" / "hand_out_keys" / "templates"
PREFIX = "litellm_vkey_"


class Files:
    """What the variables say about the files of the folder.

    :param variables: of the role hand_out_keys.
    :param earlier: the formats that earlier runs wrote, which are kept true.

    :raises InputError: if a variable cannot be used.
    """

    def __init__(self, variables: Variables, earlier: Collection[str], render: Render) -> None:
        self._variables = variables
        self._render = render
        self._zone = time_zone(variables["time_zone"])
        self._title = variables["output_title"] or variables["alias"] or ""
        self._sender = parse_sender(variables["output_mail_from"])
        # Later runs read the JSON.
        self._chosen = {"json", *variables["output_formats"]}
        if "mail" in self._chosen and not self._sender:
            raise InputError(
                f"Emails need a sender. Set {variables.called('output_mail_from')} to an address, such as "
                "Ada <ada@example.org>."
            )
        kept = {name for name in earlier if name != "mail" or self._sender}
        self.formats = [row for row in FORMATS.values() if row.name in self._chosen | kept]

    def ensure_templates(self, people: Sequence[Person]) -> None:
        """Read the templates, and try those of the user.

        :raises InputError: if one is missing, is no template, or does not fit the people.
        """
        shown = views(people, self._zone)
        for row in self.formats:
            if row.template:
                self._rendered(row, shown if self._variables.says(_option(row)) else [])

    def wanted(self, people: Sequence[Person]) -> dict[str, bytes]:
        """Return the content of each file by its path in the folder. The JSON comes first: it keeps the values."""
        files: dict[str, bytes] = {}
        if people:
            shown = views(people, self._zone)
            for row in self.formats:
                if row.is_for_each:
                    files.update(self._of_each(row, shown))
                else:
                    files[row.path] = self._of_all(row, shown, people)
                    if row.newest and (last := newest(shown)):
                        files[row.newest] = _bytes(self._rendered(row, each_member(last))[0])
        return files

    def is_asked_for(self, path: str) -> bool:
        """Return whether a file is of a format that the variables name."""
        row = format_of(path)
        return row is not None and row.name in self._chosen

    def paths(self, people: Sequence[Mapping[str, Any]]) -> list[str]:
        """Return the path of each file that people may get."""
        return [
            path
            for row in self.formats
            for path in (row.paths(people).values() if row.is_for_each else filter(None, (row.path, row.newest)))
            if people
        ]

    def still_true(self, before: Sequence[Person], after: Sequence[Person]) -> set[str]:
        """Return the paths of files in formats that are not written anew, and that still hold the right value."""
        values = {person["alias"]: person["key"] for person in before}
        return {
            path
            for row in FORMATS.values()
            if row.is_for_each and row not in self.formats
            for person, path in zip(after, row.paths(after).values())
            if person["key"] == values.get(person["alias"])
        }

    def warnings(self, people: Sequence[Person]) -> list[str]:
        if FORMATS["mail"] not in self.formats:
            return []
        without = [person["user"] for person in people if person["key"] and not recipients(person)]
        if not without:
            return []
        return [f"No email address is known for {len(without)} people, who get no email: {join_limited(without)}."]

    def _of_all(self, row: Format, shown: Sequence[Person], people: Sequence[Person]) -> bytes:
        if row.template:
            return _bytes(self._rendered(row, each_member(shown))[0])
        return json_file(people) if row.name == "json" else csv_file(people)

    def _of_each(self, row: Format, shown: Sequence[Person]) -> dict[str, bytes]:
        # What holds a secret is for those only whose secret is known.
        served = [person for person in shown if person["key"]]
        paths = row.paths(shown)
        texts = zip(served, self._rendered(row, served))
        made = {
            paths[person["alias"]]: self._email(person, text) if row.name == "mail" else _bytes(text)
            for person, text in texts
        }
        return {path: content for path, content in made.items() if content is not None}

    def _email(self, person: Person, text: str) -> bytes | None:
        """Return an email, None if there is no address."""
        to = recipients(person)
        subject = self._variables["output_mail_subject"] or " for ".join(filter(None, ("Your API key", self._title)))
        return mail_file(person, text, to, self._sender, subject) if to and self._sender else None

    def _rendered(self, row: Format, people: Sequence[Mapping[str, Any]]) -> list[str]:
        path = self._variables[_option(row)] or str(TEMPLATES / str(row.template))
        seen = {name: self._variables[name] for name in ("output_note", "output_namespace")}
        variables = {f"{PREFIX}{name}": value for name, value in {**seen, "output_title": self._title}.items()}
        return self._render(path, people, not row.is_for_each, variables)


def _option(row: Format) -> str:
    return f"output_{row.name}_template"


def format_of(path: str) -> Format | None:
    """Return the format that a file is of, by its path in the folder, None for a file of something else."""
    return next((row for row in FORMATS.values() if row.has(path)), None)


def sentences(folder: Path, changes: Mapping[str, str], people: Sequence[Person], check_mode: bool) -> list[str]:
    """Return what was done with the files, in words."""
    done: dict[tuple[str, str], list[str]] = defaultdict(list)
    for path, action in changes.items():
        if row := format_of(path):
            done[row.name, "Removed" if action == "delete" else "Wrote"].append(path)
    said = []
    for (name, verb), paths in done.items():
        row = FORMATS[name]
        if row.is_for_each:
            what = f"{_count(paths, row.thing)} {'to' if verb == 'Wrote' else 'from'} {(folder / row.path).parent}"
        else:
            listed = people if row.name == "json" else each_member(people)
            what = f"{_count(listed, row.thing)} to {folder / row.path}" if verb == "Wrote" else str(folder / row.path)
        said.append(f"{_would(verb) if check_mode else verb} {what}")
    return said or [f"{folder} is up to date, with {_count(people, 'key')}"]


def _count(things: Sequence[Any], name: str) -> str:
    return f"{len(things)} {name}{'' if len(things) == 1 else 's'}"


def _would(verb: str) -> str:
    return "Would write" if verb == "Wrote" else "Would remove"


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "replace")
