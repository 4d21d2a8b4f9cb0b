# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The server as the tests see it: past the code that is tested."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import requests
from psycopg.rows import dict_row

TESTS = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Server:
    """The sandbox, as its JSON describes it."""

    api_url: str
    master_key: str
    database_url: str
    port: int
    litellm_version: str

    @classmethod
    def described_in(cls, path: Path) -> Server:
        described = json.loads(path.read_text())
        return cls(**{one.name: described[one.name] for one in fields(cls)})

    def rows(self, beginning: str) -> list[dict[str, Any]]:
        """All keys whose alias begins so, as they stand in the database."""
        query = 'SELECT * FROM "LiteLLM_VerificationToken" WHERE starts_with(key_alias, %s) ORDER BY key_alias'
        with psycopg.connect(self.database_url, row_factory=dict_row) as connection:
            return connection.execute(query, (beginning,)).fetchall()

    def accepts(self, value: str) -> bool:
        """Whether LiteLLM lets the owner of that value in."""
        headers = {"Authorization": f"Bearer {value}"}
        return requests.get(f"{self.api_url}/v1/models", headers=headers, timeout=60).status_code == 200

    def post(self, path: str, body: dict[str, Any]) -> None:
        headers = {"Authorization": f"Bearer {self.master_key}"}
        requests.post(self.api_url + path, json=body, headers=headers, timeout=60).raise_for_status()

    def age(self, beginning: str, **by: int) -> None:
        """Make all keys whose alias begins so older, by ``days``, ``minutes`` and so on."""
        command = """UPDATE "LiteLLM_VerificationToken" SET created_at = created_at - %s, updated_at = updated_at - %s
            WHERE starts_with(key_alias, %s)"""
        with psycopg.connect(self.database_url) as connection:
            connection.execute(command, (timedelta(**by), timedelta(**by), beginning))

    def expire(self, tokens: list[str]) -> None:
        """Let keys expire."""
        command = """UPDATE "LiteLLM_VerificationToken" SET expires = now() - interval '1 minute'
            WHERE token = ANY(%s)"""
        with psycopg.connect(self.database_url) as connection:
            connection.execute(command, (tokens,))

    def remove(self, beginning: str) -> None:
        """Delete all keys whose alias begins so."""
        tokens = [row["token"] for row in self.rows(beginning)]
        if tokens:
            self.post("/key/delete", {"keys": tokens})
