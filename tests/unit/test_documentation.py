# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The documentation of each module matches its options and its return values."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.plugins.loader import fragment_loader
from ansible.utils.plugin_docs import get_docstring
from ansible_collections.litemaas.virtual_keys.plugins.action import (
    litellm_hand_out,
    litellm_usage_report,
    litellm_workshop,
)
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._adopting import (
    DECLARATION,
    HIDDEN_ENTRIES,
    NOT_DECLARED,
)
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._kind import Kind
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._key._kind import SELECTORS, describe
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._variables import Variable

# Those that are no modules, but actions.
ACTIONS: dict[str, Any] = {
    "litellm_hand_out": litellm_hand_out,
    "litellm_usage_report": litellm_usage_report,
    "litellm_workshop": litellm_workshop,
}
# Those that are not of one kind of object.
OF_ALL_KINDS = {"litellm_export", "litellm_platform"}
COLLECTION = "litemaas.virtual_keys"
ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("litellm_*.py"))
# The parts of an option that both the documentation and the argument spec state, with their values if they do not.
PARTS = {"type": "str", "elements": None, "required": False, "default": None, "choices": None, "aliases": None}
GRAMMAR = (
    "A duration is a whole number above 0 followed by one of C(s), C(m), C(h), C(d), C(w), C(mo): "
    "seconds, minutes, hours, days, weeks, months."
)
# The names of options that are durations.
DURATIONS = re.compile(r"duration$|^(rotate_after|grace|renew_within|expiring_within|unused_for)$")
# What an info module returns of an object besides what the other modules return.
ALSO_READ = {"litellm_key_info": {*describe({}, datetime.now(UTC)), "used"}}


class Started(Exception):
    """Ends a module at its start, with its argument spec."""


def start(argument_spec: Mapping[str, Any], **_how: Any) -> None:
    raise Started(argument_spec)


