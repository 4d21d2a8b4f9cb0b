# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests with a key that cost something, and what LiteLLM answers when a budget is spent."""

from __future__ import annotations

import time
from typing import Any

# The answer to a key of a team that has spent its budget is another one in each version.
OUT_OF_BUDGET = (400, 422, 429)
MAX_WAIT = 90


def ask(sandbox: Any, key: str, model: str = "gpt-4") -> int:
    """The answer's status."""
    body = {"model": model, "messages": [{"role": "user", "content": "hello"}]}
    return int(sandbox.call("POST", "/v1/chat/completions", body, key=key).status_code)


def until_refused(sandbox: Any, key: str) -> int:
    """The answer once LiteLLM has added up what was spent, which it does later."""
    ends = time.monotonic() + MAX_WAIT
    while time.monotonic() < ends:
        status = ask(sandbox, key)
        if status != 200:
            return status
        time.sleep(1)
    return 200
