# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose keys the role's variables mean: decided here once, and never from what only looks like a list of people."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.litemaas.virtual_keys.plugins.filter.roster import DEFAULTS, roster
from hypothesis import given
from hypothesis import strategies as st

ROLE = Path(__file__).resolve().parents[4] / "roles" / "manage_keys"
BASE = {"alias": "ws", "models": ["gpt-4"]}
WORKSHOP = {**BASE, "users": ["ann", "ben"]}
MARK = {"litellm_vkey_group": "ws"}
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["[]", "null", " ", "\n", ""]),
    lambda part: st.lists(part, max_size=3) | st.dictionaries(st.text(max_size=8), part, max_size=3),
)


def refused(*words: str, **variables: Any) -> None:
    problem = roster({**BASE, **variables})["problem"]
    for word in words:
        assert word in problem, problem
    assert problem.isprintable()


def test_the_defaults_are_the_roles() -> None:
    defaults = yaml.safe_load((ROLE / "defaults" / "main.yml").read_text())
    assert {name: defaults[f"litellm_vkey_{name}"] for name in DEFAULTS} == DEFAULTS


def test_every_variable_of_the_role_reaches_the_roster_or_the_task() -> None:
    names = yaml.safe_load((ROLE / "meta" / "argument_specs.yml").read_text())["argument_specs"]["main"]["options"]
    passed = yaml.safe_load((ROLE / "vars" / "main.yml").read_text())["__manage_keys_variables"]
    elsewhere = {"litellm_vkey_api_url", "litellm_vkey_master_key", "litellm_vkey_retry_delay"}
    elsewhere |= {f"litellm_vkey_{name}" for name in ("values_file", "values_file_vault_id", "unknown_values")}
    elsewhere |= {"litellm_vkey_output_dir", "litellm_vkey_output_formats"}
    elsewhere |= {"litellm_vkey_artifact_password"}
    elsewhere.add("litellm_vkey_total_budget")  # to the filter in_team
    derived = {"litellm_vkey_seed_declared", "litellm_vkey_registered", "litellm_vkey_names"}
    assert {f"litellm_vkey_{name}" for name in passed} - derived == set(names) - elsewhere


@pytest.mark.parametrize("state", ["present", "absent"])
@pytest.mark.parametrize("users", ["[]", "null", " ", "\n", [], ",", "None"])
@pytest.mark.parametrize("others", [{}, {"multi_user": True}, {"prune": True}, {"multi_user": True, "user_count": 3}])
def test_an_empty_list_of_people_is_refused(users: Any, state: str, others: dict[str, Any]) -> None:
    refused("litellm_vkey_users is an empty list", users=users, state=state, **others)


@pytest.mark.parametrize("users", [None, ""])
def test_people_that_were_left_out(users: Any) -> None:
    assert roster({**BASE, "users": users})["workshop"] is False
    numbered = roster({**BASE, "users": users, "multi_user": True, "user_count": "2"})
    assert [person["user"] for person in numbered["people"]] == ["user1", "user2"]
    refused("litellm_vkey_prune requires a workshop", users=users, prune=True)
    refused("which define the keys to keep", users=users, prune=True, multi_user=True)


def test_the_end_of_a_workshop() -> None:
    end = roster({"alias": " ws ", "multi_user": True, "state": "absent", "user_count": ""})
    assert (end["problem"], end["virtual_keys"]) == ("", [])
    assert (end["task"]["prune_metadata"], end["task"]["prune_limit"]) == (MARK, -1)
    assert roster({"alias": "ws", "multi_user": True, "state": "absent", "prune_limit": 3})["task"]["prune_limit"] == 3
    for variables in ({"user_count": 1}, {"users": ["ann"]}, {"multi_user": False}):
        some = roster({"alias": "ws", "multi_user": True, "state": "absent", **variables})
        assert "prune_metadata" not in some["task"] and len(some["virtual_keys"]) == 1


