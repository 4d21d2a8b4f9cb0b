# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands of docs/terraform.md, with a small state in the format of Terraform 1 and a program that shows it."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from pathlib import Path

import pytest
import yaml

from ..conftest import ROOT

PAGE = (ROOT / "docs" / "terraform.md").read_text()
BASH = re.findall(r"^```bash\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
FILES = re.findall(r"^```(?:yaml|jinja)\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
PULL, VALUES = BASH[0].split("\n", 1)
# What of Terraform the page uses: it prints its state and its list, and forgets what it is told to.
TERRAFORM = """\
#!/bin/sh
case "$1 $2" in
    "state pull") cat state.json ;;
    "state list") printf 'data.http.me\\nlitellm_key.app[0]\\nlitellm_key.app[1]\\nlitellm_team.t\\n' ;;
    "state rm") shift 2; printf '%s\\n' "$@" > removed ;;
    *) exit 1 ;;
esac
"""


@pytest.fixture
def state(sandbox, alias, tmp_path) -> dict[str, str]:
    """The keys that Terraform has made, with their values, of which one has no alias."""
    made = {}
    for name in (f"{alias}-a", f"{alias}-b", None):
        body = {"key_alias": name, "models": ["gpt-4"], "max_budget": 7, "metadata": {"owner": alias}}
        made[name] = sandbox.call("POST", "/key/generate", body).json()["key"]
    instances = [{"attributes": {"key_alias": name, "key": value, "max_budget": 7}} for name, value in made.items()]
    team = {"type": "litellm_team", "name": "t", "instances": [{"attributes": {"team_alias": "t", "id": "t"}}]}
    keys = {"type": "litellm_key", "name": "app", "instances": instances}
    resources = [{"mode": "managed", **one} for one in (team, keys)]
    (tmp_path / "state.json").write_text(
        json.dumps({"version": 4, "terraform_version": "1.9.0", "resources": resources})
    )
    program = tmp_path / "bin" / "terraform"
    program.parent.mkdir()
    program.write_text(TERRAFORM)
    program.chmod(0o755)
    return {name: value for name, value in made.items() if name}


def shell(command: str, folder: Path) -> None:
    subprocess.run(["sh", "-ec", f"PATH={folder / 'bin'}:$PATH; {command}"], cwd=folder, check=True, timeout=60)


def test_the_page(sandbox, play, alias, state, tmp_path):
    def run(command: str, *further: str):
        words = shlex.split(command.replace("\\\n", " ").replace("$PWD", str(tmp_path)))
        return play(*words[1:], *further, cwd=tmp_path, secret=state.values())

    shell(PULL, tmp_path)
    assert run(VALUES).rc == 0
    values = tmp_path / "values.yml"
    assert yaml.safe_load(values.read_text())["litellm_vkey_values"].items() >= state.items()
    assert values.stat().st_mode & 0o777 == 0o600
    again = run(VALUES)
    assert again.rc == 2 and "values.yml exists" in again.output

    before = sandbox.keys(alias)
    ours = ("-e", json.dumps({"platform_names": [f"{alias}*"]}))
    assert run(BASH[1], *ours).rc == 0
    for further in ((), ("--check", "--diff")):
        done = run(BASH[2].replace("--check --diff", ""), *further)
        assert done.rc == 0 and done.changed == 0, done.messages
    assert sandbox.keys(alias) == before

    shell(BASH[3], tmp_path)
    assert (tmp_path / "removed").read_text().split() == ["litellm_key.app[0]", "litellm_key.app[1]", "litellm_team.t"]
    assert not (tmp_path / "terraform-state.json").exists()


def test_a_template_in_the_place_of_for_each(sandbox, play, alias, run_module, tmp_path):
    for name, text in zip(("departments.yml", "teams.yml.j2", "play.yml"), FILES, strict=True):
        (tmp_path / name).write_text(re.sub(r"^  (courts|prisons):", rf"  {alias}-\1:", text, flags=re.MULTILINE))
    ids = [f"{alias}-courts", f"{alias}-prisons"]
    try:
        for changed in (1, 0):
            done = play(str(tmp_path / "play.yml"))
            assert (done.rc, done.changed) == (0, changed), done.messages
        rows = sandbox.rows('SELECT * FROM "LiteLLM_TeamTable" WHERE team_id = ANY(%s) ORDER BY team_id', ids)
        assert [(row["team_alias"], row["max_budget"], row["models"], row["budget_duration"]) for row in rows] == [
            (ids[0], 1000, ["gpt-4", "gpt-4o-mini"], "1mo"),
            ("Prisons and probation", 500, ["gpt-4o-mini"], "1mo"),
        ]
    finally:
        for team_id in ids:
            run_module("litellm_team", team_id=team_id, state="absent")
