# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The questions of docs/questions.md, answered by the commands that it prints, on a real LiteLLM."""

from __future__ import annotations

import re
import secrets
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.tests.integration.laws import too_old
from ansible_collections.litemaas.virtual_keys.tests.tooling.server import token_of

PAGE = Path(__file__).resolve().parents[3] / "docs" / "questions.md"
KEYS = '"LiteLLM_VerificationToken"'


def section(heading: str) -> str:
    """A section of the page."""
    sections = re.split(r"^## ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    (found,) = (text for text in sections if text.startswith(heading))
    return found


def commands(heading: str) -> list[list[str]]:
    """The arguments of ansible-playbook in a section of the page."""
    lines = re.findall(r"^ansible-playbook (.*)$", section(heading), re.MULTILINE)
    assert lines
    return [shlex.split(line) for line in lines]


@pytest.fixture
def person(sandbox) -> Iterator[str]:
    """The ID of a user of this test, in a team of the same name. What belongs to them is removed at the end."""
    name = f"q{secrets.token_hex(4)}@example.com"
    sandbox.call("POST", "/user/new", {"user_id": name, "auto_create_key": False}).raise_for_status()
    sandbox.call("POST", "/team/new", {"team_id": name}).raise_for_status()
    added = {"team_id": name, "member": [{"role": "user", "user_id": name}]}
    sandbox.call("POST", "/team/member_add", added).raise_for_status()
    yield name
    for table in (KEYS, '"LiteLLM_TeamMembership"', '"LiteLLM_UserTable"'):
        sandbox.execute(f"DELETE FROM {table} WHERE user_id = %s", name)
    sandbox.execute('DELETE FROM "LiteLLM_TeamTable" WHERE team_id = %s', name)


@pytest.fixture
def make(sandbox, alias, person) -> Callable[..., str]:
    """Makes a key of the person with an alias that begins as those of the test do, and returns the alias."""

    def run(name: str, **fields: Any) -> str:
        body = {"key_alias": f"{alias}-{name}", "user_id": person, "models": ["gpt-4"], **fields}
        sandbox.call("POST", "/key/generate", body).raise_for_status()
        return body["key_alias"]

    return run


def age(sandbox, alias: str, days: int, column: str) -> None:
    """Let it be so long ago that a key was made and changed, and last used if the column is ``last_active``."""
    past = f"now() - interval '{days} days'"
    sandbox.execute(f"UPDATE {KEYS} SET {column} = {past}, updated_at = {past} WHERE key_alias = %s", alias)


def named(output: str, *aliases: str) -> list[bool]:
    """Whether messages of the output begin with each of the aliases."""
    return [bool(re.search(rf'"msg": "{re.escape(alias)}[ :]', output)) for alias in aliases]


def test_which_keys_expire_this_week(sandbox, play, make, person) -> None:
    soon, later, never, over = (
        make("soon", duration="3d"),
        make("later", duration="30d"),
        make("never"),
        make("over", duration="3d"),
    )
    sandbox.execute(f"UPDATE {KEYS} SET expires = now() - interval '1 minute' WHERE key_alias = %s", over)
    (command,) = commands("Which keys expire this week?")
    done = play(*command)
    assert (done.rc, done.changed) == (0, 0), done.messages
    assert named(done.output, soon, later, never, over) == [True, False, False, False]
    assert re.search(rf"{soon} expires at \d{{4}}-\d\d-\d\dT.* \({person}\)", done.output)
    assert named(play(*command, "-e", "within=2d").output, soon) == [False]


def test_who_has_spent_80_percent(sandbox, play, make, person) -> None:
    nearly, half, free = make("nearly", max_budget=10), make("half", max_budget=10), make("free")
    for name, spend in ((nearly, 8.5), (half, 5), (free, 100)):
        sandbox.execute(f"UPDATE {KEYS} SET spend = %s WHERE key_alias = %s", spend, name)
    for table, column in (("UserTable", "user_id"), ("TeamTable", "team_id")):
        sandbox.execute(f'UPDATE "LiteLLM_{table}" SET spend = 9, max_budget = 10 WHERE {column} = %s', person)
    (command,) = commands("Who has spent 80 percent of a budget?")
    done = play(*command)
    assert (done.rc, done.changed) == (0, 0), done.messages
    assert named(done.output, nearly, half, free) == [True, False, False]
    assert f"{nearly} has spent 8.5 USD and has 1.5 USD left" in done.output
    assert done.output.count(f"{person} has spent 9.0 USD of 10.0 USD") >= 2  # the user, and the team
    done = play(*command, "-e", "percent=95")
    assert named(done.output, nearly, person) == [False, False]


def test_whose_key_was_not_used_is_blocked(sandbox, play, make) -> None:
    names = ("unused", "fresh", "old-but-used", "long-ago", "blocked")
    unused, fresh, used, long_ago, blocked = map(make, names)
    age(sandbox, unused, 70, "created_at")
    age(sandbox, used, 70, "created_at")
    age(sandbox, used, 10, "last_active")
    age(sandbox, long_ago, 61, "last_active")
    age(sandbox, blocked, 70, "created_at")
    sandbox.execute(f"UPDATE {KEYS} SET blocked = true WHERE key_alias = %s", blocked)
    check, command = commands("Whose key was not used for 60 days? Block it")
    before = sandbox.rows(f"SELECT token, blocked FROM {KEYS} ORDER BY token")
    with sandbox.writes() as writes:
        done = play(*check)
    assert (done.rc, done.changed, writes) == (0, 1, []), done.messages
    assert named(done.output, unused, long_ago, fresh, used, blocked) == [True, True, False, False, False]
    assert sandbox.rows(f"SELECT token, blocked FROM {KEYS} ORDER BY token") == before
    assert play(*command).changed == 1
    mine = {row["key_alias"]: bool(row["blocked"]) for row in sandbox.rows(f"SELECT key_alias, blocked FROM {KEYS}")}
    assert [mine[name] for name in (unused, long_ago, fresh, used)] == [True, True, False, False]
    with sandbox.writes() as writes:
        assert play(*command).changed == 0
    assert writes == []


def test_a_person_is_offboarded_with_a_report_first(sandbox, play, make, person, tmp_path) -> None:
    mine, of_team = make("own"), make("team", team_id=person)
    sandbox.execute(f"UPDATE {KEYS} SET spend = 2.5 WHERE key_alias = %s", mine)
    other = make("other", user_id=None)
    check, command = (
        [part.replace("ann@example.com", person) for part in one] for one in commands("How do I offboard")
    )
    with sandbox.writes() as writes:
        assert play(*check, cwd=tmp_path).rc == 0
    assert writes == [] and list(tmp_path.iterdir()) == []
    done = play(*command, cwd=tmp_path)
    assert done.rc == 0, done.messages
    assert "2.50 USD" in done.output
    report = (tmp_path / "offboarding" / person / "usage.csv").read_text(encoding="utf-8")
    assert mine in report and of_team in report and other not in report
    left = {row["key_alias"] for row in sandbox.rows(f"SELECT key_alias FROM {KEYS}")}
    assert (mine in left, of_team in left, other in left) == (False, False, True)
    assert sandbox.rows('SELECT user_id FROM "LiteLLM_UserTable" WHERE user_id = %s', person) == []
    (team,) = sandbox.rows('SELECT members_with_roles FROM "LiteLLM_TeamTable" WHERE team_id = %s', person)
    assert person not in [member["user_id"] for member in team["members_with_roles"]]
    with sandbox.writes() as writes:
        assert play(*command, cwd=tmp_path).rc == 0
    assert writes == []
    assert (tmp_path / "offboarding" / person / "usage.csv").read_text(encoding="utf-8") == report


def test_a_key_is_renamed(sandbox, play, make, tmp_path) -> None:
    old = make("old", max_budget=5)
    new = old.replace("old", "new")
    (text,) = re.findall(r"```yaml\n(.*?)```", section("How do I rename a key?"), re.DOTALL)
    file = tmp_path / "play.yml"
    file.write_text(text.replace("my-project", old).replace("data-project", new))
    columns = f"SELECT token, max_budget, key_alias FROM {KEYS} WHERE key_alias = ANY(%s)"
    (before,) = sandbox.rows(columns, [old, new])
    assert play(str(file)).changed == 1
    assert sandbox.rows(columns, [old, new]) == [{**before, "key_alias": new}]
    with sandbox.writes() as writes:
        assert play(str(file)).changed == 0
    assert writes == []


def test_a_new_alias_with_the_seed_fails_until_the_value_may_change(run_module, alias) -> None:
    seed = secrets.token_hex(32)
    first = run_module("litellm_key", key_alias=f"{alias}-old", models=["gpt-4"], key_seed=seed)
    assert run_module("litellm_key", key_id=first.key_id, key_alias=f"{alias}-new").changed
    renamed = {"key_alias": f"{alias}-new", "models": ["gpt-4"], "key_seed": seed}
    assert run_module("litellm_key", **renamed).failed
    again = run_module("litellm_key", **renamed, value_policy="reissue")
    assert again.changed and again.key not in (None, first.key)


def test_what_the_answer_401_contains(sandbox, make) -> None:
    values = {name: f"sk-{secrets.token_hex(16)}" for name in ("unknown", "expired", "blocked", "good")}
    make("expired", key=values["expired"], duration="1s")
    sandbox.execute(
        f"UPDATE {KEYS} SET expires = now() - interval '1 day' WHERE token = %s", token_of(values["expired"])
    )
    make("blocked", key=values["blocked"])
    sandbox.call("POST", "/key/block", {"key": values["blocked"]}).raise_for_status()
    make("good", key=values["good"])
    rows = re.findall(r"^\| `(.+?)` \|", section("Why does a request get the error 401?"), re.MULTILINE)
    routes = dict.fromkeys(values, ("GET", "/v1/models", None)) | {"good": ("POST", "/user/new", {})}
    assert len(rows) == len(values)
    for (name, value), row in zip(values.items(), rows, strict=True):
        answer = sandbox.call(*routes[name], key=value)
        status = 400 if name == "expired" and too_old(sandbox, "1.90.0") else 401
        assert (answer.status_code, row in answer.text) == (status, True), (name, answer.text)
