# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""More budget for some people. Pure. Private: only for use inside this collection.

LiteLLM itself keeps how much the budget of one key is raised, beside the budget that everybody has. So a raise stays,
whatever budget later runs declare for all.
"""

from __future__ import annotations

import math
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.litemaas.virtual_keys.plugins.module_utils._text import join_limited, one_line, printable

from .._variables import VariableError, Variables, amount
from ._declaration import Workshop
from ._people import Person
from ._trouble import Directory, pairs

Key = Mapping[str, Any]

# Whom a report of who used what names, whoever they are.
EXHAUSTED, NEVER_USED = "exhausted", "never_used"
SELECTIONS = (EXHAUSTED, NEVER_USED)
RAISE = ("temp_budget_increase", "temp_budget_expiry")
# LiteLLM raises a budget until a moment: one that no key lives to see.
FOREVER = "2999-12-31T00:00:00+00:00"


@dataclass(frozen=True)
class Raise:
    """What was asked for.

    :param limits: what each person may spend now, by user.
    :param nobody: the selections that fit nobody.
    """

    limits: dict[str, float] = field(default_factory=dict, repr=False)
    nobody: list[str] = field(default_factory=list)


def selects(variables: Variables, selection: str) -> bool:
    """Return whether a raise is for those whom a report names."""
    return selection in _asked(variables, Directory([]))


def settle_raise(variables: Variables, workshop: Workshop, keys: Iterable[Key]) -> Raise:
    """Declare more budget for the people who are named, and for those who fit a selection.

    Who is named gets that much more than the budget that the variables declare. Who is exhausted gets it on top of what
    is spent: then nobody is exhausted, and the same once more changes nothing until somebody is again.

    :param keys: of the workshop, as ``litellm_key_info`` returns them.
    :raises VariableError: if somebody is named who is not there or has no budget, or the amount is none.
    """
    directory = Directory(workshop.people)
    asked = _asked(variables, directory)
    where, by_alias = variables.called("raise"), {str(key["key_alias"]): key for key in keys}
    amounts = {name: _amount(where, name, text) for name, text in asked.items()}
    named = {directory.find(where, name).user: more for name, more in amounts.items() if name not in SELECTIONS}
    limits: dict[str, float] = {}
    found: set[str] = set()
    for person in workshop.people:
        key = by_alias.get(person.alias)
        budget = _budget(workshop, person, key)
        if person.user in named:
            if budget is None:
                raise VariableError(f"{where}: {printable(person.user)} has no max_budget that could be raised.")
            more = named[person.user]
        else:
            selection = _fitting(key, budget, amounts)
            if selection is None or key is None or budget is None:
                continue
            found.add(selection)
            more = amounts[selection] + (_overdraft(key, budget) if selection == EXHAUSTED else 0)
        limits[person.user] = budget + more
        _declare(where, workshop, person, more)
    return Raise(limits, [name for name in SELECTIONS if name in amounts and name not in found])


def sentences(raised: Raise) -> list[str]:
    """Say who may spend how much, and of whom there is nobody."""
    found = [f"{one_line(user)} to {limit:.2f} USD" for user, limit in raised.limits.items()]
    said = [f"raised: {join_limited(found)}"] if found else []
    return [*said, *(f"nobody is {name.replace('_', ' ')}, so nobody's budget is raised" for name in raised.nobody)]


def _asked(variables: Variables, directory: Directory) -> dict[str, Any]:
    """Return the amounts as they are written, by person or selection."""
    where = variables.called("raise")
    asked = pairs(where, variables["raise"], lambda name: name in SELECTIONS or directory.knows(name))
    for name in SELECTIONS:
        if name in asked and directory.knows(name):
            raise VariableError(f"{where}: '{name}' is the name of a person, too. Name the person by the user ID.")
    return asked


def _amount(where: str, name: str, text: Any) -> float:
    """Return by how much to raise. Each amount is more than something else, so that +5 is 5."""
    where, name = f"{where}, {printable(name)}", printable(name)
    if text is None:
        raise VariableError(f"{where}: the amount in USD is missing. Write it after a colon: {name}:5")
    more = amount(where, text.strip().removeprefix("+") if isinstance(text, str) else text)
    if not more and name in SELECTIONS:
        raise VariableError(f"{where} must be above 0.")
    return more


def _budget(workshop: Workshop, person: Person, key: Key | None) -> float | None:
    """Return the budget of somebody's key without a raise, None if it has none of its own."""
    declared: float | None = person.options.get("max_budget", workshop.shared.get("max_budget"))
    return declared if declared is not None else key["max_budget"] if key else None


def _fitting(key: Key | None, budget: float | None, asked: Container[str]) -> str | None:
    """Return for which selection a key is raised that nobody names, None if for none."""
    if key is None or budget is None:
        return None
    spend, left = key["spend"] or 0, key["remaining_budget"]
    # What is left counts the raise of an earlier run, but perhaps another budget than the declared one.
    left = budget - spend if left is None or key["max_budget"] is None else left + budget - key["max_budget"]
    if EXHAUSTED in asked and left <= 0:
        return EXHAUSTED
    return NEVER_USED if NEVER_USED in asked and not spend and not key.get("used") else None


def _overdraft(key: Key, budget: float) -> float:
    """Return how much more than the budget is spent, in whole cents."""
    return math.ceil(round(100 * (key["spend"] - budget), 6)) / 100


def _declare(where: str, workshop: Workshop, person: Person, more: float) -> None:
    twice = next((name for name in RAISE if name in {**workshop.shared, **person.options}), None)
    if twice:
        raise VariableError(f"{where} and {twice} both raise the budget of {printable(person.user)}.")
    if more:
        person.options.update(zip(RAISE, (more, FOREVER)))
    else:
        unset: Sequence[str] = person.options.get("unset") or workshop.shared.get("unset") or ()
        person.options["unset"] = [*unset, *RAISE]