@pytest.mark.parametrize(("alias", "text"), [(990017, "990017"), ("ws ", "ws"), ("\tws\n", "ws"), ("990017", "990017")])
def test_one_alias_for_names_and_mark(alias: Any, text: str) -> None:
    result = roster({**WORKSHOP, "alias": alias, "prune": True})
    assert result["task"]["prune_metadata"] == {"litellm_vkey_group": text}
    assert result["defaults"]["group"] == text
    assert [key["key_alias"] for key in result["virtual_keys"]] == [f"{text}-ann", f"{text}-ben"]
    assert roster({**BASE, "alias": alias})["virtual_keys"][0]["key_alias"] == text


@pytest.mark.parametrize("alias", ["..", "../ws", "a/../ws", "ws/..", "w\u2028s", "w\x07s"])
def test_an_alias_that_no_key_can_have_is_refused_before_a_folder_is_named_after_it(alias: str) -> None:
    refused("litellm_vkey_alias: ", alias=alias)
    refused("litellm_vkey_users, ", **{**WORKSHOP, "users": ["ann", f"b/{alias}"]})


@pytest.mark.parametrize("alias", [None, "", " ", "null", True, 1.5, ["ws"], {"a": 1}])
def test_an_alias_is_text(alias: Any) -> None:
    refused("litellm_vkey_alias", alias=alias)


@pytest.mark.parametrize(
    ("variables", "where"),
    [
        ({"metadata": MARK}, "litellm_vkey_metadata: "),
        ({"metadata": json.dumps(MARK)}, "litellm_vkey_metadata: "),
        ({"key_options": {"metadata": MARK}}, "litellm_vkey_key_options, metadata: "),
        ({"users": [{"user": "ann", "metadata": MARK}]}, "litellm_vkey_users, ann, metadata: "),
        ({"users": [{"user": "ann", "metadata": json.dumps(MARK)}]}, "litellm_vkey_users, ann, metadata: "),
        ({"users": [{"user": "ann", "group": "other"}]}, "litellm_vkey_users, ann: "),
        ({"users": [{"user": "ann", "unset": ["group"]}]}, "litellm_vkey_users, ann: "),
        ({"users": ["ann"], "key_options": {"group": "other"}}, "litellm_vkey_key_options: "),
        ({"users": ["ann"], "key_options": {"unset": '["group"]'}}, "litellm_vkey_key_options: "),
    ],
)
def test_the_mark_cannot_be_declared(variables: dict[str, Any], where: str) -> None:
    refused(where, **variables)


def test_metadata_as_text_joins_that_of_all() -> None:
    users = [{"user": "ann", "metadata": '{"seat": 1}'}]
    (key,) = roster({**BASE, "users": users, "metadata": '{"course": "x"}'})["virtual_keys"]
    assert key["metadata"] == {"course": "x", "seat": 1}
    refused("litellm_vkey_users, ann, metadata must be a mapping", users=[{"user": "ann", "metadata": "seat 1"}])
    refused("invalid JSON", users=[{"user": "ann", "metadata": "{seat"}])


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"max_budget": True}, "litellm_vkey_max_budget must be a number"),
        ({"max_budget": "10,50"}, "litellm_vkey_max_budget must be a number such as 10 or 2.5, not '10,50'"),
        ({"max_budget": "nan"}, "litellm_vkey_max_budget must be a number"),
        ({"max_budget": -1}, "litellm_vkey_max_budget must not be negative"),
        ({"key_options": {"name": "other"}}, "name cannot be set here. Set litellm_vkey_alias"),
        ({"key_options": {"key_alias": "other"}}, "key_alias cannot be set here. Set litellm_vkey_alias"),
        ({"key_options": "name"}, "litellm_vkey_key_options must be a mapping"),
        ({"users": {"ann": 1}}, "litellm_vkey_users must be a list"),
        ({"users": [{"user": "ann", "nmae": "ben"}]}, "litellm_vkey_users, ann: 'nmae' is not an option of a key"),
        ({"users": [{"user": "ann", "max_budget": "10,50"}]}, "litellm_vkey_users, ann, max_budget must be a number"),
        (
            {"users": '[{"user": "ann", "rpm_limit": "ten"}]'},
            "litellm_vkey_users, ann, rpm_limit must be a whole number",
        ),
        ({"key_options": {"soft_budget": "10,50"}}, "litellm_vkey_key_options, soft_budget must be a number"),
        ({"key_options": {"blocked": "ja"}}, "litellm_vkey_key_options, blocked must be true or false, not 'ja'"),
        ({"users": [{"name": "Ann"}]}, "entry 1 must be a name or a mapping with user or email"),
        ({"users": ["ann"], "users_file": "p.csv", "registered": {}}, "litellm_vkey_users_file are mutually exclusive"),
        ({"seed_declared": True, "key_seed": ""}, "litellm_vkey_key_seed is empty"),
        ({"seed_declared": True, "key_seed": " "}, "litellm_vkey_key_seed is empty"),
        ({"state": "gone"}, "litellm_vkey_state must be present or absent"),
        ({"prune": "maybe"}, "litellm_vkey_prune must be true or false"),
        ({"no_log": "maybe"}, "litellm_vkey_no_log must be true or false"),
        ({"users": ["ann"], "prune_limit": -2}, "litellm_vkey_prune_limit must be at least -1"),
        ({"multi_user": True, "user_count": 0}, "litellm_vkey_user_count must be at least 1"),
        ({"alias": "w\ud800"}, "litellm_vkey_alias has a character that is not valid Unicode"),
        ({"users": ["ann", "\udfff"]}, "litellm_vkey_users has a character that is not valid Unicode"),
        ({"metadata": '{"a": "\\ud800"}'}, "litellm_vkey_metadata has a character that is not valid Unicode"),
        ({"key_options": {"metadata": {"\ud800": 1}}}, "litellm_vkey_key_options has a character"),
    ],
)
def test_a_problem_names_the_variable(variables: dict[str, Any], words: str) -> None:
    refused(words, **variables)


