# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The task that declares a platform, from its options to its result. Private: only for use inside this collection."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from .._engine import Outcome
from .._errors import InputError
from .._kind import Ledger, Store
from .._module import (
    Module,
    ModuleFactory,
    Task,
    connected,
    ensure_batch,
    failures,
    open_ledger,
    start_task,
    warn,
    warn_of_unknown,
)
from .._proxy import Proxy
from .._redaction import redact, redact_options
from .._results import failed_names, is_unknown, readings_of, report_of, sentence_of, traceback_of
from .._text import join_limited
from ._drift import drift_of
from ._entries import Entries, Entry
from ._kinds import KINDS, LISTS, Row
from ._options import ENTRIES, OPTIONS
from ._run import Run
from ._undeclared import PRUNED, check_pruning, entry_of, to_prune, undeclared

Params = Mapping[str, Any]
Done = tuple[Row, Entry, Outcome]
# All that can be done to an object, in the order of a summary.
ACTIONS = ("create", "update", "reissue", "delete", "none")


def run_platform(start: ModuleFactory = Module) -> None:
    """Make all objects of a platform present or absent."""
    module = start_task(start, OPTIONS, ENTRIES)
    with failures(module):
        ensure_batch(module.params)
        given = Entries(module.params)
        module.take_entries(given.checked)
        entries = given.declared()
        check_pruning(module.params, entries)
        advice = {pattern: sentence for row in KINDS for pattern, sentence in row.kind.advice.items()}
        with connected(module, advice) as client, open_ledger(module) as ledger:
            run, left = _planned(client, entries, module, ledger)
            drift = drift_of(run.present, run.going, left, Proxy(client) if module.params["strict"] else None)
            if not module.check_mode:
                run.carry_out()
        done = [(part.row, entry, outcome) for part in run.parts for entry, outcome in zip(part.entries, part.outcomes)]
        outcomes = [outcome for _row, _entry, outcome in done]
        warn_of_lacking(module, done)
        warn(module, outcomes, client)
        _end(module, done, drift)


def warn_of_lacking(module: Task, done: Sequence[Done]) -> None:
    """Warn of secrets that are not in the file of the task, unless it has none of those that were there before.

    Of a proxy that was adopted no secret is known, and nobody expects that.
    """
    for row in KINDS:
        present = [outcome for kind_row, _entry, outcome in done if kind_row is row and outcome.plan.current]
        if row.kind.secret and any(outcome.value for outcome in present):
            warn_of_unknown(row.kind, module, present)


def _planned(
    client: Any, entries: Sequence[Entry], module: Task, ledger: Ledger | None
) -> tuple[Run, dict[str, list[str]]]:
    """Return the run with its plans, and the names of what is not declared, by list.

    :raises InputError: if anything cannot be carried out.
    """
    params = module.params
    key_params = {**params, "prune_metadata": None}

    def make_store(row: Row) -> Store:
        return row.kind.store(client, key_params, ledger)

    proxy = Proxy(client)
    proxy.ensure_reachable()  # also where nothing is declared
    run = Run(client, make_store, params, module.report_progress)
    left: dict[str, list[str]] = {}
    pruned: list[Entry] = []
    for row in LISTS:
        if row.option not in (*params["report_undeclared"], *params["prune"]):
            continue
        records = run.store(row).existing()
        rest = undeclared(row, records, entries, proxy)
        if row.option in params["report_undeclared"]:
            left[row.option] = [row.kind.name_of(record) for record in rest]
        if row.option in params["prune"]:
            pruned += [entry_of(row, record, params["force"]) for record in to_prune(row, records, rest, params)]
    run.plan([*entries, *pruned])
    _refuse_lost_values(run, params)
    return run, left


def _refuse_lost_values(run: Run, params: Params) -> None:
    """Refuse to make keys whose values would be nowhere.

    :raises InputError: saying so.
    """
    if params["return_values"] or params["values_file"] is not None:
        return
    lost = [
        plan.name
        for part in run.present
        if part.row.kind.secret
        for plan in part.plans
        if plan.action in ("create", "reissue") and plan.value is None
    ]
    if lost:
        raise InputError(
            "nobody would know the values of these keys. Set O(values_file), or O(key_seed) for each key, or "
            "O(return_values): true together with O(no_log): true.",
            join_limited(lost),
        )


def _end(module: Task, done: Sequence[Done], drift: Mapping[str, Any]) -> None:
    """End the task with its result."""
    few = {name: given for name, given in module.params.items() if name not in ENTRIES}
    result: dict[str, Any] = {
        "changed": any(outcome.action != "none" for _row, _entry, outcome in done),
        **{row.returned: _reports(module, row, done) for row in KINDS},
        "pruned": [
            {"kind": row.option, "name": outcome.plan.name, **_state(module, outcome)}
            for row, entry, outcome in done
            if entry.number == PRUNED
        ],
        "summary": _summary(done),
        "drift": drift,
        # Of each declared object every option would be most of the result.
        "invocation": {"module_args": redact_options(few, module.shown_spec)},
    }
    if module.diff_mode:
        result["diff"] = [
            {**redact(outcome.plan.diff), **dict.fromkeys(("before_header", "after_header"), _name(row, outcome))}
            for row, _entry, outcome in done
            if outcome.plan.changed
        ]
    errors = [outcome.error for _row, _entry, outcome in done if outcome.error]
    if errors:
        named = [(_name(row, outcome), outcome) for row, _entry, outcome in done]
        module.fail_json(msg=failed_names(named, module.called), **traceback_of(errors), **result)
    module.exit_json(**result)


def _name(row: Row, outcome: Outcome) -> str:
    return f"{row.option}: {outcome.plan.name}"


def _reports(module: Task, row: Row, done: Sequence[Done]) -> list[dict[str, Any]]:
    """Return what is returned of each declared object of a kind, in the order of the list."""
    mine = [(entry, outcome) for kind_row, entry, outcome in done if kind_row is row and entry.number != PRUNED]
    reports = []
    for entry, outcome in sorted(mine, key=lambda one: one[0].number):
        report = report_of(row.kind, entry.want, outcome, module.called)
        if row.kind.secret and not module.params["return_values"]:
            report[row.kind.secret] = None
        reports.append({**report, **readings_of(row.kind, outcome, module.check_mode)})
    return reports


def _state(module: Task, outcome: Outcome) -> dict[str, Any]:
    error = sentence_of(outcome.error, module.called) if outcome.error else None
    return {"action": outcome.action, "changed": outcome.action != "none", "error": error}


def _summary(done: Sequence[Done]) -> dict[str, int]:
    counts = Counter(outcome.action for _row, _entry, outcome in done if not outcome.error)
    secret = [outcome for row, _entry, outcome in done if row.kind.secret]
    return {
        **{action: counts[action] for action in ACTIONS},
        "failed": sum(1 for _row, _entry, outcome in done if outcome.error),
        "unknown_value": sum(map(is_unknown, secret)),
    }
