# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What declares a key that is there already. Pure. Private: only for use inside this collection."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..._crud._budgets import is_uuid
from ._reading import Record
from ._table import check_alias, limits_of_budget, successor_of

# The team of the keys that LiteLLM makes for those who sign in to its user interface.
UI_TEAM = "litellm-dashboard"


def undeclarable(record: Record) -> str | None:
    """Return why a key cannot be declared, None if it can."""
    if record.get("team_id") == UI_TEAM:
        return "it belongs to a session of the user interface."
    return "it works until its grace is over. Another key took its place." if successor_of(record) else None


def options_of(fields: Mapping[str, Any], record: Record) -> dict[str, Any]:
    """Return the options of a key: by its alias if it alone bears it, else by its ID.

    :param fields: the options that are fields, of which some say the same.
    """
    own_budget = is_uuid(str(record.get("budget_id"))) and not limits_of_budget(record)
    said_twice = {"key_type": "allowed_routes", "soft_budget": "budget_id" if own_budget else "soft_budget"}
    left_out = [other for name, other in said_twice.items() if name in fields]
    has_name = record.get("is_alone") and not check_alias(record["key_alias"])
    by_id = {} if has_name else {"key_id": record["token"]}
    return {**by_id, **{name: value for name, value in fields.items() if name not in left_out}}
