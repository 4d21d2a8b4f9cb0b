# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The edge to Ansible. Private: only for use inside this collection.

The only place with AnsibleModule, check mode and diff mode, and where an error becomes a failed task.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from copy import deepcopy
from typing import Any, NoReturn, Protocol

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible.module_utils.common.parameters import remove_values

from ._args import CONNECTION_OPTIONS, Settings, base_url, flags_for_numbers
from ._batch import converge
from ._client import MAX_CONCURRENT, REQUESTS_IMPORT_ERROR, Client, Connection
from ._engine import Outcome
from ._errors import InputError, LiteLLMError
from ._kind import Declaration, Kind, Ledger, Readable
from ._progress import every_few_seconds
from ._redaction import Secrets, redact, redact_options, secrets_of
from ._results import (
    by_reason,
    failed_names,
    is_unknown,
    readings_of,
    record_of,
    report_of,
    sentence_of,
    summary_of,
    traceback_of,
)
from ._text import join_limited, mark_options, printable, render

STATE = {"state": {"type": "str", "choices": ["present", "absent"], "default": "present"}}
# The entry beside the options of a module by which another action of ours says what the user calls them.
CALLED = "_called"


class Task(Protocol):
    """A task of one of our modules: a ``Module``, or what takes its place in Ansible's own worker.

    ``given`` are the options before Ansible converts them, ``called`` the names that the user has for them elsewhere.
    """

    params: dict[str, Any]
    given: Any
    called: Mapping[str, str]
    argument_spec: dict[str, Any]
    shown_spec: dict[str, Any]
    no_log_values: set[str]
    check_mode: bool
    connections: dict[Any, Connection]
    reached: Any
    last_read: dict[Any, Any]

    @property
    def diff_mode(self) -> bool:
        """Whether the task is to show what it changes."""

    def take_entries(self, entries: Mapping[str, Any]) -> None:
        """Take the options of entries as they were checked, in which a secret may look different."""

    def warn(self, text: str) -> None:
        """Let Ansible show a warning."""

    def exit_json(self, **result: Any) -> NoReturn:
        """End the task well."""

    def fail_json(self, msg: str, **result: Any) -> NoReturn:
        """End the task as failed."""

    def report_progress(self, text: str) -> None:
        """Say something while the task runs."""

    def values_file(self, path: str, proxy: str, vault_id: str | None, reading: bool) -> AbstractContextManager[Ledger]:
        """Open the file that keeps the values of keys."""


# Makes a task from the arguments of a Module.
ModuleFactory = Callable[..., Task]


class Module(AnsibleModule):
    """``AnsibleModule`` that also masks secrets which Ansible does not know, or that are written in another way."""

    def __init__(self, entries: Mapping[str, Any] | None = None, **arguments: Any) -> None:
        # With the options of entries that are checked later, of which Ansible does not know what is secret.
        self.shown_spec = {**arguments["argument_spec"], **(entries or {})}
        self.called: dict[str, str] = {}
        self.connections: dict[Any, Connection] = {}
        self.reached: set[str] = set()
        self.last_read: dict[Any, Any] = {}
        super().__init__(**arguments)

    def _load_params(self) -> None:
        super()._load_params()
        self.called = self.params.pop(CALLED, {})
        self.given = deepcopy(self.params)  # before Ansible converts them

    def take_entries(self, entries: Mapping[str, Any]) -> None:
        """Take the options of entries as they were checked, in which a secret may look different."""
        self._learn_secrets()
        self.params.update(entries)

    @property
    def diff_mode(self) -> bool:
        """Whether the task is to show what it changes. Ansible's modules know it by a private name only."""
        return bool(self._diff)

    def _log_invocation(self) -> None:
        # Text that is not valid Unicode cannot be logged; it is refused right after this, in a sentence.
        with suppress(UnicodeEncodeError):
            super()._log_invocation()

    def log(self, msg: str, log_args: Mapping[str, Any] | None = None) -> None:
        """Log as Ansible does, but mask the options before they become text, where a secret may look different."""
        self._learn_secrets()
        if log_args is not None:
            options = remove_values(redact_options(self.params, self.shown_spec), self.no_log_values)
            log_args = {name: str(options.get(name)) for name in log_args}
            msg = " ".join(["Invoked with", *(f"{name}={value}" for name, value in log_args.items())])
        super().log(msg, log_args)

    def exit_json(self, **result: Any) -> None:
        super().exit_json(**self._masked(result))

    def fail_json(self, msg: str, **result: Any) -> None:
        super().fail_json(msg, **self._masked(result))

    def values_file(self, path: str, *_how: Any, **_further: Any) -> NoReturn:
        """Refuse a file of the control node: a module may run on any machine."""
        raise InputError(
            f"O(values_file): {path} can be used only on the control node, in Ansible's own process. Run the task on "
            "localhost, without become, async, environment, or another Python interpreter."
        )

    def report_progress(self, text: str) -> None:
        """Say nothing: a module is heard only when it ends."""

    def _masked(self, result: Mapping[str, Any]) -> dict[str, Any]:
        self._learn_secrets()
        return {"invocation": {"module_args": redact_options(self.params, self.shown_spec)}, **result}

    def _learn_secrets(self) -> None:
        self.no_log_values: set[str] = secrets_of(self.no_log_values, self.params, self.shown_spec)


