# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is starred out, what is shown of data, and that no secret gets through in what a proxy says."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, quote_plus, urlencode

import pytest
from ansible.module_utils.common.parameters import remove_values
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._args import Settings
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._client import Client
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._errors import ApiError
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._redaction import (
    Secrets,
    redact,
    redact_options,
    secrets_of,
)
from hypothesis import given
from hypothesis import strategies as st
from pytest_httpserver import HTTPServer

SECRET = "lf-secret-of-a-callback"
CALLBACK = {"callback_name": "langfuse", "callback_vars": {"langfuse_secret_key": SECRET, "rate": "1", "n": 3}}
ITEM: dict[str, Any] = {"seed": {"no_log": True}, "metadata": {"type": "dict"}}
SPEC: dict[str, Any] = {
    "name": {"aliases": ["alias"]},
    "metadata": {"type": "dict"},
    "litellm_params": {"type": "dict"},
    "values": {"type": "dict", "no_log": True},
    "unset": {"type": "list", "elements": "str"},
    "defaults": {"type": "dict", "options": ITEM},
    "items": {"type": "list", "elements": "dict", "options": ITEM},
}


# Asterisks cannot be hidden behind asterisks.
@given(st.text(st.characters(codec="utf-8"), min_size=8).filter(lambda text: text.strip("*")))
def test_a_secret_is_found_however_it_is_written(secret: str) -> None:
    written = [
        secret,
        str({"key_seed": secret}),
        json.dumps([secret]),
        json.dumps([secret], ensure_ascii=False),
        quote(secret),
        quote(secret, safe=""),
        quote_plus(secret),
        urlencode({"a": secret}),
    ]
    for text in written:
        hidden = remove_values(f"<{text}>", secrets_of({secret}, {}, {}))
        assert text not in hidden
        assert hidden.count("*") >= 8


@pytest.mark.parametrize(
    "options",
    [
        {"metadata": {"logging": [CALLBACK]}},
        {"defaults": {"metadata": {"logging": [CALLBACK]}}, "items": None},
        {"items": [{"metadata": json.dumps({"logging": [CALLBACK]})}]},
        {"items": [{"metadata": str({"logging": [CALLBACK]})}]},
        {"items": str([{"metadata": {"logging": [CALLBACK]}}])},
        {"metadata": {"callback_vars": {"nested": {"in": [SECRET]}}}},
    ],
)
def test_the_values_of_logging_callbacks_are_secrets(options: dict[str, Any]) -> None:
    found = secrets_of((), options, SPEC)
    assert SECRET in found
    # They would star out half of a result.
    assert not {"1", "3"} & found


@pytest.mark.parametrize("name", ["api_key", "aws_secret_access_key", "Authorization", "X-Api-Key", "custom_token"])
@pytest.mark.parametrize("as_text", [dict, str, json.dumps])
def test_the_secret_parameters_of_a_model_are_secrets(name: str, as_text: Any) -> None:
    params = {"model": "openai/gpt-4o", "max_tokens": 4096, "extra_headers": {name: SECRET}, name: SECRET}
    secrets = secrets_of((), {"litellm_params": as_text(params), "unset": ["litellm_params.a_long_name"]}, SPEC)
    assert SECRET in secrets
    assert not {"openai/gpt-4o", "4096", "litellm_params.a_long_name"} & secrets
    result = str(redact_options({"litellm_params": params}, SPEC))
    assert SECRET not in result
    assert "openai/gpt-4o" in result


@pytest.mark.parametrize("value", [[SECRET], [{"a": SECRET}], SECRET, f"api_key={SECRET}"])
def test_parameters_of_another_type_are_secret_as_a_whole(value: Any) -> None:
    assert [text for text in secrets_of((), {"litellm_params": value}, SPEC) if SECRET in text]
    assert redact_options({"litellm_params": value}, SPEC) == {"litellm_params": "********"}
    assert redact_options({"litellm_params": None}, SPEC) == {"litellm_params": None}


def test_the_name_of_a_variable_is_no_secret() -> None:
    assert secrets_of((), {"litellm_params": {"api_key": "os.environ/OPENAI_API_KEY"}}, SPEC) == set()


