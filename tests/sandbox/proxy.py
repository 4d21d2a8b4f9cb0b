# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: litemaas.virtual_keys contributors

"""The sandbox's LiteLLM proxy."""

import json
import os
import signal
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

import install
from state import FOLDER, SandboxError, die_with_parent, end_group, group_members, identify

MODELS = ("gpt-4", "gpt-4o-mini", "gpt-3.5-turbo", "claude-3-5-sonnet", "llama-3-70b")
GROUPED_MODELS = ("gpt-4o-mini", "llama-3-70b")
WILDCARDS = ("openai/*", "anthropic/*")
# A guardrail and a policy that cannot be changed.
OF_THE_FILE = "of-the-file"


def _model(name, provider_model):
    return {
        "model_name": name,
        "litellm_params": {
            "model": provider_model,
            "api_key": "sk-none",
            # Chat completions are answered with this text; no provider is asked.
            "mock_response": f"Hello from {name}",
        },
    }


def base_config(master_key, database_url):
    """Return the configuration of the proxy without the user's additions."""
    models = [_model(name, f"openai/{name}") for name in MODELS]
    for model in models:
        if model["model_name"] in GROUPED_MODELS:
            model["model_info"] = {"access_groups": ["workshop-models"]}
    return {
        "model_list": models + [_model(name, name) for name in WILDCARDS],
        "guardrails": [
            {
                "guardrail_name": OF_THE_FILE,
                "litellm_params": {"guardrail": "litellm_content_filter", "mode": "pre_call"},
            }
        ],
        "policies": {OF_THE_FILE: {"guardrails": {"add": [OF_THE_FILE]}}},
        "general_settings": {
            "master_key": master_key,
            "database_url": database_url,
            "store_model_in_db": True,
        },
    }


def write_config(path, version, base, extra):
    """Write config.yaml; extra is YAML text to merge in."""
    python = install.venv(version) / "bin" / "python"
    result = subprocess.run(
        [str(python), str(FOLDER / "merge_config.py")],
        input=json.dumps({"base": base, "extra": extra}),
        text=True,
        encoding="utf-8",
        capture_output=True,
        check=False,
    )
    if result.returncode != 0:
        reason = (result.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise SandboxError(f"The extra configuration cannot be used: {reason}")
    path.write_text(result.stdout, encoding="utf-8")
    path.chmod(0o600)


def clean_environment(version, home, salt_key, database_url, extra):
    """Return the proxy's environment: nothing of the caller's but what is needed, and the variables asked for."""
    path = [str(install.stub_folder()), str(install.venv(version) / "bin"), os.defpath]
    return {
        "PATH": os.pathsep.join(path),
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
        "PYTHONUTF8": "1",
        "NO_COLOR": "1",
        "DATABASE_URL": database_url,
        "STORE_MODEL_IN_DB": "True",
        "DISABLE_SCHEMA_UPDATE": "true",
        "LITELLM_SALT_KEY": salt_key,
        # Nothing is fetched from the network.
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "HF_HUB_OFFLINE": "1",
        **install.engine_environment(),
        **extra,
    }


class Proxy:
    """A LiteLLM proxy on one port."""

    def __init__(self, version, port, config, log, environment):
        """Remember how to start the proxy."""
        self.command = [
            str(install.venv(version) / "bin" / "python"),
            str(install.venv(version) / "bin" / "litellm"),
            *("--config", str(config), "--host", "127.0.0.1", "--port", str(port), "--telemetry", "False"),
        ]
        self.url = f"http://127.0.0.1:{port}"
        self.log = log
        self.environment = environment
        self.process = None

    def start(self):
        """Start the proxy as a child of this process; it ends when this process does."""
        with open(self.log, "ab") as output:
            self.process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=self.environment["HOME"],
                env=self.environment,
                start_new_session=True,
                preexec_fn=die_with_parent(),  # noqa: PLW1509  no threads here
            )
        return identify(self.process.pid)

    def stop(self):
        """Stop the proxy and its query engine and wait until they are gone."""
        if self.process is None:
            return
        identity = identify(self.process.pid)
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
        end_group(identity, patience=0)
        self.process.wait()
        self.process = None


def is_ready(url, timeout=5):
    """Tell whether the proxy at this URL answers and has its database."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"{url}/health/readiness", timeout=timeout) as response:
            return json.load(response).get("db") == "connected"
    except (OSError, ValueError, urllib.error.URLError):
        return False


def engines(pid):
    """Return the numbers of the query engine processes that this LiteLLM process has started."""
    found = []
    for member in group_members(identify(pid)):
        try:
            command = Path(f"/proc/{member['pid']}/cmdline").read_bytes()
        except OSError:
            continue
        if b"--enable-raw-queries" in command:
            found.append(member["pid"])
    return found
