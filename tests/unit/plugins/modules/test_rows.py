# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows of a listing that lack what names the object, or have something else there, are no bug of the collection."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

Row = dict[str, Any]
Run = Callable[..., dict[str, Any]]
COUNTED = {"total": 1, "total_count": 1, "total_pages": 1, "page": 1}
ANSWERS: dict[str, Callable[[Row], Any]] = {
    "customer": lambda row: [row],
    "budget": lambda row: [row],
    "tag": lambda row: [row],
    "access_group": lambda row: [row],
    "user": lambda row: {"users": [row], **COUNTED},
    "team": lambda row: {"teams": [row], **COUNTED},
    "model": lambda row: {"data": [row], **COUNTED},
    "credential": lambda row: {"credentials": [row]},
    "team_members": lambda row: {"team_info": row, "team_memberships": [row]},
}
NAMES = ("user_id", "budget_id", "name", "access_group_id", "team_id", "credential_name")


@pytest.mark.parametrize("thing", ANSWERS)
@pytest.mark.parametrize("row", [{}, dict.fromkeys(NAMES), dict.fromkeys(NAMES, 5)], ids=["none", "null", "number"])
def test_a_row_without_its_name(httpserver: HTTPServer, run: Run, thing: str, row: Row) -> None:
    httpserver.expect_request(re.compile(".*")).respond_with_json(ANSWERS[thing](row))
    module = importlib.import_module(f"ansible_collections.litemaas.virtual_keys.plugins.modules.litellm_{thing}_info")
    options = {"team_id": "t"} if thing == "team_members" else {}
    result = run(module, httpserver.url_for("").rstrip("/"), **options)
    assert result["failed"] and "unexpected shape" in result["msg"]
