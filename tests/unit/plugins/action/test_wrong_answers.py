# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever a server answers, a task ends, with a result or one sentence, and shows no secret.

Each run gets all answers as LiteLLM gives them but for one. WRONG_ANSWERS is how many there are in all (2000 is a
thorough run, of some minutes); the same number makes the same ones.
"""

from __future__ import annotations

import json
import os
import sys
import zlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from types import ModuleType
from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.modules import (
    litellm_credential,
    litellm_credential_info,
    litellm_key,
    litellm_key_info,
    litellm_keys,
    litellm_model,
    litellm_model_info,
    litellm_team,
    litellm_team_info,
)
from ansible_collections.litemaas.virtual_keys.tests.unit import fake_litellm
from ansible_collections.litemaas.virtual_keys.tests.unit.fake_credentials import FakeCredentials
from ansible_collections.litemaas.virtual_keys.tests.unit.fake_models import FakeModels
from ansible_collections.litemaas.virtual_keys.tests.unit.fake_teams import FakeTeams
from ansible_collections.litemaas.virtual_keys.tests.unit.wrong_answers import Proxy

Run = Callable[..., dict[str, Any]]
WRONG_ANSWERS = int(os.environ.get("WRONG_ANSWERS", "200"))
UTILS = "ansible_collections.litemaas.virtual_keys.plugins.module_utils."
KEY = "sk-declared-value-0123456789abcdef"
SECRET = "first  line\nof a \"quoted\" 'credential' value } with 0123456789"
TIMEOUT = 1


def keys() -> fake_litellm.FakeLiteLLM:
    fake = fake_litellm.FakeLiteLLM()
    fake.add("a", KEY, models=["gpt-4"], max_budget=5.0, metadata={"course": "x", "tags": ["t"]}, created_at=now())
    for number in range(3):
        fake.add(f"old-{number}", metadata={"course": "x"}, budget_id="budget", expires=now())
    return fake


def credentials() -> FakeCredentials:
    fake = FakeCredentials()
    fake.put("there", {"api_key": SECRET, "region": "eu"}, {"note": "x"})
    return fake


def teams() -> FakeTeams:
    fake = FakeTeams()
    fake.put("there", team_alias="x", models=["gpt-4"], max_budget=5.0, metadata={"a": 1, "model_rpm_limit": {"m": 5}})
    return fake


def models() -> FakeModels:
    fake = FakeModels()
    fake.put("there", {"model": "openai/gpt-4o", "api_key": SECRET, "rpm": 3}, {"mode": "chat"})
    return fake


def now() -> str:
    return datetime.now(UTC).isoformat()


FIELDS = {
    "models": ["gpt-4"],
    "max_budget": 7.5,
    "metadata": {"course": "y"},
    "object_permission": {"mcp_servers": ["m"]},
}
REFERRING = {"team_id": "team", "budget_id": "budget", "models": ["gpt-4", "beta"], "validate_models": True}
TEAM = {"max_budget": 7.5, "metadata": {"b": 2}, "model_tpm_limit": {"m": 9}, "router_settings": {"num_retries": 2}}
MANY = [{"key_alias": "a", **FIELDS}, {"key_alias": "b"}, {"key_alias": "c", "tpm_limit": 5}]
Case = tuple[Callable[[], Any], ModuleType, dict[str, Any]]
CASES: dict[str, Case] = {
    "create": (keys, litellm_key, {"key_alias": "new", "duration": "30d", **FIELDS}),
    "create what refers to others": (keys, litellm_key, {"key_alias": "new", **REFERRING}),
    "update": (keys, litellm_key, {"key_alias": "a", "expires_at": "2031-01-01T00:00:00Z", **FIELDS}),
    "rotate": (keys, litellm_key, {"key_alias": "a", "rotate_after": "30d"}),
    "reissue": (keys, litellm_key, {"key_alias": "a", "key": "sk-another-value-0123456789", "value_policy": "reissue"}),
    "delete": (keys, litellm_key, {"key_alias": "a", "state": "absent"}),
    "many": (keys, litellm_keys, {"virtual_keys": MANY, "concurrency": 1}),
    "prune": (keys, litellm_keys, {"virtual_keys": MANY[:1], "prune_metadata": {"course": "x"}, "prune_limit": 9}),
    "delete many": (keys, litellm_keys, {"virtual_keys": [{"key_alias": "a"}, {"key_alias": "b"}], "state": "absent"}),
    "all keys": (keys, litellm_key_info, {}),
    "some keys": (
        keys,
        litellm_key_info,
        {"key_aliases": ["a", "old-1"], "status": ["active"], "expiring_within": "1d"},
    ),
    "as a key": (keys, litellm_key_info, {"key": KEY}),
    "credentials": (credentials, litellm_credential_info, {}),
    "a credential": (credentials, litellm_credential_info, {"credential_name": "there"}),
    "create a credential": (
        credentials,
        litellm_credential,
        {"credential_name": "new", "credential_values": {"api_key": SECRET}, "credential_info": {"note": "y"}},
    ),
    "update a credential": (
        credentials,
        litellm_credential,
        {"credential_name": "there", "credential_values": {"api_key": SECRET + "x"}, "unset": ["region"]},
    ),
    "create a team": (teams, litellm_team, {"team_id": "new", **TEAM}),
    "update a team": (teams, litellm_team, {"team_id": "there", **TEAM, "team_member_permissions": ["/key/info"]}),
    "a team by its alias": (teams, litellm_team, {"team_alias": "x", "blocked": True}),
    "delete a team": (teams, litellm_team, {"team_id": "there", "state": "absent"}),
    "teams": (teams, litellm_team_info, {}),
    "create a model": (
        models,
        litellm_model,
        {"model_id": "new", "model_name": "m", "litellm_params": {"model": "openai/gpt-4o", "api_key": SECRET}},
    ),
    "update a model": (
        models,
        litellm_model,
        {"model_id": "there", "litellm_params": {"litellm_credential_name": "known", "custom_token": SECRET}},
    ),
    "delete a model": (models, litellm_model, {"model_id": "there", "state": "absent"}),
    "models": (models, litellm_model_info, {}),
    "delete a credential": (credentials, litellm_credential, {"credential_name": "there", "state": "absent"}),
}  # fmt: skip


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """No pauses; and the fake's time is ours."""
    monkeypatch.setattr(fake_litellm, "NOW", datetime.now(UTC))
    for name, module in list(sys.modules.items()):
        if name.startswith(UTILS) and hasattr(module, "PAUSE"):
            monkeypatch.setattr(module, "PAUSE", 0)


