# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What depends on an object: who is bound, served, or limited by it. Private: only for use inside this collection.

LiteLLM has no request that tells, so each listing of things that can depend on it is read to its end.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from .._engine import Plan
from .._errors import ApiError
from .._listings import (
    ACCESS_GROUPS,
    CUSTOMERS,
    KEYS,
    MCP_TOOLSETS,
    MODEL_ACCESS_GROUPS,
    MODELS,
    ORGANIZATIONS,
    POLICIES,
    ROSTERS,
    TAGS,
    TEAMS,
    USERS,
    VECTOR_STORES,
    Listing,
)
from .._proxy import Proxy
from .._shapes import MAPPING, TEXT, Shape, ensure_shape, maybe
from .._text import join_limited, plural
from ._unlisted import FALLBACKS, PASS_THROUGHS, TYPES, fetch_endpoints, fetch_fallbacks

Row = Mapping[str, Any]
Uses = Callable[[Row], bool]


@dataclass(frozen=True, eq=False)
class Dependent:
    """Things of one kind that can depend on an object.

    :param thing: what a sentence calls one of them.
    :param name: the field that names one, with the names of what holds it before it, joined by dots.
    :param params: parameters of the listing.
    :param shape: what of an entry is looked at.
    :param licensed: whether LiteLLM shows the listing only with a license, without which there are none.
    :param details: path of the request that shows the permissions of one, where the listing shows only that there are
        some; and under what name its answer holds them, joined by dots.
    :param fetch: what returns the entries, if the proxy does not list them as such.
    """

    thing: str
    listing: Listing
    name: str
    params: Mapping[str, str] = field(default_factory=dict, repr=False)
    shape: Shape = field(default_factory=dict)
    licensed: bool = False
    details: tuple[str, str] = ("", "")
    fetch: Callable[[Proxy], list[Row]] | None = None

    def name_of(self, row: Row) -> str:
        """Return how a sentence names an entry."""
        value = _part(row, self.name)
        return str(value) if value else f"a {self.thing} without a name"


# What of an entry tells which budget it has.
LINKED = {"budget_id": maybe(TEXT), "litellm_budget_table": maybe({"budget_id": maybe(TEXT)})}
NAMES_MODELS = {"models": maybe([TEXT]), "metadata": maybe(MAPPING)}
PERMITTED = {"object_permission_id": maybe(TEXT), "object_permission": maybe(MAPPING)}
KEY = Dependent(
    "key",
    KEYS,
    "key_alias",
    {"return_full_object": "true"},
    {"token": TEXT, **NAMES_MODELS, **LINKED, **PERMITTED},
)
TEAM = Dependent(
    "team",
    TEAMS,
    "team_id",
    shape={"team_id": TEXT, **NAMES_MODELS, **PERMITTED},
    details=("/team/info", "team_info.object_permission"),
)
USER = Dependent(
    "user",
    USERS,
    "user_id",
    shape={"models": maybe([TEXT]), **PERMITTED},
    details=("/v2/user/info", "object_permission"),
)
CUSTOMER = Dependent("customer", CUSTOMERS, "user_id", shape={**LINKED, **PERMITTED})
TAG = Dependent("tag", TAGS, "name", shape=LINKED)
ORGANIZATION = Dependent("organization", ORGANIZATIONS, "organization_id", shape=LINKED, licensed=True)
MODEL = Dependent(
    "model",
    MODELS,
    "model_info.id",
    shape={"model_name": TEXT, "litellm_params": maybe(MAPPING), "model_info": maybe(MAPPING)},
)
MODEL_ACCESS_GROUP = Dependent(
    "model access group", MODEL_ACCESS_GROUPS, "access_group", shape={"budget": maybe({"budget_id": maybe(TEXT)})}
)
ACCESS_GROUP = Dependent(
    "access group",
    ACCESS_GROUPS,
    "access_group_name",
    shape={"access_model_names": maybe([TEXT]), "access_mcp_server_ids": maybe([TEXT])},
)
POLICY = Dependent(
    "policy",
    POLICIES,
    "policy_name",
    {"version_status": "production"},
    {"inherit": maybe(TEXT), "guardrails_add": maybe([TEXT]), "pipeline": maybe(MAPPING)},
)
VECTOR_STORE = Dependent("vector store", VECTOR_STORES, "vector_store_id")
MCP_TOOLSET = Dependent("MCP toolset", MCP_TOOLSETS, "toolset_name", shape={"tools": maybe([{"server_id": TEXT}])})
FALLBACK = Dependent("fallback", FALLBACKS, "model", fetch=fetch_fallbacks)
PASS_THROUGH = Dependent("pass-through endpoint", PASS_THROUGHS, "endpoint_id", fetch=fetch_endpoints)
# All that can have permissions for single objects.
PERMITTED_KINDS = (KEY, TEAM, USER, CUSTOMER)


