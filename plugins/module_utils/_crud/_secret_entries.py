# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mappings of which some entries are secret, such as the parameters of a model. Pure.

Private: only for use inside this collection. LiteLLM masks such entries by their names, or leaves them out. What is
planned and shown is whether one stays or is written. Fingerprints, kept with the object, tell which.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .._fingerprints import OWN_ENTRY, fingerprint, is_guessable, known_in, matches, own_entry
from .._redaction import CHANGED, HIDDEN, REFERENCE, is_secret_name
from .._values import is_empty, json_equal

Entries = Mapping[str, Any]
MASKED = re.compile(r"(?P<begin>.*?)(?P<stars>\*+)(?P<end>.*)", re.DOTALL)
# Other than these, the stars of a mask are as many as the characters that they hide.
STARS, STARS_OF_ALL = 4, 5
# LiteLLM masks these as well, though they are no secrets.
MASKED_TOO = frozenset(("keyword_redaction_tag",))
# What LiteLLM shows of some secrets, whatever they are.
REDACTED = "REDACTED_BY_LITELM"
MASK = re.compile(r"\*+|.{0,4}\*{4,}.{0,4}", re.DOTALL)


@dataclass(frozen=True)
class KeptEntry:
    """A secret entry that stays as it is."""


@dataclass(frozen=True)
class NewEntry:
    """A secret entry that is written, over another one or as a new one."""

    value: Any = field(repr=False)
    replaces: bool = False


def masked_names(entries: Entries) -> list[str]:
    """Return the entries that hold a mask as LiteLLM shows it, in the place of a secret."""
    return [str(name) for name, value in entries.items() if _holds_mask(name, value)]


def check_masks(place: str, entries: Entries) -> list[str]:
    """Return a sentence if entries of an option hold a mask, which would be stored as the secret."""
    masks = masked_names(entries)
    return [f"O({place}): {', '.join(masks)} is a mask as LiteLLM shows it, not a value."] if masks else []


def present(shown: Entries, known: Entries, masks: Entries | None = None) -> dict[str, Any]:
    """Return the entries that an object has, of those that LiteLLM shows and of the fingerprints.

    :param masks: of entries that are not shown, as far as they can be had elsewhere.
    """
    found = {name: KeptEntry() if name in known or _is_secret(name, value) else value for name, value in shown.items()}
    return {**found, **{name: KeptEntry() for name in (*known, *(masks or {})) if name not in shown}}


def wanted(declared: Entries, shown: Entries, known: Entries, masks: Entries | None = None) -> dict[str, Any]:
    """Return the entries that an object has once those that are declared are written, where they differ."""
    there, told = present(shown, known, masks), {**(masks or {}), **shown}
    return {**there, **{name: _wanted_one(name, value, there, told, known) for name, value in declared.items()}}


def _wanted_one(name: str, value: Any, there: Entries, told: Entries, known: Entries) -> Any:
    if not (_is_secret(name, value) or isinstance(there.get(name), KeptEntry)):
        return there[name] if name in there and _shows(there[name], value, secret=False) else value
    visible = name in told and not _is_reference(value)
    stays = name in there and matches(known.get(name), name, value) and (not visible or _shows(told[name], value))
    return KeptEntry() if stays else NewEntry(value, name in there)


def without_secrets(entries: Entries) -> dict[str, Any]:
    """Return entries as they may be shown."""
    return {
        name: _stars(value) if isinstance(value, (KeptEntry, NewEntry)) else value for name, value in entries.items()
    }


def _stars(entry: KeptEntry | NewEntry) -> str:
    return CHANGED if isinstance(entry, NewEntry) and entry.replaces else HIDDEN


def sent(after: Entries, before: Entries) -> dict[str, Any]:
    """Return what has to be written of the entries."""
    changed = {
        name: value for name, value in after.items() if name not in before or not json_equal(value, before[name])
    }
    return {name: value.value if isinstance(value, NewEntry) else value for name, value in changed.items()}


def fingerprints(after: Entries, known: Entries) -> dict[str, str]:
    """Return the fingerprints of the secret entries that an object has after a write."""
    kept = {name: known[name] for name, entry in after.items() if isinstance(entry, KeptEntry) and name in known}
    new = {name: entry.value for name, entry in after.items() if isinstance(entry, NewEntry)}
    return {**kept, **{name: fingerprint(name, value) for name, value in new.items() if _is_secret(name, value)}}


