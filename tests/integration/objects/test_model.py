# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Models on a real LiteLLM: each entry set, changed and removed, in check mode, for real, and once more."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
import yaml
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._model._recreating import (
    REMOVAL_SINCE,
    REMOVED_BY_NULL,
)
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._model._table import MODEL
from ansible_collections.litemaas.virtual_keys.tests.integration.laws import as_declared, only_changes, refused, too_old

pytestmark = pytest.mark.quiet

TABLE = '"LiteLLM_ProxyModelTable"'
BASE = {"model": "openai/gpt-4o-mini", "mock_response": "Hello"}
# Random, as what issuers choose, and with the same mask.
FIRST, SECOND = "sk-14Gv8Rk2Wp9Xt5Bn7Jq3Lz6M0h07", "sk-17Tb3Nf6Yc9Dw2Hs8Pm5Kx4V0h07"
# Two values for each of these parameters, secrets among them.
PARAMS: dict[str, tuple[Any, Any]] = {
    "model": ("openai/gpt-4o", "openai/gpt-4o-mini"),
    "api_base": ("http://127.0.0.1:9/a", "http://127.0.0.1:9/b"),
    "api_version": ("2024-10-21", "2024-12-01"),
    "organization": ("org-1", "org-2"),
    "custom_llm_provider": ("openai", "azure"),
    "litellm_credential_name": ("@credential", "@other"),
    "rpm": (5, 0),
    "tpm": (100, 200),
    "timeout": (1.5, 30),
    "max_retries": (1, 2),
    "temperature": (0.25, 1),
    "tags": (["a", "b"], ["c"]),
    "drop_params": (True, False),
    "use_in_pass_through": (True, False),
    "merge_reasoning_content_in_choices": (True, False),
    "input_cost_per_token": (1e-7, 2e-7),
    "output_cost_per_token": (1e-7, 0.5),
    "input_cost_per_second": (0.5, 0.25),
    "cache_read_input_token_cost": (1e-8, 2e-8),
    "cache_control_injection_points": (
        [{"location": "message", "role": "system"}],
        [{"location": "message", "role": "user"}],
    ),
    "configurable_clientside_auth_params": (["api_key"], ["api_base"]),
    "api_key": (FIRST, SECOND),
    "client_secret": (FIRST, FIRST.swapcase()),
    "custom_token": (SECOND, FIRST),
    # Both can be guessed: what LiteLLM shows of them tells them apart.
    "short_password": ("hunter2", "Tr0ub4dor"),
    "vertex_credentials": (f'{{"private_key": "{FIRST}"}}', f'{{"private_key": "{SECOND}"}}'),
    "extra_headers": ({"X-A": "1", "Authorization": f"Bearer {FIRST}"}, {"Authorization": f"Bearer {SECOND}"}),
    "api_token_file": ("os.environ/HOME", "os.environ/NO_SUCH_VARIABLE"),
    "region_name": ("os.environ/HOME", "eu"),
    "my_own": ({"a": [1, None, {"b": True}]}, {"a": []}),
}
# Parameters that are false again rather than gone.
RESET = {"use_in_pass_through", "merge_reasoning_content_in_choices"}
INFO: dict[str, tuple[Any, Any]] = {
    "mode": ("chat", "completion"),
    "base_model": ("gpt-4o", "gpt-4"),
    "access_groups": (["one"], ["one", "two"]),
    "max_tokens": (100, 16384),
    "supports_vision": (False, True),
    "my_own": ({"a": 1}, [1, 2]),
    "tier": ("free", "paid"),
}


@pytest.fixture
def name(sandbox) -> Iterator[str]:
    """The beginning of this test's ids and names. What has it is removed at the end."""
    beginning = f"t{secrets.token_hex(4)}"
    yield beginning
    for row in sandbox.rows(f"SELECT model_id FROM {TABLE} WHERE starts_with(model_id, %s)", beginning):
        sandbox.call("POST", "/model/delete", {"id": row["model_id"]}).raise_for_status()
    table = '"LiteLLM_CredentialsTable"'
    for row in sandbox.rows(f"SELECT credential_name FROM {table} WHERE starts_with(credential_name, %s)", beginning):
        sandbox.call("DELETE", f"/credentials/{row['credential_name']}").raise_for_status()


