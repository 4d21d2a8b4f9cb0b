# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the requests of a vector store carry, and what is refused before one is deleted to be created anew."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.module_utils import _fingerprints
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._batch import converge
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._crud._secret_entries import REDACTED
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._engine import Outcome
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._errors import ApiError, InputError
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._fingerprints import OWN_ENTRY, matches
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._redaction import is_secret_name
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._vector_store import VectorStore

ONE, TWO = "sk-4Gv8Rk2Wp9Xt5Bn7Jq3Lz6Mh07", "sk-7Tb3Nf6Yc9Dw2Hs8Pm5Kx4Vg99"
PARAMS = {"api_key": ONE, "region": "x"}
WHOLE = {"custom_llm_provider": "openai", "litellm_params": PARAMS, "vector_store_metadata": {"owner": "a"}}
FALSE = {"use_litellm_proxy": False, "use_xai_oauth": False}


class FakeVectorStores:
    """A proxy with vector stores by ID, with what was sent. It ignores new parameters, as LiteLLM does.

    :ivar refusing: a request that it refuses once.
    """

    def __init__(self) -> None:
        self.stores: dict[str, dict[str, Any]] = {}
        self.sent: list[tuple[str, Any]] = []
        self.refusing = ""
        self.facts: dict[str, Any] = {}
        self.last_read: dict[Any, Any] = {}

    def get(self, path: str, params: Any = None) -> Any:
        if path.startswith("/credentials/by_name/"):
            if path.endswith("/one"):
                return {"credential_name": "one"}
            raise ApiError("Credential not found.", 404)
        assert path == "/vector_store/list"
        stores = deepcopy([*self.stores.values()])
        shown = [{**store, "litellm_params": _redacted(store["litellm_params"])} for store in stores]
        return {"data": shown, "total_count": len(shown), "total_pages": 1}

    def send(self, path: str, body: Any = None, method: str = "POST", idempotent: bool = False) -> Any:
        self.sent.append((path, deepcopy(body)))
        if path == self.refusing:
            self.refusing = ""
            raise ApiError("No.", 400)
        store_id = body["vector_store_id"]
        if path == "/vector_store/new":
            params = body.get("litellm_params") or {}
            kept = {**(FALSE if params else {}), **params}
            self.stores[store_id] = {**deepcopy(body), "litellm_params": kept, "is_config": False}
        elif path == "/vector_store/delete":
            del self.stores[store_id]
        else:
            assert path == "/vector_store/update"
            ignored = ("litellm_params", "litellm_credential_name")
            self.stores[store_id].update({name: part for name, part in body.items() if name not in ignored})
        return {"status": "success"}


def _redacted(params: Any) -> Any:
    if not isinstance(params, dict):
        return params
    return {name: REDACTED if is_secret_name(name) else _redacted(value) for name, value in params.items()}


@pytest.fixture(autouse=True)
def _cheap_fingerprints(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_fingerprints, "ROUNDS", 1)


def declared(proxy: FakeVectorStores, state: str = "present", **options: Any) -> Outcome:
    want = VectorStore().declare({"vector_store_id": "vs", **options}, state)
    (outcome,) = converge(VectorStore().store(proxy, {}), [want])
    return outcome


def proxy_with(**options: Any) -> FakeVectorStores:
    proxy = FakeVectorStores()
    declared(proxy, **{**WHOLE, **options})
    proxy.sent.clear()
    return proxy


def paths(proxy: FakeVectorStores) -> list[str]:
    return [path.rpartition("/")[2] for path, _body in proxy.sent]


def test_a_vector_store_is_created_with_fingerprints_of_its_secrets() -> None:
    proxy = FakeVectorStores()
    outcome = declared(proxy, **{**WHOLE, "litellm_params": {**PARAMS, "timeout": "5"}})
    assert (outcome.action, outcome.warnings) == ("create", ())
    ((path, body),) = proxy.sent
    own = body["vector_store_metadata"].pop(OWN_ENTRY)
    assert path == "/vector_store/new"
    assert body == {"vector_store_id": "vs", **WHOLE, "litellm_params": {**PARAMS, "timeout": 5}}
    assert set(own["fingerprints"]) == {"api_key"} and matches(own["fingerprints"]["api_key"], "api_key", ONE)
    assert ONE not in json.dumps(own)


