# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who used what, on a real LiteLLM: what the role says and writes is what the database has."""

from __future__ import annotations

import csv
import json
import math
import re
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

PLAYBOOK = Path(__file__).parents[1] / "playbooks" / "usage.yml"
FILES = ("usage.csv", "usage.html", "usage.json")
KEYS = '"LiteLLM_VerificationToken"'


@pytest.fixture
def report(play, tmp_path, alias):
    """Runs the role; returns the run, what it said, and the fact that it set."""

    def run(*arguments: str, secret: tuple[str, ...] = (), **variables: Any):
        result, file = tmp_path / "result.json", tmp_path / "variables.json"
        result.unlink(missing_ok=True)
        given = {"litellm_vkey_alias": alias, "litellm_vkey_output_dir": str(tmp_path / "report")}
        given.update((f"litellm_vkey_{name}", value) for name, value in variables.items())
        file.write_text(json.dumps({**given, "result": str(result)}))
        done = play(str(PLAYBOOK), "-e", f"@{file}", *arguments, secret=secret)
        said = re.search(r"Show the report.*?\"msg\": (\[.*?\n    \]|\".*?\"\n)", done.output, re.DOTALL)
        words = json.loads(said[1]) if said else []
        return done, words, json.loads(result.read_text()) if result.exists() else {}

    return run


@pytest.fixture
def people(sandbox, alias):
    """Makes the keys of a workshop, past the code that is tested; returns their values by user."""

    def make(*users: str, **fields: Any) -> dict[str, str]:
        def one(user: str) -> str:
            body = {"key_alias": f"{alias}-{user}", "models": ["gpt-4"], "user_id": f"{user}@example.com", **fields}
            answer = sandbox.call("POST", "/key/generate", {**body, "metadata": {"litellm_vkey_group": alias}})
            answer.raise_for_status()
            return answer.json()["key"]

        with ThreadPoolExecutor(8) as pool:
            return dict(zip(users, pool.map(one, users), strict=True))

    return make


def chat(sandbox, key: str):
    body = {"model": "gpt-4", "messages": [{"role": "user", "content": "hello"}]}
    return sandbox.call("POST", "/v1/chat/completions", body, key=key)


def settled(sandbox, alias: str, *users: str) -> None:
    """Wait until LiteLLM has written down what these have spent."""
    end = time.monotonic() + 90
    while not all(sandbox.keys(alias)[f"{alias}-{user}"]["last_active"] for user in users):
        assert time.monotonic() < end, "LiteLLM has not written the spend down"
        time.sleep(1)


def texts(page: str) -> str:
    """What a reader of the page sees, without scripts and styles."""
    found: list[str] = []

    class Reader(HTMLParser):
        hidden = False

        def handle_starttag(self, tag: str, attrs: Any) -> None:
            self.hidden = tag in ("script", "style", "title")

        def handle_endtag(self, tag: str) -> None:
            self.hidden = False

        def handle_data(self, data: str) -> None:
            if not self.hidden:
                found.append(data)

    Reader().feed(page)
    return " ".join(" ".join(found).split())


