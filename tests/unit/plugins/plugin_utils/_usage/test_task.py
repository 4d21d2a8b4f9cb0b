# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a report reads, and which files it writes, in a real folder."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.action.litellm_usage_report import ActionModule
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._errors import InputError
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._calls import CallError
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._usage._task import Reported, report
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._variables import Source, Variables

FILES = {"usage.csv", "usage.html", "usage.json"}
LIST = ".litellm_vkey_files.json"
PROXY = {"api_url": "https://litellm.example.com", "master_key": "sk-of-an-admin"}


def key(user: str, **fields: Any) -> dict[str, Any]:
    return {
        "key_alias": f"w-{user}",
        "key_id": f"id-of-{user}",
        "user_id": user,
        "group": "w",
        "metadata": {},
        "status": "active",
        "spend": 1.5,
        "max_budget": 10.0,
        "remaining_budget": 8.5,
        "last_active": "2030-01-31T09:30:00+00:00",
        "expires_at": None,
        **fields,
    }


class Proxy:
    """Answers as the modules would, and notes what was asked."""

    def __init__(
        self, *keys: dict[str, Any], team: dict[str, Any] | None = None, teams: Sequence[dict[str, Any]] = ()
    ) -> None:
        self.keys, self.teams = list(keys), [team] if team else list(teams)
        self.asked: list[dict[str, Any]] = []

    def __call__(self, module: str, /, check_mode: bool | None = None, **options: Any) -> dict[str, Any]:
        asked = {name: value for name, value in options.items() if name not in ("api_url", "api_key")}
        assert options["api_key"] == PROXY["master_key"]
        plain = ("validate_certs", "timeout", "retries", "check_use")
        self.asked.append({name: value for name, value in asked.items() if name not in plain})
        if module == "litellm_team_info":
            return {"teams": self.teams}
        return {"virtual_keys": [one for one in self.keys if _fits(one, options)]}


