# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The result that the role sets as a fact. Pure. Private: only for use inside this collection."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .._registrations import TEAM
from ._declaration import Workshop
from ._outcome import WorkshopOutcome
from ._team import Team


def result_of(
    workshop: Workshop, outcome: WorkshopOutcome, url: str, teams: Sequence[Team], changed: bool, gone: Sequence[str]
) -> dict[str, Any]:
    """Return what the role's result says.

    :param url: of the proxy, without a trailing slash or ``/v1``.
    :param teams: of the workshop.
    :param changed: whether anything changed, besides the keys too.
    :param gone: the aliases of people of earlier runs whose keys are no longer on the proxy.
    """
    summary, users = outcome.summary, outcome.users
    deleted = summary.get("deleted", 0) + (len(outcome.pruned) if workshop.ends else 0)
    missing = summary.get("unchanged", 0) if workshop.is_absent else 0
    common = {
        "api_endpoint": url,
        "api_base_url": f"{url}/v1",
        "models": workshop.models,
        "duration": workshop.duration,
        "state": "absent" if workshop.is_absent else "present",
        "changed": changed,
        "summary": summary,
        "unknown": outcome.unknown,
        "problem": outcome.problem,
        "deleted_count": deleted,
        "missing_count": missing,
    }
    if workshop.is_workshop:
        there = () if workshop.is_absent else teams
        return {
            **common,
            "group": workshop.group,
            "user_count": len(users),
            "keys": users,
            "users": users,
            "team": next((dict(team.record) for team in there if team.name is None), {}),
            "teams": [{TEAM: team.name, **team.record} for team in there if team.name is not None],
            "pruned": outcome.pruned,
            "gone": list(gone),
        }
    (user,) = users
    of_absent = {"deleted": deleted > 0, "was_missing": missing > 0} if workshop.is_absent else {}
    return {**common, **user, "changed": changed, **of_absent}
