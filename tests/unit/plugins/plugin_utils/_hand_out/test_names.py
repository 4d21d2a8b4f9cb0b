# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What files and Secrets are called, whatever people are called."""

from __future__ import annotations

import re
from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._hand_out._names import file_names, secret_names
from hypothesis import example, given
from hypothesis import strategies as st

FILE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_@+.~-]*")
DNS_1123 = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
ANY_TEXT = st.text(st.characters(), min_size=1, max_size=120)


def people(*users: str) -> list[dict[str, Any]]:
    return [{"user": user, "alias": f"w-{user}"} for user in users]


def file_name(user: str) -> str:
    return file_names(people(user))[f"w-{user}"]


def secret_name(alias: str) -> str:
    return secret_names([{"alias": alias}])[alias]


@given(st.lists(ANY_TEXT, min_size=2, max_size=6, unique=True))
@example(["0", "\u0130"])
def test_every_file_and_secret_has_a_name_of_its_own(users: list[str]) -> None:
    files, secrets = file_names(people(*users)), secret_names(people(*users))
    assert len({name.lower() for name in files.values()}) == len(set(secrets.values())) == len(users)
    assert all(FILE.fullmatch(name) and len(name) <= 80 for name in files.values())
    assert all(DNS_1123.fullmatch(name) and len(name) <= 253 for name in secrets.values())


@pytest.mark.parametrize("user", ["ann", "ann@example.com", "user1", "Ann.Lee", "a_b-c", "anna-e926b6a4", "console"])
def test_a_good_name_is_kept(user: str) -> None:
    assert file_name(user) == user


@pytest.mark.parametrize(
    "user",
    [
        *("../../etc/passwd", "a/b", ".hidden", "-rf", "a b", "jürgen", "x" * 300, "שרה", "a.", "a~b"),
        *("con", "NUL", "Lpt1.txt", "aux.b"),
    ],
)
def test_a_bad_name_is_made_up(user: str) -> None:
    assert re.fullmatch(r"[a-z0-9-]+~[0-9a-f]{8}", file_name(user))


@given(ANY_TEXT)
def test_a_made_up_name_is_nobodys(user: str) -> None:
    """Whoever is called as somebody else's file has another one, in whatever order they come."""
    made_up, secret = file_name(user), secret_name(user).removeprefix("litellm-key-")
    for twins in (people(made_up, user), people(user, made_up)):
        assert len({name.lower() for name in file_names(twins).values()}) == len({made_up, user})
    for twins in ([{"alias": user}, {"alias": secret}], [{"alias": secret}, {"alias": user}]):
        assert len(set(secret_names(twins).values())) == len({user, secret})


def test_a_name_that_reads_like_a_made_up_one_does_not_meet_it() -> None:
    assert file_names([{"user": "Ännä", "alias": "w-Ännä"}]) == {"w-Ännä": "anna~179ec19a"}
    names = file_names(people("Ännä", "anna-179ec19a", "anna~179ec19a"))
    assert list(names.values())[:2] == ["anna~179ec19a", "anna-179ec19a"] and len(set(names.values())) == 3
    assert re.fullmatch(r"litellm-key\.anna-[0-9a-f]{8}", secret_name("Ännä"))


def test_equal_names_and_names_equal_but_for_case_do_not_meet() -> None:
    same = [*people("ann", "Ann"), {"user": "ann", "alias": "other-ann"}]
    names = list(file_names(same).values())
    assert names[0] == "ann" and len({name.lower() for name in names}) == 3
    # Whoever was first keeps the name, however many follow.
    assert list(file_names([*same, *people("ANN")]).values())[:3] == names


def test_a_secret_is_called_as_the_operator_calls_it() -> None:
    assert secret_name("python-course-ann.lee") == "litellm-key-python-course-ann.lee"
    assert secret_name("Ann") != secret_name("ann") == "litellm-key-ann"
