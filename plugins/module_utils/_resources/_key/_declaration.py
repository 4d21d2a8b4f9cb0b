# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a declaration of a virtual key means, and what is wrong with it. Pure.

Private: only for use inside this collection.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..._durations import is_duration
from ..._engine import NOT_CLEARABLE, problems
from ..._errors import InputError
from ..._values import UNSET, is_empty
from ._secret import SHORTEST_SEED, derived_value
from ._table import KEY, METADATA_BACKED, NOT_THE_USERS, PAIRS

# Options of a declaration that are no field of the key.
KEY_CONTROLS: dict[str, dict[str, Any]] = {
    "duration": {"type": "str"},
    "renew_within": {"type": "str"},
    "rotate_after": {"type": "str"},
    "key": {"type": "str", "no_log": True},
    "key_seed": {"type": "str", "no_log": True},
    "key_version": {"type": "int", "no_log": False},
    "value_policy": {"type": "str", "choices": ["keep", "fail", "reissue"]},
    "metadata_mode": {"type": "str", "choices": ["merge", "replace"]},
    "unset": {
        "type": "list",
        "elements": "str",
        "choices": [row.name for row in KEY.fields if row.cleared is not NOT_CLEARABLE],
    },
}


@dataclass(frozen=True)
class Declaration:
    """A checked declaration of one key.

    :param value: the declared or derived secret, None if the client may choose.
    :param record: the one key that is meant where it was chosen by its mark: others may bear its alias, too.
    """

    alias: str
    state: str
    fields: Mapping[str, Any]
    duration: str | None = None
    renew_within: str | None = None
    rotate_after: str | None = None
    value: str | None = None
    value_policy: str = "keep"
    merge_metadata: bool = True
    record: Mapping[str, Any] | None = None

    @property
    def identity(self) -> Mapping[str, str]:
        return {KEY.identity: self.alias}

    @property
    def name(self) -> str:
        return self.alias

    @property
    def keeping(self) -> Declaration:
        """The same for a key whose value another run has just chosen: that value is kept, or refused, not replaced."""
        policy = "keep" if self.value is None or self.value_policy == "keep" else "fail"
        return replace(self, value_policy=policy, rotate_after=None)

    @property
    def may_reissue(self) -> bool:
        """Whether this run may put a new key in the place of the old one, which then bears the retired alias."""
        return self.value_policy == "reissue" or self.rotate_after is not None

    @property
    def retired_alias(self) -> str:
        """Under which name the old key waits while a new one takes its place. Only characters of strict aliases."""
        return f"{self.alias}.retired-{hashlib.sha256(self.alias.encode()).hexdigest()[:8]}"


def key_options() -> dict[str, dict[str, Any]]:
    """Argument spec of one declared key, without ``state``."""
    options = {**KEY.options(), **KEY_CONTROLS}
    options["key_alias"] = {**options["key_alias"], "aliases": ["name"]}
    return options


def declare(options: Mapping[str, Any], state: str = "present") -> Declaration:
    """What one item of ``virtual_keys``, or the parameters of ``litellm_key``, declare.

    :raises InputError: naming all that is wrong with them.
    """
    declared = {row.name: options[row.name] for row in KEY.fields if options.get(row.name) is not None}
    if declared.get("service_account_id"):
        declared.setdefault("key_alias", declared["service_account_id"])
    alias = str(declared.get("key_alias", ""))
    unset = options.get("unset") or []
    found = problems(KEY, {**declared, **dict.fromkeys(unset, UNSET)})
    if not alias.strip():
        found.append("key_alias is required and must not be empty.")
    elif any(ord(char) < 32 or ord(char) == 127 for char in alias):
        found.append("key_alias must not hold control characters.")
    both = [name for name in unset if not is_empty(declared.get(name))]
    if both:
        found.append(f"{', '.join(both)}: declared and in unset at once.")
    for name in ("duration", "renew_within", "rotate_after"):
        problem = is_duration(options[name]) if options.get(name) else None
        if problem:
            found.append(f"{name}: {problem}")
    if options.get("renew_within") and not options.get("duration"):
        found.append("renew_within needs duration, by which it renews.")
    ends = "expires_at" in declared or "expires_at" in unset
    if ends and (options.get("duration") or options.get("renew_within")):
        found.append("expires_at and duration exclude each other.")
    if declared.get("soft_budget") is not None and declared.get("budget_id"):
        found.append("soft_budget and budget_id exclude each other: LiteLLM keeps a soft budget in that budget.")
    if declared.get("key_type", "default") != "default" and not is_empty(declared.get("allowed_routes")):
        found.append("key_type and allowed_routes exclude each other: a key type stands for its routes.")
    if declared.get("service_account_id") and not declared.get("team_id"):
        found.append("service_account_id needs team_id.")
    if declared.get("auto_rotate") and not declared.get("rotation_interval"):
        found.append("auto_rotate needs rotation_interval.")
    if declared.get("rotation_interval") and not declared.get("auto_rotate"):
        found.append("rotation_interval needs auto_rotate: LiteLLM drops it from a new key otherwise.")
    # Both with a value, both without one, or neither declared.
    temporary = [
        None if name not in declared and name not in unset else not is_empty(declared.get(name)) for name in PAIRS[1]
    ]
    if temporary[0] is not temporary[1]:
        found.append("temp_budget_increase and temp_budget_expiry go together.")
    found += _metadata_problems(declared.get("metadata") or {})
    found += _value_problems(options)
    if found:
        raise InputError(" ".join(found), alias)
    # "" declares "no value", as [] and {} do.
    fields = {
        name: UNSET if value == "" else value for name, value in {**declared, **dict.fromkeys(unset, UNSET)}.items()
    }
    value = options.get("key") or None
    if options.get("key_seed"):
        value = derived_value(options["key_seed"], alias, options.get("key_version") or 1)
    return Declaration(
        alias=alias,
        state=state,
        fields=fields,
        duration=options.get("duration") or None,
        renew_within=options.get("renew_within") or None,
        rotate_after=options.get("rotate_after") or None,
        value=value,
        value_policy=options.get("value_policy") or ("fail" if value else "keep"),
        merge_metadata=options.get("metadata_mode") != "replace",
    )


def _metadata_problems(metadata: Mapping[str, Any]) -> list[str]:
    """Entries that would never be seen as the user's, so that each run would write them again."""
    option_of = {entry: name for name, entry in METADATA_BACKED.items()}
    return [
        f"metadata: {entry} is declared by the option {option_of[entry]}."
        if entry in option_of
        else f"metadata: {entry} is LiteLLM's own."
        for entry in metadata
        if entry in NOT_THE_USERS
    ]


def _value_problems(options: Mapping[str, Any]) -> list[str]:
    found = []
    value, seed = options.get("key"), options.get("key_seed")
    if value and seed:
        found.append("key and key_seed exclude each other.")
    if value is not None and (not value.startswith("sk-") or len(value) < 16):
        found.append("key must start with sk- and have at least 16 characters.")
    if seed is not None and len(seed) < SHORTEST_SEED:
        found.append(f"key_seed must have at least {SHORTEST_SEED} characters.")
    if options.get("rotate_after"):
        if value or seed:
            found.append("rotate_after replaces random values only: a value of key_seed is replaced by key_version.")
        if options.get("value_policy") in ("fail", "reissue"):
            found.append(f"rotate_after and value_policy: {options['value_policy']} exclude each other.")
    return found
