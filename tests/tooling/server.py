# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all tests need to know of a LiteLLM, past the code that is tested."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

# POSTs that only read.
READING = frozenset(
    {"/v2/key/info", "/budget/info", "/tag/info", "/key/health", "/chat/completions", "/v1/chat/completions"}
)
LINE = re.compile(r'"(?P<method>[A-Z]+) (?P<path>\S+) HTTP/1\.1" (?P<status>\d{3})')
# Method, path with query, and status.
Request = tuple[str, str, int]


def token_of(value: str) -> str:
    """Under which token LiteLLM stores a key."""
    return sha256(value.encode()).hexdigest()


def is_write(method: str, path: str) -> bool:
    return method not in ("GET", "OPTIONS") and path.split("?", maxsplit=1)[0] not in READING


@contextmanager
def requests_in(log: Path) -> Iterator[list[Request]]:
    """All requests that LiteLLM answers meanwhile, as its log has them."""
    with log.open() as stream:
        stream.seek(0, os.SEEK_END)
        made: list[Request] = []
        yield made
        found = LINE.finditer(stream.read())
        made.extend((one["method"], one["path"], int(one["status"])) for one in found)
