# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carrying out modules from Python, and how they reach the proxy. Private: only for use inside this collection."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from ansible_collections.litemaas.virtual_keys.plugins.module_utils._args import CONNECTION_OPTIONS
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._errors import InputError, LiteLLMError

from ._variables import Source, Variable, Variables

# How to reach the proxy: the connection options of the modules. These have another name in the roles.
NAMED = {
    row.option: row
    for row in (
        Variable("master_key", no_log=True, aliases=("api_key",), option="api_key"),
        Variable("verify_ssl", "bool", default=True, aliases=("validate_certs",), option="validate_certs"),
        Variable("api_timeout", "int", default=30, least=1, aliases=("timeout",), option="timeout"),
        Variable("retry_count", "int", default=8, least=0, aliases=("retries",), option="retries"),
    )
}
OPTIONS = tuple(
    NAMED.get(name) or Variable(name, spec["type"], no_log=bool(spec.get("no_log")))
    for name, spec in CONNECTION_OPTIONS.items()
)
# Of the role that manage_keys replaces: how long to wait follows from what the proxy answers.
CONNECTION = (*OPTIONS, Variable("retry_delay", "raw", default=2))
ENVIRONMENT = {
    "api_url": ("LITELLM_PROXY_URL", "LITELLM_API_URL"),
    "master_key": ("LITELLM_PROXY_API_KEY", "LITELLM_MASTER_KEY"),
}


class Call(Protocol):
    """Carries out a module of this collection and returns its result, also that of a failure.

    ``check_mode`` is that of the task unless it is given.
    """

    def __call__(self, module: str, /, check_mode: bool | None = None, **options: Any) -> dict[str, Any]: ...


class CallError(LiteLLMError):
    """A module failed. The text is its message."""


def answer(result: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the result of a module.

    :raises CallError: if it failed.
    """
    if result.get("failed"):
        raise CallError(str(result.get("msg") or "The module failed without a message."))
    return result


def environment(environ: Mapping[str, str], table: Iterable[Variable]) -> Source:
    """Return what the environment says of the proxy, as far as that is in the table."""
    rows = {row.name for row in table}
    found = {
        variable: name
        for variable, names in ENVIRONMENT.items()
        if variable in rows and (name := next(filter(environ.get, names), None))
    }
    return Source({variable: environ[name] for variable, name in found.items()}, names=found)


def connection(variables: Variables) -> dict[str, Any]:
    """Return the connection options of a module.

    :raises InputError: if nothing says where the proxy is, or which key to use.
    """
    if not variables.says("api_url"):
        raise InputError(
            "Where is the proxy? Run: export LITELLM_PROXY_URL=https://litellm.example.com. "
            f"Or set {variables.called('api_url')}. In AWX, enter it in the credential of the job."
        )
    if not variables.says("master_key"):
        raise InputError(
            "The key of a proxy admin is missing. Run: read -rs LITELLM_PROXY_API_KEY && export LITELLM_PROXY_API_KEY. "
            f"Or set {variables.called('master_key')}. In AWX, enter it in the credential of the job."
        )
    return {row.option or row.name: variables[row.name] for row in OPTIONS if variables[row.name] is not None}
