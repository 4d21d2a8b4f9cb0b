# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Parts of rows that the tables of several objects share. Pure. Private: only for use inside this collection."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

BUDGET_WINDOW = {
    "max_budget": {"type": "float", "required": True},
    "budget_duration": {"type": "str", "required": True},
}


def not_negative(value: Any) -> str | None:
    if isinstance(value, float) and not math.isfinite(value):
        return "must be a finite number."
    return "must not be negative." if value < 0 else None


def counts_by_model(value: Mapping[str, Any]) -> str | None:
    wrong = [
        str(name) for name, count in value.items() if isinstance(count, bool) or not isinstance(count, int) or count < 0
    ]
    return f"needs a whole number, 0 or above, for {', '.join(wrong)}." if wrong else None


def budget_windows(record: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Budget windows as they are declared: without the ``reset_at`` that the server adds to each."""
    return [{name: window.get(name) for name in BUDGET_WINDOW} for window in record.get("budget_limits") or ()]
