# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The requests that change keys: their bodies, updates, and deletions. Private: only for use inside this collection."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import Any

from ..._engine import Plan
from ..._errors import ApiError
from ..._kind import Client
from ..._listings import PAGE
from ..._proxy import Proxy
from ..._shapes import ensure_shape
from ..._values import is_empty, parse_time
from ._reading import INFO, Record
from ._table import (
    ADDED_MARK,
    GRACE_MARK,
    INHERITED,
    KEY,
    NOT_THE_USERS,
    RETIRED_MARK,
    ROWS,
    grace_of,
    metadata_of,
    retired_ids,
    unadded_spend,
)
from ._teams import COMPARED, changes_to_fit, joined_team

CREATE_PATH = "/key/generate"
# The list travels with each request of the key.
MAX_RETIRED = 50


def create_path(plan: Plan) -> str:
    """Return the endpoint that makes the key."""
    had = KEY.view(plan.existing) if plan.action == "reissue" else {}
    paths = (row.create_path for name, row in ROWS.items() if not row.is_empty({**had, **plan.changes}.get(name)))
    return next(filter(None, paths), CREATE_PATH)


def create_body(plan: Plan, now: datetime) -> dict[str, Any]:
    """Return the body of ``/key/generate``: what is declared, and for a reissue all that the old key has."""
    values = {name: value for name, value in plan.changes.items() if not ROWS[name].is_empty(value)}
    body: dict[str, Any] = {}
    if plan.action == "reissue":
        body, values = _inherited(plan, values)
        values["key_alias"] = plan.name  # the old key may bear another by now
    expires = values.pop("expires_at", None)
    for name, value in values.items():
        row = ROWS[name]
        if "create" in row.in_metadata_only:
            body["metadata"] = {**body.get("metadata", {}), row.entry: row.serialize(value)}
        elif name == "metadata":
            body["metadata"] = {**value, **body.get("metadata", {})}
        else:
            body[name] = row.serialize(value)
    if expires:
        body["duration"] = seconds_until(expires, now)
    if plan.value:
        body["key"] = plan.value
    return body