@pytest.fixture
def model(run_module, name):
    """Runs litellm_model on this test's model."""
    return partial(run_module, "litellm_model", model_id=f"{name} ä", model_name=f"{name}-model")


def stored(sandbox, model_id: str) -> dict[str, Any]:
    (row,) = sandbox.rows(f"SELECT * FROM {TABLE} WHERE model_id = %s", model_id)
    return row


def test_every_option_is_tested() -> None:
    assert {row.name for row in MODEL.fields} == {"model_id", "model_name", "litellm_params", "model_info", "blocked"}


@pytest.mark.parametrize("entry", PARAMS)
def test_every_parameter(sandbox, model, run_module, name, entry: str) -> None:
    first, second = PARAMS[entry]
    if entry == "litellm_credential_name":
        first, second = (f"{name}{value}" for value in (first, second))
        for credential in (first, second):
            assert not run_module(
                "litellm_credential", credential_name=credential, credential_values={"api_key": "sk-x"}
            ).failed
    read, place = partial(stored, sandbox, model.keywords["model_id"]), ("litellm_params", entry)
    # Fingerprints are in there, and prices in both.
    allowed = {place, ("model_info", "litemaas_virtual_keys"), ("model_info", entry)}
    created = as_declared(model, sandbox, 1, litellm_params={**BASE, entry: first})
    with only_changes(read, allowed):
        updated = as_declared(model, sandbox, 1, litellm_params={entry: second})
    for result, value in ((created, first), (updated, second)):
        assert shown(result, entry) in (value, "********")
    # A write of other parameters leaves it alone, also where LiteLLM resets it.
    as_declared(model, sandbox, 1, litellm_params={entry: first})
    with only_changes(read, {("litellm_params", "max_tokens"), ("model_name",), ("model_info", "my_own")}):
        as_declared(model, sandbox, 1, litellm_params={"max_tokens": 7}, model_info={"my_own": 1})
    assert model(litellm_params={entry: first}).changed is False
    if entry == "model":
        return
    unset = {"unset": [f"litellm_params.{entry}"]}
    if entry in RESET or not too_old(sandbox, REMOVED_BY_NULL.get(entry, REMOVAL_SINCE)):
        with only_changes(read, allowed):
            as_declared(model, sandbox, 1, **unset)
    else:
        refusal = model(**unset)
        assert f"cannot remove litellm_params.{entry} from a model." in refusal.msg
        assert "recreate: true" in refusal.msg
        whole = {"litellm_params": {**BASE, "max_tokens": 7}, "model_info": {"mode": "chat", "my_own": 1}}
        again = as_declared(model, sandbox, 2, **whole, recreate=True, **unset)
        assert again.action == "update"
    assert not model(check=True).model["litellm_params"].get(entry)
    assert entry in RESET or entry not in read()["litellm_params"]


def shown(result: Any, entry: str) -> Any:
    """A parameter as it is returned. LiteLLM makes text of null inside of one."""
    return json.loads(json.dumps(result.model["litellm_params"][entry]).replace('"None"', "null"))


@pytest.mark.parametrize("entry", INFO)
def test_every_entry_of_the_information(sandbox, model, entry: str) -> None:
    first, second = INFO[entry]
    created = as_declared(model, sandbox, 1, litellm_params=BASE, model_info={entry: first})
    with only_changes(partial(stored, sandbox, model.keywords["model_id"]), {("model_info", entry)}):
        updated = as_declared(model, sandbox, 1, model_info={entry: second})
    assert (created.model["model_info"][entry], updated.model["model_info"][entry]) == (first, second)
    unset = {"unset": [f"model_info.{entry}"]}
    if entry in ("max_tokens", "supports_vision", "mode"):
        assert f"LiteLLM itself adds {entry} to model_info." in model(**unset).msg
        return
    assert f"cannot remove model_info.{entry} from a model." in model(**unset).msg
    as_declared(model, sandbox, 2, litellm_params=BASE, model_info={"mode": "chat"}, **unset, recreate=True)
    assert entry not in stored(sandbox, model.keywords["model_id"])["model_info"]


