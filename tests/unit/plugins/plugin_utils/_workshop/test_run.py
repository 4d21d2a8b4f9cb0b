# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The order of a run, and what it does when one of its modules fails. What the modules do is tested on a real proxy."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._errors import InputError, LiteLLMError
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._variables import Source, VariableError, Variables
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._workshop import _run
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._workshop._run import run
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._workshop._steps import Surroundings
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._workshop._variables import VARIABLES

MASTER = "default_user_id"
CONNECTION = {"api_url": "http://127.0.0.1:4000", "master_key": "sk-master"}
REACHED = ("api_url", "api_key", "validate_certs", "timeout", "retries")
COURSE = {**CONNECTION, "alias": "ws", "models": ["gpt-4"], "users": ["ann", "ben"]}
END = {**CONNECTION, "alias": "ws", "state": "absent", "multi_user": True}


class Proxy:
    """The modules of a proxy that holds keys and teams in memory. ``failing`` says which of them fail, and how.

    ``failing_values`` says how those fail that are to keep values.
    """

    def __init__(self) -> None:
        self.keys: list[dict[str, Any]] = []
        self.teams: dict[str, dict[str, Any]] = {}
        self.admins = [{"user_id": MASTER, "administers": ["the proxy"]}]
        self.failing: dict[str, str] = {}
        self.failing_values = ""
        self.calls: list[tuple[str, bool]] = []

    def add(self, alias: str, created_by: str = MASTER, **columns: Any) -> None:
        value = f"sk-{alias}"
        self.keys.append(
            {
                "key_alias": alias,
                "key": value,
                "models": ["gpt-4"],
                "key_id": hashlib.sha256(value.encode()).hexdigest(),
                "created_by": created_by,
                "user_id": f"{alias}@example.com",
                "group": None,
                "reissue": None,
                "status": "active",
                "team_id": None,
                "blocked": False,
                "max_budget": None,
                "remaining_budget": None,
                "spend": 0,
                "replaced_by": None,
                **columns,
            }
        )

    def aliases(self) -> list[str]:
        return sorted(key["key_alias"] for key in self.keys)

    def written(self) -> list[str]:
        """The modules that were to write."""
        return [module for module, check_mode in self.calls if not module.endswith("_info") and not check_mode]

    def caller(self, check_of_task: bool) -> Any:
        def call(module: str, /, check_mode: bool | None = None, **options: Any) -> dict[str, Any]:
            reached = {name: options.pop(name) for name in REACHED}
            assert (reached["api_url"], reached["api_key"]) == tuple(CONNECTION.values())
            check = check_of_task if check_mode is None else check_mode
            self.calls.append((module, check))
            if module in self.failing:
                return {"failed": True, "msg": self.failing[module]}
            done: dict[str, Any] = getattr(self, f"run_{module.removeprefix('litellm_')}")(check, options)
            return done

        return call

    def run_user_info(self, _check: bool, options: dict[str, Any]) -> dict[str, Any]:
        assert options["admins"] is True
        return {"users": [], "admins": self.admins}

    def run_team_info(self, _check: bool, options: dict[str, Any]) -> dict[str, Any]:
        return {"teams": [team for team_id, team in self.teams.items() if team_id == options.get("team_id", team_id)]}

    def run_team(self, check: bool, options: dict[str, Any]) -> dict[str, Any]:
        team_id, there = options["team_id"], options["team_id"] in self.teams
        if options.get("state") == "absent":
            team = self.teams[team_id] if check else self.teams.pop(team_id)
            return {"changed": True, "action": "delete", "team": team}
        team = {**self.teams.get(team_id, {}), **options}
        if not check:
            self.teams[team_id] = team
        return {"changed": True, "action": "update" if there else "create", "team": team}

    def run_team_members(self, _check: bool, options: dict[str, Any]) -> dict[str, Any]:
        assert options["members"]
        return {"changed": False}

    def run_key_info(self, _check: bool, options: dict[str, Any]) -> dict[str, Any]:
        chosen = {
            "group": lambda key, wanted: key["group"] == wanted,
            "team_id": lambda key, wanted: key["team_id"] == wanted,
            "key_alias_prefix": lambda key, wanted: key["key_alias"].startswith(wanted),
            "key_aliases": lambda key, wanted: key["key_alias"] in wanted,
            "key_ids": lambda key, wanted: key["key_id"] in wanted,
            "created_by": lambda key, wanted: key["created_by"] in wanted,
        }
        assert options.pop("check_use", True) is True
        found = [key for key in self.keys if all(chosen[name](key, wanted) for name, wanted in options.items())]
        return {"virtual_keys": found}

    def run_keys(self, check: bool, options: dict[str, Any]) -> dict[str, Any]:
        if self.failing_values and options.get("values_file"):
            return {"failed": True, "msg": self.failing_values}
        wants = [{**options.get("defaults", {}), **one} for one in options["virtual_keys"]]
        absent, reports, pruned = options["state"] == "absent", [], []
        for want in wants:
            by = "key_id" if "key_id" in want else "key_alias"
            there = next((key for key in self.keys if key[by] == want[by]), None)
            action = ("delete" if there else "none") if absent else ("none" if there else "create")
            if action == "create" and not check:
                self.add(
                    want["key_alias"], user_id=want["user_id"], group=want.get("group"), team_id=want.get("team_id")
                )
                there = self.keys[-1]
            elif there and not absent and want.get("blocked", there["blocked"]) != there["blocked"]:
                action = "update"
                if not check:
                    there["blocked"] = want["blocked"]
            reports.append(self._report(want.get("key_alias", ""), there, action))
            if action == "delete" and not check:
                self.keys.remove(there or {})
        for name, mark in (options.get("prune_metadata") or {}).items():
            assert name == "litellm_vkey_group"
            for key in [key for key in self.keys if key["group"] == mark]:
                pruned.append(self._report(key["key_alias"], key, "delete"))
                if not check:
                    self.keys.remove(key)
        return {"virtual_keys": reports, "pruned": pruned, "diff": [], "warnings": []}

    def _report(self, alias: str, key: dict[str, Any] | None, action: str) -> dict[str, Any]:
        nothing = dict.fromkeys(("models", "max_budget", "expires_at", "blocked", "spend", "error"))
        key = key or {"key": None, "key_id": None}
        made = {"key": key["key"], "key_id": key["key_id"]}
        return {**nothing, **made, "key_alias": alias, "action": action, "changed": action != "none"}


