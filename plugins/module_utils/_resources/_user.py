# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A user: a person or service to whom keys belong. Private: only for use inside this collection."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from .._crud._definition import CrudDeclaration, Record, Request, Values
from .._crud._dependents import is_member, keys_left
from .._crud._limits import unknown_models
from .._crud._metadata import SPEND_MARK, Metadata
from .._crud._numbers import numbers
from .._crud._object import CrudObject
from .._crud._reading import path_of
from .._crud._references import OF_PERMISSIONS
from .._crud._rows import (
    MAX_REQUESTS,
    MAX_TOKENS,
    changed_permissions,
    check_counts_by_model,
    check_not_negative,
    check_permissions,
    check_up_to,
    has_text,
    normalize_permissions,
    object_permission,
)
from .._durations import check_duration
from .._engine import NOT_CLEARABLE, Field, Plan, Resource
from .._errors import ApiError
from .._kind import ArgumentSpec, Client
from .._listings import ORGANIZATIONS, TEAMS, USERS
from .._proxy import MASTER_USER, Proxy
from .._shapes import LIST, MAPPING, TEXT, ensure_shape, maybe
from .._text import join_limited
from .._values import is_empty

ROLES = ("proxy_admin", "proxy_admin_viewer", "internal_user", "internal_user_viewer")
# An update drops an empty value of most fields, and null of some.
CLEAR_SINCE = "1.106.2"
ADMIN_ROLES = ("proxy_admin", "proxy_admin_viewer")
ORGANIZATION_ADMIN = "org_admin"
ROSTER = maybe([{"user_id": maybe(TEXT), "role": maybe(TEXT)}])
ORGANIZATION = {"organization_id": TEXT, "members": maybe([{"user_id": maybe(TEXT), "user_role": maybe(TEXT)}])}
# What alone shows the permissions of a user.
PERMISSIONS = Request("GET", "/v2/user/info", id="user_id")
INFO = Request("GET", "/user/info", id="user_id", entries="user_info", missing="User .*not found")

BY_MODEL = tuple(
    Field(name, "dict", unit=unit, path=("metadata", name), parse=numbers(), check=check_counts_by_model, cleared={})
    for name, unit in (("model_tpm_limit", "tokens/min by model"), ("model_rpm_limit", "requests/min by model"))
)
# The entry of metadata that says which declared reset of the spending was the last one carried out, as that of keys.
RESET_SPEND = Field("reset_spend", path=("metadata", SPEND_MARK), check=has_text, cleared=NOT_CLEARABLE, declares=False)
METADATA = Metadata((*BY_MODEL, RESET_SPEND))
# Since when LiteLLM creates a user under its ID without blanks around it.
STRIPPED_SINCE = "1.110.0"

USER = Resource(
    kind="user",
    identity="user_id",
    fields=(
        Field("user_id", cleared=NOT_CLEARABLE),
        Field("user_email", cleared=NOT_CLEARABLE),
        Field("user_alias", cleared=NOT_CLEARABLE),
        Field("user_role", choices=ROLES, cleared=NOT_CLEARABLE),
        Field(
            "models",
            "list",
            "str",
            cleared=NOT_CLEARABLE,
            hint="To allow all models, set O(models) to all-proxy-models.",
        ),
        Field("max_budget", "float", unit="USD", check=check_not_negative),
        Field("budget_duration", unit="duration", check=check_duration, clear_since=CLEAR_SINCE),
        Field("tpm_limit", "int", unit="tokens/min", check=check_up_to(MAX_TOKENS), clear_since=CLEAR_SINCE),
        Field("rpm_limit", "int", unit="requests/min", check=check_up_to(MAX_TOKENS), clear_since=CLEAR_SINCE),
        Field("max_parallel_requests", "int", unit="requests", check=check_up_to(MAX_REQUESTS), cleared=NOT_CLEARABLE),
        *BY_MODEL,
        Field("allowed_cache_controls", "list", "str", cleared=NOT_CLEARABLE),
        Field(
            "object_permission",
            "dict",
            read=object_permission,
            normalize=normalize_permissions,
            merged=True,
            check=check_permissions,
            references=OF_PERMISSIONS,
            cleared={},
            since="1.106.2",
        ),
        RESET_SPEND,
        replace(METADATA.field, cleared=NOT_CLEARABLE),
        Field("sso_user_id", updatable=False, cleared=NOT_CLEARABLE),
    ),
)


