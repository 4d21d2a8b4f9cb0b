#!/usr/bin/python
# SPDX-FileCopyrightText: litemaas.virtual_keys contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: litellm_search_tool_info
short_description: Read the search tools of a LiteLLM proxy
version_added: 1.1.0
description:
  - Returns the search tools of a LiteLLM proxy, also those from its configuration file. Secrets are hidden.
author:
  - litemaas.virtual_keys contributors (@litemaas)
extends_documentation_fragment:
  - litemaas.virtual_keys._connection
  - litemaas.virtual_keys._attributes.info_module
  - litemaas.virtual_keys._attributes.action_group
options:
  search_tool_name:
    description: The name of the search tool to read.
    type: str
seealso:
  - module: litemaas.virtual_keys.litellm_search_tool
"""

EXAMPLES = r"""
# The address and the master key come from the environment variables LITELLM_PROXY_URL and LITELLM_PROXY_API_KEY.
- name: Read all search tools
  litemaas.virtual_keys.litellm_search_tool_info:
  register: all

- name: List their providers
  ansible.builtin.debug:
    msg: "{{ item.search_tool_name }}: {{ item.litellm_params.search_provider }}"
  loop: "{{ all.search_tools }}"
  loop_control:
    label: "{{ item.search_tool_name }}"
"""

RETURN = r"""
search_tools:
  description:
    - The search tools, sorted by name. Empty if there is none.
    - Each contains the options of M(litemaas.virtual_keys.litellm_search_tool) that are fields of the search tool, and the
      readings below.
  returned: success
  type: list
  elements: dict
  contains:
    search_tool_name:
      description: The name of the search tool.
      returned: always
      type: str
    search_tool_id:
      description: The ID that LiteLLM chose. Null for a search tool from the configuration file.
      returned: always
      type: str
    is_from_config:
      description: Whether the search tool is owned by the configuration file of the proxy.
      returned: always
      type: bool
    created_at:
      description: When the search tool was created.
      returned: always
      type: str
    updated_at:
      description: When the search tool was last changed.
      returned: always
      type: str
    declaration:
      description: The options for the module of the object that declare it as it is. Null if it cannot be declared.
      returned: if O(declaration) is true
      type: dict
    hidden:
      description: The secrets, which are not in RV(search_tools[].declaration), each as the option and its entry.
      returned: if O(declaration) is true
      type: list
      elements: list
    not_declared:
      description: The reason for each other option that is not in RV(search_tools[].declaration). That of the whole object has
        an empty name.
      returned: if O(declaration) is true
      type: dict
  sample:
    - search_tool_name: web
      litellm_params:
        search_provider: tavily
        api_key: "********"
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
    path: /search_tools/list
    hint: Check api_url, and that the proxy is running and can be reached from the host that runs this task.
"""

from ansible_collections.litemaas.virtual_keys.plugins.module_utils._module import Module, ModuleFactory, run_info
from ansible_collections.litemaas.virtual_keys.plugins.module_utils._resources._search_tool import SearchTool


def main(start: ModuleFactory = Module) -> None:
    run_info(SearchTool(), start)


if __name__ == "__main__":
    main()
