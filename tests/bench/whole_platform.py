# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How fast a whole platform is, compared with plain loops of the same requests in the same run.

    SANDBOX_JSON=.build/mine.json .build/nox/integration/bin/python tests/bench/whole_platform.py

Prints a table in Markdown. The exit code is 1 if a promise is not kept. Needs a machine that does nothing else.
"""

from __future__ import annotations

import argparse
import os
import secrets
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import quote

import requests

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tooling import checkout

from bench.measuring import Server, run_playbook

Body = Mapping[str, Any]
# How many times as long as plain loops the first run may take, and how many requests the second one may send.
FIRST, SECOND = 1.3, 60
WORKERS = (1,)


def declared(name: str, users: int, teams: int) -> dict[str, list[dict[str, Any]]]:
    """Return a platform: users, each a member of one team, in which the user has a key."""
    people = [f"{name}-user-{number}@example.com" for number in range(users)]
    groups = [f"{name}-team-{number}" for number in range(teams)]
    members: dict[str, list[dict[str, Any]]] = {group: [] for group in groups}
    for number, person in enumerate(people):
        members[groups[number % teams]].append({"user_id": person})
    return {
        "users": [{"user_id": person, "user_role": "internal_user", "max_budget": 20} for person in people],
        "teams": [{"team_id": group, "max_budget": 100, "members": members[group]} for group in groups],
        "keys": [
            {"key_alias": f"{name}-key-{number}", "user_id": person, "team_id": groups[number % teams], "rpm_limit": 60}
            for number, person in enumerate(people)
        ],
    }


def writes(platform: Mapping[str, Any]) -> Iterator[list[tuple[str, Body]]]:
    """Yield the requests of plain loops, each list after the one before."""
    yield [("/user/new", {**user, "auto_create_key": False}) for user in platform["users"]]
    yield [("/team/new", {"team_id": team["team_id"], "max_budget": 100}) for team in platform["teams"]]
    yield [
        (
            "/team/member_add",
            {"team_id": team["team_id"], "member": [{**one, "role": "user"} for one in team["members"]]},
        )
        for team in platform["teams"]
    ]
    yield [
        ("/key/generate", {**key, "models": ["all-team-models"], "key": f"sk-{secrets.token_urlsafe(24)}"})
        for key in platform["keys"]
    ]


def reads(platform: Mapping[str, Any]) -> list[str]:
    """Return the addresses of plain loops that look at each object."""
    return [
        *(f"/user/info?user_id={quote(user['user_id'])}" for user in platform["users"]),
        *(f"/team/info?team_id={team['team_id']}" for team in platform["teams"]),
        *(f"/key/list?return_full_object=true&key_alias={key['key_alias']}" for key in platform["keys"]),
    ]


def loop(server: Server, workers: int, method: str, asked: Iterable[tuple[str, Body | None]]) -> float:
    """Return the seconds that requests take, so many side by side."""
    of_thread = threading.local()

    def ask(request: tuple[str, Body | None]) -> None:
        if not hasattr(of_thread, "session"):
            of_thread.session = requests.Session()
            of_thread.session.trust_env = False
            of_thread.session.headers["Authorization"] = f"Bearer {server.master_key}"
        path, body = request
        of_thread.session.request(method, f"{server.url}{path}", json=body, timeout=120).raise_for_status()

    begun = time.monotonic()
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(ask, asked))
    return time.monotonic() - begun


def main() -> int:
    parser = argparse.ArgumentParser(prog="whole_platform", description=__doc__)
    parser.add_argument("--users", type=int, default=600, help="how many users, each with a key")
    parser.add_argument("--teams", type=int, default=40)
    given = parser.parse_args()
    state = os.environ.get("SANDBOX_JSON")
    if not state:
        parser.error("SANDBOX_JSON is not set.")
    server = Server.described_in(Path(state))

    def fresh() -> tuple[str, dict[str, list[dict[str, Any]]]]:
        name = f"bench{secrets.token_hex(4)}"
        return name, declared(name, given.users, given.teams)

    loops = {}
    for workers in WORKERS:
        name, looped = fresh()
        loops[workers] = sum(loop(server, workers, "POST", some) for some in writes(looped))
        server.remove_all(name)  # or the listings that the runs read would hold it as well
    _name, platform = fresh()
    with tempfile.TemporaryDirectory() as folder, checkout.linked() as path:
        os.environ["ANSIBLE_COLLECTIONS_PATH"] = str(path)
        options = {**platform, "applications": platform["keys"], "values_file": f"{folder}/values.yml"}
        first, second = (run_playbook(server, "platform.yml", False, **options) for _time in range(2))
        watched = run_playbook(server, "platform.yml", True, **options)
    looks = loop(server, 1, "GET", [(path, None) for path in reads(platform)])
    rows: list[tuple[str, float, int | str]] = [
        *((f"plain loops of the same writes, {workers} at a time", took, "") for workers, took in loops.items()),
        ("first run", first.seconds, sum(first.requests.values())),
        ("second run", second.seconds, sum(second.requests.values())),
        ("plain loop that reads each object", looks, len(reads(platform))),
    ]
    print(f"LiteLLM {server.version}: {given.users} users, {given.teams} teams with members, {given.users} keys\n")
    print("| | seconds | requests |\n|---|---:|---:|")
    print("\n".join(f"| {what} | {seconds:.1f} | {count} |" for what, seconds, count in rows))
    ratio = first.seconds / loops[1]
    print(
        f"\nThe first run takes {ratio:.2f} times as long as plain loops, and at most {watched.memory / 2**20:.0f} MiB."
    )
    return 0 if ratio <= FIRST and sum(second.requests.values()) <= SECOND and not second.writes else 1


if __name__ == "__main__":
    sys.exit(main())
