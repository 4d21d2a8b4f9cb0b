# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is refused of a policy before anything is written, and what is read of it."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._batch import converge
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._engine import Outcome
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._errors import InputError
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._proxy import Proxy
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._policy._kind import CONFIGURED, Policy
from ansible_collections.litemaas.virtual_keys.tests.unit.fake_policies import FakePolicies


def declared(proxy: FakePolicies, state: str = "present", **options: Any) -> Outcome:
    want = Policy().declare({"policy_name": "p", **options}, state)
    (outcome,) = converge(Policy().store(proxy, {}), [want])  # type: ignore[arg-type]
    return outcome


def refusal(proxy: FakePolicies, state: str = "present", **options: Any) -> str:
    """Why a policy is refused, before the first write."""
    with pytest.raises(InputError) as refused:
        declared(proxy, state, **options)
    assert proxy.sent == []
    return str(refused.value)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"policy_name": "a/b"}, "policy_name: must not contain a slash"),
        ({"inherit": "p"}, "inherit: a policy cannot inherit from itself."),
        ({"pipeline": {"mode": "pre_call", "steps": []}}, "pipeline: steps must not be empty."),
        ({"attachments": [{}]}, "applies to all requests. If this is intended"),
    ],
)
def test_wrong_options(options: dict[str, Any], sentence: str) -> None:
    assert sentence in refusal(FakePolicies(), **options)


def test_a_policy_of_the_configuration_file_is_not_changed() -> None:
    proxy = FakePolicies()
    proxy.put("p", description="one", definition_location="config")
    assert declared(proxy, description="one").action == "none"
    for state, options in (("present", {"description": "two"}), ("absent", {})):
        assert CONFIGURED in refusal(proxy, state, **options)


def test_a_circle_of_policies_is_refused() -> None:
    proxy = FakePolicies()
    proxy.put("p")
    proxy.put("a", inherit="p")
    proxy.put("b", inherit="a")
    assert "inherit: it would inherit from itself, by b, a." in refusal(proxy, inherit="b")
    proxy.versions["v2"]["inherit"] = "b"  # a circle of others is not this one's
    assert declared(proxy, inherit="b").action == "update"


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"guardrails_add": ["g1", "none"]}, "guardrails_add: the proxy has no guardrail 'none'."),
        ({"inherit": "none"}, "inherit: the proxy has no policy 'none'."),
        (
            {"pipeline": {"mode": "pre_call", "steps": [{"guardrail": "g1"}, {"guardrail": "none"}]}},
            "pipeline: the proxy has no guardrail 'none'.",
        ),
        ({"attachments": [{"teams": ["one", "on"]}]}, "attachments: the proxy has no team with the alias 'on'."),
        ({"attachments": [{"keys": ["key", "ke", "x-*"]}]}, "attachments: the proxy has no key with the alias 'ke'."),
        ({"attachments": [{"models": ["gpt-4", "none"]}]}, "attachments: the proxy has no model 'none'."),
    ],
)
def test_what_is_not_there_is_said(options: dict[str, Any], sentence: str) -> None:
    proxy = FakePolicies()
    proxy.teams = [{"team_id": "t", "team_alias": "one"}]
    proxy.keys = [{"token": "k", "key_alias": "key"}]
    found = refusal(proxy, **options)
    assert sentence in found
    assert found.count("the proxy has no") == 1
    assert declared(proxy, **options, validate_references=False).action == "create"


def test_what_is_named_already_is_not_asked_for() -> None:
    proxy = FakePolicies()
    pipeline = {"mode": "pre_call", "steps": [{"guardrail": "gone"}]}
    proxy.put("p", pipeline=pipeline)
    proxy.attach("p", teams=["gone"])
    attachments = [{"teams": ["gone"]}, {"models": ["gpt-4"]}]
    assert declared(proxy, pipeline={**pipeline, "mode": "post_call"}, attachments=attachments).action == "update"


def test_attachments_of_an_earlier_policy_are_said() -> None:
    proxy = FakePolicies()
    proxy.attach("p", teams=["a"])
    proxy.attach("p", scope="*")
    left = "the proxy still has 2 of an earlier policy with this name, which would apply it to teams a; all requests."
    assert left in refusal(proxy, description="one", validate_references=False)
    outcome = declared(proxy, attachments=[])
    assert (outcome.action, outcome.error) == ("update", None)
    assert (proxy.attachments, proxy.states("p")) == ({}, {"v3": "production"})


def test_whose_requests_would_be_served_without_the_policy() -> None:
    proxy = FakePolicies()
    proxy.put("p")
    proxy.put("child", inherit="p")
    proxy.keys = [
        {"token": name, "key_alias": name, "metadata": {"policies": named}} for name, named in (("k", ["p"]), ("l", []))
    ]
    proxy.teams = [{"team_id": "t", "metadata": {"policies": ["p", "q"]}}, {"team_id": "u", "metadata": None}]
    named_by = "1 key (k), 1 team (t), 1 policy (child)"
    lost = f"LiteLLM would serve requests without it, although it is named by {named_by}."
    assert lost in refusal(proxy, "absent")
    outcome = declared(proxy, "absent", force=True)
    assert outcome.action == "delete"
    assert outcome.warnings == (f"p: {lost}",)
    assert proxy.states("p") == {}


def test_what_is_read_of_policies() -> None:
    proxy = FakePolicies()
    proxy.put("p", "published", description="older", production_at="2030-01-01T00:00:00Z")
    proxy.put("p", description="one", condition={"model": None}, guardrails_add=["g1"])
    proxy.put("q", definition_location="config")
    proxy.put("r", "draft")
    proxy.attach("p", tags=["second"], created_at="2")
    proxy.attach("p", tags=["first"], created_at="1")
    proxy.attach("p", scope="*", definition_location="config")
    read = Policy().read(proxy, {"policy_name": None})["policies"]  # type: ignore[arg-type]
    first = read[0]
    assert [one["policy_name"] for one in read] == ["p", "q", "r"]
    assert (first["policy_id"], first["version_number"], first["description"]) == ("v2", 2, "one")
    assert first["attachments"] == [{"tags": ["first"]}, {"tags": ["second"]}]
    assert [one["keep_old_versions"] for one in read] == [True, False, None]


def test_a_condition_without_a_model_is_none() -> None:
    proxy = FakePolicies()
    proxy.put("p", condition={"model": None})
    assert declared(proxy, unset=["condition"]).action == "none"
    assert declared(proxy, condition={"model": "gpt-4"}).action == "update"


def test_which_policies_can_be_declared() -> None:
    proxy = FakePolicies()
    proxy.put("p")
    proxy.put("q", definition_location="config")
    proxy.put("r", "draft")
    rows = Policy().fetch_rows({}, Proxy(proxy))  # type: ignore[arg-type]
    reasons = {row["policy_name"]: Policy().undeclarable(row, Proxy(proxy)) for row in rows}  # type: ignore[arg-type]
    assert reasons == {"p": None, "q": CONFIGURED, "r": "no version of it is in production."}
    assert Policy().intended.id == "policy_id"
