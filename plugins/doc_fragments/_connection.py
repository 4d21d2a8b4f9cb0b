# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The connection options, which all modules share, and the main tasks of roles.

Private: only for use inside this collection.
"""

from __future__ import annotations

import re

import yaml

# What the main tasks of roles have for options of modules: other names, and other defaults.
NAMES = {"api_key": "master_key", "validate_certs": "verify_ssl", "timeout": "api_timeout", "retries": "retry_count"}
DEFAULTS = {"retry_count": 8}
OF_ROLES = """
options:
  variables:
    description:
      - The prefix of variables of the play. Each variable with this prefix whose name without it is an option of this
        module sets the option, unless the variable is empty. The roles of this collection use V(litellm_vkey_).
    type: str
  retry_delay:
    description: Accepted for existing playbooks. The delay between retries increases automatically.
    type: raw
    default: 2
notes:
  - All options can be text, as in C(-e) and in AWX surveys. An empty answer means that the option is not set.
"""


def _of_roles(text: str) -> str:
    """Return the connection options as the main tasks of roles have them."""
    for name, of_role in NAMES.items():
        text = re.sub(rf"\bO\({name}\)", f"O({of_role})", text)
    fragment, own = yaml.safe_load(text), yaml.safe_load(OF_ROLES)
    options = dict(own["options"])
    for name, option in fragment["options"].items():
        options[NAMES.get(name, name)] = {part: value for part, value in option.items() if part != "aliases"}
    for name, of_role in NAMES.items():
        options[of_role]["aliases"] = [name]
    for name, default in DEFAULTS.items():
        options[name]["default"] = default
    return str(yaml.safe_dump({**own, "options": options, "requirements": fragment["requirements"]}, sort_keys=False))


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  api_url:
    description:
      - The URL of the LiteLLM proxy, such as V(https://litellm.example.com).
      - It can contain a path, a trailing slash, and a trailing C(/v1).
      - If it is not set, the environment variable E(LITELLM_PROXY_URL) is used, then E(LITELLM_API_URL). One of them is
        required.
    type: str
  api_key:
    description:
      - The master key of the proxy, or the key of a proxy admin.
      - If it is not set, the environment variable E(LITELLM_PROXY_API_KEY) is used, then E(LITELLM_MASTER_KEY). One of
        them is required.
      - The task issues a warning if the key is sent to another machine or to a web proxy over plain C(http).
    type: str
    aliases:
      - master_key
  validate_certs:
    description:
      - Whether to verify the TLS certificate of the proxy. For a private CA, use O(ca_path) instead of turning this
        off, which the task warns of.
    type: bool
    default: true
  ca_path:
    description:
      - The path to a file or a folder with the CA certificates to trust, in PEM format.
      - If it is not set, the environment variable E(REQUESTS_CA_BUNDLE) is used, then E(CURL_CA_BUNDLE),
        then the certificates that the Python library requests includes.
    type: path
  client_cert:
    description:
      - The path to a client certificate in PEM format, for a proxy that requires one. The file can also contain the
        private key.
    type: path
  client_key:
    description:
      - The path to the private key of O(client_cert), if it is in a separate file. It must not be encrypted.
    type: path
  timeout:
    description:
      - The time limit for one request, in seconds. It must be between 1 and 86400 (one day).
    type: int
    default: 30
  retries:
    description:
      - The number of times to retry a request if the proxy cannot be reached, is busy (HTTP 429, 502, 503, 504),
        or has lost its database. V(0) disables retries.
      - The delay between retries increases to 10 seconds, or to 60 seconds if the proxy asks for it with
        C(Retry-After). Five retries take about 20 seconds, and three about 5.
      - A proxy that has not answered any request of the run may not be there at all. The task gives up after about 7
        seconds in this case, or after 10 seconds if something accepts the connection and does not answer.
      - Before the task retries the creation of a key, it checks whether the key was created.
    type: int
    default: 5
  changed_by:
    description:
      - The person on whose behalf the task runs, such as V(jane@example.com). It is sent in the header
        C(litellm-changed-by), which LiteLLM writes to its audit log (Enterprise). A header can carry only the characters
        of western European languages.
    type: str
requirements:
  - requests >= 2.28 (Python library, on the host that runs the task)
notes:
  - 'Environment variables and paths are those of the host that runs the task. To use those of the C(ansible-playbook)
    command, run the task on the control node, with C(hosts: localhost) or C(delegate_to: localhost).'
  - Do not store the master key in plain text. Set it in the environment, in a variable encrypted with Ansible Vault, or
    in an AWX custom credential type that sets E(LITELLM_PROXY_API_KEY). Do not pass it on the command line with
    C(-e), where other users can see it.
  - The environment variables E(HTTPS_PROXY), E(HTTP_PROXY), and E(NO_PROXY) are respected.
"""

    ROLE: str = _of_roles(DOCUMENTATION)
