# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options that are mappings, of which each entry is set, kept, or removed by itself. Pure.

Private: only for use inside this collection. An entry is removed by its name after that of the option, as in
``unset: [litellm_params.api_base]``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from .._values import UNSET

Values = Mapping[str, Any]
# Each write of litellm_params sets these to false, but for those that are sent as null.
FALSE_BY_DEFAULT = (
    "use_in_pass_through",
    "use_litellm_proxy",
    "merge_reasoning_content_in_choices",
    "use_xai_oauth",
    "allow_client_keepalive_override",
)


def unset_of(options: Values, place: str) -> list[str]:
    """Return the entries of an option that are to be removed."""
    return [name.partition(".")[2] for name in options.get("unset") or () if name.partition(".")[0] == place]


def with_entries(fields: Values, options: Values, place: str, present: Values) -> dict[str, Any]:
    """Return declared fields with the entries of an option that stay: those that are not declared, nor to be removed.

    :param present: the entries that the object has.
    """
    declared, gone = fields.get(place), unset_of(options, place)
    if declared is UNSET or (declared is None and not gone):
        return dict(fields)
    merged = {**present, **(declared or {})}
    return {**fields, place: remaining(merged, gone)}


def remaining(entries: Values, gone: Collection[str], flags: Collection[str] = ()) -> dict[str, Any]:
    """Return entries without those that are to be removed.

    :param flags: entries that cannot go, but become false.
    """
    return {
        name: False if name in gone else value for name, value in entries.items() if name not in gone or name in flags
    }


def check_entries(
    options: Values, places: Collection[str], required: Collection[str] = (), fields: Collection[str] = ()
) -> list[str]:
    """Return what is wrong with the entries that are set and removed, a sentence each.

    :param required: entries that no object can be without.
    :param fields: options that can be removed as a whole.
    """
    unset = [name for name in options.get("unset") or () if name not in fields]
    found = [sentence for name in unset for sentence in _check_unset(name, options, places, required)]
    for place in places:
        entries = options.get(place) or {}
        empty = [str(name) for name, value in entries.items() if value is None or value == ""]
        if empty:
            found.append(f"O({place}): {', '.join(empty)} has no value. To remove an entry, list it in O(unset).")
    return found


def _check_unset(name: str, options: Values, places: Collection[str], required: Collection[str]) -> Iterator[str]:
    place, _dot, entry = name.partition(".")
    if place not in places or not entry or name in required:
        example = f"{next(iter(places), '')}.api_base"
        yield f"O(unset): {name} is not an entry that can be removed, such as O({example})."
    elif entry in (options.get(place) or {}):
        yield f"O({name}) cannot be both set and listed in O(unset)."
