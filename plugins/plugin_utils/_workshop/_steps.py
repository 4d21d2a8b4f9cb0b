# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the steps of a run share: what it needs, what it notes, and the result that comes of it.

Private: only for use inside this collection.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ansible_collections.litemaas.virtual_keys.plugins.module_utils._errors import LiteLLMError

from .._calls import Call, answer, connection
from .._hand_out._files import Render
from .._hand_out._task import HandedOut
from .._variables import VariableError, Variables
from . import _words
from ._declaration import Workshop
from ._outcome import WorkshopOutcome, outcome_of
from ._people import ReadFile
from ._places import Places
from ._raise import NEVER_USED, selects, sentences, settle_raise
from ._team import Team


@dataclass(frozen=True)
class Surroundings:
    """What a run needs besides the variables.

    :param call: carries out a module.
    :param read_file: returns what is in a file of the control node.
    :param render: renders a template.
    :param check_mode: whether nothing is written.
    """

    call: Call
    read_file: ReadFile
    render: Render
    check_mode: bool


class Steps:
    """What a run has noted so far, and the steps that several runs take."""

    def __init__(self, variables: Variables, around: Surroundings) -> None:
        self._variables = variables
        self._around = around
        self._connection = connection(variables)
        self._changed = False
        self._is_out_of_reach: bool | None = None
        self._files: list[dict[str, str]] = []
        self._said_first: list[str] = []
        self._said_last: list[str] = []
        self._warnings: list[str] = []
        self._problems: list[str] = []

    def _raise(self, workshop: Workshop, keys: Sequence[Mapping[str, Any]]) -> set[str]:
        """Declare more budget for those for whom it was asked, and return their users."""
        if not self._variables.says("raise"):
            return set()
        raised = settle_raise(self._variables, workshop, keys)
        self._said_first += sentences(raised)
        return set(raised.limits)

    def _also_use(self) -> dict[str, bool]:
        """Return how to learn of keys who has used them, which takes a request for many of them."""
        return {"check_use": True} if selects(self._variables, NEVER_USED) else {}

    def _write_keys(self, workshop: Workshop, teams: Iterable[Team], places: Places) -> WorkshopOutcome:
        is_planned = self._around.check_mode and any(team.is_new for team in teams)
        options = self._key_options(workshop, places, team_is_planned=is_planned)
        result = self._around.call("litellm_keys", **self._connection, **options)
        if "virtual_keys" not in result and workshop.is_absent and places.values_file:
            # No file that cannot be read, such as without the vault password, keeps a key from being deleted.
            self._warnings.append(str(result.get("msg")))
            result = self._around.call("litellm_keys", **self._connection, **{**options, "values_file": None})
        if "virtual_keys" not in result:
            answer(result)
        self._warnings += map(str, result.get("warnings") or ())
        outcome = outcome_of(workshop.people, result)
        self._changed = self._changed or outcome.changed
        return outcome

    def _told(
        self,
        workshop: Workshop,
        teams: Sequence[Team],
        outcome: WorkshopOutcome,
        result: dict[str, Any],
        handed_out: HandedOut | None,
    ) -> dict[str, Any]:
        """Return the result of the task, with what there is to say."""
        variables, check_mode = self._variables, self._around.check_mode
        unknown = [] if workshop.is_absent or workshop.is_partial else outcome.unknown
        if handed_out:  # the folder may know values that this run does not
            unknown = [name for name in unknown if name in handed_out.unknown]
        warning = _words.unknown_values(variables, unknown)
        if warning and not handed_out:
            self._warnings.append(warning)
        fails = warning if variables["unknown_values"] == "fail" else ""
        headline = _words.headline(outcome, check_mode)
        if not workshop.is_partial:
            headline += _words.known_values(unknown, workshop.is_absent, check_mode)
        if handed_out:
            headline += _words.written(variables["output_dir"], handed_out.files, workshop.is_absent, check_mode)
        told_teams = teams if self._changed else ()
        reasons = [f"failed: {reason}" for reason in (*outcome.failures, *outcome.not_removed)]
        said = [
            headline,
            *_words.names(outcome, check_mode),
            *self._said_first,
            *reasons,
            *_words.reissued_before(variables, workshop.people, outcome),
            *(text for team in told_teams for text in team.said),
            *self._said_last,
        ]
        changes = [*(line for team in told_teams for line in team.changes), *outcome.changes]
        problems = [outcome.problem, *self._problems, fails]
        problem = " ".join(text for text in problems if text)
        return {
            "changed": self._changed or bool(self._files),
            "result": result,
            "messages": said,
            "changes": changes,
            "files": self._files,
            "notes": list(dict.fromkeys(self._warnings)),
            **({"failed": True, "msg": problem} if problem else {}),
        }

    def _ask(self, module: str, /, check_mode: bool | None = None, **options: Any) -> Mapping[str, Any]:
        result = self._around.call(module, check_mode=check_mode, **self._connection, **options)
        if self._is_out_of_reach is None:
            self._is_out_of_reach = bool(result.get("failed"))
        return answer(result)

    def _team_options(self, team: Team) -> dict[str, Any]:
        return {**team.options, "validate_models": self._variables["validate_models"]}

    def _key_options(self, workshop: Workshop, places: Places, team_is_planned: bool) -> dict[str, Any]:
        variables = self._variables
        options = {
            "state": variables["state"],
            "virtual_keys": [person.options for person in workshop.people],
            "defaults": workshop.shared,
            "validate_models": variables["validate_models"],
            "validate_references": not team_is_planned,
            "concurrency": variables["concurrency"],
            "progress_every": variables["batch_size"],
            **workshop.prune,
        }
        if places.values_file:
            options.update(values_file=str(places.values_file), values_file_vault_id=variables["values_file_vault_id"])
        return options

    @contextmanager
    def _noting(self, notes: list[str]) -> Iterator[None]:
        """Note a failure of what comes after the keys, so that their values still reach the result."""
        try:
            yield
        except (LiteLLMError, VariableError) as error:
            notes.append(str(error))
        except OSError as error:
            notes.append(f"{error.filename}: {error.strerror}.")
