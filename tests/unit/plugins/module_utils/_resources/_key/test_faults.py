# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the schedules of tests/faults brought to light, each in its smallest form."""

from __future__ import annotations

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._batch import converge
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._errors import ApiError
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._key._declaration import declare
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._key._store import KeyStore
from ansible_collections.litemaas.virtual_keys.tests.unit.fake_litellm import FakeLiteLLM, no_answer, token_of


def run(proxy: FakeLiteLLM, state: str = "present", **options):
    store = KeyStore(proxy, secret="sk-unit-master-key", sleep=proxy.sleep)
    (outcome,) = converge(store, [declare({"key_alias": "a", **options}, state)])
    return outcome


def test_a_value_is_returned_although_nobody_can_tell_whether_the_key_was_made():
    """Seed 29: the creation is carried out, and from its answer on none comes any more."""
    proxy = FakeLiteLLM()
    proxy.lose_answer("/key/generate")
    proxy.fault("/key/list", 2, raised=no_answer())
    outcome = run(proxy)
    assert outcome.error is not None
    assert token_of(outcome.value) == proxy.only("a")["token"]


def test_a_new_key_bears_the_declared_alias_although_another_run_has_just_renamed_the_old_one():
    """Seed 31: two runs reissue the same key; one made its new key under the name of the old one that waits."""
    proxy = FakeLiteLLM()
    old = proxy.add("a", spend=1.5)
    retired = declare({"key_alias": "a"}).retired_alias
    proxy.fault("/key/info", before=lambda: old.update(key_alias=retired))
    outcome = run(proxy, value_policy="reissue")
    assert outcome.error is None
    assert proxy.aliases() == ["a"]
    assert token_of(outcome.value) == proxy.only("a")["token"]


def test_a_declared_value_is_not_taken_where_another_run_has_just_made_this_very_key():
    """Two runs with the same seed: between listing and asking for taken values the other one was quicker."""
    proxy = FakeLiteLLM()
    value = "sk-declared-value-0001"
    proxy.fault("/v2/key/info", before=lambda: proxy.add("a", value))
    outcome = run(proxy, key=value)
    assert (outcome.error, outcome.value) == (None, value)
    assert proxy.aliases() == ["a"]


def test_absent_removes_an_old_key_that_still_waits_beside_the_new_one():
    """A reissue was killed after its creation; of a single declared key the old one was not looked for."""
    proxy = FakeLiteLLM()
    proxy.add(declare({"key_alias": "a"}).retired_alias)
    proxy.add("a")
    assert run(proxy, "absent").error is None
    assert proxy.aliases() == []


def test_an_answer_without_a_key_counts_as_lost(monkeypatch):
    """A gateway may answer in LiteLLM's place, with success and JSON of its own."""
    proxy = FakeLiteLLM()
    send = proxy.send
    monkeypatch.setattr(
        proxy,
        "send",
        lambda path, *rest, **more: (
            send(path, *rest, **more) and {"status": "ok"} if path == "/key/generate" else send(path, *rest, **more)
        ),
    )
    outcome = run(proxy)
    assert outcome.error is None
    assert token_of(outcome.value) == proxy.only("a")["token"]


def test_values_are_returned_whatever_goes_wrong_while_reading_back():
    proxy = FakeLiteLLM()
    proxy.fault("/key/list", 2, raised=KeyError("keys"))
    outcome = run(proxy)
    assert isinstance(outcome.error, KeyError)
    assert token_of(outcome.value) == proxy.only("a")["token"]


HIDDEN = ApiError("Internal Server Error.", 500)


@pytest.mark.parametrize("carried_out", [True, False])
def test_a_failure_without_a_reason_may_have_been_the_database(carried_out):
    """Seed 117: the database went away under a creation, and LiteLLM said nothing but "Internal Server Error."."""
    proxy = FakeLiteLLM()
    proxy.fault("/key/generate", raised=HIDDEN, carried_out=carried_out)
    outcome = run(proxy)
    assert outcome.error is None
    assert token_of(outcome.value) == proxy.only("a")["token"]
    assert len(proxy.asked("/key/generate")) == (1 if carried_out else 2)


@pytest.mark.parametrize(("error", "tries"), [(HIDDEN, 2), (ApiError("Invalid duration format", 500), 1)])
def test_a_failure_that_lasts_is_not_tried_for_long(error, tries):
    proxy = FakeLiteLLM()
    for number in range(1, 6):
        proxy.fault("/key/generate", number, raised=error, carried_out=False)
    outcome = run(proxy)
    assert (outcome.error, outcome.action, outcome.value) == (error, "none", None)
    assert len(proxy.asked("/key/generate")) == tries


def test_the_spend_that_a_new_key_takes_over_is_not_a_stale_one():
    """Seed 11: the reading before a reissue was answered from the past."""
    proxy = FakeLiteLLM()
    old = proxy.add("a", spend=1.5)
    proxy.fault("/key/info", before=lambda: old.update(spend=0.0), after=lambda: old.update(spend=1.5))
    assert run(proxy, value_policy="reissue").error is None
    assert proxy.only("a")["spend"] == 1.5
