# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The requests that make a policy as declared, in their order, and how a run goes on where another one ended."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._batch import converge
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._engine import Outcome
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._policy._kind import Policy
from ansible_collections.litemaas.virtual_keys.tests.unit.fake_policies import FakePolicies

STEP = {"guardrail": "g1"}


def declared(proxy: FakePolicies, state: str = "present", check: bool = False, **options: Any) -> Outcome:
    want = Policy().declare({"policy_name": "p", **options}, state)
    (outcome,) = converge(Policy().store(proxy, {}), [want], check=check)  # type: ignore[arg-type]
    return outcome


def made(proxy: FakePolicies, state: str = "present", **options: Any) -> list[str]:
    """Make the policy as declared, which takes nothing a second time; the requests."""
    planned = declared(proxy, state, check=True, **options)
    assert proxy.sent == []
    outcome = declared(proxy, state, **options)
    assert outcome.error is None
    assert outcome.action == planned.action
    requests = proxy.sent
    assert declared(proxy, state, **options).action == "none"
    assert proxy.sent == []
    return requests


def test_a_policy_is_created_before_what_binds_it() -> None:
    proxy = FakePolicies()
    pipeline = {"mode": "pre_call", "steps": [STEP]}
    options: dict[str, Any] = {
        "description": "one",
        "guardrails_add": ["g1"],
        "pipeline": pipeline,
        "attachments": [{"scope": "*"}],
    }
    declared(proxy, **options)
    assert proxy.log == [
        (
            "POST",
            "/policies",
            {
                "policy_name": "p",
                "inherit": "",
                "description": "one",
                "guardrails_add": ["g1"],
                "guardrails_remove": [],
                "condition": {},
                "pipeline": {
                    "mode": "pre_call",
                    "steps": [{**STEP, "on_pass": "allow", "on_fail": "block", "pass_data": False}],
                },
            },
        ),
        ("POST", "/policies/attachments", {"policy_name": "p", "scope": "*"}),
    ]
    proxy.log.clear()
    assert made(proxy, **options) == []


def test_an_update_is_a_new_version_in_production() -> None:
    proxy = FakePolicies()
    old = proxy.put("p", description="one", guardrails_add=["g1"], inherit="base")
    proxy.put("other", description="one")
    assert made(proxy, description="two", unset=["inherit"]) == [
        "POST /policies/name/p/versions",
        "PUT /policies/v3",
        "PUT /policies/v3/status",
        "PUT /policies/v3/status",
        f"DELETE /policies/{old['policy_id']}",
    ]
    assert proxy.states("p") == {"v3": "production"}
    assert [proxy.versions["v3"][name] for name in ("description", "inherit", "guardrails_add")] == ["two", "", ["g1"]]
    assert proxy.versions["v2"]["version_status"] == "production"


def test_old_versions_are_kept_on_demand() -> None:
    proxy = FakePolicies()
    proxy.put("p", description="one")
    requests = made(proxy, description="two", keep_old_versions=True)
    assert [one for one in requests if one.startswith("DELETE")] == []
    assert proxy.states("p") == {"v1": "published", "v2": "production"}
    assert made(proxy, description="two") == ["DELETE /policies/v1"]


@pytest.mark.parametrize(
    ("refused_at", "rest"),
    [
        (
            "PUT /policies/v2$",
            ["PUT /policies/v2", "PUT /policies/v2/status", "PUT /policies/v2/status", "DELETE /policies/v1"],
        ),
        ("PUT .*/status", ["PUT /policies/v2/status", "PUT /policies/v2/status", "DELETE /policies/v1"]),
        ("DELETE", ["DELETE /policies/v1"]),
    ],
)
def test_the_next_run_goes_on_with_the_draft_that_it_finds(refused_at: str, rest: list[str]) -> None:
    proxy = FakePolicies()
    proxy.put("p", description="one")
    proxy.refused_at = refused_at
    assert declared(proxy, description="two").error is not None
    proxy.refused_at = ""
    proxy.log.clear()
    assert made(proxy, description="two") == rest
    assert proxy.states("p") == {"v2": "production"}


def test_a_published_version_goes_straight_into_production() -> None:
    proxy = FakePolicies()
    proxy.put("p", description="one")
    proxy.put("p", "published", description="two")
    assert made(proxy, description="two") == ["PUT /policies/v2/status", "DELETE /policies/v1"]


def test_the_draft_of_somebody_else_stays() -> None:
    proxy = FakePolicies()
    proxy.put("p", description="one")
    proxy.put("p", "draft", description="theirs", parent_version_id="v1")
    made(proxy, description="two")
    assert proxy.states("p") == {"v2": "draft", "v3": "production"}
    assert proxy.versions["v2"]["description"] == "theirs"


def test_drafts_that_nobody_filled_go_with_the_old_versions() -> None:
    proxy = FakePolicies()
    for status in ("production", "draft", "draft"):
        proxy.put("p", status, description="one", parent_version_id="v1" if status == "draft" else None)
    assert made(proxy, description="two")[-2:] == ["DELETE /policies/v1", "DELETE /policies/v3"]
    assert proxy.states("p") == {"v2": "production"}


@pytest.mark.parametrize("statuses", [["production", "production"], ["draft", "published"]])
def test_one_version_is_put_into_production(statuses: list[str]) -> None:
    proxy = FakePolicies()
    for status in statuses:
        proxy.put("p", status, description="one", production_at="2030-01-01T00:00:00Z")
    made(proxy, description="one")
    assert proxy.states("p") == {"v3": "production"}


def test_no_version_is_filled_if_the_new_one_is_not_shown() -> None:
    proxy = FakePolicies()
    proxy.put("p", description="one")
    shown = proxy.get("/policies/list")
    read = proxy.get
    proxy.get = lambda path, params=None: shown if path == "/policies/list" else read(path, params)  # type: ignore
    error = declared(proxy, description="two").error
    assert "accepted the request but did not store description of the policy p." in str(error)
    assert {*proxy.sent} == {"POST /policies/name/p/versions"}


def test_new_attachments_come_before_the_others_go() -> None:
    proxy = FakePolicies()
    proxy.put("p", description="one")
    for tag in ("kept", "gone"):
        proxy.attach("p", tags=[tag])
    wanted = [{"tags": ["kept"]}, {"tags": ["new"]}]
    assert made(proxy, attachments=wanted) == ["POST /policies/attachments", "DELETE /policies/attachments/a3"]
    assert made(proxy, description="two")[0] == "POST /policies/name/p/versions"
    assert [one["tags"] for one in proxy.attachments.values()] == [["kept"], ["new"]]
    assert made(proxy, unset=["attachments"]) == [f"DELETE /policies/attachments/{name}" for name in ("a2", "a4")]


def test_attachments_of_an_earlier_policy_go_before_the_policy_is_created() -> None:
    proxy = FakePolicies()
    proxy.attach("p", scope="*")
    assert made(proxy, attachments=[{"tags": ["t"]}]) == [
        "DELETE /policies/attachments/a1",
        "POST /policies",
        "POST /policies/attachments",
    ]


def test_a_policy_goes_after_its_attachments_and_in_production_last() -> None:
    proxy = FakePolicies()
    proxy.put("p", description="one")
    proxy.put("p", "published", description="older")
    proxy.attach("p", scope="*")
    requests = [f"DELETE /policies/{part}" for part in ("attachments/a3", "v2", "v1")]
    assert made(proxy, "absent") == requests
    assert (proxy.versions, proxy.attachments) == ({}, {})
