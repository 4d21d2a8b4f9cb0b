# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the unit tests share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings
from pytest_httpserver import HTTPServer

if TYPE_CHECKING:
    from ansible_collections.litemaas.virtual_keys.tests.unit.answers import Script

# The same examples every time: a test that fails now and then helps nobody.
settings.register_profile("unit", derandomize=True, deadline=None, max_examples=60, database=None)
settings.load_profile("unit")


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide what the developer's environment says about proxies, certificates and LiteLLM."""
    for name in list(os.environ):
        if name.startswith("LITELLM_") or name.lower().endswith("_proxy") or name.endswith("_CA_BUNDLE"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("NETRC", os.devnull)


@pytest.fixture(scope="session")
def httpserver_listen_address() -> tuple[str, int]:
    return ("127.0.0.1", 0)


@pytest.fixture
def script(httpserver: HTTPServer) -> Iterator[Script]:
    """A server that fails the test on any request that it does not expect."""
    # Importable only after tests/conftest.py has done its work.
    from ansible_collections.litemaas.virtual_keys.tests.unit.answers import Script

    script = Script(httpserver)
    yield script
    script.check()