@pytest.fixture
def proxy() -> Proxy:
    return Proxy()


def go(proxy: Proxy, given: dict[str, Any], check: bool = False) -> dict[str, Any]:
    def no_file(path: str) -> bytes:
        raise AssertionError(f"no run needs the file {path}")

    def render(path: str, people: Any, once: bool, variables: Any) -> list[str]:
        return [f"{path}\n"] * (1 if once else len(people))

    proxy.calls.clear()
    around = Surroundings(call=proxy.caller(check), read_file=no_file, render=render, check_mode=check)
    return run(Variables(VARIABLES, Source(given, "litellm_vkey_")), around)


def refused(proxy: Proxy, given: dict[str, Any]) -> str:
    with pytest.raises((LiteLLMError, VariableError)) as raised:
        go(proxy, given)
    assert proxy.written() == []
    return str(raised.value)


def test_everybody_gets_a_key_once(proxy) -> None:
    planned = go(proxy, COURSE, check=True)
    assert planned["messages"][0] == "2 would be created" and proxy.keys == []
    done = go(proxy, COURSE)
    assert done["messages"][0] == "2 created, 0 without a known value" and proxy.aliases() == ["ws-ann", "ws-ben"]
    assert [user["key"] for user in done["result"]["users"]] == ["sk-ws-ann", "sk-ws-ben"]
    again = go(proxy, COURSE)
    assert (again["changed"], again["messages"][0]) == (False, "2 unchanged, 0 without a known value")
    single = go(proxy, {**CONNECTION, "alias": "one", "models": ["gpt-4"]})
    assert (single["result"]["key"], single["result"]["user_id"]) == ("sk-one", "one")


@pytest.mark.parametrize("module", ["litellm_team_info", "litellm_key_info", "litellm_user_info"])
def test_nothing_is_written_when_a_read_fails(proxy, module: str) -> None:
    proxy.failing[module] = "LiteLLM answered 500."
    assert refused(proxy, COURSE) == "LiteLLM answered 500."


