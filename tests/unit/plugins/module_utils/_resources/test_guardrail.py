# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is sent of a guardrail, what is kept of it, and what is refused."""

from __future__ import annotations

import re
from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._batch import converge
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._engine import Outcome
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._errors import InputError
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._fingerprints import OWN_ENTRY, own_entry
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._proxy import Proxy
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._guardrail import CONFIGURED, Guardrail
from ansible_collections.litemaas.virtual_keys.tests.unit.fake_credentials import mask

API = {"guardrail": "generic_guardrail_api", "mode": "pre_call", "api_base": "http://127.0.0.1:9/a"}
# Random, as what issuers choose, and with the same mask.
FIRST, SECOND = "sk-14Gv8Rk2Wp9Xt5Bn7Jq3Lz6M0h07", "sk-17Tb3Nf6Yc9Dw2Hs8Pm5Kx4V0h07"


class Guardrails:
    """A proxy with guardrails, which shows masks of secrets and all parameters of any provider."""

    def __init__(self) -> None:
        self.facts: dict[str, Any] = {"version": "1.110.2", "licensed": False}
        self.last_read: dict[Any, Any] = {}
        self.rows: dict[str, dict[str, Any]] = {}
        self.sent: list[tuple[str, str, Any]] = []
        self.keys: list[dict[str, Any]] = []
        self.teams: list[dict[str, Any]] = []
        self.models: list[dict[str, Any]] = []
        self.policies: list[dict[str, Any]] = []
        self.endpoints: list[dict[str, Any]] = []

    def put(self, name: str = "g", location: str = "db", info: Any = None, **params: Any) -> dict[str, Any]:
        row = {"guardrail_id": f"id-{len(self.rows)}", "guardrail_name": name, "guardrail_info": info}
        row |= {"litellm_params": {**API, **params}, "guardrail_definition_location": location}
        self.rows[row["guardrail_id"]] = row
        return row

    def get(self, path: str, params: Any = None) -> Any:
        if path == "/v2/guardrails/list":
            return {"guardrails": [self._shown(row) for row in self.rows.values()]}
        if path == "/policies/list":
            return {"policies": self.policies}
        if path == "/config/pass_through_endpoint":
            return {"endpoints": self.endpoints}
        entries, rows = {
            "/key/list": ("keys", self.keys),
            "/v2/team/list": ("teams", self.teams),
            "/v2/model/info": ("data", self.models),
        }[path]
        return {entries: rows, "total_count": len(rows), "total_pages": 1}

    def _shown(self, row: dict[str, Any]) -> dict[str, Any]:
        params = {"default_on": False, "presidio_language": None, **row["litellm_params"]}
        return {**row, "litellm_params": {name: mask(name, value) for name, value in params.items()}}

    def send(self, path: str, body: Any = None, method: str = "POST", idempotent: bool = False) -> Any:
        self.sent.append((method, path, body))
        if (method, path) == ("POST", "/guardrails"):
            made = body["guardrail"]
            return self.put(made["guardrail_name"], info=made["guardrail_info"], **made["litellm_params"])
        (id_,) = re.fullmatch(r"/guardrails/([^/]+)", path).groups()  # type: ignore[union-attr]
        if method == "DELETE":
            return self.rows.pop(id_)
        assert method == "PATCH"
        row = self.rows[id_]
        merged = {**row["litellm_params"], **body.get("litellm_params", {})}
        row["litellm_params"] = {name: value for name, value in merged.items() if value is not None}
        row["guardrail_info"] = body.get("guardrail_info", row["guardrail_info"])
        return row


def declared(proxy: Guardrails, state: str = "present", **options: Any) -> Outcome:
    want = Guardrail().declare({"guardrail_name": "g", **options}, state)
    (outcome,) = converge(Guardrail().store(proxy, {}), [want])  # type: ignore[arg-type]
    return outcome


def made(proxy: Guardrails, **options: Any) -> Any:
    """Make the guardrail as declared, in one request, which takes none a second time; its body."""
    assert declared(proxy, **options).error is None
    ((_method, _path, body),) = proxy.sent
    proxy.sent.clear()
    assert declared(proxy, **options).action == "none"
    assert proxy.sent == []
    return body


def refusal(proxy: Guardrails, state: str = "present", **options: Any) -> str:
    """Why a guardrail is refused, before the first write."""
    with pytest.raises(InputError) as refused:
        declared(proxy, state, **options)
    assert proxy.sent == []
    return str(refused.value)


