# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading keys on a real LiteLLM."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.tests.integration.laws import too_old
from ansible_collections.litemaas.virtual_keys.tests.tooling.server import token_of

KEY_KIND = '"LiteLLM_VerificationToken"'


@pytest.fixture
def info(sandbox, run_module):
    """Runs litellm_key_info, and holds that it changes nothing and asks nothing that writes."""

    def run(**params: Any):
        with sandbox.writes() as written:
            result = run_module("litellm_key_info", **params)
        assert written == []
        assert not result.changed
        return result

    return run


@pytest.fixture
def make(sandbox):
    """Makes a key, past the code that is tested; returns LiteLLM's answer."""

    def make(alias: str, **fields: Any) -> dict[str, Any]:
        answer = sandbox.call("POST", "/key/generate", {"key_alias": alias, **fields})
        answer.raise_for_status()
        return {**answer.json(), "token": token_of(answer.json()["key"])}

    return make


def names(result) -> list[str]:
    return [key["key_alias"] for key in result.virtual_keys]


def steady(result) -> list[dict[str, Any]]:
    """The keys without the times that LiteLLM writes differently here and there."""
    return [{name: value for name, value in key.items() if not name.endswith("ed_at")} for key in result.virtual_keys]


def test_by_alias(sandbox, info, make, alias):
    for ending in ("", "x", "-b", "-b2"):
        make(alias + ending)
    with sandbox.requests_made() as made:
        assert names(info(key_aliases=[alias])) == [alias]
    asked = [(method, path.split("?")[0]) for method, path, _status in made]
    # The listing of 1.83 selects by a part of the alias, and leaves out the ids of budgets.
    of_old = [("GET", "/key/list"), ("GET", "/key/list"), ("POST", "/v2/key/info")]
    assert asked == (of_old if "1.83." in sandbox.litellm_version else of_old[:1])
    assert names(info(key_aliases=[f"{alias}-b", alias, alias, f"{alias}-none"])) == [alias, f"{alias}-b"]
    assert names(info(key_aliases=[f"{alias}-none"])) == []
    assert names(info(key_aliases=[])) == []
    assert names(info(key_aliases=[alias.upper()])) == []


@pytest.mark.parametrize("count", [1, 5])
def test_by_id(info, make, alias, count):
    made = [make(f"{alias}-{number}") for number in range(count)]
    make(f"{alias}-other")
    found = info(key_ids=[key["token"] for key in made] + ["0" * 64])
    assert names(found) == [f"{alias}-{number}" for number in range(count)]
    assert [key["key_id"] for key in found.virtual_keys] == [key["token"] for key in made]


def test_by_owner(sandbox, info, make, alias):
    team = sandbox.call("POST", "/team/new", {"team_alias": alias}).json()["team_id"]
    budget = sandbox.call("POST", "/budget/new", {"max_budget": 5}).json()["budget_id"]
    sandbox.rows(
        'INSERT INTO "LiteLLM_OrganizationTable" '
        "(organization_id, organization_alias, budget_id, metadata, models, created_by, updated_by) "
        "VALUES (%s, %s, %s, '{}', '{}', 'test', 'test') RETURNING 1",
        alias,
        alias,
        budget,
    )
    try:
        make(f"{alias}-u", user_id=alias)
        make(f"{alias}-uu", user_id=f"{alias}2")
        make(f"{alias}-t", team_id=team)
        make(f"{alias}-tu", team_id=team, user_id=alias)
        make(f"{alias}-o", organization_id=alias)
        assert names(info(user_id=alias)) == [f"{alias}-tu", f"{alias}-u"]
        assert names(info(team_id=team)) == [f"{alias}-t", f"{alias}-tu"]
        assert names(info(team_id=team, user_id=alias)) == [f"{alias}-tu"]
        assert names(info(organization_id=alias)) == [f"{alias}-o"]
        assert names(info(key_aliases=[f"{alias}-u", f"{alias}-t"], user_id=alias)) == [f"{alias}-u"]
        assert names(info(user_id=f"{alias}-none")) == []
    finally:
        sandbox.rows(f"DELETE FROM {KEY_KIND} WHERE organization_id = %s RETURNING 1", alias)
        sandbox.rows('DELETE FROM "LiteLLM_OrganizationTable" WHERE organization_id = %s RETURNING 1', alias)
        sandbox.call("POST", "/team/delete", {"team_ids": [team]}).raise_for_status()


