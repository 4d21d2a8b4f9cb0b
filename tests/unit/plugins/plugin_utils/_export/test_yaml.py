# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is written is read back exactly, whatever strangers have called their objects."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ansible.template
import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._values import strictly_equal
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._export._yaml import entry, lines, scalar
from hypothesis import example, given
from hypothesis import strategies as st

# Since ansible-core 2.19, only what comes from the user's files can be a template.
trusted: Callable[[str], str] = getattr(ansible.template, "trust_as_template", str)
HOSTILE = (
    *("yes", "No", "on", "NULL", "~", "null", "true", "y", "1e3", "1_000", "0x1F", "0o17", "017", "1:20:30", ".inf"),
    *(".nan", "2024-01-31", "2024-01-31T10:00:00Z", "3.14", "-", "- a", "?", "? a", ":", ": a", "a: b", "a:", "a #b"),
    *("#a", "", " ", " a", "a ", "a\n", "\na", "a\nb", "a\tb", "a\r\nb", "---", "...", "--- a", "%a", "@a", "`a", "&a"),
    *("*a", "!a", "!!str a", "!unsafe a", "!vault a", "|", ">", "|\n a", "[a]", "{a}", "{a: b}", "'a'", '"a"', "a'b"),
    *(
        'a"b',
        "\\",
        "\\n",
        "a\\",
        "<<",
        "=",
        "{{ 1 + 1 }}",
        "{{",
        "}}",
        "{% if %}",
        "{# a #}",
        "a {{ b",
        "#jinja2:x\n{{",
    ),
    *(
        "\u202edc",
        "a\u200bb",
        "\ufeffa",
        "\x85",
        "\u2028",
        "\x07",
        "\x7f",
        "\xa0",
        "Zürich",
        "日本語",
        "👩🏽‍🚀",
        "\U000e0041",
    ),
)
TEXT = st.one_of(
    st.sampled_from(HOSTILE),
    st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=12),
    st.text("ab01-_.:#{}[]%!&*?|>\"'\\ \n\t", max_size=10),
)
NUMBERS = st.one_of(st.integers(-(2**63), 2**64 - 1), st.floats(allow_nan=False, allow_infinity=False))
DATA = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, TEXT),
    lambda part: st.one_of(st.lists(part, max_size=3), st.dictionaries(TEXT, part, max_size=3)),
    max_leaves=12,
)


def written(value: Any) -> str:
    return "".join(f"{line}\n" for line in lines(value))


def templated(text: str) -> Any:
    """What Ansible makes of a file of variables when a task uses it."""
    loader = DataLoader()
    return Templar(loader=loader, variables={"value": loader.load(trusted(text))}).template(trusted("{{ value }}"))


class AnyReader(yaml.SafeLoader):
    """A reader that knows nothing of Ansible."""


AnyReader.add_constructor("!unsafe", lambda loader, node: loader.construct_scalar(node))


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_only_a_name(name: str) -> None:
    data = {name: name, "list": [name, {name: [name]}]}
    text = written({"data": data})
    assert strictly_equal(yaml.load(text, AnyReader), {"data": data})
    assert strictly_equal(plain(templated(text)), {"data": data})


@given(DATA)
@example({"a": [[], {}, [[1]], [{"b": []}]]})
@example({"x" * 2000: {"y" * 1100: 1}})
def test_what_is_written_is_read_back_exactly(value: Any) -> None:
    text = written({"data": value})
    assert strictly_equal(yaml.load(text, AnyReader), {"data": value})
    assert strictly_equal(plain(templated(text)), {"data": value})


@given(DATA)
def test_nothing_is_hidden_and_each_value_has_its_line(value: Any) -> None:
    text = written({"data": value})
    assert all(line.isprintable() for line in text[:-1].split("\n"))
    assert len(text.splitlines()) == text.count("\n")


def plain(value: Any) -> Any:
    """A value without the types of Ansible."""
    if isinstance(value, dict):
        return {str(name): plain(part) for name, part in value.items()}
    if isinstance(value, list):
        return [plain(part) for part in value]
    return str(value) if isinstance(value, str) else value


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("ann@example.com", "ann@example.com"),
        ("openai/gpt-4o", "openai/gpt-4o"),
        ("Data science", "Data science"),
        ("30d", '"30d"'),
        ("yes", '"yes"'),
        ("http://a", '"http://a"'),
        ("{{ a }}", '!unsafe "{{ a }}"'),
        (200.0, "200.0"),
        (1e-07, "1.0e-07"),
        (None, "null"),
        (False, "false"),
        ([], "[]"),
        ({}, "{}"),
    ],
)
def test_what_people_read(value: Any, shown: str) -> None:
    assert scalar(value) == shown


def test_a_mapping_and_a_list_have_a_line_for_each_value() -> None:
    value = {"a": 1, "b": ["c", {"d": 2, "e": []}, ["f"]]}
    assert list(lines(value)) == ["a: 1", "b:", "  - c", "  - d: 2", "    e: []", "  - - f"]
    assert list(entry("b", {})) == ["b: {}"]
