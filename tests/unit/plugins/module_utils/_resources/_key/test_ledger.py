# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run that keeps its values loses when it is killed: nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._batch import converge
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._engine import Outcome
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._errors import LiteLLMError
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._key._declaration import declare
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._key._store import KeyStore
from ansible_collections.litemaas.virtual_keys.tests.unit.fake_litellm import FakeLiteLLM, token_of
from hypothesis import given, settings
from hypothesis import strategies as st

PEOPLE = ("ann", "ben", "carl")


class Ledger:
    """Values in memory, known and pending."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}
        self.unsettled: dict[str, list[str]] = {}
        self.full = False

    def candidates(self, name: str) -> list[str]:
        return [*([self.values[name]] if name in self.values else []), *self.pending(name)]

    def pending(self, name: str) -> list[str]:
        return self.unsettled.get(name, [])

    def remember(self, chosen: Mapping[str, str]) -> None:
        if self.full:
            raise LiteLLMError("values_file: cannot write it: No space left on device.")
        for name, value in chosen.items():
            if value not in self.candidates(name):
                self.unsettled.setdefault(name, []).append(value)

    def settle(self, confirmed: Mapping[str, str], gone: Iterable[str]) -> None:
        if self.full:
            raise LiteLLMError("values_file: cannot write it: No space left on device.")
        self.values.update(confirmed)
        for name in (*confirmed, *gone):
            self.unsettled.pop(name, None)
        for name in gone:
            self.values.pop(name, None)


class Killed(BaseException):
    pass


class Mortal:
    """A proxy's client that dies before, or after, the write of a given number is carried out."""

    def __init__(self, proxy: FakeLiteLLM, writes: int, carried_out: bool) -> None:
        self._proxy = proxy
        self._left = writes
        self._carried_out = carried_out

    def __getattr__(self, name: str) -> Any:
        return getattr(self._proxy, name)

    def send(self, path: str, *body: Any, **options: Any) -> Any:
        if path in ("/v2/key/info", "/budget/info"):
            return self._proxy.send(path, *body, **options)
        self._left -= 1
        if self._left == 0 and not self._carried_out:
            raise Killed
        answer = self._proxy.send(path, *body, **options)
        if self._left == 0:
            raise Killed
        return answer


def run(client: Any, ledger: Ledger, state: str = "present", **options: Any) -> list[Outcome]:
    store = KeyStore(client, secret="sk-unit-master-key", sleep=client.sleep, ledger=ledger)
    return converge(store, [declare({"key_alias": name, **options}, state) for name in PEOPLE])


def age(proxy: FakeLiteLLM) -> None:
    """Let time pass, so that no other run can be at work on the keys any more."""
    for row in proxy.keys.values():
        row["created_at"] = "2020-01-01T00:00:00+00:00"


def all_known(proxy: FakeLiteLLM, ledger: Ledger, outcomes: list[Outcome]) -> bool:
    for outcome in outcomes:
        assert outcome.error is None and outcome.value is not None
        assert proxy.only(outcome.plan.name)["token"] == token_of(outcome.value)
    assert ledger.values == {outcome.plan.name: outcome.value for outcome in outcomes}
    assert not ledger.unsettled
    return True


def test_values_are_noted_before_the_first_write() -> None:
    proxy, ledger = FakeLiteLLM(), Ledger()
    with pytest.raises(Killed):
        run(Mortal(proxy, 1, False), ledger)
    assert not proxy.aliases()
    assert set(ledger.unsettled) == set(PEOPLE)
    chosen = {name: values[0] for name, values in ledger.unsettled.items()}
    assert all_known(proxy, ledger, run(proxy, ledger))
    assert ledger.values == chosen


@pytest.mark.parametrize("carried_out", [False, True])
@pytest.mark.parametrize("writes", [1, 2, 3])
def test_a_killed_creation_loses_no_value(writes: int, carried_out: bool) -> None:
    proxy, ledger = FakeLiteLLM(), Ledger()
    with pytest.raises(Killed):
        run(Mortal(proxy, writes, carried_out), ledger)
    assert all_known(proxy, ledger, run(proxy, ledger))
    before = len(proxy.writes)
    assert all_known(proxy, ledger, run(proxy, ledger))
    assert len(proxy.writes) == before


@pytest.mark.parametrize("carried_out", [False, True])
@pytest.mark.parametrize("writes", range(1, 10))
def test_a_killed_reissue_loses_no_value(writes: int, carried_out: bool) -> None:
    proxy, ledger = FakeLiteLLM(), Ledger()
    run(proxy, ledger)
    age(proxy)
    try:
        run(Mortal(proxy, writes, carried_out), ledger, rotate_after="1d")
    except Killed:
        age(proxy)
    # At most one further run, by which nothing is replaced.
    assert all_known(proxy, ledger, run(proxy, ledger))


