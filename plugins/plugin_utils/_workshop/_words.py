# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run says, in sentences. Pure. Private: only for use inside this collection."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.litemaas.virtual_keys.plugins.module_utils._text import join_limited, one_line, printable

from .._hand_out._people import without_value
from .._variables import Variables
from ._outcome import WORDS, WorkshopOutcome, word_of
from ._people import Person

FEW = 10


def headline(outcome: WorkshopOutcome, check_mode: bool) -> str:
    """Return how many keys were created, updated and so on."""
    counts = [
        f"{len(whom)} {'would be ' if check_mode and word not in ('unchanged', 'failed') else ''}{word}"
        for word, whom in _by_word(outcome).items()
    ]
    return ", ".join(counts) or "Nothing to do"


def names(outcome: WorkshopOutcome, check_mode: bool) -> list[str]:
    """Return the names of those to whom it was done, where they are few, and not one alone."""
    if len(outcome.users) + len(outcome.pruned) <= 1:
        return []
    return [
        f"{'would be ' if check_mode else ''}{word}: {', '.join(whom)}"
        for word, whom in _by_word(outcome).items()
        if word not in ("unchanged", "failed") and len(whom) <= FEW
    ]


def _by_word(outcome: WorkshopOutcome) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for user in outcome.users:
        found[word_of(user)].append(one_line(user["user"]))
    found["deleted"] += outcome.pruned
    return {word: found[word] for word in (*WORDS.values(), "failed") if found[word]}


def reissued_before(variables: Variables, people: Iterable[Person], outcome: WorkshopOutcome) -> list[str]:
    """Say for whom a reissue that was asked for had been done already, and how to do it again."""
    again = {
        one_line(person.user): f"{one_line(person.user)}:{_next(person.reissue)}"
        for person, user in zip(people, outcome.users)
        if person.reissue and user["action"] not in ("create", "reissue") and not user["error"]
    }
    if not again:
        return []
    called, values = variables.called("reissue"), ", ".join(again.values())
    return [f"reissued before: {', '.join(again)}; to do it again, set {called} to {values}"]


def _next(note: str) -> str:
    return str(int(note) + 1) if note.isdecimal() else f"{note} again"


def unknown_models(people: Iterable[Person], unknown: Mapping[str, Sequence[str]], known: str) -> str:
    """Say which models of some people the proxy does not have, and where they stand.

    :param unknown: the aliases of the keys, by model.
    """
    where = {person.alias: person.where for person in people}
    said = [
        f"{printable(join_limited([where[alias] for alias in aliases]))}, models: the proxy has no model '{model}'."
        for model, aliases in unknown.items()
    ]
    return join_limited([*said, f"It has {known}."] if known else said, " ")


def unknown_values(variables: Variables, unknown: Sequence[str]) -> str:
    """Say whose values nobody knows, and how to replace them; empty if all are known."""
    if not unknown:
        return ""
    reissue = f"{variables.called('unknown_values')}=reissue"
    if any(variables.says(name) for name in ("values_file", "output_dir", "key_seed")):
        place, advice = "this folder", f"To end these keys and print new ones, run once with {reissue}."
    else:
        place, keeping = "this run", f"{variables.called('output_dir')} and {reissue}"
        advice = f"To end these keys and keep the values of new ones, run with {keeping}."
    return f"{without_value(unknown, place)} {advice}"


def known_values(unknown: Sequence[str], is_absent: bool, check_mode: bool) -> str:
    """Return how many have no known value, as a part of the headline."""
    return f", {len(unknown)} without a known value" if not is_absent and (unknown or not check_mode) else ""


def written(folder: str, files: Sequence[Any], is_absent: bool, check_mode: bool) -> str:
    """Return what came of the folder, as a part of the headline."""
    folder = f"{folder.rstrip('/')}/"
    if not files:
        return f"; {folder} is up to date"
    return f"; {'would be ' if check_mode else ''}{'removed from' if is_absent else 'written to'} {folder}"


def would_open(team_id: str, models: Sequence[str], keys: Sequence[str]) -> str:
    """Say that what some people of a team are to have would be for others in it, too."""
    return (
        f"The models {join_limited(list(models))}, which are for some people only, would also be open to "
        f"{join_limited(list(keys))}: these keys are in the team '{team_id}' and can use all its models. List their "
        "people in this run as well, or remove these keys."
    )


def team_stays(team_id: str, keys: Sequence[Mapping[str, Any]]) -> str:
    """Say why a team is not removed."""
    names = join_limited([key["key_alias"] or "a key without an alias" for key in keys])
    return f"The team {team_id} stays, because other keys are in it: {names}."


def teams_not_declared(variables: Variables, names: Sequence[str]) -> str:
    """Say that keys of the workshop are in teams of which the variables say nothing."""
    return (
        f"The keys of this workshop are in the teams {join_limited(list(map(one_line, names)))}. "
        f"Set {variables.called('team_budget')} or {variables.called('teams')} as in the run that created them."
    )


def not_listed(variables: Variables, aliases: Sequence[str], is_absent: bool) -> list[str]:
    """Name keys of the workshop that still work although nobody who is listed has them."""
    if not aliases:
        return []
    prune = f"{variables.called('prune')}=true"
    if is_absent:
        return [
            f"{len(aliases)} more belong to the workshop",
            f"still there: {join_limited(aliases)}; to remove them, too, set {prune}",
        ]
    return [f"not listed, but still valid: {join_limited(aliases)}; to remove these keys, set {prune}"]


def same_people(found: Iterable[tuple[str, str]]) -> list[str]:
    """Say who probably stands in the list under another address than before, and how to keep the key."""
    return [
        f"probably the same person: {one_line(new)} is new, and {one_line(old)} is not listed; to keep the key and its "
        f"spending, set user to {one_line(old)} in the line of {one_line(new)}"
        for new, old in found
    ]


def made_meanwhile(
    variables: Variables, aliases: Sequence[str], makers: Sequence[str], removed: bool, check_mode: bool
) -> list[str]:
    """Name keys that the people of the workshop have made with theirs, and who did."""
    if not aliases:
        return []
    if removed:
        would = "would be " if check_mode else ""
        return [f"{would}removed, made by people of the workshop: {join_limited(aliases)}"]
    # When the workshop has ended, nothing on the proxy tells whose keys belonged to it.
    called = f"{variables.called('remove_made_keys')}=true and {variables.called('users')} to {join_limited(makers)}"
    return [f"made by people of the workshop, and still valid: {join_limited(aliases)}; to remove them, set {called}"]
