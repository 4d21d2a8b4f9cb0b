# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose keys the variables mean: decided here once, and never from what only looks like a list of people."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._registrations import RegistrationError
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._variables import Source, VariableError, Variables
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._workshop._declaration import Workshop, declare
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._workshop._variables import OWN, VARIABLES
from hypothesis import given
from hypothesis import strategies as st

BASE = {"alias": "ws", "models": ["gpt-4"]}
WORKSHOP = {**BASE, "users": ["ann", "ben"]}
MARK = {"litellm_vkey_group": "ws"}
NAMING = ("users", "users_file", "user_count")
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["[]", "null", " ", "\n", ""]),
    lambda part: st.lists(part, max_size=3) | st.dictionaries(st.text(max_size=8), part, max_size=3),
)


def declared(variables: dict[str, Any], files: dict[str, str] | None = None) -> Workshop:
    """What the role's variables declare."""

    def read_file(path: str) -> bytes:
        if path not in (files or {}):
            raise RegistrationError("the file does not exist on the control node.")
        return (files or {})[path].encode()

    return declare(Variables(VARIABLES, Source(variables, "litellm_vkey_")), read_file)


def view(workshop: Workshop) -> dict[str, Any]:
    """A workshop as plain data, which can be compared."""
    people = [(person.user, person.options, person.fields, person.reissue) for person in workshop.people]
    return {**vars(workshop), "people": people, "admins": [person.user for person in workshop.admins]}


def options(workshop: Workshop) -> list[dict[str, Any]]:
    return [person.options for person in workshop.people]


def problem(variables: dict[str, Any], files: dict[str, str] | None = None) -> str:
    """Why the variables are refused, empty if they are not."""
    try:
        declared(variables, files)
    except VariableError as error:
        return str(error)
    return ""


def refused(*words: str, **variables: Any) -> None:
    sentence = problem({**BASE, **variables})
    assert sentence, "not refused"
    for word in words:
        assert word in sentence, sentence
    assert sentence.isprintable()


@pytest.mark.parametrize("state", ["present", "absent"])
@pytest.mark.parametrize("users", ["[]", "null", " ", "\n", [], ",", "None"])
@pytest.mark.parametrize("others", [{}, {"multi_user": True}, {"prune": True}, {"multi_user": True, "user_count": 3}])
def test_an_empty_list_of_people_is_refused(users: Any, state: str, others: dict[str, Any]) -> None:
    refused("litellm_vkey_users is an empty list", users=users, state=state, **others)


@pytest.mark.parametrize("users", [None, ""])
def test_people_that_were_left_out(users: Any) -> None:
    assert declared({**BASE, "users": users}).is_workshop is False
    numbered = declared({**BASE, "users": users, "multi_user": True, "user_count": "2"})
    assert [person.user for person in numbered.people] == ["user1", "user2"]
    refused("litellm_vkey_prune requires a workshop", users=users, prune=True)
    refused("which define the keys to keep", users=users, prune=True, multi_user=True)


def test_the_end_of_a_workshop() -> None:
    end = {"alias": " ws ", "multi_user": True, "state": "absent"}
    assert (declared(end).ends, declared(end).people) == (True, [])
    assert declared(end).prune == {"prune_metadata": MARK, "prune_limit": -1}
    assert declared({**end, "prune_limit": 3}).prune["prune_limit"] == 3
    for variables in ({"user_count": 1}, {"users": ["ann"]}, {"multi_user": False}):
        some = declared({**end, **variables})
        assert (some.ends, some.prune, len(some.people)) == (False, {}, 1)
    everybody = declared({**end, "users": ["ann"], "prune": True})
    assert (everybody.ends, everybody.prune) == (True, {"prune_metadata": MARK})  # at most half of them


