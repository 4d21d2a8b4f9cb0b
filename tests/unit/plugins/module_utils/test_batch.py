# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many objects at once: order, bounds, and what is reported when some of them fail."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._batch import converge, run_all
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._engine import Outcome, Plan
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._errors import ApiError, InputError, LiteLLMError
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._kind import Store as OrdinaryStore


class Store(OrdinaryStore):
    """Objects are texts; one that begins with "bad" fails, one that begins with "same" needs no writing."""

    def __init__(self, together: int = 1) -> None:
        self.together = together
        self.applied: list[list[str]] = []
        self.confirmed: list[Outcome] | None = None
        self.lost = False

    def plans(self, wants: Sequence[str]) -> list[Plan]:
        return [
            Plan(
                want, "none" if want.startswith("same") else "create", value=f"planned-{want}", warnings=(f"of {want}",)
            )
            for want in wants
        ]

    def missing(self, wants: Sequence[str], plans: Sequence[Plan]) -> Mapping[str, Sequence[str]]:
        lonely = [want for want in wants if want.startswith("lonely")]
        return {"there is no team.": lonely} if lonely else {}

    def batches(self, plans: Sequence[Plan]) -> list[list[int]]:
        numbers = [number for number, plan in enumerate(plans) if plan.changed]
        return [numbers[start : start + self.together] for start in range(0, len(numbers), self.together)]

    def apply(self, wants: Sequence[str], plans: Sequence[Plan]) -> list[Outcome]:
        assert [plan.name for plan in plans] == list(wants)
        self.applied.append(list(wants))
        if any(want.startswith("bad") for want in wants):
            raise ApiError(f"refused {wants[0]}")
        if any(want.startswith("broken") for want in wants):
            raise ZeroDivisionError("a bug")
        return [
            Outcome(plan, plan.action, {"name": plan.name}, f"value-{plan.name}", warnings=("made",)) for plan in plans
        ]

    def confirm(self, wants: Sequence[str], outcomes: Sequence[Outcome]) -> list[Outcome]:
        assert [one.plan.name for one in outcomes] == list(wants)
        if self.lost:
            raise ApiError("away")
        self.confirmed = list(outcomes)
        return self.confirmed


def test_outcomes_are_in_the_order_of_the_wants() -> None:
    store = Store()
    wants = [f"{'same' if number % 3 else 'key'}-{number}" for number in range(20)]
    outcomes = converge(store, wants, concurrency=4)
    assert [outcome.plan.name for outcome in outcomes] == wants
    assert {outcome.value for outcome in outcomes if outcome.action == "create"} == {
        f"value-{want}" for want in wants if want.startswith("key")
    }
    assert sorted(name for unit in store.applied for name in unit) == sorted(w for w in wants if w.startswith("key"))
    assert store.confirmed == outcomes


def test_what_another_task_can_create_first_is_a_warning_in_check_mode() -> None:
    store, wants = Store(), ["key", "lonely-1", "lonely-2"]
    first, second, third = converge(store, wants, check=True)
    told = "lonely-1, lonely-2: there is no team. This task fails unless an earlier task changes that."
    assert (first.warnings, second.warnings, third.warnings) == (("of key",), ("of lonely-1", told), ("of lonely-2",))
    with pytest.raises(InputError, match=r"^there is no team\.$") as refused:
        converge(store, wants)
    assert (refused.value.subject, store.applied) == ("lonely-1, lonely-2", [])


def test_what_needs_no_writing_is_reported_as_it_is() -> None:
    (outcome,) = converge(Store(), ["same"])
    assert (outcome.action, outcome.value, outcome.warnings, outcome.error) == (
        "none",
        "planned-same",
        ("of same",),
        None,
    )


def test_warnings_of_the_plan_come_before_those_of_the_writing() -> None:
    (outcome,) = converge(Store(), ["key"])
    assert outcome.warnings == ("of key", "made")


