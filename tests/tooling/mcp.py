# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small MCP server on loopback, by streamable HTTP, with one tool: it says back what it is told.

It is strict: whoever does not send the header that it expects gets 401, and no tool.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOOL = "say_back"
TEXT = {"type": "string"}
TOOLS = [
    {
        "name": TOOL,
        "description": "Says back what it is told.",
        "inputSchema": {"type": "object", "properties": {"text": TEXT}, "required": ["text"]},
    }
]
OPENAPI = {
    "openapi": "3.0.0",
    "info": {"title": "Nothing", "version": "1"},
    "paths": {"/nothing": {"get": {"operationId": "nothing", "responses": {"200": {"description": "Nothing"}}}}},
}
UNKNOWN_METHOD = -32601


class McpUpstream:
    """The server as tests see it.

    :ivar expected: the headers that each request must have.
    :ivar calls: what the tool was told, with the headers of the request.
    """

    def __init__(self) -> None:
        upstream = self
        self.expected: dict[str, str] = {}
        self.calls: list[tuple[str, Mapping[str, str]]] = []

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self.answer(*((200, OPENAPI) if self.path == "/openapi.json" else (405, {})))

            def do_DELETE(self) -> None:
                self.answer(405, {})

            def do_POST(self) -> None:
                message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if any(self.headers.get(name) != value for name, value in upstream.expected.items()):
                    self.answer(401, {})
                elif "id" not in message:
                    self.answer(202, None)
                else:
                    self.answer(200, upstream.reply(message, dict(self.headers)))

            def answer(self, status: int, body: Any) -> None:
                text = b"" if body is None else json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_arguments: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.origin = f"http://127.0.0.1:{self.server.server_port}"
        self.url = f"{self.origin}/mcp"
        self.spec = f"{self.origin}/openapi.json"

    def reply(self, message: Mapping[str, Any], headers: Mapping[str, str]) -> dict[str, Any]:
        """Return the answer to a request of JSON-RPC."""
        answer = {"jsonrpc": "2.0", "id": message["id"]}
        result = self._result(message["method"], message.get("params") or {}, headers)
        if result is None:
            return {**answer, "error": {"code": UNKNOWN_METHOD, "message": "Method not found"}}
        return {**answer, "result": result}

    def _result(self, method: str, params: Mapping[str, Any], headers: Mapping[str, str]) -> dict[str, Any] | None:
        if method == "initialize":
            return {
                "protocolVersion": params["protocolVersion"],
                "capabilities": {"tools": {}},
                "serverInfo": {"name": "say-back", "version": "1"},
            }
        if method == "tools/list":
            return {"tools": TOOLS}
        if method == "tools/call" and params["name"] == TOOL:
            text = params["arguments"]["text"]
            self.calls.append((text, headers))
            return {"content": [{"type": "text", "text": text}]}
        return {} if method == "ping" else None


@contextmanager
def mcp_upstream() -> Iterator[McpUpstream]:
    """Yield a running server."""
    upstream = McpUpstream()
    thread = threading.Thread(target=upstream.server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield upstream
    finally:
        upstream.server.shutdown()
        thread.join()
        upstream.server.server_close()
