# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who used what, from keys as litellm_key_info returns them."""

from __future__ import annotations

import csv
import io
import math
import re
from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._errors import InputError
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._hand_out._texts import time_zone
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._usage._page import content, csv_table, page
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._usage._people import Names, people_of
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._usage._totals import totals_of
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._usage._words import STATUS, money, sentences
from hypothesis import given
from hypothesis import strategies as st

Record = dict[str, Any]


def key(user: str = "ann", **fields: Any) -> Record:
    """A key of the workshop, used, with 10 USD to spend."""
    alias = fields.get("key_alias", f"w-{user}")
    record = {
        "key_alias": alias,
        "key_id": f"id-of-{alias}",
        "user_id": f"{user}@example.com",
        "group": "w",
        "metadata": {},
        "status": "active",
        "spend": 1.5,
        "max_budget": 10.0,
        "last_active": "2030-01-31T09:30:00+00:00",
        "expires_at": "2030-02-02T00:00:00+00:00",
        **fields,
    }
    limit = record["max_budget"]
    return {"remaining_budget": None if limit is None else limit - record["spend"], **record}


def unused(user: str, **fields: Any) -> Record:
    return key(user, spend=0.0, last_active=None, **fields)


def report(*keys: Record, **options: Any) -> dict[str, Any]:
    """The report, what is said of it, the table, and the content of the page."""
    zone = time_zone(options.get("time_zone", "UTC"))
    names = Names(options.get("alias", "w"), options.get("people", ()))
    people = people_of(keys, names, zone, options.get("earlier", {}).get("people", ()))
    usage = {
        "title": options.get("title", "w"),
        "time_zone": str(zone),
        "totals": totals_of(people, options.get("total_budget"), options.get("team", {})),
        "people": people,
    }
    return {"report": usage, "said": sentences(usage, usage["title"]), "csv": csv_table(people), "page": content(usage)}


def names(*keys: Record, **options: Any) -> list[str]:
    return [person["name"] for person in report(*keys, **options)["report"]["people"]]


def test_totals_and_who_needs_attention() -> None:
    made = report(
        key("ann", spend=10.0, status="over_budget"),
        key("ben", status="expired"),
        key("cem", status="blocked"),
        key("dan"),
        unused("eve"),
    )
    assert made["said"] == [
        "w: 5 keys, 4 used, 14.50 USD of 50.00 USD.",
        "Out of budget: ann.",
        "Expired: ben.",
        "Blocked: cem.",
        "Never used: eve.",
    ]
    assert made["report"]["totals"] == {
        "keys": 5,
        "used": 4,
        "never_used": 1,
        "only_rejected": 0,
        "active": 2,
        "over_budget": 1,
        "expired": 1,
        "blocked": 1,
        "removed": 0,
        "spend": 14.5,
        "max_budget": 50.0,
        "max_budget_from": "keys",
        "max_budget_spent": 14.5,
        "remaining_budget": 35.5,
        "unlimited": 0,
        "last_active": "2030-01-31T09:30:00+00:00",
    }


def test_nobody_needs_attention() -> None:
    assert report(key("ann"))["said"] == ["w: 1 key, 1 used, 1.50 USD of 10.00 USD.", "No one needs attention."]


def test_many_names_are_counted() -> None:
    made = report(*(unused(f"p{number}") for number in range(1, 13)))
    assert made["said"][1] == "Never used: p1, p2, p3, p4, p5, p6, p7, p8, p9, p10 and 2 more."
    assert len(made["page"]["attention"][0][1]) == 12
    made = report(*(unused(f"p{number}") for number in range(1, 12)))
    assert made["said"][1].endswith("p10, p11.")


def test_who_is_blocked_and_never_began_is_named_twice() -> None:
    assert report(unused("ann", status="blocked"))["said"][1:] == ["Blocked: ann.", "Never used: ann."]


def test_a_key_used_for_nothing_is_used() -> None:
    assert report(key("ann", spend=0.0))["report"]["totals"]["used"] == 1


@pytest.mark.parametrize(("used", "said"), [(True, []), (False, ["Only rejected requests: ann."]), (None, [])])
def test_who_only_asked_for_what_is_rejected(used: Any, said: list[str]) -> None:
    made = report(key("ann", spend=0.0, used=used), key("ben"))
    assert [line for line in made["said"][1:] if "No one" not in line] == said
    assert made["report"]["totals"]["only_rejected"] == len(said)
    assert made["report"]["totals"]["never_used"] == 0
    assert ("Only rejected requests" in [row["status_text"] for row in made["page"]["rows"]]) == bool(said)