@pytest.mark.parametrize("name", NAMING)
@pytest.mark.parametrize("nothing", ["", None, " ", "null", "None", "\n"])
def test_a_variable_that_was_to_name_somebody_and_does_not_ends_nothing(name: str, nothing: Any) -> None:
    end = {"alias": "ws", "multi_user": True, "state": "absent", name: nothing}
    assert f"litellm_vkey_{name} is" in problem(end)
    assert f"litellm_vkey_{name} is" in problem({**end, "prune": True})
    others = {other: value for other, value in (("users", ["ann"]), ("user_count", 2)) if other != name}
    for other, value in others.items():
        if (name, nothing) != ("users", nothing) or nothing in ("", None):
            assert declared({**end, other: value}).ends is False


@pytest.mark.parametrize(("alias", "text"), [(990017, "990017"), ("ws ", "ws"), ("\tws\n", "ws"), ("990017", "990017")])
def test_one_alias_for_names_and_mark(alias: Any, text: str) -> None:
    workshop = declared({**WORKSHOP, "alias": alias, "prune": True})
    assert workshop.prune["prune_metadata"] == {"litellm_vkey_group": text}
    assert workshop.shared["group"] == text
    assert [person.alias for person in workshop.people] == [f"{text}-ann", f"{text}-ben"]
    assert declared({**BASE, "alias": alias}).people[0].alias == text


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
    (key,) = options(declared({**BASE, "users": users, "metadata": '{"course": "x"}'}))
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
        ({"users": ["ann"], "users_file": "p.csv"}, "litellm_vkey_users_file are mutually exclusive"),
        ({"key_seed": ""}, "litellm_vkey_key_seed is empty"),
        ({"key_seed": " "}, "litellm_vkey_key_seed is empty"),
        ({"budget_duration": {"a": 1}, "rpm_limit": "ten"}, "litellm_vkey_rpm_limit must be a whole number"),
        ({"users": ["Ann", "ann"]}, "the user Ann and ann appears more than once"),
        ({"users": ["Änn", "A\u0308nn"]}, "appears more than once"),
        ({"users": [{"user": "ann", "email": "eve@[.org"}]}, "is not an email address"),
        ({"allow_admins": ["ada"]}, "litellm_vkey_allow_admins: 'ada' is not among the people"),
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


@pytest.mark.parametrize("name", [row.name for row in OWN if row.name not in ("alias", "users", "models", "key_seed")])
@pytest.mark.parametrize("nothing", ["", None, "null", " "])
def test_an_empty_answer_is_no_answer(name: str, nothing: Any) -> None:
    assert view(declared({**WORKSHOP, name: nothing})) == view(declared(WORKSHOP))


@given(st.dictionaries(st.sampled_from(["users", "multi_user", "user_count", "prune", "state", "alias"]), JSON))
def test_whatever_the_variables_hold_keys_are_pruned_only_with_people_or_at_the_end(variables: dict[str, Any]) -> None:
    try:
        workshop = declared({**BASE, **variables})
    except VariableError:
        return
    assert workshop.is_workshop or len(workshop.people) == 1
    if workshop.prune:
        (mark,) = workshop.prune["prune_metadata"].values()
        assert isinstance(mark, str) and mark == mark.strip() != "" and workshop.shared["group"] == mark
        assert workshop.people or workshop.is_absent
        assert "prune_limit" not in workshop.prune or not workshop.people
    if workshop.ends and not workshop.people:
        assert not any(name in variables for name in NAMING)
    assert all("litellm_vkey_group" not in (key.get("metadata") or {}) for key in options(workshop))


def of_file(text: str) -> dict[str, str]:
    return {"people.csv": text}


FROM_FILE = {**BASE, "users_file": "people.csv"}


