# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of a task that declares a platform. Private: only for use inside this collection."""

from __future__ import annotations

from typing import Any

from ._kinds import LISTS, entry_spec

NAMES = [row.option for row in LISTS]
FORMATS = ["json", "html"]
OPTIONS: dict[str, dict[str, Any]] = {
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    **{name: {"type": "list", "elements": "dict", "default": [], "no_log": False} for name in NAMES},
    "members_mode": {"type": "str", "choices": ["merge", "replace"], "default": "merge"},
    "force": {"type": "bool", "default": False},
    "validate_models": {"type": "bool", "default": False},
    "validate_references": {"type": "bool", "default": True},
    "values_file": {"type": "path"},
    "values_file_vault_id": {"type": "str"},
    "return_values": {"type": "bool", "default": False},
    "prune": {"type": "list", "elements": "str", "default": []},
    "prune_metadata": {"type": "dict"},
    "prune_names": {"type": "dict"},
    "prune_limit": {"type": "int"},
    "report_undeclared": {"type": "list", "elements": "str", "default": []},
    "strict": {"type": "bool", "default": False},
    "output_dir": {"type": "path"},
    "drift_formats": {"type": "list", "elements": "str", "choices": FORMATS, "default": FORMATS},
    "concurrency": {"type": "int", "default": 12},
    "fail_fast": {"type": "bool", "default": False},
    "progress_every": {"type": "int"},
}
# The same lists with the options of their entries.
ENTRIES = {row.option: {**OPTIONS[row.option], "options": entry_spec(row)} for row in LISTS}
