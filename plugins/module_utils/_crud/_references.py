# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an object refers to by ids that LiteLLM stores without a look: access groups, MCP servers, and others.

Private: only for use inside this collection. A name does as well where it is unique. An id or a name that there is not
would be stored, and give no access.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .._engine import Field, Plan
from .._errors import InputError
from .._listings import (
    ACCESS_GROUPS,
    GUARDRAILS,
    MCP_SERVERS,
    MCP_TOOLSETS,
    POLICIES,
    SEARCH_TOOLS,
    TEAMS,
    VECTOR_STORES,
    Listing,
)
from .._proxy import Proxy
from .._shapes import TEXT
from .._text import join_limited

Values = Mapping[str, Any]


@dataclass(frozen=True)
class Target:
    """Objects of one kind to which others refer.

    :param thing: what a sentence calls one of them.
    :param names: the fields that hold its names.
    :param by: the field by which others refer to it, if that is not its id.
    :param held_in: the field of the entries of the listing that lists them by name, if they are not the entries.
    :param special: names that LiteLLM takes for all of them, or none.
    """

    thing: str
    listing: Listing
    names: tuple[str, ...] = ()
    by: str = ""
    held_in: str = ""
    special: frozenset[str] = frozenset()

    def ids_of(self, name: str, proxy: Proxy) -> list[str]:
        """Return the ids of those that a declared id or name can mean; an id means one only."""
        if name in self.special:
            return [name]
        by = self.by or self.listing.id
        rows = proxy.known(self.listing, {by: TEXT})
        if self.held_in:
            return [name] if any(name in (row.get(self.held_in) or ()) for row in rows) else []
        ids = [row[by] for row in rows]
        return [name] if name in ids else [row[by] for row in rows if name in map(row.get, self.names)]

    def look_up(self, _names: Iterable[str], _proxy: Proxy) -> None:
        """Look at several together, where that takes fewer requests than to look at each."""

    def name_of(self, id_: str, proxy: Proxy) -> str:
        """Return a name that means only the object with an ID, the ID itself if there is none."""
        rows = [row for row in proxy.known(self.listing, {self.listing.id: TEXT}) if row[self.listing.id] == id_]
        names = [row[name] for row in rows for name in self.names if isinstance(row.get(name), str)]
        return next((name for name in names if self.ids_of(name, proxy) == [id_]), id_)


class TeamTarget(Target):
    """Teams, of which there can be too many to list them: an ID is looked up, and an alias only if it is no ID."""

    def ids_of(self, name: str, proxy: Proxy) -> list[str]:
        return proxy.teams_called(name) if proxy.missing_teams([name]) else [name]

    def look_up(self, names: Iterable[str], proxy: Proxy) -> None:
        proxy.missing_teams(names)

    def name_of(self, id_: str, _proxy: Proxy) -> str:
        return id_


ACCESS_GROUP = Target("access group", ACCESS_GROUPS, ("access_group_name",))
MCP_SERVER = Target(
    "MCP server",
    MCP_SERVERS,
    ("alias", "server_name"),
    special=frozenset(("all-team-mcpservers", "all-proxy-mcpservers", "no-mcp-servers")),
)
MCP_ACCESS_GROUP = Target("MCP access group", MCP_SERVERS, held_in="mcp_access_groups")
MCP_TOOLSET = Target("MCP toolset", MCP_TOOLSETS, ("toolset_name",))
VECTOR_STORE = Target("vector store", VECTOR_STORES, ("vector_store_name",))
SEARCH_TOOL = Target("search tool", SEARCH_TOOLS)
TEAM = TeamTarget("team", TEAMS, ("team_alias",))
GUARDRAIL = Target("guardrail", GUARDRAILS, by="guardrail_name")
POLICY = Target("policy", POLICIES, by="policy_name")
# Of a row's value itself, of the entries of a row of permissions: an id, a list of ids, or a mapping by id; and of the
# entries of each item of a list.
TO_ACCESS_GROUPS: Mapping[str, Target] = {"": ACCESS_GROUP}
TO_MCP_SERVERS: Mapping[str, Target] = {"": MCP_SERVER}
TO_TEAMS: Mapping[str, Target] = {"": TEAM}
TO_GUARDRAILS: Mapping[str, Target] = {"": GUARDRAIL}
TO_POLICIES: Mapping[str, Target] = {"": POLICY}
OF_TOOLS: Mapping[str, Target] = {"server_id": MCP_SERVER}
OF_PERMISSIONS: Mapping[str, Target] = {
    "mcp_servers": MCP_SERVER,
    "mcp_tool_permissions": MCP_SERVER,
    "mcp_access_groups": MCP_ACCESS_GROUP,
    "mcp_toolsets": MCP_TOOLSET,
    "vector_stores": VECTOR_STORE,
    "search_tools": SEARCH_TOOL,
}


