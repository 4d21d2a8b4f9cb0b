# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
"""
The project's test sessions. Run them with ./tests/run, which installs nox. See CONTRIBUTING.md.

Each session has its own environment in .build/nox with the packages in tests/requirements. ANSIBLE_CORE, such as 2.21,
replaces the version of ansible-core there, in environments of its own.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import signal
import sys
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import nox

ROOT = Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT / "tests"))

from tooling import artifact, checkout, home, installation, sandbox, site  # noqa: E402

BUILD = checkout.BUILD
ANSIBLE_CORE = os.environ.get("ANSIBLE_CORE", "")
# The releases of LiteLLM of which docs/compatibility.md says how far they are tested, the newest last.
LITELLM_VERSIONS = ("1.83.14", "1.90.7", "1.98.1", "1.106.2", "1.110.2")

nox.options.default_venv_backend = "venv"
nox.options.envdir = str(BUILD / "nox" / ANSIBLE_CORE)
nox.options.reuse_venv = "yes"
# A log is read when something failed, and what passed would bury that: programs that print pages print them to somebody
# who watches, or when they fail.
BRIEF = not sys.stdout.isatty()

# nox ends sessions that run side by side within 2 seconds when it is interrupted, which is too short to stop a server.
no_server = partial(nox.session, allow_parallel=True, tags=["no_server"])


def interrupt(*_: object) -> None:
    """Handle a request to end like Ctrl-C, so that every session cleans up without being interrupted again."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise KeyboardInterrupt


signal.signal(signal.SIGTERM, interrupt)


def install(session: nox.Session, *names: str) -> None:
    """Install tests/requirements/NAME.txt, unless the environment already contains exactly these packages."""
    packages = [package for name in names for package in required(name)]
    wanted = hashlib.sha256("\n".join(packages).encode()).hexdigest()
    stamp = Path(session.virtualenv.location) / "requirements.sha256"
    if not (stamp.exists() and stamp.read_text() == wanted):
        session.install(*packages)
        stamp.write_text(wanted)