@pytest.mark.parametrize("provider_model", ["openai/gpt-4o", "openai/gpt-4o-mini", "openai/gpt-4.1", "openai/gpt-5"])
def test_what_litellm_adds_is_neither_lost_nor_removed(sandbox, model, provider_model: str) -> None:
    params = {"model": provider_model, "mock_response": "Hello"}
    as_declared(model, sandbox, 1, litellm_params=params, model_info={"note": "mine", "mode": "chat"})
    added = model(litellm_params=params).model["model_info"].keys() - {"note"}
    with sandbox.writes() as writes:
        refused = model(litellm_params=params, unset=[f"model_info.{entry}" for entry in added], recreate=True)
    assert f"LiteLLM itself adds {', '.join(sorted(added))} to model_info." in refused.msg
    assert writes == []
    again = {"model_info": {"mode": "chat"}, "unset": ["model_info.note"], "recreate": True}
    as_declared(model, sandbox, 2, litellm_params=params, **again)
    assert "note" not in stored(sandbox, model.keywords["model_id"])["model_info"]


def test_a_model_that_is_created_again_stays_in_its_access_groups(sandbox, model, run_module, name) -> None:
    """LiteLLM takes the name of a deleted model out of them."""
    as_declared(model, sandbox, 1, litellm_params=BASE, model_info={"note": "mine", "mode": "chat"})
    for group, models in ((f"{name}-with", ["gpt-4", f"{name}-model"]), (f"{name}-without", ["gpt-4"])):
        assert run_module("litellm_access_group", access_group_name=group, access_model_names=models).changed
    try:
        whole = {"litellm_params": BASE, "model_info": {"mode": "chat"}}
        removed = model(**whole, unset=["model_info.note"], recreate=True)
        assert (removed.action, removed.failed) == ("update", False)
        held = {
            group: run_module("litellm_access_group_info", access_group_name=group).access_groups[0]
            for group in (f"{name}-with", f"{name}-without")
        }
        assert [set(one["access_model_names"]) for one in held.values()] == [{"gpt-4", f"{name}-model"}, {"gpt-4"}]
    finally:
        for group in (f"{name}-with", f"{name}-without"):
            assert run_module("litellm_access_group", access_group_name=group, state="absent").changed


def test_a_name_and_a_block(sandbox, model, name) -> None:
    if sandbox.litellm_version.startswith("1.98."):
        pytest.skip("LiteLLM 1.98 serves a model by its old name until it restarts")
    as_declared(model, sandbox, 1, litellm_params=BASE)
    as_declared(partial(model, model_name=f"{name}-other"), sandbox, 1)
    assert stored(sandbox, model.keywords["model_id"])["model_name"] == f"{name}-other"
    model = partial(model, model_name=f"{name}-other")
    if too_old(sandbox, "1.90.0"):
        assert "does not know blocked (since 1.90.0)" in model(blocked=True).msg
        return
    assert as_declared(model, sandbox, 1, blocked=True).model["blocked"] is True
    assert as_declared(model, sandbox, 1, blocked=False).model["blocked"] is False
    # Older versions take it only of a model that exists.
    assert not model(state="absent").failed
    as_declared(model, sandbox, 2 if too_old(sandbox, "1.106.0") else 1, litellm_params=BASE, blocked=True)


def test_true_stays_true(sandbox, model) -> None:
    """A PATCH of parameters resets these, unless it says null."""
    true = {"use_in_pass_through": True, "use_litellm_proxy": True, "merge_reasoning_content_in_choices": True}
    as_declared(model, sandbox, 1, litellm_params={**BASE, **true})
    as_declared(model, sandbox, 1, litellm_params={"rpm": 3})
    row = stored(sandbox, model.keywords["model_id"])["litellm_params"]
    assert {entry: row[entry] for entry in true} == true


