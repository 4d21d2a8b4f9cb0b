# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connection options: addresses as people write them, and what cannot be right."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._args import CONNECTION_OPTIONS, Settings, base_url

GIVEN: dict[str, Any] = {
    "api_url": "https://litellm.example.com/v1/",
    "api_key": " sk-1234 \n",
    "validate_certs": True,
    "ca_path": None,
    "client_cert": None,
    "client_key": None,
    "timeout": 30,
    "retries": 5,
    "changed_by": None,
}


def settings(**changes: Any) -> Settings:
    return Settings.from_params({**GIVEN, **changes}.get)


@pytest.mark.parametrize(
    ("given", "base"),
    [
        ("https://host", "https://host"),
        ("https://host/", "https://host"),
        ("https://host/v1", "https://host"),
        ("https://host/v1/", "https://host"),
        ("https://host/litellm", "https://host/litellm"),
        ("https://host/litellm/v1//", "https://host/litellm"),
        ("https://host/serv1", "https://host/serv1"),
        (" http://127.0.0.1:4000 ", "http://127.0.0.1:4000"),
        ("http://[::1]:4000/", "http://[::1]:4000"),
        ("https://host/ui?page=1#top", "https://host/ui"),
    ],
)
def test_base_url(given: str, base: str) -> None:
    assert base_url(given) == base


@pytest.mark.parametrize(
    "given",
    [
        "",
        "host",
        "host:4000",
        "ftp://host",
        "http://",
        "https:///v1",
        "http://host:0",
        "http://host:99999",
        "http://[x",
    ],
)
def test_what_is_no_address(given: str) -> None:
    with pytest.raises(ValueError, match=r"O\(api_url\) must be a URL such as"):
        base_url(given)


@pytest.mark.parametrize("given", ["https://user:secret@host", "https://user@host"])
def test_an_address_with_credentials_is_refused_without_showing_them(given: str) -> None:
    with pytest.raises(ValueError, match="must not contain a user name or a password") as caught:
        base_url(given)
    assert "secret" not in str(caught.value)


def test_every_option_reaches_the_settings() -> None:
    lost = CONNECTION_OPTIONS.keys() - {field.name for field in dataclasses.fields(Settings)}
    assert not lost, f"Settings in _args.py has no {', '.join(lost)}"


def test_settings() -> None:
    assert settings() == Settings("https://litellm.example.com", "sk-1234")
    assert settings(changed_by="me", timeout=1, retries=0) == Settings(
        "https://litellm.example.com", "sk-1234", timeout=1, retries=0, changed_by="me"
    )


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"api_url": None}, r"Set O\(api_url\), or the environment variable LITELLM_PROXY_URL\."),
        ({"api_key": None}, r"Set O\(api_key\), or the environment variable LITELLM_PROXY_API_KEY\."),
        ({"api_key": "  "}, r"O\(api_key\) is empty"),
        ({"api_key": "sk-a\nb"}, "are not allowed in an HTTP header"),
        ({"api_key": "sk-ä"}, "are not allowed in an HTTP header"),
        ({"timeout": 0}, r"O\(timeout\) must be at least 1 second"),
        ({"timeout": 10**12}, r"O\(timeout\) must be at most 86400 seconds"),
        ({"changed_by": "Anne Čapek"}, r"O\(changed_by\) contains characters .* header: '\\u010c'"),
        ({"changed_by": "a\nb"}, r"O\(changed_by\) contains characters .* header: '\\n'"),
        ({"retries": -1}, r"O\(retries\) must not be negative"),
        ({"client_key": "/etc/hosts"}, r"O\(client_key\) requires O\(client_cert\)"),
        ({"ca_path": "/nowhere.pem"}, r"O\(ca_path\): /nowhere.pem does not exist"),
        ({"client_cert": "/nowhere.pem"}, r"O\(client_cert\): /nowhere.pem does not exist"),
        ({"client_cert": "/etc/hosts", "client_key": "/nowhere.pem"}, r"O\(client_key\): /nowhere.pem does not exist"),
        ({"api_url": "host"}, r"O\(api_url\) must be a URL"),
    ],
)
def test_settings_that_cannot_be_right(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words) as caught:
        settings(**changes)
    assert "sk-" not in str(caught.value)


def test_files_that_are_there(tmp_path: Path) -> None:
    file = tmp_path / "x.pem"
    file.touch()
    made = settings(ca_path=str(file), client_cert=str(file), client_key=str(file))
    assert made.ca_path == made.client_cert == made.client_key == str(file)


@pytest.mark.parametrize(
    ("url", "clear"),
    [
        ("http://litellm.example.com", True),
        ("http://10.0.0.1:4000", True),
        ("http://127.0.0.1:4000", False),
        ("http://127.8.8.8", False),
        ("http://localhost", False),
        ("http://[::1]:1", False),
        ("http://localhost.example.com", True),
        ("https://litellm.example.com", False),
    ],
)
def test_a_key_that_others_can_read_on_its_way_is_warned_of(
    monkeypatch: pytest.MonkeyPatch, url: str, clear: bool
) -> None:
    readable = "O(api_key) is sent to another machine over plain http. Use https."
    assert settings(api_url=url).warnings == [readable] * clear
    monkeypatch.setenv("http_proxy", "http://proxy:3128")
    through_proxy = "O(api_key) is sent over plain http to the web proxy that the environment names. Use https."
    assert settings(api_url=url).warnings == [through_proxy] * url.startswith("http:")
    monkeypatch.setenv("no_proxy", "*")
    assert settings(api_url=url).warnings == [readable] * clear


def test_a_proxy_that_anybody_can_pretend_to_be_is_warned_of() -> None:
    assert settings(validate_certs=True).warnings == []
    (warning,) = settings(validate_certs=False).warnings
    assert warning.startswith("O(validate_certs) is false")
    assert settings(validate_certs=False, api_url="http://127.0.0.1:4000").warnings == []


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "https_proxy"])
def test_an_environment_that_cannot_be_right_is_refused(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setenv(variable, "http://[::bad")
    with pytest.raises(ValueError, match=f"The environment variable {variable}"):
        settings()


def test_a_name_that_a_header_can_carry() -> None:
    assert [settings(changed_by=name).changed_by for name in (" Jörg Ö'Neil ", "", "  ", None)] == [
        *("Jörg Ö'Neil", None, None, None)
    ]


def test_only_the_key_is_secret() -> None:
    assert [name for name, option in CONNECTION_OPTIONS.items() if option.get("no_log")] == ["api_key"]
    assert {name: option["default"] for name, option in CONNECTION_OPTIONS.items() if "default" in option} == {
        "validate_certs": True,
        "timeout": 30,
        "retries": 5,
    }


def test_the_key_is_not_in_the_settings_repr() -> None:
    assert "sk-secret-master-key" not in repr(Settings("http://127.0.0.1:4000", "sk-secret-master-key"))
