# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""People, and what was done to their keys, brought together and put into words."""

from __future__ import annotations

import hashlib
from typing import Any

from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._variables import Source, Variables
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._workshop import _words
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._workshop._outcome import (
    WorkshopOutcome,
    outcome_of,
)
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._workshop._people import Person
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._workshop._variables import VARIABLES


def person(user: str, **fields: Any) -> Person:
    return Person(user, {"user_id": f"{user}@example.com", "key_alias": f"w-{user}"}, fields)


PEOPLE = [person(name) for name in ("ann", "ben", "cem")]


def report(alias: str, action: str = "none", error: str | None = None, **more: Any) -> dict[str, Any]:
    value = "sk-value" if action in ("create", "reissue") else None
    changed = action != "none"
    of_key = {"key_alias": alias, "key": value, "key_id": "id"}
    return {**of_key, "action": action, "changed": changed, "error": error, **more}


def done(*reports: dict[str, Any], pruned: tuple[dict[str, Any], ...] = (), **more: Any) -> dict[str, Any]:
    return {"virtual_keys": list(reports), "pruned": list(pruned), **more}


def said(outcome: WorkshopOutcome, check_mode: bool = False) -> list[str]:
    return [_words.headline(outcome, check_mode), *_words.names(outcome, check_mode)]


def variables(**given: Any) -> Variables:
    return Variables(VARIABLES, Source({"api_url": "u"}, names={"api_url": "LITELLM_API_URL"}), Source(given, "v_"))


def test_everybody_is_served() -> None:
    people = [person("ann", name="Ann Lee"), *PEOPLE[1:]]
    readings = {"models": ["m"], "max_budget": 5.0, "expires_at": "2031", "blocked": False, "spend": 1.5}
    outcome = outcome_of(people, done(report("w-ann", "create", **readings), report("w-ben"), report("w-cem")))
    assert outcome.users[0] == {
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
    assert [user["user"] for user in outcome.users] == ["ann", "ben", "cem"]
    assert outcome.summary == {"created": 1, "unchanged": 2} and outcome.changed
    assert (outcome.problem, outcome.pruned, outcome.unknown) == ("", [], ["ben", "cem"])
    assert said(outcome) == ["1 created, 2 unchanged", "created: ann"]


def test_check_mode_says_what_would_be() -> None:
    outcome = outcome_of(PEOPLE, done(report("w-ann", "create"), report("w-ben"), report("w-cem", "update")))
    assert said(outcome, check_mode=True) == [
        "1 would be created, 1 would be updated, 1 unchanged",
        "would be created: ann",
        "would be updated: cem",
    ]


def test_names_are_told_of_few_and_not_of_one() -> None:
    many = [person(f"u{number}") for number in range(11)]
    reports = [report(one.alias, "create") for one in many]
    assert said(outcome_of(many, done(*reports))) == ["11 created"]
    assert len(said(outcome_of(many[:10], done(*reports[:10])))) == 2
    assert said(outcome_of(many[:1], done(reports[0]))) == ["1 created"]


def test_a_failure_is_told_once_for_all_whom_it_concerns() -> None:
    reports = (
        report("w-ann", error="no team"),
        report("w-ben", "update", "'w-ben' is not stored"),
        report("w-cem", error="no team"),
    )
    outcome = outcome_of(PEOPLE, done(*reports))
    assert outcome.problem == "3 of 3 failed. ann, cem: no team. ben: 'w-ben' is not stored."
    assert said(outcome) == ["3 failed"] and outcome.failures == ["ann, cem: no team.", "ben: 'w-ben' is not stored."]
    assert outcome.summary == {"failed": 3} and outcome.unknown == []


def test_a_reason_that_names_the_key_is_the_same_for_all() -> None:
    reports = report("w-ann", error="w-ann is odd"), report("w-ben", error="w-ben is odd"), report("w-cem", "reissue")
    outcome = outcome_of(PEOPLE, done(*reports))
    assert outcome.problem == "2 of 3 failed. ann, ben: the key is odd."
    assert outcome.summary == {"failed": 2, "reissued": 1}


def test_keys_that_were_to_go() -> None:
    pruned = report("w-dan", "delete"), report("w-eve", error="away")
    outcome = outcome_of(PEOPLE[:1], done(report("w-ann", "delete"), pruned=pruned))
    assert (outcome.pruned, outcome.not_removed) == (["w-dan"], ["w-eve: away."])
    assert outcome.problem == "Not every key was removed. w-eve: away."
    assert outcome.summary == {"deleted": 1}
    assert said(outcome) == ["2 deleted", "deleted: ann, w-dan"]


def test_a_change_is_a_line_for_each_field() -> None:
    def diff(alias: str, before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
        return {"before_header": alias, "after_header": alias, "before": before, "after": after}

    more = {"max_budget": 15.5, "models": ["a", "b"], "x": 1}
    diffs = [
        diff("w-ann", {"max_budget": 10.0, "models": ["a"], "x": 1}, more),
        diff("w-ben", {}, {"max_budget": 10.0}),
        diff("w-cem", {"key_id": "1", "metadata": {}}, {"key_id": "2", "metadata": {"seat": 1}}),
        diff("w-dan", {"max_budget": 10.0}, {}),
        diff("w-eve", {"x": 1}, {"x": 1}),
    ]
    reports = report("w-ann", "update"), report("w-ben", "create"), report("w-cem", "reissue")
    assert outcome_of(PEOPLE, done(*reports, diff=diffs)).changes == [
        "~ ann  max_budget 10 -> 15.5",
        "~ ann  models a -> a, b",
        "+ ben",
        "~ cem  gets a new value",
        '~ cem  metadata none -> {"seat": 1}',
        "- w-dan",
        "~ w-eve",
    ]


def test_a_reissue_that_was_done_before_is_named_with_the_way_to_do_it_again() -> None:
    people = [person("ann"), person("ben"), person("cem")]
    for one, note in zip(people, ("1", "leak", "1"), strict=True):
        one.reissue = note
    outcome = outcome_of(people, done(report("w-ann"), report("w-ben", "update"), report("w-cem", "reissue")))
    assert _words.reissued_before(variables(), people, outcome) == [
        "reissued before: ann, ben; to do it again, set v_reissue to ann:2, ben:leak again"
    ]
    assert all("reissue" not in user for user in outcome.users)


def test_a_declared_value_is_in_the_result_although_ansible_hides_it() -> None:
    declared = "sk-declared-value-of-ann"
    ann = Person("ann", {"user_id": "ann", "key_alias": "w-ann", "key": declared})
    key_id = hashlib.sha256(declared.encode()).hexdigest()
    hidden = {"key": "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER", "key_id": key_id}
    assert outcome_of([ann], done(report("w-ann", "create", **hidden))).users[0]["key"] == declared
    kept = {"key": None, "key_id": "of another value"}
    assert outcome_of([ann], done(report("w-ann", **kept))).users[0]["key"] is None
