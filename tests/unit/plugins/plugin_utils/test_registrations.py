# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import csv
import io
import re
from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._registrations import (
    RegistrationError,
    Row,
    people,
    read_table,
)
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


# Columns


def table(text: str, **how: Any) -> Any:
    return read_table(text.encode(), ("user_id", "max_budget", "models", "config", "tags", "group"), **how)


def row(text: str, **how: Any) -> Row:
    (found,) = table(text, **how).rows
    return found


def test_a_column_sets_an_option_only_if_it_bears_its_exact_name() -> None:
    found = table(
        "email,Organization,Model,Tag,Groups,Config,Max budget,MODELS,max_budget,Alias\na@x.org,1,2,3,4,5,6,7,8,9\n"
    )
    assert found.rows[0].options == {"max_budget": "8", "user_id": "a@x.org"}
    assert found.rows[0].fields == {
        "email": "a@x.org",
        "organization": "1",
        "model": "2",
        "tag": "3",
        "groups": "4",
        "column_config": "5",
        "max budget": "6",
        "column_models": "7",
        "column_alias": "9",
    }
    assert found.sentences() == [
        "These columns set options of keys: max_budget.",
        "These columns set nothing: organization, model, tag, groups, column_config, max budget, column_models, "
        "column_alias.",
    ]


@pytest.mark.parametrize(
    ("heading", "cells", "name"),
    [
        ("First Name;Last Name", "Ann;Lee", "Ann Lee"),
        ("Vorname;Name", "Änn;Öl", "Änn Öl"),
        ("Nom;Prénom", "Dupont;Zoé", "Zoé Dupont"),
        ("Nom", "Zoé Dupont", "Zoé Dupont"),
        ("Full name", "Ann Lee", "Ann Lee"),
        ("First Name;Last Name;Name", "Ann;Lee;Annie Lee", "Annie Lee"),
        ("First name;Surname", "Ann;", "Ann"),
        ("VORNAME;NACHNAME", ";Lee", "Lee"),
    ],
)
def test_names_are_found_in_the_columns_of_many_systems(heading: str, cells: str, name: str) -> None:
    assert row(f"{heading};E-Mail-Adresse\n{cells};a@x.org\n").fields["name"] == name


@pytest.mark.parametrize("heading", ["E-Mail-Adresse", "Courriel", "Mail", "EMAIL ADDRESS", "correo electrónico"])
def test_addresses_are_found_in_the_columns_of_many_systems(heading: str) -> None:
    assert row(f"{heading}\na@x.org\n").user == "a@x.org"


def test_columns_are_what_the_user_says() -> None:
    columns = {"Kontakt": "email", "budget in usd": "max_budget", "models": None}
    found = row("Kontakt;Budget in USD;models;Seat\na@x.org;10;trains;4\n", columns=columns)
    assert (found.user, found.options) == ("a@x.org", {"max_budget": "10", "user_id": "a@x.org"})
    assert found.fields == {"email": "a@x.org", "seat": "4"}


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"Mail": "emial"}, "emial, for the column Mail, is neither an option of a key nor one of user, email, name"),
        ({"Budget": "max_budgt"}, "max_budgt, for the column Budget, is neither an option"),
        ({"Kontakt": "email"}, "names kontakt, but the columns of the file are Mail, Budget."),
    ],
)
def test_a_mapping_that_cannot_be_meant_is_refused(columns: dict[str, str], said: str) -> None:
    with pytest.raises(RegistrationError, match=re.escape(said)) as refused:
        table("Mail;Budget\na@x.org;1\n", columns=columns, called=lambda name: f"litellm_vkey_{name}")
    assert "litellm_vkey_columns" in str(refused.value)


def test_the_message_about_a_missing_column_shows_the_way_out() -> None:
    with pytest.raises(RegistrationError, match=re.escape("set litellm_vkey_columns, for example to {Who: email}.")):
        table("Who;What\na@x.org;1\n", called=lambda name: f"litellm_vkey_{name}")


# Mistakes


def test_all_mistakes_are_said_at_once() -> None:
    text = (
        "name,email,max_budget\nAnn,ann\nBen,ben@x.org,1\n,\nEve,,\n=?utf-8?q?x?=,f@x.org\nBo,BEN@x.org\nJo,j@x,a,b\n"
    )
    with pytest.raises(RegistrationError) as refused:
        table(text, check=lambda one: "too much." if one.options.get("max_budget") else None)
    assert str(refused.value) == (
        "line 5 has neither a user nor an email. line 8 has more cells than the first line has columns. "
        "line 2: 'ann' is not an email address. line 3: too much. line 6: the name '=?utf-8?q?x?=' is encoded as in "
        "the header of an email. Write it as plain text. 'ben@x.org' appears more than once, in lines 3, 7."
    )


# Encodings and delimiters


def test_the_line_of_excel_names_the_delimiter() -> None:
    assert people(b"sep=;\r\nuser;name\r\nann;a,b,c\r\n") == [{"user": "ann", "name": "a,b,c"}]
    with pytest.raises(RegistrationError, match="line 3 has neither"):
        people(b"SEP=|\nuser|name\n|Ann\n")
    assert people("\ufeffsep=,\nuser,name\nann,b;c\n".encode()) == [{"user": "ann", "name": "b;c"}]


def test_a_guess_of_the_encoding_is_said() -> None:
    text = "name;email\nJürgen Größe;j@x.org\n"
    found = read_table(text.encode("windows-1252"), (), called=lambda name: f"litellm_vkey_{name}")
    assert found.rows[0].fields["name"] == "Jürgen Größe"
    assert found.warnings == [
        "the file is not in UTF-8. It was read as windows-1252, such as 'Jürgen'. If that is wrong, set "
        "litellm_vkey_users_encoding, for example to windows-1250."
    ]
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        assert read_table(text.encode(encoding), ()).warnings == []


@pytest.mark.parametrize("name", ["Łukasz Wiśniewski", "Małgorzata Gąska", "Tomáš Ťažký"])
def test_what_is_no_word_in_the_west_is_read_as_from_the_middle_of_europe(name: str) -> None:
    found = read_table(f"name;email\n{name};a@x.org\n".encode("windows-1250"), ())
    assert found.rows[0].fields["name"] == name and "read as windows-1250" in found.warnings[0]


def test_an_encoding_that_is_said_is_no_guess() -> None:
    data = "name;email\nJiří Dvořák;a@x.org\n".encode("windows-1250")
    found = read_table(data, (), encoding="windows-1250")
    assert (found.rows[0].fields["name"], found.warnings) == ("Jiří Dvořák", [])


@pytest.mark.parametrize(
    ("data", "encoding", "said"),
    [
        (b"user\nann\n", "klingon", "litellm_vkey_users_encoding: klingon is not an encoding that Python knows"),
        (b"user\nann\n", "base64", "base64 is not an encoding"),
        (b"user\n\xe4nn\n", "utf-8", "line 2 is not in the encoding utf-8"),
        (b"\xef\xbb\xbfuser\n\xe4nn\n", None, "line 2 is not in the encoding utf-8"),
        (b"u\0s\0e\0r\0\n\0", None, "null characters"),
        (b"\x81\x83\x88\x90\x98", None, "neither in UTF-8 nor in an encoding of Windows"),
    ],
)
def test_what_is_no_text_is_refused(data: bytes, encoding: str | None, said: str) -> None:
    with pytest.raises(RegistrationError, match=said):
        read_table(data, (), encoding=encoding, called=lambda name: f"litellm_vkey_{name}")
