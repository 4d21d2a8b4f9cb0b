# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action that writes an export, in Ansible's own worker."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.litemaas.virtual_keys.plugins.action.litellm_export import ActionModule
from pytest_httpserver import HTTPServer

KEY = "sk-unit-master-key-0123456789"


def export(url: str, check_mode: bool = False, **options: Any) -> dict[str, Any]:
    task = SimpleNamespace(
        action="litellm_export",
        args={"api_url": url, "api_key": KEY, "retries": 0, "kinds": ["credentials"], **options},
        check_mode=check_mode,
        diff=True,
        async_val=0,
        environment=[],
        delegate_to=None,
    )
    here = SimpleNamespace(transport="local", become=None, _shell=SimpleNamespace(tmpdir="unused"))
    templar = SimpleNamespace(template=lambda _text: "auto")
    return ActionModule(task, here, None, None, templar, None).run(task_vars={})


@pytest.fixture
def url(httpserver: HTTPServer) -> str:
    shown = {"credential_name": "c", "credential_info": {}, "credential_values": {"api_key": "sk****07"}}
    httpserver.expect_request("/credentials").respond_with_json({"credentials": [shown]})
    return httpserver.url_for("/")


def test_what_the_module_reads_is_written(url: str, tmp_path: Path) -> None:
    folder = tmp_path / "new"
    planned = export(url, check_mode=True, output_dir=str(folder))
    assert (planned["changed"], folder.exists()) == (True, False)
    done = export(url, output_dir=str(folder))
    assert (done["changed"], done["declarations"]) == (True, {"credentials": [{"credential_name": "c"}]})
    assert "vault_c_api_key" in (folder / "credentials.yml").read_text()
    assert export(url, output_dir=str(folder))["changed"] is False
    assert KEY not in str(done)


def test_a_failure_of_the_module_is_that_of_the_task_and_nothing_is_written(
    httpserver: HTTPServer, tmp_path: Path
) -> None:
    httpserver.expect_request("/credentials").respond_with_data("no", status=500)
    done = export(httpserver.url_for("/"), output_dir=str(tmp_path / "new"))
    assert done["failed"] and done["msg"].startswith("credentials: ")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("place", ["file", "file/below"])
def test_a_folder_that_cannot_be_used_is_named(url: str, tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("")
    done = export(url, output_dir=str(tmp_path / place))
    assert done["failed"] and f"{tmp_path / 'file'} is a file, not a folder" in done["msg"]