def test_people_from_a_file() -> None:
    text = (
        "user,email,user_id,name,seat,max_budget,models,blocked,rpm_limit,metadata\n"
        ",ann@x.org,,=Ann,7,,,,,\n"
        'ben,,b1,,,10.5,gpt-4; gpt-4o,true,3,"{""a"": 1}"\n'
    )
    workshop = declared({**FROM_FILE, "metadata": {"course": "x"}, "prune": True}, of_file(text))
    assert workshop.is_workshop is True
    assert [person.described() for person in workshop.people] == [
        {
            "user": "ann@x.org",
            "user_id": "ann@x.org",
            "email": "ann@x.org",
            "name": "=Ann",
            "seat": "7",
            "alias": "ws-ann@x.org",
        },
        {"user": "ben", "user_id": "b1", "alias": "ws-ben"},
    ]
    _ann, ben = options(workshop)
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
    assert workshop.prune["prune_metadata"] == MARK


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (
            {"max_budget": "10,50"},
            "line 2: ann, max_budget must be a number such as 10 or 2.5, not '10,50'.",
        ),
        ({"blocked": "ja"}, "people.csv: line 2: ann, blocked must be true or false"),
        ({"group": "other"}, "people.csv: line 2: ann: the group of a workshop's keys"),
    ],
)
def test_a_problem_names_the_file_the_person_and_the_column(row: dict[str, str], words: str) -> None:
    ((column, cell),) = row.items()
    assert words in problem(FROM_FILE, of_file(f'user,{column}\nann,"{cell}"\n'))


@pytest.mark.parametrize(
    "column", ["name", "company", "seat", "country", "role", "phone", "model", "max budget", "city", "notes"]
)
def test_other_columns_are_free(column: str) -> None:
    workshop = declared(FROM_FILE, of_file(f"user,{column}\nann,x\n"))
    assert workshop.people[0].fields[column] == "x"


def test_a_file_that_cannot_be_used() -> None:
    sentence = "litellm_vkey_users_file, people.csv: the file does not exist on the control node."
    assert problem(FROM_FILE) == sentence


def test_nobody_is_in_two_files() -> None:
    files = {**of_file("user\nann\n"), "paris.csv": "user\nben\n", "rome.csv": "user\nBEN\n"}
    apart = {**FROM_FILE, "other_users_files": ["paris.csv"]}
    assert [person.user for person in declared(apart, files).people] == ["ann"]
    sentence = problem({**apart, "other_users_files": "paris.csv, rome.csv"}, files)
    assert sentence == "litellm_vkey_other_users_files: BEN is in paris.csv and in rome.csv."
    sentence = problem({**apart, "other_users_files": ["people.csv", "lima.csv"]}, {**files, "lima.csv": "user\nAnn\n"})
    assert "Ann is in this workshop and in lima.csv." in sentence


def test_names_and_addresses_of_people_in_a_list() -> None:
    users = [{"user": "ann ", "name": "Ann A.", "email": "a@x.org "}, {"email": "b@x.org"}]
    assert [person.described() for person in declared({**BASE, "users": users}).people] == [
        {"user": "ann", "user_id": "a@x.org", "name": "Ann A.", "email": "a@x.org", "alias": "ws-ann"},
        {"user": "b@x.org", "user_id": "b@x.org", "email": "b@x.org", "alias": "ws-b@x.org"},
    ]


def test_a_list_in_yaml_as_a_survey_gives_it() -> None:
    users = "- ann\n- user: ben\n  max_budget: 5\n"
    assert [person.alias for person in declared({**BASE, "users": users}).people] == ["ws-ann", "ws-ben"]


def test_a_seed_may_be_left_out_and_is_not_needed_to_remove_keys() -> None:
    assert "key_seed" not in declared(WORKSHOP).shared
    assert "key_seed" not in declared({**WORKSHOP, "key_seed": "", "state": "absent"}).shared


def test_keys_for_people_call_models_and_nothing_else_unless_a_variable_says_so() -> None:
    assert declared(WORKSHOP).shared["key_type"] == "llm_api"
    assert options(declared(BASE))[0]["key_type"] == "llm_api"
    assert declared({**WORKSHOP, "key_type": "default"}).shared["key_type"] == "default"
    assert declared({**WORKSHOP, "key_options": {"key_type": "read_only"}}).shared["key_type"] == "read_only"
    routes = {"key_options": {"allowed_routes": ["/v1/models"]}}
    assert "key_type" not in declared({**WORKSHOP, **routes}).shared