def _fits(one: dict[str, Any], options: dict[str, Any]) -> bool:
    if "key_aliases" in options:
        return one["key_alias"] in options["key_aliases"]
    return "group" not in options or one["group"] == options["group"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "course"


Run = Callable[..., Reported]


@pytest.fixture
def run(folder: Path) -> Run:
    def run(proxy: Any, check: bool = False, people: tuple[Any, ...] = (), **options: Any) -> Reported:
        given = {**PROXY, "alias": "w", "output_dir": str(folder), **options}
        return report(proxy, Variables(ActionModule.TABLE, Source(given, "litellm_vkey_")), people, check)

    return run


def texts(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != LIST}


def test_a_report_is_written_once(run: Run, folder: Path) -> None:
    proxy = Proxy(key("ann"), key("ben"))
    done = run(proxy, people=({"user": "ben", "name": "Ben Lee"},))
    assert done.said == [
        "w: 2 keys, 2 used, 3.00 USD of 20.00 USD.",
        "No one needs attention.",
        f"Written to {folder}: usage.csv, usage.html, usage.json.",
    ]
    assert proxy.asked == [{"group": "w"}, {"team_id": "w"}]
    written = texts(folder)
    assert set(written) == FILES and json.loads(written["usage.json"]) == done.usage
    assert {person["name"] for person in done.usage["people"]} == {"ann", "Ben Lee"}
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    again = run(proxy, people=({"user": "ben", "name": "Ben Lee"},))
    assert not again.changed and again.said[-1] == f"The report in {folder} is up to date." and texts(folder) == written


def test_check_mode_writes_nothing(run: Run, folder: Path) -> None:
    done = run(Proxy(key("ann")), check=True, usage_formats="csv, json")
    assert done.changed and not folder.exists()
    assert done.said[-1] == f"Would be written to {folder}: usage.csv, usage.json."


def test_without_a_folder_nothing_is_written(run: Run, folder: Path) -> None:
    done = run(Proxy(key("ann")), output_dir="")
    assert not done.changed and len(done.said) == 2 and not folder.exists()


def test_a_single_key_is_found_by_its_alias(run: Run) -> None:
    proxy = Proxy(key("ann", key_alias="single", group=None))
    assert run(proxy, alias="single").usage["totals"]["keys"] == 1
    assert proxy.asked == [{"group": "single"}, {"key_aliases": ["single"]}, {"team_id": "single"}]


def test_nothing_to_report_leaves_the_files(run: Run, folder: Path) -> None:
    run(Proxy(key("ann")))
    before = texts(folder)
    said = ["There is nothing to report: no key belongs to the workshop 'w', and none has that alias."]
    assert run(Proxy()).said == said and texts(folder) == before
    assert run(Proxy(), usage_filter={"user_id": "x"}).said == [
        "There is nothing to report: no key fits litellm_vkey_usage_filter."
    ]


@pytest.mark.parametrize(
    ("options", "metadata", "cap"),
    [
        ({}, {"litellm_vkey_group": "w"}, "team"),
        ({}, {}, "keys"),
        ({}, None, "keys"),
        ({"usage_filter": {"team_id": "w"}}, {}, "team"),
        ({"usage_filter": {"team_id": "w", "status": "active"}}, {}, "keys"),
    ],
)
def test_the_team_of_the_workshop_limits_it(run: Run, options: Any, metadata: Any, cap: str) -> None:
    proxy = Proxy(key("ann"), team={"team_id": "w", "max_budget": 5.0, "spend": 2.0, "metadata": metadata})
    assert run(proxy, **options).usage["totals"]["max_budget_from"] == cap


def test_who_was_removed_is_still_counted(run: Run) -> None:
    run(Proxy(key("ann"), key("ben")))
    done = run(Proxy(key("ann")))
    assert done.said[:2] == ["w: 1 key, 1 used, 3.00 USD of 20.00 USD.", "Removed, still counted: ben."]
    assert not run(Proxy(key("ann"))).changed


DAMAGED = [
    "not json",
    "[]",
    "{}",
    '{"people": [{"name": "ann"}], "title": "", "time_zone": "", "totals": {}}',
    "[" * 100_000,
]


@pytest.mark.parametrize("text", DAMAGED)
def test_a_damaged_report_stops_nothing_and_stays(run: Run, folder: Path, text: str) -> None:
    folder.mkdir()
    (folder / "usage.json").write_text(text)
    done = run(Proxy(key("ann")))
    assert done.said[-1] == f"Written to {folder}: usage.csv, usage.html."
    assert [f"{folder}/usage.json is not a report that this role wrote" in done.warnings[0], len(done.warnings)] == [
        True,
        2,
    ]
    assert (folder / "usage.json").read_text() == text


@pytest.mark.parametrize(
    ("place", "wrong"),
    [
        *(("people", {"spend": wrong}) for wrong in ("1", None, float("nan"), float("inf"))),
        *(("people", {"last_active": wrong}) for wrong in ("yesterday", 1, "2030-01-01T00:00:00")),
        ("people", {"name": None}),
        ("people", {"more": 1}),
        ("totals", {"spend": "much"}),
        ("totals", {"max_budget": float("inf")}),
        ("totals", {"last_active": 5}),
        ("totals", {"more": 1}),
    ],
)
def test_a_report_with_other_types_stops_nothing(run: Run, folder: Path, place: str, wrong: dict[str, Any]) -> None:
    run(Proxy(key("ann"), key("ben")))
    data = json.loads((folder / "usage.json").read_text())
    (data["people"][0] if place == "people" else data["totals"]).update(wrong)
    (folder / "usage.json").write_text(json.dumps(data))
    assert "is not a report that this role wrote" in run(Proxy(key("ann"))).warnings[0]


def test_files_of_the_user_stay(run: Run, folder: Path) -> None:
    folder.mkdir()
    (folder / "usage.html").write_text("mine")
    done = run(Proxy(key("ann")))
    assert done.warnings == [
        f"These files in {folder} were not written by this role, or were changed since: usage.html. They were left as "
        "they are."
    ]
    (folder / "usage.csv").write_text("mine, too")
    run(Proxy(key("ann"), key("ben")))
    now = texts(folder)
    assert (now["usage.html"], now["usage.csv"]) == (b"mine", b"mine, too") and b"ben" in now["usage.json"]


def test_a_report_from_before_there_was_a_list_is_ours(run: Run, folder: Path) -> None:
    run(Proxy(key("ann")))
    (folder / LIST).unlink()
    done = run(Proxy(key("ann"), key("ben")))
    assert done.warnings == [] and {os.path.basename(file["path"]) for file in done.files} == FILES


def test_what_the_proxy_says_is_said(run: Run) -> None:
    with pytest.raises(CallError, match="no such key"):
        run(lambda _module, **_options: {"failed": True, "msg": "no such key"})


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"alias": ""}, "Set litellm_vkey_alias to the alias of a workshop or of a key, or set"),
        ({"time_zone": "Berlin"}, "litellm_vkey_time_zone: 'Berlin' is not a time zone"),
        ({"api_url": ""}, "Where is the proxy"),
        ({"master_key": ""}, "The key of a proxy admin is missing"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_read(run: Run, options: dict[str, str], said: str) -> None:
    proxy = Proxy(key("ann"))
    with pytest.raises(InputError, match=said):
        run(proxy, **options)
    assert proxy.asked == []


# Several teams

MARK = {"metadata": {"litellm_vkey_group": "w"}}
RED = {"team_id": "w-red", "team_alias": "w-red", "max_budget": 5.0, "spend": 5.5, **MARK}
BLUE = {"team_id": "w-blue", "team_alias": "w-blue", "max_budget": 20.0, "spend": 1.25, **MARK}
GREEN = {"team_id": "w-green", "team_alias": "w-green", "max_budget": 20.0, "spend": 0.0, **MARK}
OTHER = {"team_id": "x", "team_alias": "Others", "max_budget": 3.0, "spend": 3.0, "metadata": {}}
UNLIMITED = {"max_budget": None, "remaining_budget": None}


def of_team(user: str, team_id: str | None, **fields: Any) -> dict[str, Any]:
    return key(user, team_id=team_id, **{**UNLIMITED, **fields})


def test_each_team_has_its_cap_in_the_report(run: Run, folder: Path) -> None:
    proxy = Proxy(
        of_team("ann", "w-red", spend=5.0), of_team("ben", "w-red", spend=0.25), of_team("cem", "w-blue", spend=1.25),
        teams=[BLUE, OTHER, GREEN, RED],
    )  # fmt: skip
    done = run(proxy)
    assert proxy.asked == [{"group": "w"}, {}]
    assert done.said[:3] == [
        "w: 3 keys, 3 used, 6.75 USD of 45.00 USD.",
        "The keys themselves spent 6.50 USD.",
        "Teams: red 5.50 USD of 5.00 USD, blue 1.25 USD of 20.00 USD, green 0.00 USD of 20.00 USD.",
    ]
    assert done.said[3] == "Out of budget: red. The proxy rejects the requests of their keys."
    totals = done.usage["totals"]
    assert (totals["max_budget"], totals["max_budget_spent"], totals["max_budget_from"]) == (45.0, 6.75, "teams")
    assert [(team["team"], team["keys"], team["used"], team["spend"]) for team in done.usage["teams"]] == [
        ("red", 2, 2, 5.25),
        ("blue", 1, 1, 1.25),
        ("green", 0, 0, 0.0),
    ]
    assert {person["user"]: person["team"] for person in done.usage["people"]} == {
        "ann": "red",
        "ben": "red",
        "cem": "blue",
    }
    table = (folder / "usage.csv").read_text().splitlines()
    assert table[0].endswith(",team") and table[1].endswith(",red")
    page = (folder / "usage.html").read_text()
    assert "Team out of budget" in page and "110% of 5.00" in page
    with_all = {*FILES, "leaderboard.html"}
    assert {path.name for path in folder.iterdir()} - {LIST} == with_all

    again = run(proxy)
    assert (again.changed, again.said[-1]) == (False, f"The report in {folder} is up to date.")
    proxy.keys.pop()  # of the only person of a team
    later = run(proxy)
    assert [(person["user"], person["team"], person["status"]) for person in later.usage["people"]] == [
        ("ann", "red", "active"),
        ("ben", "red", "active"),
        ("cem", "blue", "removed"),
    ]
    assert later.usage["totals"]["max_budget_spent"] == 6.75


def test_the_leaderboard_shows_teams_and_no_people(run: Run, folder: Path) -> None:
    run(Proxy(of_team("ann", "w-red"), of_team("cem", "w-blue"), teams=[BLUE, {**RED, "team_id": "w-<b>"}, RED, GREEN]))
    page = (folder / "leaderboard.html").read_text()
    assert '<meta http-equiv="refresh" content="30">' in page
    assert "A full bar is 5.50 USD, the most that one team spent." in page
    names = re.findall(r'class="rank">(\d+)</span>\n.*auto">(.*)</span>', page)
    assert names == [("1", "&lt;b&gt;"), ("1", "red"), ("3", "blue"), ("4", "green")]
    assert re.findall(r"width:([\d.]+)%", page) == ["100.0", "100.0", "22.7", "0"]
    assert "ann" not in page and "cem" not in page
    assert page.count("<b>budget spent</b>") == 2


def test_the_leaderboard_shows_no_team_of_others(run: Run, folder: Path) -> None:
    """What another team spends is not for the projector, even if a key is in it; the trainer sees it."""
    done = run(Proxy(of_team("ann", "w-red"), of_team("cem", "x"), teams=[OTHER, RED]))
    assert [(team["team"], team["on_leaderboard"]) for team in done.usage["teams"]] == [
        ("red", True),
        ("Others", False),
    ]
    assert "Others" not in (folder / "leaderboard.html").read_text()
    assert "Others" in (folder / "usage.html").read_text()


def test_keys_in_teams_of_others_alone_have_no_leaderboard(run: Run, folder: Path) -> None:
    run(Proxy(of_team("ann", "x"), teams=[OTHER]))
    assert not (folder / "leaderboard.html").exists()


def test_the_leaderboard_of_a_selection_shows_its_teams(run: Run, folder: Path) -> None:
    run(Proxy(of_team("ann", "w-red"), of_team("cem", "x"), teams=[OTHER, RED]), usage_filter={"created_by": ["a"]})
    assert "Others" in (folder / "leaderboard.html").read_text()


@pytest.mark.parametrize(
    "wrong",
    [
        "teams",
        [{}],
        *([{"spend": wrong}] for wrong in ("1", None, float("nan"))),
        [{"last_active": "yesterday"}],
        [{"on_leaderboard": None}],
        [{"more": 1}],
    ],
)
def test_a_report_with_other_teams_stops_nothing(run: Run, folder: Path, wrong: Any) -> None:
    proxy = Proxy(of_team("ann", "w-red"), teams=[RED])
    run(proxy)
    data = json.loads((folder / "usage.json").read_text())
    (team,) = data["teams"]
    data["teams"] = [{**team, **one} if one else one for one in wrong] if isinstance(wrong, list) else wrong
    (folder / "usage.json").write_text(json.dumps(data))
    assert "is not a report that this role wrote" in run(proxy).warnings[0]


def test_a_workshop_without_teams_has_no_leaderboard(run: Run, folder: Path) -> None:
    run(Proxy(key("ann"), team={"team_id": "w", "max_budget": 5.0, "spend": 1.0, **MARK}))
    assert {path.name for path in folder.iterdir()} - {LIST} == FILES


def test_a_team_of_others_is_a_cap_only_for_keys_without_a_budget(run: Run) -> None:
    """A spent team does not read as no cap."""
    without = run(Proxy(of_team("ann", "x"), key("ben", team_id=None), teams=[OTHER]), output_dir="")
    assert without.said[0] == "w: 2 keys, 2 used, 4.50 USD of 13.00 USD."
    assert "Teams: Others 3.00 USD of 3.00 USD." in without.said
    assert without.usage["people"][1]["team"] is None
    limited = run(Proxy(key("ann", team_id="x"), teams=[OTHER]), output_dir="")
    assert limited.said[:2] == ["w: 1 key, 1 used, 1.50 USD of 10.00 USD.", "Teams: Others 3.00 USD of 3.00 USD."]
    unlimited = run(Proxy(of_team("ann", "x"), of_team("ben", None), teams=[OTHER]), output_dir="")
    assert unlimited.said[0].startswith("w: 2 keys, 2 used, 3.00 USD spent, no cap")


def test_teams_that_bear_one_name_are_told_apart(run: Run) -> None:
    done = run(Proxy(of_team("ann", "x"), of_team("ben", "y"), teams=[OTHER, {**OTHER, "team_id": "y"}]))
    assert sorted(team["team"] for team in done.usage["teams"]) == ["x", "y"]
