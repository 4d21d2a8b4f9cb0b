# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What users and contributors read is in American English, without phrases that read as translated.

Documentation of functions says what they do: it begins with a verb.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
READ = (
    "*.md", ".github/**/*.md", ".github/**/*.yml", "galaxy.yml", "changelogs/fragments/*.yml", "docs/**/*.md",
    "noxfile.py", "playbooks/**/*.yml", "plugins/**/*.py", "plugins/**/*.yml", "roles/**/*.j2", "roles/**/*.md",
    "roles/**/*.yml", "tests/**/*.md", "tests/**/*.py",
)  # fmt: skip
# This file names what is wrong.
FILES = sorted({path for pattern in READ for path in ROOT.glob(pattern)} - {Path(__file__).resolve()})
WRONG = {
    "British spelling": r"[a-z]*organis(?:e|ation)[a-z]*|colour\w*|honour\w*|behaviour\w*|licence\w*|centre|catalogue",
    "translated phrase": (
        r"exclude each other|in clear|there shall|shall be|cannot be meant so|is no admin's|could not be made"
        r"|declared and in unset|does not tell again|so-manieth|tells of|that are there|stands there more than once"
    ),
}
CODE = sorted((ROOT / "plugins").rglob("*.py"))
# How what is no verb begins: articles, pronouns, questions, prepositions, names, and markup.
NO_VERB = re.compile(
    r"(The|An?|All|Any|Each|Some|One|Our|It|This|These|What|Who\w*|Whether|How|When|Where|Why|Of|In|On|Up|By|For|From|With"
    r"|Without|Before|After|Behind|Only|Also|Likewise|LiteLLM|Text|Names|Value|Settings|Equality|[^A-Z]\S*)\b"
)
PROPERTIES = ("property", "cached_property")


def noun_phrases(source: str) -> Iterator[str]:
    """What the documentation of functions begins with instead of a verb. A property is what it is called."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef) and not any(ast.unparse(one) in PROPERTIES for one in node.decorator_list):
            text = ast.get_docstring(node) or ""
            if NO_VERB.match(text):
                yield f"{node.name} (line {node.lineno}): {' '.join(text.split()[:5])}"


@pytest.mark.parametrize("path", CODE, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_the_documentation_of_a_function_begins_with_a_verb(path: Path) -> None:
    assert list(noun_phrases(path.read_text(encoding="utf-8"))) == []


def test_the_rule_finds_what_is_no_verb() -> None:
    source = 'class A:\n    @property\n    def a(self):\n        """The thing."""\n    def b(self):\n        '
    assert list(noun_phrases(f'{source}"""Return it."""')) == []
    assert list(noun_phrases(f'{source}"""The thing of it."""')) == ["b (line 5): The thing of it."]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_the_language_is_that_of_ansible(path: Path) -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}: {reason}: {match[0]}"
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        for reason, pattern in WRONG.items()
        for match in re.finditer(rf"\b(?:{pattern})\b", line, re.IGNORECASE)
    ]
    assert found == []
