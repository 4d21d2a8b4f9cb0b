# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is on the list after a run, and with which value."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._errors import InputError
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._hand_out._people import HandOut

VALUE = "sk-the-value-of-ann"
OTHER = "sk-another-value"


def key_id(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()


def entry(user: str, key: str | None = VALUE, **fields: Any) -> dict[str, Any]:
    known = {"user": user, "user_id": user, "alias": f"w-{user}", "key": key, "key_id": key_id(key or VALUE)}
    return {**known, "action": "none", "error": None, **fields}


def after(
    stored: list[dict[str, Any]], *entries: dict[str, Any], values: tuple[str, ...] = (), **result: Any
) -> HandOut:
    known = [*values, *(person["key"] for person in stored if person["key"])]
    whole = {"state": "present", "models": ["gpt-4"], "api_base_url": "https://a/v1", "users": list(entries), **result}
    return HandOut(stored, known, whole, "", "2030-01-01T00:00:00+00:00")


def test_people_read_the_names_of_models_that_they_can_ask_for() -> None:
    of_team = entry("ann", models=["all-team-models"])
    assert after([], of_team).people[0]["models"] == ["gpt-4"]
    assert after([], of_team, team={"models": ["gpt-4", "m"]}).people[0]["models"] == ["gpt-4", "m"]
    assert after([], of_team, models=[], team={}).people[0]["models"] == ["all-team-models"]
    assert after([], entry("ann", models=["m"]), team={"models": ["gpt-4"]}).people[0]["models"] == ["m"]


def test_who_was_in_a_workshop_that_has_ended_goes_although_an_earlier_run_deleted_the_keys() -> None:
    stored = after([], entry("ann"), group="w").people
    others = after([], entry("x-ann"), group="w-x").people
    assert after([*stored, *others], state="absent", group="w").people == others
    assert after(stored, state="absent", group="w", problem="Not every key was removed.").people == stored
    assert after(stored, state="absent").people == stored


def test_a_known_value_stays_while_it_is_the_keys() -> None:
    stored = after([], entry("ann")).people
    again = after(stored, entry("ann", key=None))
    assert again.people == stored and again.unknown == [] and again.warnings() == []


def test_a_value_that_is_not_the_keys_any_more_goes() -> None:
    stored = after([], entry("ann")).people
    again = after(stored, entry("ann", key=None, key_id=key_id(OTHER)))
    assert again.people[0]["key"] is None and again.people[0]["key_id"] == key_id(OTHER)
    assert again.unknown == ["ann"] and "ann" in again.warnings()[0]


def test_where_nothing_is_known_of_the_key_the_value_stays() -> None:
    stored = after([], entry("ann")).people
    again = after(stored, entry("ann", key=None, key_id=None, error="the proxy does not answer"))
    assert again.people == stored and again.unknown == []


def test_a_value_is_taken_from_another_list() -> None:
    again = after([], entry("ann", key=None), values=(OTHER, VALUE))
    assert again.people[0]["key"] == VALUE


def test_a_new_value_goes_before_the_old() -> None:
    stored = after([], entry("ann")).people
    (ann,) = after(stored, entry("ann", key=OTHER)).people
    assert ann["key"] == OTHER and ann["key_id"] == key_id(OTHER)


def test_people_of_other_batches_stay_in_their_order() -> None:
    stored = after([], entry("cem"), entry("ann")).people
    later = after(stored, entry("ben"), entry("ann"))
    assert [person["user"] for person in later.people] == ["cem", "ann", "ben"]


def test_who_is_removed_leaves_but_not_who_could_not_be() -> None:
    stored = after([], entry("ann"), entry("ben"), entry("cem"), entry("dan")).people
    gone = after(stored, entry("ann", key=None), entry("ben", key=None, error="locked"), state="absent")
    assert [person["user"] for person in gone.people] == ["ben", "cem", "dan"] and gone.unknown == []
    assert [person["user"] for person in after(stored, entry("ann"), pruned=["w-dan"]).people] == ["ann", "ben", "cem"]


def test_a_key_that_check_mode_would_make_is_not_unknown() -> None:
    planned = after([], entry("ann", key=None, key_id=None, action="create"))
    assert planned.unknown == [] and planned.people[0]["key"] is None


def test_what_the_result_does_not_say_stays() -> None:
    stored = after([], entry("ann", name="Ann Lee", max_budget=5.0, seat=7)).people
    (ann,) = after(stored, entry("ann", max_budget=6.0)).people
    assert (ann["name"], ann["max_budget"], ann["seat"], ann["models"]) == ("Ann Lee", 6.0, 7, ["gpt-4"])


def test_a_single_key() -> None:
    single = {**entry("project"), "alias": "project", "duration": "30d", "summary": {"created": 1}}
    whole = {"state": "present", "models": ["gpt-4"], "api_base_url": "https://a/v1", **single}
    (person,) = HandOut([], [], whole, "", "now").people
    assert (person["user"], person["alias"], person["key"], person["models"]) == (
        "project",
        "project",
        VALUE,
        ["gpt-4"],
    )
    assert not {"duration", "summary", "state", "api_base_url"} & set(person)


def test_the_address_that_people_use_goes_before_the_plays() -> None:
    whole = {"users": [entry("ann")], "api_base_url": "http://litellm.svc/v1"}
    (ann,) = HandOut([], [], whole, "https://llm.example.com/v1", "now").people
    assert ann["base_url"] == "https://llm.example.com/v1"


@pytest.mark.parametrize("result", [{}, {"users": "ann"}, {"users": ["ann"]}, {"users": [{"user": "ann"}]}])
def test_what_is_no_result_is_refused(result: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="manage_keys"):
        HandOut([], [], result, "", "now")
