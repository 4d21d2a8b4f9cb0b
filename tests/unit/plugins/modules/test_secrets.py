# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets of every kind in every option of every module, in every form that Ansible takes: none of them is shown.

The options come from the argument specs, so that a new one is tested without being named here.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from ansible.module_utils import basic
from ansible_collections.litemaas.virtual_keys.tests.tooling.kinds_of_secrets import FORMS, KINDS, MARK, secret
from pytest_httpserver import HTTPServer

ROOT = Path(__file__).resolve().parents[4]
GROUP = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text())["action_groups"]["litellm"]
# Without those that are nothing but an action.
MODULES = sorted(name for name in GROUP if "main(" in (ROOT / "plugins" / "modules" / f"{name}.py").read_text())
NOBODY = "http://127.0.0.1:9"
Run = Callable[..., dict[str, Any]]


class _Stop(Exception):
    pass


def argument_spec(module: str) -> dict[str, Any]:
    """The options of a module, with those of entries that it checks itself."""
    found: dict[str, Any] = {}

    def start(
        argument_spec: dict[str, Any], supports_check_mode: bool, entries: Mapping[str, Any] | None = None
    ) -> None:
        found.update({**argument_spec, **(entries or {})})
        raise _Stop

    with pytest.raises(_Stop):
        imported(module).main(start)
    return found


def imported(module: str) -> Any:
    return importlib.import_module(f"ansible_collections.litemaas.virtual_keys.plugins.modules.{module}")


def places(spec: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any], Callable[[Any], dict[str, Any]]]]:
    """Each option, its row, and how a value gets there; with what else is required."""
    required = {name: "x" for name, row in spec.items() if row.get("required") and name not in ("api_url", "api_key")}
    for name, row in spec.items():
        yield name, row, lambda value, name=name: {**required, name: value}
        if "options" in row:
            for inner, inner_row, put in places(row["options"]):
                many = row["type"] == "list"
                yield (
                    f"{name}.{inner}",
                    inner_row,
                    lambda value, name=name, put=put, many=many: {
                        **required,
                        name: [put(value)] if many else put(value),
                    },
                )


def values(row: Mapping[str, Any]) -> dict[str, Any]:
    """What holds secrets and an option of that row might be given, by form."""
    if row.get("type") == "dict" or "options" in row:
        return {form: make(KINDS) for form, make in FORMS.items()}
    texts = [value for name, value in KINDS.items() if name.startswith("entry_")]
    if row.get("no_log"):
        return {"secret": secret(0), "URL": texts[0]}
    if row.get("type") == "list":
        return {"list": texts, "text": ",".join(texts)}
    return {"URL": texts[0]} if row.get("type", "str") in ("str", "path", "raw") else {}


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What modules log."""
    logged: list[str] = []
    monkeypatch.setattr(basic, "has_journal", True)
    fake = SimpleNamespace(send=lambda **fields: logged.append(str(list(fields.values()))))
    monkeypatch.setattr(basic, "journal", fake, raising=False)
    return logged


def assert_hidden(told: Any, place: str) -> None:
    text = told if isinstance(told, str) else json.dumps(told, ensure_ascii=False)
    shown = sorted({text[at : at + 21] for at in range(len(text)) if text.startswith(MARK, at)})
    assert not shown, f"{place}: {shown}"


@pytest.mark.parametrize("module", MODULES)
def test_no_secret_of_a_task_is_shown(module: str, run: Run, run_in_worker: Run, logged: list[str]) -> None:
    tried = 0
    for option, row, put in places(argument_spec(module)):
        for form, value in values(row).items():
            place = f"{option} as {form}"
            for way in (run, run_in_worker):
                given = put(value)
                result = way(imported(module), given.pop("api_url", NOBODY), **given)
                assert result["failed"], place
                assert_hidden(result, place)
                assert_hidden("".join(logged), f"{place} in the log")
                tried += 1
            logged.clear()
    assert tried >= 10


def test_there_are_forty_kinds_of_secrets() -> None:
    assert len(KINDS) >= 40


def test_what_an_info_module_returns_is_shown_but_for_secrets(httpserver: HTTPServer, run: Run) -> None:
    """Even if the name of what it returns sounds like a secret."""
    rows = [
        {"credential_name": "c", "credential_info": {**KINDS, "owner": "ann"}, "credential_values": {"api_key": "sk"}}
    ]
    httpserver.expect_request("/credentials").respond_with_json({"success": True, "credentials": rows})
    result = run(imported("litellm_credential_info"), httpserver.url_for("").rstrip("/"))
    (shown,) = result["credentials"]
    assert shown["credential_name"] == "c" and shown["credential_info"]["owner"] == "ann"
    assert shown["credential_values"] == {"api_key": "********"}
    assert_hidden(result, "the result")
