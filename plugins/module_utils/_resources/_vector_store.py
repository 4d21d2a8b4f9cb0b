# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A vector store: where requests search at a provider. Private: only for use inside this collection.

LiteLLM takes new parameters and another credential of a vector store with 200 and keeps the old ones. So it is deleted
and created again for them. Nothing happens to what the provider stores.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .._crud._definition import Record, Request, Values
from .._crud._dependents import MODEL, Row, count_and_name, find_dependents, find_permitted
from .._crud._entries import FALSE_BY_DEFAULT, check_entries, remaining, unset_of, with_entries
from .._crud._numbers import IN_PARAMS, numbers
from .._crud._object import CrudObject
from .._crud._secret_entries import (
    SecretParams,
    check_masks,
    fingerprints,
    guessable_names,
    sent,
    with_marks,
    without_secrets,
)
from .._engine import NOT_CLEARABLE, Field, Plan, Resource
from .._fingerprints import guessable_warning
from .._listings import VECTOR_STORES
from .._proxy import Proxy
from .._redaction import is_secret_name
from .._text import mark_options
from .._values import is_empty

CONFIGURED = "it is defined in the configuration file of the proxy. Change it there."
PARAMS, METADATA, CREDENTIAL = "litellm_params", "vector_store_metadata", "litellm_credential_name"
ENTRIES = SecretParams(PARAMS, METADATA)
UNDETECTED = "Later runs do not detect a changed value."


def _check_params(value: Mapping[str, Any]) -> str | None:
    if CREDENTIAL in value:
        return f"use the option O({CREDENTIAL}) to set {CREDENTIAL}."
    flags = [str(name) for name, part in value.items() if isinstance(part, bool) and is_secret_name(name)]
    return f"LiteLLM does not show {', '.join(flags)}, so that a flag cannot be compared." if flags else None


VECTOR_STORE = Resource(
    kind="vector store",
    identity="vector_store_id",
    fields=(
        Field("vector_store_id", cleared=NOT_CLEARABLE),
        Field("custom_llm_provider", cleared=NOT_CLEARABLE),
        Field("vector_store_name"),
        Field("vector_store_description"),
        Field(METADATA, "dict", read=ENTRIES.own_info, check=ENTRIES.check_info, cleared={}),
        Field(CREDENTIAL),
        Field(
            PARAMS,
            "dict",
            parse=numbers(IN_PARAMS),
            check=_check_params,
            read=ENTRIES.present,
            redact=without_secrets,
            cleared=NOT_CLEARABLE,
        ),
    ),
)


