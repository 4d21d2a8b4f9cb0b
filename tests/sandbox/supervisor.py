# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: litemaas.virtual_keys contributors

"""The process that owns the servers of one sandbox: it starts them, watches them and takes them down."""

import contextlib
import json
import os
import select
import shutil
import signal
import sys
import time
from pathlib import Path

import database
import proxy
from state import SandboxError, identify, read_json, write_json

# How often it is looked for LiteLLM's query engine, and how long LiteLLM may be without (it may start a new one).
ENGINE_PAUSE = 1
ENGINE_PATIENCE = 8


class Stopped(Exception):
    """The sandbox is to be taken down; the message says why if something went wrong."""


class Supervisor:
    """Runs one sandbox."""

    def __init__(self, folder, starter):
        """Read what to run.

        folder is the sandbox's folder under run/, starter the reading end of a pipe that the command `up` holds
        open until the sandbox is ready.
        """
        self.folder = folder
        self.starter = starter
        self.stop_asked = False
        self.plan = read_json(folder / "plan.json")
        self.state = dict(self.plan["state"], supervisor=identify(os.getpid()), pid=os.getpid(), ready=False)
        self.database = None
        self.proxy = None
        self.engine_seen = self.engine_checked = time.monotonic()

    def save(self, **changes):
        """Write the state for the other commands."""
        self.state.update(changes)
        write_json(self.folder / "state.json", self.state)

    def run(self):
        """Start everything, then do what is asked until the end."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self.ask_to_stop)
        reason = None
        try:
            self.save()
            self.start()
            while True:
                self.watch(0.2)
                self.serve_request()
        except Stopped as stop:
            reason = str(stop) or None
        except SandboxError as error:
            reason = str(error)
        finally:
            self.take_down(reason)
        return 1 if reason else 0

    def ask_to_stop(self, _number, _frame):
        """Note that the sandbox is to be stopped (a signal's handler)."""
        self.stop_asked = True

    def start(self):
        """Start PostgreSQL and LiteLLM and wait until they are ready."""
        plan = self.plan
        template = database.template(plan["version"])
        self.database = database.Server(self.folder / "postgres", plan["database_port"], self.folder / "postgres.log")
        self.database.copy_from(template)
        self.start_database()
        home = self.folder / "home"
        home.mkdir()
        environment = proxy.clean_environment(
            plan["version"], home, plan["salt_key"], self.state["database_url"], plan["environment"]
        )
        self.proxy = proxy.Proxy(
            plan["version"], plan["port"], self.folder / "config.yaml", self.folder / "litellm.log", environment
        )
        self.start_proxy(plan["timeout"])
        self.save(ready=True)
        if self.starter is not None:
            os.close(self.starter)
            self.starter = None

    def start_database(self):
        """Start PostgreSQL and wait until it answers."""
        self.save(postgres=self.database.start())
        if not self.database.wait_healthy():
            raise SandboxError(f"PostgreSQL did not start: {last_line(self.database.log)} (log: {self.database.log})")

    def start_proxy(self, timeout):
        """Start LiteLLM and wait until it is ready."""
        self.save(litellm=self.proxy.start())
        end = time.monotonic() + timeout
        while not proxy.is_ready(self.proxy.url):
            if self.proxy.process.poll() is not None:
                raise SandboxError(f"LiteLLM did not start: {last_line(self.proxy.log)} (log: {self.proxy.log})")
            if time.monotonic() > end:
                raise SandboxError(f"LiteLLM was not ready within {timeout:g} s (log: {self.proxy.log})")
            self.watch(0.2, expect=("PostgreSQL",))
        self.engine_seen = time.monotonic()

    def watch(self, seconds, expect=("PostgreSQL", "LiteLLM")):
        """Wait, and stop everything if a server has ended, if asked to, or if a waiting `up` is gone."""
        end = time.monotonic() + seconds
        while True:
            if self.stop_asked:
                raise Stopped
            servers = {"PostgreSQL": self.database, "LiteLLM": self.proxy}
            for name in expect:
                server = servers[name]
                if server.process.poll() is not None:
                    raise Stopped(f"{name} ended unexpectedly (log: {server.log})")
            if "LiteLLM" in expect:
                self.watch_engine()
            left = end - time.monotonic()
            if left <= 0:
                return
            if self.starter is None:
                time.sleep(min(left, 0.2))
            elif select.select([self.starter], [], [], min(left, 0.2))[0]:
                raise Stopped("The command that started the sandbox ended before it was ready.")

    def watch_engine(self):
        """LiteLLM cannot do without its query engine; newer versions replace a lost one, older ones never do."""
        now = time.monotonic()
        if now - self.engine_checked < ENGINE_PAUSE:
            return
        self.engine_checked = now
        if proxy.engines(self.proxy.process.pid):
            self.engine_seen = now
        elif now - self.engine_seen > ENGINE_PATIENCE:
            raise Stopped(f"LiteLLM's query engine ended unexpectedly (log: {self.proxy.log})")

    def serve_request(self):
        """Do what `restart` has asked for in a file, and answer in another one."""
        path = self.folder / "request.json"
        request = read_json(path)
        if request is None:
            return
        path.unlink()
        answer = {"id": request["id"], "error": None}
        try:
            self.restart(request["component"], request["outage"], request["timeout"])
        except SandboxError as error:
            answer["error"] = str(error)
            raise
        finally:
            write_json(self.folder / "answer.json", answer)

    def restart(self, component, outage, timeout):
        """Stop a server, wait, start it again."""
        if component == "database":
            self.save(postgres=None)
            self.database.stop()
            self.watch(outage, expect=("LiteLLM",))
            self.start_database()
            end = time.monotonic() + timeout
            while not proxy.is_ready(self.proxy.url):
                if time.monotonic() > end:
                    raise SandboxError(f"LiteLLM has not found its database again (log: {self.proxy.log})")
                self.watch(0.2)
        else:
            self.save(litellm=None)
            self.proxy.stop()
            self.watch(outage, expect=("PostgreSQL",))
            self.start_proxy(timeout)

    def take_down(self, reason):
        """Stop everything and remove the data; the logs stay."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        for server in (self.proxy, self.database):
            if server:
                server.stop()
        if self.database:
            self.database.remove()
        shutil.rmtree(self.folder / "home", ignore_errors=True)
        if reason:
            print(reason, file=sys.stderr, flush=True)
        if self.folder.exists():
            with contextlib.suppress(OSError):
                self.save(ready=False, ended=reason or "It was stopped.")


def last_line(log):
    """Return what a log says last, or where it says what is wrong."""
    try:
        text = log.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return "no log"
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    telling = [line for line in lines if "FATAL" in line or "Error" in line or "error" in line]
    return (telling or lines or ["no output"])[-1][:300]


def main(folder, starter):
    """Run the sandbox that plan.json in this folder describes."""
    try:
        return Supervisor(Path(folder), starter).run()
    except (OSError, json.JSONDecodeError) as error:
        print(f"The sandbox failed: {error}", file=sys.stderr, flush=True)
        return 1
