# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was measured, as tables in Markdown and as a table of all routes in CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from .keys import BY_TYPE, MEMBER, NO_USER, TEAM_ADMIN
from .measuring import Measured
from .questions import QUESTIONS

BEGIN, END = "<!-- Key types -->", "<!-- End -->"
# In the order of what LiteLLM lets them do, as far as there is one.
PEOPLE = {
    NO_USER: "people who are no users",
    "internal_user_viewer": "viewers",
    "internal_user": "internal users",
    MEMBER: "team members",
    TEAM_ADMIN: "team admins",
}
ADMINS = {"proxy_admin_viewer": "admin viewers", "proxy_admin": "admins"}
SHOWN_TYPES = ("llm_api", "read_only", "management", "default")
assert set(SHOWN_TYPES) == set(BY_TYPE)


def put(measured: Sequence[Measured], command: str, path: Path) -> None:
    """Write the tables to a page, in the place of those of the last run."""
    above, begin, rest = path.read_text(encoding="utf-8").partition(BEGIN)
    _last, end, below = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{path} has no lines {BEGIN} and {END}.")
    path.write_text(f"{above}{begin}\n\n    {command}\n\n{tables(measured)}\n\n{end}{below}", encoding="utf-8")


def tables(measured: Sequence[Measured]) -> str:
    """A table for people, and one for admins, from the results of all versions, the newest of which comes last."""
    versions = ", ".join(one.version for one in measured)
    return (
        f"LiteLLM {versions}:\n\n{table(measured, PEOPLE)}\n\nThe same for keys of admins:\n\n{table(measured, ADMINS)}"
    )


def table(measured: Sequence[Measured], roles: dict[str, str]) -> str:
    """A row for each question, and a column for each key type."""
    rows = [["", *(f"`{key_type}`" for key_type in SHOWN_TYPES)], ["---"] * (1 + len(SHOWN_TYPES))]
    rows += [[question, *(cell(measured, kind, question, roles) for kind in SHOWN_TYPES)] for question in QUESTIONS]
    return "\n".join(f"| {' | '.join(row)} |".replace("|  |", "| |") for row in rows)


def cell(measured: Sequence[Measured], key_type: str, question: str, roles: dict[str, str]) -> str:
    """Who can do it with a key of this type on the newest version, and on which versions others can."""
    by_version = {one.version: _who(one, key_type, question, roles) for one in measured}
    newest = by_version[measured[-1].version]
    others: dict[str, list[str]] = {}
    for version, who in by_version.items():
        if who != newest:
            others.setdefault(who, []).append(version)
    return "; ".join([newest, *(f"{', '.join(versions)}: {who}" for who, versions in others.items())])


def _who(measured: Measured, key_type: str, question: str, roles: dict[str, str]) -> str:
    able = [word for role, word in roles.items() if question in measured.answers[key_type][role]]
    if not able:
        return "no"
    return "**yes**" if len(able) == len(roles) else f"**{', '.join(able)}**"


def routes(measured: Measured) -> str:
    """A row for each route that is not open to everybody, and a column for each key that was tried with all of them."""
    output = io.StringIO()
    writer = csv.writer(output, lineterminator="\n")
    writer.writerow(["route", *measured.routes])
    for route in next(iter(measured.routes.values()), {}):
        writer.writerow([route, *(found[route] for found in measured.routes.values())])
    return output.getvalue()
