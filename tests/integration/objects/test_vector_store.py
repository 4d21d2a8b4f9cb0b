# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Vector stores on a real LiteLLM: every field by its laws, and parameters for which they are created again."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._fingerprints import OWN_ENTRY
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._redaction import CHANGED, HIDDEN
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._vector_store import VECTOR_STORE
from ansible_collections.litemaas.virtual_keys.tests.integration.laws import Laws, as_declared, lacking, refused, two

pytestmark = pytest.mark.quiet

TABLE, COLUMN = '"LiteLLM_ManagedVectorStoresTable"', "vector_store_id"
SECRET, OTHER = "sk-4fJk28sLmPq71XzRt90bVnWe5Yc3Ad6G", "sk-9bVnWe5Yc3Ad6G4fJk28sLmPq71XzRt0"
PROVIDER = {"custom_llm_provider": "openai"}
# Two values of each kind of parameter.
VALUES: dict[str, tuple[Any, Any]] = {
    "api_base": ("https://one.example.com", "https://two.example.com"),
    "api_key": (SECRET, OTHER),
    "milvus_connection_string": (f"https://example.com;AccountKey={SECRET}", f"https://example.com;AccountKey={OTHER}"),
    "timeout": (5, 7.5),
    "vector_size": (768, 1024),
    "use_litellm_proxy": (True, False),
    "vertex_scopes": (["a", "b"], ["b"]),
    "litellm_embedding_config": ({"api_key": SECRET, "api_version": "1"}, {"api_key": SECRET, "api_version": "2"}),
}
SECRETS = ("api_key", "milvus_connection_string", "litellm_embedding_config")


def row(sandbox, name: str) -> dict[str, Any]:
    (found,) = sandbox.rows(f"SELECT * FROM {TABLE} WHERE {COLUMN} = %s", name)
    return found


LAWS = Laws(
    "litellm_vector_store",
    VECTOR_STORE,
    row,
    {
        "custom_llm_provider": two("openai", "bedrock"),
        "vector_store_name": two("one", "two", beside=PROVIDER),
        "vector_store_description": two("What is in it", "What else is in it", beside=PROVIDER),
        "vector_store_metadata": two({"owner": "a", "n": 1}, {"owner": "b", "n": 2.5}, beside=PROVIDER),
    },
    # Those are created with, see below.
    without={"vector_store_id", "litellm_credential_name", "litellm_params"},
    others={"vector_store_name": "another"},
)


@pytest.fixture
def name(sandbox) -> Iterator[str]:
    """The ID of this test's vector store. All whose IDs begin with it are removed at the end."""
    beginning = f"t {secrets.token_hex(4)}+ä/"
    yield beginning
    for found in sandbox.rows(f"SELECT {COLUMN} FROM {TABLE} WHERE starts_with({COLUMN}, %s)", beginning):
        sandbox.call("POST", "/vector_store/delete", {"vector_store_id": found[COLUMN]}).raise_for_status()


@pytest.fixture
def store(run_module, name):
    """Runs litellm_vector_store on this test's vector store."""
    return partial(run_module, "litellm_vector_store", vector_store_id=name)


@pytest.fixture
def credentials(sandbox) -> Iterator[tuple[str, str]]:
    """The names of two credentials."""
    names = tuple(f"t{secrets.token_hex(4)}-{number}" for number in (1, 2))
    for one in names:
        body = {"credential_name": one, "credential_values": {"api_key": SECRET}, "credential_info": {}}
        sandbox.call("POST", "/credentials", body).raise_for_status()
    yield names  # type: ignore[misc]
    for one in names:
        sandbox.call("DELETE", f"/credentials/{one}").raise_for_status()


def test_every_field_has_values() -> None:
    assert LAWS.fields_without_values == set()


@pytest.mark.parametrize("field", LAWS.examples)
def test_every_field(sandbox, run_module, name, field: str) -> None:
    LAWS.hold(sandbox, partial(run_module, vector_store_id=name), field)


def test_all_fields_at_once(sandbox, run_module, name) -> None:
    LAWS.hold_together(sandbox, partial(run_module, vector_store_id=name))


