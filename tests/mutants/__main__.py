# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes the code of the collection in random single places, and prints the changes that no unit test notices.

Each change is made in a copy of the checkout, on which unit tests run until the first of them fails: those of the
file, of its folder, and, if they notice nothing, of all plugins. The same seed makes the same changes of the same code.
"""

from __future__ import annotations

import argparse
import random
import shlex
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from cosmic_ray.commands import init
from cosmic_ray.mutating import mutate_and_test
from cosmic_ray.work_db import WorkDB, use_db
from cosmic_ray.work_item import MutationSpec, TestOutcome, WorkerOutcome, WorkItem, WorkResult

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tooling import checkout

COPY = checkout.BUILD / "mutants"
# Documentation, which other tests hold, and a call.
NO_CODE = ("modules", "doc_fragments")
# These change annotations, which nothing evaluates, far more often than code.
ANNOTATIONS = "core/ReplaceBinaryOperator_BitOr_"
PYTEST = (sys.executable, "-m", "pytest", "-q", "-x", "--no-cov")
# The sandbox and the tools of the tests are not what is changed.
ALL = ("tests/unit/plugins", "tests/unit/test_secrets_in_memory.py")
# A change can make a loop endless. Whatever is not through after this time, in seconds, counts as noticed.
LONGEST = 1800


def main() -> int:
    parser = argparse.ArgumentParser(prog="mutants", description=__doc__)
    parser.add_argument("--count", type=int, default=40, help="how many changes")
    parser.add_argument("--seed", type=int, default=0, help="which ones")
    given = parser.parse_args()
    checkout.copy(COPY)
    with use_db(str(checkout.BUILD / "mutants.sqlite"), mode=WorkDB.Mode.create) as work:
        init(code(), work, {})
        choose(work, given.count, random.Random(given.seed))
        for item in list(work.pending_work_items):
            work.set_result(item.job_id, tried(item))
        return report(work)


def code() -> list[Path]:
    """The files to change."""
    files = sorted((COPY / "plugins").rglob("*.py"))
    return [file for file in files if file.relative_to(COPY / "plugins").parts[0] not in NO_CODE]


def choose(work: WorkDB, count: int, rng: random.Random) -> None:
    """Leave a random choice of all changes to be tried."""
    items = [item for item in work.pending_work_items if not item.mutations[0].operator_name.startswith(ANNOTATIONS)]
    items.sort(key=lambda item: str(item.mutations[0]))
    chosen = {item.job_id for item in rng.sample(items, min(count, len(items)))}
    for item in list(work.pending_work_items):
        if item.job_id not in chosen:
            work.set_result(item.job_id, WorkResult(worker_outcome=WorkerOutcome.SKIPPED))


def tried(item: WorkItem) -> WorkResult:
    """Run tests on a change, the nearest ones first, until any fails. Print what came of it."""
    for tests in nearest(item.mutations[0].module_path):
        # The tests of the copy find it by their own path, and so do the changes.
        command = shlex.join(["env", "-C", str(COPY), *PYTEST, *(("-n", "2") if tests == ALL else ()), *tests])
        result = mutate_and_test(item.mutations, command, LONGEST)
        if result.test_outcome == TestOutcome.KILLED:
            break
    print(f"{title(item.mutations[0])}: {result.test_outcome}, {' '.join(tests)}", flush=True)
    return result


def nearest(changed: Path) -> Iterator[Sequence[str]]:
    """Yield the tests of a changed file and of its folder, if it has any, and those of all plugins."""
    file = changed.relative_to(COPY)
    folder = Path("tests/unit") / file.parent
    for tests in (folder / f"test_{file.name.lstrip('_')}", folder):
        if (COPY / tests).exists():
            yield (str(tests),)
    yield ALL


def report(work: WorkDB) -> int:
    """Print what became of the changes. The exit code is 1 if any was not noticed."""
    results = {job_id: result for job_id, result in work.results if result.worker_outcome != WorkerOutcome.SKIPPED}
    unnoticed = [job_id for job_id, result in results.items() if result.test_outcome != TestOutcome.KILLED]
    changes = {item.job_id: item.mutations[0] for item in work.work_items}
    for job_id in unnoticed:
        print(f"{title(changes[job_id])}\n{changed_lines(results[job_id].diff)}\n")
    print(f"{len(results) - len(unnoticed)} of {len(results)} changes were noticed.")
    return 1 if unnoticed else 0


def changed_lines(diff: str | None) -> str:
    lines = (diff or "").splitlines()
    return "\n".join(line for line in lines if line[:1] in ("+", "-") and line[:3] not in ("+++", "---"))


def title(change: MutationSpec) -> str:
    return f"{Path(change.module_path).relative_to(COPY)}:{change.start_pos[0]} {change.operator_name}"


if __name__ == "__main__":
    sys.exit(main())
