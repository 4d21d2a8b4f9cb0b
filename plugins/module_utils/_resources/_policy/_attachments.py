# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The attachments of a policy: to which requests it applies. Pure. Private: only for use inside this collection.

LiteLLM stores an attachment without a target as well, and with any text as scope, and applies it to all requests. It
stores equal ones twice, cannot change one, and keeps them when their policy is deleted.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..._engine import Field
from ..._shapes import FLAG, TEXT, maybe
from ..._text import join_limited

Attachment = Mapping[str, Any]

EVERYTHING = "*"
# What a request is compared with. All that an attachment names have to fit.
TARGETS = ("teams", "keys", "models", "tags")
UNBOUNDED = "an attachment that limits neither teams, keys, models, nor tags applies to all requests."
# LiteLLM keeps it in 32 bits.
LARGEST = 2**31 - 1
PATTERNS: Mapping[str, Any] = {"type": "list", "elements": "str", "no_log": False}
SUBOPTIONS: Mapping[str, Mapping[str, Any]] = {
    "scope": {"type": "str", "choices": [EVERYTHING]},
    **dict.fromkeys(TARGETS, PATTERNS),
    "priority": {"type": "int"},
    "default": {"type": "bool"},
}
ENTRY = {
    "attachment_id": TEXT,
    "policy_name": TEXT,
    "scope": maybe(TEXT),
    **dict.fromkeys(TARGETS, maybe([TEXT])),
    "default": maybe(FLAG),
}


def plain(attachment: Attachment) -> dict[str, Any]:
    """Return what an attachment says, without what is empty."""
    said = {name: attachment.get(name) for name in SUBOPTIONS}
    return {name: value for name, value in said.items() if value or (name == "priority" and value == 0)}


def plain_list(value: Sequence[Attachment]) -> list[dict[str, Any]]:
    return [plain(attachment) for attachment in value]


def _text(attachment: Attachment) -> str:
    said = plain(attachment).items()
    return json.dumps(
        {name: sorted(set(part)) if isinstance(part, list) else part for name, part in said}, sort_keys=True
    )


def _same(declared: Sequence[Attachment], actual: Sequence[Attachment]) -> bool:
    return Counter(map(_text, declared)) == Counter(map(_text, actual))


def differing(wanted: Sequence[Attachment], present: Sequence[Attachment]) -> tuple[list[Attachment], list[Attachment]]:
    """Return the attachments that are missing, and those that are surplus."""
    left = list(present)
    missing = []
    for attachment in wanted:
        found = next((one for one in left if _text(one) == _text(attachment)), None)
        if found is None:
            missing.append(attachment)
        else:
            left.remove(found)
    return missing, left


def concrete(attachments: Sequence[Attachment], target: str) -> list[str]:
    """Return what attachments name of one kind. A pattern fits what there will be."""
    names = [name for attachment in attachments for name in attachment.get(target) or ()]
    return [name for name in dict.fromkeys(names) if not name.endswith("*")]


def describe(attachments: Sequence[Attachment]) -> str:
    """Return in words to what attachments apply a policy."""
    return join_limited([_described(plain(attachment)) for attachment in attachments], "; ")


def _described(attachment: Attachment) -> str:
    named = [f"{target} {join_limited(attachment[target])}" for target in TARGETS if target in attachment]
    return " with ".join(named) if named and "scope" not in attachment else "all requests"


def _check(value: Sequence[Attachment]) -> str | None:
    return next(_faults(value), None)


def _faults(value: Sequence[Attachment]) -> Iterator[str]:
    for attachment in value:
        named = {target: attachment[target] for target in TARGETS if attachment.get(target)}
        if any(not str(name).strip() for names in named.values() for name in names):
            yield "a name must not be blank."
        if attachment.get("scope") and named:
            useless = join_limited(list(named))
            yield f'scope: "{EVERYTHING}" applies to all requests, so {useless} has no effect. Remove one of them.'
        bounded = "tags" in named or any(EVERYTHING not in names for names in named.values())
        if not (bounded or attachment.get("scope")):
            yield f'{UNBOUNDED} If this is intended, set scope: "{EVERYTHING}".'
        if abs(attachment.get("priority") or 0) > LARGEST:
            yield f"priority must be between -{LARGEST} and {LARGEST}."
    twice = [text for text, count in Counter(map(_text, value)).items() if count > 1]
    if twice:
        yield f"{describe([json.loads(twice[0])])} is listed more than once."


ATTACHMENTS = Field(
    "attachments",
    "list",
    "dict",
    suboptions=SUBOPTIONS,
    parse=plain_list,
    read=lambda record: plain_list(record.get("attachments") or ()),
    normalize=plain_list,
    same=_same,
    check=_check,
    cleared=[],
)
