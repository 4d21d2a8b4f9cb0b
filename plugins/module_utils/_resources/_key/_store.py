# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Virtual keys on a proxy: planning, writing, reading back. Private: only for use inside this collection.

The server does not keep aliases apart, answers a taken value with success, and echoes what it was asked to delete:
so each write is read back.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from threading import Lock
from typing import Any

from ..._engine import Outcome, Plan, dropped
from ..._errors import ApiError, LiteLLMError
from ..._kind import Kind
from ..._proxy import PAGE, Proxy
from ..._values import is_empty
from ._advice import KEY_ADVICE
from ._bodies import create_body, create_path, update_body
from ._checks import refuse
from ._declaration import Declaration, conflicts, declare, key_options, with_defaults
from ._marks import check_mark, to_prune
from ._planning import Found, plan_key
from ._reading import KeyReader, Record
from ._secret import new_value, token_of
from ._table import KEY, ROWS, public_view

LOOKS = 5
NO_RECOVERY = "The proxy forbids key values chosen by the client: a value whose answer is lost cannot be recovered."
PAUSE = 0.5


class KeyStore:
    """The virtual keys of one proxy.

    :param client: an object with ``get``, ``send`` and ``now``, such as ``_client.Client``.
    :param secret: a text that must not stand in a new value: Ansible would star it out.
    :param validate_models: whether models that the proxy does not have are refused.
    :param prune_metadata: keys whose metadata has these entries, and that are not declared, are to go;
        ``prune_limit`` is how many they may be.
    """

    def __init__(
        self,
        client: Any,
        secret: str = "",
        validate_models: bool = False,
        prune_metadata: Mapping[str, Any] | None = None,
        prune_limit: int | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client = client
        self._proxy = Proxy(client)
        self._reader = KeyReader(client, self._proxy)
        self._secret = secret
        self._validate_models = validate_models
        self._sleep = sleep
        self._prune_metadata = prune_metadata
        self._prune_limit = prune_limit
        self._custom_values = True
        self._deleting = Lock()

    @classmethod
    def for_task(cls, client: Any, params: Mapping[str, Any]) -> KeyStore:
        """A store with the settings of a task."""
        return cls(
            client,
            secret=params["api_key"],
            validate_models=params["validate_models"],
            prune_metadata=params.get("prune_metadata"),
            prune_limit=params.get("prune_limit"),
        )

    # Reading

    def find(self, wants: Sequence[Declaration]) -> dict[str, Found]:
        """The keys of the declared aliases, at a cost that follows the number of declared keys."""
        names = {want.alias: want.retired_alias for want in wants}
        if not names:
            return {}
        if len(names) == 1:
            records = self._reader.with_alias(wants[0].alias)
            if not records or wants[0].may_reissue or wants[0].state == "absent":
                records += self._reader.with_alias(wants[0].retired_alias)
        else:
            records = self._reader.with_any_alias([*names, *names.values()], expected=len(names))
        by_alias: dict[str, list[Record]] = defaultdict(list)
        for record in sorted(self._reader.with_budgets(records), key=_seniority):
            by_alias[record["key_alias"]].append(record)
        return {alias: Found(by_alias[alias], by_alias[retired]) for alias, retired in names.items()}

    # Planning

    def plans(self, wants: Sequence[Declaration]) -> list[Plan]:
        """What has to be done for each declared key, in their order. Writes nothing.

        :raises InputError: for the first declaration that cannot be carried out.
        """
        found = self.find([want for want in wants if want.record is None])
        now = self._now()
        plans = [plan_key(want, Found([want.record]) if want.record else found[want.alias], now) for want in wants]
        refuse(plans, self._proxy, self._reader, self._validate_models)
        return plans

    def undeclared(self, wants: Sequence[Declaration]) -> list[Declaration]:
        """Declarations of absence for all other keys that are to be pruned.

        :raises InputError: if the mark says nothing, or chooses more keys than may go.
        """
        mark, limit = self._prune_metadata, self._prune_limit
        if mark is None:
            return []
        check_mark(mark, limit)
        declared = {alias for want in wants for alias in (want.alias, want.retired_alias)}
        return [
            Declaration(alias=record["key_alias"], state="absent", fields={}, record=record)
            for record in to_prune(self._reader.listing({}), mark, declared, limit)
        ]

    # Writing

    def units(self, plans: Sequence[Plan]) -> list[list[int]]:
        """The plans to carry out, as positions: deletions many at a time, all others alone."""
        alone = [[number] for number, plan in enumerate(plans) if plan.action in ("create", "update", "reissue")]
        deletions = [number for number, plan in enumerate(plans) if plan.action == "delete"]
        return alone + [deletions[start : start + PAGE] for start in range(0, len(deletions), PAGE)]

    def apply(self, wants: Sequence[Declaration], plans: Sequence[Plan]) -> list[Outcome]:
        """Carry out one unit.

        :raises ApiError: if nothing of it can be relied upon; an outcome has an error if a value is known all the same.
        """
        if plans[0].action == "delete":
            # Several such requests at once take LiteLLM five times as long as one after the other, or too long for it.
            with self._deleting:
                self._delete([record for plan in plans for record in (plan.current, *plan.surplus) if record])
            return [Outcome(plan, "delete") for plan in plans]
        return [self._write(want, plan) for want, plan in zip(wants, plans)]

    def _write(self, want: Declaration, plan: Plan) -> Outcome:
        if not plan.surplus:
            return self._write_one(want, plan)
        # First, for it may bear the name under which a reissue lets the old key wait.
        self._delete(plan.surplus)
        try:
            outcome = self._write_one(want, plan)
        except ApiError as error:  # that further keys were removed is to be told all the same
            outcome = Outcome(plan, "update", plan.current, error=error)
        warning = f"Removed {len(plan.surplus)} further key(s) with the alias {plan.name}."
        return outcome.having(warnings=(warning, *outcome.warnings))

    def _write_one(self, want: Declaration, plan: Plan) -> Outcome:
        if plan.action == "create":
            return self._create(want, plan)
        if plan.action == "reissue":
            return self._reissue(want, plan)
        if plan.action == "update" and plan.changes:
            return self._update(plan)
        return Outcome(plan, plan.action, plan.current, plan.value)

    def _create(self, want: Declaration, plan: Plan) -> Outcome:
        """Make a key. Never twice: when an answer was lost, the key is looked for before the next try.

        If nobody can tell in the end whether the key was made, its value is returned beside the error.
        """
        refusal = ApiError(f"The key {plan.name} could not be made.", hint="Run again.")
        doubtful = puzzled = False
        for look in range(LOOKS):
            if look:
                self._sleep(PAUSE * look)
            if plan.value is None and self._custom_values:
                plan = plan.having(value=new_value(self._secret))
            try:
                answer = self._client.send(create_path(plan), create_body(plan, self._now()))
            except ApiError as error:
                refusal = error
            else:
                if "key" in answer:
                    return self._made(plan, answer)
                message = f"The answer to POST {create_path(plan)} has an unexpected shape."
                refusal = ApiError(message, code="connection", unanswered=True)
            if _forbids_values(refusal) and want.value is None and plan.value is not None:
                self._custom_values = False
                plan = plan.having(value=None)
                continue
            failed = refusal.status == 500 and not refusal.unanswered
            if not (refusal.unanswered or failed or _alias_taken(refusal)):
                break
            try:
                records = sorted(self._reader.with_alias(want.alias), key=_seniority)
            except ApiError as error:
                refusal, doubtful = error, True
                break
            if records:
                return self._made_meanwhile(want, plan, records, refusal)
            if failed and (puzzled or not _hides_its_cause(refusal)):
                break
            doubtful = doubtful or refusal.unanswered
            # Once more: it may have been the database, which has answered again by now.
            puzzled = puzzled or failed
        if doubtful and plan.value:
            return Outcome(plan, plan.action, value=plan.value, error=refusal)
        raise refusal

    def _made(self, plan: Plan, answer: Mapping[str, Any]) -> Outcome:
        """The outcome of a creation that was answered."""
        value = answer["key"]
        record = {**answer, "token": token_of(value), "key_alias": plan.name}
        del record["key"]
        warnings = () if self._custom_values else (NO_RECOVERY,)
        return self._verified(Outcome(plan, plan.action, record, value, warnings=warnings))

    def _made_meanwhile(self, want: Declaration, plan: Plan, records: Sequence[Record], error: ApiError) -> Outcome:
        """The key that bears the alias after a failed creation: ours, whose answer was lost, or somebody else's."""
        for record in records:
            if plan.value and record["token"] == token_of(plan.value):
                return self._verified(Outcome(plan, plan.action, record, plan.value))
        if plan.value is None and not _alias_taken(error):
            error.hint = "The key was probably made, but its value is lost: run again with value_policy: reissue."
            raise error
        return self._write(want, plan_key(want, Found(records), self._now()))

    def _update(self, plan: Plan) -> Outcome:
        if not is_empty(plan.changes.get("reset_spend")):
            # Before it is marked as done, so that a run that is interrupted between the two is completed by the next.
            self._client.send(f"/key/{plan.existing['token']}/reset_spend", {"reset_to": 0.0}, replay=True)
        answer = self._client.send("/key/update", update_body(plan, self._now()), replay=True)
        record = {**plan.existing, **answer, "token": plan.existing["token"]}
        del record["key"]
        return self._verified(Outcome(plan, plan.action, record, plan.value))

    def _reissue(self, want: Declaration, plan: Plan) -> Outcome:
        """Put a new key in the place of the old one, which waits under another name until the new one is there."""
        old = self._reader.complete(plan.existing)
        warnings: tuple[str, ...] = ()
        if old["key_alias"] == want.alias:
            try:
                renamed = self._client.send(
                    "/key/update", {"key": old["token"], "key_alias": want.retired_alias}, replay=True
                )
                # Newer than any reading, and never stale.
                old = {**old, "spend": renamed.get("spend", old.get("spend"))}
            except ApiError as error:
                if "key_alias" not in error.message or error.status != 400:
                    raise
                self._delete([old])
                warnings = (f"The proxy takes no other alias for {want.alias}: its old key was deleted first.",)
        try:
            outcome = self._create(want, plan.having(current=old))
        except ApiError as error:
            if not warnings and not error.unanswered:
                self._client.send("/key/update", {"key": old["token"], "key_alias": want.alias}, replay=True)
            raise
        if outcome.error is None:
            try:
                self._delete([old])
            except ApiError as error:  # the new value must be returned all the same
                outcome = outcome.having(error=error)
        return outcome.having(warnings=(*outcome.warnings, *warnings))

    def _delete(self, records: Iterable[Record]) -> None:
        tokens = [record["token"] for record in records]
        try:
            self._client.send("/key/delete", {"keys": tokens}, replay=True)
        except ApiError as error:
            if error.status != 404:  # none of them is left: somebody else was quicker, or an answer was lost
                raise

    def _verified(self, outcome: Outcome) -> Outcome:
        """The outcome, with an error if the server did not store all that it was sent."""
        changes = outcome.plan.changes
        record = outcome.record or {}
        if not all(ROWS[name].answered for name in changes) or dropped(
            KEY, changes, record
        ):  # older answers leave out more
            try:
                record = self._reader.complete(record)
            except ApiError as error:  # a value that was given out must be returned all the same
                return outcome.having(record=record, error=error)
        lost = dropped(KEY, changes, record)
        if not lost:
            return outcome.having(record=record)
        version = f"LiteLLM {self._proxy.version}" if self._proxy.version else "the proxy"
        message = f"{version} took the request but did not store {', '.join(lost)} of the key {outcome.plan.name}."
        return outcome.having(
            record=record, error=ApiError(message, hint="Leave the option out, or use a newer LiteLLM.")
        )

    # Reading back

    def confirm(self, wants: Sequence[Declaration], outcomes: Sequence[Outcome]) -> list[Outcome]:
        """The outcomes, after looking whether new keys are there, once each, and deleted ones are gone."""
        if any(want.record for want in wants):
            return self._confirm_pruned(outcomes)
        made = [one.plan.name for one in outcomes if one.action in ("create", "reissue") and one.error is None]
        gone = [one.plan.name for one in outcomes if one.action == "delete" and one.error is None]
        unsettled = dict.fromkeys(made, 1) | dict.fromkeys(gone, 0)
        counts: dict[str, int] = {}
        for look in range(LOOKS):
            if unsettled:
                counts.update(self._reader.bearers(list(unsettled)))
            unsettled = {alias: count for alias, count in unsettled.items() if counts[alias] != count}
            # More than one is for _settle_race; fewer, or a ghost, may be a stale read.
            if all(count == 1 and counts[alias] > 1 for alias, count in unsettled.items()):
                break
            self._sleep(PAUSE * (look + 1))
        return [
            self._settle(want, outcome, counts[outcome.plan.name]) if outcome.plan.name in unsettled else outcome
            for want, outcome in zip(wants, outcomes)
        ]

    def _confirm_pruned(self, outcomes: Sequence[Outcome]) -> list[Outcome]:
        """The outcomes, after looking whether the tokens are gone; their aliases may stay, with other keys."""
        tokens = [one.plan.existing["token"] for one in outcomes if one.action == "delete" and one.error is None]
        for look in range(LOOKS):
            if not tokens or not self._reader.rows_of_tokens(tokens):
                return list(outcomes)
            self._sleep(PAUSE * (look + 1))
        left = {record["token"] for record in self._reader.with_any_token(tokens)}
        return [one.having(error=_still_there(one)) if one.plan.existing["token"] in left else one for one in outcomes]

    def _settle(self, want: Declaration, outcome: Outcome, count: int) -> Outcome:
        """The outcome for a key that is not there once after it was made, or still there after it was deleted."""
        alias = outcome.plan.name
        if outcome.action == "delete":
            return outcome.having(error=_still_there(outcome))
        if count == 0:
            return outcome.having(error=ApiError(f"The key {alias} is not there after it was made.", hint="Run again."))
        records = sorted(self._reader.with_alias(alias), key=_seniority)
        ours = next((record for record in records if record["token"] == (outcome.record or {}).get("token")), None)
        if ours is None or ours is records[0]:
            return outcome  # the others delete theirs
        self._delete([ours])
        try:
            return self._write(want, plan_key(want, Found(records[:1]), self._now()))
        except LiteLLMError as error:
            return outcome.having(record=None, value=None, error=error)

    def _now(self) -> datetime:
        now: datetime = self._client.now()
        return now


def _seniority(record: Record) -> tuple[str, str]:
    """Of several keys with one alias all runs keep the same one: the oldest."""
    return (str(record.get("created_at")), str(record["token"]))


def _still_there(outcome: Outcome) -> ApiError:
    return ApiError(f"The key {outcome.plan.name} is still there after it was deleted.", hint="Run again.")


def _alias_taken(error: ApiError) -> bool:
    return error.status == 400 and "already exists" in error.message and "alias" in error.message


def _hides_its_cause(error: ApiError) -> bool:
    """LiteLLM says so of wrong values and of a database that went away at this moment alike."""
    return error.message.lower().startswith("internal server error")


def _forbids_values(error: ApiError) -> bool:
    return error.status == 403 and "custom api key values are disabled" in error.message.lower()


KEY_KIND = Kind(
    result="virtual_key",
    plural="virtual_keys",
    things="keys",
    identity=(KEY.identity,),
    options=key_options(),
    task_options={"validate_models": {"type": "bool", "default": False}},
    batch_options={"prune_metadata": {"type": "dict"}, "prune_limit": {"type": "int"}},
    declare=declare,
    with_defaults=with_defaults,
    conflicts=conflicts,
    store=KeyStore.for_task,
    public=public_view,
    secret="key",  # noqa: S106
    ids={"key_id": "token"},
    advice=KEY_ADVICE,
)
