# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Logging callbacks in the metadata of keys, teams, and users: declared once, and their secrets never shown."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.tests.integration.laws import as_declared

pytestmark = pytest.mark.quiet

SECRET = "a-callback-secret-of-langfuse"
# The module of each, its identity, and where its metadata is.
OBJECTS = {
    "key": ("key_alias", "LiteLLM_VerificationToken", "key_alias"),
    "team": ("team_id", "LiteLLM_TeamTable", "team_id"),
    "user": ("user_id", "LiteLLM_UserTable", "user_id"),
}


def callback(**more: Any) -> dict[str, Any]:
    variables = {"langfuse_public_key": "pk-1", "langfuse_secret_key": SECRET, **more}
    return {"callback_name": "langfuse", "callback_type": "success", "callback_vars": variables}


@pytest.mark.parametrize("kind", OBJECTS)
def test_callbacks_are_declared(sandbox, run_module, alias, kind: str) -> None:
    identity, table, column = OBJECTS[kind]
    module = partial(run_module, f"litellm_{kind}", **{identity: alias})

    def stored() -> dict[str, Any]:
        (row,) = sandbox.rows(f'SELECT metadata FROM "{table}" WHERE {column} = %s', alias)
        metadata = row["metadata"]
        return json.loads(metadata) if isinstance(metadata, str) else metadata

    done = as_declared(module, sandbox, 1, metadata={"logging": [callback()], "course": "x"})
    read = run_module(f"litellm_{kind}_info", **({"key_aliases": [alias]} if kind == "key" else {identity: alias}))
    planned = module(check=True, metadata={"logging": [callback(langfuse_host="https://h")]})
    for result in (done, read, planned):
        assert not result.failed, result.values
        assert SECRET not in result.output
        assert "langfuse_secret_key" in result.output
    (logging,) = stored()["logging"]
    assert logging["callback_vars"].keys() == {"langfuse_public_key", "langfuse_secret_key"}
    # Another change leaves it alone, and a variable more is a change.
    as_declared(module, sandbox, 1, metadata={"course": "y"})
    assert stored()["logging"] == [logging]
    as_declared(module, sandbox, 1, metadata={"logging": [callback(langfuse_host="https://h")]})
    assert stored()["logging"][0]["callback_vars"]["langfuse_host"] == "https://h"
    as_declared(module, sandbox, 1, metadata={"course": "y"}, metadata_mode="replace")
    assert "logging" not in stored()
    if kind != "key":
        assert not module(state="absent").failed
