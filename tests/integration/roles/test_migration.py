# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What docs/migration.md promises to those who come from the role-only collection."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PLAYBOOK = Path(__file__).parents[1] / "playbooks" / "role_only.yml"


@pytest.fixture
def old_play(play, alias, sandbox, tmp_path):
    """Runs a playbook that was written for the role-only collection; returns the run and what it has saved."""

    def run(**variables):
        saved = tmp_path / "saved.txt"
        saved.unlink(missing_ok=True)
        given = {"alias": alias, "api_url": f"{sandbox.api_url}/", **variables}
        arguments = [("-e", f"litellm_vkey_{name}={value}") for name, value in given.items()]
        done = play(str(PLAYBOOK), "-e", f"saved={saved}", *sum(arguments, ()))
        return done, saved.read_text().splitlines() if saved.exists() else []

    return run


def test_one_key(sandbox, old_play, alias):
    done, (key, address, settings) = old_play(user_id="developer@example.com", max_budget=50)
    row = sandbox.keys(alias)[alias]
    assert done.rc == 0, done.messages
    assert re.fullmatch(rf"developer@example.com {alias} {row['token']} sk-\S+", key)
    assert (address, settings) == (f"{sandbox.api_url} {sandbox.api_url}/v1", "gpt-4, 3d")
    assert (row["user_id"], row["max_budget"]) == ("developer@example.com", 50)
    assert '"1 created, 0 without a known value"' in done.output, "there is no folder to speak of"
    done, _lines = old_play(state="absent")
    assert f"Deleted {alias}" in done.output and '"1 deleted"' in done.output and sandbox.keys(alias) == {}
    assert f"Was already missing {alias}" in old_play(state="absent")[0].output


def test_a_workshop_that_the_old_role_has_made(sandbox, old_play, alias):
    """Its budgets are set, its expiries and its users' metadata stay; and all of it is found in the end."""
    for number in range(1, 13):
        user = f"participant{number}"
        metadata = {"alias": f"{alias}-{user}", "user": user, "user_number": str(number), "models_count": "1"}
        body = {"key_alias": f"{alias}-{user}", "user_id": f"{user}@workshop.example.com", "metadata": metadata}
        body.update(models=["gpt-4"], duration="7d")
        sandbox.call("POST", "/key/generate", body).raise_for_status()
    before = sandbox.keys(alias)
    workshop = {"multi_user": "true", "user_count": "13", "max_budget": "5"}

    done, lines = old_play(**workshop)
    after = sandbox.keys(alias)
    assert done.rc == 0, done.messages
    assert len(lines) == 15 and len(after) == 13
    assert {row["max_budget"] for row in after.values()} == {5}
    for name, row in before.items():
        assert (after[name]["token"], after[name]["expires"]) == (row["token"], row["expires"])
        assert {**after[name]["metadata"], **row["metadata"]} == after[name]["metadata"]
    assert old_play(**workshop)[0].changed == 1, "only the play's own file, which was removed"

    done, _lines = old_play(**workshop, state="absent")
    assert "Deleted 13, missing 0" in done.output and sandbox.keys(alias) == {}