# The cap


def test_the_budget_of_the_team_goes_before_all_and_counts_what_it_counts() -> None:
    team = {"team_id": "ws", "max_budget": 40.0, "spend": 12.5}
    made = report(key("ann", spend=5.0), key("ben", spend=5.0), total_budget=80, team=team)
    assert made["said"][:2] == ["w: 2 keys, 2 used, 12.50 USD of 40.00 USD.", "The keys themselves spent 10.00 USD."]
    totals = made["report"]["totals"]
    assert (totals["max_budget_from"], totals["spend"], totals["max_budget_spent"]) == ("team", 10.0, 12.5)
    assert totals["remaining_budget"] == 27.5
    assert (made["page"]["spent"], made["page"]["by_keys"], made["page"]["share"]) == ("12.50", "10.00", 31.2)

    spent = report(key("ann", spend=5.0), team={**team, "spend": 40.0})
    assert "The total budget is spent. The proxy rejects the requests of all keys." in spent["said"]
    assert report(key("ann", spend=12.5), team=team)["page"]["by_keys"] is None


def test_a_team_without_a_budget_is_no_cap() -> None:
    team = {"team_id": "ws", "max_budget": None, "spend": 12.5}
    assert report(key("ann"), total_budget=80, team=team)["report"]["totals"]["max_budget"] == 80


def test_a_total_budget_goes_before_the_keys() -> None:
    totals = report(key("ann"), key("ben", max_budget=None), total_budget=100.0)["report"]["totals"]
    assert (totals["max_budget"], totals["max_budget_from"], totals["remaining_budget"]) == (
        100.0,
        "total_budget",
        97.0,
    )


def test_a_total_budget_that_is_spent() -> None:
    assert "The total budget is spent." in report(key("ann", spend=5.0), total_budget=5)["said"]
    assert "The total budget is spent." not in report(key("ann", spend=5.0), total_budget=5.01)["said"]
    assert report(key("ann", spend=7.0), total_budget=5)["page"]["left"] == money(0)


def test_one_unlimited_key_leaves_no_cap() -> None:
    made = report(key("ann"), key("ben", max_budget=None))
    assert made["said"][0] == "w: 2 keys, 2 used, 3.00 USD spent, no cap (1 key without a budget)."
    assert made["report"]["totals"]["max_budget"] is None and made["page"]["cap"] is None


def test_a_shared_budget_is_a_limit() -> None:
    person = report(key("ann", max_budget=None, remaining_budget=2.4, spend=0.1))["report"]["people"][0]
    assert (person["max_budget"], person["remaining_budget"]) == (2.5, 2.4)


# Bars


@pytest.mark.parametrize(
    ("keys", "scale", "lengths", "said"),
    [
        ([key("ann", spend=5.0), key("ben", spend=2.5)], "10.00", [50, 25], "the budget of a key"),
        ([key("ann", spend=12.5), key("ben", spend=5.0)], "12.50", [100, 40], "the most that one person spent"),
        ([key("ann", spend=4.0), key("ben", max_budget=None)], "4.00", [100, 37.5], "the most that one person spent"),
        ([unused("ann", max_budget=None)], None, [None], ""),
    ],
)
def test_bars_are_on_one_scale_that_is_said(keys: list[Record], scale: Any, lengths: list[Any], said: str) -> None:
    made = report(*keys)
    assert (made["page"]["scale"], [row["length"] for row in made["page"]["rows"]]) == (scale, lengths)
    text = page(made["report"])
    assert (f"A full bar is {scale} USD, {said}." in text) == bool(scale) == ("A full bar" in text)


def test_a_narrow_page_has_every_column_with_its_heading() -> None:
    made = report(key("ann"), key("ben", max_budget=5.0, expires_at="2031-02-02T00:00:00+00:00"))
    text = page(made["report"])
    heads = re.findall(r'<th scope="col"[^>]*>([^<]+)</th>', text)
    (row, _other) = re.findall(r"<tr class=.*?</tr>", text)
    labels = ["Name", "Status", *re.findall(r'data-label="([^"]+)"', row)]
    assert labels == heads and "display: none" not in text.replace("thead .length { display: none; }", "")


# Times


def test_times_are_in_the_zone_of_the_reader() -> None:
    made = report(key("ann"), time_zone="Europe/Berlin")
    assert made["report"]["time_zone"] == "Europe/Berlin"
    assert made["report"]["people"][0]["last_active"] == "2030-01-31T10:30:00+01:00"
    assert made["page"]["rows"][0]["last_active"] == "2030-01-31 10:30"
    assert report(key("ann"))["report"]["time_zone"] == "UTC"


