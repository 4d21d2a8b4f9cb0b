# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changing an existing virtual key. Private: only for use inside this collection."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

from ..._engine import Plan
from ..._errors import ApiError
from ..._proxy import Proxy
from ..._shapes import ensure_shape
from ..._values import is_empty, parse_time
from ._bodies import seconds_until, update_body
from ._reading import INFO, Record
from ._rows import metadata_of
from ._table import GRACE_MARK, ROWS
from ._teams import COMPARED, changes_to_fit, joined_team

UPDATE_PATH = "/key/update"


class KeyUpdater:
    """Changes keys of one proxy, by their tokens. The next run completes one that is interrupted between two requests.

    :param client: an object with ``send`` and ``now``, such as ``_client.Client``.
    """

    def __init__(self, client: Any, proxy: Proxy) -> None:
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

    def rename(self, record: Record, alias: str) -> Mapping[str, Any]:
        """Return what the proxy answers to another alias.

        :raises ApiError: if the proxy refuses it.
        """
        return self._send({"key": record["token"], "key_alias": alias})

    def let_end(self, record: Record, end: datetime, successor: str) -> None:
        """Let a key go on until a time, or until it expires anyway, marked with the id of the key in its place."""
        body: dict[str, Any] = {"metadata": {**metadata_of(record), GRACE_MARK: successor}}
        expires = ROWS["expires_at"].value(record)
        if not expires or parse_time(expires) > end:
            body["duration"] = seconds_until(end, self._client.now())
        self._send({"key": record["token"], **body})

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
