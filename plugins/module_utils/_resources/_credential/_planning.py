# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What has to be done for a provider credential, and what of it is written. Pure.

Private: only for use inside this collection.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..._engine import Plan, make_plan
from ..._fingerprints import OWN_ENTRY, fingerprint, fits, guessable_warning, is_guessable, matches
from ..._redaction import CHANGED, HIDDEN
from ._declaration import CredentialDeclaration
from ._table import CREDENTIAL, Record, own_entry, states, users_info


def plan_credential(want: CredentialDeclaration, record: Record | None) -> Plan:
    """Return what has to be done for one credential."""
    declared: dict[str, Any] = {"credential_name": want.name}
    if want.state == "absent":
        return make_plan(CREDENTIAL, declared, record, "absent")
    if want.info is not None:
        declared["credential_info"] = want.info
    if want.values or want.unset:
        declared["credential_values"] = _states_after(want, record)
    plan = make_plan(CREDENTIAL, declared, record)
    return replace(plan, warnings=tuple(_warnings(want, plan)))


def _warnings(want: CredentialDeclaration, plan: Plan) -> list[str]:
    written = written_values(want, plan) if want.update_values == "on_change" else {}
    return guessable_warning(
        "credential_values", (name for name, value in written.items() if is_guessable(name, value))
    )


def _states_after(want: CredentialDeclaration, record: Record | None) -> dict[str, str]:
    """Return the states of all values: existing ones stay, are marked as changed, or are removed; others are added."""
    after = states(record or {})
    for name, value in want.declared_values.items():
        if name not in after:
            after[name] = HIDDEN
        elif not _keeps(want, name, value, record or {}):
            after[name] = CHANGED
    return {name: state for name, state in after.items() if name not in want.unset}


def _keeps(want: CredentialDeclaration, name: str, value: str, record: Record) -> bool:
    """Return whether a value that is there need not be written."""
    if want.update_values != "on_change":
        return want.update_values == "never"
    shown = record["credential_values"][name]
    if shown == value:
        return True  # not masked
    return fits(shown, value) and matches(own_entry(record).get("fingerprints", {}).get(name), name, value)


def written_values(want: CredentialDeclaration, plan: Plan) -> dict[str, str]:
    """Return the values that a plan writes."""
    before, after = (part.get("credential_values", {}) for part in (plan.before, plan.after))
    return {name: want.declared_values[name] for name, state in after.items() if state != before.get(name)}


def removed_values(plan: Plan) -> list[str]:
    """Return the names of the values that a plan removes from a credential that stays."""
    if plan.action == "delete":
        return []
    before, after = (part.get("credential_values", {}) for part in (plan.before, plan.after))
    return [name for name in before if name not in after]


def value_names(plan: Plan) -> list[str]:
    """Return the names of all values that the credential has after a plan."""
    return list(plan.after["credential_values"] if "credential_values" in plan.after else states(plan.existing))


def info_after(want: CredentialDeclaration, plan: Plan, written: Mapping[str, str]) -> dict[str, Any]:
    """Return all of ``credential_info`` as it should be, with our own entry, and with null for what has to go.

    The proxy merges what it is sent: always in memory, and since LiteLLM 1.110 in its database as well.
    """
    info = dict(users_info(plan.existing) if want.info is None else want.info)
    known = own_entry(plan.existing).get("fingerprints") or {}
    marks = {
        **{name: known[name] for name in value_names(plan) if name in known},
        **{name: fingerprint(name, value) for name, value in written.items()},
    }
    gone = dict.fromkeys(name for name in users_info(plan.existing) if name not in info)
    return {**info, **gone, OWN_ENTRY: {"fingerprints": marks} if marks else {}}
