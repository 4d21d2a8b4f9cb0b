# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The examples of modules, roles, and pages use options that exist, with values that they can have."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.litemaas.virtual_keys.tests.unit.test_documentation import MODULES, spec_of

ROOT = Path(__file__).resolve().parents[2]
NAME = "litemaas.virtual_keys."
PAGES = sorted({ROOT / "README.md", *ROOT.glob("docs/*.md"), *ROOT.glob("roles/*/README.md")})
PLAYBOOKS = sorted(ROOT.glob("playbooks/examples/*.yml"))


def blocks() -> Iterator[tuple[str, str]]:
    """Where an example is, and its text."""
    for module in MODULES:
        text = (ROOT / "plugins" / "modules" / f"{module}.py").read_text(encoding="utf-8")
        yield module, re.findall(r'^EXAMPLES = r"""\n(.*?)"""', text, re.DOTALL | re.MULTILINE)[0]
    for page in PAGES:
        for block in re.findall(r"^```yaml\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE):
            yield page.relative_to(ROOT).as_posix(), block
    for playbook in PLAYBOOKS:
        yield playbook.relative_to(ROOT).as_posix(), playbook.read_text(encoding="utf-8")


def tasks(content: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The modules of this collection in a play or in tasks, with their options."""
    if isinstance(content, list):
        for item in content:
            yield from tasks(item)
    elif isinstance(content, dict):
        for key, value in content.items():
            if str(key).removeprefix(NAME) in MODULES and is_template(content.get("args")):
                continue  # the module itself refuses what it does not know
            if str(key).removeprefix(NAME) in MODULES:
                yield key.removeprefix(NAME), value or {}
            elif key in ("tasks", "block", "rescue", "always", "pre_tasks", "post_tasks"):
                yield from tasks(value)


def is_template(value: Any) -> bool:
    return isinstance(value, str) and "{{" in value


def faults(given: Mapping[str, Any], spec: Mapping[str, Any], place: str) -> Iterator[str]:
    options = {name: option for main, option in spec.items() for name in (main, *(option.get("aliases") or ()))}
    for name, value in given.items():
        if name not in options:
            yield f"{place}{name} is not an option"
            continue
        option = options[name]
        items = value if isinstance(value, list) else [value]
        if choices := option.get("choices"):
            yield from (f"{place}{name}: {item}" for item in items if not is_template(item) and item not in choices)
        if suboptions := option.get("options"):
            for item in items:
                if not is_template(item):
                    yield from faults(item, suboptions, f"{place}{name}.")
    for name, option in spec.items():
        # What has a fallback is in the environment or in module_defaults.
        if (
            option.get("required")
            and "fallback" not in option
            and not {name, *(option.get("aliases") or ())} & given.keys()
        ):
            yield f"{place}{name} is required"


TASKS_OF_EXAMPLES = [
    pytest.param(module, given, id=f"{place}-{number}-{module}")
    for place, text in blocks()
    for number, (module, given) in enumerate(tasks(yaml.safe_load(text)), 1)
]


@pytest.mark.parametrize(("module", "given"), TASKS_OF_EXAMPLES)
def test_the_options_of_an_example_exist(module: str, given: Mapping[str, Any]) -> None:
    assert list(faults(given, spec_of(module), "")) == []


def test_every_module_has_examples() -> None:
    shown = {place for place, text in blocks() if place in MODULES and list(tasks(yaml.safe_load(text)))}
    assert shown == set(MODULES)
