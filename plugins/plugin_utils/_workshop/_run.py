# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One run, from the variables to the result: what is read and written, in which order.

Private: only for use inside this collection. Everything that can be refused is refused before the first write. After
it, the values of the keys reach the result, whatever fails.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from ansible_collections.litemaas.virtual_keys.plugins.module_utils._args import base_url
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._errors import InputError, LiteLLMError
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._text import join_limited, one_line

from .._calls import answer
from .._hand_out._folder import Folder
from .._hand_out._task import HandedOut, ensure_ready, hand_out
from .._usage._task import report
from .._variables import VariableError, Variables
from . import _outliving, _words
from ._admins import refuse_admins, refuse_keys_of_others
from ._declaration import Workshop, declare, partial, with_those_there
from ._outcome import WorkshopOutcome
from ._places import Places, artifact_password, make, places_of
from ._result import result_of
from ._steps import Steps, Surroundings
from ._team import Team, in_teams, is_ours, not_ours, team_id, team_ids, who_else_may_use
from ._trouble import Directory, settle_trouble
from ._variables import PRESENT


def run(variables: Variables, around: Surroundings) -> dict[str, Any]:
    """Do what the variables say, and return the result of the task.

    :raises LiteLLMError: if no key was touched, because something cannot be done.
    :raises VariableError: the same, because of a variable.
    """
    return Run(variables, around).result()


