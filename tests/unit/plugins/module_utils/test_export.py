# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""All objects of a proxy, or none: one read that fails is the failure of all."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.module_utils import _export
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._errors import ApiError, InputError
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._export import Export
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._platform._kinds import LISTS, MEMBERS


class FakeKind:
    """A kind whose objects are read already."""

    def __init__(self, plural: str, *records: dict[str, Any], identity: tuple[str, ...] = ("name",)) -> None:
        self.plural, self.identity, self.ids = plural, identity, {}
        self.table = type("Table", (), {"identity": identity[0]})
        self.info_options = {"name": {"type": "str"}, "check_use": {"type": "bool", "default": False}}
        self.records = [{"hidden": [], "not_declared": {}, **record} for record in records]
        self.asked: list[dict[str, Any]] = []

    def read(self, _client: Any, params: dict[str, Any]) -> dict[str, Any]:
        self.asked.append(params)
        if not self.records:
            raise ApiError("Internal server error", 500, "GET", f"/{self.plural}/list")
        return {self.plural: self.records, "more": []}


def row(option: str, kind: FakeKind, part_of: str = "") -> Any:
    entry_options = {"members": "members", "members_mode": "mode"}
    return type("Row", (), {"option": option, "kind": kind, "part_of": part_of, "entry_options": entry_options})


@pytest.fixture
def kinds(monkeypatch: pytest.MonkeyPatch) -> dict[str, FakeKind]:
    tags = FakeKind("tags", {"name": "a", "declaration": {"name": "a"}}, {"name": "b", "declaration": None})
    teams = FakeKind("teams", {"name": "1", "alias": "data", "declaration": {"name": "1"}}, identity=("name", "alias"))
    members = FakeKind("teams", {"name": "1", "declaration": {"name": "1", "members": [{"user_id": "u"}]}})
    rows = {"tags": row("tags", tags), "teams": row("teams", teams)}
    part = row("members", members, part_of="teams")
    monkeypatch.setattr(_export, "LISTS", tuple(rows.values()))
    monkeypatch.setattr(_export, "parts_of", lambda one: (part,) if one.option == "teams" else ())
    return {"tags": tags, "teams": teams, "members": members}


def read(**params: Any) -> dict[str, list[dict[str, Any]]]:
    found = Export().read(object(), {"kinds": None, "names": None, **params})["kinds"]
    return {one["kind"]: one["objects"] for one in found}


def test_objects_are_read_as_their_info_modules_do(kinds) -> None:
    found = read()
    assert list(found) == ["tags", "teams"]
    assert found["tags"][1] == {"name": "b", "declaration": None, "hidden": [], "not_declared": {}}
    assert found["teams"][0]["declaration"] == {"name": "1", "members": [{"user_id": "u"}]}
    assert kinds["tags"].asked == [{"name": None, "check_use": False, "declaration": True}]
    assert kinds["members"].asked == [{"name": "1", "check_use": False, "declaration": True}]


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["a"], {"tags": ["a"], "teams": []}),
        (["?"], {"tags": ["a", "b"], "teams": ["1"]}),
        (["d*", "b"], {"tags": ["b"], "teams": ["1"]}),
        (["D*"], {"tags": [], "teams": []}),
        ([], {"tags": [], "teams": []}),
    ],
)
def test_objects_are_selected_by_any_of_their_names(kinds, names, found) -> None:
    assert {kind: [one["name"] for one in objects] for kind, objects in read(names=names).items()} == found


def test_kinds_are_selected_and_unknown_ones_refused_before_anything_is_read(kinds) -> None:
    assert list(read(kinds=["teams"])) == ["teams"]
    assert kinds["tags"].asked == []
    with pytest.raises(InputError, match="kinds: tag is not one of tags, teams"):
        read(kinds=["tag"])


@pytest.mark.parametrize("broken", ["tags", "teams", "members"])
def test_a_read_that_fails_says_of_what(kinds, broken) -> None:
    kinds[broken].records = []
    with pytest.raises(ApiError, match=rf"^{broken}: Internal server error \(GET /\w+/list: HTTP 500\)$"):
        read()


def test_every_kind_of_a_platform_can_be_read() -> None:
    for one in (*LISTS, MEMBERS):
        assert "declaration" in one.kind.info_options, one.option
