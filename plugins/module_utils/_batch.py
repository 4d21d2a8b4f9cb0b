# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many objects at once: all plans first, then a bounded number of writes side by side.

Private: only for use inside this collection.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from ._engine import Outcome, Plan
from ._errors import InputError, LiteLLMError, say_that_it_was_written
from ._kind import Store
from ._text import join_limited

Progress = Callable[[int, int], None]


def converge(
    store: Store,
    wants: Sequence[Any],
    check: bool = False,
    concurrency: int = 1,
    fail_fast: bool = False,
    last: Sequence[Any] = (),
    progress: Progress | None = None,
) -> list[Outcome]:
    """Make the objects as wanted; an outcome for each, in their order.

    In check mode the plans are not carried out, and what they lack is a warning. A failure of one does not stop the
    others, unless ``fail_fast``; what was not tried then has that as its error.

    :param last: further objects, whose turn comes when all of the others are well; if it does not come, they have no
        outcome.
    :param progress: told how many of the objects are done, and how many there are to do.
    :raises InputError: before the first write.
    :raises ApiError: if the objects cannot be read; before the first write, too.
    """
    plans = store.plans([*wants, *last])
    missing = store.missing([*wants, *last], plans)
    if check:
        return [planned(plan) for plan in _warned(plans, missing)]
    for sentence, names in missing.items():
        raise InputError(sentence, join_limited(names))
    plans = store.prepare(plans)
    outcomes = carry_out(store, wants, plans[: len(wants)], concurrency, fail_fast, progress)
    if last and not any(outcome.error for outcome in outcomes):
        outcomes += carry_out(store, last, plans[len(wants) :], concurrency, fail_fast)
    return outcomes


def _warned(plans: Sequence[Plan], missing: Mapping[str, Sequence[str]]) -> list[Plan]:
    """Add warnings to plans about what is missing, which in check mode an earlier task has not created either."""
    warnings: dict[str, list[str]] = defaultdict(list)
    for sentence, names in missing.items():
        warnings[names[0]].append(
            f"{join_limited(names)}: {sentence} This task fails unless an earlier task changes that."
        )
    return [replace(plan, warnings=(*plan.warnings, *warnings.pop(plan.name, ()))) for plan in plans]


def planned(plan: Plan) -> Outcome:
    """Return what would come of a plan."""
    return Outcome(plan, plan.action, plan.current, plan.value, warnings=plan.warnings)


def carry_out(
    store: Store,
    wants: Sequence[Any],
    plans: Sequence[Plan],
    concurrency: int,
    fail_fast: bool,
    progress: Progress | None = None,
) -> list[Outcome]:
    """Write what is planned, and read it back. Raises nothing: a value cannot be read a second time."""
    outcomes = [planned(plan) for plan in plans]
    batches = store.batches(plans)

    def work(batch: list[int]) -> list[Outcome]:
        return store.apply([wants[number] for number in batch], [plans[number] for number in batch])

    done, total = 0, sum(map(len, batches))
    for batch, result in zip(batches, run_all(work, batches, concurrency, _has_failed if fail_fast else None)):
        for position, number in enumerate(batch):
            if isinstance(result, Exception):
                # A new value that was not written is nobody's.
                value = outcomes[number].value if plans[number].action == "update" else None
                outcomes[number] = replace(outcomes[number], action="none", value=value, error=result)
            else:
                warnings = plans[number].warnings + result[position].warnings
                outcomes[number] = replace(result[position], warnings=warnings)
        done += len(batch)
        if progress:
            progress(done, total)
    try:
        return store.confirm(wants, outcomes)
    except Exception as error:
        # What was written and cannot be read back now is reported as failed, but with the values that it has.
        say_that_it_was_written(error)
        return [replace(one, error=error) if one.error is None and one.plan.changed else one for one in outcomes]


def _has_failed(result: list[Outcome] | Exception) -> bool:
    return isinstance(result, Exception) or any(outcome.error for outcome in result)


def run_all(
    work: Callable[[Any], Any],
    items: Sequence[Any],
    concurrency: int,
    stops: Callable[[Any], bool] | None = None,
) -> Iterator[Any]:
    """Yield the results of ``work``, or its errors, in the order of the items; ``concurrency`` at a time.

    :param stops: whether nothing is tried any more after such a result.
    """
    stopped = False

    def attempt(item: Any) -> Any:
        nonlocal stopped
        if stopped:
            return LiteLLMError("Not tried, because another item failed and O(fail_fast) is set.")
        try:
            result = work(item)
        except Exception as error:  # all that went well must be returned: a value cannot be read a second time
            result = error
        stopped = stopped or (stops is not None and stops(result))
        return result

    with ThreadPoolExecutor(max_workers=max(1, concurrency)) as pool:
        yield from pool.map(attempt, items)
