# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a proxy is too old for, has no license for, or has no model for, found before anything is written.

Private: only for use inside this collection. The proxy is asked only about what is going to be written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .._engine import Plan, Resource, unsupported
from .._errors import InputError
from .._proxy import Proxy
from .._text import mark_options


def ensure_supported(resource: Resource, plan: Plan, proxy: Proxy) -> None:
    """Refuse a plan with a field, or for an object, for which the proxy is too old.

    :raises InputError: naming the field and the version that it needs.
    """
    if resource.since and proxy.version and not proxy.at_least(resource.since):
        raise InputError(
            f"This module requires LiteLLM {resource.since} or newer, and the proxy has {proxy.version}, which loses "
            f"parts of what is declared of the {resource.kind}.",
            plan.name,
        )
    updating = plan.action == "update"
    if not unsupported(resource, plan.changes, "0", updating):
        return  # every version can: the proxy's is not even asked for
    too_new = unsupported(resource, plan.changes, proxy.version, updating)
    if too_new:
        needs = ", ".join(f"{what} (since {since})" for what, since in too_new)
        raise InputError(f"LiteLLM {proxy.version} on this proxy does not {needs}.", plan.name)


def licensed_fields(resource: Resource, plan: Plan) -> list[str]:
    """Return the fields of the plan that LiteLLM writes only with an Enterprise license."""
    rows = ((resource.field(name), value) for name, value in plan.changes.items())
    return [row.name for row, value in rows if row.licensed and not row.is_empty(value)]


def unlicensed(parts: Sequence[str], proxy: Proxy) -> str | None:
    """Return why parts of a plan that need a license are refused, None if the proxy has one."""
    if not parts or proxy.licensed is not False:
        return None
    verb = "requires" if len(parts) == 1 else "require"
    return f"{mark_options(parts)} {verb} a LiteLLM Enterprise license, which the proxy does not have."


def unknown_models(plan: Plan, options: Mapping[str, Any], proxy: Proxy) -> str | None:
    """Return why the models of the plan are refused, if they are to be looked up: LiteLLM itself takes any name."""
    models = plan.changes.get("models")
    if not options.get("validate_models") or not isinstance(models, list):
        return None
    unknown = ", ".join(f"'{name}'" for name in proxy.unknown_models(models))
    return f"O(models): the proxy has no model {unknown}." if unknown else None
