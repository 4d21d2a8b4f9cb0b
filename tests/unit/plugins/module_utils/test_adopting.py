# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What declares an object that is there, by the table of an object that is nothing but a table."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._adopting import declared_options
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._crud._definition import Request
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._crud._numbers import numbers
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._crud._object import CrudObject
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._engine import NOT_CLEARABLE, Field, Resource
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._listings import Listing
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._proxy import Proxy

GADGET = Resource(
    kind="gadget",
    identity="gadget_id",
    fields=(
        Field("gadget_id", cleared=NOT_CLEARABLE),
        Field("label", choices=("one", "two")),
        Field("limit", "int", check=lambda value: "must not be negative." if value < 0 else None),
        Field("parts", "list", "dict", suboptions={"name": {"type": "str"}, "size": {"type": "int"}}),
        Field("notes", "dict"),
        Field("own", "dict", merged=True),
        Field("mode", default="fast"),
        Field("done", declares=False),
    ),
)


class Gadget(CrudObject):
    table = GADGET
    create = Request("POST", "/gadget/new")
    update = Request("POST", "/gadget/update", id="gadget_id")
    delete = Request("POST", "/gadget/delete", id="gadget_id")
    listing = Listing("/gadget/list", "gadget_id")

    def undeclarable(self, record, _proxy):
        return "it is LiteLLM's own." if record.get("internal") else None


class Silent:
    """A proxy that nobody may ask anything."""

    facts: dict[str, Any] = {}


def declaration(**record: Any) -> dict[str, Any]:
    return Gadget().declaration({"gadget_id": "g", **record}, Proxy(Silent()))


def test_what_a_new_object_has_anyway_is_not_declared() -> None:
    found = declaration(label="one", limit=0, parts=[], notes={}, own=None, mode="fast", done="yes")
    assert found == {"declaration": {"gadget_id": "g", "label": "one", "limit": 0}, "hidden": [], "not_declared": {}}
    assert declaration(mode="slow")["declaration"] == {"gadget_id": "g", "mode": "slow"}


def test_what_the_server_adds_to_an_item_is_not_declared() -> None:
    found = declared_options(GADGET, {"parts": [{"name": "a", "size": None, "made_at": "today"}]})
    assert found == {"parts": [{"name": "a"}]}


@pytest.mark.parametrize(
    ("record", "option", "reason"),
    [({"limit": -1}, "limit", "must not be negative."), ({"label": "three"}, "label", "must be one of one, two.")],
)
def test_what_the_module_would_refuse_is_left_out_with_its_reason(record: Any, option: str, reason: str) -> None:
    assert declaration(**record) == {
        "declaration": {"gadget_id": "g"},
        "hidden": [],
        "not_declared": {option: reason},
    }


def test_a_secret_entry_is_left_out_where_it_then_stays() -> None:
    found = declaration(own={"api_key": "a-secret", "note": "b"})
    assert found["declaration"] == {"gadget_id": "g", "own": {"note": "b"}}
    assert (found["hidden"], found["not_declared"]) == ([["own", "api_key"]], {})
    found = declaration(own={"api_key": "a-secret"})
    assert (found["declaration"], found["hidden"]) == ({"gadget_id": "g"}, [["own", "api_key"]])


def test_a_mapping_is_left_out_where_its_secret_entry_would_be_removed() -> None:
    found = declaration(notes={"api_key": "a-secret", "note": "b"})
    assert found == {
        "declaration": {"gadget_id": "g"},
        "hidden": [],
        "not_declared": {"notes": "contains a secret."},
    }


def test_a_list_with_a_secret_is_left_out_as_a_whole() -> None:
    found = declaration(parts=[{"name": "https://ann:a-secret@host"}, {"name": "b"}])
    assert (found["declaration"], found["hidden"]) == ({"gadget_id": "g"}, [["parts"]])


@pytest.mark.parametrize(
    ("record", "reason"),
    [({"internal": True}, "it is LiteLLM's own."), ({"gadget_id": "a\nb"}, "gadget_id: must not contain")],
)
def test_an_object_that_cannot_be_declared_says_why(record: Any, reason: str) -> None:
    found = declaration(**record)
    assert (found["declaration"], found["hidden"]) == (None, [])
    assert reason in found["not_declared"][""]


class Counting(Gadget):
    """One whose module takes text for the number that it is."""

    table = Resource("gadget", "gadget_id", (*GADGET.fields, Field("counts", "dict", parse=numbers(), merged=True)))


def test_an_entry_that_cannot_be_declared_as_it_is_does_not_take_the_others_with_it() -> None:
    record = {"gadget_id": "g", "counts": {"a": 1, "b": "0017"}}
    assert Counting().declaration(record, Proxy(Silent())) == {
        "declaration": {"gadget_id": "g", "counts": {"a": 1}},
        "hidden": [],
        "not_declared": {"counts.b": "cannot be declared as it is."},
    }
