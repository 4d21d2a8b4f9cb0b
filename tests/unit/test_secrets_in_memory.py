# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds a secret does not show it in its repr: a traceback, a log or a failed assertion would print it."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
OURS = "ansible_collections.litemaas.virtual_keys"
# What is the same in every run holds nobody's secret: tables, shapes, and how requests look.
TABLES = {
    "Field",
    "KeyField",
    "Resource",
    "Request",
    "Nullable",
    "ValueType",
    "Roster",
}
# What is made to be shown, and has no secret left.
SHOWN = {"before", "after", "identity", "plan", "outcome", "want", "warnings", "standing"}
# Of these types a field may hold a secret, whatever it is called.
WIDE = ("Mapping", "Record", "Values", "Any", "dict")
SECRET = {"api_key", "value", "candidates", "key", "secret", "secrets", "derive"}


def dataclasses_of_plugins() -> Iterator[type]:
    for folder in ("module_utils", "plugin_utils", "filter", "action"):
        for path in sorted((ROOT / "plugins" / folder).rglob("*.py")):
            name = ".".join([OURS, *path.relative_to(ROOT).with_suffix("").parts])
            for _name, one in inspect.getmembers(import_module(name), inspect.isclass):
                if dataclasses.is_dataclass(one) and one.__module__ == name and one.__name__ not in TABLES:
                    yield one


@pytest.mark.parametrize(
    "one", list(dataclasses_of_plugins()), ids=lambda one: f"{one.__module__}.{one.__name__}"[len(OURS) :]
)
def test_no_repr_shows_what_may_be_secret(one: type) -> None:
    telling = [
        field.name
        for field in dataclasses.fields(one)
        if field.repr
        and field.name not in SHOWN
        and (field.name in SECRET or any(wide in str(field.type) for wide in WIDE))
    ]
    assert telling == []
