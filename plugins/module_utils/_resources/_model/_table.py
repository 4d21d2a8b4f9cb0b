# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A model, one deployment of it: its table of fields, and what can be read of them.

Private: only for use inside this collection. LiteLLM shows some secret parameters as masks, and others not at all. To
information about a model it adds what it knows itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from ..._crud._definition import Record
from ..._crud._entries import FALSE_BY_DEFAULT
from ..._crud._numbers import IN_INFO, IN_PARAMS, ONLY_NUMBERS, check_numbers, numbers
from ..._crud._rows import check_identity
from ..._crud._secret_entries import present, without_secrets
from ..._engine import NOT_CLEARABLE, Field, Resource
from ..._errors import ApiError
from ..._fingerprints import OWN_ENTRY, known_in
from ..._proxy import Proxy
from ..._shapes import MAPPING, ensure_shape
from ..._values import is_empty, json_equal

PARAMS, INFO = "litellm_params", "model_info"
# Entries of model_info that are options of their own, or the server's.
OPTION_OF = {"id": "model_id", "blocked": "blocked"}
SERVERS = frozenset(("id", "blocked", "db_model", "member_auto_router", "pricing_overrides", OWN_ENTRY))
# What LiteLLM adds to model_info when it is read and does not take from its catalog.
COMPUTED = frozenset(("key", "supported_openai_params"))


def _check_id(value: str) -> str | None:
    return check_identity(value) or (
        "must not contain a slash: LiteLLM could not change the model." if "/" in value else None
    )


def shown_params(record: Record) -> Mapping[str, Any]:
    return record.get(PARAMS) or {}


def known_of(record: Record) -> Mapping[str, Any]:
    """Return our fingerprints of the secret parameters."""
    return known_in(record.get(INFO))


def params_of(record: Record) -> dict[str, Any]:
    """Return the parameters of a model.

    Those that LiteLLM leaves out are known by our fingerprints, or by ``masks``.
    """
    return present(shown_params(record), known_of(record), record.get("masks"))


def info_of(record: Record) -> dict[str, Any]:
    """Return what there is in ``model_info`` for the user. LiteLLM names all that it could know, most of it null."""
    return {
        name: value for name, value in (record.get(INFO) or {}).items() if name not in SERVERS and value is not None
    }


def added_info(record: Record, proxy: Proxy) -> dict[str, Any]:
    """Return the entries of ``model_info`` that LiteLLM adds when it shows a model, with what its catalog says.

    Some of them can be set as well, which nothing tells but another value than that of the catalog.
    """
    info = info_of(record)
    known = frozenset().union(*proxy.catalog.values())
    says = proxy.catalog.get(str(info.get("key"))) or {}
    # Prices among the parameters are shown here as well.
    shown = COMPUTED | {name for name, value in info.items() if json_equal(shown_params(record).get(name), value)}
    return {
        name: value if name in shown else says.get(name, value)
        for name, value in info.items()
        if name in shown or name in known
    }


def own_params(record: Record) -> dict[str, Any]:
    """Return the parameters that were set for a model. Empty ones cannot be declared, and say nothing."""
    return {
        name: value
        for name, value in params_of(record).items()
        if not is_empty(value) and not (name in FALSE_BY_DEFAULT and value is False)
    }


def own_info(record: Record, proxy: Proxy) -> dict[str, Any]:
    """Return the entries of ``model_info`` that were set for a model: those that LiteLLM would not show by itself.

    :raises ApiError: if LiteLLM does not tell which these are.
    """
    if not proxy.catalog:
        message = "The proxy does not show the list of models with which it completes O(model_info)."
        raise ApiError(message, hint="Run again.")
    added = added_info(record, proxy)
    own = {name: value for name, value in info_of(record).items() if not is_empty(value)}
    return {name: value for name, value in own.items() if name not in added or not json_equal(value, added[name])}


def _blocked(record: Record) -> bool:
    return bool((record.get(INFO) or {}).get("blocked"))


MODEL = Resource(
    kind="model",
    identity="model_id",
    fields=(
        Field("model_id", check=_check_id, cleared=NOT_CLEARABLE),
        Field("model_name", cleared=NOT_CLEARABLE),
        Field(
            PARAMS,
            "dict",
            parse=numbers(IN_PARAMS),
            check=check_numbers(ONLY_NUMBERS),
            read=params_of,
            redact=without_secrets,
            cleared=NOT_CLEARABLE,
        ),
        Field(INFO, "dict", parse=numbers(IN_INFO), read=info_of, cleared=NOT_CLEARABLE),
        Field("blocked", "bool", read=_blocked, cleared=NOT_CLEARABLE, since="1.90.0", default=False),
    ),
)


def with_id(row: Record) -> Record:
    """Return the id where requests take it from, and whether the model can be changed."""
    info = row.get(INFO)
    held = info if isinstance(info, Mapping) else {}
    return {**row, "model_id": held.get("id"), "db_model": held.get("db_model")}


def fetch_masks(record: Record, proxy: Proxy) -> Mapping[str, Any] | None:
    """Return the masks of the secrets that LiteLLM leaves out of a model; None if it does not serve the model."""
    path = f"/credentials/by_model/{quote(str(record['model_id']), safe='')}"
    try:
        answer = ensure_shape(proxy.client.get(path), {"credential_values": MAPPING}, "GET /credentials/by_model")
    except ApiError as error:
        if error.status != 404:
            raise
        return None
    masks: Mapping[str, Any] = answer["credential_values"]
    return masks
