# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The formats in which keys are handed out, and the lists among them. Pure.

Private: only for use inside this collection.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any

from ansible_collections.litemaas.virtual_keys.plugins.module_utils._errors import InputError
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._text import one_line

from ._names import file_names, secret_names
from ._people import FIELDS, Person
from ._texts import cell, number, readable_time


@dataclass(frozen=True)
class Format:
    """A format of what is handed out.

    :param path: of its file in the folder, with ``*`` for the name of the person where everybody has a file.
    :param thing: what a message counts.
    :param template: the file in the templates of the role hand_out_keys, none for a format that is written in Python.
    :param newest: of the file with those alone who got their values last, none for a format that has no such file.
    """

    name: str
    path: str
    thing: str
    template: str | None = None
    newest: str | None = None

    @property
    def is_for_each(self) -> bool:
        """Whether everybody has a file."""
        return "*" in self.path

    def paths(self, people: Sequence[Mapping[str, Any]]) -> dict[str, str]:
        """Return where the file of each person is, by alias."""
        return {alias: self.path.replace("*", name) for alias, name in file_names(people).items()}

    def has(self, path: str) -> bool:
        """Return whether a file is of this format, by its path."""
        folder, star, ending = self.path.partition("*")
        return path.startswith(folder) and path.endswith(ending) if star else path in (self.path, self.newest)


# The JSON comes first: later runs read it, and it keeps the values.
FORMATS = {
    row.name: row
    for row in (
        Format("json", "keys.json", "key"),
        Format("csv", "keys.csv", "key"),
        Format("html", "slips.html", "slip", "slips.html.j2", newest="slips-new.html"),
        Format("env", "env/*.env", "file", "env.j2"),
        Format("mail", "mail/*.eml", "mail", "mail.txt.j2"),
        Format("kubernetes", "kubernetes/*.yml", "Secret", "secret.yml.j2"),
    )
}
JSON, CSV = FORMATS["json"].path, FORMATS["csv"].path
CSV_COLUMNS = ("name", "user", "user_id", "alias", "key", "base_url", "models", "max_budget", "expires_at")
# The same where people are in several teams.
CSV_COLUMNS_OF_TEAMS = (*CSV_COLUMNS, "team")
# What each field of a person may be, as ``json_file`` writes it.
TYPES: dict[str, tuple[type, ...]] = {
    **dict.fromkeys((*FIELDS, "written_at"), (str, type(None))),
    **dict.fromkeys(("user", "alias", "name", "base_url"), (str,)),
    "models": (list,),
    "max_budget": (int, float, type(None)),
}


def json_file(people: Sequence[Person]) -> bytes:
    ordered = [
        {
            **{name: person[name] for name in FIELDS},
            **{name: person[name] for name in sorted(person.keys() - set(FIELDS))},
        }
        for person in people
    ]
    text = json.dumps(ordered, indent=2, ensure_ascii=False)
    return f"{text}\n".encode("utf-8", "replace")


def read_json(text: bytes) -> list[Person]:
    """Return the people whom ``json_file`` wrote down.

    :raises InputError: if it is no such file.
    """
    try:
        people = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"is not JSON ({error})") from error
    if not isinstance(people, list) or not all(map(_is_person, people)):
        raise InputError("is not a list of keys that this role wrote")
    return people


def _is_person(entry: Any) -> bool:
    return (
        isinstance(entry, dict)
        and TYPES.keys() <= entry.keys()
        and all(isinstance(entry[name], types) for name, types in TYPES.items())
        and not isinstance(entry["max_budget"], bool)
        and all(isinstance(model, str) for model in entry["models"])
    )


def csv_file(people: Iterable[Person]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    rows = each_member(people)
    columns = CSV_COLUMNS_OF_TEAMS if any(person.get("team") for person in rows) else CSV_COLUMNS
    writer.writerow(columns)
    for person in rows:
        cells = {**person, "models": ",".join(person["models"])}
        writer.writerow([cell(one_line(_text(cells.get(column)))) for column in columns])
    plain = text.getvalue()
    # Without the mark, spreadsheets take letters beyond ASCII for others.
    return plain.encode("utf-8" if plain.isascii() else "utf-8-sig", "replace")


def read_csv_values(text: bytes) -> list[str]:
    """Return the values in what ``csv_file`` wrote, none if it did not write it."""
    try:
        rows = csv.DictReader(io.StringIO(text.decode("utf-8-sig")))
        columns = tuple(rows.fieldnames or ())
        return [row["key"] for row in rows if row["key"]] if columns in (CSV_COLUMNS, CSV_COLUMNS_OF_TEAMS) else []
    except (ValueError, csv.Error):
        return []


def views(people: Sequence[Person], zone: tzinfo) -> list[dict[str, Any]]:
    """Return the people as templates see them.

    Who got a value later stands further down, so that new slips stand together. Among them, so do those of a team.
    """
    files, secrets = file_names(people), secret_names(people)
    teams = {team: number for number, team in enumerate(dict.fromkeys(person.get("team") for person in people))}
    return [
        {
            **person,
            "file_name": files[person["alias"]],
            "secret_name": secrets[person["alias"]],
            "key_groups": _groups(person["key"] or ""),
            "model": next((model for model in person["models"] if _is_a_model(model)), None),
            "expires": readable_time(person["expires_at"], zone),
            "written": readable_time(person["written_at"], zone),
            "budget": None if person["max_budget"] is None else f"{number(person['max_budget'])} USD",
            "team": person.get("team"),
            "team_budget": f"{number(person['team_budget'])} USD" if person.get("team") else None,
        }
        for person in sorted(people, key=lambda person: (person["written_at"] or "", teams[person.get("team")]))
    ]


def each_member(people: Iterable[Person]) -> list[Person]:
    """Return everybody who gets a slip or stands on a list: of a key that a team shares, each person of the team."""
    return [{**person, **member} for person in people for member in person.get("members") or [{}]]


def newest(people: Sequence[Person]) -> list[Person]:
    """Return those whose values were written last, nobody if all were written at once."""
    last = max((person["written_at"] or "" for person in people), default="")
    found = [person for person in people if last and person["written_at"] == last]
    return found if len(found) < len(people) else []


def _groups(key: str) -> list[tuple[str, bool]]:
    """Return a key in groups of four, each with whether a line may end behind it: a hyphen there would be lost."""
    groups = [key[start : start + 4] for start in range(0, len(key), 4)]
    following = [*groups[1:], "-"]
    return [(group, "-" not in (group[-1], then[0])) for group, then in zip(groups, following)]


def _is_a_model(model: str) -> bool:
    return "*" not in model and model not in ("all-proxy-models", "all-team-models", "no-default-models")


def _text(value: Any) -> str:
    return "" if value is None else number(value)
