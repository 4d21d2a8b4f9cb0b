# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said of two OpenAPI documents and of the tables."""

from __future__ import annotations

from typing import Any

from ansible_collections.litemaas.virtual_keys.tests.tooling.api_changes import Api, apis, properties, report

API = Api("thing", ("post /thing/new", "put /thing/{}"), frozenset(("name", "limit")))


def document(held: dict[str, Any], *paths: str, **properties: Any) -> dict[str, Any]:
    """Return a document with the two requests of a thing, which have these properties, and with other endpoints.

    :param held: what the schema Parts holds besides "a".
    """
    schema = {"$ref": "#/components/schemas/Thing"}
    takes = {"requestBody": {"content": {"application/json": {"schema": schema}}}}
    return {
        "paths": {
            "/thing/new": {"post": takes},
            "/thing/{id}": {"put": takes},
            **{path: {"get": {}} for path in paths},
        },
        "components": {
            "schemas": {
                "Thing": {"properties": {"name": {"type": "string"}, **properties}},
                "Parts": {"properties": {"a": {"type": "string"}, **held}},
            }
        },
    }


def lines(new: dict[str, Any], old: dict[str, Any] | None = None) -> list[str]:
    return [line for line in report(new, old, [API]) if line.startswith("- ")]


def test_what_no_option_sets_is_named() -> None:
    limit = {"anyOf": [{"type": "integer"}, {"type": "null"}]}
    assert lines(document({}, limit=limit, extra={"type": "array", "items": {"type": "string"}})) == [
        "- `extra` (list of string): no option"
    ]


def test_what_changed_is_named() -> None:
    parts = {"$ref": "#/components/schemas/Parts"}
    old = document({"b": {}}, "/thing/gone", limit={"type": "integer"}, parts=parts, last={"type": "string"})
    new = document({"c": {}}, "/thing/list", "/other", limit={"type": "number"}, parts=parts, first={"enum": [1, 2]})
    assert lines(new, old) == [
        "- `first` (one of 1, 2): no option; new",
        "- `limit` (number): was integer",
        "- `parts` (object with 2 properties): no option; new in it: c; gone from it: b",
        "- `last`: gone",
        "- `get /thing/list` is new",
        "- `get /thing/gone` is gone",
    ]


def test_a_request_that_is_gone_is_named() -> None:
    new = document({})
    del new["paths"]["/thing/{id}"]
    assert "- `put /thing/{}` takes no JSON body" in lines(new)
    assert properties(new, "put /thing/{}") == {}


def test_every_object_is_compared() -> None:
    titles = [api.title for api in apis()]
    assert len(set(titles)) == len(titles)
    assert {"access group", "credential", "member", "model", "team", "virtual key"} <= set(titles)
