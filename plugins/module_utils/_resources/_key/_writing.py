# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carrying out the plan for one virtual key. Private: only for use inside this collection.

Other runs may be at the same keys. So a run deletes a key that somebody may still report only if it made it itself;
where another run was quicker, it takes over what that run made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from ..._durations import add_duration
from ..._engine import Outcome, Plan, dropped
from ..._errors import ApiError, LiteLLMError
from ..._kind import Client, Ledger
from ..._proxy import Proxy
from ..._shapes import TEXT, ensure_shape
from ..._text import mark_options
from ._declaration import KeyDeclaration, new_value
from ._planning import Found, plan_key
from ._reading import INFO, LOOKS, NOBODYS, PAUSE, KeyReader, Record, is_young, seniority
from ._requests import KeyRemover, KeyUpdater, create_body, create_path
from ._rotation import goes_on, is_to_go_on
from ._table import KEY, ROWS, successor_of, token_of, unadded_spend

NO_RECOVERY = (
    "The proxy does not allow clients to choose key values. If an answer is lost, its value cannot be recovered."
)


class Tries:
    """What the tries to create one key have come to."""

    def __init__(self) -> None:
        self.number = 0
        self.error = ApiError("")
        self.may_exist = False
        self.pointless = False
        self._failed = False
        self.doubtful = False

    def note(self, error: ApiError) -> None:
        """Note what became of one more."""
        failed = error.status == 500 and not error.may_have_applied
        self.number += 1
        self.error = error
        self.may_exist = error.may_have_applied or failed or alias_taken(error)
        self.doubtful = self.doubtful or error.may_have_applied
        # Once more: it may have been the database, which has answered again by now.
        self.pointless = self.number == LOOKS or (failed and (self._failed or not _hides_its_cause(error)))
        self._failed = self._failed or failed


