# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deleting virtual keys, many in one request. Private: only for use inside this collection."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from threading import Lock

from ..._errors import ApiError
from ..._kind import Client
from ..._listings import PAGE
from ._reading import Record

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
        """One key that LiteLLM cannot delete makes it refuse all of a request: then each half is tried by itself."""
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
