# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with the declaration of a model, and what the API cannot do to one.

Private: only for use inside this collection.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..._crud._definition import Values
from ..._crud._entries import check_entries, unset_of
from ..._crud._numbers import is_price
from ..._crud._references import GUARDRAIL, lacking
from ..._crud._secret_entries import check_masks, sent
from ..._engine import Plan
from ..._fingerprints import OWN_ENTRY
from ..._proxy import Proxy
from ._recreating import check_recreating
from ._table import INFO, OPTION_OF, PARAMS, SERVERS, added_info, info_of, params_of

# With one of these, LiteLLM can neither change nor delete a model: it checks the value that it has encrypted.
UNCHANGEABLE = ("provider_affinity_header", "daily_reset_time")


def check_options(options: Values) -> list[str]:
    """Return what is wrong with a declaration, a sentence each."""
    params, info = options.get(PARAMS) or {}, options.get(INFO) or {}
    found = check_entries(options, (PARAMS, INFO), required=(f"{PARAMS}.model",))
    found += [
        f"O(unset): LiteLLM itself adds {name} to O({INFO})." for name in unset_of(options, INFO) if name in SERVERS
    ]
    found += check_masks(PARAMS, params)
    found += [
        f"O({PARAMS}): LiteLLM cannot change or delete a model with {name}." for name in UNCHANGEABLE if name in params
    ]
    return found + [sentence for name in info for sentence in _check_info(str(name), options)]


def _check_info(name: str, options: Values) -> Iterator[str]:
    if name == "id" and options[INFO][name] == options.get("model_id"):
        return
    if name in OPTION_OF:
        yield f"O({INFO}): use the option O({OPTION_OF[name]}) to set {name}."
    elif name in SERVERS:
        yield f"O({INFO}): {name} is reserved for {'this collection' if name == OWN_ENTRY else 'LiteLLM'}."
    elif is_price(name):
        yield f"O({INFO}): set {name} in O({PARAMS}) instead."


def check_plan(plan: Plan, options: Values, proxy: Proxy) -> str | None:
    if plan.existing and plan.existing.get("db_model") is not True:
        return "it is defined in the configuration file of the proxy. Change it there."
    if plan.action == "delete":
        return None
    after = plan.changes.get(PARAMS) or {}
    if plan.action == "create" and not (plan.changes.get("model_name") and after.get("model")):
        return "it does not exist yet. To create it, set O(model_name), and model in O(litellm_params)."
    if "team_id" in sent(plan.changes.get(INFO) or {}, info_of(plan.existing)) and proxy.licensed is False:
        return "O(model_info.team_id) requires a LiteLLM Enterprise license, which the proxy does not have."
    return _check_added(plan, options, proxy) or check_recreating(plan, options, proxy)


def _check_added(plan: Plan, options: Values, proxy: Proxy) -> str | None:
    there = set(unset_of(options, INFO)) & info_of(plan.existing).keys()
    added = sorted(there & added_info(plan.existing, proxy).keys()) if there else []
    return f"O(unset): LiteLLM itself adds {', '.join(added)} to O({INFO})." if added else None


def missing_references(plan: Plan, options: Values, proxy: Proxy) -> str | None:
    """Return which credential and guardrails a model is to name that there are not. LiteLLM looks for neither."""
    if not options.get("validate_references", True):
        return None
    before = params_of(plan.existing)
    named = sent(plan.changes.get(PARAMS) or {}, before)
    credential, guardrails = named.get("litellm_credential_name"), named.get("guardrails")
    found = []
    if credential and proxy.missing_credentials([str(credential)]):
        found.append(f"O({PARAMS}): the proxy has no credential '{credential}'.")
    if isinstance(guardrails, list):
        new = [str(name) for name in guardrails if name not in (before.get("guardrails") or ())]
        found += lacking(f"{PARAMS}.guardrails", GUARDRAIL, new, proxy)
    return " ".join(found) or None
