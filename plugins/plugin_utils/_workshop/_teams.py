# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The teams of a workshop as they are declared: who is in which, and what each may use and spend. Pure.

Private: only for use inside this collection.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any

from ansible_collections.litemaas.virtual_keys.plugins.module_utils._text import join_limited, printable

from .._addresses import check_name, check_person
from .._registrations import TEAM
from .._variables import VariableError, Variables, did_you_mean, nearest
from ._options import TYPED, checked_alias
from ._people import Entry, Roster, has_teams, same_name
from ._variables import ABSENT

# What can be declared of one team, and how it is read from text.
OPTIONS = {"max_budget": "float", "models": "list"}


@dataclass(frozen=True)
class DeclaredTeam:
    """A team of a workshop.

    :param models: of this team, empty if it has those of all.
    """

    name: str
    max_budget: float
    models: list[str] = field(default_factory=list)


def called_teams(variables: Variables) -> str:
    """Return how a message calls what makes the teams."""
    return variables.called("teams" if variables["teams"] else "team_budget")


def declare_teams(variables: Variables, found: Roster | None) -> tuple[list[DeclaredTeam], Roster | None]:
    """Return the teams, and who gets a key: everybody, or each team where its people share one.

    :param found: the people as they are declared, each with their team; None if nobody is named.
    :raises VariableError: if a team has no budget, or somebody has no team.
    """
    if variables["shared_keys"] and not has_teams(variables):
        either = " or ".join(map(variables.called, ("teams", "team_budget")))
        raise VariableError(f"{variables.called('shared_keys')} requires teams. Set {either}.")
    if not has_teams(variables) or (variables["state"] == ABSENT and not variables["shared_keys"]):
        return [], found
    if variables["total_budget"] is not None:
        raise VariableError(
            f"{called_teams(variables)} and {variables.called('total_budget')} are mutually exclusive: all teams "
            "together can spend the sum of their budgets."
        )
    own = {str(name).strip(): _own(variables, str(name), value) for name, value in variables["teams"].items()}
    entries = found.entries if found else []
    wrong = [
        *_unnamed(variables["teams"]),
        *_wrong_names([*own, *(_team_of(entry) for entry in entries)]),
        *_homeless(variables, own, entries),
    ]
    if wrong:
        raise VariableError(f"{called_teams(variables)}: {join_limited(wrong, ' ')}")
    names = dict.fromkeys([*own, *(_team_of(entry) for entry in entries)])
    if not names:
        raise VariableError(f"{called_teams(variables)}: nobody is in a team. {_how_to_name(variables)}")
    teams = [_team(variables, name, own.get(name, {})) for name in names]
    said = [f"Teams: {join_limited([_counted(name, entries) for name in names])}."]
    if not variables["shared_keys"]:
        if found is None:
            raise VariableError(f"{called_teams(variables)}: nobody gets a key. {_how_to_name(variables)}")
        return teams, replace(found, said=[*found.said, *said])
    shared = [_shared(variables, name, [entry for entry in entries if _team_of(entry) == name]) for name in names]
    return teams, Roster(shared, found.warnings if found else [], [*(found.said if found else []), *said])


def _how_to_name(variables: Variables) -> str:
    users, file = variables.called("users"), variables.called("users_file")
    return (
        f"Write the team of each person into the column team of {file}, or into {users}, or name the teams in "
        f"{variables.called('teams')} and set {variables.called('shared_keys')} to true for a key for each team."
    )


def _own(variables: Variables, name: str, value: Any) -> dict[str, Any]:
    """Return what is declared of one team."""
    where = f"{variables.called('teams')}, {printable(name)}"
    if value is not None and not isinstance(value, Mapping):
        raise VariableError(f"{where} must be a mapping, such as {{max_budget: 20}}.")
    for option in value or {}:
        if option not in OPTIONS:
            raise VariableError(
                f"{where}: '{printable(str(option))}' is not an option of a team. It can have {' and '.join(OPTIONS)}"
                f"{did_you_mean(nearest(str(option), OPTIONS))}"
            )
    return {
        option: TYPED[OPTIONS[option]](f"{where}, {option}", given)
        for option, given in (value or {}).items()
        if given not in (None, "")
    }


