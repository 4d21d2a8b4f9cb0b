# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""People, and what was done to their keys, brought together and put into words."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.filter.provisioned import provisioned

PEOPLE = [{"user": name, "user_id": f"{name}@example.com"} for name in ("ann", "ben", "cem")]


def report(alias: str, action: str = "none", error: str | None = None, **more: Any) -> dict[str, Any]:
    value = "sk-value" if action in ("create", "reissue") else None
    changed = action != "none"
    return {
        "key_alias": alias,
        "key": value,
        "key_id": "id",
        "action": action,
        "changed": changed,
        "error": error,
        **more,
    }


def done(*reports: dict[str, Any], pruned: tuple[dict[str, Any], ...] = (), **more: Any) -> dict[str, Any]:
    return {"virtual_keys": list(reports), "pruned": list(pruned), **more}


def test_everybody_is_served() -> None:
    people = [{**PEOPLE[0], "name": "Ann Lee"}, *PEOPLE[1:]]
    readings = {"models": ["m"], "max_budget": 5.0, "expires_at": "2031", "blocked": False, "spend": 1.5}
    result = provisioned(people, done(report("w-ann", "create", **readings), report("w-ben"), report("w-cem")))
    assert result["users"][0] == {
        "user": "ann",
        "user_id": "ann@example.com",
        "name": "Ann Lee",
        "alias": "w-ann",
        "key": "sk-value",
        "key_id": "id",
        "action": "create",
        "changed": True,
        "error": None,
        **readings,
    }
    assert [user["user"] for user in result["users"]] == ["ann", "ben", "cem"]
    assert result["summary"] == {"created": 1, "unchanged": 2} and result["changed"]
    assert (result["problem"], result["pruned"], result["unknown"]) == ("", [], ["ben", "cem"])
    assert result["said"] == ["1 created, 2 unchanged", "created: ann"]


def test_check_mode_says_what_would_be() -> None:
    reports = report("w-ann", "create"), report("w-ben"), report("w-cem", "update")
    said = provisioned(PEOPLE, done(*reports), check=True)["said"]
    assert said == [
        "1 would be created, 1 would be updated, 1 unchanged",
        "would be created: ann",
        "would be updated: cem",
    ]


def test_names_are_told_of_few_and_not_of_one() -> None:
    many = [{"user": f"u{number}"} for number in range(11)]
    reports = [report(f"w-{person['user']}", "create") for person in many]
    assert provisioned(many, done(*reports))["said"] == ["11 created"]
    assert len(provisioned(many[:10], done(*reports[:10]))["said"]) == 2
    assert provisioned(many[:1], done(reports[0]))["said"] == ["1 created"]


def test_a_failure_is_told_once_for_all_whom_it_concerns() -> None:
    reports = (
        report("w-ann", error="no team"),
        report("w-ben", "update", "'w-ben' is not stored"),
        report("w-cem", error="no team"),
    )
    result = provisioned(PEOPLE, done(*reports))
    assert result["problem"] == "3 of 3 failed. ann, cem: no team. ben: 'w-ben' is not stored."
    assert result["said"] == ["3 failed", "failed: ann, cem: no team.", "failed: ben: 'w-ben' is not stored."]
    assert result["summary"] == {"failed": 3} and result["unknown"] == []


def test_a_reason_that_names_the_key_is_the_same_for_all() -> None:
    reports = report("w-ann", error="w-ann is odd"), report("w-ben", error="w-ben is odd"), report("w-cem", "reissue")
    result = provisioned(PEOPLE, done(*reports))
    assert result["problem"] == "2 of 3 failed. ann, ben: the key is odd."
    assert result["summary"] == {"failed": 2, "reissued": 1}


def test_keys_that_were_to_go() -> None:
    pruned = report("w-dan", "delete"), report("w-eve", error="away")
    result = provisioned(PEOPLE[:1], done(report("w-ann", "delete"), pruned=pruned))
    assert result["pruned"] == ["w-dan"]
    assert result["problem"] == "Not every key was removed. w-eve: away."
    assert result["summary"] == {"deleted": 1}
    assert result["said"] == ["2 deleted", "deleted: ann, w-dan", "failed: w-eve: away."]


def test_a_change_is_a_line_for_each_field() -> None:
    def diff(alias: str, before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
        return {"before_header": alias, "after_header": alias, "before": before, "after": after}

    diffs = [
        diff(
            "w-ann", {"max_budget": 10.0, "models": ["a"], "x": 1}, {"max_budget": 15.5, "models": ["a", "b"], "x": 1}
        ),
        diff("w-ben", {}, {"max_budget": 10.0}),
        diff("w-cem", {"key_id": "1", "metadata": {}}, {"key_id": "2", "metadata": {"seat": 1}}),
        diff("w-dan", {"max_budget": 10.0}, {}),
        diff("w-eve", {"x": 1}, {"x": 1}),
    ]
    reports = report("w-ann", "update"), report("w-ben", "create"), report("w-cem", "reissue")
    assert provisioned(PEOPLE, done(*reports, diff=diffs))["changes"] == [
        "~ ann  max_budget 10 -> 15.5",
        "~ ann  models a -> a, b",
        "+ ben",
        "~ cem  gets a new value",
        '~ cem  metadata none -> {"seat": 1}',
        "- w-dan",
        "~ w-eve",
    ]


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("Cannot connect. Check api_url, and that", "Cannot connect. Check LITELLM_API_URL, and that"),
        ("api_key is empty", "litellm_vkey_master_key is empty"),
        (
            "Declare key_version: 2 with value_policy: reissue.",
            "Declare litellm_vkey_key_version: 2 with litellm_vkey_value_policy: reissue.",
        ),
        ("w-ann: models: the proxy has no", "w-ann: litellm_vkey_models: the proxy has no"),
        ("concurrency must be between", "litellm_vkey_concurrency must be between"),
        ("JSON. Check it, or increase timeout.", "JSON. Check it, or increase litellm_vkey_api_timeout."),
        ("with unset: [expires_at]", "with unset: [expires_at]"),
        ("not allowed to access models", "not allowed to access models"),
        ("there is no 'max_budget' in /etc/ca_path", "there is no 'max_budget' in /etc/ca_path"),
        ("values_file: /x is damaged", "litellm_vkey_values_file: /x is damaged"),
        ("values_file_vault_id: no", "litellm_vkey_values_file_vault_id: no"),
    ],
)
def test_a_message_names_what_the_user_set(message: str, expected: str) -> None:
    variables = {"api_url": "LITELLM_API_URL"}
    assert provisioned(PEOPLE, {"msg": message}, variables=variables)["problem"] == expected
    told = provisioned(PEOPLE[:1], done(report("w-ann", error=message)), variables=variables)["problem"]
    assert told == f"1 of 1 failed. ann: {expected.rstrip('.')}."


def test_a_reissue_that_was_done_before_is_named_with_the_way_to_do_it_again() -> None:
    people = [{**PEOPLE[0], "reissue": "1"}, {**PEOPLE[1], "reissue": "leak"}, {**PEOPLE[2], "reissue": "1"}]
    result = provisioned(people, done(report("w-ann"), report("w-ben", "update"), report("w-cem", "reissue")))
    assert result["said"][-1] == (
        "reissued before: ann, ben; to do it again, set litellm_vkey_reissue to ann:2, ben:leak again"
    )
    assert all("reissue" not in user for user in result["users"])
