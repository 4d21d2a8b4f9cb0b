# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of variables is what the role, its argument spec, and its page say."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.litemaas.virtual_keys.plugins.action import (
    litellm_hand_out,
    litellm_usage_report,
    litellm_workshop,
)
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._calls import CONNECTION
from ansible_collections.litemaas.virtual_keys.plugins.plugin_utils._workshop._variables import NAMES, VARIABLES
from ansible_collections.litemaas.virtual_keys.tests.tooling.role_specs import MODULES, spec_file, spec_text

ROOT = Path(__file__).resolve().parents[2]
PREFIX = "litellm_vkey_"
TABLES = {
    "manage_keys": VARIABLES,
    "hand_out_keys": litellm_hand_out.ActionModule.TABLE,
    "report_usage": litellm_usage_report.ActionModule.TABLE,
}
OF_CONNECTION = {row.name for row in CONNECTION}
# What the tasks of the roles, or templates, read themselves.
OF_ROLES = {"no_log", "result"}


def defaults(role: str) -> dict[str, Any]:
    content = yaml.safe_load((ROOT / "roles" / role / "defaults" / "main.yml").read_text(encoding="utf-8"))
    return {name.removeprefix(PREFIX): value for name, value in content.items()}


def table_defaults(role: str) -> dict[str, Any]:
    return {row.name: row.default for row in TABLES[role] if row.name not in OF_CONNECTION}


def test_the_defaults_of_the_main_role_are_those_of_the_table() -> None:
    """But not of the connection, about which module_defaults may say something."""
    others = defaults("hand_out_keys").keys() | defaults("report_usage").keys()
    table = {name: value for name, value in table_defaults("manage_keys").items() if value is not None}
    for name, value in defaults("manage_keys").items():
        assert table_defaults("manage_keys")[name] == value, name
    assert set(table) - others - set(defaults("manage_keys")) == set()


@pytest.mark.parametrize("role", ["hand_out_keys", "report_usage"])
def test_roles_of_one_play_see_the_same_defaults(role: str) -> None:
    """A play with several roles has the defaults of all: one that says nothing elsewhere would say something there."""
    of_main, table = defaults("manage_keys"), table_defaults("manage_keys")
    for name, value in defaults(role).items():
        assert value is not None and name not in OF_CONNECTION, name
        assert name in OF_ROLES or name in of_main or value == table[name], name
        assert name in OF_ROLES or value == table_defaults(role)[name] or name == "output_dir", name


@pytest.mark.parametrize("role", MODULES)
def test_the_argument_spec_is_up_to_date(role: str) -> None:
    """To write it, run: .build/nox/unit/bin/python -m tests.tooling.role_specs"""
    assert spec_file(role).read_text(encoding="utf-8") == spec_text(role)


def test_the_page_of_the_role_names_variables_that_exist() -> None:
    page = (ROOT / "docs" / "role.md").read_text(encoding="utf-8")
    told = set(re.findall(r"`(?:litellm_vkey)?_([a-z_]+)`", page))
    assert told - set(NAMES) - {"result"} == set()
    own = {row.name for row in litellm_workshop.VARIABLES if row.name not in OF_CONNECTION}
    missing = {name for name in own if f"_{name}`" not in page}
    assert not {name for name in missing if name in defaults("manage_keys")} - {"no_log"}
