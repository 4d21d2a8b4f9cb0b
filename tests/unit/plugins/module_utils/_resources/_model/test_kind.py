# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the writes of a model carry, and what is known of its secrets afterwards."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.module_utils import _fingerprints
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._batch import converge
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._engine import Outcome
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._errors import ApiError, InputError
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._fingerprints import fingerprint, matches
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._model._checks import check_options
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._model._kind import Model
from ansible_collections.litemaas.virtual_keys.tests.unit.fake_models import FakeModels

KEPT_TRUE = dict.fromkeys(
    (
        "use_in_pass_through",
        "use_litellm_proxy",
        "merge_reasoning_content_in_choices",
        "use_xai_oauth",
        "allow_client_keepalive_override",
    )
)
# Random, as what issuers choose.
ONE, TWO, TOKEN = "sk-4Gv8Rk2Wp9Xt5Bn7Jq3Lz6Mh07", "sk-7Tb3Nf6Yc9Dw2Hs8Pm5Kx4Vg07", "sk-5Zj8Qr3Uf6Ls9Ew2Ya7Ck4Tn99"
PARAMS = {"model": "openai/gpt-4o", "api_key": ONE, "custom_token": TOKEN, "rpm": 5}
WHOLE = {"litellm_params": PARAMS, "model_info": {"mode": "chat"}}


@pytest.fixture(autouse=True)
def _cheap_fingerprints(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_fingerprints, "ROUNDS", 1)


def declared(proxy: FakeModels, state: str = "present", **options: Any) -> Outcome:
    want = Model().declare({"model_id": "m", "model_name": "m", **options}, state)
    (outcome,) = converge(Model().store(proxy, {}), [want])
    return outcome


def proxy_with(**params: Any) -> FakeModels:
    proxy = FakeModels()
    declared(proxy, litellm_params={**PARAMS, **params}, model_info={"mode": "chat"})
    proxy.sent.clear()
    return proxy


def test_a_secret_is_kept_as_a_fingerprint_only() -> None:
    proxy = proxy_with()
    assert set(proxy.models["m"]["model_info"]["litemaas_virtual_keys"]["fingerprints"]) == {"api_key", "custom_token"}
    assert ONE not in json.dumps(proxy.models["m"]["model_info"])
    assert declared(proxy, litellm_params=PARAMS).action == "none"
    assert proxy.sent == []


def test_of_a_secret_that_can_be_guessed_no_fingerprint_is_kept() -> None:
    proxy = proxy_with()
    outcome = declared(proxy, litellm_params={"custom_token": "hunter2"})
    kept = proxy.models["m"]["model_info"]["litemaas_virtual_keys"]["fingerprints"]
    assert kept["custom_token"] == "guessable" and matches(kept["api_key"], "api_key", ONE)
    (warning,) = outcome.warnings
    assert "custom_token" in warning and "api_key" not in warning and "hunter2" not in warning
    again = declared(proxy, litellm_params={**PARAMS, "custom_token": "hunter2"})
    assert (again.action, again.warnings) == ("none", ())


def test_a_fingerprint_from_which_a_secret_can_be_guessed_is_removed() -> None:
    """It is of an earlier version. Nothing that can be guessed is compared with it."""
    proxy = proxy_with()
    declared(proxy, litellm_params={"custom_token": "hunter2"})
    kept = proxy.models["m"]["model_info"]["litemaas_virtual_keys"]["fingerprints"]
    kept["custom_token"] = fingerprint("custom_token", TOKEN)
    assert declared(proxy, litellm_params={"custom_token": "hunter2"}).action == "update"
    kept = proxy.models["m"]["model_info"]["litemaas_virtual_keys"]["fingerprints"]
    assert kept["custom_token"] == "guessable"
    assert declared(proxy, litellm_params={"custom_token": "hunter2"}).action == "none"


@pytest.mark.parametrize(
    ("options", "params"),
    [
        ({"litellm_params": {"rpm": 6}}, {"rpm": 6}),
        ({"litellm_params": {"api_key": TWO, "rpm": 5}}, {"api_key": TWO}),
        ({"litellm_params": {"custom_token": TOKEN.swapcase()}}, {"custom_token": TOKEN.swapcase()}),
        ({"litellm_params": {"use_in_pass_through": True}}, {"use_in_pass_through": True}),
    ],
)
def test_a_write_has_what_differs_and_leaves_true_as_it_is(options: dict[str, Any], params: dict[str, Any]) -> None:
    proxy = proxy_with()
    assert declared(proxy, **options).action == "update"
    ((method, path, body),) = proxy.sent
    assert (method, path, body["litellm_params"]) == ("PATCH", "/model/m/update", {**KEPT_TRUE, **params})
    assert declared(proxy, litellm_params={**PARAMS, **options["litellm_params"]}).action == "none"


def test_a_write_of_information_leaves_the_parameters_alone_and_names_the_id() -> None:
    proxy = proxy_with()
    info = {"area": "Berlin", "mode": "completion"}
    declared(proxy, model_info=info)
    assert [body for _method, _path, body in proxy.sent] == [{"model_info": {"id": "m", **info}}]


