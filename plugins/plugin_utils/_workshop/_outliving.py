# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys that may outlive what they were made for: of people who left the list, and those that people made. Pure.

Private: only for use inside this collection.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from ._declaration import Workshop
from ._people import same_name

Key = Mapping[str, Any]

ENDED = ("expired", "blocked")


def not_listed(workshop: Workshop, keys: Sequence[Key]) -> list[str]:
    """Return the aliases of keys of the workshop that nobody has who is listed, in their order.

    :param keys: of the workshop, as ``litellm_key_info`` returns them.
    """
    declared = {person.alias for person in workshop.people}
    others = [key for key in keys if key["key_alias"] not in declared]
    # An old value that goes on for a while is that of the key in its place.
    ids = {key["key_id"] for key in keys} - {key["key_id"] for key in others}
    return [str(key["key_alias"]) for key in others if key.get("replaced_by") not in ids]


def same_people(
    workshop: Workshop, keys: Iterable[Key], aliases: Collection[str], listed: Iterable[Mapping[str, Any]]
) -> list[tuple[str, str]]:
    """Return the new and the old user of whoever probably stands in the list under another address than before.

    :param keys: with the names of the workshop's, as ``litellm_key_info`` returns them.
    :param aliases: of keys of the workshop that nobody has who is listed.
    :param listed: people of earlier runs, as the folder has them.
    """
    there = {key["key_alias"] for key in keys}
    new: dict[str, list[str]] = defaultdict(list)
    old: dict[str, list[str]] = defaultdict(list)
    for person in workshop.people:
        if person.fields.get("name") and person.alias not in there:
            new[same_name(person.fields["name"])].append(person.user)
    for entry in listed:
        if entry["alias"] in aliases:
            old[same_name(entry["name"])].append(entry["user"])
    return [(new[name][0], old[name][0]) for name in new if len(new[name]) == len(old[name]) == 1]


def still_valid(workshop: Workshop, keys: Iterable[Key]) -> list[Key]:
    """Return the keys of the workshop that neither have ended nor are blocked."""
    return [key for key in keys if key["group"] == workshop.group and key["status"] not in ENDED]


def made_by_people(
    workshop: Workshop, keys: Iterable[Key], people: Collection[str], admins: Iterable[Mapping[str, Any]]
) -> list[Key]:
    """Return the keys that people of the workshop have made with theirs.

    :param keys: that they have made, as ``litellm_key_info`` returns them.
    :param people: their user IDs.
    :param admins: who administers something, and makes keys for others.
    """
    owners = set(people) - {admin["user_id"] for admin in admins}
    return [key for key in keys if key["created_by"] in owners and key["group"] != workshop.group]


def names(keys: Sequence[Key]) -> list[str]:
    """Return what keys are called, also those without an alias."""
    return [str(key["key_alias"] or f"the key {key['key_id'][:8]}") for key in keys]


def makers(keys: Iterable[Key]) -> list[str]:
    """Return the user IDs of those who created keys."""
    return sorted({str(key["created_by"]) for key in keys})


def gone(listed: Iterable[Mapping[str, Any]], keys: Iterable[Key]) -> list[str]:
    """Return the aliases of people in the folder whose keys are no longer on the proxy.

    :param listed: people of earlier runs who are not declared, with the IDs of their keys.
    :param keys: those of these keys that there are.
    """
    there = {key["key_id"] for key in keys}
    return [person["alias"] for person in listed if person["key_id"] not in there]


def no_longer_declared(workshop: Workshop, listed: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the people in the folder who belong to the workshop, have a key, and are not declared."""
    declared = {person.alias for person in workshop.people}
    return [
        person
        for person in listed
        if person.get("group") == workshop.group and person["alias"] not in declared and person.get("key_id")
    ]
