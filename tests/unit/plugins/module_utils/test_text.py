# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Words for people."""

from __future__ import annotations

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._text import (
    check_name,
    join_limited,
    mark_options,
    one_line,
    printable,
    render,
)


@pytest.mark.parametrize(
    ("number", "more"),
    [(0, ""), (1, "n0"), (10, ", n8, n9"), (11, ", n9, n10"), (12, ", n9 and 2 more"), (40, ", n9 and 30 more")],
)
def test_the_first_of_many_are_named(number: int, more: str) -> None:
    said = join_limited([f"n{n}" for n in range(number)])
    assert said.endswith(more)
    assert len(said.split(", ")) == max(1, min(number, 10 if number > 11 else 11))


def test_parts_can_be_sentences() -> None:
    assert join_limited(["a: b.", "c: d."], " ") == "a: b. c: d."


def test_text_of_strangers_stands_on_one_line() -> None:
    assert one_line(" a\nb\t\0c \ud800 ") == "a b c ?"
    assert printable("a\x1b[2Jb\u202ec") == "a?[2Jb?c"
    assert one_line("Zoë 😀") == printable("Zoë 😀") == "Zoë 😀"


@pytest.mark.parametrize("char", ["\0", "\t", "\x1f", "\x7f", "\x80", "\x85", "\x9f", "\u2028", "\u2029"])
def test_a_name_is_one_line(char: str) -> None:
    assert "control characters" in str(check_name(f"a{char}b"))


def test_a_name_may_hold_all_else() -> None:
    assert [check_name(name) for name in ("a", "Jörg Ö'Neil", "a/b", "\xa0b", "\u200b", "😀")] == [None] * 6
    assert check_name(" ") == "must not be blank."


def test_an_option_is_rendered_as_the_user_calls_it() -> None:
    text = f"{mark_options(['api_url', 'litellm_params.x-y'])}: see O(unset), FOO(bar), and O(x y)."
    assert render("O(oauth2_flow)", {}) == "oauth2_flow"
    assert render(text, {}) == "api_url, litellm_params.x-y: see unset, FOO(bar), and O(x y)."
    called = {"api_url": "LITELLM_API_URL", "litellm_params": "v_params"}
    assert render(text, called) == "LITELLM_API_URL, v_params.x-y: see unset, FOO(bar), and O(x y)."
