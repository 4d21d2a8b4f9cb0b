# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who asks: a key of each type for a person of each role, and others whose data nobody else is to see."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field

from .server import Server

# The model of all keys, and one that none of them has.
MODEL, OTHER_MODEL = "gpt-4", "gpt-3.5-turbo"
# By what a key is bound: its type, or the routes that an update of a key without a type sets.
BY_TYPE = ("default", "llm_api", "read_only", "management")
BY_UPDATE = {"llm_api": "llm_api_routes", "read_only": "info_routes", "management": "management_routes"}
NO_USER, MEMBER, TEAM_ADMIN = "no user", "team member", "team admin"
# Roles of a user, and of a person in a team, who becomes an internal user by that.
ROLES = (
    NO_USER,
    "internal_user_viewer",
    "internal_user",
    MEMBER,
    TEAM_ADMIN,
    "proxy_admin_viewer",
    "proxy_admin",
)


@dataclass(frozen=True)
class Owner:
    """A person with a key, and a team."""

    user_id: str
    email: str
    team_id: str
    alias: str
    key: str = field(repr=False)
    token: str

    @property
    def marks(self) -> tuple[str, ...]:
        """By what an answer shows that it tells about this person."""
        return (self.user_id, self.email, self.alias, self.token)


@dataclass(frozen=True)
class Subject:
    """A key that tries what it can reach, and whom it belongs to."""

    key_type: str
    role: str
    updated: bool
    user_id: str
    team_id: str | None
    alias: str
    key: str = field(repr=False)
    token: str

    @property
    def name(self) -> str:
        return f"{self.key_type}{' by update' if self.updated else ''}, {self.role}"


@dataclass(frozen=True)
class World:
    """A server with a teammate of the team members, the admin of their team, and a stranger in another team."""

    server: Server
    teammate: Owner
    team_admin: str
    stranger: Owner
    users: list[str] = field(default_factory=list)

    @classmethod
    def made_on(cls, server: Server) -> World:
        team_admin = f"team-admin-{secrets.token_hex(6)}"
        teammate, stranger = _owner(server, "teammate", team_admin), _owner(server, "stranger")
        return cls(server, teammate, team_admin, stranger, [team_admin, teammate.user_id, stranger.user_id])

    def remove(self) -> None:
        """Delete the teams and the users, and with them all keys but those without a user."""
        self.server.do("POST", "/team/delete", {"team_ids": [self.teammate.team_id, self.stranger.team_id]})
        self.server.do("POST", "/user/delete", {"user_ids": self.users})

    def subjects(self) -> Iterator[Subject]:
        """A key of each kind for each role. Those that LiteLLM lets do most come last."""
        for role in ROLES:
            for key_type in BY_TYPE:
                yield self.subject(key_type, role)
            for key_type in BY_UPDATE:
                yield self.subject(key_type, role, updated=True)

    def subject(self, key_type: str, role: str, *, updated: bool = False) -> Subject:
        """Create a person of this role, and a key of this kind for them."""
        alias = f"subject-{secrets.token_hex(6)}"
        user_id = self.team_admin if role == TEAM_ADMIN else alias
        team_id = self.teammate.team_id if role in (MEMBER, TEAM_ADMIN) else None
        if role == MEMBER:
            member = {"user_id": user_id, "role": "user"}
            self.server.do("POST", "/team/member_add", {"team_id": team_id, "member": [member]})
        elif role not in (NO_USER, TEAM_ADMIN):
            self.server.do("POST", "/user/new", {"user_id": user_id, "user_role": role, "auto_create_key": False})
        if role not in (NO_USER, TEAM_ADMIN):
            self.users.append(user_id)
        body = {"user_id": user_id, "key_alias": alias, "models": [MODEL], "max_budget": 10.0}
        if team_id:
            body["team_id"] = team_id
        if key_type != "default" and not updated:
            body["key_type"] = key_type
        made = self.server.do("POST", "/key/generate", body)
        if updated:
            routes = [BY_UPDATE[key_type]]
            self.server.do("POST", "/key/update", {"key": made["token"], "allowed_routes": routes})
        return Subject(key_type, role, updated, user_id, team_id, alias, made["key"], made["token"])


def _owner(server: Server, word: str, team_admin: str | None = None) -> Owner:
    """Create a team, and a person in it whose key has been used."""
    # Without a license, this is the only way to a team with an admin.
    admins = [{"user_id": team_admin, "role": "admin"}] if team_admin else []
    user_id = alias = f"{word}-{secrets.token_hex(6)}"
    email, team_id = f"{secrets.token_hex(6)}@{word}.example", f"team-{secrets.token_hex(6)}"
    server.do("POST", "/team/new", {"team_id": team_id, "members_with_roles": admins})
    user = {"user_id": user_id, "user_email": email, "user_role": "internal_user", "auto_create_key": False}
    server.do("POST", "/user/new", user)
    member = {"user_id": user_id, "user_email": email, "role": "user"}
    server.do("POST", "/team/member_add", {"team_id": team_id, "member": [member]})
    made = server.do("POST", "/key/generate", {"user_id": user_id, "team_id": team_id, "key_alias": alias})
    question = {"model": MODEL, "messages": [{"role": "user", "content": "hello"}]}
    server.ask(made["key"], "POST", "/v1/chat/completions", question)
    return Owner(user_id, email, team_id, alias, made["key"], made["token"])
