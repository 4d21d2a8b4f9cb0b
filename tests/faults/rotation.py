# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys whose values are rotated with a grace, by a run that is killed: none is lost, and no two old values live."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from typing import Any

from tooling.server import token_of

from .proxy import FaultProxy
from .workshop import Result, Run, Workshop

RETIRED = ".retired-"
GRACE_MARK = "litellm_vkey_grace"


class Rotation(Workshop):
    """The keys of one workshop, all of which are old enough for a new value."""

    def _options(
        self, people: list[str], first: bool = False, state: str = "", mend: bool = False, last: bool = False
    ) -> dict[str, Any]:
        """What is declared; ``mend`` replaces values that nobody knows, because nobody keeps them."""
        schedule = self._schedule
        options: dict[str, Any] = {
            "models": ["gpt-4"],
            "duration": "9d",
            "max_budget": 10 if first else 20,
            "rotate_after": "1d",
            "grace": "1h",
        }
        if schedule.derived:
            options["key_seed"] = self._seed
        if mend:
            options["value_policy"] = "reissue"
        return {
            **({"values_file": str(self._values_file)} if schedule.values_file else {}),
            "state": state or "present",
            "defaults": options,
            "virtual_keys": [{"key_alias": f"{self._alias}-{person}"} for person in people],
        }

    def _judge(self, result: Result, runs: list[Run], proxy: FaultProxy) -> None:
        (run,) = runs
        self._new_values = True
        old = {alias: next(iter(self._first[alias])) for alias in self._first}
        result.problems = [*run.leaks, *self._wrong(old, "after the first run")]
        if run.well:
            result.problems += self._unfinished(run)
            result.outcome = "failed" if result.problems else "at once"
        else:
            result.notes.append(run.message)
            if not self._lasting:
                self._server.age(self._alias, minutes=6)  # so that no other run can be at work
            further = self._go_on(result, proxy.url, last=True)
            unknown = [alias for alias in old if self._value(alias) is None]
            result.problems += self._wrong(old, "after the further run")
            if unknown and not self._lasting:
                result.notes.append(f"{len(unknown)} without a known value; their old values work")
                further = self._go_on(result, proxy.url, mend=True)
            result.problems += self._unfinished(further)
            result.outcome = "failed" if result.problems else "after a further run"
        self._end_grace()
        self._go_on(result, proxy.url)
        if any(RETIRED in row["key_alias"] for row in self._server.rows(self._alias)):
            result.problems.append("an old key is there after its grace")
        result.problems += [f"{alias} lost its value" for alias in old if self._value(alias) is None]
        result.outcome = "failed" if result.problems else result.outcome

    @property
    def _lasting(self) -> bool:
        return self._schedule.derived or self._schedule.values_file

    @property
    def _first(self) -> dict[str, set[str]]:
        """The values before the rotation, by alias."""
        tokens = {row["token"] for row in self._before.values()}
        return {alias: {one for one in values if token_of(one) in tokens} for alias, values in self._known.items()}

    def _go_on(self, result: Result, url: str, mend: bool = False, last: bool = False) -> Run:
        run = self._run(url, 0, mend, last)
        self._learn(run)
        result.problems += run.leaks
        if not run.well:
            result.problems.append(f"a further run failed: {run.message}")
        return run

    def _rows(self) -> dict[str, tuple[list[dict[str, Any]], list[dict[str, Any]]]]:
        """The keys and the old keys of each alias."""
        found: dict[str, tuple[list[dict[str, Any]], list[dict[str, Any]]]] = defaultdict(lambda: ([], []))
        for row in self._server.rows(self._alias):
            alias, retired, _rest = row["key_alias"].partition(RETIRED)
            found[alias][bool(retired)].append(row)
        return found

    def _value(self, alias: str) -> str | None:
        """The value of a key, None if nobody knows it."""
        tokens = {row["token"] for row in self._rows()[alias][0]}
        return next((one for one in self._known[alias] if token_of(one) in tokens), None)

    def _wrong(self, old: dict[str, str], when: str) -> list[str]:
        """What is never to be: a person without a value that works, and two old values."""
        rows = self._rows()
        problems = [f"{when}, {alias} has {len(rows[alias][1])} old keys" for alias in old if len(rows[alias][1]) > 1]
        return problems + [
            f"{when}, nobody has a value of {alias} that works"
            for alias, value in old.items()
            if not self._server.accepts(value)
        ]

    def _unfinished(self, last: Run) -> list[str]:
        """What is to be done after a run that went well and is not."""
        problems = []
        for alias, (keys, retired) in self._rows().items():
            if len(keys) != 1:
                problems.append(f"{alias} is there {len(keys)} times")
                continue
            value = self._value(alias)
            if value is None or not self._server.accepts(value):
                problems.append(f"nobody knows the value of {alias}, or it does not let in")
            if self._lasting and last.values.get(alias) != value:
                problems.append(f"the run did not return the value of {alias}")
            problems += self._wrong_fields(alias, keys[0])
            for row in retired:
                if row["metadata"].get(GRACE_MARK, {}).get("successor") != keys[0]["token"] or row["expires"] is None:
                    problems.append(f"the old key of {alias} does not end")
                elif row["expires"] - row["updated_at"] > timedelta(hours=1, minutes=1):
                    problems.append(f"the old key of {alias} ends too late")
        return problems + self._problems_of_file(last.values)

    def _end_grace(self) -> None:
        tokens = [row["token"] for row in self._server.rows(self._alias) if RETIRED in row["key_alias"]]
        self._server.expire(tokens)
