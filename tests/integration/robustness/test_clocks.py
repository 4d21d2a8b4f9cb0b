# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wrong clocks, this machine's or the proxy's: no value is replaced, no key removed, and no expiry moved."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.module_utils import _client, _clock

YEARS = [-50, -1, 1, 70]


@pytest.fixture
def wrong_clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[timedelta], None]:
    """Puts this machine's clock wrong."""

    def put(ahead: timedelta) -> None:
        class Wrong(datetime):
            @classmethod
            def now(cls, tz: Any = None) -> Any:
                return datetime.now(tz) + ahead

        for module in (_client, _clock):
            monkeypatch.setattr(module, "datetime", Wrong)

    return put


@pytest.fixture
def wrong_dates(sandbox) -> Iterator[Callable[[timedelta], str]]:
    """Puts a gateway with a wrong clock before the proxy, and returns its address."""
    servers = []

    def put(ahead: timedelta) -> str:
        class Gateway(BaseHTTPRequestHandler):
            def handle_any(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                answer = sandbox.call(self.command, self.path, json.loads(body) if body else None)
                self.send_response_only(answer.status_code)
                self.send_header("Date", format_datetime(datetime.now(UTC) + ahead, usegmt=True))
                self.send_header("Content-Type", answer.headers["Content-Type"])
                self.send_header("Content-Length", str(len(answer.content)))
                self.end_headers()
                self.wfile.write(answer.content)

            do_GET = do_POST = handle_any

            def log_message(self, *_: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Gateway)
        threading.Thread(target=server.serve_forever).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}"

    yield put
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture(params=["machine", "proxy"])
def run_at_wrong_time(request, run_module, wrong_clock, wrong_dates) -> Callable[..., Any]:
    def run(ahead: timedelta, **options: Any) -> Any:
        if request.param == "proxy":
            return run_module("litellm_keys", api_url=wrong_dates(ahead), **options)
        wrong_clock(ahead)
        return run_module("litellm_keys", **options)

    return run


@pytest.mark.parametrize("years", YEARS)
def test_no_value_is_replaced(sandbox, run_module, alias, run_at_wrong_time, years):
    run_module("litellm_key", key_alias=alias, duration="30d")
    before = sandbox.keys(alias)
    with sandbox.writes() as written:
        done = run_at_wrong_time(
            timedelta(days=365 * years), virtual_keys=[{"key_alias": alias, "duration": "30d", "rotate_after": "20d"}]
        )
    assert not done.changed and written == [] and sandbox.keys(alias) == before
    assert any("Check both clocks" in str(warning) for warning in done.warnings)


@pytest.mark.parametrize("hours", [-3, 23, 48])
def test_a_key_that_another_run_has_just_made_is_not_removed(sandbox, run_module, alias, run_at_wrong_time, hours):
    run_module("litellm_key", key_alias=alias)
    other = run_module("litellm_key", key_alias=f"{alias}-b")
    sandbox.execute('UPDATE "LiteLLM_VerificationToken" SET key_alias = %s WHERE token = %s', alias, other.key_id)
    with sandbox.writes() as written:
        done = run_at_wrong_time(timedelta(hours=hours), virtual_keys=[{"key_alias": alias}])
    assert done.failed and written == [] and "another run may be creating one of them" in done.msg


def test_what_fails_says_what_is_wrong_with_the_clocks(alias, run_at_wrong_time):
    done = run_at_wrong_time(timedelta(days=400), virtual_keys=[{"key_alias": alias, "team_id": "no-such-team"}])
    assert done.failed and any("Check both clocks" in str(warning) for warning in done.warnings)
