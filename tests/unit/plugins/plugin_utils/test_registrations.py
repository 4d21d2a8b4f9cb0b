# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import csv
import io

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._registrations import RegistrationError, people
from hypothesis import given
from hypothesis import strategies as st

ANN = {"name": "Ann Ölsner", "email": "ann@example.com", "user": "ann@example.com", "user_id": "ann@example.com"}


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_encoding_delimiter_and_line_endings_are_found_out(delimiter: str, encoding: str, ending: str) -> None:
    lines = ["", f"Name{delimiter}E-Mail", "", f"  Ann  Ölsner {delimiter}ann@example.com", delimiter, ""]
    assert people(ending.join(lines).encode(encoding)) == [ANN]


def test_every_column_is_kept_and_an_empty_cell_is_not_given() -> None:
    text = 'user,name,max_budget,models,Company\nann,"Meier, ""Ann""",10.5,"gpt-4, gpt-4o",\nben,=Ben,,,ACME\n'
    assert people(text.encode()) == [
        {"user": "ann", "name": 'Meier, "Ann"', "max_budget": "10.5", "models": "gpt-4, gpt-4o"},
        {"user": "ben", "name": "=Ben", "company": "ACME"},
    ]


def test_a_user_and_a_user_id_of_their_own_go_before_the_email() -> None:
    (person,) = people(b"user,email,user_id\nann,ann@example.com,4711\n")
    assert person == {"user": "ann", "email": "ann@example.com", "user_id": "4711"}


def test_two_people_may_have_the_same_name() -> None:
    assert len(people(b"name,email\nAnn,a@example.com\nAnn,b@example.com\n")) == 2


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "the file is empty"),
        ("\n \n", "the file is empty"),
        ("email\n", "no people"),
        ("name,company\nAnn,ACME\n", "including user or email. It contains name, company"),
        ("ann@example.com\nben@example.com\n", "must contain the column names"),
        ("user,user\na,b\n", "column user appears more than once"),
        ("user,name\nann,Ann\n,Ben\n", "line 3 has neither a user nor an email"),
        ("user\nann,extra\n", "line 2 has more cells"),
        ("email\nann\n", "line 2: 'ann' is not an email address"),
        ("email\nAnn@example.com\n\nann@example.com\n", "'ann@example.com' appears more than once, in lines 2, 4"),
        ('user,name\nann,"Ann\n', "is not CSV"),
    ],
)
def test_what_is_wrong_is_said_with_the_line(text: str, problem: str) -> None:
    with pytest.raises(RegistrationError) as refused:
        people(text.encode())
    assert problem in str(refused.value)


CELL = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zs", "Zl", "Zp"]), min_size=1)


@given(st.lists(CELL, min_size=1, unique_by=str.lower), st.sampled_from(",;\t|"))
def test_whatever_the_csv_module_writes_comes_back(users: list[str], delimiter: str) -> None:
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, delimiter=delimiter)
    writer.writerows([["user", "name"], *([user, "N"] for user in users)])
    assert [person["user"] for person in people(stream.getvalue().encode())] == users


@given(st.binary())
def test_any_file_is_people_or_a_sentence(data: bytes) -> None:
    found, sentence = [], ""
    try:
        found = people(data)
    except RegistrationError as error:
        sentence = str(error)
    assert all(person["user"] for person in found) if found else sentence.endswith(".")
