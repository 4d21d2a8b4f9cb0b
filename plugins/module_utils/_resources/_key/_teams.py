# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What moving a key into a team, or out of one, takes and means. Pure. Private: only for use inside this collection.

Before LiteLLM moves a key into a team, it compares the models, limits, and user that the key has with the team, and not
those that the same request sends. So a key first gets what fits the team, in a request of its own.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Any

from ..._engine import Plan
from ..._errors import InputError
from ..._proxy import SPECIAL_MODELS
from ..._values import is_empty
from ._table import ROWS

TEAM_MODELS = "all-team-models"
# What LiteLLM compares. The limit of requests counts only beside one of tokens, so that alone it fits each team.
COMPARED = ("models", "tpm_limit", "rpm_limit", "user_id")


def joined_team(plan: Plan) -> str | None:
    """Return the id of the team into which an update moves a key, None if it moves it into none."""
    team_id = plan.changes.get("team_id") if plan.action == "update" else None
    return None if is_empty(team_id) else str(team_id)


def left_team(plan: Plan) -> str | None:
    """Return the id of the team that a key leaves without joining another one, None if it leaves none."""
    leaves = "team_id" in plan.changes and is_empty(plan.changes["team_id"])
    return str(plan.existing["team_id"]) if leaves and plan.current else None


def fits(name: str, value: Any, team: Mapping[str, Any]) -> bool:
    """Return whether a key with that value fits a team as it was read.

    What a name of models stands for only LiteLLM knows.
    """
    if is_empty(value):
        return True
    if name == "user_id":
        members = team.get("members_with_roles")
        return members is None or any(member.get("user_id") == value for member in members)
    bound = team.get(name)
    if name == "models":
        return not bound or set(value) <= {*bound, TEAM_MODELS}
    return not bound or bool(value <= bound)


def changes_to_fit(plan: Plan, team: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a key needs before it can move into a team, by field; empty if it fits, or nothing is declared."""
    return {
        name: _fitting(name, plan.changes[name], team)
        for name in COMPARED
        if name in plan.changes and not fits(name, ROWS[name].value(plan.existing), team)
    }


def _fitting(name: str, declared: Any, team: Mapping[str, Any]) -> Any:
    """Return the declared value, or the team's where it says all: the key must not have more if the move then fails."""
    row = ROWS[name]
    if name == "models":
        return [model for model in declared or () if model not in SPECIAL_MODELS] or list(team["models"])
    if row.is_empty(declared):
        return row.cleared if name == "user_id" else team[name]
    return row.serialize(declared)


def unfit_values(plan: Plan, team: Mapping[str, Any]) -> list[str]:
    """Return what of a key as it is planned does not fit the team that it joins, a sentence each."""
    team_id = joined_team(plan)
    values = {name: plan.changes.get(name, ROWS[name].value(plan.existing)) for name in ("user_id", "tpm_limit")}
    sentences = {
        "user_id": f"the user '{values['user_id']}' is not a member of the team '{team_id}'. Add the user to it with "
        "litellm_team_members, or declare another O(user_id).",
        "tpm_limit": f"{values['tpm_limit']} is more than the {team.get('tpm_limit')} of the team '{team_id}'.",
    }
    return [f"O({name}): {sentences[name]}" for name, value in values.items() if not fits(name, value, team)]


def lacking_models(plan: Plan, team: Mapping[str, Any], single: Container[str]) -> list[str]:
    """Return the models of a key that the team that it joins certainly does not have.

    What wildcards, access groups, and aliases stand for only LiteLLM knows.

    :param single: the names that stand for one model each.
    """
    bound = team.get("models") or []
    aliases = (team.get("litellm_model_table") or {}).get("model_aliases")
    if not bound or aliases or team.get("access_group_ids") or not all(model in single for model in bound):
        return []
    models = plan.changes.get("models", ROWS["models"].value(plan.existing)) or []
    return [model for model in models if model in single and model not in bound]


def models_without_team(plan: Plan, team: Mapping[str, Any] | None) -> list[str]:
    """Return the models that a key keeps when it leaves its team: without one, "all" are all models of the proxy.

    :raises InputError: if nobody can tell which models the team has.
    """
    models = ROWS["models"].value(plan.existing) or []
    if models and TEAM_MODELS not in models:
        return list(models)
    if not team:
        raise InputError(
            f"O(models): the key has the models of the team '{left_team(plan)}', which the proxy does not show. "
            "Declare the models that the key keeps without a team.",
            plan.name,
        )
    own = [model for model in models if model != TEAM_MODELS]
    return list(dict.fromkeys([*own, *team["models"]])) if team.get("models") else []
