# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""
No module asks for more than it needs: what each task may cost the server, in requests.

Before 1.84 LiteLLM's listing leaves out which budget a key has, and does not say whether it finds parts of aliases:
there two more requests are needed to find a key.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Iterator

import pytest
import yaml
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._values import version_tuple

COLLECTION = "litemaas.virtual_keys"
MANY = 30


@pytest.fixture
def to_find(sandbox) -> int:
    """How many requests it takes to find a key."""
    return 3 if version_tuple(sandbox.litellm_version) < (1, 84) else 1


@pytest.fixture
def name(sandbox) -> Iterator[str]:
    """The name of this test's credential or team, which is removed at the end."""
    beginning = f"t{secrets.token_hex(4)}"
    yield beginning
    sandbox.call("DELETE", f"/credentials/{beginning}")
    sandbox.call("POST", "/team/delete", {"team_ids": [beginning]})


@pytest.fixture
def asked(sandbox, run_module):
    """Runs a module and returns how many requests it made; it did what is expected."""

    def asked(module: str, action: str, **options) -> int:
        with sandbox.requests_made() as made:
            done = run_module(module, **options)
        assert not done.failed, done.msg
        assert done.values.get("action", action) == action
        return len(made)

    return asked


def test_one_key(asked, alias, to_find) -> None:
    declared = {"key_alias": alias, "models": ["gpt-4"], "max_budget": 5}
    # To look for it, to ask whether one may, to create it, to read it back.
    assert asked("litellm_key", "create", **declared) <= 4
    assert asked("litellm_key", "none", **declared) == to_find
    assert asked("litellm_key", "update", **{**declared, "max_budget": 6}) <= to_find + 2
    assert asked("litellm_key", "delete", key_alias=alias, state="absent") <= to_find + 2


def test_a_loop_over_keys(sandbox, play, alias, tmp_path, to_find) -> None:
    """The items share what the proxy said of itself."""
    task = {f"{COLLECTION}.litellm_key": {"key_alias": f"{alias}-{{{{ item }}}}"}, "no_log": True}
    tasks = [{**task, "loop": list(range(MANY))}]
    (tmp_path / "play.yml").write_text(yaml.safe_dump([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]))
    for most in (3 * MANY + 1, to_find * MANY):
        with sandbox.requests_made() as made:
            assert play(str(tmp_path / "play.yml")).rc == 0
        assert len(made) <= most, Counter(path.split("?")[0] for _method, path, _status in made)
    assert len(sandbox.keys(alias)) == MANY


def test_many_keys(asked, alias, to_find) -> None:
    declared = {"virtual_keys": [{"key_alias": f"{alias}-{number}", "models": ["gpt-4"]} for number in range(MANY)]}
    assert asked("litellm_keys", "", **declared) <= MANY + 6
    assert asked("litellm_keys", "", **declared) <= to_find + 1
    assert asked("litellm_keys", "", **declared, state="absent") <= to_find + 4


def test_a_credential(asked, name) -> None:
    declared = {"credential_name": name, "credential_values": {"api_key": "a provider's key"}}
    assert asked("litellm_credential", "create", **declared) == 2
    assert asked("litellm_credential", "none", **declared) == 1
    declared["credential_info"] = {"custom_llm_provider": "openai"}
    assert asked("litellm_credential", "update", **declared) == 2
    assert asked("litellm_credential_info", "", credential_name=name) == 1
    # Also to see which models and vector stores use it.
    assert asked("litellm_credential", "delete", credential_name=name, state="absent") == 4


def test_a_team(asked, name) -> None:
    declared = {"team_id": name, "models": ["gpt-4"], "max_budget": 5}
    # To look for it, also in the listing, which is asked again where it is empty; to create it, to read it back.
    assert asked("litellm_team", "create", **declared) <= 5
    assert asked("litellm_team", "none", **declared) == 1
    assert asked("litellm_team", "update", **{**declared, "max_budget": 6}) <= 3
    assert asked("litellm_team_info", "", team_id=name) == 1
    # Also to see whether it has keys and models.
    assert asked("litellm_team", "delete", team_id=name, state="absent") <= 7
