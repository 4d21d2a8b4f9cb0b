#!/usr/bin/python
# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: litellm_mcp_server_info
short_description: Read the MCP servers of a LiteLLM proxy
version_added: 1.0.0
description:
  - Returns the MCP servers of a LiteLLM proxy, including those that are defined in its configuration file.
  - The result never contains credentials, or the values of headers and variables.
author:
  - litemaas.virtual_keys contributors (@litemaas)
extends_documentation_fragment:
  - litemaas.virtual_keys._connection
  - litemaas.virtual_keys._attributes.info_module
  - litemaas.virtual_keys._attributes.action_group
options:
  server_id:
    description: The ID of the server to read.
    type: str
  server_name:
    description: The name of the server to read.
    type: str
  alias:
    description: The alias of the server to read.
    type: str
seealso:
  - module: litemaas.virtual_keys.litellm_mcp_server
"""

EXAMPLES = r"""
# The address and the master key come from the environment variables LITELLM_PROXY_URL and LITELLM_PROXY_API_KEY.
- name: Read all MCP servers
  litemaas.virtual_keys.litellm_mcp_server_info:
  register: all

- name: List those that all keys can use
  ansible.builtin.debug:
    msg: "{{ all.mcp_servers | selectattr('allow_all_keys') | map(attribute='server_name') | join(', ') }}"

- name: Read one by its name
  litemaas.virtual_keys.litellm_mcp_server_info:
    server_name: issues
"""

RETURN = r"""
mcp_servers:
  description:
    - The MCP servers, sorted by ID. Empty if no server matches.
    - Each contains the options of M(litemaas.virtual_keys.litellm_mcp_server) that are fields of the server, with asterisks
      instead of credentials and of the values of headers and variables, and the readings below. C(credentials) contains
      only entries that this collection has written, and those that LiteLLM shows.
  returned: success
  type: list
  elements: dict
  contains:
    is_config:
      description: Whether the server is defined in the configuration file of the proxy. Null if LiteLLM does not tell.
      returned: always
      type: bool
    created_at:
      description: When the server was created.
      returned: always
      type: str
    updated_at:
      description: When the server was last changed.
      returned: always
      type: str
    declaration:
      description: The options for the module of the object that declare it as it is. Null if it cannot be declared.
      returned: if O(declaration) is true
      type: dict
    hidden:
      description: The secrets, which are not in RV(mcp_servers[].declaration), each as the option and its entry.
      returned: if O(declaration) is true
      type: list
      elements: list
    not_declared:
      description: The reason for each other option that is not in RV(mcp_servers[].declaration). That of the whole object has
        an empty name.
      returned: if O(declaration) is true
      type: dict
  sample:
    - server_id: issues
      server_name: issues
      alias: issues
      transport: http
      url: https://issues.example.com/mcp
      auth_type: bearer_token
      credentials:
        auth_value: "********"
      allowed_tools: [search_issues, read_issue]
      is_config: false
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
    path: /v1/mcp/server
    hint: Check api_url, and that the proxy is running and can be reached from the host that runs this task.
"""

from ansible_collections.litemaas.virtual_keys.plugins.module_utils._module import Module, ModuleFactory, run_info
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._mcp_server._kind import McpServer


def main(start: ModuleFactory = Module) -> None:
    run_info(McpServer(), start)


if __name__ == "__main__":
    main()
