# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
"""
./tests/run [OPTIONS] [SESSION...] [-- ARGUMENTS]

Runs the sessions of noxfile.py: without a name all that test, going on after a failure. Those that start no server run
side by side.
  ./tests/run                       every test session
  ./tests/run lint unit             only these
  ./tests/run unit -- -k alias      ARGUMENTS reach the session's own program
  ./tests/run demo                  the demo
  ./tests/run new_object NAME       write the files of a new API object
  ./tests/run --list                what there is
What it needs is installed below .build on first use. OPTIONS are nox's own, written as --option=value; with one of
them, the sessions run in order.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / ".build"
TOOLS = BUILD / "tools"
PYTHON = TOOLS / "bin" / "python"
REQUIREMENTS = ROOT / "tests" / "requirements" / "tools.txt"
REPORT = BUILD / "report.json"
NOX = (PYTHON, "-m", "nox", "--noxfile", ROOT / "noxfile.py")


def prepare() -> None:
    """Make the environment that holds nox, unless it is there and still fits."""
    # Environments hold absolute paths, so a checkout that was moved needs new ones.
    fits = hashlib.sha256(f"{ROOT}\n{sys.version}\n{REQUIREMENTS.read_text()}".encode()).hexdigest()
    stamp = TOOLS / "stamp"
    BUILD.mkdir(exist_ok=True)
    with (BUILD / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if stamp.exists() and stamp.read_text() == fits:
            return
        try:
            import ensurepip
            import venv
        except ImportError:
            sys.exit("tests/run needs Python's venv module; Debian and Ubuntu have it in the package python3-venv.")
        del ensurepip
        for old in (TOOLS, BUILD / "nox", BUILD / "home"):
            shutil.rmtree(old, ignore_errors=True)
        venv.create(TOOLS, with_pip=True, symlinks=True)
        subprocess.run([PYTHON, "-m", "pip", "install", "--quiet", "--requirement", REQUIREMENTS], check=True)
        stamp.write_text(fits)


def run(arguments: list[str]) -> int:
    """Run sessions, and return 0 if all of them passed."""
    own, passed = arguments, []
    if "--" in arguments:
        position = arguments.index("--")
        own, passed = arguments[:position], arguments[position:]
    if own[:1] == ["new_object"]:
        own, passed = own[:1], ["--", *own[1:]]
    options = [argument for argument in own if argument.startswith("-")]
    sessions = [argument for argument in own if not argument.startswith("-")]
    begun = time.monotonic()
    results: list[dict[str, str]] = []
    codes = []
    for selection in [[*options, *selected(sessions)]] if options else side_by_side(sessions):
        code, reported = nox(*selection, *passed)
        codes.append(code)
        results += reported
        if not reported:
            # It was interrupted, or had nothing to run.
            break
    else:
        summarize(results, time.monotonic() - begun)
        return max(codes)
    if code:
        print("tests/run: ended before the sessions were through", flush=True)
    return code


def selected(sessions: list[str]) -> list[str]:
    return ["--session", *sessions] if sessions else []


def side_by_side(sessions: list[str]) -> list[list[str]]:
    """What to run, one after the other: first the sessions that can run side by side, if there are several."""
    asked = subprocess.run([*NOX, "--list", "--json", *selected(sessions)], cwd=ROOT, capture_output=True, check=False)
    # It says why when it runs.
    listed = [] if asked.returncode else json.loads(asked.stdout)
    beside = [session["name"] for session in listed if "no_server" in session["tags"]]
    if len(beside) < 2:
        return [selected(sessions)]
    others = [session["name"] for session in listed if session["name"] not in beside]
    return [["--parallel", "auto", *selected(beside)], *([selected(others)] if others else [])]


def nox(*arguments: str) -> tuple[int, list[dict[str, str]]]:
    """Run nox, and return how it ended and what it reports of each session."""
    REPORT.unlink(missing_ok=True)
    with subprocess.Popen([*NOX, "--report", REPORT, *arguments], cwd=ROOT, stdin=subprocess.DEVNULL) as process:
        # Ctrl-C reaches nox by itself; it stops its programs and its sandbox, and we wait for that.
        signal.signal(signal.SIGINT, lambda *_: None)
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: process.send_signal(signal.SIGTERM))
        code = process.wait()
    # A process that a signal ended counts as failed.
    return code if code >= 0 else 128 - code, json.loads(REPORT.read_text())["sessions"] if REPORT.exists() else []


def summarize(sessions: list[dict[str, str]], seconds: float) -> None:
    """Print one line that says which sessions failed and which did not."""
    results: dict[str, list[str]] = {"passed": [], "skipped": [], "FAILED": []}
    for session in sessions:
        results[{"success": "passed", "skipped": "skipped"}.get(session["result"], "FAILED")].append(session["name"])
    parts = [f"{result}: {', '.join(names)}" for result, names in results.items() if names]
    print(f"tests/run: {'; '.join(parts)} ({seconds:.0f} s)", flush=True)


def main() -> int:
    arguments = sys.argv[1:]
    if arguments[:1] in (["-h"], ["--help"]):
        print((__doc__ or "").strip())
        return 0
    try:
        prepare()
    except subprocess.CalledProcessError:
        sys.exit(f"tests/run could not install {REQUIREMENTS.relative_to(ROOT)}; pip says why above.")
    return run(arguments)


if __name__ == "__main__":
    sys.exit(main())
