# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The edge to Ansible. Private: only for use inside this collection.

The only place with AnsibleModule, check mode and diff mode, and where an error becomes a failed task.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ._args import CONNECTION_OPTIONS, Settings
from ._batch import Progress, converge
from ._client import REQUESTS_IMPORT_ERROR, Client
from ._engine import Outcome
from ._errors import ApiError, InputError, LiteLLMError
from ._kind import Declaration, Info, Kind
from ._values import redact

ACTIONS = ("create", "update", "reissue", "delete", "none")
MOST_CONCURRENT = 32
MOST_NAMED = 10


def run(kind: Kind) -> None:
    """Make one object present or absent."""
    module = _module({**kind.options, **kind.task_options})
    with _failures(module):
        want = kind.declare(module.params, module.params["state"])
        (outcome,) = converge(kind.store(_client(module), module.params), [want], module.check_mode)
        _warn(module, [outcome])
        result = {
            **_report(kind, want, outcome),
            kind.result: _record(kind, outcome, module.check_mode),
            "diff": outcome.plan.diff,
        }
        result.pop("error")
        if outcome.error:
            _fail(module, outcome.error, **{**result, "changed": outcome.action != "none"})
        module.exit_json(**result)


def run_batch(kind: Kind, start: Callable[..., Any] = AnsibleModule, tell: Progress | None = None) -> None:
    """Make many objects present or absent.

    :param start: makes an ``AnsibleModule``, or something in its place, from the arguments of one.
    :param tell: is told from time to time how many are done, and how many there are to do.
    """
    plural = kind.plural
    module = _module(
        {
            plural: {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": dict(kind.options),
                "no_log": False,
            },
            "defaults": {"type": "dict", "options": dict(kind.options)},
            "concurrency": {"type": "int", "default": 12},
            "fail_fast": {"type": "bool", "default": False},
            "progress_every": {"type": "int", "default": 250},
            **kind.task_options,
            **kind.batch_options,
        },
        start,
    )
    with _failures(module):
        concurrency, progress_every = module.params["concurrency"], module.params["progress_every"]
        if not 1 <= concurrency <= MOST_CONCURRENT:
            raise InputError(f"concurrency must be between 1 and {MOST_CONCURRENT}.")
        if progress_every < 1:
            raise InputError("progress_every must be at least 1.")
        wants = _wanted(kind, module.params[plural], module.params["defaults"] or {}, module.params["state"])
        store = kind.store(_client(module, concurrency), module.params)
        # Only when everybody who is declared is served: a failure must not cost anybody a key.
        last = store.undeclared(wants)
        outcomes = converge(
            store,
            wants,
            module.check_mode,
            concurrency,
            module.params["fail_fast"],
            last=last,
            progress=_every(progress_every, tell) if tell else None,
        )
        _warn(module, outcomes)
        reports = [_report(kind, want, outcome) for want, outcome in zip([*wants, *last], outcomes)]
        result: dict[str, Any] = {
            "changed": any(report["changed"] for report in reports),
            plural: reports[: len(wants)],
            "pruned": reports[len(wants) :],
            "summary": _summary(outcomes),
            # Ansible adds all parameters: of each declared object every option. They would be most of the result.
            "invocation": {"module_args": {name: given for name, given in module.params.items() if name != plural}},
        }
        if module._diff:
            result["diff"] = [outcome.plan.diff for outcome in outcomes if outcome.plan.changed]
        if any(outcome.error for outcome in outcomes):
            module.fail_json(msg=_failed_names(outcomes), **result)
        module.exit_json(**result)


def run_info(info: Info) -> None:
    """Read, and change nothing."""
    module = AnsibleModule(argument_spec={**CONNECTION_OPTIONS, **info.options}, supports_check_mode=True)
    with _failures(module):
        module.exit_json(changed=False, **redact(info.read(_client(module), module.params)))


def _module(options: dict[str, Any], start: Callable[..., Any] = AnsibleModule) -> Any:
    state = {"type": "str", "choices": ["present", "absent"], "default": "present"}
    return start(argument_spec={**CONNECTION_OPTIONS, "state": state, **options}, supports_check_mode=True)


def _every(number: int, tell: Progress) -> Progress:
    """``tell`` at about every so-manieth only, and not at the last."""
    told = 0

    def tell_some(done: int, total: int) -> None:
        nonlocal told
        if done // number > told and done < total:
            told = done // number
            tell(done, total)

    return tell_some


