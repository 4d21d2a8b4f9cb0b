# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which keys bear a mark, and how many of them one run may delete. Pure. Private: only for use inside this collection.

A mark is a few entries of metadata. It chooses keys for deletion: so here nothing is alike, only the same.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from ..._errors import InputError
from ..._text import join_limited
from ..._values import is_empty, strictly_equal
from ._table import KEY, metadata_of

NO_LIMIT = -1


def bears(record: Mapping[str, Any], mark: Mapping[str, Any]) -> bool:
    """Return whether the key's metadata has each entry of ``mark`` exactly. An empty mark is no mark."""
    metadata = metadata_of(record)
    return bool(mark) and all(
        name in metadata and strictly_equal(value, metadata[name]) for name, value in mark.items()
    )


def check_mark(mark: Mapping[str, Any], limit: int | None) -> None:
    """Refuse a mark that says nothing, such as that of a variable left blank, and a limit that is none.

    :raises InputError: naming the entries without a value.
    """
    blank = [str(name) for name, value in mark.items() if _is_blank(value)]
    if not mark or blank:
        what = f"{', '.join(blank)} has no value" if blank else "it has no entry"
        raise InputError(f"prune_metadata: {what}. Each entry must have a value that only the keys to delete have.")
    if limit is not None and limit < NO_LIMIT:
        raise InputError("prune_limit must be at least 0, or -1 for no limit.")


def _is_blank(value: Any) -> bool:
    """Return whether a value, or all that is in it, is what a variable left blank gives."""
    if isinstance(value, (Mapping, list, tuple)):
        return all(map(_is_blank, value.values() if isinstance(value, Mapping) else value))
    return is_empty(value) or value is False or not str(value).strip()


def called(record: Mapping[str, Any]) -> str:
    """Return how messages and results call a key, which may have no alias."""
    return str(record["key_alias"] or f"(no alias) {record['key_name']}")


def to_prune(
    records: Iterable[Mapping[str, Any]], mark: Mapping[str, Any], declared: Collection[str], limit: int | None
) -> list[Mapping[str, Any]]:
    """Return the keys that bear the mark and are not declared, by alias.

    :param declared: the aliases and ids of those that are.
    :param limit: how many they may be: by default half of those that bear the mark. A run that keeps the other half
        also declares at least as many keys as it deletes.
    :raises InputError: if they are more, naming them.
    """
    marked = [record for record in records if bears(record, mark)]
    chosen = sorted(
        (record for record in marked if not {record["key_alias"], record["token"]} & set(declared)),
        key=lambda record: (called(record), record["token"]),
    )
    allowed = len(marked) // 2 if limit is None else limit
    if limit == NO_LIMIT or len(chosen) <= allowed:
        return chosen
    names = join_limited([called(record) for record in chosen])
    bound = "half of them can be deleted" if limit is None else f"prune_limit allows {limit}"
    raise InputError(
        f"Of the {len(marked)} keys that carry the mark, {len(chosen)} would be deleted, but only {bound}: "
        f"{names}. Nothing was written. To delete them all, set prune_limit to {len(chosen)}."
    )


def check_group(alias: str, declared: Any, records: Iterable[Mapping[str, Any]]) -> None:
    """Refuse to take over, or to delete, what belongs to another group.

    :raises InputError: naming both groups.
    """
    if is_empty(declared):
        return
    for record in records:
        group = KEY.field("group").value(record)
        if not is_empty(group) and not strictly_equal(group, declared):
            raise InputError(
                f"the key belongs to the group {json.dumps(group)}, not to {json.dumps(declared)}. Choose another "
                "alias, or remove the key from its group first, with litellm_key and unset: [group].",
                alias,
            )