def test_all_at_once(sandbox, model, name) -> None:
    params = {entry: values for entry, values in PARAMS.items() if entry != "litellm_credential_name"}
    first, second = ({entry: values[n] for entry, values in params.items()} for n in (0, 1))
    as_declared(
        model, sandbox, 1, litellm_params=first, model_info={entry: values[0] for entry, values in INFO.items()}
    )
    row = stored(sandbox, model.keywords["model_id"])
    as_declared(
        model, sandbox, 1, litellm_params=second, model_info={entry: values[1] for entry, values in INFO.items()}
    )
    after = stored(sandbox, model.keywords["model_id"])
    assert (after["created_at"], after["model_info"]["id"]) == (row["created_at"], row["model_info"]["id"])
    own = after["model_info"]["litemaas_virtual_keys"]["fingerprints"]
    assert set(own) >= {"api_key", "client_secret", "custom_token"}


def test_templates_make_text_of_numbers(sandbox, model) -> None:
    text = {"rpm": "5", "timeout": "1.5", "use_in_pass_through": "true", "input_cost_per_token": "0.0000001"}
    as_declared(model, sandbox, 1, litellm_params={**BASE, **text})
    assert model(litellm_params={"rpm": 5, "timeout": 1.5}).changed is False


def test_a_weight_that_arrives_as_text_serves(sandbox, model, name) -> None:
    """LiteLLM stores the text and answers each call of the model with "Deployment weight must be numeric"."""

    def answers() -> set[int]:
        body = {"model": f"{name}-model", "messages": [{"role": "user", "content": "Hi"}]}
        return {sandbox.call("POST", "/v1/chat/completions", body).status_code for _call in range(2)}

    other = {"model_id": f"{name}-other", "litellm_params": {**BASE, "weight": "1"}}
    as_declared(model, sandbox, 1, litellm_params={**BASE, "weight": "3"})
    as_declared(model, sandbox, 1, **other)
    assert answers() == {200}
    for model_id in (model.keywords["model_id"], other["model_id"]):
        path = f"/model/{model_id}/update"
        sandbox.call("PATCH", path, {"litellm_params": {"weight": "3"}}).raise_for_status()
    as_declared(model, sandbox, 1, litellm_params={"weight": 3})
    as_declared(model, sandbox, 1, model_id=other["model_id"], litellm_params={"weight": "3"})
    assert answers() == {200}
    assert model(litellm_params={"weight": 3}).changed is False


@pytest.mark.parametrize("entry", ["custom_token", "api_key"])
def test_a_secret_that_somebody_else_changed_is_written_again(sandbox, model, entry: str) -> None:
    """LiteLLM shows a mask of the one with the model, and of the other elsewhere."""
    declared = {**BASE, entry: FIRST}
    as_declared(model, sandbox, 1, litellm_params=declared)
    path = f"/model/{model.keywords['model_id']}/update"
    sandbox.call("PATCH", path, {"litellm_params": {entry: "another-token"}}).raise_for_status()
    as_declared(model, sandbox, 1, litellm_params=declared)


def test_nobody_can_guess_a_secret_by_what_every_key_sees(sandbox, model, name) -> None:
    """Everybody with a key sees model_info, and with a fingerprint in it they could try values."""
    weak = model(litellm_params={**BASE, "api_key": "hunter2", "custom_token": FIRST})
    assert "litellm_params: api_key can be guessed" in weak.output
    assert model(litellm_params={**BASE, "api_key": "hunter2", "custom_token": FIRST}).changed is False
    key = sandbox.call("POST", "/key/generate", {"duration": "5m"}).json()["key"]
    (seen,) = [
        row["model_info"]
        for row in sandbox.call("GET", "/model/info", key=key).json()["data"]
        if row["model_info"]["id"] == model.keywords["model_id"]
    ]
    assert seen["litemaas_virtual_keys"]["fingerprints"]["api_key"] == "guessable"
    # One of an earlier version is removed.
    path = f"/model/{model.keywords['model_id']}/update"
    old = {"fingerprints": {"api_key": f"{'0' * 32}:{'0' * 64}"}}
    info = {"id": model.keywords["model_id"], "litemaas_virtual_keys": old}
    sandbox.call("PATCH", path, {"model_info": info}).raise_for_status()
    as_declared(model, sandbox, 1, litellm_params={**BASE, "api_key": "hunter2"})
    assert stored(sandbox, model.keywords["model_id"])["model_info"]["litemaas_virtual_keys"]["fingerprints"] == {
        "api_key": "guessable"
    }


