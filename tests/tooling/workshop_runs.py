# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs of a workshop as people make them in a hurry, of which each may break off."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

from ansible_collections.litemaas.virtual_keys.plugins.module_utils._errors import ApiError
from hypothesis import strategies as st

WRITES = ("/key/generate", "/key/update", "/key/delete")
# Whom a table may have: the same person with a corrected address, under another name, or by the address alone.
ROWS = (
    {"user": "ann", "email": "ann@example.org"},
    {"user": "ann", "email": "anne@example.org"},
    {"user": "anne", "email": "ann@example.org"},
    {"email": "ann@example.org"},
    {"user": "ben", "email": "ben@example.org", "name": "Ben"},
    {"user": "benno", "email": "ben@example.org", "name": "Ben"},
    {"user": "Dr. Cem", "max_budget": 2},
)
NAMES = ("ann", "ben", "anne", "Ben", "ann@example.org", "Dr. Cem")


class Killed(BaseException):
    """The run is over at once."""


@dataclass
class Fault:
    """What happens at one of the writes of a run.

    :param number: of the write.
    :param carried_out: whether the proxy carries it out.
    :param kills: whether the run ends there; else only the answer is lost.
    """

    number: int
    carried_out: bool
    kills: bool
    _seen: int = 0
    _counting: Lock = field(default_factory=Lock, repr=False)

    def is_due(self, path: str) -> bool:
        with self._counting:
            self._seen += path in WRITES
            return path in WRITES and self._seen == self.number


class FaultyClient:
    """A client whose requests meet a fault."""

    def __init__(self, client: Any, fault: Fault | None) -> None:
        self._client = client
        self._fault = fault

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def send(self, path: str, *body: Any, **options: Any) -> Any:
        if self._fault is None or not self._fault.is_due(path):
            return self._client.send(path, *body, **options)
        if self._fault.carried_out:
            self._client.send(path, *body, **options)
        if self._fault.kills:
            raise Killed
        raise ApiError("The connection broke.", code="connection", may_have_applied=True)


@dataclass(frozen=True)
class Step:
    """One run.

    :param folder: the name of the folder in which it runs, empty for a run that keeps nothing.
    """

    variables: dict[str, Any]
    folder: str
    check: bool
    fault: Fault | None

    def given(self, where: Path) -> dict[str, Any]:
        """Return the variables of the run."""
        return {**self.variables, **({"output_dir": str(where / self.folder)} if self.folder else {})}


def tables() -> st.SearchStrategy[list[dict[str, Any]]]:
    rows = st.sampled_from(ROWS)
    return st.lists(rows, min_size=1, max_size=3, unique_by=lambda row: row.get("user", row.get("email")))


def steps() -> st.SearchStrategy[Step]:
    """Runs with any table, of which some block, replace, or remove keys, and some break off."""
    names = st.sampled_from(NAMES)
    trouble = st.one_of(
        st.just({}),
        st.builds(lambda name: {"block": [name]}, names),
        st.builds(lambda name: {"unblock": [name]}, names),
        st.builds(lambda name, note: {"reissue": {name: note}}, names, st.sampled_from("12")),
        st.builds(lambda name: {"raise": {name: 1}, "max_budget": 3}, names),
        st.just({"prune": True, "prune_limit": -1}),
        st.just({"unknown_values": "reissue"}),
        st.just({"state": "absent"}),
    )
    fault = st.none() | st.builds(Fault, st.integers(1, 4), st.booleans(), st.booleans())
    return st.builds(
        lambda table, more, folder, check, fault: Step({"users": table, **more}, folder, check, fault),
        tables(),
        trouble,
        st.sampled_from(("first", "second", "")),
        st.sampled_from((False, False, False, True)),
        fault,
    )


def evening(table: list[dict[str, Any]] | None) -> dict[str, Any]:
    """Return the variables of delete_workshop_keys.yml, from a machine with a table or without."""
    end = {"state": "absent", "multi_user": True, "prune": True, "prune_limit": -1}
    return {**end, "users": table} if table else end
