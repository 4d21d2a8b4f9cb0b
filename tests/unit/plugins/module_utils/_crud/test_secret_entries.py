# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which entries of a mapping with secrets have to be written, by what LiteLLM shows of them."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.module_utils import _fingerprints
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._crud._secret_entries import (
    fingerprints,
    masked_names,
    present,
    sent,
    wanted,
    without_secrets,
)

SECRET, OTHER = "a-to7Kq2Zx9Vb4Nm8Lw3Rt6Yc1ngth", "a-to5Hs8Jd2Gf7Qp4Xz9Wm3Kv6ngth"


@pytest.fixture(autouse=True)
def _cheap_fingerprints(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_fingerprints, "ROUNDS", 1)


@pytest.mark.parametrize(
    ("shown", "declared", "writes"),
    [
        # A number and its text differ: where LiteLLM wants a number, the declaration has one.
        (5, "5", True),
        ("5", 5, True),
        (5, 5.0, False),
        # A template makes text of true and false.
        (True, "True", False),
        (True, "false", True),
        (True, "1", True),
        (None, "5", True),
        ([1, "2"], ["1", "2"], True),
        ([1, 2], ["1"], True),
        ([1], "1", True),
        ({"a": 1}, {"a": "1"}, True),
        ({"a": "1"}, {"a": 1}, True),
        ({"a": "None"}, {"a": None}, False),
        ({"a": 1}, {"a": 1, "b": 2}, True),
        ({"a": 1}, "a", True),
        ("text", ["text"], True),
    ],
)
def test_what_is_shown_is_compared_as_the_proxy_reads_it(shown: Any, declared: Any, writes: bool) -> None:
    before = present({"entry": shown}, {})
    assert bool(sent(wanted({"entry": declared}, {"entry": shown}, {}), before)) is writes


@pytest.mark.parametrize(
    ("mask", "declared", "writes"),
    [
        ("a-to****ngth", SECRET, False),
        ("a-to****ngth", OTHER, True),  # the mask fits, the fingerprint does not
        ("b-to****ngth", SECRET, True),  # somebody else has written another value since
        ("a-to****nght", SECRET, True),
        (f"a-to{'*' * 22}ngth", SECRET, False),
        (f"a-to{'*' * 21}ngth", SECRET, True),  # another length
        (None, SECRET, False),  # not shown at all: the fingerprint alone tells
    ],
)
def test_a_secret_stays_if_its_fingerprint_and_what_is_shown_fit(mask: str | None, declared: str, writes: bool) -> None:
    known = {"api_key": _fingerprints.fingerprint("api_key", SECRET)}
    shown = {} if mask is None else {"api_key": mask}
    after = wanted({"api_key": declared}, shown, known)
    assert sent(after, present(shown, known)) == ({"api_key": declared} if writes else {})
    assert without_secrets(after) == {"api_key": "******** (changed)" if writes else "********"}
    assert _fingerprints.matches(fingerprints(after, known)["api_key"], "api_key", declared)


def test_a_reference_is_not_compared_with_what_the_variable_holds() -> None:
    known = {"api_key": _fingerprints.fingerprint("api_key", "os.environ/KEY")}
    shown = {"api_key": "what****olds"}
    assert sent(wanted({"api_key": "os.environ/KEY"}, shown, known), present(shown, known)) == {}
    assert sent(wanted({"api_key": "os.environ/OTHER"}, shown, known), present(shown, known)) != {}


@pytest.mark.parametrize(
    ("entries", "names"),
    [
        ({"api_key": "sk-1****abcd"}, ["api_key"]),
        ({"api_key": "sk-1234"}, []),
        ({"model": "****"}, []),
        ({"headers": {"api_key": "********"}}, ["headers"]),
        ({"api_key": ["good", "a***"]}, []),
        ({"api_key": ["good", "a****"]}, ["api_key"]),
    ],
)
def test_masks_are_found_where_secrets_belong(entries: dict[str, Any], names: list[str]) -> None:
    assert masked_names(entries) == names