@pytest.mark.parametrize("name", [*DEFAULTS, "user_count", "prune_limit", "max_budget", "metadata", "key_options"])
@pytest.mark.parametrize("nothing", ["", None, "null", " "])
def test_an_empty_answer_is_no_answer(name: str, nothing: Any) -> None:
    assert roster({**WORKSHOP, name: nothing}) == roster(WORKSHOP)


@given(st.dictionaries(st.sampled_from(["users", "multi_user", "user_count", "prune", "state", "alias"]), JSON))
def test_whatever_the_variables_hold_keys_are_pruned_only_with_people_or_at_the_end(variables: dict[str, Any]) -> None:
    result = roster({**BASE, **variables})
    if result["problem"]:
        assert result["virtual_keys"] == [] and result["task"] == {}
        return
    keys, task = result["virtual_keys"], result["task"]
    assert result["workshop"] or len(keys) == 1
    if "prune_metadata" in task:
        (mark,) = task["prune_metadata"].values()
        assert isinstance(mark, str) and mark == mark.strip() != "" and result["defaults"]["group"] == mark
        assert keys or (task["state"] == "absent" and variables.get("users") in (None, ""))
        assert "prune_limit" not in task or not keys
    assert all("litellm_vkey_group" not in (key.get("metadata") or {}) for key in keys)


def registered(*rows: dict[str, Any], problem: str = "", **variables: Any) -> dict[str, Any]:
    file = {"people": list(rows), "problem": problem}
    return roster({**BASE, "users_file": "people.csv", "registered": file, **variables})


