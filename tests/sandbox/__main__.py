# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: litemaas.virtual_keys contributors

"""A real LiteLLM proxy with a real PostgreSQL for tests: python3 tests/sandbox up|status|down|restart|install."""

import argparse
import hashlib
import json
import os
import secrets
import signal
import subprocess
import sys
import time
from pathlib import Path

import database
import install
import proxy
import state
import supervisor
from state import SandboxError, progress

DEFAULT_PORT = 4141
SHOWN = (
    "api_url",
    "master_key",
    "litellm_version",
    "database_url",
    "litellm_log",
    "postgres_log",
    "port",
    "pid",
    "state_dir",
)


def shown(data):
    """Return the part of a state that users of the sandbox need."""
    return {name: data.get(name) for name in SHOWN}


def is_running(data):
    """Tell whether the supervisor of this sandbox runs."""
    return bool(data) and state.is_alive(data.get("supervisor"))


def check_port(port, what):
    """Fail if a port cannot be used."""
    if not 1 <= port <= 65535:
        raise SandboxError(f"{port} is not a port number.")
    if not state.port_is_free(port):
        raise SandboxError(f"The {what}port {port} is already in use by another program.")


def read_extra(name):
    """Return the text of the file given with --config-extra."""
    if not name:
        return ""
    try:
        return sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SandboxError(f"The extra configuration {name} cannot be read: {error}") from error


def read_environment(pairs):
    """Return the variables given with --env NAME=VALUE."""
    variables = {}
    for pair in pairs:
        name, sign, value = pair.partition("=")
        if not (name and sign):
            raise SandboxError(f'--env needs NAME=VALUE, not "{name}".')
        variables[name] = value
    return variables


def digest(value):
    """Return a text that differs when the value does, and does not show it."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode("utf-8")).hexdigest()


def reuse(data, args, settings):
    """Return the state of a sandbox that runs already, once it is healthy; fail if it is not what was asked for."""
    port = data["port"]
    names = {"version": "version of LiteLLM", "extra": "extra configuration", "environment": "environment"}
    different = [names[name] for name in names if data["settings"][name] != settings[name]]
    if args.database_port not in (None, data["database_port"]):
        different.append("database port")
    if different:
        raise SandboxError(
            f"A sandbox runs on port {port} with another {' and another '.join(different)}"
            f" (LiteLLM {data['litellm_version']}): stop it first (down --port {port}) or use another port."
        )
    if not state.wait_until(lambda: not is_running(data) or proxy.is_ready(data["api_url"]), args.timeout, 0.2):
        raise SandboxError(f"The sandbox on port {port} runs but is not healthy (log: {data['litellm_log']}).")
    return data


def up(args):
    """Start a sandbox, or show the one that runs."""
    extra = read_extra(args.config_extra)
    variables = read_environment(args.env)
    settings = {"version": args.litellm_version, "extra": digest(extra), "environment": digest(variables)}
    port = args.port or state.free_port()
    with state.lock(f"port-{port}", f"Waiting for another command for port {port} ..."):
        data = state.read_state(port)
        if is_running(data):
            print(json.dumps(shown(reuse(data, args, settings)), indent=2))
            return 0
        clean(port)
        check_port(port, "")
        install.install(args.litellm_version)
        database_port = args.database_port or state.free_port()
        check_port(port, "")
        check_port(database_port, "database ")
        prepare(port, database_port, args, extra, variables, settings)
        data = launch(port, args.timeout)
        print(json.dumps(shown(data), indent=2))
    return 0


def prepare(port, database_port, args, extra, variables, settings):
    """Write what the supervisor needs into the sandbox's folder."""
    folder = state.state_dir(port)
    folder.mkdir(parents=True)
    master_key = f"sk-sandbox-{secrets.token_urlsafe(18)}"
    database_url = database.url(database_port)
    data = {
        "api_url": f"http://127.0.0.1:{port}",
        "master_key": master_key,
        "litellm_version": args.litellm_version,
        "database_url": database_url,
        "litellm_log": str(folder / "litellm.log"),
        "postgres_log": str(folder / "postgres.log"),
        "port": port,
        "database_port": database_port,
        "state_dir": str(folder),
        "settings": settings,
    }
    try:
        base = proxy.base_config(master_key, database_url)
        proxy.write_config(folder / "config.yaml", args.litellm_version, base, extra)
    except SandboxError:
        state.remove_tree(folder)
        raise
    plan = {
        "version": args.litellm_version,
        "port": port,
        "database_port": database_port,
        "salt_key": f"sk-{secrets.token_urlsafe(18)}",
        "environment": variables,
        "timeout": args.timeout,
        "state": data,
    }
    state.write_json(folder / "plan.json", plan)