def test_adopting_a_model(sandbox, model, name) -> None:
    """What somebody else made is compared where LiteLLM shows it; its secrets are written once."""
    model_id = model.keywords["model_id"]
    body = {
        "model_name": f"{name}-model",
        "litellm_params": {**BASE, "api_key": "sk-of-somebody-else", "rpm": 3},
        "model_info": {"id": model_id},
    }
    sandbox.call("POST", "/model/new", body).raise_for_status()
    assert model(litellm_params={**BASE, "rpm": 3}).changed is False
    sandbox.call("PATCH", f"/model/{model_id}/update", {"model_info": {"id": model_id, "note": "x"}}).raise_for_status()
    unset = ["litellm_params.rpm", "model_info.note"]
    lost = model(litellm_params=BASE, model_info={"mode": "chat"}, unset=unset, recreate=True)
    assert "would lose values that are not set: litellm_params.api_key." in lost.msg
    as_declared(model, sandbox, 1, litellm_params={**BASE, "api_key": "sk-of-somebody-else"})


def test_the_secret_of_a_model_that_somebody_else_made(sandbox, run_module, model, name) -> None:
    """LiteLLM leaves it out of the model. It is there all the same, and used in the place of a credential."""
    model_id = model.keywords["model_id"]
    body = {
        "model_name": f"{name}-model",
        "litellm_params": {**BASE, "api_key": "sk-of-somebody-else"},
        "model_info": {"id": model_id},
    }
    sandbox.call("POST", "/model/new", body).raise_for_status()

    def secrets() -> dict[str, Any]:
        return sandbox.call("GET", f"/credentials/by_model/{model_id}").json()["credential_values"]

    (read,) = run_module("litellm_model_info", model_id=model_id).models
    assert read["litellm_params"]["api_key"] == "********"
    (read,) = run_module("litellm_model_info", model_name=f"{name}-model").models
    assert read["litellm_params"]["api_key"] == "********"
    planned = model(check=True, litellm_params={"api_key": "sk-a-new-one"})
    told = [planned.diff[side]["litellm_params"]["api_key"] for side in ("before", "after")]
    assert told == ["********", "******** (changed)"]
    credential = f"{name}-credential"
    run_module("litellm_credential", credential_name=credential, credential_values={"api_key": "sk-of-the-credential"})
    move = {
        "litellm_params": {**BASE, "litellm_credential_name": credential},
        "model_info": {"mode": "chat"},
        "unset": ["litellm_params.api_key"],
    }
    planned = model(check=True, **move)
    assert planned.failed or planned.diff["before"]["litellm_params"]["api_key"] == "********"
    done = model(**move, recreate=True)
    assert not done.failed, done.msg
    assert (done.changed, secrets()) == (True, {})
    with sandbox.writes() as writes:
        assert model(**move, recreate=True).changed is False
    assert writes == []


def test_of_a_model_that_is_not_served_nobody_can_tell(sandbox, model) -> None:
    as_declared(model, sandbox, 1, litellm_params={**BASE, "api_key": "sk-secret-of-a-model"})
    if too_old(sandbox, "1.90.0"):
        return
    assert model(blocked=True).changed
    refused(
        model,
        sandbox,
        "nobody can tell whether it has litellm_params.client_secret",
        unset=["litellm_params.client_secret"],
    )