def test_a_last_use_that_the_proxy_cannot_tell_is_unknown() -> None:
    rows = report(key("ann", last_active=None), unused("ben"))["page"]["rows"]
    assert [row["last_active"] for row in rows] == ["unknown", "never"]


def test_no_text_of_the_page_is_markup() -> None:
    made = report(key("ann", metadata={"name": "<b>&\"'"}, status="blocked"), title="<i>")
    shown = page(made["report"])
    assert "<b>" not in shown and "<i>" not in shown and "&lt;b&gt;&amp;&#34;&#39;" in shown
    assert made["said"][1] == "Blocked: <b>&\"'."


def test_the_latest_use_is_that_by_the_clock() -> None:
    winter, summer = "2030-10-27T01:10:00+00:00", "2030-10-27T00:50:00+00:00"
    made = report(key("ann", last_active=winter), key("ben", last_active=summer), time_zone="Europe/Berlin")
    assert made["report"]["totals"]["last_active"] == "2030-10-27T02:10:00+01:00"


@pytest.mark.parametrize("given", ["Berlin", "Europe/", "../etc/passwd", "/etc/localtime", "a\0b", "Europe"])
def test_an_unknown_time_zone_is_refused(given: str) -> None:
    with pytest.raises(InputError, match="litellm_vkey_time_zone"):
        time_zone(given)


# Names


def test_a_name_is_the_best_that_is_known() -> None:
    assert names(key("ann")) == ["ann"]
    assert names(key("ann", metadata={"name": "Ann  Lee\n"})) == ["Ann Lee"]
    assert names(key("ann", key_alias=None, key_id="abcdefgh01")) == ["ann@example.com"]
    assert names(key("ann", key_alias=None, user_id=None, key_id="abcdefgh01")) == ["key abcdefgh"]
    assert names(key("ann", key_alias="w", group=None)) == ["w"]
    assert names(key("ann", key_alias="w-", group="w")) == ["w-"]
    assert names(key("ann", key_alias="team-b-ann", group="team-b"), alias="") == ["ann"]


@pytest.mark.parametrize(
    "person",
    [
        {"name": "Ann Lee", "user": "ann"},
        {"name": "Ann Lee", "user_id": "ann@example.com"},
        {"name": "Ann Lee", "alias": "w-ann", "user": "someone"},
        {"user": "Ann Lee", "key_id": "id-of-w-ann"},
    ],
)
def test_the_people_given_bear_the_names(person: dict[str, str]) -> None:
    assert names(key("ann", metadata={"name": "A."}), key("ben"), people=[person, "ben"]) == ["Ann Lee", "ben"]


def test_two_of_a_name_are_told_apart() -> None:
    people = [{"name": "Kim", "user": "kim1"}, {"name": "Kim", "user": "kim2"}]
    made = report(key("kim1"), unused("kim2"), unused("lee"), people=people)
    assert made["said"][1] == "Never used: Kim (kim2), lee."


def test_people_are_in_the_order_that_people_expect() -> None:
    assert names(key("user10"), key("User2"), key("user1"), key("7up"), key("Émile"), key("Emma"), key("Žofie")) == [
        "7up", "Émile", "Emma", "user1", "User2", "user10", "Žofie",
    ]  # fmt: skip
    assert names(key("Zoe"), key("Øystein"), key("Łukasz"), key("Peter"), key("Ærø"), key("Weiß"), key("Lea")) == [
        "Ærø", "Lea", "Łukasz", "Øystein", "Peter", "Weiß", "Zoe",
    ]  # fmt: skip


# Keys that are gone


def test_a_removed_key_is_still_counted() -> None:
    earlier = report(key("ann"), key("ben", spend=2.0))["report"]
    made = report(key("ann", spend=3.0), earlier=earlier)
    assert made["said"] == ["w: 1 key, 1 used, 5.00 USD of 20.00 USD.", "Removed, still counted: ben."]
    assert [person["status"] for person in made["report"]["people"]] == ["active", "removed"]
    assert report(key("ann", spend=3.0), earlier=made["report"])["report"] == made["report"]


def test_a_replaced_key_is_not_counted_twice() -> None:
    earlier = report(key("ann"), key("ben"))["report"]
    made = report(key("ann"), key("ben", key_id="another"), earlier=earlier)
    assert made["report"]["totals"]["removed"] == 0 and made["report"]["totals"]["spend"] == 3.0