def test_people_from_a_file() -> None:
    result = registered(
        {"user": "ann@x.org", "email": "ann@x.org", "user_id": "ann@x.org", "name": "=Ann", "seat": "7"},
        {
            "user": "ben",
            "user_id": "b1",
            "max_budget": "10.5",
            "models": "gpt-4; gpt-4o",
            "blocked": "true",
            "rpm_limit": "3",
            "metadata": '{"a": 1}',
        },
        metadata={"course": "x"},
        prune=True,
    )
    assert result["problem"] == "" and result["workshop"] is True
    assert result["people"] == [
        {"user": "ann@x.org", "user_id": "ann@x.org", "email": "ann@x.org", "name": "=Ann", "seat": "7"},
        {"user": "ben", "user_id": "b1"},
    ]
    ann, ben = result["virtual_keys"]
    assert (ann["key_alias"], ann["user_id"]) == ("ws-ann@x.org", "ann@x.org")
    assert ben == {
        "key_alias": "ws-ben",
        "user_id": "b1",
        "duration": "30d",
        "max_budget": 10.5,
        "models": ["gpt-4", "gpt-4o"],
        "blocked": True,
        "rpm_limit": 3,
        "metadata": {"course": "x", "a": 1},
    }
    assert result["task"]["prune_metadata"] == MARK


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"max_budget": "10,50"}, "people.csv, ann, max_budget must be a number such as 10 or 2.5, not '10,50'."),
        ({"blocked": "ja"}, "people.csv, ann, blocked must be true or false"),
        ({"group": "other"}, "people.csv, ann: the group of a workshop's keys"),
        (
            {"max budget": "10"},
            "people.csv: the column 'max budget' is not an option of a key. Did you mean 'max_budget'?",
        ),
        ({"max_budgett": "10"}, "Did you mean 'max_budget'?"),
        ({"model": "gpt-4"}, "Did you mean 'models'?"),
    ],
)
def test_a_problem_names_the_file_the_person_and_the_column(row: dict[str, str], words: str) -> None:
    assert words in registered({"user": "ann", **row})["problem"]


@pytest.mark.parametrize(
    "column", ["name", "company", "seat", "country", "role", "phone", "first name", "city", "notes"]
)
def test_other_columns_are_free(column: str) -> None:
    result = registered({"user": "ann", column: "x"})
    assert result["problem"] == "" and result["people"][0][column] == "x"


def test_a_file_that_cannot_be_used() -> None:
    assert (
        registered(problem="line 3 is not CSV.")["problem"] == "litellm_vkey_users_file, people.csv: line 3 is not CSV."
    )


def test_names_and_addresses_of_people_in_a_list() -> None:
    result = roster({**BASE, "users": [{"user": "ann", "name": "Ann A.", "email": "a@x.org"}, {"email": "b@x.org"}]})
    assert result["people"] == [
        {"user": "ann", "user_id": "a@x.org", "name": "Ann A.", "email": "a@x.org"},
        {"user": "b@x.org", "user_id": "b@x.org", "email": "b@x.org"},
    ]
    assert [key["key_alias"] for key in result["virtual_keys"]] == ["ws-ann", "ws-b@x.org"]


def test_a_seed_may_be_left_out_and_is_not_needed_to_remove_keys() -> None:
    assert roster({**WORKSHOP, "seed_declared": False, "key_seed": ""})["problem"] == ""
    assert roster({**WORKSHOP, "seed_declared": True, "key_seed": "", "state": "absent"})["problem"] == ""


def test_every_variable_of_every_role_is_known() -> None:
    for role in ROLE.parent.iterdir():
        names = yaml.safe_load((role / "defaults" / "main.yml").read_text())
        assert roster({**WORKSHOP, "names": list(names)})["problem"] == ""
    assert roster({**WORKSHOP, "names": ["litellm_vkey_result", "litellm_vkey_values"]})["problem"] == ""


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("max_budgett", "max_budget"),
        ("budget", "max_budget"),
        ("maxbudget", "max_budget"),
        ("model", "models"),
        ("user_cuont", "user_count"),
        ("expire_at", "expires_at"),
        ("keyseed", "key_seed"),
        ("results", "result"),
    ],
)
def test_a_variable_that_nearly_exists_is_refused(name: str, meant: str) -> None:
    problem = roster({**WORKSHOP, "names": ["litellm_vkey_alias", f"litellm_vkey_{name}"]})["problem"]
    assert problem == f"litellm_vkey_{name} is not a variable of this collection. Did you mean 'litellm_vkey_{meant}'?"


@pytest.mark.parametrize("name", ["course", "room", "trainer_mail", "my_keys", "team", "x", "environment", ""])
def test_a_variable_of_the_users_own_is_left_alone(name: str) -> None:
    assert roster({**WORKSHOP, "names": [f"litellm_vkey_{name}"]})["problem"] == ""


PEOPLE = [
    {"user": "ivan", "name": "Ivan Petrov", "email": "Ivan@x.org"},
    {"user": "ann", "name": "Ann A."},
    {"user": "ann2", "name": "Ann A."},
    "a:1",
]


