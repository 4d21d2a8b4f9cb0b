# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What tasks return of objects, and say of errors. Private: only for use inside this collection."""

from __future__ import annotations

import traceback
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from ._engine import Outcome
from ._errors import InputError, LiteLLMError
from ._kind import Declaration, Kind
from ._redaction import redact
from ._text import join_limited, printable

# What the user calls an option, where that is another name.
Called = Mapping[str, str]


def report_of(kind: Kind, want: Declaration, outcome: Outcome, called: Called) -> dict[str, Any]:
    """Return what is returned of one object, with its secret in the one place meant for it."""
    record = outcome.record or {}
    secret = {kind.secret: outcome.value if outcome.action != "delete" else None} if kind.secret else {}
    return {
        **want.identity,
        **secret,
        **{name: record.get(source) for name, source in kind.ids.items() if name not in want.identity},
        "action": outcome.action,
        "changed": outcome.action != "none",
        "error": sentence_of(outcome.error, called) if outcome.error else None,
    }


def readings_of(kind: Kind, outcome: Outcome, check: bool) -> dict[str, Any]:
    """Return what the record tells anyway: as it is after the task, or would be, or was before it was deleted."""
    record = outcome.record or outcome.plan.current
    planned = outcome.plan.after if check else {}
    return redact(kind.readings({**(kind.public(record) if record else {}), **planned}))


def record_of(kind: Kind, outcome: Outcome, check: bool) -> dict[str, Any] | None:
    """Return the object as it is after the task; in check mode as it would be."""
    if outcome.action == "delete":
        return None
    if check and outcome.plan.changed:
        return redact({**(kind.public(outcome.record) if outcome.record else {}), **outcome.plan.after})
    return redact(kind.public(outcome.record)) if outcome.record else None


def summary_of(kind: Kind, outcomes: Sequence[Outcome]) -> dict[str, int]:
    """Return how many objects each action was done to, and how many failed."""
    counts = Counter(outcome.action for outcome in outcomes if not outcome.error)
    summary = {action: counts[action] for action in kind.actions}
    summary["failed"] = sum(1 for outcome in outcomes if outcome.error)
    if kind.secret:
        summary["unknown_value"] = sum(1 for outcome in outcomes if is_unknown(outcome))
    return summary


def is_unknown(outcome: Outcome) -> bool:
    """Return whether an object is there, and this run cannot tell its secret."""
    stays = outcome.record is not None and outcome.action in ("update", "none")
    return stays and outcome.value is None and outcome.error is None


def failed_names(outcomes: Sequence[tuple[str, Outcome]], called: Called) -> str:
    """Return how many of the objects failed, and which of them for which reason, of outcomes by name."""
    failed: dict[str, list[str]] = defaultdict(list)
    for name, outcome in outcomes:
        if outcome.error:
            failed[_reason_of(outcome, called)].append(name)
    return f"{sum(map(len, failed.values()))} of {len(outcomes)} failed. {by_reason(failed)}"


def _reason_of(outcome: Outcome, called: Called) -> str:
    """Return why an object failed, without its name."""
    error = outcome.error
    if isinstance(error, InputError) and error.subject == outcome.plan.name:
        return error.told(called)
    return sentence_of(error, called) if error else ""


def by_reason(concerned: Mapping[str, Sequence[str]]) -> str:
    """Return each reason once, after the names that it concerns."""
    return join_limited([f"{join_limited(names)}: {reason}" for reason, names in concerned.items()], " ")


def traceback_of(errors: Sequence[Exception]) -> dict[str, str]:
    """Return the traceback of the first error that is a bug, as an argument of ``fail_json``."""
    for error in errors:
        if not isinstance(error, LiteLLMError):
            return {"exception": "".join(traceback.format_exception(type(error), error, error.__traceback__))}
    return {}


def sentence_of(error: Exception, called: Called) -> str:
    """Return what an error says to the user, with options as the user calls them."""
    if isinstance(error, InputError) and error.subject:
        return printable(f"{error.subject}: {error.told(called)}")
    if isinstance(error, LiteLLMError):
        return error.told(called)
    return f"This is a bug in litemaas.virtual_keys. Please report it: {type(error).__name__}: {error}"
