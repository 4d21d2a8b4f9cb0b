# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A policy: which guardrails check which requests. Private: only for use inside this collection."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from ..._crud._definition import Record, Request, Values
from ..._crud._dependents import (
    KEY,
    TEAM,
    Row,
    count_and_name,
    find_dependents,
    guardrails_of,
)
from ..._crud._dependents import (
    POLICY as POLICIES_OF_PROXY,
)
from ..._crud._object import CrudObject
from ..._crud._references import GUARDRAIL, lacking
from ..._crud._references import POLICY as TARGET
from ..._engine import Plan
from ..._listings import KEYS, POLICIES, POLICY_ATTACHMENTS, TEAMS, Listing
from ..._proxy import Proxy
from ..._shapes import TEXT, maybe
from ..._text import join_limited
from ._attachments import ENTRY as ATTACHMENT
from ._attachments import concrete, describe, differing
from ._requests import requests
from ._table import ENTRY, KEEP, POLICY, as_records, is_configured

CONFIGURED = "it is defined in the configuration file of the proxy. Change it there."


class Policy(CrudObject):
    table = POLICY
    server_id = "policy_id"
    extra_options = {"validate_references": {"type": "bool", "default": True}}
    reading_names = ("policy_id", "version_number", "definition_location", "created_at", "updated_at")

    create = Request("POST", "/policies")
    update = Request("PUT", "/policies/{id}")
    delete = Request("DELETE", "/policies/{id}")
    listing = replace(POLICIES, id="policy_name")  # of records, which are others than the rows of the listing

    @property
    def intended(self) -> Listing:
        return POLICIES

    def fetch_rows(self, _params: Mapping[str, str], proxy: Proxy) -> list[Record]:
        """Return the policies with their attachments. Of both, "there is none" counts if it comes twice."""
        versions, attachments = (
            proxy.listed(listing, row=row) or proxy.listed(listing, row=row)
            for listing, row in ((POLICIES, ENTRY), (POLICY_ATTACHMENTS, ATTACHMENT))
        )
        return [*as_records(versions, attachments)]

    def undeclarable(self, record: Record, _proxy: Proxy) -> str | None:
        if is_configured(record):
            return CONFIGURED
        return None if record.get("policy_id") else "no version of it is in production."

    def check_options(self, options: Values) -> list[str]:
        name = options["policy_name"]
        return [
            *(
                ["O(policy_name): must not contain a slash: LiteLLM could not change the policy."]
                if "/" in name
                else []
            ),
            *(["O(inherit): a policy cannot inherit from itself."] if options.get("inherit") == name else []),
        ]

    def desired(self, fields: Values, options: Values, _record: Record | None) -> Values:
        """Delete old versions, unless they are to be kept, for which there is nothing to do."""
        others = {name: value for name, value in fields.items() if name != KEEP}
        return others if options.get(KEEP) else {**others, KEEP: False}

    def own_requests(self, plan: Plan, proxy: Proxy) -> Iterable[tuple[str, str, Values]]:
        return requests(plan, proxy)

    def check_plan(self, plan: Plan, _options: Values, proxy: Proxy) -> str | None:
        if is_configured(plan.existing):
            return CONFIGURED
        if plan.action == "delete":
            return None
        return _circle(plan, proxy)

    def missing(self, plan: Plan, options: Values, proxy: Proxy) -> str | None:
        """Say what a policy names that there is not, which LiteLLM does not look for, and what earlier ones left."""
        found = [_left_attachments(plan)]
        if options.get("validate_references", True):
            found += [*_unknown_names(plan, proxy)]
        return " ".join(filter(None, found)) or None

    def losses(self, plan: Plan, _options: Values, proxy: Proxy) -> list[str]:
        """Say whose requests LiteLLM would serve without the policy that they name."""
        if plan.action != "delete":
            return []

        def names_it(row: Row) -> bool:
            return plan.name in ((row.get("metadata") or {}).get("policies") or ())

        uses = {KEY: names_it, TEAM: names_it, POLICIES_OF_PROXY: lambda row: row.get("inherit") == plan.name}
        named_by = count_and_name(find_dependents(proxy, uses))
        return [f"LiteLLM would serve requests without it, although it is named by {named_by}."] if named_by else []


def _new_attachments(plan: Plan) -> list[Mapping[str, Any]]:
    if "attachments" not in plan.changes:
        return []
    return differing(plan.after["attachments"] or (), plan.existing.get("attachments") or ())[0]


def _left_attachments(plan: Plan) -> str | None:
    """Return what attachments that are left of an earlier policy would do, if the task says nothing of them."""
    left = plan.existing.get("attachments")
    if not left or plan.existing.get("versions") or "attachments" in plan.after:
        return None
    return (
        f"O(attachments): the proxy still has {len(left)} of an earlier policy with this name, which would apply it to "
        f"{describe(left)}. Set O(attachments) to those that it is to have."
    )


def _circle(plan: Plan, proxy: Proxy) -> str | None:
    """Return by which policies one would inherit from itself. LiteLLM then applies none of their guardrails."""
    parent = plan.changes.get("inherit")
    if not isinstance(parent, str):
        return None
    parents = {row["policy_name"]: row.get("inherit") for row in proxy.known(POLICIES, ENTRY)}
    chain: list[str] = []
    while parent and parent != plan.name and parent not in chain:
        chain.append(parent)
        parent = parents.get(parent)
    return f"O(inherit): it would inherit from itself, by {join_limited(chain)}." if parent == plan.name else None


def _unknown_names(plan: Plan, proxy: Proxy) -> Iterable[str]:
    inherit, pipeline = plan.changes.get("inherit"), plan.changes.get("pipeline")
    if isinstance(inherit, str):
        yield from lacking("inherit", TARGET, [inherit], proxy)
    if pipeline:
        there = guardrails_of({"pipeline": plan.existing.get("pipeline")})
        steps = [name for name in guardrails_of({"pipeline": pipeline}) if name not in there]
        yield from lacking("pipeline", GUARDRAIL, steps, proxy)
    new = _new_attachments(plan)
    unknown = {
        "team with the alias": _without(concrete(new, "teams"), proxy, "team"),
        "key with the alias": _without(concrete(new, "keys"), proxy, "key"),
        "model": proxy.unknown_models(concrete(new, "models")),
    }
    for thing, names in unknown.items():
        if names:
            yield f"O(attachments): the proxy has no {thing} {join_limited([repr(name) for name in names])}."


def _without(aliases: list[str], proxy: Proxy, thing: str) -> list[str]:
    """Return those of the aliases that nothing bears."""
    listing, name = {"team": (TEAMS, "team_alias"), "key": (KEYS, "key_alias")}[thing]
    full = {"return_full_object": "true"} if thing == "key" else {}

    def bearers(alias: str) -> list[Row]:
        rows = proxy.listed(listing, {**full, name: alias}, {name: maybe(TEXT)})
        return [row for row in proxy.intentions.all(listing, rows) if row.get(name) == alias]

    return [alias for alias in aliases if not bearers(alias)]
