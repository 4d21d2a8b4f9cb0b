# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets encrypted in the play itself, as most people keep them: they work everywhere, and nothing shows them.

ANSIBLE_PLAYBOOK names another ansible-playbook to run, such as that of the oldest Ansible.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from textwrap import indent

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tooling.warm_start import program

SEED = "a vaulted seed for tests, of 32 characters and more"
VALUE = "sk-a-value-that-stands-in-a-vault"
PROVIDER_KEY = "provider-key-that-stands-in-a-vault"

MODULES = """
- hosts: localhost
  gather_facts: false
  module_defaults:
    group/litemaas.virtual_keys.litellm:
      api_key: {master_key}
  vars:
    seed: {seed}
  environment: {environment}
  tasks:
    - name: A seed in the defaults, a value at one key
      litemaas.virtual_keys.litellm_keys:
        api_key: {master_key}
        virtual_keys: [{{ key_alias: {alias}-1 }}, {{ key_alias: {alias}-2, key_seed: "{{{{ seed }}}}" }}]
        defaults:
          key_seed: {seed}
      no_log: true

    - name: The same, shown
      litemaas.virtual_keys.litellm_keys:
        virtual_keys:
          - key_alias: {alias}-3
            key: {value}

    - name: One key
      litemaas.virtual_keys.litellm_key:
        key_alias: {alias}-4
        key: {value}-4

    - name: A credential
      litemaas.virtual_keys.litellm_credential:
        credential_name: {alias}-c
        credential_values:
          api_key: {provider_key}
          api_base: https://example.com

    - name: It goes again
      litemaas.virtual_keys.litellm_credential:
        credential_name: {alias}-c
        state: absent

    - name: Misspelled
      litemaas.virtual_keys.litellm_keys:
        virtual_keys:
          - key_alias: {alias}-5
            key_sede: {seed}
            key: {value}
      ignore_errors: true
"""
ROLE = """
- hosts: localhost
  gather_facts: false
  tasks:
    - ansible.builtin.include_role:
        name: litemaas.virtual_keys.manage_keys
      vars:
        litellm_vkey_master_key: {master_key}
        litellm_vkey_alias: {alias}
        litellm_vkey_models: [gpt-4]
        litellm_vkey_key_seed: {seed}
        litellm_vkey_multi_user: true
        litellm_vkey_users:
          - ann
          - user: bob
            max_budget: 3
"""
OTHER_ROLES = """
    - ansible.builtin.include_role:
        name: litemaas.virtual_keys.hand_out_keys
      vars:
        litellm_vkey_alias: {alias}
        litellm_vkey_output_dir: {folder}
    - ansible.builtin.include_role:
        name: litemaas.virtual_keys.report_usage
      vars:
        litellm_vkey_master_key: {master_key}
        litellm_vkey_alias: {alias}
        litellm_vkey_output_dir: {folder}
"""


@pytest.fixture
def vaulted(sandbox, play, tmp_path, alias):
    """Runs a playbook in which each secret is an inline vault, and holds that none of them is shown."""
    password = tmp_path / "password"
    password.write_text("of the vault")

    def inline(secret: str) -> str:
        command = [program("ansible-vault"), "encrypt_string", "--vault-password-file", password]
        done = subprocess.run([*command, "--stdin-name", "x"], input=secret, capture_output=True, text=True, check=True)
        text = done.stdout.partition("!vault |")[2].strip()
        return "!vault |\n" + indent("\n".join(line.strip() for line in text.splitlines()), " " * 16)

    def run(text: str, *further: str, reveals: bool = False, **others: str):
        secrets = {"master_key": sandbox.master_key, "seed": SEED, "value": VALUE, "provider_key": PROVIDER_KEY}
        # A key's value has to be another one for each key.
        parts = {name: inline(secret) for name, secret in secrets.items()}
        text = text.replace("{value}-4", inline(f"{VALUE}-4"))
        (tmp_path / "play.yml").write_text(text.format(alias=alias, **parts, **others))
        environment = {"LITELLM_PROXY_API_KEY": "", "LITELLM_MASTER_KEY": ""}
        arguments = (str(tmp_path / "play.yml"), "--vault-password-file", str(password))
        secret = (SEED, VALUE, PROVIDER_KEY, sandbox.master_key)
        return play(*arguments, *further, secret=secret, env=environment, reveals=reveals)

    return run


@pytest.mark.parametrize("environment", [{}, {"NEEDS": "a process"}], ids=["worker", "module"])
def test_modules(sandbox, vaulted, alias, environment):
    done = vaulted(MODULES, environment=json.dumps(environment))
    assert done.rc == 0, done.output[-3000:]
    assert "failed=0" in done.output and "ignored=1" in done.output and "key_sede" in done.output
    assert len(sandbox.keys(alias)) == 4
    assert bool("AnsiballZ_litellm" in done.output) is bool(environment)


def test_role(sandbox, vaulted, alias):
    for changed in (True, False):
        done = vaulted(ROLE)
        assert done.rc == 0, done.output[-3000:]
        assert bool(done.changed) is changed
    assert set(sandbox.keys(alias)) == {f"{alias}-ann", f"{alias}-bob"}


@pytest.mark.parametrize("no_log", [True, False])
def test_the_other_roles(sandbox, vaulted, alias, tmp_path, no_log):
    """With litellm_vkey_no_log set to false the values of keys are shown, but never what leads to them."""
    folder = tmp_path / "out"
    told = ("-e", json.dumps({"litellm_vkey_no_log": no_log, "litellm_vkey_api_url": sandbox.api_url}))
    done = vaulted(ROLE + OTHER_ROLES, *told, reveals=not no_log, folder=str(folder))
    assert done.rc == 0, done.output[-3000:]
    assert {"keys.csv", "usage.html"} <= {file.name for file in folder.iterdir()}
