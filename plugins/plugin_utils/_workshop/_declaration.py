# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the variables declare: who gets which key, and which keys are to go.

Private: only for use inside this collection.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._key._declaration import (
    check_rotation,
    with_defaults,
)
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._key._table import GROUP_MARK
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._text import render

from .._variables import VariableError, Variables
from ._options import checked_alias, refuse_other_group, shared_options
from ._people import (
    EXPIRY,
    NAMING,
    Person,
    ReadFile,
    Roster,
    numbered,
    of_keys,
    people,
    refuse_who_is_elsewhere,
    roster,
)
from ._teams import DeclaredTeam, declare_teams
from ._trouble import Directory, named, refuse_in_absence, settle_trouble
from ._variables import ABSENT, NO_LIMIT, option_names

# What can be asked for people who have keys, wherever the table of all people is.
OF_THOSE_THERE = ("block", "unblock", "raise")


@dataclass(frozen=True)
class Workshop:
    """Keys for people as they are declared; or one key, which is no workshop.

    :param is_partial: whether nobody is declared, and something is asked for people who have keys already.
    :param ends: whether all keys that bear the mark go, whoever they are for.
    :param shared: the options of all keys.
    :param models: what the variables say, also where the keys of a team say otherwise.
    :param prune: the mark of keys that are to go although nobody names them, and how many they may be.
    :param admins: people who may be admins.
    :param teams: where the people are in several.
    :param warnings: what was guessed of the people.
    :param said: what was taken for what.
    """

    alias: str
    is_workshop: bool
    is_absent: bool
    is_partial: bool
    ends: bool
    people: list[Person] = field(repr=False)
    shared: dict[str, Any] = field(repr=False)
    duration: str
    models: list[str]
    prune: dict[str, Any] = field(repr=False)
    admins: list[Person] = field(repr=False)
    teams: list[DeclaredTeam] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    @property
    def group(self) -> str | None:
        """What the mark of the workshop's keys says."""
        return self.alias if self.is_workshop else None


def declare(variables: Variables, read_file: ReadFile) -> Workshop:
    """Return what the variables declare.

    :param read_file: returns what is in a file of the control node.
    :raises VariableError: if they contradict each other, or cannot be meant.
    """
    alias = _alias(variables)
    is_absent = variables["state"] == ABSENT
    if not is_absent and variables.blank("key_seed") is not None:
        called = variables.called("key_seed")
        raise VariableError(
            f"{called} is empty. Set the variable or the environment variable that it comes from, or omit {called} "
            "for random values."
        )
    refuse_in_absence(variables, OF_THOSE_THERE)
    registered = roster(variables, read_file)
    if registered is None and variables["multi_user"] and variables.says("user_count"):
        registered = numbered(variables)
    teams, declared = declare_teams(variables, registered)
    is_workshop = declared is not None or variables["multi_user"]
    is_named = declared is not None
    ends = _ends(variables, is_workshop, is_named)
    prune = _pruning(variables, alias, is_workshop, is_named, ends)
    # A new value that comes from no seed needs the folder, which knows the people.
    asked = OF_THOSE_THERE if not variables.says("reissue") else ("reissue",) if variables.says("key_seed") else ()
    if is_workshop and not is_named and any(map(variables.says, asked)):
        return partial(variables)
    shared = shared_options(variables)
    models = list(shared.get("models", []))
    expiry = {name: shared.pop(name) for name in EXPIRY if name in shared}
    if is_workshop:
        refuse_other_group(variables.called("key_options"), variables.called("alias"), shared)
        if declared is None:
            declared = Roster([]) if ends else numbered(variables)
        everybody = people(declared.entries, variables, expiry, shared)
        who = (registered or declared).entries
        refuse_who_is_elsewhere(variables, read_file, who, variables["other_users_files"])
        shared["group"] = alias
    else:
        options = {"user_id": variables["user_id"] or alias, **expiry, **shared, "key_alias": alias}
        everybody, shared = [Person(alias, options)], {}
    settle_trouble(variables, everybody)
    if not is_absent:
        _refuse_outages(variables, everybody, shared)
    return Workshop(
        alias=alias,
        is_workshop=is_workshop,
        is_absent=is_absent,
        is_partial=False,
        ends=ends,
        people=everybody,
        shared=shared,
        duration=variables["duration"],
        models=models,
        prune=prune,
        warnings=declared.warnings if declared else [],
        said=declared.said if declared else [],
        teams=teams,
        admins=[] if is_absent else named(variables, "allow_admins", Directory(everybody)),
    )


def partial(variables: Variables) -> Workshop:
    """Return a workshop that declares nothing but what is asked for people who have keys already."""
    seed = ("key_seed", "key_version") if variables.says("reissue") else ()
    return Workshop(
        alias=_alias(variables),
        is_workshop=True,
        is_absent=False,
        is_partial=True,
        ends=False,
        people=[],
        shared={name: variables[name] for name in seed},
        duration=variables["duration"],
        models=[],
        prune={},
        admins=[],
    )


def with_those_there(workshop: Workshop, keys: Iterable[Mapping[str, Any]]) -> Workshop:
    """Return a partial workshop with the people who have its keys.

    :param keys: of the workshop, as ``litellm_key_info`` returns them.
    """
    return replace(workshop, people=of_keys(workshop.alias, keys))


def _refuse_outages(variables: Variables, everybody: Sequence[Person], shared: Mapping[str, Any]) -> None:
    """Refuse values that cannot be replaced in time, before anything is asked of the proxy.

    :raises VariableError: saying why.
    """
    for person in everybody:
        found = check_rotation(with_defaults(person.options, shared))
        if found:
            raise VariableError(render(" ".join(found), option_names(variables)))


def _alias(variables: Variables) -> str:
    """Return the alias as text, once for all: as name of a key, beginning of names, and mark of a workshop."""
    if not variables["alias"]:
        raise VariableError(f"{variables.called('alias')} is required and must not be empty.")
    return checked_alias(variables.called("alias"), variables["alias"])


def _ends(variables: Variables, is_workshop: bool, is_named: bool) -> bool:
    """Return whether this is the end of a workshop: nobody was meant to be named, or all others are to go as well.

    A variable that names nobody, in whatever way, was meant to name somebody: then nothing is deleted.
    """
    if not is_workshop or variables["state"] != ABSENT:
        return False
    empty = [variables.called(name) for name in NAMING if variables.mentions(name) and not variables.says(name)]
    if empty and not is_named:
        raise VariableError(
            f"{empty[0]} is empty, so it names nobody whose key could be removed. To remove all keys of the workshop, "
            "omit it."
        )
    return variables["prune"] or not is_named


def _pruning(variables: Variables, alias: str, is_workshop: bool, is_named: bool, ends: bool) -> dict[str, Any]:
    """Return which undeclared keys are deleted, and how many at most, as the module's options.

    :param is_named: whether the variables say who is in the workshop.
    """
    prune, users, count = (variables.called(name) for name in ("prune", "users", "user_count"))
    file = variables.called("users_file")
    if variables["prune"] and not is_workshop:
        raise VariableError(
            f"{prune} requires a workshop. Set {users}, {file}, or {variables.called('multi_user')} and {count}."
        )
    if variables["prune"] and not is_named and not ends:
        raise VariableError(f"{prune} requires {users}, {file}, or {count}, which define the keys to keep.")
    limit = variables["prune_limit"]
    if limit is None and not is_named:
        limit = NO_LIMIT
    if not variables["prune"] and not ends:
        return {}
    return {"prune_metadata": {GROUP_MARK: alias}, **({} if limit is None else {"prune_limit": limit})}
