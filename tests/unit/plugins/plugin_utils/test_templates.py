# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Templates of the user: rendered for each person or for all, and what people are called is never a template."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import ansible.template
import pytest
from ansible.errors import AnsibleFileNotFound
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible.utils import unsafe_proxy
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._errors import InputError
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils import _templates
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._templates import Templates

PEOPLE = [{"name": "Ann"}, {"name": "Ben {{ 1 + 1 }}"}]


class Folder:
    """Templates in a folder, where the task finds them by their names."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def render(
        self, text: str | bytes, people: Any = None, once: bool = False, variables: Any = None, **of_play: Any
    ) -> list[str]:
        file = self.path / "mail.j2"
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        templates = Templates(Templar(DataLoader(), {}), self.find, of_play)
        return templates("mail.j2", PEOPLE if people is None else people, once, variables or {})

    def find(self, kind: str, name: str) -> str:
        assert kind == "templates"
        return str(self.path / name)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def test_each_person_has_a_text(folder: Folder) -> None:
    assert folder.render("Dear {{ person.name }},\n\n") == ["Dear Ann,\n", "Dear Ben {{ 1 + 1 }},\n"]


def test_all_have_one_text(folder: Folder) -> None:
    text = "{% for person in people %}{{ person.name }};{% endfor %}"
    assert folder.render(text, once=True) == ["Ann;Ben {{ 1 + 1 }};\n"]


def test_variables_of_the_task_come_before_those_of_the_play(folder: Folder) -> None:
    text = "{{ course }} {{ room }}"
    assert folder.render(text, PEOPLE[:1], variables={"course": "own"}, course="play", room="r\\n1") == ["own r\\n1\n"]


def test_a_template_includes_its_neighbors(folder: Folder) -> None:
    (folder.path / "foot.j2").write_text("Yours, {{ from }}")
    assert folder.render("{% include 'foot.j2' %}", PEOPLE[:1], **{"from": "us"}) == ["Yours, us\n"]


def test_without_people_a_template_is_only_read(folder: Folder) -> None:
    assert folder.render("{{ no_such_variable }}{% do people.append(1) %}", []) == []


@pytest.mark.parametrize("people", [[], PEOPLE])
@pytest.mark.parametrize("text", ["{% for %}", b"\xff\xfe"])
def test_what_is_no_template_is_refused_with_or_without_people(folder: Folder, text: Any, people: Any) -> None:
    with pytest.raises(InputError, match=r"^Cannot use the template mail\.j2: "):
        folder.render(text, people)


def test_a_variable_that_there_is_not_is_named(folder: Folder) -> None:
    with pytest.raises(InputError, match=r"Cannot use the template mail\.j2: .*no_such_variable"):
        folder.render("{{ no_such_variable }}")


def test_a_template_that_is_not_there_is_named_as_the_user_did(tmp_path: Path) -> None:
    def find_none(_kind: str, name: str) -> str:
        raise AnsibleFileNotFound(file_name=name)

    for find in (find_none, lambda _kind, name: str(tmp_path / name), lambda _kind, _name: str(tmp_path)):
        with pytest.raises(InputError, match=r"^Cannot find the template other\.j2\.$"):
            Templates(Templar(DataLoader(), {}), find, {})("other.j2", PEOPLE, False, {})


def test_an_older_ansible_is_told_what_is_no_template(monkeypatch: pytest.MonkeyPatch) -> None:
    """There, everything is a template but what is marked as none."""
    monkeypatch.delattr(ansible.template, "trust_as_template", raising=False)
    monkeypatch.setattr(unsafe_proxy, "wrap_var", lambda value: ("no template", value))
    spec = importlib.util.spec_from_file_location(_templates.__name__, _templates.__file__)
    assert spec and spec.loader
    older = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(older)
    assert older.as_data(PEOPLE) == ("no template", PEOPLE)
    assert older.trust_as_template("{{ 1 }}") == "{{ 1 }}"
