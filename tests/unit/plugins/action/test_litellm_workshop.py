# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action of a workshop: what it shows, what it encrypts, and which variables it takes for typos."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from ansible.parsing.vault import VaultLib, VaultSecret
from ansible_collections.litemaas.virtual_keys.plugins.action import litellm_workshop as action

ROOT = Path(__file__).resolve().parents[4]
DONE = {
    "changed": True,
    "result": {"changed": True, "users": [{"user": "ann", "key": "sk-a-value-that-nobody-sees"}]},
    "messages": ["1 created"],
    "changes": ["+ ann", "~ ben  max_budget 5 -> 6"],
    "files": [],
    "notes": ["The encoding was guessed."],
}


@pytest.fixture
def act(monkeypatch: pytest.MonkeyPatch) -> Any:
    """``act(args, task_vars, **task)`` is what the action returns."""
    monkeypatch.setattr(action, "run", lambda _variables, _around: {**DONE})

    def act(args: dict[str, Any], task_vars: dict[str, Any] | None = None, **how: Any) -> dict[str, Any]:
        task = {"action": "a", "check_mode": False, "diff": True, "no_log": True, "async_val": 0, "environment": []}
        here = SimpleNamespace(transport="local", become=None, _shell=SimpleNamespace(tmpdir=""))
        templar = SimpleNamespace(template=lambda value: value)
        given = SimpleNamespace(**{**task, "args": args, "delegate_to": None, **how})
        result: dict[str, Any] = action.ActionModule(given, here, None, None, templar, None).run(None, task_vars or {})
        return result

    return act


def test_with_no_log_another_task_shows_what_is_no_secret(act):
    hidden = act({"alias": "w"})
    assert "diff" not in hidden and "warnings" not in hidden and hidden["result"] == DONE["result"]
    shown = act({"show": hidden["shown"]})
    assert shown["changed"] is True and shown["warnings"] == DONE["notes"]
    lines = shown["diff"]["prepared"].splitlines()
    assert len(lines) == 2 and "+ ann" in lines[0] and "max_budget 5 -> 6" in lines[1]
    assert "sk-a-value" not in json.dumps(shown)
    assert "diff" not in act({"alias": "w"}, diff=False)["shown"]


def test_without_no_log_one_task_shows_all(act):
    done = act({"alias": "w"}, no_log=False)
    assert done["warnings"] == DONE["notes"] and "+ ann" in done["diff"]["prepared"]


def test_files_alone_are_a_change(act, monkeypatch):
    quiet = {**DONE, "result": {**DONE["result"], "changed": False}}
    for files in ([], [{"path": "keys.csv", "action": "create"}]):
        monkeypatch.setattr(action, "run", lambda _variables, _around, files=files: {**quiet, "files": files})
        assert act({"alias": "w"})["shown"]["changed"] is bool(files)


@pytest.mark.parametrize("password", ["a password", 20310314])
def test_the_artifact_opens_with_its_password(act, password):
    stats = act({"alias": "w", "artifact_password": password})["ansible_stats"]
    assert stats["per_host"] is False and stats["aggregate"] is True
    artifact = stats["data"]["litellm_vkey_artifact"]
    secret = VaultSecret(str(password).encode())
    assert json.loads(VaultLib([("default", secret)]).decrypt(artifact)) == DONE["result"]
    assert "ansible_stats" not in act({"alias": "w", "artifact_password": password}, check_mode=True)


def misspelled(act: Any, *names: str) -> str:
    result = act({"variables": "litellm_vkey_"}, {f"litellm_vkey_{name}": 1 for name in names})
    return str(result.get("msg", ""))


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("max_budgett", "max_budget"),
        ("maxbudget", "max_budget"),
        ("model", "models"),
        ("user_cuont", "user_count"),
        ("expire_at", "expires_at"),
        ("keyseed", "key_seed"),
        ("results", "result"),
        ("budget_durations", "budget_duration"),
    ],
)
def test_a_variable_that_nearly_exists_is_refused(act, name, meant):
    sentence = f"litellm_vkey_{name} is not a variable of this collection. Did you mean 'litellm_vkey_{meant}'?"
    assert misspelled(act, "alias", name) == sentence


@pytest.mark.parametrize("name", ["course", "room", "trainer_mail", "my_keys", "x", "environment"])
def test_a_variable_of_the_users_own_is_left_alone(act, name):
    assert misspelled(act, name) == ""


def test_every_variable_of_every_role_is_known(act):
    for role in (ROOT / "roles").iterdir():
        spec = yaml.safe_load((role / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))
        names = [name.removeprefix("litellm_vkey_") for name in spec["argument_specs"]["main"]["options"]]
        assert "is not a variable" not in misspelled(act, *names)
    assert "is not a variable" not in misspelled(act, "result", "usage", "values", "values_pending", "artifact")
