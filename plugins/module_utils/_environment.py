# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the environment says about the way to a proxy. Private: only for use inside this collection."""

from __future__ import annotations

import os
import re
from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit
from urllib.request import getproxies_environment, proxy_bypass_environment  # type: ignore[attr-defined]

SCHEMES = ("http", "https", "socks4", "socks4a", "socks5", "socks5h")


def web_proxy(url: str) -> str | None:
    """Return the web proxy for a URL, None if there is none.

    Of the environment alone: macOS kills a forked process that asks the system.

    :raises ValueError: with a sentence for the user, if the environment names none that can be used.
    """
    parts = urlsplit(url)
    host, proxies = parts.hostname or "", getproxies_environment()
    if _is_excepted(host, proxies.pop("no", "")):
        return None
    if proxy_bypass_environment(host) or proxy_bypass_environment(parts.netloc):
        return None
    scheme = parts.scheme if parts.scheme in proxies else "all"
    proxy = proxies.get(scheme)
    if proxy and not _is_proxy(proxy):
        raise ValueError(
            f"The environment variable {_variable(f'{scheme}_proxy')} is not a URL such as "
            "http://proxy.example.com:3128."
        )
    return proxy or None


def ca_bundle() -> str | None:
    """Return the path to the CA certificates to trust, None if the environment names none.

    :raises ValueError: with a sentence for the user, if there is no such file.
    """
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        path = os.environ.get(name)
        if path and not os.path.exists(path):
            raise ValueError(f"The environment variable {name}: {path} does not exist on the host that runs this task.")
        if path:
            return path
    return None


def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _is_excepted(host: str, exceptions: str) -> bool:
    """Return whether the address of a host is in one of the networks that need no web proxy."""
    try:
        address = ip_address(host)
    except ValueError:
        return False
    for entry in exceptions.split(","):
        try:
            if "/" in entry and address in ip_network(entry.strip(), strict=False):
                return True
        except ValueError:
            continue
    return False


def _is_proxy(proxy: str) -> bool:
    try:
        parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
        usable = parts.scheme in SCHEMES and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    return usable and not re.search(r"\s", proxy)


def _variable(name: str) -> str:
    """Return how the environment writes the name of a variable."""
    return next((one for one in os.environ if one.lower() == name), name)