class User(CrudObject):
    table = USER
    alias = "user_email"
    extra_options = {
        **METADATA.options,
        "validate_models": {"type": "bool", "default": False},
        "validate_references": {"type": "bool", "default": True},
    }
    reading_names = ("spend", "teams", "budget_reset_at", "created_at", "updated_at")
    filters = ("user_email", "user_role")

    create = Request("POST", "/user/new")
    update = Request("POST", "/user/update", id="user_id")
    delete = Request("POST", "/user/delete", id="user_ids", many=True)
    listing = USERS
    get = INFO

    @property
    def info_options(self) -> ArgumentSpec:
        return {**super().info_options, "admins": {"type": "bool", "default": False}}

    def read(self, client: Client, params: Values) -> dict[str, Any]:
        if params["admins"]:
            return {"users": [], "admins": _admins(Proxy(client))}
        return super().read(client, {**params, "admins": None})

    def check_options(self, options: Values) -> list[str]:
        return METADATA.check_options(options)

    def desired(self, fields: Values, options: Values, record: Record | None) -> Values:
        """Return the fields to declare. An address by which the user was found is not to be changed."""
        if record and is_empty(options.get("user_id")):
            fields = {**fields, "user_email": record["user_email"]}
        return METADATA.desired(fields, options, record)

    def is_called(self, record: Record, option: str, name: str) -> bool:
        if option != "user_email":
            return super().is_called(record, option, name)
        return str(record.get("user_email") or "").lower() == name.lower()

    def fetch_details(self, record: Record, _options: Values, proxy: Proxy) -> Record:
        return self.fetch_rest(record, proxy)

    def fetch_rest(self, record: Record, proxy: Proxy) -> Record:
        if not record.get("object_permission_id"):
            return record
        path = path_of(PERMISSIONS, record["user_id"])
        answer = ensure_shape(proxy.client.get(path), {"object_permission": MAPPING}, "GET /v2/user/info")
        return {**record, "object_permission": answer["object_permission"]}

    def create_body(self, body: dict[str, Any], _plan: Plan) -> dict[str, Any]:
        """Return the body of the request, with which LiteLLM creates no key for the user."""
        made = {**body, "auto_create_key": False}
        if "reset_spend" in made:
            made["metadata"] = {**(body.get("metadata") or {}), RESET_SPEND.path[-1]: made.pop("reset_spend")}
        return made

    def adjusted(self, plan: Plan) -> Plan:
        """Return a plan that shows what is reset."""
        if plan.action != "update" or RESET_SPEND.is_empty(plan.changes.get("reset_spend")):
            return plan
        spent = {"spend": plan.existing.get("spend")}
        return replace(plan, before={**plan.before, **spent}, after={**plan.after, "spend": 0.0})

    def update_body(self, body: dict[str, Any], plan: Plan, _proxy: Proxy) -> dict[str, Any]:
        """Return what ``/user/update`` takes.

        An internal user without a budget in it gets the one for new internal users.
        """
        if "metadata" in plan.changes or "reset_spend" in plan.changes:
            body = METADATA.update_body(body, plan)
        if not RESET_SPEND.is_empty(plan.changes.get("reset_spend")):
            body = {**body, "spend": 0.0}
        if "object_permission" in body:
            changed = changed_permissions(plan.changes["object_permission"], object_permission(plan.existing))
            body = {**body, "object_permission": changed}
        if body.get("user_role") != "internal_user":
            return body
        kept = {"max_budget": plan.existing.get("max_budget")}
        if plan.existing.get("budget_duration") is None:
            kept["budget_duration"] = None
        return {**kept, **body}

    def check_plan(self, plan: Plan, options: Values, proxy: Proxy) -> str | None:
        """Refuse unknown models, and in an update somebody else's address: LiteLLM takes both."""
        if plan.action == "create" and is_empty(options.get("user_id")):
            return "no user has this O(user_email). To create one, set O(user_id)."
        return _stripped(plan, proxy) or unknown_models(plan, options, proxy) or _taken(plan, proxy)

    def conflicts(self, declarations: Sequence[CrudDeclaration]) -> dict[str, list[str]]:
        """Return the addresses that several users of a task declare."""
        bearers = defaultdict(list)
        for want in declarations:
            bearers[str(want.fields.get("user_email") or "").lower()].append(want.name)
        shared = [(email, names) for email, names in bearers.items() if email and len(names) > 1]
        return {f"O(user_email): several users have the address {email}.": names for email, names in shared}

    def undeclarable(self, record: Record, _proxy: Proxy) -> str | None:
        return "it is the user of the master key." if record["user_id"] == MASTER_USER else None

    def losses(self, plan: Plan, _options: Values, proxy: Proxy) -> list[str]:
        """Return what LiteLLM deletes with a user: the user's keys, and the place in all teams."""
        if plan.action != "delete":
            return []
        path = path_of(INFO, plan.existing["user_id"])
        answer = ensure_shape(proxy.client.get(path), {"keys": LIST, "teams": LIST}, "GET /user/info")
        user_id = plan.existing["user_id"]
        left = keys_left(answer["keys"], proxy, user_id=user_id)
        keys = sorted(str(key.get("key_alias") or key.get("key_name")) for key in left)
        joined = proxy.intentions.stay(TEAMS, answer["teams"])
        teams = [str(team.get("team_id")) for team in joined if is_member(user_id, team, proxy)]
        together = "LiteLLM deletes the keys of a user together with the user, and this user has"
        return [
            *([f"{together} {len(keys)}: {join_limited(keys)}."] if keys else []),
            *([f"LiteLLM removes the user from these teams: {join_limited(teams)}."] if teams else []),
        ]


