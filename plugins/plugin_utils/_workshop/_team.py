# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A workshop whose keys spend from one budget, or each team of it from one: the teams that they belong to. Pure.

Private: only for use inside this collection.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._key._table import GROUP_MARK
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._text import join_limited

from .._changes import lines
from .._registrations import TEAM
from .._variables import VariableError, Variables
from ._declaration import Workshop
from ._people import Person, has_teams
from ._teams import called_teams

# What belongs to a team of the user's own.
OTHER_TEAM = ("team_id", "service_account_id")
ALL_OF_TEAM = "all-team-models"


@dataclass(frozen=True)
class Team:
    """The team of a workshop.

    :param options: of ``litellm_team``.
    :param members: of ``litellm_team_members``.
    :param record: the team as the proxy has it, empty if it has none.
    :param changes: the lines of a diff.
    :param name: of one of several teams.
    :param opened: models that it gets for some of its people only.
    """

    options: dict[str, Any] = field(repr=False)
    members: list[dict[str, str]] = field(default_factory=list, repr=False)
    record: Mapping[str, Any] = field(default_factory=dict, repr=False)
    changes: list[str] = field(default_factory=list)
    is_new: bool = False
    name: str | None = None
    opened: list[str] = field(default_factory=list)

    @property
    def team_id(self) -> str:
        return str(self.options["team_id"])

    @property
    def is_written(self) -> bool:
        """Whether there is something to write."""
        return self.is_new or bool(self.changes)

    @property
    def said(self) -> list[str]:
        """The same in sentences. That the team is new or gone is no news to those who count the keys."""
        return [change[2:].replace("  ", ": ", 1) for change in self.changes if change.startswith("~")]


@dataclass(frozen=True)
class _Planned:
    """A team that the variables ask for.

    :param people: whose keys are in it.
    :param budget: None to leave it as it is.
    :param models: of all its keys.
    """

    team_id: str
    people: list[Person] = field(repr=False)
    budget: float | None
    models: list[str]
    name: str | None = None


def team_ids(workshop: Workshop) -> list[str]:
    """Return the IDs that the teams of a workshop have, or would have."""
    return [team_id(workshop, team.name) for team in workshop.teams] or [workshop.alias]


def team_id(workshop: Workshop, name: str) -> str:
    """Return the ID of one of several teams."""
    return f"{workshop.alias}-{name}"


def is_ours(workshop: Workshop, found: Mapping[str, Any]) -> bool:
    """Return whether a team bears the mark of the workshop."""
    return (found.get("metadata") or {}).get(GROUP_MARK) == workshop.alias


def in_teams(
    workshop: Workshop, variables: Variables, found: Mapping[str, Mapping[str, Any]]
) -> tuple[Workshop, list[Team]]:
    """Return the workshop with its keys in teams, and these; or as it is, and none, where there are none.

    :param found: the teams that have such IDs, by ID.
    :raises VariableError: if the budget cannot be kept by such teams.
    """
    _check_total_budget(variables, workshop)
    if workshop.is_absent:
        return workshop, [_going(team) for team in found.values() if workshop.is_workshop and is_ours(workshop, team)]
    planned = _planned(workshop, variables, found)
    if not planned:
        return workshop, []
    called = _called(variables)
    elsewhere, left = _option_of_another_team(workshop), _leaves_team(workshop)
    if elsewhere or left:
        where, but = "teams" if workshop.teams else "a team", f"{elsewhere} is set" if elsewhere else f"{left} is unset"
        raise VariableError(f"{called} puts the keys into {where} of the workshop, but {but}. Leave one of them out.")
    foreign = [plan.team_id for plan in planned if plan.team_id in found and not is_ours(workshop, found[plan.team_id])]
    if foreign:
        raise VariableError(not_ours(foreign, variables))
    teams = [_team(workshop, plan, found.get(plan.team_id)) for plan in planned]
    return replace(workshop, shared={**workshop.shared, "models": [ALL_OF_TEAM]}), teams


def _planned(workshop: Workshop, variables: Variables, found: Mapping[str, Mapping[str, Any]]) -> list[_Planned]:
    """Return the teams that the keys are to be in."""
    if workshop.teams:
        return [
            _Planned(
                team_id=team_id(workshop, team.name),
                people=[person for person in workshop.people if person.fields.get(TEAM) == team.name],
                budget=team.max_budget,
                models=team.models or workshop.models,
                name=team.name,
            )
            for team in workshop.teams
        ]
    budget: float | None = variables["total_budget"]
    is_kept = is_ours(workshop, found.get(workshop.alias, {})) and not _option_of_another_team(workshop)
    return [_Planned(workshop.alias, workshop.people, budget, workshop.models)] if budget is not None or is_kept else []


