# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""More budget for some, on a real LiteLLM: it counts, it stays, and the same once more gives nobody more."""

from __future__ import annotations

from typing import Any

import pytest

QUESTION = {"model": "gpt-4", "messages": [{"role": "user", "content": "hello"}]}


@pytest.fixture
def course(run_workshop, tmp_path) -> dict[str, Any]:
    """A workshop of three, who may spend 5 USD each; nobody has spent anything."""
    given = {"users": ["ann", "ben", "cem"], "max_budget": 5, "output_dir": str(tmp_path / "course")}
    done = run_workshop(**given)
    assert not done.get("failed"), done["msg"]
    return given


def spends(sandbox, row: dict[str, Any], amount: float) -> None:
    sandbox.call("POST", "/key/update", {"key": row["token"], "spend": amount}).raise_for_status()


def answers(sandbox, key: str) -> int:
    return int(sandbox.call("POST", "/v1/chat/completions", QUESTION, key=key).status_code)


@pytest.mark.since("1.90.0")  # 1.83 counts on with what it remembers
def test_who_is_exhausted_can_go_on_once(sandbox, run_workshop, run_module, alias, course) -> None:
    ann = run_workshop(**course)["result"]["users"][0]["key"]
    spends(sandbox, sandbox.keys(alias)[f"{alias}-ann"], 5.5)
    spends(sandbox, sandbox.keys(alias)[f"{alias}-ben"], 4)
    assert answers(sandbox, ann) != 200
    before = sandbox.keys(alias)
    raised = {**course, "raise": "exhausted:5"}
    with sandbox.writes() as written:
        predicted = run_workshop(check=True, **raised)
    planned = predicted["messages"]
    assert written == [] and "raised: ann to 10.50 USD" in planned and planned[0].startswith("1 would")
    done = run_workshop(**raised)
    assert done["changes"] == predicted["changes"] and "raised: ann to 10.50 USD" in done["messages"]
    after = sandbox.keys(alias)
    assert {name: row for name, row in after.items() if name != f"{alias}-ann"} == {
        name: row for name, row in before.items() if name != f"{alias}-ann"
    }
    assert answers(sandbox, ann) == 200
    (info,) = run_module("litellm_key_info", key_aliases=[f"{alias}-ann"]).virtual_keys
    assert info["status"] == "active" and info["remaining_budget"] == pytest.approx(5, abs=0.1)

    with sandbox.writes() as written:
        again = run_workshop(**raised)
        plain = run_workshop(**course)
    assert written == [] and not again["changed"] and not plain["changed"]
    assert "nobody is exhausted, so nobody's budget is raised" in again["messages"]

    spends(sandbox, after[f"{alias}-ann"], 10.5)  # it is true once more
    assert answers(sandbox, ann) != 200
    assert "raised: ann to 15.50 USD" in run_workshop(**raised)["messages"] and answers(sandbox, ann) == 200


def test_a_raise_stays_whatever_happens_to_the_key(sandbox, run_workshop, alias, course) -> None:
    raised = {**course, "raise": {"ann": 2.5}}
    for changed in (True, False):
        assert run_workshop(**raised)["changed"] is changed
    for more in ({"max_budget": 7}, {"reissue": ["ann"]}, {"block": ["ann"]}, {"unblock": ["ann"]}):
        assert not run_workshop(**{**course, **more}).get("failed")
        assert sandbox.keys(alias)[f"{alias}-ann"]["metadata"]["temp_budget_increase"] == 2.5
    assert run_workshop(**{**course, "raise": "ann:0"})["messages"][-1] != ""
    row = sandbox.keys(alias)[f"{alias}-ann"]
    assert row["max_budget"] == 5 and "temp_budget_increase" not in row["metadata"]
    assert not run_workshop(**{**course, "raise": "ann:0"})["changed"]


def test_the_report_and_the_raise_mean_the_same_people(sandbox, run_workshop, alias, course) -> None:
    """Who never used the key is asked of LiteLLM, which notes rejected requests as activity, too."""
    spends(sandbox, sandbox.keys(alias)[f"{alias}-ben"], 1)
    done = run_workshop(**{**course, "raise": {"never_used": 1}})
    assert "raised: ann to 6.00 USD, cem to 6.00 USD" in done["messages"]
    assert not run_workshop(**{**course, "raise": {"never_used": 1}})["changed"]


def test_budgets_are_raised_from_any_machine(sandbox, run_workshop, alias, course) -> None:
    spends(sandbox, sandbox.keys(alias)[f"{alias}-cem"], 6)
    done = run_workshop(models=[], multi_user=True, **{"raise": "exhausted:1, ben:3"})
    assert done["messages"] == ["2 updated", "updated: ben, cem", "raised: ben to 8.00 USD, cem to 7.00 USD"]
    increases = {name: row["metadata"].get("temp_budget_increase") for name, row in sandbox.keys(alias).items()}
    assert increases == {f"{alias}-ann": None, f"{alias}-ben": 3, f"{alias}-cem": 2}


def test_a_new_person_begins_with_more(sandbox, run_workshop, alias, course) -> None:
    done = run_workshop(**{**course, "users": [*course["users"], "dan"], "raise": {"dan": 4}})
    assert "raised: dan to 9.00 USD" in done["messages"]
    assert sandbox.keys(alias)[f"{alias}-dan"]["metadata"]["temp_budget_increase"] == 4


def test_more_than_everybody_by_a_column(sandbox, run_workshop, alias, tmp_path) -> None:
    table = tmp_path / "people.csv"
    table.write_text("user,max_budget\nann,+2.5\nben,\ncem,4\n")
    for changed in (True, False):
        assert run_workshop(users_file=str(table), max_budget=5)["changed"] is changed
    assert [row["max_budget"] for row in sandbox.keys(alias).values()] == [7.5, 5, 4]
    with sandbox.writes() as written:
        refused = run_workshop(users_file=str(table))
    assert refused["failed"] and "people.csv: line 2: ann, max_budget: +2.5" in refused["msg"] and written == []
