# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A model: one deployment of it, as the proxy calls it. Private: only for use inside this collection."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from .._crud._define import define
from .._crud._definition import Definition, Endpoints, Hooks, Record, Request, Values
from .._crud._rows import is_identity
from .._crud._secret_entries import fingerprints, masked_names, present, sent, wanted, without_secrets
from .._engine import NOT_CLEARABLE, Field, Plan, Resource
from .._errors import ApiError
from .._fingerprints import OWN_ENTRY
from .._shapes import MAPPING, checked

PARAMS, INFO = "litellm_params", "model_info"
# Entries of model_info that are options of their own, or the server's.
OPTION_OF = {"id": "model_id", "blocked": "blocked"}
SERVERS = frozenset(("id", "blocked", "db_model", "member_auto_router", "pricing_overrides", OWN_ENTRY))
# What LiteLLM adds to model_info when it is read, of what it knows about the provider's model.
ADDED = re.compile(
    r"key|litellm_provider|tpm|rpm|output_vector_size|provider_specific_entry|prompt_cache_min_tokens"
    r"|max(_input|_output)?_tokens|support(s|ed)_.*|.*_cost.*|cost_.*|.*pricing"
)
# Each write of parameters sets these to false, but for those that are sent as null.
FALSE_BY_DEFAULT = (
    "use_in_pass_through",
    "use_litellm_proxy",
    "merge_reasoning_content_in_choices",
    "use_xai_oauth",
    "allow_client_keepalive_override",
)
# The parameters that null removes, with the first version in which it does.
REMOVABLE = {
    **dict.fromkeys(
        (
            "input_cost_per_token",
            "output_cost_per_token",
            "input_cost_per_character",
            "output_cost_per_character",
            "cache_read_input_token_cost",
            "cache_creation_input_token_cost",
        ),
        "1.90.0",
    ),
    **dict.fromkeys(("tiered_pricing", "cache_control_injection_points", "litellm_credential_name"), "1.106.0"),
}
NOT_LIVE = "LiteLLM stored the model, but cannot serve it. Check litellm_params, such as the provider in model."


def _is_id(value: str) -> str | None:
    return is_identity(value) or (
        "must not contain a slash: LiteLLM could not change the model." if "/" in value else None
    )


def _shown_params(record: Record) -> Mapping[str, Any]:
    return record.get(PARAMS) or {}


def _known(record: Record) -> Mapping[str, Any]:
    """Our fingerprints of the secret parameters."""
    entry = (record.get(INFO) or {}).get(OWN_ENTRY)
    known = entry.get("fingerprints") if isinstance(entry, Mapping) else None
    return known if isinstance(known, Mapping) else {}


def _params(record: Record) -> dict[str, Any]:
    return present(_shown_params(record), _known(record))


def _info(record: Record) -> dict[str, Any]:
    """What there is in ``model_info`` for the user. LiteLLM names all that it could know, most of it null."""
    return {
        name: value for name, value in (record.get(INFO) or {}).items() if name not in SERVERS and value is not None
    }


def _blocked(record: Record) -> bool:
    return bool((record.get(INFO) or {}).get("blocked"))


MODEL = Resource(
    kind="model",
    identity="model_id",
    fields=(
        Field("model_id", check=_is_id, cleared=NOT_CLEARABLE),
        Field("model_name", cleared=NOT_CLEARABLE),
        Field(PARAMS, "dict", read=_params, shown=without_secrets, cleared=NOT_CLEARABLE),
        Field(INFO, "dict", read=_info, cleared=NOT_CLEARABLE),
        Field("blocked", "bool", read=_blocked, cleared=NOT_CLEARABLE, since="1.90.0"),
    ),
)


def _after_read(row: Record) -> Record:
    """The id where requests take it from, and whether the model can be changed."""
    info = row.get(INFO)
    held = info if isinstance(info, Mapping) else {}
    return {**row, "model_id": held.get("id"), "db_model": held.get("db_model")}


def _unset(options: Values, place: str) -> list[str]:
    """The entries of a mapping that are to be removed."""
    return [name.partition(".")[2] for name in options.get("unset") or () if name.partition(".")[0] == place]


