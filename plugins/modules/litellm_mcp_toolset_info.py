#!/usr/bin/python
# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: litellm_mcp_toolset_info
short_description: Read the MCP toolsets of a LiteLLM proxy
version_added: 1.0.0
description:
  - Returns the MCP toolsets of a LiteLLM proxy with their tools.
author:
  - litemaas.virtual_keys contributors (@litemaas)
extends_documentation_fragment:
  - litemaas.virtual_keys._connection
  - litemaas.virtual_keys._attributes.info_module
  - litemaas.virtual_keys._attributes.action_group
options:
  toolset_name:
    description: The name of the toolset to read.
    type: str
seealso:
  - module: litemaas.virtual_keys.litellm_mcp_toolset
"""

EXAMPLES = r"""
# The address and the master key come from the environment variables LITELLM_PROXY_URL and LITELLM_PROXY_API_KEY.
- name: Read all MCP toolsets
  litemaas.virtual_keys.litellm_mcp_toolset_info:
  register: all

- name: List their tools
  ansible.builtin.debug:
    msg: "{{ item.toolset_name }}: {{ item.tools | map(attribute='tool_name') | join(', ') }}"
  loop: "{{ all.mcp_toolsets }}"
  loop_control:
    label: "{{ item.toolset_name }}"
"""

RETURN = r"""
mcp_toolsets:
  description:
    - The toolsets, sorted by name. Empty if no toolset matches.
    - Each contains the options of M(litemaas.virtual_keys.litellm_mcp_toolset) that are fields of the toolset, and the
      readings below.
  returned: success
  type: list
  elements: dict
  contains:
    toolset_id:
      description: The ID that LiteLLM chose.
      returned: always
      type: str
    created_at:
      description: When the toolset was created.
      returned: always
      type: str
    updated_at:
      description: When the toolset was last changed.
      returned: always
      type: str
    declaration:
      description: The options for the module of the object that declare it as it is. Null if it cannot be declared.
      returned: if O(declaration) is true
      type: dict
    hidden:
      description: The secrets, which are not in RV(mcp_toolsets[].declaration), each as the option and its entry.
      returned: if O(declaration) is true
      type: list
      elements: list
    not_declared:
      description: The reason for each other option that is not in RV(mcp_toolsets[].declaration). That of the whole object has
        an empty name.
      returned: if O(declaration) is true
      type: dict
  sample:
    - toolset_name: readers
      toolset_id: 0b2c4d6e-8f01-4a23-b456-7c89d0e1f234
      description: What can be read without harm
      tools:
        - server_id: tickets
          tool_name: read_ticket
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
    path: /v1/mcp/toolset
    hint: Check api_url, and that the proxy is running and can be reached from the host that runs this task.
"""

from ansible_collections.litemaas.virtual_keys.plugins.module_utils._module import Module, ModuleFactory, run_info
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._mcp_toolset import McpToolset


def main(start: ModuleFactory = Module) -> None:
    run_info(McpToolset(), start)


if __name__ == "__main__":
    main()