@pytest.mark.parametrize("grace", [{}, {"grace": "1h"}], ids=["at once", "with a grace"])
@given(killed=st.lists(st.tuples(st.integers(0, 14), st.booleans(), st.booleans()), max_size=6))
@settings(deadline=None, max_examples=300)
def test_any_number_of_killed_runs_loses_no_value(grace: dict[str, str], killed: list[tuple[int, bool, bool]]) -> None:
    """Each dies at some write, before or after it is carried out; with or without time between them."""
    proxy, ledger = FakeLiteLLM(), Ledger()
    run(proxy, ledger)
    for writes, carried_out, later in killed:
        if later:
            age(proxy)
        with suppress(Killed):
            run(Mortal(proxy, writes, carried_out), ledger, rotate_after="1d", **grace)
        assert all(len(going_on(proxy, name)) <= 1 for name in PEOPLE)
    age(proxy)
    assert all_known(proxy, ledger, run(proxy, ledger, **({"rotate_after": "10000d", **grace} if grace else {})))
    assert all(row["expires"] for name in PEOPLE for row in going_on(proxy, name))


def going_on(proxy: FakeLiteLLM, name: str) -> list[dict[str, Any]]:
    """The keys that wait under the retired name of a key, or go on there for their grace."""
    return [row for row in proxy.keys.values() if row["key_alias"] == declare({"key_alias": name}).retired_alias]


def test_a_value_that_was_chosen_is_used_by_the_next_reissue() -> None:
    proxy, ledger = FakeLiteLLM(), Ledger()
    run(proxy, ledger)
    for _run in range(3):
        age(proxy)
        with pytest.raises(Killed):
            run(Mortal(proxy, 1, False), ledger, rotate_after="1d")
    assert {name: len(values) for name, values in ledger.unsettled.items()} == dict.fromkeys(PEOPLE, 1)


def test_a_value_that_the_proxy_chose_is_noted_at_once() -> None:
    proxy, ledger = FakeLiteLLM(), Ledger()
    proxy.values_allowed = False
    with pytest.raises(Killed):
        run(Mortal(proxy, 4, False), ledger)  # the first is refused and tried again
    values = [value for name in PEOPLE for value in ledger.candidates(name)]
    assert {row["token"] for row in proxy.keys.values()} <= set(map(token_of, values))
    assert all_known(proxy, ledger, run(proxy, ledger))


def test_of_several_keys_with_an_alias_the_one_whose_value_is_known_stays() -> None:
    proxy, ledger = FakeLiteLLM(), Ledger()
    run(proxy, Ledger())  # nobody keeps these values
    run(proxy, ledger)
    for name in PEOPLE:
        value = f"sk-value-of-{name}-0123456"
        proxy.send("/key/generate", {"key_alias": f"{name}-second", "key": value})
        proxy.keys[token_of(value)]["key_alias"] = name
        ledger.values[name] = value
    age(proxy)
    assert all_known(proxy, ledger, run(proxy, ledger))


def test_pruning_one_key_keeps_the_value_of_another_with_its_alias() -> None:
    proxy, ledger = FakeLiteLLM(), Ledger()
    run(proxy, ledger)
    proxy.send("/key/generate", {"key_alias": "dan", "metadata": {"course": "a"}})
    ledger.values["dan"] = "sk-value-of-another-dan"
    ledger.values["eve"] = "sk-value-of-eve-01234"
    proxy.send("/key/generate", {"key_alias": "eve", "key": ledger.values["eve"], "metadata": {"course": "a"}})
    store = KeyStore(proxy, sleep=proxy.sleep, ledger=ledger, prune_metadata={"course": "a"}, prune_limit=2)
    wants = [declare({"key_alias": name}) for name in PEOPLE]
    converge(store, wants, last=store.undeclared(wants))
    assert set(proxy.aliases()) == set(PEOPLE)
    assert set(ledger.values) == {*PEOPLE, "dan"}


def test_where_the_ledger_cannot_be_written_nothing_is_sent() -> None:
    proxy, ledger = FakeLiteLLM(), Ledger()
    ledger.full = True
    with pytest.raises(LiteLLMError, match="No space left"):
        run(proxy, ledger)
    assert not proxy.writes


def test_what_was_written_is_returned_where_the_ledger_cannot_be_settled() -> None:
    proxy, ledger = FakeLiteLLM(), Ledger()
    send = proxy.send

    def fill(path: str, *body: Any, **options: Any) -> Any:
        ledger.full = True
        return send(path, *body, **options)

    proxy.send = fill  # type: ignore[method-assign]
    outcomes = run(proxy, ledger)
    assert all("No space left" in str(outcome.error) for outcome in outcomes)
    assert {outcome.plan.name: [outcome.value] for outcome in outcomes} == ledger.unsettled


def test_the_values_of_removed_keys_leave() -> None:
    proxy, ledger = FakeLiteLLM(), Ledger()
    ledger.values = {"another": "sk-value-of-another-01"}
    run(proxy, ledger)
    run(proxy, ledger, "absent")
    assert ledger.values == {"another": "sk-value-of-another-01"}
    ledger.values = {"ann": "sk-value-of-ann-01"}
    run(proxy, ledger, "absent")  # gone already
    assert not ledger.values