def test_the_same_declaration_writes_nothing() -> None:
    proxy = proxy_with()
    for options in (WHOLE, {"litellm_params": {"region": "x"}}, {"litellm_params": {"use_xai_oauth": False}}, {}):
        assert declared(proxy, **options).action == "none"
    assert proxy.sent == []


@pytest.mark.parametrize(
    ("options", "body"),
    [
        ({"vector_store_name": "n"}, {"vector_store_name": "n"}),
        ({"unset": ["vector_store_description"]}, {"vector_store_description": None}),
        ({"vector_store_metadata": {"more": 1}}, {"vector_store_metadata": {"owner": "a", "more": 1}}),
        ({"unset": ["vector_store_metadata.owner"]}, {"vector_store_metadata": {}}),
        ({"unset": ["vector_store_metadata"]}, {"vector_store_metadata": {}}),
    ],
)
def test_an_update_carries_what_changes_and_keeps_the_fingerprints(
    options: dict[str, Any], body: dict[str, Any]
) -> None:
    proxy = proxy_with(vector_store_description="d")
    marks = proxy.stores["vs"]["vector_store_metadata"][OWN_ENTRY]
    assert declared(proxy, **options).action == "update"
    if "vector_store_metadata" in body:
        body = {"vector_store_metadata": {**body["vector_store_metadata"], OWN_ENTRY: marks}}
    assert proxy.sent == [("/vector_store/update", {"vector_store_id": "vs", **body})]
    assert declared(proxy, **options).action == "none"


@pytest.mark.parametrize(
    ("options", "params"),
    [
        ({"litellm_params": {"api_key": TWO, "region": "x"}}, {"api_key": TWO, "region": "x"}),
        ({"litellm_params": {**PARAMS, "region": "y"}}, {"api_key": ONE, "region": "y"}),
        ({"litellm_params": {**PARAMS, "l": {"api_key": TWO}}}, {**PARAMS, "l": {"api_key": TWO}}),
        ({"litellm_params": {"region": "y"}, "unset": ["litellm_params.api_key"]}, {"region": "y"}),
        ({"litellm_params": PARAMS, "litellm_credential_name": "one"}, PARAMS),
    ],
)
def test_other_parameters_delete_and_create_it_again(options: dict[str, Any], params: dict[str, Any]) -> None:
    proxy = proxy_with()
    assert declared(proxy, **{**WHOLE, **options}).action == "update"
    assert paths(proxy) == ["delete", "new"]
    created = proxy.sent[1][1]
    marks = created["vector_store_metadata"].pop(OWN_ENTRY, {"fingerprints": {}})["fingerprints"]
    assert (created["litellm_params"], created["vector_store_metadata"]) == (params, {"owner": "a"})
    assert marks.keys() == {"api_key", "l"} & params.keys()
    assert created.get("litellm_credential_name") == options.get("litellm_credential_name")
    proxy.sent.clear()
    assert declared(proxy, **{**WHOLE, **options}).action == "none"
    assert proxy.sent == []


def test_a_flag_that_litellm_sets_itself_can_be_removed() -> None:
    proxy = proxy_with(litellm_params={**PARAMS, "use_xai_oauth": True})
    options = {**WHOLE, "unset": ["litellm_params.use_xai_oauth"]}
    assert declared(proxy, **options).action == "update"
    assert proxy.stores["vs"]["litellm_params"]["use_xai_oauth"] is False
    assert declared(proxy, **options).action == "none"


@pytest.mark.parametrize(
    ("options", "lost"),
    [
        ({}, "custom_llm_provider, vector_store_name, vector_store_metadata.owner, litellm_params.api_key"),
        ({**WHOLE, "litellm_params": {}}, "vector_store_name, litellm_params.api_key"),
        ({**WHOLE, "vector_store_metadata": {}, "unset": ["vector_store_name"]}, "vector_store_metadata.owner"),
        (
            {"custom_llm_provider": "openai", "unset": ["vector_store_name", "vector_store_metadata"]},
            "litellm_params.api_key",
        ),
    ],
)
def test_what_a_new_creation_would_lose_is_refused(options: dict[str, Any], lost: str) -> None:
    proxy = proxy_with(vector_store_name="n")
    changed = {**options, "litellm_params": {**options.get("litellm_params", {}), "region": "y"}}
    with pytest.raises(InputError) as raised:
        declared(proxy, **changed)
    said = str(raised.value).replace("O(", "").replace(")", "")
    assert f"would lose values that are not set: {lost}. Set them as well" in said
    assert proxy.sent == []