def _team(variables: Variables, name: str, own: Mapping[str, Any]) -> DeclaredTeam:
    called = variables.called("team_budget")
    where = f"{variables.called('teams')}, {printable(name)}, max_budget" if "max_budget" in own else called
    budget = own.get("max_budget", variables["team_budget"])
    if budget is None:
        raise VariableError(
            f"{variables.called('teams')}, {printable(name)}: max_budget is required, unless {called} is set."
        )
    if budget == 0:
        raise VariableError(f"{where} must be above 0. LiteLLM takes a team budget of 0 for no limit.")
    checked_alias(called_teams(variables), f"{variables['alias']}-{name}")
    return DeclaredTeam(name, budget, list(map(str, own.get("models", []))))


def _team_of(entry: Entry) -> str:
    return str(entry.fields.get(TEAM) or "").strip()


def _unnamed(declared: Iterable[Any]) -> list[str]:
    """Say which declared teams have no name, or one that differs from another only in spaces around it."""
    bearers = Counter(str(name).strip() for name in declared)
    empty = ["a team has an empty name. Give it one."] if bearers.pop("", 0) else []
    twice = [printable(name) for name, count in bearers.items() if count > 1]
    return [*empty, *(f"{name} appears more than once, with spaces around it. Keep one entry." for name in twice)]


def _wrong_names(names: Iterable[str]) -> list[str]:
    """Say which teams cannot be called so, or are told apart by nothing that one sees."""
    spellings: dict[str, list[str]] = defaultdict(list)
    for name in dict.fromkeys(filter(None, names)):
        spellings[same_name(name)].append(name)
    alike = [
        f"{printable(' and '.join(found))} differ only in upper and lower case. Write the team in one way."
        for found in spellings.values()
        if len(found) > 1
    ]
    return [*alike, *filter(None, map(check_name, chain.from_iterable(spellings.values())))]


def _homeless(variables: Variables, own: Mapping[str, Any], entries: Sequence[Entry]) -> list[str]:
    """Say who is in no team, or in one that is not declared."""
    without = [printable(entry.user) for entry in entries if not _team_of(entry)]
    said = [f"no team is known of {join_limited(without)}. {_how_to_name(variables)}"] if without else []
    strangers: dict[str, list[str]] = defaultdict(list)
    for entry in entries:
        team = _team_of(entry)
        if own and team and same_name(team) not in map(same_name, own):
            strangers[team].append(printable(entry.user))
    return said + [
        f"'{printable(team)}', the team of {join_limited(users)}, is not one of {join_limited(list(own))}"
        f"{did_you_mean(nearest(team, own))}"
        for team, users in strangers.items()
    ]


def _counted(name: str, entries: Iterable[Entry]) -> str:
    return f"{printable(name)} ({sum(_team_of(entry) == name for entry in entries)})"


def _shared(variables: Variables, name: str, members: Sequence[Entry]) -> Entry:
    """Return a team as somebody who gets a key."""
    for member in members:
        wrong = check_name(member.user) or check_person(member.fields.get("name"), member.fields.get("email"))
        if wrong:
            raise VariableError(f"{member.where}: {wrong}")
        own = [option for option in member.options if option != "user_id"]
        if own:
            raise VariableError(
                f"{member.where}: {', '.join(own)} would be an option of one person, but with "
                f"{variables.called('shared_keys')} all people of a team have one key. Leave it out."
            )
    people = [
        {"user": member.user, "name": member.fields.get("name") or member.user, "email": member.fields.get("email")}
        for member in members
    ]
    return Entry(called_teams(variables), name, {}, {"name": name, TEAM: name, "members": people})
