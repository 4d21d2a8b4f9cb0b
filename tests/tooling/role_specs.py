# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""
Writes the options of a role's argument spec, from the documentation of the module that the role runs:

    .build/nox/unit/bin/python -m tests.tooling.role_specs

A unit test fails if a spec is out of date. All values but text may come as text, so their type is raw: the module reads
them. Nothing says no_log, for which ansible-core before 2.19 refuses an inline vault; the validation shows no values.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from ansible.plugins.loader import fragment_loader, init_plugin_loader
from ansible.utils.plugin_docs import get_docstring

from .checkout import ROOT, linked

PREFIX = "litellm_vkey_"
# The modules that the roles run.
MODULES = {
    "manage_keys": "litellm_workshop",
    "hand_out_keys": "litellm_hand_out",
    "report_usage": "litellm_usage_report",
}
# Options of a task that are no variables.
OF_TASKS = ("variables", "show")
REFERENCE = re.compile(r"\bO\((\w+)(?=[=)])")


class Dumper(yaml.SafeDumper):
    """Writes YAML as yamllint wants it."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def spec_file(role: str) -> Path:
    return ROOT / "roles" / role / "meta" / "argument_specs.yml"


def spec_text(role: str) -> str:
    """The text of a role's argument spec, with the options that the module documents."""
    before, _heading, _options = spec_file(role).read_text(encoding="utf-8").partition("\n    options:\n")
    options = {
        f"{PREFIX}{name}": _option(option)
        for name, option in json.loads(json.dumps(documented(MODULES[role]))).items()
        if name not in OF_TASKS
    }
    text = yaml.dump({"options": options}, Dumper=Dumper, sort_keys=False, width=112, allow_unicode=True)
    return f"{before}\n" + "".join(f"    {line}\n" if line else "\n" for line in text.splitlines())


def _option(option: Mapping[str, Any]) -> dict[str, Any]:
    said = option["description"]
    role_option: dict[str, Any] = {
        "description": [REFERENCE.sub(rf"O({PREFIX}\1", line) for line in ([said] if isinstance(said, str) else said)],
        "type": option["type"] if option["type"] in ("str", "path") else "raw",
    }
    return {**role_option, **({"default": option["default"]} if option.get("default") is not None else {})}


def documented(module: str) -> dict[str, Any]:
    """The options of a module, with those of its fragments."""
    path = str(ROOT / "plugins" / "modules" / f"{module}.py")
    document = get_docstring(path, fragment_loader, collection_name="litemaas.virtual_keys")[0]
    options: dict[str, Any] = document["options"]
    return options


def main() -> int:
    with linked() as folder:
        init_plugin_loader([str(folder)])
        for role in MODULES:
            spec_file(role).write_text(spec_text(role), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
