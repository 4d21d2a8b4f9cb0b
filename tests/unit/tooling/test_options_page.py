# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pages about options fit the code."""

from __future__ import annotations

import re

import pytest
from ansible_collections.litemaas.virtual_keys.tests.tooling import options_page

OBJECTS = options_page.objects()
OPTIONS = {one.module: set(one.options) for one in OBJECTS}
PARTS = {part for one in OBJECTS for option in one.options.values() for part in option.get("suboptions") or ()}
# Options of this collection that nothing in docs/mapping.md has a counterpart for.
NOT_ELSEWHERE = {
    "access_group_ids", "agent_id", "auto_rotate", "budget_limits", "default_team_member_models",
    "enforced_batch_output_expires_after", "enforced_file_expires_after", "force", "group", "key_type", "policies",
    "rotation_interval", "temp_budget_expiry", "temp_budget_increase", "validate_models", "validate_references",
    "values_file", "values_file_vault_id",
}  # fmt: skip
STALE = "run python -m tests.tooling.options_page"


def test_every_object_has_a_page() -> None:
    modules = {path.stem for path in (options_page.ROOT / "plugins" / "modules").glob("litellm_*.py")}
    assert {f"{name}_info" for name in OPTIONS} == {name for name in modules if name.endswith("_info")}
    assert {one.path for one in OBJECTS} == set((options_page.DOCS / "options").iterdir()), STALE
    assert (options_page.DOCS / "options.md").read_text(encoding="utf-8") == options_page.overview(OBJECTS), STALE


@pytest.mark.parametrize("one", OBJECTS, ids=lambda one: one.module)
def test_the_page_of_an_object_is_up_to_date(one) -> None:
    assert one.path.read_text(encoding="utf-8") == one.page, STALE
    for name in one.options:
        assert f"| `{name}` |" in one.page


@pytest.mark.parametrize(
    ("one", "field"),
    [
        pytest.param(one, field, id=f"{one.module}-{field.name}")
        for one in OBJECTS
        for field in one.table.fields
        if field.since or field.update_since or field.clear_since or field.licensed
    ],
)
def test_the_documentation_names_the_versions_of_the_table(one, field) -> None:
    assert field.name in one.options, f"the documentation of {one.module} does not describe {field.name}"
    text = str(one.options[field.name]["description"])
    named = {
        version if version.count(".") == 2 else f"{version}.0" for version in re.findall(r"1\.\d+(?:\.\d+)?", text)
    }
    assert named >= {since for since in (field.since, field.update_since, field.clear_since) if since}
    assert ("Enterprise license" in text) == field.licensed


@pytest.mark.parametrize("one", OBJECTS, ids=lambda one: one.module)
def test_the_documentation_names_the_version_that_an_object_requires(one) -> None:
    assert [*one.requirements] == ([f"LiteLLM {one.table.since} or newer"] if one.table.since else [])


def test_the_mapping_names_options_that_there_are() -> None:
    """What stands as code in the right column of docs/mapping.md is an option, a module or a return value."""
    text = (options_page.DOCS / "mapping.md").read_text(encoding="utf-8")
    cells = [line.rstrip(" |").rsplit(" | ", 1)[-1] for line in text.splitlines() if line.startswith("| `")]
    assert len(cells) > 100
    modules = {path.stem for path in (options_page.ROOT / "plugins" / "modules").glob("litellm_*.py")}
    connection = {"api_url", "api_key", "validate_certs", "ca_path", "changed_by"}
    returned = {"key_id", "virtual_key", "virtual_keys", "spend", "state"}
    known = set.union(*OPTIONS.values()) | PARTS | modules | connection | returned
    named = {name for cell in cells for name in re.findall(r"`([a-z_]+)(?:: [a-z]+)?`", cell)}
    assert named - known == set()
    # And no option was forgotten on the right.
    words = {name for line in text.splitlines() for name in re.findall(r"[a-z0-9_]+", line)}
    assert set.union(*OPTIONS.values()) - words <= NOT_ELSEWHERE