def test_the_vector_store_of_a_team_stays_with_it() -> None:
    proxy = proxy_with()
    proxy.stores["vs"]["team_id"] = "owners"
    with pytest.raises(InputError, match="would not belong to the team owners any more"):
        declared(proxy, **{**WHOLE, "litellm_params": {**PARAMS, "region": "y"}})
    assert proxy.sent == []
    assert declared(proxy, vector_store_name="n").action == "update"


def test_one_that_could_not_be_created_again_is_created_by_the_next_run() -> None:
    proxy = proxy_with()
    proxy.refusing = "/vector_store/new"
    options = {**WHOLE, "litellm_params": {**PARAMS, "region": "y"}}
    failed = declared(proxy, **options)
    assert isinstance(failed.error, ApiError)
    assert failed.error.hint == "It was deleted to be created anew, so run the task again."
    assert declared(proxy, **options).action == "create"
    assert proxy.stores["vs"]["litellm_params"] == {**FALSE, **PARAMS, "region": "y"}


def test_a_credential_has_to_be_there() -> None:
    proxy = FakeVectorStores()
    options = {**WHOLE, "litellm_credential_name": "none such"}
    with pytest.raises(InputError, match="the proxy has no credential 'none such'"):
        declared(proxy, **options)
    assert proxy.sent == []
    assert declared(proxy, **options, validate_references=False).action == "create"


def test_one_of_the_configuration_file_is_left_alone() -> None:
    proxy = proxy_with()
    proxy.stores["vs"]["is_config"] = True
    for state, options in (("present", {"vector_store_name": "n"}), ("absent", {})):
        with pytest.raises(InputError, match="is defined in the configuration file of the proxy"):
            declared(proxy, state, **options)
    assert proxy.sent == []
    assert VectorStore().undeclarable({"is_config": True}, None)  # type: ignore[arg-type]
    assert VectorStore().undeclarable({"is_config": False}, None) is None  # type: ignore[arg-type]


def test_what_declares_it_has_no_defaults() -> None:
    (found,) = VectorStore().read(
        proxy_with(), {"vector_store_id": "vs", "vector_store_name": None, "declaration": True}
    )["vector_stores"]
    assert found["litellm_params"] == {"api_key": "********", "region": "x", **FALSE}
    assert found["vector_store_metadata"] == {"owner": "a"}
    assert found["declaration"]["litellm_params"] == {"region": "x"}
    assert found["hidden"] == [["litellm_params", "api_key"]]


def test_what_cannot_be_compared_is_said() -> None:
    proxy = FakeVectorStores()
    (warning,) = declared(proxy, **{**WHOLE, "litellm_params": {"api_key": "hunter2"}}).warnings
    assert "api_key can be guessed" in warning and "hunter2" not in warning
    assert "Later runs do not detect a changed value." in warning


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"litellm_params": {"litellm_credential_name": "one"}}, "use the option litellm_credential_name"),
        ({"litellm_params": {"use_auth": True}}, "LiteLLM does not show use_auth, so that a flag cannot be compared."),
        ({"litellm_params": {"api_key": REDACTED}}, "api_key is a mask as LiteLLM shows it, not a value."),
        ({"vector_store_metadata": {OWN_ENTRY: {}}}, f"the entry {OWN_ENTRY} is reserved for this collection."),
        ({"unset": ["custom_llm_provider"]}, "custom_llm_provider is not an entry that can be removed"),
        ({"vector_store_name": "n", "unset": ["vector_store_name"]}, "cannot be both set and listed in unset"),
    ],
)
def test_a_wrong_declaration_is_refused(options: dict[str, Any], reason: str) -> None:
    with pytest.raises(InputError) as raised:
        VectorStore().declare({"vector_store_id": "vs", **options}, "present")
    assert reason in str(raised.value)


def test_one_without_a_provider_is_not_created() -> None:
    proxy = FakeVectorStores()
    with pytest.raises(InputError, match=r"it does not exist yet\. To create it, set custom_llm_provider\."):
        declared(proxy, litellm_params=PARAMS)
    assert proxy.sent == []


def test_a_fingerprint_of_what_is_gone_is_of_nothing() -> None:
    proxy = proxy_with()
    del proxy.stores["vs"]["litellm_params"]["api_key"]
    assert declared(proxy, **WHOLE).action == "update"
    assert proxy.stores["vs"]["litellm_params"]["api_key"] == ONE
