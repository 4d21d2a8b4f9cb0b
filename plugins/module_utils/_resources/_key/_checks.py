# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is refused before anything is written. Private: only for use inside this collection.

A proxy takes unknown teams and models silently, drops fields that it does not know, and refuses others only after keys
of the same task were written. Questions are asked only about what is going to be written.

Keys are chosen for deletion by a mark, a few entries of metadata: there nothing is alike, only the same.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from typing import Any

from ..._crud._limits import ensure_supported, unlicensed
from ..._crud._references import unknown_references
from ..._engine import Plan
from ..._errors import InputError
from ..._proxy import SPECIAL_MODELS, Proxy
from ..._text import join_limited, printable
from ..._values import is_empty, strictly_equal
from ._reading import KeyReader
from ._table import KEY, ROWS, KeyField, metadata_of, token_of
from ._teams import joined_team, lacking_models, unfit_values

WRITING = ("create", "update", "reissue")
NO_LIMIT = -1


def refuse(plans: Sequence[Plan], proxy: Proxy, reader: KeyReader, validate_models: bool) -> None:
    """Refuse plans that this proxy cannot carry out.

    :param validate_models: whether models that it does not have are such a reason.
    :raises InputError: for the first of them.
    :raises ApiError: if the caller is no admin, whose "there is no such key" would mean nothing.
    """
    writing = [plan for plan in plans if plan.action in WRITING]
    if writing or any(plan.current is None for plan in plans):
        proxy.ensure_admin()
    _refuse_unlicensed(writing, proxy)
    for plan in writing:
        ensure_supported(KEY, plan, proxy)
    if validate_models:
        _refuse_unknown_models(writing, proxy)
    _refuse_repetition(plans)
    _refuse_taken_aliases(writing, reader)
    _refuse_other_organization([plan for plan in writing if plan.action == "create"], proxy)
    _refuse_taken_values([plan for plan in writing if plan.value and plan.action != "update"], reader)


def _refuse_unlicensed(plans: Sequence[Plan], proxy: Proxy) -> None:
    """Refuse what needs a license that the proxy does not have.

    :raises InputError: naming all of it, and the keys that were to have it.
    """
    found: dict[str, list[str]] = defaultdict(list)
    for plan in plans:
        if reason := unlicensed(_licensed_parts(plan), proxy):
            found[reason].append(plan.name)
    if found:
        sentences = [f"{printable(join_limited(names))}: {reason}" for reason, names in found.items()]
        raise InputError(join_limited(sentences, " "))


def _licensed_parts(plan: Plan) -> list[str]:
    """Return what of a plan LiteLLM carries out only with an Enterprise license."""
    parts = []
    for name, value in plan.changes.items():
        row = ROWS[name]
        if row.licensed and not row.is_empty(value):
            parts.append(name)
        if plan.action != "update" and not row.is_empty(value):
            parts += [f"{name}.{entry}" for entry in row.licensed_entries if entry in value]
    return parts


def missing_references(plans: Sequence[Plan], proxy: Proxy) -> dict[str, list[str]]:
    """Return what keys refer to and the proxy does not have, or what does not fit it: names of the keys by sentence."""
    writing = [plan for plan in plans if plan.action in WRITING]
    found: dict[str, list[str]] = defaultdict(list)
    for plan in writing:
        unknown = unknown_references(KEY.fields, plan, proxy)
        if unknown:
            found[unknown].append(plan.name)
    known = ("organization", "budget")
    return {**_missing(writing, known, proxy), **_unfit_for_teams(writing, proxy), **found}


def _unfit_for_teams(plans: Sequence[Plan], proxy: Proxy) -> dict[str, list[str]]:
    """Return what does not fit the teams that keys join: names of the keys by sentence."""
    found: dict[str, list[str]] = defaultdict(list)
    for plan in plans:
        team_id = joined_team(plan)
        team = proxy.team(team_id) if team_id else None
        if not team:
            continue
        for sentence in unfit_values(plan, team):
            found[sentence].append(plan.name)
        if lacking := _lacking(plan, team, proxy):
            found[f"O(models): {lacking}"].append(plan.name)
    return found


