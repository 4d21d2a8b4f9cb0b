# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plays of the guides that use collections of the community, as they are printed.

The collections and the proxy are real. Vault, SOPS, and the mail server are as simple as these plays need them.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from email import message_from_bytes
from email.header import decode_header, make_header
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Thread
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "vault-token"
# The path of this Python can have spaces, which are not possible in this line.
SOPS = """#!/usr/bin/env python3
import sys
from pathlib import Path
print("sops 3.9.0" if "--version" in sys.argv else Path(sys.argv[-1]).read_text())
"""


@contextmanager
def listening(server: Any) -> Iterator[int]:
    """The port of a server, which stops at the end."""
    with server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


@pytest.fixture(scope="session")
def proxy() -> dict[str, str]:
    description: dict[str, str] = json.loads(Path(os.environ["SANDBOX_JSON"]).read_text(encoding="utf-8"))
    return description


@pytest.fixture
def run(tmp_path: Path, proxy: Mapping[str, str]) -> Callable[..., str]:
    """Runs the play of a page that uses something, with other words in some places, and returns the output."""

    def run(page: str, uses: str, changes: Mapping[str, str], **environment: str) -> str:
        text = (ROOT / "docs" / page).read_text(encoding="utf-8")
        (play,) = (one for one in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL) if uses in one)
        for old, new in changes.items():
            assert old in play
            play = play.replace(old, new)
        (tmp_path / "play.yml").write_text(play, encoding="utf-8")
        command = [Path(sys.executable).with_name("ansible-playbook"), "-v", "play.yml"]
        given = {**os.environ, "LITELLM_PROXY_URL": proxy["api_url"], "LITELLM_PROXY_API_KEY": "", **environment}
        done = subprocess.run(command, cwd=tmp_path, env=given, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        assert proxy["master_key"] not in done.stdout + done.stderr
        return done.stdout

    return run


@pytest.fixture
def alias() -> str:
    return f"recipe-{secrets.token_hex(4)}"


def test_a_lookup_reads_vault(run: Callable[..., str], proxy: Mapping[str, str], alias: str) -> None:
    held = {"master_key": proxy["master_key"], "key_seed": secrets.token_hex(32)}

    class Vault(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            is_right = (self.path, self.headers["X-Vault-Token"]) == ("/v1/secret/data/litellm", TOKEN)
            self.send_response(200 if is_right else 403)
            self.end_headers()
            answer = {"data": {"data": held, "metadata": {}}} if is_right else {"errors": ["permission denied"]}
            self.wfile.write(json.dumps(answer).encode())

        def log_message(self, *_words: Any) -> None:
            """Say nothing."""

    with listening(ThreadingHTTPServer(("127.0.0.1", 0), Vault)) as port:
        address = {"VAULT_ADDR": f"http://127.0.0.1:{port}", "VAULT_TOKEN": TOKEN}
        output = [
            run("secret_stores.md", "hashi_vault.vault_kv2_get", {"nightly-tests": alias}, **address)
            for _time in range(2)
        ]
    assert ["changed=1" in one for one in output] == [True, False]


def test_sops_decrypts_a_file(run: Callable[..., str], proxy: Mapping[str, str], alias: str, tmp_path: Path) -> None:
    held = {"litellm_master_key": proxy["master_key"], "litellm_key_seed": secrets.token_hex(32)}
    (tmp_path / "litellm.sops.yml").write_text(json.dumps(held))
    (tmp_path / "sops").write_text(SOPS)
    (tmp_path / "sops").chmod(0o700)
    path = os.pathsep.join((str(tmp_path), os.environ["PATH"]))
    output = [run("secret_stores.md", "community.sops", {"nightly-tests": alias}, PATH=path) for _time in range(2)]
    assert ["changed=1" in one for one in output] == [True, False]


def test_the_usage_comes_by_mail(run: Callable[..., str], proxy: Mapping[str, str], alias: str) -> None:
    mails = []

    class Mail(StreamRequestHandler):
        def handle(self) -> None:
            with suppress(ConnectionError):  # the first connection tries whether this is TLS
                self.wfile.write(b"220 here\r\n")
                while (line := self.rfile.readline().strip().upper()) not in (b"QUIT", b""):
                    self.wfile.write(b"354 go on\r\n" if line == b"DATA" else b"250 fine\r\n")
                    if line == b"DATA":
                        mails.append(message_from_bytes(b"".join(iter(self.rfile.readline, b".\r\n"))))
                        self.wfile.write(b"250 fine\r\n")
                self.wfile.write(b"221 bye\r\n")

    with listening(ThreadingTCPServer(("127.0.0.1", 0), Mail)) as port:
        changes = {"python-course": alias, "port: 25": f"port: {port}"}
        run("questions.md", "community.general.mail", changes, LITELLM_PROXY_API_KEY=proxy["master_key"])
    (mail,) = mails
    subject = str(make_header(decode_header(mail["Subject"])))
    (body,) = mail.get_payload()
    assert mail["To"] == "ada@example.org" and alias in subject
    assert body.get_payload(decode=True).decode().startswith(subject)