@contextmanager
def _failures(module: AnsibleModule) -> Iterator[None]:
    """Turn the errors of all layers below into a failed task."""
    if REQUESTS_IMPORT_ERROR:
        module.fail_json(msg=missing_required_lib("requests"), exception=REQUESTS_IMPORT_ERROR)
    try:
        yield
    except LiteLLMError as error:
        _fail(module, error)


def _fail(module: AnsibleModule, error: Exception, **result: Any) -> None:
    if isinstance(error, ApiError):
        result["failure"] = error.as_dict()
    module.fail_json(msg=_sentence(error), **result)


def _sentence(error: Exception) -> str:
    if isinstance(error, InputError) and error.subject:
        return _one_line(f"{error.subject}: {error}")
    return str(error) if isinstance(error, LiteLLMError) else f"{type(error).__name__}: {error}"


def _one_line(text: str) -> str:
    """An alias may hold anything; a sentence for the user is one line."""
    return "".join(char if char.isprintable() else "?" for char in text)


def _client(module: AnsibleModule, connections: int = 1) -> Client:
    try:
        settings = Settings.from_params(module.params.get)
    except ValueError as error:
        raise InputError(str(error)) from error
    if settings.sends_key_in_clear:
        module.warn("api_key travels over plain http to another machine: use https.")
    return Client(settings, connections)


def _wanted(
    kind: Kind, items: Sequence[Mapping[str, Any]], defaults: Mapping[str, Any], state: str
) -> list[Declaration]:
    """The checked declarations.

    :raises InputError: naming every item that is wrong, and every identity that stands there twice.
    """
    wants: list[Declaration] = []
    wrong: dict[str, list[str]] = defaultdict(list)
    positions: dict[tuple[str, Any], list[str]] = defaultdict(list)
    for number, item in enumerate(items, 1):
        given = {name: value for name, value in item.items() if value is not None}
        try:
            want = kind.declare({**defaults, **given}, state)
        except InputError as error:
            wrong[str(error)].append(_one_line(error.subject) or f"item {number}")
        else:
            wants.append(want)
            positions[want.name, tuple(want.identity.items())].append(str(number))
    for (name, _identity), numbers in positions.items():
        if len(numbers) > 1:
            wrong[f"declared {len(numbers)} times, as items {', '.join(numbers)}."].append(name)
    if wrong:
        raise InputError(_by_reason(wrong))
    return wants


def _report(kind: Kind, want: Declaration, outcome: Outcome) -> dict[str, Any]:
    """What is returned of one object, with its secret in the one place meant for it."""
    record = outcome.record or {}
    secret = {kind.secret: outcome.value if outcome.action != "delete" else None} if kind.secret else {}
    return {
        **want.identity,
        **secret,
        **{name: record.get(source) for name, source in kind.ids.items() if name not in want.identity},
        "action": outcome.action,
        "changed": outcome.action != "none",
        "error": _sentence(outcome.error) if outcome.error else None,
    }


def _record(kind: Kind, outcome: Outcome, check: bool) -> dict[str, Any] | None:
    """The object as it is after the task; in check mode as it would be."""
    if outcome.action == "delete":
        return None
    if check and outcome.plan.changed:
        return redact({**(kind.public(outcome.record) if outcome.record else {}), **outcome.plan.after})
    return redact(kind.public(outcome.record)) if outcome.record else None


def _warn(module: AnsibleModule, outcomes: Sequence[Outcome]) -> None:
    for warning in dict.fromkeys(text for outcome in outcomes for text in outcome.warnings):
        module.warn(warning)


def _summary(outcomes: Sequence[Outcome]) -> dict[str, int]:
    counts = Counter(outcome.action for outcome in outcomes if not outcome.error)
    return {**{action: counts[action] for action in ACTIONS}, "failed": sum(1 for outcome in outcomes if outcome.error)}


def _failed_names(outcomes: Sequence[Outcome]) -> str:
    by_reason: dict[str, list[str]] = defaultdict(list)
    for outcome in outcomes:
        if outcome.error:
            by_reason[_sentence(outcome.error)].append(outcome.plan.name)
    failed = sum(len(names) for names in by_reason.values())
    return f"{failed} of {len(outcomes)} failed. {_by_reason(by_reason)}"


def _by_reason(by_reason: Mapping[str, Sequence[str]]) -> str:
    """Each reason once, after the names that it concerns."""
    return _listed([f"{_listed(names, ', ')}: {reason}" for reason, names in by_reason.items()], " ")


def _listed(parts: Sequence[str], separator: str) -> str:
    more = len(parts) - MOST_NAMED
    return separator.join(parts[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