def test_a_workshop_of_five(sandbox, report, people, alias, tmp_path):
    values = people("ann", "ben", "cem", "dan", "eve", max_budget=0.002, duration="3d")
    for user in ("ann", "ben", "cem", "dan"):
        assert chat(sandbox, values[user]).status_code == 200
    settled(sandbox, alias, "ann", "ben", "cem", "dan")
    sandbox.call("POST", "/key/block", {"key": values["cem"]}).raise_for_status()
    sandbox.execute(f"UPDATE {KEYS} SET expires = now() - interval '1 hour' WHERE key_alias = %s", f"{alias}-dan")
    sandbox.call("POST", "/key/update", {"key": values["ann"], "max_budget": 0.001}).raise_for_status()

    with sandbox.writes() as written:
        done, said, fact = report(secret=tuple(values.values()))
    rows = sandbox.keys(alias)
    spend = math.fsum(row["spend"] for row in rows.values())
    assert done.rc == 0 and done.changed == 1 and written == []
    assert said == [
        f"{alias}: 5 keys, 4 used, {spend:.4f} USD of 0.0090 USD.",
        "Out of budget: ann.",
        "Expired: dan.",
        "Blocked: cem.",
        "Never used: eve.",
        f"Written to {tmp_path}/report: usage.csv, usage.html, usage.json.",
    ]
    assert spend > 0 and fact["totals"]["spend"] == spend
    assert [person["name"] for person in fact["people"]] == ["ann", "ben", "cem", "dan", "eve"]
    for person in fact["people"]:
        row = rows[person["alias"]]
        assert (person["key_id"], person["spend"], person["max_budget"]) == (
            row["token"],
            row["spend"],
            row["max_budget"],
        )
        last = person["last_active"] and datetime.fromisoformat(person["last_active"]).replace(tzinfo=None)
        assert last == (row["last_active"] and row["last_active"].replace(microsecond=0))
    assert [person["status"] for person in fact["people"]] == ["over_budget", "active", "blocked", "expired", "active"]

    folder = tmp_path / "report"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert sorted(path.name for path in folder.iterdir()) == [".litellm_vkey_files.json", *FILES]
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    assert json.loads((folder / "usage.json").read_text()) == fact
    with (folder / "usage.csv").open(newline="") as table:
        lines = list(csv.DictReader(table))
    assert [float(line["spend"]) for line in lines] == [rows[line["alias"]]["spend"] for line in lines]
    page = (folder / "usage.html").read_text()
    for value in values.values():
        assert value not in page
    assert not re.search(r"(?:src|href)=|url\(|@import", page)
    seen = texts(page)
    for words in ("Out of budget 1 ann", "Expired 1 dan", "Blocked 1 cem", "Never used 1 eve", "Times are in UTC."):
        assert words in seen

    times = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    done, said, again = report()
    assert again == fact
    assert done.changed == 0 and said[-1] == f"The report in {folder} is up to date."
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == times


@pytest.mark.long
def test_the_budget_is_that_of_the_team(sandbox, manage, report, alias):
    """What LiteLLM counts, and where it stops: also what keys spent that are replaced or removed by now."""
    workshop = {"users": ["ann", "ben", "cem"], "total_budget": 1, "max_budget": 5}
    _done, result = manage(**workshop)
    ann, ben, _cem = (user["key"] for user in result["users"])
    assert chat(sandbox, ann).status_code == chat(sandbox, ben).status_code == 200
    settled(sandbox, alias, "ann", "ben")
    manage(users=["ben"], state="absent")
    try:
        (team,) = sandbox.rows('SELECT * FROM "LiteLLM_TeamTable" WHERE team_id = %s', alias)
        rows = sandbox.keys(alias)
        assert team["spend"] > (spend := math.fsum(row["spend"] for row in rows.values())) > 0
        _done, said, fact = report(total_budget=80)  # what the file says by now, and no run has written
        assert said[:2] == [
            f"{alias}: 2 keys, 1 used, {team['spend']:.4f} USD of 1.00 USD.",
            f"The keys themselves spent {spend:.4f} USD.",
        ]
        totals = fact["totals"]
        assert (totals["max_budget"], totals["max_budget_from"]) == (team["max_budget"], "team") == (1.0, "team")
        assert (totals["max_budget_spent"], totals["spend"]) == (team["spend"], spend)
        _done, _said, by_team = report(alias="", usage_filter={"team_id": alias}, output_dir="")
        assert by_team["totals"] == totals
        assert (
            report(alias="", usage_filter={"user_id": "ann@example.com"}, output_dir="")[2]["totals"]["max_budget_from"]
            == "keys"
        )
    finally:
        manage(state="absent", multi_user=True)