def run(kind: Kind, start: ModuleFactory = Module) -> None:
    """Make one object present or absent."""
    module = start_task(start, {**STATE, **kind.options, **kind.task_options})
    with failures(module):
        want = kind.declare(module.params, module.params["state"])
        with connected(module, kind.advice) as client, open_ledger(module) as ledger:
            (outcome,) = converge(kind.store(client, module.params, ledger), [want], module.check_mode)
        warn_of_unknown(kind, module, [outcome])
        warn(module, [outcome], client)
        report = report_of(kind, want, outcome, module.called)
        del report["error"]
        report[kind.result] = record_of(kind, outcome, module.check_mode)
        if module.diff_mode:
            report["diff"] = redact(outcome.plan.diff)
        if outcome.error:
            _fail(module, outcome.error, **report)
        module.exit_json(**report)


def run_batch(kind: Kind, start: ModuleFactory = Module) -> None:
    """Make many objects present or absent."""
    module = start_task(start, {**STATE, **_batch_options(kind), **kind.task_options, **kind.batch_options})
    with failures(module):
        ensure_batch(module.params)
        wants = _wanted(kind, module.params[kind.plural], module.params["defaults"] or {}, module.params["state"])
        with connected(module, kind.advice) as client, open_ledger(module) as ledger:
            store = kind.store(client, module.params, ledger)
            # Only when everybody who is declared is served: a failure must not cost anybody a key.
            last = store.undeclared(wants)
            outcomes = converge(
                store,
                wants,
                module.check_mode,
                module.params["concurrency"],
                module.params["fail_fast"],
                last=last,
                progress=every_few_seconds(
                    lambda done, total: module.report_progress(f"{done} of {total} {kind.things} written"),
                    module.params["progress_every"],
                ),
            )
        warn_of_unknown(kind, module, outcomes)
        warn(module, outcomes, client)
        reports = [
            {**report_of(kind, want, outcome, module.called), **readings_of(kind, outcome, module.check_mode)}
            for want, outcome in zip([*wants, *last], outcomes)
        ]
        _end_batch(kind, module, wants, reports, outcomes)


def run_info(kind: Readable, start: ModuleFactory = Module) -> None:
    """Read, and change nothing."""
    module = start_task(start, kind.info_options)
    with failures(module):
        with connected(module) as client:
            result = {name: redact(value) for name, value in kind.read(client, module.params).items()}
        warn(module, [], client)
        module.exit_json(changed=False, **result)


def start_task(start: ModuleFactory, options: Mapping[str, Any], entries: Mapping[str, Any] | None = None) -> Task:
    """Start a task with the connection options and those of its own.

    :param entries: argument spec of the options that hold entries, with the options of these, which are checked later.
    """
    spec = {**CONNECTION_OPTIONS, **options}
    further = {"entries": entries} if entries else {}
    module = start(argument_spec=spec, supports_check_mode=True, **further)
    if flags := flags_for_numbers(module.given, spec):
        module.fail_json(msg=render(f"{mark_options(flags)} must be a number, not true or false.", module.called))
    return module


def _batch_options(kind: Kind) -> dict[str, Any]:
    objects = {"type": "list", "elements": "dict", "required": True, "no_log": False}
    return {
        # An option's own default in each object would go before those of the task.
        kind.plural: {**objects, "options": _without(kind.options, "default")},
        "defaults": {"type": "dict", "options": _without(kind.options, "default", "required")},
        "concurrency": {"type": "int", "default": 12},
        "fail_fast": {"type": "bool", "default": False},
        "progress_every": {"type": "int"},
    }


def _without(options: Mapping[str, Mapping[str, Any]], *parts: str) -> dict[str, dict[str, Any]]:
    return {name: {part: value for part, value in spec.items() if part not in parts} for name, spec in options.items()}


def ensure_batch(params: Mapping[str, Any]) -> None:
    """Refuse options of a task with many objects that cannot be right.

    :raises InputError: naming the option.
    """
    if not 1 <= params["concurrency"] <= MAX_CONCURRENT:
        raise InputError(f"O(concurrency) must be between 1 and {MAX_CONCURRENT}.")
    if params["progress_every"] is not None and params["progress_every"] < 1:
        raise InputError("O(progress_every) must be at least 1.")


