# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One workshop: prepared, run while things go wrong, run once more at most, and then looked at on the server itself."""

from __future__ import annotations

import json
import re
import secrets
import subprocess
import sys
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import psutil
import yaml
from tooling.processes import kill
from tooling.server import token_of
from tooling.warm_start import WarmAnsible

from .outage import Outage
from .proxy import FaultProxy
from .schedule import Schedule
from .server import TESTS, Server

MODULE = "ansible_collections.litemaas.virtual_keys.plugins.modules.litellm_keys"
PLAYBOOKS = TESTS / "integration" / "playbooks"
KEY_VALUE = re.compile(r"sk-[A-Za-z0-9_-]{16,}")
SPEND = 1.25
LONGEST_RUN = 300


@dataclass(frozen=True)
class Run:
    """How a run of the module or the role ended.

    :param values: what it returned, by alias; None where it says that it does not know the value.
    :param failed: the aliases of which it says that they failed.
    """

    well: bool
    values: dict[str, str | None]
    failed: set[str]
    message: str
    leaks: list[str]
    seconds: float


@dataclass
class Result:
    """What came of a schedule: ``at once``, ``after a further run`` or ``failed``."""

    schedule: Schedule
    outcome: str = "failed"
    problems: list[str] = field(default_factory=list)
    faults: int = 0
    seconds: float = 0.0
    notes: list[str] = field(default_factory=list)