def test_what_litellm_adds_is_no_difference() -> None:
    proxy = proxy_with()
    assert declared(proxy, model_info={"max_tokens": 16384, "mode": "chat"}).action == "none"


def test_no_diff_and_no_result_has_a_secret() -> None:
    proxy = proxy_with()
    outcome = declared(proxy, litellm_params={**PARAMS, "api_key": TWO, "client_secret": "cs-three"})
    before, after = (part["litellm_params"] for part in (outcome.plan.before, outcome.plan.after))
    assert (before["api_key"], after["api_key"]) == ("********", "******** (changed)")
    assert (before["custom_token"], after["custom_token"]) == ("********", "********")
    assert ("client_secret" in before, after["client_secret"]) == (False, "********")
    shown = json.dumps(
        [Model().public(outcome.record or {}), Model().read(proxy, {"model_id": "m", "model_name": None})],
        default=str,
    )
    told = repr(outcome) + repr(outcome.plan) + shown + json.dumps(outcome.plan.diff)
    for secret in (ONE, TWO, "cs-three", TOKEN, "litemaas_virtual_keys"):
        assert secret not in told


def test_null_removes_few_parameters_and_only_of_newer_versions() -> None:
    proxy = proxy_with(input_cost_per_token=1.0)
    assert declared(proxy, unset=["litellm_params.input_cost_per_token"]).action == "update"
    assert proxy.sent[0][2]["litellm_params"] == {**KEPT_TRUE, "input_cost_per_token": None}
    older = proxy_with(litellm_credential_name="known")
    older.version = "1.98.1"
    older.facts.clear()
    with pytest.raises(InputError, match=r"LiteLLM 1\.98\.1 cannot remove litellm_params\.litellm_credential_name"):
        declared(older, unset=["litellm_params.litellm_credential_name"])


def test_what_is_created_again_has_all_of_it() -> None:
    proxy = proxy_with()
    proxy.models["m"]["litellm_params"]["client_secret"] = "somebody else's"
    proxy.models["m"]["model_info"]["note"] = "somebody else's"
    options = {"unset": ["litellm_params.rpm"], "recreate": True}
    params = {name: value for name, value in PARAMS.items() if name != "rpm"}
    with pytest.raises(
        InputError,
        match=r"values that are not set: litellm_params.client_secret, model_info.mode, model_info.note\.",
    ):
        declared(proxy, litellm_params=params, **options)
    assert proxy.sent == []
    whole = {**params, "client_secret": "ours"}
    outcome = declared(proxy, litellm_params=whole, model_info={"mode": "chat", "note": "ours"}, **options)
    assert (outcome.action, outcome.error) == ("update", None)
    assert [path for _method, path, _body in proxy.sent] == ["/model/delete", "/model/new"]
    assert proxy.models["m"]["litellm_params"] == whole


def test_what_litellm_adds_itself_cannot_be_removed_and_is_not_lost() -> None:
    proxy = proxy_with()
    for entry in ("max_tokens", "key", "mode"):
        with pytest.raises(InputError, match=rf"unset: LiteLLM itself adds {entry} to model_info\."):
            declared(proxy, litellm_params=PARAMS, unset=[f"model_info.{entry}"], recreate=True)
    proxy.models["m"]["model_info"] |= {"note": "x", "max_tokens": 100}
    with pytest.raises(InputError, match=r"values that are not set: model_info\.max_tokens, model_info\.mode\."):
        declared(proxy, litellm_params=PARAMS, unset=["model_info.note"], recreate=True)
    assert proxy.sent == []
    info = {"mode": "chat", "max_tokens": 100}
    assert (
        declared(proxy, litellm_params=PARAMS, model_info=info, unset=["model_info.note"], recreate=True).action
        == "update"
    )


