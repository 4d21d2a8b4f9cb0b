# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be read of a model, and what of it was set by somebody."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._crud._secret_entries import KeptEntry
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._errors import ApiError
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._fingerprints import own_entry
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._proxy import Proxy
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._model._table import (
    FALSE_BY_DEFAULT,
    MODEL,
    added_info,
    fetch_masks,
    info_of,
    known_of,
    own_info,
    own_params,
    params_of,
    with_id,
)

CATALOG = {"gpt-4o": {"max_tokens": 16384, "mode": "chat"}, "m": {"id": "m", "ours": 1}}
MASKS = "/credentials/by_model/a%20b"


class Answers:
    """A proxy with these answers by address, some of them errors."""

    def __init__(self, **answers: Any) -> None:
        self.answers = {"/public/litellm_model_cost_map": CATALOG, **answers}
        self.facts: dict[str, Any] = {}
        self.last_read: dict[Any, Any] = {}

    def get(self, path: str, params: Any = None) -> Any:
        answer = self.answers[path]
        if isinstance(answer, ApiError):
            raise answer
        return answer

    def send(self, path: str, body: Any = None, method: str = "POST", idempotent: bool = False) -> Any:
        raise AssertionError(f"{method} {path}")


def proxy_with(**answers: Any) -> Proxy:
    return Proxy(Answers(**answers))


@pytest.mark.parametrize(
    ("model_id", "reason"),
    [
        ("gpt 4", None),
        ("a/b", "must not contain a slash: LiteLLM could not change the model."),
        ("..", "'..' is not allowed in a URL."),
    ],
)
def test_an_id_must_fit_into_an_address(model_id: str, reason: str | None) -> None:
    check = MODEL.field("model_id").check
    assert check is not None and check(model_id) == reason


def test_secrets_are_known_by_fingerprints_and_masks() -> None:
    record = {
        "litellm_params": {"model": "x", "custom_token": "sk****07"},
        "model_info": own_entry({"api_key": "mark"}),
        "masks": {"client_secret": "ab****yz"},
    }
    assert known_of(record) == {"api_key": "mark"}
    kept = dict.fromkeys(("custom_token", "api_key", "client_secret"), KeptEntry())
    assert params_of(record) == {"model": "x", **kept}
    assert params_of({}) == {} and known_of({"model_info": None}) == {}


def test_information_is_without_what_is_null_or_not_of_the_user() -> None:
    info = {"id": "m", "blocked": True, "db_model": True, "mode": "chat", "tpm": None, "flag": False, **own_entry({})}
    assert info_of({"model_info": info}) == {"mode": "chat", "flag": False}
    assert info_of({"model_info": None}) == {}


def test_of_parameters_only_those_that_were_set_are_own() -> None:
    params = {"model": "x", "tags": [], "api_base": "", "stream": False, **dict.fromkeys(FALSE_BY_DEFAULT, False)}
    assert own_params({"litellm_params": params}) == {"model": "x", "stream": False}
    assert own_params({"litellm_params": dict.fromkeys(FALSE_BY_DEFAULT, True)}) == dict.fromkeys(
        FALSE_BY_DEFAULT, True
    )


INFO = {"key": "gpt-4o", "max_tokens": 16384, "mode": "embedding", "team": "t", "cost": 1.0, "empty": [], "ours": 1}
RECORD = {"litellm_params": {"cost": 1}, "model_info": INFO}


def test_litellm_adds_what_its_catalog_and_the_parameters_say() -> None:
    added = {"key": "gpt-4o", "max_tokens": 16384, "mode": "chat", "cost": 1.0}
    assert added_info(RECORD, proxy_with()) == added
    # Of a model that is not in the catalog, what is shown cannot be told from what is added.
    other = {**RECORD, "model_info": {**INFO, "key": "other"}}
    assert added_info(other, proxy_with()) == {**added, "key": "other", "mode": "embedding"}


def test_own_information_is_what_litellm_would_not_add() -> None:
    assert own_info(RECORD, proxy_with()) == {"mode": "embedding", "team": "t", "ours": 1}


def test_without_a_catalog_nothing_is_taken_for_own() -> None:
    proxy = proxy_with(**{"/public/litellm_model_cost_map": {}})
    with pytest.raises(ApiError, match="does not show the list of models"):
        own_info(RECORD, proxy)


@pytest.mark.parametrize(
    ("info", "blocked"), [({"blocked": True}, True), ({"blocked": None}, False), ({}, False), (None, False)]
)
def test_a_model_is_blocked_or_not(info: Any, blocked: bool) -> None:
    assert MODEL.field("blocked").value({"model_info": info}) is blocked


@pytest.mark.parametrize(
    ("info", "model_id", "db_model"), [({"id": "m", "db_model": True}, "m", True), ({}, None, None), ("?", None, None)]
)
def test_a_row_tells_its_id(info: Any, model_id: str | None, db_model: bool | None) -> None:
    row = {"model_name": "n", "model_info": info}
    assert with_id(row) == {**row, "model_id": model_id, "db_model": db_model}


def test_masks_are_read_by_the_id_of_a_model() -> None:
    record = {"model_id": "a b"}
    masks = {"api_key": "sk****07"}
    assert fetch_masks(record, proxy_with(**{MASKS: {"credential_values": masks}})) == masks
    assert fetch_masks(record, proxy_with(**{MASKS: ApiError("not found", 404)})) is None


@pytest.mark.parametrize("answer", [ApiError("busy", 500), ApiError("no", 403), {"credential_values": None}, []])
def test_a_failed_read_of_masks_is_not_taken_for_none(answer: Any) -> None:
    with pytest.raises(ApiError):
        fetch_masks({"model_id": "a b"}, proxy_with(**{MASKS: answer}))
