# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options that the main tasks of roles share. Private: only for use inside this collection."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  variables:
    description:
      - The prefix of variables of the play. Each variable with this prefix whose name without it is an option of this
        module sets the option, unless the variable is empty. The roles of this collection use V(litellm_vkey_).
    type: str
  api_url:
    description:
      - The URL of the proxy, with or without C(/v1).
      - If it is not set, the environment variable E(LITELLM_PROXY_URL) is used, then E(LITELLM_API_URL).
    type: str
  master_key:
    description:
      - The master key, or the key of a proxy admin.
      - If it is not set, the environment variable E(LITELLM_PROXY_API_KEY) is used, then E(LITELLM_MASTER_KEY).
    type: str
    aliases:
      - api_key
  verify_ssl:
    description: Whether to verify the TLS certificate of the proxy.
    type: bool
    default: true
    aliases:
      - validate_certs
  ca_path:
    description: The path to a file or a folder with the CA certificates to trust, in PEM format.
    type: path
  client_cert:
    description: The path to a client certificate in PEM format, for a proxy that requires one.
    type: path
  client_key:
    description: The path to the private key of O(client_cert), if it is in a separate file.
    type: path
  changed_by:
    description:
      - The person on whose behalf the task runs. It is sent in the header C(litellm-changed-by), which LiteLLM writes
        to its audit log (Enterprise).
    type: str
  api_timeout:
    description: The time limit for one request, in seconds.
    type: int
    default: 30
    aliases:
      - timeout
  retry_count:
    description:
      - The number of times to retry a request after a temporary failure.
      - If the proxy has not answered any request of the run, it gives up after 10 seconds at the latest.
    type: int
    default: 8
    aliases:
      - retries
  retry_delay:
    description: Accepted for existing playbooks. The delay between retries increases automatically.
    type: raw
    default: 2
requirements:
  - requests >= 2.28 (Python library, on the host that runs the task)
notes:
  - All options can be text, as in C(-e) and in AWX surveys. An empty answer means that the option is not set.
"""