class Run(Steps):
    """One run. Its steps stand in the order in which they are taken."""

    def result(self) -> dict[str, Any]:
        """Take all steps. Whatever keeps the run from it, who is to be blocked is blocked."""
        try:
            return self._all_steps()
        except (LiteLLMError, VariableError) as error:
            blocked = self._block_at_least()
            if not blocked:
                raise
            raise InputError(f"Blocked: {join_limited(blocked)}. The rest of the run failed. {error}") from error

    def _all_steps(self) -> dict[str, Any]:
        artifact_password(self._variables)
        workshop = declare(self._variables, self._around.read_file)
        places = places_of(self._variables, workshop, self._around.check_mode)
        self._warnings += workshop.warnings
        self._said_last += workshop.said if self._around.check_mode else []
        if workshop.is_partial:
            return self._change_those_there(workshop)
        marked = self._read_marked(workshop) if workshop.is_absent else ()
        workshop, teams = in_teams(workshop, self._variables, self._read_teams(workshop, marked))
        if workshop.is_absent:
            before = marked
            self._report_usage(workshop, places)
        else:
            admins = self._ask("litellm_user_info", admins=True)["admins"]
            before = self._read_named(workshop)
            self._raise(workshop, before)
            self._refuse(workshop, teams, places, before, admins)
            teams = self._write_teams(teams, places)
        outcome = self._write_keys(workshop, teams, places)
        if workshop.is_absent:
            self._end_made_keys(workshop, before)
            teams = self._remove_teams(teams, outcome)
        self._say_who_is_not_listed(workshop, before, places)
        gone = self._read_gone(workshop, places)
        result = result_of(workshop, outcome, base_url(self._variables["api_url"]), teams, self._changed, gone)
        return self._told(workshop, teams, outcome, result, self._hand_out(workshop, places, result))

    # What is asked for people who have keys, where nobody is declared: nothing else is touched, on the control node too

    def _change_those_there(self, workshop: Workshop) -> dict[str, Any]:
        """Do what is asked for people of the workshop, whoever they are, and return the result of the task."""
        nowhere = Places(None, None)
        keys = self._ask("litellm_key_info", group=workshop.group, **self._also_use())["virtual_keys"]
        workshop = with_those_there(workshop, keys)
        concerned = {person.user for person in settle_trouble(self._variables, workshop.people)}
        concerned |= self._raise(workshop, keys)
        workshop = replace(workshop, people=[person for person in workshop.people if person.user in concerned])
        outcome = self._write_keys(workshop, [], nowhere)
        result = result_of(workshop, outcome, base_url(self._variables["api_url"]), [], self._changed, [])
        return self._told(workshop, [], outcome, result, None)

    def _block_at_least(self) -> list[str]:
        """Block the people who are to be blocked and have keys, and return them: a key in wrong hands cannot wait."""
        names = self._variables["block"] if self._variables["state"] == PRESENT else None
        if not names or self._is_out_of_reach or self._around.check_mode:
            return []
        with suppress(LiteLLMError, VariableError):
            workshop = partial(self._variables)
            keys = self._ask("litellm_key_info", group=workshop.group)["virtual_keys"]
            directory = Directory(with_those_there(workshop, keys).people)
            people = dict.fromkeys(directory.find("block", name) for name in filter(directory.knows, names))
            if people:
                blocked = [{**person.options, "blocked": True} for person in people]
                self._ask("litellm_keys", state=PRESENT, virtual_keys=blocked)
            return [one_line(person.user) for person in people]
        return []

    # Before the first write

    def _read_teams(self, workshop: Workshop, marked: Iterable[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
        """Return the teams that may be the workshop's, by ID.

        :param marked: the keys of a workshop of which keys are to go.
        """
        if not workshop.is_workshop:
            return {}
        if workshop.ends:  # also those whose keys are gone
            return _by_id(self._ask("litellm_team_info")["teams"])
        ids = team_ids(workshop)
        leaving = _aliases(workshop)
        ids += [key["team_id"] for key in marked if key["team_id"] and key["key_alias"] in leaving]
        return self._teams_by_id(dict.fromkeys(ids))

    def _teams_by_id(self, ids: Iterable[str]) -> dict[str, Mapping[str, Any]]:
        return _by_id(team for one in ids for team in self._ask("litellm_team_info", team_id=one)["teams"])

    def _read_named(self, workshop: Workshop) -> Sequence[Mapping[str, Any]]:
        """Return the keys that have the names of the workshop's, or of the single key."""
        named = (
            {"key_alias_prefix": f"{workshop.alias}-"} if workshop.is_workshop else {"key_aliases": [workshop.alias]}
        )
        keys: Sequence[Mapping[str, Any]] = self._ask("litellm_key_info", **named, **self._also_use())["virtual_keys"]
        return keys

    def _read_marked(self, workshop: Workshop) -> Sequence[Mapping[str, Any]]:
        """Return the keys that bear the mark of a workshop of which keys are to go.

        Only what is said depends on them.
        """
        found: list[Mapping[str, Any]] = []
        if workshop.is_workshop:
            with self._noting(self._warnings):
                found += self._ask("litellm_key_info", group=workshop.group)["virtual_keys"]
        return found

    def _refuse(
        self,
        workshop: Workshop,
        teams: Sequence[Team],
        places: Places,
        before: Sequence[Mapping[str, Any]],
        admins: Sequence[Mapping[str, Any]],
    ) -> None:
        """Refuse what could not be done, or not be handed out."""
        if places.folder:
            everybody = [{**workshop.shared, **one.options, **one.described()} for one in workshop.people]
            ensure_ready(self._variables, self._around.render, everybody)
        self._refuse_unknown_models(workshop)
        refuse_admins(workshop, self._variables, admins)
        refuse_keys_of_others(workshop, self._variables, before, admins)
        self._refuse_to_leave_teams(workshop, before)
        self._refuse_to_open_models(workshop, teams)
        written = [team for team in teams if team.is_written]
        if written and not self._around.check_mode:
            for team in written:
                planned = self._ask("litellm_team", check_mode=True, **self._team_options(team))
                if team.is_new and planned["action"] != "create":  # the first look has missed it
                    raise VariableError(not_ours([team.team_id], self._variables))
            # The keys would be refused, if at all, after the team was written. Their values need the folder.
            make(places)
            self._ask("litellm_keys", check_mode=True, **self._key_options(workshop, places, team_is_planned=True))

    def _refuse_to_leave_teams(self, workshop: Workshop, before: Iterable[Mapping[str, Any]]) -> None:
        """Refuse a run that says nothing of the teams in which keys of the workshop are."""
        if not workshop.is_workshop or workshop.teams:
            return
        prefix = team_id(workshop, "")
        ids = {key["team_id"] for key in before if key["group"] == workshop.group and key["team_id"]}
        there = self._teams_by_id(sorted(one for one in ids if one.startswith(prefix)))
        names = [one.removeprefix(prefix) for one, team in there.items() if is_ours(workshop, team)]
        if names:
            raise VariableError(_words.teams_not_declared(self._variables, names))

    def _refuse_to_open_models(self, workshop: Workshop, teams: Iterable[Team]) -> None:
        """Refuse models of some people that keys in their team could use as well, of which this run is not about."""
        for team in teams:
            if team.opened and not team.is_new:
                keys = self._ask("litellm_key_info", team_id=team.team_id)["virtual_keys"]
                others = who_else_may_use(team, keys, _aliases(workshop))
                if others:
                    raise VariableError(_words.would_open(team.team_id, team.opened, others))

    def _refuse_unknown_models(self, workshop: Workshop) -> None:
        """Refuse models that only some people are to have and that the proxy lacks, naming who they are.

        Those of all are refused with the keys, or with the team.
        """
        some = [
            {"key_alias": person.alias, "models": person.options["models"]}
            for person in workshop.people
            if person.where and person.options.get("models")
        ]
        if some and self._variables["validate_models"]:
            reached = {**self._connection, "validate_models": True, "validate_references": False}
            result = self._around.call("litellm_keys", check_mode=True, virtual_keys=some, **reached)
            unknown = (result.get("failure") or {}).get("unknown_models")
            if unknown:
                known = result["failure"]["known_models"]
                raise VariableError(_words.unknown_models(workshop.people, unknown, known))
            answer(result)

    # Writing

    def _report_usage(self, workshop: Workshop, places: Places) -> None:
        """Write who used what while it is known. A report keeps no key from being deleted."""
        if places.folder and self._variables["report_usage"]:
            with self._noting(self._warnings):
                people = [person.described() for person in workshop.people]
                done = report(self._around.call, self._variables, people, self._around.check_mode)
                self._said_last += done.said
                self._warnings += done.warnings
                self._files += done.files

    def _write_teams(self, teams: Iterable[Team], places: Places) -> list[Team]:
        """Write the teams and their members, before the keys: LiteLLM refuses the key of somebody who is no member."""
        if not self._around.check_mode:
            make(places)
        return [self._write_team(team) for team in teams]

    def _write_team(self, team: Team) -> Team:
        if team.is_written:
            written = self._ask("litellm_team", **self._team_options(team))
            team = replace(team, record=written["team"])
            self._changed = self._changed or written["changed"]
        if team.members and not (team.is_new and self._around.check_mode):
            members = self._ask("litellm_team_members", team_id=team.team_id, members=team.members)
            self._changed = self._changed or members["changed"]
        return team

    # Once the keys are written, every failure is only noted

    def _remove_teams(self, teams: Iterable[Team], outcome: WorkshopOutcome) -> list[Team]:
        """Remove the teams after the keys, and return those: LiteLLM deletes the keys of a team with it, whosoever."""
        return [team for team in teams if self._remove_team(team, outcome)]

    def _remove_team(self, team: Team, outcome: WorkshopOutcome) -> bool:
        """Remove a team in which nobody else is, and return whether it is gone."""
        with self._noting(self._problems):
            there = self._ask("litellm_key_info", team_id=team.team_id)["virtual_keys"]
            left = [key for key in there if not {key["key_id"], key.get("replaced_by")} & outcome.deleted_ids]
            if left:
                self._said_last.append(_words.team_stays(team.team_id, left))
                return False
            # In check mode the keys are still there.
            removed = self._ask("litellm_team", team_id=team.team_id, state="absent", force=self._around.check_mode)
            self._changed = self._changed or removed["changed"]
            return True
        return False

    def _end_made_keys(self, workshop: Workshop, before: Sequence[Mapping[str, Any]]) -> None:
        """Name, or remove, the keys that people of the workshop have made with theirs."""
        ending = before if workshop.ends else [key for key in before if key["key_alias"] in _aliases(workshop)]
        # Who is declared may have made keys although theirs are gone, such as by an earlier run that only named them.
        declared = {person.user_id for person in workshop.people}
        people = sorted({key["user_id"] for key in ending if key["user_id"]} | declared)
        if not people:
            return
        with self._noting(self._problems):
            keys = self._ask("litellm_key_info", created_by=people)["virtual_keys"]
            admins = self._ask("litellm_user_info", admins=True)["admins"] if keys else []
            made = _outliving.made_by_people(workshop, keys, people, admins)
            removes = self._variables["remove_made_keys"]
            self._said_last += _words.made_meanwhile(
                self._variables, _outliving.names(made), _outliving.makers(made), removes, self._around.check_mode
            )
            if made and removes:
                doomed = [{"key_id": key["key_id"]} for key in made]
                self._changed = True
                self._ask("litellm_keys", state="absent", virtual_keys=doomed)

    def _say_who_is_not_listed(self, workshop: Workshop, before: Sequence[Mapping[str, Any]], places: Places) -> None:
        """Name the keys of the workshop that this run was not about and that stay."""
        if not workshop.is_workshop or workshop.prune:
            return
        keys = before if workshop.is_absent else _outliving.still_valid(workshop, before)
        others = _outliving.not_listed(workshop, keys)
        self._said_last += _words.not_listed(self._variables, others, workshop.is_absent)
        if others and places.folder and not workshop.is_absent:
            with self._noting(self._warnings):
                listed, _values = Folder(self._variables["output_dir"]).read_lists()
                self._said_last += _words.same_people(_outliving.same_people(workshop, before, others, listed))

    def _read_gone(self, workshop: Workshop, places: Places) -> list[str]:
        """Return the aliases of people in the folder whose keys are no longer on the proxy, whoever removed them."""
        if workshop.is_absent or not (workshop.is_workshop and places.folder):
            return []
        with self._noting(self._problems):
            listed, _values = Folder(self._variables["output_dir"]).read_lists()
            left = _outliving.no_longer_declared(workshop, listed)
            if left:
                ids = sorted({str(person["key_id"]) for person in left})
                return _outliving.gone(left, self._ask("litellm_key_info", key_ids=ids)["virtual_keys"])
        return []

    def _hand_out(self, workshop: Workshop, places: Places, result: Mapping[str, Any]) -> HandedOut | None:
        if not places.folder or (workshop.is_absent and not places.folder.is_dir()):
            return None
        # The keys are gone, whatever is left of them in the folder.
        with self._noting(self._warnings if workshop.is_absent else self._problems):
            done = hand_out(result, self._variables, self._around.render, self._around.check_mode)
            self._warnings += done.warnings
            self._files += done.files
            return done
        return None


def _aliases(workshop: Workshop) -> set[str]:
    return {person.alias for person in workshop.people}


def _by_id(teams: Iterable[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    return {str(team["team_id"]): team for team in teams}
