# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks all questions with all keys, and tries all routes with those that differ in them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

from .keys import MEMBER, NO_USER, Subject, World
from .operations import LET_THROUGH, Operation, operations, verdict
from .questions import QUESTIONS
from .server import Server

# LiteLLM checks the routes of a key and the role of its user one after the other. Each of both is thus tried with all
# routes where the other differs least.
SWEPT_ROLES = (NO_USER, "internal_user", MEMBER)
SIDE_BY_SIDE = 4


@dataclass(frozen=True)
class Measured:
    """What the keys can do on one version of LiteLLM.

    :param questions: what was asked.
    :param answers: for each key type and role, the questions that were answered with yes.
    :param updated: the same for keys that an update of their routes has bound.
    :param routes: for each swept key type and role, what came of each route. Routes open to everybody are left out.
    """

    version: str
    questions: list[str]
    answers: dict[str, dict[str, list[str]]]
    updated: dict[str, dict[str, list[str]]]
    routes: dict[str, dict[str, str]]

    @classmethod
    def all_in(cls, folder: Path) -> list[Measured]:
        """Return what was measured with the present questions, the newest version last."""
        found = [cls(**json.loads(path.read_text(encoding="utf-8"))) for path in folder.glob("*.json")]
        known = [one for one in found if one.questions == list(QUESTIONS)]
        return sorted(known, key=lambda one: [int(number) for number in one.version.split(".")])

    def write(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(asdict(self), indent=1) + "\n"
        (folder / f"{self.version}.json").write_text(text, encoding="utf-8")


def measure(server: Server, *, sweep: bool) -> Measured:
    """Create keys of all kinds on a server, and try what they can do."""
    world = World.made_on(server)
    measured = Measured(server.litellm_version, list(QUESTIONS), {}, {}, {})
    closed = [one for one in operations(server) if verdict(one.try_with(server, None)) != LET_THROUGH] if sweep else []
    for subject in world.subjects():
        yes = [question for question, ask in QUESTIONS.items() if ask(world, subject)]
        (measured.updated if subject.updated else measured.answers).setdefault(subject.key_type, {})[subject.role] = yes
        if sweep and subject.role in SWEPT_ROLES and not subject.updated:
            measured.routes[subject.name] = _swept(world, subject, closed)
    return measured


def _swept(world: World, subject: Subject, closed: Sequence[Operation]) -> dict[str, str]:
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        found = pool.map(lambda operation: _outcome(world, subject, operation), closed)
        return {
            f"{operation.method} {operation.path}": outcome for operation, outcome in zip(closed, found, strict=True)
        }


def _outcome(world: World, subject: Subject, operation: Operation) -> str:
    outcome = verdict(operation.try_with(world.server, subject.key))
    if outcome != LET_THROUGH or operation.method != "GET":
        return outcome
    people = {"a teammate": world.teammate, "a stranger": world.stranger}
    shown = [word for word, person in people.items() if operation.shows(world.server, subject.key, person)]
    return f"shows {' and '.join(shown)}" if shown else outcome
