# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a declaration of a virtual key means, what is wrong with it, and which values it gives to keys.

Private: only for use inside this collection.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from base64 import urlsafe_b64encode
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from dataclasses import field as dataclass_field
from datetime import datetime
from functools import partial
from typing import Any

from ..._durations import add_duration, check_duration
from ..._engine import declared_fields
from ..._errors import InputError
from ..._values import UNSET, as_json
from ._table import KEY, NOT_THE_USERS, OPTION_OF, reissue_of, version_of

# Options of a declaration that are no field of the key.
KEY_CONTROLS: dict[str, dict[str, Any]] = {
    "duration": {"type": "str"},
    "renew_within": {"type": "str"},
    "rotate_after": {"type": "str"},
    "grace": {"type": "str"},
    "key": {"type": "str", "no_log": True},
    "key_seed": {"type": "str", "no_log": True},
    "value_policy": {"type": "str", "choices": ["keep", "fail", "reissue"]},
    "metadata_mode": {"type": "str", "choices": ["merge", "replace"]},
    "unset": KEY.unset_option,
}

# What declares one key that is there already, whatever its alias.
KEY_ID: dict[str, dict[str, Any]] = {"key_id": {"type": "str", "no_log": False}}

# Options that cannot both be given, and why.
EXCLUSIVE = (
    ("expires_at", "duration", ""),
    ("expires_at", "renew_within", ""),
    ("soft_budget", "budget_id", ": LiteLLM stores a soft budget in that budget"),
    ("key_type", "allowed_routes", ": a key type already defines the routes"),
    ("key", "key_seed", ""),
    ("reissue", "key", ": to replace the declared value, set another one"),
    ("rotate_after", "key", ": to replace the declared value, set another one"),
    ("rotate_after", "auto_rotate", ": LiteLLM would replace the value as well, and show it to nobody"),
    ("key_id", "key", ": the ID already says which value the key has"),
    ("key_id", "key_seed", ": the ID already says which value the key has"),
    ("key_id", "value_policy", " unless it is keep: a key with another value has another ID"),
    ("key_id", "reissue", ": a key with another value has another ID"),
    ("key_id", "rotate_after", ": a key with another value has another ID"),
)
# With these, such an option says nothing that another one could contradict.
HARMLESS = (("key_type", "default"), ("value_policy", "keep"))
# An option, what it needs beside it, and why.
NEEDS = (
    ("grace", "rotate_after", ""),
    ("renew_within", "duration", ", which is the time to renew it for"),
    ("service_account_id", "team_id", ""),
    ("auto_rotate", "rotation_interval", ""),
    ("rotation_interval", "auto_rotate", ": LiteLLM drops it from a new key otherwise"),
)
DURATIONS = ("duration", "renew_within", "rotate_after", "grace")
SHORTEST_VALUE = 16
SHORTEST_SEED = 32


@dataclass(frozen=True)
class KeyDeclaration:
    """A checked declaration of one key.

    :param value: the declared secret, or that derived for a new key; None if the client may choose.
    :param candidates: values that the key may have where none is declared, the one chosen last at the end.
    :param version: of the value that is derived from a seed, if no later one was noted with the key.
    :param derive: what the seed makes of a version and the note of a reissue, where there is a seed.
    :param key_id: the one key that is meant, empty if the alias says which: others may bear its alias, and it may have
        none, or get another one.
    :param record: that key, where it was chosen by its mark and so is read already.
    """

    alias: str
    state: str
    fields: Mapping[str, Any] = dataclass_field(repr=False)
    key_id: str = ""
    duration: str | None = None
    renew_within: str | None = None
    rotate_after: str | None = None
    grace: str | None = None
    value: str | None = dataclass_field(default=None, repr=False)
    candidates: tuple[str, ...] = dataclass_field(default=(), repr=False)
    version: int = 1
    derive: Callable[[int, str], str] | None = dataclass_field(default=None, repr=False)
    value_policy: str = "keep"
    merge_metadata: bool = True
    record: Mapping[str, Any] | None = dataclass_field(default=None, repr=False)

    @property
    def identity(self) -> Mapping[str, str]:
        given = {KEY.identity: self.alias, "key_id": self.key_id}
        return {name: value for name, value in given.items() if value}

    @property
    def name(self) -> str:
        return self.alias or self.key_id

    @property
    def keeping(self) -> KeyDeclaration:
        """The same for a key whose value another run has just chosen: that value is kept, or refused, not replaced."""
        policy = "keep" if self.value is None or self.value_policy == "keep" else "fail"
        fields = {name: value for name, value in self.fields.items() if name != "reissue"}
        return replace(self, fields=fields, value_policy=policy, rotate_after=None)

    @property
    def ends(self) -> bool:
        """Whether the key is to stop working, and with it an old value that goes on for a while."""
        return self.state == "absent" or bool(self.fields.get("blocked"))

    @property
    def may_reissue(self) -> bool:
        """Whether this run may put a new key in the place of the old one, which then bears the retired alias."""
        return self.value_policy == "reissue" or self.rotate_after is not None or "reissue" in self.fields

    def value_for(self, record: Mapping[str, Any] | None) -> str | None:
        """Return the secret that a key is to have: where one is derived, each reissue that was noted gives another."""
        if self.derive is None:
            return self.value
        return self.derived(max(self.version, version_of(record)), record)

    def derived(self, version: int, record: Mapping[str, Any] | None) -> str | None:
        """Return the secret that a version of the seed gives to a key, None if there is no seed."""
        return self.derive(version, self.fields.get("reissue") or reissue_of(record)) if self.derive else None

    @property
    def retired_alias(self) -> str:
        return retired_alias(self.alias)


