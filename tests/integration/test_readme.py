# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every command and every play that README.md prints, run as it stands there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", (ROOT / "README.md").read_text(), re.DOTALL | re.MULTILINE)
COMMANDS = [
    shlex.split(line)
    for kind, text in BLOCKS
    if kind == "bash"
    for line in text.replace("\\\n", " ").splitlines()
    if line.startswith("ansible-playbook ")
]
PLAYS = [text for kind, text in BLOCKS if kind == "yaml"]
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
    assert len(COMMANDS) == 4 and len(PLAYS) == 3


def test_commands(sandbox, play, tmp_path):
    create, delete, workshop, usage = COMMANDS
    assert play(*create[1:]).changed == 1
    assert sandbox.keys("my-project")["my-project"]["max_budget"] == 50
    assert play(*create[1:]).changed == 0
    assert play(*delete[1:]).changed == 1
    assert sandbox.keys("my-project") == {}

    assert play(*workshop[1:]).changed == 1
    assert len(sandbox.keys("python-course")) == 25
    assert play(*workshop[1:]).changed == 0
    assert play(*workshop[1:], "-e", "litellm_vkey_user_count=27").changed == 1
    assert len(sandbox.keys("python-course")) == 27
    folder = tmp_path / "python-course"
    assert play(*usage[1:], "-e", f"litellm_vkey_output_dir={folder}").changed == 2
    assert sorted(path.name for path in folder.iterdir()) == ["usage.csv", "usage.html", "usage.json"]
    assert play(*workshop[1:], "-e", "litellm_vkey_user_count=27", "-e", "litellm_vkey_state=absent").changed == 1
    assert sandbox.keys("python-course") == {}


@pytest.mark.parametrize("text", PLAYS, ids=[yaml.safe_load(text)[0]["name"] for text in PLAYS])
def test_plays(play, tmp_path, text):
    playbook = tmp_path / "play.yml"
    playbook.write_text(text)
    environment = {"WORKSHOP_SEED": "a seed for this test only, 32 characters or more"}
    first = play(str(playbook), env=environment, secret=(environment["WORKSHOP_SEED"],))
    assert first.rc == 0 and first.changed >= 1, first.messages
    again = play(str(playbook), env=environment)
    assert again.rc == 0 and again.changed == 0
    for file in tmp_path.glob("*.csv"):
        assert re.fullmatch(r"user,key\n(\w+,sk-[\w-]{43}\n){3}", file.read_text())
