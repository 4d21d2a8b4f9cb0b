# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""
Writes docs/options.md from the table of a key's fields and from their documentation:

    .build/nox/unit/bin/python -m tests.tooling.options_page

A unit test fails when the page does not fit them any more.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import yaml

from .checkout import ROOT, linked

PAGE = ROOT / "docs" / "options.md"
PLUGINS = "ansible_collections.litemaas.virtual_keys.plugins"
HEAD = """\
<!--
SPDX-FileCopyrightText: litemaas.virtual_keys contributors
SPDX-License-Identifier: GPL-3.0-or-later
Made by tests/tooling/options_page.py; a change here would be lost.
-->

# What can be declared of a virtual key

The options of `litellm_key`, and of each of `virtual_keys` and `defaults` of `litellm_keys`.
`ansible-doc litemaas.virtual_keys.litellm_key` describes each in full.

## Fields of the key

*new*, *change* and *clear* say whether the option can be declared for a new key, changed on an existing one, and
taken away again with `unset` (or an empty value: `[]`, `{}`, `""`). A version is the first LiteLLM that does it; with
an older one the task fails and names the option before anything is written. *license* marks what LiteLLM does for
Enterprise customers only. *read from* is where LiteLLM shows it, if not under its own name.
Every field is tested on LiteLLM 1.106.2, 1.98.1, 1.90.7 and 1.83.14; versions before those are read from its source.

"""
CONTROLS = """
## Options that say what to do

These are no fields of the key.

"""


def page(keys: Any, wanted: Any, engine: Any, documentation: str) -> str:
    """The page, from the modules that hold the table, and the documentation of the options as YAML."""
    described = yaml.safe_load(documentation)["options"]
    fields = [
        (
            f"`{row.name}`",
            kind(row.type, row.elements),
            row.unit,
            row.since or "yes",
            "no" if row.name == keys.KEY.identity or not row.updatable else newest(engine, row.since, row.update_since),
            "no"
            if row.cleared is engine.NOT_CLEARABLE
            else newest(engine, row.since, row.clear_since or row.update_since),
            "needed" if row.licensed else "",
            f"`{'.'.join(row.path)}`" if row.path else "",
            meaning(described[row.name]),
        )
        for row in keys.KEY.fields
    ]
    controls = [
        (f"`{name}`", kind(spec["type"], spec.get("elements")), meaning(described[name]))
        for name, spec in wanted.KEY_CONTROLS.items()
    ]
    names = ("option", "type", "unit or format", "new", "change", "clear", "license", "read from", "meaning")
    return HEAD + table(names, fields) + CONTROLS + table(("option", "type", "meaning"), controls)


def newest(engine: Any, *versions: str) -> str:
    return max(versions, key=engine.version_tuple) or "yes"


def kind(type_: str, elements: str | None) -> str:
    return f"list of {elements}" if elements else type_


def meaning(option: Mapping[str, Any]) -> str:
    """The first sentence of a description, in Markdown."""
    described = option["description"]
    text = " ".join((described if isinstance(described, str) else described[0]).split())
    text = re.sub(r"\b[OVCM]\(((?:\\\)|[^)])*)\)", r"`\1`", text).replace("\\", "")
    return re.split(r"(?<=[.])\s", text)[0].replace("|", "\\|")


def table(names: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    names = list(names)
    lines = [names, ["---"] * len(names), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def sources() -> SimpleNamespace:
    """What the page is made of. Needs the collection on the path."""
    fragment = import_module(f"{PLUGINS}.doc_fragments._key_options").ModuleDocFragment
    return SimpleNamespace(
        keys=import_module(f"{PLUGINS}.module_utils._resources._key._table"),
        wanted=import_module(f"{PLUGINS}.module_utils._resources._key._declaration"),
        engine=import_module(f"{PLUGINS}.module_utils._engine"),
        documentation=fragment.DOCUMENTATION,
    )


def main() -> None:
    with linked() as folder:
        sys.path.insert(0, str(folder))
        PAGE.write_text(page(**vars(sources())), encoding="utf-8")
    print(f"wrote {PAGE.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