def retired_alias(alias: str) -> str:
    """Return under which name an old key waits while a new one takes its place. Only characters of strict aliases."""
    return f"{alias}.retired-{hashlib.sha256(alias.encode()).hexdigest()[:8]}"


def key_options() -> dict[str, dict[str, Any]]:
    """Return the argument spec of one declared key, without ``state``."""
    options = {**KEY.options(), **KEY_CONTROLS}
    options["key_alias"] = {**options["key_alias"], "aliases": ["name"]}
    return options


def with_defaults(item: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Return an item with the defaults that it leaves room for: what contradicts the item is not meant for it."""
    given = {name: value for name, value in item.items() if value is not None}
    yielding = set(given.get("unset") or ())
    for one, other, _reason in EXCLUSIVE:
        if _is_set(given, one):
            yielding.add(other)
        if _is_set(given, other):
            yielding.add(one)
    taken = {name for name in given if not _is_set(given, name)} | yielding
    yielding |= {name for name, needed, _reason in NEEDS if needed in taken}
    kept = {name: value for name, value in defaults.items() if value is not None and name not in yielding}
    if kept.get("unset"):
        kept["unset"] = [name for name in kept["unset"] if name not in given and name not in yielding]
    if kept.get("metadata") and "metadata" in given:  # a mark in the defaults is meant for each key
        given["metadata"] = {**kept["metadata"], **given["metadata"]}
    return {**kept, **given}


def _is_set(options: Mapping[str, Any], name: str) -> bool:
    """Return whether an option says something. That a key never expires says when it expires."""
    value = options.get(name)
    if name == "expires_at" and (value is not None or name in (options.get("unset") or ())):
        return True
    return (name, value) not in HARMLESS and value is not None and value is not False and value not in ("", [], {})


def declare(options: Mapping[str, Any], state: str = "present") -> KeyDeclaration:
    """Return what one item of ``virtual_keys``, or the parameters of ``litellm_key``, declare.

    :raises InputError: naming all that is wrong with them.
    """
    fields, found = declared_fields(KEY, options)
    if _is_set(options, "service_account_id"):
        fields.setdefault("key_alias", options["service_account_id"])
    alias = str(options.get("key_alias") or options.get("service_account_id") or "")
    for check in (_identity, _durations, _contradictions, _pairs, _metadata, _value, check_rotation):
        found += check({**options, "key_alias": alias})
    if found:
        raise InputError(" ".join(found), alias)
    key_id = options.get("key_id") or ""
    fields.pop("key_version", None)  # which key has which is noted only where it follows by itself
    derive = partial(derived_value, options["key_seed"], alias) if options.get("key_seed") else None
    value = options.get("key") or None
    if fields.get("reissue") is UNSET:  # an answer left blank
        del fields["reissue"]
    if _is_set(options, "allowed_routes"):
        fields.pop("key_type", None)  # default, beside which a key may have routes of its own
    declared = KeyDeclaration(
        alias=alias,
        state=state,
        fields=fields,
        key_id=key_id,
        duration=options.get("duration") or None,
        renew_within=options.get("renew_within") or None,
        rotate_after=options.get("rotate_after") or None,
        grace=options.get("grace") or None,
        value=value,
        version=options.get("key_version") or 1,
        derive=derive,
        value_policy=options.get("value_policy") or ("fail" if value or derive else "keep"),
        merge_metadata=options.get("metadata_mode") != "replace",
    )
    return replace(declared, value=declared.value_for(None))


def _identity(options: Mapping[str, Any]) -> list[str]:
    if options.get("key_id"):
        return check_key_ids("key_id", [options["key_id"]])
    return [] if options["key_alias"] else ["O(key_alias) or O(key_id) is required and must not be empty."]


def check_key_ids(option: str, ids: Iterable[str]) -> list[str]:
    """Return what is wrong with the ids of an option, without showing what may be the value of a key instead."""
    wrong = any(not re.fullmatch("[0-9a-f]{64}", one) for one in ids)
    return [f"O({option}): the ID of a key has 64 hexadecimal digits and is not its value."] if wrong else []


def _durations(options: Mapping[str, Any]) -> list[str]:
    found = ((name, check_duration(options[name])) for name in DURATIONS if options.get(name))
    return [f"O({name}): {problem}" for name, problem in found if problem]


def check_rotation(options: Mapping[str, Any]) -> list[str]:
    """Return what would end in an outage: keys that expire before their values are replaced, and endless old values."""
    rotate_after, duration, grace = (options.get(name) for name in ("rotate_after", "duration", "grace"))
    if not rotate_after or _durations(options):
        return []
    found = []
    if duration and not options.get("renew_within") and not _is_shorter(rotate_after, duration):
        found.append(
            "O(rotate_after) must be shorter than O(duration), or the key expires before its value is replaced. Set "
            "O(renew_within), a longer O(duration), or, for a key that never expires, O(unset): [expires_at] instead."
        )
    if grace and not _is_shorter(grace, rotate_after):
        found.append("O(grace) must be shorter than O(rotate_after), or old values never end.")
    return found


def _is_shorter(one: str, other: str) -> bool:
    """Return whether a duration is shorter than another one, whenever they begin: months differ."""
    beginnings = (datetime(2001, 1, 1), datetime(2001, 2, 1))
    return all(add_duration(begin, one) < add_duration(begin, other) for begin in beginnings)


def _contradictions(options: Mapping[str, Any]) -> list[str]:
    found = [
        f"O({one}) and O({other}) are mutually exclusive{reason}."
        for one, other, reason in EXCLUSIVE
        if _is_set(options, one) and _is_set(options, other)
    ]
    found += [
        f"O({name}) requires O({needed}){reason}."
        for name, needed, reason in NEEDS
        if _is_set(options, name) and not _is_set(options, needed)
    ]
    return found


def _pairs(options: Mapping[str, Any]) -> list[str]:
    """Check that a temporary budget has an amount and an end: both set, both taken away, or neither declared."""
    unset = options.get("unset") or ()
    states = [
        None if options.get(name) is None and name not in unset else _is_set(options, name)
        for name in ("temp_budget_increase", "temp_budget_expiry")
    ]
    return [] if states[0] is states[1] else ["O(temp_budget_increase) and O(temp_budget_expiry) must be set together."]


def _metadata(options: Mapping[str, Any]) -> list[str]:
    """Return entries that would never be seen as the user's, so that each run would write them again."""
    return [
        f"O(metadata): use the option O({OPTION_OF[entry]}) to set {entry}."
        if entry in OPTION_OF
        else f"O(metadata): {entry} is reserved."
        for entry in options.get("metadata") or {}
        if entry in NOT_THE_USERS
    ]


def _value(options: Mapping[str, Any]) -> list[str]:
    found = []
    value, seed = options.get("key"), options.get("key_seed")
    if value is not None and (not value.startswith("sk-") or len(value) < SHORTEST_VALUE):
        found.append(f"O(key) must start with sk- and have at least {SHORTEST_VALUE} characters.")
    if seed is not None and len(seed) < SHORTEST_SEED:
        found.append(f"O(key_seed) must have at least {SHORTEST_SEED} characters.")
    if value is not None and not value.isprintable():
        found.append("O(key) must not contain line breaks or other control characters.")
    for name, text in (("key", value), ("key_seed", seed)):
        try:
            as_json(text)
        except ValueError as error:
            found.append(f"O({name}) {error}")
    return found


def conflicts(declarations: Sequence[KeyDeclaration]) -> dict[str, list[str]]:
    """Return what is wrong with declarations of one task taken together: the names of the keys by sentence."""
    found: dict[str, list[str]] = defaultdict(list)
    retired = {declaration.retired_alias: declaration.alias for declaration in declarations if declaration.alias}
    by_value: dict[str, list[str]] = defaultdict(list)
    for declaration in declarations:
        if declaration.alias in retired:
            replaced = retired[declaration.alias]
            sentence = f"this alias is reserved for the replacement of the key '{replaced}' of the same task."
            found[sentence].append(declaration.alias)
        if declaration.value and declaration.state == "present":
            by_value[declaration.value].append(declaration.alias)
    for aliases in by_value.values():
        if len(aliases) > 1:
            found["these keys have the same value. Each key must have its own value."] += aliases
    return found


def new_value(avoid: str) -> str:
    """Return a random value. It does not contain ``avoid``, which Ansible would star out of the result."""
    while True:
        value = "sk-" + secrets.token_urlsafe(24)
        if avoid in "sk-" or avoid not in value:  # what every value has cannot be avoided
            return value


def derived_value(seed: str, alias: str, version: int, reissue: str = "") -> str:
    """Return the value that a seed stands for, the same on every machine.

    :param reissue: the note of the last reissue of this one key, empty if it never was.
    """
    parts = ["litemaas.virtual_keys.v1", alias, str(version), *([reissue] if reissue else [])]
    digest = hmac.new(seed.encode(), "\0".join(parts).encode(), hashlib.sha256).digest()
    return "sk-" + urlsafe_b64encode(digest).decode().rstrip("=")
