# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reporting who used what: what is read, written, and said. Private: only for use inside this collection."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.litemaas.virtual_keys.plugins.module_utils._errors import InputError
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._text import join_limited

from .._calls import Call, answer, connection
from .._hand_out._texts import time_zone
from .._our_files import OurFiles
from .._variables import Variables
from ._page import csv_table, leaderboard, page
from ._people import Names, is_person, people_of
from ._teams import are_teams, binding, is_of, names_of, teams_of
from ._totals import are_totals, totals_of
from ._words import sentences

JSON = "usage.json"
# Which format each file is of.
FORMATS = {"usage.csv": "csv", JSON: "json", "usage.html": "html", "leaderboard.html": "leaderboard"}


@dataclass(frozen=True)
class Reported:
    """What was reported.

    :param usage: the report as data.
    :param said: its essence in sentences.
    :param files: that were written, or would be in check mode, with what was done.
    """

    changed: bool
    usage: dict[str, Any] = field(repr=False)
    said: list[str]
    files: list[dict[str, str]] = field(repr=False)
    warnings: list[str]


def report(call: Call, variables: Variables, people: Sequence[Any], check_mode: bool) -> Reported:
    """Read the keys from the proxy, and write and say who used what.

    :param people: who may have the keys: users, or mappings with what is known of a person.

    :raises LiteLLMError: if a variable cannot be used, or the proxy cannot be read.
    """
    alias, selection = variables["alias"] or "", variables["usage_filter"]
    if not alias and not selection:
        raise InputError(
            f"Set {variables.called('alias')} to the alias of a workshop or of a key, or set "
            f"{variables.called('usage_filter')}."
        )
    zone = time_zone(variables["time_zone"])
    keys, team, several = _read(call, variables)
    folder = OurFiles(variables["output_dir"]) if variables["output_dir"] else None
    earlier, problem = _earlier(folder) if folder and keys else ({}, None)
    names = names_of(several, alias)
    everybody = people_of(keys, Names(alias, people), zone, earlier.get("people", ()), names)
    own = {str(one["team_id"]) for one in several if is_of(one, alias)}
    teams = teams_of(several, names, everybody, names if variables["usage_filter"] else own)
    usage: dict[str, Any] = {
        "title": variables["output_title"] or alias or "Virtual keys",
        "time_zone": str(zone),
        "totals": totals_of(everybody, variables["total_budget"], team, binding(teams, everybody, own)),
        "people": everybody,
        **({"teams": teams} if teams else {}),
    }
    if not keys:
        return Reported(False, usage, [f"There is nothing to report: {_nothing(variables)}"], [], [])
    changes, left = _write(folder, variables, usage, earlier, check_mode) if folder else ({}, [])
    return Reported(
        changed=bool(changes),
        usage=usage,
        said=[*sentences(usage, alias or usage["title"]), *_where(variables, changes, check_mode)],
        files=[{"path": str(folder.path / name), "action": done} for name, done in changes.items()] if folder else [],
        warnings=[*([problem] if problem else []), *left],
    )


# What is read


def _read(call: Call, variables: Variables) -> tuple[list[dict[str, Any]], Mapping[str, Any], list[Mapping[str, Any]]]:
    """Return the keys, the team whose budget all of them spend, empty if there is none, and the teams if several."""
    alias, selection = variables["alias"], variables["usage_filter"]
    proxy = connection(variables)
    keys = answer(call("litellm_key_info", **proxy, **(selection or {"group": alias}), check_use=True))["virtual_keys"]
    if not keys and not selection:
        keys = answer(call("litellm_key_info", **proxy, key_aliases=[alias], check_use=True))["virtual_keys"]
    team_id = alias if not selection else selection["team_id"] if list(selection) == ["team_id"] else None
    ids = {key["team_id"] for key in keys if key.get("team_id")} - {team_id}
    if ids:  # and those of the workshop in which nobody is any more, who may have spent something
        teams = answer(call("litellm_team_info", **proxy))["teams"]
        return keys, {}, [one for one in teams if one["team_id"] in ids or (is_of(one, alias) and not selection)]
    if not team_id:
        return keys, {}, []
    teams = answer(call("litellm_team_info", **proxy, team_id=team_id))["teams"]
    fits = [team for team in teams if selection or is_of(team, alias)]
    return keys, next(iter(fits), {}), []


def _earlier(folder: OurFiles) -> tuple[dict[str, Any], str | None]:
    """Return the earlier report, empty if there is none, and what keeps it from being used.

    Nothing but the sums depends on it, so a report that is damaged is only said.
    """
    try:
        text = folder.read(JSON)
    except OSError as error:
        return {}, f"{folder.path / JSON}: {error.strerror}."
    if text is None:
        return {}, None
    with contextlib.suppress(ValueError, RecursionError):
        found = json.loads(text)
        if _is_report(found):
            return found, None
    return {}, (
        f"{folder.path / JSON} is not a report that this role wrote. People whose keys were removed since the last "
        "report are not counted. Fix the file or move it away."
    )


def _is_report(found: Any) -> bool:
    return (
        isinstance(found, dict)
        and found.keys() - {"teams"} == {"title", "time_zone", "totals", "people"}
        and isinstance(found["people"], list)
        and all(map(is_person, found["people"]))
        and are_totals(found["totals"])
        and are_teams(found.get("teams", []))
    )


# What is written


def _write(
    folder: OurFiles, variables: Variables, usage: Mapping[str, Any], earlier: Mapping[str, Any], check_mode: bool
) -> tuple[dict[str, str], list[str]]:
    """Write the files, and return what was done with which, and warnings about those that are not ours."""
    with contextlib.nullcontext() if check_mode else folder.alone():
        folder.read_list()
        if earlier:
            folder.adopt(_contents(earlier))
        contents = _contents(usage)
        wanted = {name: contents[name] for name in contents if FORMATS[name] in variables["usage_formats"]}
        foreign = folder.foreign(wanted)
        wanted = {name: content for name, content in wanted.items() if name not in foreign}
        changes = folder.changes(wanted, ())
        if not check_mode:
            folder.apply(changes, wanted)
    if not foreign:
        return changes, []
    return changes, [
        f"These files in {folder.path} were not written by this role, or were changed since: {join_limited(foreign)}. "
        "They were left as they are."
    ]


def _contents(usage: Mapping[str, Any]) -> dict[str, bytes]:
    """Return the content of each file by its name. Only teams of the workshop have a leaderboard."""
    for_all = [team for team in usage.get("teams") or () if team["on_leaderboard"]]
    data = json.dumps(usage, indent=2, sort_keys=True, ensure_ascii=False)
    return {
        "usage.csv": csv_table(usage["people"]).encode("utf-8", "replace"),
        "usage.html": page(usage).encode("utf-8", "replace"),
        JSON: f"{data}\n".encode("utf-8", "replace"),
        **(
            {"leaderboard.html": leaderboard({**usage, "teams": for_all}).encode("utf-8", "replace")} if for_all else {}
        ),
    }


# What is said


def _nothing(variables: Variables) -> str:
    if variables["usage_filter"]:
        return f"no key fits {variables.called('usage_filter')}."
    return f"no key belongs to the workshop '{variables['alias']}', and none has that alias."


def _where(variables: Variables, changes: Mapping[str, str], check_mode: bool) -> list[str]:
    folder = variables["output_dir"]
    if not folder or not variables["usage_formats"]:
        return []
    if not changes:
        return [f"The report in {folder} is up to date."]
    return [f"{'Would be written' if check_mode else 'Written'} to {folder}: {', '.join(sorted(changes))}."]
