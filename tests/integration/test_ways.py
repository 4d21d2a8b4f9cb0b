# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""litellm_keys in Ansible's own process, and as a module where the task needs one: the same keys, the same results."""

from __future__ import annotations

import json
import sys

from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._key._secret import token_of

SEED = "a seed for tests only, of 32 characters and more"
WAYS = ("own", "environment", "interpreter", "async")


def test_each_way(sandbox, play, alias, tmp_path):
    interpreter = tmp_path / "python"
    interpreter.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    interpreter.chmod(0o755)
    result = tmp_path / "result.json"
    variables = {"alias": alias, "seed": SEED, "interpreter": str(interpreter), "result": str(result)}
    playbook = "tests/integration/playbooks/ways.yml"
    done = play(playbook, "-e", json.dumps(variables), env={"ANSIBLE_ASYNC_DIR": str(tmp_path)})
    assert done.rc == 0, done.messages
    # Only the control node's own process can tell of progress, and no module was built for it.
    assert done.output.count("1 of 2 keys written") == 1
    own, *others = done.output.split("\nTASK [")[1:5]
    assert ["AnsiballZ_litellm_keys" in part for part in (own, *others)] == [False, True, True, True]

    rows = sandbox.keys(alias)
    for way, returned in zip(WAYS, json.loads(result.read_text()), strict=True):
        assert returned["changed"] and returned["summary"]["create"] == 2
        for number, one in enumerate(returned["virtual_keys"], 1):
            row = rows[f"{alias}-{way}-{number}"]
            assert token_of(one["key"]) == row["token"] == one["key_id"]
            assert row["models"] == ["gpt-4"]

    with sandbox.writes() as written:
        done = play(playbook, "-e", json.dumps(variables), env={"ANSIBLE_ASYNC_DIR": str(tmp_path)})
    assert done.rc == 0 and done.changed == 0 and written == []