def test_admins_and_keys_of_others_are_refused(proxy) -> None:
    proxy.admins.append({"user_id": "ben@example.com", "administers": ["the proxy (proxy_admin)"]})
    assert "ben (the proxy (proxy_admin))" in refused(proxy, COURSE)
    assert not go(proxy, {**COURSE, "allow_admins": ["ben"]}).get("failed")
    proxy.add("ws-hal", created_by="eve@example.com", group="ws")
    proxy.add("ws-ivy", created_by="ann@example.com", group="ws")
    proxy.add("ws-joe", created_by="eve@example.com", reissue="1")
    joined = {**COURSE, "allow_admins": ["ben"], "users": ["ann", "ben", "hal", "ivy", "joe"]}
    for more in ({}, {"reissue": ["joe"]}):
        words = refused(proxy, {**joined, **more})
        assert "ws-ivy (created by ann@example.com), ws-joe (created by eve@example.com)" in words
        assert "ws-hal" not in words  # of an admin who is one no more: only people of the workshop can copy the mark
    assert not go(proxy, {**joined, "reissue": {"joe": "2", "ivy": "1"}}).get("failed")


def test_keys_that_are_not_listed_are_named(proxy) -> None:
    go(proxy, COURSE)
    proxy.add("ws-gone", group="ws", status="expired")
    proxy.add("ws-else", group="other")
    said = "\n".join(go(proxy, {**COURSE, "users": ["ann"]})["messages"])
    assert "ws-ben" in said and "ws-gone" not in said and "ws-else" not in said


def test_a_total_budget_makes_a_team_first_and_the_end_removes_it_last(proxy) -> None:
    capped = {**COURSE, "total_budget": 5}
    planned = go(proxy, capped, check=True)
    assert planned["result"]["team"]["max_budget"] == 5 and proxy.teams == {}
    go(proxy, capped)
    assert proxy.written() == ["litellm_team", "litellm_team_members", "litellm_keys"]
    assert proxy.teams["ws"]["metadata"] == {"litellm_vkey_group": "ws"}
    proxy.add("of-others", team_id="ws")
    stays = go(proxy, END)
    assert "of-others" in "\n".join(stays["messages"]) and proxy.aliases() == ["of-others"] and "ws" in proxy.teams
    proxy.keys.clear()
    done = go(proxy, END)
    assert proxy.written() == ["litellm_keys", "litellm_team"] and proxy.teams == {} and done["changed"]


def test_a_team_that_only_has_the_name_is_not_used(proxy) -> None:
    proxy.teams["ws"] = {"team_id": "ws", "models": [], "metadata": {}}
    assert "that is not this workshop's" in refused(proxy, {**COURSE, "total_budget": 5})
    go(proxy, END)
    assert "ws" in proxy.teams


@pytest.mark.parametrize("models", [[], ["all-team-models"]])
def test_models_of_one_person_are_refused_that_another_key_in_the_team_could_use(proxy, models: list[str]) -> None:
    capped = {**COURSE, "total_budget": 5, "validate_models": False}
    go(proxy, capped)
    proxy.add("ws-cem", team_id="ws", models=models)
    proxy.add("ws-dan", team_id="ws")
    more = {**capped, "users": [{"user": "ann", "models": ["gpt-4", "o9"]}, "ben"]}
    message = refused(proxy, more)
    assert "o9, which are for some people only, would also be open to ws-cem: these keys" in message
    assert proxy.teams["ws"]["models"] == ["gpt-4"]
    go(proxy, {**more, "users": [*more["users"], "cem"]})
    assert proxy.teams["ws"]["models"] == ["gpt-4", "o9"]


HACKATHON = {**COURSE, "team_budget": 5, "users": [{"user": "ann", "team": "red"}, {"user": "ben", "team": "blue"}]}


def test_teams_come_before_the_keys_and_go_after_them(proxy) -> None:
    planned = go(proxy, HACKATHON, check=True)
    assert [team["team"] for team in planned["result"]["teams"]] == ["red", "blue"] and proxy.teams == {}
    done = go(proxy, HACKATHON)
    assert proxy.written() == ["litellm_team", "litellm_team_members"] * 2 + ["litellm_keys"]
    checks = [module for module, check_mode in proxy.calls if check_mode and not module.endswith("_info")]
    assert checks == ["litellm_team", "litellm_team", "litellm_keys"]  # all of them before the first write
    assert {key["key_alias"]: key["team_id"] for key in proxy.keys} == {"ws-ann": "ws-red", "ws-ben": "ws-blue"}
    assert [(team["team"], team["max_budget"]) for team in done["result"]["teams"]] == [("red", 5), ("blue", 5)]
    assert done["result"]["team"] == {}
    assert go(proxy, HACKATHON)["changed"] is False and "litellm_team" not in proxy.written()

    proxy.teams["ws-of-others"] = {"team_id": "ws-of-others", "metadata": {}}
    proxy.add("of-others", team_id="ws-red")
    stays = go(proxy, END)
    assert "The team ws-red stays, because other keys are in it: of-others." in stays["messages"]
    assert set(proxy.teams) == {"ws-red", "ws-of-others"} and stays["result"]["teams"] == []
    proxy.keys.clear()  # nothing but its mark tells a later evening that the team is ours
    assert go(proxy, END)["changed"] and set(proxy.teams) == {"ws-of-others"}


