# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes as lines that a person reads, one for each field. Private: only for use inside this collection. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def lines(who: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Return a line for each field that is different, or one for what is new or gone."""
    if not before or not after:
        return [f"{'-' if before else '+'} {who}"]
    found = [f"~ {who}  gets a new value"] if before.get("key_id") != after.get("key_id") else []
    return found + [
        f"~ {who}  {name} {_shown(before.get(name))} -> {_shown(value)}"
        for name, value in after.items()
        if before.get(name) != value and name != "key_id"
    ]


def _shown(value: Any) -> str:
    if value is None or value in ("", [], {}):
        return "none"
    if isinstance(value, float):
        return f"{value:.12g}"
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        return ", ".join(value)
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)