@pytest.fixture(scope="module")
def proxy() -> Iterator[Proxy]:
    with Proxy() as proxy:
        yield proxy


@pytest.mark.parametrize("way", ["module", "worker"])
@pytest.mark.parametrize("name", CASES)
def test_a_wrong_answer_is_one_sentence(request: pytest.FixtureRequest, proxy: Proxy, name: str, way: str) -> None:
    make, module, options = CASES[name]
    run: Run = request.getfixturevalue("run" if way == "module" else "run_in_worker")
    proxy.play(make())
    result = run(module, proxy.url, **options)
    assert not result.get("failed"), result["msg"]
    requests = len(proxy.requests)
    for number in range(-(-WRONG_ANSWERS // (2 * len(CASES)))):
        seed = zlib.crc32(f"{name} {number} {way}".encode())
        proxy.play(make(), seed, wrong_at=seed % requests + 1)
        try:
            check(run(module, proxy.url, timeout=TIMEOUT, **options))
        except BaseException as error:
            error.add_note(f"{name}, number {number}: {proxy.way} of {proxy.requests[proxy.wrong_at - 1 :][:1]}")
            raise


def check(result: dict[str, Any]) -> None:
    sentences = [result["msg"]] if result.get("failed") else []
    for part in (result, *(result.get("virtual_keys") or ())):
        if isinstance(part, dict) and part.get("error"):
            sentences.append(part["error"])
    for sentence in sentences:
        assert sentence
        assert "\n" not in sentence
        assert len(sentence) < 2000
        assert "Traceback" not in sentence
        assert "is a bug in" not in sentence
        assert "Error: " not in sentence.split(" (")[0][:40]
    assert "exception" not in result
    shown = json.dumps({name: part for name, part in result.items() if name not in ("key", "invocation")})
    assert "0123456789abcdef" not in shown
    assert "quoted" not in shown