def test_who_leaves_takes_an_empty_team_along_and_no_other(proxy) -> None:
    go(proxy, {**HACKATHON, "teams": {"red": {}, "blue": {}, "green": {}}})
    go(proxy, {**HACKATHON, "state": "absent", "users": HACKATHON["users"][:1]})
    assert set(proxy.teams) == {"ws-blue", "ws-green"} and proxy.aliases() == ["ws-ben"]


def test_one_team_of_others_keeps_all_from_being_written(proxy) -> None:
    proxy.teams["ws-blue"] = {"team_id": "ws-blue", "models": [], "metadata": {"litellm_vkey_group": "other"}}
    assert "has a team 'ws-blue' already that is not this workshop's" in refused(proxy, HACKATHON)


def test_a_run_that_forgets_the_teams_is_refused(proxy) -> None:
    go(proxy, HACKATHON)
    assert "are in the teams blue, red. Set litellm_vkey_team_budget" in refused(proxy, {**COURSE, "users": ["ann"]})
    elsewhere = {**COURSE, "users": ["ann"], "key_options": {"team_id": "ws-red"}}
    assert "are in the teams" in refused(proxy, elsewhere)
    for team in proxy.teams.values():
        team["metadata"] = {}  # of others who put the keys there
    assert not go(proxy, {**COURSE, "users": ["ann"]}).get("failed")


def test_the_end_names_and_removes_what_people_made(proxy) -> None:
    go(proxy, COURSE)
    proxy.add("bens", created_by="ben@example.com")
    done = go(proxy, END)
    assert "still valid: bens" in "\n".join(done["messages"]) and proxy.aliases() == ["bens"]
    go(proxy, COURSE)
    assert "bens" in "\n".join(go(proxy, {**END, "remove_made_keys": True})["messages"]) and proxy.keys == []
    assert go(proxy, END)["changed"] is False


def test_nothing_that_only_tells_keeps_keys_from_being_deleted(proxy, tmp_path: Path) -> None:
    go(proxy, COURSE)
    proxy.failing["litellm_key_info"] = "LiteLLM answered 500."
    done = go(proxy, {**END, "output_dir": str(tmp_path)})
    assert proxy.keys == [] and "LiteLLM answered 500." in done["notes"]


def test_values_reach_the_result_whatever_fails_after_the_keys(proxy, tmp_path: Path) -> None:
    folder = tmp_path / "ws"
    given = {**COURSE, "output_dir": str(folder), "output_formats": ["json"]}
    done = go(proxy, given)
    assert (folder / "keys.json").exists() and [file["action"] for file in done["files"]]
    (folder / "keys.json").unlink()
    (folder / "keys.json").mkdir()
    assert "keys.json" in refused(proxy, given)
    ended = go(proxy, {**END, "output_dir": str(folder), "report_usage": False})
    assert proxy.keys == [] and not ended.get("failed") and (folder / "keys.json").is_dir()


def test_what_fails_after_the_keys_fails_the_run_with_its_result(proxy) -> None:
    go(proxy, {**COURSE, "total_budget": 5})
    proxy.failing["litellm_team"] = "LiteLLM answered 500."
    done = go(proxy, END)
    assert proxy.keys == [] and done["failed"] and done["msg"] == "LiteLLM answered 500."
    assert done["result"]["deleted_count"] == 2


# From any machine


