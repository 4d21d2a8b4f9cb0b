# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What differs, as lines that a person reads."""

from __future__ import annotations

from typing import Any

from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._platform._words import (
    MAX_LINES,
    changes,
    sentences,
)

NOTHING: dict[str, Any] = {
    "differs": False, "changed": [], "missing": [], "unwanted": [], "not_declared": [], "undeclared_fields": [],
}  # fmt: skip


def test_a_proxy_as_declared_is_one_sentence() -> None:
    assert sentences(NOTHING) == ["The proxy is as declared."]


def test_each_difference_is_a_line() -> None:
    found = {
        "differs": True,
        "changed": [
            {
                "kind": "teams",
                "name": "t\u202eb",
                "fields": {
                    "max_budget": {"declared": 200.0, "actual": 500.0},
                    "models": {"declared": ["a", "b"], "actual": []},
                },
            }
        ],
        "missing": [{"kind": "keys", "name": "k"}],
        "unwanted": [{"kind": "users", "name": "u"}],
        "not_declared": [{"kind": "teams", "name": "x"}, {"kind": "teams", "name": "y"}],
        "undeclared_fields": [{"kind": "teams", "name": "z", "fields": {"rpm_limit": 9}}],
    }
    assert sentences(found) == [
        "1 missing, 1 changed, 1 to be deleted, 2 not declared, 1 with options that are not declared.",
        "+ keys: k",
        "~ teams: t?b  max_budget 500 -> 200",
        "~ teams: t?b  models none -> a, b",
        "- users: u",
        "? teams: x",
        "? teams: y",
        "? teams: z  rpm_limit 9 -> none",
    ]


def test_a_report_has_an_end() -> None:
    many = [{"kind": "keys", "name": str(number)} for number in range(MAX_LINES + 5)]
    said = sentences({**NOTHING, "differs": True, "missing": many})
    assert (len(said), said[0], said[-1]) == (MAX_LINES + 2, f"{MAX_LINES + 5} missing.", "5 more lines.")


def test_a_diff_has_a_line_for_each_option() -> None:
    header = {"before_header": "keys: k", "after_header": "keys: k"}
    assert changes(
        [
            {**header, "before": {}, "after": {"key_alias": "k"}},
            {**header, "before": {"rpm_limit": 1, "key_alias": "k"}, "after": {"rpm_limit": 2, "key_alias": "k"}},
            {**header, "before": {"key_alias": "k"}, "after": {}},
        ]
    ) == ["+ keys: k", "~ keys: k  rpm_limit 1 -> 2", "- keys: k"]