class Workshop:
    """The keys of one workshop, and the runs that manage them.

    :param folder: a private folder for this workshop.
    :param environment: in which the collection is found.
    :param ansible: runs the plays.
    """

    def __init__(
        self, server: Server, schedule: Schedule, folder: Path, environment: dict[str, str], ansible: WarmAnsible
    ) -> None:
        self._server = server
        self._schedule = schedule
        self._folder = folder
        self._environment = environment
        self._ansible = ansible
        self._alias = f"faults{schedule.seed}x{secrets.token_hex(3)}"
        self._seed = secrets.token_urlsafe(32)
        self._people = [f"user{number}" for number in range(1, schedule.people + 1)]
        self._known: dict[str, set[str]] = defaultdict(set)
        self._before: dict[str, dict[str, Any]] = {}
        self._values_file = folder / "values.yml"
        self._new_values: bool | None = schedule.journey == "reissue"
        self._processes: list[psutil.Process] = []

    def result(self, outage: Outage) -> Result:
        """Go through the whole story."""
        begun = time.monotonic()
        result = Result(self._schedule)
        try:
            with FaultProxy(self._server.api_url) as proxy:
                self._prepare(proxy)
                outage.wait_for_all()
                runs = self._run_with_faults(proxy, outage)
                outage.wait_for_all()
                outage.wait_until_over()
                proxy.end()
                result.faults = proxy.injected.total() or int(outage.begun)
                self._judge(result, runs, proxy)
        finally:
            self._server.remove(self._alias)
            result.seconds = time.monotonic() - begun
        return result

    # The story

    def _prepare(self, proxy: FaultProxy) -> None:
        """What stands there before: nothing for ``create``, some for ``update``, all for the others."""
        journey = self._schedule.journey
        count = {"create": 0, "update": len(self._people) - 2}.get(journey, len(self._people))
        if journey == "create" and self._schedule.kind in ("stale read", "mixed"):
            # So that an earlier read shows keys that are gone.
            self._expect_well(self._module(proxy.url, self._options(self._people, first=True)))
            self._expect_well(self._module(proxy.url, self._options(self._people, state="absent")))
        if count:
            run = self._module(proxy.url, self._options(self._people[:count], first=True))
            self._expect_well(run)
            self._learn(run)
        if self._schedule.by_age:
            self._server.age(self._alias, days=2)
        for row in self._server.rows(self._alias):
            self._server.post("/key/update", {"key": row["token"], "spend": SPEND})
        self._before = {row["key_alias"]: row for row in self._server.rows(self._alias)}

    def _run_with_faults(self, proxy: FaultProxy, outage: Outage) -> list[Run]:
        on_call = self._kill if self._schedule.kind == "kill" else outage.begin
        side_by_side = self._schedule.runs
        # Those that share a file go one after the other.
        proxy.begin(self._schedule.fault, on_call, 1 if self._schedule.values_file else side_by_side)
        with ThreadPoolExecutor(side_by_side) as pool:
            runs = list(pool.map(lambda number: self._run(proxy.url, number), range(side_by_side)))
        for run in runs:
            self._learn(run)
        return runs

    def _judge(self, result: Result, runs: list[Run], proxy: FaultProxy) -> None:
        result.problems = [leak for run in runs for leak in run.leaks]
        if len(runs) > 1:
            result.problems += [problem for run in runs for problem in self._dead(run)]
        well = all(run.well for run in runs)
        problems = self._problems(runs[-1].values if well and len(runs) == 1 else None)
        if well and not problems:
            result.outcome = "failed" if result.problems else "at once"
            return
        if well and self._schedule.kind not in ("stale read", "mixed"):
            result.problems += [f"said that all went well, but {problem}" for problem in problems]
        result.notes = [run.message for run in runs if not run.well] + problems
        # What a killed run made it did not tell of: unless the values are derived, the further run makes new ones.
        schedule = self._schedule
        mend = schedule.kind == "kill" and not schedule.derived and not schedule.values_file
        if mend:
            self._new_values = True
        elif schedule.values_file and self._new_values:
            self._new_values = None  # the further run replaces none: each key has its old value, or its new one
        further = self._run(proxy.url, 0, mend, last=True)
        self._learn(further)
        result.problems += further.leaks
        if not further.well:
            result.problems.append(f"the further run failed: {further.message}")
        result.problems += self._problems(further.values)
        result.outcome = "failed" if result.problems else "after a further run"

    def _dead(self, run: Run) -> list[str]:
        """Values that a run returned as good and that are not the key's."""
        tokens = {(row["key_alias"], row["token"]) for row in self._server.rows(self._alias)}
        good = {alias: value for alias, value in run.values.items() if value and alias not in run.failed}
        return [
            f"a run returned a value of {alias} that is dead"
            for alias, value in good.items()
            if (alias, token_of(value)) not in tokens
        ]

    def _problems(self, values: dict[str, str | None] | None) -> list[str]:
        """What is not as promised. ``values`` is what the last run returned, if it alone made the state."""
        rows: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for row in self._server.rows(self._alias):
            rows[row["key_alias"]].append(row)
        if self._schedule.journey == "absent":
            return [f"{alias} is still there" for alias in rows] + self._problems_of_file({})
        wanted = [f"{self._alias}-{person}" for person in self._people]
        problems = [f"{alias} is there, which nobody declared" for alias in rows.keys() - set(wanted)]
        for alias in wanted:
            found = rows[alias]
            if len(found) != 1:
                problems.append(f"{alias} is there {len(found)} times")
                continue
            value = next((one for one in self._known[alias] if token_of(one) == found[0]["token"]), None)
            if value is None:
                problems.append(f"nobody knows the value of {alias}")
            elif not self._server.accepts(value):
                problems.append(f"the value of {alias} does not let in")
            lasting = self._schedule.derived or self._schedule.values_file
            if values is not None and lasting and values.get(alias) != value:
                problems.append(f"the run did not return the value of {alias}")
            if values is not None and values.get(alias) not in (None, value):
                problems.append(f"the run returned a value of {alias} that is dead")
            problems += self._wrong_fields(alias, found[0])
        return problems if values is None else problems + self._problems_of_file(values)

    def _problems_of_file(self, values: dict[str, str | None]) -> list[str]:
        """Whether the values file has these values, and no others."""
        if not self._schedule.values_file or not self._values_file.exists():
            return []
        content = yaml.safe_load(self._values_file.read_text())
        problems = ["values are pending"] if content.get("litellm_vkey_values_pending") else []
        return problems + ([] if content["litellm_vkey_values"] == values else ["the file has other values"])

    def _wrong_fields(self, alias: str, row: dict[str, Any]) -> list[str]:
        wrong = []
        if row["max_budget"] != 20 or row["models"] != ["gpt-4"]:
            wrong.append(f"{alias} has max_budget {row['max_budget']} and models {row['models']}")
        before = self._before.get(alias)
        if before:
            if row["spend"] != SPEND:
                wrong.append(f"{alias} lost its spend")
            if abs(row["expires"] - before["expires"]) > timedelta(minutes=1):
                wrong.append(f"{alias} expires at another time")
            if self._new_values is (row["token"] == before["token"]):
                wrong.append(f"{alias} {'kept' if self._new_values else 'changed'} its value")
        return wrong

    def _learn(self, run: Run) -> None:
        for alias, value in run.values.items():
            if value:
                self._known[alias].add(value)

    @staticmethod
    def _expect_well(run: Run) -> None:
        if not run.well:
            raise RuntimeError(f"the preparation failed: {run.message}")

    # The runs

    def _options(
        self, people: list[str], first: bool = False, state: str = "", mend: bool = False, last: bool = False
    ) -> dict[str, Any]:
        """What is declared; ``mend`` reissues what a killed run made and did not tell of.

        With a values file, the ``last`` run replaces no value: it has to find the one that the key has.
        """
        schedule = self._schedule
        reissue = schedule.journey == "reissue" and not first
        options: dict[str, Any] = {"models": ["gpt-4"], "duration": "3d", "max_budget": 10 if first else 20}
        if schedule.soft_budget:
            options["soft_budget"] = 5
        if schedule.derived:
            options |= {"key_seed": self._seed, "key_version": 2 if reissue else 1}
        if schedule.values_file:
            options |= {"rotate_after": "1d"} if reissue and not last else {}
        elif reissue or mend:
            options["value_policy"] = "reissue"
        return {
            **({"values_file": str(self._values_file)} if schedule.values_file else {}),
            "state": state or ("absent" if schedule.journey == "absent" and not first else "present"),
            "defaults": options,
            "virtual_keys": [{"key_alias": f"{self._alias}-{person}"} for person in people],
        }

    def _run(self, url: str, number: int, mend: bool = False, last: bool = False) -> Run:
        options = self._options(self._people, mend=mend, last=last)
        return self._role(url, options, number) if self._schedule.role else self._module(url, options, number)

    def _module(self, url: str, options: dict[str, Any], number: int = 0) -> Run:
        connection = {"api_url": url, "api_key": self._server.master_key}
        if self._schedule.kind in ("timeout", "mixed"):
            connection["timeout"] = 3
        if self._schedule.values_file:
            return self._task({**connection, **options}, number)
        file = self._file(f"arguments{number}.json", {"ANSIBLE_MODULE_ARGS": {**connection, **options}})
        code, output, seconds = self._process([sys.executable, "-m", MODULE, str(file)])
        answer = {}
        with suppress(ValueError):
            answer = json.loads(next((line for line in output.splitlines() if line.startswith("{")), ""))
        reports = answer.get("virtual_keys", [])
        values = {report["key_alias"]: report["key"] for report in reports}
        for value in filter(None, values.values()):
            # Its one documented place.
            output = output.replace(json.dumps({"key": value})[1:-1], '"key": ""', 1)
        message = answer.get("msg") or (output[-600:] if code else "")
        failed = {report["key_alias"] for report in reports if report["error"]}
        return Run(code == 0, values, failed, message, self._leaks(output), seconds)

    def _task(self, arguments: dict[str, Any], number: int) -> Run:
        """The module as a task: only Ansible's own process has a values file."""
        code, output, seconds, answer = self._play("keys.yml", {"declared": arguments}, number)
        reports = answer.get("virtual_keys", [])
        values = {report["key_alias"]: report["key"] for report in reports}
        failed = {report["key_alias"] for report in reports if report["error"]}
        message = answer.get("msg") or (output[-600:] if code else "")
        return Run(code == 0, values, failed, message, self._leaks(output), seconds)

    def _play(self, playbook: str, variables: dict[str, Any], number: int) -> tuple[int, str, float, dict[str, Any]]:
        """How a play ended, what it printed, how long it took, and the result that it kept."""
        result = self._folder / f"result{number}.json"
        result.unlink(missing_ok=True)
        file = self._file(f"variables{number}.json", {**variables, "result": str(result)})
        begun = time.monotonic()
        arguments = ["-vvv", "--diff", str(PLAYBOOKS / playbook), "-e", f"@{file}"]
        play = self._ansible.start(arguments, self._environment, TESTS.parent, LONGEST_RUN)
        self._processes.append(psutil.Process(play.pid))
        done = play.wait()
        seconds = time.monotonic() - begun
        return (
            done.returncode,
            done.stdout + done.stderr,
            seconds,
            json.loads(result.read_text()) if result.exists() else {},
        )

    def _role(self, url: str, options: dict[str, Any], number: int) -> Run:
        key_options = dict(options["defaults"])
        variables = {
            "api_url": url,
            "master_key": self._server.master_key,
            "alias": self._alias,
            "users": self._people,
            "state": options["state"],
            "models": key_options.pop("models"),
            "max_budget": key_options.pop("max_budget"),
            "duration": key_options.pop("duration"),
            "key_seed": key_options.pop("key_seed", None),
            "key_version": key_options.pop("key_version", 1),
            "value_policy": key_options.pop("value_policy", None),
            "key_options": key_options,
            "values_file": options.get("values_file"),
            "batch_size": 5,
        }
        if self._schedule.kind in ("timeout", "mixed"):
            variables["api_timeout"] = 3
        given = {f"litellm_vkey_{name}": value for name, value in variables.items()}
        code, output, seconds, result = self._play("result.yml", given, number)
        users = result.get("users", [])
        message = "\n".join(re.findall(r"\[ERROR\]: (.*)", output)) or (output[-600:] if code else "")
        values = {user["alias"]: user["key"] for user in users}
        failed = {user["alias"] for user in users if user["error"]}
        return Run(code == 0, values, failed, message, self._leaks(output, role=True), seconds)

    def _process(self, command: list[str]) -> tuple[int, str, float]:
        begun = time.monotonic()
        process = subprocess.Popen(
            command,
            cwd=TESTS.parent,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self._processes.append(psutil.Process(process.pid))
        try:
            output = process.communicate(timeout=LONGEST_RUN)[0]
        except subprocess.TimeoutExpired:
            self._kill()
            output = process.communicate()[0] + b"\n(the run did not end)"
        return process.returncode, output.decode(errors="replace"), time.monotonic() - begun

    def _kill(self) -> None:
        """End what runs, at once, with all that it started."""
        for process in self._processes:
            kill(process)

    def _file(self, name: str, content: dict[str, Any]) -> Path:
        path = self._folder / name
        path.write_text(json.dumps(content))
        path.chmod(0o600)
        return path

    def _leaks(self, output: str, role: bool = False) -> list[str]:
        """Which secrets stand in an output, in words that show none."""
        leaks = [
            f"{what} is in the output of the {'role' if role else 'module'}"
            for what, secret in (("the master key", self._server.master_key), ("the seed", self._seed))
            if secret in output
        ]
        found = KEY_VALUE.findall(output)
        if found:
            leaks.append(f"{len(found)} key values are in the output of the {'role' if role else 'module'}")
        if "Traceback" in output:
            leaks.append("a traceback is in the output: " + output[output.index("Traceback") :][-400:])
        return leaks
