# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pages about rotation: docs/rotate_keys.md and docs/secret_stores.md, as they are printed, on a real LiteLLM.

Time passes because the rows in the database become older.
"""

from __future__ import annotations

import re
import secrets
import shlex
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import yaml
from ansible_collections.litemaas.virtual_keys.tests.tooling.server import token_of

from ..conftest import ROOT
from ..stores import GitHub, GitLab, Kubernetes, Store, Vault

GUIDE = (ROOT / "docs" / "rotate_keys.md").read_text(encoding="utf-8")
STORES = (ROOT / "docs" / "secret_stores.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.DOTALL | re.MULTILINE)
ALIASES = ("nightly-tests", "nightly-report", "data-team")
EXAMPLES: dict[str, type[Store]] = {
    "rotate_vault_secret": Vault,
    "rotate_kubernetes_secret": Kubernetes,
    "rotate_github_secret": GitHub,
    "rotate_gitlab_variable": GitLab,
}
KEYS = '"LiteLLM_VerificationToken"'


def section(page: str, heading: str) -> list[tuple[str, str]]:
    """The blocks of a section, as language and text."""
    text = page.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    return BLOCK.findall(text)


def commands(blocks: list[tuple[str, str]]) -> list[list[str]]:
    """The arguments of each ansible-playbook."""
    lines = "".join(text for kind, text in blocks if kind == "bash").replace("\\\n", " ").splitlines()
    return [shlex.split(line)[1:] for line in lines if line.startswith("ansible-playbook ")]


def said(blocks: list[tuple[str, str]]) -> list[str]:
    return [text.strip() for kind, text in blocks if kind == "text"]


@pytest.fixture(autouse=True)
def _clean(sandbox) -> Iterator[None]:
    """Remove the keys that the pages speak of, before and after."""

    def remove() -> None:
        tokens = [row["token"] for alias in ALIASES for row in sandbox.keys(alias).values()]
        if tokens:
            sandbox.call("POST", "/key/delete", {"keys": tokens}).raise_for_status()

    remove()
    yield
    remove()


@pytest.fixture
def later(sandbox) -> Callable[..., None]:
    """Let time pass for the keys whose alias begins so."""

    def pass_by(alias: str, days: int) -> None:
        sandbox.execute(
            f"UPDATE {KEYS} SET created_at = created_at - make_interval(days => %s), "
            "updated_at = updated_at - make_interval(days => %s), expires = expires - make_interval(days => %s) "
            "WHERE starts_with(key_alias, %s)",
            *[days] * 3,
            alias,
        )

    return pass_by


def works(sandbox: Any, value: str) -> bool:
    return bool(sandbox.call("GET", "/v1/models", key=value).status_code == 200)


def test_a_key_for_a_pipeline(sandbox, play, tmp_path, later):
    blocks = section(GUIDE, "A key for a pipeline")
    (settings,) = [text for kind, text in blocks if kind == "yaml"]
    (command,) = commands(blocks)
    created, unchanged, reissued, updated = said(blocks)
    (tmp_path / "nightly-tests.yml").write_text(settings)

    def run(expected: str, *further: str) -> str:
        done = play(*command, *further, cwd=tmp_path)
        assert done.rc == 0 and expected in done.output, done.messages or done.output[-1000:]
        values = yaml.safe_load((tmp_path / "nightly-tests" / "values.yml").read_text())["litellm_vkey_values"]
        value = str(values["nightly-tests"])
        assert f"OPENAI_API_KEY={value}" in (tmp_path / "nightly-tests/env/nightly-tests.env").read_text()
        return value

    first = run(created)
    assert run(unchanged) == first
    later("nightly-tests", 29)
    assert run(unchanged) == first
    later("nightly-tests", 2)
    second = run(reissued)
    assert second != first and works(sandbox, first) and works(sandbox, second)
    assert run(unchanged) == second
    later("nightly-tests", 1)
    assert run(updated) == second and works(sandbox, second) and not works(sandbox, first)
    assert run(unchanged) == second and list(sandbox.keys("nightly-tests")) == ["nightly-tests"]

    later("nightly-tests", 30)
    third = run(reissued)
    (playbook,) = [
        text for kind, text in section(GUIDE, "How old values are, and what is in its grace") if kind == "yaml"
    ]
    (tmp_path / "ages.yml").write_text(playbook)
    shown = play("ages.yml", cwd=tmp_path)
    assert re.search(r"nightly-tests: 0 days old, old value works until \d{4}-", shown.output), shown.messages

    leaked = section(GUIDE, "If a value leaks")
    (command,) = commands(leaked)
    fourth = run(*said(leaked))
    assert [works(sandbox, value) for value in (first, second, third, fourth)] == [False, False, False, True]


def test_everybodys_keys(sandbox, play, tmp_path, later):
    blocks = section(GUIDE, "Everybody's keys of a workshop or a team")
    (settings,) = [text for kind, text in blocks if kind == "yaml"]
    (command,) = commands(blocks)
    (tmp_path / "data-team.yml").write_text(settings)

    def run(expected: str) -> dict[str, str]:
        done = play(*command, cwd=tmp_path)
        assert done.rc == 0 and expected in done.output, done.messages or done.output[-1000:]
        assert "retired" not in done.output.split("PLAY RECAP")[0].split("TASK [litemaas.virtual_keys.manage_keys")[-1]
        return dict(yaml.safe_load((tmp_path / "data-team" / "values.yml").read_text())["litellm_vkey_values"])

    first = run(*said(blocks))
    later("data-team-ann", 31)
    second = run("1 reissued, 1 unchanged")
    assert {alias for alias, value in first.items() if second[alias] != value} == {"data-team-ann"}
    assert all(works(sandbox, value) for value in (*first.values(), *second.values()))
    later("data-team-ann", 3)
    assert run("1 updated, 1 unchanged") == second

    # Nobody ran it for so long that the keys expired.
    later("data-team", 100)
    assert all(row["expires"] < row["created_at"] + timedelta(days=95) for row in sandbox.keys("data-team").values())
    third = run("2 reissued")
    assert all(works(sandbox, value) for value in third.values()) and not set(third.values()) & set(second.values())


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_play_for_a_secret_store(sandbox, play, later, name):
    (command,) = [one for one in commands(section(GUIDE, "In a pipeline without a disk")) if one[0].endswith(name)]
    seed = secrets.token_hex(32)
    with EXAMPLES[name]() as store:

        def run() -> int:
            env = {**store.environment, "LITELLM_KEY_SEED": seed}
            secret = (seed, *filter(None, [store.value("nightly-report")]))
            done = play(*command, *store.arguments, env=env, secret=secret)
            assert done.rc == 0, done.messages
            assert (
                token_of(store.value("nightly-report") or "")
                == sandbox.keys("nightly-report")["nightly-report"]["token"]
            )
            return int(done.changed)

        def quiet() -> None:
            before = store.writes
            with sandbox.writes() as written:
                assert run() == 0
            assert written == [] and store.writes == before

        assert run() > 1
        first = store.value("nightly-report")
        quiet()
        later("nightly-report", 31)
        before = store.writes
        checked = play(*command, *store.arguments, "--check", env={**store.environment, "LITELLM_KEY_SEED": seed})
        assert checked.rc == 0 and store.writes == before and store.value("nightly-report") == first
        assert run() > 1
        second = store.value("nightly-report")
        assert first != second and works(sandbox, str(first)) and works(sandbox, str(second))
        quiet()

        # What the store lost is written again, without a new value.
        store.lose("nightly-report")
        assert run() >= 1 and store.value("nightly-report") == second
        quiet()


def test_other_entries_of_a_secret_stay(sandbox, play):
    (command,) = [one for one in commands(section(GUIDE, "In a pipeline without a disk")) if "vault" in one[0]]
    with Vault() as store:
        store.secrets["nightly-report"], store.versions["nightly-report"] = {"OTHER": "sk", "N": 1}, 4
        env = {**store.environment, "LITELLM_KEY_SEED": secrets.token_hex(32)}
        assert play(*command, env=env).rc == 0
        written = store.secrets["nightly-report"] or {}
        assert written.keys() == {"OTHER", "N", "OPENAI_API_KEY"} and written["N"] == 1
    with Kubernetes() as store:
        (command,) = [one for one in commands(section(GUIDE, "In a pipeline without a disk")) if "kubernetes" in one[0]]
        store.secrets["nightly-report"] = {"OTHER": "c2s="}
        assert play(*command, env={**env, **store.environment}).rc == 0
        assert store.secrets["nightly-report"].keys() == {"OTHER", "OPENAI_API_KEY"}


def test_the_plays_of_the_page_about_stores(sandbox, play, tmp_path):
    # What others read from a store is tested with their collections.
    file, source = [text for kind, text in BLOCK.findall(STORES) if kind == "yaml"][:2]
    (tmp_path / "file.yml").write_text(file)
    (tmp_path / "source.yml").write_text(source)
    seed = secrets.token_hex(32)
    done = play("file.yml", cwd=tmp_path, env={"LITELLM_KEY_SEED": seed}, secret=(seed,))
    assert done.rc == 0, done.messages
    token = sandbox.keys("nightly-tests")["nightly-tests"]["token"]
    assert token_of((tmp_path / "openai-api-key").read_text()) == token
    with Vault() as store:
        store.secrets["litellm"] = {"master_key": sandbox.master_key, "key_seed": seed}
        store.versions["litellm"] = 1
        env = {**store.environment, "LITELLM_PROXY_API_KEY": ""}
        done = play("source.yml", cwd=tmp_path, env=env, secret=(seed,))
        assert done.rc == 0 and done.changed == 0, done.messages


def test_every_example_of_a_store_is_on_both_pages():
    names = {path.stem for path in (ROOT / "playbooks" / "examples").glob("rotate_*.yml")}
    assert names == set(EXAMPLES)
    for page in (GUIDE, STORES):
        assert [name for name in names if name not in page] == []