def guessable_names(after: Entries) -> list[str]:
    """Return the secret entries that are written and of which no fingerprint is kept."""
    written = {name: entry.value for name, entry in after.items() if isinstance(entry, NewEntry)}
    return [name for name, value in written.items() if _is_secret(name, value) and is_guessable(name, value)]


class SecretParams:
    """The parameters of an object, some of them secret, with the mapping in which it keeps their fingerprints.

    Fingerprints of parameters that LiteLLM no longer shows count for nothing: somebody else has removed those.

    :param params: the name of the parameters in an object, such as ``litellm_params``.
    :param info: that of the mapping, whose other entries are the user's.
    """

    def __init__(self, params: str, info: str) -> None:
        self.params, self.info = params, info

    def shown(self, record: Entries) -> dict[str, Any]:
        """Return the parameters that LiteLLM shows, most secrets as masks."""
        return {name: value for name, value in (record.get(self.params) or {}).items() if value is not None}

    def known(self, record: Entries) -> dict[str, str]:
        """Return the fingerprints of the secrets among them."""
        shown = self.shown(record)
        return {name: mark for name, mark in known_in(record.get(self.info)).items() if name in shown}

    def present(self, record: Entries) -> dict[str, Any]:
        return present(self.shown(record), self.known(record))

    def wanted(self, declared: Entries, record: Entries) -> dict[str, Any]:
        return wanted(declared, self.shown(record), self.known(record))

    def own_info(self, record: Entries) -> dict[str, Any]:
        """Return the user's part of the mapping."""
        return {name: value for name, value in (record.get(self.info) or {}).items() if name != OWN_ENTRY}

    @staticmethod
    def check_info(value: Entries) -> str | None:
        return f"the entry {OWN_ENTRY} is reserved for this collection." if OWN_ENTRY in value else None


def with_marks(info: Any, marks: Entries) -> dict[str, Any]:
    """Return a mapping of the user as it is sent, with the fingerprints of secrets, if there are any."""
    return {**({} if is_empty(info) else info), **(own_entry(marks) if marks else {})}


def _is_secret(name: Any, value: Any) -> bool:
    """Return whether an entry is secret, or holds anything secret, or cannot be read back. A flag is no secret."""
    if isinstance(value, bool):
        return False
    if is_secret_name(name) or name in MASKED_TOO or _is_reference(value) or value == REDACTED:
        return True
    if isinstance(value, Mapping):
        return any(_is_secret(part_name, part) for part_name, part in value.items())
    return isinstance(value, list) and any(_is_secret("", part) for part in value)


def _is_reference(value: Any) -> bool:
    # LiteLLM shows what the variable holds, or nothing if it does not exist.
    return isinstance(value, str) and value.startswith(REFERENCE)


def _holds_mask(name: Any, value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(_holds_mask(part_name, part) for part_name, part in value.items())
    if isinstance(value, (list, tuple)):
        return any(_holds_mask(name, part) for part in value)
    if not isinstance(value, str):
        return False
    return value == REDACTED or (is_secret_name(name) and bool(MASK.fullmatch(value)))


def _shows(shown: Any, value: Any, secret: bool = True) -> bool:
    """Return whether what LiteLLM shows may be a value: exactly, as the type of the parameter, or as a mask.

    :param secret: whether the name may be that of a secret, of which LiteLLM shows any value as text.
    """
    if isinstance(shown, Mapping) and isinstance(value, Mapping):
        names = shown.keys()
        return names == value.keys() and all(_shows(shown[name], value[name], is_secret_name(name)) for name in names)
    if isinstance(shown, list) and isinstance(value, (list, tuple)):
        return len(shown) == len(value) and all(_shows(one, other, secret) for one, other in zip(shown, value))
    if shown == REDACTED or json_equal(shown, value):
        return True
    if isinstance(shown, bool):
        return isinstance(value, str) and value.lower() == str(shown).lower()  # as templates make text of it
    if not isinstance(shown, str) or isinstance(value, (Mapping, list, tuple)):
        return False
    if not (secret or value is None or isinstance(value, str)):
        return False
    mask = MASKED.fullmatch(shown)
    text = str(value)  # so LiteLLM shows null inside an entry, and any value with the name of a secret
    return text == shown or bool(mask and _fits(mask, text))


def _fits(mask: re.Match[str], text: str) -> bool:
    """Return whether a text may be behind a mask."""
    fixed = STARS if mask["begin"] and mask["end"] else STARS_OF_ALL
    if len(mask["stars"]) != fixed and len(mask.string) != len(text):
        return False
    return text.startswith(mask["begin"]) and text.endswith(mask["end"])
