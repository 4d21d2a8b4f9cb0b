# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists, names and mails, whatever people are called."""

from __future__ import annotations

import csv
import email
import email.policy
import hashlib
import io
import json
import re
from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._errors import InputError
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._hand_out import _formats, _people, _texts
from hypothesis import given
from hypothesis import strategies as st

NOW = "2030-01-02T03:04:05+00:00"
DNS_1123 = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
ANY_TEXT = st.text(st.characters(), min_size=1, max_size=120)


def value(alias: str) -> str:
    return f"sk-{hashlib.sha256(alias.encode('utf-8', 'replace')).hexdigest()[:43]}"


def entry(user: str, **fields: Any) -> dict[str, Any]:
    key = fields.pop("key", value(user))
    key_id = hashlib.sha256((key or "").encode()).hexdigest()
    known = {"user": user, "user_id": f"{user}@example.com", "alias": f"w-{user}", "key": key, "key_id": key_id}
    return {**known, "action": "create", "changed": True, "error": None, **fields}


def result(*entries: dict[str, Any], **fields: Any) -> dict[str, Any]:
    common = {"api_base_url": "https://llm.example.com/v1", "models": ["gpt-4"], "state": "present"}
    return {**common, "users": list(entries), **fields}


def people(*entries: dict[str, Any]) -> list[dict[str, Any]]:
    return _people.HandOut([], [], result(*entries), "", NOW).people


def rows(text: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text.decode("utf-8-sig"), newline="")))


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Jürgen Größe", "Jürgen Größe"),
        ('Ann "Annie" O\'Neil', 'Ann "Annie" O\'Neil'),
        ("Lee; Bruce, Jr.", "Lee; Bruce, Jr."),
        ("=1+1", "'=1+1"),
        ("+49 89", "'+49 89"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        (" \t=1+1", "'=1+1"),
        ("\uff1d1+1", "'\uff1d1+1"),
        ("a;=1+1;b", "a;'=1+1;b"),
        ("a,@x", "a,'@x"),
        ("two\nlines", "two lines"),
        ("שרה 😀", "שרה 😀"),
    ],
)
def test_a_cell_is_text(name: str, shown: str) -> None:
    (row,) = rows(_formats.csv_file(people(entry("ann", name=name))))
    assert row["name"] == shown
    assert (row["user"], row["key"], row["base_url"]) == ("ann", value("ann"), "https://llm.example.com/v1")


def test_spreadsheets_are_told_of_letters_beyond_ascii_and_nobody_else_is_bothered() -> None:
    assert _formats.csv_file(people(entry("ann"))).startswith(b"name,")
    assert _formats.csv_file(people(entry("ann", name="Jürgen"))).startswith("\ufeffname,".encode())


@given(ANY_TEXT, ANY_TEXT)
def test_no_cell_is_a_formula_and_no_name_breaks_the_list(name: str, user: str) -> None:
    listed = people(entry(user, name=name), entry("last"))
    found = rows(_formats.csv_file(listed))
    assert [row["key"] for row in found] == [value(user), value("last")]
    for row in found:
        assert set(row) == set(_formats.CSV_COLUMNS)
        assert not any(text.lstrip().startswith(("=", "+", "-", "@")) for text in row.values())
    stored = _formats.read_json(_formats.json_file(listed))
    assert [person["key"] for person in stored] == [value(user), value("last")]


@given(st.lists(ANY_TEXT, min_size=2, max_size=6, unique=True))
def test_every_file_has_a_name_of_its_own(users: list[str]) -> None:
    stems = list(_people.stems(people(*(entry(user) for user in users))).values())
    assert len({stem.lower() for stem in stems}) == len(users)
    for stem in stems:
        assert re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_@+.-]*", stem) and len(stem) <= 80


@pytest.mark.parametrize("user", ["ann", "ann@example.com", "user1", "Ann.Lee", "a_b-c"])
def test_a_good_name_is_kept(user: str) -> None:
    assert _people.stems(people(entry(user))) == {f"w-{user}": user}


@pytest.mark.parametrize("user", ["../../etc/passwd", "a/b", ".hidden", "-rf", "a b", "jürgen", "x" * 300, "שרה", "a."])
def test_a_bad_name_is_made_up(user: str) -> None:
    stem = next(iter(_people.stems(people(entry(user))).values()))
    assert re.fullmatch(r"([a-z0-9]+-)*[0-9a-f]{8}", stem)


def test_equal_names_and_names_equal_but_for_case_do_not_meet() -> None:
    same = people(entry("ann"), entry("Ann"), entry("ann", alias="other-ann"))
    stems = list(_people.stems(same).values())
    assert stems[0] == "ann" and len({stem.lower() for stem in stems}) == 3
    # Whoever was first keeps the name, however many follow.
    assert list(_people.stems([*same, *people(entry("ANN"))]).values())[:3] == stems