def _check(options: Values) -> list[str]:
    params, info = options.get(PARAMS) or {}, options.get(INFO) or {}
    found = []
    for name in options.get("unset") or ():
        place, _dot, entry = name.partition(".")
        if place not in (PARAMS, INFO) or not entry or name == f"{PARAMS}.model":
            found.append(f"unset: {name} is not an entry that can be removed, such as {PARAMS}.api_base.")
        elif entry in (options.get(place) or {}):
            found.append(f"{name} cannot be both set and listed in unset.")
        elif place == INFO and (entry in SERVERS or ADDED.fullmatch(entry)):
            found.append(f"unset: LiteLLM itself adds {entry} to model_info.")
    for place, entries in ((PARAMS, params), (INFO, info)):
        empty = [str(name) for name, value in entries.items() if value is None or value == ""]
        if empty:
            found.append(f"{place}: {', '.join(empty)} has no value. To remove an entry, list it in unset.")
    masks = masked_names(params)
    if masks:
        found.append(f"{PARAMS}: {', '.join(masks)} is a mask as LiteLLM shows it, not a value.")
    if "provider_affinity_header" in params:
        found.append(f"{PARAMS}: LiteLLM cannot change or delete a model with provider_affinity_header.")
    for name in info:
        if name in OPTION_OF and not (name == "id" and info[name] == options.get("model_id")):
            found.append(f"{INFO}: use the option {OPTION_OF[name]} to set {name}.")
        elif name in SERVERS - set(OPTION_OF):
            found.append(
                f"{INFO}: {name} is reserved{' for this collection' if name == OWN_ENTRY else ' for LiteLLM'}."
            )
        elif "cost" in str(name).split("_"):
            found.append(f"{INFO}: set {name} in {PARAMS} instead.")
    return found


def _prepare(fields: Values, options: Values, record: Record | None) -> Values:
    """Entries that are not declared stay, unless they are to be removed."""
    prepared = dict(fields)
    current = record or {}
    gone = _unset(options, PARAMS)
    if PARAMS in fields or gone:
        there = wanted(fields.get(PARAMS) or {}, _shown_params(current), _known(current))
        there.update((name, False) for name in gone if name in FALSE_BY_DEFAULT and name in there)
        prepared[PARAMS] = {name: value for name, value in there.items() if name not in gone or value is False}
    gone = _unset(options, INFO)
    if INFO in fields or gone:
        declared = {name: value for name, value in (fields.get(INFO) or {}).items() if name != "id"}
        merged = {**_info(current), **declared}
        prepared[INFO] = {name: value for name, value in merged.items() if name not in gone}
    return prepared


def _create_body(body: dict[str, Any], plan: Plan) -> dict[str, Any]:
    params = plan.changes[PARAMS]
    marks = fingerprints(params, {})
    created = {name: value for name, value in body.items() if name != "model_id"}
    info = {**(body.get(INFO) or {}), "id": plan.name, **(_own_entry(marks) if marks else {})}
    return {**created, PARAMS: sent(params, {}), INFO: info}


def _update_body(body: dict[str, Any], plan: Plan) -> dict[str, Any]:
    updated, info = dict(body), {}
    if INFO in plan.changes:
        info = sent(plan.changes[INFO], _info(plan.existing))
    if PARAMS in plan.changes:
        after, before, known = plan.changes[PARAMS], _params(plan.existing), _known(plan.existing)
        removed = dict.fromkeys(name for name in before if name not in after)
        updated[PARAMS] = {**dict.fromkeys(FALSE_BY_DEFAULT), **removed, **sent(after, before)}
        marks = fingerprints(after, known)
        if marks != known:
            info.update(_own_entry(marks))
    # Without the id, LiteLLM stores another one.
    return {**updated, INFO: {**info, "id": plan.name}} if info else {k: v for k, v in updated.items() if k != INFO}


def _own_entry(marks: Mapping[str, str]) -> dict[str, Any]:
    return {OWN_ENTRY: {"fingerprints": dict(marks)}}


def _removed(plan: Plan) -> list[tuple[str, str]]:
    """The entries that an update removes, each with the mapping that holds it."""
    before = {PARAMS: _params(plan.existing), INFO: _info(plan.existing)}
    return [
        (place, name)
        for place in before
        if place in plan.changes
        for name in before[place]
        if name not in plan.changes[place]
    ]


