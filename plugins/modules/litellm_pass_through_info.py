#!/usr/bin/python
# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: litellm_pass_through_info
short_description: Read the pass-through endpoints of a LiteLLM proxy
version_added: 1.1.0
description:
  - Returns the pass-through endpoints of a LiteLLM proxy, also those from its configuration file. The values of headers are
    hidden.
author:
  - litemaas.virtual_keys contributors (@litemaas)
extends_documentation_fragment:
  - litemaas.virtual_keys._connection
  - litemaas.virtual_keys._attributes.info_module
  - litemaas.virtual_keys._attributes.action_group
options:
  endpoint_id:
    description: The ID of the endpoint to read.
    type: str
  path:
    description: The path of the endpoints to read.
    type: str
seealso:
  - module: litemaas.virtual_keys.litellm_pass_through
"""

EXAMPLES = r"""
# The address and the master key come from the environment variables LITELLM_PROXY_URL and LITELLM_PROXY_API_KEY.
- name: Read all pass-through endpoints
  litemaas.virtual_keys.litellm_pass_through_info:
  register: all

- name: List their targets
  ansible.builtin.debug:
    msg: "{{ item.path }}: {{ item.target }}"
  loop: "{{ all.endpoints }}"
  loop_control:
    label: "{{ item.endpoint_id }}"
"""

RETURN = r"""
endpoints:
  description:
    - The endpoints, sorted by ID. Empty if no endpoint matches.
    - Each contains the options of M(litemaas.virtual_keys.litellm_pass_through) that are fields of the endpoint, and the
      readings below.
  returned: success
  type: list
  elements: dict
  contains:
    endpoint_id:
      description:
        - The ID of the endpoint. For an endpoint from the configuration file, LiteLLM can choose another one at each start.
      returned: always
      type: str
    is_from_config:
      description: Whether the endpoint is owned by the configuration file of the proxy.
      returned: always
      type: bool
    declaration:
      description: The options for the module of the object that declare it as it is. Null if it cannot be declared.
      returned: if O(declaration) is true
      type: dict
    hidden:
      description: The secrets, which are not in RV(endpoints[].declaration), each as the option and its entry.
      returned: if O(declaration) is true
      type: list
      elements: list
    not_declared:
      description: The reason for each other option that is not in RV(endpoints[].declaration). That of the whole object has
        an empty name.
      returned: if O(declaration) is true
      type: dict
  sample:
    - endpoint_id: rerank
      path: /rerank-service
      target: https://rerank.example.com/v1
      headers:
        Authorization: "********"
      methods: [POST]
      is_from_config: false
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

from ansible_collections.litemaas.virtual_keys.plugins.module_utils._module import Module, ModuleFactory, run_info
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._pass_through import PassThrough


def main(start: ModuleFactory = Module) -> None:
    run_info(PassThrough(), start)


if __name__ == "__main__":
    main()
