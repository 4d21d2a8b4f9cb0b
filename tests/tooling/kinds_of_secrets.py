# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets of every kind, as they stand in the options of tasks. ``MARK`` is in each of them, and nowhere else."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

MARK = "Never-Shown-"


def secret(number: int) -> str:
    return f"{MARK}{number:02}-b7XqZ"


# Kinds of secrets: by the name of an entry, by the shape of a text, and by what holds them.
NAMES = (
    *("password", "redis_password", "api_key", "apiKey", "API-Key", "client_secret", "token", "access_token", "auth"),
    *("Authorization", "passphrase", "pwd", "credentials", "gcp_credentials", "signing_key", "private_key"),
    *("cookie", "webhook_secret", "signature", "secret_access_key"),
)
SHAPES = (
    "https://user:{}@host/v1",
    "redis://:{}@host:6379/0",
    "https://{}@host/path",
    "https://user:a/{}@host",
    "https://host/x?key={}",
    "https://host/x?a=1&sig={}#top",
    "https://host/x?X-Amz-Signature={}",
    "Bearer {}",
    "Basic {}=",
    "host=db password={} user=x",
    "Server=x;Password='{}';",
    "api_key: {}",
    '{{"token": "{}"}}',
    "{{'outer': {{'db_password': '{}'}}}}",
    "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----",
    "sk-proj-0A{}",
)
HOLDERS: tuple[Callable[[str], dict[str, Any]], ...] = (
    lambda text: {"extra_headers": {"X-Anything": text}},
    lambda text: {"logging": [{"callback_name": "langfuse", "callback_vars": {"host": text}}]},
    lambda text: {"litellm_params": {"aws_access_key_id": text}},
    lambda text: {"deep": [[{"er": {"api_keys": [text]}}]]},
    lambda text: {"health_check_params": {"api_key": text}},
    lambda text: {"cache_kwargs": json.dumps({"password": text})},
)
KINDS: dict[str, Any] = {
    **{name: secret(number) for number, name in enumerate(NAMES)},
    **{f"entry_{number}": text.format(secret(number)) for number, text in enumerate(SHAPES, 30)},
    **{f"holder_{number}": hold(secret(number)) for number, hold in enumerate(HOLDERS, 60)},
}
FORMS: Mapping[str, Callable[[Mapping[str, Any]], Any]] = {
    "mapping": dict,
    "JSON": json.dumps,
    "Python": str,
    "pairs": lambda kinds: ", ".join(f"{name}={value}" for name, value in kinds.items() if name in NAMES),
    "damaged": lambda kinds: json.dumps(kinds)[:-1],
}
