# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What has to be done for a virtual key: a declaration against the existing keys. Pure.

Private: only for use inside this collection.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from ..._crud._rows import servers_kept
from ..._durations import add_duration
from ..._engine import Plan, make_plan
from ..._errors import InputError
from ..._values import UNSET, is_empty, parse_time, same_moment, strictly_equal
from ._declaration import KeyDeclaration
from ._rotation import is_due, is_expired, will_be_expired, with_next_version, with_spend_of_old
from ._table import KEY, ROUTES_OF_TYPE, limits_of_budget, own_metadata, retired_ids, token_of, version_of
from ._teams import TEAM_MODELS

# How many versions of a seed's value a message may look through.
VERSIONS = 20


@dataclass(frozen=True)
class Found:
    """The keys that bear an alias, the one to keep first, and those that wait under its retired name.

    :param in_grace: those with that name that only go on for a while after another key took their place.
    :param replaced: whether another run has created the key while this one looked on.
    """

    records: Sequence[Mapping[str, Any]] = field(default=(), repr=False)
    retired: Sequence[Mapping[str, Any]] = field(default=(), repr=False)
    in_grace: Sequence[Mapping[str, Any]] = field(default=(), repr=False)
    replaced: bool = False

    @property
    def is_plain(self) -> bool:
        """Whether no run is at work on the key, and none was interrupted."""
        return not self.retired and len(self.records) <= 1

    @property
    def tokens(self) -> list[str]:
        return [record["token"] for record in (*self.records, *self.retired)]


def plan_key(want: KeyDeclaration, found: Found, now: datetime, past: datetime | None = None) -> Plan:
    """Return what has to be done for one key.

    :param now: the server's time.
    :param past: a moment that is past for sure, None if there is none: only then is a value replaced for its age.
    :raises InputError: if the declaration and the key that is there do not go together.
    """
    replaced = found.replaced and want.may_reissue
    if replaced:
        want = want.keeping
    current = next(iter((*found.records, *found.retired)), None)
    if want.value:
        current = next((record for record in (*found.records, *found.retired) if _has_its_value(want, record)), current)
        want = replace(want, value=want.value_for(current))
    elif want.candidates:
        tokens = [token_of(value) for value in want.candidates]
        # Not of those that wait to be removed: their values were to come to an end.
        current = next((record for record in found.records if record["token"] in tokens), current)
    every = (*found.records, *found.retired, *found.in_grace)
    check_group(want.name, want.fields.get("group"), every)
    if want.state == "absent":
        current = current or next(iter(found.in_grace), None)
        surplus = tuple(record for record in every if record is not current)
        return replace(make_plan(KEY, {"key_alias": want.name}, current, "absent"), surplus=surplus)
    if want.grace and found.retired and current and not _is_known(want, current):
        # An interrupted run made a new value that nobody knows: the old one is still the one in use.
        current = found.retired[0]
    over = [record for record in found.in_grace if want.ends or is_expired(record, now)]
    surplus = tuple(record for record in (*found.records, *found.retired, *over) if record is not current)
    fields = {**({"key_alias": current["key_alias"]} if current else {}), **want.fields}
    warnings = _declare_expiry(fields, want, current, now)
    if want.merge_metadata and "metadata" in fields and fields["metadata"] is not UNSET and current:
        fields["metadata"] = {**own_metadata(current), **fields["metadata"]}
    if current is None and not is_empty(fields.get("team_id")) and "models" not in fields:
        fields["models"] = [TEAM_MODELS]
    _declare_routes(fields, want, current)
    if _opens_all_models(fields, current):
        warnings.append(f"Without a team, the models of the key {want.name} are all models of the proxy.")
    if replaced:
        warnings.append(f"Another run has just replaced the value of the key {want.name}. It is not replaced again.")
    if current and want.rotate_after and past is None:
        warnings.append(f"The proxy's answers tell no time: the value of {want.name} is not replaced for its age.")
    _guard_shared_budget(want, fields, current)
    plan = make_plan(KEY, fields, current)
    warnings += [f"{want.name}: {sentence}" for sentence in servers_kept(fields, plan.changes)]
    plan = replace(plan, name=want.name, surplus=surplus, value=want.value, warnings=tuple(warnings))
    if current is None:
        return replace(plan, value=want.value or next(reversed(want.candidates), None))
    if not is_empty(plan.changes.get("reset_spend")):
        plan = replace(plan, before={**plan.before, "spend": current.get("spend")}, after={**plan.after, "spend": 0.0})
    plan = _choose_value(want, plan, found, now, past)
    if plan.action == "reissue":  # of old values, at most one goes on
        return replace(plan, surplus=(*surplus, *(record for record in found.in_grace if record not in over)))
    plan = with_spend_of_old(plan, over)
    if surplus and plan.action == "none":
        return replace(plan, action="update")
    return plan


