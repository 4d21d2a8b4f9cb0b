# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What info modules say declares an object that others made, where the laws of fields do not ask it: declared, it
changes nothing. On a real LiteLLM.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.tests.integration.grown_proxy import SECRET, Size, grown_proxy
from ansible_collections.litemaas.virtual_keys.tests.integration.laws import adopted, described

SIZE = Size(teams=8, users=14, keys=32, models=6)


@pytest.fixture(scope="module")
def grown(sandbox) -> Iterator[str]:
    with grown_proxy(sandbox, SIZE) as beginning:
        yield beginning


@pytest.mark.parametrize("number", range(SIZE.models))
def test_a_model(sandbox, grown, run_module, number: int) -> None:
    adopted(run_module, sandbox, "litellm_model", model_id=f"{grown}model-{number}")


def test_a_model_says_which_secrets_it_has(grown, run_module) -> None:
    model = described(run_module, "litellm_model", model_id=f"{grown}model-0")
    assert model["hidden"] == [["litellm_params", "api_key"], ["litellm_params", "extra_headers"]]
    assert SECRET not in str(model)


def test_a_model_of_the_configuration_file_is_not_declared(sandbox, run_module) -> None:
    configured = [
        model for model in run_module("litellm_model_info", declaration=True).models if model["db_model"] is False
    ]
    assert configured
    for model in configured:
        assert model["declaration"] is None
        assert model["not_declared"][""].startswith("the configuration file of the proxy defines it.")


@pytest.mark.parametrize("name", ["OpenAI production", "azure"])
def test_a_credential(sandbox, grown, run_module, name: str) -> None:
    declaration = adopted(run_module, sandbox, "litellm_credential", credential_name=f"{grown}{name}")
    assert "credential_values" not in declaration
    credential = described(run_module, "litellm_credential", credential_name=f"{grown}{name}")
    assert ["credential_values", "api_key"] in credential["hidden"]


@pytest.mark.parametrize("number", range(SIZE.teams))
def test_a_team_and_its_members(sandbox, grown, run_module, number: int) -> None:
    team_id = f"{grown}team-{number}"
    adopted(run_module, sandbox, "litellm_team", team_id=team_id)
    declaration = adopted(run_module, sandbox, "litellm_team_members", team_id=team_id)
    with sandbox.writes() as writes:
        assert not run_module("litellm_team_members", mode="replace", **declaration).changed
    assert writes == []


@pytest.mark.parametrize(
    ("module", "identity", "name"),
    [
        *(("user", "user_id", f"user-{number}") for number in range(SIZE.users)),
        *(("customer", "user_id", f"customer-{number}") for number in range(5)),
        *(("tag", "name", name) for name in ("free", "limited", "shared")),
        *(("budget", "budget_id", name) for name in ("gold", "silver")),
        *(("access_group", "access_group_name", name) for name in ("large", "bound")),
    ],
)
def test_an_object_of_each_other_kind(sandbox, grown, run_module, module: str, identity: str, name: str) -> None:
    adopted(run_module, sandbox, f"litellm_{module}", **{identity: f"{grown}{name}"})


def test_keys_of_every_kind(sandbox, grown, run_module) -> None:
    found = run_module("litellm_key_info", metadata={"made_for": grown}, declaration=True).virtual_keys
    assert len(found) == SIZE.keys
    assert [key["not_declared"] for key in found if key["declaration"] is None] == []
    declarations = [key["declaration"] for key in found]
    with sandbox.writes() as writes:
        for check in (True, False):
            done = run_module("litellm_keys", check=check, virtual_keys=declarations)
            assert (done.failed, done.changed) == (False, False), done.values.get("msg") or done.summary
    assert writes == []


def test_keys_that_share_an_alias_are_declared_by_their_ids(sandbox, alias, run_module) -> None:
    made = [sandbox.call("POST", "/key/generate", {"key_alias": f"{alias}-{name}"}).json() for name in "abc"]
    sandbox.execute(
        'UPDATE "LiteLLM_VerificationToken" SET key_alias = %s WHERE token = ANY(%s)',
        f"{alias}-a",
        [key["token"] for key in made[:2]],
    )
    found = run_module("litellm_key_info", key_ids=[key["token"] for key in made[1:]], declaration=True).virtual_keys
    shared, single = (key["declaration"] for key in found)
    assert (shared["key_alias"], shared["key_id"]) == (f"{alias}-a", made[1]["token"])
    assert single == {"key_alias": f"{alias}-c"}


def test_the_budgets_that_litellm_makes_are_declared_with_their_objects(sandbox, grown, run_module) -> None:
    (row,) = sandbox.rows('SELECT budget_id FROM "LiteLLM_EndUserTable" WHERE user_id = %s', f"{grown}customer-1")
    budget = described(run_module, "litellm_budget", budget_id=row["budget_id"])
    assert budget["declaration"] is None
    assert "LiteLLM made it" in budget["not_declared"][""]


def test_a_tag_that_requests_only_bore_is_not_declared(sandbox, run_module, alias) -> None:
    name = f"t{secrets.token_hex(4)}"
    sandbox.execute(
        'INSERT INTO "LiteLLM_DailyTagSpend" (id, tag, date, api_key, updated_at) VALUES (%s, %s, %s, %s, now())',
        *(name, name, "2026-01-01", "none"),
    )
    try:
        tags: list[Any] = run_module("litellm_tag_info", declaration=True).tags
    finally:
        sandbox.execute('DELETE FROM "LiteLLM_DailyTagSpend" WHERE id = %s', name)
    (tag,) = (one for one in tags if one["name"] == name)
    assert (tag["declaration"], tag["not_declared"]) == (
        None,
        {"": "LiteLLM only knows it from requests. It was not created."},
    )
