# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs that end before their work is done, and keys that LiteLLM cannot delete."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._args import Settings
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._batch import converge
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._client import Client
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._key._declaration import declare
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._key._store import KeyStore

QUESTION = {"model": "gpt-4", "messages": [{"role": "user", "content": "Hello?"}]}
# The writes of a reissue.
WRITES = ("/key/update", "/key/generate", "/key/delete")


class Killed(BaseException):
    """The run is over at once."""


class Mortal:
    """A client that is killed before or after its first request to a path."""

    def __init__(self, client: Client, path: str, carried_out: bool) -> None:
        self._client = client
        self._path = path
        self._carried_out = carried_out

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def send(self, path: str, *body: Any, **options: Any) -> Any:
        if path != self._path:
            return self._client.send(path, *body, **options)
        if self._carried_out:
            self._client.send(path, *body, **options)
        raise Killed


def answers(sandbox, value: str) -> int:
    """The status of a question that the key asks."""
    return sandbox.call("POST", "/v1/chat/completions", QUESTION, key=value).status_code


@pytest.fixture
def reissue_killed(sandbox):
    """Reissues keys in a run that is killed."""

    def run(aliases: list[str], path: str, carried_out: bool) -> None:
        connection = {"api_url": sandbox.api_url, "api_key": sandbox.master_key, "timeout": 60, "retries": 5}
        client = Mortal(Client(Settings.from_params(connection.get)), path, carried_out)
        wants = [declare({"key_alias": alias, "value_policy": "reissue"}) for alias in aliases]
        with pytest.raises(Killed):
            converge(KeyStore(client, secret=sandbox.master_key), wants)

    return run


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("carried_out", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("path", WRITES)
def test_a_killed_reissue_is_mended_by_the_next_run(
    sandbox, run_module, alias, reissue_killed, path, carried_out, count
):
    """Whatever was killed: then each alias is there once, and no value answers but the one of that key."""
    aliases = [f"{alias}-{number}" for number in range(count)]
    made = run_module("litellm_keys", virtual_keys=[{"key_alias": name, "max_budget": 4} for name in aliases])
    old = {one["key_alias"]: one for one in made.virtual_keys}
    reissue_killed(aliases, path, carried_out)
    if count == 1:
        mended = run_module("litellm_key", key_alias=aliases[0], max_budget=4)
    else:
        mended = run_module("litellm_keys", virtual_keys=[{"key_alias": name, "max_budget": 4} for name in aliases])
    assert not mended.failed, mended.values
    rows = sandbox.keys(alias)
    assert list(rows) == aliases
    for name in aliases:
        stays = rows[name]["token"] == old[name]["key_id"]
        assert answers(sandbox, old[name]["key"]) == (200 if stays else 401)
        assert rows[name]["max_budget"] == 4
    replaced = [name for name in aliases if rows[name]["token"] != old[name]["key_id"]]
    assert bool(replaced) is (path == "/key/delete" or (path == "/key/generate" and carried_out))
    with sandbox.writes() as written:
        again = run_module("litellm_keys", virtual_keys=[{"key_alias": name} for name in aliases])
    assert not again.changed and written == []


@contextmanager
def undeletable(sandbox, token: str) -> Iterator[None]:
    """Let the database refuse to delete a key, as it does where another table refers to it."""
    name = f"keep_{token[:8]}"
    sandbox.execute(
        f"""CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN RAISE EXCEPTION 'this row is to stay'; END $$"""
    )
    sandbox.execute(
        f"""CREATE TRIGGER {name} BEFORE DELETE ON "LiteLLM_VerificationToken"
            FOR EACH ROW WHEN (OLD.token = '{token}') EXECUTE FUNCTION {name}()"""
    )
    try:
        yield
    finally:
        sandbox.execute(f'DROP TRIGGER {name} ON "LiteLLM_VerificationToken"')
        sandbox.execute(f"DROP FUNCTION {name}()")


@pytest.mark.parametrize("how", ["declared", "pruned"])
def test_a_key_that_cannot_be_deleted_blocks_no_others(sandbox, run_module, alias, how):
    keys = [{"key_alias": f"{alias}-{number:02}", "group": alias} for number in range(100)]
    made = run_module("litellm_keys", virtual_keys=keys, concurrency=12)
    one = made.virtual_keys[37]
    options: dict[str, Any] = {"virtual_keys": keys, "state": "absent"}
    if how == "pruned":
        options = {"virtual_keys": [], "prune_metadata": {"litellm_vkey_group": alias}, "prune_limit": 100}
    with undeletable(sandbox, one["key_id"]), sandbox.writes() as written:
        done = run_module("litellm_keys", retries=0, **options)
    assert done.failed and f"1 of 100 failed. {one['key_alias']}: " in done.msg
    assert list(sandbox.keys(alias)) == [one["key_alias"]] and answers(sandbox, one["key"]) == 200
    assert len(written) < 20
    reports = done.virtual_keys if how == "declared" else done.pruned
    assert [report["key_alias"] for report in reports if report["error"]] == [one["key_alias"]]
    assert sum(report["action"] == "delete" for report in reports) == 99
    assert run_module("litellm_keys", **options).changed
    assert sandbox.keys(alias) == {}
