# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The members of teams that are declared by the alias of the team, or by the address of the user.

Private: only for use inside this collection.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..._crud._definition import CrudDeclaration, Definition
from ..._crud._references import TEAM, the_id
from ..._crud._store import ObjectStore
from ..._engine import Outcome, Plan
from ..._errors import InputError
from ..._kind import Client
from ..._text import join_limited
from ._table import Member


class MembersStore(ObjectStore):
    """The members of the teams on one proxy, declared by IDs or by other names that only one team or user has."""

    def __init__(self, definition: Definition, client: Client) -> None:
        super().__init__(definition, client)
        self._team_ids: dict[str, str] = {}  # by alias
        self._nobody: dict[str, list[str]] = {}  # the addresses that no user has, by team

    def plans(self, wants: Sequence[CrudDeclaration]) -> list[Plan]:
        plans = super().plans([self._identified(want) for want in wants])
        for number, (want, plan) in enumerate(zip(wants, plans)):
            if plan.current is None:
                # It is no ID of a team that is there.
                self._team_ids[want.name] = the_id("team_id", want.name, TEAM, self._proxy)
                (plans[number],) = super().plans([self._identified(want)])
        return plans

    def missing(self, wants: Sequence[CrudDeclaration], plans: Sequence[Plan]) -> dict[str, list[str]]:
        found = super().missing(wants, plans)
        for want, plan in zip(wants, plans):
            for email in self._nobody.get(want.name, ()):
                sentence = f"O(members): no user has the address {email}. Create the user first."
                found.setdefault(sentence, []).append(plan.name)
        return found

    def apply(self, wants: Sequence[CrudDeclaration], plans: Sequence[Plan]) -> list[Outcome]:
        return super().apply([self._identified(want) for want in wants], plans)

    def _identified(self, want: CrudDeclaration) -> CrudDeclaration:
        """Return a declaration with the IDs of its members, and with that of its team as far as it is known.

        Who is to have an address that nobody has yet bears it in the place of an ID.

        :raises InputError: if more than one has an address.
        """
        team_id = self._team_ids.get(want.name, want.name)
        members = [self._member(item, want.name) for item in want.fields["members"]]
        names = [item["user_id"] for item in members]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise InputError(f"O(members): {', '.join(twice)} is listed more than once.", want.name)
        fields = {**want.fields, "team_id": team_id, "members": members}
        return replace(want, identity={"team_id": team_id}, fields=fields)

    def _member(self, item: Member, team: str) -> Member:
        if item.get("user_id"):
            return item
        email = str(item["user_email"])
        ids = self._proxy.users_called(email)
        if not ids and email not in self._nobody.setdefault(team, []):
            self._nobody[team].append(email)
        if len(ids) > 1:
            several = f"{len(ids)} users have the address {email}. Set O(user_id) of one of them"
            raise InputError(f"O(members): {several} ({join_limited(ids)}).", team)
        return {**item, "user_id": ids[0] if ids else email}