def test_by_whom_they_were_made(sandbox, info, make, run_module, alias):
    """With a key that was handed out, a user makes keys that bear no mark, and belong to a team or to nobody."""
    people = [f"{alias}-ann", f"{alias}-bob", f"{alias}-eve"]
    for person in people:
        sandbox.call("POST", "/user/new", {"user_id": person, "auto_create_key": False}).raise_for_status()
    given = {person: make(f"{person}-given", user_id=person)["key"] for person in people}
    made = {}
    for person, key in given.items():
        answer = sandbox.call("POST", "/key/generate", {"key_alias": f"{person}-own"}, key=key)
        answer.raise_for_status()
        made[person] = token_of(answer.json()["key"])
    ann, bob, _eve = people
    # An admin gives it to somebody else: who made it stays.
    sandbox.call("POST", "/key/update", {"key": made[bob], "user_id": ann}).raise_for_status()
    assert names(info(created_by=[ann, bob])) == [f"{ann}-own", f"{bob}-own"]
    assert names(info(created_by=[ann, bob], user_id=bob)) == []
    assert names(info(created_by=[bob], user_id=ann)) == [f"{bob}-own"]
    assert names(info(created_by=["default_user_id"], user_id=ann)) == [f"{ann}-given"]
    assert names(info(created_by=[f"{ann}-none"])) == names(info(created_by=[])) == []
    sandbox.call("POST", "/user/delete", {"user_ids": people}).raise_for_status()


def test_by_mark(info, make, alias):
    make(f"{alias}-1", metadata={"litellm_vkey_group": alias, "room": 3})
    make(f"{alias}-2", metadata={"litellm_vkey_group": alias, "room": 4})
    make(f"{alias}-3", metadata={"litellm_vkey_group": f"{alias}x"})
    make(f"{alias}-4")
    assert names(info(group=alias)) == [f"{alias}-1", f"{alias}-2"]
    assert names(info(group=alias, metadata={"room": 4})) == [f"{alias}-2"]
    assert [key["group"] for key in info(key_aliases=[f"{alias}-3", f"{alias}-4"]).virtual_keys] == [f"{alias}x", None]


def test_by_status_and_expiry(sandbox, info, make, alias):
    budget = sandbox.call("POST", "/budget/new", {"max_budget": 2.5}).json()["budget_id"]
    made = {
        "active": make(f"{alias}-active", max_budget=10, duration="30d"),
        "blocked": make(f"{alias}-blocked", blocked=True, max_budget=0, duration="0s"),
        "expired": make(f"{alias}-expired", duration="0s"),
        "shared": make(f"{alias}-shared", budget_id=budget),
        "spent": make(f"{alias}-spent", max_budget=3, duration="2h"),
        "zero": make(f"{alias}-zero", max_budget=0),
    }
    for name, spend in (("active", 4), ("shared", 2), ("spent", 3.5)):
        sandbox.call("POST", "/key/update", {"key": made[name]["token"], "spend": spend}).raise_for_status()
    of = partial(info, key_aliases=[f"{alias}-{name}" for name in made])

    found = {key["key_alias"].removeprefix(f"{alias}-"): key for key in of().virtual_keys}
    assert {name: key["status"] for name, key in found.items()} == {
        "active": "active",
        "blocked": "blocked",
        "expired": "expired",
        "shared": "active",
        "spent": "over_budget",
        "zero": "over_budget",
    }
    assert {name: (key["spend"], key["remaining_budget"]) for name, key in found.items()} == {
        "active": (4, 6),
        "blocked": (0, 0),
        "expired": (0, None),
        "shared": (2, 0.5),
        "spent": (3.5, -0.5),
        "zero": (0, 0),
    }
    expires = datetime.fromisoformat(found["active"]["expires_at"])
    assert abs(expires - datetime.now(UTC) - timedelta(days=30)) < timedelta(minutes=1)

    assert names(of(status=["over_budget", "expired"])) == [f"{alias}-{name}" for name in ("expired", "spent", "zero")]
    assert names(of(expiring_within="3h")) == [f"{alias}-spent"]
    assert names(of(expiring_within="5w")) == [f"{alias}-active", f"{alias}-spent"]
    assert names(of(expiring_within="5w", status=["active"])) == [f"{alias}-active"]


