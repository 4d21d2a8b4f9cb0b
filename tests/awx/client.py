# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The API of a running AWX, and what its jobs and the commands of docs/awx.md say."""

from __future__ import annotations

import secrets
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
from servers import PASSWORD, Servers

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "awx.md").read_text(encoding="utf-8")
BIN = Path(sys.executable).parent
SEED, ARTIFACT_PASSWORD = secrets.token_hex(32), secrets.token_hex(16)


@dataclass
class Awx:
    """The API of AWX."""

    servers: Servers
    token: str

    def call(self, method: str, path: str, **body: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.token}"}
        url = f"{self.servers.url}/api/v2/{path}"
        return requests.request(method, url, json=body or None, headers=headers, timeout=60)

    def get(self, path: str) -> Any:
        response = self.call("GET", path)
        response.raise_for_status()
        return response.json()

    def create(self, path: str, **body: Any) -> dict[str, Any]:
        response = self.call("POST", path, **body)
        assert response.ok, response.text
        created: dict[str, Any] = response.json()
        return created

    def one(self, path: str, name: str) -> dict[str, Any]:
        """The one object of this name."""
        (found,) = [row for row in self.get(f"{path}/?page_size=200")["results"] if row["name"] == name]
        return dict(found)

    def ended(self, path: str) -> dict[str, Any]:
        """A job, when it has ended and all of its events are stored."""
        job: dict[str, Any] = {}

        def is_over() -> bool:
            job.update(self.get(path))
            return bool(job["finished"] and job["event_processing_finished"])

        self.servers.wait(is_over, f"the job {path} does not end")
        return job

    def output(self, path: str) -> str:
        return self.call("GET", f"{path}stdout/?format=txt").text

    def launch(self, template: str, answers: dict[str, Any], **options: str | bool) -> requests.Response:
        path = f"job_templates/{self.one('job_templates', template)['id']}/launch/"
        return self.call("POST", path, extra_vars=answers, **options)

    def run(self, template: str, answers: dict[str, Any], **options: str | bool) -> Job:
        """A job of a template, when it has ended."""
        launched = self.launch(template, answers, **options)
        assert launched.status_code == 201, launched.text
        path = f"jobs/{launched.json()['job']}/"
        return Job(self.ended(path), self.output(path))


@dataclass
class Job:
    """A job that has ended."""

    values: dict[str, Any]
    output: str = field(repr=False)

    @property
    def changed(self) -> bool:
        assert self.values["status"] == "successful", self.output + self.values["result_traceback"]
        return "changed=0" not in self.output


@dataclass
class Run:
    """A command of the page that has ended."""

    code: int
    output: str = field(repr=False)

    @property
    def changed(self) -> bool:
        assert self.code == 0, self.output
        return "changed=0" not in self.output


def token_of(servers: Servers, user: str) -> str:
    created = requests.post(f"{servers.url}/api/v2/tokens/", json={}, auth=(user, PASSWORD), timeout=60)
    return str(created.json()["token"])