def test_text_that_nobody_can_read_is_a_secret_as_a_whole() -> None:
    text = "{callback_vars: {langfuse_secret_key: " + SECRET
    assert text in secrets_of((), {"metadata": text}, SPEC)


def test_what_is_shown_of_options() -> None:
    options = {
        "alias": "a",
        "metadata": {"logging": [CALLBACK], "course": "x"},
        "items": [{"seed": "s", "sede": SECRET, "metadata": {"logging": [CALLBACK]}}],
        "itmes": [{"seed": SECRET}],
    }
    result = redact_options(options, SPEC)
    assert SECRET not in str(result)
    assert result["alias"] == "a" and result["metadata"]["course"] == "x"
    assert result["metadata"]["logging"][0]["callback_vars"]["rate"] == "********"
    assert result["items"][0]["seed"] == "********"
    assert result["items"][0]["sede"] == result["itmes"] == "********"


@pytest.mark.parametrize(
    ("items", "shown"), [(None, None), ("text", "********"), ([None, "text", 3], [None, "********", "********"])]
)
def test_options_of_a_wrong_type_do_not_break_it(items: Any, shown: Any) -> None:
    assert redact_options({"items": items}, SPEC) == {"items": shown}


@pytest.mark.parametrize("given", [{"api_key": "hunter2-hunter2", "pin": 20310314}, '{"api_key": "hunter2-hunter2"}'])
def test_an_option_that_is_secret_is_so_after_ansible_has_converted_it(given: Any) -> None:
    """Ansible learns the secrets of a task before it makes a mapping of JSON text."""
    assert redact_options({"values": given}, SPEC) == {"values": "********"}
    assert secrets_of((), {"values": given}, SPEC) >= {"hunter2-hunter2"}
    assert secrets_of((), {"values": {"pin": 20310314}}, SPEC) == {"20310314"}


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text("abc 123"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc"), inner, max_size=3),
    max_leaves=6,
)
HIDE_ME = "Hide-Me-0123456789"
SECRET_ENTRIES: list[Any] = [
    {"redis_password": HIDE_ME},
    {"health_check_params": {"api_key": HIDE_ME}},
    {"apiKey": HIDE_ME},
    {"API_KEYS": [HIDE_ME]},
    {"signing key": HIDE_ME},
    {"db": {"pwd": HIDE_ME}},
    {"client-secret": HIDE_ME},
    {"auth": {"user": "ann", "word": HIDE_ME}},
    {"extra_headers": {"X-Anything": HIDE_ME}},
    {"Headers": {"a": [HIDE_ME]}},
    {"callback_vars": {"host": HIDE_ME}},
    {"litellm_params": {"aws_access_key_id": HIDE_ME}},
    {"litellm_params": f"api_key={HIDE_ME}"},
    {"api_base": f"https://ann:{HIDE_ME}@host/v1"},
    {"api_base": f"https://{HIDE_ME}@host/v1"},
    {"api_base": f"https://ann:a/{HIDE_ME}@host/v1"},
    {"api_base": f"https://ann:a@{HIDE_ME}@host/v1"},
    {"url": f"redis://:{HIDE_ME}@host:6379/0"},
    {"url": f"https://host/x?key={HIDE_ME}"},
    {"url": f"https://host/x?a=1&X-Amz-Signature={HIDE_ME}#top"},
    {"url": f"https://host/x?sig={HIDE_ME}"},
    {"note": f"Authorization: Bearer {HIDE_ME}"},
    {"note": f"bearer {HIDE_ME}"},
    {"note": f"Basic {HIDE_ME}="},
    {"dsn": f"host=db user=x password={HIDE_ME} sslmode=require"},
    {"dsn": f"Server=x;Password='{HIDE_ME}';"},
    {"note": json.dumps({"api_key": HIDE_ME})},
    {"note": json.dumps({"a": json.dumps({"api_key": HIDE_ME})})},
    {"note": str({"api_key": HIDE_ME})},
    {"note": json.dumps({"credentials": {"id": HIDE_ME}})},
    {"note": f"api_key: {HIDE_ME}"},
    {"note": f"{{api_key: {HIDE_ME}"},
    {"list": [[{"x": [{"secret": {"y": HIDE_ME}}]}]]},
    {"pem": f"-----BEGIN RSA PRIVATE KEY-----\n{HIDE_ME}\n-----END RSA PRIVATE KEY-----"},
    {"pem": f"-----BEGIN PRIVATE KEY-----\n{HIDE_ME}"},
]
ISSUED = [
    "sk-proj-Ab3dEf6hIj9lMn2pQr5tUv8x",
    "ghp_0123456789abcdefghijABCDEFGHIJ012345",
    "glpat-0123456789abcdefghij",
    "xoxb-012345678901-abcdefghij",
    "AKIAIOSFODNN7EXAMPLE",
    "AIzaSyA0123456789abcdefghijklmnopqrstuv",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
    "hf_0123456789abcdefghijABCDEFGHIJ",
    "gsk_0123456789abcdefghijABCDEFGHIJ",
    "hvs.0123456789abcdefghijABCDEFGHIJ",
]


