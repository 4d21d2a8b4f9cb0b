# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""
Records what a real LiteLLM answers, for the unit tests: recorded/<name>.json with request, status, headers and body.

Run it again when a newer LiteLLM answers otherwise, and look at what git shows as changed:

    (umask 077; mkdir -p .build; python3 tests/sandbox up > .build/mine.json)
    .build/nox/unit/bin/python tests/unit/record.py .build/mine.json
    python3 tests/sandbox down

No secret is written: the values of the keys are made up here, and the master key and its token are replaced.
All keys that it makes have an alias that begins with "recorded", and are deleted at the end.

recorded/described/ holds answers that this LiteLLM does not give, or not in a sandbox; each says where it was read.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import requests

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tooling.server import token_of

FOLDER = Path(__file__).parent / "recorded"
HEADERS = ("content-type", "location", "retry-after")
MASTER_KEY = "sk-recorded-master-key"
VALUE, OTHER_VALUE, FOREIGN_VALUE = "sk-recorded-value-0001", "sk-recorded-value-0002", "sk-recorded-value-0003"
NOBODY = "0" * 64
UNKNOWN_KEY = "sk-recorded-unknown-key"


class Recorder:
    """Sends requests to a proxy and writes down the answers."""

    def __init__(self, api_url: str, master_key: str) -> None:
        self.api_url = api_url
        self.master_key = master_key
        self.stand_ins = {master_key: MASTER_KEY, token_of(master_key): token_of(MASTER_KEY), api_url: "http://proxy"}

    def ask(self, method: str, path: str, body: Any = None, key: str | None = None) -> requests.Response:
        headers = {"Authorization": f"Bearer {key or self.master_key}"}
        return requests.request(
            method, self.api_url + path, json=body, headers=headers, timeout=60, allow_redirects=False
        )

    def record(
        self, name: str, status: int, method: str, path: str, body: Any = None, key: str | None = None
    ) -> requests.Response:
        """Ask, check that the answer is of the expected kind, and write it down."""
        answer = self.ask(method, path, body, key)
        if answer.status_code != status:
            raise SystemExit(f"{name}: expected status {status}, got {answer.status_code}: {answer.text}")
        if method == "POST" and path == "/key/generate" and status == 200 and "key" not in body:
            value = answer.json()["key"]
            name_in_list = {f"sk-...{value[-4:]}": f"sk-...{OTHER_VALUE[-4:]}"}
            self.stand_ins |= {value: OTHER_VALUE, token_of(value): token_of(OTHER_VALUE)} | name_in_list
        exchange = {
            "request": {"method": method, "path": path, "body": body},
            "status": answer.status_code,
            "headers": {header: answer.headers[header] for header in HEADERS if header in answer.headers},
            "body": answer.json() if answer.content else None,
        }
        text = json.dumps(exchange, indent=2, sort_keys=True, ensure_ascii=False)
        for secret, stand_in in self.stand_ins.items():
            text = text.replace(secret, stand_in)
        (FOLDER / f"{name}.json").write_text(text + "\n", encoding="utf-8")
        return answer

    def clear(self) -> None:
        """Delete what an earlier run, or this one, made."""
        for alias in ("recorded", "recorded-generated", "recorded-taken", "recorded-foreign"):
            self.ask("POST", "/key/delete", {"key_aliases": [alias]})

    def run(self) -> None:
        self.about_the_proxy()
        self.keys()
        self.refusals()

    def about_the_proxy(self) -> None:
        self.record("readiness", 200, "GET", "/health/readiness")
        self.record("readiness_details", 200, "GET", "/health/readiness/details")
        self.record("license", 200, "GET", "/health/license")
        self.record("models", 200, "GET", "/v2/model/info?model=gpt-4&page=1&size=100")
        self.record("access_groups", 200, "GET", "/access_group/list")
        self.record("budget_unknown", 200, "POST", "/budget/info", {"budgets": ["recorded-unknown"]})
        self.record("team_unknown", 404, "GET", "/team/info?team_id=recorded-unknown")
        self.record("organization_unlicensed", 403, "GET", "/organization/info?organization_id=recorded-unknown")

    def keys(self) -> None:
        by_alias = "/key/list?key_alias={}&sort_by=token&sort_order=asc&return_full_object=true&page=1&size=100"
        self.record("list_empty", 200, "GET", by_alias.format("recorded"))
        declared = {
            "key_alias": "recorded",
            "key": VALUE,
            "models": ["gpt-4"],
            "max_budget": 5.0,
            "duration": "30d",
            "user_id": "recorded@example.com",
            "metadata": {"purpose": "recorded"},
            "model_rpm_limit": {"gpt-4": 3},
        }
        self.record("generate", 200, "POST", "/key/generate", declared)
        self.record("generate_unchosen", 200, "POST", "/key/generate", {"key_alias": "recorded-generated"})
        self.record("list_one", 200, "GET", by_alias.format("recorded"))
        self.record("info", 200, "GET", f"/key/info?key={token_of(VALUE)}")
        self.record("aliases", 200, "GET", "/key/aliases?search=recorded&page=1&size=100")
        self.record("info_by_alias", 200, "POST", "/v2/key/info", {"key_aliases": ["recorded"]})
        self.record("info_by_token", 200, "POST", "/v2/key/info", {"keys": [token_of(VALUE)]})
        self.record("info_by_token_empty", 200, "POST", "/v2/key/info", {"keys": [NOBODY]})
        self.record("update", 200, "POST", "/key/update", {"key": token_of(VALUE), "max_budget": 7.5})
        # Answered with success, although nothing is made: the value is the other key's.
        taken = {"key_alias": "recorded-taken", "key": VALUE}
        self.record("generate_value_taken", 200, "POST", "/key/generate", taken)

    def refusals(self) -> None:
        self.record("alias_taken", 400, "POST", "/key/generate", {"key_alias": "recorded"})
        self.record("unlicensed", 403, "POST", "/key/generate", {"key_alias": "recorded-taken", "tags": ["a"]})
        self.record("invalid", 422, "POST", "/key/generate", {"models": "gpt-4", "max_budget": "much"})
        self.record("bad_duration", 500, "POST", "/key/generate", {"duration": "1y"})
        self.record("uncaught", 500, "POST", "/key/generate", [1])
        self.record("no_team", 400, "POST", "/key/service-account/generate", {"key_alias": "recorded-taken"})
        self.record("update_unknown", 404, "POST", "/key/update", {"key": NOBODY, "max_budget": 1})
        self.record("delete_unknown", 404, "POST", "/key/delete", {"keys": [NOBODY]})
        self.record("regenerate_unlicensed", 500, "POST", f"/key/{NOBODY}/regenerate", {})
        self.record("unknown_key", 401, "GET", "/key/list", key=UNKNOWN_KEY)
        foreign = {"key_alias": "recorded-foreign", "key": FOREIGN_VALUE, "user_id": "recorded@example.com"}
        self.ask("POST", "/key/generate", foreign).raise_for_status()
        self.record("no_admin", 401, "POST", "/key/generate", {"team_id": "recorded"}, key=FOREIGN_VALUE)
        self.record("unknown_route", 404, "GET", "/recorded")
        self.record("trailing_slash", 307, "GET", "/key/list/")
        self.record("delete", 200, "POST", "/key/delete", {"keys": [token_of(VALUE)]})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sandbox", type=Path, help="what tests/sandbox up printed")
    state = json.loads(parser.parse_args().sandbox.read_text())
    FOLDER.mkdir(exist_ok=True)
    recorder = Recorder(state["api_url"], state["master_key"])
    recorder.clear()
    try:
        recorder.run()
    finally:
        recorder.clear()


if __name__ == "__main__":
    main()
