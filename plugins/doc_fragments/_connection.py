# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The connection options, which all modules share. Private: only for use inside this collection."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  api_url:
    description:
      - The URL of the LiteLLM proxy, such as V(https://litellm.example.com).
      - It can contain a path, a trailing slash, and a trailing C(/v1).
      - If it is not set, the environment variable E(LITELLM_PROXY_URL) is used, then E(LITELLM_API_URL).
    type: str
    required: true
  api_key:
    description:
      - The master key of the proxy, or the key of a proxy admin.
      - If it is not set, the environment variable E(LITELLM_PROXY_API_KEY) is used, then E(LITELLM_MASTER_KEY).
      - The module issues a warning if the key is sent to another machine or to a web proxy over plain C(http).
    type: str
    required: true
    aliases:
      - master_key
  validate_certs:
    description:
      - Whether to verify the TLS certificate of the proxy. For a private CA, use O(ca_path) instead of turning this
        off, which the module warns of.
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
      - A proxy that has not answered any request of the run may not be there at all. The module gives up after about 7
        seconds in this case, or after 10 seconds if something accepts the connection and does not answer.
      - Before the module retries the creation of a key, it checks whether the key was created.
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