@pytest.mark.parametrize("entry", SECRET_ENTRIES, ids=str)
@pytest.mark.parametrize("option", ["metadata", "litellm_params"])
def test_a_secret_in_free_data_is_hidden(entry: Any, option: str) -> None:
    for shown in (redact(entry), redact({"a": [entry]}), redact_options({option: entry}, SPEC)):
        assert HIDE_ME not in json.dumps(shown)
        assert "********" in json.dumps(shown)
    assert any(HIDE_ME in text for text in secrets_of((), {option: entry}, SPEC))


@pytest.mark.parametrize("secret", ISSUED)
def test_what_bears_the_mark_of_its_issuer_is_hidden(secret: str) -> None:
    assert redact({"note": f"<{secret}>"}) == {"note": "<********>"}
    assert secret not in Secrets().mask(f"The value '{secret}' is wrong.")


@pytest.mark.parametrize(
    "entry",
    [
        {"key": "gpt-4o", "key_alias": "sk-python-course", "key_type": "llm_api", "max_tokens": 4096},
        {
            "cost_center": "4711",
            "cost_per_token": 0.1,
            "token_budget": 5,
            "auth": None,
            "use_auth": True,
            "password": "",
        },
        {"api_base": "https://host:8080/v1?api-version=2024-10-01", "note": "Mail ann@example.com or //cdn/x"},
        {"url": "https://medium.com/@ann", "other": "http://host:8080/@scope/x", "query": "https://h/?to=a@b.c&q=1"},
        {"note": "Basic plan of the bearer", "time": "2031-03-14T18:00:00+01:00", "ratio": "a=1, b: 2"},
        {"key_id": "a" * 64, "key_name": "sk-...abcd", "litellm_params": {"litellm_credential_name": "openai"}},
        {"credential_values": {"api_key": "********", "api_base": "******** (changed)"}},
        {"note": json.dumps({"course": "python"}), "list": "[1, 2", "empty": {}},
        {"models": ["sk-learn", "gpt-4o"], "extra_headers": ["authorization"]},
    ],
)
def test_what_is_no_secret_is_shown(entry: Any) -> None:
    assert redact(entry) == entry


def test_what_is_shown_of_a_text_tells_what_it_was() -> None:
    assert redact(["https://ann:word@host/v1", "host=db password=word", '{"token": "word", "a": 1}']) == [
        "https://********@host/v1",
        "host=db password=********",
        '{"token": "********", "a": 1}',
    ]


def test_the_password_of_a_url_is_a_secret_of_its_own() -> None:
    assert {"a-password", "ann:a-password"} <= secrets_of((), {"name": "https://ann:a-password@host"}, SPEC)
    assert "a+password" in secrets_of((), {"name": "https://ann:a%2Bpassword@host"}, SPEC)


def test_redact_hides_the_variables_of_callbacks_at_any_depth() -> None:
    value = {"logging": [{"callback_name": "langfuse", "callback_vars": {"secret": "s3cret", "host": "h"}}], "n": (1,)}
    assert redact(value) == {
        "logging": [{"callback_name": "langfuse", "callback_vars": {"secret": "********", "host": "********"}}],
        "n": [1],
    }


