# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connection options and what is made of them. Private: only for use inside this collection."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from ansible.module_utils.common.parameters import env_fallback

from ._environment import ca_bundle, is_loopback, web_proxy

MAX_TIMEOUT = 24 * 60 * 60

CONNECTION_OPTIONS: dict[str, dict[str, Any]] = {
    "api_url": {
        "type": "str",
        "fallback": (env_fallback, ["LITELLM_PROXY_URL", "LITELLM_API_URL"]),
    },
    "api_key": {
        "type": "str",
        "no_log": True,
        "aliases": ["master_key"],
        "fallback": (env_fallback, ["LITELLM_PROXY_API_KEY", "LITELLM_MASTER_KEY"]),
    },
    "validate_certs": {"type": "bool", "default": True},
    "ca_path": {"type": "path"},
    "client_cert": {"type": "path"},
    "client_key": {"type": "path", "no_log": False},
    "timeout": {"type": "int", "default": 30},
    "retries": {"type": "int", "default": 5},
    "changed_by": {"type": "str"},
}


@dataclass(frozen=True)
class Settings:
    """How to reach a proxy.

    ``timeout`` is in seconds; ``retries`` counts the tries after the first; ``key_option`` names the key in messages.
    """

    api_url: str
    api_key: str = field(repr=False)
    validate_certs: bool = True
    ca_path: str | None = None
    client_cert: str | None = None
    client_key: str | None = None
    timeout: int = 30
    retries: int = 5
    changed_by: str | None = None
    key_option: str = "api_key"

    @classmethod
    def from_params(cls, get: Callable[[str], Any]) -> Settings:
        """Make settings from ``get(option)``: ``module.params.get``, or a plugin's ``get_option``.

        :raises ValueError: with a sentence for the user in which options are marked, when one cannot be right.
        """
        values = {part.name: get(part.name) for part in fields(cls) if part.name in CONNECTION_OPTIONS}
        for name in ("api_url", "api_key"):
            if values[name] is None:
                variable = CONNECTION_OPTIONS[name]["fallback"][1][0]
                raise ValueError(f"Set O({name}), or the environment variable {variable}.")
        values["api_url"] = base_url(values["api_url"])
        values["api_key"] = values["api_key"].strip()
        if not values["api_key"] or not values["api_key"].isascii() or not values["api_key"].isprintable():
            raise ValueError("O(api_key) is empty or contains characters that are not allowed in an HTTP header.")
        if values["timeout"] < 1:
            raise ValueError("O(timeout) must be at least 1 second.")
        if values["timeout"] > MAX_TIMEOUT:
            raise ValueError(f"O(timeout) must be at most {MAX_TIMEOUT} seconds.")
        if values["retries"] < 0:
            raise ValueError("O(retries) must not be negative.")
        if values["client_key"] and not values["client_cert"]:
            raise ValueError("O(client_key) requires O(client_cert).")
        for name in ("ca_path", "client_cert", "client_key"):
            if values[name] and not os.path.exists(values[name]):
                raise ValueError(f"O({name}): {values[name]} does not exist on the host that runs this task.")
        values["changed_by"] = _header_text("changed_by", values["changed_by"])
        web_proxy(values["api_url"])
        if values["validate_certs"] and not values["ca_path"]:
            ca_bundle()
        return cls(**values)

    @property
    def warnings(self) -> list[str]:
        """What others can see or pretend on the way to the proxy, a sentence each."""
        parts = urlsplit(self.api_url)
        found = []
        if parts.scheme == "http" and web_proxy(self.api_url):
            found.append("O(api_key) is sent over plain http to the web proxy that the environment names. Use https.")
        elif parts.scheme == "http" and not is_loopback(parts.hostname or ""):
            found.append("O(api_key) is sent to another machine over plain http. Use https.")
        if parts.scheme == "https" and not self.validate_certs:
            found.append(
                "O(validate_certs) is false, so another machine can pretend to be the proxy and receive O(api_key). "
                "For a private CA, set O(ca_path) instead."
            )
        return found


def flags_for_numbers(options: Any, spec: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return the options that want a number and were given true or false, of which Ansible makes 1 or 0."""
    if isinstance(options, list):
        return list(dict.fromkeys(name for part in options for name in flags_for_numbers(part, spec)))
    if not isinstance(options, Mapping):
        return []
    found = []
    for name, row in spec.items():
        values = [options[one] for one in (name, *row.get("aliases", ())) if one in options]
        if row.get("type") in ("int", "float") and any(isinstance(value, bool) for value in values):
            found.append(name)
        for value in values if "options" in row else ():
            found += [f"{name}.{inner}" for inner in flags_for_numbers(value, row["options"])]
    return found


def base_url(api_url: str) -> str:
    """Return the proxy's address without a trailing slash or ``/v1``; a sub-path stays.

    :raises ValueError: when it is no http(s) address.
    """
    try:
        parts = urlsplit(api_url.strip())
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise ValueError("O(api_url) must be a URL such as https://litellm.example.com or http://127.0.0.1:4000.")
    if parts.username or parts.password:
        raise ValueError("O(api_url) must not contain a user name or a password. Set the key in O(api_key).")
    path = parts.path.rstrip("/")
    if path.endswith("/v1"):
        path = path[: -len("/v1")]
    return urlunsplit((parts.scheme, parts.netloc, path.rstrip("/"), "", ""))


def _header_text(name: str, value: str | None) -> str | None:
    """Return the text of an option as a header can carry it, None if there is none.

    :raises ValueError: if a header cannot carry it.
    """
    text = (value or "").strip()
    wrong = sorted({char for char in text if not ((char.isprintable() and char.isascii()) or "\xa0" < char <= "\xff")})
    if wrong:
        raise ValueError(f"O({name}) contains characters that are not allowed in an HTTP header: {''.join(wrong)!a}.")
    return text or None