def options_of(variable: str, value: Any, **variables: Any) -> dict[str, dict[str, Any]]:
    """What a variable changes, by user."""
    before = roster({**BASE, "users": PEOPLE, **variables})
    after = roster({**BASE, "users": PEOPLE, **variables, variable: value})
    assert after["problem"] == ""
    asked = {person["user"]: person.pop("reissue") for person in after["people"] if "reissue" in person}
    assert asked == {key["key_alias"][3:]: key["reissue"] for key in after["virtual_keys"] if "reissue" in key}
    pairs = zip(before["people"], before["virtual_keys"], after["virtual_keys"], strict=True)
    assert {**after, "virtual_keys": []} == {**before, "virtual_keys": []}
    changes = {person["user"]: dict(new.items() - old.items()) for person, old, new in pairs}
    return {user: change for user, change in changes.items() if change}


@pytest.mark.parametrize("name", ["ivan", "IVAN ", "ivan@X.org", "Ivan Petrov", "ivan\n"])
def test_somebody_named_in_one_variable(name: str) -> None:
    assert options_of("block", [name]) == options_of("block", name) == {"ivan": {"blocked": True}}
    assert options_of("unblock", [name]) == {"ivan": {"blocked": False}}
    assert options_of("reissue", [name]) == {"ivan": {"reissue": "1"}}
    assert options_of("reissue", f"ann, {name}") == {"ivan": {"reissue": "1"}, "ann": {"reissue": "1"}}


@pytest.mark.parametrize("again", ["ivan:2", ["ivan: 2"], {"ivan": 2}, '{"ivan": "2"}', {"Ivan@x.org": "2"}])
def test_a_reissue_once_more(again: Any) -> None:
    assert options_of("reissue", again) == {"ivan": {"reissue": "2"}}


def test_a_name_with_a_colon() -> None:
    assert options_of("reissue", ["a:1"]) == {"a:1": {"reissue": "1"}}
    assert options_of("reissue", ["a:1:2"]) == {"a:1": {"reissue": "2"}}


def test_trouble_of_a_numbered_user_and_of_a_single_key() -> None:
    (_one, two) = roster({**BASE, "multi_user": True, "user_count": 2, "block": "user2"})["virtual_keys"]
    assert two["blocked"] is True and "blocked" not in _one
    assert roster({**BASE, "reissue": "ws"})["virtual_keys"][0]["reissue"] == "1"


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        (
            {"block": ["ivna"]},
            "litellm_vkey_block: 'ivna' is not among the people of this workshop. Did you mean 'ivan'?",
        ),
        ({"reissue": ["xyz"]}, "litellm_vkey_reissue: 'xyz' is not among the people of this workshop."),
        ({"reissue": ["ivna:2"]}, "litellm_vkey_reissue: 'ivna' is not among the people"),
        ({"unblock": ["Ann A."]}, "litellm_vkey_unblock: 'Ann A.' may be ann or ann2. Name the user."),
        ({"block": "ivan", "unblock": "ann, ivan"}, "litellm_vkey_block and litellm_vkey_unblock both name ivan."),
        ({"block": "ivan", "state": "absent"}, "litellm_vkey_block requires litellm_vkey_state to be present"),
        ({"block": {"ivan": True}}, "litellm_vkey_block must be a list"),
        ({"reissue": 7}, "litellm_vkey_reissue must be a list"),
        ({"reissue": "ivan: "}, "litellm_vkey_reissue: there is no text after the colon for ivan."),
        ({"reissue": {"ivan": " "}}, "litellm_vkey_reissue: there is no text after the colon for ivan."),
    ],
)
def test_trouble_that_cannot_be_meant(variables: dict[str, Any], words: str) -> None:
    refused(words, users=PEOPLE, **variables)


def test_somebody_from_a_file_is_named_by_the_beginning_of_the_address() -> None:
    row = {"user": "ivan.petrov@x.org", "email": "ivan.petrov@x.org"}
    assert registered(row, block="ivan.petrov@x.org")["virtual_keys"][0]["blocked"] is True
    assert "Did you mean 'ivan.petrov@x.org'?" in registered(row, block="ivan")["problem"]