def with_lacking_models(plan: Plan, proxy: Proxy) -> Plan:
    """Return a plan with a warning of models that a key is to have and its team lacks.

    LiteLLM refuses them only to a key that moves. Any other gets them, and is refused each request for them.
    """
    gets_models = plan.action == "create" or (plan.action == "update" and "models" in plan.changes)
    team_id = plan.changes.get("team_id", ROWS["team_id"].value(plan.existing))
    if not gets_models or is_empty(team_id) or joined_team(plan):
        return plan
    lacking = _lacking(plan, proxy.team(str(team_id)) or {}, proxy)
    return replace(plan, warnings=(*plan.warnings, f"{plan.name}: O(models): {lacking}")) if lacking else plan


def _lacking(plan: Plan, team: Mapping[str, Any], proxy: Proxy) -> str | None:
    """Return in a sentence which models of a key its team certainly lacks."""
    models = plan.changes.get("models", ROWS["models"].value(plan.existing)) or []
    if not team.get("models") or {*models} <= {*team["models"], *SPECIAL_MODELS}:
        return None
    names = ", ".join(f"'{model}'" for model in lacking_models(plan, team, proxy.single_models))
    known = join_limited(team["models"])
    return f"the team '{team['team_id']}' does not have {names}. It has {known}." if names else None


def _missing(plans: Sequence[Plan], kinds: Sequence[str], proxy: Proxy) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for row in ROWS.values():
        if row.refers_to in kinds:
            for missing, names in _missing_in(row, plans, proxy).items():
                found[f"O({row.name}): the proxy has no {row.refers_to} '{missing}'."] = names
    return found


def _refuse_unknown_models(plans: Sequence[Plan], proxy: Proxy) -> None:
    """Refuse models that the proxy does not have.

    :raises InputError: naming all of them, and the keys that were to have them.
    """
    unknown = _missing_in(ROWS["models"], plans, proxy)
    if unknown:
        sentences = [
            f"{printable(join_limited(names))}: O(models): the proxy has no model '{model}'."
            for model, names in unknown.items()
        ]
        known = _nearest(next(iter(unknown)), proxy.models)
        details = {"unknown_models": unknown, "known_models": known}
        raise InputError(join_limited([*sentences, f"It has {known}."] if known else sentences, " "), details=details)


def _missing_in(row: KeyField, plans: Sequence[Plan], proxy: Proxy) -> dict[str, list[str]]:
    """Return what keys are to refer to and the proxy does not have, and the names of these keys."""
    declared_by: dict[str, list[str]] = defaultdict(list)
    for plan in plans:
        value = plan.changes.get(row.name)
        for single in value if isinstance(value, list) else [value]:
            if not is_empty(single):
                declared_by[str(single)].append(plan.name)
    missing = {
        "organization": proxy.missing_organizations,
        "budget": proxy.missing_budgets,
        "model": proxy.unknown_models,
    }[row.refers_to](declared_by)
    return {one: declared_by[one] for one in missing}


def _nearest(name: str, known: Sequence[str]) -> str:
    """Name some of the models that there are, those most like the wrong one first."""
    equals = get_close_matches(name, known, n=3)
    return join_limited([*equals, *(one for one in known if one not in equals)])


def _refuse_other_organization(plans: Sequence[Plan], proxy: Proxy) -> None:
    """Refuse another organization than the team's: the server drops it and gives a new key the team's."""
    for plan in plans:
        declared, team_id = plan.changes.get("organization_id"), plan.changes.get("team_id")
        team = proxy.team(team_id) if declared and team_id else None
        if team and team.get("organization_id") != declared:
            message = f"O(organization_id): a new key of the team '{team_id}' gets the organization of that team, "
            raise InputError(f"{message}{team.get('organization_id') or 'which has none'}.", plan.name)


def _refuse_repetition(plans: Sequence[Plan]) -> None:
    """Refuse a key that is declared by its alias and by its id, and an alias that two keys would get."""
    names: dict[str, str] = {}
    for plan in plans:
        for record in (plan.existing, *plan.surplus):
            other = names.setdefault(record["token"], plan.name) if record else plan.name
            if other != plan.name:
                raise InputError(f"this key is also declared as {other}.", plan.name)
    repeated = Counter(alias for alias in map(_new_alias, plans) if alias)
    for alias, times in repeated.items():
        if times > 1:
            raise InputError("several keys of this task would get this alias.", alias)