def check_group(alias: str, declared: Any, records: Iterable[Mapping[str, Any]]) -> None:
    """Refuse to take over, or to delete, what belongs to another group.

    :raises InputError: naming both groups.
    """
    if is_empty(declared):
        return
    for record in records:
        group = KEY.field("group").value(record)
        if not is_empty(group) and not strictly_equal(group, declared):
            raise InputError(
                f"the key belongs to the group {json.dumps(group)}, not to {json.dumps(declared)}. Choose another "
                "alias, or remove the key from its group first, with litellm_key and O(unset): [group].",
                alias,
            )


def check_identity(want: KeyDeclaration, record: Mapping[str, Any] | None) -> None:
    """Refuse a key that is declared by its id and is not there, or not the one that is to be deleted.

    :raises InputError: saying so.
    """
    if record is None and want.state == "present":
        raise InputError(
            "O(key_id): the proxy has no key with this ID. A new key is declared by O(key_alias).", want.name
        )
    if record is not None and want.state == "absent" and want.alias and record["key_alias"] != want.alias:
        has = f"has the alias {record['key_alias']}" if record["key_alias"] else "has no alias"
        raise InputError(f"O(key_id): the key with this ID {has}.", want.name)


def _choose_value(want: KeyDeclaration, plan: Plan, found: Found, now: datetime, past: datetime | None) -> Plan:
    """Return the plan, with what becomes of the value of a key that is there."""
    token = plan.existing["token"]
    known = next((value for value in (want.value, *want.candidates) if value and token_of(value) == token), None)
    # Where a run was interrupted, nobody has got the new value, unless it is known.
    interrupted = bool(found.retired) and known is None
    asked = _is_asked_for(want, plan, interrupted)
    due = asked or is_due(want, plan, now, past, known is not None, interrupted)
    if due and not asked and want.derive:
        want, plan = with_next_version(want, plan)
    if known is not None and not due:
        return replace(plan, value=known)
    policy = "reissue" if due else want.value_policy
    if policy != "keep":
        _refuse_retired_value(want, plan.existing)
    if policy == "fail" and found.records:
        raise InputError(_other_value(want, plan.existing), want.name)
    if policy == "keep":
        return replace(plan, value=None)
    # A key that only waits under its retired name was to get another value already.
    if will_be_expired(plan, now):
        raise InputError(
            "the key has expired, and LiteLLM cannot give it a new value without moving its expiry. Say when the new "
            "key expires: with O(expires_at), with O(duration) and O(renew_within), or never, with "
            "O(unset): [expires_at].",
            want.name,
        )
    new_id = token_of(want.value) if want.value else "(that of a new value)"
    return replace(
        plan,
        action="reissue",
        value=want.value,
        before={**plan.before, "key_id": token},
        after={**plan.after, "key_id": new_id},
    )


def _refuse_retired_value(want: KeyDeclaration, current: Mapping[str, Any]) -> None:
    """Refuse a value that was replaced, perhaps because somebody else knows it."""
    retired = retired_ids(current)
    if want.value is not None and token_of(want.value) in retired:
        remedy = _other_version(want, current) if want.derive else "another value"
        raise InputError(f"the declared value was replaced earlier and cannot be used again. Set {remedy}.", want.name)


def _other_version(want: KeyDeclaration, current: Mapping[str, Any]) -> str:
    """Return what to declare instead of a version whose value was replaced: the one that the key has, else the next."""
    if "reissue" in want.fields:
        return "another text as O(reissue)"
    retired = retired_ids(current)
    tokens = _tokens_of_versions(want, current, max(VERSIONS, version_of(current)) + len(retired) + 2)
    if current["token"] in tokens:
        return f"O(key_version): {tokens[current['token']]}, whose value the key has"
    unused = next(number for one, number in tokens.items() if one not in retired)
    return f"O(key_version): {unused} with O(value_policy): reissue, or, for this key alone, O(reissue)"


def _tokens_of_versions(want: KeyDeclaration, current: Mapping[str, Any], end: int) -> dict[str, int]:
    """Return the versions before ``end`` by the id that the key has with the value of each."""
    values = ((want.derived(number, current), number) for number in range(1, end))
    return {token_of(value): number for value, number in values if value}