def test_each_option_of_a_key_is_a_variable() -> None:
    shared = declared({**WORKSHOP, "budget_duration": "1mo", "rpm_limit": "3", "tags": "a, b"}).shared
    assert (shared["budget_duration"], shared["rpm_limit"], shared["tags"]) == ("1mo", 3, ["a", "b"])


PEOPLE = [
    {"user": "ivan", "name": "Ivan Petrov", "email": "Ivan@x.org"},
    {"user": "ann", "name": "Ann A."},
    {"user": "ann2", "name": "Ann A."},
    "a:1",
]


def options_of(variable: str, value: Any) -> dict[str, dict[str, Any]]:
    """What a variable changes, by user."""
    before = declared({**BASE, "users": PEOPLE})
    after = declared({**BASE, "users": PEOPLE, variable: value})
    assert {person.user: person.reissue for person in after.people if person.reissue} == {
        person.user: person.options["reissue"] for person in after.people if "reissue" in person.options
    }
    assert {**view(before), "people": []} == {**view(after), "people": []}
    pairs = zip(before.people, after.people, strict=True)
    changes = {new.user: dict(new.options.items() - old.options.items()) for old, new in pairs}
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
    one, two = options(declared({**BASE, "multi_user": True, "user_count": 2, "block": "user2"}))
    assert two["blocked"] is True and "blocked" not in one
    assert options(declared({**BASE, "reissue": "ws"}))[0]["reissue"] == "1"


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
    files = of_file("email\nivan.petrov@x.org\n")
    assert options(declared({**FROM_FILE, "block": "ivan.petrov@x.org"}, files))[0]["blocked"] is True
    assert "Did you mean 'ivan.petrov@x.org'?" in problem({**FROM_FILE, "block": "ivan"}, files)


def test_names_that_only_sound_alike_are_not_the_same() -> None:
    assert options_of_two("weiß", "weiss", block="weiß") == {"weiß": True}
    refused("'weiß' is not among the people of this workshop. Did you mean 'weiss'?", users=["weiss"], block="weiß")


def options_of_two(*users: str, **variables: Any) -> dict[str, Any]:
    people = declared({**BASE, "users": list(users), **variables}).people
    return {person.user: person.options["blocked"] for person in people if "blocked" in person.options}


def test_twenty_names_are_found_among_many_people_at_once() -> None:
    users = [{"user": f"u{number}", "name": f"Person {number}"} for number in range(20_000)]
    reads = 0

    class Counted(str):
        def strip(self, *chars: Any) -> str:
            nonlocal reads
            reads += 1
            return super().strip(*chars)

    for user in users:
        user["name"] = Counted(user["name"])
    names = [f"person {number}" for number in range(20)]
    blocked = [
        person for person in declared({**BASE, "users": users, "block": names}).people if "blocked" in person.options
    ]
    assert len(blocked) == 20 and reads <= 4 * len(users)


def test_values_that_cannot_be_replaced_in_time_are_refused_by_the_names_of_variables() -> None:
    refused("litellm_vkey_rotate_after must be shorter than litellm_vkey_duration", rotate_after="30d")
    refused("litellm_vkey_grace must be shorter", rotate_after="7d", grace="7d")
    refused("litellm_vkey_rotate_after must be", users=[{"user": "ann", "duration": "1d"}], rotate_after="7d")
    for further in ({"renew_within": "1d"}, {"duration": "60d"}, {"unset": ["expires_at"]}, {"state": "absent"}):
        assert problem({**BASE, "rotate_after": "30d", **further}) == ""


def test_a_key_that_never_expires_has_no_duration() -> None:
    (one,) = options(declared({**BASE, "unset": ["expires_at"]}))
    assert "duration" not in one and one["unset"] == ["expires_at"]
