# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A proxy as it has grown in two years: objects of all kinds, made by plain requests and not by this collection."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

# What people call things: text that YAML, Ansible, or a terminal could take for something else.
ALIASES = (
    *("yes", "null", "1e3", "2024-01-31", "0x1F", "1:20", "~", "- a", "a: b", "a #b", "{{ 1 + 1 }}", "{% raw %}", "!x"),
    *(
        "'quoted'",
        '"quoted"',
        "back\\slash",
        "Zürich",
        "日本語",
        "tab\there",
        "line\nbreak",
        "\u202edeceitful",
        "*a",
        "&a",
    ),
)
SECRET = "sk-4Gv8Rk2Wp9Xt5Bn7Jq3Lz6Mh07"
Body = dict[str, Any]


@dataclass(frozen=True)
class Size:
    """How many objects there are of the kinds of which a proxy has many."""

    teams: int = 40
    users: int = 300
    keys: int = 429
    models: int = 15


@contextmanager
def grown_proxy(sandbox: Any, size: Size) -> Iterator[str]:
    """Make the objects, yield the beginning of all their names, and remove them at the end."""
    beginning = f"g{secrets.token_hex(3)}-"
    try:
        _make(sandbox, beginning, size)
        yield beginning
    finally:
        _remove(sandbox, beginning)


def _make(sandbox: Any, beginning: str, size: Size) -> None:
    def post(path: str) -> Callable[[Body], Any]:
        def send(body: Body) -> Any:
            for _attempt in range(5):
                answer = sandbox.call("POST", path, body)
                if answer.status_code != 503:  # the database is busy, and nothing was done
                    break
                time.sleep(2)
            assert answer.status_code in (200, 201), (path, body, answer.text)
            return answer.json()

        return send

    def post_all(path: str, bodies: list[Body]) -> list[Any]:
        with ThreadPoolExecutor(6) as pool:
            return list(pool.map(post(path), bodies))

    post_all("/credentials", list(_credentials(beginning)))
    for model in _models(beginning, size.models):  # each reloads all of them
        post("/model/new")(model)
    post_all("/budget/new", list(_budgets(beginning)))
    (shared,) = post_all("/budget/new", [{"max_budget": 7.0}])
    post_all("/tag/new", list(_tags(beginning)))
    post_all("/user/new", list(_users(beginning, size.users)))
    for team in _teams(beginning, size.teams):  # each adds the user of the master key
        post("/team/new")(team)
    for number in range(size.teams):
        for members in _members(beginning, number, size.users):
            post("/team/member_add")({"team_id": f"{beginning}team-{number}", **members})
    post_all("/customer/new", list(_customers(beginning, shared["budget_id"])))
    keys = post_all("/key/generate", list(_keys(beginning, size)))
    post_all("/v1/access_group", list(_access_groups(beginning, [key["token"] for key in keys[:2]])))


def _credentials(beginning: str) -> Iterator[Body]:
    yield {
        "credential_name": f"{beginning}OpenAI production",
        "credential_values": {"api_key": SECRET, "api_base": "https://one.example.com/v1"},
        "credential_info": {"custom_llm_provider": "openai", "owner": "{{ nobody }}"},
    }
    yield {"credential_name": f"{beginning}azure", "credential_values": {"api_key": SECRET}, "credential_info": {}}


def _models(beginning: str, count: int) -> Iterator[Body]:
    for number in range(count):
        params: Body = {"model": "openai/gpt-4o", "mock_response": ALIASES[number % len(ALIASES)]}
        info: Body = {"id": f"{beginning}model-{number}"}
        if number % 3 == 0:
            params |= {"api_key": SECRET, "extra_headers": {"Authorization": f"Bearer {SECRET}"}, "rpm": 100 + number}
        elif number % 3 == 1:
            params |= {
                "litellm_credential_name": f"{beginning}azure",
                "tags": ["yes", "null"],
                "use_litellm_proxy": True,
            }
            info |= {
                "base_model": "gpt-4o",
                "access_groups": [f"{beginning}large"],
                "team": {"number": "0017"},
                "cost_center": "0017",
            }
        else:
            params |= {"input_cost_per_token": 1e-07, "output_cost_per_token": 0.000002, "custom": {"a": [1, None]}}
        yield {"model_name": f"{beginning}chat-{number % 5}", "litellm_params": params, "model_info": info}


def _budgets(beginning: str) -> Iterator[Body]:
    yield {"budget_id": f"{beginning}gold", "max_budget": 100.5, "budget_duration": "30d", "tpm_limit": 100000}
    yield {"budget_id": f"{beginning}silver", "soft_budget": 1e-07, "rpm_limit": 2**40}


def _tags(beginning: str) -> Iterator[Body]:
    yield {"name": f"{beginning}free", "description": "no: budget # here"}
    yield {"name": f"{beginning}limited", "max_budget": 5.0, "budget_duration": "7d"}
    yield {"name": f"{beginning}shared", "budget_id": f"{beginning}gold"}


def _users(beginning: str, count: int) -> Iterator[Body]:
    roles = ("internal_user", "internal_user_viewer", "proxy_admin_viewer")
    for number in range(count):
        user = {
            "user_id": f"{beginning}user-{number}",
            "user_role": roles[number % 7 % 3],
            "user_alias": ALIASES[number % len(ALIASES)],
            "auto_create_key": False,
        }
        if number % 2:
            user |= {"user_email": f"{beginning}{number}@example.com"}
        if number % 5 == 0:
            user |= {"max_budget": number + 0.5, "budget_duration": "1mo", "models": ["gpt-4"], "tpm_limit": 10}
        if number % 11 == 0:
            user |= {"metadata": {"yes": "no", "1": {"{{ a }}": None}, "cost center": "017"}}
        yield user