def test_recreating_loses_nothing(sandbox, model) -> None:
    info = {"mode": "completion", "my_own": "entry", "note": "x"}
    params = {**BASE, "api_key": FIRST, "rpm": 3, "custom_token": SECOND}
    params["drop_params"] = False
    as_declared(model, sandbox, 1, litellm_params=params, model_info=info)
    assert "cannot remove model_info.note" in model(unset=["model_info.note"]).msg
    unset = ["litellm_params.rpm", "model_info.note"]
    with sandbox.writes() as writes:
        refused = model(litellm_params={"model": BASE["model"]}, unset=unset, recreate=True)
    assert writes == []
    for entry in ("litellm_params.mock_response", "litellm_params.api_key", "litellm_params.custom_token"):
        assert entry in refused.msg
    assert "model_info.mode, model_info.my_own" in refused.msg
    del params["rpm"], info["note"]
    with sandbox.writes() as writes:
        done = model(litellm_params=params, model_info=info, unset=unset, recreate=True)
    assert [path for _method, path, _status in writes] == ["/model/delete", "/model/new"]
    assert (done.action, "rpm" in done.model["litellm_params"]) == ("update", False)
    assert model(litellm_params=params, model_info=info).changed is False


def test_several_deployments_have_one_name(sandbox, run_module, name) -> None:
    for number in (1, 2):
        done = run_module(
            "litellm_model", model_id=f"{name}-{number}", model_name=name, litellm_params={**BASE, "rpm": number}
        )
        assert done.action == "create"
    found = run_module("litellm_model_info", model_name=name).models
    assert [(one["model_id"], one["litellm_params"]["rpm"]) for one in found] == [(f"{name}-1", 1), (f"{name}-2", 2)]
    assert run_module("litellm_model", model_id=f"{name}-1", state="absent").action == "delete"
    assert [one["model_id"] for one in run_module("litellm_model_info", model_name=name).models] == [f"{name}-2"]
    assert run_module("litellm_model_info", model_id=f"{name}-1").models == []


def test_deleting(sandbox, run_module, model) -> None:
    model(litellm_params=BASE)
    model_id = model.keywords["model_id"]
    absent = partial(run_module, "litellm_model", model_id=model_id, state="absent")
    with sandbox.writes() as writes:
        assert absent(check=True).action == "delete"
    assert writes == []
    with sandbox.writes() as writes:
        assert absent().action == "delete"
        assert absent().changed is False
    assert [path for _method, path, _status in writes] == ["/model/delete"]
    assert sandbox.rows(f"SELECT 1 FROM {TABLE} WHERE model_id = %s", model_id) == []


def test_a_model_of_the_configuration_is_not_ours(sandbox, run_module) -> None:
    known = next(one for one in run_module("litellm_model_info", model_name="gpt-4").models if not one["db_model"])
    same = {"model_id": known["model_id"], "litellm_params": {"model": known["litellm_params"]["model"]}}
    assert run_module("litellm_model", **same).changed is False
    with sandbox.writes() as writes:
        for options in ({"litellm_params": {"rpm": 1}}, {"state": "absent"}):
            refused = run_module("litellm_model", model_id=known["model_id"], **options)
            assert refused.msg.endswith("it is defined in the configuration file of the proxy. Change it there.")
    assert writes == []


def test_saved_but_not_live(sandbox, model) -> None:
    """LiteLLM answers 500 to what it has stored. The next run sees it, and repairs or deletes it."""
    broken = {"litellm_params": {"model": "no-such-provider-at-all"}}
    done = model(**broken)
    assert (done.failed, done.action) == (False, "create")
    if not too_old(sandbox, "1.98.0"):
        assert "LiteLLM stored the model, but cannot serve it." in done.output
    assert model(**broken).changed is False
    as_declared(model, sandbox, 1, litellm_params={"model": BASE["model"]})
    model(state="absent")
    model(**broken)
    assert model(state="absent").action == "delete"


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"litellm_params": {"rpm": 1}}, "To create it, set model_name, and model in litellm_params."),
        ({"litellm_params": {**BASE, "api_key": ""}}, "litellm_params: api_key has no value."),
        ({"litellm_params": {**BASE, "api_base": None}}, "litellm_params: api_base has no value."),
        ({"litellm_params": {**BASE, "api_key": "sk-a****bcde"}}, "litellm_params: api_key is a mask"),
        ({"litellm_params": {**BASE, "provider_affinity_header": "x"}}, "cannot change or delete a model with"),
        ({"litellm_params": {**BASE, "litellm_credential_name": "none"}}, "the proxy has no credential 'none'."),
        ({"litellm_params": BASE, "model_info": {"id": "other"}}, "use the option model_id to set id."),
        ({"litellm_params": BASE, "model_info": {"blocked": True}}, "use the option blocked to set blocked."),
        (
            {"litellm_params": BASE, "model_info": {"input_cost_per_token": 1}},
            "set input_cost_per_token in litellm_par",
        ),
        ({"litellm_params": BASE, "model_info": {"litemaas_virtual_keys": 1}}, "is reserved for this collection."),
        ({"litellm_params": BASE, "model_info": {"team_id": "t"}}, "team_id requires a LiteLLM Enterprise license"),
        ({"unset": ["api_base"]}, "unset: api_base is not an entry that can be removed"),
        ({"unset": ["litellm_params.model"]}, "unset: litellm_params.model is not an entry that can be removed"),
        (
            {"litellm_params": BASE, "unset": ["litellm_params.mock_response"]},
            "cannot be both set and listed in unset.",
        ),
    ],
)
def test_wrong_input_writes_nothing(sandbox, model, options: dict[str, Any], sentence: str) -> None:
    for state in ("new", "there"):
        if state == "there":
            model(litellm_params=BASE)
        if state == "there" and "To create" in sentence:
            continue
        with sandbox.writes() as writes:
            result = model(**options)
        assert (result.failed, writes) == (True, [])
        assert sentence in result.msg