def _new_alias(plan: Plan) -> str | None:
    """Return the alias that a plan gives to a key, None if it gives none."""
    return plan.changes.get("key_alias") if plan.action in ("create", "update") else None


def _refuse_taken_aliases(plans: Sequence[Plan], reader: KeyReader) -> None:
    renamed = [alias for alias in (_new_alias(plan) for plan in plans if plan.action == "update") if alias]
    for other in reader.with_any_alias(renamed, expected=len(renamed)) if renamed else ():
        raise InputError(
            f"another key has the alias {other['key_alias']}. Its ID is {other['token']}.", str(other["key_alias"])
        )


def _refuse_taken_values(plans: Sequence[Plan], reader: KeyReader) -> None:
    """Refuse a value that another key has: the server answers with success, and does nothing."""
    tokens = [token_of(plan.value or "") for plan in plans]
    for row in reader.rows_of_tokens(tokens) if tokens else ():
        # The rows come without their tokens; four characters tell most values apart.
        ending = str(row.get("key_name"))[-4:]
        equals = [plan for plan in plans if str(plan.value).endswith(ending)] or plans
        if any(plan.name == row.get("key_alias") for plan in equals):
            continue  # not of another key: made by another run since the keys were listed
        if row.get("key_alias"):
            raise InputError(f"this value is already the value of the key '{row['key_alias']}'.", equals[0].name)
        raise InputError(
            "this is already the value of a key without an alias. To give it this alias, declare O(key_id): "
            f"{token_of(equals[0].value or '')}, without the value.",
            equals[0].name,
        )


def bears(record: Mapping[str, Any], mark: Mapping[str, Any]) -> bool:
    """Return whether the key's metadata has each entry of ``mark`` exactly. An empty mark is no mark."""
    metadata = metadata_of(record)
    return bool(mark) and all(
        name in metadata and strictly_equal(value, metadata[name]) for name, value in mark.items()
    )


def check_mark(mark: Mapping[str, Any], limit: int | None) -> None:
    """Refuse a mark that says nothing, such as that of a variable left blank, and a limit that is none.

    :raises InputError: naming the entries without a value.
    """
    blank = [str(name) for name, value in mark.items() if _is_blank(value)]
    if not mark or blank:
        what = f"{', '.join(blank)} has no value" if blank else "it has no entry"
        raise InputError(f"O(prune_metadata): {what}. Each entry must have a value that only the keys to delete have.")
    if limit is not None and limit < NO_LIMIT:
        raise InputError("O(prune_limit) must be at least 0, or -1 for no limit.")


def _is_blank(value: Any) -> bool:
    """Return whether a value, or all that is in it, is what a variable left blank gives."""
    if isinstance(value, (Mapping, list, tuple)):
        return all(map(_is_blank, value.values() if isinstance(value, Mapping) else value))
    return is_empty(value) or value is False or not str(value).strip()


def called(record: Mapping[str, Any]) -> str:
    """Return how messages and results call a key, which may have no alias."""
    return str(record["key_alias"] or f"(no alias) {record['key_name']}")


def to_prune(
    records: Iterable[Mapping[str, Any]], mark: Mapping[str, Any], declared: Collection[str], limit: int | None
) -> list[Mapping[str, Any]]:
    """Return the keys that bear the mark and are not declared, by alias.

    :param declared: the aliases and ids of those that are.
    :param limit: how many they may be: by default half of those that bear the mark. A run that keeps the other half
        also declares at least as many keys as it deletes.
    :raises InputError: if they are more, naming them.
    """
    marked = [record for record in records if bears(record, mark)]
    chosen = sorted(
        (record for record in marked if not {record["key_alias"], record["token"]} & set(declared)),
        key=lambda record: (called(record), record["token"]),
    )
    allowed = len(marked) // 2 if limit is None else limit
    if limit == NO_LIMIT or len(chosen) <= allowed:
        return chosen
    names = join_limited([called(record) for record in chosen])
    bound = "half of them can be deleted" if limit is None else f"O(prune_limit) allows {limit}"
    raise InputError(
        f"Of the {len(marked)} keys that carry the mark, {len(chosen)} would be deleted, but only {bound}: "
        f"{names}. Nothing was written. To delete them all, set O(prune_limit) to {len(chosen)}."
    )
