# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose key would be an admin's: a key can do what its user can. Pure. Private: only for use inside this collection."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.litemaas.virtual_keys.plugins.module_utils._text import join_limited, one_line

from .._variables import VariableError, Variables
from ._declaration import Workshop


def refuse_admins(workshop: Workshop, variables: Variables, admins: Iterable[Mapping[str, Any]]) -> None:
    """Refuse people who administer something, unless the variables name them as such.

    :param admins: as ``litellm_user_info`` returns them.
    :raises VariableError: naming them, and what they administer.
    """
    administers = {admin["user_id"]: _besides(workshop, admin["administers"]) for admin in admins}
    found = [
        f"{one_line(person.user)} ({', '.join(what)})"
        for person in workshop.people
        if person not in workshop.admins and (what := administers.get(person.user_id))
    ]
    if found:
        raise VariableError(
            f"These people administer something on the proxy, and whoever gets their keys can act as them: "
            f"{join_limited(found)}. Give them another user_id, or name them in {variables.called('allow_admins')}."
        )


def _besides(workshop: Workshop, administered: Iterable[str]) -> list[str]:
    """Return what is administered besides the team of this workshop."""
    return [what for what in administered if what != f"team {workshop.group}"]