class KeyWriter:
    """Writes the virtual keys of one proxy.

    :param client: an object with ``get``, ``send`` and ``now``, such as ``_client.Client``.
    :param secret: a text that must not stand in a new value: Ansible would star it out.
    :param ledger: where values are noted that the server chose.
    """

    def __init__(
        self,
        client: Client,
        proxy: Proxy,
        reader: KeyReader,
        remover: KeyRemover,
        secret: str,
        sleep: Callable[[float], None],
        ledger: Ledger | None = None,
    ) -> None:
        self._client = client
        self._proxy = proxy
        self._reader = reader
        self._remover = remover
        self._updater = KeyUpdater(client, proxy)
        self._secret = secret
        self._sleep = sleep
        self._ledger = ledger
        self._custom_values = True

    def write(self, want: KeyDeclaration, plan: Plan) -> Outcome:
        """Carry out a plan other than a deletion.

        :raises LiteLLMError: if it failed; the outcome has the error instead if there is something to report beside it.
        """
        if not plan.surplus:
            return self._write(want, plan)
        self._refuse_young(plan)
        going_on = [record for record in plan.surplus if _went_on(want, plan, record)]
        for record in going_on:
            self.let_go_on(want, record, plan.existing["token"])
        plan = replace(plan, surplus=tuple(record for record in plan.surplus if record not in going_on))
        plan = self._with_spend_of_old(plan)
        # First, for it may bear the name under which a reissue lets the old key wait.
        self._remover.remove_all(plan.surplus)
        try:
            outcome = self._write(want, plan)
        except ApiError as error:  # that further keys were removed is to be told all the same
            outcome = Outcome(plan, "update", plan.current, error=error)
        return replace(outcome, warnings=(*_removals(want, plan), *outcome.warnings))

    def let_go_on(self, want: KeyDeclaration, record: Record, successor: str) -> None:
        """Let an old key go on for the declared grace. The proxy itself ends it.

        :raises ApiError: if the proxy refuses it.
        """
        end = add_duration(self._now(), want.grace or "")
        self._updater.let_end(self._reader.complete(record), end, successor)

    def _with_spend_of_old(self, plan: Plan) -> Plan:
        """Return the plan once what old keys spent in their grace, which is over, counts for the key."""
        current = plan.existing
        for record in plan.surplus:
            if plan.current and unadded_spend(current, record):
                current = self._updater.add_spend(self._reader.complete(current), self._reader.complete(record))
        return replace(plan, current=current or None)

    def _write(self, want: KeyDeclaration, plan: Plan) -> Outcome:
        if plan.action == "create":
            return self._create(want, plan)
        if plan.action == "reissue":
            return self._reissue(want, plan)
        if plan.action == "update" and plan.changes:
            return self._update(want, plan)
        return Outcome(plan, plan.action, plan.current, plan.value)

    def _refuse_young(self, plan: Plan) -> None:
        """Refuse to remove new keys with one alias: each may be the one that a run is about to report, or has."""
        doubles = [record for record in plan.surplus if record["key_alias"] == plan.name]
        past = self._client.past() or self._now()
        if any(is_young(record.get("created_at"), past) for record in doubles):
            raise ApiError(
                f"There are {len(doubles) + 1} keys with the alias {plan.name}, and another run may be creating "
                "one of them.",
                hint=f"Run again in {NOBODYS.seconds // 60} minutes to remove the newer ones.",
            )

    # Creating

    def _create(self, want: KeyDeclaration, plan: Plan) -> Outcome:
        """Create a key. Never twice: when an answer was lost, the key is looked for before the next try.

        If nobody can tell in the end whether the key was created, its value is returned beside the error.
        """
        tries = Tries()
        while True:
            plan = self._with_value(want, plan)
            try:
                return self._created(plan, self._request_creation(plan))
            except ApiError as error:
                if _forbids_values(error) and want.value is None and plan.value is not None:
                    self._custom_values = False
                    plan = replace(plan, value=None)
                    continue
                tries.note(error)
            if not tries.may_exist:
                break
            try:
                records = self._reader.with_alias(plan.name)
            except ApiError as error:
                tries.note(error)
                tries.doubtful = True
                break
            if records:
                return self._created_meanwhile(want, plan, records, tries.error)
            if tries.pointless:
                break
            self._sleep(PAUSE * tries.number)
        if tries.doubtful and plan.value:
            return Outcome(plan, plan.action, value=plan.value, error=tries.error)
        raise tries.error

    def _with_value(self, want: KeyDeclaration, plan: Plan) -> Plan:
        if want.value is None and not self._custom_values:
            return replace(plan, value=None)
        return replace(plan, value=plan.value or new_value(self._secret))

    def _request_creation(self, plan: Plan) -> Mapping[str, Any]:
        path = create_path(plan)
        answer = self._client.send(path, create_body(plan, self._now()))
        created: Mapping[str, Any] = ensure_shape(answer, {**INFO, "key": TEXT}, f"POST {path}")
        return created

    def _created(self, plan: Plan, answer: Mapping[str, Any]) -> Outcome:
        """Return the outcome of a creation that was answered."""
        value = answer["key"]
        record = {**answer, "token": token_of(value), "key_alias": plan.name}
        del record["key"]
        warnings = () if self._custom_values else (NO_RECOVERY,)
        outcome = Outcome(plan, plan.action, record, value, warnings=warnings)
        if self._ledger is not None and value != plan.value:
            try:
                self._ledger.remember({plan.name: value})
            except LiteLLMError as error:  # the value must be returned all the same
                return replace(outcome, error=error)
        return self._verified(outcome)

    def _created_meanwhile(self, want: KeyDeclaration, plan: Plan, records: list[Record], error: ApiError) -> Outcome:
        """Take the key that bears the alias after a failed creation: ours, whose answer was lost, or another run's."""
        for record in records:
            if plan.value and record["token"] == token_of(plan.value):
                return self._verified(Outcome(plan, plan.action, record, plan.value))
        if plan.value is None and not alias_taken(error):
            error.hint = "The key was probably created, but its value is lost. Run again with O(value_policy): reissue."
            raise error
        return self.adopt(want, plan)

    def adopt(self, want: KeyDeclaration, plan: Plan) -> Outcome:
        """Take over the key that another run has created at the same time. Its value stays, known or not.

        :raises InputError: if that is not the declared value.
        :raises ApiError: if no other run has created one.
        """
        records = self._bearers(plan.name)
        theirs = [record for record in records if record["token"] != plan.existing.get("token")]
        if not theirs:
            what = "put the old key back" if records else "removed it"
            raise ApiError(f"While the key {plan.name} was created, another run {what}.", hint="Run again.")
        outcome = self._write(want, plan_key(want.keeping, Found(theirs[:1]), self._now()))
        if outcome.value is not None:
            return outcome
        warning = f"Another run created the key {plan.name} at the same time. Only that run knows its value."
        return replace(outcome, warnings=(*outcome.warnings, warning))

    def _bearers(self, alias: str) -> list[Record]:
        """Return the keys with an alias that another run is creating, the oldest first."""
        for look in range(LOOKS):
            records = self._reader.with_alias(alias)
            if records:
                return self._reader.with_budgets(sorted(records, key=seniority))
            self._sleep(PAUSE * (look + 1))
        return []

    # Updating

    def _update(self, want: KeyDeclaration, plan: Plan) -> Outcome:
        record = self._updater.update(plan)
        warnings = []
        if plan.existing["key_alias"] == want.retired_alias:
            warnings.append(
                f"An earlier run was interrupted before it had replaced the value of the key {plan.name}: the key has "
                "its alias back, and its old value."
            )
        return self._verified(Outcome(plan, plan.action, record, plan.value, warnings=tuple(warnings)))

    # Reissuing

    def _reissue(self, want: KeyDeclaration, plan: Plan) -> Outcome:
        """Create a new key in the place of the old one, which waits under another name until that is confirmed."""
        try:
            old = self._reader.complete(plan.existing)
            if successor_of(old):
                return self.adopt(want, plan)  # another run has replaced it
            lasting = goes_on(want, plan, self._now())
            if old["key_alias"] == want.alias or lasting != is_to_go_on(old):
                old = self._retire(want, old, lasting)
        except ApiError as error:
            if error.status != 404:
                raise
            return self.adopt(want, plan)  # another run has replaced it
        try:
            outcome = self._create(want, replace(plan, current=old))
        except ApiError as error:
            if waits(want, old) and not error.may_have_applied:
                self._put_back(want, old, error)
            raise
        if old["key_alias"] is not None:
            return outcome
        warning = f"The proxy does not accept another alias for {want.alias}, so its old key was deleted first."
        return replace(outcome, warnings=(*outcome.warnings, warning))

    def _retire(self, want: KeyDeclaration, old: Record, lasting: bool) -> Record:
        """Return the old key under the name under which it waits; without a name where it had to be deleted instead."""
        try:
            return self._updater.rename(old, want.retired_alias, lasting)
        except ApiError as error:
            if error.status != 400 or "key_alias" not in error.message or alias_taken(error):
                raise
            self._remover.remove_all([old])
            return {**old, "key_alias": None}

    def _put_back(self, want: KeyDeclaration, old: Record, error: ApiError) -> None:
        try:
            self._updater.rename(old, want.alias)
        except ApiError:
            error.hint = f"{error.hint} The old key is kept as {want.retired_alias} for the next run.".strip()

    # Looking at what was written

    def _verified(self, outcome: Outcome) -> Outcome:
        """Return the outcome, with an error if the server did not store all that it was sent."""
        changes = outcome.plan.changes
        record = outcome.record or {}
        older_answer = dropped(KEY, changes, record)
        if older_answer or not all(ROWS[name].answered for name in changes):
            try:
                record = self._reader.complete(record)
            except ApiError as error:  # a value that was given out must be returned all the same
                return replace(outcome, record=record, error=error)
        lost = dropped(KEY, changes, record)
        if not lost:
            return replace(outcome, record=record)
        thing = f"{mark_options(lost)} of the key {outcome.plan.name}"
        message = f"{self._proxy.title} accepted the request but did not store {thing}."
        return replace(
            outcome, record=record, error=ApiError(message, hint="Remove the option, or use a newer LiteLLM.")
        )

    def _now(self) -> datetime:
        now: datetime = self._client.now()
        return now


