# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""People, and what was done to their keys, brought together."""

from __future__ import annotations

from typing import Any

from ansible_collections.litemaas.virtual_keys.plugins.filter.provisioned import provisioned

PEOPLE = [{"user": name, "user_id": f"{name}@example.com"} for name in ("ann", "ben", "cem")]


def report(alias: str, action: str = "none", error: str | None = None) -> dict[str, Any]:
    value = "sk-value" if action == "create" else None
    changed = action != "none"
    return {"key_alias": alias, "key": value, "key_id": "id", "action": action, "changed": changed, "error": error}


def test_everybody_is_served() -> None:
    done = {"virtual_keys": [report("w-ann", "create"), report("w-ben"), report("w-cem")], "pruned": []}
    result = provisioned(PEOPLE, done)
    assert result["users"][0] == {
        "user": "ann",
        "user_id": "ann@example.com",
        "alias": "w-ann",
        "key": "sk-value",
        "key_id": "id",
        "action": "create",
        "changed": True,
        "error": None,
    }
    assert [user["user"] for user in result["users"]] == ["ann", "ben", "cem"]
    assert result["summary"] == {"created": 1, "unchanged": 2}
    assert (result["problem"], result["pruned"]) == ("", [])


def test_who_failed_is_named_and_counted_as_nothing_else() -> None:
    reports = [report("w-ann", error="no team"), report("w-ben", "update", "not stored"), report("w-cem", "reissue")]
    result = provisioned(PEOPLE, {"virtual_keys": reports, "pruned": []})
    assert result["problem"] == "2 of 3 failed: ann (no team); ben (not stored)"
    assert result["summary"] == {"failed": 2, "reissued": 1}


def test_keys_that_were_to_go() -> None:
    pruned = [report("w-dan", "delete"), report("w-eve", error="away")]
    result = provisioned(PEOPLE[:1], {"virtual_keys": [report("w-ann", "delete")], "pruned": pruned})
    assert result["pruned"] == ["w-dan"]
    assert result["problem"] == "1 not removed: w-eve (away)"
    assert result["summary"] == {"deleted": 1}
