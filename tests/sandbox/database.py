# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: litemaas.virtual_keys contributors

"""The sandbox's PostgreSQL server."""

import hashlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import install
import partial
from state import (
    INSTALL,
    SandboxError,
    die_with_parent,
    end_group,
    free_port,
    identify,
    lock,
    progress,
    remove_tree,
    wait_until,
)

USER = "sandbox"
DATABASE = "litellm"
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "dynamic_shared_memory_type": "mmap",
    "shared_buffers": "64MB",
    "max_connections": "100",
    "timezone": "UTC",
    # The data do not outlive the sandbox.
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
}


def url(port):
    """Return the URL of the database for LiteLLM and for tests."""
    return f"postgresql://{USER}:{USER}@127.0.0.1:{port}/{DATABASE}"


def _owner():
    """Return the arguments of Popen that run a program as the owner of the data: PostgreSQL refuses root."""
    if os.geteuid() != 0:
        return {}
    account = pwd.getpwnam("nobody")
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def _works(command):
    try:
        return subprocess.run(command, capture_output=True, check=False, cwd="/", **_owner()).returncode == 0
    except OSError:
        return False


def temporary_folder(folder):
    """Return the folder that takes the place of another one; always the same, so that it can be found and removed."""
    name = hashlib.sha256(str(folder).encode("utf-8")).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"litellm-sandbox-{name}"


