# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pages about options fit the code."""

from __future__ import annotations

import re

import pytest
import yaml
from ansible_collections.litemaas.virtual_keys.tests.tooling import options_page

SOURCES = options_page.sources()
FIELDS = SOURCES.keys.KEY.fields
OPTIONS = set(SOURCES.wanted.key_options())
# Options of this collection that nothing in docs/mapping.md has a counterpart for.
NOT_ELSEWHERE = {
    "access_group_ids", "agent_id", "auto_rotate", "budget_limits", "group", "key_type", "policies",
    "rotation_interval", "temp_budget_expiry", "temp_budget_increase",
}  # fmt: skip


def test_the_page_of_options_is_up_to_date() -> None:
    made = options_page.page(**vars(SOURCES))
    assert options_page.PAGE.read_text(encoding="utf-8") == made, "run python -m tests.tooling.options_page"
    for name in OPTIONS:
        assert f"| `{name}` |" in made


@pytest.mark.parametrize(
    "field", [field for field in FIELDS if field.since or field.licensed], ids=lambda row: row.name
)
def test_the_documentation_names_the_versions_of_the_table(field) -> None:
    text = str(yaml.safe_load(SOURCES.documentation)["options"][field.name]["description"])
    assert set(re.findall(r"1\.\d+\.\d+", text)) >= {
        one for one in (field.since, field.update_since, field.clear_since) if one
    }
    assert ("Enterprise license" in text) == field.licensed


def options_of(module: str) -> set[str]:
    tree = (options_page.ROOT / "plugins" / "modules" / f"{module}.py").read_text(encoding="utf-8")
    text = re.search(r'DOCUMENTATION = r"""(.*?)"""', tree, re.DOTALL)
    assert text
    return set(yaml.safe_load(text[1]).get("options", {}))


def test_the_mapping_names_options_that_there_are() -> None:
    """What stands as code in the right column of docs/mapping.md is an option, a module or a return value."""
    text = (options_page.ROOT / "docs" / "mapping.md").read_text(encoding="utf-8")
    cells = [line.rstrip(" |").rsplit(" | ", 1)[-1] for line in text.splitlines() if line.startswith("| `")]
    assert len(cells) > 100
    modules = {path.stem for path in (options_page.ROOT / "plugins" / "modules").glob("litellm_*.py")}
    connection = {"api_url", "api_key", "validate_certs", "ca_path", "changed_by"}
    returned = {"key_id", "virtual_key", "virtual_keys", "spend", "state"}
    known = OPTIONS | modules | connection | returned | options_of("litellm_credential")
    named = {name for cell in cells for name in re.findall(r"`([a-z_]+)(?:: [a-z]+)?`", cell)}
    assert named - known == set()
    # An option for every field that the peers know: none was forgotten on the right.
    assert OPTIONS - {name for line in text.splitlines() for name in re.findall(r"[a-z_]+", line)} <= NOT_ELSEWHERE
