# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A workshop whose keys spend from one budget: the roster of the keys, with the team that they belong to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._key._table import GROUP_MARK
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._changes import lines
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._variables import NOTHING, VariableError, amount

VARIABLE = "litellm_vkey_total_budget"
# What belongs to a team of the user's own.
OTHER_TEAM = ("team_id", "service_account_id")

Options = Mapping[str, Any]


def in_team(roster: Options, total_budget: Any = None, found: Options | None = None) -> dict[str, Any]:
    """The roster with ``team`` and ``members``, both empty for keys that belong to no team of the workshop, and with
    ``team_changes``, the lines of a diff, and ``team_said``, the same in a sentence.

    A problem is returned, not raised: Ansible wraps what a filter raises in pages of context.

    :param total_budget: what all keys together can spend.
    :param found: the team that has the workshop's alias as its ID, as ``litellm_team_info`` returns it.
    """
    try:
        made = {**roster, **_in_team(roster, _amount(total_budget), found or {})}
        changes = _changes(made["team"], found or {}, roster["task"]["state"])
        return {**made, "team_changes": changes, "team_said": _said(changes)}
    except VariableError as error:
        return {**roster, "team": {}, "members": [], "team_changes": [], "team_said": [], "problem": str(error)}


def _in_team(roster: Options, budget: float | None, found: Options) -> dict[str, Any]:
    alias = roster["defaults"].get("group")
    is_ours = bool(found) and (found.get("metadata") or {}).get(GROUP_MARK) == alias
    if roster["task"]["state"] == "absent":
        return {"team": {"team_id": alias} if roster["workshop"] and is_ours else {}, "members": []}
    elsewhere = _in_other_teams(roster)
    if budget is None and (elsewhere or not is_ours):
        return {"team": {}, "members": []}
    if not roster["workshop"]:
        raise VariableError(f"{VARIABLE} is for the keys of a workshop. For a single key, set litellm_vkey_max_budget.")
    if elsewhere:
        raise VariableError(
            f"{VARIABLE} puts the keys into a team of the workshop, but {elsewhere} is set. Leave one of them out."
        )
    if found and not is_ours:
        raise VariableError(
            f"{VARIABLE}: the proxy has a team '{alias}' already that is not this workshop's. "
            "Choose another litellm_vkey_alias."
        )
    models = list(roster["defaults"]["models"])
    more = [model for options in roster["virtual_keys"] for model in options.get("models") or () if model not in models]
    # A key has no models that its team does not have. Those of one person are not for all others.
    team: dict[str, Any] = {"team_id": alias, "models": list(dict.fromkeys([*models, *more]))}
    if budget is not None:
        team["max_budget"] = budget
    if not found:
        team.update(team_alias=alias, metadata={GROUP_MARK: alias})
    return {
        "team": team,
        "members": _members(roster["virtual_keys"]),
        "defaults": {**roster["defaults"], "team_id": alias, "models": models if more else ["all-team-models"]},
    }


def _changes(team: Options, found: Options, state: str) -> list[str]:
    if not team:
        return []
    who = f"team {team['team_id']}"
    if state == "absent" or not found:
        return lines(who, found, {} if state == "absent" else team)
    declared = {name: team[name] for name in ("max_budget", "models") if name in team}
    before = {name: found.get(name) for name in declared}
    if set(before["models"] or ()) == set(declared["models"]):
        before["models"] = declared["models"]  # their order says nothing
    return lines(who, before, declared)


def _said(changes: Iterable[str]) -> list[str]:
    """The same for a run without a diff. That the team is new or gone is no news to those who count the keys."""
    return [change[2:].replace("  ", ": ", 1) for change in changes if change.startswith("~")]


def _in_other_teams(roster: Options) -> str:
    """Which option puts a key into another team, "" if none does."""
    declared = (roster["defaults"], *roster["virtual_keys"])
    return next((name for options in declared for name in OTHER_TEAM if options.get(name)), "")


def _members(keys: Iterable[Options]) -> list[dict[str, str]]:
    return [{"user_id": user} for user in dict.fromkeys(str(key["user_id"]) for key in keys if key.get("user_id"))]


def _amount(value: Any) -> float | None:
    if value is None or (isinstance(value, str) and value.strip() in NOTHING):
        return None
    budget = amount(VARIABLE, value)
    if not budget:
        raise VariableError(f"{VARIABLE} must be above 0. LiteLLM takes a team budget of 0 for no limit.")
    return budget


class FilterModule:
    """Filters of this collection."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"in_team": in_team}