@given(plain)
def test_redact_leaves_other_data_as_it_is(value: Any) -> None:
    assert redact(value) == value


PEM = (
    "-----BEGIN PRIVATE KEY-----\n" + "\n".join(f"MIIEvQ{n}IBADANBgkqhkiG9w0BAQ/+FA{n}ASCB" for n in range(30)) + "=\n"
)
SECRETS = {
    "pem": PEM,
    "json": json.dumps({"type": "service_account", "private_key": PEM, "note": 'it\'s "quoted"'}),
    "spaces": "correct  horse\tbattery   staple",
    "brace": "sk-abc}def'ghi\"jkl,mno)pqr]",
    "backslash": "C:\\secrets\\new\\tab'le\"",
    "url": "https://user:pa%20ss@host/?key=a+b/c==",
    "umlauts": "pässwörter-größer-als-ÄÖÜ",
    "cyrillic": "пароль очень секретный",
    "emoji": "🔑🔑🔑 and 🗝🗝🗝",
    "signs": "!!$$%%&&//((==))??",
    "seed": "seed-0123456789-abcdefghijklmnopqrstuvwxyz",
    "short": "hunter22",
}
WRITERS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "one line": lambda text: " ".join(text.split()),
    "json": json.dumps,
    "json in utf-8": lambda text: json.dumps(text, ensure_ascii=False),
    "json in json": lambda text: json.dumps(json.dumps({"a": text})),
    "repr": repr,
    "repr of a mapping": lambda text: str({"value": text}),
    "repr in json": lambda text: json.dumps({"error": str({"value": text})}),
    "json in repr": lambda text: repr(json.dumps({"value": text})),
    "ascii": ascii,
    "bytes": lambda text: repr(text.encode()),
    "quoted": lambda text: quote(text, safe=""),
    "quoted as a path": quote,
    "quoted as a form": quote_plus,
    "quoted in small letters": lambda text: quote(text, safe="").lower() if text.islower() else quote(text, safe=""),
}


def pieces(text: str, size: int) -> set[str]:
    """All runs of so many letters and digits, without what stands between them."""
    letters = "".join(char for char in text if char.isalnum() and char.isascii())
    return {letters[start : start + size] for start in range(len(letters) - size + 1)}


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_is_hidden_however_it_is_written(name: str, writer: str) -> None:
    written = WRITERS[writer](SECRETS[name])
    shown = Secrets([SECRETS[name]]).mask(f"Wrong value {written} for a field.")
    assert shown.startswith("Wrong value ")
    assert shown.endswith(" for a field.")
    assert written not in shown
    assert not pieces(shown.replace("Wrong value", "").replace("for a field", ""), 8) & pieces(SECRETS[name], 8)


@pytest.mark.parametrize("cut", [slice(0, 60), slice(100, 160), slice(-60, None)])
def test_a_part_of_a_long_secret_is_hidden_too(cut: slice) -> None:
    """Pydantic shows the first and the last 25 characters of a value."""
    shown = Secrets([PEM]).mask(f"input_value='{PEM[cut]!r}...'")
    assert not pieces(shown, 8) & pieces(PEM, 8)


@pytest.mark.parametrize(
    ("secret", "shown"),
    [
        ("1", "Not 1 of 12 models, no cat in concatenation."),
        ("cat", "Not 1 of 12 models, no cat in concatenation."),
        ("models", "Not 1 of 12 ********, no cat in concatenation."),
        ("mode", "Not 1 of 12 models, no cat in concatenation."),
        ("concatenation", "Not 1 of 12 models, no cat in ********."),
        ("    ", "Not 1 of 12 models, no cat in concatenation."),
    ],
)
def test_a_short_secret_does_not_star_out_the_sentence(secret: str, shown: str) -> None:
    assert Secrets([secret]).mask("Not 1 of 12 models, no cat in concatenation.") == shown


def test_what_is_no_secret_stays() -> None:
    sentence = "Key with alias 'python-course-ann' already exists. Unique key aliases across all keys are required."
    assert Secrets(SECRETS.values()).mask(sentence) == sentence


