# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""People from a CSV file as registration systems and spreadsheets export it. Pure.

Private: only for use inside this collection. Encoding and delimiter are found out; blank lines and empty cells count
for nothing.
"""

from __future__ import annotations

import csv
import io
import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ansible_collections.litemaas.virtual_keys.plugins.module_utils._text import join_limited, printable

from ._addresses import check_person
from ._encodings import EncodingError, decode

DELIMITERS = ",;\t|"
# The first line of Excel's own: which delimiter follows.
SEPARATOR = re.compile(r"sep=(.)\r?\n", re.IGNORECASE)
# What is known of a person, and what the columns are called in tables.
IDENTITY = {
    "user": ("user", "username", "user name"),
    "email": (
        *("email", "e-mail", "mail", "email address", "e-mail address", "email-adresse", "e-mail-adresse"),
        *("courriel", "adresse e-mail", "adresse email", "correo", "correo electrónico", "indirizzo e-mail"),
    ),
    "name": ("name", "full name", "fullname", "participant", "nom", "nom complet", "nombre completo", "teilnehmer"),
    "first_name": ("first name", "firstname", "given name", "vorname", "prénom", "prenom", "nombre", "nome"),
    "last_name": (
        *("last name", "lastname", "surname", "family name", "nachname", "familienname", "nom de famille"),
        *("apellido", "apellidos", "cognome"),
    ),
}
# A field that says something where a workshop has several teams.
TEAM = "team"
HEADINGS = {heading: name for name, headings in IDENTITY.items() for heading in headings}
# What the result says of a person: no column that is free can take its place.
OF_THE_RESULT = frozenset(
    (
        *("alias", "key_id", "action", "changed", "error", "spend", "base_url", "written_at", "deleted", "was_missing"),
        *("api_endpoint", "api_base_url", "state", "summary", "problem", "keys", "users", "teams", "team_budget"),
        "members",
    )
)


class RegistrationError(ValueError):
    """The file cannot be used. The text is a sentence for the user that names the lines."""


@dataclass(frozen=True)
class Row:
    """A person of a table.

    :param line: where the person stands.
    :param options: of the key, as text.
    :param fields: what else is known of the person, as text.
    """

    line: int
    user: str
    options: Mapping[str, str] = field(repr=False)
    fields: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True)
class Table:
    """The people of a file.

    :param options: names of the columns that set options of keys.
    :param free: names of the fields that the other columns became.
    """

    rows: list[Row]
    options: list[str]
    free: list[str]
    warnings: list[str]

    def sentences(self, used: Collection[str] = ()) -> list[str]:
        """Return what the columns were taken for, in words.

        :param used: fields that are not free.
        """
        free = [name for name in self.free if name not in used]
        said = [f"These columns set options of keys: {', '.join(self.options)}."] if self.options else []
        return [*said, f"These columns set nothing: {', '.join(free)}."] if free else said


def read_table(
    data: bytes,
    options: Collection[str],
    columns: Mapping[str, str | None] | None = None,
    encoding: str | None = None,
    check: Callable[[Row], str | None] = lambda _row: None,
    called: Callable[[str], str] = str,
) -> Table:
    """Return the people of a file.

    ``user`` is the column of that name, else the email address, which then is the ``user_id`` too unless the file has
    one. A column sets an option of the key only if its heading is the option's name, letter by letter.

    :param options: of a key.
    :param columns: by its heading, the option or the part of the identity that a column is, None for nothing at all.
    :param check: returns what is wrong with a person.
    :param called: returns how a message calls a variable.

    :raises RegistrationError: with all that is wrong, if the file is no such table, or names nobody or somebody twice.
    """
    try:
        text, warning = decode(data, encoding, called("users_encoding"))
    except EncodingError as error:
        raise RegistrationError(str(error)) from error
    lines = _lines(text)
    if not lines:
        raise RegistrationError("the file is empty.")
    heading = lines[0][1]
    names = _names(heading, options, columns or {}, called("columns"))
    rows, mistakes = [], []
    for line, cells in lines[1:]:
        try:
            rows.append(_row(line, names, cells, options))
        except RegistrationError as error:
            mistakes.append(str(error))
    for row in rows:
        if problem := check_person(row.fields.get("name"), row.fields.get("email")) or check(row):
            mistakes.append(f"line {row.line}: {problem}")
    mistakes += _repetitions(rows)
    if mistakes:
        raise RegistrationError(join_limited(mistakes, " "))
    if not rows:
        raise RegistrationError("the file has a header but no people.")
    known = [name for name in names if name and name in options]
    free = [name for name in names if name and name not in options and name not in IDENTITY]
    return Table(rows, known, free, [warning] if warning else [])


def people(data: bytes) -> list[dict[str, str]]:
    """Return the people of a file, each with all that the file says of them."""
    return [{**row.fields, **row.options, "user": row.user} for row in read_table(data, ()).rows]


def _lines(text: str) -> list[tuple[int, list[str]]]:
    """Return the lines that say anything, with their numbers."""
    named = SEPARATOR.match(text)
    first = 1 if named else 0
    text = text[named.end() :] if named else text
    delimiter = named[1] if named else _delimiter(text)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True, skipinitialspace=True)
    try:
        stripped = [(reader.line_num + first, [" ".join(cell.split()) for cell in cells]) for cells in reader]
    except csv.Error as error:
        raise RegistrationError(f"line {reader.line_num + first} is not CSV: {error}.") from error
    return [(line, cells) for line, cells in stripped if any(cells)]


def _delimiter(text: str) -> str:
    """Return the one that the header uses most. Other lines may have any of them inside a cell."""
    header = next((line for line in text.splitlines() if line.strip()), "")
    return max(DELIMITERS, key=header.count)


# Columns


def _names(
    heading: Sequence[str], options: Collection[str], columns: Mapping[str, str | None], called: str
) -> list[str | None]:
    """Return what each column is: an option, a part of the identity, a free field, or nothing."""
    mapped = {_plain(name): _target(name, target, options, called) for name, target in columns.items()}
    unknown = mapped.keys() - set(map(_plain, heading))
    if unknown:
        raise RegistrationError(
            f"{called} names {join_limited(sorted(unknown))}, but the columns of the file are "
            f"{join_limited(list(filter(None, heading)))}."
        )
    names = [
        mapped[_plain(name)] if _plain(name) in mapped else _name(name, options) if name else None for name in heading
    ]
    twice = sorted({name for name in names if name and names.count(name) > 1})
    if twice:
        raise RegistrationError(f"the column {', '.join(twice)} appears more than once.")
    if not {"user", "email"} & set(names):
        raise RegistrationError(
            "the first line must contain the column names, including user or email. It contains "
            f"{', '.join(filter(None, heading))}. If a column has another name, set {called}, for example to "
            f"{{{next(filter(None, heading), 'Address')}: email}}."
        )
    return names


def _target(heading: str, target: str | None, options: Collection[str], called: str) -> str | None:
    if target in (None, ""):
        return None
    if target not in (*IDENTITY, TEAM) and target not in options:
        raise RegistrationError(
            f"{called}: {printable(str(target))}, for the column {printable(heading)}, is neither an option of a key "
            f"nor one of {', '.join((*IDENTITY, TEAM))}."
        )
    return target


def _name(heading: str, options: Collection[str]) -> str:
    name = HEADINGS.get(_plain(heading), heading.lower())
    if heading in options and name not in IDENTITY:
        return heading
    # An option in another spelling is none, and is not taken for one later.
    return f"column_{name}" if name in options or name in OF_THE_RESULT else name


def _plain(heading: str) -> str:
    return " ".join(str(heading).split()).casefold()


# People


def _row(line: int, names: Sequence[str | None], cells: Sequence[str], options: Collection[str]) -> Row:
    if any(cells[len(names) :]):
        raise RegistrationError(f"line {line} has more cells than the first line has columns.")
    found = {name: cell for name, cell in zip(names, cells) if name and cell}
    email = found.get("email")
    user = found.get("user") or email
    if not user:
        raise RegistrationError(f"line {line} has neither a user nor an email.")
    own_id = {"user_id": email} if email and "user_id" not in found else {}
    full_name = _full_name(found, names)
    named = {"name": full_name} if full_name else {}
    return Row(
        line,
        user,
        {**{name: cell for name, cell in found.items() if name in options}, **own_id},
        {**{name: cell for name, cell in found.items() if name not in options and name != "user"}, **named},
    )


def _full_name(found: Mapping[str, str], names: Collection[str | None]) -> str:
    """Return the name of a person. Beside a column of first names, one of names has the last ones."""
    if "first_name" not in names or ("name" in names and "last_name" in names):
        return found.get("name", "")
    parts = (found.get("first_name"), found.get("last_name") or found.get("name"))
    return " ".join(filter(None, parts))


def _repetitions(rows: Iterable[Row]) -> Iterator[str]:
    """Return who stands in several lines. Email addresses differ by more than upper and lower case, as do users."""
    lines: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        for name in dict.fromkeys((row.user.lower(), row.fields.get("email", row.user).lower())):
            lines[name].append(str(row.line))
    for name, numbers in lines.items():
        if len(numbers) > 1:
            yield f"'{printable(name)}' appears more than once, in lines {join_limited(numbers)}."