def test_a_guardrail_is_created_with_the_fingerprints_of_its_secrets() -> None:
    proxy = Guardrails()
    body = made(proxy, litellm_params={**API, "api_key": FIRST, "timeout": "1.5"}, guardrail_info={"note": 1})
    info = body["guardrail"].pop("guardrail_info")
    assert body == {"guardrail": {"guardrail_name": "g", "litellm_params": {**API, "api_key": FIRST, "timeout": 1.5}}}
    assert info["note"] == 1
    assert {*info[OWN_ENTRY]["fingerprints"]} == {"api_key"}
    assert FIRST not in str(info)


def test_only_what_differs_is_sent() -> None:
    proxy = Guardrails()
    proxy.put(timeout=1.0, extra_headers=["a"])
    assert made(proxy, litellm_params={"timeout": 2, "extra_headers": ["a"]}) == {"litellm_params": {"timeout": 2}}
    assert made(proxy, guardrail_info={"a": 1}) == {"guardrail_info": {"a": 1}}
    assert made(proxy, guardrail_info={"b": 2}) == {"guardrail_info": {"a": 1, "b": 2}}


def test_a_secret_with_the_same_mask_is_another_one() -> None:
    proxy = Guardrails()
    made(proxy, litellm_params={**API, "api_key": FIRST}, guardrail_info={"note": 1})
    before = proxy.rows["id-0"]["guardrail_info"][OWN_ENTRY]
    body = made(proxy, litellm_params={"api_key": SECOND})
    assert body["litellm_params"] == {"api_key": SECOND}
    assert body["guardrail_info"]["note"] == 1
    assert body["guardrail_info"][OWN_ENTRY] != before


def test_other_writes_keep_the_fingerprints() -> None:
    proxy = Guardrails()
    made(proxy, litellm_params={**API, "api_key": FIRST})
    own = proxy.rows["id-0"]["guardrail_info"]
    assert made(proxy, litellm_params={"timeout": 1}) == {"litellm_params": {"timeout": 1}}
    assert made(proxy, guardrail_info={"a": 1}) == {"guardrail_info": {"a": 1, **own}}
    assert made(proxy, litellm_params={"api_key": FIRST, "timeout": 2}) == {"litellm_params": {"timeout": 2}}


def test_entries_are_removed_by_their_names() -> None:
    proxy = Guardrails()
    made(proxy, litellm_params={**API, "api_key": FIRST, "timeout": 1, "default_on": True}, guardrail_info={"a": 1})
    unset = ["litellm_params.timeout", "litellm_params.default_on", "litellm_params.none"]
    assert made(proxy, unset=unset) == {"litellm_params": {"timeout": None, "default_on": False}}
    own = {OWN_ENTRY: proxy.rows["id-0"]["guardrail_info"][OWN_ENTRY]}
    assert made(proxy, unset=["guardrail_info.a"]) == {"guardrail_info": own}
    # The fingerprint of a secret goes with it.
    assert made(proxy, unset=["litellm_params.api_key"]) == {"litellm_params": {"api_key": None}, "guardrail_info": {}}


@pytest.mark.parametrize(
    ("entry", "stored", "same"),
    [
        ("categories", {"category": "c", "enabled": True, "severity_threshold": "medium"}, {"category": "c"}),
        ("checks", {"name": "c", "threshold": 0.7, "action": "block", "note": None}, {"name": "c"}),
        ("blocked_words", {"keyword": "a", "action": "BLOCK", "note": None}, {"keyword": "a", "action": "BLOCK"}),
    ],
)
def test_what_litellm_adds_to_entries_is_no_difference(entry: str, stored: Any, same: Any) -> None:
    proxy = Guardrails()
    proxy.put(**{entry: [stored]})
    assert declared(proxy, litellm_params={entry: [same]}).action == "none"
    assert declared(proxy, litellm_params={entry: [{**same, "enabled": False}]}).action == "update"


def test_null_in_a_mode_by_tags_is_nothing() -> None:
    proxy = Guardrails()
    proxy.put(mode={"tags": {"a": "pre_call"}, "default": None})
    assert declared(proxy, litellm_params={"mode": {"tags": {"a": "pre_call"}}}).action == "none"
    assert Guardrail().normalize({"guardrail_name": "g", "litellm_params": None}) == {
        "guardrail_name": "g",
        "litellm_params": None,
    }


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"litellm_params": {"api_base": ""}}, "litellm_params: api_base has no value."),
        ({"litellm_params": {"api_key": "sk****56"}}, "litellm_params: api_key is a mask as LiteLLM shows it"),
        ({"unset": ["litellm_params.mode"]}, "litellm_params.mode is not an entry that can be removed"),
        ({"unset": ["litellm_params.a"], "litellm_params": {"a": 1}}, "cannot be both set and listed"),
        ({"guardrail_info": {OWN_ENTRY: {}}}, f"the entry {OWN_ENTRY} is reserved for this collection."),
        ({"litellm_params": {"guardrail": "x"}}, "To create it, set guardrail and mode in O(litellm_params)."),
        ({"guardrail_info": {"a": 1}}, "To create it, set guardrail and mode in O(litellm_params)."),
    ],
)
def test_wrong_options(options: dict[str, Any], sentence: str) -> None:
    assert sentence.replace("O(litellm_params)", "litellm_params") in refusal(Guardrails(), **options)


