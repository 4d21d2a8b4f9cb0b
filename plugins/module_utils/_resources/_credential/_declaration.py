# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A provider credential: its table of fields, and what a declaration of one means.

Private: only for use inside this collection. Pure: requests to the proxy stand in ``_credential_api``.

The proxy shows no secret value again, only a mask of it. So what is compared, planned and shown is the *state* of each
value, never the value: whether it is there, and whether it will be written. To tell that a value is still the declared
one, a salted fingerprint of it is kept with the credential, in an entry of ``credential_info`` that nobody is shown.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..._engine import NOT_CLEARABLE, Field, Plan, Resource, make_plan, problems
from ..._errors import InputError
from ..._values import alike

Record = Mapping[str, Any]
# The entry of credential_info that is ours: {"fingerprints": {value name: text}, "removed": {entry name: value}}.
OWN_ENTRY = "litemaas_virtual_keys"
HIDDEN = "********"
CHANGED = "******** (changed)"
MASK = re.compile(r"\*{5}|..\*{4,}..", re.DOTALL)
# About 50 ms for whoever knows a fingerprint and tries a value.
ROUNDS = 200_000
SALT_BYTES = 16
POLICIES = ("on_change", "always", "never")


def _is_name(value: str) -> str | None:
    if not value.strip():
        return "must not be blank."
    if value in (".", ".."):
        return f"'{value}' cannot stand in an address."
    if any(ord(char) < 32 or ord(char) == 127 for char in value):
        return "must not hold control characters."
    return None


def _is_info(value: Mapping[str, Any]) -> str | None:
    return f"the entry {OWN_ENTRY} is this collection's own." if OWN_ENTRY in value else None


def own_entry(record: Record) -> Mapping[str, Any]:
    entry = (record.get("credential_info") or {}).get(OWN_ENTRY)
    return entry if isinstance(entry, Mapping) else {}


def _info(record: Record) -> dict[str, Any]:
    """The user's part of ``credential_info``.

    After a change the proxy still shows entries that are gone, until it reads its database again: it replaces
    ``credential_info`` there, but merges it in memory. The last write left a note of them.
    """
    gone = own_entry(record).get("removed") or {}
    return {
        name: value
        for name, value in (record.get("credential_info") or {}).items()
        if name != OWN_ENTRY and not (name in gone and alike(value, gone[name]))
    }


def _states(record: Record) -> dict[str, str]:
    return dict.fromkeys(record.get("credential_values") or {}, HIDDEN)


CREDENTIAL = Resource(
    kind="credential",
    identity="credential_name",
    fields=(
        Field("credential_name", check=_is_name, cleared=NOT_CLEARABLE),
        Field("credential_info", "dict", read=_info, check=_is_info, cleared={}),
        Field("credential_values", "dict", read=_states, cleared={}),
    ),
)


@dataclass(frozen=True)
class Declaration:
    """A checked declaration of one credential. ``info`` is None if it is not declared; ``values`` are secret."""

    name: str
    state: str
    info: Mapping[str, Any] | None = None
    values: Mapping[str, str] | None = None
    unset: tuple[str, ...] = ()
    model_id: str | None = None
    update_values: str = "on_change"

    @property
    def identity(self) -> Mapping[str, str]:
        return {CREDENTIAL.identity: self.name}

    @property
    def declared_values(self) -> Mapping[str, str]:
        return self.values or {}


def credential_options() -> dict[str, dict[str, Any]]:
    """Argument spec of one declared credential, without ``state``."""
    options = CREDENTIAL.options()
    options["credential_name"].update(required=True, aliases=["name"])
    options["credential_values"].update(no_log=True)
    return {
        **options,
        "model_id": {"type": "str"},
        "unset": {"type": "list", "elements": "str"},
        "update_values": {"type": "str", "choices": list(POLICIES), "default": "on_change"},
    }


def declare(options: Mapping[str, Any], state: str = "present") -> Declaration:
    """What the parameters of ``litellm_credential`` declare.

    :raises InputError: naming all that is wrong with them; never a value.
    """
    name = options["credential_name"]
    if state == "absent":
        found = problems(CREDENTIAL, {"credential_name": name})
        values, unset = {}, ()
    else:
        values = {str(value_name): _text(value) for value_name, value in (options["credential_values"] or {}).items()}
        unset = tuple(dict.fromkeys(options["unset"] or ()))
        found = problems(CREDENTIAL, {"credential_name": name, "credential_info": options["credential_info"]})
        found += _value_problems(values, unset, options["model_id"])
    if not name.strip():
        found.append("credential_name is required and must not be blank.")
    if found:
        raise InputError(" ".join(found), name)
    return Declaration(
        name=name,
        state=state,
        info=options["credential_info"],
        values={key: value for key, value in values.items() if value is not None},
        unset=unset,
        model_id=options["model_id"] or None,
        update_values=options["update_values"],
    )