def _teams(beginning: str, count: int) -> Iterator[Body]:
    for number in range(count):
        team = {"team_id": f"{beginning}team-{number}", "team_alias": ALIASES[number % len(ALIASES)]}
        if number % 2:
            team |= {"models": ["gpt-4", f"{beginning}chat-1"], "max_budget": 100.0, "budget_duration": "30d"}
        if number % 3 == 0:
            team |= {"team_member_budget": 10.0, "team_member_budget_duration": "30d"}
        if number % 5 == 0:
            team |= {"metadata": {"contact": "{{ lookup('pipe', 'id') }}", "on": True}, "tpm_limit": 5000}
        if number % 7 == 0:
            team |= {"blocked": True, "model_rpm_limit": {"gpt-4": 7}, "model_aliases": {"fast": "gpt-4"}}
        yield team


def _members(beginning: str, team: int, users: int) -> Iterator[Body]:
    ids = [f"{beginning}user-{(team * 7 + number) % users}" for number in range(9)]
    yield {"member": [{"user_id": user_id, "role": "user"} for user_id in ids[:7]]}
    if team % 4 == 0:
        yield {"member": [{"user_id": ids[7], "role": "user"}], "max_budget_in_team": 3.5, "budget_duration": "7d"}
        yield {"member": [{"user_id": ids[8], "role": "user"}], "max_budget_in_team": 4.0}


def _customers(beginning: str, shared: str) -> Iterator[Body]:
    yield {"user_id": f"{beginning}customer-0", "alias": "yes", "blocked": True}
    yield {"user_id": f"{beginning}customer-1", "max_budget": 3.0, "budget_duration": "1d"}
    yield {"user_id": f"{beginning}customer-2", "budget_id": f"{beginning}silver", "allowed_model_region": "eu"}
    yield from ({"user_id": f"{beginning}customer-{number}", "budget_id": shared} for number in (3, 4))


def _keys(beginning: str, size: Size) -> Iterator[Body]:
    """Keys of which every fourth has no alias."""
    further: tuple[Body, ...] = (
        {"max_budget": 10.0, "budget_duration": "30d"},
        {"soft_budget": 5.0},
        {"budget_id": f"{beginning}gold"},
        {"duration": "90d", "key_type": "llm_api", "metadata": {"note": "line\nbreak", "n": 1e-07}},
        {"allowed_routes": ["/v1/chat/completions"], "blocked": True, "aliases": {"fast": "gpt-4"}},
        {"model_rpm_limit": {"gpt-4": 3}, "budget_limits": [{"max_budget": 1.0, "budget_duration": "1d"}]},
        {"permissions": {"allow_pii_controls": True}, "tpm_limit": 17, "max_parallel_requests": 2},
        {},
    )
    for number in range(size.keys):
        key: Body = {"models": ["gpt-4"], **further[number % len(further)]}
        if number % 4:
            key["key_alias"] = f"{beginning}key-{number} {ALIASES[number % 13]}"
        if number % 3 == 0:
            key |= {"team_id": f"{beginning}team-{number % size.teams}", "models": []}
        if number % 3 == 1:
            key |= {"user_id": f"{beginning}user-{number % size.users}"}
        key.setdefault("metadata", {})["made_for"] = beginning
        yield key


def _access_groups(beginning: str, keys: list[str]) -> Iterator[Body]:
    yield {"access_group_name": f"{beginning}large", "access_model_names": ["gpt-4"], "description": "a: b"}
    teams = [f"{beginning}team-{number}" for number in (0, 1)]
    yield {"access_group_name": f"{beginning}bound", "assigned_team_ids": teams, "assigned_key_ids": keys}


def _remove(sandbox: Any, beginning: str) -> None:
    """Remove what has the beginning from the database, and what only the proxy can forget by requests."""
    for table, column in (("AccessGroupTable", "access_group_name"), ("TagTable", "tag_name")):
        sandbox.execute(f'DELETE FROM "LiteLLM_{table}" WHERE starts_with({column}, %s)', beginning)
    marked = "metadata ->> 'made_for' = %s"
    sandbox.execute(f'DELETE FROM "LiteLLM_VerificationToken" WHERE {marked}', beginning)
    for table, column in (
        *(("TeamMembership", "team_id"), ("TeamTable", "team_id"), ("UserTable", "user_id")),
        *(("EndUserTable", "user_id"), ("BudgetTable", "budget_id")),
    ):
        sandbox.execute(f'DELETE FROM "LiteLLM_{table}" WHERE starts_with({column}, %s)', beginning)
    sandbox.execute(
        'UPDATE "LiteLLM_UserTable" SET teams = ARRAY(SELECT t FROM unnest(teams) t WHERE NOT starts_with(t, %s))',
        beginning,
    )
    for row in sandbox.rows(
        'SELECT model_id FROM "LiteLLM_ProxyModelTable" WHERE starts_with(model_id, %s)', beginning
    ):
        sandbox.call("POST", "/model/delete", {"id": row["model_id"]})
    for row in sandbox.rows(
        'SELECT credential_name FROM "LiteLLM_CredentialsTable" WHERE starts_with(credential_name, %s)', beginning
    ):
        sandbox.call("DELETE", f"/credentials/{quote(row['credential_name'], safe='')}")
