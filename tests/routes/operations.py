# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""
What a server offers, tried so that nothing is done: identifiers do not exist, and bodies have a value of a wrong type.

LiteLLM looks at the rights of a key before it looks at the body. An answer that complains about the body, or that
something does not exist, is thus one to a key that was let through.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from .keys import Owner
from .server import Answer, Server

METHODS = ("get", "post", "put", "patch", "delete")
# The parameters by which routes take whom or what they are to tell about.
ABOUT = {
    "user_id": "user_id",
    "user_ids": "user_id",
    "team_id": "team_id",
    "team_ids": "team_id",
    "key": "token",
    "api_key": "token",
    "key_id": "token",
    "key_hash": "token",
    "hashed_token": "token",
    "key_alias": "alias",
    "user_email": "email",
}
# Readers of activity and spend want to know of which days.
DAYS = {"start_date": "2020-01-01", "end_date": "2040-01-01"}
# What the check of rights itself reads from a body.
READ_BY_THE_CHECK = {"model", "models", "user_id", "team_id", "organization_id", "metadata", "tags", "user", "key"}
NOWHERE = "does-not-exist"
REFUSED = re.compile(
    r"not allowed to|only (proxy )?admins?|admin[- ]only|proxy admin|permission|unauthori[sz]ed|not authori[sz]ed"
    r"|access denied|do(es)? not have access|don't have access|forbidden",
    re.IGNORECASE,
)
LICENSED = re.compile(r"LiteLLM Enterprise|premium|LITELLM_LICENSE")


LET_THROUGH, WITHOUT_LICENSE, NOT_ALLOWED = "let through", "needs a license", "refused"


@dataclass(frozen=True)
class Operation:
    """A route with a method, and what is sent to it."""

    method: str
    path: str
    parameters: frozenset[str] = frozenset()
    body: Any = field(default=None, compare=False)

    def try_with(self, server: Server, key: str | None) -> Answer:
        """Send the operation with identifiers that do not exist."""
        return server.ask(key, self.method, self._filled({}), self.body, **self._days())

    def shows(self, server: Server, key: str, owner: Owner) -> bool:
        """Ask about a person in turn by each parameter that can name one, and return whether an answer shows them."""
        return any(self._shows(server, key, owner, name) for name in (None, *sorted(self.parameters & set(ABOUT))))

    def _shows(self, server: Server, key: str, owner: Owner, name: str | None) -> bool:
        asked = {name: str(getattr(owner, ABOUT[name]))} if name else {}
        query = {} if f"{{{name}" in self.path else asked
        answer = server.ask(key, self.method, self._filled(asked), self.body, **self._days(), **query)
        return answer.ok and any(mark in answer.text for mark in owner.marks if mark not in asked.values())

    def _days(self) -> dict[str, str]:
        return {name: DAYS[name] for name in sorted(self.parameters & set(DAYS))}

    def _filled(self, values: Mapping[str, str]) -> str:
        return re.sub(r"\{(\w+)[^}]*\}", lambda found: values.get(found[1], NOWHERE), self.path)


def operations(server: Server) -> Iterator[Operation]:
    """All operations that the server's own description has."""
    description = server.description()
    for path, item in description["paths"].items():
        for method in METHODS:
            if method in item:
                parameters = [*item.get("parameters", []), *item[method].get("parameters", [])]
                names = frozenset(one["name"] for one in parameters if one["in"] in ("query", "path"))
                body = None if method == "get" else _wrong_body(item[method].get("requestBody", {}), description)
                yield Operation(method.upper(), path, names, body)


def verdict(answer: Answer) -> str:
    """Return whether an answer says that the key was let through, was refused, or that the server has no license."""
    if answer.status >= 400 and LICENSED.search(answer.text):
        return WITHOUT_LICENSE
    if answer.status in (401, 403) or (answer.status >= 400 and REFUSED.search(answer.text)):
        return NOT_ALLOWED
    return LET_THROUGH


def _wrong_body(declared: Mapping[str, Any], description: Mapping[str, Any]) -> Any:
    """Return a body that cannot be meant, if the description says what a right one is."""
    schema = _resolved(declared.get("content", {}).get("application/json", {}).get("schema", {}), description)
    if schema.get("type") == "array":
        return {}
    names = sorted(schema.get("properties", {}), key=lambda name: (name in READ_BY_THE_CHECK, name))
    for name in names:
        types = _types(schema["properties"][name], description)
        if types and "object" not in types:
            return {name: {NOWHERE: []}}
        if types == {"object"} or types == {"object", "null"}:
            return {name: [NOWHERE]}
    return {}


def _types(schema: Mapping[str, Any], description: Mapping[str, Any]) -> set[str]:
    """Return the types that a value may have. Empty means any."""
    schema = _resolved(schema, description)
    several = schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf")
    if not several:
        return {schema["type"]} if "type" in schema else set()
    found = [_types(one, description) for one in several]
    return set().union(*found) if all(found) else set()


def _resolved(schema: Mapping[str, Any], description: Mapping[str, Any]) -> Mapping[str, Any]:
    while "$ref" in schema:
        schema = description["components"]["schemas"][schema["$ref"].rsplit("/", 1)[-1]]
    return schema