class Server:
    """A PostgreSQL server with its data in one folder."""

    def __init__(self, folder, port, log):
        """Choose the places; nothing is started yet.

        folder is where the data goes; if the owner of the data cannot get there (root's home, say), it is a
        folder of the system's temporary folder instead.
        """
        self.port = port
        self.log = log
        self.process = None
        self.home = install.postgres_home()
        self.private = None
        folder.mkdir(parents=True, exist_ok=True)
        if _owner() and not (_works(["test", "-x", folder]) and _works([self.home / "bin" / "postgres", "--version"])):
            self._move_to(temporary_folder(folder))
            folder = self.private
        self.data = Path(folder) / "data"

    def _move_to(self, folder):
        remove_tree(folder)
        folder.mkdir(mode=0o700)
        folder.chmod(0o711)
        self.private = folder
        wheel = self.home.parent
        for part in (wheel / self.home.name, wheel.with_name(f"{wheel.name}.libs")):
            # The programs look for their libraries relative to themselves: keep the wheel's layout.
            shutil.copytree(part, self.private / part.relative_to(wheel.parent))
        for path in [self.private / wheel.name, *self.private.rglob("*")]:
            path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
        self.home = self.private / wheel.name / self.home.name

    def _program(self, name):
        return str(self.home / "bin" / name)

    def _run(self, command, **options):
        """Run one of PostgreSQL's programs to its end with its output in the log."""
        with open(self.log, "ab") as output:
            environment = {"PATH": os.defpath, "LC_ALL": "C", "PGTZ": "UTC"}
            return subprocess.run(
                command,
                stdout=output,
                stderr=output,
                cwd="/",
                env=environment,
                preexec_fn=die_with_parent(),
                check=False,
                **options,
            ).returncode

    def create(self):
        """Make an empty data folder and set the server up."""
        try:
            pwd.getpwuid(os.geteuid())
        except KeyError:
            raise SandboxError(f"PostgreSQL needs the user {os.geteuid()} to have a name on this system.") from None
        self._own(self.data.parent / "data", create=True)
        command = [self._program("initdb"), "-D", str(self.data), "-U", USER, "-A", "trust", "-E", "UTF8", "--locale=C"]
        if self._run([*command, "--no-sync"], **_owner()) != 0:
            raise SandboxError(f"The database cannot be created (log: {self.log})")

    def copy_from(self, template):
        """Take the data of another server that is stopped."""
        shutil.copytree(template, self.data)
        self._own(self.data)

    def _own(self, folder, create=False):
        if create:
            folder.mkdir(mode=0o700)
        owner = _owner()
        if owner:
            os.chown(folder, owner["user"], owner["group"])
            for path in folder.rglob("*"):
                os.chown(path, owner["user"], owner["group"])

    def start(self):
        """Start the server as a child of this process; it ends when this process does."""
        command = [self._program("postgres"), "-D", str(self.data), "-p", str(self.port)]
        for name, value in SETTINGS.items():
            command += ["-c", f"{name}={value}"]
        with open(self.log, "ab") as output:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd="/",
                env={"PATH": os.defpath, "LC_ALL": "C"},
                start_new_session=True,
                preexec_fn=die_with_parent(signal.SIGQUIT),  # noqa: PLW1509  no threads here
                **_owner(),
            )
        return identify(self.process.pid)

    def is_healthy(self):
        """Tell whether the server answers."""
        command = [self._program("pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port), "-U", USER]
        return subprocess.run(command, check=False, cwd="/", env={"PATH": os.defpath}).returncode == 0

    def wait_healthy(self, timeout=60):
        """Wait until the server answers; return whether it did."""
        return wait_until(lambda: self.process.poll() is not None or self.is_healthy(), timeout) and (
            self.process.poll() is None
        )

    def stop(self):
        """Stop the server and wait until it is gone."""
        if self.process is None:
            return
        identity = identify(self.process.pid)
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.send_signal(signal.SIGQUIT)
                try:
                    self.process.wait(5)
                except subprocess.TimeoutExpired:
                    self.process.kill()
        end_group(identity)
        self.process.wait()
        self.process = None

    def run_sql(self, text, database=DATABASE):
        """Run SQL statements; return whether all of them succeeded."""
        command = [self._program("psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", str(self.port)]
        return self._run([*command, "-U", USER, "-d", database], input=text.encode("utf-8")) == 0

    def remove(self):
        """Remove the data."""
        shutil.rmtree(self.data, ignore_errors=True)
        if self.private:
            shutil.rmtree(self.private, ignore_errors=True)


def template(version):
    """Return the data of a stopped server that holds the empty tables of this version of LiteLLM; made only once."""
    folder = INSTALL / f"database-{version}"
    data = folder / "data"
    stamp = folder / ".created"
    recipe = f"{install.POSTGRES} {install.venv(version)}"
    with lock(f"database-{version}", "Waiting for another start to create the database ..."):
        if stamp.exists() and stamp.read_text(encoding="utf-8") == recipe:
            return data
        progress(f"Creating the database of LiteLLM {version} (once) ...")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        server = Server(folder / "new", free_port(), INSTALL / f"database-{version}.log")
        server.log.unlink(missing_ok=True)
        try:
            server.create()
            server.start()
            if not server.wait_healthy():
                raise SandboxError(f"The database does not start (log: {server.log})")
            _migrate(server, version)
            server.stop()
            shutil.copytree(server.data, data)
        finally:
            server.stop()
            server.remove()
            shutil.rmtree(folder / "new", ignore_errors=True)
        stamp.write_text(recipe, encoding="utf-8")
    return data


def _migrate(server, version):
    """Create the tables of this version of LiteLLM."""
    packages = install.site_packages(version)
    extras = packages / "litellm_proxy_extras"
    if not server.run_sql(f'CREATE DATABASE "{DATABASE}";', database="postgres"):
        raise SandboxError(f"The database cannot be created (log: {server.log})")
    script = [
        f"\\echo {path.parent.name}\n{path.read_text(encoding='utf-8')}\n;\n"
        for path in sorted(extras.glob("migrations/*/migration.sql"))
    ]
    if not script:
        raise SandboxError(f"LiteLLM {version} has no migrations of its database in {extras}")
    # This adds nothing, unless the migrations are those of an older release.
    schemas = [path.read_text(encoding="utf-8") for path in (extras / "schema.prisma", partial.schema_file(packages))]
    script.append(partial.added_tables(*schemas))
    if not server.run_sql("SET client_min_messages = warning;\n" + "".join(script)):
        raise SandboxError(f"A migration of the database of LiteLLM {version} failed (log: {server.log})")
