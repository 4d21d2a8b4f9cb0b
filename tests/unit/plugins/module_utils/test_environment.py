# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The variables of the environment that lead to a proxy."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._environment import (
    ca_bundle,
    is_loopback,
    web_proxy,
)


@pytest.mark.parametrize(
    ("no_proxy", "host", "used"),
    [
        ("", "litellm.example.com", True),
        ("other.example.com", "litellm.example.com", True),
        ("litellm.example.com", "litellm.example.com", False),
        (".example.com", "litellm.example.com", False),
        ("litellm.example.com:4000", "litellm.example.com:4000", False),
        ("litellm.example.com:4001", "litellm.example.com:4000", True),
        ("10.0.0.0/8", "10.1.2.3:4000", False),
        ("10.0.0.0/8, 192.168.0.0/16", "192.168.7.1", False),
        ("10.0.0.0/8", "11.1.2.3", True),
        ("10.0.0.0/99, nonsense/8", "10.1.2.3", True),
        ("fd00::/8", "[fd00::1]:4000", False),
        ("*", "litellm.example.com", False),
    ],
)
def test_no_proxy(monkeypatch: pytest.MonkeyPatch, no_proxy: str, host: str, used: bool) -> None:
    monkeypatch.setenv("http_proxy", "http://webproxy:3128")
    monkeypatch.setenv("no_proxy", no_proxy)
    assert bool(web_proxy(f"http://{host}")) is used


@pytest.mark.parametrize(
    ("variable", "url"),
    [("http_proxy", "http://host"), ("HTTPS_PROXY", "https://host"), ("ALL_PROXY", "https://host")],
)
@pytest.mark.parametrize("proxy", ["http://proxy:3128", "proxy:3128", "http://user:word@proxy", "socks5h://[::1]:1080"])
def test_the_proxy_of_each_variable(monkeypatch: pytest.MonkeyPatch, variable: str, url: str, proxy: str) -> None:
    monkeypatch.setenv(variable, proxy)
    assert web_proxy(url) == proxy
    assert web_proxy("ftp://host") == (proxy if variable == "ALL_PROXY" else None)


@pytest.mark.parametrize("variable", ["http_proxy", "HTTP_PROXY", "all_proxy"])
@pytest.mark.parametrize(
    "proxy", ["http://[::bad", "http://", "http://a b", "mail://proxy", "http://proxy:0", "http://u:Word@:1"]
)
def test_what_is_no_proxy_is_refused_without_showing_it(
    monkeypatch: pytest.MonkeyPatch, variable: str, proxy: str
) -> None:
    monkeypatch.setenv(variable, proxy)
    with pytest.raises(ValueError, match=f"The environment variable {variable} is not a URL such as") as caught:
        web_proxy("http://host")
    assert "Word" not in str(caught.value)
    monkeypatch.setenv("no_proxy", "host")
    assert web_proxy("http://host") is None


def test_the_ca_bundle(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert ca_bundle() is None
    monkeypatch.setenv("CURL_CA_BUNDLE", str(tmp_path))
    assert ca_bundle() == str(tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere.pem")
    with pytest.raises(ValueError, match=r"environment variable REQUESTS_CA_BUNDLE: /nowhere.pem does not exist"):
        ca_bundle()


def test_what_is_on_this_machine() -> None:
    assert [is_loopback(host) for host in ("localhost", "127.8.8.8", "::1", "localhost.example.com", "10.0.0.1")] == [
        *(True, True, True),
        *(False, False),
    ]
