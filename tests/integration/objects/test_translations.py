# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole configurations as people write them for Terraform, declared by the playbook of a platform on a real LiteLLM."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.litemaas.virtual_keys.tests.integration.laws import too_old

pytestmark = [pytest.mark.quiet, pytest.mark.long]

FOLDER = Path(__file__).resolve().parents[1] / "translations"
EXAMPLES = Path(__file__).resolve().parents[3] / "playbooks" / "examples"
FILES = sorted(file.stem for file in FOLDER.glob("*.yml"))
SECRETS = tuple(f"sk-{secrets.token_hex(24)}" for _number in range(3))


def models_of(declared: dict[str, Any]) -> set[str]:
    """The models that teams and keys name, and that the file does not declare: others have configured those."""
    named = {
        name
        for entry in (*declared.get("platform_teams", ()), *declared.get("platform_keys", ()))
        for name in entry.get("models") or ()
    }
    return named - {model["model_name"] for model in declared.get("platform_models", ())}


@pytest.fixture
def name(run_module) -> Iterator[str]:
    """What the names of a test begin with, whose models are removed at the end."""
    beginning = f"t{secrets.token_hex(4)}"
    yield beginning
    for model in run_module("litellm_model_info").models:
        if model["model_id"].startswith(f"{beginning}-"):
            run_module("litellm_model", model_id=model["model_id"], state="absent", force=True)


@pytest.mark.parametrize("configuration", FILES)
def test_a_second_run_writes_nothing(sandbox, play, run_module, tmp_path, name, configuration: str) -> None:
    if too_old(sandbox, "1.106.0"):
        pytest.skip("needs LiteLLM 1.106")
    text = (FOLDER / f"{configuration}.yml").read_text(encoding="utf-8").replace("NAME", name)
    (tmp_path / "platform").mkdir()
    (tmp_path / "platform" / "all.yml").write_text(text, encoding="utf-8")
    declared = yaml.safe_load(text)
    for model in models_of(declared):
        params = {"model": "openai/gpt-4o-mini", "mock_response": "Hello"}
        assert run_module("litellm_model", model_id=model, model_name=model, litellm_params=params).changed
    variables = {
        "platform_dir": str(tmp_path / "platform"),
        "platform_values_file": str(tmp_path / "values.yml"),
        "provider_key": SECRETS[0],
        "pinned_keys": {"clients": SECRETS[1], "tools": SECRETS[2]},
    }
    (tmp_path / "variables.json").write_text(json.dumps(variables))

    def run(playbook: str, *more: str) -> Any:
        done = play(str(EXAMPLES / playbook), "-e", f"@{tmp_path}/variables.json", *more, secret=SECRETS)
        assert done.rc == 0, done.messages
        return done

    try:
        with sandbox.writes() as writes:
            checked = run("platform.yml", "--check")
        assert (checked.changed, writes) == (1, [])
        assert run("platform.yml").changed == 1
        keys = {key["key_alias"] for key in declared["platform_keys"]}
        assert sandbox.keys(f"{name}-").keys() == keys
        with sandbox.writes() as writes:
            again = run("platform.yml")
        assert (again.changed, writes) == (0, [])
    finally:
        declarations = f"@{tmp_path}/platform/all.yml"
        run("delete_platform.yml", "-e", declarations, "-e", '{"platform_force": true}')
    assert sandbox.keys(f"{name}-") == {}