def test_what_was_created_anew_is_never_deleted_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is there again, however it came, is reported."""
    proxy = proxy_with()
    proxy.models["m"]["model_info"]["stamp"] = 0
    created = proxy.send

    def stamping(path: str, body: Any = None, method: str = "POST", idempotent: bool = False) -> Any:
        answer = created(path, body, method, idempotent)
        if path == "/model/new":
            proxy.models["m"]["model_info"]["stamp"] = len(proxy.sent)
        return answer

    monkeypatch.setattr(proxy, "send", stamping)
    outcome = declared(
        proxy, litellm_params=PARAMS, model_info={"mode": "chat"}, unset=["model_info.stamp"], recreate=True
    )
    assert [path for _method, path, _body in proxy.sent] == ["/model/delete", "/model/new"]
    assert "did not store model_info" in str(outcome.error)
    assert "m" in proxy.models


def test_who_cannot_create_it_anew_is_told_that_it_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = proxy_with()
    created = proxy.send

    def refusing(path: str, body: Any = None, method: str = "POST", idempotent: bool = False) -> Any:
        if path == "/model/new":
            raise ApiError("no room", 400)
        return created(path, body, method, idempotent)

    monkeypatch.setattr(proxy, "send", refusing)
    proxy.models["m"]["model_info"]["note"] = "x"
    outcome = declared(
        proxy, litellm_params=PARAMS, model_info={"mode": "chat"}, unset=["model_info.note"], recreate=True
    )
    assert outcome.error is not None
    assert str(outcome.error).startswith("no room ")
    assert str(outcome.error).endswith("It was deleted to be created anew, so run the task again.")


def test_a_model_that_is_created_anew_stays_in_its_access_groups() -> None:
    proxy = proxy_with()
    proxy.access_groups = [
        {"access_group_id": "1", "access_model_names": ["m", "other"]},
        {"access_group_id": "2", "access_model_names": ["other"]},
    ]
    proxy.models["m"]["model_info"]["note"] = "x"
    assert declared(proxy, **WHOLE, unset=["model_info.note"], recreate=True).action == "update"
    assert [sorted(group["access_model_names"]) for group in proxy.access_groups] == [["m", "other"], ["other"]]
    assert [method for method, _path, _body in proxy.sent] == ["POST", "POST", "PUT"]


def test_newer_versions_remove_any_parameter() -> None:
    proxy = proxy_with(api_base="x")
    proxy.version = "1.110.2"
    proxy.facts.clear()
    unset = ["litellm_params.rpm", "litellm_params.api_base"]
    assert declared(proxy, litellm_params={"tpm": 3}, unset=unset).action == "update"
    ((method, _path, body),) = proxy.sent
    assert (method, body["litellm_params_to_remove"]) == ("PATCH", ["rpm", "api_base"])
    assert body["litellm_params"] == {**KEPT_TRUE, "tpm": 3}


def test_a_parameter_that_names_a_variable_is_compared_by_fingerprint() -> None:
    """LiteLLM shows what the variable holds, or nothing."""
    proxy = proxy_with(api_base="os.environ/BASE")
    for shown in ("https://resolved.example.com", None):
        proxy.models["m"]["litellm_params"]["api_base"] = shown
        assert declared(proxy, litellm_params={"api_base": "os.environ/BASE"}).action == "none"
    proxy.models["m"]["litellm_params"]["api_base"] = "https://resolved.example.com"
    assert declared(proxy, litellm_params={"api_base": "https://plain.example.com"}).action == "update"
    assert "api_base" not in proxy.models["m"]["model_info"]["litemaas_virtual_keys"]["fingerprints"]


def test_models_of_the_configuration_are_not_ours() -> None:
    proxy = FakeModels()
    proxy.put("m", {"model": "openai/gpt-4o"}, db_model=False)
    for options in ({"litellm_params": {"rpm": 1}}, {"state": "absent"}):
        with pytest.raises(InputError, match="defined in the configuration file of the proxy"):
            declared(proxy, **options)
    assert proxy.sent == []


@pytest.mark.parametrize(
    ("options", "sentences"),
    [
        ({"litellm_params": {"rpm": 5}, "model_info": {"mode": "chat", "id": "m"}}, []),
        ({"unset": ["litellm_params.rpm", "model_info.note"]}, []),
        (
            {"litellm_params": {"rpm": None, "tpm": ""}},
            ["O(litellm_params): rpm, tpm has no value. To remove an entry, list it in O(unset)."],
        ),
        (
            {"litellm_params": {"api_key": "sk-1****abcd"}},
            ["O(litellm_params): api_key is a mask as LiteLLM shows it, not a value."],
        ),
        *(
            (
                {"litellm_params": {name: "10:00"}},
                [f"O(litellm_params): LiteLLM cannot change or delete a model with {name}."],
            )
            for name in ("provider_affinity_header", "daily_reset_time")
        ),
        (
            {"unset": ["rpm", "litellm_params.model", "model_info."]},
            [
                f"O(unset): {name} is not an entry that can be removed, such as O(litellm_params.api_base)."
                for name in ("rpm", "litellm_params.model", "model_info.")
            ],
        ),
        (
            {"litellm_params": {"rpm": 5}, "unset": ["litellm_params.rpm"]},
            ["O(litellm_params.rpm) cannot be both set and listed in O(unset)."],
        ),
        (
            {"unset": ["model_info.mode", "model_info.db_model"]},
            ["O(unset): LiteLLM itself adds db_model to O(model_info)."],
        ),
        (
            {"model_info": {"id": "other", "blocked": True}},
            [
                "O(model_info): use the option O(model_id) to set id.",
                "O(model_info): use the option O(blocked) to set blocked.",
            ],
        ),
        (
            {"model_info": {"db_model": True, "litemaas_virtual_keys": {}, "input_cost_per_token": 1}},
            [
                "O(model_info): db_model is reserved for LiteLLM.",
                "O(model_info): litemaas_virtual_keys is reserved for this collection.",
                "O(model_info): set input_cost_per_token in O(litellm_params) instead.",
            ],
        ),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence_each(options: dict[str, Any], sentences: list[str]) -> None:
    # Options come from JSON, so their texts are other objects than the names in the code.
    given = json.loads(json.dumps({"model_id": "m", **options}))
    assert check_options(given) == sentences
