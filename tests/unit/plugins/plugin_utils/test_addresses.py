# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import email.policy
from email.headerregistry import Address
from email.message import EmailMessage

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils import _addresses
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("name", "email"),
    [
        ("Ann", "ann@example.org"),
        (None, None),
        ("", ""),
        ("Jürgen = ?", "jürgen@bücher.example"),
        ("שרה", "o'neil+x@example.co.uk"),
        ("Question=?", " ann@localhost "),
    ],
)
def test_a_person_may_be_called_so(name: str | None, email: str | None) -> None:
    assert _addresses.check_person(name, email) is None


@pytest.mark.parametrize(
    ("email", "said"),
    [
        ("ann", "'ann' is not an email address."),
        ("ann@", "'ann@' is not an email address."),
        ("@example.org", "is not an email address"),
        ("ann@good.org\uff20evil.org", "is not an email address"),
        ("ann\uff20evil.org", "is not an email address"),
        ("\uff41nn@example.org", "is not an email address"),
        ("eve@[.org", "is not an email address"),
        ("eve@[127.0.0.1]", "is not an email address"),
        ("a@b.org,c@d.org", "is not an email address"),
        ("a@b@d.org", "is not an email address"),
        ("Ann <ann@example.org>", "is not an email address"),
        ("a b@example.org", "is not an email address"),
        ("a\nb@example.org", "'a?b@example.org' is not an email address"),
        ("ann@-example.org", "is not an email address"),
        ("ann@example..org", "is not an email address"),
        (7, "'7' is not an email address"),
    ],
)
def test_what_is_no_address_is_said(email: object, said: str) -> None:
    assert said in str(_addresses.check_person("Ann", email))


@pytest.mark.parametrize("name", ["=?utf-8?q?a=0ABcc:_eve=40evil.org?=", "Ann =?UTF-8?B?w6Q=?="])
def test_a_name_in_the_code_of_a_header_is_said(name: str) -> None:
    assert _addresses.check_person(name) == (
        f"the name '{name}' is encoded as in the header of an email. Write it as plain text."
    )


@pytest.mark.parametrize("character", ["\u202e", "\u2066"])
def test_a_name_does_not_turn_the_text_around_it(character: str) -> None:
    wrong = _addresses.check_name(f"Ann{character}Ng")
    assert wrong and "changes the direction of text" in wrong and character not in wrong
    assert _addresses.check_name("אנה") is None


@given(st.text(st.sampled_from('aé@.\uff20[]<>, "\\\n-_=?1'), max_size=30))
def test_an_address_that_passes_is_one_recipient(text: str) -> None:
    parts = _addresses.split_address(text)
    if _addresses.check_address(text) is None and parts:
        mail = EmailMessage(email.policy.SMTP)
        mail["To"] = Address("Ann", *parts)
        (found,) = email.message_from_bytes(mail.as_bytes(), policy=email.policy.default)["To"].addresses
        assert (found.username, found.domain) == parts