class VectorStore(CrudObject):
    table = VECTOR_STORE
    extra_options = {
        "unset": {"type": "list", "elements": "str"},
        "validate_references": {"type": "bool", "default": True},
    }
    reading_names = ("team_id", "user_id", "is_config", "created_at", "updated_at")
    filters = ("vector_store_name",)

    create = Request("POST", "/vector_store/new")
    update = Request("POST", "/vector_store/update", id="vector_store_id")
    delete = Request("POST", "/vector_store/delete", id="vector_store_id")
    listing = VECTOR_STORES  # a single one is shown as the worker that answers remembers it

    def undeclarable(self, record: Record, _proxy: Proxy) -> str | None:
        return CONFIGURED if record.get("is_config") else None

    def options_of(self, record: Record, proxy: Proxy) -> dict[str, Any]:
        own = {name: value for name, value in ENTRIES.present(record).items() if not _is_default(name, value)}
        options = {**super().options_of(record, proxy), PARAMS: own}
        return {name: value for name, value in options.items() if value != {}}

    def check_options(self, options: Values) -> list[str]:
        clearable = self.table.unset_option["choices"]
        return [
            *check_entries(options, (PARAMS, METADATA), fields=clearable),
            *check_masks(PARAMS, options.get(PARAMS) or {}),
        ]

    def desired(self, fields: Values, options: Values, record: Record | None) -> Values:
        """Keep the entries that are not declared, unless they are to be removed."""
        current = record or {}
        prepared, gone = with_entries(fields, options, METADATA, ENTRIES.own_info(current)), unset_of(options, PARAMS)
        if PARAMS in fields or gone:
            there = ENTRIES.wanted(fields.get(PARAMS) or {}, current)
            prepared[PARAMS] = remaining(there, gone, FALSE_BY_DEFAULT)
        return prepared

    def create_body(self, body: dict[str, Any], plan: Plan) -> dict[str, Any]:
        params = plan.changes.get(PARAMS) or {}
        return {**body, PARAMS: sent(params, {}), METADATA: with_marks(body.get(METADATA), fingerprints(params, {}))}

    def update_body(self, body: dict[str, Any], plan: Plan, _proxy: Proxy) -> dict[str, Any]:
        return (
            {**body, METADATA: with_marks(body[METADATA], ENTRIES.known(plan.existing))} if METADATA in body else body
        )

    def must_recreate(self, plan: Plan, _proxy: Proxy) -> bool:
        return plan.action == "update" and bool(_unchangeable(plan))

    def check_plan(self, plan: Plan, options: Values, _proxy: Proxy) -> str | None:
        if plan.existing.get("is_config"):
            return CONFIGURED
        if plan.action == "create" and not plan.changes.get("custom_llm_provider"):
            return "it does not exist yet. To create it, set O(custom_llm_provider)."
        return _check_recreating(plan, options) if plan.action == "update" else None

    def missing(self, plan: Plan, options: Values, proxy: Proxy) -> str | None:
        name = plan.changes.get(CREDENTIAL)
        if is_empty(name) or not options.get("validate_references", True) or not proxy.missing_credentials([str(name)]):
            return None
        return f"O({CREDENTIAL}): the proxy has no credential '{name}'."

    def warnings(self, plan: Plan, _options: Values, _proxy: Proxy) -> list[str]:
        return guessable_warning(PARAMS, guessable_names(plan.changes.get(PARAMS) or {}), UNDETECTED)

    def losses(self, plan: Plan, _options: Values, proxy: Proxy) -> list[str]:
        """Say who could search in a vector store that is deleted. LiteLLM keeps its ID wherever it is named."""
        if plan.action != "delete":
            return []

        def permits(permissions: Row) -> bool:
            return plan.name in (permissions.get("vector_stores") or ())

        def searches(row: Row) -> bool:
            return plan.name in ((row.get(PARAMS) or {}).get("vector_store_ids") or ())

        users = count_and_name({**find_permitted(proxy, permits), **find_dependents(proxy, {MODEL: searches})})
        return [f"It is used by {users}."] if users else []


def _is_default(name: str, value: Any) -> bool:
    return name in FALSE_BY_DEFAULT and value is False


def _unchangeable(plan: Plan) -> list[str]:
    """Return what a plan changes that LiteLLM takes only with the creation."""
    return [name for name in (CREDENTIAL, PARAMS) if name in plan.changes]


def _check_recreating(plan: Plan, options: Values) -> str | None:
    """Return what would be lost if a vector store was created again, None if nothing."""
    changed, lost = mark_options(_unchangeable(plan)), [*_lost(plan.existing, options)]
    if not changed:
        return None
    if plan.existing.get("team_id"):
        return (
            f"LiteLLM cannot change {changed} of a vector store. Created again, it would not belong to the team "
            f"{plan.existing['team_id']} any more. Delete it first."
        )
    if not lost:
        return None
    return (
        f"LiteLLM cannot change {changed} of a vector store. Created again, it would lose values that are not set: "
        f"{mark_options(lost)}. Set them as well, or list those to remove in O(unset)."
    )


def _lost(record: Record, options: Values) -> Iterator[str]:
    """Yield what a vector store has and the task neither sets nor removes."""
    gone = options.get("unset") or ()
    entries = {PARAMS: ENTRIES.present(record), METADATA: ENTRIES.own_info(record)}
    for row in VECTOR_STORE.fields:
        if row.name in entries:
            set_here = options.get(row.name) or {}
            names = [name for name, value in entries[row.name].items() if not _is_default(name, value)]
            held = [f"{row.name}.{name}" for name in names if name not in set_here]
        else:
            held = [row.name] if row.value(record) and options.get(row.name) is None else []
        yield from (name for name in held if name not in gone and row.name not in gone)
