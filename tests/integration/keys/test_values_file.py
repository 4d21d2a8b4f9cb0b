# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values that are kept in a file: the same in every run, whatever happens to the run or to the file."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import stat
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from faults.proxy import FaultProxy
from faults.schedule import Fault
from tooling.processes import kill
from tooling.server import READING
from tooling.warm_start import WarmAnsible, program

PLAYBOOK = Path(__file__).parents[1] / "playbooks" / "keys.yml"
SEED = "a seed for tests only, of 32 characters and more"
PEOPLE = ("ann", "ben", "carl")


def token(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()


def works(sandbox: Any, value: str) -> bool:
    return sandbox.call("GET", "/v1/models", key=value).status_code == 200


@dataclass
class Done:
    """How a task ended."""

    play: Any
    returned: dict[str, Any]

    @property
    def ok(self) -> bool:
        return self.play.rc == 0

    @property
    def msg(self) -> str:
        return str(self.returned.get("msg"))

    @property
    def values(self) -> dict[str, str]:
        return {one["key_alias"]: one["key"] for one in self.returned["virtual_keys"]}

    @property
    def actions(self) -> set[str]:
        return {one["action"] for one in self.returned["virtual_keys"]}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    folder = tmp_path / "values"
    folder.mkdir()
    return folder / "values.yml"


@pytest.fixture
def declare(play, tmp_path, path, alias) -> Callable[..., Done]:
    """Declares keys by a task, which prints no value at -vvv."""
    count = iter(range(1000))

    def run(
        *arguments: str, people: tuple[str, ...] = PEOPLE, silent: bool = True, env: Any = None, **options: Any
    ) -> Done:
        number = next(count)
        result, variables = tmp_path / f"result{number}.json", tmp_path / f"variables{number}.json"
        keys = [{"key_alias": f"{alias}-{person}"} for person in people]
        declared = {"virtual_keys": keys, "values_file": str(path), **options}
        variables.write_text(json.dumps({"declared": declared, "silent": silent, "result": str(result)}))
        done = play(str(PLAYBOOK), "-e", f"@{variables}", *arguments, env=env)
        return Done(done, json.loads(result.read_text()) if result.exists() else {})

    return run


def password(tmp_path: Path, name: str = "right") -> str:
    file = tmp_path / name
    file.write_text(f"the {name} password")
    return str(file)


def state(path: Path) -> tuple[int, int, bytes]:
    found = path.stat()
    return (found.st_ino, found.st_mtime_ns, path.read_bytes())


def test_every_run_returns_the_same_values(sandbox, declare, path, alias):
    made = declare()
    assert made.ok and made.actions == {"create"}
    content = yaml.safe_load(path.read_text())
    assert content == {"litellm_vkey_values": made.values, "litellm_vkey_values_proxy": sandbox.api_url}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert {name: row["token"] for name, row in sandbox.keys(alias).items()} == {
        name: token(value) for name, value in made.values.items()
    }
    before = state(path)
    with sandbox.writes() as written:
        again = declare()
        checked = declare("--check")
    assert again.ok and again.values == checked.values == made.values and again.play.changed == 0
    assert written == [] and state(path) == before
    assert [one.name for one in path.parent.iterdir()] == [path.name]

    # One of them goes, and with it its entry; a check of that changes nothing.
    assert declare("--check", people=("ann",), state="absent").ok and state(path) == before
    assert declare(people=("ann",), state="absent").ok
    left = {name: value for name, value in made.values.items() if not name.endswith("ann")}
    assert yaml.safe_load(path.read_text())["litellm_vkey_values"] == left
    assert all(works(sandbox, value) for value in left.values())


@pytest.mark.parametrize(
    "how", [("--vault-password-file", "default"), ("--vault-id", "course")], ids=lambda one: one[1]
)
def test_encrypted(sandbox, declare, path, tmp_path, how):
    option, vault_id = how
    right, wrong = password(tmp_path), password(tmp_path, "wrong")
    prefix = "" if vault_id == "default" else f"{vault_id}@"
    unlock = ("--vault-id", f"other@{wrong}", option, f"{prefix}{right}")
    made = declare(*unlock, values_file_vault_id=vault_id)
    assert made.ok and path.read_bytes().startswith(b"$ANSIBLE_VAULT;") and b"sk-" not in path.read_bytes()
    before = state(path)
    assert declare(*unlock).values == made.values and state(path) == before

    for missing in ((), ("--vault-id", f"{vault_id}@{wrong}")):
        with sandbox.writes() as written:
            refused = declare(*missing, silent=False)
        assert not refused.ok and "Run again with the vault password that encrypted it." in refused.msg
        assert written == [] and state(path) == before

    # What people do to it by hand.
    vault = [str(program("ansible-vault"))]
    new = password(tmp_path, "new")
    command = [*vault, "rekey", "--vault-id", f"{vault_id}@{right}", "--new-vault-id", f"{vault_id}@{new}", str(path)]
    subprocess.run(command, check=True, capture_output=True)
    unlock = ("--vault-id", f"other@{wrong}", "--vault-id", f"{vault_id}@{new}")
    more = declare(*unlock, people=(*PEOPLE, "dan"))
    assert more.ok and {**more.values, **made.values} == more.values
    subprocess.run([*vault, "decrypt", "--vault-id", f"{vault_id}@{new}", str(path)], check=True, capture_output=True)
    assert yaml.safe_load(path.read_text())["litellm_vkey_values"] == more.values
    refused = declare(*unlock, people=(*PEOPLE, "dan"), silent=False, values_file_vault_id=vault_id)
    assert "is plain text" in refused.msg and "ansible-vault encrypt" in refused.msg


def damage(path: Path) -> str:
    path.write_text(path.read_text()[:-20])
    return "is damaged"


def open_to_others(path: Path) -> str:
    path.chmod(0o644)
    return f"Run: chmod 600 {path}"


def link(path: Path) -> str:
    path.rename(path.with_name("elsewhere.yml"))
    path.symlink_to("elsewhere.yml")
    return "is a symbolic link"


def of_another_proxy(path: Path) -> str:
    path.write_text(path.read_text().replace("127.0.0.1", "litellm.example.com"))
    return "contains the values of keys on http://litellm.example.com"


def without_its_folder(path: Path) -> str:
    path.parent.rename(path.parent.with_name("moved"))
    return "there is no folder"


@pytest.mark.parametrize("spoil", [damage, open_to_others, link, of_another_proxy, without_its_folder])
def test_a_file_that_cannot_be_used_is_left_alone(sandbox, declare, path, alias, spoil):
    assert declare(people=("ann",)).ok
    sentence = spoil(path)
    before, rows = (state(path) if path.exists() else None), sandbox.keys(alias)
    with sandbox.writes() as written:
        refused = declare(silent=False)
    assert not refused.ok and refused.msg.startswith("values_file: ") and sentence in refused.msg
    assert written == [] and sandbox.keys(alias) == rows
    assert (state(path) if path.exists() else None) == before


def test_full_disk(sandbox, declare, path, alias):
    """A limit of the size of files is met as a full disk is: by an error of the write."""
    made = declare(people=("ann",))
    before = state(path)
    folder = path.parent / "full"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4k", "none", str(folder)], check=False, capture_output=True)
    if not folder.is_mount():
        pytest.skip("needs the right to mount a file system")
    try:
        full = folder / "values.yml"
        full.write_bytes(path.read_bytes())
        full.chmod(0o600)
        people = tuple(f"user{number}" for number in range(200))  # more than a page of memory
        with sandbox.writes() as written:
            refused = declare(people=people, values_file=str(full), silent=False)
        assert not refused.ok and "cannot write" in refused.msg and "No space left on device" in refused.msg
        assert written == [] and set(sandbox.keys(alias)) == set(made.values)
        assert full.read_bytes() == path.read_bytes() and [one.name for one in folder.iterdir()] == ["values.yml"]
    finally:
        subprocess.run(["umount", str(folder)], check=True)
    assert state(path) == before


def test_runs_at_once(sandbox, declare, path, alias):
    everybody = [tuple(f"user{number}" for number in range(5 * run, 5 * run + 8)) for run in range(3)]
    with ThreadPoolExecutor(3) as pool:
        runs = list(pool.map(lambda people: declare(people=people), everybody))
    assert all(run.ok for run in runs)
    values = yaml.safe_load(path.read_text())["litellm_vkey_values"]
    for run in runs:
        assert run.values.items() <= values.items()
    assert {name: token(value) for name, value in values.items()} == {
        name: row["token"] for name, row in sandbox.keys(alias).items()
    }


PLACES = """
- hosts: {hosts}
  gather_facts: false
  become: {become}
  tasks:
    - name: One key
      litemaas.virtual_keys.litellm_key:
        key_alias: "{alias}-{{{{ inventory_hostname }}}}"
        values_file: {path}
      delegate_to: "{{{{ delegate | default(omit) }}}}"
      no_log: {no_log}
"""


def test_many_hosts_use_the_file_of_the_control_node(sandbox, play, tmp_path, path, alias):
    book = tmp_path / "places.yml"
    book.write_text(PLACES.format(hosts="all", become=False, alias=alias, path=path, no_log=True))
    hosts = ("-i", "one,two,three,", "-e", "delegate=localhost")
    assert play(str(book), *hosts).rc == 0
    values = yaml.safe_load(path.read_text())["litellm_vkey_values"]
    assert set(values) == {f"{alias}-{host}" for host in ("one", "two", "three")}
    before = state(path)
    done = play(str(book), *hosts)
    assert done.rc == 0 and done.changed == 0 and state(path) == before
    assert all(works(sandbox, value) for value in values.values())


def test_elsewhere_the_task_says_where_it_works(sandbox, play, tmp_path, path, alias):
    book = tmp_path / "places.yml"
    book.write_text(
        PLACES.format(hosts="localhost", become=False, alias=alias, path=path, no_log=False)
        + "      environment: {NEEDS: a process}\n"
    )
    with sandbox.writes() as written:
        done = play(str(book))
    assert done.rc != 0 and written == [] and not path.exists()
    assert "can be used only on the control node" in done.messages and "localhost, without become" in done.messages


def test_a_value_that_is_not_in_the_file(sandbox, declare, run_module, path, alias):
    old = run_module("litellm_key", key_alias=f"{alias}-ann").key
    kept = declare(silent=False, people=("ann",))
    assert kept.ok and kept.values == {f"{alias}-ann": None} and kept.returned["summary"]["unknown_value"] == 1
    assert any(f"{alias}-ann" in text and "value_policy: reissue" in text for text in kept.returned["warnings"])
    # With the file that is no reissue on each run.
    made = declare(defaults={"value_policy": "reissue"})
    assert made.ok and all(works(sandbox, value) for value in made.values.values()) and not works(sandbox, old)
    before = state(path)
    again = declare(defaults={"value_policy": "reissue"})
    assert again.play.changed == 0 and again.values == made.values and state(path) == before


def test_refused_keys_and_chosen_values(sandbox, declare, path, alias):
    refused = declare(people=("ann",), defaults={"max_budget": 1, "team_id": "no-such-team"})
    assert not refused.ok and not path.exists()  # refused before a value was chosen
    made = declare(people=("ann", "ben"), defaults={"key_seed": SEED})
    assert made.ok and yaml.safe_load(path.read_text())["litellm_vkey_values"] == made.values
    assert declare(people=("ann", "ben")).values == made.values  # the file has what the seed made
    with_spaces = f"sk-{alias} with spaces and ümläute: '#"
    keys = [{"key_alias": f"{alias}-odd", "key": with_spaces}]
    assert declare(virtual_keys=keys).ok
    assert declare(people=("odd",)).values == {f"{alias}-odd": with_spaces}


@pytest.fixture
def values_of_the_server(sandbox):
    """A proxy that forbids values chosen by clients, for as long as the test runs."""
    changed = sandbox.call("PATCH", "/update/ui_settings", {"disable_custom_api_keys": True})
    if changed.status_code == 404 or changed.json().get("settings", {}).get("disable_custom_api_keys") is not True:
        pytest.skip(f"LiteLLM {sandbox.litellm_version} cannot be told so while it runs")
    yield
    sandbox.call("PATCH", "/update/ui_settings", {"disable_custom_api_keys": False}).raise_for_status()


def test_values_that_the_server_chooses(sandbox, declare, path, alias, values_of_the_server):
    made = declare()
    content = yaml.safe_load(path.read_text())
    assert made.ok and content["litellm_vkey_values"] == made.values and len(content) == 2
    assert {row["token"] for row in sandbox.keys(alias).values()} == set(map(token, made.values.values()))
    assert declare().values == made.values


def test_a_leaked_value_never_comes_back(sandbox, declare, run_module, alias):
    """It was derived from a seed; one key is reissued; the next seeded runs have to leave its new value alone."""
    seeded = {"defaults": {"key_seed": SEED}, "values_file": None}
    leaked = declare(**seeded).values
    name = f"{alias}-ann"
    new = run_module("litellm_key", key_alias=name, value_policy="reissue", metadata={"a": 1}, metadata_mode="replace")
    assert new.action == "reissue" and not works(sandbox, leaked[name])
    rows = sandbox.keys(alias)

    for policy in ({}, {"value_policy": "reissue"}, {"value_policy": "fail"}):
        with sandbox.writes() as written:
            refused = declare(**{**seeded, "defaults": {"key_seed": SEED, **policy}}, silent=False)
        assert not refused.ok and f"{name}: the declared value was replaced earlier" in refused.msg
        assert "Set key_version: 2 with value_policy: reissue" in refused.msg
        assert written == [] and sandbox.keys(alias) == rows

    kept = declare(**{**seeded, "defaults": {"key_seed": SEED, "value_policy": "keep"}})
    assert kept.ok and kept.values == {**leaked, name: None} and works(sandbox, new.key)

    keys = [{"key_alias": f"{alias}-{person}"} for person in PEOPLE]
    keys[0] |= {"key_version": 2, "value_policy": "reissue"}
    advised = declare(**seeded, virtual_keys=keys)
    assert advised.ok and works(sandbox, advised.values[name])
    assert {**advised.values, name: leaked[name]} == leaked
    assert declare(**seeded, virtual_keys=keys).play.changed == 0
    refused = declare(**seeded, silent=False)
    assert "Set key_version: 2, whose value the key has." in refused.msg
    assert not works(sandbox, leaked[name]) and not works(sandbox, new.key)


class Killer:
    """Runs a task, and kills it with all that it started at the request of a given number."""

    def __init__(self, sandbox: Any, ansible: WarmAnsible, path: Path, tmp_path: Path, alias: str) -> None:
        self._sandbox, self._ansible, self._path, self._folder, self._alias = sandbox, ansible, path, tmp_path, alias
        self._process: psutil.Process | None = None
        self.requests: list[str] = []

    def run(self, victim: int | None = None, committed: bool = False, **options: Any) -> dict[str, str]:
        """The values that the task returned; none if it was killed."""
        result, variables = self._folder / "result.json", self._folder / "variables.json"
        result.unlink(missing_ok=True)
        self.requests = []

        def fault(call: str, _of_its_kind: int, number: int) -> Fault | None:
            self.requests.append(call)
            return Fault("kill", committed) if number == victim else None

        with FaultProxy(self._sandbox.api_url) as proxy:
            proxy.begin(fault, self._kill)
            declared = {"virtual_keys": [{"key_alias": self._alias}], "values_file": str(self._path), **options}
            declared["api_url"] = proxy.url
            self._move_file_to(proxy.url)  # each has a port of its own
            variables.write_text(json.dumps({"declared": declared, "result": str(result)}))
            environment = {**os.environ, "LITELLM_PROXY_API_KEY": self._sandbox.master_key}
            arguments = [str(PLAYBOOK), "-e", f"@{variables}"]
            play = self._ansible.start(arguments, environment, self._folder, timeout=120)
            self._process = psutil.Process(play.pid)
            play.wait()
        answer = json.loads(result.read_text()) if result.exists() else {"virtual_keys": []}
        assert victim is not None or not answer.get("failed"), answer.get("msg")
        return {one["key_alias"]: one["key"] for one in answer["virtual_keys"]}

    def _move_file_to(self, url: str) -> None:
        if self._path.exists():
            content = yaml.safe_load(self._path.read_text())
            self._path.write_text(yaml.safe_dump({**content, "litellm_vkey_values_proxy": url}))

    def _kill(self) -> None:
        if self._process:
            kill(self._process)


@pytest.mark.long
@pytest.mark.parametrize("journey", ["create", "reissue"])
def test_a_run_that_is_killed_at_any_request_loses_no_value(sandbox, warm_ansible, path, tmp_path, alias, journey):
    options = {"defaults": {"rotate_after": "1d"}} if journey == "reissue" else {}
    killer = Killer(sandbox, warm_ansible, path, tmp_path, alias)

    def prepare() -> None:
        path.unlink(missing_ok=True)
        for row in sandbox.keys(alias).values():
            sandbox.call("POST", "/key/delete", {"keys": [row["token"]]}).raise_for_status()
        if journey == "reissue":
            value = f"sk-{secrets.token_hex(16)}"
            sandbox.call("POST", "/key/generate", {"key_alias": alias, "key": value}).raise_for_status()
            sandbox.execute(
                """UPDATE "LiteLLM_VerificationToken" SET created_at = created_at - interval '2 days',
                   updated_at = updated_at - interval '2 days' WHERE key_alias = %s""",
                alias,
            )
            path.write_text(yaml.safe_dump({"litellm_vkey_values": {alias: value}}))
            path.chmod(0o600)

    prepare()
    killer.run(**options)
    requests = list(killer.requests)
    writes = [
        number for number, call in enumerate(requests) if not call.startswith("GET") and call.split()[1] not in READING
    ]
    # Before the first request, in each write, and when all is done but not yet returned.
    moments = [(0, False), *((number, carried_out) for number in writes for carried_out in (False, True))]
    for number, carried_out in [*moments, (len(requests) - 1, True)]:
        prepare()
        assert not killer.run(number, carried_out, **options), "the run was not killed"
        values = killer.run()
        where = f"killed at {requests[number]}, {'carried out' if carried_out else 'not carried out'}"
        rows = sandbox.keys(alias)
        assert list(rows) == list(values) == [alias], where
        assert rows[alias]["token"] == token(values[alias] or ""), where
        assert works(sandbox, values[alias]), where
        content = yaml.safe_load(path.read_text())
        assert content["litellm_vkey_values"] == values and "litellm_vkey_values_pending" not in content, where
