# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading costs what is declared, not what is on the server."""

from __future__ import annotations

import secrets

import pytest
from ansible_collections.litemaas.virtual_keys.tests.integration.laws import too_old

FOREIGN = 5000


@pytest.fixture
def foreign_keys(sandbox):
    """5,000 keys of others, put into the database at once."""
    beginning = f"foreign-{secrets.token_hex(4)}-"
    sandbox.rows(
        """INSERT INTO "LiteLLM_VerificationToken" (token, key_name, key_alias, spend, models)
           SELECT md5(i::text || %s) || md5(i::text), 'sk-...none', %s || i, 0, '{}' FROM generate_series(1, %s) AS i
           RETURNING 1""",
        beginning,
        beginning,
        FOREIGN,
    )
    yield beginning
    sandbox.rows('DELETE FROM "LiteLLM_VerificationToken" WHERE starts_with(key_alias, %s) RETURNING 1', beginning)


@pytest.mark.parametrize("kind", ["workshop", "unrelated aliases", "same beginning as the others"])
def test_second_run_among_5000_foreign_keys(sandbox, run_module, alias, foreign_keys, kind):
    names = {
        "workshop": [f"{alias}-user{number}" for number in range(1, 101)],
        "unrelated aliases": [f"{chr(97 + number % 26)}{alias}-{number}" for number in range(1, 31)],
        "same beginning as the others": [f"{foreign_keys}{alias}-{number}" for number in range(1, 31)],
    }[kind]
    settings = {"virtual_keys": [{"key_alias": name} for name in names], "defaults": {"max_budget": 1}}
    try:
        with sandbox.requests_made() as first_made:
            first = run_module("litellm_keys", **settings)
        assert first.summary["create"] == len(names)
        with sandbox.requests_made() as made:
            again = run_module("litellm_keys", **settings)
        assert not again.changed
        assert [report["key_id"] for report in again.virtual_keys] == [
            report["key_id"] for report in first.virtual_keys
        ]
        reads = [path for method, path, _status in made if path.startswith("/key/list")]
        first_reads = [path for method, path, _status in first_made if path.startswith("/key/list")]
        # All keys would be 51 pages of the listing at least.
        if kind == "unrelated aliases" and too_old(sandbox, "1.84.10"):
            # Each name is looked up, also the one that a key has while it is replaced, and each new key once more.
            assert len(reads) <= 2 * len(names) + 1 and len(first_reads) <= 3 * len(names) + 2
        else:
            assert len(reads) <= (2 if kind == "workshop" else len(names) + 1) and len(first_reads) <= 3
    finally:
        for start in range(0, len(names), 100):
            sandbox.call("POST", "/key/delete", {"key_aliases": names[start : start + 100]})