def test_people_are_blocked_who_are_not_declared(proxy, tmp_path: Path) -> None:
    go(proxy, COURSE)
    bare = {**CONNECTION, "alias": "ws", "multi_user": True, "output_dir": str(tmp_path / "ws")}
    planned = go(proxy, {**bare, "block": ["ben"]}, check=True)
    assert planned["messages"] == ["1 would be updated"] and proxy.keys[1]["blocked"] is False
    done = go(proxy, {**bare, "block": ["ben@example.com"], "values_file": str(tmp_path / "no" / "values.yml")})
    assert done["messages"] == ["1 updated"] and done["notes"] == [] and list(tmp_path.iterdir()) == []
    assert [key["blocked"] for key in proxy.keys] == [False, True] and done["result"]["user_count"] == 1
    assert go(proxy, {**bare, "block": ["ben"]})["messages"] == ["1 unchanged"]
    assert go(proxy, {**bare, "unblock": ["ben"]})["messages"] == ["1 updated"] and not proxy.keys[1]["blocked"]
    assert "litellm_vkey_block: 'bne' is not among the people" in refused(proxy, {**bare, "block": ["bne"]})
    for more, words in (({"prune": True}, "prune requires"), ({"models": ["m"], "reissue": ["ben"]}, "not among")):
        with pytest.raises(InputError, match=words):
            go(proxy, {**bare, "block": ["ben"], **more})
    assert proxy.aliases() == ["ws-ann", "ws-ben"]


def test_budgets_of_people_are_raised_who_are_not_declared(proxy) -> None:
    go(proxy, COURSE)
    proxy.keys[0].update(max_budget=5, spend=5.2, remaining_budget=-0.2)
    bare = {**CONNECTION, "alias": "ws", "multi_user": True, "raise": "exhausted:5"}
    done = go(proxy, bare)
    assert done["messages"] == ["1 unchanged", "raised: ann to 10.20 USD"]  # the modules of this test write no budgets
    assert [user["user"] for user in done["result"]["users"]] == ["ann"]
    proxy.keys[0].update(remaining_budget=4.8)
    again = go(proxy, bare)
    assert again["messages"] == ["Nothing to do", "nobody is exhausted, so nobody's budget is raised"]


@pytest.mark.parametrize("broken", [{"models": []}, {"users": ["ann", "ann"]}, {"users_file": "x.csv"}])
def test_whoever_is_to_be_blocked_is_blocked_whatever_is_wrong(proxy, broken: dict[str, Any]) -> None:
    go(proxy, COURSE)
    with pytest.raises((LiteLLMError, VariableError)) as raised:
        go(proxy, {**COURSE, "block": ["ben"], **broken})
    assert str(raised.value).startswith("Blocked: ben. The rest of the run failed. ")
    assert [key["blocked"] for key in proxy.keys] == [False, True]


def test_nobody_is_blocked_in_check_mode_or_at_the_end_or_without_a_proxy(proxy) -> None:
    go(proxy, COURSE)
    broken = {**COURSE, "block": ["ben"], "models": []}
    with pytest.raises(VariableError, match=r"^litellm_vkey_models"):
        go(proxy, broken, check=True)
    with pytest.raises(VariableError, match=r"^litellm_vkey_block requires"):
        go(proxy, {**END, "block": ["ben"]})
    with pytest.raises(VariableError, match=r"^litellm_vkey_models"):
        go(proxy, {**broken, "block": ["nobody"]})
    proxy.failing["litellm_team_info"] = "Cannot connect."
    with pytest.raises(LiteLLMError, match=r"^Cannot connect"):
        go(proxy, {**COURSE, "block": ["ben"]})
    assert [key["blocked"] for key in proxy.keys] == [False, False] and len(proxy.calls) == 1


def test_no_values_file_keeps_keys_from_being_deleted(proxy, tmp_path: Path) -> None:
    folder = tmp_path / "ws"
    given = {"output_dir": str(folder), "output_formats": ["json"], "report_usage": False}
    go(proxy, {**COURSE, **given})
    (folder / "values.yml").write_text("no password\n")
    proxy.failing_values = "values_file: cannot decrypt values.yml."
    done = go(proxy, {**END, **given})
    assert proxy.keys == [] and not done.get("failed"), done
    assert done["notes"] == [proxy.failing_values] and done["messages"][0].startswith("2 deleted")


def test_a_folder_that_cannot_be_written_is_only_named_at_the_end(proxy, tmp_path: Path, monkeypatch) -> None:
    folder = tmp_path / "ws"
    given = {"output_dir": str(folder), "output_formats": ["json"], "report_usage": False}
    go(proxy, {**COURSE, **given})

    def read_only(*_arguments: Any) -> None:
        raise OSError(30, "Read-only file system", str(folder / "keys.json"))

    monkeypatch.setattr(_run, "hand_out", read_only)
    done = go(proxy, {**END, **given})
    assert proxy.keys == [] and not done.get("failed")
    assert done["notes"] == [f"{folder / 'keys.json'}: Read-only file system."]
    assert go(proxy, {**COURSE, **given})["failed"]