def resolve(rows: Iterable[Field], fields: Values, record: Values | None, proxy: Proxy) -> dict[str, Any]:
    """Return declared fields with ids in the place of unique names. What the object refers to already is not asked for.

    :raises InputError: if a name is that of several.
    """
    resolved = dict(fields)
    for row in rows:
        if row.references and not row.is_empty(fields.get(row.name)) and not _is_too_old(row, proxy):
            parts, present = _parts(row, fields[row.name]), _parts(row, row.value(record))
            ids = {
                name: _ids(row.name, part, present.get(name) or (), row.references[name], proxy)
                for name, part in parts.items()
            }
            resolved[row.name] = _renamed(fields[row.name], ids)
    return resolved


def with_names(rows: Iterable[Field], options: Values, proxy: Proxy) -> dict[str, Any]:
    """Return options of an object that is there with unique names in the place of IDs, which LiteLLM chose."""
    named = dict(options)
    for row in rows:
        if row.references and row.name in options:
            parts = _parts(row, options[row.name])
            names = {entry: _names(part, row.references[entry], proxy) for entry, part in parts.items()}
            named[row.name] = _renamed(options[row.name], names)
    return named


def _names(part: Iterable[str], target: Target, proxy: Proxy) -> dict[str, str]:
    """Return the name of each ID."""
    return {one: target.name_of(one, proxy) if target.names else one for one in part}


def unknown_references(rows: Iterable[Field], plan: Plan, proxy: Proxy) -> str | None:
    """Return what a plan refers to anew and the proxy does not have, None if nothing."""
    found = []
    for row in rows:
        if row.references and not row.is_empty(plan.changes.get(row.name)):
            present = _parts(row, row.value(plan.current))
            for name, part in _parts(row, plan.changes[row.name]).items():
                target = row.references[name]
                new = [one for one in part if one not in (present.get(name) or ())]
                found += lacking(row.name, target, new, proxy)
    return " ".join(dict.fromkeys(found)) or None


def lacking(option: str, target: Target, names: Iterable[str], proxy: Proxy) -> list[str]:
    """Return a sentence about those of the names by which the proxy has nothing, if there are any."""
    unknown = [repr(name) for name in dict.fromkeys(names) if not target.ids_of(name, proxy)]
    return [f"O({option}): the proxy has no {target.thing} {join_limited(unknown)}."] if unknown else []


def _parts(row: Field, value: Any) -> dict[str, Any]:
    """Return the parts of a value that refer to something, by entry."""
    if "" in row.references:
        return {} if value is None else {"": [value] if isinstance(value, str) else value}
    if isinstance(value, list):
        return {name: [one[name] for one in value if name in one] for name in row.references}
    held = value if isinstance(value, Mapping) else {}
    return {name: held[name] for name in row.references if isinstance(held.get(name), (list, Mapping))}


def _is_too_old(row: Field, proxy: Proxy) -> bool:
    return bool(row.since) and proxy.version is not None and not proxy.at_least(row.since)


def the_id(option: str, name: str, target: Target, proxy: Proxy) -> str:
    """Return the ID of what a declared ID or name means, the name itself if there is none.

    :raises InputError: if the name is that of several.
    """
    return _ids(option, [name], (), target, proxy)[name]


def _ids(option: str, part: Iterable[str], present: Any, target: Target, proxy: Proxy) -> dict[str, str]:
    """Return the id of each name. What is not there keeps its name."""
    ids = {}
    target.look_up([name for name in part if name not in present], proxy)
    for name in part:
        found = [name] if name in present or not target.names else target.ids_of(name, proxy)
        if len(found) > 1:
            several = f"{len(found)} {target.thing}s are called '{name}'. Set the ID of one of them"
            raise InputError(f"O({option}): {several} ({join_limited(found)}).")
        ids[name] = found[0] if found else name
    return ids


def _renamed(value: Any, names: Mapping[str, Mapping[str, str]]) -> Any:
    """Return a value with other names of what it refers to, by entry."""
    if "" in names:
        return _renamed_part(value, names[""])
    if isinstance(value, list):
        return [{**one, **{entry: of[one[entry]] for entry, of in names.items() if entry in one}} for one in value]
    return {**value, **{entry: _renamed_part(value[entry], of) for entry, of in names.items()}}


def _renamed_part(part: Any, names: Mapping[str, str]) -> Any:
    """Return an id, a list of ids, or a mapping by id, with other names."""
    if isinstance(part, str):
        return names[part]
    if isinstance(part, Mapping):
        return {names[one]: value for one, value in part.items()}
    return [*names.values()]
