#!/usr/bin/python
# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: litellm_pass_through
short_description: Manage a pass-through endpoint on a LiteLLM proxy
version_added: 1.1.0
description:
  - Creates, updates, or deletes a pass-through endpoint, which is a path of the proxy whose requests are sent to another URL.
  - LiteLLM accepts the same path twice and the paths of its own API. This module refuses both.
  - LiteLLM keeps all endpoints in one row of its database, which it rewrites without a lock. Of several writes at the same
    time, LiteLLM can lose all but one. The module looks again at least one second after a write, and repeats what was lost,
    for about a minute. Plays that run at the same time end with the endpoints of all of them. Another program that changes
    the general settings of the proxy at the same time, such as the UI, can still lose its own write.
  - With several workers or replicas of LiteLLM, the others use a change after up to 30 seconds.
author:
  - litemaas.virtual_keys contributors (@litemaas)
requirements:
  - LiteLLM 1.106.2 or newer
extends_documentation_fragment:
  - litemaas.virtual_keys._connection
  - litemaas.virtual_keys._attributes
  - litemaas.virtual_keys._attributes.action_group
attributes:
  idempotent:
    support: full
options:
  state:
    description:
      - V(present) creates the endpoint or updates the options that are set. V(absent) deletes it.
    type: str
    choices: [present, absent]
    default: present
  endpoint_id:
    description:
      - The ID of the endpoint, which you choose. It cannot be changed.
      - To manage an endpoint that was created in the UI, use the ID that M(litemaas.virtual_keys.litellm_pass_through_info)
        returns.
    type: str
    required: true
  path:
    description:
      - The path on the proxy, such as V(/docs). Required for a new endpoint.
      - It must not be a path of LiteLLM itself, or that of another endpoint with one of the same O(methods).
    type: str
  target:
    description: The URL to which requests are sent. Required for a new endpoint.
    type: str
  headers:
    description:
      - The headers that are added to each request, such as the key of a provider.
      - LiteLLM stores them without encryption, and shows them to all admins. A value such as V(os.environ/DOCS_KEY) is
        replaced with an environment variable of the proxy.
      - All headers are replaced. Their values do not appear in results, diffs, or logs.
    type: dict
  default_query_params:
    description: The query parameters that are added to each request that does not have them. All of them are replaced.
    type: dict
  include_subpath:
    description: Whether paths that begin with O(path) are sent to the target as well. The default of LiteLLM is V(false).
    type: bool
  methods:
    description: The HTTP methods of the endpoint. Without it, the endpoint has all of them.
    type: list
    elements: str
    choices: [DELETE, GET, PATCH, POST, PUT]
  auth:
    description:
      - Whether requests need a key of the proxy. The default of LiteLLM is V(true).
      - With V(false), everybody who can reach the proxy can send requests with the O(headers) of the endpoint. The task
        shows a warning.
    type: bool
  guardrails:
    description:
      - The guardrails that check requests to the endpoint, each as the name of an entry with its settings or null. They must
        exist.
      - All entries are replaced.
    type: dict
  request_timeout:
    description:
      - The number of seconds that the target has for its answer.
      - LiteLLM cannot remove it from an existing endpoint. The module creates a copy without it and then deletes the old
        endpoint. If this is interrupted, the next run completes it.
    type: float
  cost_per_request:
    description: The cost in USD that is recorded for each request.
    type: float
  unset:
    description:
      - The options whose values are removed from the endpoint.
    type: list
    elements: str
    choices:
      - headers
      - default_query_params
      - include_subpath
      - methods
      - guardrails
      - request_timeout
      - cost_per_request
  validate_references:
    description:
      - Whether to fail before anything is written if one of O(guardrails) does not exist.
      - In check mode, the task shows a warning instead, because an earlier task of the play may create them.
    type: bool
    default: true
seealso:
  - module: litemaas.virtual_keys.litellm_pass_through_info
"""

EXAMPLES = r"""
# The address and the master key come from the environment variables LITELLM_PROXY_URL and LITELLM_PROXY_API_KEY.
- name: Let keys of the proxy use the API of a provider that LiteLLM does not know
  litemaas.virtual_keys.litellm_pass_through:
    endpoint_id: rerank
    path: /rerank-service
    target: https://rerank.example.com/v1
    include_subpath: true
    headers:
      Authorization: "Bearer {{ vault_openai_key }}"
    methods: [POST]
    request_timeout: 30
    cost_per_request: 0.001

- name: Wait for its answers as long as for those of others
  litemaas.virtual_keys.litellm_pass_through:
    endpoint_id: rerank
    unset: [request_timeout]

- name: Delete the endpoint
  litemaas.virtual_keys.litellm_pass_through:
    endpoint_id: rerank
    state: absent
"""

RETURN = r"""
endpoint_id:
  description: The ID of the endpoint.
  returned: success, and failure of a write
  type: str
  sample: rerank
action:
  description: What was done, or would be done in check mode. V(create), V(update), V(delete), or V(none).
  returned: success, and failure of a write
  type: str
  sample: update
endpoint:
  description:
    - The endpoint after the task. In check mode, the endpoint as it would be. Null for an endpoint that does not exist.
    - Contains each option of this module that is a field of the endpoint, and the readings below. The values of headers are
      hidden.
  returned: success, and failure of a write
  type: dict
  contains:
    endpoint_id:
      description: The ID of the endpoint.
      returned: always
      type: str
    is_from_config:
      description: Whether the endpoint is owned by the configuration file of the proxy.
      returned: always
      type: bool
  sample:
    endpoint_id: rerank
    path: /rerank-service
    target: https://rerank.example.com/v1
    headers:
      Authorization: "********"
    methods: [POST]
diff:
  description: The options that are set, before and after the task.
  returned: in diff mode
  type: dict
  sample:
    before_header: rerank
    after_header: rerank
    before:
      cost_per_request: 0.0
    after:
      cost_per_request: 0.001
failure:
  description: The answer of the proxy, if it rejected a request or could not be reached.
  returned: failure of a request
  type: dict
  sample:
    message: "Cannot connect to https://litellm.example.com: Connection refused."
    status: 0
    type: ""
    code: connection
    param: ""
    method: GET
    path: /config/pass_through_endpoint
    hint: Check api_url, and that the proxy is running and can be reached from the host that runs this task.
"""

from ansible_collections.litemaas.virtual_keys.plugins.module_utils._module import Module, ModuleFactory, run
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._pass_through import PassThrough


def main(start: ModuleFactory = Module) -> None:
    run(PassThrough(), start)


if __name__ == "__main__":
    main()
