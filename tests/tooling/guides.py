# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""
The guides in docs, as reStructuredText in docs/docsite, which is what builds of the community's documentation read.

They read it in a published archive, so the session build writes it to the copy of the checkout of which it makes one:

    python -m tests.tooling.guides FOLDER
"""

from __future__ import annotations

import json
import posixpath
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from .checkout import ROOT

DOCS = ROOT / "docs"
# The order of the guides.
INDEX = DOCS / "site" / "index.rst"
# Every module has a page there, with all options; whoever changes the collection has a checkout.
LEFT_OUT = ("options", "adding_an_object")
COLLECTION = "ansible_collections.litemaas.virtual_keys"
REPOSITORY = "https://github.com/litemaas/virtual_keys/blob/main/"
LICENSE = (
    ".. SPDX-FileCopyrightText: litemaas.virtual_keys contributors\n.. SPDX-License-Identifier: GPL-3.0-or-later\n\n"
)
# What Pygments, which colors code, calls otherwise, or does not know.
LANGUAGES = {"csv": "text"}
Node = dict[str, Any]


def write(folder: Path) -> None:
    """Write the guides and their table of contents to docs/docsite in a folder."""
    found = sections(INDEX.read_text(encoding="utf-8"))
    names = [name for pages in found.values() for name in pages]
    contents = [{"title": title, "toctree": pages} for title, pages in found.items()]
    head = "---\n" + re.sub(r"^\.\.", "#", LICENSE.strip(), flags=re.MULTILINE) + "\n"
    files = {"docs/docsite/extra-docs.yml": head + yaml.safe_dump({"sections": contents}, sort_keys=False)}
    for name in names:
        text = (DOCS / f"{name}.md").read_text(encoding="utf-8")
        files[f"docs/docsite/rst/{name}.rst"] = converted(name, text, names)
    (folder / "docs" / "docsite" / "rst").mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")


def sections(index: str) -> dict[str, list[str]]:
    """The guides by the captions of the index of the site."""
    found = {}
    for part in index.split(":caption: ")[1:]:
        caption, *lines = part.splitlines()
        names = [name for name in map(str.strip, lines) if (DOCS / f"{name}.md").is_file() and name not in LEFT_OUT]
        if names:
            found[caption] = names
    return found


def converted(name: str, text: str, guides: Sequence[str]) -> str:
    """A guide in reStructuredText.

    :param name: that of its file, without an ending.
    :param guides: the names of all guides, to which links can lead.
    """
    import pypandoc  # which only the session build needs

    document = json.loads(pypandoc.convert_text(text, "json", "gfm"))
    document["blocks"] = list(blocks(document["blocks"], name, guides))
    options = ["--columns=120", "--list-tables"]
    result: str = pypandoc.convert_text(json.dumps(document), "rst", "json", extra_args=options)
    if stuck := re.search(r".*\w:ref:`.*|.*:ref:`[^`]+`\w.*", result):
        raise ValueError(f"docs/{name}.md: reStructuredText has no link within a word: {stuck[0]}")
    return LICENSE + result


def _label(name: str, heading: str = "") -> str:
    return ".".join(filter(None, (COLLECTION, "docsite", name, heading)))


def blocks(nodes: Sequence[Node], name: str, guides: Sequence[str]) -> Iterator[Node]:
    """Yield blocks, of which headings have labels that are unique among all collections."""
    for node in nodes:
        if node["t"] == "Header":
            level, (identifier, *_attributes), content = node["c"]
            label = _label(name, identifier if level > 1 else "")
            yield {"t": "Header", "c": [level, [label, [], []], _changed(content, name, guides)]}
        elif node["t"] != "RawBlock":  # that is a comment
            yield _changed(node, name, guides)


def _changed(node: Any, name: str, guides: Sequence[str]) -> Any:
    """A node and all in it, with links that lead somewhere else, and languages that Pygments knows."""
    if isinstance(node, list):
        return [_changed(one, name, guides) for one in node]
    if not isinstance(node, dict):
        return node
    if node.get("t") == "Link":
        _attributes, content, (target, _title) = node["c"]
        return _link(_plain(content), target, name, guides)
    if node.get("t") == "CodeBlock":
        (identifier, languages, attributes), text = node["c"]
        return {**node, "c": [[identifier, [LANGUAGES.get(one, one) for one in languages], attributes], text]}
    return {key: _changed(value, name, guides) for key, value in node.items()}


def _link(text: str, target: str, name: str, guides: Sequence[str]) -> Node:
    """A link as the pages that antsibull-docs generates have it: by label where there is a page, or else to the web."""
    path, _sign, heading = target.partition("#")
    page, ending = posixpath.splitext(path)
    label = ""
    if not path or (ending == ".md" and page in guides):
        label = _label(page or name, heading)
    elif module := re.fullmatch(r"options/(\w+)", page):
        label = f"{COLLECTION}.{module[1]}_module"
    elif role := re.fullmatch(r"\.\./roles/(\w+)/README", page):
        label = f"{COLLECTION}.{role[1]}_role"
    if label:
        return {"t": "RawInline", "c": ["rst", f":ref:`{text} <{label}>`"]}
    url = target if "://" in target else REPOSITORY + posixpath.normpath(posixpath.join("docs", target))
    return {"t": "Link", "c": [["", [], []], [{"t": "Str", "c": text}], [url, ""]]}


def _plain(content: Sequence[Mapping[str, Any]]) -> str:
    """The text of a link, in which reStructuredText has no markup."""
    return "".join(
        " " if part["t"] in ("Space", "SoftBreak") else part["c"][1] if part["t"] == "Code" else part["c"]
        for part in content
    )


if __name__ == "__main__":
    write(Path(sys.argv[1]))
