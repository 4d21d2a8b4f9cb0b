# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds for the class of each ordinary object."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._crud._definition import Definition
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._crud._object import CrudObject

ROOT = Path(__file__).resolve().parents[5]
OURS = "ansible_collections.litemaas.virtual_keys"


def objects() -> list[type[CrudObject]]:
    folder = ROOT / "plugins" / "module_utils" / "_resources"
    files = [path for path in sorted(folder.rglob("*.py")) if path.parent == folder or path.stem == "_kind"]
    sources = (import_module(".".join([OURS, *path.relative_to(ROOT).with_suffix("").parts])) for path in files)
    values = (value for source in sources for value in vars(source).values() if isinstance(value, type))
    return [value for value in values if issubclass(value, CrudObject) and "table" in vars(value)]


@pytest.mark.parametrize("kind", objects(), ids=lambda kind: kind.__name__)
def test_who_can_be_forced_is_who_takes_from_others(kind: type[CrudObject]) -> None:
    assert ("force" in kind().options) == (kind.losses is not Definition.losses)
    assert kind().identity[0] in kind().options


def test_all_of_them_are_found() -> None:
    assert {"Team", "User", "Tag", "Customer", "Model", "TeamMembers"} <= {kind.__name__ for kind in objects()}