@pytest.mark.parametrize("parameter", VALUES)
def test_every_parameter(sandbox, store, name, parameter: str) -> None:
    """Set, changed, and removed, a second time without a write; the others stay."""
    first, second = VALUES[parameter]
    beside = {**PROVIDER, "vector_store_name": "n", "vector_store_metadata": {"owner": "a"}}
    created = as_declared(store, sandbox, 1, **beside, litellm_params={"region": "x", parameter: first})
    assert created.action == "create"
    before = row(sandbox, name)
    changed = as_declared(store, sandbox, 2, **beside, litellm_params={"region": "x", parameter: second})
    shown = HIDDEN if parameter in SECRETS else second
    assert changed.action == "update"
    assert changed.vector_store["litellm_params"][parameter] == shown
    stored = row(sandbox, name)
    assert {**stored["litellm_params"], parameter: first} == before["litellm_params"]
    assert stored["litellm_params"][parameter] == second
    own = stored["vector_store_metadata"].pop(OWN_ENTRY, {"fingerprints": {}})
    assert own["fingerprints"].keys() == {parameter} & {*SECRETS}
    kept = ("vector_store_name", "custom_llm_provider", "vector_store_description", "litellm_credential_name")
    assert {one: stored[one] for one in kept} == {one: before[one] for one in kept}
    assert stored["vector_store_metadata"] == {"owner": "a"}
    # What LiteLLM itself sets to false is false already.
    writes = 0 if second is False else 2
    done = store(**beside, litellm_params={"region": "x"})
    assert done.changed is False
    with sandbox.writes() as written:
        done = store(**beside, litellm_params={"region": "x"}, unset=[f"litellm_params.{parameter}"])
    assert (done.failed, len(written)) == (False, writes), done.values
    assert not row(sandbox, name)["litellm_params"].get(parameter)
    with sandbox.writes() as written:
        assert store(**beside, unset=[f"litellm_params.{parameter}"]).changed is False
    assert written == []


def test_a_credential(sandbox, store, name, credentials) -> None:
    first, second = credentials
    lacking(store, sandbox, "the proxy has no credential 'none such'.", **PROVIDER, litellm_credential_name="none such")
    assert store(check=True, **PROVIDER, litellm_credential_name="none such", validate_references=False).changed
    as_declared(store, sandbox, 1, **PROVIDER, litellm_credential_name=first, vector_store_description="x")
    lost = "it would lose values that are not set: custom_llm_provider, vector_store_description. Set them as well"
    refused(store, sandbox, lost, litellm_credential_name=second)
    as_declared(store, sandbox, 2, **PROVIDER, litellm_credential_name=second, vector_store_description="x")
    assert (row(sandbox, name)["litellm_credential_name"]) == second
    cleared = {"unset": ["litellm_credential_name", "vector_store_description"]}
    as_declared(store, sandbox, 2, **PROVIDER, **cleared)
    found = row(sandbox, name)
    assert (found["litellm_credential_name"], found["vector_store_description"]) == (None, None)


def test_what_a_new_creation_would_lose_is_refused(sandbox, store, name) -> None:
    whole = {**PROVIDER, "vector_store_name": "n", "vector_store_metadata": {"owner": "a"}}
    store(**whole, litellm_params={"api_key": SECRET, "region": "x"})
    lost = (
        "LiteLLM cannot change litellm_params of a vector store. Created again, it would lose values that are not set: "
        "vector_store_name, vector_store_metadata.owner, litellm_params.api_key. Set them as well, or list those to "
        "remove in unset."
    )
    refused(store, sandbox, lost, **PROVIDER, litellm_params={"region": "y"})
    as_declared(store, sandbox, 2, **whole, litellm_params={"region": "y"}, unset=["litellm_params.api_key"])
    sandbox.execute(f"UPDATE {TABLE} SET team_id = 'owners' WHERE {COLUMN} = %s", name)
    refused(store, sandbox, "it would not belong to the team owners any more.", **whole, litellm_params={"region": "z"})