def _inherited(plan: Plan, values: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what a new key takes over from the one before it: a body to start from, and values by option."""
    kept = {name: value for name, value in KEY.view(plan.existing).items() if not ROWS[name].entry}
    kept = {name: value for name, value in kept.items() if name not in plan.changes and name != "metadata"}
    if kept.get("budget_id"):
        kept.pop("soft_budget", None)  # it stands in the budget that budget_id names
    inherited = [name for name in INHERITED if name not in plan.after]  # spend stands there if it is reset
    body = {name: plan.existing[name] for name in inherited if not is_empty(plan.existing.get(name))}
    metadata = _merged_metadata(plan)
    for mark in (GRACE_MARK, ADDED_MARK):  # those of the old key
        metadata.pop(mark, None)
    metadata[RETIRED_MARK] = [*retired_ids(plan.existing), plan.existing["token"]][-MAX_RETIRED:]
    return {**body, "metadata": metadata}, {
        **kept,
        **{n: v for n, v in values.items() if n != "metadata"},
    }


def update_body(plan: Plan, now: datetime) -> dict[str, Any]:
    """Return the body of ``/key/update``: what changes, and ``metadata``, which the server replaces, as a whole."""
    body: dict[str, Any] = {"key": plan.existing["token"]}
    for name, value in _with_partners(plan).items():
        row = ROWS[name]
        if name == "expires_at":
            body["duration"] = "-1" if is_empty(value) else seconds_until(value, now)
        elif row.update:
            body[name] = row.update(value, row.value(plan.existing))
        elif name != "metadata" and "update" not in row.in_metadata_only and not (row.entry and row.is_empty(value)):
            # A field kept in metadata goes at the top as well: only there does the server check it.
            body[name] = row.to_api(value)
    if any(name == "metadata" or ROWS[name].entry for name in plan.changes):
        body["metadata"] = _merged_metadata(plan)
    return body


def _with_partners(plan: Plan) -> dict[str, Any]:
    """Return the changes, and what an update takes only together with one of them."""
    partners = [ROWS[name].requires_field for name in plan.changes]
    present = KEY.view(plan.existing)
    return {**{name: present[name] for name in partners if name in present}, **plan.changes}


def _merged_metadata(plan: Plan) -> dict[str, Any]:
    """Return all of the key's metadata as it should be: other people's entries and other fields' values included."""
    merged = metadata_of(plan.existing)
    if "metadata" in plan.changes:
        merged = {name: value for name, value in merged.items() if name in NOT_THE_USERS}
        merged.update({} if is_empty(plan.changes["metadata"]) else plan.changes["metadata"])
    for name, value in plan.changes.items():
        row = ROWS[name]
        if row.entry:
            merged.pop(row.entry, None)
            if not row.is_empty(value):
                merged[row.entry] = row.serialize(value)
    return merged


def seconds_until(time: Any, now: datetime) -> str:
    return f"{max(0, math.ceil((parse_time(time) - now).total_seconds()))}s"


UPDATE_PATH = "/key/update"


class KeyUpdater:
    """Changes keys by their tokens. The next run completes what was interrupted between two requests."""

    def __init__(self, client: Client, proxy: Proxy) -> None:
        self._client = client
        self._proxy = proxy

    def update(self, plan: Plan) -> Record:
        """Return the key as it is after an update.

        :raises ApiError: if the proxy refuses it.
        """
        token = plan.existing["token"]
        if not is_empty(plan.changes.get("reset_spend")):
            # Before it is marked as done.
            self._client.send(f"/key/{token}/reset_spend", {"reset_to": 0.0}, idempotent=True)
        first = self._changes_to_fit(plan)
        if first:
            self._send({"key": token, **first})
        try:
            answer = self._send(update_body(plan, self._client.now()))
        except ApiError as error:
            if first and not error.may_have_applied:
                self._restore(plan, first)
            raise
        record = {**plan.existing, **answer, "token": token}
        record.pop("key", None)
        return record

    def rename(self, record: Record, alias: str, goes_on: bool = False) -> Record:
        """Return the key after it got another alias, and the mark that it is to go on for a while, or none.

        :raises ApiError: if the proxy refuses it.
        """
        metadata = metadata_of(record)
        marked = {name: value for name, value in metadata.items() if name != GRACE_MARK}
        if goes_on:
            marked[GRACE_MARK] = {"spend": record.get("spend") or 0.0}
        changed = {} if marked == metadata else {"metadata": marked}
        answer = self._send({"key": record["token"], "key_alias": alias, **changed})
        # The spending that is answered is newer than any reading, but not the one that was noted.
        spend = record.get("spend") if goes_on else answer.get("spend", record.get("spend"))
        return {**record, "key_alias": alias, "metadata": marked, "spend": spend}

    def let_end(self, record: Record, end: datetime, successor: str) -> None:
        """Let a key go on until a time, or until it expires anyway, marked with the id of the key in its place."""
        mark = {**(grace_of(record) or {}), "successor": successor}
        body: dict[str, Any] = {"metadata": {**metadata_of(record), GRACE_MARK: mark}}
        expires = ROWS["expires_at"].value(record)
        if not expires or parse_time(expires) > end:
            body["duration"] = seconds_until(end, self._client.now())
        self._send({"key": record["token"], **body})

    def add_spend(self, record: Record, old: Record) -> Record:
        """Return a key after what an old one spent in its grace was added to it, in one request with the mark of it."""
        amount = unadded_spend(record, old)
        if not amount:
            return record
        changed = {
            "spend": (record.get("spend") or 0.0) + amount,
            "metadata": {**metadata_of(record), ADDED_MARK: old["token"]},
        }
        self._send({"key": record["token"], **changed})
        return {**record, **changed}

    def _changes_to_fit(self, plan: Plan) -> dict[str, Any]:
        """Return what a key needs before it joins a team, in a request of its own."""
        team_id = joined_team(plan)
        if team_id is None or not any(name in plan.changes for name in COMPARED):
            return {}
        return changes_to_fit(plan, self._proxy.team(team_id) or {})

    def _restore(self, plan: Plan, names: Iterable[str]) -> None:
        """Give a key that could not join a team back what it had. If that fails, the first error says more."""
        body = {name: ROWS[name].to_api(ROWS[name].value(plan.existing)) for name in names}
        with suppress(ApiError):
            self._send({"key": plan.existing["token"], **body})

    def _send(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        answer: Mapping[str, Any] = self._client.send(UPDATE_PATH, dict(body), idempotent=True)
        return ensure_shape(answer, INFO, f"POST {UPDATE_PATH}")


# After so many keys that cannot be deleted, and none that can, it is not the keys.
HOPELESS = 3


@dataclass
class Tally:
    """How far the deletion of a page of keys has come."""

    deleted: int = 0
    refused: int = 0


class KeyRemover:
    """Deletes keys by their tokens.

    :param client: an object with ``send``, such as ``_client.Client``.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._lock = Lock()

    def remove(self, records: Iterable[Record]) -> dict[str, ApiError]:
        """Delete keys; the errors of those that are left, by token."""
        tokens = list(dict.fromkeys(record["token"] for record in records))
        left: dict[str, ApiError] = {}
        # Several such requests at once take LiteLLM five times as long as one after the other, or too long for it.
        with self._lock:
            for start in range(0, len(tokens), PAGE):
                left.update(self._remove(tokens[start : start + PAGE], Tally()))
        return left

    def remove_all(self, records: Iterable[Record]) -> None:
        """Delete keys.

        :raises ApiError: if any of them is left.
        """
        for error in self.remove(records).values():
            raise error

    def _remove(self, tokens: Sequence[str], tally: Tally) -> dict[str, ApiError]:
        """Delete keys. One that LiteLLM cannot delete makes it refuse all: then each half is tried by itself."""
        try:
            self._client.send("/key/delete", {"keys": list(tokens)}, idempotent=True)
        except ApiError as error:
            if error.status != 404:  # none of them is left: somebody else was quicker, or an answer was lost
                return self._remove_halves(tokens, error, tally)
        tally.deleted += len(tokens)
        return {}

    def _remove_halves(self, tokens: Sequence[str], error: ApiError, tally: Tally) -> dict[str, ApiError]:
        middle = len(tokens) // 2
        if not middle:
            tally.refused += 1
        if not middle or error.may_have_applied or error.status not in (400, 500):
            return dict.fromkeys(tokens, error)
        left = self._remove(tokens[:middle], tally)
        if tally.refused >= HOPELESS and not tally.deleted:
            return dict.fromkeys(tokens, error)
        return {**left, **self._remove(tokens[middle:], tally)}
