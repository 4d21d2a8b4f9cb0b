# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""
The credentials of a LiteLLM in memory, in the place of the client: one database, and the memory of each worker.

As LiteLLM does it: a worker reads from its own memory only, and merges there what it replaces in the database.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any
from urllib.parse import unquote

from ansible_collections.litemaas.virtual_keys.plugins.module_utils._errors import ApiError
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._values import version_tuple

SECRET_WORDS = ("authorization", "token", "key", "secret", "credentials", "password", "passwd")
Entry = dict[str, dict[str, Any]]


def mask(name: str, value: Any) -> Any:
    if not isinstance(value, str) or not any(word in name.lower() for word in SECRET_WORDS):
        return value
    return "*****" if len(value) <= 4 else f"{value[:2]}****{value[-2:]}"


class FakeCredentials:
    """
    :param version: of LiteLLM, which decides on its refusals.
    :param workers: how many there are; ``worker`` is the one that answers.
    """

    def __init__(self, version: str = "1.106.2", workers: int = 1) -> None:
        self.version = version
        self.database: dict[str, Entry] = {}
        self.memories: list[dict[str, Entry]] = [{} for _worker in range(workers)]
        self.worker = 0
        self.writes: list[tuple[str, str, Any]] = []
        self.lose_answer = False
        self.in_config: set[str] = set()
        self.facts: dict[str, Any] = {}
        self.last_read: dict[Any, Any] = {}

    @property
    def memory(self) -> dict[str, Entry]:
        return self.memories[self.worker]

    def since(self, version: str) -> bool:
        return version_tuple(self.version) >= version_tuple(version)

    def reload(self) -> None:
        """All workers read the database again."""
        self.memories = [deepcopy(self.database) for _memory in self.memories]

    def put(self, name: str, values: dict[str, Any], info: dict[str, Any] | None = None) -> None:
        """Somebody else's credential, which all workers know."""
        self.database[name] = deepcopy({"credential_info": info or {}, "credential_values": values})
        self.reload()

    def get(self, path: str, params: Any = None) -> Any:
        if path in ("/v2/model/info", "/vector_store/list"):  # nobody uses a credential
            return {"data": [], "total_count": 0, "total_pages": 0}
        assert params is None
        if path == "/health/readiness/details":
            return {"litellm_version": self.version}
        if path == "/credentials":
            return {"success": True, "credentials": [self._view(name) for name in self.memory]}
        beginning, name = path[: len("/credentials/by_name/")], unquote(path[len("/credentials/by_name/") :])
        assert beginning == "/credentials/by_name/"
        assert "/" not in path[len(beginning) :]
        if name not in self.memory:
            raise ApiError(f"Credential not found. Got credential name: {name}", 404)
        return self._view(name)

    def _view(self, name: str) -> dict[str, Any]:
        entry = deepcopy(self.memory[name])
        values = {key: mask(key, value) for key, value in entry["credential_values"].items()}
        source = {"source": "config" if name in self.in_config else "db"} if self.since("1.106") else {}
        return {
            "credential_name": name,
            "credential_info": entry["credential_info"],
            "credential_values": values,
            **source,
        }

    def send(self, path: str, body: Any = None, method: str = "POST", idempotent: bool = False) -> Any:
        body = deepcopy(body)
        name = body["credential_name"] if path == "/credentials" else unquote(path.removeprefix("/credentials/"))
        self.writes.append((method, name, body))
        write = {"POST": self._post, "PATCH": self._patch, "DELETE": self._delete}[method]
        answer = write(name, body)
        if self.lose_answer:
            assert idempotent, "a lost answer would be a failure"
            self.lose_answer = False
            answer = write(name, body)
        return answer

    def _post(self, name: str, body: dict[str, Any]) -> Any:
        assert body["credential_values"], "422"
        if name in self.database:
            if self.since("1.104.9"):
                raise ApiError(f"Credential '{name}' already exists.", 409)
            raise ApiError("Unique constraint failed on the fields: (`credential_name`)", 500)
        self.database[name] = {part: body[part] for part in ("credential_info", "credential_values")}
        self.memory[name] = deepcopy(self.database[name])
        return {"success": True}

    def _patch(self, name: str, body: dict[str, Any]) -> Any:
        assert set(body) >= {"credential_name", "credential_info", "credential_values"}
        assert body["credential_name"] == name
        assert not any(value == mask("key", value) for value in body["credential_values"].values())
        if name not in self.database:
            raise ApiError("Credential not found in DB.", 404 if self.since("1.98.1") else 200, code="404")
        for place, merge in ((self.database, self.since("1.110.0")), (self.memory, True)):
            if name not in place:
                continue
            entry = place[name]
            entry["credential_values"] |= body["credential_values"]
            if self.since("1.106"):
                for gone in body.get("credential_values_to_delete", ()):
                    entry["credential_values"].pop(gone, None)
            if body["credential_info"]:
                entry["credential_info"] = {
                    **(entry["credential_info"] if merge else {}),
                    **deepcopy(body["credential_info"]),
                }
        return {"success": True}

    def _delete(self, name: str, body: None) -> Any:
        if name not in self.database and self.since("1.102.4"):
            raise ApiError(f"Credential not found. Got credential name: {name}", 404)
        self.database.pop(name, None)
        self.memory.pop(name, None)
        return {"success": True}
