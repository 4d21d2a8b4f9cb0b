# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""People from a CSV file as registration systems and spreadsheets export it. Pure.

Private: only for use inside this collection. Encoding and delimiter are found out; blank lines and empty cells count
for nothing.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections import Counter
from collections.abc import Iterable
from typing import Any

DELIMITERS = ",;\t|"
# What the columns that identify a person are called elsewhere.
COLUMNS = {"e-mail": "email", "mail": "email", "email address": "email", "e-mail address": "email", "username": "user"}
BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


class RegistrationError(ValueError):
    """The file cannot be used. The text is a sentence for the user that names the line."""


def people(data: bytes) -> list[dict[str, Any]]:
    """The people of a file: a mapping each, of column names and the text in them, with ``user`` always there.

    ``user`` is the column of that name, else the e-mail address, which then is the ``user_id`` too unless the file has
    one. Column names are taken in lower case.

    :raises RegistrationError: if the file is no such table, or names nobody or somebody twice.
    """
    rows = list(_rows(_text(data)))
    if not rows:
        raise RegistrationError("the file is empty.")
    _line, header = rows[0]
    columns = _columns(header)
    found = [(line, _person(line, columns, cells)) for line, cells in rows[1:]]
    if not found:
        raise RegistrationError("the file has a header but no people.")
    _refuse_repetition(found)
    return [person for _line, person in found]


def _text(data: bytes) -> str:
    for mark, encoding in BYTE_ORDER_MARKS.items():
        if data.startswith(mark):
            return data.decode(encoding, errors="replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")  # as spreadsheets on Windows save it


def _rows(text: str) -> Iterable[tuple[int, list[str]]]:
    """The lines that say anything, with their numbers."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True, skipinitialspace=True)
    try:
        for cells in reader:
            stripped = [" ".join(cell.split()) for cell in cells]
            if any(stripped):
                yield reader.line_num, stripped
    except csv.Error as error:
        raise RegistrationError(f"line {reader.line_num} is not CSV: {error}.") from error


def _delimiter(text: str) -> str:
    """The one that the header uses most. Other lines may have any of them inside a cell."""
    header = next((line for line in text.splitlines() if line.strip()), "")
    return max(DELIMITERS, key=header.count)


def _columns(header: list[str]) -> list[str]:
    names = [COLUMNS.get(name.lower(), name.lower()) for name in header]
    twice = [name for name, count in Counter(names).items() if name and count > 1]
    if twice:
        raise RegistrationError(f"the column {', '.join(twice)} appears more than once.")
    if not {"user", "email"} & set(names):
        has = ", ".join(filter(None, names))
        raise RegistrationError(
            f"the first line must contain the column names, including user or email. It contains {has}."
        )
    return names


def _person(line: int, columns: list[str], cells: list[str]) -> dict[str, Any]:
    if any(cells[len(columns) :]):
        raise RegistrationError(f"line {line} has more cells than the first line has columns.")
    person = {name: cell for name, cell in zip(columns, cells) if name and cell}
    email = person.get("email")
    if email and "@" not in email:
        raise RegistrationError(f"line {line}: '{email}' is not an email address.")
    user = person.get("user") or email
    if not user:
        raise RegistrationError(f"line {line} has neither a user nor an email.")
    own_id = {"user_id": email} if email and "user_id" not in person else {}
    return {**person, "user": user, **own_id}


def _refuse_repetition(found: list[tuple[int, dict[str, Any]]]) -> None:
    """E-mail addresses differ by more than upper and lower case, as do the users that they stand for."""
    for column in ("user", "email"):
        lines: dict[str, list[str]] = {}
        for line, person in found:
            if column in person:
                lines.setdefault(person[column].lower(), []).append(str(line))
        for name, numbers in lines.items():
            if len(numbers) > 1:
                raise RegistrationError(f"'{name}' appears more than once, in lines {', '.join(numbers)}.")
