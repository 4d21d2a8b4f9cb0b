# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What everybody ended up with: people, and what was done to their keys, brought together and put into words."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.litemaas.virtual_keys.plugins.module_utils._text import join_limited, one_line
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._changes import lines

REPORTED = ("key", "key_id", "action", "changed", "error", "models", "max_budget", "expires_at", "blocked", "spend")
WORDS = {"create": "created", "update": "updated", "reissue": "reissued", "delete": "deleted", "none": "unchanged"}
FEW = 10
# The role's variables by the options of the modules, which speak of these.
VARIABLES = {
    "api_key": "litellm_vkey_master_key",
    "validate_certs": "litellm_vkey_verify_ssl",
    "timeout": "litellm_vkey_api_timeout",
    "retries": "litellm_vkey_retry_count",
    "key_alias": "litellm_vkey_alias",
    "progress_every": "litellm_vkey_batch_size",
    **{
        option: f"litellm_vkey_{option}"
        for option in (
            *("api_url", "ca_path", "concurrency", "duration", "expires_at", "key_seed", "key_version", "max_budget"),
            *("metadata", "models", "prune_limit", "renew_within", "value_policy", "values_file"),
            "values_file_vault_id",
        )
    },
}

Entry = Mapping[str, Any]


def provisioned(
    people: Sequence[Entry], result: Entry, check: bool = False, variables: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """What came of everybody, in data and in words.

    :param people: of the roster.
    :param result: of ``litellm_keys``, with their keys in the same order; or how it failed.
    :param check: whether nothing was done in truth.
    :param variables: what the user set instead of an option of the module, where it is not the role's variable.
    """
    if "virtual_keys" not in result:
        problem = in_words_of_the_role(str(result.get("msg") or ""), variables or {})
        nothing: dict[str, Any] = {"changed": False, "users": [], "summary": {}, "pruned": [], "unknown": []}
        return {**nothing, "said": [], "changes": [], "problem": problem}
    users = [
        {**_described(person), "alias": report["key_alias"], **{name: report.get(name) for name in REPORTED}}
        for person, report in zip(people, result["virtual_keys"])
    ]
    called = {user["alias"]: one_line(user["user"]) for user in users}
    pruned = [report["key_alias"] for report in result["pruned"] if not report["error"]]
    failed, not_removed = _failures(users, called), _failures(result["pruned"], {})
    problems = [
        _problem(f"{sum(1 for user in users if user['error'])} of {len(users)} failed", failed),
        _problem("Not every key was removed", not_removed),
    ]
    return {
        "changed": any(report["changed"] for report in (*users, *result["pruned"])),
        "users": users,
        "summary": dict(Counter("failed" if user["error"] else WORDS[user["action"]] for user in users)),
        "pruned": pruned,
        "unknown": [called[user["alias"]] for user in users if _is_unknown(user)],
        "said": [
            *_said(users, pruned, check),
            *(in_words_of_the_role(f"failed: {reason}", variables or {}) for reason in (*failed, *not_removed)),
            *_reissued_before(people, users),
        ],
        "changes": [line for diff in result.get("diff") or () for line in _changes(diff, called)],
        "problem": in_words_of_the_role(" ".join(filter(None, problems)), variables or {}),
    }


def in_words_of_the_role(text: str, variables: Mapping[str, str]) -> str:
    """A message of a module, with what the user of the role has set instead of the module's options."""
    known = {**VARIABLES, **variables}
    # Those that are words of English too are options only where a sentence begins with them.
    words = "|".join(name for name in known if "_" not in name)
    options = "|".join(sorted((name for name in known if "_" in name), key=len, reverse=True))
    pattern = rf"(?<![\w.'/\[-])(?:({options})(?![\w'])|(?:^|(?<=[:.] ))({words})(?=:| must)|(?<=increase )(timeout))"
    return re.sub(pattern, lambda found: known[found[0]], text)


def _described(person: Entry) -> dict[str, Any]:
    """The person, without what was asked for."""
    return {name: value for name, value in person.items() if name != "reissue"}


def _reissued_before(people: Iterable[Entry], users: Iterable[Entry]) -> list[str]:
    """For whom a reissue that was asked for had been done already, and how to do it again."""
    again = {
        one_line(user["user"]): f"{one_line(user['user'])}:{_next(person['reissue'])}"
        for person, user in zip(people, users)
        if person.get("reissue") and user["action"] not in ("create", "reissue") and not user["error"]
    }
    if not again:
        return []
    return [
        f"reissued before: {', '.join(again)}; to do it again, set litellm_vkey_reissue to {', '.join(again.values())}"
    ]


def _next(note: str) -> str:
    return str(int(note) + 1) if note.isdecimal() else f"{note} again"


def _is_unknown(user: Entry) -> bool:
    """Whether there is a key, and nobody knows its value."""
    return not user["key"] and not user["error"] and bool(user["key_id"]) and user["action"] in ("update", "none")


def _failures(reports: Iterable[Entry], called: Mapping[str, str]) -> list[str]:
    """Each reason once, after those whom it concerns."""
    by_reason: dict[str, list[Entry]] = defaultdict(list)
    for report in reports:
        if report["error"]:
            alias = _alias_of(report)
            reason = report["error"].replace(alias, "the key") if alias in called else report["error"]
            by_reason[reason].append(report)
    parts = []
    for reason, failed in by_reason.items():
        whom = join_limited([called.get(_alias_of(report), _alias_of(report)) for report in failed])
        parts.append(f"{whom}: {(reason if len(failed) > 1 else failed[0]['error']).rstrip('.')}.")
    return parts


def _problem(what: str, reasons: Sequence[str]) -> str:
    return f"{what}. {' '.join(reasons)}" if reasons else ""


def _alias_of(report: Entry) -> str:
    return str(report.get("alias") or report.get("key_alias"))


def _said(users: Sequence[Entry], pruned: Sequence[str], check: bool) -> list[str]:
    """What was done, in one line; and the names of those to whom it was done, where they are few."""
    by_word: dict[str, list[str]] = defaultdict(list)
    for user in users:
        by_word["failed" if user["error"] else WORDS[user["action"]]].append(one_line(user["user"]))
    by_word["deleted"] += pruned
    done = {word: by_word[word] for word in (*WORDS.values(), "failed") if by_word[word]}
    counts = [
        f"{len(whom)} {'would be ' if check and word not in ('unchanged', 'failed') else ''}{word}"
        for word, whom in done.items()
    ]
    called = [
        f"{'would be ' if check else ''}{word}: {', '.join(whom)}"
        for word, whom in done.items()
        if word not in ("unchanged", "failed") and len(whom) <= FEW
    ]
    return [", ".join(counts) or "Nothing to do", *(called if len(users) + len(pruned) > 1 else [])]


def _changes(diff: Entry, called: Mapping[str, str]) -> list[str]:
    who = called.get(diff["after_header"], diff["after_header"])
    return lines(who, diff["before"], diff["after"]) or [f"~ {who}"]


class FilterModule:
    """Filters of this collection."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"provisioned": provisioned}