def test_a_rejected_request_is_no_use(sandbox, report, people, alias, tmp_path):
    values = people("ann", "ben", "cem")
    body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hello"}]}
    assert sandbox.call("POST", "/v1/chat/completions", body, key=values["ann"]).status_code in (401, 403)
    assert chat(sandbox, values["ben"]).status_code == 200
    settled(sandbox, alias, "ann", "ben")
    # What a free model costs.
    sandbox.execute(f"UPDATE {KEYS} SET spend = 0 WHERE key_alias = %s", f"{alias}-ben")
    _done, said, fact = report()
    assert said[:3] == [
        f"{alias}: 3 keys, 1 used, 0.00 USD spent, no cap (3 keys without a budget).",
        "Only rejected requests: ann.",
        "Never used: cem.",
    ]
    assert [person["used"] for person in fact["people"]] == [False, True, False]
    assert "Only rejected requests 1 ann" in texts((tmp_path / "report" / "usage.html").read_text())


def test_names_from_the_file_of_people(people, report, tmp_path):
    people("ann@x.org", "ben@x.org", "cem")
    file = tmp_path / "people.csv"
    file.write_text("\ufeffName;E-Mail\nAnn Čapek;ann@x.org\n\n=Ben;ben@x.org\n", encoding="utf-8")
    _done, said, fact = report(users_file=str(file))
    assert [person["name"] for person in fact["people"]] == ["=Ben", "Ann Čapek", "cem"]
    assert said[1] == "Never used: =Ben, Ann Čapek, cem."


def test_300_people_in_a_second(sandbox, report, people, alias, tmp_path):
    values = people(*(f"user{number}" for number in range(1, 301)), max_budget=10)
    sandbox.execute(
        f"UPDATE {KEYS} SET spend = round((random() * 11)::numeric, 6), last_active = now() "
        "WHERE starts_with(key_alias, %s) AND right(key_alias, 1) <> '7'",
        alias,
    )
    done, said, fact = report(total_budget=2500, secret=tuple(values.values()))
    rows = sandbox.keys(alias)
    over = sum(row["spend"] >= 10 for row in rows.values())
    spend = math.fsum(row["spend"] for row in rows.values())
    assert done.rc == 0
    assert said[0] == f"{alias}: 300 keys, 270 used, {spend:,.2f} USD of 2,500.00 USD."
    assert fact["totals"]["spend"] == spend and fact["totals"]["over_budget"] == over
    assert fact["totals"]["remaining_budget"] == pytest.approx(2500 - spend)
    assert said[-2] == (
        "Never used: user7, user17, user27, user37, user47, user57, user67, user77, user87, user97 and 20 more."
    )
    assert {person["alias"]: person["spend"] for person in fact["people"]} == {
        name: row["spend"] for name, row in rows.items()
    }
    page = (tmp_path / "report" / "usage.html").read_text()
    shown = [float(value) for value in re.findall(r'data-label="Spent, USD" data-v="([^"]+)"', page)]
    assert shown == sorted((row["spend"] for row in rows.values()), reverse=True)


def test_check_mode_reads_and_says_but_writes_nothing(report, people, alias, tmp_path):
    people("ann", "ben")
    done, said, fact = report("--check")
    assert done.rc == 0 and not (tmp_path / "report").exists()
    assert said == [
        f"{alias}: 2 keys, 0 used, 0.00 USD spent, no cap (2 keys without a budget).",
        "Never used: ann, ben.",
        f"Would be written to {tmp_path}/report: usage.csv, usage.html, usage.json.",
    ]
    assert fact["totals"]["keys"] == 2
    assert report()[0].changed == 1
    assert report("--check")[0].changed == 0


def test_a_single_key(sandbox, report, alias):
    sandbox.call("POST", "/key/generate", {"key_alias": alias, "max_budget": 5, "spend": 1.25}).raise_for_status()
    done, said, fact = report(output_dir="")
    assert done.rc == 0 and done.changed == 0
    assert said == [f"{alias}: 1 key, 1 used, 1.25 USD of 5.00 USD.", "No one needs attention."]
    assert [person["name"] for person in fact["people"]] == [alias]


