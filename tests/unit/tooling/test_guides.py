# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guides in reStructuredText: which there are, and where their links and headings lead."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.tests.tooling import guides

PREFIX = "ansible_collections.litemaas.virtual_keys"
WEB = "https://github.com/litemaas/virtual_keys/blob/main/"


def text(words: str) -> list[dict[str, Any]]:
    return [{"t": "Str", "c": words}]


def test_the_guides_are_those_of_the_site() -> None:
    found = guides.sections(guides.INDEX.read_text(encoding="utf-8"))
    assert next(iter(found)) == "Guides" and found["Guides"][0] == "getting_started"
    names = [name for pages in found.values() for name in pages]
    assert set(names) == {path.stem for path in guides.DOCS.glob("*.md")} - set(guides.LEFT_OUT)


@pytest.mark.parametrize(
    ("target", "label"),
    [
        ("values.md", "docsite.values"),
        ("values.md#encrypting-the-file", "docsite.values.encrypting-the-file"),
        ("#4-the-job-templates", "docsite.awx.4-the-job-templates"),
        ("options/litellm_key.md", "litellm_key_module"),
        ("../roles/report_usage/README.md", "report_usage_role"),
    ],
)
def test_links_to_what_has_a_page_lead_there(target: str, label: str) -> None:
    node = {"t": "Para", "c": [{"t": "Link", "c": [["", [], []], text("here"), [target, ""]]}]}
    (changed,) = guides.blocks([node], "awx", ["awx", "values"])
    assert changed["c"] == [{"t": "RawInline", "c": ["rst", f":ref:`here <{PREFIX}.{label}>`"]}]


@pytest.mark.parametrize(
    ("target", "url"),
    [
        ("options.md#durations", f"{WEB}docs/options.md#durations"),
        ("../playbooks/awx/configure.yml", f"{WEB}playbooks/awx/configure.yml"),
        ("https://docs.litellm.ai/", "https://docs.litellm.ai/"),
    ],
)
def test_all_other_links_lead_to_the_web(target: str, url: str) -> None:
    code = [{"t": "Code", "c": [["", [], []], "a"]}, {"t": "Space"}, *text("file")]
    node = {"t": "Para", "c": [{"t": "Link", "c": [["", [], []], code, [target, ""]]}]}
    (changed,) = guides.blocks([node], "awx", ["awx"])
    assert changed["c"] == [{"t": "Link", "c": [["", [], []], text("a file"), [url, ""]]}]


def test_headings_have_labels_and_comments_are_left_out() -> None:
    headings = [{"t": "Header", "c": [level, ["keys", [], []], text("Keys")]} for level in (1, 2)]
    changed = guides.blocks([{"t": "RawBlock", "c": ["html", "<!-- -->"]}, *headings], "awx", ["awx"])
    assert [node["c"][1][0] for node in changed] == [f"{PREFIX}.docsite.awx", f"{PREFIX}.docsite.awx.keys"]


def test_code_has_a_language_that_can_be_colored() -> None:
    blocks = [{"t": "CodeBlock", "c": [["", [language], []], "a"]} for language in ("csv", "yaml")]
    assert [node["c"][0][1] for node in guides.blocks(blocks, "awx", [])] == [["text"], ["yaml"]]
