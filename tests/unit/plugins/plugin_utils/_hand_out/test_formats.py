# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists, whatever people are called."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._errors import InputError
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._hand_out import _formats, _people, _texts
from hypothesis import given
from hypothesis import strategies as st

NOW = "2030-01-02T03:04:05+00:00"
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


@pytest.mark.parametrize("text", [b"{", b"[1]", b'{"alias": 1}', b'[{"alias": "a"}]', b"\xff", b"[" * 100_000])
def test_a_list_that_is_not_ours_is_refused(text: bytes) -> None:
    with pytest.raises(InputError):
        _formats.read_json(text)


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        *((name, wrong) for name in ("user", "alias", "name", "base_url") for wrong in (None, 1, ["ann"])),
        *((name, wrong) for name in ("user_id", "key", "key_id", "expires_at") for wrong in (1, True, {})),
        *(("models", wrong) for wrong in (None, "gpt-4", [1])),
        *(("max_budget", wrong) for wrong in ("10", True, [])),
        ("written_at", 5),
    ],
)
def test_a_list_with_other_types_is_refused(field: str, wrong: Any) -> None:
    (person,) = people(entry("ann"))
    with pytest.raises(InputError, match="not a list of keys that this role wrote"):
        _formats.read_json(json.dumps([{**person, field: wrong}]).encode())
    del person["name"]
    with pytest.raises(InputError, match="not a list of keys that this role wrote"):
        _formats.read_json(json.dumps([person]).encode())


def test_values_are_read_from_the_csv() -> None:
    listed = people(entry("ann"), entry("ben", key=None), entry("=cem"))
    assert _formats.read_csv_values(_formats.csv_file(listed)) == [value("ann"), value("=cem")]
    assert _formats.read_csv_values(b"a,key\n1,sk-of-somebody-else\n") == []


def test_the_json_says_what_is_known_and_nothing_of_the_run() -> None:
    (stored,) = json.loads(_formats.json_file(people(entry("ann", company="ACME", spend=3.5, blocked=False))))
    assert list(stored)[:10] == list(_people.FIELDS) and stored["company"] == "ACME"
    assert not {"action", "changed", "error", "spend", "blocked"} & set(stored)
