# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the API cannot remove from a model, and what would be lost if the model was created again without it.

Private: only for use inside this collection.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..._crud._definition import Values
from ..._crud._entries import FALSE_BY_DEFAULT
from ..._crud._secret_entries import sent
from ..._engine import Plan
from ..._listings import ACCESS_GROUPS
from ..._proxy import Proxy
from ..._shapes import TEXT, maybe
from ..._text import mark_options
from ._table import INFO, PARAMS, added_info, fetch_masks, info_of, params_of

# Since when an update can name parameters to remove.
REMOVAL_SINCE = "1.109.0"
# The parameters that null removes in older versions, with the first one in which it does.
REMOVED_BY_NULL = {
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


def irremovable(plan: Plan, proxy: Proxy) -> list[str]:
    """Return the entries that an update has to remove and the API cannot."""
    if plan.action != "update":
        return []
    params = [name for name in removed(plan, PARAMS) if not _is_removable(name, proxy)]
    return [*(f"{PARAMS}.{name}" for name in params), *(f"{INFO}.{name}" for name in removed(plan, INFO))]


def removed(plan: Plan, place: str) -> list[str]:
    """Return the entries of a mapping that an update removes."""
    before = (params_of if place == PARAMS else info_of)(plan.existing)
    return [name for name in before if name not in plan.changes[place]] if place in plan.changes else []


def removal_in_body(names: Sequence[str], proxy: Proxy) -> dict[str, Any]:
    """Return the part of the body of an update that removes parameters, by option."""
    if proxy.at_least(REMOVAL_SINCE):
        return {"litellm_params_to_remove": list(names)} if names else {}
    return {PARAMS: dict.fromkeys(names)}


def _is_removable(name: str, proxy: Proxy) -> bool:
    return proxy.at_least(REMOVED_BY_NULL.get(name, REMOVAL_SINCE))


def check_recreating(plan: Plan, options: Values, proxy: Proxy) -> str | None:
    """Return why a model that has to be created again must not be, None if it can."""
    stuck = irremovable(plan, proxy)
    if not stuck:
        return None
    names = mark_options(stuck)
    if not options.get("recreate"):
        return (
            f"{proxy.title} cannot remove {names} from a model. To have the model deleted and created again with the "
            "same ID, set O(recreate): true."
        )
    lost = _lost(plan, options, proxy)
    if not lost:
        return None
    return (
        f"to remove {names}, the model has to be created again, which would lose values that are not set: "
        f"{mark_options(lost)}. Set them as well, or list entries to remove in O(unset)."
    )


def _lost(plan: Plan, options: Values, proxy: Proxy) -> list[str]:
    """Return what the model has and the task neither sets nor removes."""
    record = plan.existing
    named = {
        *(options.get("unset") or ()),
        *(f"{place}.{name}" for place in (PARAMS, INFO) for name in options.get(place) or {}),
    }
    params = [name for name, value in params_of(record).items() if not (name in FALSE_BY_DEFAULT and value is False)]
    masks = fetch_masks(record, proxy)
    hidden = ["api_key"] if masks is None else masks  # of a model that is not served, nobody knows
    added = {name: value for name, value in added_info(record, proxy).items() if name != "mode"}
    found = [f"{PARAMS}.{name}" for name in dict.fromkeys([*params, *hidden])]
    found += [f"{INFO}.{name}" for name in sent(info_of(record), added)]
    lost = [name for name in found if name not in named]
    if not options.get("model_name"):
        lost.append("model_name")
    if (record.get(INFO) or {}).get("blocked") and options.get("blocked") is None:
        lost.append("blocked")
    return lost


def fetch_groups(plan: Plan, proxy: Proxy) -> list[str]:
    """Return the IDs of the access groups from which LiteLLM takes a model that is deleted."""
    return [group["access_group_id"] for group in _groups(proxy) if plan.existing["model_name"] in _models(group)]


def restoring_requests(plan: Plan, ids: Sequence[str], proxy: Proxy) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield the requests, as method, path, and body, that put a model back into access groups that lack it now."""
    name = plan.changes.get("model_name") or plan.existing["model_name"]
    for group in _groups(proxy) if ids else ():
        if group["access_group_id"] in ids and name not in _models(group):
            path = f"/v1/access_group/{group['access_group_id']}"
            yield "PUT", path, {"access_model_names": [*_models(group), name]}


def _groups(proxy: Proxy) -> list[Mapping[str, Any]]:
    return proxy.listed(ACCESS_GROUPS, row={"access_group_id": TEXT, "access_model_names": maybe([TEXT])})


def _models(group: Mapping[str, Any]) -> Sequence[str]:
    return group.get("access_model_names") or ()
