# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A sandbox, asked with any key."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import requests

# A route that streams for ever, or asks a provider that does not answer, has let the key through long before.
PATIENCE = 5
# What has to succeed may take its time, such as the description of all routes, which is made when first asked for.
LONG_PATIENCE = 120


@dataclass(frozen=True)
class Answer:
    """What a request was answered with. The status is 0 if it was let through and did not end in time."""

    status: int
    text: str = field(repr=False)

    @property
    def ok(self) -> bool:
        return self.status == 200

    def json(self) -> Any:
        return json.loads(self.text)


@dataclass(frozen=True)
class Server:
    """The sandbox, as its JSON describes it."""

    api_url: str
    master_key: str
    litellm_version: str

    @classmethod
    def described_in(cls, path: Path) -> Server:
        described = json.loads(path.read_text())
        return cls(**{one.name: described[one.name] for one in fields(cls)})

    def ask(self, key: str | None, method: str, path: str, body: Any = None, /, **parameters: str) -> Answer:
        """Send a request with a key, or without any, and return the answer."""
        return self._send(key, method, path, body, parameters, PATIENCE)

    def _send(
        self, key: str | None, method: str, path: str, body: Any, parameters: dict[str, str], patience: float
    ) -> Answer:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        try:
            with requests.request(
                method,
                self.api_url + path,
                headers=headers,
                params=parameters,
                json=body,
                timeout=patience,
                allow_redirects=False,
                stream=True,
            ) as response:
                endless = "text/event-stream" in response.headers.get("Content-Type", "")
                return Answer(response.status_code, "" if endless else response.text)
        except (requests.Timeout, requests.ConnectionError):
            return Answer(0, "")

    def description(self) -> Any:
        """Return what the server itself says that it offers, as OpenAPI."""
        response = requests.get(f"{self.api_url}/openapi.json", timeout=LONG_PATIENCE)
        response.raise_for_status()
        return response.json()

    def do(self, method: str, path: str, body: Any = None, /, **parameters: str) -> Any:
        """Send a request with the master key that has to succeed, and return the answer's JSON."""
        answer = self._send(self.master_key, method, path, body, parameters, LONG_PATIENCE)
        if answer.status not in (200, 201):
            raise RuntimeError(f"{method} {path}: {answer.status} {answer.text[:500]}")
        return answer.json()
