# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The variables of the report of who used what. Pure. Private: only for use inside this collection."""

from __future__ import annotations

from .._variables import Variable

# Options of litellm_key_info.
SELECTORS = (
    *("key_aliases", "key_ids", "user_id", "team_id", "organization_id", "created_by", "group", "metadata"),
    *("status", "expiring_within", "unused_for", "budget_used"),
)
FORMATS = ("csv", "json", "html", "leaderboard")

VARIABLES = (
    Variable("usage_filter", "dict", default={}, choices=SELECTORS),
    Variable("usage_formats", "list", default=list(FORMATS), choices=FORMATS),
)
