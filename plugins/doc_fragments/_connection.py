# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How to reach a proxy: the options that all modules share. Private: only for use inside this collection."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  api_url:
    description:
      - Address of the LiteLLM proxy, such as V(https://litellm.example.com).
      - A path below the host, a trailing slash and a trailing C(/v1) are all accepted.
      - If not given, the environment variable E(LITELLM_PROXY_URL) is used, then E(LITELLM_API_URL).
    type: str
    required: true
  api_key:
    description:
      - The proxy's master key, or the key of a proxy admin.
      - If not given, the environment variable E(LITELLM_PROXY_API_KEY) is used, then E(LITELLM_MASTER_KEY).
      - If it would travel over plain C(http) to another machine, the module warns.
    type: str
    required: true
    aliases:
      - master_key
  validate_certs:
    description:
      - Whether the proxy's TLS certificate is checked. Rather than turn this off, use O(ca_path).
    type: bool
    default: true
  ca_path:
    description:
      - Path of a file, or of a folder, with the CA certificates to trust, in PEM format.
      - If not given, the environment variable E(REQUESTS_CA_BUNDLE) is used, then E(CURL_CA_BUNDLE),
        then the certificates that Python's requests brings along.
    type: path
  client_cert:
    description:
      - Path of a client certificate in PEM format, for a proxy that asks for one. The file may hold the private key
        as well.
    type: path
  client_key:
    description:
      - Path of the private key of O(client_cert), if it stands in a file of its own. It must not be encrypted.
    type: path
  timeout:
    description:
      - How long to wait for the answer to one request, in seconds; at least 1.
    type: int
    default: 30
  retries:
    description:
      - How many more times a request is tried when the proxy cannot be reached, is busy (HTTP 429, 502, 503, 504)
        or has lost its database. V(0) tries once.
      - The waits in between grow up to 10 seconds, or up to 60 if the proxy asks for it with C(Retry-After).
        Five of them last about 20 seconds, three about 5.
      - The creation of a key is not simply repeated, the module first looks whether the key was made.
    type: int
    default: 5
  changed_by:
    description:
      - On whose behalf the task runs, such as V(jane@example.com). Sent as header C(litellm-changed-by),
        which LiteLLM writes to its audit log (Enterprise).
    type: str
requirements:
  - requests >= 2.28 (Python library, on the host that runs the task)
notes:
  - 'The environment variables are those of the host that runs the task, and so are all paths. Run the task on the
    control node, with C(hosts: localhost) or C(delegate_to: localhost), to use those of the C(ansible-playbook)
    command.'
  - The master key belongs in none of your files in plain text. Put it into the environment, into a variable encrypted
    with Ansible Vault, or into an AWX custom credential type that sets E(LITELLM_PROXY_API_KEY). Do not pass it on
    the command line with C(-e), where others can see it.
  - A web proxy set with E(HTTPS_PROXY), E(HTTP_PROXY) and E(NO_PROXY) is used.
"""