def launch(port, timeout):
    """Start the supervisor and wait until the sandbox is ready."""
    folder = state.state_dir(port)
    progress(f"Starting the sandbox on port {port} ...")
    reading, writing = os.pipe()
    log = folder / "supervisor.log"
    with open(log, "ab") as output:
        process = subprocess.Popen(
            [sys.executable, str(state.FOLDER), "supervise", str(folder), str(reading)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd="/",
            start_new_session=True,
            pass_fds=[reading],
        )
    os.close(reading)
    end = time.monotonic() + timeout + 120
    try:
        while True:
            data = state.read_state(port) or {}
            if data.get("ready"):
                return data
            if process.poll() is not None:
                data = state.read_state(port) or {}
                raise SandboxError(data.get("ended") or f"The sandbox failed (log: {log})")
            if time.monotonic() > end:
                raise SandboxError(f"The sandbox did not start in time (log: {log})")
            time.sleep(0.1)
    finally:
        # A supervisor that is not ready yet takes this as its end.
        os.close(writing)


def clean(port):
    """Remove what a sandbox that does not run any more has left."""
    data = state.read_state(port) or {}
    for name in ("litellm", "postgres"):
        if state.group_members(data.get(name)):
            state.end_group(data[name], signal.SIGINT if name == "postgres" else signal.SIGTERM)
    folder = state.state_dir(port)
    state.remove_tree(database.temporary_folder(folder / "postgres"))
    state.remove_tree(folder)


def examine(data):
    """Return the state of a sandbox with what is alive and healthy."""
    supervised = is_running(data)
    litellm = state.is_alive(data.get("litellm"))
    postgres = state.is_alive(data.get("postgres"))
    ready = litellm and proxy.is_ready(data["api_url"])
    answers = postgres and not state.port_is_free(data["database_port"])
    result = shown(data)
    result["running"] = bool(supervised and ready and answers)
    result["processes"] = {
        "supervisor": {"pid": data.get("pid"), "alive": supervised},
        "litellm": {"pid": (data.get("litellm") or {}).get("pid"), "alive": litellm, "healthy": bool(ready)},
        "postgres": {"pid": (data.get("postgres") or {}).get("pid"), "alive": postgres, "healthy": bool(answers)},
    }
    if not supervised and data.get("ended"):
        result["reason"] = data["ended"]
    return result


def status(args):
    """Show one sandbox or all."""
    if args.port is None:
        found = [examine(data) for data in state.all_states()]
        print(json.dumps(found, indent=2))
        return 0 if all(item["running"] for item in found) else 3
    data = state.read_state(args.port)
    result = examine(data) if data else {"port": args.port, "running": False}
    print(json.dumps(result, indent=2))
    return 0 if result["running"] else 3


def down(args):
    """Stop sandboxes and remove their state."""
    if args.all:
        ports = sorted(int(path.name) for path in state.RUN.glob("*") if path.name.isdigit())
    else:
        ports = [DEFAULT_PORT if args.port is None else args.port]
    for port in ports:
        stop(port)
        with state.lock(f"port-{port}", f"Waiting for another command for port {port} ..."):
            stop(port)
            clean(port)
    return 0


def stop(port):
    """End the supervisor of a sandbox; it takes the servers down with it."""
    data = state.read_state(port)
    if not is_running(data):
        return
    progress(f"Stopping the sandbox on port {port} ...")
    state.send(data["supervisor"], signal.SIGTERM)
    if not state.wait_until(lambda: not is_running(data), 60):
        state.send(data["supervisor"], signal.SIGKILL)
        state.wait_until(lambda: not is_running(data), 5)


def restart(args):
    """Stop a server of a sandbox, wait, and start it again."""
    port = DEFAULT_PORT if args.port is None else args.port
    with state.lock(f"port-{port}", f"Waiting for another command for port {port} ..."):
        data = state.read_state(port)
        if not is_running(data):
            raise SandboxError(f"No sandbox runs on port {port}.")
        folder = state.state_dir(port)
        request = {
            "id": secrets.token_hex(8),
            "component": args.component,
            "outage": args.outage,
            "timeout": args.timeout,
        }
        state.write_json(folder / "request.json", request)

        def answer():
            found = state.read_json(folder / "answer.json")
            return found if found and found["id"] == request["id"] else None

        state.wait_until(lambda: answer() or not is_running(data), args.outage + args.timeout + 60, 0.1)
        result = answer()
        if result is None:
            reason = (state.read_state(port) or {}).get("ended", "it did not answer")
            raise SandboxError(f"The sandbox on port {port} could not restart its {args.component}: {reason}")
        if result["error"]:
            raise SandboxError(result["error"])
    return 0


def install_only(args):
    """Install without starting anything."""
    install.install(args.litellm_version)
    return 0


def supervise(args):
    """Run the servers of one sandbox; used by up only."""
    return supervisor.main(args.folder, args.pipe)


def parse(argv):
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python3 tests/sandbox", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="up|status|down|restart|install")

    command = commands.add_parser("up", help=up.__doc__)
    command.add_argument("--litellm-version", default=install.DEFAULT_LITELLM)
    command.add_argument("--port", type=int, default=DEFAULT_PORT, help="0 takes a free one")
    command.add_argument("--database-port", type=int, help="a free one if not given")
    command.add_argument("--config-extra", metavar="FILE", help="YAML to merge into config.yaml, - for stdin")
    command.add_argument("--env", metavar="NAME=VALUE", action="append", default=[], help="a variable for LiteLLM")
    command.add_argument("--timeout", type=float, default=120, help="seconds for LiteLLM to become ready")
    command.set_defaults(run=up)

    command = commands.add_parser("status", help=status.__doc__)
    command.add_argument("--port", type=int)
    command.set_defaults(run=status)

    command = commands.add_parser("down", help=down.__doc__)
    command.add_argument("--port", type=int)
    command.add_argument("--all", action="store_true")
    command.set_defaults(run=down)

    command = commands.add_parser("restart", help=restart.__doc__)
    command.add_argument("component", choices=["litellm", "database"])
    command.add_argument("--port", type=int)
    command.add_argument("--outage", type=float, default=0, help="seconds without the server")
    command.add_argument("--timeout", type=float, default=120, help="seconds to become healthy again")
    command.set_defaults(run=restart)

    command = commands.add_parser("install", help=install_only.__doc__)
    command.add_argument("--litellm-version", default=install.DEFAULT_LITELLM)
    command.set_defaults(run=install_only)

    command = commands.add_parser("supervise")
    command.add_argument("folder")
    command.add_argument("pipe", type=int)
    command.set_defaults(run=supervise)
    return parser.parse_args(argv)


def main():
    """Run a command and return its exit code."""
    args = parse(sys.argv[1:])
    if not sys.platform.startswith("linux"):
        print("The sandbox needs Linux.", file=sys.stderr)
        return 1
    try:
        return args.run(args)
    except SandboxError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
