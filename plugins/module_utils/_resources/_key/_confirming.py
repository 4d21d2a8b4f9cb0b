# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading back what was written, and settling with other runs. Private: only for use inside this collection.

The server does not keep aliases apart, so that several runs can each create a key. A value is reported only when the
server has its token, alone under its alias. How runs agree without talking to each other:

- Each reads after it has created its key. So of two, the one that created last sees the other's, whatever the times are
  that the server has noted; only the one that created first may have found itself alone and reported its value.
- Nobody deletes the key of another run. The junior deletes its own; the senior waits for that.
- If the junior's stays, its run has found it alone, or is not that far yet: then the senior gives way.
- The old keys of reissues are deleted last, after the new ones are confirmed. Until then others see that a run is at
  work, and wait for it rather than reissue once more what it is about to report.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from ..._engine import Outcome
from ..._errors import ApiError, LiteLLMError
from ._declaration import KeyDeclaration
from ._reading import LOOKS, PAUSE, KeyReader, Record, Standing, seniority
from ._requests import KeyRemover
from ._rotation import is_to_go_on
from ._table import token_of
from ._writing import KeyWriter, waits

NOBODY = Standing(0, ours=False)


@dataclass
class WrittenKey:
    """What was written for one declaration."""

    want: KeyDeclaration
    outcome: Outcome
    standing: Standing = NOBODY

    @property
    def alias(self) -> str:
        return self.outcome.plan.name

    @property
    def is_gone(self) -> bool:
        return self.outcome.action == "delete"

    @property
    def token(self) -> str:
        """The token that is to be there, empty if none is."""
        return "" if self.is_gone or not self.outcome.value else token_of(self.outcome.value)

    @property
    def confirmed(self) -> bool:
        return self.standing == (NOBODY if self.is_gone else Standing(1, ours=True))

    @property
    def doubled(self) -> bool:
        return self.standing.ours and self.standing.bearers > 1

    def fails(self, error: Exception) -> None:
        self.outcome = replace(self.outcome, error=error)

    def replaced_by(self, outcome: Outcome) -> None:
        self.outcome = replace(outcome, warnings=(*self.outcome.warnings, *outcome.warnings))

    def lost(self, error: Exception) -> None:
        self.outcome = replace(self.outcome, action="none", record=None, value=None, error=error)


class KeyConfirmer:
    """Confirms what was written to one proxy."""

    def __init__(
        self, reader: KeyReader, writer: KeyWriter, remover: KeyRemover, sleep: Callable[[float], None]
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._remover = remover
        self._sleep = sleep

    def confirm(self, wants: Sequence[KeyDeclaration], outcomes: Sequence[Outcome]) -> list[Outcome]:
        """Return the outcomes, after looking whether new keys are there, once each, and deleted ones are gone."""
        every = [WrittenKey(want, outcome) for want, outcome in zip(wants, outcomes)]
        written = [one for one in every if one.outcome.error is None]
        self._confirm_gone_ids([one for one in written if one.want.key_id and one.is_gone])
        self._confirm([one for one in written if not one.want.key_id and (one.is_gone or _is_new(one))])
        return [one.outcome for one in every]

    def _confirm(self, written: Sequence[WrittenKey]) -> None:
        waiting = list(written)
        for look in range(LOOKS):
            if not waiting:
                break
            if look:
                self._sleep(PAUSE * look)
            standing = self._reader.standing({one.alias: one.token for one in waiting})
            for one in waiting:
                one.standing = standing[one.alias]
            # A key that is not there may be a stale reading.
            waiting = [one for one in waiting if not one.confirmed and not one.doubled]
        self._settle([one for one in written if one.doubled])
        for one in waiting:
            self._give_up(one)
        self._remove_retired(one for one in written if one.confirmed)

    def _remove_retired(self, confirmed: Iterable[WrittenKey]) -> None:
        """Delete the old keys of reissues, whose new ones are there for sure, or let them go on for their grace."""
        retired: dict[str, WrittenKey] = {}
        for one in confirmed:
            plan = one.outcome.plan
            if one.outcome.action != "reissue" or not waits(one.want, plan.existing):
                continue
            if is_to_go_on(plan.existing):
                self._let_go_on(one, plan.existing)
            else:
                retired[plan.existing["token"]] = one
        if retired:
            left = self._remover.remove([one.outcome.plan.existing for one in retired.values()])
            for token, error in left.items():
                retired[token].fails(error)

    def _let_go_on(self, one: WrittenKey, old: Record) -> None:
        try:
            self._writer.let_go_on(one.want, old, one.token)
        except ApiError as error:
            one.fails(error)

    def _settle(self, doubled: Sequence[WrittenKey]) -> None:
        """Agree with the other runs that have created keys with the same aliases at the same time."""
        for look in range(LOOKS):
            if not doubled:
                return
            if look:
                self._sleep(PAUSE * look)
            doubled = [one for one in doubled if self._still_doubled(one, last=look == LOOKS - 1)]

    def _still_doubled(self, one: WrittenKey, last: bool) -> bool:
        """Return whether another run has yet to delete its key. At the ``last`` look ours gives way."""
        try:
            tokens = [record["token"] for record in sorted(self._reader.with_alias(one.alias), key=seniority)]
            if tokens == [one.token]:
                one.standing = Standing(1, ours=True)
            elif tokens[:1] == [one.token] and not last:
                return True
            else:
                self._remover.remove_all([{"token": one.token}])
                one.replaced_by(self._writer.adopt(one.want, one.outcome.plan))
        except LiteLLMError as error:
            one.lost(error)
        return False

    def _give_up(self, one: WrittenKey) -> None:
        """Settle what is not as it was written: as failed, or with the key of another run."""
        if one.is_gone:
            one.fails(_still_there(one))
        elif not one.standing.bearers:
            one.fails(ApiError(f"The key {one.alias} does not exist after it was created.", hint="Run again."))
        else:
            try:
                one.replaced_by(self._writer.adopt(one.want, one.outcome.plan))
            except LiteLLMError as error:
                one.lost(error)

    def _confirm_gone_ids(self, written: Sequence[WrittenKey]) -> None:
        """Look whether tokens are gone; their aliases may stay, with other keys."""
        tokens = [one.outcome.plan.existing["token"] for one in written]
        for look in range(LOOKS):
            if not tokens or not self._reader.rows_of_tokens(tokens):
                return
            self._sleep(PAUSE * (look + 1))
        left = {record["token"] for record in self._reader.with_any_token(tokens)}
        for one in written:
            if one.outcome.plan.existing["token"] in left:
                one.fails(_still_there(one))


def _is_new(one: WrittenKey) -> bool:
    return one.outcome.action in ("create", "reissue") and bool(one.token)


def _still_there(one: WrittenKey) -> ApiError:
    return ApiError(f"The key {one.alias} still exists after it was deleted.", hint="Run again.")
