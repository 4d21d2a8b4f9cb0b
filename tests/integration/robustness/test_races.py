# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several runs of the same play at once: each key is there once, and a value that a run reports lets in."""

from __future__ import annotations

import multiprocessing
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._args import Settings
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._batch import converge
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._client import Client
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._key._declaration import declare
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._key._store import KeyStore
from ansible_collections.litemaas.virtual_keys.tests.tooling.server import token_of

PEOPLE = 6
# Seconds between the starts of the runs, round by round.
APART = (0.0, 0.05, 0.2)
SEED = "a seed of at least thirty-two characters"
LONGEST = 120
# How long a run may wait for the answer to its last write, with which its reissue is complete on the server.
LAST_ANSWER = 0.25

# What a run says of each alias: its action, value and error.
Report = tuple[str, "str | None", "str | None"]


@dataclass
class Said:
    """What a run said, and when it was under way."""

    begun: float
    ended: float
    reports: dict[str, Report]

    def __getitem__(self, alias: str) -> Report:
        return self.reports[alias]

    def __iter__(self) -> Iterator[str]:
        return iter(self.reports)


def run(connection: dict[str, Any], declared: list[dict[str, Any]], late: float, barrier: Any, said: Any) -> None:
    """One of the runs, in a process of its own; it may come some seconds ``late``, to find others at work."""
    client = Client(Settings.from_params(connection.get))
    store = KeyStore(client, secret=connection["api_key"])
    client.get("/health/readiness")  # so that none is held up by its first connection
    barrier.wait(LONGEST)
    time.sleep(late)
    begun = time.monotonic()
    try:
        outcomes = converge(store, [declare(one) for one in declared], concurrency=12)
    except Exception as error:
        reports = {one["key_alias"]: ("none", None, str(error)) for one in declared}
    else:
        reports = {one.plan.name: (one.action, one.value, one.error and str(one.error)) for one in outcomes}
    said.put(Said(begun, time.monotonic(), reports))


@pytest.fixture
def at_once(sandbox, alias):
    """Starts so many runs at the same moment, or each ``apart`` from the one before, and returns what each said."""
    connection = {"api_url": sandbox.api_url, "api_key": sandbox.master_key, "timeout": 60, "retries": 5}
    processes = multiprocessing.get_context("fork")

    def start(runs: int, declared: list[dict[str, Any]], apart: float = 0.0) -> list[Said]:
        barrier, said = processes.Barrier(runs), processes.Queue()
        started = [
            processes.Process(target=run, args=(connection, declared, number * apart, barrier, said))
            for number in range(runs)
        ]
        for process in started:
            process.start()
        results = [said.get(timeout=LONGEST) for _process in started]
        for process in started:
            process.join()
        return results

    return start


def wrong(sandbox, beginning: str, results: list[Said]) -> list[str]:
    """What is not as promised."""
    tokens = defaultdict(list)
    for row in sandbox.rows(
        'SELECT key_alias, token FROM "LiteLLM_VerificationToken" WHERE starts_with(key_alias, %s)', beginning
    ):
        tokens[row["key_alias"]].append(row["token"])
    found = [f"{name} is left over" for name in set(tokens) - set(results[0])]
    for name in results[0]:
        reported = [said for said in results if said[name][1] and not said[name][2]]
        errors = [said[name][2] for said in results if said[name][2]]
        # A run that looks at the keys after another has done its last write is free to reissue once more.
        dead = {
            said[name][1]
            for said in reported
            if token_of(said[name][1]) not in tokens[name]
            and not any(
                other.begun > said.ended - LAST_ANSWER and other[name][0] == "reissue"
                for other in results
                if other is not said
            )
        }
        if dead:
            found.append(f"{len(dead)} of the values reported of {name} are dead")
        if len(tokens[name]) > 1 or not (tokens[name] or errors):
            found.append(f"{name} is there {len(tokens[name])} times; errors: {errors}")
        elif not errors and not any(token_of(said[name][1]) in tokens[name] for said in reported):
            found.append(f"nobody knows the value of {name}")
    return found


def people(beginning: str, **options: Any) -> list[dict[str, Any]]:
    return [
        {"key_alias": f"{beginning}-{number}", "max_budget": 5.0, "duration": "1d", **options}
        for number in range(1, PEOPLE + 1)
    ]


@pytest.mark.parametrize("values", ["random", "derived"])
@pytest.mark.parametrize("runs", [2, 3, 5])
def test_creating_at_once(sandbox, alias, at_once, runs, values):
    for number in range(len(APART)):
        beginning = f"{alias}-{number}"
        results = at_once(runs, people(beginning, **({"key_seed": SEED} if values == "derived" else {})), APART[number])
        assert wrong(sandbox, beginning, results) == []
        if values == "derived":
            assert not [error for said in results for _action, _value, error in said.reports.values() if error]


@pytest.mark.parametrize("values", ["random", "derived"])
@pytest.mark.parametrize("runs", [2, 3, 5])
def test_reissuing_at_once(sandbox, alias, at_once, runs, values):
    derived = {"key_seed": SEED} if values == "derived" else {}
    version = {"key_version": 2} if derived else {}
    for number in range(len(APART)):
        beginning = f"{alias}-{number}"
        (first,) = at_once(1, people(beginning, **derived))
        results = at_once(runs, people(beginning, value_policy="reissue", **derived, **version), APART[number])
        assert wrong(sandbox, beginning, results) == []
        now = {name: {said[name][1] for said in results if said[name][1]} for name in first}
        assert not [name for name in first if first[name][1] in now[name]], "an old value came back"


def test_each_loser_says_what_became_of_its_key(sandbox, alias, at_once):
    results = at_once(3, people(alias))
    actions = Counter(said[name][0] for said in results for name in said if not said[name][2])
    assert actions["create"] == PEOPLE
    assert actions["none"] + actions["update"] == 2 * PEOPLE
