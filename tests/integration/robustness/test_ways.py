# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every module in Ansible's own worker, and as a module where the task needs one: the same work, the same results.

ANSIBLE_PLAYBOOK names another ansible-playbook to run, such as that of the oldest Ansible.
"""

from __future__ import annotations

import getpass
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.litemaas.virtual_keys.tests.integration.ways import FEW, SECRETS, SEED, TASKS, Task, one, task

COLLECTION = "litemaas.virtual_keys"
BUILT = re.compile(r"AnsiballZ_litellm_\w+")
# What differs from run to run, in each the same way.
PASSING = (
    (re.compile(r"sk-\.\.\.\S{4}"), "sk-..."),
    (re.compile(r"sk-[A-Za-z0-9_-]{16,}"), "sk-value"),
    (re.compile(r"\b[0-9a-f]{64}\b"), "token"),
    (re.compile(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"), "id"),
    (re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+(Z|\+00:00)"), "time"),
)
# What Ansible itself adds to the one or the other.
OF_ANSIBLE = (
    "ansible_facts",
    "ansible_job_id",
    "deprecations",
    "exception",
    "failed_when_suppressed_exception",
    "finished",
    "results_file",
    "started",
    "stderr",
    "stderr_lines",
    "stdout",
    "stdout_lines",
)
Run = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def programs(tmp_path: Path) -> dict[str, str]:
    """An interpreter that is another one by its name, and a way to become the user that one is already."""
    scripts = {
        "python": f'exec "{sys.executable}" "$@"',
        "sudo": 'while [ "$1" != /bin/sh ]; do shift; done; exec "$@"',
    }
    for name, script in scripts.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / name).chmod(0o755)
    return {name: str(tmp_path / name) for name in scripts}


@pytest.fixture
def run_tasks(sandbox, play, tmp_path, programs) -> Run:
    """Runs tasks in one play, and returns what each of them registered, without what differs from run to run."""

    def run(tasks: list[Task], beginning: str, worker: bool, keywords: dict[str, Any], **plays: Any) -> Any:
        def named(value: Any) -> Any:
            return yaml.safe_load(yaml.safe_dump(value).replace("@", beginning))

        results = tmp_path / "result.json"
        steps = [
            {
                f"{COLLECTION}.{module}": named(args),
                "register": "done" if "until" in own else f"done_{number}",
                "ignore_errors": True,
                **keywords,
                **own,
            }
            for number, (module, args, own) in enumerate(tasks)
        ]
        names = ", ".join(f"done_{number}" for number, parts in enumerate(tasks) if "until" not in parts[2])
        steps.append(
            {
                "ansible.builtin.copy": {"content": f"{{{{ [{names}] | to_json }}}}", "dest": str(results)},
                "no_log": True,
                "delegate_to": "localhost",
                "run_once": True,
            }
        )
        written = tmp_path / "play.yml"
        defaults = {f"group/{COLLECTION}.litellm": {"timeout": 17}}
        whole = {"hosts": "localhost", "gather_facts": False, "module_defaults": defaults, "tasks": steps, **plays}
        written.write_text(yaml.safe_dump([whole], sort_keys=False))
        variables = {"api_key": sandbox.master_key, "ansible_async_dir": str(tmp_path / "async")}
        inventory = str(tmp_path / "hosts.yml")
        done = play(str(written), "-i", inventory, "-e", json.dumps(variables), secret=SECRETS, reveals=True)
        assert results.exists(), done.output[-3000:]
        assert bool(BUILT.search(done.output)) is not worker, "the tasks did not run where they should"
        assert "module_args" in done.output  # or nothing of this was shown
        assert '"timeout": 17' in done.output, "the defaults of the group did not count"
        return [_lasting(result, beginning) for result in json.loads(results.read_text())]

    hosts = {
        name: {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
        for name in ("h1", "h2", "h3", "elsewhere")
    }
    hosts["elsewhere"]["ansible_python_interpreter"] = programs["python"]
    (tmp_path / "hosts.yml").write_text(yaml.safe_dump({"all": {"hosts": hosts}}))
    return run


def _lasting(result: Any, beginning: str) -> Any:
    """A result without what differs from run to run, and what Ansible adds on the one way or the other."""

    def clean(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: clean(part) for name, part in value.items() if name not in OF_ANSIBLE}
        return [clean(part) for part in value] if isinstance(value, list) else value

    text = json.dumps(clean(result), sort_keys=True).replace(beginning, "@")
    for pattern, name in PASSING:
        text = pattern.sub(name, text)
    return json.loads(text)


def _compare(own: list[dict[str, Any]], other: list[dict[str, Any]], tasks: list[Task]) -> None:
    registered = [declared for declared in tasks if "until" not in declared[2]]
    for number, (left, right, declared) in enumerate(zip(own, other, registered, strict=True)):
        assert left == right, f"task {number}: {declared}"


@pytest.mark.long
def test_every_task_of_every_module(sandbox, alias, run_tasks):
    own = run_tasks(TASKS, f"{alias}-own", True, {})
    process = run_tasks(TASKS, f"{alias}-process", False, {"environment": {"NEEDS": "a process"}})
    _compare(own, process, TASKS)
    assert own[0]["changed"] and not own[1]["changed"]
    assert "diff" in own[4] and "diff" not in own[3]
    failed = [number for number, result in enumerate(own) if result.get("failed")]
    assert len(failed) > 20, failed
    assert not sandbox.keys(f"{alias}-own")


@pytest.mark.long
@pytest.mark.parametrize("way", ["become", "async", "interpreter", "delegate_to"])
def test_each_way_that_needs_a_process(alias, run_tasks, programs, way):
    keywords = {
        "become": {
            "become": True,
            "become_user": getpass.getuser(),
            "vars": {"ansible_become_exe": programs["sudo"], "ansible_become_password": "none"},
        },
        # Ansible runs nothing in the background by an interpreter whose path has a space.
        "async": {"async": 60, "poll": 1, "vars": {"ansible_python_interpreter": programs["python"]}},
        "interpreter": {"vars": {"ansible_python_interpreter": programs["python"]}},
        "delegate_to": {"delegate_to": "elsewhere"},
    }[way]
    # What Ansible runs in the background returns what the module says, without the sentences of the action.
    few = [one for one in FEW if (way, one[0]) != ("async", "litellm_platform")]
    own = run_tasks(few, f"{alias}-own", True, {})
    other = run_tasks(few, f"{alias}-{way}", False, keywords)
    _compare(own, other, few)


def test_many_hosts_at_once_and_one_for_all(sandbox, alias, run_tasks):
    tasks = [
        task("litellm_key", one("@-{{ inventory_hostname }}", key_seed=SEED)),
        task("litellm_key", one("@-for-all", key_seed=SEED), run_once=True),
        task("litellm_key_info", {"key_aliases": ["@-h1", "@-h2", "@-h3", "@-for-all"]}),
        task("litellm_keys", {"virtual_keys": [one("@-by-{{ inventory_hostname }}", key_seed=SEED)]}, delegate_to="h1"),
    ]
    made = run_tasks(tasks, alias, True, {}, hosts="h1,h2,h3")
    assert all(done["changed"] for done in (made[0], made[1], made[3]))
    assert set(sandbox.keys(alias)) == {
        f"{alias}-{name}" for name in ("h1", "h2", "h3", "for-all", "by-h1", "by-h2", "by-h3")
    }
    again = run_tasks(tasks, alias, False, {"environment": {"NEEDS": "a process"}}, hosts="h1,h2,h3")
    assert [done["changed"] for done in again] == [False] * 4


def test_progress_is_reported_by_the_control_node_itself(play, alias, tmp_path):
    keys = [{"key_alias": f"{alias}-{number}"} for number in (1, 2)]
    tasks = [{f"{COLLECTION}.litellm_keys": {"virtual_keys": keys, "progress_every": 1}, "no_log": True}]
    (tmp_path / "play.yml").write_text(yaml.safe_dump([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]))
    done = play(str(tmp_path / "play.yml"))
    assert done.rc == 0 and done.output.count("1 of 2 keys written") == 1
