# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Virtual keys on a proxy: what a batch needs of them. Private: only for use inside this collection.

The server does not keep aliases apart, answers a taken value with success, and echoes what it was asked to delete:
so each write is read back.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from ..._crud._references import resolve
from ..._engine import Outcome, Plan
from ..._errors import LiteLLMError
from ..._kind import Client, Ledger
from ..._listings import PAGE
from ..._proxy import Proxy
from ..._values import is_empty
from ._checks import called, check_mark, missing_references, refuse, to_prune, with_lacking_models
from ._confirming import KeyConfirmer
from ._declaration import KeyDeclaration, new_value, retired_alias
from ._planning import Found, check_identity, plan_key
from ._reading import LOOKS, PAUSE, KeyReader, Record, is_young, seniority
from ._requests import KeyRemover
from ._table import KEY, retired_ids, successor_of, token_of
from ._teams import left_team, models_without_team
from ._writing import KeyWriter


class KeyStore:
    """The virtual keys of one proxy.

    :param secret: a text that must not stand in a new value: Ansible would star it out.
    :param validate_models: whether models that the proxy does not have are refused.
    :param validate_references: whether teams, organizations and budgets that it does not have are.
    :param prune_metadata: keys whose metadata has these entries, and that are not declared, are to go;
        ``prune_limit`` is how many they may be.
    :param ledger: where the values are kept, if anywhere.
    """

    def __init__(
        self,
        client: Client,
        secret: str = "",
        validate_models: bool = False,
        validate_references: bool = True,
        prune_metadata: Mapping[str, Any] | None = None,
        prune_limit: int | None = None,
        ledger: Ledger | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client = client
        self._proxy = Proxy(client)
        self._reader = KeyReader(client, self._proxy)
        self._validate_models = validate_models
        self._validate_references = validate_references
        self._sleep = sleep
        self._prune_metadata = prune_metadata
        self._prune_limit = prune_limit
        self._secret = secret
        self._ledger = ledger
        self._remover = KeyRemover(client)
        self._writer = KeyWriter(client, self._proxy, self._reader, self._remover, secret, sleep, ledger)
        self._confirmer = KeyConfirmer(self._reader, self._writer, self._remover, sleep)

    @classmethod
    def for_task(cls, client: Client, params: Mapping[str, Any], ledger: Ledger | None = None) -> KeyStore:
        """Return a store with the settings of a task."""
        return cls(
            client,
            secret=params["api_key"],
            validate_models=params["validate_models"],
            validate_references=params["validate_references"],
            prune_metadata=params.get("prune_metadata"),
            prune_limit=params.get("prune_limit"),
            ledger=ledger,
        )

    # Reading

    def existing(self) -> list[Record]:
        """Return all keys."""
        return self._reader.listing({})

    def find(self, wants: Sequence[KeyDeclaration]) -> dict[str, Found]:
        """Return the keys of the declared aliases, once no other run seems to be at work on them any more."""
        first = last = self._look(wants)
        quiet = 0
        while quiet < LOOKS and self._in_flux(wants, last):
            self._sleep(PAUSE * (quiet + 1))
            before, last = last, self._look(wants)
            quiet = 0 if _tokens(before) != _tokens(last) else quiet + 1
        return {alias: replace(found, replaced=_was_replaced(first[alias], found)) for alias, found in last.items()}

    def _look(self, wants: Sequence[KeyDeclaration]) -> dict[str, Found]:
        """Return the keys of the declared aliases, at a cost that follows the number of declared keys."""
        names = {want.alias: want.retired_alias for want in wants}
        if not names:
            return {}
        if len(names) == 1:
            records = self._reader.with_alias_or(*next(iter(names.items())))
        else:
            records = self._reader.with_any_alias([*names, *names.values()], expected=len(names))
        by_alias: dict[str, list[Record]] = defaultdict(list)
        for record in sorted(self._reader.with_budgets(records), key=seniority):
            by_alias[record["key_alias"]].append(record)
        return {alias: _found(by_alias[alias], by_alias[retired]) for alias, retired in names.items()}

    def _find_by_id(self, wants: Sequence[KeyDeclaration]) -> dict[str, Found]:
        """Return the keys that are declared, or were chosen, by id.

        :raises InputError: if one does not exist, or has another alias than the one that is to be deleted.
        """
        ids = {want.key_id for want in wants if want.key_id and want.record is None}
        records = {one["token"]: one for one in self._reader.with_any_token(sorted(ids))} if ids else {}
        old = self._old_values(records[want.key_id] for want in wants if want.key_id in records and want.ends)
        found = {}
        for want in wants:
            record = want.record or records.get(want.key_id)
            if want.key_id and want.record is None:
                check_identity(want, record)
            found[want.key_id] = Found(
                self._reader.with_budgets([record]) if record else (), in_grace=old.get(want.key_id, ())
            )
        return found

    def _old_values(self, records: Iterable[Record]) -> dict[str, list[Record]]:
        """Return the old keys that only go on for a while, by the ID of the key in their place."""
        aliases = [retired_alias(record["key_alias"]) for record in records if record["key_alias"]]
        found: dict[str, list[Record]] = defaultdict(list)
        for record in self._reader.with_any_alias(aliases, expected=len(aliases)) if aliases else ():
            found[successor_of(record) or ""].append(record)
        return found

    def _in_flux(self, wants: Sequence[KeyDeclaration], found: Mapping[str, Found]) -> bool:
        """Return whether another run may be creating or reissuing one of the keys at this moment."""
        unclear = [found[want.alias] for want in wants if want.state == "present" and not found[want.alias].is_plain]
        return any(
            is_young(record.get("created_at"), self._past()) or is_young(record.get("updated_at"), self._past())
            for one in unclear
            for record in (*one.records, *one.retired)
        )

    # Planning

    def plans(self, wants: Sequence[KeyDeclaration]) -> list[Plan]:
        """Return what has to be done for each declared key, in their order. Writes nothing.

        :raises InputError: for the first declaration that cannot be carried out.
        """
        wants = [self._recalling(want) for want in wants]
        found = self.find([want for want in wants if not want.key_id])
        by_id = self._find_by_id(wants)
        self._look_at_teams(wants, [*found.values(), *by_id.values()])
        now, past = self._client.now(), self._client.past()
        plans = [
            self._plan(want, by_id[want.key_id] if want.key_id else found[want.alias], now, past) for want in wants
        ]
        refuse(plans, self._proxy, self._reader, self._validate_models)
        return [with_lacking_models(plan, self._proxy) for plan in plans] if self._validate_references else plans

    def _look_at_teams(self, wants: Sequence[KeyDeclaration], found: Iterable[Found]) -> None:
        """Look at all teams together that keys may join."""
        named = {str(team) for want in wants if not is_empty(team := want.fields.get("team_id"))}
        self._proxy.missing_teams(sorted(named - {record.get("team_id") for one in found for record in one.records}))

    def _plan(self, want: KeyDeclaration, found: Found, now: datetime, past: datetime | None) -> Plan:
        want = self._resolved(want, next(iter(found.records), None))
        plan = plan_key(want, found, now, past)
        team_id = left_team(plan)
        if team_id is None or "models" in want.fields:
            return plan
        models = models_without_team(plan, self._proxy.team(team_id))
        return plan_key(replace(want, fields={**want.fields, "models": models}), found, now, past)

    def _resolved(self, want: KeyDeclaration, record: Record | None) -> KeyDeclaration:
        """Return the declaration with ids in the place of names."""
        return replace(want, fields=resolve(KEY.fields, want.fields, record, self._proxy))

    def missing(self, wants: Sequence[KeyDeclaration], plans: Sequence[Plan]) -> dict[str, list[str]]:
        return missing_references(plans, self._proxy) if self._validate_references else {}

    def _recalling(self, want: KeyDeclaration) -> KeyDeclaration:
        """Return the declaration with the values that its key may have."""
        if self._ledger is None or want.value is not None or want.state == "absent" or not want.alias:
            return want
        return replace(want, candidates=tuple(self._ledger.candidates(want.alias)))

    def prepare(self, plans: Sequence[Plan]) -> list[Plan]:
        """Return the plans with the values of new keys, noted in the ledger before the first of them is sent."""
        plans = [replace(plan, value=self._value_of(plan)) if _gets_a_value(plan) else plan for plan in plans]
        if self._ledger is not None:
            self._ledger.remember({plan.name: plan.value for plan in plans if plan.value and _gets_a_value(plan)})
        return plans

    def _value_of(self, plan: Plan) -> str:
        """Return the value that a key gets: the declared one, one that an interrupted run chose, or a new one."""
        pending = self._ledger.pending(plan.name) if self._ledger and not plan.value else []
        had = {plan.existing.get("token"), *retired_ids(plan.existing)}
        unused = (value for value in reversed(pending) if token_of(value) not in had)
        return plan.value or next(unused, None) or new_value(self._secret)

    def undeclared(self, wants: Sequence[KeyDeclaration]) -> list[KeyDeclaration]:
        """Return declarations of absence for all other keys that are to be pruned.

        :raises InputError: if the mark says nothing, or chooses more keys than may go.
        """
        mark, limit = self._prune_metadata, self._prune_limit
        if mark is None:
            return []
        check_mark(mark, limit)
        declared = {one for want in wants for one in (want.alias, want.retired_alias, want.key_id) if one}
        return [
            KeyDeclaration(called(record), state="absent", fields={}, key_id=record["token"], record=record)
            for record in to_prune(self._reader.listing({}), mark, declared, limit)
        ]

    # Writing

    def batches(self, plans: Sequence[Plan]) -> list[list[int]]:
        """Return the plans to carry out, as positions: deletions many at a time, all others alone."""
        alone = [[number] for number, plan in enumerate(plans) if plan.action in ("create", "update", "reissue")]
        deletions = [number for number, plan in enumerate(plans) if plan.action == "delete"]
        return alone + [deletions[start : start + PAGE] for start in range(0, len(deletions), PAGE)]

    def apply(self, wants: Sequence[KeyDeclaration], plans: Sequence[Plan]) -> list[Outcome]:
        """Carry out one unit.

        :raises LiteLLMError: if nothing of it can be relied upon; an outcome has an error if there is more to report.
        """
        if plans[0].action == "delete":
            return self._delete(plans)
        return [self._writer.write(self._resolved(want, plan.current), plan) for want, plan in zip(wants, plans)]

    def _delete(self, plans: Sequence[Plan]) -> list[Outcome]:
        left = self._remover.remove(record for plan in plans for record in _doomed(plan))
        errors = [next((left[one["token"]] for one in _doomed(plan) if one["token"] in left), None) for plan in plans]
        return [Outcome(plan, "none" if error else "delete", error=error) for plan, error in zip(plans, errors)]

    def confirm(self, wants: Sequence[KeyDeclaration], outcomes: Sequence[Outcome]) -> list[Outcome]:
        """Return the outcomes, after looking whether new keys are there, once each, and deleted ones are gone."""
        outcomes = self._confirmer.confirm(wants, outcomes)
        return outcomes if self._ledger is None else self._settled(self._ledger, wants, outcomes)

    def _settled(self, ledger: Ledger, wants: Sequence[KeyDeclaration], outcomes: Sequence[Outcome]) -> list[Outcome]:
        """Return the outcomes, once the ledger has what came of them."""
        well = [(want, outcome) for want, outcome in zip(wants, outcomes) if outcome.error is None]
        confirmed = {one.plan.name: one.value for want, one in well if want.state == "present" and one.value}
        gone = [want.alias for want, _one in well if want.state == "absent" and _was_the_one(want, ledger)]
        try:
            ledger.settle(confirmed, gone)
        except LiteLLMError as error:  # what was written must be returned all the same
            return [replace(one, error=error) if one.error is None and one.plan.changed else one for one in outcomes]
        return list(outcomes)

    def _past(self) -> datetime:
        return self._client.past() or self._client.now()


def _found(records: Sequence[Record], retired: Sequence[Record]) -> Found:
    in_grace = [record for record in retired if successor_of(record)]
    return Found(records, [record for record in retired if record not in in_grace], in_grace)


def _gets_a_value(plan: Plan) -> bool:
    return plan.action in ("create", "reissue")


def _was_the_one(want: KeyDeclaration, ledger: Ledger) -> bool:
    """Return whether the key that is gone is the one of the ledger: a pruned key may leave another with its alias."""
    values = ledger.candidates(want.alias)
    return not want.key_id or want.key_id in map(token_of, values)


def _doomed(plan: Plan) -> list[Record]:
    return [record for record in (plan.current, *plan.surplus) if record]


def _tokens(found: Mapping[str, Found]) -> list[list[str]]:
    return [one.tokens for one in found.values()]


def _was_replaced(first: Found, last: Found) -> bool:
    """Return whether another run has given the key a new value meanwhile, or had begun to at the first look."""
    before = first.tokens if first.is_plain else [record["token"] for record in first.retired]
    return last.is_plain and any(token not in before for token in last.tokens)
