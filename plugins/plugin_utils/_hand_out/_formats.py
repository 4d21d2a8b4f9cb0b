# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The list as files of each format. Private: only for use inside this collection.

Pure functions, from people to bytes and back.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from datetime import tzinfo
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from typing import Any

from ansible_collections.litemaas.virtual_keys.plugins.module_utils._errors import InputError
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._text import one_line

from ._people import FIELDS, Person, stems
from ._texts import address, cell, moment, number, readable_time, secret_name

CSV_COLUMNS = ("name", "user", "user_id", "alias", "key", "base_url", "models", "max_budget", "expires_at")
LISTS = {"json": "keys.json", "csv": "keys.csv", "html": "slips.html"}
ENDINGS = {"env": ".env", "mail": ".eml", "kubernetes": ".yml"}
FORMATS = ("csv", "json", "html", "env", "mail", "kubernetes")


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
    """The people whom ``json_file`` wrote down.

    :raises InputError: if it is no such file.
    """
    try:
        people = json.loads(text)
    except ValueError as error:
        raise InputError(f"is not JSON ({error})") from error
    if not isinstance(people, list) or not all(
        isinstance(person, dict) and {"alias", "user", "key", "key_id"} <= person.keys() for person in people
    ):
        raise InputError("is not a list of keys that this role wrote")
    return people


def csv_file(people: Iterable[Person]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    for person in people:
        cells = {**person, "models": ",".join(person["models"])}
        writer.writerow([cell(one_line(_text(cells[column]))) for column in CSV_COLUMNS])
    plain = text.getvalue()
    # Without the mark, spreadsheets take letters beyond ASCII for others.
    return plain.encode("utf-8" if plain.isascii() else "utf-8-sig", "replace")


def read_csv_values(text: bytes) -> list[str]:
    """The values in what ``csv_file`` wrote.

    :raises InputError: if it is no such file.
    """
    try:
        rows = list(csv.DictReader(io.StringIO(text.decode("utf-8-sig"))))
    except (ValueError, csv.Error) as error:
        raise InputError(f"is not CSV ({error})") from error
    if any(row.get("key") is None for row in rows):
        raise InputError("is not a list of keys that this role wrote")
    return [row["key"] for row in rows if row["key"]]


def mail_file(person: Person, body: str, to: Address, sender: str, subject: str) -> bytes:
    """A mail that is ready to be opened and sent. Its date is when the value was first written."""
    mail = EmailMessage(SMTP)
    mail["From"] = sender
    mail["To"] = to
    mail["Subject"] = one_line(subject)
    written = moment(person["written_at"])
    if written:
        mail["Date"] = format_datetime(written)
    mail["X-Unsent"] = "1"  # opens as a draft
    mail.set_content(body.encode("utf-8", "replace").decode(), cte="quoted-printable")
    return mail.as_bytes()


def is_sender(text: str) -> bool:
    return text.isprintable() and address("", [parseaddr(text)[1]]) is not None


def recipient(person: Person) -> Address | None:
    return address(person["name"], (person.get("email"), person["user_id"], person["user"]))


def views(people: Sequence[Person], zone: tzinfo) -> list[dict[str, Any]]:
    """The people as templates see them."""
    files = stems(people)
    return [
        {
            **person,
            "file_name": files[person["alias"]],
            "secret_name": secret_name(person["alias"]),
            "model": next((model for model in person["models"] if _is_a_model(model)), None),
            "expires": readable_time(person["expires_at"], zone),
            "budget": None if person["max_budget"] is None else f"{number(person['max_budget'])} USD",
        }
        for person in people
    ]


def paths(people: Sequence[Person], kind: str) -> dict[str, str]:
    """Where the files of a format that has one for each person stand, by alias."""
    return {alias: f"{kind}/{stem}{ENDINGS[kind]}" for alias, stem in stems(people).items()}


def _is_a_model(model: str) -> bool:
    return "*" not in model and model not in ("all-proxy-models", "all-team-models", "no-default-models")


def _text(value: Any) -> str:
    return "" if value is None else number(value)