def documented(module: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The documentation of a module with its fragments, and its RETURN block."""
    path = str(ROOT / "plugins" / "modules" / f"{module}.py")
    document, _examples, returned, _metadata = get_docstring(path, fragment_loader, collection_name=COLLECTION)
    assert document
    return document, returned


def code(module: str) -> Any:
    return import_module(f"ansible_collections.litemaas.virtual_keys.plugins.modules.{module}")


def spec_of(module: str) -> Mapping[str, Any]:
    if module in ACTIONS:
        return getattr(ACTIONS[module], "ARGUMENTS", None) or spec_of_table(ACTIONS[module].ActionModule.TABLE)
    with pytest.raises(Started) as started:
        code(module).main(start)
    spec: Mapping[str, Any] = started.value.args[0]
    return spec


def spec_of_table(table: Iterable[Variable]) -> dict[str, Any]:
    """What the options of an action with a table amount to, as an argument spec."""
    rows = {
        row.name: {
            "type": row.type,
            "elements": "str" if row.type == "list" else None,
            "default": row.default,
            # Of a mapping, they are names, which Ansible's documentation format has no place for.
            "choices": list(row.choices) or None if row.type != "dict" else None,
            "aliases": list(row.aliases) or None,
        }
        for row in table
    }
    return {"variables": {"type": "str"}, **rows}


def kind_of(module: str) -> Kind:
    """What a module, or the info module of the same object, is made of."""
    values = vars(code(module.removesuffix("_info"))).values()
    (kind,) = (value for value in values if isinstance(value, type) and issubclass(value, Kind))
    return kind()


def differences(options: Mapping[str, Any], spec: Mapping[str, Any], place: str = "") -> list[str]:
    found = [f"{place}{name} is not documented" for name in spec.keys() - options.keys()]
    found += [f"{place}{name} is documented but does not exist" for name in options.keys() - spec.keys()]
    for name in sorted(spec.keys() & options.keys()):
        for part, default in PARTS.items():
            said, true = (side[name].get(part, default) for side in (options, spec))
            if spec[name].get("type") == "raw" and part in ("type", "elements", "choices"):
                continue  # the action reads it in a way of its own
            if isinstance(said, list) and isinstance(true, list):
                found += [f"{place}{name}: {part} must not list {item}" for item in said if item not in true]
                found += [f"{place}{name}: {part} must list {item}" for item in true if item not in said]
            elif said != true:
                found.append(f"{place}{name}: {part} is documented as {said} but is {true}")
        found += differences(options[name].get("suboptions") or {}, spec[name].get("options") or {}, f"{place}{name}.")
    return found


@pytest.mark.parametrize("module", MODULES)
def test_the_documented_options_are_those_of_the_code(module: str) -> None:
    assert differences(documented(module)[0]["options"], spec_of(module)) == []


# What the info modules return of each object with the option declaration.
DECLARING = {DECLARATION, HIDDEN_ENTRIES, NOT_DECLARED}
# What they return beside the objects.
BESIDE = {"litellm_key_info": {"models", "health", "refused"}, "litellm_user_info": {"admins"}}
OF_ONE_KIND = [module for module in MODULES if module not in ACTIONS and module not in OF_ALL_KINDS]
WRITING = [module for module in OF_ONE_KIND if not module.endswith("_info")]


@pytest.mark.parametrize("module", WRITING)
def test_the_documented_results_are_those_of_the_code(module: str) -> None:
    kind, returned = kind_of(module), documented(module)[1]
    of_one = {*kind.identity, *([kind.secret] if kind.secret else []), *kind.ids, "action"}
    if "run_batch" in vars(code(module)):
        assert set(returned) == {kind.plural, "pruned", "summary", "diff", "failure"}
        assert set(returned[kind.plural]["contains"]) == {*of_one, "changed", "error", *kind.readings({})}
    else:
        assert set(returned) == {*of_one, kind.result, "diff", "failure"}


@pytest.mark.parametrize("module", [module for module in OF_ONE_KIND if module.endswith("_info")])
def test_the_documented_results_of_the_info_modules_are_those_of_the_code(module: str) -> None:
    assert set(documented(module)[1]) == {kind_of(module).plural, "failure"} | BESIDE.get(module, set())


@pytest.mark.parametrize("module", OF_ONE_KIND)
def test_each_value_of_a_returned_record_is_documented(module: str) -> None:
    """Fields are documented as options, and need no second description. All other values are in RETURN."""
    kind, returned = kind_of(module), documented(module)[1]
    if "run_batch" in vars(code(module)):
        described, record = returned[kind.plural]["contains"], set(kind.readings({}))
    else:
        name, further = (kind.plural, DECLARING) if module.endswith("_info") else (kind.result, set())
        described = returned[name]["contains"]
        record = set(kind.public({})) | ALSO_READ.get(module, set()) | further
        assert set(described) - record == set(), "documented but not returned"
    assert record - set(described) - set(kind.options) == set(), "returned but not documented"
    fields = {field: kind.options[field] for field in described if field in kind.options}
    for field, option in fields.items():
        said = (described[field]["type"], described[field].get("elements"))
        assert said == (option.get("type", "str"), option.get("elements")), field


def test_the_filter_of_the_usage_role_takes_the_filters_of_the_info_module() -> None:
    role = ROOT / "roles" / "report_usage"
    (row,) = (row for row in litellm_usage_report.ActionModule.TABLE if row.name == "usage_filter")
    assert row.choices == tuple(SELECTORS)
    spec = yaml.safe_load((role / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))["argument_specs"]["main"]
    described = "".join(spec["options"]["litellm_vkey_usage_filter"]["description"])
    assert re.findall(r"#module:(\w+)\)", described) == list(SELECTORS)


def names_of(options: Mapping[str, Any]) -> set[str]:
    """The names of options, and of those inside of them."""
    return set(options).union(
        *(names_of(one.get("suboptions") or one.get("options") or {}) for one in options.values())
    )


def says(documentation: object, sentence: str) -> bool:
    """Whether a documentation contains a sentence, however its lines are divided."""
    return sentence in " ".join(json.dumps(documentation, default=str).replace("\\n", " ").split())


@pytest.mark.parametrize("module", MODULES)
def test_who_reads_of_a_duration_learns_what_it_is(module: str) -> None:
    document = documented(module)[0]
    has_durations = any(map(DURATIONS.search, names_of(document["options"])))
    assert says(document, GRAMMAR) == has_durations


@pytest.mark.parametrize("role", sorted(path.name for path in (ROOT / "roles").iterdir()))
def test_who_reads_of_a_duration_of_a_role_learns_what_it_is(role: str) -> None:
    text = (ROOT / "roles" / role / "meta" / "argument_specs.yml").read_text(encoding="utf-8")
    spec = yaml.safe_load(text)["argument_specs"]["main"]
    assert says(spec, GRAMMAR) == any(map(DURATIONS.search, names_of(spec["options"])))


def test_pages_with_durations_lead_to_what_they_are() -> None:
    duration = re.compile(r"(?<![\w.\-/])\d+(?:mo|[smhdw])(?![\w/\-])")
    pages = {path: path.read_text(encoding="utf-8") for path in (ROOT / "README.md", *(ROOT / "docs").glob("*.md"))}
    with_durations = {path.name for path, text in pages.items() if duration.search(text)}
    with_links = {path.name for path, text in pages.items() if "options.md#durations" in text}
    assert {"role.md", "rotate_keys.md"} < with_durations and with_durations - {"options.md"} == with_links


def test_midnight_is_said_with_its_time_zone() -> None:
    files = [*(ROOT / "docs").rglob("*.md"), *(ROOT / "plugins").rglob("*.py"), *(ROOT / "roles").rglob("*.yml")]
    found = {path.name: re.findall(r"midnight\b(?:\s+UTC)?", path.read_text(encoding="utf-8")) for path in files}
    words = {" ".join(one.split()) for some in found.values() for one in some}
    assert words == {"midnight UTC"}, {name: some for name, some in found.items() if "midnight" in some}