def _end_batch(
    kind: Kind,
    module: Task,
    wants: Sequence[Declaration],
    reports: Sequence[Mapping[str, Any]],
    outcomes: Sequence[Outcome],
) -> None:
    few = {name: given for name, given in module.params.items() if name != kind.plural}
    result: dict[str, Any] = {
        "changed": any(report["changed"] for report in reports),
        kind.plural: reports[: len(wants)],
        "pruned": reports[len(wants) :],
        "summary": summary_of(kind, outcomes),
        # Of each declared object every option would be most of the result.
        "invocation": {"module_args": redact_options(few, module.argument_spec)},
    }
    if module.diff_mode:
        result["diff"] = [redact(outcome.plan.diff) for outcome in outcomes if outcome.plan.changed]
    errors = [outcome.error for outcome in outcomes if outcome.error]
    if errors:
        named = [(outcome.plan.name, outcome) for outcome in outcomes]
        module.fail_json(msg=failed_names(named, module.called), **traceback_of(errors), **result)
    module.exit_json(**result)


@contextmanager
def failures(module: Task) -> Iterator[None]:
    """Turn the errors of all layers below into a failed task."""
    if REQUESTS_IMPORT_ERROR:
        module.fail_json(msg=missing_required_lib("requests"), exception=REQUESTS_IMPORT_ERROR)
    try:
        yield
    except Exception as error:
        _fail(module, error)


def _fail(module: Task, error: Exception, **result: Any) -> None:
    if isinstance(error, LiteLLMError) and (failure := error.as_dict(module.called)):
        result["failure"] = failure
    module.fail_json(msg=sentence_of(error, module.called), **traceback_of([error]), **result)


@contextmanager
def connected(module: Task, advice: Mapping[str, str] | None = None) -> Iterator[Client]:
    """Yield a client, of whose warnings one may explain what goes wrong with it."""
    client = _client(module, advice)
    try:
        yield client
    except Exception:
        warn(module, [], client)
        raise


def _client(module: Task, advice: Mapping[str, str] | None) -> Client:
    try:
        settings = Settings.from_params(module.params.get)
    except ValueError as error:
        raise InputError(str(error)) from error
    for warning in settings.warnings:
        module.warn(render(warning, module.called))
    known = module.connections
    if settings not in known:
        known[settings] = Connection(settings, module.reached)
    secrets = Secrets(module.no_log_values)
    return Client(settings, secrets=secrets, advice=advice, connection=known[settings], last_read=module.last_read)


def _wanted(
    kind: Kind, items: Sequence[Mapping[str, Any]], defaults: Mapping[str, Any], state: str
) -> list[Declaration]:
    """Return the checked declarations.

    :raises InputError: naming every item that is wrong, and every identity that stands there twice.
    """
    wants: list[Declaration] = []
    wrong: dict[str, list[str]] = defaultdict(list)
    positions: dict[tuple[str, Any], list[str]] = defaultdict(list)
    for number, item in enumerate(items, 1):
        try:
            want = kind.declare(kind.with_defaults(item, defaults), state)
        except InputError as error:
            wrong[error.marked].append(printable(error.subject) or f"item {number}")
        else:
            wants.append(want)
            positions[want.name, tuple(want.identity.items())].append(str(number))
    for (name, _identity), numbers in positions.items():
        if len(numbers) > 1:
            wrong[f"declared {len(numbers)} times, as items {', '.join(numbers)}."].append(name)
    for sentence, names in kind.conflicts(wants).items():
        wrong[sentence] += map(printable, names)
    if wrong:
        raise InputError(by_reason(wrong))
    return wants


def warn(module: Task, outcomes: Sequence[Outcome], client: Client) -> None:
    """Give the warnings of all that was done, each once."""
    warnings = [text for outcome in outcomes for text in outcome.warnings]
    for warning in dict.fromkeys([*warnings, *client.warnings]):
        module.warn(render(warning, module.called))


def warn_of_unknown(kind: Kind, module: Task, outcomes: Sequence[Outcome]) -> None:
    """Warn of secrets that are not in the file of the task: who keeps them there expects to find all of them."""
    names = [printable(outcome.plan.name) for outcome in outcomes if is_unknown(outcome)]
    if names and module.params.get("values_file") is not None:
        text = (
            f"O(values_file): these {kind.things} have values that are not in {module.params['values_file']}: "
            f"{join_limited(names)}. They keep working, but LiteLLM never shows a value again. Add those that you know "
            f"to the file, or replace them with O(value_policy): reissue."
        )
        module.warn(render(text, module.called))


@contextmanager
def open_ledger(module: Task) -> Iterator[Ledger | None]:
    """Yield where the task keeps the secrets of objects, if it says where."""
    path = module.params.get("values_file")
    if path is None:
        yield None
        return
    proxy = base_url(module.params["api_url"])
    with module.values_file(path, proxy, module.params["values_file_vault_id"], reading=module.check_mode) as ledger:
        yield ledger