def test_a_workshop_made_anew_begins_anew() -> None:
    earlier = report(key("ann"), key("ben"))["report"]
    assert names(key("ann", key_id="another"), earlier=earlier) == ["ann"]


def test_a_removed_key_appears_in_the_zone_asked_for_now() -> None:
    earlier = report(key("ann"), key("ben"))["report"]
    people = report(key("ann"), earlier=earlier, time_zone="Europe/Berlin")["report"]["people"]
    assert people[1]["last_active"] == people[0]["last_active"] == "2030-01-31T10:30:00+01:00"


# Money


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (0, "0.00"), (0.0, "0.00"), (0.00012, "0.00012"), (0.00144, "0.0014"), (0.0049, "0.0049"), (0.999, "1.00"),
        (0.1, "0.10"), (4.314, "4.31"), (250, "250.00"), (1234567.891, "1,234,567.89"), (-0.5, "-0.50"),
        (1e-9, "0.0000000010"),
    ],
)  # fmt: skip
def test_money(amount: float, text: str) -> None:
    assert money(amount) == text


@given(st.floats(min_value=1e-12, max_value=1e9))
def test_money_is_never_off_by_more_than_a_twentieth(amount: float) -> None:
    assert float(money(amount).replace(",", "")) == pytest.approx(amount, rel=0.051)


@given(st.lists(st.floats(min_value=0, max_value=1e6), max_size=20))
def test_the_table_has_every_digit(amounts: list[float]) -> None:
    made = report(*(key(f"p{number}", spend=amount) for number, amount in enumerate(amounts)))
    rows = list(csv.DictReader(io.StringIO(made["csv"])))
    assert [float(row["spend"]) for row in rows] == amounts
    assert not any("e" in row["spend"] for row in rows)
    assert made["report"]["totals"]["spend"] == math.fsum(amounts)


# The table


@given(st.text(min_size=1), st.text(min_size=1))
def test_no_cell_is_a_formula(name: str, user_id: str) -> None:
    text = report(key("ann", metadata={"name": name}, user_id=user_id))["csv"]
    head, row = csv.reader(io.StringIO(text, newline=""))
    assert len(head) == len(row)
    for part in (part for cell in row for part in re.split(r"[,;|\t]", cell)):
        assert not part.lstrip().startswith(("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20"))
    assert row[head.index("user_id")].replace("'", "") == re.sub(r"[\r\n]+", " ", user_id).replace("'", "")


@pytest.mark.parametrize("text", ["=1+1", "\t=1", " +1", "-1", "@a", "a;=1", "\uff1d1"])
def test_a_formula_is_quoted(text: str) -> None:
    row = next(csv.DictReader(io.StringIO(report(key("ann", user_id=text))["csv"])))
    assert row["user_id"] != text and row["user_id"].replace("'", "") == text


def test_what_a_key_owes_stays_a_number() -> None:
    row = next(csv.DictReader(io.StringIO(report(key("ann", spend=10.5))["csv"])))
    assert row["remaining_budget"] == "-0.5"


# All


KEYS = st.builds(
    key,
    st.text(min_size=1, max_size=5),
    status=st.sampled_from([status for status in STATUS if status != "removed"]),
    spend=st.floats(min_value=0, max_value=100),
    max_budget=st.none() | st.floats(min_value=0, max_value=100),
    last_active=st.none() | st.just("2030-01-31T09:30:00.123456+00:00"),
    expires_at=st.none() | st.just("2030-01-31T09:30:00Z"),
    key_alias=st.none() | st.text(max_size=5),
)


@given(st.lists(KEYS, max_size=8))
def test_every_key_is_counted_once_in_any_order(keys: list[Record]) -> None:
    keys = [{**one, "key_id": f"{number:064}"} for number, one in enumerate(keys)]
    made, turned = report(*keys), report(*reversed(keys))
    totals = made["report"]["totals"]
    assert sum(totals[status] for status in STATUS) == totals["keys"] == len(keys)
    assert totals["used"] + totals["never_used"] == len(keys)
    assert sorted(person["key_id"] for person in made["report"]["people"]) == [one["key_id"] for one in keys]
    assert made == turned


def test_an_old_value_in_its_grace_is_said_of_the_key_in_its_place() -> None:
    new = key("ann", spend=2.0, old_value_spend=0.5, replaced_by=None)
    old = key("ann.retired-12345678", spend=2.5, replaced_by=new["key_id"])
    (person,) = report(new, old)["report"]["people"]
    assert (person["user"], person["spend"], person["remaining_budget"]) == ("ann", 2.5, 7.5)
