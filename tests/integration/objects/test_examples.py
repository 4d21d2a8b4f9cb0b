# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The examples of every module, as its page prints them, on a real LiteLLM."""

from __future__ import annotations

import json
import re
import secrets
from typing import Any

import pytest
import yaml

from ..conftest import ROOT

TASKS = ROOT / "tests" / "integration" / "playbooks" / "tasks"
MODULES = sorted(file.stem for file in (ROOT / "plugins" / "modules").glob("litellm_*.py"))
# The readers first, while there is something to read: the last example of most other modules deletes the object.
ORDER = sorted(MODULES, key=lambda module: not module.endswith("_info"))
VAULT_ID = "workshop"


def examples(module: str) -> list[dict[str, Any]]:
    text = (ROOT / "plugins" / "modules" / f"{module}.py").read_text(encoding="utf-8")
    (block,) = re.findall(r'^EXAMPLES = r"""\n(.*?)"""', text, re.DOTALL | re.MULTILINE)
    tasks: list[dict[str, Any]] = yaml.safe_load(block)
    return tasks


@pytest.fixture
def variables(sandbox) -> dict[str, str]:
    """What the examples have in a vault."""
    names = ("openai_key", "new_openai_key", "azure_key", "new_azure_key", "chatbot_key", "key_seed", "guardrail_key")
    names += ("issues_token", "new_issues_token", "weather_tenant")
    made = {f"vault_{name}": f"sk-{secrets.token_hex(24)}" for name in names}
    return {**made, "vault_litellm_master_key": sandbox.master_key}


@pytest.mark.long
@pytest.mark.since("1.106.2")
def test_every_example_runs(sandbox, play, tmp_path, variables) -> None:
    def run(name: str, plays: list[dict[str, Any]]) -> Any:
        common = {"hosts": "localhost", "gather_facts": False, "vars": variables}
        file = tmp_path / f"{name}.yml"
        # The one example with an address of its own gets that of the sandbox.
        text = json.dumps([{**common, **one} for one in plays]).replace("https://litellm.example.com", sandbox.api_url)
        file.write_text(text)
        password = tmp_path / "password"
        password.write_text("a password for tests only")
        return play(str(file), "--vault-id", f"{VAULT_ID}@{password}", cwd=tmp_path)

    (tmp_path / "service-account.json").write_text('{"type": "service_account"}')
    before, after = (yaml.safe_load((TASKS / f"{name}_examples.yml").read_text()) for name in ("before", "after"))
    plays = [{"name": module, "tasks": examples(module)} for module in ORDER]
    try:
        done = run("examples", [{"name": "before", "tasks": before}, *plays])
    finally:
        cleared = run("after", [{"name": "after", "tasks": after}])
    assert done.rc == 0, done.messages
    assert [name for name in MODULES if f"PLAY [{name}]" not in done.output] == []
    assert cleared.rc == 0, cleared.messages