def waits(want: KeyDeclaration, record: Record) -> bool:
    """Return whether a key waits under its retired name for the one that takes its place."""
    return record.get("key_alias") == want.retired_alias


def _went_on(want: KeyDeclaration, plan: Plan, record: Record) -> bool:
    """Return whether a run that was interrupted had yet to let an old key go on for its grace."""
    return bool(want.grace) and waits(want, record) and is_to_go_on(record) and plan.action != "reissue"


def alias_taken(error: ApiError) -> bool:
    return error.status == 400 and "already exists" in error.message and "alias" in error.message


def _removals(want: KeyDeclaration, plan: Plan) -> list[str]:
    """Return what to say of the surplus keys that were removed."""
    retired = sum(waits(want, record) and not successor_of(record) for record in plan.surplus)
    doubles = sum(record["key_alias"] == plan.name for record in plan.surplus)
    said = [f"Removed {doubles} additional key(s) with the alias {plan.name}."] if doubles else []
    if retired:
        unknown = " Only that run knew the new value. If it is lost, use O(value_policy): reissue."
        said.append(
            f"An earlier run was interrupted while it replaced the value of the key {plan.name}: the old key, which "
            f"still worked, was removed.{unknown if plan.value is None and plan.action != 'reissue' else ''}"
        )
    return said


def _hides_its_cause(error: ApiError) -> bool:
    """Return whether LiteLLM may mean a database that went away at this moment as well as a wrong value."""
    return error.message.lower().startswith("internal server error")


def _forbids_values(error: ApiError) -> bool:
    return error.status == 403 and "custom api key values are disabled" in error.message.lower()