def _irremovable(plan: Plan, proxy: Any) -> list[str]:
    """Those that the API cannot remove."""
    gone = _removed(plan) if plan.action == "update" else []
    return [
        f"{place}.{name}" for place, name in gone if place == INFO or not proxy.at_least(REMOVABLE.get(name, "9999"))
    ]


def _recreate(plan: Plan, proxy: Any) -> bool:
    return bool(_irremovable(plan, proxy))


def _refuse(plan: Plan, options: Values, proxy: Any) -> str | None:
    if plan.existing and plan.existing.get("db_model") is not True:
        return "it is defined in the configuration file of the proxy. Change it there."
    if plan.action == "delete":
        return None
    after = plan.changes.get(PARAMS) or {}
    if plan.action == "create" and not (plan.changes.get("model_name") and after.get("model")):
        return "it does not exist yet. To create it, set model_name, and model in litellm_params."
    new = sent(after, _params(plan.existing))
    credential = new.get("litellm_credential_name")
    if credential and proxy.missing_credentials([str(credential)]):
        return f"litellm_params: the proxy has no credential '{credential}'. Create it first."
    if "team_id" in sent(plan.changes.get(INFO) or {}, _info(plan.existing)) and proxy.licensed is False:
        return "model_info: team_id requires a LiteLLM Enterprise license, which the proxy does not have."
    return _refuse_recreating(plan, options, proxy)


def _refuse_recreating(plan: Plan, options: Values, proxy: Any) -> str | None:
    stuck = _irremovable(plan, proxy)
    if not stuck:
        return None
    removed = ", ".join(stuck)
    if not options.get("recreate"):
        return (
            f"{proxy.title} cannot remove {removed} from a model. To have the model deleted and created again with the "
            "same ID, set recreate: true."
        )
    lost = _lost(plan, options, proxy)
    if not lost:
        return None
    return (
        f"to remove {removed}, the model has to be created again, which would lose values that are not set: "
        f"{', '.join(lost)}. Set them as well, or list them in unset."
    )


def _lost(plan: Plan, options: Values, proxy: Any) -> list[str]:
    """What the model has and the task neither sets nor removes."""
    record = plan.existing
    named = {
        *(options.get("unset") or ()),
        *(f"{place}.{name}" for place in (PARAMS, INFO) for name in options.get(place) or {}),
    }
    params = [name for name, value in _params(record).items() if not (name in FALSE_BY_DEFAULT and value is False)]
    found = [f"{PARAMS}.{name}" for name in dict.fromkeys([*params, *_hidden_params(record, proxy)])]
    found += [f"{INFO}.{name}" for name in _info(record) if not ADDED.fullmatch(name)]
    lost = [name for name in found if name not in named]
    if not options.get("model_name"):
        lost.append("model_name")
    if (record.get(INFO) or {}).get("blocked") and options.get("blocked") is None:
        lost.append("blocked")
    return lost


def _hidden_params(record: Record, proxy: Any) -> Sequence[str]:
    """The secrets that LiteLLM leaves out of a model, which somebody else may have set."""
    path = f"/credentials/by_model/{quote(str(record['model_id']), safe='')}"
    try:
        values = checked(proxy.client.get(path), {"credential_values": MAPPING}, "GET /credentials/by_model")
    except ApiError as error:
        if error.status != 404:
            raise
        return ["api_key"]  # it is not served, so that nobody knows
    return list(values["credential_values"])


MODEL_KIND, MODEL_INFO = define(
    Definition(
        MODEL,
        Endpoints(
            create=Request("POST", "/model/new"),
            update=Request("PATCH", "/model/{id}/update"),
            delete=Request("POST", "/model/delete", id="id"),
            listing=Request("GET", "/v2/model/info", entries="data", paged=True),
            read=Request("GET", "/v2/model/info", id="modelId", entries="data"),
        ),
        Hooks(
            check=_check,
            prepare=_prepare,
            create_body=_create_body,
            update_body=_update_body,
            after_read=_after_read,
            refuse=_refuse,
            recreate=_recreate,
        ),
        options={
            "unset": {"type": "list", "elements": "str"},
            "recreate": {"type": "bool", "default": False},
        },
        readings=("db_model",),
        filters=("model_name",),
        advice={r"not live in this pod": NOT_LIVE},
    )
)
