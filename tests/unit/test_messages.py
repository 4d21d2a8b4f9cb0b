# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages of modules mark the options that they name, so that a role can name its variables instead."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.litemaas.virtual_keys.tests.unit.test_documentation import MODULES, spec_of

ROOT = Path(__file__).resolve().parents[2]
PLUGINS = ROOT / "plugins"
FILES = [*sorted((PLUGINS / "module_utils").rglob("*.py")), PLUGINS / "plugin_utils" / "_values_file.py"]
# A name without an underscore may be a word of English.
OPTIONS = {name for module in MODULES for name in spec_of(module) if "_" in name}
# Neither marked, nor in quotes, nor a part of a path or of another name.
NAME = re.compile(r"(?<![\w./'\"(\[{\\-])[a-z]+(?:_[a-z]+)+(?![\w/'\"(=])")
SENTENCE = re.compile(r"\.( |$)|^[^ {]*: |^\{\}: ")


def sentences(source: str) -> Iterator[tuple[int, str]]:
    """Each text in code that is a sentence, or a part of one, with its line."""
    tree = ast.parse(source)
    documentation = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and isinstance(node.body[0], ast.Expr)
    }
    parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            texts = [part.value if isinstance(part, ast.Constant) else "{}" for part in node.values]
        elif isinstance(node, ast.Constant) and id(node) not in documentation | parts:
            texts = [node.value]
        else:
            continue
        if all(isinstance(text, str) for text in texts) and SENTENCE.search("".join(texts)):
            yield node.lineno, "".join(texts)


def unmarked(source: str) -> list[str]:
    """Return what to write instead of each option that is not marked, with its line."""
    return [
        f"line {line}: write O({name}) for the option {name}, or '{name}' if it is none"
        for line, text in sentences(source)
        for name in NAME.findall(text)
        if name in OPTIONS
    ]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.relative_to(PLUGINS).as_posix())
def test_a_message_marks_the_options_that_it_names(file: Path) -> None:
    assert unmarked(file.read_text(encoding="utf-8")) == []


def test_the_rule_finds_an_option_that_is_not_marked() -> None:
    assert unmarked('x = f"Set team_id to {y}."') == [
        "line 1: write O(team_id) for the option team_id, or 'team_id' if it is none"
    ]
    assert unmarked('"""Set team_id."""\nx = "team_id"') == []
    assert unmarked("""x = "Set O(team_id), 'team_id', /team_id or my_team_id." """) == []
