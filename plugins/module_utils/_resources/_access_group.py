# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An access group: models and more for the teams and keys to which it is assigned.

Private: only for use inside this collection.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .._crud._definition import Request, Values
from .._crud._dependents import count_and_name
from .._crud._object import CrudObject
from .._crud._references import TO_MCP_SERVERS, TO_TEAMS
from .._crud._rows import normalize_permissions
from .._engine import NOT_CLEARABLE, Field, Plan, Resource
from .._listings import ACCESS_GROUPS
from .._proxy import Proxy
from .._text import join_limited
from .._values import is_empty


def _check_key_ids(value: Sequence[str]) -> str | None:
    values = any(str(one).startswith("sk-") for one in value)
    return "contains the value of a key. Use its ID, which the modules return as 'key_id'." if values else None


ACCESS_GROUP = Resource(
    kind="access group",
    identity="access_group_name",
    fields=(
        Field("access_group_name", cleared=NOT_CLEARABLE),
        Field("description"),
        Field("access_model_names", "list", "str", cleared=[]),
        Field("access_mcp_server_ids", "list", "str", references=TO_MCP_SERVERS, cleared=[]),
        Field("access_agent_ids", "list", "str", cleared=[]),
        Field("mcp_tool_permissions", "dict", normalize=normalize_permissions, cleared={}, since="1.108.0"),
        Field("access_skill_names", "list", "str", cleared=[], since="1.108.0"),
        # Teams and keys declare the same as access_group_ids.
        Field("assigned_team_ids", "list", "str", references=TO_TEAMS, cleared=[], declares=False),
        Field("assigned_key_ids", "list", "str", cleared=[], check=_check_key_ids, declares=False),
    ),
)


class AccessGroup(CrudObject):
    table = ACCESS_GROUP
    server_id = "access_group_id"
    extra_options = {
        "validate_references": {"type": "bool", "default": True},
        "validate_models": {"type": "bool", "default": False},
    }
    reading_names = ("access_group_id", "created_at", "updated_at")

    create = Request("POST", "/v1/access_group")
    update = Request("PUT", "/v1/access_group/{id}")
    delete = Request("DELETE", "/v1/access_group/{id}")
    listing = ACCESS_GROUPS

    def check_plan(self, plan: Plan, options: Values, proxy: Proxy) -> str | None:
        if not options.get("validate_models"):
            return None
        return _lacking({"model": proxy.unknown_models(_new(plan, "access_model_names"))})

    def missing(self, plan: Plan, options: Values, proxy: Proxy) -> str | None:
        """Return the keys that do not exist: LiteLLM stores their IDs all the same."""
        if not options.get("validate_references", True):
            return None
        return _lacking({"key with the ID": proxy.missing_keys(_new(plan, "assigned_key_ids"))})

    def losses(self, plan: Plan, _options: Values, _proxy: Proxy) -> list[str]:
        after = plan.changes.get("access_model_names", plan.existing.get("access_model_names"))
        if plan.action != "delete" and not (plan.existing.get("access_model_names") and is_empty(after)):
            return []
        bound = {"team": plan.existing.get("assigned_team_ids"), "key": plan.existing.get("assigned_key_ids")}
        assigned = count_and_name({thing: ids or [] for thing, ids in bound.items()})
        return [f"This takes the models of the access group from {assigned}."] if assigned else []


def _new(plan: Plan, name: str) -> list[str]:
    """Return the entries that a plan adds to a list."""
    values = plan.changes.get(name)
    there = plan.existing.get(name) or ()
    return [value for value in values if value not in there] if isinstance(values, list) else []


def _lacking(missing: Mapping[str, Sequence[str]]) -> str | None:
    found = [
        f"the proxy has no {thing} {join_limited([repr(name) for name in names])}"
        for thing, names in missing.items()
        if names
    ]
    return f"{'; '.join(found)}." if found else None
