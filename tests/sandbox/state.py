# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: litemaas.virtual_keys contributors

"""Folders, state files, locks and processes of the sandbox."""

import contextlib
import ctypes
import fcntl
import json
import os
import random
import shutil
import signal
import socket
import time
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
BASE = FOLDER.parents[1] / ".build" / "sandbox"
INSTALL = BASE / "install"
RUN = BASE / "run"
LOCKS = BASE / "locks"

# Below the range from which the kernel takes the ports of outgoing connections (32768 and up): a port stays free
# while its server is stopped for a moment.
FREE_PORTS = range(20000, 32000)

PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None, use_errno=True)


class SandboxError(Exception):
    """Something the user has to know, in one sentence."""


def progress(text):
    """Say on stderr what is going on (stdout is for the JSON)."""
    import sys

    print(text, file=sys.stderr, flush=True)


def write_json(path, data):
    """Write a JSON file so that nobody ever reads half of it."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    temporary.write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")
    temporary.chmod(0o600)
    temporary.replace(path)


def read_json(path):
    """Return the content of a JSON file, None if there is none."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None


@contextlib.contextmanager
def lock(name, waiting):
    """Hold a lock that ends with this process; say `waiting` if another process has it."""
    LOCKS.mkdir(parents=True, exist_ok=True)
    with open(LOCKS / name, "a", encoding="utf-8") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress(waiting)
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def remove_tree(path):
    """Remove a folder that may not exist."""
    shutil.rmtree(path, ignore_errors=True)
    if path.exists():
        raise SandboxError(f"The folder {path} cannot be removed.")


def port_is_free(port):
    """Tell whether a server could listen on this port of 127.0.0.1."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except (OSError, OverflowError):
            return False
    return True


def free_port():
    """Return a port that nothing uses and no other sandbox has reserved."""
    reserved = set()
    for state in all_states():
        reserved.update((state.get("port"), state.get("database_port")))
    for port in random.sample(FREE_PORTS, len(FREE_PORTS)):
        if port not in reserved and port_is_free(port):
            return port
    raise SandboxError("No free port was found on 127.0.0.1.")


def state_dir(port):
    """Return the folder of the sandbox with this port."""
    return RUN / str(port)


def read_state(port):
    """Return what is written about the sandbox with this port, None if there is nothing."""
    return read_json(state_dir(port) / "state.json")


def all_states():
    """Return the states of all sandboxes, sorted by port."""
    ports = sorted(int(path.name) for path in RUN.glob("*") if path.name.isdigit())
    return [state for state in map(read_state, ports) if state]


def _stat(pid):
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    return text.rpartition(")")[2].split()


def identify(pid):
    """Return what tells a process from a later one with the same number."""
    fields = _stat(pid)
    return {"pid": pid, "start": int(fields[19])} if fields else None


def is_alive(process):
    """Tell whether the process that identify() described still runs."""
    if not process:
        return False
    fields = _stat(process["pid"])
    return bool(fields) and fields[0] != "Z" and int(fields[19]) == process["start"]


def group_members(process):
    """Return the running processes in the group that this process leads (it may have ended itself)."""
    if not process:
        return []
    members = []
    for path in Path("/proc").iterdir():
        if not path.name.isdigit():
            continue
        fields = _stat(path.name)
        # A number given anew to a later, foreign group: its leader has another start time.
        if fields and fields[0] != "Z" and int(fields[2]) == process["pid"] and int(fields[19]) >= process["start"]:
            members.append({"pid": int(path.name), "start": int(fields[19])})
    leader = _stat(process["pid"])
    if leader and int(leader[19]) != process["start"]:
        return []
    return members


def send(process, number):
    """Send a signal to a process if it is still the one that identify() described."""
    if is_alive(process):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(process["pid"], number)


def wait_until(condition, timeout, pause=0.05):
    """Wait until condition() is true; return whether it became so in time."""
    end = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(pause)
    return True


def end_group(process, number=signal.SIGTERM, patience=10):
    """End a process and all others of its group, at last by force, and wait until they are gone."""
    send(process, number)
    wait_until(lambda: not is_alive(process), patience)
    if not wait_until(lambda: not group_members(process), 2):
        for member in group_members(process):
            send(member, signal.SIGKILL)
        wait_until(lambda: not group_members(process), 5)


def die_with_parent(number=signal.SIGKILL):
    """Return a function for Popen(preexec_fn=...): the child gets this signal when its parent is gone."""
    parent = os.getpid()

    def set_signal():
        LIBC.prctl(PR_SET_PDEATHSIG, int(number), 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)

    return set_signal
