# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
"""The parts of the sandbox that need no server."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

SANDBOX = Path(__file__).resolve().parents[2] / "sandbox"


def run(program: str, *args: str, text: str = "") -> subprocess.CompletedProcess[str]:
    """Run a program of the sandbox."""
    command = [sys.executable, str(SANDBOX / program), *args]
    return subprocess.run(command, input=text, capture_output=True, text=True, check=False, cwd=os.sep)


@pytest.mark.parametrize(
    ("extra", "expected"),
    [
        ("", {"a": {"b": 1}, "model_list": [1]}),
        ("a: {c: 2}\nmodel_list: [2]\n", {"a": {"b": 1, "c": 2}, "model_list": [1, 2]}),
        ("a: {b: [3]}\nnew: true\n", {"a": {"b": [3]}, "model_list": [1], "new": True}),
    ],
)
def test_extra_configuration_is_merged(extra: str, expected: object) -> None:
    yaml = pytest.importorskip("yaml")
    base = {"a": {"b": 1}, "model_list": [1]}
    result = run("merge_config.py", text=json.dumps({"base": base, "extra": extra}))
    assert result.returncode == 0, result.stderr
    assert yaml.safe_load(result.stdout) == expected


@pytest.mark.parametrize("extra", ["- a list", "a: [", "text"])
def test_unusable_extra_configuration_is_refused(extra: str) -> None:
    pytest.importorskip("yaml")
    result = run("merge_config.py", text=json.dumps({"base": {}, "extra": extra}))
    assert result.returncode != 0
    assert len(result.stderr.splitlines()) == 1


def test_status_of_no_sandbox() -> None:
    result = run("", "status", "--port", "1")
    assert result.returncode == 3
    assert json.loads(result.stdout) == {"port": 1, "running": False}


@pytest.mark.parametrize(
    "arguments",
    [
        ["install", "--litellm-version", "../x"],
        ["up", "--port", "70000"],
        ["up", "--env", "NAME"],
        ["up", "--config-extra", "/does/not/exist"],
        ["restart", "database", "--port", "1"],
    ],
)
def test_mistakes_are_told_in_one_sentence(arguments: list[str]) -> None:
    result = run("", *arguments)
    assert result.returncode == 1
    assert result.stdout == ""
    assert len(result.stderr.splitlines()) == 1
    assert result.stderr.rstrip().endswith((".", '".', "'/does/not/exist'"))


@pytest.fixture
def partial(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """What stands in for the missing parts of a release."""
    monkeypatch.syspath_prepend(str(SANDBOX))
    yield importlib.import_module("partial")
    del sys.modules["partial"]


def test_only_a_missing_part_of_litellm_makes_others_stand_in(partial: ModuleType) -> None:
    lacks = 'ERROR: No matching distribution found for litellm-proxy==1.110.2; extra == "proxy"'
    assert partial.missing_part(lacks) == "litellm-proxy==1.110.2"
    assert partial.missing_part("ERROR: No matching distribution found for litellm==9.9") is None
    assert partial.missing_part("ERROR: No matching distribution found for fastapi==9.9") is None


def test_the_nearest_older_parts_stand_in(partial: ModuleType) -> None:
    others, nearest = partial.split_requirements(
        ["fastapi<1", "litellm-proxy==1.110.2", "litellm-proxy-extras==0.4.114.post1", "litellm-enterprise==0.1.83"]
    )
    assert others == ["fastapi<1"]
    assert nearest == ["litellm-proxy-extras<=0.4.114.post1", "litellm-enterprise<=0.1.83"]


OLD_SCHEMA = """
model Kept {
  id     String @id
  other  Added?  @relation(fields: [id], references: [id])
}
"""
NEW_SCHEMA = """
enum Status {
  NEW
  DONE
}
model Kept {
  id     String @id
  other  Added?  @relation(fields: [id], references: [id])
  names  String[] @default([])  // a comment
  note   String? @map("remark")
  @@map("Kept")
}
model Added {
  group  String
  name   String  @default("it's")
  count  BigInt  @default(0)
  at     DateTime? @default(now())
  status Status  @default(NEW)
  data   Json
  number BigInt  @default(autoincrement())
  @@id([group, name])
  @@index([count])
  @@map("Mapped")
}
"""


def test_the_newer_schema_adds_types_tables_and_columns(partial: ModuleType) -> None:
    assert partial.added_tables(OLD_SCHEMA, NEW_SCHEMA).splitlines() == [
        "CREATE TYPE \"Status\" AS ENUM ('NEW', 'DONE');",
        'ALTER TABLE "Kept" ADD COLUMN "names" TEXT[] DEFAULT ARRAY[]::TEXT[];',
        'ALTER TABLE "Kept" ADD COLUMN "remark" TEXT;',
        """CREATE TABLE "Mapped" ("group" TEXT NOT NULL, "name" TEXT DEFAULT 'it''s' NOT NULL,"""
        """ "count" BIGINT DEFAULT 0 NOT NULL, "at" TIMESTAMP(3) DEFAULT CURRENT_TIMESTAMP,"""
        """ "status" "Status" DEFAULT 'NEW' NOT NULL, "data" JSONB NOT NULL, "number" BIGSERIAL NOT NULL,"""
        """ PRIMARY KEY ("group", "name"));""",
    ]
    assert partial.added_tables(NEW_SCHEMA, NEW_SCHEMA) == ""
