# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fingerprint tells whether a value is still the same one, and helps nobody to guess it."""

from __future__ import annotations

import base64
import hashlib
import json
import random
import string
import uuid
from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.module_utils import _fingerprints
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._fingerprints import (
    fingerprint,
    fits,
    guessable_warning,
    is_guessable,
    matches,
)
from hypothesis import given
from hypothesis import strategies as st

FIRST, SECOND, OTHER = "sk-4Gv8Rk2Wp9Xt5Bn7Jq3Lz6Mh07", "sk-7Tb3Nf6Yc9Dw2Hs8Pm5Kx4Vg07", "sk-5Zj8Qr3Uf6Ls9Ew2Ya7Ck4Tn99"
GUESSABLE = [
    "hunter2",
    "1234",
    "20310314",
    "Summer2026!",
    "P@ssw0rd2024!",
    "correct-horse-battery-staple",
    "this-is-our-very-secret-password",
    "MyCompanyProductionLiteLLMSecretKey2026",
    "we all live in a yellow submarine since 1966",
    "sk-first-secret-of-a-model",
    "sk-1234",
    "a" * 64,
    "abc123" * 10,
    "0123456789" * 4,
    "ThisIsThePasswordOfTheWorkshop",
    "пароль-очень-секретный",
    "Bearer hunter2",
]


@pytest.mark.parametrize(
    ("text", "value", "fitting"),
    [
        ("sk****07", FIRST, True),
        ("sk****07", SECOND, True),
        ("sk****07", OTHER, False),
        ("xk****07", FIRST, False),
        ("*****", "abcd", True),
        ("*****", "abcde", False),
        ("ab****cd", "abcd", False),
        ("ab****bc", "abcbc", True),
        (FIRST, FIRST, False),
        (5, "5", False),
        (None, FIRST, False),
    ],
)
def test_whether_a_mask_fits(text: Any, value: str, fitting: bool) -> None:
    assert fits(text, value) is fitting


def test_a_fingerprint_is_of_one_value_and_tells_nothing_of_it() -> None:
    one, again = fingerprint("api_key", FIRST), fingerprint("api_key", FIRST)
    assert matches(one, "api_key", FIRST)
    assert matches(again, "api_key", FIRST)
    assert not matches(one, "api_key", SECOND)
    assert one != again
    assert FIRST not in one


@pytest.mark.parametrize(
    "damaged",
    [
        *(pytest.param(value, id=repr(value)) for value in (None, "", 5, {}, "a:b", "00:11", "guessable")),
        # Salted, so different each time: no name for a test.
        pytest.param(fingerprint("api_key", FIRST)[:-1], id="cut off"),
        pytest.param(fingerprint("api_key", FIRST).upper(), id="in capitals"),
    ],
)
def test_a_damaged_fingerprint_matches_nothing(damaged: Any) -> None:
    assert matches(damaged, "api_key", FIRST) is False


def test_trying_a_value_takes_many_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fingerprint that is kept with an object matches as long as this stays the same."""
    monkeypatch.setattr(_fingerprints.secrets, "token_bytes", bytes)
    digest = hashlib.pbkdf2_hmac("sha256", FIRST.encode(), bytes(16), 200_000).hex()
    assert fingerprint("api_key", FIRST) == f"{'00' * 16}:{digest}"


@pytest.mark.parametrize("value", GUESSABLE)
@pytest.mark.parametrize("name", ["api_key", "vertex_credentials", "Authorization"])
def test_nothing_is_kept_of_a_secret_that_can_be_guessed(name: str, value: str) -> None:
    assert fingerprint(name, value) == "guessable"
    assert matches("guessable", name, value)
    assert not matches(None, name, value)


def test_one_that_was_kept_of_it_does_not_count() -> None:
    kept = fingerprint("api_base", "hunter2")  # of what is no secret by its name
    assert matches(kept, "api_base", "hunter2")
    assert not matches(kept, "api_key", "hunter2")


@pytest.mark.parametrize(
    ("name", "value", "guessable"),
    [
        # What is no secret helps nobody.
        ("api_base", "https://one.example.com/v1", False),
        ("api_version", "2024-10-01", False),
        ("api_key", "os.environ/OPENAI_API_KEY", False),
        ("vertex_credentials", "/etc/litellm/service-account.json", False),
        ("vertex_credentials", "/hunter2", True),
        # But for what stands in it.
        ("api_base", "https://ann:hunter2@gateway-4Gv8Rk2Wp9Xt5Bn7Jq3Lz6Mh.example.com/v1", True),
        ("api_base", f"https://ann:{FIRST}@one.example.com/v1", False),
        ("api_base", "https://4Gv8Rk2Wp9Xt5Bn7Jq3Lz6Mh07:hunter2@one.example.com/v1", True),
        # The strongest of several secrets protects the others; what everybody sees does not.
        ("extra_headers", {"Authorization": "Bearer hunter2", "X-Trace": FIRST}, True),
        ("extra_headers", {"Authorization": f"Bearer {FIRST}", "X-Trace": "a"}, False),
        ("extra_headers", {"Authorization": f"Bearer {FIRST}", "X-Api-Key": "hunter2"}, False),
        ("vertex_credentials", {"type": "service_account", "private_key": FIRST}, False),
        ("vertex_credentials", json.dumps({"type": "service_account", "private_key": FIRST}), False),
        ("vertex_credentials", json.dumps({"type": "service_account", "private_key": "hunter2"}), True),
        # Names and braces make no secret of it.
        ("vertex_credentials", json.dumps({f"field-{number}": "hunter2" for number in range(50)}), True),
        ("aws_access_key_id", 20310314, True),
        ("headers", ["x"], False),
        ("configurable_clientside_auth_params", ["api_key"], False),
    ],
)
def test_what_can_be_guessed(name: str, value: Any, guessable: bool) -> None:
    assert is_guessable(name, value) is guessable


def issued(source: random.Random) -> dict[str, str]:
    """Values as issuers choose them."""
    letters = string.ascii_letters + string.digits

    def text(alphabet: str, length: int) -> str:
        return "".join(source.choices(alphabet, k=length))

    return {
        "OpenAI": f"sk-{text(letters, 48)}",
        "project": f"sk-proj-{text(letters + '-_', 74)}",
        "Anthropic": f"sk-ant-api03-{text(letters + '-_', 95)}",
        "Groq": f"gsk_{text(letters, 52)}",
        "AWS": text(letters + "/+", 40),
        "Google": f"AIza{text(letters + '-_', 35)}",
        "Azure": text(letters, 84),
        "PEM": base64.b64encode(source.randbytes(300)).decode(),
    }


@given(st.integers(0, 10**9))
def test_what_issuers_choose_cannot_be_guessed(seed: int) -> None:
    for issuer, value in issued(random.Random(seed)).items():
        assert not is_guessable("api_key", value), (issuer, value)


def test_nearly_all_hexadecimal_values_of_32_digits_and_uuids_cannot_be_guessed() -> None:
    source = random.Random(7)
    values = [f"{source.getrandbits(128):032x}" for _number in range(500)]
    values += [str(uuid.UUID(int=source.getrandbits(128))) for _number in range(500)]
    assert sum(is_guessable("api_key", value) for value in values) < 50


def test_what_is_said_of_those_that_can_be_guessed() -> None:
    assert guessable_warning("litellm_params", []) == []
    (sentence,) = guessable_warning("litellm_params", ["api_key", "custom_token"])
    assert sentence.startswith("O(litellm_params): api_key, custom_token can be guessed")
