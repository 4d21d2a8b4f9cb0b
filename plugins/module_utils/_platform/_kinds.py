# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kinds of objects of a platform, in the order in which they are written. Private: only for use inside this
collection.

What others refer to comes first. What goes is deleted in the opposite order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .._adopting import Adoptable
from .._kind import ArgumentSpec, Options
from .._resources._access_group import AccessGroup
from .._resources._budget import Budget
from .._resources._credential._kind import Credential
from .._resources._customer import Customer
from .._resources._default_settings import DefaultSettings
from .._resources._fallback import Fallback
from .._resources._guardrail import Guardrail
from .._resources._key._kind import Key
from .._resources._mcp_server._kind import McpServer
from .._resources._mcp_toolset import McpToolset
from .._resources._model._kind import Model
from .._resources._pass_through import PassThrough
from .._resources._policy._kind import Policy
from .._resources._search_tool import SearchTool
from .._resources._tag import Tag
from .._resources._team import Team
from .._resources._team_members._kind import TeamMembers
from .._resources._user import User
from .._resources._vector_store import VectorStore


@dataclass(frozen=True, eq=False)
class Row:
    """A kind of object.

    :param option: the list of its objects, among the options of the task.
    :param result: the list of what became of them, where that has another name.
    :param part_of: the list whose entries declare these objects, for a kind without a list of its own.
    :param entry_options: the options of such an entry, each with the option of the object that it sets.
    :param first: what is declared of an object before the objects that come later are there. All of it is declared
        once they are.
    :param followed: whether others name an object by what can change. It is changed before those who name it.
    :param going: what is declared of a part of an entry that is to go.
    """

    option: str
    kind: Adoptable
    result: str = ""
    part_of: str = ""
    entry_options: Mapping[str, str] = field(default_factory=dict, repr=False)
    first: Callable[[Options], dict[str, Any]] | None = field(default=None, repr=False)
    followed: bool = False
    going: Callable[[Options], dict[str, Any]] | None = field(default=None, repr=False)

    @property
    def returned(self) -> str:
        """Name of the list of what became of the objects."""
        return self.result or self.option


def _without_assignments(options: Options) -> dict[str, Any]:
    """Return an access group that is assigned to nobody yet."""
    return {**options, "assigned_team_ids": None, "assigned_key_ids": None}


def _nobody_leaves(options: Options) -> dict[str, Any]:
    """Return the members of a team before the keys of those who leave it have moved."""
    return {**options, "mode": "merge", "prune_limit": None}


def _all_leave(options: Options) -> dict[str, Any]:
    """Return that a team has no members. More than its entry names do not leave it."""
    return {**options, "members": [], "mode": "replace", "prune_limit": len(options.get("members") or ())}


MEMBERS = Row(
    "members",
    TeamMembers(),
    part_of="teams",
    entry_options={"members": "members", "members_mode": "mode", "members_prune_limit": "prune_limit"},
    first=_nobody_leaves,
    going=_all_leave,
)
KINDS = (
    Row("credentials", Credential()),
    Row("models", Model(), followed=True),
    Row("guardrails", Guardrail()),
    Row("mcp_servers", McpServer()),
    Row("mcp_toolsets", McpToolset()),
    Row("search_tools", SearchTool()),
    Row("vector_stores", VectorStore()),
    Row("fallbacks", Fallback()),
    Row("pass_throughs", PassThrough()),
    Row("budgets", Budget()),
    Row("tags", Tag()),
    Row("access_groups", AccessGroup(), first=_without_assignments),
    Row("users", User()),
    Row("teams", Team()),
    MEMBERS,
    Row("customers", Customer()),
    Row("keys", Key(), result="virtual_keys"),
    Row("policies", Policy()),  # which are attached to teams and keys
    Row("default_settings", DefaultSettings()),
)
# Those with a list of their own.
LISTS = tuple(row for row in KINDS if not row.part_of)
STATE: ArgumentSpec = {"state": {"type": "str", "choices": ["present", "absent"]}}


def parts_of(row: Row) -> tuple[Row, ...]:
    """Return the kinds whose objects the entries of a list declare besides."""
    return tuple(part for part in KINDS if part.part_of == row.option)


def entry_spec(row: Row) -> dict[str, Any]:
    """Return the argument spec of an entry of a list: all options of its module, and of what is part of it."""
    spec: dict[str, Any] = {**STATE, **row.kind.options}
    for part in parts_of(row):
        spec.update({name: {**part.kind.options[own], "required": False} for name, own in part.entry_options.items()})
    return spec