def test_an_id_that_no_request_could_name(run_module) -> None:
    assert "model_id: must not contain a slash" in run_module("litellm_model", model_id="a/b", model_name="a").msg


def test_a_chat_through_what_a_play_declared(sandbox, play, name, alias, tmp_path, run_module) -> None:
    """Credential, model and key from one play; no secret in its output, and nothing to do the second time."""
    secret = {"api_key": f"provider-{secrets.token_hex(12)}", "custom_token": f"token-{secrets.token_hex(12)}"}
    tasks = [
        {
            "litemaas.virtual_keys.litellm_credential": {
                "name": f"{name}-credential",
                "credential_values": {"api_key": secret["api_key"]},
            }
        },
        {
            "litemaas.virtual_keys.litellm_model": {
                "model_id": f"{name}-id",
                "model_name": f"{name}-model",
                "litellm_params": {
                    **BASE,
                    "litellm_credential_name": f"{name}-credential",
                    "custom_token": secret["custom_token"],
                },
            }
        },
        {
            "litemaas.virtual_keys.litellm_key": {
                "key_alias": f"{alias}-key",
                "models": [f"{name}-model"],
                "key": f"sk-{alias}-{'x' * 20}",
            },
            "no_log": True,
        },
    ]
    file = tmp_path / "play.yml"
    file.write_text(yaml.safe_dump([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]))
    done = play(str(file), secret=tuple(secret.values()))
    assert (done.rc, done.changed) == (0, 3), done.messages
    again = play(str(file), secret=tuple(secret.values()))
    assert (again.rc, again.changed) == (0, 0), again.messages
    body = {"model": f"{name}-model", "messages": [{"role": "user", "content": "hello"}]}
    answer = sandbox.call("POST", "/v1/chat/completions", body, key=f"sk-{alias}-{'x' * 20}")
    assert answer.json()["choices"][0]["message"]["content"] == "Hello"
    # Rotated, as a module of its own: neither the diff nor a failure shows what it was or is.
    tasks[1]["environment"] = {"A": "b"}
    tasks[1]["litemaas.virtual_keys.litellm_model"]["litellm_params"]["custom_token"] = f"{secret['custom_token']}-new"
    file.write_text(yaml.safe_dump([{"hosts": "localhost", "gather_facts": False, "tasks": tasks[1:2]}]))
    rotated = play(str(file), secret=tuple(secret.values()))
    assert (rotated.rc, rotated.changed) == (0, 1), rotated.messages
    assert "******** (changed)" in rotated.output
    tasks[1]["litemaas.virtual_keys.litellm_model"]["model_info"] = {"blocked": True}
    file.write_text(yaml.safe_dump([{"hosts": "localhost", "gather_facts": False, "tasks": tasks[1:2]}]))
    assert play(str(file), secret=tuple(secret.values())).rc == 2
