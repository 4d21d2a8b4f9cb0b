# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How Sphinx builds the documentation site. Build it with ./tests/run docs."""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes
from pygments.lexers.special import TextLexer
from sphinx.application import Sphinx

REPOSITORY = "https://github.com/litemaas/virtual_keys/blob/main/"
# Pages of Ansible's documentation that the generated pages refer to. An inventory would have to be downloaded.
ANSIBLE = "https://docs.ansible.com/ansible/latest/"
ANSIBLE_PAGES = {
    "action_plugins": "plugins/action.html",
    "ansible_configuration_settings": "reference_appendices/config.html",
    "common_return_values": "reference_appendices/common_return_values.html",
}

project = "litemaas.virtual_keys"
copyright = project + " contributors"  # noqa: A001
html_title = "litemaas.virtual_keys"
extensions = ["myst_parser", "sphinx_antsibull_ext"]
html_theme = "sphinx_ansible_theme"
html_show_sphinx = False
html_copy_source = False
html_static_path = ["static"]
html_css_files = ["site.css"]
html_use_index = False
pygments_style = "ansible"
highlight_language = "text"
default_role = "any"
nitpicky = True
myst_heading_anchors = 3


def setup(app: Sphinx) -> None:
    app.add_lexer("csv", TextLexer)
    app.connect("source-read", follow_links_out_of_the_site)
    app.connect("source-read", put_the_objects_below_the_options)
    app.connect("source-read", let_the_search_find_numbers)
    app.connect("missing-reference", refer_to_ansible)
    app.connect("html-page-context", lead_the_logo_home)


def follow_links_out_of_the_site(_app: Sphinx, page: str, source: list[str]) -> None:
    """Let links to files outside of docs, which work on a forge, lead to the page of the role or to the repository."""
    root = "../" * (page.count("/") + 1)
    text = re.sub(rf"\]\({root}roles/(\w+)/README\.md\)", r"](/collections/\1_role.rst)", source[0])
    source[0] = re.sub(rf"\]\({root}([^)]+)\)", rf"]({REPOSITORY}\1)", text)


def put_the_objects_below_the_options(_app: Sphinx, page: str, source: list[str]) -> None:
    if page == "options":
        source[0] += "\n```{toctree}\n:hidden:\n:glob:\n\noptions/*\n```\n"


def let_the_search_find_numbers(_app: Sphinx, _page: str, source: list[str]) -> None:
    """Turn comments such as ``<!-- index: 401 -->`` into entries of the index: the search ignores numbers in texts."""
    source[0] = re.sub(r"<!-- index: (.+) -->", r"```{index} single: \1\n```", source[0])


def refer_to_ansible(_app: Sphinx, _env: Any, node: Any, content: nodes.Element) -> nodes.Element | None:
    page = ANSIBLE_PAGES.get(node["reftarget"])
    return nodes.reference("", "", content, refuri=ANSIBLE + page, internal=False) if page else None


def lead_the_logo_home(_app: Sphinx, _page: str, _template: str, context: dict[str, Any], _doctree: Any) -> None:
    context["theme_documentation_home_url"] = context["pathto"]("index")