def test_check_mode_writes_nothing() -> None:
    store = Store()
    outcomes = converge(store, ["key", "same", "bad"], check=True)
    assert (store.applied, store.confirmed) == ([], None)
    assert [outcome.action for outcome in outcomes] == ["create", "none", "create"]
    assert [outcome.error for outcome in outcomes] == [None] * 3
    assert outcomes[0].value == "planned-key"
    assert outcomes[0].warnings == ("of key",)


@pytest.mark.parametrize("concurrency", [1, 4])
def test_one_failure_does_not_stop_the_others(concurrency: int) -> None:
    outcomes = converge(Store(), ["key-1", "bad", "key-2", "broken"], concurrency=concurrency)
    assert [outcome.action for outcome in outcomes] == ["create", "none", "create", "none"]
    assert [str(outcome.error) for outcome in outcomes] == ["None", "refused bad", "None", "a bug"]
    # A planned value that was not written is nobody's key.
    assert [outcome.value for outcome in outcomes] == ["value-key-1", None, "value-key-2", None]


def test_a_failed_unit_fails_all_that_was_in_it() -> None:
    outcomes = converge(Store(together=2), ["bad-1", "key-1", "same", "key-2"])
    assert [str(outcome.error) for outcome in outcomes] == ["refused bad-1", "refused bad-1", "None", "None"]


def test_fail_fast_says_of_the_rest_that_it_was_not_tried() -> None:
    store = Store()
    outcomes = converge(store, ["key-1", "bad", "key-2", "same"], fail_fast=True)
    assert store.applied == [["key-1"], ["bad"]]
    assert [outcome.action for outcome in outcomes] == ["create", "none", "none", "none"]
    assert "Not tried" in str(outcomes[2].error)
    assert outcomes[3].error is None
    assert outcomes[0].value == "value-key-1"


def test_values_are_returned_even_if_they_cannot_be_read_back() -> None:
    store = Store()
    store.lost = True
    outcomes = converge(store, ["key", "same", "bad"])
    unread = "away LiteLLM accepted the write, but what it stored could not be read. Run the task again."
    assert [str(outcome.error) for outcome in outcomes] == [unread, "None", "refused bad"]
    assert [outcome.value for outcome in outcomes][:2] == ["value-key", "planned-same"]
    assert outcomes[0].action == "create"


def test_what_cannot_be_is_refused_before_anything_is_written() -> None:
    store = Store()
    store.plans = lambda wants: (never for never in ()).throw(InputError("no"))  # type: ignore[method-assign]
    with pytest.raises(InputError, match="no"):
        converge(store, ["key"])
    assert store.applied == []


@pytest.mark.parametrize("concurrency", [1, 2, 5])
def test_no_more_at_once_than_allowed_and_no_fewer(concurrency: int) -> None:
    lock, under_way, most = threading.Lock(), 0, 0
    full = threading.Barrier(concurrency)

    def work(item: int) -> int:
        nonlocal under_way, most
        with lock:
            under_way += 1
            most = max(most, under_way)
        full.wait(timeout=5)
        with lock:
            under_way -= 1
        return item * 2

    assert list(run_all(work, range(10 * concurrency), concurrency)) == [item * 2 for item in range(10 * concurrency)]
    assert most == concurrency


def test_nothing_to_do() -> None:
    assert converge(Store(), []) == []
    assert list(run_all(str, [], 0)) == []


def test_a_failure_alone_does_not_stop_what_follows() -> None:
    def work(item: int) -> int:
        return 1 // item

    results = list(run_all(work, [0, 1], 1))
    assert isinstance(results[0], ZeroDivisionError)
    assert results[1] == 1
    assert list(run_all(work, [1, 2], 1, stops=lambda result: result == 2)) == [1, 0]
    assert isinstance(list(run_all(work, [1, 2], 1, stops=lambda result: result == 1))[1], LiteLLMError)