def required(name: str) -> list[str]:
    """The packages of tests/requirements/NAME.txt."""
    lines = (ROOT / "tests" / "requirements" / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    packages = [line for line in lines if line and not line.startswith("#")]
    if name == "ansible" and ANSIBLE_CORE:
        return [re.sub(r"(?<=^ansible-core==).*", f"{ANSIBLE_CORE}.*", package) for package in packages]
    return packages


def leave_home(session: nox.Session) -> None:
    """Set the home folder of the session's programs to a folder in .build, because some write caches and logs there."""
    folder = BUILD / "home" / session.name
    home.prepare(folder)
    session.env["HOME"] = str(folder)


def run_briefly(session: nox.Session, *command: str, env: dict[str, str] | None = None) -> None:
    """Run a program, and keep only the last line of what it prints in a log, unless it fails."""
    output = session.run(*command, env=env, silent=BRIEF)
    if isinstance(output, str) and output.strip():
        session.log(output.strip().splitlines()[-1])


def run_all(session: nox.Session, *commands: Sequence[str], env: dict[str, str] | None = None) -> None:
    """Run every command, and fail at the end if one of them failed."""
    failed = []
    for command in commands:
        try:
            session.run(*command, env=env)
        except nox.command.CommandFailed:
            failed.append(" ".join(command[:2]))
    if failed:
        session.error(f"failed: {', '.join(failed)}")


# It comes first because it takes longest of those that run side by side.
@no_server()
def sanity(session: nox.Session) -> None:
    """Run every test of "ansible-test sanity", without exceptions."""
    install(session, "ansible", "sanity")
    leave_home(session)
    # ansible-test requires the collection in a collections path and does not follow links.
    copy = BUILD / checkout.MEMBER
    checkout.copy(copy)
    if exceptions := list(copy.glob("tests/sanity/ignore*")):
        session.error(f"there are to be no exceptions, but there is {exceptions[0].relative_to(copy)}")
    path = os.pathsep.join([session.bin, *home.other_pythons(), os.environ["PATH"]])
    with session.chdir(copy):
        run_briefly(session, "ansible-test", "sanity", *session.posargs, env={"PATH": path})


@no_server()
def lint(session: nox.Session) -> None:
    """Check style, types, licenses, documentation, and changelog."""
    install(session, "ansible", "lint")
    leave_home(session)
    python = ("docs", "plugins", "tests", "noxfile.py")
    # mypy must find the plugins under the name that they use to import each other.
    with checkout.linked() as path:
        run_all(
            session,
            ("ruff", "check", *python),
            ("ruff", "format", "--check", *python),
            ("mypy", f"--config-file={ROOT / 'mypy.ini'}", str(path / checkout.MEMBER / "plugins")),
            ("yamllint", "--strict", "."),
            ("reuse", "lint"),
            ("antsibull-changelog", "lint"),
            (
                "antsibull-docs",
                "lint-collection-docs",
                "--plugin-docs",
                "--validate-collection-refs=self",
                "--disallow-unknown-collection-refs",
                ".",
            ),
            ("ansible-lint", "--profile", "production"),
            env={"MYPYPATH": str(path)},
        )


@no_server()
def docs(session: nox.Session) -> None:
    """Build the documentation site in .build/docs/html. A warning is an error."""
    install(session, "ansible", "docs")
    leave_home(session)
    source, generated = site.assemble()
    with checkout.linked() as path:
        command = ("antsibull-docs", "collection", "--use-current", "--squash-hierarchy", "--fail-on-error")
        paths = {"ANSIBLE_COLLECTIONS_PATH": str(path)}
        session.run(*command, "--dest-dir", str(generated), "litemaas.virtual_keys", env=paths, silent=True)
    builder = ("sphinx-build", "--quiet", "--fail-on-warning", "--builder", "html")
    session.run(*builder, "--conf-dir", str(site.CONFIGURATION), str(source), str(site.HTML))


@no_server()
def unit(session: nox.Session) -> None:
    """Run the unit tests, which do not need a server. Arguments are passed to pytest."""
    install(session, "ansible", "unit")
    run_briefly(session, "python", "-m", "pytest", "-n", "2", "--cov", *session.posargs)


@nox.session(default=False)
def new_object(session: nox.Session) -> None:
    """Write the files of a new API object: ./tests/run new_object NAME. See docs/adding_an_object.md."""
    install(session, "ansible", "unit")
    session.run("python", "tests/new_object", *session.posargs)


@nox.session(default=False)
def mutants(session: nox.Session) -> None:
    """Change the code in random places, and print what no unit test notices. Arguments: see tests/mutants."""
    install(session, "ansible", "unit", "mutants")
    session.run("python", "tests/mutants", *session.posargs)


@no_server()
def build(session: nox.Session) -> None:
    """Build the archive with the guides for Ansible's own builds, check it, and whether Galaxy would accept it."""
    install(session, "ansible", "build")
    leave_home(session)
    work = BUILD / "artifact"
    galaxy = ("ansible-galaxy", "collection")
    checkout.copy(work / "source")
    session.run("python", "-m", "tests.tooling.guides", str(work / "source"))
    versioned = checkout.files(work / "source")
    with session.chdir(work / "source"):
        session.run("antsibull-docs", "lint-collection-docs", ".")
    artifact.plant(work / "source")
    run_briefly(session, *galaxy, "build", "--force", "--output-path", str(work), str(work / "source"))
    archive = max(work.glob("*.tar.gz"), key=lambda file: file.stat().st_mtime)
    if faults := artifact.faults(archive, versioned):
        session.error("; ".join(faults))
    installed = str(work / "installed")
    run_briefly(session, *galaxy, "install", "--force", "--offline", "-p", installed, str(archive))
    run_briefly(session, *galaxy, "verify", "--offline", "-p", installed, "litemaas.virtual_keys")
    with session.chdir(work):
        run_briefly(session, "python", "-m", "galaxy_importer.main", str(archive))
    with tempfile.TemporaryDirectory() as folder:
        given = {**os.environ, **session.env, "PATH": os.pathsep.join((session.bin, os.environ["PATH"]))}
        environ = {name: value for name, value in given.items() if value is not None}
        if faults := installation.faults(archive, Path(folder), environ):
            session.error("; ".join(faults))


@nox.session(default=False)
def antsibull(session: nox.Session) -> None:
    """Run sessions of antsibull-nox, which many collections have, with antsibull-nox.toml."""
    install(session, "antsibull")
    leave_home(session)
    copy = BUILD / "antsibull"
    checkout.copy(copy)
    (copy / "noxfile.py").write_text(
        "import antsibull_nox\n\nantsibull_nox.load_antsibull_nox_toml()\n", encoding="utf-8"
    )
    with session.chdir(copy):
        session.run("nox", "--non-interactive", "--session", "docs-check", "extra-checks", *session.posargs)


def run_with_sandbox(
    session: nox.Session,
    *command: str,
    needs: Sequence[str] = ("ansible", "integration"),
    count: int = 1,
    versions: Sequence[str] = ("",),
    silent: bool = False,
) -> None:
    """Run a command with sandboxes. --litellm-version is for them; other arguments are passed to the command.

    There are as many as ``count`` says of each version, of which an empty one is the default version of the sandbox.
    """
    install(session, *needs)
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--litellm-version")
    known, rest = parser.parse_known_args(session.posargs)
    versions = [known.litellm_version] if known.litellm_version else versions
    options = [["--litellm-version", version] if version else [] for version in versions]
    try:
        with sandbox.running(*options * count) as states:
            session.run(*command, *rest, env={"SANDBOX_JSON": states}, external=True, silent=silent)
    except sandbox.SandboxFailed as error:
        session.error(str(error))


@nox.session
def integration(session: nox.Session) -> None:
    """Run the integration tests. --litellm-version sets the version; other arguments are passed to pytest."""
    pytest = ("python", "-m", "pytest", "-o", "testpaths=tests/integration", "-n", "auto")
    in_order = ("--dist", "loadfile", "--no-loadscope-reorder")
    # A process of tests and its LiteLLM keep less than one processor busy, because some tests wait.
    run_with_sandbox(session, *pytest, *in_order, count=min(1 + (os.cpu_count() or 2), 4))


@nox.session(default=False)
def browser(session: nox.Session) -> None:
    """Look at the documentation site, which the session docs has built, and at the pages of a workshop, in Chromium.

    Also accepts --litellm-version. Other arguments are passed to pytest.
    """
    pytest = ("python", "-m", "pytest", "-o", "testpaths=tests/site")
    run_with_sandbox(session, *pytest, needs=("ansible", "integration", "browser"))


@nox.session
def oldest(session: nox.Session) -> None:
    """Run a workshop with the oldest supported versions of Ansible and requests. Also accepts --litellm-version."""
    with checkout.linked() as path:
        session.env["ANSIBLE_COLLECTIONS_PATH"] = str(path)
        # This Ansible does not find an interpreter with a space in its path, and the path of a checkout can have one.
        (path / "venv").symlink_to(session.virtualenv.location)
        python = str(path / "venv" / "bin" / "python")
        command = (python, "-m", "ansible", "playbook", "tests/demo.yml")
        run_with_sandbox(session, *command, needs=["oldest"], silent=BRIEF)


@nox.session(default=False)
def ansible_test(session: nox.Session) -> None:
    """Run "ansible-test units" and "ansible-test integration" on the tests that belong there."""
    install(session, "ansible", "unit", "integration")
    leave_home(session)
    copy = BUILD / checkout.MEMBER
    checkout.copy(copy)
    # By itself, it would also use every other Python that there is, without the packages of this session.
    version = "import sys; print('%d.%d' % sys.version_info[:2])"
    python = str(session.run("python", "-c", version, silent=True, log=False))
    with session.chdir(copy), sandbox.running() as state:
        config = {f"litellm_{name}": json.loads(Path(state).read_text())[name] for name in ("api_url", "master_key")}
        # JSON is also YAML.
        (copy / "tests" / "integration" / "integration_config.yml").write_text(json.dumps(config))
        environment = {"PATH": os.pathsep.join((session.bin, os.environ["PATH"]))}
        run_all(
            session,
            ("ansible-test", "units", "--local", "--num-workers", "2", "--python", python.strip()),
            ("ansible-test", "integration", "--local", *session.posargs),
            env=environment,
        )


@nox.session(default=False)
def faults(session: nox.Session) -> None:
    """Test lost answers, crashes, and outages on a real LiteLLM. Arguments are passed to tests/faults."""
    run_with_sandbox(session, "python", "tests/faults")


@nox.session(default=False)
def routes(session: nox.Session) -> None:
    """Try what keys of each type can do on each supported LiteLLM. Arguments are passed to tests/routes."""
    run_with_sandbox(session, "python", "tests/routes", versions=LITELLM_VERSIONS)


@nox.session(default=False)
def recipes(session: nox.Session) -> None:
    """Run the plays of the guides that use other collections, on a real LiteLLM. Arguments are passed to pytest."""
    command = ("python", "-m", "pytest", "-o", "testpaths=tests/recipes")
    run_with_sandbox(session, *command, needs=("ansible", "recipes"))


@nox.session(default=False)
def awx(session: nox.Session) -> None:
    """Follow docs/awx.md on a real AWX, from its source in the folder AWX_SOURCE. Arguments are passed to pytest."""
    source = Path(os.environ.get("AWX_SOURCE") or ROOT).absolute()
    if not (source / "awx" / "main").is_dir():
        session.error("set AWX_SOURCE to the folder of: git clone --branch 24.6.1 https://github.com/ansible/awx")
    session.env["AWX_SOURCE"] = str(source)
    run_with_sandbox(session, "python", "-m", "pytest", "-o", "testpaths=tests/awx", needs=("ansible", "awx"))


@nox.session(default=False)
def bench(session: nox.Session) -> None:
    """Compare the speed of the role with the limit of the server. Needs an idle machine. Arguments: see tests/bench."""
    with checkout.linked() as path:
        session.env["ANSIBLE_COLLECTIONS_PATH"] = str(path)
        run_with_sandbox(session, "python", "tests/bench")


@nox.session(default=False)
def demo(session: nox.Session) -> None:
    """Demonstrate the collection on a real LiteLLM. Also accepts --litellm-version."""
    with checkout.linked() as path:
        session.env["ANSIBLE_COLLECTIONS_PATH"] = str(path)
        run_with_sandbox(session, "ansible-playbook", "tests/demo.yml")
