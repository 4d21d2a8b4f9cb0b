# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many schedules, some side by side."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path

from tooling import checkout
from tooling.warm_start import WarmAnsible

from .outage import Outage
from .rotation import Rotation
from .schedule import OUTAGES, ROTATION, Schedule
from .server import Server
from .workshop import Result, Workshop

# How many workshops share an outage.
SIDE_BY_SIDE = 4


def run_all(server: Server, schedules: Iterable[Schedule], workers: int) -> list[Result]:
    """The results, in the order of the schedules. Outages come last: they touch all workshops that run then."""
    schedules = list(schedules)
    alone = [one for one in schedules if one.kind in OUTAGES]
    with ExitStack() as until:
        collections = until.enter_context(checkout.linked())
        folder = until.enter_context(tempfile.TemporaryDirectory(prefix="faults-"))
        environment = {
            **os.environ,
            "ANSIBLE_COLLECTIONS_PATH": str(collections),
            "ANSIBLE_LOCALHOST_WARNING": "False",
            "ANSIBLE_INVENTORY_UNPARSED_WARNING": "False",
            "ANSIBLE_NOCOLOR": "True",
            "ANSIBLE_LOCAL_TEMP": f"{folder}/ansible",
            "ANSIBLE_REMOTE_TEMP": f"{folder}/remote",
            "PYTHONPATH": str(collections),
        }
        ansible = until.enter_context(closing(WarmAnsible(environment)))

        def work(schedule: Schedule, outage: Outage) -> Result:
            own = Path(tempfile.mkdtemp(prefix=f"{schedule.seed}-", dir=folder))
            try:
                story = Rotation if schedule.journey == ROTATION else Workshop
                result = story(server, schedule, own, environment, ansible).result(outage)
            except Exception as error:
                outage.give_up()
                result = Result(schedule, problems=[f"{type(error).__name__}: {error}"])
            print(described(result), flush=True)
            return result

        with ThreadPoolExecutor(workers) as pool:
            others = [one for one in schedules if one not in alone]
            results = list(pool.map(work, others, [Outage(server, one.kind) for one in others]))
        for kind in OUTAGES:
            of_kind = [one for one in alone if one.kind == kind]
            for start in range(0, len(of_kind), SIDE_BY_SIDE):
                group = of_kind[start : start + SIDE_BY_SIDE]
                outage = Outage(server, kind, len(group))
                with ThreadPoolExecutor(len(group)) as pool:
                    results += pool.map(work, group, [outage] * len(group))
    return sorted(results, key=lambda result: schedules.index(result.schedule))


def described(result: Result) -> str:
    """A line on one schedule, and below it what is wrong."""
    line = f"seed {result.schedule.seed:>4}  {result.seconds:5.1f} s  {result.faults:>3} faults  "
    line += f"{result.outcome:<19}  {result.schedule}"
    details = [f"    {text[:500]}" for text in result.problems + (result.notes if result.outcome == "failed" else [])]
    return "\n".join([line, *details])
