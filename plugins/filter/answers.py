# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Variables of a role as surveys give them: numbers and booleans as text, and blank where nothing was answered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.litemaas.virtual_keys.plugins.module_utils._errors import InputError
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._hand_out._texts import time_zone
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._names import refuse_likely_typos
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._variables import (
    NOTHING,
    VariableError,
    amount,
    did_you_mean,
    flag,
    nearest,
    structure,
    whole,
)


def answers(variables: Mapping[str, Any], spec: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """What the variables mean, or what is wrong with one of them.

    A problem is returned, not raised: Ansible wraps what a filter raises in pages of context.

    :param variables: by name without prefix. ``names`` are those of all variables there are.
    :param spec: of each variable its ``type``, its ``default``, and its ``least`` value or its ``choices``.
    """
    defaults = {name: rule.get("default") for name, rule in spec.items()}
    try:
        refuse_likely_typos(variables.get("names") or ())
        given = {
            name: _read(f"litellm_vkey_{name}", variables[name], rule)
            for name, rule in spec.items()
            if not _is_left_out(variables.get(name))
        }
        if "time_zone" in given:
            time_zone(given["time_zone"])
    except (VariableError, InputError) as error:
        return {"problem": str(error), **defaults}
    return {"problem": "", **defaults, **given}


def _is_left_out(value: Any) -> bool:
    return value is None or (isinstance(value, str) and value.strip() in NOTHING)


def _read(name: str, value: Any, rule: Mapping[str, Any]) -> Any:
    kind, choices = rule.get("type", "str"), list(rule.get("choices") or ())
    if kind == "int":
        return whole(name, value, rule.get("least"))
    if kind == "float":
        return amount(name, value)
    if kind == "bool":
        return flag(name, value)
    if kind == "str":
        return str(value).strip()
    read = structure(name, value, list if kind == "list" else dict)
    unknown = [str(one) for one in read if choices and one not in choices]
    if unknown:
        meant = nearest(unknown[0], choices)
        raise VariableError(
            f"{name}: '{unknown[0]}' is not one of {', '.join(choices)}{did_you_mean(meant) if meant else '.'}"
        )
    return read


class FilterModule:
    """Filters of this collection."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"answers": answers}