@pytest.mark.parametrize("as_text", [False, True])
def test_keys_of_a_user(report, people, alias, as_text):
    people("ann", "ben", user_id=f"{alias}@example.com")
    people("cem")
    selected = {"user_id": f"{alias}@example.com"}
    _done, said, fact = report(usage_filter=json.dumps(selected) if as_text else selected, alias="", output_dir="")
    assert said[0].startswith("Virtual keys: 2 keys, ") and fact["title"] == "Virtual keys"
    assert [person["name"] for person in fact["people"]] == ["ann", "ben"]


def test_names_from_the_result_of_the_day(sandbox, manage, report, alias, tmp_path):
    done, result = manage(users=["ann", "ben"])
    assert done.rc == 0
    done, _said, fact = report(result=result, users=[{"user": "ben", "name": "Ben Ünsal"}])
    assert done.rc == 0 and [person["name"] for person in fact["people"]] == ["ann", "Ben Ünsal"]
    for file in FILES:
        assert not any(person["key"] in (tmp_path / "report" / file).read_text() for person in result["users"])


def test_text_from_the_proxy_stays_text(sandbox, report, alias, tmp_path):
    name = "{{ 6 * 7 }}<script>alert(\"x\")</script> & '=1+1'"
    body = {"key_alias": f"{alias}-x", "metadata": {"litellm_vkey_group": alias, "name": name}, "user_id": "=1+1"}
    sandbox.call("POST", "/key/generate", body).raise_for_status()
    done, _said, fact = report()
    assert done.rc == 0 and fact["people"][0]["name"] == name
    page = (tmp_path / "report" / "usage.html").read_text()
    assert page.count("<script>") == 1 and name in texts(page)
    with (tmp_path / "report" / "usage.csv").open(newline="") as table:
        assert next(csv.DictReader(table))["user_id"] == "'=1+1"


def test_removed_people_stay_and_an_empty_workshop_leaves_the_report(sandbox, report, people, alias, tmp_path):
    values = people("ann", "ben", max_budget=10)
    sandbox.execute(f"UPDATE {KEYS} SET spend = 2.5 WHERE starts_with(key_alias, %s)", alias)
    assert report()[0].rc == 0
    sandbox.call("POST", "/key/delete", {"keys": [values["ben"]]}).raise_for_status()
    done, said, fact = report()
    assert said[:2] == [f"{alias}: 1 key, 1 used, 5.00 USD of 20.00 USD.", "Removed, still counted: ben."]
    assert done.changed == 1 and report()[0].changed == 0

    sandbox.call("POST", "/key/delete", {"keys": [values["ann"]]}).raise_for_status()
    done, said, _fact = report()
    assert done.rc == 0 and done.changed == 0
    assert said == [f"There is nothing to report: no key belongs to the workshop '{alias}', and none has that alias."]
    assert json.loads((tmp_path / "report" / "usage.json").read_text()) == fact


def test_times_of_the_reader(report, people, tmp_path):
    people("ann", duration="3d")
    _done, _said, fact = report(time_zone="Asia/Kolkata")
    assert datetime.fromisoformat(fact["people"][0]["expires_at"]).utcoffset().total_seconds() == 5.5 * 3600
    assert "Times are in Asia/Kolkata." in texts((tmp_path / "report" / "usage.html").read_text())


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"alias": ""}, "Set litellm_vkey_alias to the alias of a workshop or of a key"),
        ({"total_budget": "10,50"}, "litellm_vkey_total_budget must be a number such as 10 or 2.5, not '10,50'"),
        ({"time_zone": "Berlin"}, "litellm_vkey_time_zone: 'Berlin' is not a time zone"),
        ({"usage_filter": {"team": "x"}}, "litellm_vkey_usage_filter: 'team' is not one of key_aliases, "),
        ({"usage_formats": ["pdf"]}, "litellm_vkey_usage_formats: 'pdf' is not one of csv, json, html, leaderboard."),
    ],
)
def test_what_is_refused(report, people, tmp_path, variables, message):
    people("ann")
    done, _said, _fact = report(**variables)
    assert done.rc != 0 and message in done.output
    assert not (tmp_path / "report").exists()
