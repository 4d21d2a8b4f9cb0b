# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Small servers that speak a part of the APIs of secret stores, and refuse all else, as strictly as the real ones.

Each has one token, knows one secret of each name, and counts its writes.
"""

from __future__ import annotations

import binascii
import json
import re
import threading
from abc import ABC, abstractmethod
from base64 import b64decode, b64encode
from collections import defaultdict
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from nacl.exceptions import CryptoError
from nacl.public import PrivateKey, SealedBox

TOKEN = "a-token-for-tests-only"
VARIABLE = "OPENAI_API_KEY"
Answer = tuple[int, Any]


class Store(ABC):
    """A server on a free port of 127.0.0.1. Use as a context manager."""

    def __init__(self) -> None:
        self.writes = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def environment(self) -> dict[str, str]:
        """Variables of the environment that lead to it."""
        return {}

    @property
    def arguments(self) -> list[str]:
        """Arguments of ansible-playbook that lead to it."""
        return []

    @abstractmethod
    def value(self, name: str) -> str | None:
        """Return the value of a key that the store has for an application, None if it has none."""

    @abstractmethod
    def lose(self, name: str) -> None:
        """Forget it."""

    @abstractmethod
    def answer(self, method: str, path: str, query: Mapping[str, str], headers: Any, body: Any) -> Answer:
        """Return status and body."""

    def __enter__(self) -> Self:
        store = self

        class Handler(BaseHTTPRequestHandler):
            def handle_any(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                status, answer = store.handle(self.command, self.path, self.headers, self.rfile.read(length))
                content = b"" if answer is None else json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def handle(self, method: str, target: str, headers: Any, content: bytes) -> Answer:
        parts = urlsplit(target)
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        try:
            body = json.loads(content) if content else None
        except ValueError:
            return 400, {"message": "The body is not JSON."}
        status, answer = self.answer(method, parts.path, query, headers, body)
        self.writes += method != "GET" and status < 300
        return status, answer


def has_only(body: Any, *names: str) -> bool:
    return isinstance(body, dict) and body.keys() <= set(names)


class Vault(Store):
    """KV version 2 of HashiCorp Vault, mounted at ``secret``."""

    def __init__(self) -> None:
        super().__init__()
        self.secrets: dict[str, dict[str, Any] | None] = {}
        self.versions: dict[str, int] = defaultdict(int)

    @property
    def environment(self) -> dict[str, str]:
        return {"VAULT_ADDR": self.url, "VAULT_TOKEN": TOKEN}

    def value(self, name: str) -> str | None:
        return (self.secrets.get(name) or {}).get(VARIABLE)

    def lose(self, name: str) -> None:
        """As ``vault kv delete``: the version stays, without its data."""
        self.secrets[name] = None

    def answer(self, method: str, path: str, query: Mapping[str, str], headers: Any, body: Any) -> Answer:
        if headers.get("X-Vault-Token") != TOKEN:
            return 403, {"errors": ["permission denied"]}
        found = re.fullmatch("/v1/secret/data/([a-z0-9-]+)", path)
        if not found:
            return 404, {"errors": ["no handler for route"]}
        name = found[1]
        if method == "GET":
            if name not in self.versions:
                return 404, {"errors": []}
            metadata = {"version": self.versions[name], "destroyed": False}
            return 200 if self.secrets[name] else 404, {"data": {"data": self.secrets[name], "metadata": metadata}}
        if method not in ("POST", "PUT"):
            return 405, {"errors": ["unsupported operation"]}
        if not has_only(body, "data", "options") or not isinstance(body.get("data"), dict):
            return 400, {"errors": ["no data provided"]}
        if body.get("options", {}).get("cas") is not None and body["options"]["cas"] != self.versions[name]:
            return 400, {"errors": ["check-and-set parameter did not match the current version"]}
        self.secrets[name] = body["data"]
        self.versions[name] += 1
        return 200, {"data": {"version": self.versions[name]}}


class Kubernetes(Store):
    """Secrets of the API server, with server-side apply: what another manager has set stays."""

    def __init__(self) -> None:
        super().__init__()
        self.secrets: dict[str, dict[str, str]] = {}
        self.managed: dict[tuple[str, str], set[str]] = defaultdict(set)

    @property
    def environment(self) -> dict[str, str]:
        return {"KUBERNETES_URL": self.url, "KUBERNETES_TOKEN": TOKEN}

    def value(self, name: str) -> str | None:
        stored = self.secrets.get(name, {}).get(VARIABLE)
        return stored and b64decode(stored).decode()

    def lose(self, name: str) -> None:
        self.secrets.pop(name, None)

    def answer(self, method: str, path: str, query: Mapping[str, str], headers: Any, body: Any) -> Answer:
        if headers.get("Authorization") != f"Bearer {TOKEN}":
            return self._status(401, "Unauthorized")
        found = re.fullmatch("/api/v1/namespaces/default/secrets/([a-z0-9.-]+)", path)
        if not found:
            return self._status(404, "the server could not find the requested resource")
        name = found[1]
        if method == "GET":
            return (200, self._secret(name)) if name in self.secrets else self._status(404, "not found")
        if method != "PATCH":
            return self._status(405, "the server does not allow this method on the requested resource")
        if headers.get("Content-Type") != "application/apply-patch+yaml":
            return self._status(415, "the body of the request was in an unknown format")
        if not query.get("fieldManager"):
            return self._status(400, "fieldManager is required for apply patch")
        if (body or {}).get("apiVersion") != "v1" or body.get("kind") != "Secret" or body["metadata"]["name"] != name:
            return self._status(400, "the object provided is unrecognized")
        if not has_only(body, "apiVersion", "kind", "metadata", "type", "data") or not _are_base64(body["data"]):
            return self._status(422, "Secret is invalid")
        return self._applied(name, query["fieldManager"], body["data"])

    def _applied(self, name: str, manager: str, data: Mapping[str, str]) -> Answer:
        status = 200 if name in self.secrets else 201
        dropped = self.managed[name, manager] - data.keys()
        others = {entry: value for entry, value in self.secrets.get(name, {}).items() if entry not in dropped}
        self.managed[name, manager] = set(data)
        self.secrets[name] = {**others, **data}
        return status, self._secret(name)

    def _secret(self, name: str) -> dict[str, Any]:
        return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "data": self.secrets[name]}

    @staticmethod
    def _status(code: int, message: str) -> Answer:
        return code, {"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "code": code}


def _are_base64(data: Mapping[str, str]) -> bool:
    try:
        return all(b64decode(value, validate=True) for value in data.values())
    except (binascii.Error, TypeError):
        return False


class GitLab(Store):
    """The variables of one project, which is called by its path."""

    def __init__(self) -> None:
        super().__init__()
        self.variables: dict[str, dict[str, Any]] = {}

    @property
    def environment(self) -> dict[str, str]:
        return {"GITLAB_TOKEN": TOKEN}

    @property
    def arguments(self) -> list[str]:
        return ["-e", f"rotate_gitlab={self.url}"]

    def value(self, name: str) -> str | None:
        return self.variables.get(VARIABLE, {}).get("value")

    def lose(self, name: str) -> None:
        self.variables.clear()

    def answer(self, method: str, path: str, query: Mapping[str, str], headers: Any, body: Any) -> Answer:
        if headers.get("PRIVATE-TOKEN") != TOKEN:
            return 401, {"message": "401 Unauthorized"}
        found = re.fullmatch("/api/v4/projects/[a-z-]+%2F[a-z-]+/variables(?:/([A-Z0-9_]+))?", path)
        if not found:
            return 404, {"message": "404 Project Not Found"}
        name = found[1]
        if name and name not in self.variables:
            return 404, {"message": "404 Variable Not Found"}
        if method == "GET":
            return 200, self.variables[name] if name else list(self.variables.values())
        if method != ("PUT" if name else "POST"):
            return 405, {"error": "405 Not Allowed"}
        if not has_only(body, "key", "value", "masked", "protected", "raw") or not isinstance(body.get("value"), str):
            return 400, {"error": "value is missing"}
        if not name and (not body.get("key") or body["key"] in self.variables):
            return 400, {"message": {"key": ["has already been taken"]}}
        variable = {**self.variables.get(name, {}), **body}
        if variable.get("masked") and not re.fullmatch(r"[A-Za-z0-9+/=@:.~_-]{8,}", variable["value"]):
            return 400, {"message": {"value": ["is invalid"]}}
        self.variables[variable["key"]] = variable
        return 200 if name else 201, variable


class GitHub(Store):
    """The secrets and variables of Actions of one repository. Secrets are sealed for it, and never shown."""

    def __init__(self) -> None:
        super().__init__()
        self.variables: dict[str, str] = {}
        self.secrets: dict[str, str] = {}
        self._private = PrivateKey.generate()

    @property
    def environment(self) -> dict[str, str]:
        return {"GITHUB_TOKEN": TOKEN}

    @property
    def arguments(self) -> list[str]:
        return ["-e", f"rotate_github={self.url}"]

    def value(self, name: str) -> str | None:
        return self.secrets.get(VARIABLE)

    def lose(self, name: str) -> None:
        self.secrets.clear()

    def answer(self, method: str, path: str, query: Mapping[str, str], headers: Any, body: Any) -> Answer:
        if headers.get("Authorization") != f"Bearer {TOKEN}":
            return 401, {"message": "Bad credentials"}
        if not headers.get("User-Agent"):
            return 403, {"message": "Request forbidden by administrative rules."}
        if headers.get("X-GitHub-Api-Version") != "2022-11-28":
            return 400, {"message": "The version of the API is not supported."}
        found = re.fullmatch("/repos/[a-z-]+/[a-z-]+/actions/(variables|secrets)(?:/([A-Za-z0-9_-]+))?", path)
        if not found:
            return 404, {"message": "Not Found"}
        kind, name = found.groups()
        return self._variable(method, name, body) if kind == "variables" else self._secret(method, name, body)

    def _variable(self, method: str, name: str | None, body: Any) -> Answer:
        if name and name not in self.variables:
            return 404, {"message": "Not Found"}
        if method == "GET" and name:
            return 200, {"name": name, "value": self.variables[name]}
        if method != ("PATCH" if name else "POST") or not has_only(body, "name", "value"):
            return 422, {"message": "Invalid request."}
        if not name and body["name"] in self.variables:
            return 409, {"message": "Already exists - Variable already exists"}
        if not re.fullmatch("(?!GITHUB_)[A-Z_][A-Z0-9_]*", body["name"]) or not isinstance(body["value"], str):
            return 422, {"message": "Variable name or value is invalid"}
        self.variables[body["name"]] = body["value"]
        return (204, None) if name else (201, {})

    def _secret(self, method: str, name: str | None, body: Any) -> Answer:
        if method == "GET" and name == "public-key":
            return 200, {"key_id": "1", "key": b64encode(bytes(self._private.public_key)).decode()}
        if method == "GET":
            return (200, {"name": name}) if name in self.secrets else (404, {"message": "Not Found"})
        if method != "PUT" or not name or not has_only(body, "encrypted_value", "key_id") or body["key_id"] != "1":
            return 422, {"message": "Invalid request."}
        try:
            value = SealedBox(self._private).decrypt(b64decode(body["encrypted_value"], validate=True))
        except (binascii.Error, CryptoError):
            return 422, {"message": "The value was not encrypted with the public key of the repository."}
        status = 204 if name in self.secrets else 201
        self.secrets[name] = value.decode()
        return status, None if status == 204 else {}