def _team(workshop: Workshop, plan: _Planned, found: Mapping[str, Any] | None) -> Team:
    """Return a team, and put the keys of its people into it."""
    further = [model for person in plan.people for model in person.options.get("models") or ()]
    of_some = [model for model in further if model not in plan.models]
    # A key has no models that its team does not have. Those of one person are not for all others.
    options: dict[str, Any] = {"team_id": plan.team_id, "models": list(dict.fromkeys([*plan.models, *of_some]))}
    if plan.budget is not None:
        options["max_budget"] = plan.budget
    changes = _changes(plan.team_id, found, options)
    if found is None:
        options.update(team_alias=plan.team_id, metadata={GROUP_MARK: workshop.alias})
    for person in plan.people:
        person.options["team_id"] = plan.team_id
        if of_some:
            person.options.setdefault("models", plan.models)
    opened = [model for model in dict.fromkeys(of_some) if model not in ((found or {}).get("models") or ())]
    return Team(
        options, _members(plan.people), found or {}, changes, is_new=found is None, name=plan.name, opened=opened
    )


def who_else_may_use(team: Team, keys: Iterable[Mapping[str, Any]], declared: Collection[str]) -> list[str]:
    """Return the keys that may use whatever a team has, except those that are declared.

    :param declared: aliases.
    """
    others = [key for key in keys if key["key_alias"] not in declared]
    return sorted(
        str(key["key_alias"] or key["key_id"])
        for key in others
        if key["team_id"] == team.team_id and (not key["models"] or ALL_OF_TEAM in key["models"])
    )


def _going(found: Mapping[str, Any]) -> Team:
    name = str(found["team_id"])
    return Team({"team_id": name}, record=found, changes=lines(f"team {name}", found, {}))


def not_ours(foreign: Sequence[str], variables: Variables) -> str:
    """Say that teams with such IDs are somebody else's."""
    names = join_limited([f"'{one}'" for one in foreign])
    teams, are = ("teams", "are") if len(foreign) > 1 else ("a team", "is")
    return (
        f"{_called(variables)}: the proxy has {teams} {names} already that {are} not this workshop's. "
        f"Choose another {variables.called('alias')}."
    )


def _called(variables: Variables) -> str:
    """Return how a message calls what puts the keys into teams."""
    return called_teams(variables) if has_teams(variables) else variables.called("total_budget")


def _changes(alias: str, found: Mapping[str, Any] | None, declared: Mapping[str, Any]) -> list[str]:
    if found is None:
        return lines(f"team {alias}", {}, declared)
    after = {name: declared[name] for name in ("max_budget", "models") if name in declared}
    before = {name: found.get(name) for name in after}
    if set(before["models"] or ()) == set(after["models"]):
        before["models"] = after["models"]  # their order says nothing
    return lines(f"team {alias}", before, after)


def _option_of_another_team(workshop: Workshop) -> str:
    """Return which option puts a key into another team, "" if none does."""
    return next((name for options in _declared(workshop) for name in OTHER_TEAM if options.get(name)), "")


def _leaves_team(workshop: Workshop) -> str:
    """Return which option of a team is to be removed from a key, "" if none is."""
    of_team = ("team_id", "models")
    return next(
        (name for options in _declared(workshop) for name in of_team if name in (options.get("unset") or ())), ""
    )


def _declared(workshop: Workshop) -> Iterator[Mapping[str, Any]]:
    """Yield all that is declared of keys."""
    yield workshop.shared
    yield from (person.options for person in workshop.people)


def _members(people: Iterable[Person]) -> list[dict[str, str]]:
    return [{"user_id": user} for user in dict.fromkeys(person.user_id for person in people if person.user_id)]


def _check_total_budget(variables: Variables, workshop: Workshop) -> None:
    budget, called = variables["total_budget"], variables.called("total_budget")
    if budget is not None and not workshop.is_workshop and not workshop.is_absent:
        raise VariableError(
            f"{called} is for the keys of a workshop. For a single key, set {variables.called('max_budget')}."
        )
    if budget == 0:
        raise VariableError(f"{called} must be above 0. LiteLLM takes a team budget of 0 for no limit.")
