# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
"""
./tests/run [OPTIONS] [SESSION...] [-- ARGUMENTS]

Runs the sessions of noxfile.py: without a name all that test, in order, going on after a failure.
  ./tests/run                       every test session
  ./tests/run lint unit             only these
  ./tests/run unit -- -k alias      ARGUMENTS reach the session's own program
  ./tests/run demo                  the demo
  ./tests/run --list                what there is
What it needs is installed below .build on first use. OPTIONS are nox's own, written as --option=value.
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
    """Run nox, and end as it ended."""
    own, separator, passed = arguments, [], []
    if "--" in arguments:
        position = arguments.index("--")
        own, separator, passed = arguments[:position], ["--"], arguments[position + 1 :]
    options = [argument for argument in own if argument.startswith("-")]
    sessions = [argument for argument in own if not argument.startswith("-")]
    command = [PYTHON, "-m", "nox", "--noxfile", ROOT / "noxfile.py", "--report", REPORT, *options]
    command += ["--session", *sessions] if sessions else []
    command += [*separator, *passed]

    REPORT.unlink(missing_ok=True)
    started = time.monotonic()
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL) as process:
        # Ctrl-C reaches nox by itself; it stops its programs and its sandbox, and we wait for that.
        signal.signal(signal.SIGINT, lambda *_: None)
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: process.send_signal(signal.SIGTERM))
        code = process.wait()
    if REPORT.exists():
        summarize(time.monotonic() - started)
    elif code:
        print("tests/run: ended before the sessions were through", flush=True)
    # A process that a signal ended counts as failed.
    return code if code >= 0 else 128 - code


def summarize(seconds: float) -> None:
    """Print one line that says which sessions failed and which did not."""
    results: dict[str, list[str]] = {"passed": [], "skipped": [], "FAILED": []}
    for session in json.loads(REPORT.read_text())["sessions"]:
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