def test_reads_all_pages(sandbox, info, make, alias):
    """More keys than a page holds, each once."""
    row = make(f"{alias}-000", user_id=alias)
    sandbox.rows(
        f"INSERT INTO {KEY_KIND} (token, key_alias, key_name, user_id, models, aliases, config, permissions, metadata) "
        "SELECT encode(sha256((token || number)::bytea), 'hex'), %s || to_char(number, 'FM000'), key_name, user_id, "
        f"models, aliases, config, permissions, metadata FROM {KEY_KIND}, generate_series(1, 229) AS number "
        "WHERE token = %s RETURNING 1",
        f"{alias}-",
        row["token"],
    )
    everyone = [f"{alias}-{number:03}" for number in range(230)]
    assert names(info(user_id=alias)) == everyone
    assert [name for name in names(info()) if name and name.startswith(alias)] == everyone
    asked = everyone[::2]
    assert names(info(key_aliases=asked)) == asked


def test_never_a_secret(info, make, alias):
    made = make(alias, metadata={"logging": []})
    result = info(key_aliases=[alias])
    assert made["key"] not in result.output
    assert "key" not in result.virtual_keys[0]
    asked = info(key=made["key"])
    assert made["key"] not in asked.output


def test_asks_as_the_key(info, make, alias):
    made = make(alias, models=["gpt-4", "gpt-4o-mini"], max_budget=5)
    result = info(key=made["key"])
    assert result.models == ["gpt-4", "gpt-4o-mini"]
    assert result.health["key"] == "healthy"
    assert result.refused == []
    assert steady(result) == steady(info(key_aliases=[alias]))
    own = info(key=made["key"], api_key=made["key"])
    assert (own.models, own.refused, steady(own)) == (result.models, [], steady(result))


@pytest.mark.parametrize(
    ("fields", "status", "reason"),
    [
        ({"blocked": True}, "blocked", "blocked"),
        ({"duration": "0s"}, "expired", "expired"),
        ({"max_budget": 0}, "over_budget", "budget"),
    ],
)
def test_a_refusal_is_an_answer(sandbox, info, make, alias, fields, status, reason):
    result = info(key=make(alias, **fields)["key"])
    if status == "over_budget" and not too_old(sandbox, "1.107.0"):
        assert result.models, "newer versions show the models of a key without a budget"
    else:
        assert result.models is None
        assert any(reason in sentence.lower() for sentence in result.refused)
    assert [key["status"] for key in result.virtual_keys] == [status]


def test_a_key_that_may_not_ask_about_itself(info, make, alias):
    made = make(alias, key_type="llm_api", models=["gpt-4"])
    result = info(key=made["key"])
    assert (result.models, result.health) == (["gpt-4"], None)
    assert len(result.refused) == 2
    assert names(result) == [alias]
    own = info(key=made["key"], api_key=made["key"])
    assert (own.models, own.virtual_keys) == (["gpt-4"], [])


def test_a_deleted_key_is_no_key(sandbox, info, make, alias):
    made = make(alias)
    sandbox.call("POST", "/key/delete", {"keys": [made["token"]]}).raise_for_status()
    result = info(key=made["key"])
    assert (result.models, result.health, result.virtual_keys) == (None, None, [])
    assert result.refused
    assert info(key_ids=[made["token"]]).virtual_keys == []
    assert info(key_aliases=[alias]).virtual_keys == []


def test_a_key_unknown_to_the_proxy(info):
    result = info(key=f"sk-{secrets.token_urlsafe(24)}")
    assert result.virtual_keys == []
    assert len(result.refused) == 1


def test_fails_with_a_wrong_key_of_its_own(run_module):
    result = run_module("litellm_key_info", api_key="sk-wrong-wrong-wrong")
    assert result.failed
    assert "api_key" in result.msg


def test_check_mode_reads_all_the_same(info, make, alias):
    make(alias)
    assert info(key_aliases=[alias], check=True).virtual_keys == info(key_aliases=[alias]).virtual_keys
