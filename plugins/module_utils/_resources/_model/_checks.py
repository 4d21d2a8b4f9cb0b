# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with the declaration of a model, and what the API cannot do to one.

Private: only for use inside this collection. A PATCH merges: most of what a model has can be changed, but not removed.
So removing means to create the model again, which has to lose nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..._crud._definition import Values
from ..._crud._secret_entries import masked_names, sent
from ..._engine import Plan
from ..._fingerprints import OWN_ENTRY
from ..._proxy import Proxy
from ._table import ADDED, FALSE_BY_DEFAULT, INFO, OPTION_OF, PARAMS, SERVERS, info_of, masks_of, params_of

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


def check_options(options: Values) -> list[str]:
    """What is wrong with a declaration, a sentence each."""
    params, info = options.get(PARAMS) or {}, options.get(INFO) or {}
    found = [sentence for name in options.get("unset") or () for sentence in _check_unset(name, options)]
    for place, entries in ((PARAMS, params), (INFO, info)):
        empty = [str(name) for name, value in entries.items() if value is None or value == ""]
        if empty:
            found.append(f"{place}: {', '.join(empty)} has no value. To remove an entry, list it in unset.")
    masks = masked_names(params)
    if masks:
        found.append(f"{PARAMS}: {', '.join(masks)} is a mask as LiteLLM shows it, not a value.")
    if "provider_affinity_header" in params:
        found.append(f"{PARAMS}: LiteLLM cannot change or delete a model with provider_affinity_header.")
    return found + [sentence for name in info for sentence in _check_info(str(name), options)]


def _check_unset(name: str, options: Values) -> Iterator[str]:
    place, _dot, entry = name.partition(".")
    if place not in (PARAMS, INFO) or not entry or name == f"{PARAMS}.model":
        yield f"unset: {name} is not an entry that can be removed, such as {PARAMS}.api_base."
    elif entry in (options.get(place) or {}):
        yield f"{name} cannot be both set and listed in unset."
    elif place == INFO and (entry in SERVERS or entry == "mode" or ADDED.fullmatch(entry)):
        yield f"unset: LiteLLM itself adds {entry} to {INFO}."


def _check_info(name: str, options: Values) -> Iterator[str]:
    if name == "id" and options[INFO][name] == options.get("model_id"):
        return
    if name in OPTION_OF:
        yield f"{INFO}: use the option {OPTION_OF[name]} to set {name}."
    elif name in SERVERS:
        yield f"{INFO}: {name} is reserved for {'this collection' if name == OWN_ENTRY else 'LiteLLM'}."
    elif "cost" in name.split("_"):
        yield f"{INFO}: set {name} in {PARAMS} instead."


def _removed(plan: Plan) -> list[tuple[str, str]]:
    """The entries that an update removes, each with the mapping that holds it."""
    before = {PARAMS: params_of(plan.existing), INFO: info_of(plan.existing)}
    return [
        (place, name)
        for place in before
        if place in plan.changes
        for name in before[place]
        if name not in plan.changes[place]
    ]


def irremovable(plan: Plan, proxy: Proxy) -> list[str]:
    """Those that the API cannot remove."""
    gone = _removed(plan) if plan.action == "update" else []
    return [
        f"{place}.{name}" for place, name in gone if place == INFO or not proxy.at_least(REMOVABLE.get(name, "9999"))
    ]


def check_plan(plan: Plan, options: Values, proxy: Proxy) -> str | None:
    if plan.existing and plan.existing.get("db_model") is not True:
        return "it is defined in the configuration file of the proxy. Change it there."
    if plan.action == "delete":
        return None
    after = plan.changes.get(PARAMS) or {}
    if plan.action == "create" and not (plan.changes.get("model_name") and after.get("model")):
        return "it does not exist yet. To create it, set model_name, and model in litellm_params."
    if "team_id" in sent(plan.changes.get(INFO) or {}, info_of(plan.existing)) and proxy.licensed is False:
        return "model_info: team_id requires a LiteLLM Enterprise license, which the proxy does not have."
    return _refuse_recreating(plan, options, proxy)


def missing_credential(plan: Plan, options: Values, proxy: Proxy) -> str | None:
    credential = sent(plan.changes.get(PARAMS) or {}, params_of(plan.existing)).get("litellm_credential_name")
    if credential and options.get("validate_references", True) and proxy.missing_credentials([str(credential)]):
        return f"litellm_params: the proxy has no credential '{credential}'."
    return None


def _refuse_recreating(plan: Plan, options: Values, proxy: Proxy) -> str | None:
    stuck = irremovable(plan, proxy)
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
        f"{', '.join(lost)}. Set them as well, or list entries to remove in unset."
    )


def _lost(plan: Plan, options: Values, proxy: Proxy) -> list[str]:
    """What the model has and the task neither sets nor removes."""
    record = plan.existing
    named = {
        *(options.get("unset") or ()),
        *(f"{place}.{name}" for place in (PARAMS, INFO) for name in options.get(place) or {}),
    }
    params = [name for name, value in params_of(record).items() if not (name in FALSE_BY_DEFAULT and value is False)]
    masks = masks_of(record, proxy)
    hidden = ["api_key"] if masks is None else masks  # of a model that is not served, nobody knows
    found = [f"{PARAMS}.{name}" for name in dict.fromkeys([*params, *hidden])]
    found += [f"{INFO}.{name}" for name in info_of(record) if not ADDED.fullmatch(name)]
    lost = [name for name in found if name not in named]
    if not options.get("model_name"):
        lost.append("model_name")
    if (record.get(INFO) or {}).get("blocked") and options.get("blocked") is None:
        lost.append("blocked")
    return lost