def _admins(proxy: Proxy) -> list[dict[str, Any]]:
    """Return those who administer something, with what: read from where it is noted, not from the rows of all users."""
    administer: dict[str, list[str]] = defaultdict(list)
    administer[MASTER_USER].append("the proxy")
    for role in ADMIN_ROLES:
        for user in proxy.listed(USERS, {"role": role}, {"user_id": TEXT}):
            if user.get("user_role") == role:
                administer[user["user_id"]].append(f"the proxy ({role})")
    for organization in _organizations(proxy):
        for member in organization.get("members") or ():
            if member.get("user_role") == ORGANIZATION_ADMIN and member.get("user_id"):
                administer[member["user_id"]].append(f"organization {organization['organization_id']}")
    for team in proxy.listed(TEAMS, {}, {"team_id": TEXT, "members_with_roles": ROSTER}):
        for member in team.get("members_with_roles") or ():
            if member.get("role") == "admin" and member.get("user_id"):
                administer[member["user_id"]].append(f"team {team['team_id']}")
    return [{"user_id": user, "administers": sorted(set(what))} for user, what in sorted(administer.items())]


def _organizations(proxy: Proxy) -> Sequence[Record]:
    """Return all organizations. A proxy without a license has none that anybody could administer."""
    try:
        return proxy.listed(ORGANIZATIONS, {}, ORGANIZATION)
    except ApiError as error:
        if error.status in (400, 403) and "enterprise" in error.message.lower():
            return []
        raise


def _stripped(plan: Plan, proxy: Proxy) -> str | None:
    """Return that LiteLLM would create another user than the one that is declared, None if not."""
    if plan.action != "create" or plan.name == plan.name.strip() or not proxy.at_least(STRIPPED_SINCE):
        return None
    return f"O(user_id): {proxy.title} removes blanks from the beginning and the end of an ID. Remove them."


def _taken(plan: Plan, proxy: Proxy) -> str | None:
    email = str(plan.changes.get("user_email") or "").lower()
    if not email:
        return None
    users = proxy.fitting(USERS, {"user_email": email})
    bearers = [
        user["user_id"]
        for user in users
        if str(user.get("user_email")).lower() == email and user["user_id"] != plan.existing.get("user_id", plan.name)
    ]
    return f"O(user_email): it belongs to the user {join_limited(bearers)}." if bearers else None
