# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
"""
Compares the OpenAPI document of a LiteLLM with the tables of the objects, and with the document of an older LiteLLM:

    curl http://127.0.0.1:4141/openapi.json > new.json
    .build/nox/unit/bin/python -m tests.tooling.api_changes new.json [old.json]

For each object it prints, in Markdown, the properties of its requests that no option sets, and which properties are
new, changed, or gone since the older document; then the endpoints near these requests that are new or gone. What
LEFT_OUT names is printed only if it changed.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from .checkout import ROOT, linked

Document = Mapping[str, Any]
# The type of a property: in words, or of an object the names of what it holds.
Kind = str | frozenset[str]
ALTERNATIVES = ("anyOf", "oneOf", "allOf")
METHODS = ("get", "post", "put", "patch", "delete")
RESOURCES = "ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources"
# The requests of objects whose classes do not tell them by attributes, by the table.
REQUESTS = {
    "_key._table.KEY": ("post /key/generate", "post /key/update"),
    "_team_members._table.MEMBER": ("post /team/member_add", "post /team/member_update"),
    "_credential._table.CREDENTIAL": ("post /credentials", "patch /credentials/{}"),
}
# What requests take besides the fields of the object, by the reason why it is no option, or an option of another name.
LEFT_OUT = {
    "names the object": "key keys id member user_email model_id team_id",
    "an option of another name": "duration model_name members_with_roles credential_values_to_delete "
    "litellm_params_to_remove timeout",
    "set by the modules, or declared by another one": "auto_create_key send_invite_email teams organizations admins "
    "members",
    "a state, not a declaration": "spend budget_reset_at approval_status submitted_by submitted_at",
}


@dataclass(frozen=True)
class Api:
    """The requests of an object and the names of its options.

    :param requests: method and path of each, with ``{}`` in the place of a parameter.
    """

    title: str
    requests: tuple[str, ...]
    options: frozenset[str]


def apis() -> Iterator[Api]:
    """Yield the requests and options of all objects."""
    folder = ROOT / "plugins" / "module_utils" / "_resources"
    base = import_module(f"{RESOURCES.rpartition('.')[0]}._crud._object").CrudObject
    for path in sorted(folder.rglob("*.py")):
        if path.parent != folder and path.stem != "_kind":
            continue
        source = import_module(".".join([RESOURCES, *path.relative_to(folder).with_suffix("").parts]))
        for value in list(vars(source).values()):
            if isinstance(value, type) and issubclass(value, base) and "table" in vars(value):
                named = [f"{one.method.lower()} {_anonymous(one.path)}" for one in (value.create, value.update)]
                if named[0].strip():  # what another module creates has its requests in REQUESTS
                    yield Api(value.table.kind, tuple(named), frozenset(row.name for row in value.table.fields))
    for name, requests in REQUESTS.items():
        module, _dot, table_name = name.rpartition(".")
        table = getattr(import_module(f"{RESOURCES}.{module}"), table_name)
        yield Api(table.kind, requests, frozenset(row.name for row in table.fields))


def properties(document: Document, request: str) -> dict[str, Kind]:
    """Return the properties of the body of a request with their types, none if the document lacks the request."""
    method, path = request.split(" ", 1)
    paths = {_anonymous(name): value for name, value in document.get("paths", {}).items()}
    content = paths.get(path, {}).get(method, {}).get("requestBody", {}).get("content", {})
    schema = content.get("application/json", {}).get("schema", {})
    return {name: _kind(part, document) for name, part in _members(schema, document).items()}


def endpoints(document: Document, beginnings: Iterable[str]) -> set[str]:
    """Return the endpoints of a document whose paths begin with one of these, as method and path."""
    first = tuple(beginnings)
    return {
        f"{method} {path}"
        for path, value in document["paths"].items()
        if path.startswith(first)
        for method in METHODS
        if method in value
    }


def report(new: Document, old: Document | None, objects: Sequence[Api]) -> Iterator[str]:
    """Yield the lines of the comparison."""
    for api in objects:
        lines = list(_compared(new, old, api))
        if lines:
            yield from (f"## {api.title}", "", *lines, "")
    if old:
        beginnings = {_beginning(request.split(" ")[1]) for api in objects for request in api.requests}
        after, before = endpoints(new, beginnings), endpoints(old, beginnings)
        yield from ("## Endpoints", "")
        yield from (f"- `{one}` is new" for one in sorted(after - before))
        yield from (f"- `{one}` is gone" for one in sorted(before - after))


def _compared(new: Document, old: Document | None, api: Api) -> Iterator[str]:
    """Yield a line for each property of an object that somebody has to look at."""
    known = api.options.union(*(names.split() for names in LEFT_OUT.values()))
    by_request = {request: properties(new, request) for request in api.requests}
    yield from (f"- `{request}` takes no JSON body" for request, there in by_request.items() if not there)
    there = {name: kind for one in by_request.values() for name, kind in one.items()}
    before = {name: kind for request in api.requests for name, kind in properties(old or {}, request).items()}
    for name, kind in sorted(there.items()):
        notes = ["no option"] if name not in known else []
        notes += _changes(kind, before.get(name)) if old else []
        if notes:
            takes = [request for request, one in by_request.items() if name in one]
            only = "" if len(takes) == len(api.requests) else f", only `{takes[0]}`"
            yield f"- `{name}` ({_words(kind)}){only}: {'; '.join(notes)}"
    yield from (f"- `{name}`: gone" for name in sorted(before.keys() - there.keys()))


def _changes(kind: Kind, before: Kind | None) -> list[str]:
    if before is None:
        return ["new"]
    if isinstance(kind, frozenset) and isinstance(before, frozenset):
        parts = {"new in it": kind - before, "gone from it": before - kind}
        return [f"{words}: {', '.join(sorted(names))}" for words, names in parts.items() if names]
    return [] if kind == before else [f"was {_words(before)}"]


def _words(kind: Kind) -> str:
    return kind if isinstance(kind, str) else f"object with {len(kind)} properties"


def _beginning(path: str) -> str:
    """Return the first part of a path, and the second as well if the first is a version."""
    return re.match(r"(/v\d+)?/[^/]+", path).group()


def _anonymous(path: str) -> str:
    return re.sub(r"\{[^}]*\}", "{}", path)


def _resolved(schema: Mapping[str, Any], document: Document) -> Mapping[str, Any]:
    reference = schema.get("$ref")
    return document["components"]["schemas"][reference.rpartition("/")[2]] if reference else schema


def _members(schema: Mapping[str, Any], document: Document) -> dict[str, Any]:
    """Return the properties of a schema, of all alternatives if there are several."""
    found = _resolved(schema, document)
    members = dict(found.get("properties", {}))
    for word in ALTERNATIVES:
        for part in found.get(word, ()):
            members.update(_members(part, document))
    return members


def _kind(schema: Mapping[str, Any], document: Document) -> Kind:
    """Return a type in a word or two, or the names of what an object holds."""
    members = _members(schema, document)
    if members:
        return frozenset(members)
    schema = _resolved(schema, document)
    parts = {_words(_kind(part, document)) for word in ALTERNATIVES for part in schema.get(word, ())}
    if parts:
        return " or ".join(sorted(parts - {"null"}))
    if schema.get("enum"):
        return f"one of {', '.join(map(str, schema['enum']))}"
    kind = str(schema.get("type", "anything"))
    return f"list of {_words(_kind(schema.get('items', {}), document))}" if kind == "array" else kind


def main() -> int:
    """Print the comparison."""
    if len(sys.argv) not in (2, 3):
        print(__doc__, file=sys.stderr)
        return 2
    new, *older = (json.loads(Path(name).read_text(encoding="utf-8")) for name in sys.argv[1:])
    with linked() as collections:
        sys.path.insert(0, str(collections))
        print("\n".join(report(new, older[0] if older else None, list(apis()))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
