# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
"""The parts of the sandbox that need no server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

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