def test_a_guardrail_of_the_configuration_file_is_not_changed() -> None:
    proxy = Guardrails()
    row = proxy.put(location="config", timeout=1)
    assert declared(proxy, litellm_params={"timeout": 1}).action == "none"
    for state, options in (("present", {"litellm_params": {"timeout": 2}}), ("absent", {})):
        assert CONFIGURED in refusal(proxy, state, **options)
    assert Guardrail().undeclarable(row, Proxy(proxy)) == CONFIGURED  # type: ignore[arg-type]


@pytest.mark.parametrize("locations", [("config", "db"), ("db", "config")])
def test_of_two_with_one_name_that_of_the_database_counts(locations: tuple[str, str]) -> None:
    proxy = Guardrails()
    for location in locations:
        proxy.put(location=location, timeout=1)
    (row,) = Guardrail().fetch_rows({}, Proxy(proxy))  # type: ignore[arg-type]
    assert row["guardrail_definition_location"] == "db"
    assert Guardrail().undeclarable(row, Proxy(proxy)) is None  # type: ignore[arg-type]
    assert made(proxy, litellm_params={"timeout": 2}) == {"litellm_params": {"timeout": 2}}


def test_a_secret_that_can_be_guessed_has_no_fingerprint() -> None:
    proxy = Guardrails()
    outcome = declared(proxy, litellm_params={**API, "api_key": "secret"})
    (warning,) = outcome.warnings
    assert "api_key can be guessed, so no fingerprint of it is stored." in warning
    assert proxy.rows["id-0"]["guardrail_info"] == own_entry({"api_key": "guessable"})
    assert declared(proxy, litellm_params={"api_key": "secret"}).action == "none"
    assert declared(proxy, litellm_params={"api_key": "other!"}).action == "update"


def test_secrets_are_not_shown() -> None:
    proxy = Guardrails()
    plan = declared(proxy, litellm_params={**API, "api_key": FIRST}).plan
    assert FIRST not in str(plan.after)
    assert plan.after["litellm_params"] == {**API, "api_key": "********"}
    (read,) = Guardrail().read(proxy, {"guardrail_name": "g"})["guardrails"]  # type: ignore[arg-type]
    assert read["litellm_params"] == {**API, "api_key": "********", "default_on": False}
    assert read["guardrail_info"] == {}


def test_whose_requests_would_be_served_without_the_guardrail() -> None:
    proxy = Guardrails()
    proxy.put(default_on=True)
    named: dict[str, Any] = {"guardrails": ["g"]}
    proxy.keys = [{"token": "k", "key_alias": "k", "metadata": named}, {"token": "l", "metadata": None}]
    proxy.teams = [{"team_id": "t", "metadata": named}, {"team_id": "u", "metadata": {"guardrails": ["h"]}}]
    proxy.models = [
        {"model_name": "m", "litellm_params": params, "model_info": {"id": id_}}
        for id_, params in (("m1", named), ("m2", {}))
    ]
    proxy.policies = [
        {"policy_id": "1", "policy_name": "adds", "guardrails_add": ["g"]},
        {"policy_id": "2", "policy_name": "steps", "pipeline": {"steps": [{"guardrail": "g"}]}},
        {"policy_id": "3", "policy_name": "other", "guardrails_add": ["h"]},
    ]
    proxy.endpoints = [
        {"id": "e", "path": "/e", "guardrails": {"g": None}},
        {"id": "f", "path": "/f", "guardrails": {"h": None}},
        {"id": None, "path": "/h", "guardrails": None},
    ]
    named_by = "1 key (k), 1 team (t), 1 model (m1), 2 policies (adds, steps), 1 pass-through endpoint (e)"
    lost = f"LiteLLM would serve requests without it, although it is named by {named_by}."
    assert f"It checks all requests (default_on). {lost}" in refusal(proxy, "absent")
    outcome = declared(proxy, "absent", force=True)
    assert outcome.action == "delete"
    assert outcome.warnings == ("g: It checks all requests (default_on).", f"g: {lost}")
    assert proxy.rows == {}


def test_what_nobody_names_is_deleted() -> None:
    proxy = Guardrails()
    proxy.put()
    assert declared(proxy, "absent").action == "delete"
    assert proxy.sent == [("DELETE", "/guardrails/id-0", None)]
    assert declared(proxy, "absent").action == "none"