def _text(value: Any) -> str | None:
    """The proxy encrypts text only, so everything else becomes JSON text."""
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


def _value_problems(values: Mapping[str, str | None], unset: tuple[str, ...], model_id: str | None) -> list[str]:
    found = []
    empty = [name for name, value in values.items() if not value]
    if empty:
        found.append(f"credential_values: {', '.join(empty)} has no value; to remove a value, name it in unset.")
    masked = [name for name, value in values.items() if value and MASK.fullmatch(value)]
    if masked:
        found.append(f"credential_values: {', '.join(masked)} is a mask as LiteLLM shows it, not a value.")
    both = [name for name in unset if name in values]
    if both:
        found.append(f"{', '.join(both)}: declared and in unset at once.")
    if model_id and values:
        found.append("model_id and credential_values exclude each other: LiteLLM copies the values of that model.")
    return found


def plan_credential(want: Declaration, record: Record | None) -> Plan:
    """What has to be done for one credential."""
    declared: dict[str, Any] = {"credential_name": want.name}
    if want.state == "absent":
        return make_plan(CREDENTIAL, declared, record, "absent")
    if want.info is not None:
        declared["credential_info"] = want.info
    if want.values or want.unset:
        declared["credential_values"] = _states_after(want, record)
    return make_plan(CREDENTIAL, declared, record)


def _states_after(want: Declaration, record: Record | None) -> dict[str, str]:
    """The states of all values: those that are there stay, are marked as changed, or go; others come."""
    states = _states(record or {})
    for name, value in want.declared_values.items():
        if name not in states:
            states[name] = HIDDEN
        elif not _keeps(want, name, value, record or {}):
            states[name] = CHANGED
    return {name: state for name, state in states.items() if name not in want.unset}


def _keeps(want: Declaration, name: str, value: str, record: Record) -> bool:
    """Whether a value that is there need not be written."""
    if want.update_values != "on_change":
        return want.update_values == "never"
    shown = record["credential_values"][name]
    if shown == value:
        return True  # not masked
    return fits(shown, value) and matches(own_entry(record).get("fingerprints", {}).get(name), value)


def fits(shown: Any, value: str) -> bool:
    """Whether what the proxy shows may be the mask of a value."""
    if not isinstance(shown, str) or not MASK.fullmatch(shown):
        return False
    return (
        len(value) <= 4 if shown == "*****" else len(value) > 4 and (shown[:2], shown[-2:]) == (value[:2], value[-2:])
    )


def fingerprint(value: str, salt: bytes | None = None) -> str:
    """A text that tells whether a value is the same one, and from which it cannot be found but by trying."""
    salt = salt or secrets.token_bytes(SALT_BYTES)
    return f"{salt.hex()}:{hashlib.pbkdf2_hmac('sha256', value.encode(), salt, ROUNDS).hex()}"


def matches(known: Any, value: str) -> bool:
    """Whether a fingerprint is that of a value. One that is missing or damaged is of none."""
    if not isinstance(known, str) or not re.fullmatch(r"[0-9a-f]{32}:[0-9a-f]{64}", known):
        return False
    return hmac.compare_digest(known, fingerprint(value, bytes.fromhex(known.partition(":")[0])))


def written_values(want: Declaration, plan: Plan) -> dict[str, str]:
    """The values that a plan writes."""
    before, after = (part.get("credential_values", {}) for part in (plan.before, plan.after))
    return {name: want.declared_values[name] for name, state in after.items() if state != before.get(name)}


def removed_values(plan: Plan) -> list[str]:
    """The names of the values that a plan removes from a credential that stays."""
    if plan.action == "delete":
        return []
    before, after = (part.get("credential_values", {}) for part in (plan.before, plan.after))
    return [name for name in before if name not in after]


def value_names(plan: Plan) -> list[str]:
    """The names of all values that the credential has after a plan."""
    return list(plan.after["credential_values"] if "credential_values" in plan.after else _states(plan.existing))


def info_after(want: Declaration, plan: Plan, written: Mapping[str, str]) -> dict[str, Any]:
    """All of ``credential_info`` as it shall be, which the proxy replaces as a whole: with our own entry."""
    shown = {name: value for name, value in plan.existing.get("credential_info", {}).items() if name != OWN_ENTRY}
    info = dict(_info(plan.existing) if want.info is None else want.info)
    known = own_entry(plan.existing).get("fingerprints") or {}
    own = {
        "fingerprints": {
            **{name: known[name] for name in value_names(plan) if name in known},
            **{name: fingerprint(value) for name, value in written.items()},
        },
        "removed": {name: value for name, value in shown.items() if name not in info},
    }
    return {**info, OWN_ENTRY: {name: part for name, part in own.items() if part}}


def public_view(record: Record) -> dict[str, Any]:
    """A credential as it is returned: the names of its values, not the values, and not our own entry."""
    return CREDENTIAL.view(record, [row.name for row in CREDENTIAL.fields])
