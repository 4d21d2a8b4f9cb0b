# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a proxy of some version cannot carry out is refused before anything is written."""

from __future__ import annotations

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._batch import converge
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._errors import ApiError, InputError
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._key._declaration import declare
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._key._store import KeyStore
from ansible_collections.litemaas.virtual_keys.tests.unit.fake_litellm import FakeLiteLLM, token_of


@pytest.mark.parametrize(
    ("version", "there", "refused"), [("1.98.1", True, True), ("1.98.1", False, False), ("1.102.4", True, False)]
)
def test_what_a_version_can_set_on_a_new_key_only(version: str, there: bool, refused: bool) -> None:
    proxy = FakeLiteLLM(version)
    if there:
        proxy.add("a")
    store = KeyStore(proxy, secret="sk-unit-master-key", sleep=proxy.sleep)
    declared = [declare({"key_alias": "a", "soft_budget": 2.0})]
    if refused:
        with pytest.raises(InputError, match=r"LiteLLM 1\.98\.1 .*soft_budget"):
            converge(store, declared)
        assert proxy.writes == []
    else:
        assert converge(store, declared)[0].error is None
        assert proxy.only("a")["litellm_budget_table"] == {"soft_budget": 2.0}


@pytest.mark.parametrize(
    ("of_team", "declared", "refused"),
    [("o", "o", ""), ("o", "p", "gets the organization of that team, o."), (None, "o", "that team, which has none.")],
)
def test_a_new_key_has_the_organization_of_its_team(of_team: str | None, declared: str, refused: str) -> None:
    proxy = FakeLiteLLM()
    proxy.organization_of["team"] = of_team
    store = KeyStore(proxy, secret="sk-unit-master-key", sleep=proxy.sleep)
    wants = [declare({"key_alias": "a", "team_id": "team", "organization_id": declared})]
    if refused:
        with pytest.raises(InputError, match=refused) as caught:
            converge(store, wants)
        assert caught.value.subject == "a" and proxy.writes == []
    else:
        assert converge(store, wants)[0].error is None
    assert len(proxy.asked("/team/info")) == 1


def test_what_a_version_cannot_take_away_is_refused() -> None:
    proxy = FakeLiteLLM("1.89.7")
    proxy.add("a", budget_duration="30d")
    store = KeyStore(proxy, secret="sk-unit-master-key", sleep=proxy.sleep)
    with pytest.raises(InputError, match=r"1\.89\.7 .* does not clear budget_duration \(since 1\.90\.0\)"):
        converge(store, [declare({"key_alias": "a", "unset": ["budget_duration"]})])
    assert proxy.writes == []
    assert converge(store, [declare({"key_alias": "a", "budget_duration": "7d"})])[0].error is None


def test_spending_is_reset_before_it_is_marked_so_that_a_crash_between_is_mended() -> None:
    proxy = FakeLiteLLM()
    key = proxy.add("a", spend=2.5)
    store = KeyStore(proxy, secret="sk-unit-master-key", sleep=proxy.sleep)
    wants = [declare({"key_alias": "a", "reset_spend": "june"})]
    proxy.fault("/key/update", raised=ApiError("Stopped.", 500), carried_out=False)
    assert converge(store, wants)[0].error is not None
    assert (proxy.only("a")["spend"], proxy.only("a")["metadata"]) == (0.0, {})
    assert converge(store, wants)[0].error is None
    assert proxy.only("a")["metadata"] == {"litellm_vkey_reset_spend": "june"}
    key["spend"] = 1.0
    assert converge(store, wants)[0].action == "none" and proxy.only("a")["spend"] == 1.0


def test_an_old_value_is_looked_for_under_its_retired_name_as_well() -> None:
    proxy = FakeLiteLLM()
    old = declare({"key_alias": "a", "rotate_after": "30d"})
    proxy.add("a")
    proxy.add(old.retired_alias)  # the last run was interrupted before it returned the new value
    store = KeyStore(proxy, secret="sk-unit-master-key", sleep=proxy.sleep)
    (outcome,) = converge(store, [old])
    assert outcome.action == "reissue" and outcome.error is None
    assert proxy.aliases() == ["a"] and proxy.only("a")["token"] == token_of(outcome.value or "")
    assert converge(store, [old])[0].action == "none"
