# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Emails, whatever people are called."""

from __future__ import annotations

import email
import email.policy
from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._hand_out import _mail
from hypothesis import given
from hypothesis import strategies as st

NOW = "2030-01-02T03:04:05+00:00"


def person(name: str = "ann", **fields: Any) -> dict[str, Any]:
    return {"user": "ann", "user_id": "ann@example.com", "written_at": NOW, "name": name, **fields}


def parsed(ann: dict[str, Any], body: str = "Hello\n", subject: str = "Your key") -> Any:
    to = _mail.recipients(ann)
    sender = _mail.parse_sender("Ada Löwe <ada@example.org>")
    assert to and sender
    mail = _mail.mail_file(ann, body, to, sender, subject)
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
    ann = person(name)
    mail = parsed(ann, body, subject=name)
    assert not mail.defects and mail["To"].addresses[0].addr_spec == "ann@example.com"
    assert set(mail.keys()) == {
        *("From", "To", "Subject", "Date", "X-Unsent"),
        *("MIME-Version", "Content-Type", "Content-Transfer-Encoding"),
    }
    assert mail["X-Unsent"] == "1" and mail["Date"].datetime.isoformat() == NOW


def test_headers_and_body_keep_their_letters() -> None:
    ann = person('Jürgen "J" Größe 😀', email="jg@example.org")
    mail = parsed(ann, "Grüße 😀\n", "Schlüssel für Zürich")
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
        ({"email": "ann@good.org\uff20evil.org", "user_id": None}, None),
        ({"email": "eve@[.org", "user_id": None}, None),
        ({"email": "eve@[127.0.0.1]", "user_id": None}, None),
    ],
)
def test_where_a_mail_goes(fields: dict[str, Any], to: str | None) -> None:
    found = _mail.recipients(person(**fields))
    assert [address.addr_spec for address in found] == ([to] if to else [])


def test_a_key_that_a_team_shares_is_mailed_to_all_of_them() -> None:
    members = [
        {"user": "ann", "name": "Ann Öl", "email": "a@example.org"},
        {"user": "ben@example.org", "name": "Ben", "email": None},
        {"user": "cem", "name": "Cem", "email": None},
    ]
    mail = parsed(person("red", members=members))
    assert [str(address) for address in mail["To"].addresses] == ["Ann Öl <a@example.org>", "Ben <ben@example.org>"]
    assert _mail.recipients(person("red", members=members[2:])) == []


@pytest.mark.parametrize(
    "name",
    ["=?utf-8?q?a=0ABcc:_eve=40evil.org?=", "=?utf-8?b?YQpCY2M6IGV2ZUBldmlsLm9yZw==?=", "x =?UTF-8?Q?=0A=0Abody?= y"],
)
def test_no_name_or_subject_becomes_a_header(name: str) -> None:
    """Python before 3.13 decodes what is encoded in a name, and writes the line breaks into the header."""
    mail = parsed(person(name), subject=name)
    assert not mail["Bcc"] and mail.get_content() == "Hello\r\n"
    assert mail["To"].addresses[0].display_name == " ".join(name.replace("=?", "= ?", 1).split())


@pytest.mark.parametrize(
    ("text", "sender"),
    [
        ("Ada Löwe <ada@example.org>", "Ada Löwe <ada@example.org>"),
        ("ada@example.org", "ada@example.org"),
        ("Ada Lovelace", None),
        ("", None),
        ("a@x.org, b@x.org", None),
        ("ada@x.org\nBcc: b@x.org", None),
        ("ada@good.org\uff20evil.org", None),
        ("ada@[.org", None),
    ],
)
def test_a_sender_is_one_address(text: str, sender: str | None) -> None:
    found = _mail.parse_sender(text)
    assert (str(found) if found else None) == sender