@given(
    st.text(min_size=8).filter(lambda text: len(text.strip()) >= 8 and text.isprintable()),
    st.sampled_from(["plain", "one line", "json", "json in utf-8", "repr", "ascii", "quoted", "quoted as a form"]),
)
def test_any_text_is_hidden(secret: str, writer: str) -> None:
    written = WRITERS[writer](secret)
    inside = written[1:-1] if writer in ("json", "json in utf-8", "repr", "ascii") else written
    assert Secrets([secret]).mask(f"<{inside}>") in ("<********>", f"<{inside}>".replace(secret.strip(), "********"))


def test_the_request_and_what_it_holds() -> None:
    secrets = Secrets()
    secrets.add_from(
        {
            "key": "sk-0123456789abcdefgh",
            "key_alias": "python-course-ann",
            "credential_values": {"vertex": {"private_key": PEM}, "region": "europe-west-1"},
            "metadata": {"logging": [{"callback_vars": {"langfuse_host": "langfuse.example.com"}}]},
            "litellm_params": {"model": "openai/gpt-4o-mini", "aws_secret_access_key": "wJalrXUtnFEMI/K7MDENG"},
        }
    )
    told = "python-course-ann openai/gpt-4o-mini europe-west-1 langfuse.example.com wJalrXUtnFEMI/K7MDENG " + PEM
    assert secrets.mask(told).startswith("python-course-ann openai/gpt-4o-mini ******** ******** ********")
    assert "sk-0123" not in repr(secrets)


SENTENCES = [
    lambda text: {"error": {"message": text, "type": "t", "code": "c", "param": "p"}},
    lambda text: {"error": {"message": "m", "type": text, "code": text, "param": text}},
    lambda text: {"error": {"message": str({"error": text})}},
    lambda text: {"detail": [{"loc": ["body", text], "msg": text, "input": text}]},
    lambda text: {"detail": {"error": text}},
    lambda text: {"error": "x" * 550 + "   " + text},
    lambda text: {"error": text * 50},
]


@pytest.mark.parametrize("sentence", SENTENCES)
@pytest.mark.parametrize("name", SECRETS)
def test_no_part_of_an_error_holds_a_secret(httpserver: HTTPServer, name: str, sentence: Callable[[str], Any]) -> None:
    """The value is only in the request, not among what the task declared."""
    secret = SECRETS[name]
    httpserver.expect_request("/credentials").respond_with_json(sentence(secret), 400)
    client = Client(Settings(httpserver.url_for("").rstrip("/"), "sk-unit-master-key-0123456789", retries=0))
    with pytest.raises(ApiError) as caught:
        client.send("/credentials", {"credential_values": {"api_key": secret}})
    for text in (str(caught.value), str(caught.value.as_dict({}))):
        assert secret not in text
        assert " ".join(secret.split()) not in text
        assert not pieces(text, 8) & pieces(secret, 8)


@pytest.mark.parametrize(
    "target",
    ["https://user:pass%20word@host/x", "//user:pass@word@host", "https://user:p'w@host", "http://:word@host/"],
)
def test_a_redirection_shows_no_password(httpserver: HTTPServer, target: str) -> None:
    httpserver.expect_request("/x").respond_with_data("", 302, {"Location": target})
    client = Client(Settings(httpserver.url_for("").rstrip("/"), "sk-unit-master-key-0123456789", retries=0))
    with pytest.raises(ApiError, match=r"redirects to .*host") as caught:
        client.get("/x")
    assert "word" not in caught.value.message
    assert "pass" not in caught.value.message
    assert "p'w" not in caught.value.message


def test_the_password_of_a_web_proxy_is_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://user:proxy-password-1@nowhere.invalid:3128")
    with pytest.raises(ApiError) as caught:
        Client(Settings("http://litellm.invalid", "sk-unit-master-key-0123456789", retries=0)).get("/x")
    assert "proxy-password-1" not in str(caught.value)


def test_an_address_without_a_scheme_hides_its_password_and_other_text_stays() -> None:
    said = {"api_url": "user:pass-word@host:4000/x", "contact": "team:payments@corp.example"}
    assert redact(said) == {**said, "api_url": "user:********@host:4000/x"}
    assert redact({"api_url": "localhost:4000/x@y"}) == {"api_url": "localhost:4000/x@y"}
