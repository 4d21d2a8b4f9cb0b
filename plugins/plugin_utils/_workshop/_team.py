# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A workshop whose keys spend from one budget: the team that they belong to. Pure.

Private: only for use inside this collection.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._key._table import GROUP_MARK

from .._changes import lines
from .._variables import VariableError, Variables
from ._declaration import Workshop
from ._people import Person

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
    """

    options: dict[str, Any] = field(repr=False)
    members: list[dict[str, str]] = field(default_factory=list, repr=False)
    record: Mapping[str, Any] = field(default_factory=dict, repr=False)
    changes: list[str] = field(default_factory=list)
    is_new: bool = False

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


def in_team(workshop: Workshop, variables: Variables, found: Mapping[str, Any] | None) -> tuple[Workshop, Team | None]:
    """Return the workshop with its keys in the team, and the team; or as it is, and None, where there is none.

    :param found: the team that has the workshop's alias as its ID, None if there is none.
    :raises VariableError: if the total budget cannot be kept by such a team.
    """
    budget = _budget(variables, workshop)
    is_ours = found is not None and (found.get("metadata") or {}).get(GROUP_MARK) == workshop.alias
    if workshop.is_absent:
        if not (workshop.is_workshop and is_ours):
            return workshop, None
        going = lines(f"team {workshop.alias}", found or {}, {})
        return workshop, Team({"team_id": workshop.alias}, record=found or {}, changes=going)
    elsewhere = _option_of_another_team(workshop)
    if budget is None and (elsewhere or not is_ours):
        return workshop, None
    called = variables.called("total_budget")
    if elsewhere:
        raise VariableError(
            f"{called} puts the keys into a team of the workshop, but {elsewhere} is set. Leave one of them out."
        )
    if found is not None and not is_ours:
        raise VariableError(not_ours(workshop.alias, variables))
    models = workshop.models
    further = [model for person in workshop.people for model in person.options.get("models") or ()]
    of_some = [model for model in further if model not in models]
    # A key has no models that its team does not have. Those of one person are not for all others.
    options: dict[str, Any] = {"team_id": workshop.alias, "models": list(dict.fromkeys([*models, *of_some]))}
    if budget is not None:
        options["max_budget"] = budget
    changes = _changes(workshop.alias, found, options)
    if found is None:
        options.update(team_alias=workshop.alias, metadata={GROUP_MARK: workshop.alias})
    team = Team(options, _members(workshop.people), found or {}, changes, is_new=found is None)
    of_keys = {"team_id": workshop.alias, "models": models if of_some else [ALL_OF_TEAM]}
    return replace(workshop, shared={**workshop.shared, **of_keys}), team


def not_ours(alias: str, variables: Variables) -> str:
    """Say that a team with the workshop's alias as its ID is somebody else's."""
    return (
        f"{variables.called('total_budget')}: the proxy has a team '{alias}' already that is not this workshop's. "
        f"Choose another {variables.called('alias')}."
    )


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
    declared = (workshop.shared, *(person.options for person in workshop.people))
    return next((name for options in declared for name in OTHER_TEAM if options.get(name)), "")


def _members(people: Iterable[Person]) -> list[dict[str, str]]:
    return [{"user_id": user} for user in dict.fromkeys(person.user_id for person in people if person.user_id)]


def _budget(variables: Variables, workshop: Workshop) -> float | None:
    budget: float | None = variables["total_budget"]
    called = variables.called("total_budget")
    if budget is not None and not workshop.is_workshop and not workshop.is_absent:
        raise VariableError(
            f"{called} is for the keys of a workshop. For a single key, set {variables.called('max_budget')}."
        )
    if budget == 0:
        raise VariableError(f"{called} must be above 0. LiteLLM takes a team budget of 0 for no limit.")
    return budget
