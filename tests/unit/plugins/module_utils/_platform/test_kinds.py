# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every kind of object stands in the table of a platform, and in all that is read by people."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._platform._kinds import KINDS, LISTS, entry_spec
from ansible_collections.litemaas.virtual_keys.tests.unit.test_documentation import WRITING, kind_of

ROOT = Path(__file__).resolve().parents[5]
PLAYBOOKS = ("platform.yml", "delete_platform.yml", "report_drift.yml")


def test_every_kind_is_part_of_a_platform() -> None:
    tables = {type(kind_of(module)).__name__: module for module in WRITING}
    rows = {type(row.kind).__name__ for row in KINDS}
    assert rows == tables.keys(), "_platform/_kinds.py must have a row for each"


@pytest.mark.parametrize("row", LISTS, ids=lambda row: row.option)
def test_the_examples_and_the_guide_name_every_list(row) -> None:
    for playbook in PLAYBOOKS:
        text = (ROOT / "playbooks" / "examples" / playbook).read_text(encoding="utf-8")
        line = f'{row.option}: "{{{{ platform_{row.option} | default([]) }}}}"'
        assert f"        {line}\n" in text, f"playbooks/examples/{playbook} must have: {line}"
    assert f"| `{row.option}` |" in (ROOT / "docs" / "platform.md").read_text(encoding="utf-8")


def test_a_team_takes_its_members() -> None:
    (teams,) = (row for row in LISTS if row.option == "teams")
    spec = entry_spec(teams)
    assert {"members", "members_mode", "members_prune_limit", "max_budget", "state"} <= spec.keys()
    assert spec["members_mode"]["choices"] == ["merge", "replace"]
    assert spec["members"]["required"] is False