def test_an_update_keeps_the_fingerprints(sandbox, store, name) -> None:
    store(**PROVIDER, litellm_params={"api_key": SECRET})
    marks = row(sandbox, name)["vector_store_metadata"][OWN_ENTRY]
    as_declared(store, sandbox, 1, vector_store_metadata={"owner": "a", "more": 1})
    as_declared(store, sandbox, 1, unset=["vector_store_metadata.more"])
    assert row(sandbox, name)["vector_store_metadata"] == {"owner": "a", OWN_ENTRY: marks}
    as_declared(store, sandbox, 1, unset=["vector_store_metadata"])
    assert row(sandbox, name)["vector_store_metadata"] == {OWN_ENTRY: marks}
    assert not store(litellm_params={"api_key": SECRET}).changed


def test_a_secret_is_not_shown(sandbox, store, run_module, name) -> None:
    first = store(**PROVIDER, litellm_params={"api_key": SECRET})
    changed = store(**PROVIDER, litellm_params={"api_key": OTHER})
    assert changed.diff["after"]["litellm_params"]["api_key"] == CHANGED
    info = run_module("litellm_vector_store_info", vector_store_id=name, declaration=True)
    (found,) = info.vector_stores
    assert found["litellm_params"]["api_key"] == HIDDEN
    assert found["declaration"].keys() >= {"vector_store_id", "custom_llm_provider"}
    assert found["vector_store_metadata"] == {}
    for done in (first, changed, info):
        assert SECRET not in done.output
        assert OTHER not in done.output


def test_a_secret_that_somebody_else_set_stays(sandbox, store, name) -> None:
    body = {"vector_store_id": name, **PROVIDER, "litellm_params": {"api_key": SECRET}}
    sandbox.call("POST", "/vector_store/new", body).raise_for_status()
    as_declared(store, sandbox, 1, vector_store_name="n")
    assert row(sandbox, name)["litellm_params"]["api_key"] == SECRET
    refused(store, sandbox, "litellm_params.api_key. Set them", **PROVIDER, litellm_params={"region": "x"})


def test_a_guessable_secret_is_said_to_be_undetected(store) -> None:
    done = store(check=True, **PROVIDER, litellm_params={"api_key": "hunter2"})
    assert "api_key can be guessed" in str(done.warnings)
    assert "Later runs do not detect a changed value." in str(done.warnings)


def test_it_is_deleted_and_no_other(sandbox, store, run_module, name) -> None:
    store(**PROVIDER)
    other = run_module("litellm_vector_store", vector_store_id=f"{name}2", **PROVIDER)
    with sandbox.writes() as writes:
        assert store(check=True, state="absent").action == "delete"
    assert writes == []
    assert store(state="absent").action == "delete"
    assert store(state="absent").changed is False
    assert run_module("litellm_vector_store_info", vector_store_id=name).vector_stores == []
    assert run_module("litellm_vector_store_info", vector_store_id=f"{name}2").vector_stores == [other.vector_store]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"vector_store_name": "x"}, "it does not exist yet. To create it, set custom_llm_provider."),
        ({"litellm_params": {"api_base": ""}}, "litellm_params: api_base has no value."),
        ({"litellm_params": {"api_key": HIDDEN}}, "a secret"),
        ({"litellm_params": {"api_key": "REDACTED_BY_LITELM"}}, "api_key is a mask as LiteLLM shows it, not a value."),
        ({"litellm_params": {"use_auth": True}}, "LiteLLM does not show use_auth, so that a flag cannot be compared."),
        ({"litellm_params": {"litellm_credential_name": "x"}}, "use the option litellm_credential_name"),
        ({"vector_store_metadata": {OWN_ENTRY: {}}}, "is reserved for this collection"),
        ({"unset": ["litellm_params"]}, "unset: litellm_params is not an entry that can be removed"),
        ({"vector_store_name": "x", "unset": ["vector_store_name"]}, "cannot be both set and listed in unset"),
    ],
)
def test_wrong_input_writes_nothing(sandbox, store, options: dict[str, Any], sentence: str) -> None:
    refused(store, sandbox, sentence, **options)
