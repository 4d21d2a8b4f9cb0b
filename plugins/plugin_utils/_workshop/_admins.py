# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose key would be an admin's, and whose key is somebody else's already. Pure.

Private: only for use inside this collection. A key can do what its user can, and whoever made it may know its value.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.litemaas.virtual_keys.plugins.module_utils._text import join_limited, one_line

from .._variables import VariableError, Variables
from ._declaration import Workshop
from ._team import team_ids

PROXY = re.compile("the proxy")


def refuse_admins(workshop: Workshop, variables: Variables, admins: Iterable[Mapping[str, Any]]) -> None:
    """Refuse people who administer something, unless the variables name them as such.

    :param admins: as ``litellm_user_info`` returns them.
    :raises VariableError: naming them, and what they administer.
    """
    own = {f"team {one}" for one in team_ids(workshop)}
    administers = {admin["user_id"]: [what for what in admin["administers"] if what not in own] for admin in admins}
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


def refuse_keys_of_others(
    workshop: Workshop, variables: Variables, keys: Iterable[Mapping[str, Any]], admins: Iterable[Mapping[str, Any]]
) -> None:
    """Refuse keys that bear a declared name and that no admin created, unless they get a new value.

    The mark of the workshop tells its keys from those of strangers, but not from those of its people, who can read it.

    :param keys: that have the names of the workshop's, as ``litellm_key_info`` returns them.
    :param admins: as ``litellm_user_info`` returns them.
    :raises VariableError: naming the keys, and who created them.
    """
    trusted = {None, "", *(admin["user_id"] for admin in admins if any(map(PROXY.match, admin["administers"])))}
    people = {person.user_id for person in workshop.people}
    declared = {person.alias: person for person in workshop.people}
    found = [
        f"{one_line(key['key_alias'])} (created by {one_line(key['created_by'])})"
        for key in keys
        if key["key_alias"] in declared
        and declared[key["key_alias"]].reissue in (None, key["reissue"])  # no new value, or one that it had already
        and key["created_by"] not in trusted
        and (key["created_by"] in people or workshop.group is None or key["group"] != workshop.group)
    ]
    if found:
        raise VariableError(
            f"These keys exist, and whoever created them may know their values: {join_limited(found)}. "
            f"Delete or rename them, or name their people in {variables.called('reissue')} to give the keys new values."
        )