def _other_value(want: KeyDeclaration, current: Mapping[str, Any]) -> str:
    """Return what to say where the value is to be the declared one, or a known one, and is not."""
    token = current["token"]
    if want.value is None:
        problem = "the key exists, but its value is not known"
    elif want.derive and token in _tokens_of_versions(want, current, VERSIONS):
        problem = "the key exists with the value of another O(key_version) than the declared one"
    else:
        problem = "the key exists with another value than the declared one"
    return f"{problem}. Set O(value_policy) to keep to leave the value as it is, or to reissue to replace it."


def _is_known(want: KeyDeclaration, record: Mapping[str, Any]) -> bool:
    return any(value and token_of(value) == record["token"] for value in (want.value, *want.candidates))


def _has_its_value(want: KeyDeclaration, record: Mapping[str, Any]) -> bool:
    value = want.value_for(record)
    return value is not None and record["token"] == token_of(value)


def _is_asked_for(want: KeyDeclaration, plan: Plan, interrupted: bool) -> bool:
    """Return whether the declared reissue has not been carried out yet, or by a run that was interrupted."""
    if "reissue" not in want.fields or _has_its_value(want, plan.existing):
        return False
    return interrupted or "reissue" in plan.changes


def _declare_expiry(
    fields: dict[str, Any], want: KeyDeclaration, current: Mapping[str, Any] | None, now: datetime
) -> list[str]:
    """Make ``expires_at`` of ``duration`` and ``renew_within`` where they apply now. Returns warnings."""
    stored = KEY.field("expires_at").value(current)
    expires = parse_time(stored) if stored else None
    renewing = bool(
        current and want.renew_within and expires and expires - now < add_duration(now, want.renew_within) - now
    )
    if want.duration and (current is None or renewing):
        fields["expires_at"] = add_duration(now, want.duration).isoformat(timespec="seconds")
    elif not is_empty(fields.get("expires_at")):
        end = parse_time(fields["expires_at"])
        fields["expires_at"] = end.isoformat(timespec="seconds")
        if end <= now and not (current and same_moment(end, expires)):
            raise InputError(
                "O(expires_at) is in the past. To disable a key now, use O(blocked) or O(state): absent.", want.alias
            )
    if expires and expires <= now and "expires_at" not in fields:
        return [
            f"The key {want.name} expired at {expires.isoformat(timespec='seconds')}. "
            "Renew it with O(renew_within) or O(expires_at)."
        ]
    return []


def _opens_all_models(fields: Mapping[str, Any], current: Mapping[str, Any] | None) -> bool:
    """Return whether the declared models, which were those of a team, are all models without it."""
    leaves = current and current.get("team_id") and "team_id" in fields and is_empty(fields["team_id"])
    return bool(leaves and "models" in fields and (is_empty(fields["models"]) or TEAM_MODELS in fields["models"]))


def _declare_routes(fields: dict[str, Any], want: KeyDeclaration, current: Mapping[str, Any] | None) -> None:
    """Make ``allowed_routes`` of ``key_type``: a type is its routes, and an update takes only these."""
    declared = fields.get("key_type")
    if declared is None:
        return
    own = current is not None and KEY.field("key_type").value(current) is None
    if own and "allowed_routes" not in fields:
        routes = ", ".join(KEY.field("allowed_routes").value(current))
        raise InputError(
            f"O(key_type): {declared} would replace the key's own O(allowed_routes) ({routes}). To keep them, declare "
            "them as O(allowed_routes) instead of O(key_type). To replace them, declare O(allowed_routes): [] beside "
            "O(key_type).",
            want.name,
        )
    fields["allowed_routes"] = ROUTES_OF_TYPE[declared]


def _guard_shared_budget(want: KeyDeclaration, fields: Mapping[str, Any], current: Mapping[str, Any] | None) -> None:
    """Refuse a soft budget that LiteLLM would write into a budget that other keys may share."""
    budget = (current or {}).get("litellm_budget_table") or {}
    if (
        limits_of_budget(current or {})
        and not KEY.field("soft_budget").equal(fields.get("soft_budget"), budget.get("soft_budget"))
        and "soft_budget" in fields
    ):
        raise InputError(
            f"O(soft_budget) would change the budget {current['budget_id'] if current else ''} for all who share it; "
            "change it there, or unset O(budget_id) first.",
            want.name,
        )