@given(ANY_TEXT)
def test_every_secret_has_a_valid_name(alias: str) -> None:
    name = _texts.secret_name(alias)
    assert DNS_1123.fullmatch(name) and len(name) <= 253


def test_a_secret_is_called_as_the_operator_calls_it() -> None:
    assert _texts.secret_name("python-course-ann.lee") == "litellm-key-python-course-ann.lee"
    assert _texts.secret_name("Ann") != _texts.secret_name("ann") == "litellm-key-ann"


def parsed(person: dict[str, Any], body: str = "Hello\n", subject: str = "Your key") -> Any:
    to = _formats.recipient(person)
    assert to
    mail = _formats.mail_file(person, body, to, "Ada Löwe <ada@example.org>", subject)
    assert (
        mail.isascii()
        and all(len(line) <= 998 for line in mail.split(b"\r\n"))
        and b"\n" not in mail.replace(b"\r\n", b"")
    )
    return email.message_from_bytes(mail, policy=email.policy.default)


@given(
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=80), st.text(st.characters(), max_size=200)
)
def test_a_mail_is_a_mail(name: str, body: str) -> None:
    (person,) = people(entry("ann", name=name))
    mail = parsed(person, body, subject=name)
    assert not mail.defects and mail["To"].addresses[0].addr_spec == "ann@example.com"
    assert set(mail.keys()) == {
        *("From", "To", "Subject", "Date", "X-Unsent"),
        *("MIME-Version", "Content-Type", "Content-Transfer-Encoding"),
    }
    assert mail["X-Unsent"] == "1" and mail["Date"].datetime.isoformat() == NOW


def test_headers_and_body_keep_their_letters() -> None:
    (person,) = people(entry("ann", name='Jürgen "J" Größe 😀', email="jg@example.org"))
    mail = parsed(person, "Grüße 😀\n", "Schlüssel für Zürich")
    assert mail["To"].addresses[0].display_name == 'Jürgen "J" Größe 😀'
    assert mail["To"].addresses[0].addr_spec == "jg@example.org"
    assert mail["From"].addresses[0].display_name == "Ada Löwe"
    assert mail["Subject"] == "Schlüssel für Zürich"
    assert mail.get_content().replace("\r\n", "\n") == "Grüße 😀\n"


@pytest.mark.parametrize(
    ("fields", "to"),
    [
        ({"email": "ann@bücher.example"}, "ann@xn--bcher-kva.example"),
        ({"email": "no address", "user_id": "u@example.org"}, "u@example.org"),
        ({"email": "a@b\nBcc: all@example.org", "user_id": "u@example.org"}, "u@example.org"),
        ({"email": None, "user_id": "ann"}, None),
        ({"email": "a b@example.org", "user_id": "@x"}, None),
        ({"email": "renée@example.org", "user_id": None}, None),
    ],
)
def test_where_a_mail_goes(fields: dict[str, Any], to: str | None) -> None:
    (person,) = people(entry("ann", **fields))
    found = _formats.recipient(person)
    assert (found.addr_spec if found else None) == to


def test_what_is_written_for_people_to_read() -> None:
    (ann, ben) = _formats.views(
        people(
            entry("ann", models=["openai/*", "gpt-4"], max_budget=10.0, expires_at="2031-03-04T07:05:00Z"),
            entry("ben", models=["all-proxy-models"], max_budget=2.5, expires_at="2031-12-14T17:00:00Z"),
        ),
        _texts.time_zone("Europe/Berlin"),
    )
    assert (ann["model"], ann["budget"], ann["expires"]) == ("gpt-4", "10 USD", "4 March 2031, 08:05 CET")
    assert (ben["model"], ben["budget"], ben["expires"]) == (None, "2.5 USD", "14 December 2031, 18:00 CET")


@pytest.mark.parametrize("text", [b"{", b"[1]", b'{"alias": 1}', b'[{"alias": "a"}]', b"\xff"])
def test_a_list_that_is_not_ours_is_refused(text: bytes) -> None:
    with pytest.raises(InputError):
        _formats.read_json(text)


def test_values_are_read_from_the_csv() -> None:
    listed = people(entry("ann"), entry("ben", key=None), entry("=cem"))
    assert _formats.read_csv_values(_formats.csv_file(listed)) == [value("ann"), value("=cem")]
    with pytest.raises(InputError):
        _formats.read_csv_values(b"a,b\n1,2\n")


def test_the_json_says_what_is_known_and_nothing_of_the_run() -> None:
    (stored,) = json.loads(_formats.json_file(people(entry("ann", company="ACME", spend=3.5, blocked=False))))
    assert list(stored)[:10] == list(_people.FIELDS) and stored["company"] == "ACME"
    assert not {"action", "changed", "error", "spend", "blocked"} & set(stored)
