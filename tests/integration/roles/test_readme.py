# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every command and every play that README.md and the first guides print, run as it stands there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import yaml
from ansible_collections.litemaas.virtual_keys.tests.integration.laws import too_old

ROOT = Path(__file__).resolve().parents[3]
BLOCKS, STARTING, PLATFORM = (
    re.findall(r"^```(\w+)\n(.*?)^```", (ROOT / page).read_text(), re.DOTALL | re.MULTILINE)
    for page in ("README.md", "docs/getting_started.md", "docs/platform.md")
)


def commands(blocks: list[tuple[str, str]]) -> list[list[str]]:
    lines = "".join(text for kind, text in blocks if kind == "bash").replace("\\\n", " ").splitlines()
    return [shlex.split(line) for line in lines if line.startswith("ansible-playbook ")]


COMMANDS = commands(BLOCKS)
PLAYS = [text for kind, text in (*BLOCKS, *STARTING) if kind == "yaml" and "hosts:" in text]
VALUE = r"sk-[\w-]{32,43}"
ALIASES = ("my-project", "python-course", "blue-team", "red-team")


@pytest.fixture(autouse=True)
def _clean(sandbox):
    """Remove the keys that the README speaks of, before and after."""

    def remove() -> None:
        tokens = [row["token"] for alias in ALIASES for row in sandbox.keys(alias).values()]
        if tokens:
            sandbox.call("POST", "/key/delete", {"keys": tokens}).raise_for_status()

    remove()
    yield
    remove()


def test_there_is_something_to_run():
    assert len(COMMANDS) == 5 and len(PLAYS) == 3


@pytest.mark.long
def test_commands(sandbox, play, tmp_path):
    create, delete, workshop, end, usage = COMMANDS

    def run(command: list[str], *further: str):
        done = play(*command[1:], *further, cwd=tmp_path)
        assert done.rc == 0, done.messages
        return done

    def files(folder: str) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in (tmp_path / folder).rglob("*") if path.is_file()}

    run(create)
    assert sandbox.keys("my-project")["my-project"]["max_budget"] == 50
    first = files("my-project")
    assert re.search(f"OPENAI_API_KEY={VALUE}", first["my-project.env"].decode())
    assert run(create).changed == 0 and files("my-project") == first
    run(delete)
    assert sandbox.keys("my-project") == {}
    assert "my-project.env" not in files("my-project") and b"sk-" not in files("my-project")["values.yml"]

    run(workshop)
    assert len(sandbox.keys("python-course")) == 25
    first = files("python-course")
    assert len(set(re.findall(VALUE, first["keys.csv"].decode()))) == 25
    assert run(workshop).changed == 0 and files("python-course") == first
    run(workshop, "-e", "litellm_vkey_user_count=27")
    assert len(sandbox.keys("python-course")) == 27
    run(usage)
    assert {"usage.csv", "usage.html", "usage.json"} <= files("python-course").keys()
    run(end)
    assert sandbox.keys("python-course") == {} and "keys.csv" not in files("python-course")


@pytest.mark.parametrize("text", PLAYS, ids=[yaml.safe_load(text)[0]["name"] for text in PLAYS])
def test_plays(play, tmp_path, text):
    playbook = tmp_path / "play.yml"
    playbook.write_text(text)
    first = play(str(playbook), cwd=tmp_path)
    assert first.rc == 0 and first.changed >= 1, first.messages
    lists = {path: path.read_bytes() for path in tmp_path.rglob("*.csv")}
    again = play(str(playbook), cwd=tmp_path)
    assert again.rc == 0 and again.changed == 0
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.csv")} == lists
    for content in lists.values():
        assert len(re.findall(VALUE, content.decode())) == 3


def test_getting_started(sandbox, play, tmp_path):
    create, foresee, delete = (command[1:] for command in commands(STARTING))
    (said,) = [text.strip() for kind, text in STARTING if kind == "text"]
    assert play(*create, cwd=tmp_path).rc == 0
    written = {path.name for path in tmp_path.rglob("my-project/**/*") if path.is_file()}
    assert {"my-project.env", "keys.csv", "values.yml"} <= written
    assert play(*create, cwd=tmp_path).changed == 0
    foreseen = play(*foresee, cwd=tmp_path)
    assert foreseen.rc == 0 and said in foreseen.output
    assert sandbox.keys("my-project")["my-project"]["max_budget"] == 50
    assert play(*delete, cwd=tmp_path).rc == 0 and sandbox.keys("my-project") == {}


def test_the_platform(sandbox, play, tmp_path):
    declarations, playbook = [text for kind, text in PLATFORM if kind == "yaml"]
    (shown,) = [text.strip().splitlines() for kind, text in PLATFORM if kind == "text"]
    (tmp_path / "platform.yml").write_text(declarations)
    (tmp_path / "platform_play.yml").write_text(playbook)
    env = {"OPENAI_API_KEY": "the key of a provider"}

    def run(*arguments: str):
        done = play("platform_play.yml", *arguments, cwd=tmp_path, env=env, secret=(env["OPENAI_API_KEY"],))
        assert done.rc == 0, done.messages
        return done

    if too_old(sandbox, "1.90.0"):
        # A member's budget cannot be reset there.
        (tmp_path / "platform.yml").write_text(
            re.sub(r"(max_budget_in_team: .*\n) +budget_duration: .*\n", r"\1", declarations)
        )
    try:
        first = run()
        assert first.changed == 1
        assert {row["team_id"] for row in sandbox.keys("nightly-report").values()} == {"data-science"}
        assert run().changed == 0 and run("--check").changed == 0
        changed = yaml.safe_load((tmp_path / "platform.yml").read_text())
        changed["users"].append({"user_id": "cem@example.com"})
        changed["teams"][0]["max_budget"], changed["applications"][1]["rpm_limit"] = 600, 900
        (tmp_path / "platform.yml").write_text(yaml.safe_dump(changed))
        lines = run("--check", "--diff").output.splitlines()
        assert [line for line in lines if line.startswith(("+ ", "- ", "~ "))] == shown
    finally:
        keys = [row["token"] for alias in ("nightly-report", "support-chatbot") for row in sandbox.keys(alias).values()]
        teams, users = ["data-science", "support"], ["ann@example.com", "ben@example.com"]
        sandbox.call("POST", "/key/delete", {"keys": keys})
        sandbox.call("POST", "/team/delete", {"team_ids": teams})
        sandbox.call("POST", "/user/delete", {"user_ids": users})
        sandbox.call("POST", "/model/delete", {"id": "chat-small-1"})
        sandbox.call("DELETE", "/credentials/openai-production")