def guardrails_of(policy: Row) -> list[str]:
    """Return the guardrails that a policy adds, and those of the steps of its pipeline."""
    steps = (policy.get("pipeline") or {}).get("steps") or ()
    of_steps = [str(step.get("guardrail")) for step in steps if isinstance(step, Mapping)]
    return [*(policy.get("guardrails_add") or ()), *of_steps]


def models_of(fallback: Row) -> list[str]:
    """Return the models that a fallback names: the one that it is for, and those that answer when that one cannot."""
    answering = [fallback.get(name) for name in TYPES]
    return [fallback["model"], *(str(model) for models in answering if isinstance(models, list) for model in models)]


def fetch_rows(proxy: Proxy, dependent: Dependent) -> list[Row]:
    """Return all entries of a kind.

    :raises ApiError: if they cannot be read to the end.
    """
    try:
        return proxy.known(dependent.listing, dependent.shape, dependent.params, dependent.fetch)
    except ApiError as error:
        if dependent.licensed and error.status == 403 and proxy.licensed is False:
            return []
        raise


def find_dependents(proxy: Proxy, uses: Mapping[Dependent, Uses]) -> dict[str, list[str]]:
    """Return the names of all that use an object, by what they are: of each kind those for which a function is true."""
    return {
        dependent.thing: [dependent.name_of(row) for row in fetch_rows(proxy, dependent) if is_used(row)]
        for dependent, is_used in uses.items()
    }


def is_member(user_id: str, team: Row, proxy: Proxy) -> bool:
    """Return whether a member of a team will still be one when the run has ended."""
    rosters = proxy.intentions.stay(ROSTERS, [team])
    roster = rosters[0].get("members_with_roles") if rosters else ()
    return roster is None or any(member.get("user_id") == user_id for member in roster)


def keys_left(keys: Sequence[Row], proxy: Proxy, **owner: str) -> list[Row]:
    """Return those of the keys of a user or a team that will still be theirs when the run has ended.

    :param owner: the fields of a key that name them.
    """
    left = proxy.intentions.stay(KEYS, keys)
    return [key for key in left if all(key.get(name) in (None, value) for name, value in owner.items())]


def find_permitted(proxy: Proxy, uses: Uses) -> dict[str, list[str]]:
    """Return the names of all whose permissions concern an object, by what they are.

    :param uses: whether a row of permissions does.
    """
    return {
        kind.thing: [kind.name_of(row) for row in fetch_rows(proxy, kind) if uses(_permissions(proxy, kind, row))]
        for kind in PERMITTED_KINDS
    }


def _permissions(proxy: Proxy, kind: Dependent, row: Row) -> Row:
    """Return the permissions of an entry, empty if it has none."""
    path, place = kind.details
    if row.get("object_permission") or not row.get("object_permission_id") or not path:
        return row.get("object_permission") or {}
    answer = ensure_shape(proxy.client.get(path, {kind.listing.id: row[kind.listing.id]}), MAPPING, f"GET {path}")
    held: Row = ensure_shape(_part(answer, place), MAPPING, f"GET {path}")
    return held


def _part(value: Any, place: str) -> Any:
    """Return a part of plain data, whose names are joined by dots; None if there is none."""
    for step in place.split("."):
        value = value.get(step) if isinstance(value, Mapping) else None
    return value


def count_and_name(names: Mapping[str, Sequence[str]]) -> str:
    """Return how many there are of each thing, and which: ``2 keys (a, b), 1 team (c)``; empty if there is none."""
    found = [(thing, sorted(some)) for thing, some in names.items() if some]
    return ", ".join(
        f"{len(some)} {plural(thing) if len(some) > 1 else thing} ({join_limited(some)})" for thing, some in found
    )


def guard(losses: Sequence[str]) -> str | None:
    """Return why a plan is not carried out without ``force``, None if nobody loses anything."""
    return " ".join([*losses, "To continue, set O(force): true."]) if losses else None


def warn_of(losses: Sequence[str], plan: Plan) -> Plan:
    """Return a plan that is carried out with ``force``, with what others lose by it."""
    return replace(plan, warnings=(*plan.warnings, *(f"{plan.name}: {loss}" for loss in losses)))
